//! One CSV record in a column.
//!
//! Records are read by a splitter of this file, not by the decoder of CSV files: a column holds one
//! line at a time, without a header. Of the options, only the separator (`sep`, `delimiter`) is
//! followed.
//!
//! ```text
//! from_csv('1,x', 'a INT, b STRING')         {1, x}
//! from_csv('x', 'a INT, b STRING')           {null, null}
//! to_csv(named_struct('a', 1, 'b', 'x,y'))   1,"x,y"
//! ```

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use datafusion_common::ScalarValue;

use super::call::Call;
use super::constant_text;
use super::entry::{Function, literal, scalar, string, text, value};
use super::error::unexpected_type;
use super::json::constant_schema;
use super::json::read::array_of;
use super::map::maps::options;
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::plan::scope::Typed;
use crate::plan::type_message;
use crate::values::cast::{Mode, cast_array, to_text};
use crate::values::zone::Zone;

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

/// Returns the options of a call, as text that tells kernels apart, and the separator that they name.
fn separator(argument: Option<&Typed>) -> Result<(String, String)> {
    let given = argument.map(options).transpose()?.unwrap_or_default();
    let separator = given.get("sep").or(given.get("delimiter"));
    Ok((format!("{given:?}"), separator.cloned().unwrap_or_else(|| ",".into())))
}

/// Resolves `from_csv` (`CsvToStructs`). A missing or malformed cell is a null field; a null string is
/// a null struct.
///
/// # Errors
/// If the schema is not a constant or does not parse.
fn from_csv(call: &Call<'_>) -> Result<Typed> {
    let fields = type_message::schema_from_text(&constant_schema(call)?)?;
    let (given, separator) = separator(call.args.get(2))?;
    let separator = separator.chars().next().unwrap_or(',');
    let to = DataType::Struct(fields.clone());
    let (zone, result) = (call.context.zone, to.clone());
    let args = vec![call.text(0)?.expr];
    let expr = kernel::call(
        call.name,
        format!("{given} {zone:?}"),
        to.clone(),
        args,
        move |args, _| {
            let cells = args[0].as_string::<i32>().iter().map(|text| match text {
                Some(text) => record(&split(text, separator), &fields, zone),
                None => Ok(ScalarValue::try_from(&result)?),
            });
            let cells = cells.collect::<Result<Vec<_>>>()?;
            Ok(array_of(cells, &result).ok_or_else(|| SparkError::internal("parsed values differ in type"))?)
        },
    );
    Ok(Typed::new(expr, to, format!("from_csv({})", call.args[0].name)))
}

/// Returns the parts of a record as a struct: cells are trimmed unless they are strings, and empty ones
/// are null.
fn record(parts: &[String], fields: &Fields, zone: Zone) -> Result<ScalarValue> {
    let columns = fields.iter().enumerate().map(|(i, field)| {
        let own = |part: &'_ str| {
            if field.data_type() == &DataType::Utf8 {
                part.to_owned()
            } else {
                part.trim().to_owned()
            }
        };
        let part = parts.get(i).map(|p| own(p)).filter(|p| !p.is_empty());
        let array: ArrayRef = Arc::new(StringArray::from(vec![part]));
        Ok(cast_array(&array, field.data_type(), Mode::Try, zone)?)
    });
    let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
    Ok(ScalarValue::Struct(Arc::new(StructArray::try_new_with_length(
        fields.clone(),
        columns,
        None,
        1,
    )?)))
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
    let (given, separator) = separator(call.args.get(1))?;
    let zone = call.context.zone;
    let options = format!("{given} {zone:?}");
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
fn schema_of_csv(call: &Call<'_>) -> Result<Typed> {
    let text = call.constant_text(0).unwrap_or_default();
    let columns: Vec<String> = split(&text, ',')
        .iter()
        .enumerate()
        .map(|(i, part)| format!("_c{i}: {}", shape(part)))
        .collect();
    let label = format!("schema_of_csv({})", call.args[0].name);
    Ok(constant_text(format!("STRUCT<{}>", columns.join(", ")), label))
}

/// Splits a record into its fields; double quotes hold separators, a backslash escapes a quote.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        let Some(last) = out.last_mut() else { break };
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => last.extend(chars.next()),
            '"' if quoted || last.is_empty() => quoted = !quoted,
            '\\' if quoted => last.extend(chars.next()),
            c if c == separator && !quoted => out.push(String::new()),
            c => last.push(c),
        }
    }
    out
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

/// Returns the narrowest type that reads a cell.
fn shape(part: &str) -> &'static str {
    let part = part.trim();
    if part.parse::<i32>().is_ok() {
        "INT"
    } else if part.parse::<i64>().is_ok() {
        "BIGINT"
    } else if crate::values::text::parse_double(part).is_some() {
        "DOUBLE"
    } else if matches!(part.to_ascii_lowercase().as_str(), "true" | "false") {
        "BOOLEAN"
    } else if crate::values::text::parse_timestamp(part).is_some() {
        "TIMESTAMP"
    } else {
        "STRING"
    }
}
