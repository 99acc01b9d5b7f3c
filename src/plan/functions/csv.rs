//! CSV in a column: records by a schema and back.
//!
//! ```text
//! from_csv('1,x', 'a INT, b STRING')         {1, x}
//! from_csv('x', 'a INT, b STRING')           {null, null}
//! to_csv(named_struct('a', 1, 'b', 'x,y'))   1,"x,y"
//! ```

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use super::call::Call;
use super::constant_text;
use super::entry::{Function, literal, scalar, string, text, value};
use super::error::{non_foldable, unexpected_type};
use super::json::constant_schema;
use super::map::maps::options;
use crate::error::Result;
use crate::formats::column::Column;
use crate::formats::csv::Reader;
use crate::formats::{ParseMode, corrupt_column, malformed};
use crate::kernels::kernel;
use crate::plan::inference::of_csv_record;
use crate::plan::scope::Typed;
use crate::plan::type_message;
use crate::values::cast::to_text;
use crate::values::types::{is_string, sql_name};

/// Functions of CSV records.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("from_csv", from_csv).takes(&[string("csvStr"), text("schema"), value("options", "MAP<STRING, STRING>").optional()])
        .returns("STRUCT, by the schema").null_if("Null if the string is null; missing and malformed values are null fields.")
        .about("Reads a CSV record by a schema.")
        .example("from_csv('1, 0.8', 'a INT, b DOUBLE')", "{1, 0.8}"),
    scalar("to_csv", to_csv).takes(&[value("expr", "STRUCT"), value("options", "MAP<STRING, STRING>").optional()])
        .returns("STRING")
        .about("Writes a struct as a CSV record.")
        .example("to_csv(named_struct('a', 1, 'b', 2))", "1,2"),
    scalar("schema_of_csv", schema_of_csv).takes(&[literal("csv", "STRING"), value("options", "MAP<STRING, STRING>").optional()])
        .returns("STRING")
        .about("Returns the schema of a CSV literal as DDL.")
        .example("schema_of_csv('1,abc')", "STRUCT<_c0: INT, _c1: STRING>"),
];

/// Resolves `from_csv` (`CsvToStructs`). A missing or malformed cell is a null field; a null string is
/// a null struct. A blank line and a comment are structs of nulls.
///
/// # Errors
/// If the schema is not a constant or does not parse, or an option has a value that is not taken.
fn from_csv(call: &Call<'_>) -> Result<Typed> {
    let fields = type_message::schema_from_text(&constant_schema(call)?)?;
    let given = call.args.get(2).map(options).transpose()?.unwrap_or_default();
    let mode = ParseMode::of_function(&given, "from_csv")?;
    let reader = Reader::new(&given, call.context.zone)?;
    let corrupt = fields
        .iter()
        .position(|f| f.name() == corrupt_column(&given) && is_string(f.data_type()));
    let to = DataType::Struct(fields.clone());
    let result = to.clone();
    let args = vec![call.text(0)?.expr];
    let label = format!("{given:?} {:?}", call.context.zone);
    let expr = kernel::call(call.name, label, to.clone(), args, move |args, _| {
        let mut column = Column::new(&result);
        let mut cells = Vec::new();
        for text in args[0].as_string::<i32>() {
            let (Some(text), Some((_, columns))) = (text, column.fields()) else {
                column.push_null();
                continue;
            };
            let mut bad = false;
            if text.is_empty() || reader.is_comment(text) {
                columns.iter_mut().for_each(Column::push_null);
                column.end_nested();
                continue;
            }
            reader.split(text, &mut cells);
            let data = fields
                .iter()
                .zip(columns.iter_mut())
                .enumerate()
                .filter(|(i, _)| Some(*i) != corrupt);
            bad |= cells.len() != fields.len() - usize::from(corrupt.is_some());
            for (cell, (_, (field, column))) in cells
                .iter()
                .map(Option::as_deref)
                .chain(std::iter::repeat(None))
                .zip(data)
            {
                reader.push(cell, column, field.data_type(), &mut bad);
            }
            match corrupt {
                Some(at) if bad => {
                    _ = columns[at].push_bytes(text.trim_end_matches(['\r', '\n']).as_bytes(), false);
                }
                Some(at) => columns[at].push_null(),
                None => {}
            }
            if bad && mode == ParseMode::FailFast {
                return Err(malformed(text).into());
            }
            column.end_nested();
        }
        Ok(column.finish()?)
    });
    Ok(Typed::new(expr, to, format!("from_csv({})", call.args[0].name)))
}

/// Resolves `to_csv` (`StructsToCsv`). A null field is nothing between two separators.
///
/// # Errors
/// If the argument is not a struct, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
fn to_csv(call: &Call<'_>) -> Result<Typed> {
    let arg = call.arg(0)?;
    let label = format!("to_csv({})", arg.name);
    if !matches!(arg.data_type, DataType::Struct(_)) {
        return Err(unexpected_type(&label, 1, &arg, &["STRUCT"]));
    }
    let given = call.args.get(1).map(options).transpose()?.unwrap_or_default();
    let separator = Reader::new(&given, call.context.zone)?.separator().to_owned();
    let zone = call.context.zone;
    let options = format!("{given:?} {zone:?}");
    let expr = kernel::call(call.name, options, DataType::Utf8, vec![arg.expr], move |args, rows| {
        let structs = args[0].as_struct();
        let columns = structs
            .columns()
            .iter()
            .map(|c| to_text(c, zone))
            .collect::<datafusion_common::Result<Vec<_>>>()?;
        let line = |row: usize| {
            let cells = columns.iter().map(|c| {
                if c.is_null(row) {
                    String::new()
                } else {
                    quoted(c.value(row), &separator)
                }
            });
            cells.collect::<Vec<_>>().join(&separator)
        };
        let lines = (0..rows).map(|row| structs.is_valid(row).then(|| line(row)));
        Ok(Arc::new(lines.collect::<StringArray>()))
    });
    Ok(Typed::new(expr, DataType::Utf8, label))
}

/// Resolves `schema_of_csv`: columns `_c0`, `_c1`, … of the narrowest type that reads each cell.
///
/// # Errors
/// If the text is not constant, `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`; if an option has a value that is not taken.
fn schema_of_csv(call: &Call<'_>) -> Result<Typed> {
    let Some(text) = call.constant_text(0) else {
        return Err(non_foldable(call, "csv", "STRING"));
    };
    let given = call.args.get(1).map(options).transpose()?.unwrap_or_default();
    let found = of_csv_record(&text, &given, call.context.zone)?;
    let label = format!("schema_of_csv({})", call.args[0].name);
    Ok(constant_text(sql_name(&DataType::Struct(found)), label))
}

/// Returns a cell as Spark writes it: in quotes if it holds the separator, a quote or a line end, or is
/// empty and not null.
pub(crate) fn quoted(text: &str, separator: &str) -> String {
    if text.is_empty() {
        return "\"\"".into();
    }
    if text.contains(separator) || text.contains(['"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    text.to_owned()
}
