//! Type names and schemas, as casts, DDL and `from_json` write them.

use super::super::{parse_data_type, parse_schema};
use super::render::data_type;

/// Each name of Spark's grammar, in any case, with its parameters.
#[test]
fn every_type_name_of_spark_is_known() {
    for (text, expected) in [
        ("BOOLEAN", "boolean"),
        ("tinyint", "byte"),
        ("short", "short"),
        ("Integer", "integer"),
        ("bigint", "long"),
        ("real", "float"),
        ("double", "double"),
        ("decimal", "decimal(10,0)"),
        ("dec(5)", "decimal(5,0)"),
        ("numeric( 38 , 18 )", "decimal(38,18)"),
        ("string", "string"),
        ("string collate UTF8_LCASE", "string collate UTF8_LCASE"),
        ("char(3)", "char(3)"),
        ("varchar(10)", "varchar(10)"),
        ("binary", "binary"),
        ("date", "date"),
        ("timestamp", "timestamp"),
        ("timestamp_ltz", "timestamp"),
        ("timestamp_ntz", "timestampntz"),
        ("time", "time(6)"),
        ("time(3)", "time(3)"),
        ("interval", "calendarinterval"),
        ("interval year to month", "ym0-1"),
        ("INTERVAL MONTH", "ym1-1"),
        ("interval day to second", "dt0-3"),
        ("interval hour", "dt1-1"),
        ("void", "null"),
        ("variant", "variant"),
        ("array<array<int>>", "array<array<integer>>"),
        (
            "map<string,struct<a:int,b string NOT NULL>>",
            "map<string,struct<a:integer,b:string not null>>",
        ),
        ("struct<>", "struct<>"),
    ] {
        match parse_data_type(text) {
            Ok(parsed) => assert_eq!(data_type(&parsed), expected, "{text}"),
            Err(error) => panic!("{text}: {error}"),
        }
    }
}

/// A list of columns is a struct; a single type is itself.
#[test]
fn schemas_are_columns_or_one_type() {
    for (text, expected) in [
        ("", "struct<>"),
        ("a INT", "struct<a:integer>"),
        (
            "`a.b` STRUCT<x: DATE, y: TIMESTAMP>, c MAP<STRING, INT>",
            "struct<a.b:struct<x:date,y:timestamp>,c:map<string,integer>>",
        ),
        ("struct<a:int>", "struct<a:integer>"),
        ("int", "integer"),
        ("interval day", "dt0-0"),
    ] {
        match parse_schema(text) {
            Ok(parsed) => assert_eq!(data_type(&parsed), expected, "{text}"),
            Err(error) => panic!("{text}: {error}"),
        }
    }
}

/// Each way to misspell a type has a condition of its own.
#[test]
fn wrong_types_name_their_condition() {
    for (text, condition) in [
        ("nope", "UNSUPPORTED_DATATYPE"),
        ("array", "INCOMPLETE_TYPE_DEFINITION.ARRAY"),
        ("struct", "INCOMPLETE_TYPE_DEFINITION.STRUCT"),
        ("varchar", "DATATYPE_MISSING_SIZE"),
        ("decimal(39)", "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION"),
        ("array<int", "PARSE_SYNTAX_ERROR"),
        ("int int", "PARSE_SYNTAX_ERROR"),
        ("interval month to day", "PARSE_SYNTAX_ERROR"),
        ("", "PARSE_EMPTY_STATEMENT"),
    ] {
        assert_eq!(parse_data_type(text).unwrap_err().condition(), condition, "{text}");
    }
}
