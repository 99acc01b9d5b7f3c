//! Submitting a job: its stages as the scheduler knows them.

use std::collections::{BTreeMap, HashMap};

use super::launch::state_id;
use super::*;
use crate::cluster::attempts::Attempts;
use crate::error::SparkError;
use crate::exec::stage::{KeptPart, Output, Read};
use crate::ids::{JobId, PartitionId, PlanId, StagePart};
use crate::scheduler::event::{Event, StageSpec};
use crate::scheduler::speculation::Speculation;

impl JobRunner {
    /// Runs a plan once. A job with state is never speculated: state changes where its task runs, once at a time.
    ///
    /// An unknown plan or a broken setting fails the job at once.
    pub fn submit(&mut self, plan: PlanId, request: JobRequest, now_ms: i64) -> (JobId, Vec<Effect>) {
        self.next_job += 1;
        let id = JobId(self.next_job);
        let Some(known) = self.plans.get(&plan) else {
            return (
                id,
                vec![Effect::Failed {
                    job: id,
                    error: SparkError::internal("a job has no plan"),
                }],
            );
        };
        let pool = request
            .pool
            .clone()
            .unwrap_or_else(|| Pool::of(&known.spec.conf, id, request.run));
        // State changes where its task runs: once at a time.
        let speculation = match Speculation::of(&known.spec.conf) {
            Ok(speculation) => speculation.filter(|_| request.run.is_none()),
            Err(error) => return (id, vec![Effect::Failed { job: id, error }]),
        };
        let stages = known
            .graph
            .stages
            .iter()
            .map(|stage| StageSpec {
                parents: stage.parents.clone(),
                reads: stage
                    .reads
                    .iter()
                    .map(|reads| reads.iter().filter_map(Read::shuffle).collect())
                    .collect(),
                preferred: PartitionId::first(stage.tasks())
                    .map(|p| {
                        let run = request.run?;
                        stage
                            .stateful
                            .iter()
                            .find_map(|operator| self.homes.get(&state_id(run, *operator, p)))
                            .and_then(|h| h.executor)
                            .map(|e| e.id)
                    })
                    .collect(),
                result: matches!(stage.output, Output::Result),
                shuffle: stage.shuffle,
                kept: stage
                    .kept
                    .iter()
                    .map(|parts| parts.iter().map(kept_spec).collect())
                    .collect(),
            })
            .collect();
        self.jobs.insert(
            id,
            Job {
                plan,
                request,
                results: BTreeMap::new(),
                result_size: (0, 0),
                next_piece: PartitionId(0),
                reports: BTreeMap::new(),
                changes: BTreeMap::new(),
                arrived: HashMap::new(),
                attempts: Attempts::default(),
                updates: vec![],
                deaths: Deaths::new(),
                submitted_ms: now_ms,
            },
        );
        let commands = self.scheduler.step(
            now_ms,
            Event::Submit {
                job: id,
                pool,
                speculation,
                stages,
            },
        );
        (id, self.carry_out(commands, now_ms))
    }
}

/// Returns a cached partition as the scheduler knows it: sources are the runner's to read.
fn kept_spec(part: &KeptPart) -> KeptPart<StagePart> {
    KeptPart {
        id: part.id,
        reads: part.reads.iter().filter_map(Read::shuffle).collect(),
        below: part.below.clone(),
        top: part.top,
    }
}
