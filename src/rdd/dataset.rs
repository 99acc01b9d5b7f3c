//! Datasets whose lineage the driver makes itself, as the page does for its own (`src/js/src/rdd/shuffles.ts`): by the same
//! rules of partitioning, so that both have the same stages.
//!
//! ```text
//!  Maker ── narrow, union, combined, grouped, … ──▶ Dataset ── parents ──▶ Dataset …
//!                                                      └── plan() ──▶ RddPlan ──▶ lineage::stages
//! ```

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use arrow::buffer::Buffer;
use serde_json::Value;

use super::op::{Aggregate, Op, Partitioner, Write};
use super::plan::{Kind, Node, RddPlan};
use crate::error::{Exception, Result, SparkError};
use crate::ids::DatasetId;

/// Functions and blocks of bound values, which datasets name by number.
#[derive(Debug, Default)]
pub struct Library {
    /// Sources of functions, as executors load them.
    pub functions: Vec<Value>,
    /// Blocks of values.
    pub values: Vec<Buffer>,
}

#[cfg(test)]
impl Library {
    /// Makes a library of functions' sources and bytes.
    pub fn of(functions: &[&str], values: &[&[u8]]) -> Arc<Self> {
        Arc::new(Self {
            functions: functions.iter().map(|f| serde_json::json!({ "source": f })).collect(),
            values: values.iter().map(|v| Buffer::from(*v)).collect(),
        })
    }
}

/// Where a key's rows are. Two datasets with the same placement need no shuffle to be joined.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Which partition a key belongs in.
    pub partitioner: Partitioner,
    /// Whose numbers the partitioner speaks in.
    pub library: Arc<Library>,
}

impl Placement {
    /// Returns the placement by hash.
    pub fn hash(partitions: usize) -> Self {
        Self {
            partitioner: Partitioner::Hash {
                partitions,
                doubles: false,
            },
            library: Arc::default(),
        }
    }

    /// Returns whether a key has the same partition by both.
    pub fn is_same(&self, other: &Self) -> bool {
        self.partitioner == other.partitioner
            && (!self.partitioner.is_bound() || Arc::ptr_eq(&self.library, &other.library))
    }
}

/// A dataset: what it is made of. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Dataset(pub(super) Arc<Definition>);

/// A dataset's definition.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Its structure; parents by place are filled in when a plan is made.
    pub node: Node,
    /// Its parents.
    pub parents: Vec<Dataset>,
    /// Where keys are, if that is known.
    pub placement: Option<Placement>,
    /// What its numbers mean.
    pub library: Arc<Library>,
    /// A source's partitions.
    pub sources: Vec<Buffer>,
}

impl Drop for Definition {
    /// Without recursion: the lineage of a state that is never written is as long as its context is old.
    fn drop(&mut self) {
        let mut todo = std::mem::take(&mut self.parents);
        while let Some(Dataset(parent)) = todo.pop() {
            if let Some(mut parent) = Arc::into_inner(parent) {
                todo.append(&mut parent.parents);
            }
        }
    }
}

impl Dataset {
    /// Returns the dataset with another definition under the same key.
    fn changed(&self, change: impl FnOnce(&mut Definition)) -> Self {
        let mut definition = Definition::clone(&self.0);
        change(&mut definition);
        Self(Arc::new(definition))
    }

    /// Returns the dataset with its keys where a partitioner without functions places them.
    #[must_use]
    pub fn placed(&self, partitioner: Partitioner) -> Self {
        let library = Arc::default();
        self.changed(|definition| definition.placement = Some(Placement { partitioner, library }))
    }

    /// Returns the dataset, kept in the executors once it is computed.
    #[must_use]
    fn kept(&self, level: &str) -> Self {
        self.changed(|definition| {
            definition.node.cached = true;
            definition.node.level = Some(level.to_owned());
        })
    }

    /// Returns its definition.
    pub fn definition(&self) -> &Definition {
        &self.0
    }

    /// Returns its number among all datasets of the driver.
    pub fn key(&self) -> Option<DatasetId> {
        self.0.node.key
    }

