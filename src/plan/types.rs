//! Spark's data types as Arrow's, both ways.
//!
//! `TIMESTAMP` is `Timestamp(µs, "UTC")` (an instant; the session zone matters only where text or fields are made of
//! it), `TIMESTAMP_NTZ` is `Timestamp(µs, None)`, day-time intervals are `Duration(µs)`, year-month intervals are
//! `Interval(YearMonth)`, calendar intervals `Interval(MonthDayNano)`, maps are `Map(entries{key, value})`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, Schema, TimeUnit};

use crate::connect::proto as sc;
use crate::connect::proto::data_type::Kind;
use crate::error::{Result, SparkError};
use crate::ml::vector;

/// The zone that instants carry inside the engine.
pub const UTC: &str = "UTC";

pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

pub fn timestamp_ntz() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

pub fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", element, true)))
}

/// The element field of a list type.
///
/// # Errors
/// An internal error for any other type.
pub fn element_field(list: &DataType) -> Result<&FieldRef> {
    match list {
        DataType::List(field) => Ok(field),
        found => Err(SparkError::internal(format!("expected a list type, found {found}"))),
    }
}

pub fn map_of(key: DataType, value: DataType) -> DataType {
    let entries = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
}

/// `WindowType`: `struct<start: timestamp, end: timestamp>`.
pub fn window_of(time: DataType) -> DataType {
    DataType::Struct(Fields::from(vec![
        Field::new("start", time.clone(), true),
        Field::new("end", time, true),
    ]))
}

pub fn is_string(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

pub fn is_integral(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64
    )
}

pub fn is_numeric(data_type: &DataType) -> bool {
    is_integral(data_type)
        || matches!(
            data_type,
            DataType::Float32 | DataType::Float64 | DataType::Decimal128(..)
        )
}

pub fn is_timestamp(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..))
}

/// `DataType.defaultSize`-free name: what `simpleString` and error messages print (`bigint`, `array<string>`).
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

/// `DataType.sql`, upper case: what error messages quote (`"BIGINT"`).
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

/// A name as SQL text needs it: back-quoted where it is no plain identifier (`QuotingUtils.quoteIfNeeded`).
pub fn quote_if_needed(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("`{}`", name.replace('`', "``"))
    }
}

/// A schema as DDL (`StructType.toDDL`).
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

