//! Jobs over partitioned datasets: a plan in the relation's `extension`, results as `extension` responses, one per
//! partition.
//!
//! Three things happen with a plan, in this order: datasets that the page dropped are forgotten on all executors, those
//! that are to be kept are noted for the status, and the action's job runs. A plan without nodes only forgets. The
//! driver keeps the bytes of sources and sends each to the tasks that read it; executors get the rest of the plan once. Large
//! sources come before the plans, which name them only, and stay for the session's next jobs.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::buffer::Buffer;

use super::driver::Driver;
use super::jobs::Owner;
use super::sending::Piece;
use crate::cluster::runner::{JobRequest, Limits, Outcome, SourceBlock};
use crate::error::{Result, SparkError};
use crate::exec::stage::Read;
use crate::graph::iteration::{Iteration, Next};
use crate::ids::{DatasetId, PartitionId};
use crate::proto as sc;
use crate::proto::execute_plan_response::ResponseType;
use crate::proto::relation::RelType;
use crate::rdd::lineage;
use crate::rdd::plan::{RESULT_TYPE_URL, RddPlan, TYPE_URL, UPDATES_TYPE_URL};

/// A dataset that executors keep, for status displays.
#[derive(Debug, Clone)]
pub(super) struct KeptDataset {
    /// Its number within its context.
    pub id: u64,
    /// Spark's class name of it.
    pub name: String,
    /// How many partitions it has.
    pub partitions: usize,
}

/// Partitions of sources that plans of the same session name, by dataset.
#[derive(Debug, Default)]
pub struct HeldSources(HashMap<DatasetId, Vec<Buffer>>);

impl HeldSources {
    /// Holds the partitions of a dataset, in place of earlier ones, until a plan forgets it.
    pub(super) fn put(&mut self, dataset: DatasetId, blocks: Vec<Buffer>) {
        self.0.insert(dataset, blocks);
    }

    /// Puts in what a plan names; drops what it forgets.
    ///
    /// # Errors
    /// `CONNECT_INVALID_PLAN` for a dataset that is not held, or not with as many partitions.
    fn fill(&mut self, mut plan: RddPlan) -> Result<RddPlan> {
        self.0.retain(|key, _| !plan.forget.contains(key));
        for node in &mut plan.nodes {
            if !std::mem::take(&mut node.held) {
                continue;
            }
            let found = node.key.and_then(|key| self.0.get(&key));
            let found = found.filter(|blobs| blobs.len() == node.partitions);
            let missing = || {
                let why = format!("dataset {} ({}): its partitions are not held", node.id, node.name);
                SparkError::invalid_plan(why)
            };
            node.first_source = plan.blobs.len() - plan.values;
            plan.blobs.extend(found.ok_or_else(missing)?.iter().cloned());
        }
        Ok(plan)
    }
}

/// Supersteps over a graph, and the client that waits for their result.
#[derive(Debug)]
pub(super) struct Iterating {
    /// The operation.
    pub operation: String,
    /// Its session.
    session: String,
    /// What comes next.
    iteration: Iteration,
    /// What the jobs so far added to accumulators.
    updates: Vec<Buffer>,
}

impl Driver {
    /// Runs a dataset plan: forgets what the page forgets, then computes what the action wants, if it wants anything.
    ///
    /// # Errors
    /// The session's, if a setting is invalid.
    pub(super) fn execute_datasets(
        &mut self,
        operation: &str,
        session: &str,
        plan: RddPlan,
        now_ms: i64,
    ) -> Result<()> {
        let plan = self.session(session).sources.fill(plan)?;
        let plan = self.contexts.resolved(plan)?;
        let forgotten = self.contexts.forget(&plan.forget);
        self.kept
            .retain(|key, _| !plan.forget.contains(key) && !plan.unkeep.contains(key));
        for node in plan.nodes.iter().filter(|n| n.cached) {
            let dataset = KeptDataset {
                id: node.id,
                name: node.name.clone(),
                partitions: node.partitions,
            };
            self.kept.extend(node.key.map(|key| (key, dataset)));
        }
        let effects = self.runner.forget(forgotten, plan.unkeep.clone(), now_ms);
        self.carry_out(effects, now_ms);
        if plan.nodes.is_empty() {
            self.end_operation(operation);
            return Ok(());
        }
        let plan = match Iteration::of(plan)? {
            Ok((iteration, first)) => {
                let owner = Owner::Iteration(Box::new(Iterating {
                    operation: operation.to_owned(),
                    session: session.to_owned(),
                    iteration,
                    updates: vec![],
                }));
                return self.run_datasets(session, &first, owner, now_ms);
            }
            Err(plan) => plan,
        };
        let root = &plan.nodes[plan.root];
        let partitions = plan.only.clone();
        let partitions = partitions.unwrap_or_else(|| PartitionId::first(root.partitions).collect());
        let owner = Owner::Datasets {
            operation: operation.to_owned(),
            partitions,
        };
        self.run_datasets(session, &plan, owner, now_ms)
    }

