use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::rank::doubles_for;
use super::{Algorithm, Id, Inbox};
use crate::error::Result;
use crate::graph::answer::Values;
use crate::graph::columns::{Columns, State};
use crate::graph::structure::Routed;

/// PageRank as seen from several vertices at once (`PageRank.runParallelPersonalizedPageRank`): each vertex has a rank per
/// source; those of one source sum up to 1 at the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParallelPersonalized {
    /// The probability to begin anew.
    pub reset_prob: f64,
    /// Where walks begin, one place of the vectors each; of one that is named twice, the last place counts.
    pub sources: Vec<Id>,
}

impl ParallelPersonalized {
    /// Returns the ranks of each vertex as `value` at its own place, and 0 elsewhere.
    fn at_sources(&self, graph: &Routed, value: f64) -> Vec<f64> {
        let width = self.sources.len();
        let places: HashMap<i64, usize> = self.sources.iter().enumerate().map(|(i, Id(id))| (*id, i)).collect();
        let mut all = vec![0.0; graph.adjacency.len() * width];
        for (v, id) in graph.adjacency.ids.iter().enumerate() {
            if let Some(place) = places.get(id) {
                all[v * width + place] = value;
            }
        }
        all
    }

    fn shares(&self, graph: &Routed, ranks: &[f64]) -> Vec<f64> {
        let width = self.sources.len();
        let outgoing = graph.adjacency.outgoing();
        let share = |(i, rank): (usize, &f64)| rank * (1.0 / outgoing.range(i / width).len() as f64);
        ranks.iter().enumerate().map(share).collect()
    }
}

fn state(doubles: Vec<f64>) -> State {
    State {
        active: 1,
        columns: Columns {
            doubles,
            ..Columns::default()
        },
        ..State::default()
    }
}

impl Algorithm for ParallelPersonalized {
    fn first(&self, graph: &Routed) -> State {
        state(self.at_sources(graph, 1.0))
    }

    fn said(&self, graph: &Routed, state: &State, to: usize) -> State {
        let shares = self.shares(graph, &state.columns.doubles);
        State {
            active: 1,
            columns: doubles_for(graph, &shares, to, self.sources.len()),
            ..State::default()
        }
    }

    fn step(&self, graph: &Routed, inbox: &Inbox) -> Result<State> {
        let width = self.sources.len();
        let shares = inbox.doubles(self.shares(graph, &inbox.state().columns.doubles));
        let mut ranks = self.at_sources(graph, self.reset_prob);
        let mut sums = vec![0.0; width];
        for (v, own) in ranks.chunks_mut(width).enumerate() {
            sums.fill(0.0);
            for u in graph.adjacency.incoming().of(v) {
                let at = *u as usize * width;
                sums.iter_mut()
                    .zip(&shares[at..at + width])
                    .for_each(|(sum, share)| *sum += share);
            }
            let follow = 1.0 - self.reset_prob;
            own.iter_mut().zip(&sums).for_each(|(rank, sum)| *rank += sum * follow);
        }
        Ok(state(ranks))
    }

    fn answer(&self, _: &[Vec<i64>], states: Vec<State>) -> Vec<Values> {
        let width = self.sources.len();
        let mut sums = vec![0.0; width];
        for row in states.iter().flat_map(|s| s.columns.doubles.chunks(width)) {
            sums.iter_mut().zip(row).for_each(|(sum, rank)| *sum += rank);
        }
        let scaled = |state: State| {
            let ranks = state.columns.doubles.into_iter().enumerate();
            let values = ranks.map(|(i, rank)| rank / sums[i % width]).collect();
            Values::Vectors { width, values }
        };
        states.into_iter().map(scaled).collect()
    }
}
