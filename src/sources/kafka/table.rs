//! Kafka's topics as a table (`KafkaRelation`): the records between two offsets of each partition, found out when a job needs them.
//!
//! ```text
//!  look ─▶ Question, with the times of the start ─▶ host ─▶ Spans ─▶ begin
//!             and, if the end has times, another ──────────────────▶ until ─▶ Orders, one for each range
//! ```
//!
//! Servers that refuse or are away are asked again as options say, for [`PATIENCE_MS`] in all.

use arrow::buffer::Buffer;

use super::exchange::{Spans, Times};
use super::limit::End;
use super::positions::{Positions, name};
use super::ranges::{self, Range};
use super::settings::Settings;
use super::{data_loss, illegal, unanswered};
use crate::error::{Result, SparkError};
use crate::sources::systems::{self, Found, Refused};
use crate::sources::{Ask, Event, StreamSpec, Table, TableStep};

/// How long servers are asked, ms (`default.api.timeout.ms` of Kafka's clients).
const PATIENCE_MS: i64 = 60_000;

/// Most ranges of a table: there is a task for each.
const MOST_RANGES: i64 = 100_000;

/// Makes a table of checked options.
///
/// # Errors
/// As [`Settings::of_table`].
pub fn open(spec: &StreamSpec) -> Result<Box<dyn Table>> {
    Ok(Box::new(KafkaTable {
        settings: Settings::of_table(&spec.options)?,
        begin: None,
        ask_again_ms: None,
        deadline_ms: i64::MAX,
        refusals: 0,
    }))
}

/// The records of topics, for one job.
#[derive(Debug)]
struct KafkaTable {
    /// Its options.
    settings: Settings,
    /// Where each partition begins; `None` before the first answer.
    begin: Option<Positions>,
    /// When servers are asked again, ms since the epoch; `None` while an answer is waited for.
    ask_again_ms: Option<i64>,
    /// When they are not waited for any longer, ms since the epoch.
    deadline_ms: i64,
    /// How often they have not answered.
    refusals: i64,
}

impl KafkaTable {
    /// Returns the question that is next: for the start, or for the times of the end.
    fn question(&self) -> Ask {
        let limit = match self.begin {
            None => &self.settings.starting,
            Some(_) => &self.settings.ending,
        };
        Ask::System(Box::new(systems::Question::Kafka(
            self.settings.question(limit.times()),
        )))
    }

    /// Takes in what there is: asks for the end if its times have not been asked for, else plans.
    ///
    /// # Errors
    /// As [`Limit::offsets`](super::limit::Limit::offsets) and [`KafkaTable::planned`].
    fn learn(&mut self, spans: &Spans) -> Result<TableStep> {
        let begin = match self.begin.take() {
            Some(begin) => begin,
            None => {
                let begin = self.settings.starting.offsets(spans, End::Start)?;
                if self.settings.ending.times() != Times::None {
                    self.begin = Some(begin);
                    return Ok(TableStep::Ask(self.question()));
                }
                begin
            }
        };
        self.planned(&begin, spans).map(TableStep::Orders)
    }

