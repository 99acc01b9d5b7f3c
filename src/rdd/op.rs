//! What executors do to the rows of a partition, as plans say it (`src/js/src/rdd/job_plan.ts` has the other half).
//!
//! The engine runs none of this. It knows the form because it makes plans itself: those of discretized streams. A [`Call`]
//! names a function and a block of bound values by number; numbers count within a [`Library`](super::dataset::Library), and
//! become a plan's own when datasets of several libraries meet in one plan.

use serde::{Deserialize, Serialize};

/// A function by number, and the block of values that are bound to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The function.
    pub f: usize,
    /// The block; `None` if nothing is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<usize>,
}

/// What is done to the rows of one partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Op {
    /// Rows are parts of files; the result is their lines.
    Lines,
    /// Rows are files; the result is pairs of name and text.
    Files,
    /// Rows are parts of files; the result is their records of this many bytes.
    Records {
        /// Bytes of a record.
        length: usize,
    },
    /// Rows are pairs of a number and a count; the result is that many numbers, beginning with the first.
    Range {
        /// The difference between a number and the next.
        step: i64,
    },
    /// Rows are numbers of files, each a block of values.
    Blocks,
    /// Rows are Arrow IPC streams.
    Arrow {
        /// Whether 64-bit numbers are always bigints.
        bigint: bool,
    },
    /// `RDD.map`.
    Map {
        /// The function.
        call: Call,
    },
    /// `RDD.flatMap`.
    FlatMap {
        /// The function.
        call: Call,
    },
    /// `RDD.filter`.
    Filter {
        /// The function.
        call: Call,
    },
    /// `RDD.mapPartitions`.
    MapPartitions {
        /// The function.
        call: Call,
    },
    /// `RDD.mapPartitionsWithIndex`.
    MapPartitionsWithIndex {
        /// The function.
        call: Call,
    },
    /// `RDD.mapValues`.
    MapValues {
        /// The function.
        call: Call,
    },
    /// `RDD.flatMapValues`.
    FlatMapValues {
        /// The function.
        call: Call,
    },
    /// `RDD.keyBy`.
    KeyBy {
        /// The function.
        call: Call,
    },
    /// Takes out of each value what has left a window.
    Invert {
        /// The inverse function.
        call: Call,
    },
    /// Changes the state of each key by its new values.
    UpdateState {
        /// The function.
        call: Call,
    },
    /// Changes the state of each key record by record (`mapWithState`).
    MapStates {
        /// The function.
        call: Call,
        /// The batch's time, ms since the epoch.
        time_ms: i64,
        /// After how many ms without data a state ends; `None` is never.
        timeout_ms: Option<i64>,
    },
    /// Pairs a state with the time of its last change.
    Stamped {
        /// The time, ms since the epoch.
        time_ms: i64,
    },
    /// Takes the time off a stamped state.
    Unstamped,
    /// Keeps the second elements of rows whose first is the tag.
    Tagged {
        /// The tag.
        tag: u32,
    },
    /// The keys of pairs.
    Keys,
    /// The values of pairs.
    Values,
    /// Each partition as one row.
    Glom,
    /// Rows as pairs with themselves.
    Pairs,
    /// `RDD.sample`.
    Sample {
        /// Whether a row may come several times.
        with_replacement: bool,
        /// The expected share.
        fraction: f64,
        /// The seed.
        seed: f64,
    },
    /// `RDD.zipWithIndex`.
    ZipWithIndex {
        /// The first index of each partition.
        offsets: Vec<f64>,
    },
    /// `RDD.zipWithUniqueId`.
    ZipWithUniqueId {
        /// The number of partitions.
        partitions: usize,
    },
    /// Rows in order.
    Sort {
        /// Whether the smallest comes first.
        ascending: bool,
        /// What they are ordered by; `None` is themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Call>,
    },
    /// The rows of a partition as one.
    Fold {
        /// The block with the zero value; `None` begins at the first row.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zero: Option<usize>,
        /// The function.
        call: Call,
    },
    /// After a shuffle: the rows of a key as one pair.
    Combine {
        /// How.
        aggregate: Aggregate,
        /// Whether the map side has combined already.
        merged: bool,
    },
    /// The values of each key, parent by parent.
    Cogroup,
    /// Pairs of values of equal keys.
    Join {
        /// Whether left values without a partner stay.
        left: bool,
        /// Whether right values without a partner stay.
        right: bool,
    },
    /// Pairs whose key the other side lacks.
    SubtractByKey,
    /// Rows of two partitions side by side.
    Zip,
    /// What the script does to the vertices or edges of a graph.
    Graph(Box<GraphStep>),
    /// What the engine does to a graph itself.
    Engine {
        /// Which step it is, and of which algorithm: [`crate::rdd`] does not look into it.
        step: serde_json::Value,
    },
}

