//! Directories that commands write and read whole: saved models, rows as files. Storage does it, step by step.
//!
//! ```text
//!  save:  List ─▶ what is there ─▶ by mode: refuse, ignore, or Delete and Write… ─▶ all answered ─▶ the operation ends
//!  load:  List × 3 ─▶ Read each file ─▶ all answered ─▶ the model is made of them
//! ```

use std::collections::{BTreeMap, HashMap};

use arrow::buffer::Buffer;

use super::driver::Driver;
use super::storage::Purpose;
use crate::error::{Result, SparkError};
use crate::ml::persistence::File;
use crate::proto::ml_command_result::ResultType;
use crate::proto::write_operation::SaveMode;
use crate::storage::files::{FileEntry, Files};
use crate::storage::{Answer, Reply, Request};

/// Directories that are being written or read.
#[derive(Default)]
pub(super) struct Saves {
    /// The last number.
    next: u64,
    /// What is in progress, by number.
    jobs: HashMap<u64, Job>,
}

/// One directory in progress.
enum Job {
    /// It is written.
    Save(Save),
    /// It is read.
    Load(Load),
}

/// Files that are to make a directory.
///
/// Nothing is written before storage has listed the directory; with `overwrite`, everything in it is deleted first. The
/// marker `_SUCCESS` is among the files, and storage keeps their order.
struct Save {
    /// The operation that waits for it.
    operation: String,
    /// The directory.
    path: String,
    /// What happens if it exists.
    mode: SaveMode,
    /// Still to be written.
    files: Vec<File>,
    /// Whether storage has said what is there now.
    checked: bool,
    /// Questions without an answer yet.
    open: usize,
    /// What the operation answers in the end; `None` if it only ends.
    answer: Option<ResultType>,
}

/// A directory that is being read.
struct Load {
    /// The session that gets a model.
    session: String,
    /// The operation that waits for it.
    operation: String,
    /// The directory.
    path: String,
    /// What is wanted of it.
    want: Want,
    /// Questions without an answer yet.
    open: usize,
    /// What was read.
    found: Found,
}

/// What is wanted of a directory.
#[derive(Debug)]
pub(super) enum Want {
    /// The stage, of this class unless it is empty.
    Stage(String),
    /// The line of its metadata.
    Metadata,
}

/// What storage has answered: files by path.
#[derive(Default)]
struct Found(BTreeMap<String, Buffer>);

impl Files for Found {
    fn list(&self, path: &str) -> Result<Vec<FileEntry>> {
        let folder = format!("{path}/");
        let inside = self.0.iter().filter(|(name, _)| name.starts_with(&folder));
        let entry = |(name, bytes): (&String, &Buffer)| FileEntry {
            path: name.clone(),
            size: bytes.len() as u64,
            modified: 0,
        };
        Ok(inside.map(entry).collect())
    }

    fn read(&self, path: &str) -> Result<Buffer> {
        let found = self.0.get(path).cloned();
        found.ok_or_else(|| SparkError::internal(format!("{path} was not read from storage")))
    }
}

/// The parts of a saved stage that are files: see [`crate::ml::persistence`].
const FOLDERS: [&str; 10] = [
    "metadata",
    "data",
    "data/metadata",
    "data/data",
    "treesMetadata",
    "statistics",
    "userFactors",
    "itemFactors",
    "pipelineModel/metadata",
    "pipelineModel/stages",
];

/// Returns whether a path within a saved stage is that of a folder.
fn is_folder(path: &str) -> bool {
    // Each stage of a pipeline has a folder of its own, with folders below.
    let stage = path.strip_prefix("pipelineModel/stages/").map(|rest| rest.split('/'));
    let of_stage = stage.map(|mut rest| (rest.next(), rest.next(), rest.next()));
    FOLDERS.contains(&path) || matches!(of_stage, Some((Some(_), None | Some("metadata" | "data"), None)))
}

impl Driver {
    /// Keeps a directory in progress, and returns its number.
    fn keep_save(&mut self, job: Job) -> u64 {
        self.saves.next += 1;
        self.saves.jobs.insert(self.saves.next, job);
        self.saves.next
    }

    /// Asks storage for a directory in progress.
    fn ask_saved(&mut self, id: u64, request: Request) {
        let purpose = Purpose::Saved {
            id,
            request: request.clone(),
        };
        self.ask(request, purpose);
    }

    /// Writes files as a directory, ends the operation with `answer`, and fails it if the save mode forbids replacing
    /// what exists.
    pub(super) fn save(
        &mut self,
        operation: &str,
        path: &str,
        mode: SaveMode,
        files: Vec<File>,
        answer: Option<ResultType>,
    ) {
        let path = path.trim_end_matches('/').to_owned();
        let id = self.keep_save(Job::Save(Save {
            operation: operation.to_owned(),
            path: path.clone(),
            mode,
            files,
            checked: false,
            open: 1,
            answer,
        }));
        self.ask_saved(id, Request::List { path });
    }

