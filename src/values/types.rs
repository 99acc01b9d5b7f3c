//! Spark's data types as Arrow's, both ways.
//!
//! `TIMESTAMP` is `Timestamp(µs, "UTC")` (an instant; the session zone matters only where text or fields are made of
//! it), `TIMESTAMP_NTZ` is `Timestamp(µs, None)`, day-time intervals are `Duration(µs)`, year-month intervals are
//! `Interval(YearMonth)`, calendar intervals `Interval(MonthDayNano)`, maps are `Map(entries{key, value})`.
//!
//! ```text
//! BOOLEAN  TINYINT  SMALLINT  INT    BIGINT  FLOAT    DOUBLE   DECIMAL(p,s)     STRING  BINARY  DATE    VOID
//! Boolean  Int8     Int16     Int32  Int64   Float32  Float64  Decimal128(p,s)  Utf8    Binary  Date32  Null
//! ```
//!
//! `ARRAY<t>` is `List(element)`, `STRUCT<…>` is `Struct`. Fields of lists and maps have fixed names,
//! so that two types made in different places are equal.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, Schema, TimeUnit};

use crate::error::{Result, SparkError};

/// The zone that instants carry inside the engine, whatever the session's zone is.
pub const UTC: &str = "UTC";

/// Returns `TIMESTAMP`: an instant in µs since the epoch.
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

/// Returns `TIMESTAMP_NTZ`: a wall clock in µs since the local epoch.
pub fn timestamp_ntz() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

/// Returns `ARRAY<element>`, whose elements may be null.
///
/// ```
/// use arrow::datatypes::DataType;
/// use rivulet::values::types;
///
/// let tags = types::list_of(DataType::Utf8);
/// assert_eq!(types::simple_string(&tags), "array<string>");
/// assert_eq!(types::sql_name(&types::map_of(DataType::Utf8, tags)), "MAP<STRING, ARRAY<STRING>>");
/// ```
pub fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", element, true)))
}

/// Returns the element field of a list type.
///
/// # Errors
/// If it is any other type, an internal error.
pub fn element_field(list: &DataType) -> Result<&FieldRef> {
    match list {
        DataType::List(field) => Ok(field),
        found => Err(SparkError::internal(format!("expected a list type, found {found}"))),
    }
}

/// Returns whether types are the same but for the names of fields and for what may be null (`DataType.equalsStructurally`).
pub fn same_shape(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::List(a), DataType::List(b)) => same_shape(a.data_type(), b.data_type()),
        (DataType::Map(a, _), DataType::Map(b, _)) => same_shape(a.data_type(), b.data_type()),
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a.data_type(), b.data_type()))
        }
        _ => a == b,
    }
}

/// Returns `MAP<key, value>`: keys are never null, values may be.
pub fn map_of(key: DataType, value: DataType) -> DataType {
    let entries = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
}

/// Returns the type of a time window, `STRUCT<start, end>` of the type of time that is cut into
/// windows.
pub fn window_of(time: DataType) -> DataType {
    DataType::Struct(Fields::from(vec![
        Field::new("start", time.clone(), true),
        Field::new("end", time, true),
    ]))
}

/// Returns whether a type is one of Arrow's three layouts of `STRING`.
pub fn is_string(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Returns whether a type is TINYINT, SMALLINT, INT or BIGINT.
pub fn is_integral(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64
    )
}

/// Returns whether a type is integral, FLOAT, DOUBLE or a decimal.
pub fn is_numeric(data_type: &DataType) -> bool {
    is_integral(data_type)
        || matches!(
            data_type,
            DataType::Float32 | DataType::Float64 | DataType::Decimal128(..)
        )
}

/// Returns whether values of a type can be compared and sorted (Spark's `OrderUtils.isOrderable`): neither maps nor calendar
/// intervals, nor what holds them.
pub fn is_orderable(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) | DataType::Interval(IntervalUnit::MonthDayNano) => false,
        DataType::List(item) => is_orderable(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_orderable(field.data_type())),
        _ => true,
    }
}

