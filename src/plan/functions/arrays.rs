//! Functions of arrays and maps.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use super::{Context, call_name, exactly};
use crate::error::Result;
use crate::plan::scope::Typed;
use crate::plan::{extract, kernel};
use crate::plan::types::list_of;

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    Ok(Some(match name {
        "array" => {
            let (items, element) = if args.is_empty() { (vec![], DataType::Null) } else { super::conditional::unified(context, name, args)? };
            let to = list_of(element);
            let field = if let DataType::List(f) = &to { f.clone() } else { return Ok(None) };
            let width = items.len();
            let expr = kernel::call(name, "", to.clone(), items.into_iter().map(|t| t.expr).collect(), move |args, rows| {
                let values: ArrayRef = if width == 0 {
                    new_empty_array(field.data_type())
                } else {
                    let columns: Vec<&dyn Array> = args.iter().map(AsRef::as_ref).collect();
                    let at: Vec<(usize, usize)> = (0..rows).flat_map(|row| (0..width).map(move |c| (c, row))).collect();
                    arrow::compute::interleave(&columns, &at)?
                };
                let offsets = arrow::buffer::OffsetBuffer::from_lengths(std::iter::repeat_n(width, rows));
                Ok(Arc::new(ListArray::try_new(field.clone(), offsets, values, None)?))
            });
            Typed::new(expr, to, call_name(name, args))
        }
        "size" | "cardinality" => {
            let [arg] = exactly(name, args)?;
            if !matches!(arg.data_type, DataType::List(_) | DataType::Map(..)) {
                return Err(super::unexpected_type(&call_name(name, args), 1, &arg, "ARRAY\" or \"MAP"));
            }
            let expr = kernel::call(name, "", DataType::Int32, vec![arg.expr], |args, rows| {
                let lengths: Int32Array = match args[0].data_type() {
                    DataType::Map(..) => (0..rows).map(|r| (!args[0].is_null(r)).then(|| args[0].as_map().value_length(r))).collect(),
                    _ => (0..rows).map(|r| (!args[0].is_null(r)).then(|| args[0].as_list::<i32>().value_length(r))).collect(),
                };
                Ok(Arc::new(lengths))
            });
            Typed::new(expr, DataType::Int32, call_name(name, args))
        }
        "sort_array" | "array_sort" if args.len() <= 2 => {
            let Some(list) = args.first() else { return Ok(None) };
            let ascending = args.get(1).and_then(Typed::literal).is_none_or(|v| *v != datafusion_common::ScalarValue::Boolean(Some(false)));
            // `array_sort` puts nulls last, `sort_array` where its order does.
            let nulls_first = name == "sort_array" && ascending;
            let to = list.data_type.clone();
            let options = arrow::compute::SortOptions { descending: !ascending, nulls_first };
            let expr = kernel::call(name, format!("{options:?}"), to.clone(), vec![list.expr.clone()], move |args, _| {
                let list = args[0].as_list::<i32>();
                let compare = make_comparator(list.values(), list.values(), arrow::compute::SortOptions { nulls_first: true, descending: false })?;
                let mut order: Vec<u32> = Vec::with_capacity(list.values().len());
                let mut lengths = Vec::with_capacity(list.len());
                for row in 0..list.len() {
                    let (from, to) = (list.value_offsets()[row] as u32, list.value_offsets()[row + 1] as u32);
                    let mut part: Vec<u32> = if list.is_null(row) { vec![] } else { (from..to).collect() };
                    part.sort_by(|a, b| {
                        let (x, y) = (*a as usize, *b as usize);
                        match (list.values().is_null(x), list.values().is_null(y)) {
                            (true, true) => std::cmp::Ordering::Equal,
                            (true, false) => if options.nulls_first { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater },
                            (false, true) => if options.nulls_first { std::cmp::Ordering::Greater } else { std::cmp::Ordering::Less },
                            _ if options.descending => compare(y, x),
                            _ => compare(x, y),
                        }
                    });
                    lengths.push(part.len());
                    order.extend(part);
                }
                let values = arrow::compute::take(list.values(), &UInt32Array::from(order), None)?;
                let DataType::List(field) = args[0].data_type() else { return Ok(args[0].clone()) };
                let offsets = arrow::buffer::OffsetBuffer::from_lengths(lengths);
                Ok(Arc::new(ListArray::try_new(field.clone(), offsets, values, list.nulls().cloned())?))
            });
            let label = if name == "sort_array" { format!("sort_array({}, {ascending})", list.name) } else { call_name(name, args) };
            Typed::new(expr, to, label)
        }
        "get" => {
            let [list, at] = exactly(name, args)?;
            let mut out = extract::value(list, at, crate::plan::cast::Mode::Try, context.zone, true)?;
            out.name = call_name(name, args);
            out
        }
        _ => return Ok(None),
    }))
}
