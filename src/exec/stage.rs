//! Stages: operator trees cut at exchanges, and which blocks each of their tasks reads.
//!
//! ```text
//!  stage 0: Scan ─ Filter ─ partial Aggregate ──Output::Hash──┐
//!                                                             ├──▶ stage 1: ShuffleRead ─ Aggregate ──Result──▶ driver
//!  task p of stage 1 reads partition p of every task's output ┘
//! ```
//!
//! A [`StageGraph`] is all that an executor needs to run a job: driver and executor compile it from the same messages,
//! so it never travels.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_plan::{ExecutionPlan, displayable};

use super::program::Program;
use super::state::{OperatorState, Restore};
use crate::error::{Result, SparkError};
use crate::ids::{BatchId, KeptId, OperatorId, PartitionId, ScanPart, ShuffleId, StageId, StagePart, StatePart};
use crate::plan::scan::Scan;
use crate::values::types;

/// Where a stage's rows go.
#[derive(Debug, Clone)]
pub enum Output {
    /// To the driver, as pieces of the result.
    Result,
    /// By Murmur3 of the keys, `pmod` the partitions, as Spark's `HashPartitioning`.
    Hash {
        /// What is hashed; equal keys meet in one partition, nulls too.
        keys: Vec<Arc<dyn PhysicalExpr>>,
        /// How many partitions there are.
        partitions: usize,
    },
    /// One row here, one row there.
    RoundRobin {
        /// How many partitions there are.
        partitions: usize,
    },
    /// All into one partition.
    Single,
    /// Where they are: what a task makes is the partition of its number.
    Same {
        /// How many partitions there are.
        partitions: usize,
    },
    /// As the program deals them out.
    Program {
        /// How many partitions there are.
        partitions: usize,
    },
}

/// What the tasks of a stage do.
#[derive(Debug, Clone)]
pub enum Work {
    /// Partition p of an operator tree.
    Plan(Arc<dyn ExecutionPlan>),
    /// A partition of the user's own program.
    Program(Program),
}

impl Output {
    /// Returns how many partitions the output has.
    pub fn partitions(&self) -> usize {
        match self {
            Output::Result | Output::Single => 1,
            Output::Hash { partitions, .. }
            | Output::RoundRobin { partitions }
            | Output::Same { partitions }
            | Output::Program { partitions } => *partitions,
        }
    }
}

/// What a task reads before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Read {
    /// A partition of a stage's shuffle output.
    Shuffle(StagePart),
    /// A share of a scan's blocks.
    Scan(ScanPart),
}

impl Read {
    /// Returns the partition of a stage that it reads; `None` for a read of a source.
    pub fn shuffle(&self) -> Option<StagePart> {
        match self {
            Self::Shuffle(part) => Some(*part),
            Self::Scan(_) => None,
        }
    }

    /// Returns the share of a scan that it reads; `None` for a read of shuffle output.
    pub fn scan(&self) -> Option<ScanPart> {
        match self {
            Self::Scan(part) => Some(*part),
            Self::Shuffle(_) => None,
        }
    }
}

/// A stage of a job. Stages are numbered in the order in which they can run; the last one makes the result.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Its number.
    pub id: StageId,
    /// What its tasks do.
    pub work: Work,
    /// Where their rows go.
    pub output: Output,
    /// Stages whose output this one reads.
    pub parents: Vec<StageId>,
    /// The stateful operators in it; a task needs the state of each for its partition.
    pub stateful: Vec<OperatorId>,
    /// What each task reads, by task.
    pub reads: Vec<Vec<Read>>,
    /// Names its output for later jobs; `None` if only this job reads it.
    pub shuffle: Option<ShuffleId>,
    /// By task: kept partitions that may stand for a part of its lineage; empty for a stage without.
    pub kept: Vec<Vec<KeptPart>>,
}

/// A partition of a dataset that is cached once computed, as a task's lineage has it; `R` is a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPart<R = Read> {
    /// Which partition of which dataset.
    pub id: KeptId,
    /// What it is made of, down to the next ones that may be cached.
    pub reads: Vec<R>,
    /// The next cached partitions below it, by their place in the task's list.
    pub below: Vec<usize>,
    /// Whether the task reaches it without passing another.
    pub top: bool,
}

