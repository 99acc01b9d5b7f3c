//! Where reading begins or ends (`KafkaOffsetRangeLimit`), and which offsets that are (`KafkaOffsetReader.fetchPartitionOffsets`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::exchange::{Spans, Times};
use super::options::*;
use super::positions::{EARLIEST, LATEST, Positions, TopicPartition, name, of_json};
use super::settings::refused;
use super::{illegal, mismatch};
use crate::error::Result;
use crate::sources::options::{Opt, Options};

/// Where to begin or end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// With what is still there.
    Earliest,
    /// With what comes next.
    Latest,
    /// At these offsets.
    Offsets(Positions),
    /// At these times.
    Times {
        /// Which.
        times: Times,
        /// Whether a partition without such a record is an error; else its latest offset counts.
        strict: bool,
    },
}

/// The end of a range that a limit is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Where it starts.
    Start,
    /// Where it ends.
    End,
}

impl End {
    /// Returns the option of one time, that of times for each partition, and that of offsets.
    fn options(self) -> [&'static Opt; 3] {
        match self {
            Self::Start => [&STARTING_TIMESTAMP, &STARTING_OFFSETS_BY_TIMESTAMP, &STARTING_OFFSETS],
            Self::End => [&ENDING_TIMESTAMP, &ENDING_OFFSETS_BY_TIMESTAMP, &ENDING_OFFSETS],
        }
    }

    /// Returns its word in messages.
    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
        }
    }
}

impl Limit {
    /// Reads where to begin or end, `otherwise` if no option says so; what is more particular counts: a time for all partitions, then
    /// times for each, then offsets (`KafkaSourceProvider.getKafkaOffsetRangeLimit`).
    ///
    /// # Errors
    /// `IllegalArgumentException` as Spark's, for what is neither a word nor JSON of offsets.
    pub fn read(options: Options<'_>, end: End, otherwise: Self) -> Result<Self> {
        let [at, each, offsets] = end.options();
        // A partition that has no record so late ends with its last record, whatever the strategy.
        let strict = end == End::Start
            && !options
                .text(&TIMESTAMP_STRATEGY)
                .is_some_and(|s| s.eq_ignore_ascii_case("latest"));
        if let Some(text) = options.text(at) {
            let at = text
                .trim()
                .parse()
                .map_err(|_| refused(&format!("Expected a single long value, got {text}")))?;
            let times = Times::All(at);
            return Ok(Self::Times { times, strict });
        }
        if let Some(text) = options.text(each) {
            let mut times: BTreeMap<String, BTreeMap<i32, i64>> = BTreeMap::new();
            for ((topic, partition), at) in json(text, "{\"topicA\": {\"0\": 123456789, \"1\": 123456789}}")? {
                times.entry(topic).or_default().insert(partition, at);
            }
            let times = Times::Each(times);
            return Ok(Self::Times { times, strict });
        }
        match options.text(offsets).map(str::trim) {
            None => Ok(otherwise),
            Some(word) if word.eq_ignore_ascii_case("latest") => Ok(Self::Latest),
            Some(word) if word.eq_ignore_ascii_case("earliest") => Ok(Self::Earliest),
            Some(text) => {
                let offsets = json(text, "{\"topicA\":{\"0\":23,\"1\":-1},\"topicB\":{\"0\":-2}}")?;
                match offsets.iter().find(|(_, offset)| **offset < EARLIEST) {
                    Some((at, offset)) => Err(refused(&format!(
                        "The offset of {} is {offset}: use -1 for latest, -2 for earliest.",
                        name(at)
                    ))),
                    None => Ok(Self::Offsets(offsets)),
                }
            }
        }
    }

    /// Returns the times whose offsets must be asked for.
    pub fn times(&self) -> Times {
        match self {
            Self::Times { times, .. } => times.clone(),
            _ => Times::None,
        }
    }

    /// Returns the offset of each partition, given what there is at the times of the limit.
    ///
    /// # Errors
    /// `KAFKA_START_OFFSET_DOES_NOT_MATCH_ASSIGNED` or `KAFKA_TIMESTAMP_OFFSET_DOES_NOT_MATCH_ASSIGNED` if offsets or times are given for
    /// other partitions than there are, `RIVULET_KAFKA_OFFSETS` if a time has no record after it and that is an error.
    pub fn offsets(&self, spans: &Spans, end: End) -> Result<Positions> {
        match self {
            Self::Offsets(given) if !given.keys().eq(spans.keys()) => {
                // Spark has one condition for both ends; the sentence says which.
                let condition = "KAFKA_START_OFFSET_DOES_NOT_MATCH_ASSIGNED";
                return Err(mismatch(condition, end.word(), given.keys(), spans));
            }
            Self::Times {
                times: Times::Each(each),
                ..
            } => {
                let keys: Vec<TopicPartition> = each
                    .iter()
                    .flat_map(|(topic, of)| of.keys().map(|partition| (topic.clone(), *partition)))
                    .collect();
                if !keys.iter().eq(spans.keys()) {
                    let condition = "KAFKA_TIMESTAMP_OFFSET_DOES_NOT_MATCH_ASSIGNED";
                    let position = format!("timestamp based {}", end.word());
                    return Err(mismatch(condition, &position, keys.iter(), spans));
                }
            }
            _ => {}
        }
        let mut found = Positions::new();
        for (partition, span) in spans {
            let offset = match self {
                Self::Earliest => span.earliest,
                Self::Latest => span.latest,
                Self::Offsets(given) => match given.get(partition) {
                    None | Some(&LATEST) => span.latest,
                    Some(&EARLIEST) => span.earliest,
                    Some(offset) => *offset,
                },
                Self::Times { times, strict } => match span.at_time {
                    Some(offset) => offset,
                    None if !strict => span.latest,
                    None => {
                        return Err(illegal(format!(
                            "No offset matched from request of topic-partition {} and timestamp {}.",
                            name(partition),
                            times.of(partition).unwrap_or_default()
                        )));
                    }
                },
            };
            found.insert(partition.clone(), offset);
        }
        Ok(found)
    }
}

/// Reads numbers of partitions in Spark's JSON.
///
/// # Errors
/// `IllegalArgumentException` with an example, if it is something else.
fn json(text: &str, example: &str) -> Result<Positions> {
    let value: Option<Value> = serde_json::from_str(text.trim()).ok();
    let positions = value.as_ref().and_then(of_json);
    positions.ok_or_else(|| refused(&format!("Expected e.g. {example}, got {text}")))
}