    /// Reads a stage's directory; what is wanted of it goes to the client.
    pub(super) fn load(&mut self, operation: &str, session: &str, path: &str, want: Want) {
        let path = path.trim_end_matches('/').to_owned();
        let id = self.keep_save(Job::Load(Load {
            session: session.to_owned(),
            operation: operation.to_owned(),
            path: path.clone(),
            want,
            open: FOLDERS.len(),
            found: Found::default(),
        }));
        for folder in FOLDERS {
            self.ask_saved(
                id,
                Request::List {
                    path: format!("{path}/{folder}"),
                },
            );
        }
    }

    /// Takes in an answer of storage about a directory in progress.
    pub(super) fn saved_answered(&mut self, id: u64, request: &Request, answer: Answer) {
        match self.saves.jobs.remove(&id) {
            Some(Job::Save(save)) => self.save_on(id, save, answer),
            Some(Job::Load(load)) => self.load_on(id, load, request, answer),
            None => {}
        }
    }

    /// Continues a write: after the listing with deletes and writes, after the last of those with its end.
    fn save_on(&mut self, id: u64, mut save: Save, answer: Answer) {
        let reply = match answer {
            Ok(reply) => reply,
            Err(error) => return self.fail_operation(&save.operation, error.into()),
        };
        save.open -= 1;
        if !save.checked {
            save.checked = true;
            let there = matches!(&reply, Reply::Names(names) if !names.is_empty());
            let mut requests = Vec::new();
            match save.mode {
                SaveMode::Overwrite => requests.push(Request::Delete {
                    path: save.path.clone(),
                }),
                SaveMode::Ignore if there => save.files.clear(),
                SaveMode::ErrorIfExists | SaveMode::Unspecified if there => {
                    return self.fail_operation(&save.operation, exists(&save.path));
                }
                _ => {}
            }
            for (name, bytes) in std::mem::take(&mut save.files) {
                requests.push(Request::Write {
                    path: format!("{}/{name}", save.path),
                    bytes: Buffer::from(bytes),
                });
            }
            save.open = requests.len();
            requests.into_iter().for_each(|request| self.ask_saved(id, request));
        }
        if save.open > 0 {
            self.saves.jobs.insert(id, Job::Save(save));
            return;
        }
        match save.answer {
            Some(answer) => self.answer_ml(&save.operation, answer),
            None => self.end_operation(&save.operation),
        }
    }

    /// Continues a read: a listing asks for its files, the last file ends it.
    ///
    /// Markers and hidden files are not read. A folder that does not exist has no files: what is missing is said when
    /// the model is made.
    fn load_on(&mut self, id: u64, mut load: Load, request: &Request, answer: Answer) {
        load.open -= 1;
        match (request, answer) {
            (Request::List { path }, Ok(Reply::Names(names))) => {
                for name in names.iter().filter(|n| !n.starts_with(['_', '.'])) {
                    let path = format!("{path}/{name}");
                    let within = path.strip_prefix(&load.path).map(|p| p.trim_start_matches('/'));
                    if within.is_some_and(|p| FOLDERS.contains(&p)) {
                        // A folder of its own, which is listed too.
                        continue;
                    }
                    load.open += 1;
                    if within.is_some_and(is_folder) {
                        self.ask_saved(id, Request::List { path });
                        continue;
                    }
                    self.ask_saved(id, Request::Read { path });
                }
            }
            (Request::Read { path }, Ok(Reply::Bytes(Some(bytes)))) => {
                load.found.0.insert(path.clone(), bytes);
            }
            (_, Err(error)) => return self.fail_operation(&load.operation, error.into()),
            _ => {}
        }
        if load.open > 0 {
            self.saves.jobs.insert(id, Job::Load(load));
            return;
        }
        match self.ml_loaded(&load.session, &load.path, &load.found, &load.want) {
            Ok(result) => self.answer_ml(&load.operation, result),
            Err(error) => self.fail_operation(&load.operation, error),
        }
    }
}

/// Returns the error of a directory that exists (`PATH_ALREADY_EXISTS`).
fn exists(path: &str) -> SparkError {
    SparkError::analysis(
        "PATH_ALREADY_EXISTS",
        "42K04",
        format!(
            "Path {path} already exists. Set mode as \"overwrite\" to overwrite the existing path; of a model, use \
             write().overwrite().save(path)."
        ),
    )
    .with("outputPath", path)
}
