//! Running queries: when they are stepped, and what becomes of what they ask for.
//!
//! Every step of the driver ends with [`Driver::poll_queries`], so a query whose time has come is stepped by whatever
//! happened.

use std::sync::Arc;

use crate::cluster::runner::{JobRequest, Outcome};
use crate::connect::driver::Driver;
use crate::connect::jobs::Owner;
use crate::connect::protocol::Output;
use crate::connect::storage::Purpose;
use crate::connect::tables::{Then, tables_of};
use crate::error::{Result, SparkError};
use crate::exec::stage::StageGraph;
use crate::ids::{JobId, RunId, StateId};
use crate::sources::Ask;
use crate::storage::Answer;
use crate::streaming::checkpoint::state::Kind;
use crate::streaming::query::{Action, Ticket};
use crate::streaming::source::Source;

/// How many ended queries can still be asked about.
const ENDED_LIMIT: usize = 64;

impl Driver {
    /// Steps every query that is due, and answers calls that can be answered.
    pub(in crate::connect) fn poll_queries(&mut self, now_ms: i64) {
        for running in self.streams.queries.values_mut() {
            running.query.mind_clock(now_ms);
        }
        let due: Vec<String> = self
            .streams
            .queries
            .iter()
            .filter(|(_, r)| r.query.wake_at().is_some_and(|at| at <= now_ms))
            .map(|(id, _)| id.clone())
            .collect();
        for id in due {
            let files = self.files.clone();
            let Some(running) = self.streams.queries.get_mut(&id) else {
                continue;
            };
            let actions = running.query.poll(now_ms, files.as_ref());
            self.act(&id, actions, now_ms);
        }
        self.wake_sources(now_ms);
        self.answer_starts();
        self.answer_waiters(now_ms);
    }

    /// Takes in an answer of storage to a query.
    pub(in crate::connect) fn query_answered(&mut self, run: &str, ticket: Ticket, answer: Answer, now_ms: i64) {
        let files = self.files.clone();
        if let Some(running) = self.streams.queries.get_mut(run) {
            let actions = running.query.answered(now_ms, ticket, answer, files.as_ref());
            self.act(run, actions, now_ms);
        }
    }

    /// Carries out what a query wants, in order.
    ///
    /// An action may step the query again at once (a sink that is done, a job that fails), so later actions of the list
    /// must not depend on the phase; the query ignores what does not fit.
    pub(super) fn act(&mut self, id: &str, actions: Vec<Action>, now_ms: i64) {
        for action in actions {
            match action {
                Action::Storage { ticket, request } => {
                    let run = id.to_owned();
                    self.ask(request, Purpose::Query { run, ticket });
                }
                Action::Ask { source, asks } => self.carry_asks(id, source, asks),
                Action::Received { source, count } => self.received(id, source, count),
                Action::Run(request) => self.run_batch(id, request, now_ms),
                Action::Start(request) => self.start_epochs(id, request, now_ms),
                Action::Feed(blocks) => self.feed_epochs(id, blocks, now_ms),
                Action::EndEpoch { ends, next } => self.end_epoch(id, ends, next, now_ms),
                Action::RunAnew(mut request) => match self.renew_run(id, now_ms) {
                    Ok(run) => {
                        request.run = run;
                        self.run_batch(id, request, now_ms);
                    }
                    Err(error) => self.query_failed(id, error, now_ms),
                },
                Action::Deliver { batch_id, blocks } => self.deliver(id, batch_id, blocks, now_ms),
                Action::Offer { batch_id, blocks } => self.offer(id, batch_id, blocks, now_ms),
                Action::Event { kind, event } => self.listener(kind, event),
                Action::Terminated { .. } => self.terminated(id, now_ms),
            }
        }
    }

    /// Submits a batch's job, after what the tables that its plan reads hold is known: each batch asks anew.
    fn run_batch(&mut self, id: &str, request: JobRequest, now_ms: i64) {
        let tables = self.graph_of(id).map(|graph| tables_of(&graph)).unwrap_or_default();
        if tables.is_empty() {
            return self.submit_batch(id, request, now_ms);
        }
        self.park(&tables, request, Then::Batch(id.to_owned()), now_ms);
    }

    /// Returns the stages of a query that is active.
    pub(in crate::connect) fn graph_of(&self, id: &str) -> Option<Arc<StageGraph>> {
        let running = self.streams.queries.get(id).filter(|r| r.query.is_active());
        running.map(|r| r.query.definition.graph.clone())
    }

