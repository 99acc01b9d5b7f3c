//! Files that appear in a folder (`FileStreamSource`). An offset is the number of the last entry of the source's log:
//! entry by entry, the files that one batch takes.
//!
//! ```text
//! listed ──new──▶ pending ──plan──▶ entry N, logged ──read──▶ bytes ──committed──▶ forgotten, but for the name
//! ```
//!
//! A file is taken once, by its path: one that is changed after it was seen is not read again, as in Spark.

use std::collections::{BTreeMap, HashSet, VecDeque};

use arrow::buffer::Buffer;
use serde_json::{Value, json};

use super::limits::{Limits, MAX_BYTES, MAX_FILES};
use super::listing::{self, SourceFile, Wanted};
use super::options::{Kind, Opt, Options};
use super::{Definition, Format, Guarantee, Memory, Records, Source, StreamSpec};
use crate::error::{Result, SparkError};
use crate::storage::facts::{Facts, Known};
use crate::storage::file_log::{Seen, Written};
use crate::storage::files::Files;
use crate::storage::{Request, corrupt, file_log as files};
use crate::values::interval::interval_micros;

/// Folder of the log that a file sink keeps beside its files.
pub const SINK_LOG: &str = "_spark_metadata";

/// Whether a file is known by its name alone.
const NAME_ONLY: Opt = Opt::new(
    "fileNameOnly",
    Kind::Flag,
    Some("false"),
    "Says whether a file is one that was seen if its name is, whatever its folder.",
);
/// How old a file may be.
const MAX_AGE: Opt = Opt::new(
    "maxFileAge",
    Kind::Duration,
    Some("7d"),
    "Says how much older than the newest file seen before a new file may be; with latestFirst and a limit it has no effect.",
);
/// What happens to files that were read.
const CLEAN: Opt = Opt::new(
    "cleanSource",
    Kind::Word(&["off"]),
    Some("off"),
    "Says what happens to files that were read: they stay, `off`.",
);
/// How many files of a listing are kept for the next batches.
const MAX_CACHED: Opt = Opt::new(
    "maxCachedFiles",
    Kind::Text,
    Some("10000"),
    "Says how many files Spark keeps of a listing; here all are kept, whatever it says.",
);
/// Whether new files are read newest first.
const LATEST_FIRST: Opt = Opt::new(
    "latestFirst",
    Kind::Flag,
    Some("false"),
    "Says whether the newest of the new files go first.",
);

/// Files of JSON objects.
pub const JSON: Definition = Definition {
    name: "json",
    about: "Has the records of JSON files that appear in a folder.",
    options: &[
        MAX_FILES,
        MAX_BYTES,
        LATEST_FIRST,
        NAME_ONLY,
        MAX_AGE,
        CLEAN,
        MAX_CACHED,
    ],
    records: Records::Own(Format::Json),
    offset: "the number of the last entry in the log of files",
    guarantee: Guarantee::Replayable,
    orders: false,
    passes: None,
    check: |_| Ok(()),
    open,
    recall,
    table: None,
};

/// Files of comma-separated values.
pub const CSV: Definition = Definition {
    name: "csv",
    about: "Has the records of CSV files that appear in a folder.",
    records: Records::Own(Format::Csv),
    ..JSON
};

/// Files of lines.
pub const TEXT: Definition = Definition {
    name: "text",
    about: "Has the lines of text files that appear in a folder.",
    records: Records::Own(Format::Text),
    ..JSON
};

/// Makes the source.
fn open(spec: &StreamSpec, _: i64) -> Result<Box<dyn Source>> {
    let options = Options(&spec.options);
    let limits = Limits::new(&options);
    let mut source = FileSource::new(
        spec.path.clone().unwrap_or_default(),
        limits.clone().unwrap_or_default(),
    );
    source.trouble = limits.err();
    source.wanted = Wanted::new(&spec.options)?;
    source.options = spec.options.clone();
    source.latest_first = options.flag(&LATEST_FIRST);
    source.name_only = options.flag(&NAME_ONLY);
    let day_us = 86_400_000_000;
    let age_us = options.text(&MAX_AGE).and_then(interval_micros).unwrap_or(7 * day_us);
    let limited = source.limits != Limits::default();
    source.max_age_ms = (age_us / 1000).max(0);
    if source.latest_first && limited {
        source.max_age_ms = i64::MAX;
    }
    Ok(Box::new(source))
}

