//! An executor: keeps plans, blocks and state, fetches what a task needs, runs it.
//!
//! ```text
//!  Run ──▶ accept: which blocks are here, which to fetch ──all here──▶ execute ──▶ Finished
//!             │                                                │  expected state is not here ──▶ StateMissing
//!             │ Peer::Fetch ──▶ peer                           │  the task's own error ──▶ Failed
//!             ▼                                                ▼
//!          waiting ◀──Peer::Blocks── peer          blocks kept for later tasks, state kept for the next batch
//!             └── a block is missing, or the peer is lost ──▶ FetchFailed
//! ```
//!
//! A task that takes long lets go of the thread now and then ([`Pace`]): the host hands over what has come meanwhile, and then
//! lets it [go on](Executor::go_on). So blocks are served while a task runs, and one that is not wanted any more ends soon.

mod flow;
mod program;
pub(in crate::cluster) mod resident;
mod running;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::buffer::Buffer;

use self::resident::Resident;
use self::running::Running;
use super::message::{FromExecutor, PageSink, Peer, ReceiverReport, Run, SpecHeader, ToExecutor};
use super::states::{Found, StateStore, States};
use crate::compile::job;
use crate::error::{Result, SparkError, guarded};
use crate::exec::inputs::{TaskInputs, TaskReport};
use crate::exec::memory::ExecutionMemory;
use crate::exec::pace::Pace;
use crate::exec::program::{FunctionId, NoPrograms, ProgramHost, SharedHost};
use crate::exec::stage::StageGraph;
use crate::exec::state::OperatorState;
use crate::graph::host::GraphHost;
use crate::ids::{
    BatchId, ExecutorRef, JobId, OperatorId, PartitionId, PlanId, RunId, StageId, StateId, StatePart, TaskId,
};
use crate::rdd::lineage;
use crate::rdd::plan::RddPlan;
use crate::scheduler::{BlockId, Fetch};
use crate::settings;
use crate::sources::systems::Order;
use crate::storage::spill::SpillRoom;

/// Where shuffle blocks and kept partitions live until nobody needs them, and state for which memory has no room.
pub trait BlockStore: StateStore {
    /// Returns where operators put what does not fit into memory; `None` if there is no such place.
    fn spill_room(&self) -> Option<Arc<dyn SpillRoom>>;
    /// Keeps a block, in place of an earlier one of its name. `to_file` asks for a place outside of memory, if there is
    /// one.
    fn put(&mut self, id: BlockId, bytes: Vec<u8>, to_file: bool);
    /// Returns a block; `None` if it is not here.
    fn get(&self, id: BlockId) -> Option<Buffer>;
    /// Drops the blocks that are not wanted.
    fn retain(&mut self, wanted: &dyn Fn(BlockId) -> bool);
}

/// Blocks on the heap, and snapshots of state, which take less room there than live state.
#[derive(Debug, Default)]
pub struct MemoryBlocks {
    /// Blocks by name.
    blocks: HashMap<BlockId, Buffer>,
    /// Snapshots of state.
    states: HashMap<StateId, Buffer>,
}

impl StateStore for MemoryBlocks {
    fn takes_state(&self) -> bool {
        true
    }

    fn put_state(&mut self, key: StateId, bytes: &[u8]) -> bool {
        self.states.insert(key, Buffer::from(bytes.to_vec()));
        true
    }

    fn take_state(&mut self, key: StateId) -> Option<Buffer> {
        self.states.remove(&key)
    }
}

impl BlockStore for MemoryBlocks {
    /// Returns a temporary file, which is made when it is first used; in wasm there is none.
    fn spill_room(&self) -> Option<Arc<dyn SpillRoom>> {
        spill_file()
    }

    fn put(&mut self, id: BlockId, bytes: Vec<u8>, _: bool) {
        self.blocks.insert(id, Buffer::from(bytes));
    }

    fn get(&self, id: BlockId) -> Option<Buffer> {
        self.blocks.get(&id).cloned()
    }

    fn retain(&mut self, wanted: &dyn Fn(BlockId) -> bool) {
        self.blocks.retain(|id, _| wanted(*id));
    }
}

/// What an executor wants sent.
#[derive(Debug)]
pub enum Outgoing {
    /// To the driver, with blobs.
    Driver(FromExecutor, Vec<Buffer>),
    /// To another executor, with blobs.
    Peer(ExecutorRef, Peer, Vec<Buffer>),
    /// To the page's function: rows of the query's result.
    Page(Box<Shown>),
    /// To the host: carry out an order of a task; the answer is [`Executor::supply`].
    Order(TaskId, usize, Box<Order>),
}

