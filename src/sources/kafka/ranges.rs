//! Which records a batch takes, and how they are dealt out over tasks.

use super::exchange::Spans;
use super::positions::{Positions, TopicPartition};

/// A partition's records from one offset up to another.
pub type Range = (TopicPartition, i64, i64);

/// Returns where a batch ends that takes at most about `limit` offsets: each partition gives by how much waits in it, and one at least
/// where something waits (`KafkaMicroBatchStream.rateLimit`). A partition that has fewer records than were read begins anew.
pub fn limited(begin: &Positions, known: Option<&Spans>, limit: Option<i64>) -> Positions {
    let Some(known) = known else { return begin.clone() };
    let sizes = |from: i64, latest: i64| latest.saturating_sub(from).max(0);
    let ranges: Vec<(&TopicPartition, i64, i64)> = known
        .iter()
        .map(|(partition, span)| {
            (
                partition,
                begin.get(partition).copied().unwrap_or(span.earliest),
                span.latest,
            )
        })
        .collect();
    let total: f64 = ranges
        .iter()
        .map(|(_, from, latest)| sizes(*from, *latest) as f64)
        .sum();
    let mut end = Positions::new();
    for (partition, from, latest) in ranges {
        let size = sizes(from, latest);
        let share = match limit {
            Some(limit) if size > 0 => {
                let share = limit as f64 * (size as f64 / total);
                let whole = if share < 1.0 { share.ceil() } else { share.floor() };
                size.min(whole as i64)
            }
            _ => size,
        };
        end.insert(partition.clone(), from.min(latest) + share);
    }
    end
}

/// Returns how many pieces ranges have if none is longer than `records`.
pub fn count(ranges: &[Range], records: Option<i64>) -> i64 {
    let most = records.unwrap_or(i64::MAX).max(1);
    let pieces = ranges.iter().map(|(_, from, until)| (until - from - 1) / most + 1);
    pieces.fold(0, i64::saturating_add)
}

/// Cuts ranges so that there are about `pieces` at least and none has more than `records` (`KafkaOffsetRangeCalculator`): a range is
/// cut by its part of all records.
pub fn cut(ranges: Vec<Range>, pieces: Option<usize>, records: Option<i64>) -> Vec<Range> {
    let most = records.unwrap_or(i64::MAX).max(1);
    let ranges: Vec<Range> = ranges
        .into_iter()
        .flat_map(|(partition, from, until)| even(partition, from, until, (until - from - 1) / most + 1))
        .collect();
    let total: f64 = ranges.iter().map(|(_, from, until)| (until - from) as f64).sum();
    match pieces {
        Some(pieces) if pieces > ranges.len() => ranges
            .into_iter()
            .flat_map(|(partition, from, until)| {
                let share = (until - from) as f64 / total * pieces as f64;
                even(partition, from, until, (share.round() as i64).max(1))
            })
            .collect(),
        _ => ranges,
    }
}

/// Cuts a range into this many of about the same length, or into as many as it has offsets.
fn even(partition: TopicPartition, from: i64, until: i64, parts: i64) -> Vec<Range> {
    let parts = parts.min(until - from);
    let mut start = from;
    let mut cut = Vec::new();
    for left in (1..=parts).rev() {
        let end = start + (until - start) / left;
        cut.push((partition.clone(), start, end));
        start = end;
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::super::exchange::Span;
    use super::*;

    fn of(topic: &str, partition: i32) -> TopicPartition {
        (topic.to_owned(), partition)
    }

    #[test]
    fn a_limit_is_dealt_out_by_what_waits_and_starves_nobody() {
        let span = |earliest, latest| Span {
            earliest,
            latest,
            at_time: None,
        };
        let known: Spans = [
            (of("a", 0), span(0, 900)),
            (of("a", 1), span(0, 100)),
            (of("b", 0), span(5, 6)),
            (of("b", 1), span(7, 7)),
        ]
        .into();
        let begin: Positions = [(of("a", 0), 0), (of("a", 1), 0), (of("b", 1), 7)].into();
        let ends = |limit| limited(&begin, Some(&known), limit).into_values().collect::<Vec<_>>();
        assert_eq!(ends(None), [900, 100, 6, 7]);
        // 100 of 1001: 89.9, 9.99 and 0.0999, of which the last becomes one.
        assert_eq!(ends(Some(100)), [89, 9, 6, 7]);
        assert_eq!(ends(Some(i64::MAX)), [900, 100, 6, 7]);
        let ahead: Positions = [(of("a", 0), 1000)].into();
        let ended = limited(&ahead, Some(&known), None);
        assert_eq!(ended[&of("a", 0)], 900, "a topic that was made anew");
    }

    #[test]
    fn ranges_are_cut_without_loss_and_none_is_empty() {
        let ranges = vec![(of("a", 0), 10, 110), (of("a", 1), 0, 1), (of("b", 0), 3, 13)];
        assert_eq!(cut(ranges.clone(), None, None), ranges);
        assert_eq!(cut(ranges.clone(), Some(2), None), ranges);
        for (pieces, records) in [
            (Some(12), None),
            (None, Some(7)),
            (Some(40), Some(30)),
            (Some(1_000), Some(1)),
        ] {
            let cut = cut(ranges.clone(), pieces, records);
            let mut joined: Vec<Range> = Vec::new();
            for (partition, from, until) in cut {
                assert!(from < until && until - from <= records.unwrap_or(i64::MAX));
                match joined.last_mut().filter(|(p, _, end)| *p == partition && *end == from) {
                    Some(last) => last.2 = until,
                    None => joined.push((partition, from, until)),
                }
            }
            assert_eq!(joined, ranges, "{pieces:?} {records:?}");
        }
    }
}
