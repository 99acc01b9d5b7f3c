//! Puts datasets of the driver's and of a page's together to one plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::buffer::Buffer;
use serde_json::{Value, json};

use super::dataset::{Dataset, Definition, Library, of_plan};
use super::op::{Offset, Renumber};
use super::plan::{Kind, Node, RddPlan};
use crate::error::{Result, SparkError};
use crate::ids::{DatasetId, PartitionId};

/// Returns a plan in which the driver's own datasets stand in the place of their names.
///
/// # Errors
/// As [`of_plan`], and if partitions do not add up.
pub fn resolve(plan: &RddPlan, find: &dyn Fn(DatasetId) -> Option<Dataset>) -> Result<RddPlan> {
    let all = of_plan(plan, find)?;
    let Some(root) = all.get(plan.root) else {
        return Err(SparkError::invalid_plan("a dataset plan has no root"));
    };
    let mut assembly = Assembly::default();
    // First, so that the action's numbers stay as they are.
    if let Some(own) = all.iter().zip(&plan.nodes).find(|(_, node)| node.kind != Kind::Dataset) {
        assembly.library(&own.0.0.library);
    } else {
        assembly.library(&Arc::new(Library {
            functions: plan.functions.clone(),
            values: plan.blobs[..plan.values].to_vec(),
        }));
    }
    let root = assembly.add(root);
    let mut resolved = assembly.plan(root, plan.action.clone(), &plan.description, plan.only.clone())?;
    resolved.forget.clone_from(&plan.forget);
    resolved.unkeep.clone_from(&plan.unkeep);
    resolved.pool.clone_from(&plan.pool);
    Ok(resolved)
}

/// Puts a plan together: datasets of several libraries, each function and block once.
#[derive(Default)]
pub struct Assembly {
    nodes: Vec<Node>,
    places: BTreeMap<DatasetId, usize>,
    functions: Vec<Value>,
    values: Vec<Buffer>,
    sources: Vec<Buffer>,
    offsets: Vec<(Arc<Library>, Offset)>,
}

impl Assembly {
    /// Adds a library, and returns what its numbers are moved by.
    fn library(&mut self, library: &Arc<Library>) -> Offset {
        if let Some((_, offset)) = self.offsets.iter().find(|(known, _)| Arc::ptr_eq(known, library)) {
            return *offset;
        }
        let offset = Offset {
            functions: self.functions.len(),
            values: self.values.len(),
        };
        self.functions.extend(library.functions.iter().cloned());
        self.values.extend(library.values.iter().cloned());
        self.offsets.push((library.clone(), offset));
        offset
    }

    /// Adds a dataset and all that it is made of, and returns its place.
    pub fn add(&mut self, dataset: &Dataset) -> usize {
        // Without recursion: a state's lineage may be long.
        let mut todo = vec![(dataset.clone(), false)];
        let mut last = 0;
        while let Some((dataset, are_parents_there)) = todo.pop() {
            let definition = dataset.0.clone();
            let known = definition.node.key.and_then(|key| self.places.get(&key).copied());
            if let Some(place) = known {
                last = place;
                continue;
            }
            if !are_parents_there {
                let parents = definition.parents.iter().rev().map(|p| (p.clone(), false));
                todo.push((dataset, true));
                todo.extend(parents);
                continue;
            }
            last = self.place(&definition);
        }
        last
    }

    fn place(&mut self, definition: &Definition) -> usize {
        let mut node = definition.node.clone();
        let offset = self.library(&definition.library);
        if let Some(op) = &mut node.op {
            op.renumber(offset);
        }
        // A write speaks in the numbers of its placement, which may be another library's, but for its aggregate. Of a page's
        // dataset the placement is not known: it speaks in the page's own.
        for write in node.write.iter_mut().flatten() {
            let by = definition.placement.as_ref().map(|p| p.library.clone());
            let by = by.map_or(offset, |library| self.library(&library));
            write.partitioner.renumber(by);
            if let Some(aggregate) = &mut write.aggregate {
                aggregate.renumber(offset);
            }
        }
        let places = definition.parents.iter().filter_map(Dataset::key);
        node.parents = places.filter_map(|key| self.places.get(&key).copied()).collect();
        node.first_source = self.sources.len();
        self.sources.extend(definition.sources.iter().cloned());
        let place = self.nodes.len();
        if let Some(key) = node.key {
            self.places.insert(key, place);
        }
        self.nodes.push(node);
        place
    }

