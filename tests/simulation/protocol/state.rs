//! State as text, and what is left at the end.

use std::collections::BTreeSet;

use rand::Rng;

use super::world::{Happening, World};
use crate::window_model::Row;
use rivulet::cluster::runner::{JobRequest, SourceBlock};
use rivulet::ids::{BatchId, JobId, OperatorId, PartitionId, StatePart};
use rivulet::storage::{Reply, Request, Storage};
use rivulet::streaming::checkpoint::state::{self, StateFile};

impl World<'_> {
    /// State from its files: the rows of all batches before `next`.
    pub(super) fn restore(&mut self, next: BatchId, chain: impl Fn(StatePart) -> Vec<StateFile>) {
        let mut logged: Vec<Vec<(usize, usize)>> = vec![vec![]; next.0 as usize];
        for partition in 0..self.partitions {
            let mut batches = Vec::new();
            for file in chain(part(partition)) {
                let path = file.path(&Self::at(), part(partition));
                let Ok(Reply::Bytes(Some(bytes))) = self.disk.perform(&Request::Read { path: path.clone() }) else {
                    panic!("{path} was committed and cannot be read");
                };
                let bytes = state::decode(&path, &bytes).expect("it is a state file");
                batches.extend(rows_of(&bytes, &self.records));
            }
            assert_eq!(
                BatchId(batches.len() as i64),
                next,
                "batches in the state of partition {partition}"
            );
            for (all, own) in logged.iter_mut().zip(batches) {
                all.extend(own);
            }
        }
        let row = |(record, row): &(usize, usize)| self.records[*record][*row];
        self.inputs = Some(logged.iter().map(|rows| rows.iter().map(row).collect()).collect());
        self.logged = logged;
    }

    /// The state of the last commit, whatever jobs have changed since.
    pub(super) fn restore_committed(&mut self) {
        let Some(query) = &self.query else { return };
        let (next, pieces) = (
            query.next_batch(),
            query.committed_state().expect("its files are there"),
        );
        self.restore(next, |part| {
            let own = pieces.iter().filter(|(piece, _)| *piece == part);
            own.flat_map(|(_, files)| files.clone()).collect()
        });
    }

    /// Begins a job.
    pub(super) fn run(&mut self, request: JobRequest) {
        let delay = self.network.rng.random_range(0..40);
        self.next_job += 1;
        let job = JobId(self.next_job);
        if let Some(query) = &mut self.query {
            self.jobs_ahead += u64::from(query.settling().is_some());
            query.set_job(job);
        }
        self.network.after(delay, Happening::Job(job, request));
    }

    /// The records that the checkpoint says are set aside.
    fn set_aside(&mut self) -> BTreeSet<usize> {
        let path = Self::at().dead_letters();
        let Ok(Reply::Names(names)) = self.disk.perform(&Request::List { path: path.clone() }) else {
            panic!("{path} can be listed")
        };
        let files = names.into_iter().map(|name| Request::Read {
            path: format!("{path}/{name}"),
        });
        let read = files.map(|file| match self.disk.perform(&file) {
            Ok(Reply::Bytes(Some(bytes))) => bytes,
            other => panic!("{file:?}: {other:?}"),
        });
        let letters = read.map(|line| serde_json::from_slice::<serde_json::Value>(&line).expect("a line of JSON"));
        let record = |letter: serde_json::Value| letter["record"].as_str().and_then(|r| r.parse().ok());
        letters
            .map(|letter| record(letter).expect("a record's number"))
            .collect()
    }

    /// What the sink has is the model's output over the records in their order but for those that are set aside, cut into batches as the log says.
    pub fn compare(&mut self) {
        let aside = self.set_aside();
        assert!(
            aside.is_superset(&self.poison),
            "{:?} kill, and {aside:?} are set aside",
            self.poison
        );
        // A record whose batch has died twice by accident is set aside only if it was alone in it, or died alone.
        let extra = aside.len() - self.poison.len();
        assert!(
            2 * extra as u64 <= self.accidents,
            "{extra} records more after {} accidents",
            self.accidents
        );
        let mut model = self.model();
        let mut taken = 0;
        for (at, (batch, entry)) in self.offsets.iter().enumerate() {
            assert_eq!(*batch, BatchId(at as i64), "batches follow one another");
            let end = entry.ends[0].as_u64().unwrap_or(0) as usize;
            let input = (taken..end).filter(|record| !aside.contains(record));
            let input: Vec<Row> = input.flat_map(|record| self.records[record].iter().copied()).collect();
            taken = end;
            let expected = model.batch(&input);
            assert_eq!(
                entry.watermark_ms,
                expected.watermark * 1000,
                "watermark of batch {batch}"
            );
            assert_eq!(self.sink.get(batch), Some(&expected.rows), "batch {batch}");
        }
        assert_eq!(self.sink.len(), self.offsets.len(), "batches in the sink");
        assert_eq!(taken, self.records.len(), "records that batches took");
        assert!(!model.closes_more(), "a batch without data is missing");
    }
}

/// The records of a job, in order.
pub(super) fn taken(request: &JobRequest) -> Vec<usize> {
    let number = |block: &arrow::buffer::Buffer| std::str::from_utf8(block).ok().and_then(|t| t.parse().ok());
    let blocks = request.scans.values().flatten().filter_map(SourceBlock::bytes);
    let mut taken: Vec<usize> = blocks.map(|block| number(block).expect("a record's number")).collect();
    taken.sort_unstable();
    taken
}

/// A partition of the only operator's state.
pub(super) fn part(partition: usize) -> StatePart {
    let (operator, partition) = (OperatorId(0), PartitionId(partition));
    StatePart { operator, partition }
}

/// A partition's rows of some batches: a line a batch, `record:row` with blanks between.
pub(super) fn text_of(batches: &[Vec<(usize, usize)>], partition: usize, partitions: usize) -> String {
    let lines = batches.iter().map(|rows| {
        let own = rows.iter().enumerate().filter(|(at, _)| at % partitions == partition);
        let words: Vec<String> = own.map(|(_, (record, row))| format!("{record}:{row}")).collect();
        words.join(" ") + "\n"
    });
    lines.collect()
}

fn rows_of(text: &[u8], records: &[Vec<Row>]) -> Vec<Vec<(usize, usize)>> {
    let text = std::str::from_utf8(text).expect("a state file is text");
    let row = |word: &str| {
        let (record, row) = word.split_once(':').expect("record and row");
        let (record, row) = (record.parse().expect("a number"), row.parse().expect("a number"));
        let known: &Vec<Row> = &records[record];
        assert!(row < known.len());
        (record, row)
    };
    text.lines()
        .map(|line| line.split_whitespace().map(row).collect())
        .collect()
}
