//! Functions of maps. Keys are never null and never twice in one map (`ArrayBasedMapBuilder`); which of
//! two equal keys stays is `spark.sql.mapKeyDedupPolicy`'s to say.
//!
//! Every function that makes keys ends in [`build`], which checks both. With `LAST_WIN` the entry keeps
//! the place of the first of the equal keys and takes the value of the last.
//!
//! ```text
//! map(1, 'a', 2, 'b', 1, 'c')    EXCEPTION  DUPLICATED_MAP_KEY
//!                                LAST_WIN   {1 -> c, 2 -> b}
//! map(null, 'a')                 always     NULL_MAP_KEY
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;
use arrow::row::OwnedRow;
use datafusion_common::ScalarValue;

use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::functions::call::Call;
use crate::plan::functions::collection::arrays;
use crate::plan::functions::condition::unified;
use crate::plan::functions::error::mismatch;
use crate::plan::functions::list::{ListMaker, map_span, span};
use crate::plan::functions::text::regex;
use crate::plan::functions::{Context, fold, generator};
use crate::plan::scope::Typed;
use crate::settings;
use crate::values::floats::{comparable, comparator, normalised};
use crate::values::types::{self, element_field, list_of, map_of};

/// What kernels return.
type DfResult<T> = datafusion_common::Result<T>;

/// What a second equal key does (`spark.sql.mapKeyDedupPolicy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dedup {
    /// It is an error (`EXCEPTION`).
    Fail,
    /// Its value replaces the first one's (`LAST_WIN`).
    LastWins,
}

impl Context<'_> {
    /// Returns what the session says of equal keys.
    pub fn dedup(&self) -> Dedup {
        if self.conf.is(&settings::MAP_KEY_DEDUP, "LAST_WIN") {
            Dedup::LastWins
        } else {
            Dedup::Fail
        }
    }
}

/// Resolves `map` (`CreateMap`): keys and values each in their common type.
pub fn map(call: &Call<'_>) -> Result<Typed> {
    let column = |from: usize| -> Result<(Typed, DataType)> {
        let items: Vec<Typed> = call.args.iter().skip(from).step_by(2).cloned().collect();
        let (items, element) = if items.is_empty() {
            (items, DataType::Null)
        } else {
            unified(call.context, "map", &items)?
        };
        Ok((arrays::made(items, element.clone(), String::new()), element))
    };
    from_lists(call, "map", column(0)?, column(1)?)
}

/// Resolves `map_from_arrays` (`MapFromArrays`).
///
/// When it runs, arrays of different lengths are an error.
pub fn from_arrays(call: &Call<'_>) -> Result<Typed> {
    from_lists(call, call.name, call.list(0)?, call.list(1)?)
}

/// Resolves `map_keys` (`MapKeys`), without copying.
pub fn keys(call: &Call<'_>) -> Result<Typed> {
    let (map, key, _) = call.map(0)?;
    halves(call, map, key, MapArray::keys)
}

/// Resolves `map_values` (`MapValues`), without copying.
pub fn values(call: &Call<'_>) -> Result<Typed> {
    let (map, _, value) = call.map(0)?;
    halves(call, map, value, MapArray::values)
}

/// Returns the keys or the values of each row as a list.
fn halves(call: &Call<'_>, map: Typed, element: DataType, half: fn(&MapArray) -> &ArrayRef) -> Result<Typed> {
    let to = list_of(element);
    let field = element_field(&to)?.clone();
    let expr = kernel::call(call.name, "", to.clone(), vec![map.expr], move |args, _| {
        let map = args[0].as_map();
        Ok(Arc::new(ListArray::try_new(
            field.clone(),
            map.offsets().clone(),
            half(map).clone(),
            map.nulls().cloned(),
        )?))
    });
    Ok(Typed::new(expr, to, call.label()))
}

/// Resolves `map_entries` (`MapEntries`).
pub fn entries(call: &Call<'_>) -> Result<Typed> {
    let (map, key, value) = call.map(0)?;
    let element = DataType::Struct(vec![Field::new("key", key, true), Field::new("value", value, true)].into());
    let list = generator::entries_of(map.expr, &element)?;
    Ok(Typed::new(list, list_of(element), call.label()))
}

