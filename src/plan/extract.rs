//! Getting at what is inside values: `struct.field`, `array[i]`, `map[key]`, and structs with fields
//! replaced.
//!
//! ```text
//! struct.name    the field; null if the struct is null
//! array.name     the field of each struct in the array, as an array (`GetArrayStructFields`)
//! array[i]       the element, counted from 0; outside the array null, or an error under ANSI
//! map.name       the value under the key 'name'
//! map[key]       the value; null if there is no such key
//! ```
//!
//! Names of fields follow `spark.sql.caseSensitive`; keys of maps are always compared exactly.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use super::names::Names;
use super::scope::Typed;
use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::cast_expr;
use crate::values::cast::Mode;
use crate::values::floats::normalised;
use crate::values::types::{is_integral, map_types, sql_name};
use crate::values::zone::Zone;

/// What kernels return.
type DfResult<T> = datafusion_common::Result<T>;

/// Follows field names into a value; the result is called by the last name.
///
/// # Errors
/// If a name leads nowhere: `FIELD_NOT_FOUND`, `AMBIGUOUS_REFERENCE_TO_FIELDS` or
/// `INVALID_EXTRACT_BASE_FIELD_TYPE`.
pub fn fields(mut typed: Typed, names: &[String], by: Names) -> Result<Typed> {
    for name in names {
        typed = field(typed, name, by)?;
        typed.name = name.clone();
        typed.named = true;
    }
    Ok(typed)
}

/// Returns a field by name: of a struct, of each struct in a list, or the value of a map under that
/// key.
///
/// # Errors
/// If there is no such field, `FIELD_NOT_FOUND`; if there are several, `AMBIGUOUS_REFERENCE_TO_FIELDS`;
/// if the value does not have fields, `INVALID_EXTRACT_BASE_FIELD_TYPE`.
fn field(typed: Typed, name: &str, by: Names) -> Result<Typed> {
    match typed.data_type.clone() {
        DataType::Struct(fields) => {
            let found: Vec<&FieldRef> = fields.iter().filter(|f| by.same(f.name(), name)).collect();
            match found[..] {
                [f] => Ok(struct_field(
                    typed,
                    fields.iter().position(|g| Arc::ptr_eq(f, g)).unwrap_or_default(),
                    f,
                )),
                [] => Err(no_such_field(name, &fields)),
                _ => Err(SparkError::analysis(
                    "AMBIGUOUS_REFERENCE_TO_FIELDS",
                    "42000",
                    format!("Ambiguous reference to the field `{name}`."),
                )),
            }
        }
        DataType::List(item) if matches!(item.data_type(), DataType::Struct(_)) => {
            let DataType::Struct(inner) = item.data_type() else {
                return Err(SparkError::internal("expected a struct type"));
            };
            let (index, found) = inner
                .iter()
                .enumerate()
                .find(|(_, f)| by.same(f.name(), name))
                .ok_or_else(|| no_such_field(name, inner))?;
            Ok(field_of_elements(typed, index, found))
        }
        DataType::Map(..) => value(typed, super::literal::string(name), Mode::Ansi, Zone::UTC, by),
        other => Err(SparkError::analysis(
            "INVALID_EXTRACT_BASE_FIELD_TYPE",
            "42000",
            format!(
                "Can't extract a value from \"{}\". Need a complex type [STRUCT, ARRAY, MAP] but got \"{}\".",
                typed.name,
                sql_name(&other)
            ),
        )),
    }
}

/// Returns a field of a struct; null if the struct is null. The end of a time window stays named, so
/// that it can close state.
fn struct_field(typed: Typed, index: usize, f: &FieldRef) -> Typed {
    let inherits = typed.attribute.as_ref().is_some_and(|a| a.event_time && a.time_window);
    // A kernel of our own: DataFusion's optimizer moves its `get_field` below filters, where names clash.
    let expr = kernel::call(
        "get_struct_field",
        index.to_string(),
        f.data_type().clone(),
        vec![typed.expr],
        move |args, _| {
            let structs = args[0].as_struct();
            let column = structs.column(index);
            match structs.nulls() {
                Some(nulls) if nulls.null_count() > 0 => Ok(arrow::compute::nullif(
                    column,
                    &BooleanArray::new(!nulls.inner(), None),
                )?),
                _ => Ok(column.clone()),
            }
        },
    );
    let mut out = Typed::new(expr, f.data_type().clone(), format!("{}.{}", typed.name, f.name()));
    if inherits && f.name() == "end" {
        out.named = true;
    }
    out
}

/// Returns a field of each struct in a list, as a list; null if the list or the struct is null.
fn field_of_elements(typed: Typed, index: usize, found: &FieldRef) -> Typed {
    let to = crate::values::types::list_of(found.data_type().clone());
    let label = format!("{}.{}", typed.name, found.name());
    let expr = kernel::call(
        "get_array_struct_fields",
        index.to_string(),
        to.clone(),
        vec![typed.expr],
        move |args, _| {
            let list = args[0].as_list::<i32>();
            let structs = list.values().as_struct();
            let values =
                arrow::compute::kernels::nullif::nullif(structs.column(index), &arrow::compute::is_null(structs)?)?;
            let list_type = crate::values::types::list_of(values.data_type().clone());
            Ok(Arc::new(ListArray::try_new(
                crate::values::types::element_field(&list_type)?.clone(),
                list.offsets().clone(),
                values,
                list.nulls().cloned(),
            )?))
        },
    );
    Typed::new(expr, to, label)
}

