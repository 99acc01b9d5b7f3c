//! What counts of a job: the rows, reports and changes of state of tries that the scheduler has accepted.

use std::collections::BTreeMap;

use super::launch::{Home, snapshot_is_due};
use super::{Arrival, Change, Effect, JobRunner, Outcome, StateChange};
use crate::cluster::attempts::AttemptState;
use crate::cluster::states::too_large;
use crate::error::Result;
use crate::exec::inputs::StateStats;
use crate::ids::{BatchId, JobId, PartitionId, PlanId, RunId, StateId, StatePart, TaskId};
use crate::settings;

impl JobRunner {
    /// Takes over the rows, report and state changes of a try that counts.
    pub(super) fn accept(&mut self, task: TaskId, now_ms: i64) {
        let Some(job) = self.jobs.get_mut(&task.job) else {
            return;
        };
        let Some(arrival) = job.arrived.remove(&task) else {
            return;
        };
        let Arrival {
            executor,
            report,
            pieces,
            deltas,
            updates,
        } = arrival;
        job.updates.extend(updates);
        self.tallies.entry(executor.id).or_default().0 += 1;
        job.attempts.ended(task, AttemptState::Done, now_ms);
        job.attempts.spilled(task, report.spilled_bytes);
        let graph = self.plans.get(&job.plan).map(|p| p.graph.clone());
        let last = graph.is_some_and(|g| g.stages.len() == task.stage.0 + 1);
        if last {
            job.result_size.0 += 1;
            job.result_size.1 += pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
            job.results.insert(task.partition, pieces);
        }
        for (operator, delta) in deltas {
            let stats = report.state.get(&operator).copied();
            let part = StatePart {
                operator,
                partition: task.partition,
            };
            let snapshot = job.request.run.is_some_and(|run| {
                let piece = StateId { run, part };
                let keeping = self.keeping.get(&run).copied().unwrap_or_default();
                snapshot_is_due(self.homes.get(&piece), keeping)
            });
            let change = Change {
                executor,
                delta,
                snapshot,
                stats: stats.unwrap_or_else(StateStats::unknown),
            };
            job.changes.insert(part, change);
        }
        job.reports.insert(task.part(), report);
    }

    /// Returns the pieces of a job's result that can be handed over: those of the next partitions in order, up to the first
    /// that is missing.
    pub(super) fn next_rows(&mut self, id: JobId) -> Option<Effect> {
        let job = self.jobs.get_mut(&id).filter(|job| job.request.in_pieces)?;
        let mut pieces = vec![];
        while let Some(next) = job.results.remove(&job.next_piece) {
            pieces.extend(next);
            job.next_piece = PartitionId(job.next_piece.0 + 1);
        }
        (!pieces.is_empty()).then_some(Effect::Rows { job: id, pieces })
    }

    /// Ends a job that is done: its state changes count from now on.
    ///
    /// # Errors
    /// `RIVULET_STATE_TOO_LARGE` if the driver would keep more state of the run than it may.
    pub(super) fn finish(&mut self, job: JobId) -> Result<Outcome> {
        let Some(job) = self.jobs.remove(&job) else {
            return Ok(Outcome::default());
        };
        let changes = match (job.request.run, &job.request.batch) {
            (Some(run), Some(batch)) => self.keep_changes((run, job.plan), batch.batch_id, job.changes)?,
            _ => vec![],
        };
        Ok(Outcome {
            changes,
            results: job.results.into_values().flatten().collect(),
            updates: job.updates,
            reports: job.reports.into_iter().collect(),
        })
    }

    /// Takes over the changes of a run's state by a batch that is done; returns those that are to be made durable.
    ///
    /// # Errors
    /// `RIVULET_STATE_TOO_LARGE` if the driver would keep more state of the run than it may.
    pub(super) fn keep_changes(
        &mut self,
        (run, plan): (RunId, PlanId),
        batch: BatchId,
        made: BTreeMap<StatePart, Change>,
    ) -> Result<Vec<StateChange>> {
        let (mut changes, mut grew) = (Vec::new(), false);
        let keeping = self.keeping.get(&run).copied().unwrap_or_default();
        for (part, change) in made {
            let piece = StateId { run, part };
            let home = self.homes.entry(piece).or_insert(Home {
                executor: None,
                version: BatchId::NONE,
                deltas: vec![],
                chain: 0,
                stats: change.stats,
            });
            home.stats = change.stats;
            if change.snapshot {
                home.deltas.clear();
                home.chain = 0;
            } else {
                home.chain += 1;
            }
            home.executor = Some(change.executor);
            home.version = batch;
            if keeping.durable {
                changes.push(StateChange {
                    part,
                    snapshot: change.snapshot,
                    bytes: change.delta,
                });
            } else {
                home.deltas.push(change.delta);
                grew = true;
            }
        }
        if grew {
            self.check_kept(run, plan)?;
        }
        Ok(changes)
    }

    /// Refuses to keep more state of a run than the driver may.
    fn check_kept(&self, run: RunId, plan: PlanId) -> Result<()> {
        let Some(plan) = self.plans.get(&plan) else {
            return Ok(());
        };
        let limit = plan.spec.conf.bytes(&settings::DRIVER_STATE_LIMIT)?;
        let homes = || {
            self.homes
                .iter()
                .filter(|(piece, _)| piece.run == run)
                .map(|(_, home)| home)
        };
        let bytes: u64 = homes()
            .flat_map(|home| &home.deltas)
            .map(|delta| delta.len() as u64)
            .sum();
        if limit == 0 || bytes <= limit {
            return Ok(());
        }
        let rows: u64 = homes().map(|home| home.stats.rows_total).sum();
        let what = format!("{rows} rows that the driver keeps for when an executor dies");
        Err(too_large(&what, bytes, &settings::DRIVER_STATE_LIMIT, limit))
    }
}
