//! Files below paths as Spark lists them (`InMemoryFileIndex`, `PartitioningUtils`): patterns, hidden names, folders that are columns,
//! compressed files.
//!
//! ```text
//! /in/*.json              a pattern                            /in/_x  /in/.x  /in/x._COPYING_   not seen
//! /in/day=2031-04-05/a    a file whose column `day` has that   /in/deep/a                        only with recursiveFileLookup
//! ```

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use arrow::buffer::Buffer;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

use crate::error::{Exception, Result, SparkError};
use crate::storage::files::{FileEntry, Files};
use crate::values::parse_time::parse_timestamp;
use crate::values::zone::Zone;

/// A file that is read, with what its folders say of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// The path by which to read it.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last changed, ms since the epoch.
    pub modified: i64,
    /// The columns that its folders are, `key=value`, in the order of the folders; `None` for null.
    pub values: Vec<(String, Option<String>)>,
}

impl SourceFile {
    /// Returns a file of which only the path is known.
    pub fn named(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            size: 0,
            modified: 0,
            values: vec![],
        }
    }
}

/// What stands for null in the name of a folder.
const NULL_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

/// Most bytes that a compressed file may become.
const MOST_BYTES: u64 = 1 << 30;

/// Says which files of those below a path are read.
#[derive(Debug, Default)]
pub struct Wanted {
    /// What names of files must match (`pathGlobFilter`).
    name: Option<GlobMatcher>,
    /// Whether files of any folder are read (`recursiveFileLookup`), and no folder is a column.
    recursive: bool,
    /// Before when they must have been changed, ms since the epoch (`modifiedBefore`).
    before: Option<i64>,
    /// After when (`modifiedAfter`).
    after: Option<i64>,
    /// The path whose folders below are columns (`basePath`).
    base: Option<String>,
}

impl Wanted {
    /// Reads the options of a reader, their keys in lower case.
    ///
    /// # Errors
    /// `INVALID_OPTION_VALUE` if a pattern or a time cannot be read.
    pub fn new(options: &BTreeMap<String, String>) -> Result<Self> {
        let zone = options
            .get("timezone")
            .and_then(|name| Zone::parse(name))
            .unwrap_or(Zone::UTC);
        let time = |key: &str, name: &str| {
            let read = |text: &String| {
                parse_timestamp(text)
                    .and_then(|at| Some(at.instant(zone)? / 1000))
                    .ok_or_else(|| invalid(name, text, "must be a timestamp"))
            };
            options.get(key).map(read).transpose()
        };
        Ok(Self {
            name: options.get("pathglobfilter").map(|p| glob(p)).transpose()?,
            recursive: options
                .get("recursivefilelookup")
                .is_some_and(|v| v.eq_ignore_ascii_case("true")),
            before: time("modifiedbefore", "modifiedBefore")?,
            after: time("modifiedafter", "modifiedAfter")?,
            base: options.get("basepath").cloned(),
        })
    }

    /// Finds the files of a path, which may be a pattern.
    ///
    /// # Errors
    /// Returns `PATH_NOT_FOUND` if there is no such path or nothing matches the pattern, and the host's error if it cannot list.
    pub fn find(&self, files: &dyn Files, path: &str) -> Result<Vec<SourceFile>> {
        let fixed = fixed_part(path);
        let found = files.list(fixed)?;
        if fixed != path {
            let pattern = glob(path)?;
            let kept: Vec<SourceFile> = found
                .into_iter()
                .filter_map(|file| self.matched(&pattern, path, file))
                .collect();
            return if kept.is_empty() {
                Err(path_not_found(path))
            } else {
                Ok(kept)
            };
        }
        if found.is_empty() && files.exists(path) == Some(false) {
            return Err(path_not_found(path));
        }
        Ok(found.into_iter().filter_map(|file| self.below(path, file)).collect())
    }

