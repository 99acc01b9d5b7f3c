use serde::{Deserialize, Serialize};

use super::components::{labelled, labels_answered, labels_said};
use super::{Algorithm, Inbox};
use crate::error::Result;
use crate::graph::answer::Values;
use crate::graph::columns::State;
use crate::graph::structure::Routed;

/// Communities (`LabelPropagation`): in each superstep a vertex takes the label that most of its edges have at their other
/// ends, whichever way they go. Of labels that are equally frequent, it takes the one that Scala's hash map has first; of
/// those with the same hash, the lowest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Labels {}

/// Returns the place of a label among others in a `scala.collection.mutable.HashMap` of `size` entries: bucket, then hash.
fn place(label: i64, size: usize) -> (u32, i32) {
    let hash = match i32::try_from(label) {
        Ok(small) => small,
        Err(_) => (label ^ ((label as u64) >> 32) as i64) as i32,
    };
    let mixed = hash ^ ((hash as u32) >> 16) as i32;
    // It begins with 16 buckets and doubles when the next entry would fill three quarters of them.
    let mut buckets = 16;
    while size >= buckets * 3 / 4 {
        buckets *= 2;
    }
    (mixed as u32 & (buckets as u32 - 1), mixed)
}

/// Returns the most frequent of some labels; `None` of none.
fn most_frequent(labels: &mut [i64]) -> Option<i64> {
    labels.sort_unstable();
    let runs = || labels.chunk_by(|a, b| a == b);
    let most = runs().map(<[i64]>::len).max()?;
    let size = runs().count();
    let winners = runs().filter(|run| run.len() == most).map(|run| run[0]);
    winners.min_by_key(|label| place(*label, size))
}

impl Algorithm for Labels {
    fn first(&self, graph: &Routed) -> State {
        labelled(graph.adjacency.ids.clone(), 1)
    }

    fn said(&self, graph: &Routed, state: &State, to: usize) -> State {
        labels_said(graph, state, to)
    }

    fn step(&self, graph: &Routed, inbox: &Inbox) -> Result<State> {
        let all = inbox.longs(inbox.state().columns.longs.clone());
        let mut around = Vec::new();
        let label = |v: usize| {
            around.clear();
            for ends in [graph.adjacency.incoming(), graph.adjacency.outgoing()] {
                around.extend(ends.of(v).iter().map(|u| all[*u as usize]));
            }
            most_frequent(&mut around).unwrap_or(all[v])
        };
        Ok(labelled((0..graph.adjacency.len()).map(label).collect(), 1))
    }

    fn answer(&self, _: &[Vec<i64>], states: Vec<State>) -> Vec<Values> {
        labels_answered(states)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // `mutable.Map[Long, Long]().addAll(labels.map(_ -> 1L)).maxBy(_._2)._1` of Scala 2.13, but for those that come twice.
    #[test]
    fn of_labels_that_are_equally_frequent_the_one_wins_that_scala_has_first() {
        let first = |labels: &[i64]| most_frequent(&mut labels.to_vec());
        assert_eq!(first(&[17, 2]), Some(17));
        assert_eq!(first(&[16, 0, 5]), Some(0));
        assert_eq!(first(&[-1, 3]), Some(-1));
        // Twelve entries have 32 buckets: 17 is not in the bucket of 1 any more.
        assert_eq!(first(&[17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 33]), Some(33));
        assert_eq!(first(&[4, 9, 9]), Some(9));
        assert_eq!(first(&[]), None);
    }
}
