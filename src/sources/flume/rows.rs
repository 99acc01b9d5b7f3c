//! Events as rows: `headers`, a map of strings, and `body`, bytes, as Spark's `SparkFlumeEvent` has them.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch};
use arrow::array::{MapBuilder, MapFieldNames, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};

use super::event::Event;
use crate::error::Result;
use crate::values::ipc;

/// Returns the columns of a stream of events.
pub fn columns() -> Vec<Field> {
    let entries = DataType::Struct(
        vec![
            Field::new("key", DataType::Utf8, false),
            Field::new("value", DataType::Utf8, true),
        ]
        .into(),
    );
    let map = DataType::Map(Arc::new(Field::new("entries", entries, false)), false);
    vec![
        Field::new("headers", map, true),
        Field::new("body", DataType::Binary, true),
    ]
}

/// Returns events as an Arrow stream of rows.
///
/// # Errors
/// Arrow's, if the columns do not make a batch.
pub fn block(events: &[Event]) -> Result<Vec<u8>> {
    let schema = Arc::new(Schema::new(columns()));
    let names = MapFieldNames {
        entry: "entries".into(),
        key: "key".into(),
        value: "value".into(),
    };
    let mut headers = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for event in events {
        for (name, value) in &event.headers {
            headers.keys().append_value(name);
            headers.values().append_value(value);
        }
        headers.append(true)?;
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(headers.finish()),
        Arc::new(BinaryArray::from_iter_values(events.iter().map(|e| &e.body))),
    ];
    let batch = RecordBatch::try_new(schema.clone(), columns)?;
    ipc::write(&schema, [&batch])
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};
    use arrow::buffer::Buffer;

    #[test]
    fn events_are_rows_of_headers_and_a_body() {
        let event = |headers: &[(&str, &str)], body: &[u8]| Event {
            headers: headers.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            body: body.into(),
        };
        let events = [event(&[("host", "a"), ("timestamp", "1")], b"\0\xff"), event(&[], b"")];
        let batches = ipc::read(&Buffer::from(block(&events).unwrap())).unwrap();
        let [batch] = &batches[..] else { panic!("one batch") };
        let (headers, bodies) = (batch.column(0).as_map(), batch.column(1).as_binary::<i32>());
        assert_eq!((headers.value(0).len(), headers.value(1).len()), (2, 0));
        assert_eq!(headers.values().as_string::<i32>().value(1), "1");
        assert_eq!((bodies.value(0), bodies.value(1)), (&b"\0\xff"[..], &b""[..]));
    }
}
