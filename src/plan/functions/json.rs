//! `from_json`, `to_json`, `get_json_object`, `json_tuple` and what else reads and writes JSON in a column.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::*;
use arrow::datatypes::*;
use datafusion_common::ScalarValue;
use datafusion_expr::Expr;

use super::call::Call;
use super::json_read::{ParseMode, Reader, array_of};
use super::json_text::{Astral, Json, Leniency, parse, write};
use super::json_write::Writer;
use super::maps::options;
use super::{Context, json_path, row, unexpected_type};
use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::scope::{Generator, Typed};
use crate::plan::type_message;
use crate::values::types::{is_string, list_of, sql_name};

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let call = Call::new(context, name, args);
    Ok(Some(match name {
        "get_json_object" => {
            call.takes(2, 2)?;
            let known: Mutex<Option<(String, Option<Vec<json_path::Step>>)>> = Mutex::new(None);
            row::call(
                name,
                "",
                DataType::Utf8,
                vec![call.text(0)?, call.text(1)?],
                call.label(),
                move |r| {
                    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                    if known.as_ref().is_none_or(|(p, _)| p != r.text(1)) {
                        *known = Some((r.text(1).to_owned(), json_path::parse(r.text(1))));
                    }
                    let Some((_, Some(path))) = known.as_ref() else {
                        return Ok(None);
                    };
                    Ok(parse(r.text(0), Leniency::DEFAULT, false).and_then(|json| json_path::evaluate(&json, path)))
                },
            )
        }
        "json_tuple" => tuple(&call)?,
        "json_array_length" => {
            call.takes(1, 1)?;
            row::call(name, "", DataType::Int32, vec![call.text(0)?], call.label(), |r| {
                Ok(match parse(r.text(0), Leniency::DEFAULT, false) {
                    Some(Json::Array(items)) => Some(items.len() as i32),
                    _ => None,
                })
            })
        }
        "json_object_keys" => {
            call.takes(1, 1)?;
            row::call(
                name,
                "",
                list_of(DataType::Utf8),
                vec![call.text(0)?],
                call.label(),
                |r| {
                    Ok(match parse(r.text(0), Leniency::DEFAULT, false) {
                        Some(Json::Object(fields)) => {
                            Some(fields.into_iter().map(|(name, _)| Some(name)).collect::<Vec<_>>())
                        }
                        _ => None,
                    })
                },
            )
        }
        "from_json" => from_json(&call)?,
        "to_json" => to_json(&call)?,
        "schema_of_json" => {
            call.takes(1, 2)?;
            let Some(text) = call.constant_text(0) else {
                return Err(SparkError::analysis(
                    "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                    "42K09",
                    format!(
                        "Cannot resolve \"{}\" due to data type mismatch: the input json should be a foldable \"STRING\" expression.",
                        call.label()
                    ),
                ));
            };
            let json = parse(&text, Leniency::DEFAULT, false);
            let found = json.map_or(DataType::Utf8, |json| shape(&json));
            let value = ScalarValue::Utf8(Some(sql_name(&settled(&found))));
            Typed::new(
                Expr::Literal(value, None),
                DataType::Utf8,
                format!("schema_of_json({})", args[0].name),
            )
        }
        _ => return Ok(None),
    }))
}

/// The type that a value has, as `JsonInferSchema` finds it.
fn shape(json: &Json) -> DataType {
    match json {
        Json::Null => DataType::Null,
        Json::Bool(_) => DataType::Boolean,
        Json::Text(_) => DataType::Utf8,
        Json::Number(raw) if raw.contains(['.', 'e', 'E', 'N', 'I']) => DataType::Float64,
        Json::Number(raw) if raw.parse::<i64>().is_ok() => DataType::Int64,
        Json::Number(raw) => match raw.trim_start_matches('-').len() {
            digits @ ..=38 => DataType::Decimal128(digits as u8, 0),
            _ => DataType::Float64,
        },
        Json::Array(items) => {
            let element = items
                .iter()
                .map(shape)
                .reduce(|a, b| merged(&a, &b))
                .unwrap_or(DataType::Null);
            list_of(element)
        }
        Json::Object(fields) => {
            let mut known: Vec<(String, DataType)> = Vec::new();
            for (name, value) in fields {
                match known.iter_mut().find(|(n, _)| n == name) {
                    Some((_, t)) => *t = merged(t, &shape(value)),
                    None => known.push((name.clone(), shape(value))),
                }
            }
            known.sort_by(|a, b| a.0.cmp(&b.0));
            DataType::Struct(known.into_iter().map(|(n, t)| Field::new(n, t, true)).collect())
        }
    }
}

