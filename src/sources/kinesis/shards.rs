//! Which shards are read, and from where: a shard that a split or a merge has made is read after those of which it was made.

use super::exchange::{Shard, Shards, Starting};
use super::positions::{Position, Positions, compare};

/// Returns where the shards of a stream are read, given where they were: those that are new begin with their oldest record. Shards that
/// are read to their end and no longer play a part are left out. The second are shards that are gone before they were read.
pub fn positions(shards: &Shards, known: Option<&Positions>, starting: &Starting) -> (Positions, Vec<String>) {
    let Some(known) = known else {
        let begin = shards
            .iter()
            .map(|(name, shard)| (name.clone(), beginning(name, shard, starting)));
        return (begin.collect(), vec![]);
    };
    let mut positions: Positions = shards
        .keys()
        .map(|name| (name.clone(), known.get(name).cloned().unwrap_or(Position::Horizon)))
        .collect();
    let gone = known.iter().filter(|(name, _)| !shards.contains_key(*name));
    let (ended, lost): (Vec<_>, Vec<_>) = gone.partition(|(_, position)| **position == Position::End);
    // One whose children are there was read: what a server forgets for a while is not read again.
    let is_parent = |name: &String| shards.values().any(|shard| shard.parents.contains(name));
    let kept = ended.into_iter().filter(|(name, _)| is_parent(name));
    positions.extend(kept.map(|(name, position)| (name.clone(), position.clone())));
    (positions, lost.into_iter().map(|(name, _)| name.clone()).collect())
}

/// Returns where a new query begins to read a shard.
fn beginning(name: &str, shard: &Shard, starting: &Starting) -> Position {
    let latest = |now_ms: i64| match shard.last {
        Some(_) => Position::End,
        None => Position::Time(now_ms),
    };
    match starting {
        Starting::Horizon => Position::Horizon,
        Starting::Latest { now_ms } => latest(*now_ms),
        Starting::Time(ms) => Position::Time(*ms),
        Starting::Positions { positions, now_ms } => positions.get(name).cloned().unwrap_or_else(|| latest(*now_ms)),
    }
}

/// Returns the shards that can be read now: those that have not ended, and all of whose parents have.
pub fn readable<'a>(shards: &'a Shards, positions: &'a Positions) -> impl Iterator<Item = (&'a String, &'a Shard)> {
    let is_over = |name: &String| positions.get(name).is_none_or(|position| *position == Position::End);
    shards
        .iter()
        .filter(move |(name, shard)| !is_over(name) && shard.parents.iter().all(is_over))
}

/// Returns whether a shard is read to the end that the stream lists. Some servers (moto 5) say it in no other way.
pub fn is_read_through(shard: &Shard, at: &Position) -> bool {
    let Some(last) = &shard.last else { return false };
    match at {
        Position::After(number) => compare(number, last).is_ge(),
        Position::Horizon => shard.first.as_deref() == Some(last),
        Position::Time(_) | Position::At(_) => false,
        Position::End => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(parents: &[&str], last: Option<&str>) -> Shard {
        Shard {
            parents: parents.iter().map(|p| (*p).to_owned()).collect(),
            first: Some("1".into()),
            last: last.map(str::to_owned),
        }
    }

    fn of(shards: &[(&str, Shard)]) -> Shards {
        shards.iter().map(|(n, s)| ((*n).to_owned(), s.clone())).collect()
    }

    fn at(positions: &[(&str, Position)]) -> Positions {
        positions.iter().map(|(n, p)| ((*n).to_owned(), p.clone())).collect()
    }

    fn turn(shards: &Shards, positions: &Positions) -> Vec<String> {
        readable(shards, positions).map(|(name, _)| name.clone()).collect()
    }

    #[test]
    fn children_of_a_split_come_after_their_parent_and_those_of_a_merge_after_both() {
        // 0 was split into 1 and 2, which were merged into 3.
        let shards = of(&[
            ("0", shard(&[], Some("9"))),
            ("1", shard(&["0"], Some("19"))),
            ("2", shard(&["0"], Some("19"))),
            ("3", shard(&["1", "2"], None)),
        ]);
        let (mut positions, lost) = positions(&shards, None, &Starting::Horizon);
        assert!(lost.is_empty());
        assert_eq!(turn(&shards, &positions), ["0"]);
        positions.insert("0".into(), Position::After("9".into()));
        assert_eq!(turn(&shards, &positions), ["0"], "read, but not to its end");
        positions.insert("0".into(), Position::End);
        assert_eq!(turn(&shards, &positions), ["1", "2"]);
        positions.insert("2".into(), Position::End);
        assert_eq!(turn(&shards, &positions), ["1"]);
        positions.insert("1".into(), Position::End);
        assert_eq!(turn(&shards, &positions), ["3"]);
    }

    #[test]
    fn a_query_that_begins_with_what_comes_next_passes_over_shards_that_are_closed() {
        let shards = of(&[
            ("0", shard(&[], Some("9"))),
            ("1", shard(&["0"], None)),
            ("2", shard(&["gone"], None)),
        ]);
        let (latest, _) = positions(&shards, None, &Starting::Latest { now_ms: 5 });
        let begin = at(&[("0", Position::End), ("1", Position::Time(5)), ("2", Position::Time(5))]);
        assert_eq!(latest, begin);
        assert_eq!(turn(&shards, &latest), ["1", "2"]);
        let given = Starting::Positions {
            positions: at(&[("1", Position::After("12".into()))]),
            now_ms: 5,
        };
        let (given, _) = positions(&shards, None, &given);
        assert_eq!(given["1"], Position::After("12".into()));
        assert_eq!(given["2"], Position::Time(5));
    }

    #[test]
    fn new_shards_begin_with_their_oldest_record_and_those_that_are_gone_are_lost_unless_they_were_read() {
        let shards = of(&[("2", shard(&["0"], None)), ("3", shard(&["1"], None))]);
        let known = at(&[
            ("0", Position::End),
            ("1", Position::After("4".into())),
            ("2", Position::After("7".into())),
            ("old", Position::End),
        ]);
        let (now, lost) = positions(&shards, Some(&known), &Starting::Horizon);
        assert_eq!(lost, ["1"]);
        let expected = at(&[
            ("0", Position::End),
            ("2", Position::After("7".into())),
            ("3", Position::Horizon),
        ]);
        assert_eq!(now, expected);
        // A listing that names the parent again finds it read.
        let again = of(&[("0", shard(&[], Some("9"))), ("2", shard(&["0"], None))]);
        assert_eq!(positions(&again, Some(&now), &Starting::Horizon).0["0"], Position::End);
    }

    #[test]
    fn a_closed_shard_is_read_through_at_its_last_number_only() {
        let closed = shard(&[], Some("10"));
        assert!(!is_read_through(&closed, &Position::After("9".into())));
        assert!(is_read_through(&closed, &Position::After("10".into())));
        assert!(!is_read_through(&closed, &Position::Horizon));
        assert!(!is_read_through(&shard(&[], None), &Position::After("10".into())));
    }
}
