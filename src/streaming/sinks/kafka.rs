//! Kafka's topics (`KafkaStreamingWrite`, `KafkaWriter`): each row is a record. At least once: a batch that failed, or runs again after
//! a restart, is written again. A DataFrame that ends is one batch.
//!
//! | column | type | |
//! |---|---|---|
//! | `value` | STRING or BINARY | must be there |
//! | `key` | STRING or BINARY | decides the partition, if that is not given |
//! | `topic` | STRING | must be there unless the option `topic` is set, which counts |
//! | `partition` | INT | |
//! | `headers` | ARRAY<STRUCT<key: STRING, value: BINARY>> | |

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};

use super::{Definition, Delivery, Opening, Sink, Step, Wish, none, outgoing};
use crate::error::{Exception, Result, SparkError};
use crate::proto::write_operation::SaveMode;
use crate::sources::kafka::exchange::{self, Cluster};
use crate::sources::kafka::options::{BRIDGE, CREDENTIALS, DIALECT, SERVERS, TOKEN};
use crate::sources::kafka::settings::sink_cluster;
use crate::sources::kafka::{rows, unanswered};
use crate::sources::options::{Kind, Opt, Options};
use crate::sources::systems::{Refused, Writing};

/// The topic of all rows.
const TOPIC: Opt = Opt::new(
    "topic",
    Kind::Text,
    Some("the column of that name"),
    "Names the topic of all rows.",
);

/// Kafka's topics.
pub const KAFKA: Definition = Definition {
    name: "kafka",
    about: "Writes each row as a record of a topic, at least once.",
    options: &[SERVERS, BRIDGE, TOKEN, CREDENTIALS, DIALECT, TOPIC],
    passes: Some("kafka."),
    files: None,
    check: |wish| sink_cluster(&wish.options).map(|_| ()),
    open,
    log: none,
    table: none,
    recovers: true,
    save: Some(check_mode),
};

/// Refuses modes that would replace or keep what topics hold (`KafkaSourceProvider.createRelation`).
///
/// # Errors
/// An `AnalysisException` that names the modes which are allowed.
fn check_mode(mode: SaveMode) -> Result<()> {
    let word = match mode {
        SaveMode::Overwrite => "Overwrite",
        SaveMode::Ignore => "Ignore",
        SaveMode::Append | SaveMode::ErrorIfExists | SaveMode::Unspecified => return Ok(()),
    };
    let sentence =
        format!("Save mode {word} not allowed for Kafka. Allowed save modes are Append and ErrorIfExists (default).");
    Err(SparkError::analysis("RIVULET_KAFKA_SAVE_MODE", "0A000", sentence).with("mode", word))
}

/// Makes the sink.
///
/// # Errors
/// An `AnalysisException` if a column that must be there is not, or one has another type.
fn open(wish: &Wish, opening: Opening) -> Result<Box<dyn Sink>> {
    let topic = Options(&wish.options).text(&TOPIC).map(|topic| topic.trim().to_owned());
    check_columns(&opening.schema, topic.is_some())?;
    Ok(Box::new(Kafka {
        cluster: sink_cluster(&wish.options)?,
        topic,
    }))
}

/// Refuses columns that are no records.
fn check_columns(schema: &Schema, has_topic: bool) -> Result<()> {
    let refuse = |message: String| SparkError::analysis("RIVULET_KAFKA_COLUMNS", "42K09", message);
    let of = |name: &str| schema.fields().iter().find(|f| f.name().eq_ignore_ascii_case(name));
    if of("topic").is_none() && !has_topic {
        return Err(refuse(
            "topic option required when no 'topic' attribute is present. Use the topic option for setting a topic."
                .into(),
        ));
    }
    if of("value").is_none() {
        return Err(refuse("Required attribute 'value' not found.".into()));
    }
    for field in rows::written().fields() {
        let Some(given) = of(field.name()) else { continue };
        let fits = match field.name().as_str() {
            "key" | "value" => matches!(given.data_type(), DataType::Utf8 | DataType::Binary | DataType::Null),
            "headers" => rows::is_headers(given.data_type()) || given.data_type().is_null(),
            _ => given.data_type() == field.data_type() || given.data_type().is_null(),
        };
        if !fits {
            let wanted = match field.name().as_str() {
                "key" | "value" => "STRING or BINARY",
                "headers" => "ARRAY<STRUCT<key: STRING, value: BINARY>>",
                "partition" => "INT",
                _ => "STRING",
            };
            return Err(refuse(format!(
                "{} attribute type must be a {wanted}, and is {}.",
                field.name(),
                given.data_type()
            )));
        }
    }
    Ok(())
}

/// The topics of one query.
#[derive(Debug)]
struct Kafka {
    /// Where they are.
    cluster: Cluster,
    /// The one of all rows, if it is set.
    topic: Option<String>,
}

