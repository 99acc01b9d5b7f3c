//! Whether a restart from a checkpoint would find what it needs.
//!
//! A restart reads only what it needs and stops at the first problem; this reads everything it might need, and
//! collects.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Location;
use super::logs::{Commit, Metadata, Offsets};
use super::poison::Poison;
use super::state::{self, OperatorRecord, StateFiles};
use crate::ids::{BatchId, PartitionId, StatePart};
use crate::sources::queue::blocks_of;
use crate::storage::facts::{Facts, Known, Pause, batch_ids};
use crate::storage::{file_log, wal};

/// What a look at a checkpoint found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The query's id; `None` if `metadata` is missing or damaged.
    pub query_id: Option<String>,
    /// The last batch whose offsets are logged.
    pub last_batch: Option<BatchId>,
    /// The last batch that is committed.
    pub last_commit: Option<BatchId>,
    /// Files that were read.
    pub files: usize,
    /// Sentences, each naming a file; empty if the checkpoint is sound.
    pub problems: Vec<String>,
    /// What a crash left over that a restart ignores.
    pub remarks: Vec<String>,
}

impl Report {
    /// Returns the report as clients read it.
    pub fn json(&self) -> Value {
        json!({
            "sound": self.problems.is_empty(), "queryId": self.query_id, "lastBatch": self.last_batch,
            "lastCommit": self.last_commit, "files": self.files, "problems": self.problems, "remarks": self.remarks,
        })
    }

    /// Counts a file that was read, or notes what went wrong, so that the rest is still looked at.
    ///
    /// # Errors
    /// Pauses are passed on.
    fn take<T>(&mut self, known: Known<T>) -> Result<Option<T>, Pause> {
        match known {
            Ok(value) => {
                self.files += 1;
                Ok(Some(value))
            }
            Err(Pause::Wanting) => Err(Pause::Wanting),
            Err(Pause::Failed(error)) => {
                self.problems.push(error.message);
                Ok(None)
            }
        }
    }
}

/// Reads all that a restart would read, and every log entry.
///
/// # Errors
/// Pauses until it is read; never fails by what it finds: that is the report.
pub fn verify(facts: &Facts, at: &Location) -> Known<Report> {
    let mut report = Report::default();
    let listed = (
        facts.list(&at.offsets()),
        facts.list(&at.commits()),
        facts.list(&format!("{}/sources", at.path())),
    );
    let mut offsets: Vec<BatchId> = batch_ids(listed.0?).map(BatchId).collect();
    let mut commits: Vec<BatchId> = batch_ids(listed.1?).map(BatchId).collect();
    offsets.sort_unstable();
    commits.sort_unstable();
    let paths = offsets
        .iter()
        .map(|id| at.offset(*id))
        .chain(commits.iter().map(|id| at.commit(*id)));
    let paths: Vec<String> = paths.chain([at.metadata()]).collect();
    facts.want_all(&paths)?;
    metadata(facts, at, &mut report, offsets.is_empty())?;
    // The last entry of each log may be torn; the others must be whole.
    if let Some(last) = offsets.last().copied().filter(|id| !commits.contains(id))
        && facts.read_if_whole(&at.offset(last))?.is_none()
    {
        offsets.pop();
        report
            .remarks
            .push(format!("{} was being written when its driver died", at.offset(last)));
    }
    if let Some(last) = commits.last().copied()
        && facts.read_if_whole(&at.commit(last))?.is_none()
    {
        commits.pop();
        report
            .remarks
            .push(format!("{} was being written when its driver died", at.commit(last)));
    }
    let mut entries = BTreeMap::new();
    for id in &offsets {
        let path = at.offset(*id);
        let entry = facts
            .read(&path)
            .and_then(|b| Ok(Offsets::parse(&path, b.map_or(&[][..], |b| b))?));
        entries.extend(report.take(entry)?.map(|entry| (*id, entry.ends)));
    }
    for id in &commits {
        let path = at.commit(*id);
        report.take(
            facts
                .read(&path)
                .and_then(|b| Ok(Commit::parse(&path, b.map_or(&[][..], |b| b))?)),
        )?;
    }
    (report.last_batch, report.last_commit) = (offsets.last().copied(), commits.last().copied());
    let (batch, commit) = (report.last_batch, report.last_commit);
    let (batch, commit) = (batch.unwrap_or(BatchId::NONE), commit.unwrap_or(BatchId::NONE));
    if commit > batch {
        report.problems.push(format!("{} is missing", at.offset(commit)));
    } else if commit < batch.previous() {
        report
            .problems
            .push(format!("{} is missing", at.commit(batch.previous())));
    }
    if batch > BatchId(0) && !offsets.contains(&batch.previous()) {
        report
            .problems
            .push(format!("{} is missing", at.offset(batch.previous())));
    }
    if commit < batch {
        report.take(Poison::find(facts, at, batch))?;
    }
    let version = if commit == batch { batch.next() } else { batch };
    // Before the first offsets nothing of the state counts.
    if batch >= BatchId(0) {
        states(facts, at, version, &mut report)?;
    }
    let ends = |id: BatchId| entries.get(&id).map_or(&[][..], Vec::as_slice);
    sources(facts, at, listed.2?, (ends(commit), ends(batch)), &mut report)?;
    Ok(report)
}

