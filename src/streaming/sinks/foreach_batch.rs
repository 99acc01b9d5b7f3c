//! A function of the page, called with each batch (`ForeachBatchSink`). It may see a batch again after a restart, under
//! the same number.
//!
//! The page calls the function for one batch after the other, and not again once it has thrown: so it can be given rows while
//! it still works on those before.

use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;

use super::{Definition, Delivery, Opening, Sink, Step, Wish, none};
use crate::error::{Exception, Result, SparkError};
use crate::ids::BatchId;
use crate::sources::options::{Kind, Opt, Options};
use crate::values::{ipc, raw};

/// The function's name among those that the page registered.
const SINK_ID: Opt = Opt::new("sinkId", Kind::Text, None, "Names the page's function.");

/// What `foreachBatch` and `foreach` of the client become.
pub const FOREACH_BATCH: Definition = Definition {
    name: "rivulet.foreachbatch",
    about: "Calls a function of the page with the rows of every batch.",
    options: &[SINK_ID],
    passes: None,
    files: None,
    check,
    open,
    log: none,
    table: none,
    recovers: true,
    save: None,
};

/// What `foreach` of the client becomes if rows come as they are processed.
pub const FOREACH: Definition = Definition {
    name: "rivulet.foreach",
    about: "Calls a function of the page with rows as they come.",
    open: open_each,
    ..FOREACH_BATCH
};

/// How many lots of rows the page is given before it is done with the first.
pub const GIVEN: u64 = 64;

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
    Ok(Box::new(ForeachBatch {
        function,
        schema,
        emits: None,
        handed: None,
    }))
}

/// Makes the sink that takes rows as they come.
fn open_each(wish: &Wish, opening: Opening) -> Result<Box<dyn Sink>> {
    let function = Options(&wish.options).text(&SINK_ID).unwrap_or_default().to_owned();
    let schema = opening.schema;
    Ok(Box::new(ForeachBatch {
        function,
        schema,
        emits: Some(GIVEN),
        handed: None,
    }))
}

/// The function of one query.
#[derive(Debug)]
struct ForeachBatch {
    /// The function's name.
    function: String,
    /// Columns of the rows, for batches without any.
    schema: SchemaRef,
    /// How many lots of rows it may be given at once; `None` for whole batches.
    emits: Option<u64>,
    /// The batch that the page was given before its turn.
    handed: Option<BatchId>,
}

impl ForeachBatch {
    /// Calls the function with a batch; it sees the columns even of one without rows.
    fn call(&self, blocks: Vec<Buffer>) -> Result<Step> {
        let mut blocks = raw::shown_blocks(blocks)?;
        if blocks.is_empty() {
            blocks.push(Buffer::from(ipc::write(&self.schema, &[])?));
        }
        let function = self.function.clone();
        Ok(Step::Call { function, blocks })
    }
}

impl Sink for ForeachBatch {
    fn description(&self) -> String {
        "ForeachBatchSink".into()
    }

    fn emits(&self) -> Option<u64> {
        self.emits
    }

    fn page_function(&self) -> Option<&str> {
        self.emits.map(|_| self.function.as_str())
    }

    fn takes_repeats(&self) -> bool {
        true
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<Step> {
        if self.handed.take() == Some(delivery.batch) {
            return Ok(Step::Wait);
        }
        self.call(delivery.blocks)
    }

    fn offer(&mut self, delivery: Delivery<'_>) -> Result<Step> {
        let step = self.call(delivery.blocks)?;
        self.handed = Some(delivery.batch);
        Ok(step)
    }

    fn called(&mut self, error: Option<String>) -> Result<Step> {
        let Some(text) = error else {
            return Ok(Step::Done);
        };
        let (condition, sink) = match self.emits {
            Some(_) => ("FOREACH_USER_FUNCTION_ERROR", "foreach"),
            None => ("FOREACH_BATCH_USER_FUNCTION_ERROR", "foreach batch"),
        };
        let sentence = format!("An error occurred in the user provided function in {sink} sink. Reason: {text}");
        Err(SparkError::new(Exception::Runtime, condition, "39000", sentence))
    }
}