/// Reads which files earlier batches took.
fn recall(facts: &Facts, folder: &str, _: &Value, end: &Value) -> Known<Memory> {
    let entries = files::read(facts, folder, entry_of(end))?;
    let seen = entries.values().flatten().map(|line| Seen::parse(folder, line));
    Ok(Memory::of(seen.collect::<Result<Vec<Seen>>>()?))
}

/// Returns the number of the last entry that an offset covers; -1 before the first batch.
fn entry_of(offset: &Value) -> i64 {
    offset["logOffset"].as_i64().unwrap_or(-1)
}

impl Source for FileSource {
    fn description(&self) -> String {
        format!("FileStreamSource[{}]", self.path)
    }

    fn restore(&mut self, folder: String, start: &Value, memory: &Memory) -> Option<Request> {
        let seen = memory.get::<Vec<Seen>>().cloned().unwrap_or_default();
        self.go_on(folder, entry_of(start), seen);
        None
    }

    fn discover(&mut self, files: &dyn Files) -> Result<()> {
        self.look(files)
    }

    fn has_data(&self, start: &Value, _: i64) -> bool {
        self.has_entries(entry_of(start))
    }

    fn plan(&mut self, start: &Value, _: i64, all: bool) -> (Value, Option<Request>) {
        let (end, log) = self.next_entry(entry_of(start), all);
        (json!({ "logOffset": end }), log)
    }

    fn read(&mut self, start: &Value, end: &Value, files: &dyn Files) -> Result<Vec<Buffer>> {
        self.bytes(entry_of(start), entry_of(end), files)
    }

    fn committed(&mut self, end: &Value) -> Vec<Request> {
        self.forget(entry_of(end))
    }
}

/// The files of one folder.
#[derive(Debug)]
struct FileSource {
    /// The folder, file or pattern as the client named it.
    path: String,
    /// Which files are read.
    wanted: Wanted,
    /// Options of the read by lower-case name.
    options: BTreeMap<String, String>,
    /// How much a batch takes.
    limits: Limits,
    /// What is wrong with the options; told when the query looks for files first.
    trouble: Option<SparkError>,
    /// Whether new files are read newest first.
    latest_first: bool,
    /// Whether files are known by their names alone.
    name_only: bool,
    /// How much older than the newest file of the look before a new one may be.
    max_age_ms: i64,
    /// Files changed before are not looked at: the newest of the look before less the age.
    oldest_ms: i64,
    /// All files ever found: when each was changed (ms), and which entry has it; `None` while it is pending.
    seen: BTreeMap<String, (i64, Option<i64>)>,
    /// The names of all files ever found, if they are known by them.
    names: HashSet<String>,
    /// Found, but in no entry; oldest first.
    pending: VecDeque<SourceFile>,
    /// Files by entry, until a batch that took them is committed.
    entries: BTreeMap<i64, Vec<SourceFile>>,
    /// The last entry.
    last: i64,
    /// Folder of the log; `None` without a checkpoint.
    log: Option<String>,
    /// The oldest entry that the log holds.
    oldest: i64,
}

impl FileSource {
    /// Returns a source that has seen nothing.
    fn new(path: String, limits: Limits) -> Self {
        Self {
            path,
            wanted: Wanted::default(),
            options: BTreeMap::new(),
            limits,
            trouble: None,
            latest_first: false,
            name_only: false,
            max_age_ms: i64::MAX,
            oldest_ms: i64::MIN,
            seen: BTreeMap::new(),
            names: HashSet::new(),
            pending: VecDeque::new(),
            entries: BTreeMap::new(),
            last: -1,
            log: None,
            oldest: 0,
        }
    }

