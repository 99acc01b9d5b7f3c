//! Stages: operator trees cut at exchanges, and which blocks each of their tasks reads.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_plan::{ExecutionPlan, displayable};

use super::program::Program;
use super::state::{OperatorState, Restore};
use crate::error::{Result, SparkError};
use crate::ids::{KeptId, ShuffleId};
use crate::plan::scan::Scan;
use crate::values::types;

/// Where a stage's rows go.
#[derive(Debug, Clone)]
pub enum Output {
    /// To the driver.
    Result,
    /// By Murmur3 of the keys, `pmod` the partitions.
    Hash {
        keys: Vec<Arc<dyn PhysicalExpr>>,
        partitions: usize,
    },
    /// One row here, one row there.
    RoundRobin { partitions: usize },
    /// All into one partition.
    Single,
    /// As the program deals them out.
    Program { partitions: usize },
}

/// What the tasks of a stage do.
#[derive(Debug, Clone)]
pub enum Work {
    /// Partition p of an operator tree.
    Plan(Arc<dyn ExecutionPlan>),
    Program(Program),
}

impl Output {
    pub fn partitions(&self) -> usize {
        match self {
            Output::Result | Output::Single => 1,
            Output::Hash { partitions, .. } | Output::RoundRobin { partitions } | Output::Program { partitions } => {
                *partitions
            }
        }
    }
}

/// What a task reads before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Read {
    /// A partition of a stage's shuffle output.
    Shuffle { stage: usize, partition: usize },
    /// A share of a scan's blocks.
    Scan { scan: usize, partition: usize },
}

impl Read {
    /// (stage, partition) of a read of shuffle output.
    pub fn shuffle(&self) -> Option<(usize, usize)> {
        match self {
            Self::Shuffle { stage, partition } => Some((*stage, *partition)),
            Self::Scan { .. } => None,
        }
    }

    /// (scan, partition) of a read of a source.
    pub fn scan(&self) -> Option<(usize, usize)> {
        match self {
            Self::Scan { scan, partition } => Some((*scan, *partition)),
            Self::Shuffle { .. } => None,
        }
    }
}

/// A stage of a job. Stages are numbered in the order in which they can run; the last one gives the result.
#[derive(Debug, Clone)]
pub struct Stage {
    pub id: usize,
    pub work: Work,
    pub output: Output,
    /// Stages whose output this one reads.
    pub parents: Vec<usize>,
    /// Numbers of the stateful operators in it.
    pub stateful: Vec<usize>,
    /// By task.
    pub reads: Vec<Vec<Read>>,
    /// Names its output for later jobs.
    pub shuffle: Option<ShuffleId>,
    /// By task: kept partitions that may stand for a part of its lineage; empty for a stage without.
    pub kept: Vec<Vec<KeptPart>>,
}

/// A partition of a dataset that is kept once computed, as a task's lineage has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPart {
    pub id: KeptId,
    /// What it is made of, down to the next ones that are kept.
    pub reads: Vec<Read>,
    /// Those, by their place in the task's list.
    pub below: Vec<usize>,
    /// The task reaches it past no other.
    pub top: bool,
}

impl Stage {
    pub fn tasks(&self) -> usize {
        match &self.work {
            Work::Plan(plan) => plan.properties().partitioning.partition_count(),
            Work::Program(program) => program.partitions.len(),
        }
    }

    /// What a task reads where these partitions are kept for it.
    pub fn reads_beside(&self, task: usize, found: &BTreeSet<KeptId>) -> Vec<Read> {
        let mut reads = self.reads.get(task).cloned().unwrap_or_default();
        let kept = self.kept.get(task).map(Vec::as_slice).unwrap_or_default();
        if kept.is_empty() {
            return reads;
        }
        let mut todo: Vec<usize> = (0..kept.len()).filter(|at| kept[*at].top).collect();
        let mut seen = BTreeSet::new();
        while let Some(at) = todo.pop() {
            if seen.insert(at) && !found.contains(&kept[at].id) {
                reads.extend(&kept[at].reads);
                todo.extend(&kept[at].below);
            }
        }
        reads.sort_unstable();
        reads.dedup();
        reads
    }

