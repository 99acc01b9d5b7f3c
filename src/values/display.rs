//! `show()`: rows as a table of text (`Dataset.showString`).
//!
//! ```text
//! +---+----------+
//! | id|      text|
//! +---+----------+
//! |  1|a text ...|
//! +---+----------+
//! only showing top 1 row
//! ```

use arrow::array::{ArrayRef, RecordBatch};

use crate::error::Result;
use crate::values::cast;
use crate::values::zone::Zone;

/// Returns the table of the first `rows` rows. Cells longer than `truncate` characters are cut, names of
/// columns never; 0 cuts nothing and aligns left.
///
/// `vertical` prints one line per cell instead, below a heading per row. Null prints as `NULL`, also
/// inside of values, bytes as hexadecimal, line breaks and tabs as their escapes. A line at the end says so if there are more
/// rows. All batches are formatted, also what is not shown, so callers limit them first.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, Int64Array, RecordBatch};
/// use rivulet::values::{display, zone::Zone};
///
/// let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
/// let batch = RecordBatch::try_from_iter([("id", ids)])?;
/// let shown = display::table(&["id".into()], &[batch], 20, 20, false, Zone::UTC)?;
/// assert_eq!(shown, "+----+\n|  id|\n+----+\n|   1|\n|NULL|\n+----+\n");
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// If a column's type does not have a text form.
pub fn table(
    names: &[String],
    batches: &[RecordBatch],
    rows: usize,
    truncate: usize,
    vertical: bool,
    zone: Zone,
) -> Result<String> {
    let mut cells: Vec<Vec<String>> = Vec::new();
    let total: usize = batches.iter().map(RecordBatch::num_rows).sum();
    for batch in batches {
        let columns = batch
            .columns()
            .iter()
            .map(|c| texts(c, zone))
            .collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            if cells.len() < rows {
                cells.push(columns.iter().map(|c| cut(&c[row], truncate)).collect());
            }
        }
    }
    let header: Vec<String> = names.iter().map(|n| escaped(n)).collect();
    let mut out = if vertical {
        records(&header, &cells)
    } else {
        grid(&header, &cells, truncate)
    };
    if total > rows {
        let noun = if rows == 1 { "row" } else { "rows" };
        out.push_str(&format!("only showing top {rows} {noun}\n"));
    }
    Ok(out)
}

/// Returns the cell of each row as text, before it is cut.
fn texts(column: &ArrayRef, zone: Zone) -> Result<Vec<String>> {
    let text = cast::to_shown(column, zone)?;
    Ok(text.iter().map(|t| escaped(t.unwrap_or("NULL"))).collect())
}

/// Returns a string whose characters without a shape are their escapes (`SchemaUtils.escapeMetaCharacters`).
fn escaped(text: &str) -> String {
    const ESCAPES: [(char, &str); 7] = [
        ('\n', "\\n"),
        ('\r', "\\r"),
        ('\t', "\\t"),
        ('\x0c', "\\f"),
        ('\x08', "\\b"),
        ('\x0b', "\\v"),
        ('\x07', "\\a"),
    ];
    if !text.contains(|c: char| c.is_control()) {
        return text.to_owned();
    }
    let known = |c: char| ESCAPES.iter().find(|(escaped, _)| *escaped == c);
    let each = text
        .chars()
        .map(|c| known(c).map_or_else(|| c.to_string(), |(_, written)| (*written).to_owned()));
    each.collect()
}

/// Cuts a cell to that many characters, the last three of which are dots if there is room for more than
/// three; 0 cuts nothing.
fn cut(text: &str, truncate: usize) -> String {
    let length = text.chars().count();
    if truncate == 0 || length <= truncate {
        return text.to_owned();
    }
    if truncate < 4 {
        return text.chars().take(truncate).collect();
    }
    text.chars().take(truncate - 3).chain("...".chars()).collect()
}

/// Returns how many columns a string takes in a terminal: two per East Asian wide character
/// (`Utils.stringHalfWidth`).
fn width(text: &str) -> usize {
    let wide = |c: char| {
        matches!(c as u32, 0x1100..=0x115F | 0x2E80..=0x303E | 0x3041..=0x33FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xA000..=0xA4CF
            | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6)
    };
    text.chars().map(|c| 1 + usize::from(wide(c))).sum()
}

/// Draws rows between rules; columns are at least three wide.
fn grid(header: &[String], cells: &[Vec<String>], truncate: usize) -> String {
    let widths: Vec<usize> = (0..header.len())
        .map(|c| {
            cells
                .iter()
                .map(|r| width(&r[c]))
                .chain([width(&header[c]), 3])
                .max()
                .unwrap_or(3)
        })
        .collect();
    let rule = format!(
        "+{}+\n",
        widths.iter().map(|w| "-".repeat(*w)).collect::<Vec<_>>().join("+")
    );
    let line = |row: &[String]| {
        let padded: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, w)| {
                let pad = " ".repeat(w - width(cell));
                if truncate > 0 {
                    format!("{pad}{cell}")
                } else {
                    format!("{cell}{pad}")
                }
            })
            .collect();
        format!("|{}|\n", padded.join("|"))
    };
    let mut out = rule.clone();
    out.push_str(&line(header));
    out.push_str(&rule);
    for row in cells {
        out.push_str(&line(row));
    }
    out.push_str(&rule);
    out
}

/// Draws one block per row, with a name and a value per line.
fn records(header: &[String], cells: &[Vec<String>]) -> String {
    let names = header.iter().map(|n| width(n)).max().unwrap_or(0).max(3);
    let values = cells.iter().flatten().map(|c| width(c)).max().unwrap_or(0).max(3);
    let mut out = String::new();
    for (i, row) in cells.iter().enumerate() {
        let title = format!("-RECORD {i}");
        out.push_str(&format!("{title:-<width$}\n", width = names + values + 5));
        for (name, cell) in header.iter().zip(row) {
            out.push_str(&format!(
                " {name}{} | {cell}{} \n",
                " ".repeat(names - width(name)),
                " ".repeat(values - width(cell))
            ));
        }
    }
    if cells.is_empty() {
        out.push_str("(0 rows)\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn a_table_is_cut_and_padded_as_spark_does_it() {
        let batch = RecordBatch::try_from_iter([
            ("id", Arc::new(Int64Array::from(vec![Some(1), None])) as ArrayRef),
            (
                "text",
                Arc::new(StringArray::from(vec!["a text that is long", "b"])) as ArrayRef,
            ),
        ])
        .unwrap();
        let shown = table(&["id".into(), "text".into()], &[batch], 1, 10, false, Zone::UTC).unwrap();
        assert_eq!(
            shown,
            "+---+----------+\n| id|      text|\n+---+----------+\n|  1|a text ...|\n+---+----------+\nonly showing top 1 row\n"
        );
    }
}
