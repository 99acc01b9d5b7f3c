//! Pairs of ids as a page packs them, dealt out without the script: `src/js/src/rdd/value_codec.ts` says what the form is.

use super::columns::Reader;
use super::edges::{self, Id};
use super::structure::owner;

/// Kinds of columns.
const DOUBLES: u8 = 1;
const INTS: u8 = 2;
const PAIRS: u8 = 4;
const CONSTANT: u8 = 5;

/// The largest whole number that is exact as a number in JavaScript.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

/// A column of ids.
#[derive(Debug, Clone, PartialEq)]
enum Column {
    Ints(Vec<i32>),
    Longs(Vec<i64>),
}

impl Column {
    fn longs(self) -> Vec<i64> {
        match self {
            Self::Ints(ints) => ints.into_iter().map(i64::from).collect(),
            Self::Longs(longs) => longs,
        }
    }
}

/// Returns the sources and destinations of a block of pairs; `None` for a block of any other form, and for numbers that are
/// no ids.
fn pairs(block: &[u8]) -> Option<[Column; 2]> {
    let mut reader = Reader(block);
    let count = reader.u32().ok()? as usize;
    let kind = *reader.take(1).ok()?.first()?;
    if count == 0 {
        return Some([Column::Ints(vec![]), Column::Ints(vec![])]);
    }
    if kind != PAIRS {
        return None;
    }
    let sources = column(&mut reader, block.len(), count)?;
    Some([sources, column(&mut reader, block.len(), count)?])
}

/// Reads a column of whole numbers; columns begin at multiples of their numbers' width within the block.
fn column(reader: &mut Reader<'_>, length: usize, count: usize) -> Option<Column> {
    let kind = *reader.take(1).ok()?.first()?;
    let mut align = |width: usize| {
        let at = length - reader.0.len();
        reader.take(at.next_multiple_of(width) - at).ok()
    };
    match kind {
        INTS => {
            align(4)?;
            reader.ints(count).ok().map(Column::Ints)
        }
        DOUBLES => {
            align(8)?;
            let whole = |v: f64| (v.trunc() == v && v.abs() <= MAX_SAFE).then_some(v as i64);
            let longs = reader
                .doubles(count)
                .ok()?
                .into_iter()
                .map(whole)
                .collect::<Option<_>>();
            longs.map(Column::Longs)
        }
        CONSTANT => Some(Column::Ints(vec![reader.u32().ok()? as i32; count])),
        _ => None,
    }
}

/// Deals edges of a block of pairs out to the partitions of both ends: how many edges it has, and blocks as
/// [`super::structure::Adjacency::build`] reads them. `None` for a block of another form, and for numbers that are no ids.
pub fn dealt(block: &[u8], partitions: usize) -> Option<(usize, Vec<Vec<u8>>)> {
    Some(match pairs(block)? {
        [Column::Ints(sources), Column::Ints(targets)] => (sources.len(), deal(&sources, &targets, partitions)),
        [sources, targets] => {
            let (sources, targets) = (sources.longs(), targets.longs());
            (sources.len(), deal(&sources, &targets, partitions))
        }
    })
}

fn deal<T: Id>(sources: &[T], targets: &[T], partitions: usize) -> Vec<Vec<u8>> {
    if partitions == 1 {
        return vec![edges::block(sources, targets)];
    }
    let owners = || {
        let ends = sources.iter().zip(targets);
        ends.map(move |(from, to)| (owner(from.id(), partitions), owner(to.id(), partitions), *from, *to))
    };
    let mut counts = vec![0; partitions];
    for (from, to, ..) in owners() {
        counts[from] += 1;
        counts[to] += usize::from(from != to);
    }
    let empty = |count: usize| (Vec::with_capacity(count), Vec::with_capacity(count));
    let mut parts: Vec<(Vec<T>, Vec<T>)> = counts.into_iter().map(empty).collect();
    for (from, to, source, target) in owners() {
        let mut add = |part: usize| {
            parts[part].0.push(source);
            parts[part].1.push(target);
        };
        add(from);
        if from != to {
            add(to);
        }
    }
    parts.iter().map(|(s, t)| edges::block(s, t)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::answer::{Values, block};
    use super::super::edges::Edges;
    use super::*;

    #[test]
    fn pairs_come_back_from_what_is_written_as_the_page_writes_them() {
        for ids in [vec![1, 2, 3], vec![-1, 1 << 40, 7]] {
            let targets: Vec<i64> = ids.iter().map(|id| id * 2).collect();
            let found = pairs(&block(&ids, &Values::Longs(targets.clone()))).map(|found| found.map(Column::longs));
            assert_eq!(found, Some([ids, targets]));
        }
        let found = pairs(&block(&[], &Values::Longs(vec![]))).map(|found| found.map(Column::longs));
        assert_eq!(found, Some([vec![], vec![]]));
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
        let pairs = block(&[0, 2, 1], &Values::Longs(vec![1, 4, 1]));
        let (count, blocks) = dealt(&pairs, 2).unwrap();
        let edges = blocks.iter().map(|b| {
            let edges = Edges::<i32>::read(&[b.as_slice()]).unwrap();
            (edges.sources, edges.targets)
        });
        assert_eq!(count, 3);
        assert_eq!(
            edges.collect::<Vec<_>>(),
            [(vec![0, 2], vec![1, 4]), (vec![0, 1], vec![1, 1])]
        );
    }
}
