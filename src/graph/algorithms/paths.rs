use serde::{Deserialize, Serialize};

use super::{Algorithm, Id, Inbox, picked};
use crate::error::Result;
use crate::graph::answer::Values;
use crate::graph::columns::{Columns, State};
use crate::graph::structure::Routed;

/// Distances from each vertex to landmarks, along the edges (`ShortestPaths`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paths {
    /// The landmarks, each once.
    pub landmarks: Vec<Id>,
}

/// The distance to a landmark that cannot be reached.
const NEVER: u32 = u32::MAX;

fn state(counts: Vec<u32>, active: u64) -> State {
    State {
        active,
        columns: Columns {
            counts,
            ..Columns::default()
        },
        ..State::default()
    }
}

impl Algorithm for Paths {
    fn first(&self, graph: &Routed) -> State {
        let ids = &graph.adjacency.ids;
        let cells = ids.iter().flat_map(|id| self.landmarks.iter().map(move |l| l.0 == *id));
        let distances = cells.map(|is_there| if is_there { 0 } else { NEVER });
        state(distances.collect(), ids.len() as u64)
    }

    fn said(&self, graph: &Routed, own: &State, to: usize) -> State {
        let distances = picked(&graph.wanted[to], &own.columns.counts, self.landmarks.len());
        state(distances, own.active)
    }

    fn step(&self, graph: &Routed, inbox: &Inbox) -> Result<State> {
        let own = inbox.state();
        if inbox.active() == 0 {
            return Ok(own.clone());
        }
        let width = self.landmarks.len();
        let all = inbox.counts(own.columns.counts.clone());
        let mut distances = own.columns.counts.clone();
        let mut active = 0;
        for v in 0..graph.adjacency.len() {
            let row = &mut distances[v * width..(v + 1) * width];
            let mut changed = false;
            for u in graph.adjacency.outgoing().of(v) {
                let at = *u as usize * width;
                for (own, other) in row.iter_mut().zip(&all[at..at + width]) {
                    // The sum is at most NEVER, which is over no distance.
                    let through = other.saturating_add(1);
                    changed |= through < *own;
                    *own = through.min(*own);
                }
            }
            active += u64::from(changed);
        }
        Ok(state(distances, active))
    }

    fn answer(&self, _: &[Vec<i64>], states: Vec<State>) -> Vec<Values> {
        let keys: Vec<i64> = self.landmarks.iter().map(|l| l.0).collect();
        let maps = states.into_iter().map(|s| Values::Maps {
            keys: keys.clone(),
            values: s.columns.counts,
            none: NEVER,
        });
        maps.collect()
    }
}
