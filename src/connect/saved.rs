//! Directories that commands write and read whole: saved models, texts. Storage does it, step by step.

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

/// What is under way, by number.
#[derive(Default)]
pub(super) struct Saves {
    next: u64,
    jobs: HashMap<u64, Job>,
}

enum Job {
    Save(Save),
    Load(Load),
}

/// Files that are to make a directory.
struct Save {
    operation: String,
    path: String,
    mode: SaveMode,
    /// Still to be written.
    files: Vec<File>,
    /// Whether storage has said what is there now.
    checked: bool,
    /// Questions without an answer yet.
    open: usize,
    answer: Option<ResultType>,
}

/// A directory that is being read.
struct Load {
    session: String,
    operation: String,
    path: String,
    want: Want,
    open: usize,
    found: Found,
}

/// What is wanted of a directory.
#[derive(Debug)]
pub(super) enum Want {
    /// The stage, of this class where one is named.
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
const FOLDERS: [&str; 3] = ["metadata", "data", "statistics"];

impl Driver {
    fn keep_save(&mut self, job: Job) -> u64 {
        self.saves.next += 1;
        self.saves.jobs.insert(self.saves.next, job);
        self.saves.next
    }

    fn ask_saved(&mut self, id: u64, request: Request) {
        let purpose = Purpose::Saved {
            id,
            request: request.clone(),
        };
        self.ask(request, purpose);
    }

    /// Writes files as a directory, ends the operation with `answer`, and fails it where the mode minds what is there.
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

    /// Storage has answered one of these questions.
    pub(super) fn saved_answered(&mut self, id: u64, request: &Request, answer: Answer) {
        match self.saves.jobs.remove(&id) {
            Some(Job::Save(save)) => self.save_on(id, save, answer),
            Some(Job::Load(load)) => self.load_on(id, load, request, answer),
            None => {}
        }
    }

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

    fn load_on(&mut self, id: u64, mut load: Load, request: &Request, answer: Answer) {
        load.open -= 1;
        match (request, answer) {
            (Request::List { path }, Ok(Reply::Names(names))) => {
                for name in names.iter().filter(|n| !n.starts_with(['_', '.'])) {
                    load.open += 1;
                    let path = format!("{path}/{name}");
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
