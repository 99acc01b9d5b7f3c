//! From lineage to stages (`DAGScheduler.getOrCreateParentStages`): narrow steps stay together, every wide edge ends a
//! stage.
//!
//! Each task's lineage is walked partition by partition, so a task reads exactly what its own partition is made of. The
//! walk stops at partitions that may be kept, and notes what each of them is made of in turn: which of them are in fact
//! kept is known only when the task is launched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::Schema;

use super::plan::{Kind, RddPlan};
use crate::exec::program::{Edge, Program};
use crate::exec::stage::{KeptPart, Output, Read, Stage, StageGraph, Work};
use crate::ids::{KeptId, PartitionId, ScanId, ScanPart, ShuffleId, StageId, StagePart};

/// A dataset's partition: the dataset's place in the plan, and which of its partitions.
type Place = (usize, PartitionId);

/// The partitions under a task that may be kept, in the order in which they are met.
#[derive(Default)]
struct Parts {
    /// The parts, in that order.
    list: Vec<KeptPart>,
    /// Where each is in the plan.
    places: Vec<Place>,
    /// Its place in the list.
    found: BTreeMap<Place, usize>,
}

impl Parts {
    /// Returns the place of a part in the list; a new one is added, still without what it is made of.
    fn at(&mut self, place: Place, id: KeptId) -> usize {
        *self.found.entry(place).or_insert_with(|| {
            self.places.push(place);
            self.list.push(KeptPart {
                id,
                reads: vec![],
                below: vec![],
                top: false,
            });
            self.list.len() - 1
        })
    }
}

/// Returns the stages of a job, parents first; the last one answers the action.
///
/// Costs a walk over every partition of every dataset; wide edges are cut once, however many stages read them.
pub fn stages(plan: &RddPlan) -> StageGraph {
    let mut cut = Cut {
        plan,
        stages: vec![],
        of_edge: BTreeMap::new(),
    };
    let only = plan
        .only
        .clone()
        .unwrap_or_else(|| PartitionId::first(plan.nodes[plan.root].partitions).collect());
    cut.stage(plan.root, only, None);
    StageGraph {
        stages: cut.stages,
        scans: vec![],
        schema: Arc::new(Schema::empty()),
        watermarks: vec![],
        operators: vec![],
        functions: vec![],
    }
}

/// The work of cutting one plan.
struct Cut<'a> {
    /// The plan.
    plan: &'a RddPlan,
    /// Stages so far.
    stages: Vec<Stage>,
    /// The stage that writes each wide edge.
    of_edge: BTreeMap<Edge, StageId>,
}

/// What a task reads, and the kept partitions that may stand for a part of it.
type Lineage = (Vec<Read>, Vec<KeptPart>);