    /// Returns how many partitions it has.
    pub fn partitions(&self) -> usize {
        self.0.node.partitions
    }
}

/// Returns the datasets of a plan's nodes, in their order; `find` finds those of the driver that it names.
///
/// # Errors
/// `DATASET_NOT_FOUND` if a named one is not there any more.
pub fn of_plan(plan: &RddPlan, find: &dyn Fn(DatasetId) -> Option<Dataset>) -> Result<Vec<Dataset>> {
    let (values, sources) = plan.blobs.split_at(plan.values.min(plan.blobs.len()));
    let library = Arc::new(Library {
        functions: plan.functions.clone(),
        values: values.to_vec(),
    });
    let mut all: Vec<Dataset> = Vec::with_capacity(plan.nodes.len());
    for node in &plan.nodes {
        if let (Kind::Dataset, Some(key)) = (node.kind, node.key) {
            let message = format!("The dataset {} of a stream is not kept any more.", key.0);
            let gone = || SparkError::new(Exception::Runtime, "DATASET_NOT_FOUND", "42704", message);
            let found = find(key).ok_or_else(gone)?;
            // The page may keep it, too.
            all.push(match node.level.as_deref().filter(|_| !found.0.node.cached) {
                Some(level) => found.kept(level),
                None => found,
            });
            continue;
        }
        let of_source = match node.kind {
            Kind::Source => sources
                .iter()
                .skip(node.first_source)
                .take(node.partitions)
                .cloned()
                .collect(),
            _ => vec![],
        };
        let parents = node.parents.iter().filter_map(|at| all.get(*at).cloned()).collect();
        let mut node = node.clone();
        node.parents = vec![];
        all.push(Dataset(Arc::new(Definition {
            node,
            parents,
            placement: None,
            library: library.clone(),
            sources: of_source,
        })));
    }
    Ok(all)
}

/// Where the rows of a wide step shall go.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(untagged)]
pub enum By {
    /// As many partitions, by hash.
    Partitions(usize),
    /// By a partitioner.
    Partitioner(Partitioner),
}

/// Makes datasets.
#[derive(Debug)]
pub struct Maker {
    /// The next number among all datasets of the driver.
    next_key: u64,
    /// The next number within the context.
    next_id: u64,
    /// Partitions after a shuffle (`spark.default.parallelism`); `None` is as many as before.
    shuffle_partitions: Option<usize>,
    /// What it has made.
    pub live: Live,
}

/// Datasets for which executors have something, as long as somebody may read it (`ContextCleaner`).
#[derive(Debug, Default)]
pub struct Live(Vec<(DatasetId, Weak<Definition>)>);

impl Live {
    /// Watches a dataset whose rows move or are kept.
    pub fn track(&mut self, dataset: Dataset) -> Dataset {
        let node = &dataset.0.node;
        if let Some(key) = node.key.filter(|_| node.cached || node.wide.contains(&true)) {
            self.0.push((key, Arc::downgrade(&dataset.0)));
        }
        dataset
    }

    /// Returns whether a dataset of that key may be read.
    pub fn contains(&self, key: DatasetId) -> bool {
        self.0
            .iter()
            .any(|(other, dataset)| *other == key && dataset.strong_count() > 0)
    }

    /// Takes the keys of datasets that nobody can read any more.
    pub fn collect(&mut self) -> Vec<DatasetId> {
        let (live, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(_, dataset)| dataset.strong_count() > 0);
        let keys: BTreeSet<DatasetId> = live.iter().map(|(key, _)| *key).collect();
        self.0 = live;
        let gone: BTreeSet<DatasetId> = gone.into_iter().map(|(key, _)| key).collect();
        gone.difference(&keys).copied().collect()
    }

    /// Takes over what another one watches.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }
}

/// What is said of a dataset beside its parents.
struct Shape {
    name: &'static str,
    kind: Kind,
    partitions: usize,
    wide: Vec<bool>,
    op: Option<Op>,
    write: Vec<Option<Write>>,
    placement: Option<Placement>,
    sources: Vec<Buffer>,
}

