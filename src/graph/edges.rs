//! Blocks of edges, and the local numbers of the vertices that they name.
//!
//! A block is the number of edges, its flags, all sources, all destinations, and values if it has them; all little-endian.

use std::collections::HashMap;
use std::ops::Deref;

use arrow::datatypes::{ArrowNativeType, ToByteSlice};

use super::columns::Reader;
use super::structure::owner;
use crate::error::{Result, SparkError};

/// Flags of a block: it has values.
const VALUED: u32 = 1;
/// Flags of a block: its ids are 32 bits wide.
const NARROW: u32 = 2;

/// An id in a block.
pub trait Id: ArrowNativeType + Ord {
    /// What a block of such ids has among its flags.
    const FLAG: u32;

    /// Returns the id.
    fn id(self) -> i64;

    /// Reads ids of a block.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if it is cut short.
    fn read(reader: &mut Reader<'_>, count: usize, is_narrow: bool) -> Result<Vec<Self>>;
}

impl Id for i32 {
    const FLAG: u32 = NARROW;

    fn id(self) -> i64 {
        i64::from(self)
    }

    fn read(reader: &mut Reader<'_>, count: usize, _: bool) -> Result<Vec<Self>> {
        reader.ints(count)
    }
}

impl Id for i64 {
    const FLAG: u32 = 0;

    fn id(self) -> i64 {
        self
    }

    fn read(reader: &mut Reader<'_>, count: usize, is_narrow: bool) -> Result<Vec<Self>> {
        if is_narrow {
            return Ok(reader.ints(count)?.into_iter().map(Self::from).collect());
        }
        reader.longs(count)
    }
}

/// Writes a block of edges without values.
pub fn block<T: Id>(sources: &[T], targets: &[T]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + 2 * size_of_val(sources));
    out.extend((sources.len() as u32).to_le_bytes());
    out.extend(T::FLAG.to_le_bytes());
    out.extend_from_slice(sources.to_byte_slice());
    out.extend_from_slice(targets.to_byte_slice());
    out
}