/// Resolves `map_contains_key`; a null key is not in any map, and the answer is null.
pub fn contains_key(call: &Call<'_>) -> Result<Typed> {
    let (map, key, _) = call.map(0)?;
    let wanted = call.context.cast(call.arg(1)?, &key)?;
    let args = vec![map.expr, wanted.expr];
    let expr = kernel::call(call.name, "", DataType::Boolean, args, |args, rows| {
        let map = args[0].as_map();
        let equal = comparator(map.keys(), &args[1])?;
        let found = (0..rows).map(|row| {
            (map.is_valid(row) && args[1].is_valid(row)).then(|| map_span(map, row).any(|i| equal(i, row).is_eq()))
        });
        Ok(Arc::new(found.collect::<BooleanArray>()))
    });
    Ok(Typed::new(expr, DataType::Boolean, call.label()))
}

/// Makes an internal error: a map type was expected.
fn not_a_map(found: &DataType) -> SparkError {
    SparkError::internal(format!("expected a map type, found {found}"))
}

/// Makes `NULL_MAP_KEY`.
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
/// If a key is null, `NULL_MAP_KEY`; if two are equal, `DUPLICATED_MAP_KEY` unless the last one wins.
///
/// Keys are compared as in grouping, by Arrow's row format: structs and arrays can be keys. Takes time
/// linear in the entries; without equal keys, keys and values are taken in their order. Floats are kept normalised.
pub fn build(
    keys: &ArrayRef,
    values: &ArrayRef,
    lengths: &[usize],
    valid: Vec<bool>,
    to: &DataType,
    dedup: Dedup,
) -> DfResult<ArrayRef> {
    let DataType::Map(entries, sorted) = to else {
        return Err(not_a_map(to).into());
    };
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(not_a_map(to).into());
    };
    if keys.logical_null_count() > 0 {
        return Err(null_key().into());
    }
    let rows = comparable(std::slice::from_ref(keys))?;
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
    let keys = normalised(&arrow::compute::take(keys, &UInt32Array::from(key_at), None)?)?;
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

/// Makes `DUPLICATED_MAP_KEY`, which shows the key.
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

/// Returns the elements of the valid rows of a list, one after the other.
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

/// Returns maps of a list of keys and one of values, each with the type of its elements.
fn from_lists(call: &Call<'_>, name: &str, keys: (Typed, DataType), values: (Typed, DataType)) -> Result<Typed> {
    let to = map_of(keys.1, values.1);
    let (result, dedup) = (to.clone(), call.context.dedup());
    let args = vec![keys.0.expr, values.0.expr];
    let expr = kernel::call(name, format!("{dedup:?}"), to.clone(), args, move |args, rows| {
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
        let (keys, values) = (flat(keys, &valid)?, flat(values, &valid)?);
        build(&keys, &values, &lengths, valid, &result, dedup)
    });
    Ok(Typed::new(expr, to, call.label_as(name)))
}

/// Resolves `map_from_entries` (`MapFromEntries`): null if an entry is.
///
/// # Errors
/// If the elements are not structs of two fields, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn from_entries(call: &Call<'_>) -> Result<Typed> {
    let (list, element) = call.list(0)?;
    let (key, value) = match &element {
        DataType::Struct(fields) if fields.len() == 2 => (fields[0].data_type(), fields[1].data_type()),
        _ => return Err(mismatch(&call.label(), 1, &list, "\"ARRAY\" of pair \"STRUCT\"")),
    };
    let to = map_of(key.clone(), value.clone());
    let (result, dedup) = (to.clone(), call.context.dedup());
    let expr = kernel::call(
        call.name,
        format!("{dedup:?}"),
        to.clone(),
        vec![list.expr],
        move |args, rows| {
            let list = args[0].as_list::<i32>();
            let structs = list.values().as_struct();
            let valid: Vec<bool> = (0..rows)
                .map(|r| list.is_valid(r) && span(list, r).all(|i| structs.is_valid(i)))
                .collect();
            let lengths: Vec<usize> = (0..rows)
                .map(|r| if valid[r] { list.value_length(r) as usize } else { 0 })
                .collect();
            let entries = (0..rows).filter(|r| valid[*r]).flat_map(|r| span(list, r));
            let at = UInt32Array::from_iter_values(entries.map(|i| i as u32));
            let keys = arrow::compute::take(structs.column(0), &at, None)?;
            let values = arrow::compute::take(structs.column(1), &at, None)?;
            build(&keys, &values, &lengths, valid, &result, dedup)
        },
    );
    Ok(Typed::new(expr, to, call.label()))
}

