//! What a restart does, decided by what is in the checkpoint (`MicroBatchExecution.populateStartOffsets`).
//!
//! The last entries of the offset and the commit log decide: a batch that is in both is over, and the next one follows;
//! one that is only in the offset log runs again, as it was. The last entry of either log may be damaged, if its writer
//! died over it: then it was never answered, and counts as absent. Anything else that is missing or damaged is an error
//! that names the file; nothing is guessed.
//!
//! | last offsets | last commit | then |
//! |--------------|-------------|------|
//! | none | none | batch 0, from the very beginning |
//! | N | N | batch N + 1, from the ends of N |
//! | N | N - 1 | batch N again, from the ends of N - 1 to those of N |
//! | anything else | | an error: a file is missing |

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Location;
use super::logs::{Commit, Metadata, Offsets};
use super::poison::Poison;
use super::state::{OperatorRecord, StateFiles};
use crate::error::{Exception, Result, SparkError};
use crate::ids::{BatchId, OperatorId};
use crate::sources::{Definition, Memory};
use crate::storage::facts::{Facts, Known, batch_ids};
use crate::storage::missing;

/// Where a query continues.
#[derive(Debug, Clone, Default)]
pub struct Resume {
    /// The file `metadata`; `None` if it is still to be written.
    pub metadata: Option<Metadata>,
    /// The batch that runs next. Its state is that of version `next_batch`.
    pub next_batch: BatchId,
    /// What that batch takes, if it ran before.
    pub again: Option<Offsets>,
    /// Where it begins, per source; `None` at the very beginning.
    pub starts: Option<Vec<Value>>,
    /// The watermark that the batch evicts by, ms since the epoch.
    pub watermark_ms: i64,
    /// How far each `withWatermark` has come; `None` if only the watermark is known.
    pub seen_ms: Option<Vec<Option<i64>>>,
    /// Watermark of the batch before, by which lateness is judged; `None` at the beginning.
    pub last_watermark_ms: Option<i64>,
    /// Settings that the offset log keeps, which override those of the session.
    pub conf: BTreeMap<String, String>,
    /// Entries of the offset log that count.
    pub offset_ids: BTreeSet<BatchId>,
    /// Entries of the commit log that count.
    pub commit_ids: BTreeSet<BatchId>,
    /// State files of all versions, later ones included.
    pub state: StateFiles,
    /// What the checkpoint says of stateful operators, by their ids; empty before the first offsets.
    pub operators: BTreeMap<OperatorId, OperatorRecord>,
    /// What each source remembers.
    pub memories: Vec<Memory>,
    /// What is known of deaths of the batch that runs again.
    pub poison: Poison,
}

/// Refuses a query whose sources are not those of its checkpoint: their number, and their formats in order.
///
/// # Errors
/// `CHECKPOINT_INCOMPATIBLE.SOURCES`.
fn check_sources(stored: Option<&[String]>, logged: Option<usize>, now: &[&Definition]) -> Result<()> {
    if let Some(count) = logged.filter(|count| *count != now.len()) {
        return Err(changed(format!(
            "There are [{count}] sources in the checkpoint offsets and now there are [{}] sources requested by the query. Cannot continue.",
            now.len()
        )));
    }
    for (number, (old, new)) in stored.into_iter().flatten().zip(now).enumerate() {
        if old != new.name {
            return Err(changed(format!(
                "Source {number} of the checkpoint has the format {old}, and that of the query has the format {}.",
                new.name
            )));
        }
    }
    Ok(())
}

/// Returns the error of a query whose sources are not those of its checkpoint.
fn changed(sentence: String) -> SparkError {
    SparkError::new(Exception::Runtime, "CHECKPOINT_INCOMPATIBLE.SOURCES", "42K03", sentence)
}

