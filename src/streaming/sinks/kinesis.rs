//! A stream of Kinesis: each row is a record. At least once: a batch that failed, or runs again after a restart, is written again.
//!
//! | column | type | |
//! |---|---|---|
//! | `data` | STRING or BINARY | must be there |
//! | `partitionKey` | STRING | must be there: decides the shard |

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};

use super::{Definition, Delivery, Opening, Sink, Step, Wish, none, outgoing};
use crate::error::{Exception, Result, SparkError};
use crate::sources::kinesis::exchange::{self, Stream};
use crate::sources::kinesis::options::{WRITTEN, stream_of};
use crate::sources::kinesis::{rows, unanswered};
use crate::sources::systems::{Refused, Writing};

/// A stream of Kinesis.
pub const KINESIS: Definition = Definition {
    name: "aws-kinesis",
    about: "Writes each row as a record of a stream of Kinesis, at least once.",
    options: WRITTEN,
    passes: Some("kinesis.sink."),
    files: None,
    check: |wish| stream_of(&wish.options).map(|_| ()),
    open,
    log: none,
    table: none,
    recovers: true,
    save: None,
};

/// Makes the sink.
///
/// # Errors
/// An `AnalysisException` if a column that must be there is not, or one has another type.
fn open(wish: &Wish, opening: Opening) -> Result<Box<dyn Sink>> {
    check_columns(&opening.schema)?;
    Ok(Box::new(Kinesis {
        stream: stream_of(&wish.options)?,
    }))
}

/// Returns the place of a column, whatever the case of its name.
fn place(schema: &Schema, name: &str) -> Option<usize> {
    schema.fields().iter().position(|f| f.name().eq_ignore_ascii_case(name))
}

/// Refuses columns that do not make records.
///
/// # Errors
/// `RIVULET_KINESIS_COLUMNS`, which names the column and says what it must be.
fn check_columns(schema: &Schema) -> Result<()> {
    let refuse = |message: String| Err(SparkError::analysis("RIVULET_KINESIS_COLUMNS", "42K09", message));
    for field in rows::written().fields() {
        let name = field.name();
        let Some(at) = place(schema, name) else {
            return refuse(format!("Required attribute '{name}' not found."));
        };
        let given = schema.field(at).data_type();
        let (fits, wanted) = match name.as_str() {
            "data" => (matches!(given, DataType::Utf8 | DataType::Binary), "a STRING or BINARY"),
            _ => (*given == DataType::Utf8, "a STRING"),
        };
        if !fits {
            return refuse(format!("{name} attribute type must be {wanted}, and is {given}."));
        }
    }
    Ok(())
}

/// The stream of one query.
#[derive(Debug)]
struct Kinesis {
    /// Which it is.
    stream: Stream,
}

/// Returns rows as records.
///
/// # Errors
/// `RIVULET_KINESIS_NULL` for a row without a key or without data; Arrow's.
fn records(batch: &RecordBatch) -> Result<RecordBatch> {
    let (schema, wanted) = (batch.schema(), rows::written());
    let mut columns: Vec<ArrayRef> = Vec::new();
    for field in wanted.fields() {
        let at = place(&schema, field.name());
        let column = at.and_then(|at| batch.columns().get(at));
        let column = column.filter(|column| column.null_count() == 0).ok_or_else(|| {
            SparkError::new(
                Exception::Runtime,
                "RIVULET_KINESIS_NULL",
                "22004",
                format!(
                    "A row has a null {}, and each record of Kinesis needs a partitionKey and data: leave such rows out, or use coalesce.",
                    field.name()
                ),
            )
        })?;
        columns.push(cast(column, field.data_type())?);
    }
    Ok(RecordBatch::try_new(wanted, columns)?)
}

impl Sink for Kinesis {
    fn description(&self) -> String {
        format!("KinesisSink[{}]", self.stream.name)
    }

    fn emits(&self) -> Option<u64> {
        Some(1)
    }

    fn takes_repeats(&self) -> bool {
        true
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<Step> {
        let blocks = outgoing(delivery.blocks, records)?;
        if blocks.is_empty() {
            return Ok(Step::Done);
        }
        let stream = self.stream.clone();
        Ok(Step::Send(Writing::Kinesis(exchange::Writing { stream, blocks })))
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
    use std::sync::Arc;

    use arrow::array::StringArray;
    use arrow::datatypes::Field;

    use super::*;
    use crate::ids::BatchId;
    use crate::plan::output_mode::OutputMode;
    use crate::values::ipc;
    use crate::values::zone::Zone;

    fn opened(fields: &[(&str, DataType)]) -> Result<Box<dyn Sink>> {
        let options = [("kinesis.streamname", "s"), ("kinesis.region", "r")];
        let wish = Wish {
            format: "aws-kinesis".into(),
            path: None,
            options: options.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            name: None,
            mode: OutputMode::Append,
            checkpoint: false,
        };
        let fields: Vec<Field> = fields.iter().map(|(n, t)| Field::new(*n, t.clone(), true)).collect();
        let opening = Opening {
            schema: Arc::new(Schema::new(fields)),
            zone: Zone::UTC,
            log: super::super::SinkLog::default(),
        };
        KINESIS.refuse(&wish)?;
        open(&wish, opening)
    }

    #[test]
    fn columns_that_do_not_make_records_are_refused() {
        let text = || DataType::Utf8;
        type Columns<'a> = &'a [(&'a str, DataType)];
        let refusals: [(Columns<'_>, &str); 4] = [
            (&[("data", text())], "Required attribute 'partitionKey' not found"),
            (&[("partitionkey", text())], "Required attribute 'data' not found"),
            (
                &[("partitionKey", DataType::Int32), ("data", text())],
                "partitionKey attribute type must be a STRING",
            ),
            (
                &[("partitionKey", text()), ("data", DataType::Int64)],
                "data attribute type must be a STRING or BINARY",
            ),
        ];
        for (columns, told) in refusals {
            let error = opened(columns).unwrap_err();
            assert!(error.message.starts_with(told), "{error}");
        }
    }

    #[test]
    fn rows_become_records_and_a_row_without_a_key_is_an_error() {
        let deliver = |keys: Vec<Option<&str>>| {
            let data = vec![Some("v"); keys.len()];
            let columns: [(&str, ArrayRef); 2] = [
                ("DATA", Arc::new(StringArray::from(data))),
                ("partitionKey", Arc::new(StringArray::from(keys))),
            ];
            let batch = RecordBatch::try_from_iter(columns).unwrap();
            let mut sink = opened(&[("DATA", DataType::Utf8), ("partitionKey", DataType::Utf8)])?;
            sink.deliver(Delivery {
                query: "q",
                batch: BatchId(0),
                blocks: vec![ipc::write(&batch.schema(), [batch.clone()]).unwrap().into()],
                now_ms: 0,
            })
        };
        let Step::Send(Writing::Kinesis(writing)) = deliver(vec![Some("a"), Some("b")]).unwrap() else {
            panic!("nothing is written")
        };
        let written = rows::records(&writing.blocks[0]).unwrap();
        let expected = [("a".to_owned(), b"v".to_vec()), ("b".to_owned(), b"v".to_vec())];
        assert_eq!(written, expected);
        let error = deliver(vec![Some("a"), None]).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("RIVULET_KINESIS_NULL"));
        assert_eq!(deliver(vec![]).unwrap(), Step::Done);
    }
}
