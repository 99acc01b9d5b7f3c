//! Records of a stream of Kinesis. An offset is a position in each shard, in the JSON of AWS's connector
//! ([`positions`]).
//!
//! The driver only decides. Before each trigger it asks its host how far each shard can be read from where the last batch ended
//! ([`exchange::Question`]): the host reads ahead, within limits, and says the last sequence number ([`exchange::Look`]). That is the
//! batch's end, and is durable before a record reaches the sink; then executors read the records from one number up to another
//! ([`exchange::Order`]), whoever runs the task and however often. How many there are stands in the offset, too, so that a batch that
//! runs again and finds fewer is noticed.
//!
//! ```text
//!  trigger ─ look ─▶ Question ─▶ host reads ahead ─▶ Look ─▶ plan: (after, through] per shard ─▶ offset log ─▶ Orders ─▶ executors' hosts
//! ```
//!
//! Shards come and go ([`shards`]): the children of a split or a merge are read once all of their parents are read to their ends. Where
//! a new query began is written to `sources/I/0` of its checkpoint before the first offsets are.

mod client;
pub mod exchange;
pub mod options;
pub mod positions;
pub mod reading;
pub mod rows;
pub mod shards;
pub mod sigv4;
pub mod writing;

use std::collections::BTreeSet;

use arrow::buffer::Buffer;
use serde_json::Value;

use self::exchange::{Look, Order, Question};
use self::options::Settings;
use self::positions::{Counts, Position, Positions, counts_of_json, of_json, to_json};
use super::asking::Asking;
use super::systems::{self, Found};
use super::{Ask, Definition, Event, Guarantee, Heard, Memory, Records, Source, StreamSpec, beginning};
use crate::error::{Exception, Fault, Result, SparkError};
use crate::storage::Request;
use crate::storage::facts::{Facts, Known};
use crate::storage::files::Files;

/// How often a question that the server refuses is asked, and how long to wait between, ms.
const REFUSALS: (i64, i64) = (3, 1_000);
/// Reads of a shard from one look to the next: one by the look, and one by the order that follows from it.
const READS_OF_A_LOOK: i64 = 2;

/// Kinesis's records.
pub const KINESIS: Definition = Definition {
    name: "aws-kinesis",
    about: "Has the records of a stream of Kinesis, with data as bytes.",
    options: options::ALL,
    records: Records::Columns(|_| rows::columns()),
    offset: "the sequence number of the last record of each shard",
    guarantee: Guarantee::Replayable,
    orders: true,
    passes: None,
    check: |spec| Settings::of_stream(&spec.options, 0).map(|_| ()),
    open,
    recall,
    table: None,
};

/// Makes the source.
fn open(spec: &StreamSpec, now_ms: i64) -> Result<Box<dyn Source>> {
    Ok(Box::new(Kinesis {
        settings: Settings::of_stream(&spec.options, now_ms)?,
        known: None,
        initial: None,
        at: None,
        folder: None,
        asking: Asking::default(),
        look_ms: None,
        tips: BTreeSet::new(),
    }))
}

/// Where the query began; `None` if that was not written down.
struct Began(Option<Positions>);

/// Reads where the query began; before the first batch the file may be torn, and is written again.
fn recall(facts: &Facts, folder: &str, _: &Value, end: &Value) -> Known<Memory> {
    let read = |text: &str| serde_json::from_str(text).ok().as_ref().and_then(of_json);
    Ok(Memory::of(Began(beginning(facts, folder, end, "positions", read)?)))
}

/// The records of one stream.
#[derive(Debug)]
struct Kinesis {
    /// Its options.
    settings: Settings,
    /// What the host has found from where the last batch ends; `None` before it looks from there.
    known: Option<Look>,
    /// Where the query began; `None` before the first answer of a new one.
    initial: Option<Positions>,
    /// Where the last planned batch ends; `None` before the first.
    at: Option<Positions>,
    /// The source's folder in the checkpoint, until it holds where the query began.
    folder: Option<String>,
    /// How its question stands.
    asking: Asking,
    /// When it may look again, ms since the epoch; `None` before the first answer.
    look_ms: Option<i64>,
    /// Shards whose newest record was seen since the query runs.
    tips: BTreeSet<String>,
}

impl Kinesis {
    /// Returns the question how far there are records.
    fn question(&self) -> Ask {
        Ask::System(Box::new(systems::Question::Kinesis(Question {
            stream: self.settings.stream.clone(),
            from: self.at.as_ref().or(self.initial.as_ref()).cloned(),
            starting: self.settings.starting.clone(),
            records: self.settings.records,
            time_ms: self.settings.time_ms,
            strict: self.settings.strict,
        })))
    }

    /// Takes in what there is.
    ///
    /// # Errors
    /// `RIVULET_KINESIS_DATA_LOSS` if shards are gone, and that is an error.
    fn learn(&mut self, look: Look) -> Result<()> {
        if self.settings.strict && !look.lost.is_empty() {
            return Err(data_loss(&format!(
                "The shards {} of the stream {} are gone, and were not read to their ends.",
                look.lost.join(", "),
                self.settings.stream.name
            )));
        }
        if self.initial.is_none() {
            self.initial = Some(look.from.clone());
        }
        let seen = look.reaches.iter().filter(|(_, reach)| reach.is_tip);
        self.tips.extend(seen.map(|(shard, _)| shard.clone()));
        self.known = Some(look);
        Ok(())
    }

