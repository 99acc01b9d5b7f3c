use serde::{Deserialize, Serialize};

use super::{Algorithm, Inbox, picked};
use crate::error::Result;
use crate::graph::answer::Values;
use crate::graph::columns::{Columns, State};
use crate::graph::structure::Routed;

/// Factors of ratings (`SVDPlusPlus`; Koren, "Factorization Meets the Neighborhood", 2008): edges go from users to items and
/// have ratings.
///
/// A vertex has two vectors, a bias and a norm, one after the other. Spark begins with random numbers that are others each
/// time; these begin with numbers that follow from the seed and the vertex's id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SvdPlusPlus {
    /// Length of the vectors.
    pub rank: usize,
    /// How often the factors are made better.
    pub max_iters: u32,
    /// The lowest rating.
    pub min_val: f64,
    /// The highest rating.
    pub max_val: f64,
    /// How fast biases are learnt.
    pub gamma1: f64,
    /// How fast vectors are learnt.
    pub gamma2: f64,
    /// How strongly biases are held small.
    pub gamma6: f64,
    /// How strongly vectors are held small.
    pub gamma7: f64,
    /// Where the first factors come from.
    pub seed: i64,
}

/// Before the first superstep: only vectors are there.
const BEGUN: u32 = 0;
/// The next superstep sums up what items say of their users.
const READY: u32 = 1;
/// The next one learns.
const SUMMED: u32 = 2;
/// All is done.
const DONE: u32 = 3;

/// Returns a number in [0, 1) that follows from some numbers (splitmix64).
fn random(parts: [i64; 3]) -> f64 {
    let mix = |state: u64, part: i64| {
        let mut z = (state ^ part as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (parts.into_iter().fold(0, mix) >> 11) as f64 / (1u64 << 53) as f64
}

/// A vertex's numbers.
#[derive(Clone, Copy)]
struct Vertex<'a> {
    p: &'a [f64],
    y: &'a [f64],
    bias: f64,
    norm: f64,
}

impl SvdPlusPlus {
    fn width(&self) -> usize {
        2 * self.rank + 2
    }

    fn vertex<'a>(&self, all: &'a [f64], v: usize) -> Vertex<'a> {
        let row = &all[v * self.width()..(v + 1) * self.width()];
        let (p, rest) = row.split_at(self.rank);
        let (y, rest) = rest.split_at(self.rank);
        let (bias, norm) = (rest[0], rest[1]);
        Vertex { p, y, bias, norm }
    }

    /// Returns by how much a prediction is below a rating.
    fn error(&self, mean: f64, user: Vertex<'_>, item: Vertex<'_>, rating: f64) -> f64 {
        let dot: f64 = item.p.iter().zip(user.y).map(|(a, b)| a * b).sum();
        let predicted = mean + user.bias + item.bias + dot;
        rating - predicted.max(self.min_val).min(self.max_val)
    }

    /// Sets biases and norms by the ratings at each vertex.
    fn begin(&self, graph: &Routed, rows: &mut [f64], mean: f64) {
        for (v, row) in rows.chunks_mut(self.width()).enumerate() {
            let ends = [graph.adjacency.outgoing(), graph.adjacency.incoming()];
            let ratings = ends.into_iter().flat_map(|e| &e.values[e.range(v)]);
            let (count, sum) = ratings.fold((0.0, 0.0), |(n, sum), r| (n + 1.0, sum + r));
            row[2 * self.rank] = sum / count - mean;
            row[2 * self.rank + 1] = 1.0 / f64::sqrt(count);
        }
    }

    /// Adds to the first vector of each user what its items say, as its second one.
    fn sum_up(&self, graph: &Routed, rows: &mut [f64], all: &[f64]) {
        let rank = self.rank;
        for (v, row) in rows.chunks_mut(self.width()).enumerate() {
            let items = graph.adjacency.outgoing().of(v);
            if items.is_empty() {
                continue;
            }
            let mut sum = vec![0.0; rank];
            for item in items {
                let item = self.vertex(all, *item as usize);
                sum.iter_mut().zip(item.y).for_each(|(sum, y)| *sum += y);
            }
            let norm = row[2 * rank + 1];
            for (i, sum) in sum.iter().enumerate() {
                row[rank + i] = row[i] + norm * sum;
            }
        }
    }

    /// Moves all numbers of each vertex against the errors at its edges.
    fn learn(&self, graph: &Routed, rows: &mut [f64], all: &[f64], mean: f64) {
        let rank = self.rank;
        let (outgoing, incoming) = (graph.adjacency.outgoing(), graph.adjacency.incoming());
        for (v, row) in rows.chunks_mut(self.width()).enumerate() {
            let own = self.vertex(all, v);
            let as_user = outgoing
                .range(v)
                .map(|e| (true, outgoing.others[e], outgoing.values[e]));
            let as_item = incoming
                .range(v)
                .map(|e| (false, incoming.others[e], incoming.values[e]));
            for (is_user, other, rating) in as_user.chain(as_item) {
                let other = self.vertex(all, other as usize);
                let (user, item) = if is_user { (own, other) } else { (other, own) };
                let error = self.error(mean, user, item, rating);
                for i in 0..rank {
                    let first = if is_user {
                        error * self.gamma2 * item.p[i] - self.gamma7 * self.gamma2 * user.p[i]
                    } else {
                        error * self.gamma2 * user.y[i] - self.gamma7 * self.gamma2 * item.p[i]
                    };
                    let second = error * user.norm * self.gamma2 * item.p[i] - self.gamma7 * self.gamma2 * item.y[i];
                    row[i] += first;
                    row[rank + i] += second;
                }
                row[2 * rank] += (error - self.gamma6 * own.bias) * self.gamma1;
            }
        }
    }

    /// Puts the squared errors at each item in the place of its norm.
    fn judge(&self, graph: &Routed, rows: &mut [f64], all: &[f64], mean: f64) {
        let incoming = graph.adjacency.incoming();
        for (v, row) in rows.chunks_mut(self.width()).enumerate() {
            let item = self.vertex(all, v);
            let squares = incoming.range(v).map(|e| {
                let user = self.vertex(all, incoming.others[e] as usize);
                self.error(mean, user, item, incoming.values[e]).powi(2)
            });
            if !incoming.range(v).is_empty() {
                row[2 * self.rank + 1] = squares.sum();
            }
        }
    }

    /// Returns a state; the mean rating comes after the vertices' numbers.
    fn state(phase: u32, round: u32, mut rows: Vec<f64>, mean: f64) -> State {
        rows.push(mean);
        State {
            phase,
            round,
            active: u64::from(phase != DONE),
            columns: Columns {
                doubles: rows,
                ..Columns::default()
            },
            ..State::default()
        }
    }
}

