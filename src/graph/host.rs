//! An executor's host of programs that runs the engine's steps over graphs itself, and hands everything else to the script.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::buffer::Buffer;

use super::algorithms::{EngineStep, Inbox, Parameters};
use super::columns::{Reader, State};
use super::packed;
use super::structure::{Adjacency, Routed};
use crate::error::{Result, SparkError};
use crate::exec::program::{
    Edge, FunctionId, GroupAnswer, GroupCall, Keep, ProgramHost, ProgramOutput, ProgramTask, Shuffled,
};
use crate::ids::{DatasetId, KeptId, PartitionId, PlanId};
use crate::rdd::op::{Op, Partitioner};
use crate::rdd::plan::{Kind, Node, RddPlan};

/// The most bytes of structures that an executor keeps. Beyond it a structure is made anew by every superstep.
const BUDGET_BYTES: usize = 1 << 30;

/// A plan that has steps of the engine's.
struct Loaded {
    nodes: Vec<Node>,
    /// By node.
    steps: Vec<Option<EngineStep>>,
}

impl Loaded {
    /// Reads the steps of a plan; `None` if it has none.
    fn of(nodes: Vec<Node>) -> Result<Option<Self>> {
        let read = |node: &Node| match &node.op {
            Some(Op::Engine { step }) => EngineStep::read(step).map(Some),
            _ => Ok(None),
        };
        let steps = nodes.iter().map(read).collect::<Result<Vec<_>>>()?;
        Ok(steps.iter().any(Option::is_some).then_some(Self { nodes, steps }))
    }

    fn step(&self, at: usize) -> Option<&EngineStep> {
        self.steps.get(at)?.as_ref()
    }

    /// Deals out pairs of ids that come packed from a source, if a task does nothing else; `None` if it is the script's.
    fn dealt(&self, task: &ProgramTask<'_>) -> Option<ProgramOutput> {
        let Edge { reader, parent } = task.program.write?;
        let Partitioner::Ends {
            partitions,
            values: false,
        } = &self.nodes.get(reader)?.write.get(parent)?.as_ref()?.partitioner
        else {
            return None;
        };
        let node = self.nodes.get(task.program.root).filter(|n| !n.cached)?;
        let is_pairs = matches!(&node.op, Some(Op::Graph(own)) if own.step == "tuples");
        let source = self.nodes.get(*node.parents.first()?)?;
        if !is_pairs || source.kind != Kind::Source || source.op.is_some() || source.cached {
            return None;
        }
        let [(_, block)] = task.sources.as_slice() else {
            return None;
        };
        let (count, blocks) = packed::dealt(block, *partitions)?;
        Some(ProgramOutput {
            rows: blocks.iter().map(|_| count as u64).collect(),
            blocks: blocks.into_iter().map(Some).collect(),
            ..ProgramOutput::default()
        })
    }
}

/// A structure that is kept.
#[derive(Clone)]
enum Kept {
    Adjacency(Arc<Adjacency>),
    Routed(Arc<Routed>),
}

impl Kept {
    fn bytes(&self) -> usize {
        match self {
            // Its edges are counted with the routed structure that shares them.
            Self::Adjacency(_) => 0,
            Self::Routed(routed) => routed.bytes(),
        }
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Adjacency(adjacency) => adjacency.encode(),
            Self::Routed(routed) => routed.encode(),
        }
    }
}

/// Runs steps of [`Op::Engine`] and keeps their structures; everything else is the inner host's.
pub struct GraphHost<H> {
    inner: H,
    /// Plans that have such steps.
    plans: HashMap<PlanId, Arc<Loaded>>,
    kept: BTreeMap<KeptId, Kept>,
    bytes: usize,
}