impl Kafka {
    /// Returns rows as records.
    ///
    /// # Errors
    /// `KAFKA_NULL_TOPIC_IN_DATA`; Arrow's.
    fn records(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let schema = batch.schema();
        let named = |name: &str| {
            let place = schema.fields().iter().position(|f| f.name().eq_ignore_ascii_case(name));
            place.map(|at| batch.column(at).clone())
        };
        let wanted = rows::written();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for field in wanted.fields() {
            let column = match (field.name().as_str(), &self.topic) {
                ("topic", Some(topic)) => {
                    let topics = std::iter::repeat_n(topic.as_str(), rows);
                    Arc::new(StringArray::from_iter_values(topics)) as ArrayRef
                }
                (name, _) => named(name).unwrap_or_else(|| new_null_array(field.data_type(), rows)),
            };
            columns.push(cast(&column, field.data_type())?);
        }
        if columns[0].null_count() > 0 {
            return Err(SparkError::new(
                Exception::Runtime,
                "KAFKA_NULL_TOPIC_IN_DATA",
                "22004",
                "The Kafka message data sent to the producer contains a null topic. Use the `topic` option for setting a default topic.",
            ));
        }
        Ok(RecordBatch::try_new(wanted, columns)?)
    }
}

impl Sink for Kafka {
    fn description(&self) -> String {
        "org.apache.spark.sql.kafka010.KafkaSourceProvider$KafkaTable".into()
    }

    fn emits(&self) -> Option<u64> {
        Some(1)
    }

    fn takes_repeats(&self) -> bool {
        true
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<Step> {
        let blocks = outgoing(delivery.blocks, |batch| self.records(batch))?;
        if blocks.is_empty() {
            return Ok(Step::Done);
        }
        let cluster = self.cluster.clone();
        Ok(Step::Send(Writing::Kafka(exchange::Writing { cluster, blocks })))
    }

    fn sent(&mut self, answer: std::result::Result<(), Refused>) -> Result<Step> {
        match answer {
            Ok(()) => Ok(Step::Done),
            Err(refused) => Err(refused.into_error(unanswered)),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, BinaryArray, Int32Array};
    use arrow::datatypes::Field;

    use super::*;
    use crate::ids::BatchId;
    use crate::plan::output_mode::OutputMode;
    use crate::values::ipc;
    use crate::values::zone::Zone;

    fn opened(topic: Option<&str>, fields: &[(&str, DataType)]) -> Result<Box<dyn Sink>> {
        let mut options = vec![("kafka.bootstrap.servers", "b:9092")];
        options.extend(topic.map(|topic| ("topic", topic)));
        let wish = Wish {
            format: "kafka".into(),
            path: None,
            options: options.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            name: None,
            mode: OutputMode::Append,
            checkpoint: false,
        };
        let fields: Vec<Field> = fields
            .iter()
            .map(|(name, of)| Field::new(*name, of.clone(), true))
            .collect();
        let opening = Opening {
            schema: Arc::new(Schema::new(fields)),
            zone: Zone::UTC,
            log: super::super::SinkLog::default(),
        };
        KAFKA.refuse(&wish)?;
        open(&wish, opening)
    }

    #[test]
    fn columns_that_are_no_records_are_refused() {
        let text = || DataType::Utf8;
        type Columns<'a> = &'a [(&'a str, DataType)];
        let refusals: [(Option<&str>, Columns<'_>, &str); 5] = [
            (None, &[("value", text())], "topic option required"),
            (Some("t"), &[("key", text())], "Required attribute 'value' not found"),
            (
                Some("t"),
                &[("value", DataType::Int32)],
                "value attribute type must be a STRING or BINARY",
            ),
            (
                None,
                &[("value", text()), ("topic", DataType::Int64)],
                "topic attribute type must be a STRING",
            ),
            (
                Some("t"),
                &[("value", text()), ("partition", text())],
                "partition attribute type must be a INT",
            ),
        ];
        for (topic, columns, told) in refusals {
            let error = opened(topic, columns).unwrap_err();
            assert!(error.message.starts_with(told), "{error}");
        }
    }

    #[test]
    fn rows_become_records_and_a_row_without_a_topic_is_an_error() {
        let fields = [
            ("Topic", DataType::Utf8),
            ("value", DataType::Binary),
            ("partition", DataType::Int32),
        ];
        let batch = |topics: Vec<Option<&str>>| {
            let rows = topics.len();
            let columns: [(&str, ArrayRef); 3] = [
                ("Topic", Arc::new(StringArray::from(topics))),
                ("value", Arc::new(BinaryArray::from_vec(vec![b"v"; rows]))),
                ("partition", Arc::new(Int32Array::from(vec![Some(3); rows]))),
            ];
            let batch = RecordBatch::try_from_iter(columns).unwrap();
            vec![ipc::write(&batch.schema(), [batch.clone()]).unwrap().into()]
        };
        let deliver = |topic, blocks| {
            opened(topic, &fields).unwrap().deliver(Delivery {
                query: "q",
                batch: BatchId(0),
                blocks,
                now_ms: 0,
            })
        };
        let Step::Send(Writing::Kafka(writing)) = deliver(None, batch(vec![Some("a"), Some("b")])).unwrap() else {
            panic!("nothing is written")
        };
        let rows = ipc::read(&writing.blocks[0]).unwrap();
        assert_eq!(
            rows[0].column(0).as_string::<i32>().iter().collect::<Vec<_>>(),
            [Some("a"), Some("b")]
        );
        let error = deliver(None, batch(vec![Some("a"), None])).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("KAFKA_NULL_TOPIC_IN_DATA"));
        assert!(matches!(deliver(Some("t"), batch(vec![None])), Ok(Step::Send(_))));
        assert_eq!(deliver(None, vec![]).unwrap(), Step::Done);
    }
}
