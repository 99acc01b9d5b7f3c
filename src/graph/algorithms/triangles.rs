use serde::{Deserialize, Serialize};

use super::{Algorithm, Inbox, picked};
use crate::error::Result;
use crate::graph::answer::Values;
use crate::graph::columns::{Columns, State};
use crate::graph::structure::Routed;

/// How many triangles each vertex is in (`TriangleCount.run`): directions, loops and doubled edges do not count.
///
/// Edges are turned towards the end with more neighbours, so that no list is long. Supersteps: lists of successors; triangles
/// counted at their lowest corner; counts brought home to the other corners.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Triangles {}

/// Numbers of neighbours.
const DEGREES: u32 = 0;
/// `counts` has the lengths of the lists, then their vertices by local number.
const LISTS: u32 = 1;
/// `longs` has counts by local number.
const COUNTED: u32 = 2;
/// `longs` has the counts of the own vertices.
const HOME: u32 = 3;

/// Returns the neighbours of a vertex, each once, without itself.
fn neighbours(graph: &Routed, v: usize) -> Vec<u32> {
    let graph = &graph.adjacency;
    let ends = graph.incoming().of(v).iter().chain(graph.outgoing().of(v));
    let mut all: Vec<u32> = ends.copied().filter(|u| *u as usize != v).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn state(phase: u32, columns: Columns) -> State {
    State {
        phase,
        active: u64::from(phase != HOME),
        columns,
        ..State::default()
    }
}

/// Returns where each list begins, and where the last one ends.
fn starts(lengths: &[u32]) -> Vec<usize> {
    let mut at = 0;
    let ends = lengths.iter().map(|n| {
        at += *n as usize;
        at
    });
    std::iter::once(0).chain(ends).collect()
}

/// Returns lists of successors: those with more neighbours, or as many and a higher id.
fn lists(graph: &Routed, degrees: &[u32]) -> State {
    let key = |u: u32| (degrees[u as usize], graph.adjacency.id(u));
    let (mut lengths, mut all) = (vec![], vec![]);
    for v in 0..graph.adjacency.len() {
        let own = key(v as u32);
        let before = all.len();
        all.extend(neighbours(graph, v).into_iter().filter(|u| key(*u) > own));
        lengths.push((all.len() - before) as u32);
    }
    lengths.append(&mut all);
    state(
        LISTS,
        Columns {
            counts: lengths,
            ..Columns::default()
        },
    )
}

/// Counts the triangles whose lowest corner is an own vertex.
fn count(graph: &Routed, inbox: &Inbox) -> State {
    let own = graph.adjacency.len();
    let local = own + graph.adjacency.ghosts.len();
    let number = graph.adjacency.numbering();
    let (mut lengths, mut lists) = (vec![], vec![]);
    let (own_lengths, own_lists) = inbox.state().columns.counts.split_at(own);
    lengths.extend_from_slice(own_lengths);
    lists.extend_from_slice(own_lists);
    for said in inbox.others() {
        lengths.extend_from_slice(&said.columns.counts);
        // A vertex without a number here is not in a triangle with two vertices of this partition.
        lists.extend(said.columns.longs.iter().map(|id| number(*id).unwrap_or(u32::MAX)));
    }
    let starts = starts(&lengths);
    let list = |u: usize| &lists[starts[u]..starts[u + 1]];
    let mut counts = vec![0i64; local];
    let mut marked = vec![u32::MAX; local];
    for v in 0..own {
        list(v).iter().for_each(|u| marked[*u as usize] = v as u32);
        for u in list(v) {
            for w in list(*u as usize) {
                if marked.get(*w as usize) == Some(&(v as u32)) {
                    counts[v] += 1;
                    counts[*u as usize] += 1;
                    counts[*w as usize] += 1;
                }
            }
        }
    }
    state(
        COUNTED,
        Columns {
            longs: counts,
            ..Columns::default()
        },
    )
}

impl Algorithm for Triangles {
    fn first(&self, graph: &Routed) -> State {
        let degrees = (0..graph.adjacency.len()).map(|v| neighbours(graph, v).len() as u32);
        state(
            DEGREES,
            Columns {
                counts: degrees.collect(),
                ..Columns::default()
            },
        )
    }

    fn said(&self, graph: &Routed, state: &State, to: usize) -> State {
        let wanted = &graph.wanted[to];
        let own = graph.adjacency.len();
        let columns = match state.phase {
            DEGREES => Columns {
                counts: picked(wanted, &state.columns.counts, 1),
                ..Columns::default()
            },
            LISTS => {
                let (lengths, lists) = state.columns.counts.split_at(own);
                let starts = starts(lengths);
                let of = |v: &u32| lists[starts[*v as usize]..starts[*v as usize + 1]].iter();
                Columns {
                    counts: picked(wanted, lengths, 1),
                    longs: wanted.iter().flat_map(of).map(|u| graph.adjacency.id(*u)).collect(),
                    ..Columns::default()
                }
            }
            COUNTED => {
                let ghosts = graph.adjacency.ghosts_of(to);
                let at = own + ghosts.start..own + ghosts.end;
                Columns {
                    longs: state.columns.longs[at].to_vec(),
                    ..Columns::default()
                }
            }
            _ => Columns::default(),
        };
        State { columns, ..*state }
    }

    fn step(&self, graph: &Routed, inbox: &Inbox) -> Result<State> {
        let own = inbox.state();
        Ok(match own.phase {
            DEGREES => lists(graph, &inbox.counts(own.columns.counts.clone())),
            LISTS => count(graph, inbox),
            COUNTED => {
                let mut counts = own.columns.longs[..graph.adjacency.len()].to_vec();
                for (q, said) in inbox.said.iter().enumerate().filter(|(q, _)| *q != inbox.own) {
                    for (v, more) in graph.wanted[q].iter().zip(&said.columns.longs) {
                        counts[*v as usize] += more;
                    }
                }
                state(
                    HOME,
                    Columns {
                        longs: counts,
                        ..Columns::default()
                    },
                )
            }
            _ => own.clone(),
        })
    }

    fn answer(&self, _: &[Vec<i64>], states: Vec<State>) -> Vec<Values> {
        super::components::labels_answered(states)
    }
}
