use serde::{Deserialize, Serialize};

use super::{Algorithm, Inbox, picked};
use crate::error::Result;
use crate::graph::answer::Values;
use crate::graph::columns::{Columns, State};
use crate::graph::structure::{Ends, Routed};

/// Strongly connected components, each by its lowest id (`StronglyConnectedComponents`): rounds of trimming vertices that
/// lack edges in or out, of colouring what is left by the lowest id that reaches a vertex, and of going back from the
/// vertices that have their own colour. After `num_iter` rounds, what is not found yet has its own id.
///
/// The state has the results, then the colours; flags say which vertices are left and which are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Strong {
    /// How many rounds there may be.
    pub num_iter: u32,
}

/// The vertex is still to be worked on.
const LEFT: u8 = 1;
/// The vertex's component is known.
const FOUND: u8 = 2;

/// Phases; each begins when nothing changed in the one before.
const TRIM: u32 = 0;
const FORWARD: u32 = 1;
const BACKWARD: u32 = 2;
const DONE: u32 = 3;

/// One partition in mid-superstep.
struct Work<'a> {
    graph: &'a Routed,
    results: Vec<i64>,
    /// By local number.
    colors: Vec<i64>,
    /// By local number.
    flags: Vec<u8>,
}

impl Work<'_> {
    fn own(&self) -> std::ops::Range<usize> {
        0..self.graph.adjacency.len()
    }

    fn others<'a>(&'a self, ends: &'a Ends, v: usize) -> impl Iterator<Item = usize> + 'a {
        let left = |u: &usize| self.flags[*u] & LEFT != 0;
        ends.of(v).iter().map(|u| *u as usize).filter(left)
    }

    /// Removes vertices that are found, and those without edges in or out; returns how many.
    fn trim(&mut self) -> u64 {
        let (incoming, outgoing) = (self.graph.adjacency.incoming(), self.graph.adjacency.outgoing());
        let mut removed = vec![];
        for v in self.own().filter(|v| self.flags[*v] & LEFT != 0) {
            let is_alone = self.others(outgoing, v).next().is_none() || self.others(incoming, v).next().is_none();
            if is_alone {
                removed.push((v, self.graph.adjacency.ids[v]));
            } else if self.flags[v] & FOUND != 0 {
                removed.push((v, self.colors[v]));
            }
        }
        for (v, result) in &removed {
            self.results[*v] = *result;
            self.flags[*v] = 0;
        }
        removed.len() as u64
    }

    /// Takes the lowest colour of the predecessors; returns how many vertices changed theirs.
    fn forward(&mut self) -> u64 {
        let incoming = self.graph.adjacency.incoming();
        let lowest = |v: usize| {
            let colors = self.others(incoming, v).map(|u| self.colors[u]);
            colors.fold(self.colors[v], i64::min)
        };
        let left = self.own().filter(|v| self.flags[*v] & LEFT != 0);
        let changed: Vec<(usize, i64)> = left
            .map(|v| (v, lowest(v)))
            .filter(|(v, color)| *color != self.colors[*v])
            .collect();
        changed.iter().for_each(|(v, color)| self.colors[*v] = *color);
        changed.len() as u64
    }

    /// Finds the vertices with a successor of the same colour that is found; returns how many.
    fn backward(&mut self) -> u64 {
        let outgoing = self.graph.adjacency.outgoing();
        let is_reached = |v: &usize| {
            let mut others = self.others(outgoing, *v);
            others.any(|u| self.flags[u] & FOUND != 0 && self.colors[u] == self.colors[*v])
        };
        let open = self.own().filter(|v| self.flags[*v] == LEFT);
        let found: Vec<usize> = open.filter(is_reached).collect();
        found.iter().for_each(|v| self.flags[*v] |= FOUND);
        found.len() as u64
    }

    fn state(mut self, phase: u32, round: u32, changed: u64) -> State {
        let own = self.graph.adjacency.len();
        self.flags.truncate(own);
        self.results.extend(&self.colors[..own]);
        State {
            phase,
            round,
            active: u64::from(phase != DONE),
            changed,
            remaining: self.flags.iter().filter(|f| **f & LEFT != 0).count() as u64,
            columns: Columns {
                longs: self.results,
                flags: self.flags,
                ..Columns::default()
            },
        }
    }
}

impl Algorithm for Strong {
    fn first(&self, graph: &Routed) -> State {
        let ids = &graph.adjacency.ids;
        State {
            phase: TRIM,
            round: 1,
            active: 1,
            changed: 1,
            remaining: ids.len() as u64,
            columns: Columns {
                longs: [ids.as_slice(), ids].concat(),
                flags: vec![LEFT; ids.len()],
                ..Columns::default()
            },
        }
    }

    fn said(&self, graph: &Routed, state: &State, to: usize) -> State {
        let colors = &state.columns.longs[graph.adjacency.len()..];
        State {
            columns: Columns {
                longs: picked(&graph.wanted[to], colors, 1),
                flags: picked(&graph.wanted[to], &state.columns.flags, 1),
                ..Columns::default()
            },
            ..*state
        }
    }

    fn step(&self, graph: &Routed, inbox: &Inbox) -> Result<State> {
        let own = inbox.state();
        let (phase, round, changed) = (own.phase, own.round, inbox.changed());
        let (results, colors) = own.columns.longs.split_at(graph.adjacency.len());
        let mut work = Work {
            graph,
            results: results.to_vec(),
            colors: inbox.longs(colors.to_vec()),
            flags: inbox.flags(own.columns.flags.clone()),
        };
        // Everything that decides is known to all partitions, so all of them are in the same phase.
        let (phase, round, changed) = match phase {
            TRIM if changed > 0 => (TRIM, round, work.trim()),
            TRIM if inbox.remaining() == 0 || round >= self.num_iter => (DONE, round, 0),
            TRIM => {
                work.colors[..graph.adjacency.len()].copy_from_slice(&graph.adjacency.ids);
                (FORWARD, round, 1)
            }
            FORWARD if changed > 0 => (FORWARD, round, work.forward()),
            FORWARD => {
                for (v, id) in graph.adjacency.ids.iter().enumerate() {
                    if work.flags[v] & LEFT != 0 && work.colors[v] == *id {
                        work.flags[v] |= FOUND;
                    }
                }
                (BACKWARD, round, 1)
            }
            BACKWARD if changed > 0 => (BACKWARD, round, work.backward()),
            BACKWARD => (TRIM, round + 1, work.trim()),
            _ => (DONE, round, 0),
        };
        Ok(work.state(phase, round, changed))
    }

    fn answer(&self, ids: &[Vec<i64>], states: Vec<State>) -> Vec<Values> {
        let all = ids.iter().zip(states).map(|(ids, state)| {
            let mut longs = state.columns.longs;
            longs.truncate(ids.len());
            Values::Longs(longs)
        });
        all.collect()
    }
}