    /// Returns what is to be said of a file below a path, wanted or not.
    pub fn described(&self, path: &str, file: &str, modified: i64) -> SourceFile {
        let entry = FileEntry {
            path: file.to_owned(),
            size: 0,
            modified,
        };
        let found = match is_pattern(path) {
            true => glob(path).ok().and_then(|pattern| self.matched(&pattern, path, entry)),
            false => self.below(path, entry),
        };
        found.unwrap_or_else(|| SourceFile {
            path: file.to_owned(),
            size: 0,
            modified,
            values: vec![],
        })
    }

    /// Returns a file whose path, or that of a folder above it, matches a pattern.
    fn matched(&self, pattern: &GlobMatcher, path: &str, file: FileEntry) -> Option<SourceFile> {
        let parts = parts_of(path).count();
        let ends = file.path.match_indices('/').map(|(at, _)| at).chain([file.path.len()]);
        let root = ends
            .map(|end| &file.path[..end])
            .find(|root| parts_of(root).count() == parts)?;
        // A pattern does not find what is hidden, but a hidden file can be named.
        let hidden = root.rsplit('/').next().is_some_and(is_hidden);
        let root = (pattern.is_match(root) && !hidden).then(|| root.to_owned())?;
        self.below(&root, file)
    }

    /// Returns a file below a path, unless it is not wanted.
    fn below(&self, root: &str, file: FileEntry) -> Option<SourceFile> {
        let root = root.trim_end_matches('/');
        let inner = file.path.strip_prefix(root).or_else(|| {
            file.path
                .strip_prefix(root.strip_prefix("file:")?.trim_start_matches("//"))
        });
        let inner: Vec<&str> = inner.map_or(vec![], |rest| parts_of(rest).collect());
        if inner.iter().any(|name| is_hidden(name)) {
            return None;
        }
        let folders = &inner[..inner.len().saturating_sub(1)];
        let mut values = folders.iter().map(|name| column_of(name)).collect::<Option<Vec<_>>>();
        if self.recursive {
            values = Some(vec![]);
        } else if let (Some(base), Some(own)) = (&self.base, &mut values) {
            let above = root.strip_prefix(base.trim_end_matches('/')).unwrap_or_default();
            let above = parts_of(above).filter_map(column_of);
            own.splice(0..0, above);
        }
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let wanted = self.name.as_ref().is_none_or(|pattern| pattern.is_match(name))
            && self.before.is_none_or(|at| file.modified < at)
            && self.after.is_none_or(|at| file.modified > at);
        Some(SourceFile {
            values: values.filter(|_| wanted)?,
            path: file.path,
            size: file.size,
            modified: file.modified,
        })
    }
}

/// Makes `PATH_NOT_FOUND`.
pub fn path_not_found(path: &str) -> SparkError {
    SparkError::analysis("PATH_NOT_FOUND", "42K03", format!("Path does not exist: {path}.")).with("path", path)
}

