//! Functions of maps. Keys are never null and never twice in one map (`ArrayBasedMapBuilder`); which of two equal keys
//! stays is `spark.sql.mapKeyDedupPolicy`'s to say.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion_common::ScalarValue;

use super::call::Call;
use super::conditional::unified;
use super::{Context, regex, unexpected_type, wrong_number};
use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::literal;
use crate::plan::scope::Typed;
use crate::values::types::{list_of, map_of};

type DfResult<T> = datafusion_common::Result<T>;

/// What a second equal key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dedup {
    Fail,
    LastWins,
}

impl Context<'_> {
    pub fn dedup(&self) -> Dedup {
        match self.conf.get("spark.sql.mapKeyDedupPolicy") {
            Some(policy) if policy.eq_ignore_ascii_case("LAST_WIN") => Dedup::LastWins,
            _ => Dedup::Fail,
        }
    }
}

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let call = Call::new(context, name, args);
    let dedup = context.dedup();
    Ok(Some(match name {
        "map" | "create_map" => {
            if !args.len().is_multiple_of(2) {
                return Err(wrong_number("map", "2n (n > 0)", args.len()));
            }
            let column = |from: usize| -> Result<(Typed, DataType)> {
                let items: Vec<Typed> = args.iter().skip(from).step_by(2).cloned().collect();
                let (items, element) = if items.is_empty() {
                    (items, DataType::Null)
                } else {
                    unified(context, "map", &items)?
                };
                Ok((super::arrays::made(items, element.clone(), String::new()), element))
            };
            let ((keys, key), (values, value)) = (column(0)?, column(1)?);
            from_lists("map", keys, values, key, value, dedup, super::call_name("map", args))
        }
        "map_from_arrays" => {
            call.takes(2, 2)?;
            let ((keys, key), (values, value)) = (call.list(0)?, call.list(1)?);
            from_lists(name, keys, values, key, value, dedup, call.label())
        }
        "map_from_entries" => from_entries(&call, dedup)?,
        "map_concat" => concat(&call, dedup)?,
        "map_keys" | "map_values" => {
            call.takes(1, 1)?;
            let (map, key, value) = call.map(0)?;
            let keys = name == "map_keys";
            let to = list_of(if keys { key } else { value });
            let result = to.clone();
            let expr = kernel::call(name, "", to.clone(), vec![map.expr], move |args, _| {
                let DataType::List(field) = &result else {
                    return Err(SparkError::internal("a list type is none").into());
                };
                let map = args[0].as_map();
                let values = if keys { map.keys() } else { map.values() };
                Ok(Arc::new(ListArray::try_new(
                    field.clone(),
                    map.offsets().clone(),
                    values.clone(),
                    map.nulls().cloned(),
                )?))
            });
            Typed::new(expr, to, call.label())
        }
        "map_entries" => {
            call.takes(1, 1)?;
            let (map, key, value) = call.map(0)?;
            let element = DataType::Struct(vec![Field::new("key", key, true), Field::new("value", value, true)].into());
            let list = super::generator::entries_of(map.expr, &element);
            Typed::new(list, list_of(element), call.label())
        }
        "map_contains_key" => {
            call.takes(2, 2)?;
            let (map, key, _) = call.map(0)?;
            let wanted = context.cast(call.arg(1)?, &key)?;
            let expr = kernel::call(
                name,
                "",
                DataType::Boolean,
                vec![map.expr, wanted.expr],
                |args, rows| {
                    let map = args[0].as_map();
                    let equal = make_comparator(map.keys(), &args[1], arrow::compute::SortOptions::default())?;
                    let found = (0..rows).map(|row| {
                        let span = map.value_offsets()[row] as usize..map.value_offsets()[row + 1] as usize;
                        (map.is_valid(row) && args[1].is_valid(row))
                            .then(|| span.clone().any(|i| equal(i, row).is_eq()))
                    });
                    Ok(Arc::new(found.collect::<BooleanArray>()))
                },
            );
            Typed::new(expr, DataType::Boolean, call.label())
        }
        "str_to_map" => text_to_map(&call, dedup)?,
        _ => return Ok(None),
    }))
}

fn null_key() -> SparkError {
    SparkError::new(
        Exception::Runtime,
        "NULL_MAP_KEY",
        "2200E",
        "Cannot use null as map key.",
    )
}

