//! Type names as Spark writes them: `decimal(10,2)`, `array<struct<a:int>>`, `interval day to second`.
//!
//! They are read from text by a scanner of characters; statements hand over the text of their types
//! (`type_tokens`), so that `CAST(x AS …)`, DDL schemas and `from_json`'s schema strings all go through
//! [`parse_data_type`]'s grammar.

use sc::data_type::{self as dt, Kind};

use super::error::SqlError;
use super::message::data_type;
use super::scanner::{Name, Scanner};
use super::schema::struct_fields;
use crate::proto as sc;

/// How deep types may nest: far beyond any schema, far below any stack.
pub(super) const MAX_TYPE_DEPTH: usize = 64;
/// Digits that a decimal has at most.
const MAX_DECIMAL_PRECISION: u64 = 38;

/// Reads one type. Names are those of Spark's grammar, in any case.
///
/// ```
/// use rivulet::plan::sql::parse_data_type;
///
/// assert!(parse_data_type("map<string, decimal(10, 2)>").is_ok());
/// assert_eq!(parse_data_type("varchar").unwrap_err().condition(), "DATATYPE_MISSING_SIZE");
/// assert_eq!(parse_data_type("money").unwrap_err().condition(), "UNSUPPORTED_DATATYPE");
/// ```
///
/// # Errors
/// If Spark does not know the name, `UNSUPPORTED_DATATYPE`; if a collection lacks its element,
/// `INCOMPLETE_TYPE_DEFINITION.*`; otherwise `PARSE_SYNTAX_ERROR`.
pub fn parse_data_type(text: &str) -> Result<sc::DataType, SqlError> {
    let mut scanner = Scanner::new(text);
    if scanner.peek().is_none() {
        return Err(SqlError::Empty);
    }
    let parsed = read_type(&mut scanner, MAX_TYPE_DEPTH)?;
    scanner.expect_end()?;
    Ok(parsed)
}

/// Reads one type and leaves the scanner after it. `depth` is how much deeper it may nest.
///
/// # Errors
/// If it nests deeper, [`SqlError::TooComplex`], and those of [`parse_data_type`].
pub(super) fn read_type(scanner: &mut Scanner<'_>, depth: usize) -> Result<sc::DataType, SqlError> {
    let depth = depth.checked_sub(1).ok_or(SqlError::TooComplex)?;
    let name = scanner.name()?;
    let word = if name.quoted {
        String::new()
    } else {
        name.text.to_ascii_lowercase()
    };
    let kind = match word.as_str() {
        "boolean" => Kind::Boolean(dt::Boolean::default()),
        "byte" | "tinyint" => Kind::Byte(dt::Byte::default()),
        "short" | "smallint" => Kind::Short(dt::Short::default()),
        "int" | "integer" => Kind::Integer(dt::Integer::default()),
        "long" | "bigint" => Kind::Long(dt::Long::default()),
        "float" | "real" => Kind::Float(dt::Float::default()),
        "double" => Kind::Double(dt::Double::default()),
        "decimal" | "dec" | "numeric" => Kind::Decimal(read_decimal(scanner)?),
        "string" => Kind::String(dt::String {
            collation: read_collation(scanner)?,
            ..Default::default()
        }),
        "char" | "character" => Kind::Char(dt::Char {
            length: read_length(scanner, "CHAR")?,
            ..Default::default()
        }),
        "varchar" => Kind::VarChar(dt::VarChar {
            length: read_length(scanner, "VARCHAR")?,
            ..Default::default()
        }),
        "binary" => Kind::Binary(dt::Binary::default()),
        "date" => Kind::Date(dt::Date::default()),
        "timestamp" | "timestamp_ltz" => Kind::Timestamp(dt::Timestamp::default()),
        "timestamp_ntz" => Kind::TimestampNtz(dt::TimestampNtz::default()),
        "time" => Kind::Time(dt::Time {
            precision: Some(read_time_precision(scanner)?),
            ..Default::default()
        }),
        "interval" => read_interval(scanner)?,
        "void" | "null" => Kind::Null(dt::Null::default()),
        "variant" => Kind::Variant(dt::Variant::default()),
        "array" => read_array(scanner, depth)?,
        "map" => read_map(scanner, depth)?,
        "struct" => read_struct(scanner, depth)?,
        _ => return Err(unsupported(&name)),
    };
    Ok(data_type(kind))
}

/// Makes `UNSUPPORTED_DATATYPE` for a name, in capitals.
fn unsupported(name: &Name) -> SqlError {
    SqlError::UnsupportedType {
        type_name: format!("\"{}\"", name.text.to_uppercase()),
    }
}

/// Reads `(precision, scale)`: 10 and 0 by default.
///
/// # Errors
/// If there are more than 38 digits, `DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION`.
fn read_decimal(scanner: &mut Scanner<'_>) -> Result<dt::Decimal, SqlError> {
    let (mut precision, mut scale) = (10, 0);
    if scanner.eat('(') {
        precision = scanner.number()?;
        if scanner.eat(',') {
            scale = scanner.number()?;
        }
        scanner.expect(')')?;
    }
    if precision > MAX_DECIMAL_PRECISION || scale > precision {
        return Err(SqlError::DecimalPrecision {
            precision: precision.max(scale),
        });
    }
    Ok(dt::Decimal {
        scale: Some(scale as i32),
        precision: Some(precision as i32),
        ..Default::default()
    })
}

