//! Arrays made, measured, cut, joined and indexed.
//!
//! ```text
//! get(a, i)          from 0; null outside
//! element_at(a, i)   from 1, negative from the end; outside an error under ANSI, else null; 0 is always an error
//! slice(a, i, n)     from 1, negative from the end; empty outside; 0 is an error
//! array_insert       from 1, negative from the end; gaps are filled with nulls; 0 is an error
//! ```
//!
//! ```text
//! arrays_zip(array(1, 2), array('a'))    [{1, a}, {2, null}]     flatten([[1], [2, 3]])          [1, 2, 3]
//! array_insert(array(1), -1, 2)          [1, 2]                  array_join(['a', null], '-')    a
//! ```

use std::ops::Range;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::*;

use crate::error::{Exception, Result, SparkError};
use crate::kernels::{kernel, limits};
use crate::plan::functions::call::Call;
use crate::plan::functions::error::{index_of_zero, mismatch, unexpected_type};
use crate::plan::functions::list::{ListMaker, assemble, span};
use crate::plan::functions::{condition, row};
use crate::plan::names::Names;
use crate::plan::scope::Typed;
use crate::plan::{coercion, extract, literal};
use crate::values::cast::Mode;
use crate::values::types::{element_field, list_of, sql_name};

/// What kernels return.
type DfResult<T> = datafusion_common::Result<T>;

/// Resolves `array` (`CreateArray`): the elements in their common type; void without any.
///
/// # Errors
/// If they do not have a common type, `DATATYPE_MISMATCH.DATA_DIFF_TYPES`.
pub fn array(call: &Call<'_>) -> Result<Typed> {
    if call.args.is_empty() {
        return Ok(made(vec![], DataType::Null, call.label()));
    }
    let (items, element) = condition::unified(call.context, call.name, call.args)?;
    Ok(made(items, element, call.label()))
}

/// Resolves `size` (`Size`) of an array or a map; null for null, as without
/// `spark.sql.legacy.sizeOfNull`.
///
/// # Errors
/// If the argument is neither, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn size(call: &Call<'_>) -> Result<Typed> {
    let arg = call.arg(0)?;
    match arg.data_type {
        DataType::List(_) | DataType::Map(..) | DataType::Null => Ok(lengths(call, arg)),
        _ => Err(unexpected_type(&call.label(), 1, &arg, &["ARRAY", "MAP"])),
    }
}

/// Resolves `array_size` (`ArraySize`).
///
/// # Errors
/// If the argument is not an array, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn array_size(call: &Call<'_>) -> Result<Typed> {
    let arg = call.arg(0)?;
    match arg.data_type {
        DataType::List(_) | DataType::Null => Ok(lengths(call, arg)),
        _ => Err(unexpected_type(&call.label(), 1, &arg, &["ARRAY"])),
    }
}

/// Returns how many elements or entries each row has, from the offsets alone.
fn lengths(call: &Call<'_>, arg: Typed) -> Typed {
    let expr = kernel::call(call.name, "", DataType::Int32, vec![arg.expr], |args, rows| {
        let length = |r: usize| match args[0].data_type() {
            DataType::Map(..) => args[0].as_map().value_length(r),
            _ => args[0].as_list::<i32>().value_length(r),
        };
        let all_null = args[0].data_type().is_null();
        let lengths = (0..rows).map(|r| (!all_null && args[0].is_valid(r)).then(|| length(r)));
        Ok(Arc::new(lengths.collect::<Int32Array>()))
    });
    Typed::new(expr, DataType::Int32, call.label())
}

/// Resolves `reverse` of an array.
pub fn reverse(call: &Call<'_>) -> Result<Typed> {
    let (list, _) = call.list(0)?;
    Ok(picked(call, list, "", |list, row| {
        Some(span(list, row).rev().map(|i| Some(i as u32)).collect())
    }))
}

/// Resolves `array_compact`: the elements that are not null.
pub fn compact(call: &Call<'_>) -> Result<Typed> {
    let (list, _) = call.list(0)?;
    Ok(picked(call, list, "", |list, row| {
        let kept = span(list, row).filter(|i| list.values().is_valid(*i));
        Some(kept.map(|i| Some(i as u32)).collect())
    }))
}