/// The two ends of the logs.
struct Ends {
    /// The last entry of the offset log.
    offsets: Option<(BatchId, Offsets)>,
    /// The entry before it, where the last one begins.
    before: Option<Offsets>,
    /// The last entry of the commit log.
    commit: Option<(BatchId, Commit)>,
}

/// Reads the ends of both logs, and forgets a last entry that was torn.
///
/// # Errors
/// Pauses until the entries are read. `CHECKPOINT_CORRUPT` if an entry is missing or not whole.
fn ends(
    facts: &Facts,
    at: &Location,
    offset_ids: &mut BTreeSet<BatchId>,
    commit_ids: &mut BTreeSet<BatchId>,
) -> Known<Ends> {
    let last = |ids: &BTreeSet<BatchId>| ids.last().copied();
    let tail = offset_ids.iter().rev().take(3).map(|id| at.offset(*id));
    let tail: Vec<String> = tail
        .chain(commit_ids.iter().rev().take(2).map(|id| at.commit(*id)))
        .collect();
    facts.want_all(&tail)?;
    if let Some(id) = last(commit_ids)
        && facts.read_if_whole(&at.commit(id))?.is_none()
    {
        commit_ids.remove(&id);
    }
    let commit = match last(commit_ids) {
        None => None,
        Some(id) => {
            let path = at.commit(id);
            let bytes = facts.read(&path)?.ok_or_else(|| missing(&path))?;
            Some((id, Commit::parse(&path, bytes)?))
        }
    };
    let committed = commit.as_ref().map(|(id, _)| *id);
    if let Some(id) = last(offset_ids).filter(|id| committed.is_none_or(|c| c < *id))
        && facts.read_if_whole(&at.offset(id))?.is_none()
    {
        offset_ids.remove(&id);
    }
    let read = |id: BatchId| -> Known<Offsets> {
        let path = at.offset(id);
        let bytes = facts.read(&path)?.ok_or_else(|| missing(&path))?;
        Ok(Offsets::parse(&path, bytes)?)
    };
    let offsets = match last(offset_ids) {
        None => None,
        Some(id) => Some((id, read(id)?)),
    };
    let before = match &offsets {
        Some((id, _)) if *id > BatchId(0) => Some(read(id.previous())?),
        _ => None,
    };
    Ok(Ends {
        offsets,
        before,
        commit,
    })
}

