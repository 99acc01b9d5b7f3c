//! Aggregation by sliding windows, which is computed by panes where it can be, against windows counted one by one.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::run;

/// Rows: seconds since the epoch (null now and then), a key, a value.
fn rows() -> Vec<(Option<i64>, i64, i64)> {
    let mut random = SmallRng::seed_from_u64(5);
    (0..200)
        .map(|_| {
            let time = random.random_bool(0.95).then(|| random.random_range(-200..200));
            (time, random.random_range(0..3), random.random_range(-500..500))
        })
        .collect()
}

#[test]
fn every_window_has_the_rows_whose_time_it_holds() {
    let rows = rows();
    let values: Vec<String> = rows
        .iter()
        .map(|(time, key, value)| {
            let time = time.map_or("NULL".into(), |s| format!("timestamp_seconds({s})"));
            format!("({time}, {key}, {value})")
        })
        .collect();
    // Lengths, slides and starts: multiples, none of the other, panes of a second, longer slides than eight panes.
    for (length, slide, start) in [
        (60, 20, 0),
        (60, 60, 0),
        (50, 20, 7),
        (70, 30, 0),
        (61, 60, 0),
        (19, 7, 3),
    ] {
        for aggregates in [
            "count(*), sum(value), min(value), max(value), CAST(avg(value) * 1000 AS BIGINT)",
            "count(*), coalesce(sum(value) FILTER (WHERE value > 0), 0), min(value), size(collect_list(value)), count(DISTINCT value)",
        ] {
            let query = format!(
                "SELECT unix_seconds(w.start), key, {aggregates} FROM (SELECT window(time, '{length} seconds', '{slide} seconds', \
                 '{start} seconds') AS w, key, value FROM VALUES {} AS t(time, key, value)) GROUP BY w, key",
                values.join(", ")
            );
            let frame = run::sql(&query, &BTreeMap::new(), &run::Tables::default()).expect(&query);
            let whole = |cell: &serde_json::Value| cell.as_i64().expect("a whole number");
            let found: BTreeSet<Vec<i64>> = frame
                .rows
                .iter()
                .map(|row| row.as_array().expect("a row").iter().map(whole).collect())
                .collect();
            let mut wanted = BTreeSet::new();
            for begin in (-400..400).filter(|s| (s - start) % slide == 0) {
                for key in 0..3 {
                    let held = |time: &Option<i64>| time.is_some_and(|t| begin <= t && t < begin + length);
                    let values: Vec<i64> = rows.iter().filter(|r| held(&r.0) && r.1 == key).map(|r| r.2).collect();
                    if values.is_empty() {
                        continue;
                    }
                    let (count, sum) = (values.len() as i64, values.iter().sum::<i64>());
                    let least = values.iter().min().copied().unwrap_or_default();
                    let most = values.iter().max().copied().unwrap_or_default();
                    wanted.insert(if aggregates.contains("avg") {
                        let mean = (sum as f64 / count as f64 * 1000.0) as i64;
                        vec![begin, key, count, sum, least, most, mean]
                    } else {
                        let above: i64 = values.iter().filter(|v| **v > 0).sum();
                        let distinct = values.iter().collect::<BTreeSet<_>>().len() as i64;
                        vec![begin, key, count, above, least, count, distinct]
                    });
                }
            }
            assert_eq!(found, wanted, "{length} by {slide} from {start}");
        }
    }
}
