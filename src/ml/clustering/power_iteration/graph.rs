//! Edges in one place: the numbers of their vertices, and clusters of these.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use prost::Message;

use super::means;
use crate::error::{Result, SparkError};
use crate::ids::PartitionId;
use crate::ml::clustering::distance::Distance;
use crate::ml::clustering::k_means::KMeansModel;
use crate::ml::collected;
use crate::ml::error::invalid_value;
use crate::ml::learning::{Run, Step};
use crate::ml::model::Model;
use crate::ml::params::Params;
use crate::ml::stage::Role;
use crate::ml::summary::{Summary, Weights, corrupt};
use crate::plan::functions::partition;
use crate::plan::functions::random::XorShift;
use crate::values::vector::{VectorBuilder, VectorRef};

/// The edges of a partition.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Part {
    /// Its number.
    #[prost(uint64, tag = "1")]
    partition: u64,
    /// Where edges begin.
    #[prost(sint64, repeated, tag = "2")]
    sources: Vec<i64>,
    /// Where they end.
    #[prost(sint64, repeated, tag = "3")]
    destinations: Vec<i64>,
    /// How similar their ends are.
    #[prost(double, repeated, tag = "4")]
    weights: Vec<f64>,
}

/// All edges, but for those from a vertex to itself.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Found {
    /// By partition, in order.
    #[prost(message, repeated, tag = "1")]
    parts: Vec<Part>,
}

/// Collects edges: columns of sources and destinations, and of weights if not all are 1.
#[derive(Debug)]
pub(super) struct Edges {
    /// Names of the columns of ends in errors.
    ends: String,
    /// Name of the column of weights in errors.
    weight: String,
    found: Found,
}

impl Edges {
    /// Returns no edges yet; errors name the columns.
    pub(super) fn new(ends: String, weight: String) -> Self {
        Self {
            ends,
            weight,
            found: Found::default(),
        }
    }
}

impl Summary for Edges {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let ends = [0, 1].map(|at| columns[at].as_primitive::<Int64Type>());
        let weights = Weights::new(columns.get(2));
        let mut part = self.found.parts.pop().unwrap_or_else(|| Part {
            partition: partition::current() as u64,
            ..Part::default()
        });
        for row in 0..ends[0].len() {
            if ends.iter().any(|end| end.is_null(row)) {
                return Err(invalid_value("The ends of an edge MUST NOT be Null", &self.ends, row));
            }
            let ([from, to], weight) = (ends.map(|end| end.value(row)), weights.get(row, &self.weight)?);
            if from != to {
                part.sources.push(from);
                part.destinations.push(to);
                part.weights.push(weight);
            }
        }
        self.found.parts.push(part);
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = Found::decode(state).map_err(|e| corrupt(&e))?;
        self.found.parts.extend(other.parts);
        self.found.parts.sort_by_key(|part| part.partition);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        self.found.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + 24 * self.found.parts.iter().map(|part| part.weights.len()).sum::<usize>()
    }
}

/// The vertices of edges.
struct Known {
    ids: Vec<i64>,
    places: HashMap<i64, usize>,
    hashes: Vec<i32>,
    partitions: usize,
}

/// Returns the vertices of edges.
fn known(parts: &[Part]) -> Known {
    let ends = parts
        .iter()
        .flat_map(|part| part.sources.iter().chain(&part.destinations));
    let ids: Vec<i64> = ends.copied().collect::<BTreeSet<i64>>().into_iter().collect();
    let longs: ArrayRef = Arc::new(Int64Array::from(ids.clone()));
    Known {
        hashes: collected::java_hashes(&longs).into_iter().flatten().collect(),
        places: ids.iter().copied().zip(0..).collect(),
        ids,
        partitions: parts.last().map_or(1, |part| part.partition as usize + 1),
    }
}

impl Known {
    /// Returns vertices in the order of a table, put into it in the order given; each the first time only.
    fn table(&self, vertices: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut seen = vec![false; self.ids.len()];
        let mut keys = vec![];
        for at in vertices {
            if !std::mem::replace(&mut seen[at], true) {
                keys.push((at, self.hashes[at]));
            }
        }
        collected::table(&keys)
    }