impl<H: ProgramHost> GraphHost<H> {
    /// Wraps a host.
    pub fn new(inner: H) -> Self {
        Self {
            inner,
            plans: HashMap::new(),
            kept: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Keeps a structure, if there is room.
    fn keep(&mut self, id: Option<KeptId>, kept: Kept, keeps: &mut Vec<Keep>) {
        let bytes = kept.bytes();
        let Some(id) = id.filter(|_| self.bytes + bytes <= BUDGET_BYTES) else {
            return;
        };
        self.bytes += bytes;
        if let Some(before) = self.kept.insert(id, kept) {
            self.bytes -= before.bytes();
        }
        let bytes = bytes as u64;
        keeps.push(Keep { id, bytes, block: None });
    }
}

/// A task of the engine's while it runs.
struct Task<'a, H> {
    host: &'a mut GraphHost<H>,
    plan: &'a Loaded,
    partition: PartitionId,
    input: &'a ProgramTask<'a>,
    keeps: Vec<Keep>,
}

fn damaged(why: &str) -> SparkError {
    SparkError::internal(format!("a plan over a graph cannot be run: {why}"))
}

impl<H: ProgramHost> Task<'_, H> {
    fn node(&self, at: usize) -> Result<&Node> {
        self.plan.nodes.get(at).ok_or_else(|| damaged("a dataset is missing"))
    }

    /// Returns what was shuffled to a parent of a dataset.
    fn shuffled(&self, reader: usize, parent: usize) -> &[Buffer] {
        let found = |s: &&Shuffled| s.edge == Edge { reader, parent } && s.partition == self.partition;
        self.input.shuffled.iter().find(found).map_or(&[], |s| &s.blocks)
    }

    /// Returns a structure that is kept here, or came along.
    fn known(&self, at: usize) -> Result<Option<Kept>> {
        let Some(id) = self.node(at)?.kept(self.partition) else {
            return Ok(None);
        };
        if let Some(kept) = self.host.kept.get(&id) {
            return Ok(Some(kept.clone()));
        }
        let Some((_, block)) = self.input.kept.iter().find(|(other, _)| *other == id) else {
            return Ok(None);
        };
        Ok(Some(match self.plan.step(at) {
            Some(EngineStep::Adjacency) => Kept::Adjacency(Arc::new(Adjacency::decode(block)?)),
            _ => Kept::Routed(Arc::new(Routed::decode(block)?)),
        }))
    }

    fn adjacency(&mut self, at: usize) -> Result<Arc<Adjacency>> {
        if let Some(Kept::Adjacency(adjacency)) = self.known(at)? {
            return Ok(adjacency);
        }
        let node = self.node(at)?;
        let (partitions, id) = (node.partitions, node.kept(self.partition));
        let (edges, vertices) = (self.shuffled(at, 0), self.shuffled(at, 1));
        let built = Arc::new(Adjacency::build(self.partition.0, partitions, edges, vertices)?);
        self.host.keep(id, Kept::Adjacency(built.clone()), &mut self.keeps);
        Ok(built)
    }

    fn routed(&mut self, at: usize) -> Result<Arc<Routed>> {
        if let Some(Kept::Routed(routed)) = self.known(at)? {
            return Ok(routed);
        }
        let parent = *self.node(at)?.parents.first().ok_or_else(|| damaged("no adjacency"))?;
        let adjacency = self.adjacency(parent)?;
        let built = Arc::new(Routed::build(adjacency, self.shuffled(at, 1))?);
        let id = self.node(at)?.kept(self.partition);
        self.host.keep(id, Kept::Routed(built.clone()), &mut self.keeps);
        Ok(built)
    }

    /// Returns what a step makes of its inputs.
    fn state(&mut self, at: usize, algorithm: &Parameters, step: &EngineStep) -> Result<(Arc<Routed>, State)> {
        let parents = self.node(at)?.parents.clone();
        let graph = self.routed(*parents.first().ok_or_else(|| damaged("no structure"))?)?;
        let algorithm = algorithm.algorithm();
        let state = match step {
            EngineStep::First { .. } => algorithm.first(&graph),
            EngineStep::Resume { .. } => {
                let source = parents.get(1).ok_or_else(|| damaged("no state"))?;
                let mut sources = self.input.sources.iter();
                let found = sources.find(|(part, _)| part.scan.0 == *source && part.partition == self.partition);
                let (_, block) = found.ok_or_else(|| damaged("no state"))?;
                Outcome::read(block)?.state
            }
            _ => {
                let blocks = self.shuffled(at, 1);
                if blocks.len() != graph.wanted.len() {
                    return Err(damaged("some partitions said nothing"));
                }
                let said = blocks.iter().map(|b| State::decode(b)).collect::<Result<_>>()?;
                let own = self.partition.0;
                algorithm.step(&graph, &Inbox { said, own })?
            }
        };
        Ok((graph, state))
    }

