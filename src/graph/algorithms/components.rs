use serde::{Deserialize, Serialize};

use super::{Algorithm, Inbox, picked};
use crate::error::Result;
use crate::graph::answer::Values;
use crate::graph::columns::{Columns, State};
use crate::graph::structure::Routed;

/// The lowest id that each vertex is connected with, whichever way the edges go (`ConnectedComponents`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Components {}

/// Returns a state of labels, one to each vertex.
pub(super) fn labelled(longs: Vec<i64>, active: u64) -> State {
    State {
        active,
        columns: Columns {
            longs,
            ..Columns::default()
        },
        ..State::default()
    }
}

/// Returns what another partition gets to know of such a state: the labels that it wants.
pub(super) fn labels_said(graph: &Routed, state: &State, to: usize) -> State {
    labelled(picked(&graph.wanted[to], &state.columns.longs, 1), state.active)
}

/// Returns the labels of all partitions.
pub(super) fn labels_answered(states: Vec<State>) -> Vec<Values> {
    states.into_iter().map(|s| Values::Longs(s.columns.longs)).collect()
}

impl Algorithm for Components {
    fn first(&self, graph: &Routed) -> State {
        labelled(graph.adjacency.ids.clone(), graph.adjacency.len() as u64)
    }

    fn said(&self, graph: &Routed, state: &State, to: usize) -> State {
        labels_said(graph, state, to)
    }

    fn step(&self, graph: &Routed, inbox: &Inbox) -> Result<State> {
        let own = inbox.state();
        if inbox.active() == 0 {
            return Ok(own.clone());
        }
        let all = inbox.longs(own.columns.longs.clone());
        let mut active = 0;
        let lowest = |v: usize| {
            let ends = [&graph.adjacency.incoming, &graph.adjacency.outgoing];
            let around = ends.into_iter().flat_map(|e| e.of(v)).map(|u| all[*u as usize]);
            let label = around.fold(all[v], i64::min);
            active += u64::from(label != all[v]);
            label
        };
        let labels = (0..graph.adjacency.len()).map(lowest).collect();
        Ok(labelled(labels, active))
    }

    fn answer(&self, _: &[Vec<i64>], states: Vec<State>) -> Vec<Values> {
        labels_answered(states)
    }
}