    /// Returns the vertices of each partition as Spark makes them of its edges: those of a partition's edges, in order, are put into a
    /// table; of these tables, in order, each partition of vertices makes its own.
    fn tables(&self, parts: &[Part]) -> Vec<Vec<usize>> {
        let mut found: Vec<Vec<usize>> = vec![vec![]; self.partitions];
        for part in parts {
            let ends = part.sources.iter().zip(&part.destinations);
            let mut both: Vec<(usize, usize)> = ends
                .flat_map(|(from, to)| [(from, to), (to, from)])
                .map(|(from, to)| (self.places[from], self.places[to]))
                .collect();
            // Places are in the order of ids.
            both.sort_unstable();
            for at in self.table(both.into_iter().flat_map(|(from, to)| [from, to])) {
                found[self.hashes[at].rem_euclid(self.partitions as i32) as usize].push(at);
            }
        }
        found.into_iter().map(|vertices| self.table(vertices)).collect()
    }

    /// Returns tables that are made of tables.
    fn again(&self, tables: &[Vec<usize>]) -> Vec<Vec<usize>> {
        tables.iter().map(|table| self.table(table.iter().copied())).collect()
    }
}

/// A graph whose vertices are known by their places, which are in the order of ids.
struct Graph {
    known: Known,
    /// By partition, in the order in which Spark draws numbers for them.
    drawn: Vec<Vec<usize>>,
    /// Edges in both directions: from, to, and which share of all that `from` has.
    edges: Vec<(usize, usize, f64)>,
    /// The sum of the weights at each vertex.
    degrees: Vec<f64>,
}

impl Graph {
    fn of(found: &Found) -> Self {
        let known = known(&found.parts);
        let mut edges = vec![];
        let mut degrees = vec![0.0; known.ids.len()];
        for part in &found.parts {
            let ends = part.sources.iter().zip(&part.destinations);
            for ((from, to), weight) in ends.zip(&part.weights) {
                let (from, to) = (known.places[from], known.places[to]);
                degrees[from] += weight;
                degrees[to] += weight;
                edges.push((from, to, *weight));
                edges.push((to, from, *weight));
            }
        }
        edges
            .iter_mut()
            .for_each(|(from, _, weight)| *weight /= degrees[*from].max(f64::EPSILON));
        Self {
            drawn: known.again(&known.tables(&found.parts)),
            known,
            edges,
            degrees,
        }
    }

    /// Returns the numbers to begin with: of the sum of their sizes, the share of each.
    fn begun(&self, at_random: bool) -> Vec<f64> {
        if !at_random {
            return scaled(self.degrees.clone());
        }
        let mut values = vec![0.0; self.degrees.len()];
        for (number, vertices) in self.drawn.iter().enumerate() {
            let mut random = XorShift::new(number as i64);
            vertices.iter().for_each(|at| values[*at] = random.gaussian());
        }
        scaled(values)
    }

    /// Returns the numbers after some steps, fewer if they change evenly, and the vertices of each partition in the order in which Spark
    /// has them then: it puts them into two tables anew, to begin with and in each step.
    fn numbers(&self, mut values: Vec<f64>, steps: usize) -> (Vec<f64>, Vec<Vec<usize>>) {
        let twice = |tables: &[Vec<usize>]| self.known.again(&self.known.again(tables));
        let mut tables = twice(&self.drawn);
        let tolerance = (1e-5 / values.len() as f64).max(1e-8);
        let (mut last, mut difference) = (f64::MAX, f64::MAX);
        for _ in 0..steps {
            // What is not a number any more changes no more.
            if difference.abs() <= tolerance || difference.is_nan() {
                break;
            }
            let mut next = vec![0.0; values.len()];
            self.edges
                .iter()
                .for_each(|(from, to, share)| next[*from] += share * values[*to]);
            let next = scaled(next);
            let change: f64 = next.iter().zip(&values).map(|(a, b)| (b - a).abs()).sum();
            difference = (change - last).abs();
            last = change;
            values = next;
            tables = twice(&tables);
        }
        (values, tables)
    }
}

/// Returns numbers divided by the sum of their sizes.
fn scaled(values: Vec<f64>) -> Vec<f64> {
    let sum: f64 = values.iter().map(|v| v.abs()).sum();
    values.into_iter().map(|v| v / sum).collect()
}