/// Decides where a query over these sources continues.
///
/// # Errors
/// Pauses until what it needs is read. What is missing, damaged or does not belong together, by name; sources that are
/// not those of the checkpoint.
pub fn resume(facts: &Facts, at: &Location, sources: &[&Definition]) -> Known<Resume> {
    let path = at.metadata();
    // Noted together, so that they are asked for together.
    let listed = (
        facts.read_if_whole(&path),
        facts.list(&at.offsets()),
        facts.list(&at.commits()),
    );
    let metadata = match listed.0? {
        Some(bytes) => Some(Metadata::parse(&path, bytes)?),
        None => None,
    };
    let mut offset_ids: BTreeSet<BatchId> = batch_ids(listed.1?).map(BatchId).collect();
    let mut commit_ids: BTreeSet<BatchId> = batch_ids(listed.2?).map(BatchId).collect();
    let ends = ends(facts, at, &mut offset_ids, &mut commit_ids)?;
    if metadata.is_none() && !offset_ids.is_empty() {
        return Err(missing(&path).into());
    }
    let logged = ends.offsets.as_ref().map(|(_, offsets)| offsets.ends.len());
    let stored = metadata
        .as_ref()
        .and_then(|m| m.sources.as_deref())
        .filter(|_| logged.is_some());
    check_sources(stored, logged, sources)?;
    let committed = ends.commit.as_ref().map_or(BatchId::NONE, |(id, _)| *id);
    let latest = ends.offsets.as_ref().map_or(BatchId::NONE, |(id, _)| *id);
    let mut resume = Resume {
        metadata,
        next_batch: latest.max(BatchId(0)),
        ..Resume::default()
    };
    match (ends.offsets, ends.commit) {
        (None, None) => {}
        (Some((id, offsets)), Some((done, commit))) if id == done => {
            resume.next_batch = id.next();
            resume.watermark_ms = offsets.watermark_ms.max(commit.next_watermark_ms);
            resume.seen_ms = commit.seen_ms;
            resume.last_watermark_ms = Some(offsets.watermark_ms);
            resume.conf = offsets.conf;
            resume.starts = Some(offsets.ends);
        }
        (Some((id, offsets)), commit) if committed == id.previous() => {
            resume.watermark_ms = offsets.watermark_ms;
            resume.seen_ms = commit.and_then(|(_, c)| c.seen_ms);
            resume.last_watermark_ms = ends.before.as_ref().map(|b| b.watermark_ms);
            resume.conf.clone_from(&offsets.conf);
            resume.starts = ends.before.map(|b| b.ends);
            resume.again = Some(offsets);
        }
        _ if committed > latest => return Err(missing(&at.offset(committed)).into()),
        _ => return Err(missing(&at.commit(latest.previous())).into()),
    }
    // Before the first offsets they may be torn, and are written again.
    let operators = if offset_ids.is_empty() {
        Ok(BTreeMap::new())
    } else {
        OperatorRecord::find(facts, at)
    };
    let found = (
        StateFiles::find(facts, at),
        operators,
        memories(facts, at, sources, &resume),
        match resume.again {
            Some(_) => Poison::find(facts, at, resume.next_batch),
            None => Ok(Poison::default()),
        },
    );
    (resume.state, resume.operators, resume.memories) = (found.0?, found.1?, found.2?);
    resume.poison = found.3?;
    (resume.offset_ids, resume.commit_ids) = (offset_ids, commit_ids);
    Ok(resume)
}

/// Reads what each source remembers between the offsets where the next batch begins and ends.
///
/// # Errors
/// Pauses, after every source has asked for what it needs; the sources' own.
fn memories(facts: &Facts, at: &Location, sources: &[&Definition], resume: &Resume) -> Known<Vec<Memory>> {
    let mut found = Vec::new();
    let mut waits = None;
    for (number, source) in sources.iter().enumerate() {
        let start = resume
            .starts
            .as_ref()
            .and_then(|s| s.get(number))
            .unwrap_or(&Value::Null);
        let end = resume.again.as_ref().and_then(|a| a.ends.get(number)).unwrap_or(start);
        match (source.recall)(facts, &at.source(number), start, end) {
            Ok(memory) => found.push(memory),
            Err(pause) => waits = Some(pause),
        }
    }
    waits.map_or(Ok(found), Err)
}

#[cfg(test)]
mod tests {
    use arrow::buffer::Buffer;
    use serde_json::json;

    use super::*;
    use crate::sources;
    use crate::storage::facts::decide_over;
    use crate::storage::memory::Memory as Disk;