    /// The operators from top to bottom, one a line.
    pub fn describe(&self) -> String {
        match &self.work {
            Work::Plan(plan) => displayable(plan.as_ref()).indent(false).to_string(),
            Work::Program(program) => program.name.clone(),
        }
    }

    /// The top operator's name and what feeds it, for lists of stages.
    pub fn name(&self) -> String {
        let plan = match &self.work {
            Work::Plan(plan) => plan,
            Work::Program(program) => return program.name.clone(),
        };
        let mut names = Vec::new();
        let mut node = Some(plan);
        while let Some(plan) = node {
            let name = plan
                .name()
                .split(':')
                .next()
                .unwrap_or_default()
                .trim_end_matches("Exec")
                .to_owned();
            if names.last() != Some(&name) {
                names.push(name);
            }
            node = plan.children().first().copied();
        }
        names.reverse();
        names.join(" → ")
    }
}

/// A leaf's name says what it reads: kept apart from the operator so that readers of a plan need no downcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    Shuffle(usize),
    Scan(usize),
    Constant,
}

impl Leaf {
    pub fn label(self) -> String {
        match self {
            Leaf::Shuffle(stage) => format!("ShuffleRead: stage={stage}"),
            Leaf::Scan(scan) => format!("Scan: {scan}"),
            Leaf::Constant => "LocalRows".into(),
        }
    }

    pub fn parse(label: &str) -> Leaf {
        let number = |prefix: &str| {
            label
                .strip_prefix(prefix)
                .and_then(|n| n.split(' ').next())
                .and_then(|n| n.parse().ok())
        };
        if let Some(stage) = number("ShuffleRead: stage=") {
            return Leaf::Shuffle(stage);
        }
        number("Scan: ").map_or(Leaf::Constant, Leaf::Scan)
    }
}

/// A whole job: its stages, the scans they read, the schema of its result under the user's names.
#[derive(Debug, Clone)]
pub struct StageGraph {
    pub stages: Vec<Stage>,
    pub scans: Vec<Arc<Scan>>,
    pub schema: SchemaRef,
    /// Watermark delays, µs, by number of the watermark.
    pub watermarks: Vec<i64>,
    /// Stateful operators in order of their numbers.
    pub operators: Vec<StatefulOperator>,
    /// The user's functions over groups, as their client sent them.
    pub functions: Vec<Arc<[u8]>>,
}

impl StageGraph {
    /// An operator's state from its deltas, as of `version`.
    ///
    /// # Errors
    /// `CORRUPT_STATE` or `CORRUPT_BLOCK` where a delta cannot be read.
    pub fn rebuild(&self, operator: usize, deltas: &[Buffer], version: i64) -> Result<OperatorState> {
        let operator = self
            .operators
            .get(operator)
            .ok_or_else(|| SparkError::internal("a state belongs to no operator"))?;
        let mut state = operator.kind.empty()?;
        operator.kind.load(&mut state, deltas)?;
        state.version = version;
        Ok(state)
    }
}

/// A stateful operator as progress reports it.
#[derive(Debug, Clone)]
pub struct StatefulOperator {
    pub name: &'static str,
    pub kind: Arc<dyn Restore>,
    pub partitions: usize,
    pub wakes: Wakes,
}

/// When an operator wants a batch although there is no data (`shouldRunAnotherBatch`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wakes {
    Never,
    /// When the watermark has moved: it drops and evicts by it.
    ByWatermark,
    /// At every trigger: it has timeouts of processing time.
    ByClock,
}

impl Wakes {
    pub fn by_watermark(uses: bool) -> Self {
        if uses { Self::ByWatermark } else { Self::Never }
    }
}

impl StatefulOperator {
    /// Types of the state's columns, keys and others, as a checkpoint compares them: names are left out, as in Spark.
    pub fn state_types(&self) -> (String, String) {
        // An operator whose state cannot be made fails in its first task, with its own error.
        let layouts = self.kind.empty().map(|s| s.layouts()).unwrap_or_default();
        let (mut key_types, mut value_types) = (vec![], vec![]);
        for (schema, keys) in layouts {
            let types: Vec<String> = schema
                .fields()
                .iter()
                .map(|f| types::simple_string(f.data_type()))
                .collect();
            key_types.push(types[..keys].join(","));
            value_types.push(types[keys..].join(","));
        }
        (key_types.join(";"), value_types.join(";"))
    }
}