    /// Returns the plan that runs an action on the dataset at a place.
    ///
    /// # Errors
    /// `CONNECT_INVALID_PLAN` if partitions do not add up.
    pub fn plan(
        self,
        root: usize,
        action: Value,
        description: &str,
        only: Option<Vec<PartitionId>>,
    ) -> Result<RddPlan> {
        let mut text = json!({
            "nodes": self.nodes, "root": root, "action": action, "functions": self.functions, "values": self.values.len(),
            "description": description,
        });
        if let (Some(only), Some(fields)) = (&only, text.as_object_mut()) {
            fields.insert("only".into(), json!(only));
        }
        let blobs = self.values.iter().chain(&self.sources).cloned().collect();
        RddPlan::of(text.to_string(), blobs)
    }
}

#[cfg(test)]
mod tests {
    use super::super::dataset::Maker;
    use super::super::op::{Call, Op};
    use super::*;

    fn map(f: usize, bound: Option<usize>) -> Op {
        Op::Map {
            call: Call { f, bound },
        }
    }

    #[test]
    fn datasets_of_several_libraries_meet_in_one_plan_with_their_own_functions() {
        let (first, second) = (
            Library::of(&["a", "b"], &[b"one"]),
            Library::of(&["c"], &[b"two", b"three"]),
        );
        let mut maker = Maker::new(100, None);
        let source = maker.source("BlockRDD", vec![Buffer::from(b"rows".as_slice())], None);
        let one = maker.narrow(&source, map(1, Some(0)), false, &first);
        let two = maker.narrow(&source, map(0, Some(1)), false, &second);
        let both = maker.union(vec![one.clone(), two, one]);
        let mut assembly = Assembly::default();
        let root = assembly.add(&both);
        let plan = assembly.plan(root, json!({"t": "collect"}), "both", None).unwrap();
        let calls: Vec<Call> = plan
            .nodes
            .iter()
            .filter_map(|node| match &node.op {
                Some(Op::Map { call }) => Some(*call),
                _ => None,
            })
            .collect();
        let named: Vec<_> = calls
            .iter()
            .map(|c| {
                (
                    plan.functions[c.f]["source"].as_str().unwrap(),
                    plan.blobs[c.bound.unwrap()].as_slice(),
                )
            })
            .collect();
        assert_eq!(named, [("b", b"one".as_slice()), ("c", b"three".as_slice())]);
        // A dataset that is reached twice is there once, and the source's block after the values.
        assert_eq!((plan.nodes.len(), plan.values, plan.blobs.len()), (4, 3, 4));
        assert_eq!(plan.nodes[root].partitions, 3);
    }

    #[test]
    fn a_plan_over_a_dataset_of_the_driver_runs_with_its_lineage_and_a_missing_one_is_named() {
        let own = Library::of(&["inside"], &[]);
        let mut maker = Maker::new(500, None);
        let source = maker.source("BlockRDD", vec![Buffer::from(b"rows".as_slice())], None);
        let dataset = maker.narrow(&source, map(0, None), false, &own);
        let text = json!({
            "nodes": [
                {"id": 7, "key": 501, "name": "MapPartitionsRDD", "kind": "dataset", "parents": [], "partitions": 1},
                {"id": 8, "key": 9, "name": "MapPartitionsRDD", "kind": "narrow", "parents": [0], "partitions": 1,
                 "op": {"t": "map", "call": {"f": 0, "bound": 0}}},
            ],
            "root": 1, "action": {"t": "reduce", "call": {"f": 1}}, "functions": [{"source": "outside"}, {"source": "reduce"}],
            "values": 1,
        });
        let plan = RddPlan::of(text.to_string(), vec![Buffer::from(b"bound")]).unwrap();
        let resolved = resolve(&plan, &|key| (Some(key) == dataset.key()).then(|| dataset.clone())).unwrap();
        let functions: Vec<_> = resolved
            .functions
            .iter()
            .map(|f| f["source"].as_str().unwrap())
            .collect();
        assert_eq!(functions, ["outside", "reduce", "inside"]);
        let kinds: Vec<_> = resolved.nodes.iter().map(|n| n.kind).collect();
        assert_eq!(kinds, [Kind::Source, Kind::Narrow, Kind::Narrow]);
        assert_eq!(resolved.action, json!({"t": "reduce", "call": {"f": 1}}));
        assert_eq!(resolved.blobs, [Buffer::from(b"bound"), Buffer::from(b"rows")]);
        let error = resolve(&plan, &|_| None).unwrap_err();
        assert!(error.message.contains("501"), "{error}");
    }
}
