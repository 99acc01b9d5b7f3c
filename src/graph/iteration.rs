//! Supersteps until nothing changes: what the driver does with a plan whose action is to iterate.
//!
//! Some supersteps are one job, whose last states come to the driver; the next job begins with these. So a lineage is never
//! longer than one job's supersteps, and the page hears of nothing until the end.
//!
//! ```text
//!  first ═▶ step ═▶ … ═▶ step ──states──▶ driver ──▶ resume ═▶ step ═▶ … ──states──▶ driver ──▶ page
//! ```
//!
//! The steps are the engine's ([`super::algorithms`]) or the script's (Pregel): this knows only their form.

use arrow::buffer::Buffer;
use serde::Deserialize;
use serde_json::{Value, json};

use super::algorithms::{FIRST_CHUNK, Parameters};
use super::answer;
use super::columns::Reader;
use super::host::Outcome;
use crate::error::{Result, SparkError};
use crate::ids::DatasetId;
use crate::rdd::op::{Op, Write};
use crate::rdd::plan::{Kind, Node, RddPlan};

/// A dataset that the driver adds to a plan.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Its name in lists of stages.
    pub name: String,
    /// Its parents, by key; `None` is the dataset before it.
    pub parents: Vec<Option<DatasetId>>,
    /// Per parent: whether rows move.
    pub wide: Vec<bool>,
    /// What is done to the rows.
    pub op: Op,
    /// Per wide parent: how its rows are dealt out, if the script does it.
    #[serde(default)]
    pub write: Vec<Option<Write>>,
}

/// The action of a plan that iterates.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    /// How many partitions the states have.
    partitions: usize,
    /// The states before the first superstep.
    first: Template,
    /// The same states as were there at the end of a job; the dataset before it has them.
    resume: Template,
    /// The datasets of a superstep.
    cycle: Vec<Template>,
    /// The most supersteps; `None` for no limit.
    limit: Option<u64>,
    /// The engine's algorithm; `None` if the script has the states.
    algorithm: Option<Parameters>,
}

/// Supersteps of one job, at most.
const MOST: u64 = 40;

/// An iteration that runs.
#[derive(Debug)]
pub struct Iteration {
    plan: RddPlan,
    action: Action,
    done: u64,
    chunk: u64,
}

/// What comes after a job.
#[derive(Debug)]
pub enum Next {
    /// Another one.
    Job(Box<RddPlan>),
    /// The result, by partition.
    Answer(Vec<Buffer>),
}

impl Iteration {
    /// Returns the iteration that a plan asks for, and its first job; `None` if its action is another one.
    ///
    /// # Errors
    /// `CONNECT_INVALID_PLAN` that says what is wrong with it.
    pub fn of(plan: RddPlan) -> Result<std::result::Result<(Self, RddPlan), RddPlan>> {
        if plan.action.get("t").and_then(Value::as_str) != Some("iterate") {
            return Ok(Err(plan));
        }
        let invalid = |e: serde_json::Error| SparkError::invalid_plan(format!("an iteration cannot be read: {e}"));
        let action: Action = serde_json::from_value(plan.action.clone()).map_err(invalid)?;
        if action.cycle.is_empty() {
            return Err(SparkError::invalid_plan("an iteration has no steps"));
        }
        let mut iteration = Self {
            plan,
            action,
            done: 0,
            chunk: 0,
        };
        let first = iteration.job(None)?;
        Ok(Ok((iteration, first)))
    }

    /// Takes the states at the end of a job.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if a state is damaged.
    pub fn take(&mut self, results: &[Buffer]) -> Result<Next> {
        self.done += self.chunk;
        let is_over = self.action.limit.is_some_and(|limit| self.done >= limit);
        let Some(algorithm) = &self.action.algorithm else {
            let (mut active, mut states) = (0, vec![]);
            for result in results {
                let mut reader = Reader(result);
                active += u64::from(reader.u32()?);
                states.push(result.slice(result.len() - reader.0.len()));
            }
            return Ok(if is_over || active == 0 {
                Next::Answer(states)
            } else {
                Next::Job(Box::new(self.job(Some(states))?))
            });
        };
        let outcomes = results.iter().map(|r| Outcome::read(r)).collect::<Result<Vec<_>>>()?;
        if !is_over && outcomes.iter().any(|o| o.state.active > 0) {
            return Ok(Next::Job(Box::new(self.job(Some(results.to_vec()))?)));
        }
        let (ids, states): (Vec<_>, Vec<_>) = outcomes.into_iter().map(|o| (o.ids, o.state)).unzip();
        let values = algorithm.algorithm().answer(&ids, states);
        let blocks = ids
            .iter()
            .zip(&values)
            .map(|(ids, values)| answer::block(ids, values).into());
        Ok(Next::Answer(blocks.collect()))
    }

    /// Returns the plan of the next job, which begins with these states.
    fn job(&mut self, states: Option<Vec<Buffer>>) -> Result<RddPlan> {
        let wanted = if self.done == 0 {
            let algorithm = self.action.algorithm.as_ref();
            algorithm.map_or(FIRST_CHUNK, |a| a.algorithm().supersteps(self.action.partitions))
        } else {
            (self.chunk * 2).min(MOST)
        };
        let left = self
            .action
            .limit
            .map_or(u64::MAX, |limit| limit.saturating_sub(self.done));
        // A few more in one job are cheaper than a job of their own.
        self.chunk = if left <= wanted + wanted / 2 { left } else { wanted };
        let mut nodes = self.plan.nodes.clone();
        let mut blobs = self.plan.blobs.clone();
        let template = if let Some(states) = states {
            nodes.push(Node {
                first_source: blobs.len() - self.plan.values,
                kind: Kind::Source,
                ..self.node("CheckpointRDD", vec![], vec![], None, vec![])
            });
            blobs.extend(states);
            self.action.resume.clone()
        } else {
            self.action.first.clone()
        };
        self.add(&mut nodes, &template)?;
        for _ in 0..self.chunk {
            for template in &self.action.cycle {
                self.add(&mut nodes, template)?;
            }
        }
        let plan = &self.plan;
        let text = json!({
            "nodes": nodes, "root": nodes.len() - 1, "action": {"t": "graphState"}, "functions": plan.functions,
            "values": plan.values, "description": plan.description,
        });
        let mut job = RddPlan::of(text.to_string(), blobs)?;
        job.pool.clone_from(&plan.pool);
        Ok(job)
    }

    fn add(&self, nodes: &mut Vec<Node>, template: &Template) -> Result<()> {
        let place = |key: &Option<DatasetId>| match key {
            None => Ok(nodes.len().saturating_sub(1)),
            Some(key) => {
                let found = nodes.iter().position(|n| n.key == Some(*key));
                found.ok_or_else(|| SparkError::invalid_plan(format!("an iteration names no dataset {}", key.0)))
            }
        };
        let parents = template.parents.iter().map(place).collect::<Result<_>>()?;
        let Template {
            name, wide, op, write, ..
        } = template;
        let node = self.node(name, parents, wide.clone(), Some(op.clone()), write.clone());
        nodes.push(node);
        Ok(())
    }

    fn node(
        &self,
        name: &str,
        parents: Vec<usize>,
        wide: Vec<bool>,
        op: Option<Op>,
        write: Vec<Option<Write>>,
    ) -> Node {
        Node {
            id: 0,
            key: None,
            name: name.to_owned(),
            kind: Kind::Zip,
            parents,
            partitions: self.action.partitions,
            groups: vec![],
            cached: false,
            level: None,
            wide,
            first_source: 0,
            held: false,
            op,
            write,
        }
    }
}