/// Resolves `array_append`: a null array stays null, a null element is appended.
pub fn append(call: &Call<'_>) -> Result<Typed> {
    let (list, item) = list_and_item(call, true)?;
    inserted(call, list, item, None)
}

/// Resolves `array_prepend`: a null array stays null, a null element is put in front.
pub fn prepend(call: &Call<'_>) -> Result<Typed> {
    let (list, item) = list_and_item(call, true)?;
    inserted(call, list, item, Some(literal::int(1)))
}

/// Resolves `array_insert` (`ArrayInsert`).
pub fn insert(call: &Call<'_>) -> Result<Typed> {
    let swapped = [call.arg(0)?, call.arg(2)?];
    let (list, item) = list_and_item(&call.other(call.name, &swapped), true)?;
    inserted(call, list, item, Some(call.int(1)?))
}

/// Resolves `array_repeat` (`ArrayRepeat`); a negative count makes an empty array.
pub fn repeat(call: &Call<'_>) -> Result<Typed> {
    let item = call.arg(0)?;
    let to = list_of(item.data_type.clone());
    let result = to.clone();
    let args = vec![item.expr, call.int(1)?.expr];
    let expr = kernel::call(call.name, "", to.clone(), args, move |args, rows| {
        let counts = args[1].as_primitive::<Int32Type>();
        let mut made = ListMaker::new(rows);
        for row in 0..rows {
            if counts.is_valid(row) {
                let count = counts.value(row).max(0) as u64;
                if count > limits::MOST_ELEMENTS {
                    return Err(limits::too_many_elements("array_repeat", count.into(), Some("count")).into());
                }
                made.expect("array_repeat", count)?;
                made.append(std::iter::repeat_n((0, row), count as usize));
            }
            made.end(counts.is_valid(row));
        }
        made.finish("array_repeat", &[&args[0]], &result)
    });
    Ok(Typed::new(expr, to, call.label()))
}

/// Resolves `get`: null outside of the array, in every mode.
pub fn get(call: &Call<'_>) -> Result<Typed> {
    let mut out = extract::value(call.arg(0)?, call.int(1)?, Mode::Try, call.context.zone, Names::Exact)?;
    (out.name, out.named) = (call.label(), false);
    Ok(out)
}

/// Returns a list of each row's values, all of one type.
pub fn made(items: Vec<Typed>, element: DataType, label: String) -> Typed {
    let to = list_of(element);
    let width = items.len();
    let result = to.clone();
    let exprs = items.into_iter().map(|t| t.expr).collect();
    let expr = kernel::call("array", "", to.clone(), exprs, move |args, rows| {
        let values: ArrayRef = if width == 0 {
            new_empty_array(element_field(&result)?.data_type())
        } else {
            let columns: Vec<&dyn Array> = args.iter().map(AsRef::as_ref).collect();
            let at: Vec<(usize, usize)> = (0..rows).flat_map(|row| (0..width).map(move |c| (c, row))).collect();
            arrow::compute::interleave(&columns, &at)?
        };
        assemble(std::iter::repeat_n(width, rows), None, values, &result)
    });
    Typed::new(expr, to, label)
}

/// Returns a list whose rows hold the given elements of `values`; `None` is a null list, an inner
/// `None` a null element.
pub fn gathered(values: &ArrayRef, rows: Vec<Option<Vec<Option<u32>>>>, to: &DataType) -> DfResult<ArrayRef> {
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect::<Vec<bool>>().into();
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|r| r.as_ref().map_or(0, Vec::len)));
    let indices: UInt32Array = rows.into_iter().flatten().flatten().collect();
    let taken = arrow::compute::take(values, &indices, None)?;
    Ok(Arc::new(ListArray::try_new(
        element_field(to)?.clone(),
        offsets,
        taken,
        Some(nulls),
    )?))
}