fn merged(a: &DataType, b: &DataType) -> DataType {
    match (a, b) {
        (DataType::Struct(x), DataType::Struct(y)) => {
            let mut all: BTreeMap<&str, DataType> =
                x.iter().map(|f| (f.name().as_str(), f.data_type().clone())).collect();
            for field in y {
                let known = all.get(field.name().as_str()).map(|t| merged(t, field.data_type()));
                all.insert(field.name(), known.unwrap_or_else(|| field.data_type().clone()));
            }
            DataType::Struct(all.into_iter().map(|(n, t)| Field::new(n, t, true)).collect())
        }
        (DataType::List(x), DataType::List(y)) => list_of(merged(x.data_type(), y.data_type())),
        _ => crate::plan::coercion::widen(a, b).unwrap_or(DataType::Utf8),
    }
}

/// Types without a value are text.
fn settled(found: &DataType) -> DataType {
    match found {
        DataType::Null => DataType::Utf8,
        DataType::List(item) => list_of(settled(item.data_type())),
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|f| Field::new(f.name(), settled(f.data_type()), true))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// `json_tuple(text, names…)`: a row of as many texts; nulls where the text is no object.
fn tuple(call: &Call<'_>) -> Result<Typed> {
    call.takes(2, usize::MAX)?;
    let args = (0..call.args.len()).map(|i| call.text(i)).collect::<Result<Vec<_>>>()?;
    let width = args.len() - 1;
    let fields: Fields = (0..width)
        .map(|i| Field::new(format!("c{i}"), DataType::Utf8, true))
        .collect();
    let element = DataType::Struct(fields.clone());
    let to = list_of(element.clone());
    let result = to.clone();
    let list = kernel::call(
        "json_tuple",
        "",
        to,
        args.into_iter().map(|t| t.expr).collect(),
        move |args, rows| {
            let DataType::List(field) = &result else {
                return Err(SparkError::internal("a list type is none").into());
            };
            let texts: Vec<&StringArray> = args.iter().map(|a| a.as_string::<i32>()).collect();
            let mut columns: Vec<StringBuilder> = (0..width).map(|_| StringBuilder::new()).collect();
            for row in 0..rows {
                let json = texts[0]
                    .is_valid(row)
                    .then(|| parse(texts[0].value(row), Leniency::DEFAULT, false))
                    .flatten();
                for (i, column) in columns.iter_mut().enumerate() {
                    let name = &texts[i + 1];
                    let found = match &json {
                        Some(Json::Object(fields)) if name.is_valid(row) => {
                            fields.iter().find(|(n, _)| n == name.value(row)).map(|(_, v)| v)
                        }
                        _ => None,
                    };
                    match found {
                        None | Some(Json::Null) => column.append_null(),
                        Some(Json::Text(text)) => column.append_value(text),
                        Some(other) => {
                            let mut text = String::new();
                            write(other, Astral::Escaped, &mut text);
                            column.append_value(text);
                        }
                    }
                }
            }
            let columns = columns
                .into_iter()
                .map(|mut c| Arc::new(c.finish()) as ArrayRef)
                .collect();
            let structs = StructArray::try_new_with_length(fields.clone(), columns, None, rows)?;
            let offsets = arrow::buffer::OffsetBuffer::from_lengths(std::iter::repeat_n(1, rows));
            Ok(Arc::new(ListArray::try_new(
                field.clone(),
                offsets,
                Arc::new(structs),
                None,
            )?))
        },
    );
    let mut typed = Typed::new(list.clone(), element.clone(), call.label());
    typed.generator = Some(Box::new(Generator {
        list,
        element,
        outer: false,
        spread: true,
        names: vec![],
    }));
    Ok(typed)
}

fn from_json(call: &Call<'_>) -> Result<Typed> {
    call.takes(2, 3)?;
    let invalid = || {
        SparkError::analysis(
            "INVALID_SCHEMA.NON_STRING_LITERAL",
            "42K07",
            format!(
                "The input schema \"{}\" is not a valid schema string: The input expression must be string literal and not null.",
                call.args[1].name
            ),
        )
    };
    let ddl = match super::fold(&call.args[1].expr) {
        Some(ScalarValue::Utf8(Some(text))) => text,
        _ => return Err(invalid()),
    };
    let to = schema(&ddl)?;
    if !matches!(to, DataType::Struct(_) | DataType::List(_) | DataType::Map(..)) {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA",
            "42K09",
            format!(
                "Cannot resolve \"from_json({})\" due to data type mismatch: Input schema \"{}\" must be a struct, an array, a map or a variant.",
                call.args[0].name,
                sql_name(&to)
            ),
        ));
    }
    let given = call.args.get(2).map(options).transpose()?.unwrap_or_default();
    let reader = Reader::new(&given, call.context.zone)?;
    let label = if matches!(to, DataType::Map(..)) {
        "entries".to_owned()
    } else {
        format!("from_json({})", call.args[0].name)
    };
    if !is_string(&call.args[0].data_type) && !call.args[0].data_type.is_null() {
        return Err(unexpected_type(
            &format!("from_json({})", call.args[0].name),
            1,
            &call.args[0],
            "STRING",
        ));
    }
    let result = to.clone();
    let expr = kernel::call(
        "from_json",
        format!("{given:?} {:?}", call.context.zone),
        to.clone(),
        vec![call.text(0)?.expr],
        move |args, _| {
            let cells = args[0].as_string::<i32>().iter().map(|text| match text {
                Some(text) if !text.trim().is_empty() => root(&reader, text, &result),
                _ => Ok(ScalarValue::try_from(&result)?),
            });
            let cells = cells.collect::<Result<Vec<_>>>()?;
            Ok(array_of(cells, &result).ok_or_else(|| SparkError::internal("parsed values differ in type"))?)
        },
    );
    Ok(Typed::new(expr, to, label))
}

