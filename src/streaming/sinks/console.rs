//! The console, as a table per batch (`ConsoleWrite`).

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

use super::{Definition, Delivery, Opening, Sink, Step, Wish, any, none};
use crate::error::Result;
use crate::sources::options::{Kind, Opt, Options};
use crate::values::zone::Zone;
use crate::values::{display, ipc, raw};

/// How many rows are shown.
const ROWS: Opt = Opt::new(
    "numRows",
    Kind::Count,
    Some("20"),
    "Says how many rows of a batch are shown.",
);
/// Whether and where values are cut.
const TRUNCATE: Opt = Opt::new(
    "truncate",
    Kind::Text,
    Some("true"),
    "Says whether values are cut after 20 characters, or after how many.",
);

/// Shows rows for people to read, as `df.show()` does.
pub const CONSOLE: Definition = Definition {
    name: "console",
    about: "Shows the first rows of every batch.",
    options: &[ROWS, TRUNCATE],
    passes: None,
    files: None,
    check: any,
    open,
    log: none,
    table: none,
    recovers: true,
    save: None,
};

/// Makes the sink; a length that is not a number cuts after 20 characters.
fn open(wish: &Wish, opening: Opening) -> Result<Box<dyn Sink>> {
    let options = Options(&wish.options);
    let rows = options.count(&ROWS).and_then(|n| usize::try_from(n).ok());
    let truncate = match options.text(&TRUNCATE) {
        Some("false") => 0,
        Some(length) => length.parse().unwrap_or(20),
        None => 20,
    };
    Ok(Box::new(Console {
        rows: rows.unwrap_or(20),
        truncate,
        schema: opening.schema,
        zone: opening.zone,
    }))
}

/// The console of one query.
#[derive(Debug)]
struct Console {
    /// Most rows per batch.
    rows: usize,
    /// Longest value, in characters; 0 cuts nothing.
    truncate: usize,
    /// Columns of the rows.
    schema: SchemaRef,
    /// The zone in which timestamps are shown.
    zone: Zone,
}

impl Sink for Console {
    fn description(&self) -> String {
        "org.apache.spark.sql.execution.streaming.ConsoleTable$".into()
    }

    fn emits(&self) -> Option<u64> {
        Some(1)
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<Step> {
        let fields = self.schema.fields().iter();
        let nullable = fields.clone().map(|f| f.as_ref().clone().with_nullable(true));
        let nullable = Arc::new(Schema::new(nullable.collect::<Vec<_>>()));
        let batches = ipc::read_all(&raw::shown_blocks(delivery.blocks)?, &nullable)?;
        let names: Vec<String> = fields.map(|f| f.name().clone()).collect();
        let table = display::table(&names, &batches, self.rows, self.truncate, false, self.zone)?;
        let rule = "-".repeat(43);
        Ok(Step::Show(format!(
            "{rule}\nBatch: {}\n{rule}\n{table}",
            delivery.batch
        )))
    }
}