    /// Continues after entry `start` with all files that the log names; entries after it, which no batch took, come
    /// first.
    fn go_on(&mut self, log: String, start: i64, seen: Vec<Seen>) {
        self.log = Some(log);
        self.last = seen.iter().map(|s| s.entry).max().unwrap_or(-1);
        // The compact entry from which the log was read is the oldest that may still be there with others before it.
        self.oldest = (self.last + 1) / files::COMPACT_INTERVAL * files::COMPACT_INTERVAL - 1;
        for file in seen {
            let known = self.seen.insert(file.path.clone(), (file.modified, Some(file.entry)));
            self.names.extend(self.name_only.then(|| name_of(&file.path)));
            if known.is_none() && file.entry > start {
                let described = self.wanted.described(&self.path, &file.path, file.modified);
                self.entries.entry(file.entry).or_default().push(described);
            }
        }
        self.purge();
    }

    /// Notes how old files may be from now on (`SeenFilesMap.purge`).
    fn purge(&mut self) {
        let newest = self.seen.values().map(|(modified, _)| *modified).max();
        let oldest = newest.map_or(i64::MIN, |at| at.saturating_sub(self.max_age_ms));
        self.oldest_ms = self.oldest_ms.max(oldest);
    }

    /// Looks for new files and queues them by their time of change, then by path.
    ///
    /// # Errors
    /// Returns an error if an option is wrong, and the host's error if it cannot list.
    fn look(&mut self, files: &dyn Files) -> Result<()> {
        if let Some(trouble) = &self.trouble {
            return Err(trouble.clone());
        }
        let mut found = match listed(files, &self.path, &self.wanted) {
            // Nothing matches the pattern yet, or the folder is gone for a while: it was there when the query was made.
            Err(error) if error.condition.as_deref() == Some("PATH_NOT_FOUND") => vec![],
            found => found?,
        };
        found.retain(|f| f.modified >= self.oldest_ms && !self.seen.contains_key(&f.path));
        if self.name_only {
            found.retain(|f| self.names.insert(name_of(&f.path)));
        }
        found.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
        if self.latest_first {
            found.reverse();
        }
        for file in found {
            self.seen.insert(file.path.clone(), (file.modified, None));
            self.pending.push_back(file);
        }
        self.purge();
        Ok(())
    }

    /// Returns whether a batch after entry `start` would get files.
    fn has_entries(&self, start: i64) -> bool {
        !self.pending.is_empty() || self.last > start
    }

    /// Returns the last entry of the next batch, and the write that logs it if it is new.
    fn next_entry(&mut self, start: i64, all: bool) -> (i64, Option<Request>) {
        // Entries that a run before this one logged, and no batch took, go first.
        if self.last > start || self.pending.is_empty() {
            return (self.last, None);
        }
        let limits = if all { &Limits::default() } else { &self.limits };
        let count = limits.count(&self.pending);
        self.last += 1;
        let taken: Vec<SourceFile> = self.pending.drain(..count).collect();
        for file in &taken {
            if let Some((_, entry)) = self.seen.get_mut(&file.path) {
                *entry = Some(self.last);
            }
        }
        self.entries.insert(self.last, taken);
        (self.last, self.log_entry())
    }

    /// Returns the write of the last entry; every tenth holds the files of all before it.
    fn log_entry(&self) -> Option<Request> {
        let folder = self.log.as_ref()?;
        let compact = files::is_compact(self.last);
        let mut lines: Vec<Seen> = self
            .seen
            .iter()
            .filter_map(|(path, (modified, entry))| {
                let entry = entry.filter(|e| compact || *e == self.last)?;
                Some(Seen {
                    path: path.clone(),
                    modified: *modified,
                    entry,
                })
            })
            .collect();
        lines.sort_by(|a, b| (a.entry, a.modified, &a.path).cmp(&(b.entry, b.modified, &b.path)));
        Some(Request::Write {
            path: format!("{folder}/{}", files::name(self.last)),
            bytes: Buffer::from(files::text(lines.iter().map(Seen::line)).into_bytes()),
        })
    }