    fn run(mut self, root: usize) -> Result<ProgramOutput> {
        let step = self.plan.step(root).cloned().ok_or_else(|| damaged("no step"))?;
        let writes = self.input.program.write;
        let blocks = match &step {
            EngineStep::Adjacency => {
                let adjacency = self.adjacency(root)?;
                (0..self.node(root)?.partitions).map(|q| adjacency.request(q)).collect()
            }
            EngineStep::Routed => return Err(damaged("a structure is not a result")),
            EngineStep::First { algorithm } | EngineStep::Resume { algorithm } | EngineStep::Step { algorithm } => {
                let (graph, state) = self.state(root, algorithm, &step)?;
                if writes.is_some() {
                    let to = |q: usize| match q == self.partition.0 {
                        true => state.encode(),
                        false => algorithm.algorithm().said(&graph, &state, q).encode(),
                    };
                    (0..graph.wanted.len()).map(to).collect()
                } else {
                    let ids = graph.adjacency.ids.clone();
                    vec![Outcome { ids, state }.encode()]
                }
            }
        };
        Ok(ProgramOutput {
            rows: blocks.iter().map(|_| 1).collect(),
            blocks: blocks.into_iter().map(Some).collect(),
            kept: self.keeps,
            updates: None,
        })
    }
}

/// The state of a partition at the end of a job, with the ids of its vertices.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Outcome {
    /// The ids.
    pub ids: Vec<i64>,
    /// The state.
    pub state: State,
}

impl Outcome {
    /// Returns it as bytes: the number of ids, ids, state.
    pub fn encode(&self) -> Vec<u8> {
        use arrow::datatypes::ToByteSlice;
        let mut out = (self.ids.len() as u32).to_le_bytes().to_vec();
        out.extend_from_slice(self.ids.as_slice().to_byte_slice());
        out.append(&mut self.state.encode());
        out
    }

    /// Reads it.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the bytes are cut short.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader(bytes);
        let count = reader.u32()? as usize;
        let ids = reader.longs(count)?;
        let state = State::decode(reader.0)?;
        Ok(Self { ids, state })
    }
}

impl<H: ProgramHost> ProgramHost for GraphHost<H> {
    fn load(&mut self, plan: PlanId, text: &str, blobs: &[Buffer]) -> Result<()> {
        let read = RddPlan::of(text.to_owned(), blobs.to_vec())?;
        if let Some(loaded) = Loaded::of(read.nodes)? {
            self.plans.insert(plan, Arc::new(loaded));
        }
        self.inner.load(plan, text, blobs)
    }

    fn run(&mut self, task: ProgramTask<'_>) -> Result<ProgramOutput> {
        let root = task.program.root;
        let plan = self.plans.get(&task.plan).cloned();
        match plan {
            None => self.inner.run(task),
            Some(plan) if plan.step(root).is_none() => match plan.dealt(&task) {
                Some(output) => Ok(output),
                None => self.inner.run(task),
            },
            Some(plan) => Task {
                host: self,
                plan: &plan,
                partition: task.partition,
                input: &task,
                keeps: vec![],
            }
            .run(root),
        }
    }

    fn load_function(&mut self, id: FunctionId, payload: &[u8]) -> Result<()> {
        self.inner.load_function(id, payload)
    }

    fn call_groups(&mut self, call: GroupCall<'_>) -> Result<GroupAnswer> {
        self.inner.call_groups(call)
    }

    fn unload(&mut self, plan: PlanId) {
        self.plans.remove(&plan);
        self.inner.unload(plan);
    }

    fn keeps(&self, id: KeptId) -> bool {
        self.kept.contains_key(&id) || self.inner.keeps(id)
    }

    fn kept(&self, id: KeptId) -> Option<Buffer> {
        match self.kept.get(&id) {
            Some(kept) => Some(Buffer::from(kept.encode())),
            None => self.inner.kept(id),
        }
    }

    fn forget(&mut self, dataset: DatasetId) {
        let bytes = &mut self.bytes;
        self.kept.retain(|id, kept| {
            let stays = id.dataset != dataset;
            *bytes -= if stays { 0 } else { kept.bytes() };
            stays
        });
        self.inner.forget(dataset);
    }
}