/// The engine's type of a Spark Connect type.
pub fn from_proto(data_type: &sc::DataType) -> Result<DataType> {
    let kind = data_type
        .kind
        .as_ref()
        .ok_or_else(|| SparkError::invalid_plan("a data type is empty"))?;
    Ok(match kind {
        Kind::Null(_) => DataType::Null,
        Kind::Binary(_) => DataType::Binary,
        Kind::Boolean(_) => DataType::Boolean,
        Kind::Byte(_) => DataType::Int8,
        Kind::Short(_) => DataType::Int16,
        Kind::Integer(_) => DataType::Int32,
        Kind::Long(_) => DataType::Int64,
        Kind::Float(_) => DataType::Float32,
        Kind::Double(_) => DataType::Float64,
        Kind::Decimal(d) => decimal(d.precision.unwrap_or(10), d.scale.unwrap_or(0))?,
        Kind::String(_) | Kind::Char(_) | Kind::VarChar(_) => DataType::Utf8,
        Kind::Date(_) => DataType::Date32,
        Kind::Timestamp(_) => timestamp(),
        Kind::TimestampNtz(_) => timestamp_ntz(),
        Kind::CalendarInterval(_) => DataType::Interval(IntervalUnit::MonthDayNano),
        Kind::YearMonthInterval(_) => DataType::Interval(IntervalUnit::YearMonth),
        Kind::DayTimeInterval(_) => DataType::Duration(TimeUnit::Microsecond),
        Kind::Array(array) => {
            let element = array
                .element_type
                .as_ref()
                .ok_or_else(|| SparkError::invalid_plan("an array type has no element type"))?;
            list_of(from_proto(element)?)
        }
        Kind::Struct(fields) => DataType::Struct(fields_from_proto(fields)?),
        Kind::Map(map) => {
            let (Some(key), Some(value)) = (&map.key_type, &map.value_type) else {
                return Err(SparkError::invalid_plan("a map type has no key or value type"));
            };
            map_of(from_proto(key)?, from_proto(value)?)
        }
        Kind::Unparsed(text) => from_ddl_type(&text.data_type_string)?,
        Kind::Udt(udt) if udt.jvm_class.as_deref() == Some(vector::JVM_CLASS) => vector::data_type(),
        Kind::Udt(udt) => match &udt.sql_type {
            Some(inner) => from_proto(inner)?,
            None => return Err(SparkError::unsupported(format!("the user-defined type {}", udt.r#type))),
        },
        other => return Err(SparkError::unsupported(format!("the data type {other:?}"))),
    })
}

fn decimal(precision: i32, scale: i32) -> Result<DataType> {
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(p @ 1..=38), Ok(s)) if i32::from(s) <= precision && s >= 0 => Ok(DataType::Decimal128(p, s)),
        _ => Err(SparkError::analysis(
            "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
            "22003",
            format!("Decimal precision {precision} and scale {scale} are not within 1 to 38 and 0 to the precision."),
        )),
    }
}

pub fn fields_from_proto(fields: &sc::data_type::Struct) -> Result<Fields> {
    fields
        .fields
        .iter()
        .map(|field| {
            let data_type = field
                .data_type
                .as_ref()
                .ok_or_else(|| SparkError::invalid_plan(format!("the field {} has no type", field.name)))?;
            Ok(Arc::new(Field::new(
                &field.name,
                from_proto(data_type)?,
                field.nullable,
            )))
        })
        .collect()
}

/// The Spark Connect type of an engine type.
pub fn to_proto(data_type: &DataType) -> sc::DataType {
    use sc::data_type as t;
    let kind = match data_type {
        DataType::Null => Kind::Null(t::Null::default()),
        DataType::Boolean => Kind::Boolean(t::Boolean::default()),
        DataType::Int8 => Kind::Byte(t::Byte::default()),
        DataType::Int16 => Kind::Short(t::Short::default()),
        DataType::Int32 => Kind::Integer(t::Integer::default()),
        DataType::Int64 => Kind::Long(t::Long::default()),
        DataType::Float32 => Kind::Float(t::Float::default()),
        DataType::Float64 => Kind::Double(t::Double::default()),
        DataType::Decimal128(p, s) => Kind::Decimal(t::Decimal {
            precision: Some((*p).into()),
            scale: Some((*s).into()),
            type_variation_reference: 0,
        }),
        DataType::Date32 => Kind::Date(t::Date::default()),
        DataType::Timestamp(_, Some(_)) => Kind::Timestamp(t::Timestamp::default()),
        DataType::Timestamp(_, None) => Kind::TimestampNtz(t::TimestampNtz::default()),
        DataType::Duration(_) => Kind::DayTimeInterval(t::DayTimeInterval {
            start_field: Some(0),
            end_field: Some(3),
            type_variation_reference: 0,
        }),
        DataType::Interval(IntervalUnit::YearMonth) => Kind::YearMonthInterval(t::YearMonthInterval {
            start_field: Some(0),
            end_field: Some(1),
            type_variation_reference: 0,
        }),
        DataType::Interval(_) => Kind::CalendarInterval(t::CalendarInterval::default()),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Kind::Binary(t::Binary::default()),
        DataType::List(item) | DataType::LargeList(item) => Kind::Array(Box::new(t::Array {
            element_type: Some(Box::new(to_proto(item.data_type()))),
            contains_null: true,
            type_variation_reference: 0,
        })),
        DataType::Map(entries, _) => {
            let (key, value) = map_types(entries);
            Kind::Map(Box::new(t::Map {
                key_type: Some(Box::new(to_proto(&key))),
                value_type: Some(Box::new(to_proto(&value))),
                value_contains_null: true,
                type_variation_reference: 0,
            }))
        }
        udt if vector::is_vector(udt) => Kind::Udt(Box::new(t::Udt {
            r#type: "udt".into(),
            jvm_class: Some(vector::JVM_CLASS.into()),
            python_class: Some(vector::PYTHON_CLASS.into()),
            serialized_python_class: None,
            sql_type: Some(Box::new(sc::DataType {
                kind: Some(Kind::Struct(struct_to_proto(&vector::fields()))),
            })),
        })),
        DataType::Struct(fields) => Kind::Struct(struct_to_proto(fields)),
        _ => Kind::String(t::String {
            type_variation_reference: 0,
            collation: "UTF8_BINARY".into(),
        }),
    };
    sc::DataType { kind: Some(kind) }
}

fn struct_to_proto(fields: &Fields) -> sc::data_type::Struct {
    let fields = fields
        .iter()
        .map(|f| sc::data_type::StructField {
            name: f.name().clone(),
            data_type: Some(to_proto(f.data_type())),
            nullable: f.is_nullable(),
            metadata: None,
        })
        .collect();
    sc::data_type::Struct {
        fields,
        type_variation_reference: 0,
    }
}

pub fn schema_to_proto(schema: &Schema) -> sc::DataType {
    sc::DataType {
        kind: Some(Kind::Struct(struct_to_proto(schema.fields()))),
    }
}

/// Key and value type of a map's entries field.
pub fn map_types(entries: &FieldRef) -> (DataType, DataType) {
    match entries.data_type() {
        DataType::Struct(kv) if kv.len() == 2 => (kv[0].data_type().clone(), kv[1].data_type().clone()),
        _ => (DataType::Null, DataType::Null),
    }
}

/// A type from its SQL text.
pub fn from_ddl_type(text: &str) -> Result<DataType> {
    from_proto(&super::sql::parse_data_type(text)?)
}

/// A schema from DDL or from `StructType.json`.
pub fn schema_from_text(text: &str) -> Result<Fields> {
    if text.trim_start().starts_with('{') {
        return fields_from_json(text);
    }
    match from_proto(&super::sql::parse_schema(text)?)? {
        DataType::Struct(fields) => Ok(fields),
        single => Ok(Fields::from(vec![Field::new("value", single, true)])),
    }
}

fn fields_from_json(text: &str) -> Result<Fields> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| bad_json(&e.to_string()))?;
    match json_type(&value)? {
        DataType::Struct(fields) => Ok(fields),
        _ => Err(bad_json("the schema is no struct")),
    }
}

