//! What is in a checkpoint, as far as a decision has asked for it.
//!
//! A decision is a function of [`Facts`]. If it needs to know more than they hold, it gives up with [`Pause::Wanting`],
//! having noted what to ask for; its host looks that up and calls it again. So decisions read like plain code, run many
//! questions at once, and know nothing of how answers come.
//!
//! ```text
//! decision(&facts) ──Err(Wanting)──▶ facts.wanted() ──▶ storage ──▶ facts.learn(…) ──┐
//!        ▲                                                                           │
//!        └──────────────────────────── again ◀───────────────────────────────────────┘
//!        └── Ok(value), or Err(Failed): decided
//! ```
//!
//! A decision must be a pure function: it runs from its beginning every time.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use arrow::buffer::Buffer;

use crate::error::SparkError;
use crate::storage::{Answer, Reply, Request, StorageError};

/// What can be asked: the two requests that change nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    /// The content of a file.
    Read(String),
    /// The names in a folder.
    List(String),
}

/// Why a decision did not come to its end.
#[derive(Debug, Clone, PartialEq)]
pub enum Pause {
    /// More must be known: [`Facts::wanted`].
    Wanting,
    /// What it found is an error.
    Failed(SparkError),
}

impl From<SparkError> for Pause {
    fn from(error: SparkError) -> Self {
        Self::Failed(error)
    }
}

impl From<StorageError> for Pause {
    fn from(error: StorageError) -> Self {
        Self::Failed(error.into())
    }
}

/// What a decision returns: a value, or why there is none yet.
pub type Known<T> = Result<T, Pause>;

/// Answers so far, and questions that are open.
///
/// ```
/// use rivulet::storage::facts::{Facts, Pause};
/// use rivulet::storage::{Reply, Request};
///
/// let mut facts = Facts::default();
/// assert_eq!(facts.list("/logs"), Err(Pause::Wanting));
/// let asked = facts.wanted();
/// assert_eq!(asked, [Request::List { path: "/logs".into() }]);
/// facts.learn(&asked[0], Ok(Reply::Names(vec!["0".into()])));
/// assert_eq!(facts.list("/logs"), Ok(&["0".to_owned()][..]));
/// ```
#[derive(Debug, Default)]
pub struct Facts {
    /// What is known.
    answers: BTreeMap<Question, Answer>,
    /// What was asked and is not known; in a cell, since decisions only read.
    wanted: RefCell<BTreeSet<Question>>,
}

impl Facts {
    /// Returns what is known, or notes the question.
    fn answer(&self, question: Question) -> Known<&Answer> {
        match self.answers.get(&question) {
            Some(answer) => Ok(answer),
            None => {
                self.wanted.borrow_mut().insert(question);
                Err(Pause::Wanting)
            }
        }
    }

    /// Returns a file's bytes; `None` if the file does not exist.
    ///
    /// # Errors
    /// [`Pause::Wanting`], or what storage said: that the file is damaged, for one.
    pub fn read(&self, path: &str) -> Known<Option<&Buffer>> {
        match self.answer(Question::Read(path.to_owned()))? {
            Ok(Reply::Bytes(bytes)) => Ok(bytes.as_ref()),
            Ok(_) => Err(SparkError::internal("a read was answered by something else").into()),
            Err(error) => Err(error.clone().into()),
        }
    }

    /// Returns a file's bytes as [`Facts::read`], but `None` for a damaged one too: for the last entry of a log, which
    /// a crash may have torn.
    ///
    /// # Errors
    /// [`Pause::Wanting`], or what storage said.
    pub fn read_if_whole(&self, path: &str) -> Known<Option<&Buffer>> {
        match self.answer(Question::Read(path.to_owned()))? {
            Err(StorageError::Corrupt { .. }) => Ok(None),
            _ => self.read(path),
        }
    }

    /// Returns the names in a folder; an empty list if the folder does not exist.
    ///
    /// # Errors
    /// [`Pause::Wanting`], or what storage said.
    pub fn list(&self, path: &str) -> Known<&[String]> {
        match self.answer(Question::List(path.to_owned()))? {
            Ok(Reply::Names(names)) => Ok(names),
            Ok(_) => Err(SparkError::internal("a listing was answered by something else").into()),
            Err(error) => Err(error.clone().into()),
        }
    }

    /// Asks for several files at once, so that one round of answers serves all.
    ///
    /// # Errors
    /// [`Pause::Wanting`] when all that is missing has been noted.
    pub fn want_all<'a>(&self, paths: impl IntoIterator<Item = &'a String>) -> Known<()> {
        let mut missing = false;
        for path in paths {
            missing |= self.answer(Question::Read(path.clone())).is_err();
        }
        if missing { Err(Pause::Wanting) } else { Ok(()) }
    }

    /// Returns what to ask storage for now; each question is returned once.
    pub fn wanted(&self) -> Vec<Request> {
        std::mem::take(&mut *self.wanted.borrow_mut())
            .into_iter()
            .map(|question| match question {
                Question::Read(path) => Request::Read { path },
                Question::List(path) => Request::List { path },
            })
            .collect()
    }

    /// Takes in an answer; answers to anything but reads and listings are ignored.
    pub fn learn(&mut self, request: &Request, answer: Answer) {
        let question = match request {
            Request::Read { path } => Question::Read(path.clone()),
            Request::List { path } => Question::List(path.clone()),
            _ => return,
        };
        self.answers.insert(question, answer);
    }

    /// Forgets everything, and frees what it held.
    pub fn clear(&mut self) {
        self.answers.clear();
        self.wanted.borrow_mut().clear();
    }
}

/// Returns the batch numbers among the names of a log's folder; other names are ignored.
pub fn batch_ids(names: &[String]) -> impl Iterator<Item = i64> + '_ {
    names.iter().filter_map(|n| n.parse().ok()).filter(|id| *id >= 0)
}

/// Decides over a storage that answers at once: for tests and tools.
///
/// # Errors
/// Those of the decision.
#[cfg(test)]
pub fn decide_over<T>(
    storage: &mut dyn crate::storage::Storage,
    decision: impl Fn(&Facts) -> Known<T>,
) -> Result<T, SparkError> {
    let mut facts = Facts::default();
    loop {
        match decision(&facts) {
            Ok(decided) => return Ok(decided),
            Err(Pause::Failed(error)) => return Err(error),
            Err(Pause::Wanting) => {
                for request in facts.wanted() {
                    let answer = storage.perform(&request);
                    facts.learn(&request, answer);
                }
            }
        }
    }
}