/// Rows that a task which stays hands to a function of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The function.
    pub sink: PageSink,
    /// The job of the task: what it has handed over does not count when the job has failed.
    pub job: JobId,
    /// The epoch.
    pub epoch: BatchId,
    /// Arrow streams.
    pub blocks: Vec<Buffer>,
}

/// A task that waits for blocks of its peers.
struct Waiting {
    /// The task.
    run: Run,
    /// What came with it.
    blobs: Vec<Buffer>,
    /// Blocks that are still to come.
    missing: BTreeSet<Fetch>,
    /// Blocks that are here.
    got: BTreeMap<Fetch, Buffer>,
    /// Orders that are still to be carried out, by their places among the blobs.
    ordered: BTreeSet<usize>,
    /// What those have brought that are.
    supplied: BTreeMap<usize, Vec<Buffer>>,
}

/// One executor. All calls return what is to be sent; tasks run inside the call that completes their inputs.
///
/// ```
/// use rivulet::cluster::executor::{Executor, MemoryBlocks};
/// use rivulet::cluster::message::ToExecutor;
/// use rivulet::ids::{ExecutorRef, PlanId};
///
/// let mut executor = Executor::new(ExecutorRef::at(0, 0), MemoryBlocks::default());
/// let sent = executor.driver_message(ToExecutor::DropPlan { plan: PlanId(1) }, vec![]);
/// assert!(sent.is_empty());
/// ```
pub struct Executor<B> {
    /// Its name and life.
    me: ExecutorRef,
    /// Its blocks.
    blocks: B,
    /// Plans, or why they cannot be compiled: every task of such a plan fails with that.
    plans: HashMap<PlanId, std::result::Result<Arc<StageGraph>, SparkError>>,
    /// State of streaming queries.
    states: States,
    /// Tasks that wait for blocks, or for the one that runs.
    waiting: Vec<Waiting>,
    /// The task that has let go of the thread.
    running: Option<Running>,
    /// Tasks that stay.
    residents: BTreeMap<TaskId, Resident>,
    /// Says when a task lets go of it; without one it never does.
    pace: Option<Arc<dyn Pace>>,
    /// Runs functions of the user's.
    programs: SharedHost,
    /// What the operators of its tasks hold.
    memory: Result<ExecutionMemory>,
    /// How many bytes those of each plan may hold.
    limits: HashMap<PlanId, u64>,
    /// Returns the bytes of its heap.
    heap: fn() -> u64,
}

impl<B: BlockStore> Executor<B> {
    /// Returns an executor that cannot run functions of the user's.
    pub fn new(me: ExecutorRef, blocks: B) -> Self {
        Self::with_programs(me, blocks, NoPrograms)
    }

    /// Returns an executor that can run functions of the user's.
    pub fn with_programs(me: ExecutorRef, blocks: B, programs: impl ProgramHost + 'static) -> Self {
        Self {
            me,
            memory: ExecutionMemory::new(blocks.spill_room()),
            limits: HashMap::new(),
            heap: || 0,
            blocks,
            programs: SharedHost::new(GraphHost::new(programs)),
            plans: HashMap::new(),
            states: States::default(),
            waiting: vec![],
            running: None,
            residents: BTreeMap::new(),
            pace: None,
        }
    }

    /// Has tasks let go of the thread when `pace` says so: the host calls [`Executor::go_on`] as long as one
    /// [runs](Executor::is_running).
    #[must_use]
    pub fn paced(mut self, pace: Arc<dyn Pace>) -> Self {
        self.pace = Some(pace);
        self
    }

    /// Reports the size of the heap to the driver, which replaces an idle executor whose heap is large: a heap never shrinks.
    #[must_use]
    pub fn measured(mut self, heap: fn() -> u64) -> Self {
        self.heap = heap;
        self
    }

    /// Returns whether a task has let go of the thread.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Takes in a message of the driver. A task whose blocks are all here runs before the call returns.
    pub fn driver_message(&mut self, message: ToExecutor, blobs: Vec<Buffer>) -> Vec<Outgoing> {
        let mut out = self.heed(message, blobs);
        out.extend(self.flow());
        out
    }

