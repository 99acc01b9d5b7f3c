//! Jobs over tables of other systems: what these hold is asked for when a job begins, and the job waits for the answers.
//!
//! ```text
//!  run_once, run_batch ──tables──▶ park: each table asks ─▶ Output::Connection ─▶ host
//!        │ none                       ▲ asks again              │
//!        ▼                            │                         ▼
//!      runner ◀── orders of all ── take_step ◀── heard, or its time has come
//! ```
//!
//! A job that waits holds nothing of the executors, and others run meanwhile. One that runs once is planned again with a task for each
//! order; the plan of a streaming query stays, and orders are dealt out over its tasks. Tables with the same options are one table,
//! so that both sides of a self-join have the same rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::buffer::Buffer;

use super::driver::Driver;
use super::jobs::Owner;
use super::protocol::Output;
use crate::cluster::runner::{JobRequest, SourceBlock};
use crate::compile::job::JobSpec;
use crate::error::{Result, SparkError, guarded};
use crate::exec::stage::StageGraph;
use crate::ids::ConnectionId;
use crate::plan::scan::table_key;
use crate::sources::{self, Ask, Event, StreamSpec, Table, TableStep};
use crate::streaming::deal::{Cut, deal};

/// Jobs that wait for what tables hold.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// The jobs, by a number of their own.
    parked: BTreeMap<u64, Parked>,
    /// Which table of which job asks over a connection: each question has one of its own.
    asked: BTreeMap<ConnectionId, (u64, usize)>,
}

/// A job that waits.
#[derive(Debug)]
struct Parked {
    /// The job, without what its tables hold.
    request: JobRequest,
    /// What follows.
    then: Then,
    /// Its tables.
    tables: Vec<Asking>,
}

/// What runs once all tables are known.
#[derive(Debug)]
pub(super) enum Then {
    /// A job of its own, for its owner.
    Once(Box<JobSpec>, Owner),
    /// A batch of a streaming query, by run id.
    Batch(String),
}

/// A table of a job that waits.
#[derive(Debug)]
struct Asking {
    /// Names it in the plan.
    key: String,
    /// What finds out.
    table: Box<dyn Table>,
    /// What it has found out.
    orders: Option<Vec<Buffer>>,
}

impl Tables {
    /// Returns when a table is due, ms since the epoch.
    pub fn wake_at(&self) -> Option<i64> {
        let tables = self.parked.values().flat_map(|parked| &parked.tables);
        let asking = tables.filter(|asking| asking.orders.is_none());
        asking.map(|asking| asking.table.wake_at()).min()
    }
}

/// Returns the tables of a plan, each once.
pub(super) fn tables_of(graph: &StageGraph) -> Vec<StreamSpec> {
    let mut found: Vec<StreamSpec> = vec![];
    for spec in graph.scans.iter().filter_map(|scan| scan.table.as_ref()) {
        if !found.contains(spec) {
            found.push(spec.clone());
        }
    }
    found
}

impl Driver {
    /// Has a job wait until its tables are known.
    pub(super) fn park(&mut self, specs: &[StreamSpec], request: JobRequest, then: Then, now_ms: i64) {
        let opened = specs.iter().map(|spec| {
            let table = sources::find(&spec.format)?.open_table(spec)?;
            let (key, orders) = (table_key(spec), None);
            Ok(Asking { key, table, orders })
        });
        let mut tables = match opened.collect::<Result<Vec<Asking>>>() {
            Ok(tables) => tables,
            Err(error) => return self.parked_failed(then, error, now_ms),
        };
        let id = self.streams.fresh();
        let asks: Vec<Ask> = tables.iter_mut().map(|asking| asking.table.look(now_ms)).collect();
        let parked = Parked { request, then, tables };
        self.tables.parked.insert(id, parked);
        for (at, ask) in asks.into_iter().enumerate() {
            self.ask_for_table(id, at, ask);
        }
    }

    /// Brings what a table asks to a connection.
    fn ask_for_table(&mut self, id: u64, at: usize, ask: Ask) {
        let connection = ConnectionId(self.streams.fresh());
        self.tables.asked.insert(connection, (id, at));
        self.out.push(Output::Connection { connection, ask });
    }

    /// Takes in what a connection has done; returns it if no table has asked over it.
    pub(super) fn table_heard(&mut self, connection: ConnectionId, event: Event, now_ms: i64) -> Option<Event> {
        let Some((id, at)) = self.tables.asked.remove(&connection) else {
            return Some(event);
        };
        let ask = Ask::Close;
        self.out.push(Output::Connection { connection, ask });
        let asking = self
            .tables
            .parked
            .get_mut(&id)
            .and_then(|parked| parked.tables.get_mut(at));
        if let Some(step) = asking.map(|asking| asking.table.heard(event, now_ms)) {
            self.take_table_step(id, at, step, now_ms);
        }
        None
    }