/// Returns a call that rearranges the elements of its list: `choose` names those of each row that is
/// not null.
pub fn picked(
    call: &Call<'_>,
    list: Typed,
    options: impl Into<String>,
    choose: impl Fn(&ListArray, usize) -> Option<Vec<Option<u32>>> + Send + Sync + 'static,
) -> Typed {
    let to = list.data_type.clone();
    let result = to.clone();
    let expr = kernel::call(call.name, options, to.clone(), vec![list.expr], move |args, rows| {
        let list = args[0].as_list::<i32>();
        let chosen = (0..rows)
            .map(|row| if list.is_null(row) { None } else { choose(list, row) })
            .collect();
        gathered(list.values(), chosen, &result)
    });
    Typed::new(expr, to, call.label())
}

/// Returns the list and the value in their common element type; `tight` widens without decimals'
/// rounding (`array_append`).
///
/// # Errors
/// If there is none, `DATATYPE_MISMATCH.ARRAY_FUNCTION_DIFF_TYPES`.
pub fn list_and_item(call: &Call<'_>, tight: bool) -> Result<(Typed, Typed)> {
    let (list, element) = call.list(0)?;
    let item = call.arg(1)?;
    let common = if tight {
        coercion::tightest(&element, &item.data_type)
    } else {
        coercion::widen(&element, &item.data_type)
    };
    let common = common.ok_or_else(|| {
        SparkError::analysis(
            "DATATYPE_MISMATCH.ARRAY_FUNCTION_DIFF_TYPES",
            "42K09",
            format!(
                "Cannot resolve \"{}\" due to data type mismatch: Input to `{}` should have been \"ARRAY\" followed by a value with same element \
                 type, but it's [\"{}\", \"{}\"].",
                call.label(),
                call.name,
                sql_name(&list.data_type),
                sql_name(&item.data_type)
            ),
        )
    })?;
    Ok((
        call.context.cast(list, &list_of(common.clone()))?,
        call.context.cast(item, &common)?,
    ))
}

/// Returns both lists in their common type.
///
/// # Errors
/// If there is none, `DATATYPE_MISMATCH.BINARY_ARRAY_DIFF_TYPES`.
pub fn two_lists(call: &Call<'_>) -> Result<(Typed, Typed)> {
    let ((a, x), (b, y)) = (call.list(0)?, call.list(1)?);
    let common = coercion::widen(&x, &y).ok_or_else(|| {
        SparkError::analysis(
            "DATATYPE_MISMATCH.BINARY_ARRAY_DIFF_TYPES",
            "42K09",
            format!(
                "Cannot resolve \"{}\" due to data type mismatch: Input to function `{}` should have been two \"ARRAY\" with same element type, but \
                 it's [\"{}\", \"{}\"].",
                call.label(),
                call.name,
                sql_name(&a.data_type),
                sql_name(&b.data_type)
            ),
        )
    })?;
    let to = list_of(common);
    Ok((call.context.cast(a, &to)?, call.context.cast(b, &to)?))
}

/// Resolves `concat` of arrays: end to end; null if one is.
pub fn concat(call: &Call<'_>) -> Result<Typed> {
    let (lists, to) = condition::unified(call.context, "concat", call.args)?;
    let result = to.clone();
    let exprs = lists.into_iter().map(|t| t.expr).collect();
    let expr = kernel::call("concat_arrays", "", to.clone(), exprs, move |args, rows| {
        let lists: Vec<&ListArray> = args.iter().map(|a| a.as_list::<i32>()).collect();
        let mut made = ListMaker::new(rows);
        for row in 0..rows {
            let valid = lists.iter().all(|l| l.is_valid(row));
            if valid {
                made.expect("concat", lists.iter().map(|l| span(l, row).len() as u64).sum())?;
                for (i, list) in lists.iter().enumerate() {
                    made.extend(i, span(list, row));
                }
            }
            made.end(valid);
        }
        let columns: Vec<&dyn Array> = lists.iter().map(|l| l.values().as_ref()).collect();
        made.finish("concat", &columns, &result)
    });
    Ok(Typed::new(expr, to, call.label()))
}