    /// Does what the driver says.
    fn heed(&mut self, message: ToExecutor, blobs: Vec<Buffer>) -> Vec<Outgoing> {
        match message {
            ToExecutor::Plan { plan, spec } => {
                let stages = guarded(|| self.compile(plan, spec, &blobs));
                self.plans.insert(plan, stages.map(Arc::new));
            }
            ToExecutor::DropPlan { plan } => {
                self.plans.remove(&plan);
                self.limits.remove(&plan);
                self.programs.get().unload(plan);
            }
            ToExecutor::Run(run) => return self.accept(run, blobs),
            ToExecutor::Feed { task, scans, orders } => return self.feed(task, scans, &orders, blobs),
            ToExecutor::Barrier { task, barrier } => self.barrier(task, barrier),
            ToExecutor::Kill { task } => return self.give_up_tasks(|t| t == task),
            ToExecutor::DropJob { job, keep, answer } => {
                self.blocks.retain(&|id| match id {
                    BlockId::Shuffle { task, .. } => task.job != job || keep.contains(&task),
                    BlockId::Kept(_) => true,
                });
                self.drop_residents(|task| task.job == job);
                let mut out = self.give_up_tasks(|t| t.job == job);
                if answer {
                    out.push(Outgoing::Driver(FromExecutor::Dropped { job }, vec![]));
                }
                return out;
            }
            ToExecutor::Forget { tasks, datasets } => {
                self.blocks.retain(&|id| match id {
                    BlockId::Shuffle { task, .. } => !tasks.contains(&task),
                    BlockId::Kept(id) => !datasets.contains(&id.dataset),
                });
                datasets.iter().for_each(|d| self.programs.get().forget(*d));
            }
            ToExecutor::DropState { run } => self.states.drop_run(run, &mut self.blocks),
            // A host that can run receivers takes these itself.
            ToExecutor::Receiver { receiver, .. } => {
                let message = "this executor runs no receivers".to_owned();
                let report = ReceiverReport::Failed { message };
                return vec![Outgoing::Driver(FromExecutor::Receiver { receiver, report }, vec![])];
            }
        }
        vec![]
    }

    /// Compiles a plan, and loads its functions.
    ///
    /// # Errors
    /// What planning refuses, and what the host of functions refuses.
    fn compile(&mut self, id: PlanId, spec: SpecHeader, blobs: &[Buffer]) -> Result<StageGraph> {
        let spec = spec.spec(blobs)?;
        self.states.budget_bytes = spec.conf.bytes(&settings::STATE_MEMORY)?;
        self.states.limit_bytes = spec.conf.bytes(&settings::STATE_LIMIT)?;
        self.limits.insert(id, spec.conf.bytes(&settings::EXECUTION_MEMORY)?);
        let Some(plan) = RddPlan::of_relation(&job::decode(&spec.relation)?)? else {
            let graph = spec.compile()?;
            for (number, payload) in graph.functions.iter().enumerate() {
                let id = FunctionId { plan: id, number };
                self.programs.get().load_function(id, payload)?;
            }
            return Ok(graph);
        };
        self.programs.get().load(id, &plan.text, &plan.blobs)?;
        Ok(lineage::stages(&plan))
    }

    /// Takes in a message of another executor. A fetch that is meant for an earlier life of this executor finds
    /// nothing.
    pub fn peer_message(&mut self, from: ExecutorRef, message: Peer, blobs: Vec<Buffer>) -> Vec<Outgoing> {
        match message {
            Peer::Fetch { fetches } => {
                let mut bytes = Vec::new();
                let (mut found, mut missing) = (vec![], vec![]);
                for fetch in fetches {
                    match self.block(fetch.block).filter(|_| fetch.from == self.me) {
                        Some(block) => {
                            bytes.push(block);
                            found.push(fetch);
                        }
                        None => missing.push(fetch),
                    }
                }
                vec![Outgoing::Peer(from, Peer::Blocks { found, missing }, bytes)]
            }
            Peer::Blocks { found, missing } => {
                for (fetch, block) in found.into_iter().zip(blobs) {
                    for waiting in &mut self.waiting {
                        if waiting.missing.remove(&fetch) {
                            waiting.got.insert(fetch, block.clone());
                        }
                    }
                }
                let mut out = self.give_up(|fetch| missing.contains(fetch));
                out.extend(self.run_complete());
                out
            }
            message => {
                let mut out = self.resident_hears(from, message, blobs);
                out.extend(self.flow());
                out
            }
        }
    }

