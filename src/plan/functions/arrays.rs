//! Functions of arrays: made, measured, cut, joined and indexed.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::*;

use super::call::Call;
use super::{Context, call_name, row, unexpected_type};
use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::scope::Typed;
use crate::plan::{coercion, extract};
use crate::values::cast::Mode;
use crate::values::types::{list_of, sql_name};

type DfResult<T> = datafusion_common::Result<T>;

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let call = Call::new(context, name, args);
    Ok(Some(match name {
        "array" => {
            let (items, element) = if args.is_empty() {
                (vec![], DataType::Null)
            } else {
                super::conditional::unified(context, name, args)?
            };
            made(items, element, call.label())
        }
        "size" | "cardinality" | "array_size" => {
            call.takes(1, 1)?;
            let fits = matches!(args[0].data_type, DataType::List(_) | DataType::Null)
                || (name != "array_size" && matches!(args[0].data_type, DataType::Map(..)));
            if !fits {
                return Err(unexpected_type(
                    &call.label(),
                    1,
                    &args[0],
                    if name == "array_size" {
                        "ARRAY"
                    } else {
                        "ARRAY\" or \"MAP"
                    },
                ));
            }
            let expr = kernel::call(name, "", DataType::Int32, vec![args[0].expr.clone()], |args, rows| {
                let length = |r: usize| match args[0].data_type() {
                    DataType::Map(..) => args[0].as_map().value_length(r),
                    _ => args[0].as_list::<i32>().value_length(r),
                };
                let all_null = args[0].data_type().is_null();
                Ok(Arc::new(
                    (0..rows)
                        .map(|r| (!all_null && args[0].is_valid(r)).then(|| length(r)))
                        .collect::<Int32Array>(),
                ))
            });
            Typed::new(expr, DataType::Int32, call.label())
        }
        "sort_array" | "array_sort" => sort(&call)?,
        "reverse" if matches!(args.first().map(|a| &a.data_type), Some(DataType::List(_))) => {
            let (list, _) = call.list(0)?;
            picked(&call, list, "", |list, row| {
                Some(
                    (list.value_offsets()[row] as u32..list.value_offsets()[row + 1] as u32)
                        .rev()
                        .map(Some)
                        .collect(),
                )
            })
        }
        "concat" if args.iter().any(|a| matches!(a.data_type, DataType::List(_))) => concat(&call)?,
        "flatten" => flatten(&call)?,
        "slice" => slice(&call)?,
        "array_compact" => {
            call.takes(1, 1)?;
            let (list, _) = call.list(0)?;
            picked(&call, list, "", |list, row| {
                let span = list.value_offsets()[row] as u32..list.value_offsets()[row + 1] as u32;
                Some(span.filter(|i| list.values().is_valid(*i as usize)).map(Some).collect())
            })
        }
        "array_append" | "array_prepend" => {
            call.takes(2, 2)?;
            let (list, item) = list_and_item(&call, true)?;
            inserted(
                &call,
                list,
                item,
                if name == "array_append" {
                    None
                } else {
                    Some(crate::plan::literal::int(1))
                },
            )?
        }
        "array_insert" => {
            call.takes(3, 3)?;
            let swapped = [call.arg(0)?, call.arg(2)?];
            let (list, item) = list_and_item(&Call::new(context, name, &swapped), true)?;
            inserted(&call, list, item, Some(call.int(1)?))?
        }
        "array_repeat" => {
            call.takes(2, 2)?;
            let to = list_of(args[0].data_type.clone());
            let item = to.clone();
            let expr = kernel::call(
                name,
                "",
                to.clone(),
                vec![args[0].expr.clone(), call.int(1)?.expr],
                move |args, rows| {
                    let counts = args[1].as_primitive::<Int32Type>();
                    let chosen = (0..rows).map(|r| {
                        counts
                            .is_valid(r)
                            .then(|| vec![Some(r as u32); counts.value(r).max(0) as usize])
                    });
                    gathered(&args[0], chosen.collect(), &item)
                },
            );
            Typed::new(expr, to, call.label())
        }
        "array_join" => join(&call)?,
        "arrays_zip" => zip(&call)?,
        "get" => {
            call.takes(2, 2)?;
            let mut out = extract::value(call.arg(0)?, call.int(1)?, Mode::Try, context.zone, true)?;
            (out.name, out.named) = (call.label(), false);
            out
        }
        "element_at" | "try_element_at" => element_at(&call)?,
        _ => return Ok(None),
    }))
}

pub fn index_of_zero() -> SparkError {
    SparkError::new(
        Exception::Runtime,
        "INVALID_INDEX_OF_ZERO",
        "22003",
        "The index 0 is invalid. An index shall be either < 0 or > 0 (the first element has index 1).",
    )
}

