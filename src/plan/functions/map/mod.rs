//! Functions of maps.
//!
//! A map keeps the order in which its entries were made. Its keys are never null and never equal; maps
//! can neither be compared nor hashed, as in Spark.

pub(super) mod lambdas;
pub(super) mod maps;

use super::entry::*;

/// Functions of maps; those that take a lambda are forms.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("map", maps::map).takes(&[any("key").repeated(), any("value").repeated()]).returns("MAP").nulls(Nulls::Never)
        .about("Makes a map of keys and values in turn.")
        .example("map(1.0, '2', 3.0, '4')", "{1.0 -> 2, 3.0 -> 4}"),
    scalar("map_from_arrays", maps::from_arrays).takes(&[array("keys"), array("values")]).returns("MAP")
        .about("Makes a map of an array of keys and one of values.")
        .example("map_from_arrays(array(1.0, 3.0), array('2', '4'))", "{1.0 -> 2, 3.0 -> 4}"),
    scalar("map_from_entries", maps::from_entries).takes(&[value("arrayOfEntries", "ARRAY<STRUCT>")]).returns("MAP")
        .null_if("Null if the array or one of its entries is null.")
        .about("Makes a map of an array of structs of a key and a value.")
        .example("map_from_entries(array(struct(1, 'a'), struct(2, 'b')))", "{1 -> a, 2 -> b}"),
    scalar("map_concat", maps::concat).takes(&[map("map").repeated()]).returns("MAP")
        .about("Makes one map of several.")
        .example("map_concat(map(1, 'a', 2, 'b'), map(3, 'c'))", "{1 -> a, 2 -> b, 3 -> c}"),
    scalar("map_keys", maps::keys).takes(&[map("map")]).returns("ARRAY")
        .about("Returns the keys.")
        .example("map_keys(map(1, 'a', 2, 'b'))", "[1, 2]"),
    scalar("map_values", maps::values).takes(&[map("map")]).returns("ARRAY")
        .about("Returns the values.")
        .example("map_values(map(1, 'a', 2, 'b'))", "[a, b]"),
    scalar("map_entries", maps::entries).takes(&[map("map")]).returns("ARRAY<STRUCT<key, value>>")
        .about("Returns the entries as structs of key and value.")
        .example("map_entries(map(1, 'a', 2, 'b'))", "[{1, a}, {2, b}]"),
    scalar("map_contains_key", maps::contains_key).takes(&[map("map"), literal("key", "ANY")]).returns("BOOLEAN")
        .about("Tests whether a map has a key.")
        .example("map_contains_key(map(1, 'a', 2, 'b'), 1)", "true"),
    scalar("str_to_map", maps::str_to_map).takes(&[string("text"), text("pairDelim").or("','"), text("keyValueDelim").or("':'")])
        .returns("MAP<STRING, STRING>")
        .about("Makes a map of a string: both delimiters are regular expressions.")
        .example("str_to_map('a:1,b:2,c:3', ',', ':')", "{a -> 1, b -> 2, c -> 3}"),
    form("transform_keys", lambdas::transform_keys).takes(&[map("expr"), lambda("func", "(K, V) -> ANY")]).returns("MAP")
        .about("Replaces each key by what a lambda makes of its entry.")
        .example("transform_keys(map_from_arrays(array(1, 2, 3), array(1, 2, 3)), (k, v) -> k + 1)", "{2 -> 1, 3 -> 2, 4 -> 3}"),
    form("transform_values", lambdas::transform_values).takes(&[map("expr"), lambda("func", "(K, V) -> ANY")]).returns("MAP")
        .about("Replaces each value by what a lambda makes of its entry.")
        .example("transform_values(map_from_arrays(array(1, 2, 3), array(1, 2, 3)), (k, v) -> v + 1)", "{1 -> 2, 2 -> 3, 3 -> 4}"),
    form("map_filter", lambdas::map_filter).takes(&[map("expr"), lambda("func", "(K, V) -> BOOLEAN")])
        .returns("the type of the map")
        .about("Returns the entries for which a lambda is true.")
        .example("map_filter(map(1, 0, 2, 2, 3, -1), (k, v) -> k > v)", "{1 -> 0, 3 -> -1}"),
    form("map_zip_with", lambdas::map_zip_with).takes(&[map("map1"), map("map2"), lambda("function", "(K, V1, V2) -> ANY")])
        .returns("MAP")
        .about("Joins two maps by their keys, with the values that a lambda makes of both; null where a map has no such key.")
        .example("map_zip_with(map(1, 'a', 2, 'b'), map(1, 'x', 2, 'y'), (k, v1, v2) -> concat(v1, v2))", "{1 -> ax, 2 -> by}"),
];