/// Puts flat keys and values together to maps of `lengths` entries.
///
/// # Errors
/// `NULL_MAP_KEY`, and `DUPLICATED_MAP_KEY` unless the last one wins.
pub fn build(
    keys: &ArrayRef,
    values: &ArrayRef,
    lengths: &[usize],
    valid: Vec<bool>,
    to: &DataType,
    dedup: Dedup,
) -> DfResult<ArrayRef> {
    let DataType::Map(entries, sorted) = to else {
        return Err(SparkError::internal("a map type is none").into());
    };
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(SparkError::internal("a map has no entries").into());
    };
    if keys.logical_null_count() > 0 {
        return Err(null_key().into());
    }
    let converter = RowConverter::new(vec![SortField::new(keys.data_type().clone())])?;
    let rows = converter.convert_columns(std::slice::from_ref(keys))?;
    let (mut key_at, mut value_at): (Vec<u32>, Vec<u32>) =
        (Vec::with_capacity(keys.len()), Vec::with_capacity(keys.len()));
    let mut kept = Vec::with_capacity(lengths.len());
    let mut start = 0;
    for length in lengths {
        let before = key_at.len();
        let mut seen: HashMap<OwnedRow, usize> = HashMap::with_capacity(*length);
        for i in start..start + length {
            match seen.get(&rows.row(i).owned()) {
                Some(_) if dedup == Dedup::Fail => return Err(duplicated(keys, i).into()),
                Some(place) => value_at[*place] = i as u32,
                None => {
                    seen.insert(rows.row(i).owned(), key_at.len());
                    key_at.push(i as u32);
                    value_at.push(i as u32);
                }
            }
        }
        start += length;
        kept.push(key_at.len() - before);
    }
    let keys = arrow::compute::take(keys, &UInt32Array::from(key_at), None)?;
    let values = arrow::compute::take(values, &UInt32Array::from(value_at), None)?;
    let inner = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(
        entries.clone(),
        OffsetBuffer::from_lengths(kept),
        inner,
        Some(valid.into()),
        *sorted,
    )?))
}

fn duplicated(keys: &ArrayRef, at: usize) -> SparkError {
    let key = crate::values::cast::to_text(&keys.slice(at, 1), crate::values::zone::Zone::UTC)
        .map(|t| t.value(0).to_owned())
        .unwrap_or_default();
    SparkError::new(
        Exception::Runtime,
        "DUPLICATED_MAP_KEY",
        "23505",
        format!(
            "Duplicate map key {key} was found, please check the input data. If you want to remove the duplicated keys, you can set \
             \"spark.sql.mapKeyDedupPolicy\" to \"LAST_WIN\" so that the key inserted at last takes precedence."
        ),
    )
    .with("key", key)
    .with("mapKeyDedupPolicy", "\"spark.sql.mapKeyDedupPolicy\"")
}

/// Elements of the valid rows of a list, one behind the other.
pub fn flat(list: &ListArray, valid: &[bool]) -> DfResult<ArrayRef> {
    let at = (0..list.len())
        .filter(|r| valid[*r])
        .flat_map(|r| list.value_offsets()[r] as u32..list.value_offsets()[r + 1] as u32);
    Ok(arrow::compute::take(
        list.values(),
        &UInt32Array::from_iter_values(at),
        None,
    )?)
}

fn from_lists(
    name: &str,
    keys: Typed,
    values: Typed,
    key: DataType,
    value: DataType,
    dedup: Dedup,
    label: String,
) -> Typed {
    let to = map_of(key, value);
    let result = to.clone();
    let expr = kernel::call(
        name,
        format!("{dedup:?}"),
        to.clone(),
        vec![keys.expr, values.expr],
        move |args, rows| {
            let (keys, values) = (args[0].as_list::<i32>(), args[1].as_list::<i32>());
            let valid: Vec<bool> = (0..rows).map(|r| keys.is_valid(r) && values.is_valid(r)).collect();
            if (0..rows).any(|r| valid[r] && keys.value_length(r) != values.value_length(r)) {
                return Err(SparkError::new(
                    Exception::Runtime,
                    "_LEGACY_ERROR_TEMP_2128",
                    "",
                    "The key array and value array of MapData must have the same length.",
                )
                .into());
            }
            let lengths: Vec<usize> = (0..rows)
                .map(|r| if valid[r] { keys.value_length(r) as usize } else { 0 })
                .collect();
            build(
                &flat(keys, &valid)?,
                &flat(values, &valid)?,
                &lengths,
                valid,
                &result,
                dedup,
            )
        },
    );
    Typed::new(expr, to, label)
}

fn from_entries(call: &Call<'_>, dedup: Dedup) -> Result<Typed> {
    call.takes(1, 1)?;
    let (list, element) = call.list(0)?;
    let DataType::Struct(fields) = &element else {
        return Err(unexpected_type(&call.label(), 1, &list, "ARRAY\" of pair \"STRUCT"));
    };
    if fields.len() != 2 {
        return Err(unexpected_type(&call.label(), 1, &list, "ARRAY\" of pair \"STRUCT"));
    }
    let to = map_of(fields[0].data_type().clone(), fields[1].data_type().clone());
    let result = to.clone();
    let expr = kernel::call(
        call.name,
        format!("{dedup:?}"),
        to.clone(),
        vec![list.expr],
        move |args, rows| {
            let list = args[0].as_list::<i32>();
            let structs = list.values().as_struct();
            let span = |r: usize| list.value_offsets()[r] as usize..list.value_offsets()[r + 1] as usize;
            let valid: Vec<bool> = (0..rows)
                .map(|r| list.is_valid(r) && span(r).all(|i| structs.is_valid(i)))
                .collect();
            let lengths: Vec<usize> = (0..rows)
                .map(|r| if valid[r] { list.value_length(r) as usize } else { 0 })
                .collect();
            let at = UInt32Array::from_iter_values((0..rows).filter(|r| valid[*r]).flat_map(span).map(|i| i as u32));
            let (keys, values) = (
                arrow::compute::take(structs.column(0), &at, None)?,
                arrow::compute::take(structs.column(1), &at, None)?,
            );
            build(&keys, &values, &lengths, valid, &result, dedup)
        },
    );
    Ok(Typed::new(expr, to, call.label()))
}

