//! Functions that make rows of a row.
//!
//! Each returns a list per row in [`Generator`]; the select list or LATERAL VIEW around puts it into a
//! Generate node, which turns elements into rows. The `_outer` forms make one row of nulls of a row
//! without elements.
//!
//! ```text
//! explode(array)       col              stack(n, …)          col0, col1, …
//! explode(map)         key, value       inline(structs)      the fields
//! posexplode(array)    pos, col         json_tuple(…)        c0, c1, …
//! posexplode(map)      pos, key, value
//! ```

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use datafusion_common::ScalarValue;
use datafusion_expr::Expr;

use super::call::Call;
use super::collection::{arrays, structs};
use super::entry::{Function, any, generator, literal, value};
use super::error::{non_foldable, out_of_range, unexpected_type};
use super::list::assemble;
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::plan::scope::{Generator, Typed};
use crate::values::types::{element_field, list_of, map_types};

/// Functions that make rows; a select list may hold one of them.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    generator("explode", |c| explode(c, false)).takes(&[value("expr", "ARRAY or MAP")])
        .about("Makes a row of each element of an array, or of each entry of a map with the columns `key` and `value`.")
        .example("explode(array(10, 20))", "10\n20"),
    generator("explode_outer", |c| explode(c, true)).takes(&[value("expr", "ARRAY or MAP")])
        .null_if("A null or empty value makes a row of nulls.")
        .about("Makes a row of each element of an array, or of each entry of a map with the columns `key` and `value`, or of nulls if there is none.")
        .example("explode_outer(array())", "NULL"),
    generator("posexplode", |c| posexplode(c, false)).takes(&[value("expr", "ARRAY or MAP")])
        .about("Makes a row of each element or entry, with its position from 0 in the column `pos`.")
        .example("posexplode(array(10, 20))", "0\t10\n1\t20"),
    generator("posexplode_outer", |c| posexplode(c, true)).takes(&[value("expr", "ARRAY or MAP")])
        .null_if("A null or empty value makes a row of nulls.")
        .about("Makes a row of each element or entry, with its position from 0 in the column `pos`, or of nulls if there is none.")
        .example("posexplode_outer(array(10, 20))", "0\t10\n1\t20"),
    generator("inline", |c| inline(c, false)).takes(&[value("expr", "ARRAY<STRUCT>")])
        .about("Makes a row of each struct of an array, its fields as columns.")
        .example("inline(array(struct(1, 'a'), struct(2, 'b')))", "1\ta\n2\tb"),
    generator("inline_outer", |c| inline(c, true)).takes(&[value("expr", "ARRAY<STRUCT>")])
        .null_if("A null or empty value makes a row of nulls.")
        .about("Makes a row of each struct of an array, its fields as columns, or of nulls if there is none.")
        .example("inline_outer(array(struct(1, 'a'), struct(2, 'b')))", "1\ta\n2\tb"),
    generator("stack", stack).takes(&[literal("n", "INT"), any("expr"), any("exprs").repeated()])
        .null_if("Nulls are values like others.")
        .about("Makes `n` rows of the other arguments, row after row; what is missing at the end is null.")
        .example("stack(2, 1, 2, 3)", "1\t2\n3\tNULL"),
];

/// A call that becomes rows: the elements of a list; `spread` makes columns of a struct's fields.
pub fn rows(call: &Call<'_>, list: Expr, element: DataType, spread: bool, outer: bool) -> Typed {
    let mut typed = Typed::new(list.clone(), element.clone(), call.label());
    typed.generator = Some(Box::new(Generator {
        list,
        element,
        outer,
        spread,
        names: vec![],
    }));
    typed
}

/// Names and types of the columns that a generator makes.
type Columns = Vec<(String, DataType)>;

/// Returns a map's entries as a list of structs, with the type of a struct and its columns.
fn entries(map: Expr, entries: &FieldRef) -> Result<(Expr, DataType, Columns)> {
    let (key, value) = map_types(entries);
    let columns = vec![("key".to_owned(), key), ("value".to_owned(), value)];
    let fields: Fields = columns.iter().map(|(n, t)| Field::new(n, t.clone(), true)).collect();
    let element = DataType::Struct(fields);
    Ok((entries_of(map, &element)?, element, columns))
}

/// Resolves `explode` and `explode_outer` (`Explode`): a column `col` of an array, `key` and `value` of
/// a map.
///
/// # Errors
/// If the argument is neither, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
fn explode(call: &Call<'_>, outer: bool) -> Result<Typed> {
    let arg = call.arg(0)?;
    match &arg.data_type {
        DataType::List(item) => Ok(rows(call, arg.expr, item.data_type().clone(), false, outer)),
        DataType::Map(field, _) => {
            let (list, element, _) = entries(arg.expr, field)?;
            Ok(rows(call, list, element, true, outer))
        }
        _ => Err(unexpected_type(&call.label(), 1, &arg, &["ARRAY", "MAP"])),
    }
}

/// Resolves `posexplode` and `posexplode_outer` (`PosExplode`): as `explode`, with the position from 0
/// first.
///
/// # Errors
/// If the argument is neither array nor map, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
fn posexplode(call: &Call<'_>, outer: bool) -> Result<Typed> {
    let arg = call.arg(0)?;
    let (list, element) = match &arg.data_type {
        DataType::List(item) => numbered(arg.expr, vec![("col".into(), item.data_type().clone())]),
        DataType::Map(field, _) => {
            let (list, _, columns) = entries(arg.expr, field)?;
            numbered(list, columns)
        }
        _ => return Err(unexpected_type(&call.label(), 1, &arg, &["ARRAY", "MAP"])),
    };
    Ok(rows(call, list, element, true, outer))
}

