//! What becomes of a batch whose job kills executors, if it has records of a write-ahead log: a restart would meet them again.
//!
//! Each death is written into the checkpoint. The first ones end the query, as any error does: they may have been an accident. At
//! the death that `spark.rivulet.streaming.poison.maxDeaths` names, counted over restarts, the record that kills is searched for by
//! trials, whose rows and state are thrown away; it is written down, and the batch runs without it. If it dies again, there is
//! another one. A query whose batch dies of no record alone ends, and nothing is set aside.
//!
//! ```text
//!                                    ┌──────────── Try ───────────┐
//!                 written,           ▼                            │
//! Running ─died─▶ LoggingDeath ─▶ Running a trial ─ended─▶ Search::ended ─Guilty─▶ LoggingAside ─written─▶ Running without it
//!                     │ written, too few deaths                   │ Nobody, or an error of another kind
//!                     ▼                                           ▼
//!                   Ended                                       Ended
//! ```
//!
//! What kills only sometimes cannot be told from an accident: if the sink has a batch already when a crash keeps it from its commit,
//! and it dies afterwards as often as is needed, it comes to the sink again without the record.
//!
//! Every run after a death is over the state of the last commit, whatever the job before has changed. What is written here is the
//! count of deaths and the record; a restart in the middle of a search runs the batch once more, and searches again.

use super::durable::Durable;
use super::{Action, Batch, Phase, Query};
use crate::error::{Result, SparkError};
use crate::ids::{BatchId, StatePart};
use crate::settings;
use crate::sources::Guarantee;
use crate::streaming::checkpoint::poison::{Aside, dead_letter};
use crate::streaming::checkpoint::state::StateFile;
use crate::streaming::pieces::{Piece, Search, Verdict, suspects};

impl Query {
    /// Returns the death at which a record is searched for; `None` if none ever is: without a checkpoint, without a write-ahead log,
    /// or by the setting.
    pub(super) fn most_deaths(&self) -> Option<usize> {
        let deaths = self.definition.conf.number(&settings::POISON_MAX_DEATHS).ok()? as usize;
        let logged = self
            .sources
            .iter()
            .any(|s| s.definition().guarantee == Guarantee::Logged);
        (deaths > 0 && self.durable.is_some() && logged).then_some(deaths)
    }

    /// Takes the batch out of the phase in which its job runs.
    fn take_running(&mut self) -> Option<Box<Batch>> {
        match std::mem::replace(&mut self.phase, Phase::Waiting { until_ms: i64::MAX }) {
            Phase::Running { batch, .. } => Some(batch),
            other => {
                self.phase = other;
                None
            }
        }
    }

    /// Takes in that the job of the batch in progress has failed: a death is written down, any other error ends the query.
    pub(super) fn died(&mut self, error: SparkError) -> Vec<Action> {
        let counts = error.is_death() && self.most_deaths().is_some();
        let is_suspect = |batch: &Batch| !suspects(&batch.taken, &pieces(batch)).is_empty();
        let batch = match &self.phase {
            Phase::Running { batch, .. } if counts && is_suspect(batch) => self.take_running(),
            _ => None,
        };
        let (Some(mut batch), Some(durable)) = (batch, &self.durable) else {
            return self.failed(error);
        };
        let request = batch.poison.next_death(&durable.at, batch.id, &error.to_string());
        batch.poison.deaths += 1;
        let (waits, actions) = self.ask([request]);
        self.phase = Phase::LoggingDeath { batch, waits, error };
        actions
    }