    fn rate() -> Vec<&'static Definition> {
        vec![sources::find("rate").unwrap()]
    }

    /// A checkpoint whose logs have these batches.
    fn disk(offsets: &[i64], commits: &[i64]) -> Disk {
        let mut disk = Disk::default();
        let mut put = |path: String, text: String| disk.files.insert(path, Buffer::from(text.into_bytes()));
        let at = Location::new("/c");
        put(at.metadata(), json!({ "id": "the-query" }).to_string());
        put("/c/sources/0/0".into(), "v1\n1000".into());
        for id in offsets {
            let entry = Offsets {
                watermark_ms: id * 10,
                timestamp_ms: id * 100,
                conf: BTreeMap::from([("spark.sql.shuffle.partitions".into(), "2".into())]),
                ends: vec![json!(id + 1)],
            };
            put(at.offset(BatchId(*id)), entry.text());
        }
        for id in commits {
            let entry = Commit {
                next_watermark_ms: id * 10 + 10,
                seen_ms: None,
            };
            put(at.commit(BatchId(*id)), entry.text());
        }
        disk
    }

    /// Whether the rate source writes down when it began.
    fn begins_anew(resume: &Resume) -> bool {
        let spec = sources::StreamSpec {
            format: "rate".into(),
            path: None,
            options: BTreeMap::new(),
        };
        let mut source = (rate()[0].open)(&spec, 0).unwrap();
        source
            .restore("/c/sources/0".into(), &Value::Null, &resume.memories[0])
            .is_some()
    }

    fn decide(disk: &mut Disk) -> Result<Resume> {
        decide_over(disk, |facts| resume(facts, &Location::new("/c/"), &rate()))
    }

    #[test]
    fn an_empty_folder_begins_at_batch_0() {
        let resume = decide(&mut Disk::default()).unwrap();
        assert!(begins_anew(&resume));
        assert_eq!(
            (resume.next_batch, resume.again, resume.starts),
            (BatchId(0), None, None)
        );
    }

    #[test]
    fn a_committed_batch_is_over_and_the_next_begins_where_it_ended() {
        let resume = decide(&mut disk(&[3, 4], &[3, 4])).unwrap();
        assert!(!begins_anew(&resume));
        assert_eq!((resume.next_batch, resume.again), (BatchId(5), None));
        assert_eq!(resume.starts, Some(vec![json!(5)]));
        assert_eq!((resume.watermark_ms, resume.last_watermark_ms), (50, Some(40)));
        assert_eq!(resume.conf["spark.sql.shuffle.partitions"], "2");
    }

    #[test]
    fn a_batch_that_was_not_committed_runs_again_with_its_offsets_watermark_and_time() {
        let resume = decide(&mut disk(&[3, 4], &[3])).unwrap();
        let again = resume.again.unwrap();
        assert_eq!(
            (resume.next_batch, again.timestamp_ms, again.watermark_ms),
            (BatchId(4), 400, 40)
        );
        assert_eq!((again.ends, resume.starts), (vec![json!(5)], Some(vec![json!(4)])));
        assert_eq!((resume.watermark_ms, resume.last_watermark_ms), (40, Some(30)));
        let first = decide(&mut disk(&[0], &[])).unwrap();
        assert_eq!(
            (first.next_batch, first.starts, first.again.is_some()),
            (BatchId(0), None, true)
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        for (offsets, commits, path) in [
            (&[0, 1][..], &[0, 1, 2][..], "/c/offsets/2"),
            (&[2], &[2], "/c/offsets/1"),
            (&[0, 1, 2], &[0], "/c/commits/1"),
        ] {
            let error = decide(&mut disk(offsets, commits)).unwrap_err();
            assert_eq!(error.condition.as_deref(), Some("CHECKPOINT_CORRUPT"));
            assert_eq!(error.parameters["path"], path);
        }
        let mut nameless = disk(&[0], &[0]);
        nameless.files.remove("/c/metadata");
        assert_eq!(decide(&mut nameless).unwrap_err().parameters["path"], "/c/metadata");
    }

    #[test]
    fn changed_sources_are_refused_with_what_differs() {
        let two = [rate(), rate()].concat();
        let at = Location::new("/c");
        let error = decide_over(&mut disk(&[0], &[0]), |facts| resume(facts, &at, &two)).unwrap_err();
        assert!(
            error.message.contains("There are [1] sources in the checkpoint offsets and now there are [2] sources requested by the query. Cannot continue."),
            "{error}"
        );
        let mut other = disk(&[0], &[0]);
        let metadata = Metadata {
            id: "the-query".into(),
            sources: Some(vec!["json".into()]),
        };
        other
            .files
            .insert("/c/metadata".into(), Buffer::from(metadata.text().into_bytes()));
        let error = decide(&mut other).unwrap_err();
        assert!(
            error.message.contains("format json") && error.message.contains("format rate"),
            "{error}"
        );
    }
}