    /// Takes in what an order of a task has brought, or why it failed: the task does then. One that is not wanted any more is dropped.
    pub fn supply(&mut self, task: TaskId, at: usize, brought: Result<Vec<Buffer>>) -> Vec<Outgoing> {
        if self.residents.contains_key(&task) {
            let mut out = self.supply_resident(task, at, brought);
            out.extend(self.flow());
            return out;
        }
        let ordered = |waiting: &Waiting| waiting.run.task == task && waiting.ordered.contains(&at);
        let Some(place) = self.waiting.iter().position(ordered) else {
            return vec![];
        };
        match brought {
            Ok(blocks) => {
                let waiting = &mut self.waiting[place];
                waiting.ordered.remove(&at);
                waiting.supplied.insert(at, blocks);
                self.run_complete()
            }
            Err(error) => {
                self.waiting.remove(place);
                self.refuse(task, error)
            }
        }
    }

    /// Takes in that a task cannot begin, as the host cannot get what it is to read.
    pub fn refuse(&self, task: TaskId, error: SparkError) -> Vec<Outgoing> {
        let retryable = error.is_retryable();
        vec![Outgoing::Driver(
            FromExecutor::Failed { task, error, retryable },
            vec![],
        )]
    }

    /// Takes in that a peer is gone: tasks that wait for its blocks fail, so that the driver has them computed again.
    pub fn peer_lost(&mut self, peer: ExecutorRef) -> Vec<Outgoing> {
        self.give_up(|fetch| fetch.from == peer)
    }

    /// Returns a block that is here, or a kept partition that the host has in its memory.
    fn block(&self, id: BlockId) -> Option<Buffer> {
        let here = self.blocks.get(id);
        match id {
            BlockId::Kept(id) => here.or_else(|| self.programs.get().kept(id)),
            BlockId::Shuffle { .. } => here,
        }
    }

    /// Ends tasks that are not wanted any more, without a word; the next one begins.
    fn give_up_tasks(&mut self, gone: impl Fn(TaskId) -> bool) -> Vec<Outgoing> {
        self.waiting.retain(|w| !gone(w.run.task));
        if self.running.as_ref().is_some_and(|r| gone(r.task())) {
            self.running = None;
        }
        self.run_complete()
    }

    /// Fails the tasks that wait for a block which will not come.
    fn give_up(&mut self, gone: impl Fn(&Fetch) -> bool) -> Vec<Outgoing> {
        let mut out = Vec::new();
        self.waiting
            .retain(|waiting| match waiting.missing.iter().find(|f| gone(f)) {
                Some(fetch) => {
                    out.push(Outgoing::Driver(
                        FromExecutor::FetchFailed {
                            task: waiting.run.task,
                            fetch: *fetch,
                        },
                        vec![],
                    ));
                    false
                }
                None => true,
            });
        out
    }

    /// Takes in a task: asks peers for its blocks, and runs what is complete.
    fn accept(&mut self, run: Run, blobs: Vec<Buffer>) -> Vec<Outgoing> {
        let mut got = BTreeMap::new();
        let mut missing = BTreeSet::new();
        let mut asked: BTreeMap<ExecutorRef, Vec<Fetch>> = BTreeMap::new();
        for fetch in &run.fetches {
            if fetch.from != self.me {
                missing.insert(*fetch);
                asked.entry(fetch.from).or_default().push(*fetch);
                continue;
            }
            if matches!(fetch.block, BlockId::Kept(id) if self.programs.get().keeps(id)) {
                continue;
            }
            match self.blocks.get(fetch.block) {
                Some(block) => {
                    got.insert(*fetch, block);
                }
                None => {
                    return vec![Outgoing::Driver(
                        FromExecutor::FetchFailed {
                            task: run.task,
                            fetch: *fetch,
                        },
                        vec![],
                    )];
                }
            }
        }
        let mut out: Vec<Outgoing> = asked
            .into_iter()
            .map(|(to, fetches)| Outgoing::Peer(to, Peer::Fetch { fetches }, vec![]))
            .collect();
        for at in &run.orders {
            let order = blobs.get(*at).and_then(|bytes| Order::of_block(bytes));
            match order {
                Some(order) => out.push(Outgoing::Order(run.task, *at, Box::new(order))),
                None => return self.refuse(run.task, SparkError::internal("an order cannot be read")),
            }
        }
        self.waiting.push(Waiting {
            ordered: run.orders.iter().copied().collect(),
            supplied: BTreeMap::new(),
            run,
            blobs,
            missing,
            got,
        });
        out.extend(self.run_complete());
        out
    }

