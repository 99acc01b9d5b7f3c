//! Functions of JSON in a column.
//!
//! ```text
//! text ─ formats::json ─► typed value                             from_json
//! text ─ text::parse ─► Json ─┬─ path::evaluate ─► string         get_json_object
//!                             └─ inference::shape ─► type           schema_of_json
//! typed value ─ write::Writer ─► text                             to_json
//! ```

mod functions;
pub(super) mod path;
pub mod write;

pub use self::functions::constant_schema;
use super::entry::*;

/// Functions of JSON in a column. Options are a constant map, whose keys are read in any case.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("from_json", functions::from_json)
        .takes(&[string("jsonStr"), text("schema"), value("options", "MAP<STRING, STRING>").optional()])
        .returns("STRUCT, ARRAY or MAP, by the schema")
        .null_if("Null if the string is null or empty; malformed values are null fields.")
        .about("Reads JSON by a schema, which is DDL or JSON itself.")
        .example("from_json('{\"a\":1, \"b\":0.8}', 'a INT, b DOUBLE')", "{1, 0.8}"),
    scalar("to_json", functions::to_json)
        .takes(&[value("expr", "STRUCT, ARRAY or MAP"), value("options", "MAP<STRING, STRING>").optional()]).returns("STRING")
        .about("Writes a value as JSON; fields that are null are left out.")
        .example("to_json(named_struct('a', 1, 'b', 2))", "{\"a\":1,\"b\":2}"),
    scalar("get_json_object", functions::get_json_object).takes(&[string("json_txt"), text("path")]).returns("STRING")
        .null_if("Null if an argument is null, the JSON is malformed or nothing is at the path.")
        .about("Returns what is at a path such as `$.a[0]`; strings without quotes, other values as JSON.")
        .example("get_json_object('{\"a\":\"b\"}', '$.a')", "b"),
    generator("json_tuple", functions::json_tuple).takes(&[string("jsonStr"), text("p"), text("ps").repeated()])
        .null_if("A null or malformed string makes a row of nulls.")
        .about("Makes a row of the members of a JSON object that are named, as strings.")
        .example("json_tuple('{\"a\":1, \"b\":2}', 'a', 'b')", "1\t2"),
    scalar("json_array_length", functions::json_array_length).takes(&[string("jsonArray")]).returns("INT")
        .null_if("Null if the string is null or is not a JSON array.")
        .about("Returns the number of elements of a JSON array.")
        .example("json_array_length('[1,2,3,{\"f1\":1,\"f2\":[5,6]},4]')", "5"),
    scalar("json_object_keys", functions::json_object_keys).takes(&[string("json_object")]).returns("ARRAY<STRING>")
        .null_if("Null if the string is null or is not a JSON object.")
        .about("Returns the names of the members of a JSON object.")
        .example("json_object_keys('{\"f1\":\"abc\",\"f2\":{\"f3\":\"a\", \"f4\":\"b\"}}')", "[f1, f2]"),
    scalar("schema_of_json", functions::schema_of_json)
        .takes(&[literal("json", "STRING"), value("options", "MAP<STRING, STRING>").optional()]).returns("STRING")
        .about("Returns the schema of a JSON literal as DDL.")
        .example("schema_of_json('[{\"col\":0}]')", "ARRAY<STRUCT<col: BIGINT>>"),
];