/// Resolves `inline` and `inline_outer` (`Inline`): a column per field.
///
/// # Errors
/// If the argument is not an array of structs, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
fn inline(call: &Call<'_>, outer: bool) -> Result<Typed> {
    let arg = call.arg(0)?;
    match &arg.data_type {
        DataType::List(item) if matches!(item.data_type(), DataType::Struct(_)) => {
            Ok(rows(call, arg.expr, item.data_type().clone(), true, outer))
        }
        _ => Err(unexpected_type(&call.label(), 1, &arg, &["ARRAY<STRUCT>"])),
    }
}

/// Rows that `stack` makes at most.
const MOST_STACKED: i32 = 10_000;

/// Resolves `stack` (`Stack`): `n` rows of the values, in order; what is missing at the end is null.
///
/// # Errors
/// If `n` is not a positive constant, `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`; if it is over 10,000,
/// `DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE`, since each row is a part of the plan; if a column's values do
/// not have a common type, `DATATYPE_MISMATCH.STACK_COLUMN_DIFF_TYPES`.
fn stack(call: &Call<'_>) -> Result<Typed> {
    let (context, values) = (call.context, &call.args[1..]);
    let Some(ScalarValue::Int32(Some(count @ 1..))) = call.args[0].literal() else {
        return Err(non_foldable(call, "n", "INT"));
    };
    if *count > MOST_STACKED {
        let range = format!("[1, {MOST_STACKED}]");
        return Err(out_of_range(&call.label(), "n", &range, i64::from(*count)));
    }
    let count = *count as usize;
    let width = values.len().div_ceil(count);
    let types = (0..width)
        .map(|column| column_type(call, column, width))
        .collect::<Result<Vec<_>>>()?;
    let fields: Fields = types
        .iter()
        .enumerate()
        .map(|(i, t)| Field::new(format!("col{i}"), t.clone(), true))
        .collect();
    let element = DataType::Struct(fields.clone());
    let mut items = Vec::new();
    for row in 0..count {
        let cells = (0..width).map(|column| match values.get(row * width + column) {
            Some(value) => Ok(context.cast(value.clone(), &types[column])?.expr),
            None => Ok(Expr::Literal(ScalarValue::try_from(&types[column])?, None)),
        });
        let cells = cells.collect::<Result<Vec<_>>>()?;
        let item = structs::make_struct(fields.clone(), cells);
        items.push(Typed::new(item, element.clone(), ""));
    }
    let list = arrays::made(items, element.clone(), String::new());
    Ok(rows(call, list.expr, element, true, false))
}

/// Returns the common type of every `width`th value of a stack.
///
/// # Errors
/// If there is none, `DATATYPE_MISMATCH.STACK_COLUMN_DIFF_TYPES`.
fn column_type(call: &Call<'_>, column: usize, width: usize) -> Result<DataType> {
    let cells: Vec<&DataType> = call.args[1..]
        .iter()
        .skip(column)
        .step_by(width)
        .map(|t| &t.data_type)
        .collect();
    crate::plan::coercion::common(cells, call.context.ansi()).ok_or_else(|| {
        SparkError::analysis(
            "DATATYPE_MISMATCH.STACK_COLUMN_DIFF_TYPES",
            "42K09",
            format!("The data type of the column {column} of stack do not have the same type."),
        )
    })
}

/// Returns a map's entries as a list of structs, without copying keys and values.
pub fn entries_of(map: Expr, element: &DataType) -> Result<Expr> {
    let to = list_of(element.clone());
    let field = element_field(&to)?.clone();
    let DataType::Struct(fields) = element.clone() else {
        return Err(SparkError::internal(format!("expected a struct type, found {element}")));
    };
    Ok(kernel::call("map_entries", "", to, vec![map], move |args, _| {
        let map = args[0].as_map();
        let entries = StructArray::try_new(fields.clone(), vec![map.keys().clone(), map.values().clone()], None)?;
        Ok(Arc::new(ListArray::try_new(
            field.clone(),
            map.offsets().clone(),
            Arc::new(entries),
            map.nulls().cloned(),
        )?))
    }))
}

/// Returns a list whose elements become structs `{pos, …}`, with the type of a struct.
fn numbered(list: Expr, columns: Columns) -> (Expr, DataType) {
    let mut fields = vec![Field::new("pos", DataType::Int32, true)];
    fields.extend(columns.iter().map(|(n, t)| Field::new(n, t.clone(), true)));
    let fields = Fields::from(fields);
    let element = DataType::Struct(fields.clone());
    let to = list_of(element.clone());
    let spread = columns.len() > 1;
    let result = to.clone();
    let expr = kernel::call("number", format!("{spread}"), to, vec![list], move |args, _| {
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
        let lengths = (0..list.len()).map(|r| list.value_length(r) as usize);
        let valid = list
            .nulls()
            .map(|_| (0..list.len()).map(|r| list.is_valid(r)).collect());
        assemble(lengths, valid, Arc::new(structs), &result)
    });
    (expr, element)
}
