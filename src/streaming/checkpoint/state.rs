//! Files of state: which exist, which a version needs, which nobody needs any more.
//!
//! Version `v` of a piece (one operator, one partition) is its state after batch `v − 1`; version 0 is empty. A delta
//! takes version `v − 1` to `v`; a snapshot is version `v` itself. A file is eight bytes, `RVST` and the format
//! version, and then what executors made: opaque here.
//!
//! ```text
//! version       1      2      3      4      5      6
//! files         delta  delta  snap   delta  delta  delta
//! chain of 5                  snap ─ delta ─ delta
//! cut_before 4  gone   gone   kept   …                       no version from 4 on needs more than the snapshot of 3
//! ```

use std::collections::BTreeMap;

use arrow::buffer::Buffer;
use serde_json::{Value, json};

use super::Location;
use crate::error::{Exception, Result, SparkError};
use crate::ids::{OperatorId, PartitionId, StatePart};
use crate::storage::corrupt;
use crate::storage::facts::{Facts, Known};

/// The first bytes of every state file: a name and the version of the format.
const HEAD: &[u8; 8] = b"RVST\0\0\0\x01";

/// What a state file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What changed from the version before.
    Delta,
    /// All of the state.
    Snapshot,
}

/// A file of one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateFile {
    /// The version that the file makes.
    pub version: i64,
    /// What it holds.
    pub kind: Kind,
}

impl StateFile {
    /// Returns the file's name: `5.delta`.
    fn name(self) -> String {
        let kind = match self.kind {
            Kind::Delta => "delta",
            Kind::Snapshot => "snapshot",
        };
        format!("{}.{kind}", self.version)
    }

    /// Reads a file's name; `None` for files that are not of state, such as those that a crash left half written.
    fn parse(name: &str) -> Option<Self> {
        let (version, kind) = name.split_once('.')?;
        let kind = match kind {
            "delta" => Kind::Delta,
            "snapshot" => Kind::Snapshot,
            _ => return None,
        };
        let version = version.parse().ok().filter(|v| *v > 0)?;
        Some(Self { version, kind })
    }

    /// Returns the file's path within a checkpoint.
    pub fn path(self, at: &Location, part: StatePart) -> String {
        format!("{}/{}/{}/{}", at.state(), part.operator, part.partition, self.name())
    }
}

/// Returns the file of a delta or snapshot: head, then content. Copies the content.
pub fn encode(content: &[u8]) -> Buffer {
    let mut file = Vec::with_capacity(HEAD.len() + content.len());
    file.extend_from_slice(HEAD);
    file.extend_from_slice(content);
    Buffer::from(file)
}

/// Returns the content of a state file, without a copy.
///
/// # Errors
/// `CHECKPOINT_CORRUPT` for another format: Spark's own state files among them.
pub fn decode(path: &str, file: &Buffer) -> Result<Buffer> {
    if !file.starts_with(HEAD) {
        return Err(corrupt(
            path,
            &format!("{path} is not a state file of Rivulet's format 1"),
        ));
    }
    Ok(file.slice(HEAD.len()))
}

/// All state files of a checkpoint.
///
/// ```
/// use rivulet::ids::{OperatorId, PartitionId, StatePart};
/// use rivulet::streaming::checkpoint::Location;
/// use rivulet::streaming::checkpoint::state::{Kind, StateFile, StateFiles};
///
/// let at = Location::new("cp");
/// let part = StatePart { operator: OperatorId(0), partition: PartitionId(0) };
/// let mut files = StateFiles::default();
/// files.add(part, StateFile { version: 1, kind: Kind::Delta });
/// files.add(part, StateFile { version: 2, kind: Kind::Snapshot });
/// files.add(part, StateFile { version: 3, kind: Kind::Delta });
/// assert_eq!(files.chain(&at, part, 3)?.len(), 2);
/// assert_eq!(files.cut_before(&at, 2), ["cp/state/0/0/1.delta"]);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateFiles {
    /// Kinds of files by piece and version.
    pieces: BTreeMap<StatePart, BTreeMap<i64, Vec<Kind>>>,
}

