//! The graph of a streaming context: its streams, how each is made of others, and how long their datasets are needed.

use std::sync::Arc;

use serde::Deserialize;

use crate::error::{Result, SparkError};
use crate::rdd::dataset::{By, Library};
use crate::rdd::op::{Aggregate, Call, Op};

/// The longest time that a stream may name, ms: sums of them are numbers still.
pub const LONGEST_MS: i64 = 1_000 * 366 * 86_400_000;

/// A stream's place in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(pub usize);

/// One step over the datasets of a stream.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "t", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Step {
    /// Row by row, or partition by partition.
    Narrow {
        /// What is done.
        op: Op,
        /// Whether keys stay as they are.
        #[serde(default)]
        keeps: bool,
    },
    /// The values of each key as one.
    Combine {
        /// How.
        aggregate: Aggregate,
        /// Where they go.
        by: Option<By>,
        /// Whether they are put together before they move, too.
        map_side: bool,
    },
    /// Rows dealt out evenly.
    Repartition {
        /// Over how many partitions.
        partitions: usize,
    },
    /// Rows of a block are added.
    With {
        /// Which of the library's blocks.
        block: usize,
    },
}

/// How a stream's dataset begins, of the datasets of its parents at the same time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "t", rename_all = "camelCase")]
pub enum Head {
    /// With the only parent's.
    Parent,
    /// With the rows of all.
    Union,
    /// With the rows of all, key by key.
    Group {
        /// What is done with the rows of a key.
        op: Op,
        /// Where they go.
        by: Option<By>,
    },
    /// With what a function of the page makes of them.
    Page,
}

/// What records come in by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum InputKind {
    /// The page hands over a dataset for each batch: queues and folders.
    Datasets,
    /// The page hands over blocks of records at any time: iterables.
    Blocks,
    /// Lines that a WebSocket sends.
    Socket {
        /// `ws://…` or `wss://…`.
        url: String,
    },
    /// A receiver of the user's in an executor.
    Receiver {
        /// Which of the library's blocks is its class.
        class: usize,
    },
}

/// How a stream is made.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "t", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum How {
    /// Of records that come in.
    Input {
        /// By what.
        input: InputKind,
        /// Whether it can continue from a checkpoint.
        recovers: bool,
    },
    /// Of the datasets of its parents at the same time.
    Transformed {
        /// How it begins.
        head: Head,
        /// What follows.
        steps: Vec<Step>,
    },
    /// Of the parent's datasets in a window.
    Windowed {
        /// How far it looks back.
        window_ms: i64,
    },
    /// Of the window before: what has come is merged, what has left is taken out.
    Reduced {
        /// How far it looks back.
        window_ms: i64,
        /// Merges two values.
        merge: Call,
        /// Takes a value out of another.
        inverse: Call,
        /// Keeps a pair; `None` keeps all.
        keep: Option<Call>,
        /// Where keys go.
        by: Option<By>,
    },
    /// A state per key, changed by each batch (`updateStateByKey`).
    StateByKey {
        /// Changes a state.
        update: Call,
        /// Where keys go.
        by: Option<By>,
        /// Which of the initial datasets the states begin with.
        initial: Option<usize>,
    },
    /// A state per key, changed record by record (`mapWithState`).
    MapWithState {
        /// Changes a state and maps a record.
        map: Call,
        /// Where keys go.
        by: Option<By>,
        /// Which of the initial datasets the states begin with.
        initial: Option<usize>,
        /// After how many ms without data a state ends.
        timeout_ms: Option<i64>,
    },
}

impl How {
    /// Returns whether each of its datasets is made of the one before.
    pub fn is_stateful(&self) -> bool {
        matches!(
            self,
            Self::Reduced { .. } | Self::StateByKey { .. } | Self::MapWithState { .. }
        )
    }
}

/// A stream.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stream {
    /// What it is, to tell whether a program is the one of a checkpoint.
    pub kind: String,
    /// Time between two of its datasets, ms.
    pub slide_ms: i64,
    /// Its parents, which come before it.
    pub parents: Vec<StreamId>,
    /// How it is made.
    pub how: How,
    /// Where its datasets are kept once computed; `None` is nowhere.
    pub level: Option<String>,
    /// Time between two of its states that are written, ms; 0 for a stream without state.
    #[serde(default)]
    pub checkpoint_ms: i64,
}