/// A list of each row's values.
pub fn made(items: Vec<Typed>, element: DataType, label: String) -> Typed {
    let to = list_of(element);
    let width = items.len();
    let result = to.clone();
    let expr = kernel::call(
        "array",
        "",
        to.clone(),
        items.into_iter().map(|t| t.expr).collect(),
        move |args, rows| {
            let DataType::List(field) = &result else {
                return Err(SparkError::internal("a list type is none").into());
            };
            let values: ArrayRef = if width == 0 {
                new_empty_array(field.data_type())
            } else {
                let columns: Vec<&dyn Array> = args.iter().map(AsRef::as_ref).collect();
                let at: Vec<(usize, usize)> = (0..rows).flat_map(|row| (0..width).map(move |c| (c, row))).collect();
                arrow::compute::interleave(&columns, &at)?
            };
            let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(width, rows));
            Ok(Arc::new(ListArray::try_new(field.clone(), offsets, values, None)?))
        },
    );
    Typed::new(expr, to, label)
}

/// A list whose rows hold the given elements of `values`; none is a null list, an inner none a null element.
pub fn gathered(values: &ArrayRef, rows: Vec<Option<Vec<Option<u32>>>>, to: &DataType) -> DfResult<ArrayRef> {
    let DataType::List(field) = to else {
        return Err(SparkError::internal("a list type is none").into());
    };
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect::<Vec<bool>>().into();
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|r| r.as_ref().map_or(0, Vec::len)));
    let indices: UInt32Array = rows.into_iter().flatten().flatten().collect();
    let taken = arrow::compute::take(values, &indices, None)?;
    Ok(Arc::new(ListArray::try_new(
        field.clone(),
        offsets,
        taken,
        Some(nulls),
    )?))
}

/// A call that rearranges the elements of its list: `choose` names those of each non-null row.
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

/// The list and the value in their common element type; `tight` widens without decimals' rounding (`array_append`).
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