/// Returns what a task reads, and the cached partitions that stand for the rest of its lineage, both sorted: walks down
/// from the task to the first partitions for which `cached` is true.
pub fn reads_past<R: Copy + Ord>(
    own: &[R],
    kept: &[KeptPart<R>],
    cached: impl Fn(KeptId) -> bool,
) -> (Vec<R>, Vec<KeptId>) {
    let (mut reads, mut found) = (own.to_vec(), vec![]);
    let mut todo: Vec<usize> = (0..kept.len()).filter(|at| kept[*at].top).collect();
    let mut seen = vec![false; kept.len()];
    while let Some(at) = todo.pop() {
        if std::mem::replace(&mut seen[at], true) {
            continue;
        }
        let part = &kept[at];
        if cached(part.id) {
            found.push(part.id);
        } else {
            reads.extend(&part.reads);
            todo.extend(&part.below);
        }
    }
    if !kept.is_empty() {
        reads.sort_unstable();
        reads.dedup();
        found.sort_unstable();
    }
    (reads, found)
}

impl Stage {
    /// Returns how many tasks the stage has: one per partition.
    pub fn tasks(&self) -> usize {
        match &self.work {
            Work::Plan(plan) => plan.properties().partitioning.partition_count(),
            Work::Program(program) => program.partitions.len(),
        }
    }

    /// Returns what a task must read when the partitions in `found` are cached.
    pub fn reads_beside(&self, task: PartitionId, found: &BTreeSet<KeptId>) -> Vec<Read> {
        let reads = self.reads.get(task.0).map(Vec::as_slice).unwrap_or_default();
        let kept = self.kept.get(task.0).map(Vec::as_slice).unwrap_or_default();
        reads_past(reads, kept, |id| found.contains(&id)).0
    }

    /// Returns the operators from top to bottom, one per line, as `EXPLAIN` shows them.
    pub fn describe(&self) -> String {
        match &self.work {
            Work::Plan(plan) => displayable(plan.as_ref()).indent(false).to_string(),
            Work::Program(program) => program.name.clone(),
        }
    }

    /// Returns the operators from the leaf to the top, for lists of stages; runs of one name are one.
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

/// A whole job: its stages, the scans they read, the schema of its result under the user's names.
#[derive(Debug, Clone)]
pub struct StageGraph {
    /// Its stages, by number.
    pub stages: Vec<Stage>,
    /// The scans they read, by number.
    pub scans: Vec<Arc<Scan>>,
    /// Columns of the result, under the user's names.
    pub schema: SchemaRef,
    /// Watermark delays, µs, by number of the watermark.
    pub watermarks: Vec<i64>,
    /// Stateful operators in order of their numbers.
    pub operators: Vec<StatefulOperator>,
    /// The user's functions over groups, as their client sent them.
    pub functions: Vec<Arc<[u8]>>,
}

impl StageGraph {
    /// Lists the parts of the state: every partition of every stateful operator.
    pub fn state_parts(&self) -> impl Iterator<Item = StatePart> + '_ {
        let operators = self.operators.iter().enumerate();
        operators.flat_map(|(number, operator)| {
            let operator_id = OperatorId(number);
            PartitionId::first(operator.partitions).map(move |partition| StatePart {
                operator: operator_id,
                partition,
            })
        })
    }

    /// Returns an operator's state made of its deltas, as of `version`.
    ///
    /// # Errors
    /// `CORRUPT_STATE` or `CORRUPT_BLOCK` if a delta cannot be read.
    pub fn rebuild(&self, operator: OperatorId, deltas: &[Buffer], version: BatchId) -> Result<OperatorState> {
        let operator = self
            .operators
            .get(operator.0)
            .ok_or_else(|| SparkError::internal("a state belongs to no operator"))?;
        let mut state = operator.kind.empty()?;
        operator.kind.load(&mut state, deltas)?;
        debug_assert!(
            version >= BatchId(0) || deltas.is_empty(),
            "state of no batch has deltas"
        );
        state.version = version;
        Ok(state)
    }
}

/// A stateful operator as progress reports it.
#[derive(Debug, Clone)]
pub struct StatefulOperator {
    /// Spark's name, which progress and checkpoints have.
    pub name: &'static str,
    /// How its state begins and comes back.
    pub kind: Arc<dyn Restore>,
    /// Number of partitions of its state.
    pub partitions: usize,
    /// When it wants a batch without data.
    pub wakes: Wakes,
    /// Whether progress reports the rows that it dropped as duplicates (`numDroppedDuplicateRows`).
    pub counts_duplicates: bool,
}

/// When an operator wants a batch without data (`shouldRunAnotherBatch`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wakes {
    /// It does nothing without data.
    Never,
    /// When the watermark has moved: it drops and evicts by it.
    ByWatermark,
    /// At every trigger: it has timeouts of processing time.
    ByClock,
}

impl Wakes {
    /// Returns that an operator is woken by the watermark, if it uses one.
    pub fn by_watermark(uses: bool) -> Self {
        if uses { Self::ByWatermark } else { Self::Never }
    }
}

impl StatefulOperator {
    /// Returns the types of the state's columns, keys and others, as a checkpoint compares them: names are left out, as
    /// in Spark.
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
