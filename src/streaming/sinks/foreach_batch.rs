//! A function of the page, called with each batch (`ForeachBatchSink`). It may see a batch again after a restart, under
//! the same number.

use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;

use super::{Definition, Delivery, Opening, Sink, Step, Wish, none};
use crate::error::{Exception, Result, SparkError};
use crate::sources::options::{Kind, Opt, Options};
use crate::values::ipc;

/// The function's name among those that the page registered.
const SINK_ID: Opt = Opt::new("sinkId", Kind::Text, None, "Names the page's function.");

/// What `foreachBatch` and `foreach` of the client become.
pub const FOREACH_BATCH: Definition = Definition {
    name: "rivulet.foreachbatch",
    about: "Calls a function of the page with the rows of every batch.",
    options: &[SINK_ID],
    files: None,
    check,
    open,
    log: none,
    table: none,
    recovers: true,
};

/// Checks that the page's function is named.
///
/// # Errors
/// `CONNECT_INVALID_PLAN` if it is not: clients always name it.
fn check(wish: &Wish) -> Result<()> {
    match Options(&wish.options).text(&SINK_ID) {
        Some(_) => Ok(()),
        None => Err(SparkError::invalid_plan("foreachBatch has no sinkId")),
    }
}

/// Makes the sink.
fn open(wish: &Wish, opening: Opening) -> Result<Box<dyn Sink>> {
    let function = Options(&wish.options).text(&SINK_ID).unwrap_or_default().to_owned();
    let schema = opening.schema;
    Ok(Box::new(ForeachBatch { function, schema }))
}

/// The function of one query.
#[derive(Debug)]
struct ForeachBatch {
    /// The function's name.
    function: String,
    /// Columns of the rows, for batches without any.
    schema: SchemaRef,
}

impl Sink for ForeachBatch {
    fn description(&self) -> String {
        "ForeachBatchSink".into()
    }

    fn takes_repeats(&self) -> bool {
        true
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<Step> {
        let mut blocks = delivery.blocks;
        if blocks.is_empty() {
            // The function sees the columns even of a batch without rows.
            blocks.push(Buffer::from(ipc::write(&self.schema, &[])?));
        }
        let function = self.function.clone();
        Ok(Step::Call { function, blocks })
    }

    fn called(&mut self, error: Option<String>) -> Result<Step> {
        let Some(text) = error else {
            return Ok(Step::Done);
        };
        Err(SparkError::new(
            Exception::Runtime,
            "FOREACH_BATCH_USER_FUNCTION_ERROR",
            "39000",
            format!("An error occurred in the user provided function in foreach batch sink. Reason: {text}"),
        ))
    }
}