    /// Runs the job of a dataset plan for an owner.
    ///
    /// # Errors
    /// The session's, if a setting is invalid.
    pub(super) fn run_datasets(&mut self, session: &str, plan: &RddPlan, owner: Owner, now_ms: i64) -> Result<()> {
        let any = prost_types::Any {
            type_url: TYPE_URL.into(),
            value: plan.for_executors(),
        };
        let relation = sc::Relation {
            common: None,
            rel_type: Some(RelType::Extension(any)),
        };
        let spec = self.session(session).spec(&relation, now_ms)?;
        let graph = Arc::new(lineage::stages(plan));
        let mut request = JobRequest {
            description: plan.description.clone(),
            pool: Some(plan.pool.clone().unwrap_or_default()),
            limits: Limits::of_statement(&spec.conf)?,
            ..JobRequest::default()
        };
        let direct = graph.stages.iter().flat_map(|s| s.reads.iter().flatten());
        let kept = graph.stages.iter().flat_map(|s| s.kept.iter().flatten());
        for part in direct.chain(kept.flat_map(|k| &k.reads)).filter_map(Read::scan) {
            let blocks = || vec![SourceBlock::Bytes(plan.source(part).cloned().unwrap_or_default())];
            request.scans.entry(part).or_insert_with(blocks);
        }
        self.run_once(spec, graph, request, owner, now_ms);
        Ok(())
    }

    /// Runs the next supersteps, or sends the result of the last ones.
    pub(super) fn supersteps_done(&mut self, mut waiting: Box<Iterating>, outcome: Outcome, now_ms: i64) {
        waiting.updates.extend(outcome.updates);
        let next = waiting.iteration.take(&outcome.results);
        let (operation, session) = (waiting.operation.clone(), waiting.session.clone());
        let ran = match next {
            Err(error) => Err(error),
            Ok(Next::Job(plan)) => self.run_datasets(&session, &plan, Owner::Iteration(waiting), now_ms),
            Ok(Next::Answer(blocks)) => {
                let partitions: Vec<_> = PartitionId::first(blocks.len()).collect();
                let outcome = Outcome {
                    results: blocks,
                    updates: waiting.updates,
                    ..Outcome::default()
                };
                self.datasets_done(&operation, &partitions, outcome);
                Ok(())
            }
        };
        if let Err(error) = ran {
            self.fail_operation(&operation, error);
        }
    }

    /// Sends the result of a job: one response per partition, then what was added to accumulators.
    pub(super) fn datasets_done(&mut self, operation: &str, partitions: &[PartitionId], outcome: Outcome) {
        let extension = |type_url: &str, value: Vec<u8>| {
            let type_url = type_url.into();
            let any = prost_types::Any { type_url, value };
            Piece::Ready(Box::new(ResponseType::Extension(any)))
        };
        let results = partitions.iter().zip(&outcome.results).map(|(partition, block)| {
            let mut value = (partition.0 as u32).to_le_bytes().to_vec();
            value.extend_from_slice(block);
            extension(RESULT_TYPE_URL, value)
        });
        let updates = outcome.updates.iter();
        let updates = updates.map(|updates| extension(UPDATES_TYPE_URL, updates.to_vec()));
        self.send_pieces(operation, results.chain(updates));
        self.send_end(operation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Returns a plan with a value, over a source of two partitions that is held.
    fn plan(forget: &[u64]) -> RddPlan {
        let node = json!({
            "id": 1, "key": 7, "name": "Ids", "kind": "source", "parents": [], "partitions": 2, "held": true,
        });
        let text = json!({"nodes": [node], "root": 0, "values": 1, "forget": forget});
        RddPlan::of(text.to_string(), vec![Buffer::from(b"value")]).unwrap()
    }

    fn blocks(texts: &[&[u8]]) -> Vec<Buffer> {
        texts.iter().map(|text| Buffer::from(*text)).collect()
    }

    #[test]
    fn a_source_that_is_held_is_put_into_the_plans_that_name_it() {
        let mut held = HeldSources::default();
        held.put(DatasetId(7), blocks(&[b"a", b"b"]));
        for _ in 0..2 {
            let filled = held.fill(plan(&[])).unwrap();
            assert_eq!(filled.blobs, blocks(&[b"value", b"a", b"b"]));
            assert_eq!((filled.nodes[0].first_source, filled.nodes[0].held), (0, false));
        }
        // What comes again takes the place of what was there.
        held.put(DatasetId(7), blocks(&[b"c", b"d"]));
        assert_eq!(held.fill(plan(&[])).unwrap().blobs[2], Buffer::from(b"d"));
    }

    #[test]
    fn a_source_that_is_forgotten_or_never_came_or_not_whole_is_refused_by_its_name() {
        let of = |texts: &[&[u8]]| {
            let mut held = HeldSources::default();
            held.put(DatasetId(7), blocks(texts));
            held
        };
        for refused in [
            of(&[b"a", b"b"]).fill(plan(&[7])),
            of(&[b"a"]).fill(plan(&[])),
            HeldSources::default().fill(plan(&[])),
        ] {
            let error = refused.unwrap_err();
            assert!(
                error.message.contains("dataset 1 (Ids): its partitions are not held"),
                "{error}"
            );
        }
    }
}