fn concat(call: &Call<'_>, dedup: Dedup) -> Result<Typed> {
    if call.args.is_empty() {
        return self::call(call.context, "map", &[])?.ok_or_else(|| SparkError::internal("there is no map function"));
    }
    let (maps, to) = unified(call.context, "map_concat", call.args)?;
    let result = to.clone();
    let expr = kernel::call(
        call.name,
        format!("{dedup:?}"),
        to.clone(),
        maps.into_iter().map(|t| t.expr).collect(),
        move |args, rows| {
            let maps: Vec<&MapArray> = args.iter().map(|a| a.as_map()).collect();
            let valid: Vec<bool> = (0..rows).map(|r| maps.iter().all(|m| m.is_valid(r))).collect();
            let mut from: Vec<(usize, usize)> = Vec::new();
            let mut lengths = Vec::with_capacity(rows);
            #[allow(clippy::needless_range_loop)] // The row indexes several columns.
            for row in 0..rows {
                let before = from.len();
                if valid[row] {
                    for (i, map) in maps.iter().enumerate() {
                        from.extend(
                            (map.value_offsets()[row] as usize..map.value_offsets()[row + 1] as usize)
                                .map(|at| (i, at)),
                        );
                    }
                }
                lengths.push(from.len() - before);
            }
            let joined = |part: fn(&MapArray) -> &ArrayRef| -> DfResult<ArrayRef> {
                let columns: Vec<&dyn Array> = maps.iter().map(|m| part(m).as_ref()).collect();
                if from.is_empty() {
                    Ok(new_empty_array(columns[0].data_type()))
                } else {
                    Ok(arrow::compute::interleave(&columns, &from)?)
                }
            };
            build(
                &joined(MapArray::keys)?,
                &joined(MapArray::values)?,
                &lengths,
                valid,
                &result,
                dedup,
            )
        },
    );
    Ok(Typed::new(expr, to, call.label()))
}

/// `str_to_map(text, pairs, key_value)`: both delimiters are regular expressions.
fn text_to_map(call: &Call<'_>, dedup: Dedup) -> Result<Typed> {
    call.takes(1, 3)?;
    let delimiter = |i: usize, default: &str| {
        if i < call.args.len() {
            call.text(i)
        } else {
            Ok(literal::string(default))
        }
    };
    let label = call.label_with(&[",", ":"][call.args.len() - 1..]);
    let to = map_of(DataType::Utf8, DataType::Utf8);
    let result = to.clone();
    let (pairs, parts) = (regex::Cache::new("str_to_map"), regex::Cache::new("str_to_map"));
    let exprs = vec![call.text(0)?.expr, delimiter(1, ",")?.expr, delimiter(2, ":")?.expr];
    let expr = kernel::call(call.name, format!("{dedup:?}"), to.clone(), exprs, move |args, rows| {
        let texts: Vec<&StringArray> = args.iter().map(|a| a.as_string::<i32>()).collect();
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let (mut lengths, mut valid) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for row in 0..rows {
            let before = keys.len();
            valid.push(texts.iter().all(|t| t.is_valid(row)));
            if valid[row] {
                let inner = parts.get(texts[2].value(row))?;
                for pair in pairs.get(texts[1].value(row))?.split(texts[0].value(row)) {
                    let mut halves = inner.splitn(pair, 2);
                    keys.push(halves.next().unwrap_or_default());
                    values.push(halves.next());
                }
            }
            lengths.push(keys.len() - before);
        }
        let keys: ArrayRef = Arc::new(StringArray::from_iter_values(keys));
        let values: ArrayRef = Arc::new(StringArray::from(values));
        build(&keys, &values, &lengths, valid, &result, dedup)
    });
    Ok(Typed::new(expr, to, label))
}

/// The options of a function call: a constant `map('key', 'value', …)`, keys in lower case.
pub fn options(argument: &Typed) -> Result<std::collections::BTreeMap<String, String>> {
    let invalid = || {
        SparkError::analysis(
            "INVALID_OPTIONS.NON_MAP_FUNCTION",
            "42K06",
            format!(
                "Invalid options: Must use the `map()` function for options, but got {}.",
                argument.name
            ),
        )
    };
    let Some(ScalarValue::Map(map)) = super::fold(&argument.expr) else {
        return Err(invalid());
    };
    let (Some(keys), Some(values)) = (map.keys().as_string_opt::<i32>(), map.values().as_string_opt::<i32>()) else {
        return Err(invalid());
    };
    Ok(keys
        .iter()
        .zip(values)
        .filter_map(|(k, v)| Some((k?.to_lowercase(), v?.to_owned())))
        .collect())
}
