//! Spark Connect's data types, DDL and JSON schemas as the engine's types, and back.
//!
//! Every way in ends at one Arrow type per Spark type; CHAR and VARCHAR become STRING, and a
//! user-defined type becomes its storage, but for `ml`'s vectors, whose storage is told apart from any
//! other struct.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, IntervalUnit, Schema, TimeUnit};

use crate::error::{Result, SparkError};
use crate::proto as sc;
use crate::proto::data_type::Kind;
use crate::values::types::{list_of, map_of, map_types, timestamp, timestamp_ntz};
use crate::values::{matrix, mllib, vector};

/// Returns the engine's type of a Spark Connect type.
///
/// ```
/// use rivulet::plan::type_message::{from_ddl_type, from_proto, to_proto};
/// use rivulet::values::types;
///
/// let nested = from_ddl_type("array<struct<a: int, b: map<string, double>>>")?;
/// assert_eq!(types::simple_string(&nested), "array<struct<a:int,b:map<string,double>>>");
/// assert_eq!(from_proto(&to_proto(&nested))?, nested);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// If a part of the type is missing, `CONNECT_INVALID_PLAN`; if the engine lacks the type,
/// `UNSUPPORTED_FEATURE.RIVULET`; if it is a string that does not parse, the parser's.
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

/// Returns a decimal type.
///
/// # Errors
/// If the digits are not 1 to 38 or the scale is above the precision,
/// `DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION`.
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

/// Returns the fields of a struct message.
///
/// # Errors
/// If a field does not have a type, `CONNECT_INVALID_PLAN`, and those of [`from_proto`].
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

/// Returns the Spark Connect type of an engine type.
///
/// Elements and values are said to be nullable. An Arrow type that the engine never makes becomes
/// STRING.
pub fn to_proto(data_type: &DataType) -> sc::DataType {
    use sc::data_type as t;
    if let Some(plain) = mllib::unmarked(data_type) {
        let mut known = to_proto(&plain);
        if let Some(Kind::Udt(udt)) = &mut known.kind {
            udt.jvm_class = udt.jvm_class.as_deref().map(mllib::class_of);
            udt.python_class = udt.python_class.as_deref().map(mllib::class_of);
        }
        return known;
    }
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
        udt if matrix::is_matrix(udt) => Kind::Udt(Box::new(t::Udt {
            r#type: "udt".into(),
            jvm_class: Some(matrix::JVM_CLASS.into()),
            python_class: Some(matrix::PYTHON_CLASS.into()),
            serialized_python_class: None,
            sql_type: Some(Box::new(sc::DataType {
                kind: Some(Kind::Struct(struct_to_proto(&matrix::fields()))),
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

/// Returns the message of fields, without metadata.
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

/// Returns a schema as a struct message.
pub fn schema_to_proto(schema: &Schema) -> sc::DataType {
    sc::DataType {
        kind: Some(Kind::Struct(struct_to_proto(schema.fields()))),
    }
}

/// Returns a type from its SQL text, such as `array<int>`.
///
/// # Errors
/// If it does not parse or the engine lacks the type.
pub fn from_ddl_type(text: &str) -> Result<DataType> {
    from_proto(&crate::plan::sql::parse_data_type(text)?)
}

/// Returns a schema from DDL or from `StructType.json`, which begins with a brace. A single type is a
/// column `value`.
///
/// ```
/// use rivulet::plan::type_message::schema_from_text;
///
/// let fields = schema_from_text("id BIGINT NOT NULL, name STRING")?;
/// assert_eq!(fields.len(), 2);
/// assert!(!fields[0].is_nullable() && fields[1].is_nullable());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// If the text does not parse: the parser's for DDL, `INVALID_JSON_DATA_TYPE` for JSON.
pub fn schema_from_text(text: &str) -> Result<Fields> {
    if text.trim_start().starts_with('{') {
        return fields_from_json(text);
    }
    match from_proto(&crate::plan::sql::parse_schema(text)?)? {
        DataType::Struct(fields) => Ok(fields),
        single => Ok(Fields::from(vec![Field::new("value", single, true)])),
    }
}

/// Reads a schema in JSON, as `StructType.json()` writes it.
///
/// # Errors
/// If it is not such JSON, `INVALID_JSON_DATA_TYPE`.
fn fields_from_json(text: &str) -> Result<Fields> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| bad_json(&e.to_string()))?;
    match json_type(&value)? {
        DataType::Struct(fields) => Ok(fields),
        _ => Err(bad_json("the schema is not a struct")),
    }
}

/// Makes the error of JSON that does not describe a type.
fn bad_json(why: &str) -> SparkError {
    SparkError::analysis(
        "INVALID_JSON_DATA_TYPE",
        "2203G",
        format!("Failed to convert the JSON string to a data type: {why}."),
    )
}

/// Reads one type of a schema in JSON: a word, or an object for arrays, maps, structs and user-defined
/// types.
///
/// # Errors
/// If it is neither, or lacks a part, `INVALID_JSON_DATA_TYPE`.
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
    use crate::values::types::simple_string;

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
