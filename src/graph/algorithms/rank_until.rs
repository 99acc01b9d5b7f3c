use serde::{Deserialize, Serialize};

use super::rank::{doubles_for, normalized, shares};
use super::{Algorithm, Id, Inbox};
use crate::error::Result;
use crate::graph::answer::Values;
use crate::graph::columns::{Columns, State};
use crate::graph::structure::Routed;

/// PageRank until no rank changes by more than a tolerance (`PageRank.runUntilConvergenceWithOptions`): a vertex hands on
/// what was added to its rank in the superstep before, if that is more than the tolerance.
///
/// The state has the ranks, then what was added to each; 0 for a vertex that got nothing, which hands nothing on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageRank {
    /// The most that a rank may change without being handed on.
    pub tol: f64,
    /// The probability to begin anew.
    pub reset_prob: f64,
    /// The vertex where all walks begin; with `None` they begin anywhere.
    pub source: Option<Id>,
}

impl PageRank {
    /// Returns what each vertex hands on to each of its successors; 0 if nothing.
    fn handed_on(&self, graph: &Routed, state: &State) -> Vec<f64> {
        let added = &state.columns.doubles[graph.adjacency.len()..];
        let over: Vec<f64> = added.iter().map(|d| if *d > self.tol { *d } else { 0.0 }).collect();
        let mut shares = shares(graph, &over);
        // 0 / 0 of a vertex that has no successor.
        shares.iter_mut().zip(&over).for_each(|(share, over)| {
            if *over == 0.0 {
                *share = 0.0;
            }
        });
        shares
    }
}

impl Algorithm for PageRank {
    fn first(&self, graph: &Routed) -> State {
        let follow = 1.0 - self.reset_prob;
        let anywhere = follow * (self.reset_prob / follow);
        let begin = |id: &i64| match self.source {
            None => anywhere,
            Some(Id(source)) if source == *id => 1.0,
            Some(_) => 0.0,
        };
        let ranks: Vec<f64> = graph.adjacency.ids.iter().map(begin).collect();
        State {
            active: ranks.len() as u64,
            columns: Columns {
                doubles: [ranks.clone(), ranks].concat(),
                ..Columns::default()
            },
            ..State::default()
        }
    }

    fn said(&self, graph: &Routed, state: &State, to: usize) -> State {
        State {
            active: state.active,
            columns: doubles_for(graph, &self.handed_on(graph, state), to, 1),
            ..State::default()
        }
    }

    fn step(&self, graph: &Routed, inbox: &Inbox) -> Result<State> {
        let own = inbox.state();
        if inbox.active() == 0 {
            return Ok(own.clone());
        }
        let shares = inbox.doubles(self.handed_on(graph, own));
        let incoming = graph.adjacency.incoming();
        let (mut ranks, mut added) = (vec![], vec![]);
        let mut active = 0;
        for (v, old) in own.columns.doubles[..graph.adjacency.len()].iter().enumerate() {
            let (mut sum, mut got) = (0.0, false);
            for u in incoming.of(v) {
                let share = shares[*u as usize];
                sum += share;
                got |= share != 0.0;
            }
            let rank = if got { old + (1.0 - self.reset_prob) * sum } else { *old };
            ranks.push(rank);
            added.push(if got { rank - old } else { 0.0 });
            active += u64::from(got);
        }
        ranks.append(&mut added);
        Ok(State {
            active,
            columns: Columns {
                doubles: ranks,
                ..Columns::default()
            },
            ..State::default()
        })
    }

    fn answer(&self, _: &[Vec<i64>], states: Vec<State>) -> Vec<Values> {
        let ranks = states.into_iter().map(|s| {
            let mut doubles = s.columns.doubles;
            doubles.truncate(doubles.len() / 2);
            doubles
        });
        normalized(ranks.collect(), self.source.is_some())
    }
}