/// Reads `COLLATE name`; empty without it.
fn read_collation(scanner: &mut Scanner<'_>) -> Result<String, SqlError> {
    if scanner.eat_word("COLLATE") {
        Ok(scanner.name()?.text)
    } else {
        Ok(String::new())
    }
}

/// Reads the length of CHAR and VARCHAR.
///
/// # Errors
/// If there is none, `DATATYPE_MISSING_SIZE`.
fn read_length(scanner: &mut Scanner<'_>, name: &str) -> Result<i32, SqlError> {
    if !scanner.eat('(') {
        return Err(SqlError::MissingSize {
            type_name: format!("\"{name}\""),
        });
    }
    let start = scanner.mark();
    let length = i32::try_from(scanner.number()?);
    let Ok(length) = length else {
        scanner.reset(start);
        return Err(scanner.error());
    };
    scanner.expect(')')?;
    Ok(length)
}

/// Reads how many digits the fraction of a TIME has, at most 6.
fn read_time_precision(scanner: &mut Scanner<'_>) -> Result<i32, SqlError> {
    if !scanner.eat('(') {
        return Ok(6);
    }
    let start = scanner.mark();
    let precision = scanner.number()?;
    if precision > 6 {
        scanner.reset(start);
        return Err(scanner.error());
    }
    scanner.expect(')')?;
    Ok(precision as i32)
}

/// The fields of `INTERVAL YEAR TO MONTH`, in order; a field's number is its place.
pub(super) const YEAR_MONTH_FIELDS: [&str; 2] = ["YEAR", "MONTH"];
/// The fields of `INTERVAL DAY TO SECOND`, in order; a field's number is its place.
pub(super) const DAY_TIME_FIELDS: [&str; 4] = ["DAY", "HOUR", "MINUTE", "SECOND"];

/// Reads `INTERVAL field [TO field]`; both fields come from one of the two families. Without fields it
/// is a calendar interval.
fn read_interval(scanner: &mut Scanner<'_>) -> Result<Kind, SqlError> {
    let eat_field = |scanner: &mut Scanner<'_>, fields: &[&str]| fields.iter().position(|name| scanner.eat_word(name));
    for (row, fields) in [&YEAR_MONTH_FIELDS[..], &DAY_TIME_FIELDS[..]].into_iter().enumerate() {
        let Some(start) = eat_field(scanner, fields) else {
            continue;
        };
        let mut end = start;
        let mark = scanner.mark();
        if scanner.eat_word("TO") {
            end = match eat_field(scanner, fields) {
                Some(end) if end > start => end,
                _ => {
                    scanner.reset(mark);
                    return Err(scanner.error());
                }
            };
        }
        return Ok(if row == 0 {
            year_month(start, end)
        } else {
            day_time(start, end)
        });
    }
    Ok(Kind::CalendarInterval(dt::CalendarInterval::default()))
}

/// Returns `INTERVAL YEAR TO MONTH`, by the numbers of its fields.
pub(super) fn year_month(start: usize, end: usize) -> Kind {
    Kind::YearMonthInterval(dt::YearMonthInterval {
        start_field: Some(start as i32),
        end_field: Some(end as i32),
        ..Default::default()
    })
}

/// Returns `INTERVAL DAY TO SECOND`, by the numbers of its fields.
pub(super) fn day_time(start: usize, end: usize) -> Kind {
    Kind::DayTimeInterval(dt::DayTimeInterval {
        start_field: Some(start as i32),
        end_field: Some(end as i32),
        ..Default::default()
    })
}

/// Skips `<`.
///
/// # Errors
/// If it is missing, `INCOMPLETE_TYPE_DEFINITION`.
fn open(scanner: &mut Scanner<'_>, kind: &'static str) -> Result<(), SqlError> {
    if scanner.eat('<') {
        Ok(())
    } else {
        Err(SqlError::IncompleteType { kind })
    }
}

/// Reads `<element>`; elements may be null.
fn read_array(scanner: &mut Scanner<'_>, depth: usize) -> Result<Kind, SqlError> {
    open(scanner, "ARRAY")?;
    let element_type = Some(Box::new(read_type(scanner, depth)?));
    scanner.expect('>')?;
    Ok(Kind::Array(Box::new(dt::Array {
        element_type,
        contains_null: true,
        ..Default::default()
    })))
}

/// Reads `<key, value>`; values may be null.
fn read_map(scanner: &mut Scanner<'_>, depth: usize) -> Result<Kind, SqlError> {
    open(scanner, "MAP")?;
    let key_type = Some(Box::new(read_type(scanner, depth)?));
    scanner.expect(',')?;
    let value_type = Some(Box::new(read_type(scanner, depth)?));
    scanner.expect('>')?;
    Ok(Kind::Map(Box::new(dt::Map {
        key_type,
        value_type,
        value_contains_null: true,
        ..Default::default()
    })))
}

/// Reads `<name: type, …>`, which may be empty.
fn read_struct(scanner: &mut Scanner<'_>, depth: usize) -> Result<Kind, SqlError> {
    open(scanner, "STRUCT")?;
    let mut fields = vec![];
    if !scanner.eat('>') {
        fields = struct_fields(scanner, depth, true)?;
        scanner.expect('>')?;
    }
    Ok(Kind::Struct(dt::Struct {
        fields,
        ..Default::default()
    }))
}