/// A schema from a type's or a table schema's text, or JSON.
fn schema(text: &str) -> Result<DataType> {
    let nullable =
        |fields: Fields| DataType::Struct(fields.iter().map(|f| f.as_ref().clone().with_nullable(true)).collect());
    if text.trim_start().starts_with('{') {
        return type_message::schema_from_text(text).map(nullable);
    }
    match type_message::from_ddl_type(text) {
        Ok(found) => Ok(found),
        Err(_) => type_message::schema_from_text(text).map(nullable),
    }
}

/// One text as the value of a whole schema.
fn root(reader: &Reader, text: &str, to: &DataType) -> Result<ScalarValue> {
    let mut bad = false;
    let parsed = parse(text, reader.leniency, false);
    let value = match (&parsed, to) {
        (Some(Json::Object(object)), DataType::Struct(fields)) => reader.record(object, fields, &mut bad),
        (Some(json @ Json::Object(_)), DataType::List(item)) if matches!(item.data_type(), DataType::Struct(_)) => {
            reader.list(std::iter::once(json), item, &mut bad)
        }
        (Some(Json::Array(items)), DataType::List(item)) => reader.list(items.iter(), item, &mut bad),
        (Some(json @ Json::Object(_)), DataType::Map(..)) => Some(reader.value(json, to, &mut bad)),
        (Some(Json::Null), _) => return Ok(ScalarValue::try_from(to)?),
        _ => None,
    };
    bad |= value.is_none();
    if bad && reader.mode == ParseMode::FailFast {
        return Err(malformed());
    }
    match (value, to) {
        (Some(value), DataType::Struct(fields)) => with_corrupt(reader, value, fields, bad.then_some(text)),
        (Some(value), _) => Ok(value),
        (None, DataType::Struct(fields)) => {
            let nulls = reader
                .record(&[], fields, &mut bad)
                .ok_or_else(|| SparkError::internal("a record of nulls cannot be made"))?;
            with_corrupt(reader, nulls, fields, Some(text))
        }
        (None, _) => Ok(ScalarValue::try_from(to)?),
    }
}

/// The record with the malformed text in the column that wants it.
fn with_corrupt(reader: &Reader, value: ScalarValue, fields: &Fields, text: Option<&str>) -> Result<ScalarValue> {
    let (ScalarValue::Struct(array), Some(at)) = (
        &value,
        fields
            .iter()
            .position(|f| f.name() == &reader.corrupt_column && is_string(f.data_type())),
    ) else {
        return Ok(value);
    };
    let mut columns = array.columns().to_vec();
    columns[at] = Arc::new(StringArray::from(vec![text]));
    Ok(ScalarValue::Struct(Arc::new(StructArray::try_new(
        fields.clone(),
        columns,
        None,
    )?)))
}

fn malformed() -> SparkError {
    SparkError::new(
        Exception::Connect,
        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
        "22023",
        "Malformed records are detected in record parsing: [null]. Parse Mode: FAILFAST. To process malformed records as null result, try setting \
         the option 'mode' as 'PERMISSIVE'.",
    )
    .with("badRecord", "[null]")
    .with("failFastMode", "FAILFAST")
}

fn to_json(call: &Call<'_>) -> Result<Typed> {
    call.takes(1, 2)?;
    let arg = call.arg(0)?;
    let label = format!("to_json({})", arg.name);
    if !matches!(
        arg.data_type,
        DataType::Struct(_) | DataType::List(_) | DataType::Map(..)
    ) {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA",
            "42K09",
            format!(
                "Cannot resolve \"{label}\" due to data type mismatch: Input schema \"{}\" must be a struct, an array, a map or a variant.",
                sql_name(&arg.data_type)
            ),
        ));
    }
    let given = call.args.get(1).map(options).transpose()?.unwrap_or_default();
    let writer = Writer::new(&given, call.context.zone)?;
    let expr = kernel::call(
        "to_json",
        format!("{given:?} {:?}", call.context.zone),
        DataType::Utf8,
        vec![arg.expr],
        move |args, rows| {
            let mut out = StringBuilder::with_capacity(rows, rows * 32);
            let mut text = String::new();
            for row in 0..rows {
                if args[0].is_null(row) {
                    out.append_null();
                    continue;
                }
                text.clear();
                writer.value(&args[0], row, &mut text)?;
                out.append_value(&text);
            }
            Ok(Arc::new(out.finish()))
        },
    );
    Ok(Typed::new(expr, DataType::Utf8, label))
}