/// Looks at `metadata`; it may be missing only from a fresh checkpoint.
fn metadata(facts: &Facts, at: &Location, report: &mut Report, fresh: bool) -> Known<()> {
    let path = at.metadata();
    match report.take(facts.read(&path))? {
        Some(Some(bytes)) => {
            let metadata = report.take(Metadata::parse(&path, bytes).map_err(Pause::Failed))?;
            report.query_id = metadata.map(|m| m.id);
        }
        Some(None) if !fresh => report.problems.push(format!("{path} is missing")),
        _ => {}
    }
    Ok(())
}

/// Looks at the state files that version `next` needs.
fn states(facts: &Facts, at: &Location, next: BatchId, report: &mut Report) -> Known<()> {
    let found = (StateFiles::find(facts, at), OperatorRecord::find(facts, at));
    let (files, operators) = (found.0?, found.1);
    let operators = report.take(operators)?.unwrap_or_default();
    let mut waits = false;
    for (operator, record) in &operators {
        for partition in PartitionId::first(record.partitions) {
            let piece = StatePart {
                operator: *operator,
                partition,
            };
            match files.chain(at, piece, next.0.max(0)) {
                Ok(chain) => {
                    for file in chain {
                        let path = file.path(at, piece);
                        let read = facts.read(&path).and_then(|bytes| match bytes {
                            Some(bytes) => Ok(state::decode(&path, bytes)?),
                            None => Err(crate::storage::corrupt(&path, &format!("{path} is missing")).into()),
                        });
                        waits |= report.take(read).is_err();
                    }
                }
                Err(error) => report.problems.push(error.message),
            }
        }
    }
    if waits { Err(Pause::Wanting) } else { Ok(()) }
}

/// Looks at what sources remember, between the offsets where the next batch begins and those where it ends.
fn sources(
    facts: &Facts,
    at: &Location,
    names: &[String],
    (starts, ends): (&[Value], &[Value]),
    report: &mut Report,
) -> Known<()> {
    for number in names.iter().filter_map(|n| n.parse::<usize>().ok()) {
        let folder = at.source(number);
        let end = ends.get(number).unwrap_or(&Value::Null);
        if facts.list(&folder)?.iter().any(|n| n == "wal") {
            let from = starts.get(number).map_or(0, blocks_of);
            let kept = report.take(wal::read(facts, &format!("{folder}/wal"), from))?;
            if let Some(kept) = kept.filter(|k| k.durable < blocks_of(end)) {
                let sentence = format!(
                    "{folder}/wal ends at record {}, before the last batch does",
                    kept.durable
                );
                report.problems.push(sentence);
            }
        } else if let Some(needed) = end["logOffset"].as_i64() {
            report.take(file_log::read(facts, &folder, needed))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use arrow::buffer::Buffer;

    use super::*;
    use crate::ids::OperatorId;
    use crate::storage::facts::decide_over;
    use crate::storage::memory::Memory;

    /// Two batches, both committed, with one piece of state.
    fn checkpoint() -> Memory {
        let (mut disk, at) = (Memory::default(), Location::new("/c"));
        let mut put = |path: String, bytes: Vec<u8>| disk.files.insert(path, Buffer::from(bytes));
        put(at.metadata(), br#"{"id":"the-query"}"#.to_vec());
        for id in 0..2 {
            let offsets = Offsets {
                watermark_ms: 0,
                timestamp_ms: 0,
                conf: BTreeMap::new(),
                ends: vec![json!(id)],
            };
            put(at.offset(BatchId(id)), offsets.text().into_bytes());
            let commit = Commit {
                next_watermark_ms: 0,
                seen_ms: None,
            };
            put(at.commit(BatchId(id)), commit.text().into_bytes());
            put(
                format!("/c/state/0/0/{}.delta", id + 1),
                state::encode(b"rows").to_vec(),
            );
        }
        let record = OperatorRecord {
            name: "stateStoreSave".into(),
            partitions: 1,
            key: "int".into(),
            value: "bigint".into(),
        };
        for (path, text) in record.files(&at, OperatorId(0)) {
            put(path, text.into_bytes());
        }
        disk
    }

    fn report(disk: &mut Memory) -> Report {
        decide_over(disk, |facts| verify(facts, &Location::new("/c"))).unwrap()
    }

    #[test]
    fn a_sound_checkpoint_is_said_to_be_sound() {
        let report = report(&mut checkpoint());
        assert_eq!((&report.problems, &report.remarks), (&vec![], &vec![]));
        assert_eq!(
            (report.last_batch, report.last_commit),
            (Some(BatchId(1)), Some(BatchId(1)))
        );
        assert_eq!(report.json()["sound"], true);
    }

    #[test]
    fn each_file_that_a_restart_needs_is_missed_by_name() {
        for path in [
            "/c/metadata",
            "/c/offsets/0",
            "/c/offsets/1",
            "/c/state/0/0/1.delta",
            "/c/state/0/0/2.delta",
        ] {
            let mut disk = checkpoint();
            disk.files.remove(path);
            let report = report(&mut disk);
            assert!(report.problems.iter().any(|p| p.contains(path)), "{path}: {report:?}");
        }
    }

    #[test]
    fn a_file_of_another_content_is_named() {
        for path in ["/c/metadata", "/c/offsets/0", "/c/commits/0", "/c/state/0/0/1.delta"] {
            let mut disk = checkpoint();
            disk.files.insert(path.into(), Buffer::from(&b"something else"[..]));
            let report = report(&mut disk);
            assert!(report.problems.iter().any(|p| p.contains(path)), "{path}: {report:?}");
        }
    }
}
