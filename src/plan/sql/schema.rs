//! Schemas in Spark's DDL: `a INT NOT NULL, b ARRAY<STRING> COMMENT 'x'`.
//!
//! A list of columns and the inside of `STRUCT<…>` are one grammar, but for the colon that may follow a
//! field's name.

use sc::data_type::{Kind, Struct, StructField};

use super::data_type::{MAX_TYPE_DEPTH, read_type};
use super::error::SqlError;
use super::message::data_type;
use super::scanner::Scanner;
use super::string_literal::unescape;
use crate::proto as sc;

/// Reads a schema as Spark's `DataType.fromDDL` does: a list of columns makes a struct; else the text
/// is one type.
///
/// ```
/// use rivulet::plan::sql::parse_schema;
/// use rivulet::plan::type_message::from_proto;
/// use rivulet::values::types::simple_string;
///
/// let schema = from_proto(&parse_schema("id BIGINT, tags ARRAY<STRING>")?)?;
/// assert_eq!(simple_string(&schema), "struct<id:bigint,tags:array<string>>");
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// If both readings fail by grammar, `PARSE_SYNTAX_ERROR`; else what the types of either reading have
/// wrong.
pub fn parse_schema(ddl: &str) -> Result<sc::DataType, SqlError> {
    let mut scanner = Scanner::new(ddl);
    if scanner.peek().is_none() {
        return Ok(struct_of(vec![]));
    }
    let as_columns = struct_fields(&mut scanner, MAX_TYPE_DEPTH, false).and_then(|fields| {
        scanner.expect_end()?;
        Ok(struct_of(fields))
    });
    match as_columns {
        Ok(schema) => Ok(schema),
        Err(as_columns) => super::parse_data_type(ddl).map_err(|as_type| match (&as_columns, &as_type) {
            (SqlError::Syntax { .. }, SqlError::Syntax { .. }) => as_columns,
            (SqlError::Syntax { .. }, _) => as_type,
            _ => as_columns,
        }),
    }
}

/// Returns the type message of fields.
fn struct_of(fields: Vec<StructField>) -> sc::DataType {
    data_type(Kind::Struct(Struct {
        fields,
        ..Default::default()
    }))
}

/// Reads `name[:] type [NOT NULL] [COMMENT '..'] [, ..]`. Only inside `STRUCT<..>` may a colon follow the name.
pub(super) fn struct_fields(
    scanner: &mut Scanner<'_>,
    depth: usize,
    colons: bool,
) -> Result<Vec<StructField>, SqlError> {
    let mut fields = vec![struct_field(scanner, depth, colons)?];
    while scanner.eat(',') {
        fields.push(struct_field(scanner, depth, colons)?);
    }
    Ok(fields)
}

/// Reads `name [:] type [NOT NULL] [COMMENT text]`.
fn struct_field(scanner: &mut Scanner<'_>, depth: usize, colons: bool) -> Result<StructField, SqlError> {
    let name = scanner.name()?.text;
    if colons {
        scanner.eat(':');
    }
    let field_type = read_type(scanner, depth)?;
    let mut nullable = true;
    let mut metadata = None;
    loop {
        if scanner.eat_word("NOT") {
            if !scanner.eat_word("NULL") {
                return Err(scanner.error());
            }
            nullable = false;
        } else if scanner.eat_word("NULL") {
            nullable = true;
        } else if scanner.eat_word("COMMENT") {
            metadata = Some(comment_metadata(&unescape(scanner.string()?)));
        } else {
            return Ok(StructField {
                name,
                data_type: Some(field_type),
                nullable,
                metadata,
            });
        }
    }
}

/// Returns a column's comment as Spark keeps it: `{"comment":".."}`.
fn comment_metadata(comment: &str) -> String {
    let mut json = String::from("{\"comment\":\"");
    for c in comment.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            c if (c as u32) < 0x20 => json.push_str(&format!("\\u{:04x}", c as u32)),
            c => json.push(c),
        }
    }
    json.push_str("\"}");
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(ddl: &str) -> Vec<StructField> {
        match parse_schema(ddl).unwrap().kind {
            Some(Kind::Struct(parsed)) => parsed.fields,
            other => panic!("{ddl}: {other:?}"),
        }
    }

    #[test]
    fn columns_keep_names_nullability_and_comments() {
        let parsed = fields("a INT NOT NULL, `b c` ARRAY<STRING> COMMENT 'it\\'s \"x\"', date DATE");
        assert_eq!(
            parsed.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(),
            ["a", "b c", "date"]
        );
        assert_eq!(
            parsed.iter().map(|f| f.nullable).collect::<Vec<_>>(),
            [false, true, true]
        );
        assert_eq!(parsed[1].metadata.as_deref(), Some(r#"{"comment":"it's \"x\""}"#));
    }

    #[test]
    fn a_struct_in_brackets_is_the_same_schema() {
        assert_eq!(
            parse_schema("struct<a:int,b:struct<c string>>"),
            parse_schema("a INT, b STRUCT<c: STRING>")
        );
    }

    #[test]
    fn a_lone_type_is_itself() {
        assert!(matches!(parse_schema("INT").unwrap().kind, Some(Kind::Integer(_))));
        assert!(matches!(
            parse_schema("interval day to second").unwrap().kind,
            Some(Kind::DayTimeInterval(_))
        ));
    }

    #[test]
    fn an_unknown_type_is_named_as_spark_names_it() {
        let error = parse_schema("a nope").unwrap_err();
        assert_eq!(error.condition(), "UNSUPPORTED_DATATYPE");
        assert_eq!(error.message_parameters()[0].1, "\"NOPE\"");
    }
}
