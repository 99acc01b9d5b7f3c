//! Days of a zone whose clocks change are 23 or 25 hours long. The answers are Spark's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::run::{self, Tables};

/// What Spark answers in Los Angeles, where the clocks went forward on 8 March 2026 and back on 1 November.
fn answer(expression: &str) -> Value {
    let conf = BTreeMap::from([("spark.sql.session.timeZone".into(), "America/Los_Angeles".into())]);
    let query = format!("SELECT CAST({expression} AS STRING)");
    let frame = run::sql(&query, &conf, &Tables::default()).unwrap_or_else(|e| panic!("{expression}: {e}"));
    frame.rows[0][0].clone()
}

#[test]
fn days_of_a_day_time_interval_are_days_of_the_local_calendar() {
    for (expression, wanted) in [
        (
            "TIMESTAMP'2026-03-07 12:00:00' + INTERVAL '1' DAY",
            "2026-03-08 12:00:00",
        ),
        (
            "TIMESTAMP'2026-03-07 12:00:00' + INTERVAL 24 HOURS",
            "2026-03-08 12:00:00",
        ),
        (
            "TIMESTAMP'2026-03-07 12:00:00' + INTERVAL '1 12:00:00' DAY TO SECOND",
            "2026-03-09 00:00:00",
        ),
        (
            "TIMESTAMP'2026-03-08 12:00:00' - INTERVAL '1' DAY",
            "2026-03-07 12:00:00",
        ),
        (
            "TIMESTAMP'2026-11-01 12:00:00' - INTERVAL '1' DAY",
            "2026-10-31 12:00:00",
        ),
        (
            "TIMESTAMP'2026-03-08 03:30:00' - INTERVAL '1 01:00:00' DAY TO SECOND",
            "2026-03-07 02:30:00",
        ),
        (
            "TIMESTAMPADD(DAY, 1, TIMESTAMP'2026-03-07 12:00:00')",
            "2026-03-08 12:00:00",
        ),
    ] {
        assert_eq!(answer(expression), json!(wanted), "{expression}");
    }
}
