//! Records of Kafka's topics. An offset is the offset of the next record of each partition, in Spark's JSON.
//!
//! The driver only decides: before each trigger it asks its host which offsets there are ([`exchange::Question`]), plans a range of
//! each partition, and executors read the ranges at once ([`exchange::Order`]), whoever runs the task. Records can be read again from
//! any offset, so a batch that runs again has the same records: offsets are the checkpoint's, and nothing is committed to a consumer
//! group (`KafkaMicroBatchStream`).
//!
//! ```text
//!  trigger ─ look ─▶ Question ─▶ host ─▶ Spans ─▶ plan: [from, until) per partition ─▶ offset log ─▶ Orders ─▶ executors' hosts
//! ```
//!
//! Where a new query began is written to `sources/I/0` of its checkpoint before the first offsets are.

mod authorized;
pub mod bridge;
pub mod dialect;
pub mod exchange;
mod limit;
pub mod options;
pub mod positions;
mod ranges;
mod rest;
pub mod rows;
pub mod settings;
mod table;

use arrow::buffer::Buffer;
use serde_json::Value;

use self::exchange::{Spans, Times, Topics};
use self::limit::End;
use self::positions::{Positions, TopicPartition, name, of_json, to_json};
use self::ranges::Range;
use self::settings::Settings;
use super::asking::Asking;
use super::systems::{self, Found};
use super::{Ask, Definition, Event, Guarantee, Heard, Memory, Records, Source, StreamSpec, beginning};
use crate::error::{Exception, Fault, Result, SparkError};
use crate::storage::Request;
use crate::storage::facts::{Facts, Known};
use crate::storage::files::Files;

/// Kafka's records.
pub const KAFKA: Definition = Definition {
    name: "kafka",
    about: "Has the records of Kafka's topics, with key and value as bytes.",
    options: options::ALL,
    records: Records::Columns(|set| rows::columns(super::options::Options(set).flag(&options::HEADERS))),
    offset: "the offset of the next record of each partition",
    guarantee: Guarantee::Replayable,
    orders: true,
    passes: Some("kafka."),
    check: |spec| Settings::of_stream(&spec.options).map(|_| ()),
    open,
    recall,
    table: Some(table::open),
};

/// Makes the source.
fn open(spec: &StreamSpec, _: i64) -> Result<Box<dyn Source>> {
    Ok(Box::new(Kafka {
        settings: Settings::of_stream(&spec.options)?,
        known: None,
        initial: None,
        at: Positions::new(),
        folder: None,
        asking: Asking::default(),
        batch_ms: None,
    }))
}

/// Where the query began; `None` if that was not written down.
struct Began(Option<Positions>);

/// Reads where the query began; before the first batch the file may be torn, and is written again.
fn recall(facts: &Facts, folder: &str, _: &Value, end: &Value) -> Known<Memory> {
    let read = |text: &str| serde_json::from_str(text).ok().as_ref().and_then(of_json);
    Ok(Memory::of(Began(beginning(facts, folder, end, "offsets", read)?)))
}

/// The records of one stream.
#[derive(Debug)]
struct Kafka {
    /// Its options.
    settings: Settings,
    /// What the servers said last; `None` before the first answer.
    known: Option<Spans>,
    /// Where the query began; `None` before the first answer of a new one.
    initial: Option<Positions>,
    /// Where the last planned batch ends; empty before the first.
    at: Positions,
    /// The source's folder in the checkpoint, until it holds where the query began.
    folder: Option<String>,
    /// How its question stands.
    asking: Asking,
    /// When the last batch was planned, ms since the epoch; `None` before the first.
    batch_ms: Option<i64>,
}

impl Kafka {
    /// Returns the question for what there is; for times too while it is not known where the query begins.
    fn question(&self) -> Ask {
        let begins = self.initial.is_some();
        let times = if begins {
            Times::None
        } else {
            self.settings.starting.times()
        };
        Ask::System(Box::new(systems::Question::Kafka(self.settings.question(times))))
    }

