//! Functions of arrays and structs.
//!
//! Arrays are list columns: the elements of all rows are one array. Functions choose elements by their
//! places in it and take them together (see [`super::list`]); they do not touch values one by one
//! unless they must compare them.
//!
//! ```text
//! arrays    made, measured, cut, joined, indexed     sequence   sequence(start, stop, step)
//! sets      membership, union, extremes              structs    struct, named_struct
//! order     sort_array, array_sort
//! ```

pub(super) mod arrays;
pub(super) mod order;
pub(super) mod sequence;
pub(super) mod sets;
pub(super) mod structs;

use super::entry::*;

/// How tables name the type of a result that is an array like the argument.
const SAME: &str = "the type of the array";
/// How tables name the type of a result that is an element of the argument.
const ELEMENT: &str = "the type of the elements";

/// Functions of arrays and structs.
///
/// Without words about nulls, an entry is null if an argument is; elements may be null all the same.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("array", arrays::array).takes(&[any("expr").repeated()]).returns("ARRAY").nulls(Nulls::Never)
        .about("Makes an array of its arguments.")
        .example("array(1, 2, 3)", "[1, 2, 3]"),
    scalar("size", arrays::size).aliases(&["cardinality"]).takes(&[value("expr", "ARRAY or MAP")]).returns("INT")
        .about("Returns the number of elements of an array or entries of a map.")
        .example("size(array('b', 'd', 'c', 'a'))", "4"),
    scalar("array_size", arrays::array_size).takes(&[array("expr")]).returns("INT")
        .about("Returns the number of elements.")
        .example("array_size(array('b', 'd', 'c', 'a'))", "4"),
    scalar("sort_array", order::sort_array).takes(&[array("array"), literal("ascendingOrder", "BOOLEAN").or("true")])
        .returns(SAME)
        .about("Sorts an array; nulls come first in ascending order, last in descending.")
        .example("sort_array(array('b', 'd', null, 'c', 'a'), true)", "[null, a, b, c, d]"),
    form("array_sort", order::array_sort).takes(&[array("expr"), lambda("func", "(T, T) -> INT").optional()]).returns(SAME)
        .about("Sorts an array in ascending order with nulls last, or by a lambda that compares two elements.")
        .example("array_sort(array(5, 6, 1), (left, right) -> CASE WHEN left < right THEN 1 WHEN left > right THEN -1 ELSE 0 END)", "[6, 5, 1]"),
    scalar("flatten", arrays::flatten).takes(&[value("arrayOfArrays", "ARRAY<ARRAY>")]).returns("the type of the inner arrays")
        .null_if("Null if the array or one of its arrays is null.")
        .about("Joins the arrays of an array end to end.")
        .example("flatten(array(array(1, 2), array(3, 4)))", "[1, 2, 3, 4]"),
    scalar("slice", arrays::slice).takes(&[array("x"), int("start"), int("length")]).returns(SAME)
        .about("Returns a number of elements from a position, counted from 1 or from the end if negative.")
        .example("slice(array(1, 2, 3, 4), -2, 2)", "[3, 4]"),
    scalar("array_compact", arrays::compact).takes(&[array("array")]).returns(SAME)
        .about("Returns the elements that are not null.")
        .example("array_compact(array(1, 2, 3, null))", "[1, 2, 3]"),
    scalar("array_append", arrays::append).takes(&[array("array"), literal("element", "ANY")]).returns("ARRAY")
        .null_if("Null if the array is null.")
        .about("Adds a value at the end.")
        .example("array_append(array('b', 'd', 'c', 'a'), 'd')", "[b, d, c, a, d]"),
    scalar("array_prepend", arrays::prepend).takes(&[array("array"), literal("element", "ANY")]).returns("ARRAY")
        .null_if("Null if the array is null.")
        .about("Adds a value at the start.")
        .example("array_prepend(array('b', 'd', 'c', 'a'), 'd')", "[d, b, d, c, a]"),
    scalar("array_insert", arrays::insert).takes(&[array("x"), int("pos"), literal("val", "ANY")]).returns("ARRAY")
        .null_if("Null if the array or the position is null.")
        .about("Puts a value at a position, counted from 1 or from the end if negative; gaps are filled with nulls.")
        .example("array_insert(array(5, 3, 2, 1), -4, 4)", "[5, 4, 3, 2, 1]"),
    scalar("array_repeat", arrays::repeat).takes(&[any("element"), int("count")]).returns("ARRAY")
        .null_if("Null if the count is null.")
        .about("Makes an array that repeats a value a number of times.")
        .example("array_repeat('123', 2)", "[123, 123]"),
    scalar("array_join", arrays::join)
        .takes(&[value("array", "ARRAY<STRING>"), text("delimiter"), text("nullReplacement").optional()]).returns("STRING")
        .null_if("Null if an argument is null; null elements are left out or replaced.")
        .about("Joins the elements with a delimiter between them.")
        .example("array_join(array('hello', null, 'world'), ' ', ',')", "hello , world"),
    scalar("arrays_zip", arrays::zip).takes(&[array("array").repeated()]).returns("ARRAY<STRUCT>")
        .about("Makes an array of structs of the elements at the same position; shorter arrays are filled up with nulls.")
        .example("arrays_zip(array(1, 2, 3), array(2, 3, 4))", "[{1, 2}, {2, 3}, {3, 4}]"),
    scalar("get", arrays::get).takes(&[array("array"), int("index")]).returns(ELEMENT)
        .null_if("Null if an argument is null or no element is there.")
        .about("Returns the element at a position, counted from 0.")
        .example("get(array(1, 2, 3), 2)", "3"),
    scalar("element_at", |c| arrays::element_at(c, false)).takes(&[value("collection", "ARRAY or MAP"), literal("key", "ANY")])
        .returns("the type of the elements or values")
        .null_if("Null if an argument is null, or for maps if the key is not there.")
        .about("Returns the element at a position, counted from 1 or from the end if negative, or the value of a key.")
        .example("element_at(array(1, 2, 3), 2)", "2"),
    scalar("try_element_at", |c| arrays::element_at(c, true)).takes(&[value("collection", "ARRAY or MAP"), any("key")])
        .returns("the type of the elements or values").null_if("Null if an argument is null or no element is there.")
        .about("Returns the element at a position or the value of a key, null if there is none.")
        .example("try_element_at(array(1, 2, 3), 5)", "NULL"),
    scalar("sequence", sequence::sequence)
        .takes(&[value("start", "INTEGRAL, DATE or TIMESTAMP"), value("stop", "INTEGRAL, DATE or TIMESTAMP"), value("step", "INTEGRAL or INTERVAL").optional()])
        .returns("ARRAY")
        .about("Makes an array of the values from one to another, both included, by steps of 1 or of a day unless given.")
        .example("sequence(5, 1, -2)", "[5, 3, 1]"),
    scalar("array_contains", sets::contains).takes(&[array("array"), literal("value", "ANY")]).returns("BOOLEAN")
        .null_if("Null if an argument is null, or if the value is not found and an element is null.")
        .about("Tests whether a value is an element.")
        .example("array_contains(array(1, 2, 3), 2)", "true"),
    scalar("array_position", sets::position).takes(&[array("array"), literal("element", "ANY")]).returns("BIGINT")
        .about("Returns the position of the first element that equals a value, counted from 1; 0 if there is none.")
        .example("array_position(array(312, 773, 708, 708), 708)", "3"),
    scalar("array_remove", sets::remove).takes(&[array("array"), literal("element", "ANY")]).returns(SAME)
        .about("Removes the elements that equal a value.")
        .example("array_remove(array(1, 2, 3, null, 3), 3)", "[1, 2, null]"),
    scalar("array_distinct", sets::distinct).takes(&[array("array")]).returns(SAME)
        .about("Removes duplicates; the first of equal elements stays.")
        .example("array_distinct(array(1, 2, 3, null, 3))", "[1, 2, 3, null]"),
    scalar("array_max", |c| sets::extreme(c, true)).takes(&[array("array")]).returns(ELEMENT).nulls(Nulls::Skipped)
        .about("Returns the greatest element.")
        .example("array_max(array(1, 20, null, 3))", "20"),
    scalar("array_min", |c| sets::extreme(c, false)).takes(&[array("array")]).returns(ELEMENT).nulls(Nulls::Skipped)
        .about("Returns the least element.")
        .example("array_min(array(1, 20, null, 3))", "1"),
    scalar("array_union", |c| sets::combined(c, sets::Combine::Union)).takes(&[array("array1"), array("array2")])
        .returns("the common type of the arrays")
        .about("Returns the elements of either array, without duplicates.")
        .example("array_union(array(1, 2, 3), array(1, 3, 5))", "[1, 2, 3, 5]"),
    scalar("array_except", |c| sets::combined(c, sets::Combine::Except)).takes(&[array("array1"), array("array2")])
        .returns("the common type of the arrays")
        .about("Returns the elements of the first array that are not in the second, without duplicates.")
        .example("array_except(array(1, 2, 3), array(1, 3, 5))", "[2]"),
    scalar("array_intersect", |c| sets::combined(c, sets::Combine::Intersect)).takes(&[array("array1"), array("array2")])
        .returns("the common type of the arrays")
        .about("Returns the elements of both arrays, without duplicates.")
        .example("array_intersect(array(1, 2, 3), array(1, 3, 5))", "[1, 3]"),
    scalar("arrays_overlap", sets::overlap).takes(&[array("a1"), array("a2")]).returns("BOOLEAN")
        .null_if("Null if an array is null, or if nothing is common and an element is null.")
        .about("Tests whether two arrays have an element in common.")
        .example("arrays_overlap(array(1, 2, 3), array(3, 4, 5))", "true"),
    scalar("struct", structs::structure).takes(&[any("col").repeated()]).returns("STRUCT").nulls(Nulls::Never)
        .about("Makes a struct of its arguments, whose fields are named as the columns are.")
        .example("struct(1, 2, 3)", "{1, 2, 3}"),
    scalar("named_struct", structs::named).takes(&[text("name").repeated(), any("val").repeated()]).returns("STRUCT")
        .nulls(Nulls::Never)
        .about("Makes a struct of names and values in turn.")
        .example("named_struct('a', 1, 'b', 2)", "{1, 2}"),
];
