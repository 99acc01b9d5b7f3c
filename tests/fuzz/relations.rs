//! Arrow streams in local relations, damaged.

use arrow::array::RecordBatch;
use rand::Rng;
use rand::rngs::SmallRng;
use rivulet::proto as sc;
use rivulet::proto::relation::RelType;

use super::messages::damage;
use super::session::Session;
use super::values::TABLE;
use super::watch::{End, Target, fuzz};
use crate::engine::client::{relation, sql};

struct Relations {
    session: Session,
    streams: Vec<Vec<u8>>,
}

impl Target for Relations {
    fn new() -> Self {
        use arrow::ipc::writer::StreamWriter;
        let mut streams = Vec::new();
        for columns in [
            "i, l, d, b",
            "s, dt, ts",
            "arr, m, st, dec",
            "*",
            "array(arr), map('a', st)",
        ] {
            let mut plan = Session::new();
            let batch: Vec<RecordBatch> = plan.batches(sql(&format!("SELECT {columns} FROM {TABLE}")));
            for batch in batch {
                let mut bytes = Vec::new();
                let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).expect("a stream can be written");
                writer.write(&batch).expect("a batch can be written");
                writer.finish().expect("a stream can be ended");
                drop(writer);
                streams.push(bytes);
            }
        }
        Self {
            session: Session::new(),
            streams,
        }
    }

    fn run(&mut self, rng: &mut SmallRng, note: &mut dyn FnMut(&str)) -> End {
        let mut bytes = self.streams[rng.random_range(0..self.streams.len())].clone();
        damage(rng, &mut bytes, &self.streams);
        note(&format!("{} bytes", bytes.len()));
        let local = relation(RelType::LocalRelation(sc::LocalRelation {
            data: Some(bytes),
            schema: None,
        }));
        let answer = self.session.rows(local);
        self.session.end(answer)
    }
}

#[test]
fn damaged_relations_end_in_rows_or_in_an_error() {
    fuzz::<Relations>("relations", 4000);
}