    /// Returns the bytes of the entries after `start`, up to `end`: for each file a block that tells of it, and one of its bytes.
    ///
    /// # Errors
    /// `FAILED_READ_FILE` if a file is gone or cannot be read.
    fn bytes(&self, start: i64, end: i64, files: &dyn Files) -> Result<Vec<Buffer>> {
        let taken = self.entries.range(start + 1..=end).flat_map(|(_, taken)| taken);
        let blocks = taken
            .map(|file| listing::blocks_of(files, file, &self.options))
            .collect::<Result<Vec<_>>>()?;
        Ok(blocks.into_iter().flatten().collect())
    }

    /// Forgets which files the entries up to `end` have; returns deletions of entries that a compact one holds.
    fn forget(&mut self, end: i64) -> Vec<Request> {
        self.entries = self.entries.split_off(&(end + 1));
        let Some(folder) = &self.log else { return vec![] };
        let compact = (end + 1) / files::COMPACT_INTERVAL * files::COMPACT_INTERVAL - 1;
        let old = self.oldest.max(0)..compact;
        self.oldest = self.oldest.max(compact);
        old.map(|id| Request::Delete {
            path: format!("{folder}/{}", files::name(id)),
        })
        .collect()
    }
}

/// Returns the name of a file without its folder.
fn name_of(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// Returns the files of a path. If a file sink writes the folder, those of batches that were committed: its log names them.
///
/// # Errors
/// Returns `PATH_NOT_FOUND` if there is no such path, `CHECKPOINT_CORRUPT` if the sink's log cannot be read or lacks an entry, and the
/// host's error if it cannot list.
pub fn listed(files: &dyn Files, path: &str, wanted: &Wanted) -> Result<Vec<SourceFile>> {
    let folder = format!("{}/{SINK_LOG}", path.trim_end_matches('/'));
    let mut entries: Vec<(i64, String)> = files
        .list(&folder)?
        .into_iter()
        .filter_map(|f| {
            let name = f.path.rsplit('/').next()?.to_owned();
            let id = name.strip_suffix(".compact").unwrap_or(&name).parse().ok()?;
            (files::name(id) == name).then_some((id, f.path))
        })
        .collect();
    if entries.is_empty() {
        return wanted.find(files, path);
    }
    entries.sort();
    if let Some(from) = entries.iter().rposition(|(id, _)| files::is_compact(*id)) {
        entries.drain(..from);
    }
    let mut found = Vec::new();
    let first = entries.first().map(|(id, _)| *id).filter(|id| files::is_compact(*id));
    for (expected, (id, log)) in (first.unwrap_or(0)..).zip(entries) {
        // Without this entry the rows of its batch would be left out, and nothing said.
        if id != expected {
            let missing = format!("{folder}/{}", files::name(expected));
            return Err(corrupt(&missing, &format!("{missing} is missing")));
        }
        for line in files::parse(&log, &files.read(&log)?)? {
            let file = Written::parse(&log, &line)?;
            let mut described = wanted.described(path, &file.path, file.modified);
            described.size = file.bytes;
            found.push(described);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::files::FileEntry;

    /// Files whose content is their name.
    struct Folder(Vec<&'static str>);

    impl Files for Folder {
        fn list(&self, path: &str) -> Result<Vec<FileEntry>> {
            let names = self.0.iter().filter(|_| path == "/in");
            Ok(names
                .enumerate()
                .map(|(i, name)| FileEntry {
                    path: format!("/in/{name}"),
                    size: 1,
                    modified: i as i64,
                })
                .collect())
        }

        fn read(&self, path: &str) -> Result<Buffer> {
            Ok(Buffer::from(path.as_bytes()))
        }
    }

    /// A sink's folder: entries of its log by number.
    struct Sunk(Vec<i64>);

    impl Files for Sunk {
        fn list(&self, path: &str) -> Result<Vec<FileEntry>> {
            let entries = self.0.iter().filter(|_| path.ends_with(SINK_LOG));
            Ok(entries
                .map(|id| FileEntry {
                    path: format!("{path}/{}", files::name(*id)),
                    size: 1,
                    modified: 0,
                })
                .collect())
        }

        fn read(&self, path: &str) -> Result<Buffer> {
            let line = Written {
                path: path.replace(SINK_LOG, "part"),
                bytes: 1,
                modified: 0,
            };
            Ok(Buffer::from(files::text([line.line()]).into_bytes()))
        }
    }

    #[test]
    fn a_hole_in_a_sinks_log_is_an_error_and_not_rows_less() {
        for (entries, missing) in [
            (vec![0, 1, 2], None),
            (vec![0, 2], Some("1")),
            (vec![1, 2], Some("0")),
            (vec![7, 9, 10], None),
            (vec![9, 11], Some("10")),
        ] {
            let found = listed(&Sunk(entries.clone()), "/out", &Wanted::default());
            match missing {
                None => assert!(found.is_ok(), "{entries:?}"),
                Some(id) => {
                    let error = found.unwrap_err();
                    assert_eq!(error.condition.as_deref(), Some("CHECKPOINT_CORRUPT"));
                    assert!(
                        error.message.contains(&format!("/out/_spark_metadata/{id} is missing")),
                        "{error}"
                    );
                }
            }
        }
    }

    fn one_file() -> Limits {
        Limits {
            files: Some(1),
            bytes: None,
        }
    }

    fn source() -> FileSource {
        let mut source = FileSource::new("/in".into(), one_file());
        source.go_on("/c/sources/0".into(), -1, vec![]);
        source
    }

    #[test]
    fn a_restarted_source_reads_no_file_twice_and_gives_entries_again_as_they_were() {
        let mut first = source();
        first.look(&Folder(vec!["a", "b", "c"])).unwrap();
        let mut seen = Vec::new();
        for (at, name) in ["a", "b"].iter().enumerate() {
            let (end, log) = first.next_entry(at as i64 - 1, false);
            let Some(Request::Write { path, bytes }) = log else {
                panic!("an entry is logged")
            };
            assert_eq!((end, path), (at as i64, format!("/c/sources/0/{at}")));
            let lines = files::parse("log", &bytes).unwrap();
            seen.extend(lines.iter().map(|l| Seen::parse("log", l).unwrap()));
            assert_eq!(seen[at].path, format!("/in/{name}"));
        }
        // Batch 0 was committed; the entry of batch 1 was logged, but its offsets may not have been.
        let mut second = FileSource::new("/in".into(), one_file());
        second.go_on("/c/sources/0".into(), 0, seen);
        second.look(&Folder(vec!["a", "b", "c"])).unwrap();
        assert_eq!(second.next_entry(0, false), (1, None));
        let blocks = second.bytes(0, 1, &Folder(vec![])).unwrap();
        assert_eq!(blocks[1].as_slice(), b"/in/b");
        let (end, log) = second.next_entry(1, false);
        assert!(end == 2 && log.is_some() && !second.has_entries(2));
    }

    #[test]
    fn the_tenth_entry_holds_all_files_and_makes_those_before_it_superfluous() {
        let names: Vec<&str> = "abcdefghijklmnopqrstuvwxyz"
            .split("")
            .filter(|n| !n.is_empty())
            .collect();
        let mut source = source();
        source.look(&Folder(names)).unwrap();
        let mut deleted = Vec::new();
        for at in 0..25 {
            let (end, log) = source.next_entry(at - 1, false);
            let Some(Request::Write { path, bytes }) = log else {
                panic!("an entry is logged")
            };
            let lines = files::parse("log", &bytes).unwrap().len() as i64;
            assert_eq!((end, lines), (at, if at % 10 == 9 { at + 1 } else { 1 }), "{path}");
            deleted.extend(source.forget(at).into_iter().map(|r| r.path().to_owned()));
        }
        let expected = (0..19).map(|id| format!("/c/sources/0/{}", files::name(id)));
        assert_eq!(deleted, expected.collect::<Vec<_>>());
    }
}
