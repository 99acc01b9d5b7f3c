//! `from_csv`, `to_csv`, `schema_of_csv`: one CSV record in a column.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use datafusion_common::ScalarValue;
use datafusion_expr::Expr;

use super::call::Call;
use super::json_read::array_of;
use super::maps::options;
use super::{Context, unexpected_type};
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::plan::scope::Typed;
use crate::plan::type_message;
use crate::values::cast::{Mode, cast_array, to_text};

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let call = Call::new(context, name, args);
    Ok(Some(match name {
        "from_csv" => {
            call.takes(2, 3)?;
            let Some(ScalarValue::Utf8(Some(ddl))) = super::fold(&args[1].expr) else {
                return Err(SparkError::analysis(
                    "INVALID_SCHEMA.NON_STRING_LITERAL",
                    "42K07",
                    format!("The input schema \"{}\" is not a valid schema string.", args[1].name),
                ));
            };
            let given = args.get(2).map(options).transpose()?.unwrap_or_default();
            let separator = given
                .get("sep")
                .or(given.get("delimiter"))
                .and_then(|s| s.chars().next())
                .unwrap_or(',');
            let fields = type_message::schema_from_text(&ddl)?;
            let to = DataType::Struct(fields.clone());
            let (zone, result) = (context.zone, to.clone());
            let expr = kernel::call(
                name,
                format!("{given:?} {zone:?}"),
                to.clone(),
                vec![call.text(0)?.expr],
                move |args, _| {
                    let cells = args[0].as_string::<i32>().iter().map(|text| {
                        let Some(text) = text else {
                            return Ok(ScalarValue::try_from(&result)?);
                        };
                        let parts = split(text, separator);
                        let columns = fields.iter().enumerate().map(|(i, f)| {
                            let part = parts
                                .get(i)
                                .map(|p| {
                                    if f.data_type() == &DataType::Utf8 {
                                        p.as_str()
                                    } else {
                                        p.trim()
                                    }
                                })
                                .filter(|p| !p.is_empty());
                            let array: ArrayRef = Arc::new(StringArray::from(vec![part]));
                            Ok(cast_array(&array, f.data_type(), Mode::Try, zone)?)
                        });
                        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
                        Ok(ScalarValue::Struct(Arc::new(StructArray::try_new_with_length(
                            fields.clone(),
                            columns,
                            None,
                            1,
                        )?)))
                    });
                    let cells = cells.collect::<Result<Vec<_>>>()?;
                    Ok(array_of(cells, &result).ok_or_else(|| SparkError::internal("parsed values differ in type"))?)
                },
            );
            Typed::new(expr, to, format!("from_csv({})", args[0].name))
        }
        "to_csv" => {
            call.takes(1, 2)?;
            let arg = call.arg(0)?;
            let label = format!("to_csv({})", arg.name);
            let DataType::Struct(_) = &arg.data_type else {
                return Err(unexpected_type(&label, 1, &arg, "STRUCT"));
            };
            let given = args.get(1).map(options).transpose()?.unwrap_or_default();
            let separator = given
                .get("sep")
                .or(given.get("delimiter"))
                .cloned()
                .unwrap_or_else(|| ",".into());
            let zone = context.zone;
            let expr = kernel::call(
                name,
                format!("{given:?} {zone:?}"),
                DataType::Utf8,
                vec![arg.expr],
                move |args, rows| {
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
                    Ok(Arc::new(
                        (0..rows)
                            .map(|row| structs.is_valid(row).then(|| line(row)))
                            .collect::<StringArray>(),
                    ))
                },
            );
            Typed::new(expr, DataType::Utf8, label)
        }
        "schema_of_csv" => {
            call.takes(1, 2)?;
            let text = call.constant_text(0).unwrap_or_default();
            let columns: Vec<String> = split(&text, ',')
                .iter()
                .enumerate()
                .map(|(i, part)| format!("_c{i}: {}", shape(part)))
                .collect();
            let value = ScalarValue::Utf8(Some(format!("STRUCT<{}>", columns.join(", "))));
            Typed::new(
                Expr::Literal(value, None),
                DataType::Utf8,
                format!("schema_of_csv({})", args[0].name),
            )
        }
        _ => return Ok(None),
    }))
}

/// Fields of one record; double quotes hold separators, a backslash escapes a quote.
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

/// A cell as Spark writes it: quoted where it holds the separator, a quote or a line end; empty text apart from null.
pub(crate) fn quoted(text: &str, separator: &str) -> String {
    if text.is_empty() {
        return "\"\"".into();
    }
    if text.contains(separator) || text.contains(['"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    text.to_owned()
}

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
