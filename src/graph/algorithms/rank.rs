use serde::{Deserialize, Serialize};

use super::{Algorithm, Id, Inbox, picked};
use crate::error::Result;
use crate::graph::answer::Values;
use crate::graph::columns::{Columns, State};
use crate::graph::structure::Routed;

/// PageRank for a number of supersteps (`PageRank.runWithOptions`): ranks begin at 1, or at 0 but for the source if there
/// is one; at the end they are scaled so that sinks take nothing away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StaticPageRank {
    /// The probability to begin anew.
    pub reset_prob: f64,
    /// The vertex where all walks begin; with `None` they begin anywhere.
    pub source: Option<Id>,
}

/// Returns what each own vertex hands on to each of its successors: `value / out-degree`.
pub(super) fn shares(graph: &Routed, values: &[f64]) -> Vec<f64> {
    // A vertex without successors has none to hand it on to.
    let pairs = values.iter().zip(graph.adjacency.out_degrees());
    pairs.map(|(value, degree)| share(*value, *degree)).collect()
}

fn share(value: f64, degree: u32) -> f64 {
    value * (1.0 / f64::from(degree))
}

/// Returns ranks scaled to a sum: of 1 as seen from one vertex, else of as many as there are vertices
/// (`PageRank.normalizeRankSum`).
pub(super) fn normalized(ranks: Vec<Vec<f64>>, personalized: bool) -> Vec<Values> {
    let sum: f64 = ranks.iter().map(|r| r.iter().sum::<f64>()).sum();
    let count: usize = ranks.iter().map(Vec::len).sum();
    let scaled = |rank: f64| {
        if personalized {
            rank / sum
        } else {
            rank * (count as f64 / sum)
        }
    };
    let all = ranks.into_iter().map(|r| r.into_iter().map(scaled).collect());
    all.map(Values::Doubles).collect()
}

impl Algorithm for StaticPageRank {
    fn first(&self, graph: &Routed) -> State {
        let begin = |id: &i64| match self.source {
            Some(Id(source)) if source != *id => 0.0,
            _ => 1.0,
        };
        State {
            active: 1,
            columns: Columns {
                doubles: graph.adjacency.ids.iter().map(begin).collect(),
                ..Columns::default()
            },
            ..State::default()
        }
    }

    fn said(&self, graph: &Routed, state: &State, to: usize) -> State {
        let (values, degrees) = (&state.columns.doubles, graph.adjacency.out_degrees());
        let share = |v: &u32| share(values[*v as usize], degrees[*v as usize]);
        State {
            active: 1,
            columns: Columns {
                doubles: graph.wanted[to].iter().map(share).collect(),
                ..Columns::default()
            },
            ..State::default()
        }
    }

    fn step(&self, graph: &Routed, inbox: &Inbox) -> Result<State> {
        let shares = inbox.doubles(shares(graph, &inbox.state().columns.doubles));
        let incoming = graph.adjacency.incoming();
        let reset = |v: usize| match self.source {
            Some(Id(source)) if source != graph.adjacency.ids[v] => 0.0,
            _ => self.reset_prob,
        };
        let follow = 1.0 - self.reset_prob;
        let rank = |v: usize| {
            let sum: f64 = incoming.of(v).iter().map(|u| shares[*u as usize]).sum();
            reset(v) + follow * sum
        };
        Ok(State {
            active: 1,
            columns: Columns {
                doubles: (0..graph.adjacency.len()).map(rank).collect(),
                ..Columns::default()
            },
            ..State::default()
        })
    }

    fn answer(&self, _: &[Vec<i64>], states: Vec<State>) -> Vec<Values> {
        let ranks = states.into_iter().map(|s| s.columns.doubles).collect();
        normalized(ranks, self.source.is_some())
    }
}

/// Returns a column of a state for another partition.
pub(super) fn doubles_for(graph: &Routed, column: &[f64], to: usize, width: usize) -> Columns {
    Columns {
        doubles: picked(&graph.wanted[to], column, width),
        ..Columns::default()
    }
}