/// Returns whether all blocks have ids of 32 bits.
///
/// # Errors
/// `INTERNAL_ERROR` if a block is cut short.
pub fn are_narrow(blocks: &[impl Deref<Target = [u8]>]) -> Result<bool> {
    for block in blocks {
        let mut reader = Reader(block);
        let (_, flags) = (reader.u32()?, reader.u32()?);
        if flags & NARROW == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Edges as columns.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Edges<T> {
    /// Where they begin.
    pub sources: Vec<T>,
    /// Where they end.
    pub targets: Vec<T>,
    /// Their values; empty if they have none.
    pub values: Vec<f64>,
}

impl<T: Id> Edges<T> {
    /// Reads blocks.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if a block is damaged, or only some have values.
    pub fn read(blocks: &[impl Deref<Target = [u8]>]) -> Result<Self> {
        let mut all = Self {
            sources: vec![],
            targets: vec![],
            values: vec![],
        };
        for block in blocks {
            let mut reader = Reader(block);
            let (count, flags) = (reader.u32()? as usize, reader.u32()?);
            let mut ids = || T::read(&mut reader, count, flags & NARROW != 0);
            let (mut sources, mut targets) = (ids()?, ids()?);
            if all.sources.is_empty() {
                (all.sources, all.targets) = (sources, targets);
            } else {
                all.sources.append(&mut sources);
                all.targets.append(&mut targets);
            }
            if flags & VALUED != 0 {
                all.values.append(&mut reader.doubles(count)?);
            }
        }
        if !all.values.is_empty() && all.values.len() != all.sources.len() {
            return Err(SparkError::internal(
                "some edges of a graph have values and some have none",
            ));
        }
        Ok(all)
    }

    fn ends(&self) -> impl Iterator<Item = i64> {
        self.sources.iter().chain(&self.targets).map(|id| id.id())
    }
}

/// From ids to local numbers: a table where ids lie close together, else a map.
pub enum Numbers {
    /// A number per id from the first on; [`NONE`] for those that are not there.
    Table {
        /// The lowest id.
        first: i64,
        /// The numbers.
        numbers: Vec<u32>,
    },
    /// A number per id.
    Map(HashMap<i64, u32>),
}

/// A number that is none.
pub const NONE: u32 = u32::MAX;

/// Returns the lowest and the highest of some ids.
fn bounds<T: Id>(ids: &[T]) -> Option<(i64, i64)> {
    let first = *ids.first()?;
    let (low, high) = ids
        .iter()
        .fold((first, first), |(low, high), id| (low.min(*id), high.max(*id)));
    Some((low.id(), high.id()))
}

/// Returns the lowest of ids between some bounds and a table for them, if they lie close enough together.
fn table(bounds: impl IntoIterator<Item = Option<(i64, i64)>>, count: usize) -> Option<(i64, Vec<u32>)> {
    let all = bounds.into_iter().flatten();
    let (first, last) = all.reduce(|(a, b), (low, high)| (a.min(low), b.max(high)))?;
    let width = usize::try_from(last.checked_sub(first)?).ok()?;
    (width < count.saturating_mul(8) + 1_024).then(|| (first, vec![NONE; width + 1]))
}

impl Numbers {
    /// Numbers the ids of two sets, one after the other.
    pub fn new(sets: [&[i64]; 2]) -> Self {
        let all = || sets.into_iter().flatten().copied();
        let count = sets.iter().map(|s| s.len()).sum();
        let numbered = || all().zip(0u32..);
        if let Some((first, mut numbers)) = table(sets.map(bounds), count) {
            numbered().for_each(|(id, number)| numbers[(id - first) as usize] = number);
            return Self::Table { first, numbers };
        }
        Self::Map(numbered().collect())
    }

    /// Returns the number of an id.
    pub fn get(&self, id: i64) -> Option<u32> {
        match self {
            Self::Table { first, numbers } => {
                let at = usize::try_from(id.checked_sub(*first)?).ok()?;
                numbers.get(at).copied().filter(|n| *n != NONE)
            }
            Self::Map(map) => map.get(&id).copied(),
        }
    }

    /// Returns the numbers of ids that are all there; [`NONE`] for one that is not.
    pub fn all<T: Id>(&self, ids: &[T]) -> Vec<u32> {
        match self {
            Self::Table { first, numbers } => {
                let at = |id: &T| id.id().wrapping_sub(*first) as usize;
                ids.iter()
                    .map(|id| numbers.get(at(id)).copied().unwrap_or(NONE))
                    .collect()
            }
            Self::Map(map) => ids
                .iter()
                .map(|id| map.get(&id.id()).copied().unwrap_or(NONE))
                .collect(),
        }
    }
}

/// The vertices that a partition knows of, and their local numbers: its own, then those of partition 0, of 1, and so on; of each the ids
/// in ascending order.
pub struct Known {
    /// Its own.
    pub ids: Vec<i64>,
    /// Those of the other partitions.
    pub ghosts: Vec<i64>,
    /// Where each partition's are among these, and where the last one's end.
    pub ghost_starts: Vec<u32>,
    /// All of their numbers.
    pub numbers: Numbers,
}

impl Known {
    /// Finds the vertices that edges name, and adds those that are listed.
    pub fn of<T: Id>(partition: usize, partitions: usize, edges: &Edges<T>, listed: Vec<i64>) -> Self {
        // Edges name vertices several times: a table is not to take more than they do.
        let bounds = [bounds(&listed), bounds(&edges.sources), bounds(&edges.targets)];
        let mut parts: Vec<Vec<i64>> = vec![vec![]; partitions];
        let Some((first, mut numbers)) = table(bounds, listed.len() + edges.sources.len() / 2) else {
            let known = Numbers::new([&distinct(listed.clone()), &[]]);
            let unlisted = edges.ends().filter(|id| known.get(*id).is_none());
            listed
                .iter()
                .copied()
                .chain(unlisted)
                .for_each(|id| parts[owner(id, partitions)].push(id));
            let (ids, ghosts, ghost_starts) = split(partition, parts.into_iter().map(distinct).collect());
            let numbers = Numbers::new([&ids, &ghosts]);
            return Self {
                ids,
                ghosts,
                ghost_starts,
                numbers,
            };
        };
        listed.iter().for_each(|id| numbers[(id - first) as usize] = 0);
        for ends in [&edges.sources, &edges.targets] {
            ends.iter().for_each(|id| numbers[(id.id() - first) as usize] = 0);
        }
        for (id, number) in (first..).zip(&numbers) {
            if *number != NONE {
                parts[owner(id, partitions)].push(id);
            }
        }
        let (ids, ghosts, ghost_starts) = split(partition, parts);
        for (id, number) in ids.iter().chain(&ghosts).zip(0u32..) {
            numbers[(id - first) as usize] = number;
        }
        Self {
            ids,
            ghosts,
            ghost_starts,
            numbers: Numbers::Table { first, numbers },
        }
    }
}

/// Sorts ids and drops those that are there already.
fn distinct(mut ids: Vec<i64>) -> Vec<i64> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Takes a partition's own ids out of those of all; returns them, the others, and where each partition's are among these.
fn split(partition: usize, mut parts: Vec<Vec<i64>>) -> (Vec<i64>, Vec<i64>, Vec<u32>) {
    let own = parts.get_mut(partition).map(std::mem::take).unwrap_or_default();
    let (mut ghosts, mut starts) = (Vec::new(), vec![0]);
    for mut part in parts {
        ghosts.append(&mut part);
        starts.push(ghosts.len() as u32);
    }
    (own, ghosts, starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_both_widths_become_one_column() {
        let blocks = [block(&[1i32, -2], &[3, 4]), block(&[5i64], &[1 << 40])];
        assert!(are_narrow(&blocks[..1]).unwrap());
        assert!(!are_narrow(&blocks).unwrap());
        let edges = Edges::<i64>::read(&blocks).unwrap();
        assert_eq!((edges.sources, edges.targets), (vec![1, -2, 5], vec![3, 4, 1 << 40]));
        for length in 0..blocks[0].len() {
            assert!(Edges::<i32>::read(&[&blocks[0][..length]]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_value_to_some_edges_only_is_refused() {
        let mut valued = block(&[1i32], &[2]);
        valued[4] |= VALUED as u8;
        valued.extend(0.5f64.to_le_bytes());
        assert_eq!(Edges::<i32>::read(&[valued.clone()]).unwrap().values, [0.5]);
        let error = Edges::<i32>::read(&[valued, block(&[1i32], &[2])]).unwrap_err();
        assert!(error.to_string().contains("some have none"), "{error}");
    }

    #[test]
    fn vertices_are_numbered_alike_whether_their_ids_lie_close_or_far() {
        let near = [3i64, -1, 8, 3];
        let far = near.map(|id| id << 40);
        let known = |ids: &[i64]| {
            let edges = Edges {
                sources: ids.to_vec(),
                targets: ids.iter().rev().copied().collect(),
                values: vec![],
            };
            let known = Known::of(1, 3, &edges, vec![]);
            let numbers = known.numbers.all(&edges.sources);
            (known, numbers)
        };
        let (close, numbers) = known(&near);
        // Remainders of their hashes by three, where that of -1 is 0: 0, 0, 2.
        assert!(matches!(close.numbers, Numbers::Table { .. }));
        assert_eq!(
            (close.ids.as_slice(), close.ghosts.as_slice()),
            (&[][..], &[-1, 3, 8][..])
        );
        assert_eq!(close.ghost_starts, [0, 2, 2, 3]);
        assert_eq!(numbers, [1, 0, 2, 1]);
        let (wide, numbers) = known(&far);
        assert!(matches!(wide.numbers, Numbers::Map(_)));
        let all: Vec<i64> = wide.ids.iter().chain(&wide.ghosts).copied().collect();
        assert_eq!(numbers.iter().map(|n| all[*n as usize]).collect::<Vec<_>>(), far);
        let owners: Vec<usize> = wide.ghosts.iter().map(|id| owner(*id, 3)).collect();
        assert!(owners.is_sorted() && !owners.contains(&1), "{owners:?}");
    }
}
