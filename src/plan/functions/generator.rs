//! Functions that make rows: `explode`, `posexplode`, `inline`, `stack`, and their `_outer` forms.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use datafusion_common::ScalarValue;
use datafusion_expr::Expr;

use super::{Context, call_name, exactly, unexpected_type, wrong_number};
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::plan::scope::{Generator, Typed};
use crate::values::types::{list_of, map_types};

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let (base, outer) = name.strip_suffix("_outer").map_or((name, false), |base| (base, true));
    let label = call_name(name, args);
    let make = |list: Expr, element: DataType, spread: bool| {
        let mut typed = Typed::new(list.clone(), element.clone(), label.clone());
        typed.generator = Some(Box::new(Generator {
            list,
            element,
            outer,
            spread,
            names: vec![],
        }));
        typed
    };
    Ok(Some(match base {
        "explode" | "posexplode" => {
            let [arg] = exactly(name, args)?;
            let with_position = base == "posexplode";
            match arg.data_type.clone() {
                DataType::List(item) if with_position => {
                    let (list, element) = numbered(arg.expr, vec![("col".into(), item.data_type().clone())]);
                    make(list, element, true)
                }
                DataType::List(item) => make(arg.expr, item.data_type().clone(), false),
                DataType::Map(entries, _) => {
                    let (key, value) = map_types(&entries);
                    let element = DataType::Struct(
                        vec![
                            Field::new("key", key.clone(), true),
                            Field::new("value", value.clone(), true),
                        ]
                        .into(),
                    );
                    let list = entries_of(arg.expr, &element);
                    if with_position {
                        let (list, element) = numbered(list, vec![("key".into(), key), ("value".into(), value)]);
                        make(list, element, true)
                    } else {
                        make(list, element, true)
                    }
                }
                _ => return Err(unexpected_type(&label, 1, &arg, "ARRAY\" or \"MAP")),
            }
        }
        "inline" => {
            let [arg] = exactly(name, args)?;
            match arg.data_type.clone() {
                DataType::List(item) if matches!(item.data_type(), DataType::Struct(_)) => {
                    make(arg.expr, item.data_type().clone(), true)
                }
                _ => return Err(unexpected_type(&label, 1, &arg, "ARRAY<STRUCT>")),
            }
        }
        "stack" => {
            let Some((count, values)) = args.split_first() else {
                return Err(wrong_number(name, "> 1", 0));
            };
            let Some(ScalarValue::Int32(Some(rows @ 1..))) = count.literal() else {
                return Err(SparkError::analysis(
                    "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                    "42K09",
                    "The number of rows of stack must be a positive integer literal.",
                ));
            };
            let rows = *rows as usize;
            let width = values.len().div_ceil(rows);
            let mut types = Vec::new();
            for column in 0..width {
                let cells: Vec<&DataType> = values
                    .iter()
                    .skip(column)
                    .step_by(width)
                    .map(|t| &t.data_type)
                    .collect();
                types.push(crate::plan::coercion::common(cells, context.ansi()).ok_or_else(|| {
                    SparkError::analysis(
                        "DATATYPE_MISMATCH.STACK_COLUMN_DIFF_TYPES",
                        "42K09",
                        format!("The data type of the column {column} of stack do not have the same type."),
                    )
                })?);
            }
            let fields: Fields = types
                .iter()
                .enumerate()
                .map(|(i, t)| Field::new(format!("col{i}"), t.clone(), true))
                .collect();
            let element = DataType::Struct(fields.clone());
            let mut structs = Vec::new();
            for row in 0..rows {
                let cells = (0..width).map(|column| match values.get(row * width + column) {
                    Some(value) => Ok(context.cast(value.clone(), &types[column])?.expr),
                    None => Ok(Expr::Literal(ScalarValue::try_from(&types[column])?, None)),
                });
                let cells = cells.collect::<Result<Vec<_>>>()?;
                structs.push(Typed::new(
                    super::structs::make_struct(fields.clone(), cells),
                    element.clone(),
                    "",
                ));
            }
            let list = super::arrays::call(context, "array", &structs)?
                .ok_or_else(|| SparkError::internal("there is no array function"))?;
            make(list.expr, element, true)
        }
        _ => return Ok(None),
    }))
}

/// A map's entries as a list of structs.
pub fn entries_of(map: Expr, element: &DataType) -> Expr {
    let DataType::List(field) = list_of(element.clone()) else {
        return map;
    };
    let element = element.clone();
    kernel::call(
        "map_entries",
        "",
        list_of(element.clone()),
        vec![map],
        move |args, _| {
            let map = args[0].as_map();
            let DataType::Struct(fields) = &element else {
                return Ok(args[0].clone());
            };
            let entries = StructArray::try_new(fields.clone(), vec![map.keys().clone(), map.values().clone()], None)?;
            Ok(Arc::new(ListArray::try_new(
                field.clone(),
                map.offsets().clone(),
                Arc::new(entries),
                map.nulls().cloned(),
            )?))
        },
    )
}

/// A list whose elements become structs `{pos, …}`.
fn numbered(list: Expr, columns: Vec<(String, DataType)>) -> (Expr, DataType) {
    let mut fields = vec![Field::new("pos", DataType::Int32, true)];
    fields.extend(columns.iter().map(|(n, t)| Field::new(n, t.clone(), true)));
    let fields = Fields::from(fields);
    let element = DataType::Struct(fields.clone());
    let to = list_of(element.clone());
    let spread = columns.len() > 1;
    let expr = kernel::call("number", format!("{spread}"), to.clone(), vec![list], move |args, _| {
        let list = args[0].as_list::<i32>();
        let start = list.value_offsets()[0] as usize;
        let positions: Int32Array = (0..list.len()).flat_map(|r| 0..list.value_length(r)).collect();
        let values = list.values().slice(start, positions.len());
        let mut parts: Vec<ArrayRef> = vec![Arc::new(positions)];
        if spread {
            parts.extend(values.as_struct().columns().iter().cloned());
        } else {
            parts.push(values);
        }
        let structs = StructArray::try_new(fields.clone(), parts, None)?;
        let offsets = arrow::buffer::OffsetBuffer::from_lengths((0..list.len()).map(|r| list.value_length(r) as usize));
        let DataType::List(field) = &to else {
            return Ok(args[0].clone());
        };
        Ok(Arc::new(ListArray::try_new(
            field.clone(),
            offsets,
            Arc::new(structs),
            list.nulls().cloned(),
        )?))
    });
    (expr, element)
}