/// Resolves `flatten` (`Flatten`): one level; null if an inner array is.
///
/// # Errors
/// If the elements are not arrays, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn flatten(call: &Call<'_>) -> Result<Typed> {
    let (list, inner) = call.list(0)?;
    if !matches!(inner, DataType::List(_)) {
        return Err(mismatch(&call.label(), 1, &list, "\"ARRAY\" of \"ARRAY\""));
    }
    let result = inner.clone();
    let expr = kernel::call(call.name, "", inner.clone(), vec![list.expr], move |args, rows| {
        let outer = args[0].as_list::<i32>();
        let lists = outer.values().as_list::<i32>();
        let mut made = ListMaker::new(rows);
        for row in 0..rows {
            let valid = outer.is_valid(row) && span(outer, row).all(|i| lists.is_valid(i));
            if valid {
                made.expect("flatten", span(outer, row).map(|i| span(lists, i).len() as u64).sum())?;
                for i in span(outer, row) {
                    made.extend(0, span(lists, i));
                }
            }
            made.end(valid);
        }
        made.finish("flatten", &[lists.values()], &result)
    });
    Ok(Typed::new(expr, inner, call.label()))
}

/// Makes `INVALID_PARAMETER_VALUE.*` for parameters of `slice` that mean nothing.
fn invalid_slice(parameter: &str, why: &str) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        &format!("INVALID_PARAMETER_VALUE.{}", parameter.to_uppercase()),
        "22023",
        format!("The value of parameter(s) `{parameter}` in `slice` is invalid: {why}"),
    )
}

/// Returns where the slice of a list of `size` elements lies, from 0; empty if it begins outside.
///
/// # Errors
/// If the start is 0 or the length negative, `INVALID_PARAMETER_VALUE.*`.
fn slice_of(start: i64, length: i64, size: i64) -> Result<Range<i64>> {
    if start == 0 {
        let why = "Expects a positive or a negative value for `start`, but got 0.";
        return Err(invalid_slice("start", why));
    }
    if length < 0 {
        let why = format!("Expects `length` greater than or equal to 0 but got {length}.");
        return Err(invalid_slice("length", &why));
    }
    let from = if start > 0 { start - 1 } else { size + start };
    if !(0..size).contains(&from) {
        return Ok(0..0);
    }
    Ok(from..from + length.min(size - from))
}

/// Resolves `slice` (`Slice`).
pub fn slice(call: &Call<'_>) -> Result<Typed> {
    let (list, _) = call.list(0)?;
    let to = list.data_type.clone();
    let result = to.clone();
    let args = vec![list.expr, call.int(1)?.expr, call.int(2)?.expr];
    let expr = kernel::call(call.name, "", to.clone(), args, move |args, rows| {
        let list = args[0].as_list::<i32>();
        let (starts, lengths) = (args[1].as_primitive::<Int32Type>(), args[2].as_primitive::<Int32Type>());
        let mut made = ListMaker::new(rows);
        for row in 0..rows {
            let valid = list.is_valid(row) && starts.is_valid(row) && lengths.is_valid(row);
            if valid {
                let (start, length) = (starts.value(row).into(), lengths.value(row).into());
                let part = slice_of(start, length, list.value_length(row).into())?;
                let first = span(list, row).start;
                made.extend(0, first + part.start as usize..first + part.end as usize);
            }
            made.end(valid);
        }
        made.finish("slice", &[list.values()], &result)
    });
    Ok(Typed::new(expr, to, call.label()))
}