/// Returns an element of a list by its number from 0. Outside the list it is null, or
/// `INVALID_ARRAY_INDEX` in ANSI mode.
fn element(child: Typed, key: Typed, to: DataType, mode: Mode, name: String) -> Typed {
    let expr = kernel::call(
        "get_array_item",
        format!("{mode:?}"),
        to.clone(),
        vec![child.expr, key.expr],
        move |args, _| {
            let list = args[0].as_list::<i32>();
            pick(list.values(), list.len(), |row| {
                let index = args[1].as_primitive::<Int64Type>();
                if list.is_null(row) || index.is_null(row) {
                    return Ok(None);
                }
                let (start, length, at) = (
                    list.value_offsets()[row],
                    i64::from(list.value_length(row)),
                    index.value(row),
                );
                if (0..length).contains(&at) {
                    return Ok(Some(start as u32 + at as u32));
                }
                if mode == Mode::Ansi {
                    Err(invalid_array_index(at, length))
                } else {
                    Ok(None)
                }
            })
        },
    );
    Typed::new(expr, to, name)
}

/// Makes `FIELD_NOT_FOUND`, with the fields that the struct has.
fn no_such_field(name: &str, fields: &Fields) -> SparkError {
    let names: Vec<String> = fields.iter().map(|f| format!("`{}`", f.name())).collect();
    SparkError::analysis(
        "FIELD_NOT_FOUND",
        "42704",
        format!("No such struct field `{name}` in {}.", names.join(", ")),
    )
    .with("fieldName", format!("`{name}`"))
    .with("fields", names.join(", "))
}

/// Returns `child[key]`.
///
/// # Errors
/// If the child is not a list, map or struct, `INVALID_EXTRACT_BASE_FIELD_TYPE`; if a struct's key is
/// not a string literal, `INVALID_EXTRACT_FIELD_TYPE`; if a map's key cannot be cast to the map's type.
///
/// ```
/// use rivulet::plan::functions::{Context, call, fold};
/// use rivulet::plan::{extract, literal, names::Names};
/// use rivulet::settings::Conf;
/// use rivulet::values::{cast::Mode, zone::Zone};
///
/// let conf = Conf::default();
/// let context = Context { mode: Mode::Ansi, zone: Zone::UTC, now_us: 0, conf: &conf };
/// let made = call(&context, "array", vec![literal::int(10), literal::int(20)], false)?;
/// let array = made.unwrap_or_else(|| literal::int(0));
/// let second = extract::value(array, literal::int(1), Mode::Ansi, Zone::UTC, Names::Folded)?;
/// assert_eq!((second.name.as_str(), fold(&second.expr)), ("array(10, 20)[1]", Some(20_i32.into())));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
pub fn value(child: Typed, key: Typed, mode: Mode, zone: Zone, by: Names) -> Result<Typed> {
    let name = format!("{}[{}]", child.name, key.name);
    match child.data_type.clone() {
        DataType::List(item) if is_integral(&key.data_type) => {
            let key = cast_expr::cast(key, &DataType::Int64, Mode::Ansi, zone)?;
            Ok(element(child, key, item.data_type().clone(), mode, name))
        }
        DataType::Map(entries, _) => {
            let (key_type, value_type) = map_types(&entries);
            let key = cast_expr::cast(key, &key_type, mode, zone)?;
            let expr = kernel::call(
                "get_map_value",
                "",
                value_type.clone(),
                vec![child.expr, key.expr],
                |args, _| map_value(&args[0], &args[1]),
            );
            Ok(Typed::new(expr, value_type, name))
        }
        DataType::Struct(_) => match key.literal() {
            Some(datafusion_common::ScalarValue::Utf8(Some(text))) => {
                let text = text.clone();
                let label = format!("{}.{text}", child.name);
                let mut out = field(child, &text, by)?;
                out.name = label;
                out.named = false;
                Ok(out)
            }
            _ => Err(SparkError::analysis(
                "INVALID_EXTRACT_FIELD_TYPE",
                "42000",
                "Field name should be a non-null string literal.",
            )),
        },
        DataType::List(_) if matches!(key.literal(), Some(datafusion_common::ScalarValue::Utf8(_))) => {
            let text = key.name.clone();
            field(child, &text, by)
        }
        other => Err(SparkError::analysis(
            "INVALID_EXTRACT_BASE_FIELD_TYPE",
            "42000",
            format!(
                "Can't extract a value from \"{}\". Need a complex type [STRUCT, ARRAY, MAP] but got \"{}\".",
                child.name,
                sql_name(&other)
            ),
        )),
    }
}

