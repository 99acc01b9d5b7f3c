use serde::{Deserialize, Serialize};

use super::{Algorithm, FIRST_CHUNK, Inbox, picked};
use crate::error::{Result, SparkError};
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

/// Returns a local number of each vertex that is the same for all that the edges of a partition connect, and for no others.
fn groups(graph: &Routed) -> Vec<u32> {
    let adjacency = &graph.adjacency;
    let mut parents: Vec<u32> = (0..(adjacency.len() + adjacency.ghosts.len()) as u32).collect();
    fn root(parents: &mut [u32], mut v: u32) -> u32 {
        loop {
            let parent = parents[v as usize];
            if parent == v {
                return v;
            }
            let above = parents[parent as usize];
            parents[v as usize] = above;
            v = above;
        }
    }
    let mut join = |v: u32, u: u32| {
        let (a, b) = (root(&mut parents, v), root(&mut parents, u));
        parents[a.max(b) as usize] = a.min(b);
    };
    let edges = adjacency.edges.sources.iter().zip(&adjacency.edges.targets);
    edges.for_each(|(v, u)| join(*v, *u));
    // A parent has a lower number, so its root is known.
    for v in 0..parents.len() {
        parents[v] = parents[parents[v] as usize];
    }
    parents
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
    fn spread(graph: &Routed, groups: Vec<u32>, all: &[i64]) -> State {
        let own = graph.adjacency.len();
        let mut labels = lowest(&groups, all);
        labels.truncate(own);
        let active = labels.iter().zip(all).filter(|(new, old)| new != old).count();
        let mut state = labelled(labels, active as u64);
        state.columns.counts = groups;
        state
    }
}

impl Algorithm for Components {
    fn first(&self, graph: &Routed) -> State {
        let adjacency = &graph.adjacency;
        if self.is_limited {
            return labelled(adjacency.ids.clone(), adjacency.len() as u64);
        }
        let ids = [adjacency.ids.as_slice(), &adjacency.ghosts].concat();
        let mut state = Self::spread(graph, groups(graph), &ids);
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
            if own.columns.counts.len() != all.len() {
                return Err(SparkError::internal("a state of a graph has no groups"));
            }
            return Ok(Self::spread(graph, own.columns.counts.clone(), &all));
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