impl Shape {
    fn new(name: &'static str, kind: Kind, partitions: usize) -> Self {
        Self {
            name,
            kind,
            partitions,
            wide: vec![],
            op: None,
            write: vec![],
            placement: None,
            sources: vec![],
        }
    }
}

impl Maker {
    /// Makes datasets with keys from `first_key` on.
    pub fn new(first_key: u64, shuffle_partitions: Option<usize>) -> Self {
        Self {
            next_key: first_key,
            next_id: 0,
            shuffle_partitions,
            live: Live::default(),
        }
    }

    fn make(&mut self, shape: Shape, parents: Vec<Dataset>, library: &Arc<Library>) -> Dataset {
        let (key, id) = (DatasetId(self.next_key), self.next_id);
        self.next_key += 1;
        self.next_id += 1;
        let node = Node {
            id,
            key: Some(key),
            name: shape.name.to_owned(),
            kind: shape.kind,
            parents: vec![],
            partitions: shape.partitions,
            groups: vec![],
            cached: false,
            level: None,
            wide: shape.wide,
            first_source: 0,
            held: false,
            op: shape.op,
            write: shape.write,
        };
        self.live.track(Dataset(Arc::new(Definition {
            node,
            parents,
            placement: shape.placement,
            library: library.clone(),
            sources: shape.sources,
        })))
    }

    /// Returns the dataset of these blocks, one per partition.
    pub fn source(&mut self, name: &'static str, blocks: Vec<Buffer>, placement: Option<Placement>) -> Dataset {
        let shape = Shape {
            sources: blocks.clone(),
            placement,
            ..Shape::new(name, Kind::Source, blocks.len())
        };
        self.make(shape, vec![], &Arc::default())
    }

    /// Returns what a step makes of each partition; with `keeps`, keys stay where they are.
    pub fn narrow(&mut self, parent: &Dataset, op: Op, keeps: bool, library: &Arc<Library>) -> Dataset {
        let shape = Shape {
            op: Some(op),
            placement: parent.0.placement.clone().filter(|_| keeps),
            ..Shape::new("MapPartitionsRDD", Kind::Narrow, parent.partitions())
        };
        self.make(shape, vec![parent.clone()], library)
    }

    /// Returns the rows of all of them, partitions one after the other.
    pub fn union(&mut self, parents: Vec<Dataset>) -> Dataset {
        let partitions = parents.iter().map(Dataset::partitions).sum();
        let (name, kind) = if parents.is_empty() {
            ("EmptyRDD", Kind::Source)
        } else {
            ("UnionRDD", Kind::Union)
        };
        self.make(Shape::new(name, kind, partitions), parents, &Arc::default())
    }

    /// Returns the rows dealt out evenly.
    pub fn repartition(&mut self, parent: &Dataset, partitions: usize) -> Dataset {
        let write = Write {
            partitioner: Partitioner::RoundRobin { partitions },
            aggregate: None,
        };
        let shape = Shape {
            wide: vec![true],
            write: vec![Some(write)],
            ..Shape::new("MapPartitionsRDD", Kind::Zip, partitions)
        };
        self.make(shape, vec![parent.clone()], &Arc::default())
    }

    /// Returns where the rows of a wide step go: as is said; else as the widest parent that is placed; else by hash
    /// (`Partitioner.defaultPartitioner`).
    pub fn placement(&self, parents: &[&Dataset], by: Option<&By>, library: &Arc<Library>) -> Placement {
        match by {
            Some(By::Partitions(partitions)) => Placement::hash(*partitions),
            Some(By::Partitioner(partitioner)) => Placement {
                partitioner: partitioner.clone(),
                library: library.clone(),
            },
            None => {
                // The first of the widest, as a stable sort has it.
                let placed = parents.iter().filter_map(|p| p.0.placement.as_ref());
                let widest = placed.rev().max_by_key(|p| p.partitioner.partitions());
                let width = || parents.iter().map(|p| p.partitions()).max().unwrap_or(0).max(1);
                widest
                    .cloned()
                    .unwrap_or_else(|| Placement::hash(self.shuffle_partitions.unwrap_or_else(width)))
            }
        }
    }