    /// Submits a batch's job.
    pub(in crate::connect) fn submit_batch(&mut self, id: &str, request: JobRequest, now_ms: i64) {
        // A sink that failed at once has ended the query, and the job ahead is not wanted any more.
        let running = self.streams.queries.get(id).filter(|r| r.query.is_active());
        let Some(plan) = running.map(|r| r.query.definition.plan) else {
            return;
        };
        let job = self.submit(plan, request, Owner::Query(id.to_owned()), now_ms);
        if let Some(running) = self.streams.queries.get_mut(id) {
            running.query.set_job(job);
        }
        // The batch has taken from the queues.
        self.credits(id);
    }

    /// Gives a query a run whose state is that of its last commit, in place of the one that it has; returns its id.
    ///
    /// # Errors
    /// `CHECKPOINT_CORRUPT` if a state file is missing.
    fn renew_run(&mut self, id: &str, now_ms: i64) -> Result<Option<RunId>> {
        let Some(running) = self.streams.queries.get_mut(id) else {
            return Ok(None);
        };
        let pieces = running.query.committed_state()?;
        let (run, effects) = self.runner.renew_run(running.query.definition.run);
        running.query.definition.run = run;
        let version = running.query.next_batch().previous();
        for (part, files) in pieces {
            let deltas = files.iter().filter(|file| file.kind == Kind::Delta).count();
            self.runner.restore_state(StateId { run, part }, version, deltas);
        }
        self.carry_out(effects, now_ms);
        Ok(Some(run))
    }

    /// Takes in how a batch's job ended.
    pub(in crate::connect) fn query_job_ended(&mut self, id: &str, job: JobId, ended: Result<Outcome>, now_ms: i64) {
        let files = self.files.clone();
        let Some(running) = self.streams.queries.get_mut(id) else {
            return;
        };
        let actions = running.query.job_ended(now_ms, job, ended, files.as_ref());
        self.act(id, actions, now_ms);
    }

    /// Ends a query with an error.
    pub(in crate::connect) fn query_failed(&mut self, id: &str, error: SparkError, now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(id) else {
            return;
        };
        let actions = running.query.failed(error);
        self.act(id, actions, now_ms);
    }

    /// Cleans up after a query that is over: jobs, plan, state, connections, lock.
    ///
    /// The run itself stays, so that clients can ask how it ended; the oldest ended runs are forgotten. The lock is
    /// given back last: whoever takes it finds all writes of this run done.
    pub(super) fn terminated(&mut self, id: &str, now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(id) else {
            return;
        };
        let (plan, run, connections, locked) = (
            running.query.definition.plan,
            running.query.definition.run,
            std::mem::take(&mut running.connections),
            running.locked.take(),
        );
        self.drop_parked_of_run(id);
        let jobs: Vec<_> = self
            .owners
            .iter()
            .filter(|(_, (owner, _))| matches!(owner, Owner::Query(q) if q == id))
            .map(|(job, _)| *job)
            .collect();
        let mut effects = Vec::new();
        for job in jobs {
            self.owners.remove(&job);
            effects.extend(self.runner.cancel(job, now_ms));
            self.note(job, "cancelled", now_ms);
        }
        effects.extend(self.runner.drop_plan(plan));
        effects.extend(self.runner.drop_run(run));
        self.carry_out(effects, now_ms);
        for connection in connections {
            let known = self.streams.connections.remove(&connection);
            let mut asks = vec![Ask::Close];
            let source = known.and_then(|known| self.source(id, known.source));
            asks.extend(source.map(Source::leave).unwrap_or_default());
            let asked = asks.into_iter().map(|ask| Output::Connection { connection, ask });
            self.out.extend(asked);
        }
        self.leave_sources(id);
        // Storage works in order: what the query asked for is over before another can have the lock.
        self.unlock(locked);
        self.streams.ended.push_back(id.to_owned());
        if self.streams.ended.len() > ENDED_LIMIT
            && let Some(oldest) = self.streams.ended.pop_front()
        {
            self.streams.queries.remove(&oldest);
        }
    }

    /// Stops and forgets all queries of a session, those that are starting too.
    pub(in crate::connect) fn stop_queries(&mut self, session: &str, now_ms: i64) {
        let gone = self.streams.starting.iter().filter(|(_, s)| s.session == session);
        for id in gone.map(|(id, _)| *id).collect::<Vec<_>>() {
            let starting = self.streams.starting.remove(&id);
            self.unlock(starting.and_then(|s| s.at()));
        }
        let ids: Vec<String> = self
            .streams
            .queries
            .iter()
            .filter(|(_, r)| r.session == session)
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            if let Some(running) = self.streams.queries.get_mut(&id) {
                let actions = running.query.stop();
                self.act(&id, actions, now_ms);
            }
            self.streams.queries.remove(&id);
            self.streams.ended.retain(|e| *e != id);
        }
    }
}