/// Returns the list with the item put in at a position; without one, at its end.
fn inserted(call: &Call<'_>, list: Typed, item: Typed, position: Option<Typed>) -> Result<Typed> {
    let to = list.data_type.clone();
    let result = to.clone();
    let mut exprs = vec![list.expr, item.expr];
    exprs.extend(position.map(|p| p.expr));
    let expr = kernel::call(call.name, "", to.clone(), exprs, move |args, rows| {
        let list = args[0].as_list::<i32>();
        let positions = args.get(2).map(|p| p.as_primitive::<Int32Type>());
        let nothing = new_null_array(element_field(&result)?.data_type(), 1);
        let mut made = ListMaker::new(rows);
        for row in 0..rows {
            let known = list.is_valid(row) && positions.is_none_or(|p| p.is_valid(row));
            if known {
                let position = positions.map(|p| i64::from(p.value(row)));
                let size = span(list, row).len() as u64;
                made.expect("array_insert", position.map_or(0, i64::unsigned_abs).max(size + 1))?;
                let cells = span(list, row).map(|at| (0, at)).collect();
                made.append(with_item(cells, (1, row), position, (2, 0))?);
            }
            made.end(known);
        }
        made.finish("array_insert", &[list.values(), &args[1], &nothing], &result)
    });
    Ok(Typed::new(expr, to, call.label()))
}

/// A place among several columns: which, and where in it.
type Cell = (usize, usize);

/// Returns the cells with one more at a position, counted from 1 or from the end; `nothing` fills gaps.
/// -1 is the end, after the last.
///
/// # Errors
/// If the position is 0, `INVALID_INDEX_OF_ZERO`.
fn with_item(mut cells: Vec<Cell>, item: Cell, position: Option<i64>, nothing: Cell) -> Result<Vec<Cell>> {
    match position {
        None => cells.push(item),
        Some(0) => return Err(index_of_zero()),
        Some(p) if p > 0 => {
            let at = p as usize - 1;
            while cells.len() < at {
                cells.push(nothing);
            }
            cells.insert(at, item);
        }
        Some(p) => {
            let after = p.unsigned_abs() as usize - 1;
            if after <= cells.len() {
                cells.insert(cells.len() - after, item);
            } else {
                let gap = std::iter::repeat_n(nothing, after - cells.len());
                cells = std::iter::once(item).chain(gap).chain(cells).collect();
            }
        }
    }
    Ok(cells)
}

/// Resolves `array_join` (`ArrayJoin`): elements as strings; nulls are left out or replaced.
pub fn join(call: &Call<'_>) -> Result<Typed> {
    let (list, _) = call.list(0)?;
    let list = call.context.cast(list, &list_of(DataType::Utf8))?;
    let mut args = vec![list, call.text(1)?];
    let with_nulls = call.args.len() == 3;
    if with_nulls {
        args.push(call.text(2)?);
    }
    Ok(row::call(call.name, "", DataType::Utf8, args, call.label(), move |r| {
        let items = r.list(0);
        let items = items.as_string::<i32>();
        let between = r.text(1).len() + if with_nulls { r.text(2).len() } else { 0 };
        let own = limits::bytes(items, 0..items.len());
        limits::value("array_join", own.saturating_add(items.len() as u64 * between as u64))?;
        let parts: Vec<&str> = items
            .iter()
            .filter_map(|item| item.or_else(|| with_nulls.then(|| r.text(2))))
            .collect();
        Ok(Some(parts.join(r.text(1))))
    }))
}

/// Lists side by side: how long each row is, and the elements of each list, null if it is shorter.
pub struct SideBySide {
    /// The length of the longest list of each row, 0 if one is null.
    pub lengths: Vec<usize>,
    /// Rows in which no list is null.
    pub valid: Vec<bool>,
    /// The elements of each list, one row after the other.
    pub columns: Vec<ArrayRef>,
}

impl SideBySide {
    /// Aligns the lists; each column then has an element for every position.
    pub fn new(lists: &[&ListArray], rows: usize) -> DfResult<Self> {
        let valid: Vec<bool> = (0..rows).map(|r| lists.iter().all(|l| l.is_valid(r))).collect();
        let longest = |r: usize| lists.iter().map(|l| l.value_length(r) as usize).max().unwrap_or(0);
        let lengths: Vec<usize> = (0..rows).map(|r| if valid[r] { longest(r) } else { 0 }).collect();
        let aligned = |list: &&ListArray| -> DfResult<ArrayRef> {
            let at = (0..rows).flat_map(|r| {
                let own = span(list, r);
                (0..lengths[r]).map(move |i| (i < own.len()).then_some((own.start + i) as u32))
            });
            Ok(arrow::compute::take(list.values(), &at.collect::<UInt32Array>(), None)?)
        };
        let columns = lists.iter().map(aligned).collect::<DfResult<_>>()?;
        Ok(Self {
            lengths,
            valid,
            columns,
        })
    }