    /// Returns the values of each key as one; with `map_side`, they are put together before they move, too.
    pub fn combined(
        &mut self,
        parent: &Dataset,
        aggregate: Aggregate,
        by: Option<&By>,
        map_side: bool,
        library: &Arc<Library>,
    ) -> Dataset {
        let placement = self.placement(&[parent], by, library);
        let moves = !parent.0.placement.as_ref().is_some_and(|p| p.is_same(&placement));
        let (name, partitions) = if moves {
            ("ShuffledRDD", placement.partitioner.partitions())
        } else {
            ("MapPartitionsRDD", parent.partitions())
        };
        let write = Write {
            partitioner: placement.partitioner.clone(),
            aggregate: map_side.then(|| aggregate.clone()),
        };
        let merged = moves && map_side;
        let shape = Shape {
            wide: vec![moves],
            op: Some(Op::Combine { aggregate, merged }),
            write: if moves { vec![Some(write)] } else { vec![] },
            placement: Some(placement),
            ..Shape::new(name, Kind::Zip, partitions)
        };
        self.make(shape, vec![parent.clone()], library)
    }

    /// Returns what a step makes of the rows of each key of several datasets; one that is placed already does not move.
    pub fn grouped(&mut self, parents: Vec<Dataset>, op: Op, by: Option<&By>, library: &Arc<Library>) -> Dataset {
        let all: Vec<&Dataset> = parents.iter().collect();
        let placement = self.placement(&all, by, library);
        let is_placed = |p: &Dataset| p.0.placement.as_ref().is_some_and(|p| p.is_same(&placement));
        let wide: Vec<bool> = parents.iter().map(|p| !is_placed(p)).collect();
        let write = |moves: &bool| {
            moves.then(|| Write {
                partitioner: placement.partitioner.clone(),
                aggregate: None,
            })
        };
        let shape = Shape {
            write: wide.iter().map(write).collect(),
            wide,
            op: Some(op),
            placement: Some(placement.clone()),
            ..Shape::new("MapPartitionsRDD", Kind::Zip, placement.partitioner.partitions())
        };
        self.make(shape, parents, library)
    }

    /// Returns the dataset, kept in the executors once it is computed.
    pub fn kept(&mut self, dataset: &Dataset, level: &str) -> Dataset {
        self.live.track(dataset.kept(level))
    }

    /// Returns a dataset under another's name whose lineage begins with blocks: what is kept or shuffled for it stays.
    pub fn written(&mut self, dataset: &Dataset, blocks: Vec<Buffer>) -> Dataset {
        self.live.track(dataset.changed(|definition| {
            definition.node = Node {
                kind: Kind::Source,
                name: "ReliableCheckpointRDD".to_owned(),
                wide: vec![],
                op: None,
                write: vec![],
                ..definition.node.clone()
            };
            definition.parents = vec![];
            definition.library = Arc::default();
            definition.sources = blocks;
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::op::Call;
    use super::*;

    #[test]
    fn rows_that_are_placed_already_do_not_move() {
        let own = Library::of(&["add"], &[]);
        let mut maker = Maker::new(0, None);
        let source = maker.source("BlockRDD", vec![Buffer::from(b"".as_slice()); 3], None);
        let add = Aggregate::Reduce {
            merge: Call { f: 0, bound: None },
        };
        let once = maker.combined(&source, add.clone(), None, true, &own);
        assert_eq!((once.partitions(), once.definition().node.is_wide(0)), (3, true));
        let twice = maker.combined(&once, add.clone(), None, true, &own);
        assert!(!twice.definition().node.is_wide(0));
        let elsewhere = maker.combined(&once, add, Some(&By::Partitions(2)), true, &own);
        assert_eq!(
            (elsewhere.partitions(), elsewhere.definition().node.is_wide(0)),
            (2, true)
        );
        let grouped = maker.grouped(vec![twice, elsewhere], Op::Cogroup, None, &own);
        // The widest placement is taken; the other side moves.
        assert_eq!(
            (grouped.partitions(), grouped.definition().node.wide.clone()),
            (3, vec![false, true])
        );
    }
}