/// Both lists in their common type.
pub fn two_lists(call: &Call<'_>) -> Result<(Typed, Typed)> {
    call.takes(2, 2)?;
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

/// The default comparator of `array_sort`, as Spark prints it.
const DEFAULT_ORDER: &str = "lambdafunction((IF(((namedlambdavariable() IS NULL) AND (namedlambdavariable() IS NULL)), 0, \
    (IF((namedlambdavariable() IS NULL), 1, (IF((namedlambdavariable() IS NULL), -1, (IF((namedlambdavariable() < \
    namedlambdavariable()), -1, (IF((namedlambdavariable() > namedlambdavariable()), 1, 0)))))))))), namedlambdavariable(), \
    namedlambdavariable())";

fn sort(call: &Call<'_>) -> Result<Typed> {
    call.takes(1, 2)?;
    let (list, _) = call.list(0)?;
    let ascending = call.constant_boolean(1).unwrap_or(true);
    // `array_sort` puts nulls last, `sort_array` where its order does.
    let nulls_first = call.name == "sort_array" && ascending;
    let mut out = picked(call, list, format!("{ascending} {nulls_first}"), move |list, row| {
        let values = list.values();
        let compare = make_comparator(values, values, arrow::compute::SortOptions::default()).ok()?;
        let mut part: Vec<u32> = (list.value_offsets()[row] as u32..list.value_offsets()[row + 1] as u32).collect();
        part.sort_by(|a, b| {
            let (x, y) = (*a as usize, *b as usize);
            match (values.is_null(x), values.is_null(y)) {
                (true, true) => std::cmp::Ordering::Equal,
                (true, false) if nulls_first => std::cmp::Ordering::Less,
                (false, true) if !nulls_first => std::cmp::Ordering::Less,
                (true, false) | (false, true) => std::cmp::Ordering::Greater,
                _ if ascending => compare(x, y),
                _ => compare(y, x),
            }
        });
        Some(part.into_iter().map(Some).collect())
    });
    out.name = match (call.name, call.args.len()) {
        ("sort_array", 1) => call.label_with(&["true"]),
        ("sort_array", _) => call.label(),
        _ => call.label_with(&[DEFAULT_ORDER]),
    };
    Ok(out)
}

fn concat(call: &Call<'_>) -> Result<Typed> {
    let (lists, to) = super::conditional::unified(call.context, "concat", call.args)?;
    let result = to.clone();
    let exprs = lists.into_iter().map(|t| t.expr).collect();
    let expr = kernel::call("concat_arrays", "", to.clone(), exprs, move |args, rows| {
        let DataType::List(field) = &result else {
            return Err(SparkError::internal("a list type is none").into());
        };
        let lists: Vec<&ListArray> = args.iter().map(|a| a.as_list::<i32>()).collect();
        let valid: Vec<bool> = (0..rows).map(|r| lists.iter().all(|l| l.is_valid(r))).collect();
        let mut from: Vec<(usize, usize)> = Vec::new();
        let mut lengths = Vec::with_capacity(rows);
        #[allow(clippy::needless_range_loop)] // The row indexes several columns.
        for row in 0..rows {
            let before = from.len();
            if valid[row] {
                for (i, list) in lists.iter().enumerate() {
                    from.extend(
                        (list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize).map(|at| (i, at)),
                    );
                }
            }
            lengths.push(from.len() - before);
        }
        let columns: Vec<&dyn Array> = lists.iter().map(|l| l.values().as_ref()).collect();
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

fn flatten(call: &Call<'_>) -> Result<Typed> {
    call.takes(1, 1)?;
    let (list, inner) = call.list(0)?;
    if !matches!(inner, DataType::List(_)) {
        return Err(unexpected_type(&call.label(), 1, &list, "ARRAY\" of \"ARRAY"));
    }
    let result = inner.clone();
    let expr = kernel::call(call.name, "", inner.clone(), vec![list.expr], move |args, rows| {
        let outer = args[0].as_list::<i32>();
        let lists = outer.values().as_list::<i32>();
        let chosen = (0..rows).map(|row| {
            if outer.is_null(row) {
                return None;
            }
            let span = outer.value_offsets()[row] as usize..outer.value_offsets()[row + 1] as usize;
            let mut all = Vec::new();
            for i in span {
                if lists.is_null(i) {
                    return None;
                }
                all.extend((lists.value_offsets()[i] as u32..lists.value_offsets()[i + 1] as u32).map(Some));
            }
            Some(all)
        });
        gathered(lists.values(), chosen.collect(), &result)
    });
    Ok(Typed::new(expr, inner, call.label()))
}

fn slice(call: &Call<'_>) -> Result<Typed> {
    call.takes(3, 3)?;
    let (list, _) = call.list(0)?;
    let to = list.data_type.clone();
    let result = to.clone();
    let invalid = |parameter: &str, why: String| {
        SparkError::new(
            Exception::Runtime,
            &format!("INVALID_PARAMETER_VALUE.{}", parameter.to_uppercase()),
            "22023",
            format!("The value of parameter(s) `{parameter}` in `slice` is invalid: {why}"),
        )
    };
    let expr = kernel::call(
        call.name,
        "",
        to.clone(),
        vec![list.expr, call.int(1)?.expr, call.int(2)?.expr],
        move |args, rows| {
            let list = args[0].as_list::<i32>();
            let (starts, lengths) = (args[1].as_primitive::<Int32Type>(), args[2].as_primitive::<Int32Type>());
            let chosen = (0..rows).map(|row| {
                if list.is_null(row) || starts.is_null(row) || lengths.is_null(row) {
                    return Ok(None);
                }
                let (start, length, size) = (
                    i64::from(starts.value(row)),
                    i64::from(lengths.value(row)),
                    i64::from(list.value_length(row)),
                );
                if start == 0 {
                    return Err(invalid(
                        "start",
                        "Expects a positive or a negative value for `start`, but got 0.".into(),
                    ));
                }
                if length < 0 {
                    return Err(invalid(
                        "length",
                        format!("Expects `length` greater than or equal to 0 but got {length}."),
                    ));
                }
                let from = if start > 0 { start - 1 } else { size + start };
                if from < 0 || from >= size {
                    return Ok(Some(vec![]));
                }
                let first = i64::from(list.value_offsets()[row]) + from;
                Ok(Some(
                    (first..first + length.min(size - from))
                        .map(|i| Some(i as u32))
                        .collect(),
                ))
            });
            gathered(list.values(), chosen.collect::<Result<_>>()?, &result)
        },
    );
    Ok(Typed::new(expr, to, call.label()))
}

/// The list with the item put in at a position; without one, at its end.
fn inserted(call: &Call<'_>, list: Typed, item: Typed, position: Option<Typed>) -> Result<Typed> {
    let to = list.data_type.clone();
    let result = to.clone();
    let mut exprs = vec![list.expr, item.expr];
    exprs.extend(position.map(|p| p.expr));
    let expr = kernel::call(call.name, "", to.clone(), exprs, move |args, rows| {
        let DataType::List(field) = &result else {
            return Err(SparkError::internal("a list type is none").into());
        };
        let list = args[0].as_list::<i32>();
        let positions = args.get(2).map(|p| p.as_primitive::<Int32Type>());
        let nothing = new_null_array(field.data_type(), 1);
        let mut from: Vec<(usize, usize)> = Vec::new();
        let (mut lengths, mut valid) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for row in 0..rows {
            let before = from.len();
            let known = list.is_valid(row) && positions.is_none_or(|p| p.is_valid(row));
            valid.push(known);
            if known {
                let start = list.value_offsets()[row] as usize;
                let size = list.value_length(row) as usize;
                let mut cells: Vec<(usize, usize)> = (start..start + size).map(|at| (0, at)).collect();
                match positions.map(|p| i64::from(p.value(row))) {
                    None => cells.push((1, row)),
                    Some(0) => return Err(index_of_zero().into()),
                    Some(p) if p > 0 => {
                        let at = p as usize - 1;
                        while cells.len() < at {
                            cells.push((2, 0));
                        }
                        cells.insert(at, (1, row));
                    }
                    Some(p) => {
                        let behind = p.unsigned_abs() as usize - 1;
                        if behind <= cells.len() {
                            cells.insert(cells.len() - behind, (1, row));
                        } else {
                            let mut padded = vec![(1, row)];
                            padded.extend(std::iter::repeat_n((2, 0), behind - cells.len()));
                            padded.extend(cells);
                            cells = padded;
                        }
                    }
                }
                from.extend(cells);
            }
            lengths.push(from.len() - before);
        }
        let columns: [&dyn Array; 3] = [list.values().as_ref(), args[1].as_ref(), nothing.as_ref()];
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

fn join(call: &Call<'_>) -> Result<Typed> {
    call.takes(2, 3)?;
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
        let parts: Vec<&str> = items
            .iter()
            .filter_map(|item| item.or_else(|| with_nulls.then(|| r.text(2))))
            .collect();
        Ok(Some(parts.join(r.text(1))))
    }))
}

fn zip(call: &Call<'_>) -> Result<Typed> {
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
    let expr = kernel::call(
        call.name,
        format!("{fields:?}"),
        to.clone(),
        exprs,
        move |args, rows| {
            let DataType::List(field) = &result else {
                return Err(SparkError::internal("a list type is none").into());
            };
            let lists: Vec<&ListArray> = args.iter().map(|a| a.as_list::<i32>()).collect();
            let valid: Vec<bool> = (0..rows).map(|r| lists.iter().all(|l| l.is_valid(r))).collect();
            let lengths: Vec<usize> = (0..rows)
                .map(|r| {
                    if valid[r] {
                        lists.iter().map(|l| l.value_length(r) as usize).max().unwrap_or(0)
                    } else {
                        0
                    }
                })
                .collect();
            let columns = lists
                .iter()
                .map(|list| {
                    let at = (0..rows).flat_map(|r| {
                        let (start, size) = (list.value_offsets()[r] as u32, list.value_length(r) as u32);
                        (0..lengths[r] as u32).map(move |i| (i < size).then_some(start + i))
                    });
                    arrow::compute::take(list.values(), &at.collect::<UInt32Array>(), None)
                })
                .collect::<std::result::Result<Vec<_>, _>>()?;
            let total = lengths.iter().sum();
            let structs = StructArray::try_new_with_length(fields.clone(), columns, None, total)?;
            Ok(Arc::new(ListArray::try_new(
                field.clone(),
                OffsetBuffer::from_lengths(lengths),
                Arc::new(structs),
                Some(valid.into()),
            )?))
        },
    );
    Ok(Typed::new(expr, to, call.label()))
}

fn element_at(call: &Call<'_>) -> Result<Typed> {
    call.takes(2, 2)?;
    let label = call_name(call.name, call.args);
    if let DataType::Map(..) = call.args[0].data_type {
        let mut out = extract::value(call.arg(0)?, call.arg(1)?, call.context.mode, call.context.zone, true)?;
        (out.name, out.named) = (label, false);
        return Ok(out);
    }
    let (list, element) = call.list(0)?;
    let fails = call.context.ansi() && call.name == "element_at";
    let expr = kernel::call(
        call.name,
        format!("{fails}"),
        element.clone(),
        vec![list.expr, call.int(1)?.expr],
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
                    return Ok(Some(list.value_offsets()[row] as u32 + from as u32));
                }
                if !fails {
                    return Ok(None);
                }
                Err(SparkError::new(
                Exception::ArrayIndexOutOfBounds,
                "INVALID_ARRAY_INDEX_IN_ELEMENT_AT",
                "22003",
                format!(
                    "The index {index} is out of bounds. The array has {size} elements. Use `try_element_at` to tolerate accessing element at \
                     invalid index and return NULL instead."
                ),
            )
            .with("indexValue", index.to_string())
            .with("arraySize", size.to_string()))
            })
        },
    );
    Ok(Typed::new(expr, element, label))
}
