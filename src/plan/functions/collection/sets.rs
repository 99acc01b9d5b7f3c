//! Arrays as sets: membership, union, difference, extremes, distinct elements.
//!
//! Elements are equal as in grouping: NaN equals NaN, -0.0 equals 0.0, structs compare field by field; a null is unknown
//! to `array_contains` and `arrays_overlap` and a member like any other to the set functions.
//!
//! Set functions turn elements into comparable keys (Arrow's row format) and look them up in a hash set
//! per row, so that they take time linear in the elements.
//!
//! ```text
//!                       [1 2 null]        null array
//! array_contains 1      true              null
//! array_contains 3      null              null
//! array_position 3      0                 null
//! array_remove 1        [2 null]          null
//! array_union [null]    [1 2 null]        null
//! arrays_overlap [3]    null              null
//! ```

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use arrow::row::{OwnedRow, Rows};

use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::plan::functions::call::Call;
use crate::plan::functions::collection::arrays::{list_and_item, picked, two_lists};
use crate::plan::functions::list::{ListMaker, span};
use crate::plan::scope::Typed;
use crate::plan::{comparison, extract};
use crate::values::floats::{comparable, comparator};

/// What kernels return.
type DfResult<T> = datafusion_common::Result<T>;

/// Returns where the cell of a row is first found in its list; the outer `None` is a null list or cell,
/// the inner one a cell that is not there.
fn found(args: &[ArrayRef], rows: usize) -> DfResult<Vec<Option<Option<usize>>>> {
    let list = args[0].as_list::<i32>();
    let equal = comparator(list.values(), &args[1])?;
    let place = |row: usize| span(list, row).position(|i| list.values().is_valid(i) && equal(i, row).is_eq());
    let known = |row: usize| list.is_valid(row) && args[1].is_valid(row);
    Ok((0..rows).map(|row| known(row).then(|| place(row))).collect())
}

/// Resolves `array_contains` (`ArrayContains`): true if found; else null if an element is null.
///
/// # Errors
/// If the value is an untyped null, `DATATYPE_MISMATCH.NULL_TYPE`.
pub fn contains(call: &Call<'_>) -> Result<Typed> {
    if call.args[1].data_type.is_null() {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.NULL_TYPE",
            "42K09",
            format!(
                "Cannot resolve \"{}\" due to data type mismatch: Null typed values cannot be used as arguments of `array_contains`.",
                call.label()
            ),
        ));
    }
    let (list, item) = list_and_item(call, false)?;
    let args = vec![list.expr, item.expr];
    let expr = kernel::call(call.name, "", DataType::Boolean, args, |args, rows| {
        let list = args[0].as_list::<i32>();
        let has_null = |row: usize| span(list, row).any(|i| list.values().is_null(i));
        let places = found(args, rows)?.into_iter().enumerate();
        let out = places.map(|(row, place)| match place? {
            Some(_) => Some(true),
            None => (!has_null(row)).then_some(false),
        });
        Ok(Arc::new(out.collect::<BooleanArray>()))
    });
    Ok(Typed::new(expr, DataType::Boolean, call.label()))
}

/// Resolves `array_position` (`ArrayPosition`): from 1, 0 if it is not there.
pub fn position(call: &Call<'_>) -> Result<Typed> {
    let (list, item) = list_and_item(call, false)?;
    let args = vec![list.expr, item.expr];
    let expr = kernel::call(call.name, "", DataType::Int64, args, |args, rows| {
        let places = found(args, rows)?.into_iter();
        let out = places.map(|place| place.map(|at| at.map_or(0, |at| at as i64 + 1)));
        Ok(Arc::new(out.collect::<Int64Array>()))
    });
    Ok(Typed::new(expr, DataType::Int64, call.label()))
}

/// Resolves `array_remove` (`ArrayRemove`): null elements stay.
pub fn remove(call: &Call<'_>) -> Result<Typed> {
    let (list, item) = list_and_item(call, false)?;
    let to = list.data_type.clone();
    let result = to.clone();
    let args = vec![list.expr, item.expr];
    let expr = kernel::call(call.name, "", to.clone(), args, move |args, rows| {
        let list = args[0].as_list::<i32>();
        let equal = comparator(list.values(), &args[1])?;
        let mut made = ListMaker::new(rows);
        for row in 0..rows {
            let valid = list.is_valid(row) && args[1].is_valid(row);
            if valid {
                let kept = span(list, row).filter(|i| list.values().is_null(*i) || !equal(*i, row).is_eq());
                made.append(kept.map(|i| (0, i)));
            }
            made.end(valid);
        }
        made.finish("array_remove", &[list.values()], &result)
    });
    Ok(Typed::new(expr, to, call.label()))
}

/// Resolves `array_distinct` (`ArrayDistinct`): the first of equal elements stays; nulls are equal to
/// each other.
pub fn distinct(call: &Call<'_>) -> Result<Typed> {
    let (mut list, _) = call.list(0)?;
    list.expr = comparison::comparable(list.expr, &list.data_type);
    Ok(picked(call, list, "", |list, row| {
        let rows = keys(&list.value(row)).ok()?;
        let mut seen = HashSet::new();
        let first = span(list, row)
            .enumerate()
            .filter(|(i, _)| seen.insert(rows.row(*i).owned()));
        Some(first.map(|(_, at)| Some(at as u32)).collect())
    }))
}