    /// Returns where a batch begins that starts at an offset: partitions that the offset does not name begin where they begin.
    fn begin_of(&self, start: &Value) -> Positions {
        let mut begin = match of_json(start) {
            Some(begin) => begin,
            None => self.initial.clone().unwrap_or_default(),
        };
        for (partition, span) in self.known.iter().flatten() {
            begin.entry(partition.clone()).or_insert(span.earliest);
        }
        begin
    }

    /// Takes in what there is, and looks for what is lost.
    ///
    /// # Errors
    /// `KAFKA_DATA_LOSS`, if that is an error.
    fn learn(&mut self, spans: Spans) -> Result<()> {
        let begin = if self.at.is_empty() {
            self.initial.as_ref()
        } else {
            Some(&self.at)
        };
        for (partition, offset) in begin.into_iter().flatten() {
            match spans.get(partition) {
                None => self.lost(
                    "PARTITIONS_DELETED",
                    format!("Partitions {} have been deleted.", name(partition)),
                )?,
                Some(span) if span.latest < *offset => {
                    self.lost(
                        "PARTITION_OFFSET_CHANGED",
                        format!(
                            "Partition {} offset was changed from {offset} to {}. This could either be a user error that the start offset \
                             is set too high and this is the first batch, or the kafka topic-partition is broken, and some data may have \
                             been missed.",
                            name(partition),
                            span.latest
                        ),
                    )?;
                }
                Some(span) if span.earliest > *offset => self.lost(
                    "START_OFFSET_RESET",
                    format!(
                        "Starting offset for {} was {offset} but consumer reset to {}.",
                        name(partition),
                        span.earliest
                    ),
                )?,
                Some(_) => {}
            }
        }
        if !self.at.is_empty() {
            for (partition, span) in spans
                .iter()
                .filter(|(p, span)| span.earliest > 0 && !self.at.contains_key(*p))
            {
                self.lost(
                    "ADDED_PARTITION_DOES_NOT_START_FROM_OFFSET_ZERO",
                    format!(
                        "Added partition {} starts from {} instead of 0.",
                        name(partition),
                        span.earliest
                    ),
                )?;
            }
        }
        if self.initial.is_none() {
            self.initial = Some(self.settings.starting.offsets(&spans, End::Start)?);
        }
        self.known = Some(spans);
        Ok(())
    }

    /// Says that records are lost, if that is an error.
    fn lost(&self, kind: &str, reason: String) -> Result<()> {
        if self.settings.strict {
            Err(data_loss(kind, &reason))
        } else {
            Ok(())
        }
    }

    /// Returns how many offsets wait after these. A partition that begins anew counts as one: it is an error only in a strict source,
    /// and found before.
    fn waiting(&self, begin: &Positions) -> i64 {
        let known = self.known.iter().flatten();
        let each = known.map(|(partition, span)| {
            let waits = span.latest - begin.get(partition).copied().unwrap_or(span.earliest);
            if waits < 0 { 1 } else { waits }
        });
        each.fold(0, i64::saturating_add)
    }
}

impl Source for Kafka {
    fn description(&self) -> String {
        let topics = match &self.settings.topics {
            Topics::Names(names) => format!("Subscribe[{}]", names.join(", ")),
            Topics::Pattern(pattern) => format!("SubscribePattern[{pattern}]"),
            Topics::Partitions(of) => format!("Assign[{}]", of.iter().map(name).collect::<Vec<_>>().join(", ")),
        };
        format!("KafkaV2[{topics}]")
    }

    fn restore(&mut self, folder: String, start: &Value, memory: &Memory) -> Option<Request> {
        self.at = of_json(start).unwrap_or_default();
        match memory.get() {
            Some(Began(Some(began))) => self.initial = Some(began.clone()),
            _ => self.folder = Some(folder),
        }
        None
    }

    fn look(&mut self) -> Vec<Ask> {
        if self.asking.begin(None) {
            vec![self.question()]
        } else {
            vec![]
        }
    }

