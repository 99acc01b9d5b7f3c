//! Tasks that have nothing to do: they are done without an executor.
//!
//! Most micro-batches are short: one block, a few keys. A task whose blocks have no rows, in whose state the watermark closes
//! nothing, changes nothing, and what it would report is known. It counts as done where it would have run, so that only as
//! many executors wake as there is work for.

use arrow::buffer::Buffer;

use super::launch::state_id;
use super::{Arrival, Effect, JobRunner};
use crate::exec::decode::holds_no_rows;
use crate::exec::inputs::TaskReport;
use crate::exec::stage::Read;
use crate::ids::TaskId;
use crate::plan::output_mode::OutputMode;
use crate::scheduler::Fetch;
use crate::scheduler::event::Event;

impl JobRunner {
    /// Returns what a try of a micro-batch would report that has no rows to work on and whose state stays as it is; `None` for
    /// one that must run.
    ///
    /// State that is made durable has a change in every batch, and the first batch makes the state. In complete mode all of
    /// the state leaves.
    pub(super) fn resting(&self, task: &TaskId, fetches: &[Fetch]) -> Option<TaskReport> {
        let job = self.jobs.get(&task.job)?;
        let batch = job.request.batch.as_ref()?;
        let plan = self.plans.get(&job.plan)?;
        let stage = plan.graph.stages.get(task.stage.0)?;
        let is_quiet = plan.quiet.get(task.stage.0).is_some_and(|quiet| *quiet);
        if !is_quiet || !fetches.is_empty() || !stage.kept.is_empty() {
            return None;
        }
        let mut report = TaskReport::default();
        for operator in &stage.stateful {
            let run = job.request.run.filter(|_| batch.mode != OutputMode::Complete)?;
            let durable = self.keeping.get(&run).is_none_or(|keeping| keeping.durable);
            let home = self.homes.get(&state_id(run, *operator, task.partition))?;
            let wakes_at_us = home.stats.wakes_at_us;
            if durable || wakes_at_us == i64::MIN || batch.evict_us.is_some_and(|evict| wakes_at_us <= evict) {
                return None;
            }
            report.state.insert(*operator, home.stats.at_rest());
        }
        for read in stage.reads.get(task.partition.0)? {
            let Read::Scan(part) = read else { continue };
            let blocks = job.request.scans.get(part).map(Vec::as_slice).unwrap_or_default();
            let blocks: Vec<Buffer> = blocks
                .iter()
                .map(|block| block.bytes().cloned())
                .collect::<Option<_>>()?;
            if !holds_no_rows(plan.graph.scans.get(part.scan.0)?, &blocks) {
                return None;
            }
            report.scanned_rows.insert(part.scan, 0);
        }
        Some(report)
    }

    /// Ends the tries that have nothing to do, and begins what follows; returns `None` if there were none.
    ///
    /// Call it at the end of each step until it returns `None`: the job after one that ends may have nothing to do either.
    pub fn end_resting(&mut self, now_ms: i64) -> Option<Vec<Effect>> {
        let mut effects = None;
        while let Some((task, executor, report)) = self.resting.pop_front() {
            let Some(job) = self.jobs.get_mut(&task.job) else {
                continue;
            };
            let partitions = self
                .plans
                .get(&job.plan)
                .and_then(|plan| plan.graph.stages.get(task.stage.0))
                .map_or(1, |stage| stage.output.partitions());
            let arrival = Arrival {
                executor,
                report,
                pieces: vec![],
                deltas: vec![],
                updates: None,
            };
            job.arrived.insert(task, arrival);
            let finished = Event::Finished {
                task,
                executor,
                rows: vec![0; partitions],
                kept: vec![],
            };
            let commands = self.scheduler.step(now_ms, finished);
            effects
                .get_or_insert_with(Vec::new)
                .extend(self.carry_out(commands, now_ms));
        }
        effects
    }
}
