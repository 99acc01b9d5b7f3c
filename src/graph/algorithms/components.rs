use serde::{Deserialize, Serialize};

use super::{Algorithm, FIRST_CHUNK, Inbox, picked};
use crate::error::Result;
use crate::graph::answer::Values;
use crate::graph::columns::{Columns, State};
use crate::graph::structure::Routed;

/// The lowest id that each vertex is connected with, whichever way the edges go (`ConnectedComponents`).
///
/// Where the number of supersteps has a limit, labels go one edge further in each, as Spark's do. Else a partition first finds what its
/// own edges connect (union-find), and labels go through all of that in one superstep: as many as the parts that a path crosses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Components {
    /// Whether the caller limits the supersteps.
    #[serde(default)]
    pub is_limited: bool,
}

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

/// Returns the lowest label of each group, for all of its vertices.
fn lowest(groups: &[u32], labels: &[i64]) -> Vec<i64> {
    let mut lows = labels.to_vec();
    for (group, label) in groups.iter().zip(labels) {
        let low = &mut lows[*group as usize];
        *low = (*low).min(*label);
    }
    groups.iter().map(|group| lows[*group as usize]).collect()
}

impl Components {
    /// Returns the state after labels went through groups.
    fn spread(graph: &Routed, all: &[i64]) -> State {
        let mut labels = lowest(graph.adjacency.groups(), all);
        labels.truncate(graph.adjacency.len());
        let active = labels.iter().zip(all).filter(|(new, old)| new != old).count();
        labelled(labels, active as u64)
    }
}

impl Algorithm for Components {
    fn first(&self, graph: &Routed) -> State {
        let adjacency = &graph.adjacency;
        if self.is_limited {
            return labelled(adjacency.ids.clone(), adjacency.len() as u64);
        }
        let ids = [adjacency.ids.as_slice(), &adjacency.ghosts].concat();
        let mut state = Self::spread(graph, &ids);
        state.active = if adjacency.ghosts.is_empty() { 0 } else { 1 };
        state
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
        if !self.is_limited {
            return Ok(Self::spread(graph, &all));
        }
        let mut active = 0;
        let lowest = |v: usize| {
            let ends = [graph.adjacency.incoming(), graph.adjacency.outgoing()];
            let around = ends.into_iter().flat_map(|e| e.of(v)).map(|u| all[*u as usize]);
            let label = around.fold(all[v], i64::min);
            active += u64::from(label != all[v]);
            label
        };
        let labels = (0..graph.adjacency.len()).map(lowest).collect();
        Ok(labelled(labels, active))
    }

    fn supersteps(&self, partitions: usize) -> u64 {
        match (self.is_limited, partitions) {
            (true, _) => FIRST_CHUNK,
            (false, 1) => 1,
            (false, _) => 3,
        }
    }

    fn answer(&self, _: &[Vec<i64>], states: Vec<State>) -> Vec<Values> {
        labels_answered(states)
    }
}
