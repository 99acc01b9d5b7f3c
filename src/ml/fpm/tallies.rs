//! Questions about lists of items: how often each item occurs, and how often sets of them do.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use prost::Message;

use super::items::{Bytes, Items, read, rows, write};
use crate::error::{Exception, Result, SparkError};
use crate::ml::collected;
use crate::ml::summary::{Summary, corrupt};
use crate::plan::functions::partition;

/// A question.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// The frequent items, the most frequent first; none to ask for them.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub items: Option<Vec<u8>>,
    /// The frequent sets of `length` items each, by their places in `items`, ascending within a set and over sets.
    #[prost(uint32, repeated, tag = "2")]
    pub sets: Vec<u32>,
    /// How many items a set has.
    #[prost(uint32, tag = "3")]
    pub length: u32,
}

impl Asked {
    /// Returns the sets.
    pub fn sets(&self) -> Vec<&[u32]> {
        self.sets.chunks(self.length.max(1) as usize).collect()
    }
}

/// How often each item occurs.
#[derive(Clone, PartialEq, Message)]
pub struct Occurrences {
    /// How many rows there are.
    #[prost(int64, tag = "1")]
    pub rows: i64,
    /// The items.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub items: Option<Vec<u8>>,
    /// How many rows have each.
    #[prost(int64, repeated, tag = "3")]
    pub counts: Vec<i64>,
    /// How many partitions there are, up to the last one with rows.
    #[prost(uint64, tag = "4")]
    pub partitions: u64,
}

impl Occurrences {
    /// Returns the places of the items that at least `least` rows have, the most frequent first; of others, the one that Spark collects
    /// first from `partitions` partitions.
    pub fn frequent(&self, items: &ArrayRef, least: i64, partitions: usize) -> Vec<u32> {
        let collected = collected::order(&collected::java_hashes(items), partitions);
        let mut order: Vec<u32> = collected.into_iter().map(|at| at as u32).collect();
        order.retain(|at| self.counts[*at as usize] >= least);
        order.sort_by_key(|at| -self.counts[*at as usize]);
        order
    }
}

/// Counts the rows that have an item: lists of items, or sequences of such lists.
#[derive(Debug, Default)]
pub(super) struct Occurring {
    are_sequences: bool,
    rows: i64,
    partitions: u64,
    items: Option<Items>,
    counts: BTreeMap<Bytes, i64>,
}

impl Occurring {
    /// Returns an empty count of rows that are sequences.
    pub(super) fn of_sequences() -> Self {
        Self {
            are_sequences: true,
            ..Self::default()
        }
    }

    fn add_lists(&mut self, lists: &ArrayRef) -> Result<Items> {
        let items = Items::of_lists(lists.data_type())?;
        for row in rows(&items, lists)?.flatten() {
            let distinct: BTreeSet<&Bytes> = row.iter().collect();
            if distinct.len() < row.len() {
                return Err(doubled(&items.array(&row)?)?);
            }
            self.count(row);
        }
        Ok(items)
    }

    fn add_sequences(&mut self, sequences: &ArrayRef) -> Result<Items> {
        let sequences = sequences.as_list::<i32>();
        let items = Items::of_lists(sequences.values().data_type())?;
        for sets in sequences.iter().flatten() {
            let distinct: BTreeSet<Bytes> = rows(&items, &sets)?.flatten().flatten().collect();
            self.count(distinct);
        }
        Ok(items)
    }

    fn count(&mut self, row: impl IntoIterator<Item = Bytes>) {
        self.rows += 1;
        self.partitions = self.partitions.max(partition::current() as u64 + 1);
        row.into_iter()
            .for_each(|item| *self.counts.entry(item).or_default() += 1);
    }
}