impl StateFiles {
    /// Looks at the folders of state; files with other names are ignored.
    ///
    /// # Errors
    /// Pauses until all folders are listed.
    pub fn find(facts: &Facts, at: &Location) -> Known<Self> {
        let mut found = Self::default();
        let number = |name: &String| name.parse::<usize>().ok();
        let operators: Vec<usize> = facts.list(&at.state())?.iter().filter_map(number).collect();
        let mut folders = Vec::new();
        let mut waits = None;
        for operator in operators {
            match facts.list(&format!("{}/{operator}", at.state())) {
                Ok(names) => folders.extend(names.iter().filter_map(number).map(|partition| StatePart {
                    operator: OperatorId(operator),
                    partition: PartitionId(partition),
                })),
                Err(pause) => waits = Some(pause),
            }
        }
        for part in folders {
            match facts.list(&format!("{}/{}/{}", at.state(), part.operator, part.partition)) {
                Ok(names) => {
                    for file in names.iter().filter_map(|n| StateFile::parse(n)) {
                        found.add(part, file);
                    }
                }
                Err(pause) => waits = Some(pause),
            }
        }
        waits.map_or(Ok(found), Err)
    }

    /// Notes a file that exists, or is about to.
    pub fn add(&mut self, piece: StatePart, file: StateFile) {
        let kinds = self.pieces.entry(piece).or_default().entry(file.version).or_default();
        if !kinds.contains(&file.kind) {
            kinds.push(file.kind);
        }
    }

    /// Returns the pieces that have files.
    pub fn pieces(&self) -> impl Iterator<Item = StatePart> + '_ {
        self.pieces.keys().copied()
    }

    /// Returns the files that make a version, oldest first: the newest snapshot up to it, and the deltas since. Version
    /// 0 needs none.
    ///
    /// # Errors
    /// `CHECKPOINT_CORRUPT`, naming the first file that is missing.
    pub fn chain(&self, at: &Location, piece: StatePart, version: i64) -> Result<Vec<StateFile>> {
        let mut chain = Vec::new();
        let files = self.pieces.get(&piece);
        for version in (1..=version).rev() {
            let kinds = files.and_then(|f| f.get(&version)).map_or(&[][..], Vec::as_slice);
            if kinds.contains(&Kind::Snapshot) {
                chain.push(StateFile {
                    version,
                    kind: Kind::Snapshot,
                });
                break;
            }
            let delta = StateFile {
                version,
                kind: Kind::Delta,
            };
            if !kinds.contains(&Kind::Delta) {
                let path = delta.path(at, piece);
                return Err(corrupt(&path, &format!("{path} is missing")));
            }
            chain.push(delta);
        }
        chain.reverse();
        Ok(chain)
    }

    /// Forgets the files of later versions, made by batches that were never committed, and returns their paths.
    pub fn cut_after(&mut self, at: &Location, version: i64) -> Vec<String> {
        let mut gone = Vec::new();
        for (piece, files) in &mut self.pieces {
            for (version, kinds) in files.split_off(&(version + 1)) {
                gone.extend(
                    kinds
                        .iter()
                        .map(|kind| StateFile { version, kind: *kind }.path(at, *piece)),
                );
            }
        }
        gone
    }

    /// Forgets the files that no version from `oldest` on needs, and returns their paths. If that cannot be known for
    /// sure, none: a piece loses files only if a snapshot at or before `oldest` stays.
    pub fn cut_before(&mut self, at: &Location, oldest: i64) -> Vec<String> {
        let mut gone = Vec::new();
        for (piece, files) in &mut self.pieces {
            let base = files.range(..=oldest).rev().find(|(_, k)| k.contains(&Kind::Snapshot));
            let Some(base) = base.map(|(version, _)| *version) else {
                continue;
            };
            let kept = files.split_off(&base);
            for (version, kinds) in std::mem::replace(files, kept) {
                gone.extend(
                    kinds
                        .iter()
                        .map(|kind| StateFile { version, kind: *kind }.path(at, *piece)),
                );
            }
        }
        gone
    }
}

/// What a checkpoint says of a stateful operator (`OperatorStateMetadataV1`, and the schema of its rows).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorRecord {
    /// Spark's name of the operator.
    pub name: String,
    /// Number of partitions of its state.
    pub partitions: usize,
    /// Types of the key's columns, as a struct's inside.
    pub key: String,
    /// Types of the other columns.
    pub value: String,
}

impl OperatorRecord {
    /// Returns (path, content) of both files.
    pub fn files(&self, at: &Location, operator: OperatorId) -> [(String, String); 2] {
        let folder = format!("{}/{operator}/_metadata", at.state());
        let metadata = json!({
            "operatorInfo": { "operatorId": operator.0, "operatorName": self.name },
            "stateStoreInfo": [{ "storeName": "default", "numColsPrefixKey": 0, "numPartitions": self.partitions }],
        });
        let schema = json!({ "key": self.key, "value": self.value });
        [
            (format!("{folder}/metadata"), format!("v1\n{metadata}")),
            (format!("{folder}/schema"), format!("v1\n{schema}")),
        ]
    }