    fn is_looking(&self) -> bool {
        self.asking.is_open()
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
            Ok(Found::Kinesis(_) | Found::Flume(_)) => {}
            Ok(Found::Kafka(spans)) => {
                self.learn(spans)?;
                self.asking.answered();
            }
            Err(refused) => {
                let (tries, retry_ms) = (self.settings.tries, self.settings.retry_ms);
                let put_off = self.asking.put_off(refused, now_ms, tries, retry_ms);
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

    fn has_data(&self, start: &Value, now_ms: i64) -> bool {
        let waiting = self.waiting(&self.begin_of(start));
        let wanted = self.settings.min_offsets.unwrap_or(1);
        let is_late = |last_ms| now_ms - last_ms >= self.settings.max_delay_ms;
        match self.batch_ms {
            // The first batch comes even if it is empty: with it, where the query begins is written down.
            None if start.is_null() => self.known.is_some(),
            last_ms => waiting > 0 && (waiting >= wanted || last_ms.is_none_or(is_late)),
        }
    }

    fn plan(&mut self, start: &Value, now_ms: i64, all: bool) -> (Value, Option<Request>) {
        let begin = self.begin_of(start);
        let limit = self.settings.max_offsets.filter(|_| !all);
        let end = ranges::limited(&begin, self.known.as_ref(), limit);
        self.batch_ms = Some(now_ms);
        self.at.clone_from(&end);
        let write = self.folder.take().zip(self.initial.as_ref());
        let log = write.map(|(folder, initial)| Request::Write {
            path: format!("{folder}/0"),
            bytes: Buffer::from(format!("v1\n{}", to_json(initial)).into_bytes()),
        });
        (to_json(&end), log)
    }

    fn plan_again(&mut self, end: &Value) {
        self.at = of_json(end).unwrap_or_default();
    }

    fn read(&mut self, start: &Value, end: &Value, _: &dyn Files) -> Result<Vec<Buffer>> {
        let end = of_json(end).ok_or_else(|| SparkError::internal("the end of a batch is not an offset"))?;
        let initial = self.initial.clone().unwrap_or_default();
        let begin = of_json(start).unwrap_or(initial);
        let mut ranges = Vec::new();
        for (partition, until) in &end {
            // A partition that was added begins with its first record, whichever that is.
            let from = begin.get(partition).copied().unwrap_or(0);
            if from < *until {
                ranges.push((partition.clone(), from, *until));
            }
        }
        let settings = &self.settings;
        let pieces = ranges::cut(ranges, settings.min_partitions, settings.max_records);
        let order = |range: Range| {
            let is_new = !begin.contains_key(&range.0);
            systems::Order::Kafka(settings.order(range, settings.strict && !is_new)).block()
        };
        pieces.into_iter().map(order).collect()
    }
}

/// Makes an `IllegalArgumentException` without a condition of Spark's.
fn illegal(message: String) -> SparkError {
    SparkError::new(Exception::IllegalArgument, "RIVULET_KAFKA_OFFSETS", "22023", message)
}

/// Makes the error of offsets that are given for other partitions than there are.
fn mismatch<'a>(
    condition: &str,
    position: &str,
    given: impl Iterator<Item = &'a TopicPartition>,
    spans: &Spans,
) -> SparkError {
    let list = |names: Vec<String>| names.join(",");
    let message = format!(
        "Partitions specified for Kafka {position} offsets don't match what are assigned. Maybe topic partitions are created or deleted \
         while the query is running. Use -1 for latest, -2 for earliest. Specified: {} Assigned: {}",
        list(given.map(name).collect()),
        list(spans.keys().map(name).collect())
    );
    SparkError::new(Exception::Runtime, condition, "22023", message)
}

/// Makes `KAFKA_DATA_LOSS`: `kind` is its subclass, `reason` says what is lost.
pub fn data_loss(kind: &str, reason: &str) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        &format!("KAFKA_DATA_LOSS.{kind}"),
        "22000",
        format!(
            "Some data may have been lost because they are not available in Kafka any more; either the data was aged out by Kafka or the \
             topic may have been deleted before all the data in the topic was processed. If you don't want your streaming query to fail \
             on such cases, set the source option failOnDataLoss to false. Reason: {reason}"
        ),
    )
}

/// Makes the error of servers that do not answer, or not as they should. Another try may be answered.
pub fn unanswered(message: &str) -> SparkError {
    SparkError::new(Exception::Connect, "RIVULET_KAFKA_UNANSWERED", "58030", message).by(Fault::Engine)
}

#[cfg(test)]
mod tests;