/// Resolves `map_concat` (`MapConcat`): the entries of all maps in order; null if one is null, an empty
/// map without arguments.
///
/// # Errors
/// If an argument is not a map, or two are maps of types without a common one, `DATATYPE_MISMATCH.MAP_CONCAT_DIFF_TYPES`.
pub fn concat(call: &Call<'_>) -> Result<Typed> {
    if call.args.is_empty() {
        return map(&call.other("map", &[]));
    }
    if call.args.iter().any(|a| !matches!(a.data_type, DataType::Map(..))) {
        return Err(not_all_maps(call));
    }
    let (maps, to) = unified(call.context, "map_concat", call.args).map_err(|_| not_all_maps(call))?;
    let (result, dedup) = (to.clone(), call.context.dedup());
    let exprs = maps.into_iter().map(|t| t.expr).collect();
    let expr = kernel::call(call.name, format!("{dedup:?}"), to.clone(), exprs, move |args, rows| {
        let maps: Vec<&MapArray> = args.iter().map(|a| a.as_map()).collect();
        let mut made = ListMaker::new(rows);
        for row in 0..rows {
            let valid = maps.iter().all(|m| m.is_valid(row));
            if valid {
                made.expect("map_concat", maps.iter().map(|m| map_span(m, row).len() as u64).sum())?;
                for (i, map) in maps.iter().enumerate() {
                    made.extend(i, map_span(map, row));
                }
            }
            made.end(valid);
        }
        let joined = |part: fn(&MapArray) -> &ArrayRef| {
            let columns: Vec<&dyn Array> = maps.iter().map(|m| part(m).as_ref()).collect();
            made.values(&columns)
        };
        let (keys, values) = (joined(MapArray::keys)?, joined(MapArray::values)?);
        let (lengths, valid) = made.shape();
        build(&keys, &values, lengths, valid.to_vec(), &result, dedup)
    });
    Ok(Typed::new(expr, to, call.label()))
}

/// Makes `DATATYPE_MISMATCH.MAP_CONCAT_DIFF_TYPES`, which names the types of the arguments.
fn not_all_maps(call: &Call<'_>) -> SparkError {
    let types: Vec<String> = call
        .args
        .iter()
        .map(|a| format!("\"{}\"", types::sql_name(&a.data_type)))
        .collect();
    SparkError::analysis(
        "DATATYPE_MISMATCH.MAP_CONCAT_DIFF_TYPES",
        "42K09",
        format!(
            "Cannot resolve \"{}\" due to data type mismatch: The `map_concat` should all be of type map, but it's [{}].",
            call.label(),
            types.join(", ")
        ),
    )
}

/// Resolves `str_to_map(text, pairs, key_value)` (`StringToMap`): both delimiters are regular
/// expressions. A pair without the second delimiter has a null value.
pub fn str_to_map(call: &Call<'_>) -> Result<Typed> {
    let label = call.label_or(1, &[",", ":"]);
    let to = map_of(DataType::Utf8, DataType::Utf8);
    let (result, dedup) = (to.clone(), call.context.dedup());
    let (pairs, parts) = (regex::Cache::new("str_to_map"), regex::Cache::new("str_to_map"));
    let exprs = vec![
        call.text(0)?.expr,
        call.text_or(1, ",")?.expr,
        call.text_or(2, ":")?.expr,
    ];
    let expr = kernel::call(call.name, format!("{dedup:?}"), to.clone(), exprs, move |args, rows| {
        let texts: Vec<&StringArray> = args.iter().map(|a| a.as_string::<i32>()).collect();
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let (mut lengths, mut valid) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for row in 0..rows {
            let before = keys.len();
            valid.push(texts.iter().all(|t| t.is_valid(row)));
            if valid[row] {
                let inner = parts.get(texts[2].value(row))?;
                let text = texts[0].value(row);
                let mut pair = |pair: &'_ str| -> Result<()> {
                    let at = inner.find(pair)?;
                    keys.push(at.as_ref().map_or(pair, |at| &pair[..at.start]).to_owned());
                    values.push(at.map(|at| pair[at.end..].to_owned()));
                    Ok(())
                };
                let mut from = 0;
                pairs.get(texts[1].value(row))?.each_match(text, |at| {
                    pair(&text[from..at.start])?;
                    from = at.end;
                    Ok(true)
                })?;
                pair(&text[from..])?;
            }
            lengths.push(keys.len() - before);
        }
        let keys: ArrayRef = Arc::new(StringArray::from_iter_values(keys));
        let values: ArrayRef = Arc::new(StringArray::from(values));
        build(&keys, &values, &lengths, valid, &result, dedup)
    });
    Ok(Typed::new(expr, to, label))
}

/// Returns the options of a function call: a constant `map('key', 'value', …)`, keys in lower case.
///
/// # Errors
/// If the argument is anything else, `INVALID_OPTIONS.NON_MAP_FUNCTION`.
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
    let Some(ScalarValue::Map(map)) = fold(&argument.expr) else {
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