    /// Returns what the batch has died of, while that is being written: it is why the query ends, if it cannot be written.
    pub(super) fn death(&self) -> Option<&SparkError> {
        match &self.phase {
            Phase::LoggingDeath { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Continues after a death that is written down: ends the query, or begins to search.
    pub(super) fn dead(&mut self, mut batch: Box<Batch>, error: SparkError) -> Vec<Action> {
        let most = self.most_deaths().unwrap_or(usize::MAX);
        let limit = self.definition.conf.count(&settings::POISON_MAX_RECORDS).unwrap_or(16);
        let (count, deaths) = (batch.poison.aside.len(), batch.poison.deaths);
        if deaths < most {
            let more = format!(
                "After {most} deaths of batch {} (this was number {deaths}; {}) the record that it dies of is set aside.",
                batch.id,
                settings::POISON_MAX_DEATHS.key
            );
            return self.failed(with_sentence(error, &more));
        }
        if count >= limit {
            let why = format!(
                "{count} records of it are set aside already, and {} allows no more",
                settings::POISON_MAX_RECORDS.key
            );
            return self.failed(unsolved(error, &batch, &why));
        }
        self.message = format!("Looking for the record that batch {} dies of", batch.id);
        batch.death = Some(error);
        batch.search = Some(Search::new(suspects(&batch.taken, &pieces(&batch))));
        self.run_again(batch)
    }

    /// Handles the end of a trial.
    pub(super) fn tried(&mut self, ended: Result<()>) -> Vec<Action> {
        let Some(mut batch) = self.take_running() else {
            return vec![];
        };
        let died = match ended {
            Err(error) if !error.is_death() => return self.failed(error),
            Err(error) => {
                batch.death = Some(error);
                true
            }
            Ok(()) => false,
        };
        let taken = std::mem::take(&mut batch.taken);
        let verdict = batch.search.as_mut().map(|search| search.ended(died, &taken));
        batch.taken = taken;
        match verdict {
            Some(Verdict::Guilty(piece)) => self.set_aside_record(batch, piece),
            Some(Verdict::Nobody(why)) => {
                let error = batch.death.take();
                let error = error.unwrap_or_else(|| SparkError::internal("a search began without a death"));
                self.failed(unsolved(error, &batch, why))
            }
            _ => self.run_again(batch),
        }
    }

    /// Writes down the record that the batch runs without.
    fn set_aside_record(&mut self, mut batch: Box<Batch>, piece: Piece) -> Vec<Action> {
        batch.search = None;
        self.message = "Processing new data".into();
        let source = batch.sources.get(piece.source).map(|s| s.description.clone());
        let record = batch.taken.get(piece.source).map(|taken| taken.content(piece));
        let record = match record.transpose() {
            Ok(record) => record.unwrap_or_default(),
            Err(error) => return self.failed(error),
        };
        let aside = Aside {
            source: source.unwrap_or_default(),
            piece,
            reason: batch.death.as_ref().map(ToString::to_string).unwrap_or_default(),
            record,
        };
        let request = self
            .durable
            .as_ref()
            .map(|d| batch.poison.next_aside(&d.at, batch.id, &aside));
        batch.poison.aside.push(aside);
        let (waits, actions) = self.ask(request);
        self.phase = Phase::LoggingAside { batch, waits };
        actions
    }

    /// Runs the batch, or the next trial of it, over the state of the last commit.
    pub(super) fn run_again(&mut self, batch: Box<Batch>) -> Vec<Action> {
        match self.job_of(&batch) {
            Ok(request) => {
                self.phase = Phase::Running { batch, job: None };
                vec![Action::RunAnew(request)]
            }
            Err(error) => self.failed(error),
        }
    }

    /// Returns the batch that comes next, or is in progress.
    pub fn next_batch(&self) -> BatchId {
        self.next_batch
    }

    /// Returns the pieces of state that the batch in progress begins with and the files of each, oldest first; none before the first
    /// batch.
    ///
    /// # Errors
    /// `CHECKPOINT_CORRUPT` if a file is missing.
    pub fn committed_state(&self) -> Result<Vec<(StatePart, Vec<StateFile>)>> {
        let first = self.next_batch.0 == 0;
        let Some(durable) = self.durable.as_ref().filter(|_| !first) else {
            return Ok(vec![]);
        };
        let chain = |part: StatePart| Ok((part, durable.state().chain(&durable.at, part, self.next_batch.0)?));
        self.definition.graph.state_parts().map(chain).collect()
    }

    /// Returns sentences about the records that a batch ran without: one per source.
    pub(super) fn set_aside(&self, batch: &Batch) -> Vec<String> {
        let Some(Durable { at, .. }) = &self.durable else {
            return vec![];
        };
        let mut said = Vec::new();
        for (number, source) in self.sources.iter().enumerate() {
            let own = batch.poison.aside.iter().enumerate();
            let own = own.filter(|(_, aside)| aside.piece.source == number);
            let files: Vec<String> = own.map(|(k, _)| dead_letter(at, batch.id, k)).collect();
            if !files.is_empty() {
                said.push(format!(
                    "Batch {} went on without {} of the records of {}, since executors died of each: see {}",
                    batch.id,
                    files.len(),
                    source.description,
                    files.join(", ")
                ));
            }
        }
        said
    }
}

/// Returns where the records are that a batch runs without.
fn pieces(batch: &Batch) -> Vec<Piece> {
    batch.poison.aside.iter().map(|aside| aside.piece).collect()
}

/// Returns the error of a batch that nothing more can be done for.
fn unsolved(error: SparkError, batch: &Batch, why: &str) -> SparkError {
    let (id, deaths) = (batch.id, batch.poison.deaths);
    let sentence = format!("Batch {id} has died {deaths} times, and no record more is set aside: {why}.");
    with_sentence(error, &sentence)
}

/// Returns an error that says more.
fn with_sentence(mut error: SparkError, sentence: &str) -> SparkError {
    let end = if error.message.ends_with('.') { "" } else { "." };
    error.message = format!("{}{end} {sentence}", error.message);
    error
}