fn bad_json(why: &str) -> SparkError {
    SparkError::analysis(
        "INVALID_JSON_DATA_TYPE",
        "2203G",
        format!("Failed to convert the JSON string to a data type: {why}."),
    )
}

fn json_type(value: &serde_json::Value) -> Result<DataType> {
    use serde_json::Value;
    let inner = |key: &str| {
        value
            .get(key)
            .ok_or_else(|| bad_json(&format!("`{key}` is missing")))
            .and_then(json_type)
    };
    match value {
        Value::String(name) => from_ddl_type(name),
        Value::Object(object) => match object.get("type").and_then(Value::as_str) {
            Some("struct") => {
                let fields = object
                    .get("fields")
                    .and_then(Value::as_array)
                    .ok_or_else(|| bad_json("`fields` is missing"))?;
                let fields = fields.iter().map(|field| {
                    let name = field
                        .get("name")
                        .and_then(Value::as_str)
                        .ok_or_else(|| bad_json("a field has no name"))?;
                    let data_type = field
                        .get("type")
                        .ok_or_else(|| bad_json("a field has no type"))
                        .and_then(json_type)?;
                    Ok(Field::new(
                        name,
                        data_type,
                        field.get("nullable").and_then(Value::as_bool).unwrap_or(true),
                    ))
                });
                Ok(DataType::Struct(fields.collect::<Result<Vec<_>>>()?.into()))
            }
            Some("udt") if object.get("class").and_then(Value::as_str) == Some(vector::JVM_CLASS) => {
                Ok(vector::data_type())
            }
            Some("udt") => inner("sqlType"),
            Some("array") => Ok(list_of(inner("elementType")?)),
            Some("map") => Ok(map_of(inner("keyType")?, inner("valueType")?)),
            _ => Err(bad_json("`type` is unknown")),
        },
        _ => Err(bad_json("a type is neither a name nor an object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_schema_equals_its_ddl_form() {
        let json = r#"{"type":"struct","fields":[{"name":"a","type":"long","nullable":true},
            {"name":"b","type":{"type":"array","elementType":"string","containsNull":true},"nullable":true}]}"#;
        assert_eq!(
            schema_from_text(json).unwrap(),
            schema_from_text("a BIGINT, b ARRAY<STRING>").unwrap()
        );
    }

    #[test]
    fn types_survive_the_way_to_spark_connect_and_back() {
        for text in [
            "map<string,array<decimal(12,3)>>",
            "struct<a:timestamp,b:timestamp_ntz,c:interval day to second>",
            "binary",
        ] {
            let data_type = from_ddl_type(text).unwrap();
            assert_eq!(from_proto(&to_proto(&data_type)).unwrap(), data_type);
            assert_eq!(simple_string(&data_type), text);
        }
    }
}