/// Makes `INVALID_ARRAY_INDEX`, which names the index and the length of the array.
pub fn invalid_array_index(index: i64, length: i64) -> SparkError {
    SparkError::new(
        Exception::ArrayIndexOutOfBounds,
        "INVALID_ARRAY_INDEX",
        "22003",
        format!(
            "The index {index} is out of bounds. The array has {length} elements. Use the SQL function `get()` to tolerate \
             accessing element at invalid index and return NULL instead."
        ),
    )
    .with("indexValue", index.to_string())
    .with("arraySize", length.to_string())
}

/// Takes one of `values` per row: the one at the position that `at` returns, or null.
///
/// # Errors
/// If `at` fails for a row.
pub fn pick(values: &ArrayRef, rows: usize, at: impl Fn(usize) -> Result<Option<u32>>) -> DfResult<ArrayRef> {
    let indices = (0..rows).map(at).collect::<Result<UInt32Array>>()?;
    Ok(arrow::compute::take(values, &indices, None)?)
}

/// Returns the value under each row's key; null if the map is null or does not have it. One pass over
/// all entries.
pub fn map_value(map: &ArrayRef, key: &ArrayRef) -> DfResult<ArrayRef> {
    let map = map.as_map();
    let rows: Vec<u32> = (0..map.len())
        .flat_map(|row| std::iter::repeat_n(row as u32, map.value_length(row).max(0) as usize))
        .collect();
    let start = map.value_offsets()[0] as usize;
    let keys = map.keys().slice(start, rows.len());
    let wanted = arrow::compute::take(key, &UInt32Array::from(rows), None)?;
    let equal = arrow::compute::kernels::cmp::eq(&normalised(&keys)?, &normalised(&wanted)?)?;
    pick(map.values(), map.len(), |row| {
        if map.is_null(row) {
            return Ok(None);
        }
        let (from, to) = (map.value_offsets()[row] as usize, map.value_offsets()[row + 1] as usize);
        Ok((from..to)
            .find(|i| equal.is_valid(i - start) && equal.value(i - start))
            .map(|i| i as u32))
    })
}

/// Returns a struct with a field replaced or added (`withField`) or, without a value, removed
/// (`dropFields`). A path of several names leads to a field within structs.
///
/// Removing a field that the struct lacks does nothing.
///
/// # Errors
/// If what the path leads through is missing, `FIELD_NOT_FOUND`; if it is not a struct, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`;
/// if no field would be left, `DATATYPE_MISMATCH.CANNOT_DROP_ALL_FIELDS`.
pub fn update_fields(child: Typed, path: &[String], value: Option<Typed>, by: Names) -> Result<Typed> {
    match path {
        [name] => update_field(child, name, value, by),
        [first, rest @ ..] => {
            let inner = fields(child.clone(), std::slice::from_ref(first), by)?;
            let inner = update_fields(inner, rest, value, by)?;
            update_field(child, first, Some(inner), by)
        }
        [] => Ok(child),
    }
}

fn update_field(child: Typed, name: &str, value: Option<Typed>, by: Names) -> Result<Typed> {
    let DataType::Struct(old) = child.data_type.clone() else {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            "42K09",
            format!(
                "update_fields needs a struct, but \"{}\" is \"{}\".",
                child.name,
                sql_name(&child.data_type)
            ),
        ));
    };
    let label = format!("update_fields({})", child.name);
    let mut fields: Vec<FieldRef> = old.iter().cloned().collect();
    let mut sources: Vec<Option<usize>> = (0..old.len()).map(Some).collect();
    let at = old.iter().position(|f| by.same(f.name(), name));
    let mut args = vec![child.expr];
    match (value, at) {
        (Some(value), at) => {
            let field = Arc::new(Field::new(name, value.data_type, true));
            args.push(value.expr);
            match at {
                Some(i) => (fields[i], sources[i]) = (field, None),
                None => {
                    fields.push(field);
                    sources.push(None);
                }
            }
        }
        (None, Some(i)) => {
            fields.remove(i);
            sources.remove(i);
            if fields.is_empty() {
                return Err(SparkError::analysis(
                    "DATATYPE_MISMATCH.CANNOT_DROP_ALL_FIELDS",
                    "42K09",
                    "Cannot drop all fields in struct.",
                ));
            }
        }
        (None, None) => {}
    }
    let fields = Fields::from(fields);
    let to = DataType::Struct(fields.clone());
    let options = format!("{sources:?}");
    let expr = kernel::call("update_fields", options, to.clone(), args, move |args, rows| {
        let old = args[0].as_struct();
        let columns: Vec<ArrayRef> = sources
            .iter()
            .map(|s| s.map_or_else(|| args[args.len() - 1].clone(), |i| old.column(i).clone()))
            .collect();
        Ok(Arc::new(StructArray::try_new_with_length(
            fields.clone(),
            columns,
            old.nulls().cloned(),
            rows,
        )?))
    });
    Ok(Typed::new(expr, to, label))
}
