//! Pairs of ids as a page packs them, dealt out without the script: `src/js/src/rdd/value_codec.ts` says what the form is.

use arrow::datatypes::ToByteSlice;

use super::columns::Reader;
use super::structure::owner;

/// Kinds of columns.
const DOUBLES: u8 = 1;
const INTS: u8 = 2;
const PAIRS: u8 = 4;
const CONSTANT: u8 = 5;

/// The largest whole number that is exact as a number in JavaScript.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

/// Returns the sources and destinations of a block of pairs; `None` for a block of any other form, and for numbers that are
/// no ids.
pub fn pairs(block: &[u8]) -> Option<(Vec<i64>, Vec<i64>)> {
    let mut reader = Reader(block);
    let count = reader.u32().ok()? as usize;
    let kind = *reader.take(1).ok()?.first()?;
    if count == 0 {
        return Some((vec![], vec![]));
    }
    if kind != PAIRS {
        return None;
    }
    let sources = column(&mut reader, block.len(), count)?;
    Some((sources, column(&mut reader, block.len(), count)?))
}

/// Reads a column of whole numbers; columns begin at multiples of their numbers' width within the block.
fn column(reader: &mut Reader<'_>, length: usize, count: usize) -> Option<Vec<i64>> {
    let kind = *reader.take(1).ok()?.first()?;
    let mut align = |width: usize| {
        let at = length - reader.0.len();
        reader.take(at.next_multiple_of(width) - at).ok()
    };
    match kind {
        INTS => {
            align(4)?;
            let words = reader.counts(count).ok()?;
            Some(words.into_iter().map(|w| i64::from(w as i32)).collect())
        }
        DOUBLES => {
            align(8)?;
            let whole = |v: f64| (v.trunc() == v && v.abs() <= MAX_SAFE).then_some(v as i64);
            reader.doubles(count).ok()?.into_iter().map(whole).collect()
        }
        CONSTANT => Some(vec![i64::from(reader.u32().ok()? as i32); count]),
        _ => None,
    }
}

/// Deals edges out to the partitions of both ends: blocks as [`super::structure::Adjacency::build`] reads them.
pub fn dealt(sources: &[i64], targets: &[i64], partitions: usize) -> Vec<Vec<u8>> {
    let mut parts: Vec<(Vec<i64>, Vec<i64>)> = vec![(vec![], vec![]); partitions];
    for (source, target) in sources.iter().zip(targets) {
        let (from, to) = (owner(*source, partitions), owner(*target, partitions));
        let mut add = |part: usize| {
            parts[part].0.push(*source);
            parts[part].1.push(*target);
        };
        add(from);
        if from != to {
            add(to);
        }
    }
    let block = |(sources, targets): (Vec<i64>, Vec<i64>)| {
        let mut out = Vec::with_capacity(8 + 16 * sources.len());
        out.extend((sources.len() as u32).to_le_bytes());
        out.extend(0u32.to_le_bytes());
        out.extend_from_slice(sources.as_slice().to_byte_slice());
        out.extend_from_slice(targets.as_slice().to_byte_slice());
        out
    };
    parts.into_iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::super::answer::{Values, block};
    use super::*;

    #[test]
    fn pairs_come_back_from_what_is_written_as_the_page_writes_them() {
        for ids in [vec![1, 2, 3], vec![-1, 1 << 40, 7]] {
            let targets: Vec<i64> = ids.iter().map(|id| id * 2).collect();
            let found = pairs(&block(&ids, &Values::Longs(targets.clone())));
            assert_eq!(found, Some((ids, targets)));
        }
        assert_eq!(pairs(&block(&[], &Values::Longs(vec![]))), Some((vec![], vec![])));
    }

    #[test]
    fn blocks_of_another_form_are_the_scripts() {
        assert_eq!(pairs(&block(&[1], &Values::Doubles(vec![0.5]))), None);
        assert_eq!(pairs(&block(&[1], &Values::Longs(vec![i64::MAX]))), None);
        assert_eq!(pairs(&[1, 0, 0, 0, 4, 2]), None);
        assert_eq!(pairs(&[]), None);
    }

    #[test]
    fn an_edge_goes_to_the_partitions_of_both_ends_once() {
        let blocks = dealt(&[0, 2, 1], &[1, 4, 1], 2);
        let counts: Vec<u32> = blocks.iter().map(|b| Reader(b).u32().unwrap()).collect();
        assert_eq!(counts, [2, 2]);
    }
}