/// Returns the names in a path.
fn parts_of(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

/// Returns whether a path is a pattern.
pub fn is_pattern(path: &str) -> bool {
    fixed_part(path) != path
}

/// Returns the part of a path before the first name that is a pattern.
fn fixed_part(path: &str) -> &str {
    match path.find(['*', '?', '[', '{']) {
        Some(at) => match path[..at].rfind('/') {
            Some(0) => "/",
            Some(end) => &path[..end],
            None => ".",
        },
        None => path,
    }
}

/// Reads a pattern of paths as Hadoop writes them: `*`, `?`, `[ab]`, `[^ab]`, `{ab,cd}`, within a name.
fn glob(pattern: &str) -> Result<GlobMatcher> {
    let path = pattern
        .strip_prefix("file:")
        .map_or(pattern, |p| p.strip_prefix("//").unwrap_or(p));
    let made = GlobBuilder::new(path)
        .literal_separator(true)
        .backslash_escape(true)
        .build();
    let wrong = |why: globset::Error| {
        SparkError::new(
            Exception::IllegalArgument,
            "RIVULET_INVALID_PATH_PATTERN",
            "42602",
            format!("The pattern '{pattern}' of a path cannot be read: {}.", why.kind()),
        )
        .with("pattern", pattern)
    };
    Ok(made.map_err(wrong)?.compile_matcher())
}

/// Returns whether Spark passes over a file or folder of this name (`HadoopFSUtils.shouldFilterOutPathName`).
fn is_hidden(name: &str) -> bool {
    (name.starts_with('_') && !name.contains('=')) || name.starts_with('.') || name.ends_with("._COPYING_")
}

/// Returns the column that a folder `key=value` is, with its value.
fn column_of(folder: &str) -> Option<(String, Option<String>)> {
    let (key, value) = folder.split_once('=').filter(|(key, _)| !key.is_empty())?;
    let value = Some(unescaped(value)).filter(|value| value != NULL_VALUE);
    Some((unescaped(key), value))
}

/// Replaces `%20` and the like in the name of a folder by what they stand for (`ExternalCatalogUtils.unescapePathName`).
fn unescaped(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = std::str::from_utf8(tail.get(..2).unwrap_or_default()).ok();
        let code = code
            .filter(|_| *first == b'%')
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads a file, unpacked if its name ends in `.gz` or `.deflate`.
///
/// # Errors
/// `FAILED_READ_FILE` if it is gone, cannot be read or unpacked, or becomes more than 1 GiB.
pub fn read(files: &dyn Files, path: &str) -> Result<Buffer> {
    unpacked(path, files.read(path)?)
}

/// Unpacks the bytes of a file if its name ends in `.gz` or `.deflate`.
///
/// # Errors
/// `FAILED_READ_FILE` if they cannot be unpacked, or become more than 1 GiB.
pub fn unpacked(path: &str, bytes: Buffer) -> Result<Buffer> {
    let mut out = Vec::new();
    let unpacked = match path.rsplit('.').next() {
        // An empty file is an empty one, packed or not.
        Some("gz" | "deflate") if bytes.is_empty() => return Ok(bytes),
        Some("gz") => MultiGzDecoder::new(bytes.as_slice())
            .take(MOST_BYTES + 1)
            .read_to_end(&mut out),
        Some("deflate") => ZlibDecoder::new(bytes.as_slice())
            .take(MOST_BYTES + 1)
            .read_to_end(&mut out),
        _ => return Ok(bytes),
    };
    match unpacked {
        Ok(size) if size as u64 <= MOST_BYTES => Ok(Buffer::from(out)),
        Ok(_) => Err(unreadable(path, "it is more than 1 GiB when it is unpacked")),
        Err(why) => Err(unreadable(path, &format!("it cannot be unpacked: {why}"))),
    }
}

/// Returns the block that tells of a file which the host sends to executors; `None` if the driver must read it: because only it can,
/// or because the options say what happens if it cannot be read.
pub fn facts_of_shared(files: &dyn Files, file: &SourceFile, options: &BTreeMap<String, String>) -> Option<Buffer> {
    let flag = |key: &str| options.get(key).is_some_and(|v| v.eq_ignore_ascii_case("true"));
    let lenient = flag("ignorecorruptfiles") || flag("ignoremissingfiles");
    (file.size > 0 && !lenient && files.is_shared(&file.path)).then(|| facts_block(file))
}

/// Reads a file: a block that tells of it, and one of its bytes, unpacked. Nothing, if it cannot be read and the options say so
/// (`ignoreCorruptFiles`, `ignoreMissingFiles`).
///
/// # Errors
/// As [`read`].
pub fn blocks_of(files: &dyn Files, file: &SourceFile, options: &BTreeMap<String, String>) -> Result<Vec<Buffer>> {
    let flag = |key: &str| options.get(key).is_some_and(|v| v.eq_ignore_ascii_case("true"));
    let is_there = || files.list(&file.path).is_ok_and(|found| !found.is_empty());
    let bytes = match read(files, &file.path) {
        Err(_) if flag("ignorecorruptfiles") && is_there() => return Ok(vec![]),
        Err(_) if flag("ignoremissingfiles") && !is_there() => return Ok(vec![]),
        read => read?,
    };
    let mut file = file.clone();
    if file.size == 0 {
        file.size = bytes.len() as u64;
    }
    Ok(vec![facts_block(&file), bytes])
}

/// Makes `FAILED_READ_FILE`.
pub fn unreadable(path: &str, why: &str) -> SparkError {
    let message = format!("Encountered error while reading file {}. {why}.", url(path));
    SparkError::new(Exception::Connect, "FAILED_READ_FILE.NO_HINT", "KD001", message).with("path", url(path))
}

/// Returns a path as Spark shows those of files: a URL, in which letters that may not be there are `%20` and the like.
///
/// ```
/// use rivulet::sources::listing::url;
///
/// assert_eq!(url("/in/a b.json"), "file:///in/a%20b.json");
/// assert_eq!(url("registered.json"), "registered.json");
/// ```
pub fn url(path: &str) -> String {
    let Some(rest) = path.strip_prefix('/') else {
        return path.to_owned();
    };
    let mut out = String::from("file:///");
    for letter in rest.chars() {
        match letter {
            ' '
            | '%'
            | '"'
            | '<'
            | '>'
            | '#'
            | '?'
            | '['
            | ']'
            | '^'
            | '`'
            | '{'
            | '|'
            | '}'
            | '\\'
            | '\0'..='\x1f' => {
                out.push_str(&format!("%{:02X}", letter as u32));
            }
            letter => out.push(letter),
        }
    }
    out
}

/// Makes `INVALID_OPTION_VALUE`.
fn invalid(name: &str, value: &str, wanted: &str) -> SparkError {
    SparkError::new(
        Exception::IllegalArgument,
        "INVALID_OPTION_VALUE",
        "22023",
        format!("Invalid value '{value}' for option '{name}', {wanted}."),
    )
}

/// What a block begins with that tells of the file which the blocks after it are of.
const FACTS: &[u8] = b"\0rivulet file\0";

/// Returns a block that tells of the file which the blocks after it are of.
pub fn facts_block(file: &SourceFile) -> Buffer {
    let mut bytes = FACTS.to_vec();
    bytes.extend(serde_json::to_vec(file).unwrap_or_default());
    Buffer::from(bytes)
}

/// Returns whether a block tells of a file.
pub fn is_facts(block: &[u8]) -> bool {
    block.starts_with(FACTS)
}

/// Blocks with the file that they are of; `None` for blocks of no file.
pub type FileBlocks = (Option<Arc<SourceFile>>, Vec<Buffer>);

/// Splits blocks by the files that they are of; those before the first are of none.
///
/// # Errors
/// `INTERNAL_ERROR` if a block that tells of a file cannot be read.
pub fn by_file(blocks: &[Buffer]) -> Result<Vec<FileBlocks>> {
    let mut files: Vec<FileBlocks> = vec![];
    for block in blocks {
        if let Some(facts) = block.strip_prefix(FACTS) {
            let file =
                serde_json::from_slice(facts).map_err(|why| SparkError::internal(format!("facts of a file: {why}")))?;
            files.push((Some(Arc::new(file)), vec![]));
        } else {
            if files.is_empty() {
                files.push((None, vec![]));
            }
            if let Some((_, blocks)) = files.last_mut() {
                blocks.push(block.clone());
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Paths of files, all of which are there; their content is their own.
    struct Tree(BTreeMap<&'static str, Vec<u8>>);

    impl Tree {
        fn of(paths: &[&'static str]) -> Self {
            Self(paths.iter().map(|path| (*path, vec![])).collect())
        }
    }

    impl Files for Tree {
        fn list(&self, path: &str) -> Result<Vec<FileEntry>> {
            let below = format!("{}/", path.trim_end_matches('/'));
            let found = self.0.keys().filter(|p| **p == path || p.starts_with(&below));
            let entry = |path: &&str| FileEntry {
                path: (*path).to_owned(),
                size: 1,
                modified: 1000,
            };
            Ok(found.map(entry).collect())
        }

        fn exists(&self, path: &str) -> Option<bool> {
            self.list(path).ok().map(|found| !found.is_empty())
        }

        fn read(&self, path: &str) -> Result<Buffer> {
            Ok(Buffer::from(self.0[path].clone()))
        }
    }

    fn found(tree: &Tree, path: &str, options: &[(&str, &str)]) -> Vec<String> {
        let options = options.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let found = Wanted::new(&options).and_then(|wanted| wanted.find(tree, path));
        let shown = |file: SourceFile| {
            let values: Vec<String> = file.values.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
            format!("{} {}", file.path, values.join(",")).trim_end().to_owned()
        };
        found.map_or_else(
            |e| vec![e.condition.unwrap_or_default()],
            |all| all.into_iter().map(shown).collect(),
        )
    }

    #[test]
    fn hidden_files_are_passed_over_and_folders_with_a_value_are_columns() {
        let tree = Tree::of(&[
            "/in/.h.json",
            "/in/_k=5.json",
            "/in/_t.json",
            "/in/a.json",
            "/in/b.json._COPYING_",
            "/in/d=1/e=x%20y/c.json",
            "/in/d=__HIVE_DEFAULT_PARTITION__/c.json",
            "/in/deep/c.json",
            "/in/_d/c.json",
        ]);
        assert_eq!(
            found(&tree, "/in", &[]),
            [
                "/in/_k=5.json",
                "/in/a.json",
                "/in/d=1/e=x%20y/c.json d=Some(\"1\"),e=Some(\"x y\")",
                "/in/d=__HIVE_DEFAULT_PARTITION__/c.json d=None"
            ]
        );
        assert_eq!(found(&tree, "/in/d=1", &[]), ["/in/d=1/e=x%20y/c.json e=Some(\"x y\")"]);
        assert_eq!(
            found(&tree, "/in/d=1", &[("basepath", "/in")]),
            ["/in/d=1/e=x%20y/c.json d=Some(\"1\"),e=Some(\"x y\")"]
        );
        assert_eq!(found(&tree, "/in", &[("recursivefilelookup", "true")]).len(), 5);
        assert_eq!(found(&tree, "/in/_t.json", &[]), ["/in/_t.json"]);
        assert_eq!(found(&tree, "/in/no", &[]), ["PATH_NOT_FOUND"]);
    }

    #[test]
    fn patterns_match_names_and_not_what_is_below_them() {
        let tree = Tree::of(&[
            "/in/a.json",
            "/in/ab.csv",
            "/in/.b.json",
            "/in/x/a.json",
            "/in/y/b.json",
            "/up",
        ]);
        for (pattern, wanted) in [
            ("/in/*.json", vec!["/in/a.json"]),
            (
                "/in/*",
                vec!["/in/a.json", "/in/ab.csv", "/in/x/a.json", "/in/y/b.json"],
            ),
            ("/in/*/[a]*", vec!["/in/x/a.json"]),
            ("/in/[^x]/*.{csv,json}", vec!["/in/y/b.json"]),
            ("/in/?b.csv", vec!["/in/ab.csv"]),
            ("/in/z*", vec!["PATH_NOT_FOUND"]),
        ] {
            assert_eq!(found(&tree, pattern, &[]), wanted, "{pattern}");
        }
        assert_eq!(found(&tree, "/in", &[("pathglobfilter", "*.csv")]), ["/in/ab.csv"]);
        assert_eq!(
            found(&tree, "/in", &[("modifiedafter", "1970-01-01T00:00:01")]),
            [""; 0]
        );
        assert_eq!(
            found(&tree, "/in", &[("modifiedbefore", "soon")]),
            ["INVALID_OPTION_VALUE"]
        );
    }

    #[test]
    fn packed_files_are_read_as_what_they_hold_and_broken_ones_are_told_of() {
        let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
        packed.write_all(b"one\ntwo\n").unwrap();
        let packed = packed.finish().unwrap();
        let cut = packed[..packed.len() - 9].to_vec();
        let tree = Tree(
            [
                ("/a.gz", [packed.clone(), packed].concat()),
                ("/b.gz", cut),
                ("/c.gz", vec![]),
            ]
            .into(),
        );
        assert_eq!(read(&tree, "/a.gz").unwrap().as_slice(), b"one\ntwo\none\ntwo\n");
        assert!(read(&tree, "/c.gz").unwrap().is_empty());
        let error = read(&tree, "/b.gz").unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("FAILED_READ_FILE.NO_HINT"));
        assert!(error.message.contains("file:///b.gz"), "{error}");
    }
}
