//! Where shards are read: positions, in the JSON of the connector's offsets
//! (`{"metadata": {"streamName": "s"}, "shardId-0": {"iteratorType": "AFTER_SEQUENCE_NUMBER", "iteratorPosition": "495…"}}`).
//!
//! A sequence number is a string of digits, longer than any number here: it is compared, and never computed with.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Where the next record of a shard is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Position {
    /// With the oldest record that is there.
    Horizon,
    /// With the first record that came at this time or later, ms since the epoch.
    Time(i64),
    /// The record with this sequence number.
    At(String),
    /// After the record with this sequence number.
    After(String),
    /// Nowhere: the shard is read to its end, and nothing will follow.
    End,
}

/// A position for each shard, by name.
pub type Positions = BTreeMap<String, Position>;

/// How many records lie before the position of a shard and after the one before it, by shard.
pub type Counts = BTreeMap<String, u64>;

/// The key of what is not a shard.
const METADATA: &str = "metadata";

impl Position {
    /// Returns the type of iterator that begins here, as Kinesis names it, and its position as a string.
    pub fn parts(&self) -> (&'static str, String) {
        match self {
            Self::Horizon => ("TRIM_HORIZON", String::new()),
            Self::Time(ms) => ("AT_TIMESTAMP", ms.to_string()),
            Self::At(number) => ("AT_SEQUENCE_NUMBER", number.clone()),
            Self::After(number) => ("AFTER_SEQUENCE_NUMBER", number.clone()),
            Self::End => ("SHARD_END", String::new()),
        }
    }

    /// Reads a position from its parts; `None` if it is not one. The end of what is written now (`LATEST`) is not: it is another each
    /// time.
    fn of_parts(kind: &str, position: &str) -> Option<Self> {
        Some(match kind.to_ascii_uppercase().as_str() {
            "TRIM_HORIZON" => Self::Horizon,
            "AT_TIMESTAMP" => Self::Time(position.parse().ok()?),
            "AT_SEQUENCE_NUMBER" if is_sequence_number(position) => Self::At(position.to_owned()),
            "AFTER_SEQUENCE_NUMBER" if is_sequence_number(position) => Self::After(position.to_owned()),
            "SHARD_END" => Self::End,
            _ => return None,
        })
    }
}

/// Returns whether a string is a sequence number: up to 129 digits, as Kinesis's own documentation bounds it.
pub fn is_sequence_number(text: &str) -> bool {
    (1..=129).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// Compares sequence numbers by their size; zeros at their beginning do not count.
///
/// ```
/// use std::cmp::Ordering;
/// use rivulet::sources::kinesis::positions::compare;
///
/// assert_eq!(compare("9", "10"), Ordering::Less);
/// assert_eq!(compare("0010", "10"), Ordering::Equal);
/// ```
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Returns positions as JSON, with how many records there are before each, where that is known.
pub fn to_json(stream: &str, positions: &Positions, counts: &Counts) -> Value {
    let mut shards = Map::new();
    shards.insert(METADATA.to_owned(), json!({"streamName": stream}));
    for (shard, position) in positions {
        let (kind, at) = position.parts();
        let mut of_shard = json!({"iteratorType": kind, "iteratorPosition": at});
        if let Some(count) = counts.get(shard) {
            of_shard["records"] = json!(count);
        }
        shards.insert(shard.clone(), of_shard);
    }
    Value::Object(shards)
}

/// Reads positions from JSON; `None` if it has another shape.
///
/// ```
/// use rivulet::sources::kinesis::positions::{Position, of_json};
///
/// let offset = serde_json::json!({"metadata": {}, "shardId-0": {"iteratorType": "AFTER_SEQUENCE_NUMBER", "iteratorPosition": "7"}});
/// assert_eq!(of_json(&offset).unwrap()["shardId-0"], Position::After("7".into()));
/// assert_eq!(of_json(&serde_json::json!({"shardId-0": 7})), None);
/// ```
pub fn of_json(json: &Value) -> Option<Positions> {
    let shards = json.as_object()?.iter().filter(|(shard, _)| *shard != METADATA);
    let each = shards.map(|(shard, of)| {
        let kind = of.get("iteratorType")?.as_str()?;
        let position = of.get("iteratorPosition").and_then(Value::as_str).unwrap_or_default();
        Some((shard.clone(), Position::of_parts(kind, position)?))
    });
    each.collect()
}

/// Reads how many records lie before each position of JSON.
pub fn counts_of_json(json: &Value) -> Counts {
    let shards = json.as_object().into_iter().flatten();
    shards
        .filter_map(|(shard, of)| Some((shard.clone(), of.get("records")?.as_u64()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_back_from_json_as_they_were_and_numbers_stay_strings() {
        let long = "49590338271490256608559692538361571095921575989136588898";
        let positions: Positions = [
            ("a".to_owned(), Position::Horizon),
            ("b".to_owned(), Position::Time(-5)),
            ("c".to_owned(), Position::At(long.into())),
            ("d".to_owned(), Position::After(long.into())),
            ("e".to_owned(), Position::End),
        ]
        .into();
        let counts: Counts = [("d".to_owned(), 7)].into();
        let json = to_json("s", &positions, &counts);
        assert_eq!(json["d"]["iteratorPosition"], long);
        assert_eq!(of_json(&json), Some(positions));
        assert_eq!(counts_of_json(&json), counts);
        for wrong in ["-1", "1.5", "", "1e9", "९"] {
            let json = json!({"a": {"iteratorType": "AFTER_SEQUENCE_NUMBER", "iteratorPosition": wrong}});
            assert_eq!(of_json(&json), None, "{wrong}");
        }
        assert_eq!(of_json(&json!({"a": {"iteratorType": "LATEST"}})), None);
    }
}
