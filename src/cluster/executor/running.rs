//! The task that runs: from inputs that are all here to what the driver hears of it, in one piece or in several.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::buffer::Buffer;

use super::resident::Resident;
use super::{BlockStore, Executor, Outgoing, Waiting, in_order};
use crate::cluster::message::{FromExecutor, Run};
use crate::error::{Result, SparkError, guarded};
use crate::exec::inputs::TaskInputs;
use crate::exec::memory::ExecutionMemory;
use crate::exec::stage::{Output, Work};
use crate::exec::task::{self, TaskOutput};
use crate::ids::{ScanId, TaskId};

/// A task that has begun.
pub(super) struct Running {
    /// What was asked for.
    run: Run,
    /// What it works on, and what it reports.
    inputs: Arc<TaskInputs>,
    /// Whether its rows are the job's result.
    is_result: bool,
    /// Its operators at work.
    work: Pin<Box<dyn Future<Output = Result<TaskOutput>>>>,
}

impl Running {
    /// Returns which try it is.
    pub fn task(&self) -> TaskId {
        self.run.task
    }
}

/// What became of a task when it had the thread.
enum Turn {
    /// It has ended.
    Ended(Outgoing),
    /// It continues at its next turn.
    GoesOn(Running),
    /// State that it needs is not here.
    StateMissing,
    /// It stays.
    Stays(Box<Resident>),
}

impl<B: BlockStore> Executor<B> {
    /// Lets the task that runs go on, and others begin after it.
    pub fn go_on(&mut self) -> Vec<Outgoing> {
        let mut out = Vec::new();
        if let Some(running) = self.running.take() {
            let task = running.task();
            let turn = guarded(|| self.turn(running));
            out.extend(self.heard(task, turn));
        }
        out.extend(self.run_complete());
        out
    }

    /// Runs tasks whose blocks are all here, one after the other, until one lets go of the thread.
    pub(super) fn run_complete(&mut self) -> Vec<Outgoing> {
        let mut out = Vec::new();
        while self.running.is_none()
            && let Some(at) = self
                .waiting
                .iter()
                .position(|w| w.missing.is_empty() && w.ordered.is_empty())
        {
            let ready = self.waiting.remove(at);
            let task = ready.run.task;
            let turn = guarded(|| self.begin(ready));
            out.extend(self.heard(task, turn));
        }
        out
    }

    /// Returns what the driver hears of a task after its turn; `None` if the task continues later.
    fn heard(&mut self, task: TaskId, turn: Result<Turn>) -> Option<Outgoing> {
        let message = match turn {
            Ok(Turn::Ended(done)) => return Some(done),
            Ok(Turn::GoesOn(running)) => {
                self.running = Some(running);
                return None;
            }
            Ok(Turn::Stays(resident)) => return self.take_in(*resident),
            Ok(Turn::StateMissing) => FromExecutor::StateMissing { task },
            Err(error) => {
                let retryable = error.is_retryable();
                FromExecutor::Failed { task, error, retryable }
            }
        };
        Some(Outgoing::Driver(message, vec![]))
    }

    /// Begins a task whose inputs are all here.
    fn begin(&mut self, ready: Waiting) -> Result<Turn> {
        let Waiting {
            run,
            blobs,
            got,
            mut supplied,
            ..
        } = ready;
        let task = run.task;
        let graph = match self.plans.get(&run.plan) {
            Some(Ok(graph)) => graph.clone(),
            Some(Err(error)) => return Err(error.clone()),
            None => return Err(SparkError::internal("a task came before its plan")),
        };
        let stage = graph
            .stages
            .get(task.stage.0)
            .ok_or_else(|| SparkError::internal("driver and executor disagree on the stages"))?;
        if let Work::Program(program) = &stage.work {
            return self
                .run_program(&graph, stage, program, &run, blobs, got)
                .map(Turn::Ended);
        }
        let mut blobs = blobs.into_iter().enumerate();
        let mut whole = |(at, blob)| supplied.remove(&at).unwrap_or_else(|| vec![blob]);
        let scans: HashMap<ScanId, Vec<Buffer>> = run
            .scans
            .iter()
            .map(|(scan, n)| (*scan, blobs.by_ref().take(*n).flat_map(&mut whole).collect()))
            .collect();
        let blobs = blobs.map(|(_, blob)| blob);
        let Some(states) = self.take_states(&graph, &run, blobs)? else {
            return Ok(Turn::StateMissing);
        };
        if let Some(stay) = run.stay.clone() {
            let resident = Resident::new(run, &stay, graph, scans, states);
            return Ok(Turn::Stays(Box::new(resident)));
        }
        let mut inputs = TaskInputs::new(in_order(got), scans, run.batch.clone(), states);
        if !graph.functions.is_empty() {
            inputs.functions = Some((run.plan, self.programs.clone()));
        }
        inputs.max_result = run.max_result;
        inputs.pace = self.pace.clone();
        let limit = self.limits.get(&run.plan).copied().unwrap_or_default();
        inputs.runtime = Some(self.memory.as_ref().map_err(SparkError::clone)?.within(limit)?);
        let inputs = Arc::new(inputs);
        let is_result = matches!(stage.output, Output::Result);
        let given = inputs.clone();
        let work = async move {
            let stage = &graph.stages[task.stage.0];
            task::run(stage, task.partition, given, &graph.schema).await
        };
        self.turn(Running {
            run,
            inputs,
            is_result,
            work: Box::pin(work),
        })
    }

    /// Lets a task have the thread until it ends or lets go of it.
    fn turn(&mut self, mut running: Running) -> Result<Turn> {
        let mut context = Context::from_waker(futures::task::noop_waker_ref());
        loop {
            if let Some(pace) = &self.pace {
                pace.begin();
            }
            match running.work.as_mut().poll(&mut context) {
                Poll::Ready(output) => return self.end(&running, output?).map(Turn::Ended),
                Poll::Pending if self.pace.is_some() => return Ok(Turn::GoesOn(running)),
                Poll::Pending => {}
            }
        }
    }

    /// Keeps what a task has made for others, and returns what the driver hears of it.
    fn end(&mut self, running: &Running, output: TaskOutput) -> Result<Outgoing> {
        let Running {
            run, inputs, is_result, ..
        } = running;
        let mut report = inputs.report().clone();
        report.spilled_bytes = self.memory.as_ref().map_or(0, ExecutionMemory::take_spilled_bytes);
        report.heap_bytes = (self.heap)();
        let deltas = self.keep_states(run, inputs, &report)?;
        let mut bytes = self.put_blocks(run.task, *is_result, output.blocks);
        let rows = if *is_result {
            vec![output.rows.iter().sum()]
        } else {
            output.rows
        };
        let results = bytes.len();
        let operators = deltas.keys().copied().collect();
        bytes.extend(deltas.into_values().map(Buffer::from));
        let message = FromExecutor::Finished {
            task: run.task,
            rows,
            report: Box::new(report),
            results,
            deltas: operators,
            kept: vec![],
            updates: false,
        };
        Ok(Outgoing::Driver(message, bytes))
    }
}