/// A step over the vertices or edges of a graph (`src/js/src/rdd/task/graph/steps.ts` has the other half).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GraphStep {
    /// Which step it is.
    pub step: String,
    /// The user's functions that it calls, in the order that the step says.
    #[serde(default)]
    pub calls: Vec<Option<Call>>,
    /// A block that it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<usize>,
    /// The method that the user called, for errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What else the step needs to know.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub options: serde_json::Value,
}

/// How the values of a key become one (`Aggregator`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "camelCase")]
pub enum Aggregate {
    /// A list.
    Group,
    /// Two values as one.
    Reduce {
        /// The function.
        merge: Call,
    },
    /// By a combiner of another type.
    Combine {
        /// Makes one of the first value.
        create: Call,
        /// Adds a value.
        merge: Call,
        /// Adds another combiner.
        combine: Call,
    },
    /// From a zero value on.
    Fold {
        /// The block with the zero value.
        zero: usize,
        /// Adds a value.
        merge: Call,
        /// Adds another sum.
        combine: Call,
    },
}

/// Says in which partition a row belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "camelCase")]
pub enum Partitioner {
    /// By the hash of its key, the JVM's.
    Hash {
        /// How many partitions there are.
        partitions: usize,
        /// Whether keys that are numbers hash as doubles.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        doubles: bool,
    },
    /// By ranges of keys.
    Range {
        /// How many partitions there are.
        partitions: usize,
        /// The block with the bounds.
        bounds: usize,
        /// Whether the smallest keys are in the first partition.
        ascending: bool,
        /// What the key is; `None` is the pair's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Call>,
    },
    /// By a function of the key.
    Custom {
        /// How many partitions there are.
        partitions: usize,
        /// The function.
        call: Call,
    },
    /// One after the other.
    RoundRobin {
        /// How many partitions there are.
        partitions: usize,
    },
    /// All into one.
    Whole {
        /// How many partitions there are.
        partitions: usize,
    },
    /// By the hash of its key, which is the id of a vertex: a Long.
    Id {
        /// How many partitions there are.
        partitions: usize,
    },
    /// Edges, as a strategy of GraphX places them.
    Cut {
        /// How many partitions there are.
        partitions: usize,
        /// The strategy's name.
        strategy: String,
    },
    /// Edges, by the hash of the vertex where they end.
    Target {
        /// How many partitions there are.
        partitions: usize,
    },
    /// Edges, to the partitions of both ends, in columns for the engine.
    Ends {
        /// How many partitions there are.
        partitions: usize,
        /// Whether their attributes come along, as doubles.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        values: bool,
    },
    /// Ids of vertices, by their hash, in columns for the engine.
    Ids {
        /// How many partitions there are.
        partitions: usize,
    },
}

impl Partitioner {
    /// Returns how many partitions there are.
    pub fn partitions(&self) -> usize {
        match self {
            Self::Hash { partitions, .. }
            | Self::Range { partitions, .. }
            | Self::Custom { partitions, .. }
            | Self::RoundRobin { partitions }
            | Self::Id { partitions }
            | Self::Cut { partitions, .. }
            | Self::Target { partitions }
            | Self::Ends { partitions, .. }
            | Self::Ids { partitions }
            | Self::Whole { partitions } => *partitions,
        }
    }

