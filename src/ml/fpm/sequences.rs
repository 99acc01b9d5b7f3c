//! Sequences of sets of items: what they have in common, found by growing patterns.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{ArrayRef, AsArray};
use prost::Message;

use crate::error::{Result, SparkError};
use crate::ml::summary::{Summary, check_room, corrupt};

/// A sequence of sets, of numbers of items; ascending within a set.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Pattern {
    /// The items of all sets, one after the other.
    #[prost(uint32, repeated, tag = "1")]
    pub(super) items: Vec<u32>,
    /// How many items each set has.
    #[prost(uint32, repeated, tag = "2")]
    pub(super) lengths: Vec<u32>,
}

impl Pattern {
    /// Adds a set, unless it is empty.
    pub(super) fn push(&mut self, set: &[u32]) {
        if !set.is_empty() {
            self.items.extend(set);
            self.lengths.push(set.len() as u32);
        }
    }

    /// Returns the sets.
    fn sets(&self) -> Vec<&[u32]> {
        let mut rest = &self.items[..];
        let cut = |length: &u32| {
            let (set, after) = rest.split_at((*length as usize).min(rest.len()));
            rest = after;
            set
        };
        self.lengths.iter().map(cut).collect()
    }

    /// Returns the pattern with one more item: in its last set, or in a set of its own.
    fn with(&self, item: u32, in_last: bool) -> Self {
        let mut own = self.clone();
        own.items.push(item);
        match own.lengths.last_mut().filter(|_| in_last) {
            Some(last) => *last += 1,
            None => own.lengths.push(1),
        }
        own
    }
}

/// The sequences with an item, where its patterns are found.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Rows {
    /// The sequences.
    #[prost(message, repeated, tag = "1")]
    rows: Vec<Pattern>,
}

impl Rows {
    /// Reads a state.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if it is another one.
    pub(super) fn read(state: &[u8]) -> Result<Self> {
        Self::decode(state).map_err(|e| corrupt(&e))
    }
}

impl Summary for Rows {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let rows = columns[0].as_binary_opt::<i32>();
        let rows = rows.ok_or_else(|| SparkError::internal("sequences are not in their own form"))?;
        for row in rows.iter().flatten() {
            self.rows.push(Pattern::decode(row).map_err(|e| corrupt(&e))?);
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.rows.extend(Self::read(state)?.rows);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + self
            .rows
            .iter()
            .map(|r| 4 * (r.items.len() + r.lengths.len()) + 48)
            .sum::<usize>()
    }
}

/// Where a pattern ends in a sequence: the set, and how many items of it are used up.
type End = (usize, usize);

/// How many numbers a pattern takes beside its items.
const NUMBERS_OF_PATTERN: usize = 16;

/// Finds the patterns that begin with an item and are in at least `least` sequences, with how many they are in; they have at most
/// `most` items.
///
/// # Errors
/// `RIVULET_MODEL_TOO_LARGE` if they are too many to be kept.
pub(super) fn mine(rows: &Rows, first: u32, least: usize, most: usize) -> Result<Vec<(Pattern, usize)>> {
    let mut numbers = 0;
    let sequences: Vec<Vec<&[u32]>> = rows.rows.iter().map(Pattern::sets).collect();
    let ends = sequences.iter().enumerate();
    let ends: Vec<(usize, Vec<End>)> = ends.map(|(row, sets)| (row, begin(sets, 0, first))).collect();
    let mut found = vec![];
    let mut open = vec![(Pattern::default().with(first, false), ends)];
    while let Some((pattern, ends)) = open.pop() {
        let ends: Vec<(usize, Vec<End>)> = ends.into_iter().filter(|(_, ends)| !ends.is_empty()).collect();
        if ends.len() < least.max(1) {
            continue;
        }
        if pattern.items.len() < most {
            for (item, in_last) in extensions(&sequences, &ends, least) {
                let grown = ends
                    .iter()
                    .map(|(row, ends)| (*row, extend(&sequences[*row], ends, item, in_last)));
                open.push((pattern.with(item, in_last), grown.collect()));
            }
        }
        numbers += pattern.items.len() + NUMBERS_OF_PATTERN;
        check_room("Frequent patterns", numbers)?;
        found.push((pattern, ends.len()));
    }
    Ok(found)
}

