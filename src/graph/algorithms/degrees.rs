use serde::{Deserialize, Serialize};

use super::{Algorithm, Inbox};
use crate::error::Result;
use crate::graph::answer::Values;
use crate::graph::columns::{Columns, State};
use crate::graph::structure::Routed;

/// How many edges each vertex has (`GraphOps.degrees`); a vertex without any is left out. No superstep is needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Degrees {
    /// Whether edges count that end at the vertex.
    #[serde(rename = "in")]
    pub incoming: bool,
    /// Whether edges count that begin at the vertex. A loop counts twice if both do.
    #[serde(rename = "out")]
    pub outgoing: bool,
}

impl Algorithm for Degrees {
    fn first(&self, graph: &Routed) -> State {
        let graph = &graph.adjacency;
        let mut counts = vec![0; graph.len()];
        let mut add = |degrees: &[u32]| {
            counts
                .iter_mut()
                .zip(degrees)
                .for_each(|(count, degree)| *count += degree)
        };
        if self.incoming {
            add(&graph.in_degrees());
        }
        if self.outgoing {
            add(graph.out_degrees());
        }
        State {
            columns: Columns {
                counts,
                ..Columns::default()
            },
            ..State::default()
        }
    }

    fn said(&self, _: &Routed, _: &State, _: usize) -> State {
        State::default()
    }

    fn step(&self, _: &Routed, inbox: &Inbox) -> Result<State> {
        Ok(inbox.state().clone())
    }

    fn answer(&self, _: &[Vec<i64>], states: Vec<State>) -> Vec<Values> {
        let counts = states.into_iter().map(|s| s.columns.counts);
        counts.map(Values::PositiveCounts).collect()
    }
}