/// Resolves `array_max` and `array_min` (`ArrayMax`, `ArrayMin`): nulls are skipped, NaN is the
/// greatest number.
pub fn extreme(call: &Call<'_>, greatest: bool) -> Result<Typed> {
    let (list, element) = call.list(0)?;
    let expr = kernel::call(call.name, "", element.clone(), vec![list.expr], move |args, rows| {
        let list = args[0].as_list::<i32>();
        if list.values().data_type().is_null() {
            return Ok(new_null_array(&DataType::Null, rows));
        }
        let compare = comparator(list.values(), list.values())?;
        let better = |a: usize, b: usize| {
            let order = compare(b, a);
            if greatest { order.is_gt() } else { order.is_lt() }
        };
        extract::pick(list.values(), rows, |row| {
            if list.is_null(row) {
                return Ok(None);
            }
            let known = span(list, row).filter(|i| list.values().is_valid(*i));
            let best = known.reduce(|a, b| if better(a, b) { b } else { a });
            Ok(best.map(|i| i as u32))
        })
    });
    Ok(Typed::new(expr, element, call.label()))
}

/// Resolves `arrays_overlap` (`ArraysOverlap`).
pub fn overlap(call: &Call<'_>) -> Result<Typed> {
    let (a, b) = two_lists(call)?;
    let args = vec![a.expr, b.expr];
    let expr = kernel::call(call.name, "", DataType::Boolean, args, |args, rows| {
        let (a, b) = (args[0].as_list::<i32>(), args[1].as_list::<i32>());
        let out = (0..rows).map(|row| {
            if a.is_null(row) || b.is_null(row) {
                return Ok(None);
            }
            overlapping(&a.value(row), &b.value(row))
        });
        Ok(Arc::new(out.collect::<DfResult<BooleanArray>>()?))
    });
    Ok(Typed::new(expr, DataType::Boolean, call.label()))
}

/// Returns whether two lists have an element in common; `None` if they do not, neither is empty, and
/// one has a null.
fn overlapping(x: &ArrayRef, y: &ArrayRef) -> DfResult<Option<bool>> {
    let (xs, ys) = keys_of_both(x, y)?;
    let members: HashSet<OwnedRow> = (0..x.len())
        .filter(|i| x.is_valid(*i))
        .map(|i| xs.row(i).owned())
        .collect();
    if (0..y.len()).any(|i| y.is_valid(i) && members.contains(&ys.row(i).owned())) {
        return Ok(Some(true));
    }
    let unknown = !x.is_empty() && !y.is_empty() && (x.logical_null_count() > 0 || y.logical_null_count() > 0);
    Ok((!unknown).then_some(false))
}

/// Returns comparable keys of an array's elements.
fn keys(items: &ArrayRef) -> DfResult<Rows> {
    Ok(comparable(std::slice::from_ref(items))?)
}

/// Returns comparable keys of two arrays of one type.
fn keys_of_both(a: &ArrayRef, b: &ArrayRef) -> DfResult<(Rows, Rows)> {
    Ok((
        comparable(std::slice::from_ref(a))?,
        comparable(std::slice::from_ref(b))?,
    ))
}

/// How two arrays become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combine {
    /// Elements of either.
    Union,
    /// Elements of the first that the second lacks.
    Except,
    /// Elements of both.
    Intersect,
}

/// Resolves `array_union`, `array_except` and `array_intersect` (`ArrayUnion`, `ArrayExcept`,
/// `ArrayIntersect`): without duplicates, in the order of the first array, then of the second.
pub fn combined(call: &Call<'_>, how: Combine) -> Result<Typed> {
    let (a, b) = two_lists(call)?;
    let to = a.data_type.clone();
    let result = to.clone();
    let args = vec![a.expr, b.expr]
        .into_iter()
        .map(|list| comparison::comparable(list, &to));
    let expr = kernel::call(call.name, "", to.clone(), args.collect(), move |args, rows| {
        let (a, b) = (args[0].as_list::<i32>(), args[1].as_list::<i32>());
        let mut made = ListMaker::new(rows);
        for row in 0..rows {
            let valid = a.is_valid(row) && b.is_valid(row);
            if valid {
                combine(how, (a, b), row, &mut made)?;
            }
            made.end(valid);
        }
        made.finish("array_union", &[a.values(), b.values()], &result)
    });
    Ok(Typed::new(expr, to, call.label()))
}

/// Adds the elements of one row's result.
fn combine(how: Combine, (a, b): (&ListArray, &ListArray), row: usize, made: &mut ListMaker) -> DfResult<()> {
    let (xs, ys) = keys_of_both(&a.value(row), &b.value(row))?;
    let (x_span, y_span) = (span(a, row), span(b, row));
    let others: HashSet<OwnedRow> = (0..y_span.len()).map(|i| ys.row(i).owned()).collect();
    let mut seen: HashSet<OwnedRow> = HashSet::new();
    for (i, at) in x_span.enumerate() {
        let key = xs.row(i).owned();
        let wanted = match how {
            Combine::Union => true,
            Combine::Except => !others.contains(&key),
            Combine::Intersect => others.contains(&key),
        };
        if wanted && seen.insert(key) {
            made.push(0, at);
        }
    }
    if how == Combine::Union {
        let new = y_span.enumerate().filter(|(i, _)| seen.insert(ys.row(*i).owned()));
        made.append(new.map(|(_, at)| (1, at)));
    }
    Ok(())
}