/// Returns the error of a row that has an item twice.
///
/// # Errors
/// If an item cannot be shown.
fn doubled(row: &ArrayRef) -> Result<SparkError> {
    let shown = (0..row.len()).map(|at| arrow::util::display::array_value_to_string(row, at));
    let shown = shown.collect::<std::result::Result<Vec<_>, _>>()?.join(", ");
    let message = format!("Items in a transaction must be unique but got ArraySeq({shown}).");
    Ok(SparkError::new(Exception::Connect, "", "", message))
}

impl Summary for Occurring {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let items = if self.are_sequences {
            self.add_sequences(&columns[0])?
        } else {
            self.add_lists(&columns[0])?
        };
        self.items = Some(items);
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = Occurrences::decode(state).map_err(|e| corrupt(&e))?;
        self.rows += other.rows;
        self.partitions = self.partitions.max(other.partitions);
        let Some(found) = other.items else { return Ok(()) };
        let found = read(&found)?;
        let items = match self.items.take() {
            Some(items) => items,
            None => Items::new(found.data_type())?,
        };
        for (item, count) in items.bytes(&found)?.into_iter().zip(other.counts) {
            *self.counts.entry(item).or_default() += count;
        }
        self.items = Some(items);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        // What was converted into bytes can be converted back.
        let items = self
            .items
            .as_ref()
            .and_then(|items| items.array(self.counts.keys()).ok());
        let state = Occurrences {
            rows: self.rows,
            items: items.and_then(|items| write(items).ok()),
            counts: self.counts.values().copied().collect(),
            partitions: self.partitions,
        };
        state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + self.counts.keys().map(|k| k.len() + 48).sum::<usize>()
    }
}

/// How often each candidate occurs, in the order of [`Candidates`].
#[derive(Clone, PartialEq, Message)]
pub struct Tallies {
    /// How many rows have each.
    #[prost(uint64, repeated, tag = "1")]
    pub counts: Vec<u64>,
}

/// Sets that may be frequent: frequent sets with one more item, if that has a frequent set with all but their last item, too.
///
/// They are a tree of frequent sets; those with a common beginning are one after the other, so a set's candidates are itself with the
/// last items of the sets that follow.
#[derive(Debug, Default)]
pub struct Candidates {
    /// By a set without its last item: the first of the sets with that beginning, and their last items.
    families: HashMap<Box<[u32]>, (usize, Vec<u32>)>,
    /// What sets without their last item begin with.
    beginnings: HashSet<Box<[u32]>>,
    /// How many candidates there are before those of a set.
    offsets: Vec<usize>,
    length: usize,
    count: usize,
}

impl Candidates {
    /// Returns the candidates of frequent sets of one length, which are in order.
    pub fn of(sets: &[&[u32]]) -> Self {
        let length = sets.first().map_or(0, |set| set.len());
        let mut own = Self {
            length,
            ..Self::default()
        };
        let mut first = 0;
        for family in sets.chunk_by(|a, b| a[..length - 1] == b[..length - 1]) {
            let lasts: Vec<u32> = family.iter().map(|set| set[length - 1]).collect();
            for at in 0..lasts.len() {
                own.offsets.push(own.count);
                own.count += lasts.len() - at - 1;
            }
            for end in 1..length {
                own.beginnings.insert(family[0][..end].into());
            }
            own.families.insert(family[0][..length - 1].into(), (first, lasts));
            first += family.len();
        }
        own
    }

