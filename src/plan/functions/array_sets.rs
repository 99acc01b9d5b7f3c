//! Arrays as sets: membership, union, difference, extremes, distinct elements.
//!
//! Elements are equal as in grouping: NaN equals NaN, structs compare field by field; a null is unknown to
//! `array_contains` and `arrays_overlap` and a member like any other to the set functions.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};

use super::Context;
use super::arrays::{list_and_item, picked, two_lists};
use super::call::Call;
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::plan::scope::Typed;

type DfResult<T> = datafusion_common::Result<T>;

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let call = Call::new(context, name, args);
    Ok(Some(match name {
        "array_contains" | "array_position" => {
            call.takes(2, 2)?;
            if name == "array_contains" && args[1].data_type.is_null() {
                return Err(SparkError::analysis(
                    "DATATYPE_MISMATCH.NULL_TYPE",
                    "42K09",
                    format!(
                        "Cannot resolve \"{}\" due to data type mismatch: Null typed values cannot be used as arguments of `array_contains`.",
                        call.label()
                    ),
                ));
            }
            let (list, item) = list_and_item(&call, false)?;
            let contains = name == "array_contains";
            let to = if contains { DataType::Boolean } else { DataType::Int64 };
            let expr = kernel::call(name, "", to.clone(), vec![list.expr, item.expr], move |args, rows| {
                let list = args[0].as_list::<i32>();
                let equal = make_comparator(list.values(), &args[1], arrow::compute::SortOptions::default())?;
                let found = |row: usize| {
                    let span = list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
                    span.clone()
                        .position(|i| list.values().is_valid(i) && equal(i, row).is_eq())
                };
                let known = |row: usize| list.is_valid(row) && args[1].is_valid(row);
                if !contains {
                    let out = (0..rows).map(|row| known(row).then(|| found(row).map_or(0, |at| at as i64 + 1)));
                    return Ok(Arc::new(out.collect::<Int64Array>()));
                }
                let out = (0..rows).map(|row| match known(row).then(|| found(row))? {
                    Some(_) => Some(true),
                    None if list.value(row).null_count() > 0 => None,
                    None => Some(false),
                });
                Ok(Arc::new(out.collect::<BooleanArray>()))
            });
            Typed::new(expr, to, call.label())
        }
        "array_remove" => {
            call.takes(2, 2)?;
            let (list, item) = list_and_item(&call, false)?;
            let to = list.data_type.clone();
            let result = to.clone();
            let expr = kernel::call(name, "", to.clone(), vec![list.expr, item.expr], move |args, rows| {
                let list = args[0].as_list::<i32>();
                let equal = make_comparator(list.values(), &args[1], arrow::compute::SortOptions::default())?;
                let kept = (0..rows).map(|row| {
                    (list.is_valid(row) && args[1].is_valid(row)).then(|| {
                        let span = list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
                        span.filter(|i| list.values().is_null(*i) || !equal(*i, row).is_eq())
                            .map(|i| Some(i as u32))
                            .collect()
                    })
                });
                super::arrays::gathered(list.values(), kept.collect(), &result)
            });
            Typed::new(expr, to, call.label())
        }
        "array_distinct" => {
            call.takes(1, 1)?;
            let (list, _) = call.list(0)?;
            picked(&call, list, "", |list, row| {
                let (start, items) = (list.value_offsets()[row] as usize, list.value(row));
                let rows = keys(&items).ok()?;
                let mut seen = HashSet::new();
                Some(
                    (0..items.len())
                        .filter(|i| seen.insert(rows.row(*i).owned()))
                        .map(|i| Some((start + i) as u32))
                        .collect(),
                )
            })
        }
        "array_max" | "array_min" => {
            call.takes(1, 1)?;
            let (list, element) = call.list(0)?;
            let greatest = name == "array_max";
            let expr = kernel::call(name, "", element.clone(), vec![list.expr], move |args, rows| {
                let list = args[0].as_list::<i32>();
                if list.values().data_type().is_null() {
                    return Ok(new_null_array(&DataType::Null, rows));
                }
                let compare = make_comparator(list.values(), list.values(), arrow::compute::SortOptions::default())?;
                crate::plan::extract::pick(list.values(), rows, |row| {
                    if list.is_null(row) {
                        return Ok(None);
                    }
                    let span = list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
                    let best = span.filter(|i| list.values().is_valid(*i)).reduce(|a, b| {
                        let order = compare(b, a);
                        if (greatest && order.is_gt()) || (!greatest && order.is_lt()) {
                            b
                        } else {
                            a
                        }
                    });
                    Ok(best.map(|i| i as u32))
                })
            });
            Typed::new(expr, element, call.label())
        }
        "array_union" | "array_except" | "array_intersect" => set(&call)?,
        "arrays_overlap" => {
            let (a, b) = two_lists(&call)?;
            let expr = kernel::call(name, "", DataType::Boolean, vec![a.expr, b.expr], |args, rows| {
                let (a, b) = (args[0].as_list::<i32>(), args[1].as_list::<i32>());
                let out = (0..rows).map(|row| {
                    if a.is_null(row) || b.is_null(row) {
                        return Ok(None);
                    }
                    let (x, y) = (a.value(row), b.value(row));
                    let (xs, ys) = keys_of_both(&x, &y)?;
                    let members: HashSet<OwnedRow> = (0..x.len())
                        .filter(|i| x.is_valid(*i))
                        .map(|i| xs.row(i).owned())
                        .collect();
                    let common = (0..y.len()).any(|i| y.is_valid(i) && members.contains(&ys.row(i).owned()));
                    let unknown =
                        !x.is_empty() && !y.is_empty() && (x.logical_null_count() > 0 || y.logical_null_count() > 0);
                    Ok(if common {
                        Some(true)
                    } else if unknown {
                        None
                    } else {
                        Some(false)
                    })
                });
                Ok(Arc::new(out.collect::<DfResult<BooleanArray>>()?))
            });
            Typed::new(expr, DataType::Boolean, call.label())
        }
        _ => return Ok(None),
    }))
}

