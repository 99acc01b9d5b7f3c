//! What a context hears, and what it wants.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;

use crate::cluster::message::{ReceiverOrder, ReceiverReport};
use crate::dstream::generate::Ask;
use crate::dstream::graph::StreamId;
use crate::dstream::inputs::{Block, Token};
use crate::dstream::listener::Event as Listened;
use crate::error::{Result, SparkError};
use crate::ids::{DatasetId, ExecutorRef};
use crate::rdd::dataset::Dataset;
use crate::sources;
use crate::storage::{Answer, Request};

/// What happens to a context.
#[derive(Debug)]
pub enum Event {
    /// It continues from its checkpoint, if there is one: before [`Event::Start`].
    Restore,
    /// It begins.
    Start,
    /// The time of [`Context::wake_at`] has come.
    Wake,
    /// Records have come.
    Offer {
        /// The input.
        input: StreamId,
        /// The records.
        block: Block,
    },
    /// A socket does something.
    Heard {
        /// The input.
        input: StreamId,
        /// What it does.
        event: sources::Event,
    },
    /// A receiver does something.
    Receiver {
        /// Its stream.
        stream: StreamId,
        /// Which of its lives.
        life: u32,
        /// What it does.
        report: ReceiverReport,
        /// The block of records that it hands over.
        block: Option<Buffer>,
    },
    /// An executor is there.
    ExecutorAdded(ExecutorRef),
    /// An executor is gone.
    ExecutorLost(ExecutorRef),
    /// The page's answer to [`Command::Ask`].
    Dataset {
        /// The stream.
        stream: StreamId,
        /// The time.
        time_ms: i64,
        /// The dataset, or what a function threw.
        dataset: Result<Dataset>,
        /// What the page notes of an input that it holds; `None` changes nothing.
        note: Option<serde_json::Value>,
    },
    /// The answer to [`Command::Output`].
    OutputDone {
        /// What the function threw.
        error: Option<SparkError>,
    },
    /// The answer to [`Command::Collect`]: a block per partition.
    Collected(Result<Vec<Buffer>>),
    /// The answer to [`Command::Storage`], in order.
    Stored(Answer),
    /// It shall end when the batches submitted so far are done.
    Stop {
        /// Whether what was received is processed, too.
        gracefully: bool,
    },
    /// The answer to [`Command::StopInputs`].
    InputsStopped {
        /// Whether the page has more for a batch.
        waiting: bool,
    },
}

/// What a context wants.
#[derive(Debug)]
pub enum Command {
    /// Listeners hear of it.
    Listener(Listened),
    /// The page makes a dataset.
    Ask(Ask),
    /// An output's function is called with a dataset.
    Output {
        /// The output.
        output: usize,
        /// The batch.
        time_ms: i64,
        /// The dataset.
        dataset: Dataset,
    },
    /// A job collects a dataset.
    Collect(Dataset),
    /// Storage is asked.
    Storage(Request),
    /// Blocks of an input are as safe as they get.
    Safe {
        /// The input.
        input: StreamId,
        /// The blocks.
        tokens: Vec<Token>,
    },
    /// Blocks of an input could not be made safe: who sent them must keep them.
    Refused {
        /// The input.
        input: StreamId,
        /// The blocks.
        tokens: Vec<Token>,
    },
    /// Blocks of an input whose rate is limited were let in.
    Admitted {
        /// The input.
        input: StreamId,
        /// The blocks.
        tokens: Vec<Token>,
    },
    /// Limits how many records a block of an input may have, so that its rate is even.
    Grain {
        /// The input.
        input: StreamId,
        /// How many.
        records: usize,
    },
    /// A socket's connection is asked for something.
    Connection {
        /// The input.
        input: StreamId,
        /// What.
        ask: sources::Ask,
    },
    /// An executor is asked for something about a receiver.
    Receiver {
        /// Its stream.
        stream: StreamId,
        /// The executor.
        executor: ExecutorRef,
        /// Which of the receiver's lives.
        life: u32,
        /// What.
        order: ReceiverOrder,
    },
    /// The page's answers for a stream up to a time are not needed any more.
    Released {
        /// The stream.
        stream: StreamId,
        /// The time.
        up_to_ms: i64,
    },
    /// Executors need not keep these datasets any more.
    Unkeep(Vec<DatasetId>),
    /// Nobody reads these datasets any more, nor what was shuffled for them.
    Forget(Vec<DatasetId>),
    /// The page's inputs stop.
    StopInputs,
    /// [`Event::Restore`] is done.
    Restored {
        /// Whether there was an earlier life.
        found: bool,
        /// What the page noted of inputs that it holds, by stream.
        notes: BTreeMap<usize, serde_json::Value>,
    },
    /// A batch has failed, or the context could not be restored.
    Failed(SparkError),
    /// It is over.
    Ended,
}

/// What a context is made of.
#[derive(Debug)]
pub struct Settings {
    /// The batch interval, ms.
    pub batch_ms: i64,
    /// Where it writes what it needs to continue; `None` is nowhere.
    pub directory: Option<String>,
    /// The streams of its outputs, in order.
    pub outputs: Vec<StreamId>,
}