    /// Returns whether it names functions or blocks of a library: then it equals another one only in the same library.
    pub fn is_bound(&self) -> bool {
        matches!(self, Self::Range { .. } | Self::Custom { .. })
    }
}

/// How the rows of a partition are dealt out to the next stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// Where each row goes.
    pub partitioner: Partitioner,
    /// How the rows of a key are put together before they move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Aggregate>,
}

/// Numbers of functions and blocks that a plan adds to those of a library.
#[derive(Debug, Clone, Copy, Default)]
pub struct Offset {
    /// Added to numbers of functions.
    pub functions: usize,
    /// Added to numbers of blocks.
    pub values: usize,
}

/// What names functions and blocks of values.
pub trait Renumber {
    /// Adds an offset to each number.
    fn renumber(&mut self, by: Offset);
}

impl Renumber for Call {
    fn renumber(&mut self, by: Offset) {
        self.f += by.functions;
        if let Some(bound) = &mut self.bound {
            *bound += by.values;
        }
    }
}

impl Renumber for Op {
    fn renumber(&mut self, by: Offset) {
        match self {
            Self::Map { call }
            | Self::FlatMap { call }
            | Self::Filter { call }
            | Self::MapPartitions { call }
            | Self::MapPartitionsWithIndex { call }
            | Self::MapValues { call }
            | Self::FlatMapValues { call }
            | Self::KeyBy { call }
            | Self::Invert { call }
            | Self::UpdateState { call }
            | Self::MapStates { call, .. }
            | Self::Sort { by: Some(call), .. } => call.renumber(by),
            Self::Fold { zero, call } => {
                call.renumber(by);
                if let Some(zero) = zero {
                    *zero += by.values;
                }
            }
            Self::Combine { aggregate, .. } => aggregate.renumber(by),
            Self::Graph(step) => {
                step.calls.iter_mut().flatten().for_each(|call| call.renumber(by));
                if let Some(value) = &mut step.value {
                    *value += by.values;
                }
            }
            Self::Engine { .. }
            | Self::Lines
            | Self::Records { .. }
            | Self::Range { .. }
            | Self::Files
            | Self::Blocks
            | Self::Arrow { .. }
            | Self::Stamped { .. }
            | Self::Unstamped
            | Self::Tagged { .. }
            | Self::Keys
            | Self::Values
            | Self::Glom
            | Self::Pairs
            | Self::Sample { .. }
            | Self::ZipWithIndex { .. }
            | Self::ZipWithUniqueId { .. }
            | Self::Sort { by: None, .. }
            | Self::Cogroup
            | Self::Join { .. }
            | Self::SubtractByKey
            | Self::Zip => {}
        }
    }
}

impl Renumber for Aggregate {
    fn renumber(&mut self, by: Offset) {
        match self {
            Self::Group => {}
            Self::Reduce { merge } => merge.renumber(by),
            Self::Combine { create, merge, combine } => {
                [create, merge, combine].into_iter().for_each(|c| c.renumber(by))
            }
            Self::Fold { zero, merge, combine } => {
                *zero += by.values;
                merge.renumber(by);
                combine.renumber(by);
            }
        }
    }
}

impl Renumber for Partitioner {
    fn renumber(&mut self, by: Offset) {
        match self {
            Self::Range { bounds, by: call, .. } => {
                *bounds += by.values;
                if let Some(call) = call {
                    call.renumber(by);
                }
            }
            Self::Custom { call, .. } => call.renumber(by),
            Self::Hash { .. }
            | Self::RoundRobin { .. }
            | Self::Whole { .. }
            | Self::Id { .. }
            | Self::Cut { .. }
            | Self::Target { .. }
            | Self::Ends { .. }
            | Self::Ids { .. } => {}
        }
    }
}

impl Renumber for Write {
    fn renumber(&mut self, by: Offset) {
        self.partitioner.renumber(by);
        if let Some(aggregate) = &mut self.aggregate {
            aggregate.renumber(by);
        }
    }
}