impl Algorithm for SvdPlusPlus {
    fn first(&self, graph: &Routed) -> State {
        let mut rows = Vec::with_capacity(graph.adjacency.len() * self.width());
        for id in &graph.adjacency.ids {
            let numbers = 0..2 * self.rank as i64;
            rows.extend(numbers.map(|i| random([self.seed, *id, i])));
            rows.extend([0.0, 0.0]);
        }
        let ratings = &graph.adjacency.outgoing().values;
        let mut state = Self::state(BEGUN, 0, rows, ratings.iter().sum());
        state.changed = ratings.len() as u64;
        state
    }

    fn said(&self, graph: &Routed, state: &State, to: usize) -> State {
        let mean = state.columns.doubles.last().copied().unwrap_or_default();
        let mut doubles = picked(&graph.wanted[to], &state.columns.doubles, self.width());
        doubles.push(mean);
        State {
            columns: Columns {
                doubles,
                ..Columns::default()
            },
            ..*state
        }
    }

    fn step(&self, graph: &Routed, inbox: &Inbox) -> Result<State> {
        let own = inbox.state();
        let mut rows = own.columns.doubles.clone();
        let mut mean = rows.pop().unwrap_or_default();
        let mut all = rows.clone();
        for said in inbox.others() {
            all.extend_from_slice(&said.columns.doubles[..said.columns.doubles.len().saturating_sub(1)]);
        }
        let (phase, round) = match own.phase {
            BEGUN => {
                let sums = inbox.said.iter().filter_map(|s| s.columns.doubles.last());
                mean = sums.sum::<f64>() / inbox.changed() as f64;
                self.begin(graph, &mut rows, mean);
                (READY, 0)
            }
            READY if own.round < self.max_iters => {
                self.sum_up(graph, &mut rows, &all);
                (SUMMED, own.round)
            }
            SUMMED => {
                self.learn(graph, &mut rows, &all, mean);
                (READY, own.round + 1)
            }
            READY => {
                self.judge(graph, &mut rows, &all, mean);
                (DONE, own.round)
            }
            _ => return Ok(own.clone()),
        };
        Ok(Self::state(phase, round, rows, mean))
    }

    fn answer(&self, _: &[Vec<i64>], states: Vec<State>) -> Vec<Values> {
        let all = states.into_iter().map(|mut state| {
            state.columns.doubles.pop();
            Values::Factors {
                rank: self.rank,
                values: state.columns.doubles,
            }
        });
        all.collect()
    }
}
