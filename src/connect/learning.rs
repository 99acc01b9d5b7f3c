//! Training in rounds: a job for every question of a learner, over rows that stay on the executors until the training ends,
//! however it ends.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use prost::Message;

use super::driver::Driver;
use super::jobs::Owner;
use super::ml::{MlJob, param};
use crate::cluster::runner::{JobRequest, Limits, ScanBlocks};
use crate::compile::job::{self, JobSpec};
use crate::error::Result;
use crate::exec::stage::StageGraph;
use crate::ids::DatasetId;
use crate::ml::learning::{NAMES, Question, Run, Step, round_relation};
use crate::ml::transform::Context as MlContext;
use crate::proto as sc;

/// Names of rows of trainings begin here: those of pages and of streaming contexts are below.
const FIRST_KEY: u64 = 1 << 52;

/// Names of rows that no training needs any more.
pub(super) type Released = Rc<RefCell<Vec<DatasetId>>>;

/// Rows that executors keep for a training; they are released with it.
#[derive(Debug)]
struct Held {
    dataset: DatasetId,
    released: Released,
}

impl Drop for Held {
    fn drop(&mut self) {
        let names = (0..NAMES).map(|by| DatasetId(self.dataset.0 + by));
        self.released.borrow_mut().extend(names);
    }
}

/// A training that asks.
#[derive(Debug)]
pub(super) struct InRounds {
    run: Run,
    fit: sc::ml_command::Fit,
    /// What planning depends on, as it was when the training began: the rows that are kept belong to it. And what its scans read.
    spec: Option<(JobSpec, ScanBlocks)>,
    held: Held,
}

impl InRounds {
    fn relation(&self, question: Question) -> sc::Relation {
        round_relation(&self.fit, self.held.dataset, question)
    }
}

impl Driver {
    /// Begins a training in rounds.
    ///
    /// # Errors
    /// The learner's; what analysis refuses.
    pub(super) fn start_learning(
        &mut self,
        job: MlJob,
        run: Run,
        fit: &sc::ml_command::Fit,
        now_ms: i64,
    ) -> Result<()> {
        self.trainings += 1;
        let rounds = InRounds {
            run,
            fit: fit.clone(),
            spec: None,
            held: Held {
                dataset: DatasetId(FIRST_KEY + self.trainings * NAMES),
                released: self.released.clone(),
            },
        };
        self.learns(job, Box::new(rounds), None, now_ms)
    }

    /// Continues a training with an answer: runs the job of its next question, or keeps its model.
    ///
    /// # Errors
    /// As [`Self::start_learning`].
    pub(super) fn learns(
        &mut self,
        mut job: MlJob,
        mut rounds: Box<InRounds>,
        answer: Option<Vec<u8>>,
        now_ms: i64,
    ) -> Result<()> {
        let question = match rounds.run.next(answer)? {
            Step::Done(model) => {
                self.learned(&job, *model, rounds.fit.dataset);
                return Ok(());
            }
            Step::Found(value, kind) => {
                self.answer_ml(&job.operation, param(&value, kind));
                return Ok(());
            }
            Step::Ask(question) => question,
        };
        let relation = rounds.relation(question);
        let (spec, graph, scans) = match rounds.spec.take() {
            Some((spec, scans)) => {
                let relation = relation.encode_to_vec();
                let spec = JobSpec { relation, ..spec };
                let graph = spec.compile()?;
                (spec, graph, scans)
            }
            None => {
                let (spec, graph) = self.first_round(&job.session, &rounds.run, &relation, now_ms)?;
                let scans = self.read_files(&graph)?;
                (spec, graph, scans)
            }
        };
        let graph = Arc::new(graph);
        let request = JobRequest {
            description: format!("fit {}", job.params.operator.short()),
            // A spec has no sizes of files, by which those are found that executors read themselves.
            scans: scans.clone(),
            limits: Limits::of_statement(&spec.conf)?,
            ..JobRequest::default()
        };
        rounds.spec = Some((spec.clone(), scans));
        job.rounds = Some(rounds);
        self.run_once(spec, graph, request, Owner::Ml(job), now_ms);
        Ok(())
    }

    fn first_round(
        &mut self,
        session: &str,
        run: &Run,
        relation: &sc::Relation,
        now_ms: i64,
    ) -> Result<(JobSpec, StageGraph)> {
        let (spec, mut analyzer, resolved) = self.planned(session, relation, now_ms)?;
        if let Some(ml) = MlContext::of(&mut analyzer) {
            run.knows(ml.known());
        }
        let graph = job::stages(&analyzer, &resolved, None)?;
        Ok((spec, graph))
    }

    /// Forgets rows that no training needs any more.
    pub(super) fn release_trainings(&mut self, now_ms: i64) {
        let released = std::mem::take(&mut *self.released.borrow_mut());
        if !released.is_empty() {
            let effects = self.runner.forget(released, vec![], now_ms);
            self.carry_out(effects, now_ms);
        }
    }
}