    /// Reads both files of an operator; `None` if one is missing.
    ///
    /// # Errors
    /// Pauses until they are read. `CHECKPOINT_CORRUPT` if one is not such a file.
    fn read(facts: &Facts, at: &Location, operator: OperatorId) -> Known<Option<Self>> {
        let folder = format!("{}/{operator}/_metadata", at.state());
        let paths = [format!("{folder}/metadata"), format!("{folder}/schema")];
        facts.want_all(&paths)?;
        let mut values = Vec::new();
        for path in &paths {
            let Some(bytes) = facts.read(path)? else {
                return Ok(None);
            };
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            let value: Option<Value> = text.strip_prefix("v1\n").and_then(|t| serde_json::from_str(t).ok());
            values.push(value.ok_or_else(|| corrupt(path, &format!("{path} does not describe an operator's state")))?);
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let partitions = &values[0]["stateStoreInfo"][0]["numPartitions"];
        Ok(Some(Self {
            name: text(&values[0]["operatorInfo"]["operatorName"]),
            partitions: usize::try_from(partitions.as_u64().unwrap_or(0)).unwrap_or(0),
            key: text(&values[1]["key"]),
            value: text(&values[1]["value"]),
        }))
    }

    /// Returns all operators that a checkpoint knows.
    ///
    /// # Errors
    /// Pauses until all are read. `CHECKPOINT_CORRUPT` if a description cannot be read.
    pub fn find(facts: &Facts, at: &Location) -> Known<BTreeMap<OperatorId, Self>> {
        let names = facts.list(&at.state())?;
        let mut found = BTreeMap::new();
        let mut waits = None;
        for operator in names.iter().filter_map(|n| n.parse().ok()).map(OperatorId) {
            match Self::read(facts, at, operator) {
                Ok(record) => found.extend(record.map(|r| (operator, r))),
                Err(pause) => waits = Some(pause),
            }
        }
        waits.map_or(Ok(found), Err)
    }
}

/// Refuses a query whose stateful operators are not those of its checkpoint.
///
/// # Errors
/// `STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA`, `STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE` and
/// `STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE` as Spark has them; `CHECKPOINT_INCOMPATIBLE.STATE_PARTITIONS`.
pub fn compare(
    stored: &BTreeMap<OperatorId, OperatorRecord>,
    now: &BTreeMap<OperatorId, OperatorRecord>,
) -> Result<()> {
    let names = |records: &BTreeMap<OperatorId, OperatorRecord>| {
        let pairs = records
            .iter()
            .map(|(id, r)| format!("(OperatorId: {id} -> OperatorName: {})", r.name));
        pairs.collect::<Vec<_>>().join(", ")
    };
    let (old, new) = (names(stored), names(now));
    if old != new {
        return Err(SparkError::new(
            Exception::Runtime,
            "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA",
            "42K03",
            format!("Streaming stateful operator name does not match with the operator in state metadata. This likely to happen when user adds/removes/changes stateful operator of existing streaming query.\nStateful operators in the metadata: [{old}]; Stateful operators in current batch: [{new}]."),
        )
        .with("OpsInMetadataSeq", old)
        .with("OpsInCurBatchSeq", new));
    }
    for (operator, (old, new)) in stored.iter().map(|(id, r)| (id, (r, &now[id]))) {
        for (part, old, new) in [("key", &old.key, &new.key), ("value", &old.value, &new.value)] {
            if old == new {
                continue;
            }
            let upper = part.to_uppercase();
            return Err(SparkError::new(
                Exception::UnsupportedOperation,
                &format!("STATE_STORE_{upper}_SCHEMA_NOT_COMPATIBLE"),
                "42K06",
                format!("Provided {part} schema does not match existing state {part} schema.\nPlease check number and type of fields.\nExisting {part}_schema=struct<{old}> and new {part}_schema=struct<{new}>."),
            )
            .with(if part == "key" { "storedKeySchema" } else { "storedValueSchema" }, old.clone())
            .with(if part == "key" { "newKeySchema" } else { "newValueSchema" }, new.clone()));
        }
        if old.partitions != new.partitions {
            return Err(SparkError::new(
                Exception::UnsupportedOperation,
                "CHECKPOINT_INCOMPATIBLE.STATE_PARTITIONS",
                "42K06",
                format!(
                    "The query does not match its checkpoint: the state of operator {operator} is in {} partitions, and the query wants {}.",
                    old.partitions, new.partitions
                ),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE: StatePart = StatePart {
        operator: OperatorId(0),
        partition: PartitionId(3),
    };

    fn files(names: &[&str]) -> StateFiles {
        let mut files = StateFiles::default();
        for name in names {
            files.add(PIECE, StateFile::parse(name).unwrap());
        }
        files
    }

    fn at() -> Location {
        Location::new("/c")
    }

    fn chain(files: &StateFiles, version: i64) -> Result<Vec<String>> {
        let chain = files.chain(&at(), PIECE, version)?;
        Ok(chain.into_iter().map(StateFile::name).collect())
    }

    #[test]
    fn a_version_is_its_last_snapshot_and_the_deltas_after_it() {
        let files = files(&["1.delta", "2.delta", "3.snapshot", "4.delta", "5.delta"]);
        assert_eq!(chain(&files, 0).unwrap(), [""; 0]);
        assert_eq!(chain(&files, 2).unwrap(), ["1.delta", "2.delta"]);
        assert_eq!(chain(&files, 3).unwrap(), ["3.snapshot"]);
        assert_eq!(chain(&files, 5).unwrap(), ["3.snapshot", "4.delta", "5.delta"]);
    }

    #[test]
    fn a_chain_with_a_hole_is_an_error_that_names_the_missing_file() {
        let files = files(&["1.delta", "3.delta"]);
        let error = chain(&files, 3).unwrap_err();
        assert_eq!(error.parameters["path"], "/c/state/0/3/2.delta");
        assert_eq!(chain(&files, 4).unwrap_err().parameters["path"], "/c/state/0/3/4.delta");
    }

    #[test]
    fn cleaning_never_takes_what_a_kept_version_needs() {
        let all: Vec<String> = (1..=30)
            .map(|v| {
                if v % 7 == 0 {
                    format!("{v}.snapshot")
                } else {
                    format!("{v}.delta")
                }
            })
            .collect();
        let names: Vec<&str> = all.iter().map(String::as_str).collect();
        for oldest in 0..=30 {
            let mut kept = files(&names);
            let before = chain(&files(&names), oldest).unwrap();
            let gone = kept.cut_before(&at(), oldest);
            assert_eq!(chain(&kept, oldest).unwrap(), before, "oldest {oldest}");
            assert!(chain(&kept, 30).is_ok());
            assert_eq!(gone.len() as i64, (oldest / 7 * 7 - 1).max(0), "oldest {oldest}");
        }
        assert!(files(&["1.delta", "2.delta"]).cut_before(&at(), 2).is_empty());
    }

    #[test]
    fn files_of_batches_that_were_not_committed_are_cut() {
        let mut files = files(&["1.delta", "2.delta", "3.snapshot", "3.delta"]);
        assert_eq!(
            files.cut_after(&at(), 2),
            ["/c/state/0/3/3.snapshot", "/c/state/0/3/3.delta"]
        );
        assert!(chain(&files, 2).is_ok() && chain(&files, 3).is_err());
    }

    fn record(name: &str, key: &str, value: &str) -> BTreeMap<OperatorId, OperatorRecord> {
        let record = OperatorRecord {
            name: name.into(),
            partitions: 2,
            key: key.into(),
            value: value.into(),
        };
        BTreeMap::from([(OperatorId(0), record)])
    }

    #[test]
    fn changed_operators_are_refused_with_sparks_conditions_and_what_differs() {
        let old = record("stateStoreSave", "string", "bigint");
        assert!(compare(&old, &old.clone()).is_ok());
        for (new, condition, words) in [
            (
                record("dedupe", "string", "bigint"),
                "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA",
                "(OperatorId: 0 -> OperatorName: dedupe)",
            ),
            (
                BTreeMap::new(),
                "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA",
                "current batch: []",
            ),
            (
                record("stateStoreSave", "int", "bigint"),
                "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE",
                "struct<string> and new key_schema=struct<int>",
            ),
            (
                record("stateStoreSave", "string", "double"),
                "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE",
                "struct<bigint> and new value_schema=struct<double>",
            ),
        ] {
            let error = compare(&old, &new).unwrap_err();
            assert_eq!(error.condition.as_deref(), Some(condition));
            assert!(error.message.contains(words), "{error}");
        }
        let mut more = old.clone();
        more.get_mut(&OperatorId(0)).unwrap().partitions = 3;
        let error = compare(&old, &more).unwrap_err();
        assert!(
            error.message.contains("in 2 partitions, and the query wants 3"),
            "{error}"
        );
    }
}