/// Returns where an item is, from a set on.
fn begin(sets: &[&[u32]], from: usize, item: u32) -> Vec<End> {
    let place = |(set, items): (usize, &&[u32])| {
        let at = items.iter().position(|i| *i == item)?;
        Some((set, at + 1))
    };
    sets.iter().enumerate().skip(from).filter_map(place).collect()
}

/// Returns where a pattern ends with one more item.
fn extend(sets: &[&[u32]], ends: &[End], item: u32, in_last: bool) -> Vec<End> {
    if !in_last {
        return ends
            .first()
            .map_or_else(Vec::new, |(set, _)| begin(sets, set + 1, item));
    }
    let place = |(set, used): &End| {
        let at = sets[*set][*used..].iter().position(|i| *i == item)?;
        Some((*set, used + at + 1))
    };
    ends.iter().filter_map(place).collect()
}

/// Returns the items that many sequences have after a pattern, and whether in its last set.
fn extensions(sequences: &[Vec<&[u32]>], ends: &[(usize, Vec<End>)], least: usize) -> Vec<(u32, bool)> {
    let mut counts: BTreeMap<(u32, bool), usize> = BTreeMap::new();
    for (row, ends) in ends {
        let sets = &sequences[*row];
        let in_last = ends
            .iter()
            .flat_map(|(set, used)| &sets[*set][*used..])
            .map(|item| (*item, true));
        let after = ends.first().map_or(sets.len(), |(set, _)| set + 1);
        let later = sets[after..].iter().flat_map(|set| *set).map(|item| (*item, false));
        let distinct: BTreeSet<(u32, bool)> = in_last.chain(later).collect();
        distinct
            .into_iter()
            .for_each(|one| *counts.entry(one).or_default() += 1);
    }
    counts
        .into_iter()
        .filter(|(_, count)| *count >= least.max(1))
        .map(|(one, _)| one)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(sets: &[&[u32]]) -> Pattern {
        let mut pattern = Pattern::default();
        sets.iter().for_each(|set| pattern.push(set));
        pattern
    }

    /// Returns whether a pattern is part of a sequence: set by set, each within one of its own.
    fn is_in(pattern: &[&[u32]], sets: &[&[u32]]) -> bool {
        let mut sets = sets.iter();
        pattern
            .iter()
            .all(|part| sets.any(|set| part.iter().all(|item| set.contains(item))))
    }

    #[test]
    fn patterns_that_are_too_many_are_refused() {
        let sets: Vec<Vec<u32>> = (1..60).map(|item| vec![item]).collect();
        let sets: Vec<&[u32]> = sets.iter().map(Vec::as_slice).collect();
        let rows = Rows {
            rows: vec![sequence(&sets)],
        };
        let error = mine(&rows, 1, 1, usize::MAX).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("RIVULET_MODEL_TOO_LARGE"));
        assert_eq!(mine(&rows, 1, 1, 2).unwrap().len(), 59);
    }

    #[test]
    fn patterns_are_in_as_many_sequences_as_they_say() {
        let rows = Rows {
            rows: vec![
                sequence(&[&[1, 2], &[1, 3], &[2, 3]]),
                sequence(&[&[1], &[2, 3], &[1, 2]]),
                sequence(&[&[1, 2, 3], &[3]]),
            ],
        };
        let found = mine(&rows, 1, 2, 4).unwrap();
        for (pattern, count) in &found {
            let right = rows
                .rows
                .iter()
                .filter(|row| is_in(&pattern.sets(), &row.sets()))
                .count();
            assert_eq!(*count, right, "{pattern:?}");
        }
        // (1), (12), (1)(2), (1)(3), (1)(23), (12)(3).
        assert!(found.len() >= 6, "{found:?}");
        let distinct: BTreeSet<Vec<u8>> = found.iter().map(|(p, _)| p.encode_to_vec()).collect();
        assert_eq!(distinct.len(), found.len());
    }
}