/// Returns whether a type is INTERVAL YEAR TO MONTH or INTERVAL DAY TO SECOND.
pub fn is_ansi_interval(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Duration(_) | DataType::Interval(IntervalUnit::YearMonth)
    )
}

/// Returns whether a type is `TIMESTAMP` or `TIMESTAMP_NTZ`.
pub fn is_timestamp(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..))
}

/// Returns the lower-case name of a type, nested ones without blanks: `bigint`, `array<string>`,
/// `struct<a:int>` (`DataType.simpleString`). Arrow types that Spark lacks print as Arrow prints them.
pub fn simple_string(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "void".into(),
        DataType::Boolean => "boolean".into(),
        DataType::Int8 => "tinyint".into(),
        DataType::Int16 => "smallint".into(),
        DataType::Int32 => "int".into(),
        DataType::Int64 => "bigint".into(),
        DataType::Float32 => "float".into(),
        DataType::Float64 => "double".into(),
        DataType::Decimal128(p, s) => format!("decimal({p},{s})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary".into(),
        DataType::Date32 => "date".into(),
        DataType::Timestamp(_, Some(_)) => "timestamp".into(),
        DataType::Timestamp(_, None) => "timestamp_ntz".into(),
        DataType::Duration(_) => "interval day to second".into(),
        DataType::Interval(IntervalUnit::YearMonth) => "interval year to month".into(),
        DataType::Interval(_) => "interval".into(),
        DataType::List(item) | DataType::LargeList(item) => format!("array<{}>", simple_string(item.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(kv) if kv.len() == 2 => {
                format!(
                    "map<{},{}>",
                    simple_string(kv[0].data_type()),
                    simple_string(kv[1].data_type())
                )
            }
            _ => "map".into(),
        },
        DataType::Struct(fields) => {
            let inner: Vec<String> = fields
                .iter()
                .map(|f| format!("{}:{}", f.name(), simple_string(f.data_type())))
                .collect();
            format!("struct<{}>", inner.join(","))
        }
        other => other.to_string(),
    }
}

/// Returns the upper-case name of a type, which error messages quote: `BIGINT`, `STRUCT<a: INT>`
/// (`DataType.sql`).
pub fn sql_name(data_type: &DataType) -> String {
    match data_type {
        DataType::List(item) => format!("ARRAY<{}>", sql_name(item.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(kv) if kv.len() == 2 => {
                format!("MAP<{}, {}>", sql_name(kv[0].data_type()), sql_name(kv[1].data_type()))
            }
            _ => "MAP".into(),
        },
        DataType::Struct(fields) => {
            let inner: Vec<String> = fields
                .iter()
                .map(|f| format!("{}: {}", quote_if_needed(f.name()), sql_name(f.data_type())))
                .collect();
            format!("STRUCT<{}>", inner.join(", "))
        }
        other => simple_string(other).to_uppercase(),
    }
}

/// Returns a name as SQL needs it: in backquotes if it is not a plain identifier
/// (`QuotingUtils.quoteIfNeeded`). Backquotes within are doubled.
pub fn quote_if_needed(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("`{}`", name.replace('`', "``"))
    }
}

/// Returns a schema as DDL (`StructType.toDDL`): `id BIGINT NOT NULL,name STRING`.
pub fn to_ddl(schema: &Schema) -> String {
    let columns: Vec<String> = schema
        .fields()
        .iter()
        .map(|f| {
            let not_null = if f.is_nullable() { "" } else { " NOT NULL" };
            format!("{} {}{not_null}", quote_if_needed(f.name()), sql_name(f.data_type()))
        })
        .collect();
    columns.join(",")
}

/// Returns key and value type of a map's entries field; two nulls' types if it is not such a field.
pub fn map_types(entries: &FieldRef) -> (DataType, DataType) {
    match entries.data_type() {
        DataType::Struct(kv) if kv.len() == 2 => (kv[0].data_type().clone(), kv[1].data_type().clone()),
        _ => (DataType::Null, DataType::Null),
    }
}