    /// Returns how many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the candidates, in order.
    pub fn sets<'a>(&'a self, sets: &'a [&'a [u32]]) -> impl Iterator<Item = Vec<u32>> + 'a {
        sets.iter().enumerate().flat_map(move |(number, set)| {
            let (first, lasts) = &self.families[&set[..self.length - 1]];
            let later = &lasts[number - first + 1..];
            later.iter().map(|last| [set, &[*last][..]].concat())
        })
    }

    /// Counts the candidates that a row has; `row` is ascending, without doubles.
    fn tally(&self, row: &[u32], counts: &mut [u64]) {
        if row.len() > self.length && self.length > 0 {
            self.descend(row, &mut Vec::with_capacity(self.length), counts);
        }
    }

    fn descend(&self, rest: &[u32], begun: &mut Vec<u32>, counts: &mut [u64]) {
        if begun.len() + 1 < self.length {
            for (at, item) in rest.iter().enumerate() {
                begun.push(*item);
                // What no frequent set begins with is not followed: a row has far more subsets than there are candidates.
                if self.beginnings.contains(&begun[..]) {
                    self.descend(&rest[at + 1..], begun, counts);
                }
                begun.pop();
            }
            return;
        }
        let Some((first, lasts)) = self.families.get(&begun[..]) else {
            return;
        };
        // Which of the family the row has.
        let had: Vec<usize> = rest.iter().filter_map(|item| lasts.binary_search(item).ok()).collect();
        for (at, place) in had.iter().enumerate() {
            let offset = self.offsets[first + place];
            had[at + 1..]
                .iter()
                .for_each(|later| counts[offset + later - place - 1] += 1);
        }
    }
}

/// What all tasks know of the candidates.
#[derive(Debug)]
pub(super) struct Known {
    items: Items,
    places: HashMap<Bytes, u32>,
    candidates: Candidates,
}

impl Known {
    /// Reads a question.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if it is another one.
    pub(super) fn of(asked: &Asked) -> Result<Arc<Self>> {
        let found = read(asked.items.as_deref().unwrap_or_default())?;
        let items = Items::new(found.data_type())?;
        Ok(Arc::new(Self {
            places: items.bytes(&found)?.into_iter().zip(0..).collect(),
            items,
            candidates: Candidates::of(&asked.sets()),
        }))
    }
}

/// Counts the rows that have a candidate.
#[derive(Debug)]
pub(super) struct Tallying {
    known: Arc<Known>,
    counts: Vec<u64>,
}

impl Tallying {
    /// Returns an empty count.
    pub(super) fn new(known: Arc<Known>) -> Self {
        let counts = vec![0; known.candidates.count()];
        Self { known, counts }
    }
}

impl Summary for Tallying {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        for row in rows(&self.known.items, &columns[0])?.flatten() {
            let mut places: Vec<u32> = row
                .iter()
                .filter_map(|item| self.known.places.get(item).copied())
                .collect();
            places.sort_unstable();
            self.known.candidates.tally(&places, &mut self.counts);
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = Tallies::decode(state).map_err(|e| corrupt(&e))?;
        self.counts.iter_mut().zip(other.counts).for_each(|(a, b)| *a += b);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let counts = self.counts.clone();
        Tallies { counts }.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + 8 * self.counts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_that_no_candidate_begins_with_are_not_looked_at() {
        // One set of ten items of a row of 2000: its subsets of nine could never be gone through.
        let set: Vec<u32> = (0..10).collect();
        let other: Vec<u32> = (0..9).chain([10]).collect();
        let candidates = Candidates::of(&[&set, &other]);
        let row: Vec<u32> = (0..2000).collect();
        let mut counts = vec![0; candidates.count()];
        candidates.tally(&row, &mut counts);
        assert_eq!(counts, [1]);
    }

    #[test]
    fn candidates_are_counted_as_all_subsets_are() {
        let rows: [&[u32]; 4] = [&[0, 1, 2, 4], &[0, 2, 4], &[1, 2], &[0, 1, 2, 3, 4]];
        let pairs: Vec<Vec<u32>> = (0..5).flat_map(|a| (a + 1..5).map(move |b| vec![a, b])).collect();
        let pairs: Vec<&[u32]> = pairs.iter().map(Vec::as_slice).collect();
        let candidates = Candidates::of(&pairs);
        let mut counts = vec![0; candidates.count()];
        rows.iter().for_each(|row| candidates.tally(row, &mut counts));
        for (set, count) in candidates.sets(&pairs).zip(counts) {
            let right = rows
                .iter()
                .filter(|row| set.iter().all(|item| row.contains(item)))
                .count();
            assert_eq!(count, right as u64, "{set:?}");
        }
        assert_eq!(candidates.count(), 10);
    }
}