    /// Returns where a batch ends that takes all that was found, and how many records it has.
    fn end_of(look: &Look) -> (Positions, Counts) {
        let (mut end, mut counts) = (look.from.clone(), Counts::new());
        for (shard, reach) in &look.reaches {
            let position = match (&reach.last, reach.has_ended) {
                (_, true) => Position::End,
                (Some(last), false) => Position::After(last.clone()),
                (None, false) => continue,
            };
            end.insert(shard.clone(), position);
            counts.insert(shard.clone(), reach.records);
        }
        (end, counts)
    }
}

impl Source for Kinesis {
    fn description(&self) -> String {
        format!("KinesisV2[{}]", self.settings.stream.name)
    }

    fn restore(&mut self, folder: String, start: &Value, memory: &Memory) -> Option<Request> {
        self.at = of_json(start);
        match memory.get() {
            Some(Began(Some(began))) => self.initial = Some(began.clone()),
            _ => self.folder = Some(folder),
        }
        None
    }

    fn look(&mut self) -> Vec<Ask> {
        // What was found and is not planned yet is still so.
        let has_found = self.known.as_ref().is_some_and(Look::has_found);
        if !has_found && self.asking.begin(self.look_ms) {
            vec![self.question()]
        } else {
            vec![]
        }
    }

    fn is_looking(&self) -> bool {
        self.asking.is_open()
    }

    fn looks_again(&self) -> bool {
        let Some(look) = &self.known else { return true };
        let has_ended = |shard: &String| look.reaches.get(shard).is_some_and(|reach| reach.has_ended);
        let mut open = look.from.iter().filter(|(_, position)| **position != Position::End);
        open.any(|(shard, _)| !self.tips.contains(shard) && !has_ended(shard))
    }

    fn heard(&mut self, event: Event, now_ms: i64) -> Result<Heard> {
        let Event::Answered(answer) = event else {
            return Ok(Heard::default());
        };
        // An answer to a question that was given up.
        if !self.asking.expects_answer() {
            return Ok(Heard::default());
        }
        match *answer {
            Ok(Found::Kinesis(look)) => {
                self.learn(look)?;
                self.asking.answered();
                self.look_ms = Some(now_ms + READS_OF_A_LOOK * self.settings.stream.interval_ms);
            }
            Ok(Found::Kafka(_) | Found::Flume(_)) => {}
            Err(refused) => {
                let put_off = self.asking.put_off(refused, now_ms, REFUSALS.0, REFUSALS.1);
                put_off.map_err(|refused| refused.into_error(unanswered))?;
            }
        }
        Ok(Heard::default())
    }

    fn wake_at(&self) -> Option<i64> {
        self.asking.wake_at()
    }

    fn wake(&mut self, now_ms: i64) -> Vec<Ask> {
        if self.asking.is_due(now_ms) {
            vec![self.question()]
        } else {
            vec![]
        }
    }

    fn has_data(&self, start: &Value, _: i64) -> bool {
        let Some(look) = &self.known else { return false };
        // The first batch comes even if it is empty: with it, where the query begins is written down.
        start.is_null() || look.has_found()
    }

    fn plan(&mut self, start: &Value, _: i64, _: bool) -> (Value, Option<Request>) {
        let Some(look) = self.known.take() else {
            return (start.clone(), None);
        };
        let (end, counts) = Self::end_of(&look);
        let name = &self.settings.stream.name;
        let write = self.folder.take().zip(self.initial.as_ref());
        let log = write.map(|(folder, initial)| Request::Write {
            path: format!("{folder}/0"),
            bytes: Buffer::from(format!("v1\n{}", to_json(name, initial, &Counts::new())).into_bytes()),
        });
        let json = to_json(name, &end, &counts);
        self.at = Some(end);
        (json, log)
    }

    fn plan_again(&mut self, end: &Value) {
        self.known = None;
        self.at = of_json(end);
    }

    fn read(&mut self, start: &Value, end: &Value, _: &dyn Files) -> Result<Vec<Buffer>> {
        let wrong = || SparkError::internal("the end of a batch is not an offset");
        let (to, counts) = (of_json(end).ok_or_else(wrong)?, counts_of_json(end));
        let begin = of_json(start).or_else(|| self.initial.clone()).unwrap_or_default();
        let mut blocks = Vec::new();
        for (shard, position) in to {
            // A shard that was added begins with its oldest record.
            let from = begin.get(&shard).cloned().unwrap_or(Position::Horizon);
            let records = counts.get(&shard).copied();
            let until = match &position {
                _ if position == from || records == Some(0) => continue,
                Position::After(number) => Some(number.clone()),
                Position::End => None,
                // It was added, and nothing is read of it yet.
                _ => continue,
            };
            let order = systems::Order::Kinesis(Order {
                stream: self.settings.stream.clone(),
                shard,
                from,
                until,
                records,
                strict: self.settings.strict,
            });
            blocks.push(order.block()?);
        }
        Ok(blocks)
    }
}

/// Makes the error of records that are gone.
pub fn data_loss(reason: &str) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        "RIVULET_KINESIS_DATA_LOSS",
        "22000",
        format!(
            "Records that the query did not read are gone from Kinesis: they were older than the stream keeps them, or it was made anew. \
             Set the option kinesis.failOnDataLoss to false for the query to continue with those that are there. {reason}"
        ),
    )
}

/// Makes the error of a server that does not answer, or not as it should. Another try may be answered.
pub fn unanswered(message: &str) -> SparkError {
    SparkError::new(Exception::Connect, "RIVULET_KINESIS_UNANSWERED", "58030", message).by(Fault::Engine)
}

#[cfg(test)]
mod tests;