/// Returns the ids of vertices with their clusters.
///
/// # Errors
/// As k-means, which refuses a graph without edges.
pub(super) fn clusters(found: &Found, params: &Params) -> Result<Vec<(i64, i32)>> {
    let graph = Graph::of(found);
    let begun = graph.begun(params.text("initMode")? == "random");
    let (values, tables) = graph.numbers(begun, params.count("maxIter")?);
    let parts: Vec<Vec<f64>> = tables
        .iter()
        .map(|table| table.iter().map(|at| values[*at]).collect())
        .collect();
    let model = trained(&means(params.int("k")?)?, &parts)?;
    let broken = || SparkError::internal("k-means has made another model");
    let centres = model.content::<KMeansModel>().ok_or_else(broken)?.centres();
    let nearest = |value: f64| Distance::Euclidean.nearest(&centres, VectorRef::Dense(&[value])).0 as i32;
    let vertices = tables.iter().flatten();
    Ok(vertices
        .map(|at| (graph.known.ids[*at], nearest(values[*at])))
        .collect())
}

/// Trains a learner over numbers that are at hand, by partition: each question is answered as tasks would.
fn trained(params: &Params, parts: &[Vec<f64>]) -> Result<Model> {
    let broken = || SparkError::internal("k-means does not learn in rounds");
    let Role::Learner(learner) = params.operator.role() else {
        return Err(broken());
    };
    let mut columns: Vec<ArrayRef> = vec![];
    for part in parts {
        let mut vectors = VectorBuilder::with_capacity(part.len());
        part.iter().for_each(|value| vectors.push(VectorRef::Dense(&[*value])));
        columns.push(vectors.finish()?);
    }
    let mut run = Run::of(params, parts.len(), None).ok_or_else(broken)?;
    let mut answer = None;
    loop {
        let question = match run.next(answer.take())? {
            Step::Done(model) => return Ok(*model),
            Step::Ask(question) => question,
            Step::Found(..) => return Err(broken()),
        };
        let make = learner.summary(params, &question.body)?;
        let mut merged = make();
        for (number, column) in columns.iter().enumerate() {
            let state = partition::aside(|| {
                partition::enter(PartitionId(number));
                let mut own = make();
                own.update(std::slice::from_ref(column))?;
                Ok::<_, SparkError>(own.encode())
            })?;
            merged.merge(&state)?;
        }
        answer = Some(merged.encode());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::clustering::power_iteration::PowerIterationClustering;
    use crate::ml::literal::Value;

    #[test]
    fn numbers_that_are_none_any_more_end_the_steps() {
        let found = Found {
            parts: vec![Part {
                partition: 0,
                sources: vec![1, 2],
                destinations: vec![2, 3],
                weights: vec![f64::INFINITY, 1.0],
            }],
        };
        let graph = Graph::of(&found);
        let begun = graph.begun(true);
        // Without an end in the steps, this takes days.
        let (values, _) = graph.numbers(begun, usize::MAX);
        assert!(values.iter().any(|v| v.is_nan()));
    }

    #[test]
    fn parts_that_are_hardly_connected_are_clusters() {
        let mut edges: Vec<(i64, i64, f64)> = vec![(0, 10, 0.01)];
        for first in [0, 10] {
            edges.extend((0..5).flat_map(|a| (0..a).map(move |b| (first + a, first + b, 1.0))));
        }
        let found = Found {
            parts: vec![Part {
                partition: 0,
                sources: edges.iter().map(|e| e.0).collect(),
                destinations: edges.iter().map(|e| e.1).collect(),
                weights: edges.iter().map(|e| e.2).collect(),
            }],
        };
        let mut params = Params::new(&PowerIterationClustering, "u", &Default::default()).unwrap();
        params.put("initMode", Value::Text("random".into())).unwrap();
        let assigned: HashMap<i64, i32> = clusters(&found, &params).unwrap().into_iter().collect();
        assert_eq!(assigned.len(), 10);
        assert!((0..5).all(|id| assigned[&id] == assigned[&0] && assigned[&(id + 10)] == assigned[&10]));
        assert_ne!(assigned[&0], assigned[&10]);
    }
}