    /// Returns the number of elements in all rows.
    pub fn total(&self) -> usize {
        self.lengths.iter().sum()
    }
}

/// Resolves `arrays_zip` (`ArraysZip`): fields are named as the columns are, or by their place from 0.
pub fn zip(call: &Call<'_>) -> Result<Typed> {
    let lists = (0..call.args.len()).map(|i| call.list(i)).collect::<Result<Vec<_>>>()?;
    let name = |i: usize, t: &Typed| match &t.attribute {
        Some(attribute) => attribute.name.clone(),
        None if t.named => t.name.clone(),
        None => i.to_string(),
    };
    let fields: Fields = lists
        .iter()
        .enumerate()
        .map(|(i, (t, e))| Field::new(name(i, t), e.clone(), true))
        .collect();
    let to = list_of(DataType::Struct(fields.clone()));
    let result = to.clone();
    let exprs = lists.into_iter().map(|(t, _)| t.expr).collect();
    let options = format!("{fields:?}");
    let expr = kernel::call(call.name, options, to.clone(), exprs, move |args, rows| {
        let lists: Vec<&ListArray> = args.iter().map(|a| a.as_list::<i32>()).collect();
        let all = SideBySide::new(&lists, rows)?;
        let total = all.total();
        let structs = StructArray::try_new_with_length(fields.clone(), all.columns, None, total)?;
        assemble(all.lengths, Some(all.valid), Arc::new(structs), &result)
    });
    Ok(Typed::new(expr, to, call.label()))
}

/// Resolves `element_at` and `try_element_at` (`ElementAt`). A key that a map lacks is null.
///
/// When it runs, a position outside of an array is null, or `INVALID_ARRAY_INDEX_IN_ELEMENT_AT` under
/// ANSI unless `tolerant`; 0 is `INVALID_INDEX_OF_ZERO`.
pub fn element_at(call: &Call<'_>, tolerant: bool) -> Result<Typed> {
    if let DataType::Map(..) = call.args[0].data_type {
        let context = call.context;
        let mut out = extract::value(call.arg(0)?, call.arg(1)?, context.mode, context.zone, Names::Exact)?;
        (out.name, out.named) = (call.label(), false);
        return Ok(out);
    }
    let (list, element) = call.list(0)?;
    let fails = call.context.ansi() && !tolerant;
    let args = vec![list.expr, call.int(1)?.expr];
    let expr = kernel::call(
        call.name,
        format!("{fails}"),
        element.clone(),
        args,
        move |args, rows| {
            let list = args[0].as_list::<i32>();
            let at = args[1].as_primitive::<Int32Type>();
            extract::pick(list.values(), rows, |row| {
                if list.is_null(row) || at.is_null(row) {
                    return Ok(None);
                }
                let (index, size) = (i64::from(at.value(row)), i64::from(list.value_length(row)));
                let from = match index {
                    0 => return Err(index_of_zero()),
                    i if i > 0 => i - 1,
                    i => size + i,
                };
                if (0..size).contains(&from) {
                    return Ok(Some((span(list, row).start as i64 + from) as u32));
                }
                if fails { Err(no_element(index, size)) } else { Ok(None) }
            })
        },
    );
    Ok(Typed::new(expr, element, call.label()))
}

/// Makes `INVALID_ARRAY_INDEX_IN_ELEMENT_AT`, which names the index and the size.
fn no_element(index: i64, size: i64) -> SparkError {
    SparkError::new(
        Exception::ArrayIndexOutOfBounds,
        "INVALID_ARRAY_INDEX_IN_ELEMENT_AT",
        "22003",
        format!(
            "The index {index} is out of bounds. The array has {size} elements. Use `try_element_at` to tolerate accessing element at \
             invalid index and return NULL instead."
        ),
    )
    .with("indexValue", index.to_string())
    .with("arraySize", size.to_string())
}