    /// Returns an order for each range: those of `KafkaOffsetRangeCalculator`.
    ///
    /// # Errors
    /// `RIVULET_KAFKA_OFFSETS` if partitions came or went between two questions, a range ends before it begins, or there are too many;
    /// `KAFKA_DATA_LOSS` if records of a range are gone or not there yet, and that is an error.
    fn planned(&self, begin: &Positions, spans: &Spans) -> Result<Vec<Buffer>> {
        let settings = &self.settings;
        let until = settings.ending.offsets(spans, End::End)?;
        if !begin.keys().eq(until.keys()) {
            let list = |of: &Positions| of.keys().map(name).collect::<Vec<_>>().join(",");
            return Err(illegal(format!(
                "different topic partitions for starting offsets topics[{}] and ending offsets topics[{}]",
                list(begin),
                list(&until)
            )));
        }
        let mut found: Vec<Range> = vec![];
        for (((partition, from), until), span) in begin.iter().zip(until.values()).zip(spans.values()) {
            let (from, until) = (*from, *until);
            if from > until {
                return Err(illegal(format!(
                    "Beginning offset {from} is after the ending offset {until} for topic {} partition {}. You either provided an invalid \
                     fromOffset, or the Kafka topic has been damaged",
                    partition.0, partition.1
                )));
            }
            let there = (from.max(span.earliest), until.min(span.latest));
            if from < until && there != (from, until) && settings.strict {
                let reason = format!(
                    "Could not read records in offset [{from}, {until}) for topic partition {}: offsets {} to {} are there.",
                    name(partition),
                    span.earliest,
                    span.latest
                );
                return Err(data_loss("COULD_NOT_READ_OFFSET_RANGE", &reason));
            }
            if there.0 < there.1 {
                found.push((partition.clone(), there.0, there.1));
            }
        }
        let pieces = settings.min_partitions;
        let wanted = ranges::count(&found, settings.max_records).max(pieces.map_or(0, |n| n as i64));
        if wanted > MOST_RANGES {
            return Err(illegal(format!(
                "A table would be read in {wanted} pieces, and the limit is {MOST_RANGES}: a smaller minPartitions, or a larger \
                 maxRecordsPerPartition, makes fewer."
            )));
        }
        let cut = ranges::cut(found, pieces, settings.max_records).into_iter();
        cut.map(|range| systems::Order::Kafka(settings.order(range, settings.strict)).block())
            .collect()
    }

    /// Makes the error of servers that have not answered, which names them and the options.
    fn given_up(&self, why: &str) -> SparkError {
        let cluster = &self.settings.cluster;
        let servers = Some(&cluster.servers).filter(|servers| !servers.is_empty());
        let named = servers.map(|servers| format!("kafka.bootstrap.servers is '{servers}'"));
        let bridge = cluster
            .bridge
            .as_ref()
            .map(|url| format!("kafka.bridge.url is '{url}'"));
        let named: Vec<String> = named.into_iter().chain(bridge).collect();
        unanswered(&format!(
            "{why} The option {}; fetchOffset.numRetries and fetchOffset.retryIntervalMs say how often it is tried.",
            named.join(", ")
        ))
    }

    /// Decides when to ask again after there was no answer.
    ///
    /// # Errors
    /// The refusal's own error; `RIVULET_KAFKA_UNANSWERED`, if the servers were asked as often as the options allow.
    fn put_off(&mut self, refused: Refused, now_ms: i64) -> Result<TableStep> {
        if let Some(error) = refused.error {
            return Err(*error);
        }
        self.refusals += 1;
        if self.refusals >= self.settings.tries {
            return Err(self.given_up(&refused.message));
        }
        self.ask_again_ms = Some(now_ms + self.settings.retry_ms);
        Ok(TableStep::Wait)
    }
}

impl Table for KafkaTable {
    fn look(&mut self, now_ms: i64) -> Ask {
        self.deadline_ms = now_ms + PATIENCE_MS;
        self.question()
    }

    fn heard(&mut self, event: Event, now_ms: i64) -> Result<TableStep> {
        let Event::Answered(answer) = event else {
            return Ok(TableStep::Wait);
        };
        match *answer {
            Ok(Found::Kafka(spans)) => self.learn(&spans),
            Ok(_) => Ok(TableStep::Wait),
            Err(refused) => self.put_off(refused, now_ms),
        }
    }

    fn wake_at(&self) -> i64 {
        self.ask_again_ms.unwrap_or(i64::MAX).min(self.deadline_ms)
    }

    fn wake(&mut self, now_ms: i64) -> Result<TableStep> {
        if now_ms >= self.deadline_ms {
            let why = format!("Kafka's servers have not answered within {PATIENCE_MS} ms which offsets there are.");
            return Err(self.given_up(&why));
        }
        if self.ask_again_ms.is_none_or(|at| at > now_ms) {
            return Ok(TableStep::Wait);
        }
        self.ask_again_ms = None;
        Ok(TableStep::Ask(self.question()))
    }
}

#[cfg(test)]
mod tests;
