//! Records that the page hands over: `stream.push(…)` and memory streams. An offset is a number of blocks.

use super::options::{Kind, Opt, RECORD_FORMAT};
use super::queue::{Queue, QueueSource};
use super::{Definition, Guarantee, Records, StreamSpec};
use crate::error::Result;

/// The producer's name, by which pushes find the source.
const SOURCE_ID: Opt = Opt::new(
    "sourceId",
    Kind::Text,
    None,
    "Names the producer that fills the source.",
);

/// A source that the page pushes into.
pub const PUSH: Definition = Definition {
    name: "rivulet.push",
    about: "Has the records that the page pushes.",
    options: &[
        SOURCE_ID,
        RECORD_FORMAT,
        Queue::MAX_BLOCKS,
        Queue::MAX_OFFSETS,
        Queue::MAX_BYTES,
        Queue::DEAD_LETTERS,
    ],
    records: Records::Chosen,
    offset: "a number of pushes",
    guarantee: Guarantee::Logged,
    orders: false,
    passes: None,
    check: |_| Ok(()),
    open,
    recall: Queue::recall,
    table: None,
};

/// `MemoryStream`: rows that a program adds, as Arrow.
pub const MEMORY: Definition = Definition {
    name: "memory",
    about: "Has the rows that a program adds.",
    options: &[SOURCE_ID, Queue::MAX_BLOCKS, Queue::MAX_OFFSETS, Queue::MAX_BYTES],
    records: Records::Arrow,
    ..PUSH
};

/// Makes the source.
fn open(spec: &StreamSpec, _: i64) -> Result<Box<dyn super::Source>> {
    let id = spec.options.get("sourceid").cloned().unwrap_or_default();
    Ok(Box::new(PushSource {
        description: format!("{}[{id}]", spec.format),
        queue: Queue::of(&spec.options),
    }))
}

/// Blocks in the order in which they were pushed.
#[derive(Debug)]
struct PushSource {
    /// How progress names it: its kind and the producer's name.
    description: String,
    /// What was pushed and not yet read.
    queue: Queue,
}

impl QueueSource for PushSource {
    fn name(&self) -> String {
        self.description.clone()
    }

    fn waiting(&self) -> &Queue {
        &self.queue
    }

    fn waiting_mut(&mut self) -> &mut Queue {
        &mut self.queue
    }
}