/// The streams of a context.
#[derive(Debug)]
pub struct Graph {
    /// The streams, parents before children.
    pub streams: Vec<Stream>,
    /// What their numbers of functions and blocks mean.
    pub library: Arc<Library>,
    /// How long each stream's datasets are needed, ms.
    keep_ms: Vec<i64>,
}

impl Graph {
    /// Makes the graph of these streams.
    ///
    /// # Errors
    /// `CONNECT_INVALID_PLAN` that names the stream: a parent that does not come before it, too few parents, or times that are
    /// not multiples of each other.
    pub fn new(streams: Vec<Stream>, library: Library, batch_ms: i64) -> Result<Self> {
        for (at, stream) in streams.iter().enumerate() {
            check(at, stream, &streams, batch_ms)?;
        }
        let mut graph = Self {
            keep_ms: streams.iter().map(|s| s.slide_ms).collect(),
            streams,
            library: Arc::new(library),
        };
        // Children come after their parents, so that all that needs a stream's datasets is known when it is looked at.
        for at in (0..graph.streams.len()).rev() {
            graph.keep(at);
        }
        Ok(graph)
    }

    /// Returns a stream.
    pub fn stream(&self, id: StreamId) -> &Stream {
        &self.streams[id.0]
    }

    /// Returns the streams with their numbers.
    pub fn all(&self) -> impl Iterator<Item = (StreamId, &Stream)> {
        self.streams
            .iter()
            .enumerate()
            .map(|(at, stream)| (StreamId(at), stream))
    }

    /// Returns how long a stream's datasets are needed, ms.
    pub fn keep_ms(&self, id: StreamId) -> i64 {
        self.keep_ms[id.0]
    }

    /// Keeps what it takes to make a stream's datasets again, as long as they are needed.
    fn keep(&mut self, at: usize) {
        let stream = &self.streams[at];
        let kept = &mut self.keep_ms[at];
        // How much older than its own the datasets are that it is made of.
        let reach_ms = match &stream.how {
            How::Windowed { window_ms } => *window_ms,
            how if how.is_stateful() => {
                *kept = (*kept).max(2 * stream.slide_ms);
                let window_ms = match how {
                    How::Reduced { window_ms, .. } => *window_ms,
                    _ => 0,
                };
                stream.checkpoint_ms + window_ms
            }
            _ => 0,
        };
        let further = *kept + reach_ms;
        for parent in &stream.parents {
            let kept = &mut self.keep_ms[parent.0];
            *kept = (*kept).max(further);
        }
    }
}

/// Checks one stream.
fn check(at: usize, stream: &Stream, streams: &[Stream], batch_ms: i64) -> Result<()> {
    let wrong = |why: &str| {
        Err(SparkError::invalid_plan(format!(
            "stream {at} ({}): {why}",
            stream.kind
        )))
    };
    if stream.parents.iter().any(|p| p.0 >= at) {
        return wrong("a parent does not come before it");
    }
    let times = [stream.slide_ms, stream.checkpoint_ms];
    if times.iter().any(|ms| *ms > LONGEST_MS) {
        return wrong("a time of it is longer than a thousand years");
    }
    let expected = match &stream.how {
        How::Input { .. } => 0..=0,
        How::Transformed { head: Head::Parent, .. } => 1..=1,
        How::Transformed { .. } => 1..=usize::MAX,
        _ => 1..=1,
    };
    if !expected.contains(&stream.parents.len()) {
        return wrong(&format!("it has {} parents", stream.parents.len()));
    }
    if stream.slide_ms <= 0 || stream.slide_ms % batch_ms != 0 {
        return wrong(&format!(
            "its slide, {} ms, is not a multiple of the batch interval",
            stream.slide_ms
        ));
    }
    if stream.how.is_stateful() && (stream.checkpoint_ms <= 0 || stream.checkpoint_ms % stream.slide_ms != 0) {
        return wrong("its checkpoint interval is not a multiple of its slide");
    }
    let window_ms = match &stream.how {
        How::Windowed { window_ms } | How::Reduced { window_ms, .. } => *window_ms,
        _ => return Ok(()),
    };
    let of_parent = streams[stream.parents[0].0].slide_ms;
    if window_ms > LONGEST_MS {
        return wrong("its window is longer than a thousand years");
    }
    if window_ms <= 0 || window_ms % of_parent != 0 || stream.slide_ms % of_parent != 0 {
        return wrong("window and slide are not multiples of the parent's slide");
    }
    Ok(())
}