fn keys(items: &ArrayRef) -> DfResult<Rows> {
    let converter = RowConverter::new(vec![SortField::new(items.data_type().clone())])?;
    Ok(converter.convert_columns(std::slice::from_ref(items))?)
}

/// Comparable keys of two arrays of one type.
fn keys_of_both(a: &ArrayRef, b: &ArrayRef) -> DfResult<(Rows, Rows)> {
    let converter = RowConverter::new(vec![SortField::new(a.data_type().clone())])?;
    Ok((
        converter.convert_columns(std::slice::from_ref(a))?,
        converter.convert_columns(std::slice::from_ref(b))?,
    ))
}

fn set(call: &Call<'_>) -> Result<Typed> {
    let (a, b) = two_lists(call)?;
    let to = a.data_type.clone();
    let (result, name) = (to.clone(), call.name.to_owned());
    let expr = kernel::call(call.name, "", to.clone(), vec![a.expr, b.expr], move |args, rows| {
        let DataType::List(field) = &result else {
            return Err(SparkError::internal("a list type is none").into());
        };
        let (a, b) = (args[0].as_list::<i32>(), args[1].as_list::<i32>());
        let mut from: Vec<(usize, usize)> = Vec::new();
        let (mut lengths, mut valid) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for row in 0..rows {
            let before = from.len();
            valid.push(a.is_valid(row) && b.is_valid(row));
            if valid[row] {
                let (x, y) = (a.value(row), b.value(row));
                let (xs, ys) = keys_of_both(&x, &y)?;
                let (x_at, y_at) = (a.value_offsets()[row] as usize, b.value_offsets()[row] as usize);
                let mut seen: HashSet<OwnedRow> = HashSet::new();
                let others: HashSet<OwnedRow> = (0..y.len()).map(|i| ys.row(i).owned()).collect();
                for i in 0..x.len() {
                    let key = xs.row(i).owned();
                    let wanted = match name.as_str() {
                        "array_except" => !others.contains(&key),
                        "array_intersect" => others.contains(&key),
                        _ => true,
                    };
                    if wanted && seen.insert(key) {
                        from.push((0, x_at + i));
                    }
                }
                if name == "array_union" {
                    from.extend(
                        (0..y.len())
                            .filter(|i| seen.insert(ys.row(*i).owned()))
                            .map(|i| (1, y_at + i)),
                    );
                }
            }
            lengths.push(from.len() - before);
        }
        let columns: [&dyn Array; 2] = [a.values().as_ref(), b.values().as_ref()];
        let values = if from.is_empty() {
            new_empty_array(field.data_type())
        } else {
            arrow::compute::interleave(&columns, &from)?
        };
        Ok(Arc::new(ListArray::try_new(
            field.clone(),
            OffsetBuffer::from_lengths(lengths),
            values,
            Some(valid.into()),
        )?))
    });
    Ok(Typed::new(expr, to, call.label()))
}