    /// Takes the states that a task works on: those kept here, else what the driver sent with the task, which are the
    /// last `blobs`. `None` if one is nowhere.
    fn take_states(
        &mut self,
        graph: &StageGraph,
        run: &Run,
        mut blobs: impl Iterator<Item = Buffer>,
    ) -> Result<Option<BTreeMap<OperatorId, OperatorState>>> {
        let mut states = BTreeMap::new();
        for wanted in &run.states {
            let key = state_id(wanted.run, wanted.operator, run.task);
            let loads: Option<Vec<Buffer>> = wanted.load.map(|n| blobs.by_ref().take(n).collect());
            let rebuild = |deltas: &[Buffer]| graph.rebuild(wanted.operator, deltas, wanted.version);
            let state = match (self.states.take(key, wanted.version, &mut self.blocks), loads) {
                (Found::Live(state), _) => *state,
                (Found::Stored(snapshot), _) => rebuild(&[snapshot])?,
                (Found::None, Some(deltas)) => rebuild(&deltas)?,
                (Found::None, None) if wanted.version == BatchId::NONE => continue,
                (Found::None, None) => return Ok(None),
            };
            states.insert(wanted.operator, state);
        }
        Ok(Some(states))
    }

    /// Keeps the states that a task has changed, and returns what the driver is to make durable of them: the changes,
    /// or snapshots of those for which it asks.
    ///
    /// # Errors
    /// `RIVULET_STATE_TOO_LARGE`; if a snapshot cannot be written as Arrow.
    fn keep_states(
        &mut self,
        run: &Run,
        inputs: &TaskInputs,
        report: &TaskReport,
    ) -> Result<BTreeMap<OperatorId, Vec<u8>>> {
        if let Some(Ok(graph)) = self.plans.get(&run.plan) {
            let named = report
                .state
                .iter()
                .filter_map(|(id, stats)| Some((graph.operators.get(id.0)?, stats)));
            for (operator, stats) in named {
                self.states.check(operator.name, run.task.partition, stats)?;
            }
        }
        let tables = std::mem::take(&mut *inputs.states());
        if let Some(wanted) = run.states.first() {
            for (operator, table) in tables {
                let bytes = report.state.get(&operator).map_or(0, |s| s.bytes);
                self.states.put(state_id(wanted.run, operator, run.task), table, bytes);
            }
        }
        let mut deltas = std::mem::take(&mut *inputs.state_deltas());
        for wanted in run.states.iter().filter(|s| s.snapshot) {
            if let Some(table) = self.states.get(state_id(wanted.run, wanted.operator, run.task)) {
                deltas.insert(wanted.operator, table.snapshot()?);
            }
        }
        self.states.shrink(&mut self.blocks);
        Ok(deltas)
    }

    /// Returns the blocks of a result, which the driver gets; keeps those of a shuffle for the tasks that fetch them.
    fn put_blocks(&mut self, task: TaskId, is_result: bool, blocks: Vec<Option<Vec<u8>>>) -> Vec<Buffer> {
        if is_result {
            return blocks.into_iter().flatten().map(Buffer::from).collect();
        }
        for (partition, block) in PartitionId::first(blocks.len()).zip(blocks) {
            if let Some(block) = block {
                self.blocks.put(BlockId::Shuffle { task, partition }, block, false);
            }
        }
        vec![]
    }
}

/// Returns a temporary file for what does not fit into memory.
#[cfg(not(target_arch = "wasm32"))]
fn spill_file() -> Option<Arc<dyn SpillRoom>> {
    Some(Arc::new(crate::storage::spill::SpillFile::default()))
}

/// Returns no file: the host has none.
#[cfg(target_arch = "wasm32")]
fn spill_file() -> Option<Arc<dyn SpillRoom>> {
    None
}

/// Puts fetched blocks into the order of the map tasks, whoever ran them: what comes first to an operator is the same
/// in every try.
fn in_order(got: BTreeMap<Fetch, Buffer>) -> HashMap<StageId, Vec<Buffer>> {
    let mut got: Vec<(Fetch, Buffer)> = got.into_iter().collect();
    got.sort_by_key(|(fetch, _)| (fetch.stage, fetch.block.map()));
    let mut shuffle: HashMap<StageId, Vec<Buffer>> = HashMap::new();
    for (fetch, block) in got {
        shuffle.entry(fetch.stage).or_default().push(block);
    }
    shuffle
}

/// Names the state that an operator has where a task of its stage runs.
fn state_id(run: RunId, operator: OperatorId, task: TaskId) -> StateId {
    let part = StatePart {
        operator,
        partition: task.partition,
    };
    StateId { run, part }
}
