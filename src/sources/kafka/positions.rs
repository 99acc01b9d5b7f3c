//! Offsets of topic partitions, in Spark's JSON: `{"topic":{"0":23,"1":-1}}` (`JsonUtils` of its Kafka connector).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A partition of a topic.
pub type TopicPartition = (String, i32);

/// An offset for each partition: that of the next record.
pub type Positions = BTreeMap<TopicPartition, i64>;

/// Stands for the end of a partition where an option names an offset.
pub const LATEST: i64 = -1;

/// Stands for its beginning.
pub const EARLIEST: i64 = -2;

/// Names a partition as Kafka's clients do.
///
/// ```
/// use rivulet::sources::kafka::positions::name;
///
/// assert_eq!(name(&("tweets".to_owned(), 3)), "tweets-3");
/// ```
pub fn name((topic, partition): &TopicPartition) -> String {
    format!("{topic}-{partition}")
}

/// Returns offsets as JSON.
///
/// ```
/// use rivulet::sources::kafka::positions::{of_json, to_json};
///
/// let offsets = serde_json::json!({"a": {"0": 23, "10": 5}, "b": {"1": -2}});
/// assert_eq!(to_json(&of_json(&offsets).unwrap()), offsets);
/// assert_eq!(of_json(&serde_json::json!({"a": {"x": 1}})), None);
/// ```
pub fn to_json(positions: &Positions) -> Value {
    let mut topics = Map::new();
    for ((topic, partition), offset) in positions {
        let of_topic = topics.entry(topic.clone()).or_insert_with(|| json!({}));
        of_topic[partition.to_string()] = json!(offset);
    }
    Value::Object(topics)
}

/// Reads offsets from JSON; `None` if it has another shape.
pub fn of_json(json: &Value) -> Option<Positions> {
    let mut positions = Positions::new();
    for (topic, partitions) in json.as_object()? {
        for (partition, offset) in partitions.as_object()? {
            positions.insert((topic.clone(), partition_number(partition)?), offset.as_i64()?);
        }
    }
    Some(positions)
}

/// Reads partitions from Spark's JSON for `assign`: `{"topic":[0,1]}`; `None` if it has another shape.
pub fn partitions_of_json(json: &Value) -> Option<Vec<TopicPartition>> {
    let mut found = Vec::new();
    for (topic, partitions) in json.as_object()? {
        for partition in partitions.as_array()? {
            let number = i32::try_from(partition.as_i64()?).ok().filter(|n| *n >= 0)?;
            found.push((topic.clone(), number));
        }
    }
    Some(found)
}

/// Reads the number of a partition.
fn partition_number(text: &str) -> Option<i32> {
    text.parse().ok().filter(|n| *n >= 0)
}