impl Cut<'_> {
    /// Adds the stage that computes these partitions of a dataset; the stages that it reads come before it.
    fn stage(&mut self, root: usize, partitions: Vec<PartitionId>, edge: Option<Edge>) -> StageId {
        let (reads, mut kept): (Vec<_>, Vec<_>) = partitions.iter().map(|p| self.lineage(root, *p)).unzip();
        let all = reads
            .iter()
            .flatten()
            .chain(kept.iter().flatten().flat_map(|k| &k.reads));
        let mut parents: Vec<StageId> = all.filter_map(Read::shuffle).map(|part| part.stage).collect();
        parents.sort_unstable();
        parents.dedup();
        if kept.iter().all(Vec::is_empty) {
            kept.clear();
        }
        let output = match edge {
            None => Output::Result,
            Some(edge) => Output::Program {
                partitions: self.plan.nodes[edge.reader].partitions,
            },
        };
        let shuffle = edge.and_then(|Edge { reader, parent }| {
            let dataset = self.plan.nodes[reader].key?;
            Some(ShuffleId { dataset, parent })
        });
        let id = StageId(self.stages.len());
        self.stages.push(Stage {
            id,
            work: Work::Program(Program {
                root,
                partitions,
                write: edge,
                name: self.describe(root),
            }),
            output,
            parents,
            stateful: vec![],
            reads,
            shuffle,
            kept,
        });
        id
    }

    /// Returns what a partition of a dataset is made of, down to the last wide edges: past what may be kept, and
    /// without it.
    fn lineage(&mut self, root: usize, partition: PartitionId) -> Lineage {
        let mut parts = Parts::default();
        let (reads, tops) = self.walk(vec![(root, partition)], &mut parts);
        tops.into_iter().for_each(|at| parts.list[at].top = true);
        for at in 0.. {
            let Some(place) = parts.places.get(at).copied() else {
                break;
            };
            let (mut reads, mut todo) = (vec![], vec![]);
            self.inputs(place, &mut reads, &mut todo);
            let (further, below) = self.walk(todo, &mut parts);
            reads.extend(further);
            reads.sort_unstable();
            reads.dedup();
            (parts.list[at].reads, parts.list[at].below) = (reads, below);
        }
        (reads, parts.list)
    }

    /// Walks down from these partitions to what is read and to the first ones that may be kept. A partition that is
    /// reached twice is looked at once.
    fn walk(&mut self, mut todo: Vec<Place>, parts: &mut Parts) -> (Vec<Read>, Vec<usize>) {
        let (mut reads, mut below) = (vec![], vec![]);
        let mut seen = BTreeSet::new();
        while let Some(place) = todo.pop() {
            if !seen.insert(place) {
                continue;
            }
            match self.plan.nodes[place.0].kept(place.1) {
                Some(id) => below.push(parts.at(place, id)),
                None => self.inputs(place, &mut reads, &mut todo),
            }
        }
        reads.sort_unstable();
        (reads, below)
    }

    /// Adds what one partition is made of: reads, and partitions of its parents.
    fn inputs(&mut self, (at, partition): Place, reads: &mut Vec<Read>, todo: &mut Vec<Place>) {
        let plan = self.plan;
        let node = &plan.nodes[at];
        match node.kind {
            // Of a dataset of the driver's, nothing is left when a plan runs.
            Kind::Source | Kind::Dataset => {
                let scan = ScanId(at);
                reads.push(Read::Scan(ScanPart { scan, partition }));
            }
            Kind::Narrow => todo.push((node.parents[0], partition)),
            Kind::Union => {
                let mut local = partition.0;
                for parent in &node.parents {
                    let count = plan.nodes[*parent].partitions;
                    if local < count {
                        todo.push((*parent, PartitionId(local)));
                        break;
                    }
                    local -= count;
                }
            }
            Kind::Coalesce => todo.extend(node.groups[partition.0].iter().map(|p| (node.parents[0], *p))),
            Kind::Cartesian => {
                let width = plan.nodes[node.parents[1]].partitions;
                todo.push((node.parents[0], PartitionId(partition.0 / width)));
                todo.push((node.parents[1], PartitionId(partition.0 % width)));
            }
            Kind::Zip => {
                for (i, parent) in node.parents.iter().enumerate() {
                    if node.is_wide(i) {
                        let stage = self.shuffle(at, i, *parent);
                        reads.push(Read::Shuffle(StagePart { stage, partition }));
                    } else {
                        todo.push((*parent, partition));
                    }
                }
            }
        }
    }

    /// Returns the stage that writes a wide edge; it is cut when it is first asked for.
    fn shuffle(&mut self, reader: usize, position: usize, parent: usize) -> StageId {
        let edge = Edge {
            reader,
            parent: position,
        };
        if let Some(stage) = self.of_edge.get(&edge) {
            return *stage;
        }
        let all = PartitionId::first(self.plan.nodes[parent].partitions).collect();
        let stage = self.stage(parent, all, Some(edge));
        self.of_edge.insert(edge, stage);
        stage
    }

    /// Returns the datasets of a stage from its sources to its root, for lists of stages.
    fn describe(&self, root: usize) -> String {
        let mut names: Vec<&str> = Vec::new();
        let mut at = Some(root);
        while let Some(node) = at.map(|n| &self.plan.nodes[n]) {
            if names.last() != Some(&node.name.as_str()) {
                names.push(&node.name);
            }
            at = (!node.is_wide(0)).then(|| node.parents.first().copied()).flatten();
        }
        names.reverse();
        names.join(" → ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(nodes: &str, root: usize, blobs: usize) -> RddPlan {
        let text = format!("{{\"nodes\": [{nodes}], \"root\": {root}}}");
        let mut bytes = (text.len() as u32).to_le_bytes().to_vec();
        bytes.extend(text.as_bytes());
        bytes.extend([0u8; 4].repeat(blobs));
        RddPlan::decode(&bytes).unwrap_or_else(|e| panic!("{e}"))
    }

    const SOURCE: &str =
        r#"{"id": 0, "name": "ParallelCollectionRDD", "kind": "source", "parents": [], "partitions": 3}"#;

    #[test]
    fn narrow_steps_share_a_stage_and_a_wide_edge_ends_it() {
        let nodes = format!(
            r#"{SOURCE}, {{"id": 1, "name": "MapPartitionsRDD", "kind": "narrow", "parents": [0], "partitions": 3}},
            {{"id": 2, "name": "ShuffledRDD", "kind": "zip", "parents": [1], "wide": [true], "partitions": 2}},
            {{"id": 3, "name": "MapPartitionsRDD", "kind": "narrow", "parents": [2], "partitions": 2}}"#
        );
        let graph = stages(&plan(&nodes, 3, 3));
        assert_eq!(graph.stages.len(), 2);
        assert_eq!(graph.stages[0].name(), "ParallelCollectionRDD → MapPartitionsRDD");
        assert_eq!((graph.stages[0].tasks(), graph.stages[1].tasks()), (3, 2));
        assert_eq!(graph.stages[1].parents, [StageId(0)]);
        assert_eq!(
            graph.stages[1].reads,
            [0, 1].map(|partition| {
                let (stage, partition) = (StageId(0), PartitionId(partition));
                [Read::Shuffle(StagePart { stage, partition })]
            })
        );
    }

    #[test]
    fn a_cartesian_product_over_a_coalesced_union_reads_what_its_partition_needs() {
        let nodes = format!(
            r#"{SOURCE}, {{"id": 1, "name": "ParallelCollectionRDD", "kind": "source", "parents": [], "partitions": 1, "firstSource": 3}},
            {{"id": 2, "name": "UnionRDD", "kind": "union", "parents": [0, 1], "partitions": 4}},
            {{"id": 3, "name": "CoalescedRDD", "kind": "coalesce", "parents": [2], "groups": [[0, 1], [2, 3]], "partitions": 2}},
            {{"id": 4, "name": "CartesianRDD", "kind": "cartesian", "parents": [1, 3], "partitions": 2}}"#
        );
        let graph = stages(&plan(&nodes, 4, 4));
        assert_eq!(graph.stages.len(), 1);
        let scan = |scan, partition| {
            let (scan, partition) = (ScanId(scan), PartitionId(partition));
            Read::Scan(ScanPart { scan, partition })
        };
        assert_eq!(
            graph.stages[0].reads,
            [vec![scan(0, 0), scan(0, 1), scan(1, 0)], vec![scan(0, 2), scan(1, 0)]]
        );
    }

    #[test]
    fn a_plan_that_does_not_add_up_is_refused_with_the_dataset_named() {
        let bad = [
            (
                r#"{"id": 7, "name": "UnionRDD", "kind": "union", "parents": [3], "partitions": 1}"#,
                "does not come before it",
            ),
            (
                r#"{"id": 7, "name": "A", "kind": "source", "parents": [1], "partitions": 9}"#,
                "does not come before",
            ),
            (
                r#"{"id": 7, "name": "B", "kind": "narrow", "parents": [], "partitions": 1}"#,
                "it has 0 parents",
            ),
        ];
        for (node, why) in bad {
            let text = format!("{{\"nodes\": [{node}], \"root\": 0}}");
            let mut bytes = (text.len() as u32).to_le_bytes().to_vec();
            bytes.extend(text.as_bytes());
            let error = RddPlan::decode(&bytes).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("dataset 7") && error.contains(why), "{error}");
        }
        assert!(RddPlan::decode(&[9, 0, 0, 0, b'{']).is_err());
    }
}