    /// Lets tables do what is due.
    pub(super) fn wake_tables(&mut self, now_ms: i64) {
        let mut due = Vec::new();
        for (id, parked) in &self.tables.parked {
            let asking = parked.tables.iter().enumerate();
            let asking = asking.filter(|(_, asking)| asking.orders.is_none() && asking.table.wake_at() <= now_ms);
            due.extend(asking.map(|(at, _)| (*id, at)));
        }
        for (id, at) in due {
            // Another table's end may have been that of the job.
            let asking = self
                .tables
                .parked
                .get_mut(&id)
                .and_then(|parked| parked.tables.get_mut(at));
            if let Some(step) = asking.map(|asking| asking.table.wake(now_ms)) {
                self.take_table_step(id, at, step, now_ms);
            }
        }
    }

    /// Carries out what a table wants next. With the last table's orders, its job runs.
    fn take_table_step(&mut self, id: u64, at: usize, step: Result<TableStep>, now_ms: i64) {
        let orders = match step {
            Ok(TableStep::Wait) => return,
            Ok(TableStep::Ask(ask)) => {
                self.forget_questions(|of| of == (id, at));
                return self.ask_for_table(id, at, ask);
            }
            Ok(TableStep::Orders(orders)) => orders,
            Err(error) => {
                if let Some(parked) = self.unpark(id) {
                    self.parked_failed(parked.then, error, now_ms);
                }
                return;
            }
        };
        let Some(parked) = self.tables.parked.get_mut(&id) else {
            return;
        };
        if let Some(asking) = parked.tables.get_mut(at) {
            asking.orders = Some(orders);
        }
        if parked.tables.iter().all(|asking| asking.orders.is_some())
            && let Some(parked) = self.unpark(id)
        {
            self.run_parked(parked, now_ms);
        }
    }

    /// Runs a job whose tables are known.
    fn run_parked(&mut self, parked: Parked, now_ms: i64) {
        let Parked {
            mut request,
            then,
            tables,
        } = parked;
        let tables = tables.into_iter();
        let orders: BTreeMap<String, Vec<Buffer>> = tables.map(|t| (t.key, t.orders.unwrap_or_default())).collect();
        match then {
            Then::Once(mut spec, owner) => {
                let counts = orders.iter().map(|(key, orders)| (key.clone(), orders.len().max(1)));
                spec.tables = counts.collect();
                match guarded(|| spec.compile()) {
                    Ok(graph) => {
                        deal_orders(&graph, &orders, &mut request);
                        self.run_now(*spec, Arc::new(graph), request, owner, now_ms);
                    }
                    Err(error) => self.owner_failed(owner, error, now_ms),
                }
            }
            Then::Batch(run) => {
                if let Some(graph) = self.graph_of(&run) {
                    deal_orders(&graph, &orders, &mut request);
                    self.submit_batch(&run, request, now_ms);
                }
            }
        }
    }

    /// Brings an error to who waits for a job that waits.
    fn parked_failed(&mut self, then: Then, error: SparkError, now_ms: i64) {
        match then {
            Then::Once(_, owner) => self.owner_failed(owner, error, now_ms),
            Then::Batch(run) => self.query_failed(&run, error, now_ms),
        }
    }

    /// Drops the jobs of an operation that wait for tables.
    pub(super) fn drop_parked_of_operation(&mut self, operation: &str) {
        self.drop_parked(|then| matches!(then, Then::Once(_, owner) if owner.operation() == Some(operation)));
    }

    /// Drops the batches of a streaming query that wait for tables.
    pub(super) fn drop_parked_of_run(&mut self, run: &str) {
        self.drop_parked(|then| matches!(then, Then::Batch(of) if of == run));
    }

    /// Drops jobs that wait for tables; nobody hears of their end.
    fn drop_parked(&mut self, goes: impl Fn(&Then) -> bool) {
        let gone = self.tables.parked.iter().filter(|(_, parked)| goes(&parked.then));
        for id in gone.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.unpark(id);
        }
    }

    /// Takes a job out of those that wait; its questions are given up.
    fn unpark(&mut self, id: u64) -> Option<Parked> {
        self.forget_questions(|(of, _)| of == id);
        self.tables.parked.remove(&id)
    }

    /// Closes the connections of questions that need no answer any more.
    fn forget_questions(&mut self, goes: impl Fn((u64, usize)) -> bool) {
        let gone = self.tables.asked.iter().filter(|(_, of)| goes(**of));
        for connection in gone.map(|(connection, _)| *connection).collect::<Vec<_>>() {
            self.tables.asked.remove(&connection);
            let ask = Ask::Close;
            self.out.push(Output::Connection { connection, ask });
        }
    }
}

/// Deals the orders of tables out over the tasks that read them.
fn deal_orders(graph: &StageGraph, orders: &BTreeMap<String, Vec<Buffer>>, request: &mut JobRequest) {
    for scan in &graph.scans {
        let Some(orders) = scan.table.as_ref().and_then(|spec| orders.get(&table_key(spec))) else {
            continue;
        };
        let dealt = deal(orders.clone(), Cut::Never, scan.id, scan.partitions);
        let blocks = |(part, own): (_, Vec<Buffer>)| (part, own.into_iter().map(SourceBlock::Order).collect());
        request.scans.extend(dealt.into_iter().map(blocks));
    }
}
