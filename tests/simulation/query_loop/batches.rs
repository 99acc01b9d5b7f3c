//! When batches begin, what is in them, and in which order a batch's steps come.

use super::{
    ASAP, NoFiles, answer, batch, changes, delivery, done, end, outcome, progress, push, query, run, stored, writes,
};
use crate::seeds::deep;
use rivulet::exec::inputs::StateStats;
use rivulet::ids::{BatchId, OperatorId};
use rivulet::plan::output_mode::OutputMode;
use rivulet::streaming::query::Action;
use rivulet::streaming::trigger::Trigger;

#[test]
fn a_batch_is_logged_then_run_then_delivered_then_committed() {
    deep(|| {
        let mut query = query(ASAP, OutputMode::Append, true);
        push(&mut query, 0);
        let offsets = stored(query.poll(1000, &NoFiles));
        assert_eq!(offsets.path, "/check/offsets/0");
        let lines: Vec<&str> = offsets.text.lines().collect();
        let metadata: serde_json::Value = serde_json::from_str(lines[1]).expect("metadata is JSON");
        assert_eq!((lines[0], lines[2], lines.len()), ("v1", "1", 3));
        assert_eq!(
            (&metadata["batchWatermarkMs"], &metadata["batchTimestampMs"]),
            (&0.into(), &1000.into())
        );
        assert_eq!(metadata["conf"]["spark.sql.shuffle.partitions"], "2");
        let request = run(answer(&mut query, 1010, &offsets));
        assert_eq!(request.batch.expect("a micro-batch").batch_id, BatchId(0));
        assert_eq!(request.scans.values().flatten().count(), 1);
        let mut made = outcome(Some(100));
        made.changes = changes();
        let mut actions = done(&mut query, 1100, made);
        assert!(matches!(
            actions.pop(),
            Some(Action::Deliver {
                batch_id: BatchId(0),
                ..
            })
        ));
        let states = writes(actions);
        let paths: Vec<&str> = states.iter().map(|w| w.path.as_str()).collect();
        assert_eq!(paths, ["/check/state/0/0/1.delta", "/check/state/0/1/1.delta"]);
        // Neither the sink nor a part of the state is enough.
        assert!(answer(&mut query, 1150, &states[1]).is_empty());
        assert!(query.delivered(1200, Ok(()), &NoFiles).is_empty());
        let commit = stored(answer(&mut query, 1200, &states[0]));
        assert_eq!(
            (commit.path.as_str(), commit.text.as_str()),
            ("/check/commits/0", "v1\n{\"nextBatchWatermarkMs\":90000}")
        );
        let progress = progress(answer(&mut query, 1230, &commit));
        assert_eq!(progress["eventTime"]["watermark"], "1970-01-01T00:00:00.000Z");
        let took = &progress["durationMs"];
        assert_eq!(
            (&took["walCommit"], &took["commitOffsets"], &took["triggerExecution"]),
            (&10.into(), &30.into(), &230.into())
        );
    });
}

#[test]
fn a_batch_without_data_follows_when_the_watermark_moved() {
    deep(|| {
        for (mode, follows) in [
            (OutputMode::Append, true),
            (OutputMode::Update, true),
            (OutputMode::Complete, false),
        ] {
            let mut query = query(ASAP, mode, false);
            push(&mut query, 0);
            let context = batch(&mut query, 0, Some(100)).batch.expect("a micro-batch");
            assert_eq!((context.late_us, context.evict_us), (Some(0), Some(0)));
            if follows {
                let request = batch(&mut query, 5, None);
                let context = request.batch.expect("a micro-batch");
                assert_eq!(
                    (context.batch_id, context.late_us, context.evict_us),
                    (BatchId(1), Some(0), Some(90_000_000))
                );
                assert_eq!(request.scans.values().flatten().count(), 0);
            }
            assert!(query.poll(10, &NoFiles).is_empty(), "{mode:?}");
            // Rows behind the watermark do not move it.
            push(&mut query, 20);
            batch(&mut query, 20, Some(50));
            let again = query.poll(25, &NoFiles).len();
            assert_eq!(again, 0, "{mode:?}");
        }
    });
}

#[test]
fn a_processing_time_trigger_fires_at_multiples_of_its_interval_and_skips_those_that_a_batch_overran() {
    deep(|| {
        let mut query = query(
            Trigger::ProcessingTime { interval_ms: 1000 },
            OutputMode::Complete,
            false,
        );
        assert!(query.poll(0, &NoFiles).is_empty());
        assert_eq!(query.wake_at(), Some(1000));
        push(&mut query, 300);
        assert!(query.poll(999, &NoFiles).is_empty());
        run(query.poll(1000, &NoFiles));
        assert_eq!(query.wake_at(), None);
        delivery(done(&mut query, 3400, outcome(None)));
        progress(query.delivered(3500, Ok(()), &NoFiles));
        assert_eq!(query.wake_at(), Some(4000));
    });
}

#[test]
fn once_takes_all_in_one_batch_and_available_now_in_several_with_what_the_watermark_closes() {
    deep(|| {
        let mut once = query(Trigger::Once, OutputMode::Append, false);
        (0..3).for_each(|_| push(&mut once, 0));
        assert_eq!(run(once.poll(0, &NoFiles)).scans.values().flatten().count(), 3);
        delivery(done(&mut once, 0, outcome(Some(100))));
        let mut last = once.delivered(0, Ok(()), &NoFiles);
        assert_eq!(end(last.split_off(1)), None);
        let mut now = query(Trigger::AvailableNow, OutputMode::Append, false);
        (0..3).for_each(|_| push(&mut now, 0));
        for max_s in [100, 100, 200] {
            assert_eq!(batch(&mut now, 0, Some(max_s)).scans.values().flatten().count(), 1);
        }
        let closing = batch(&mut now, 0, None).batch.expect("a micro-batch");
        assert_eq!((closing.batch_id, closing.evict_us), (BatchId(3), Some(190_000_000)));
        assert_eq!(end(now.poll(0, &NoFiles)), None);
    });
}

#[test]
fn an_append_mode_batch_that_gives_nothing_says_what_holds_its_rows() {
    deep(|| {
        for (rows_total, output, waits) in [(3, 0, true), (0, 0, false), (3, 2, false)] {
            let mut query = query(ASAP, OutputMode::Append, false);
            push(&mut query, 0);
            run(query.poll(0, &NoFiles));
            let mut made = outcome(Some(100));
            let state = StateStats {
                rows_total,
                ..StateStats::default()
            };
            made.reports[0].1.state.insert(OperatorId(0), state);
            made.reports[0].0.stage.0 = query.definition.graph.stages.len() - 1;
            made.reports[0].1.output_rows = output;
            delivery(done(&mut query, 0, made));
            let said = progress(query.delivered(0, Ok(()), &NoFiles))["rivulet"]["waits"].clone();
            let text = "rows are kept until the watermark passes them, and it is at 1970-01-01T00:01:30.000Z; of 1 watermarks number 0 is the last, at 1970-01-01T00:01:30.000Z";
            assert_eq!(said.as_str(), waits.then_some(text));
        }
    });
}

#[test]
fn a_clock_that_is_set_back_delays_a_batch_by_one_interval_and_no_more() {
    deep(|| {
        let hour_ms = 3_600_000;
        let mut query = query(Trigger::ProcessingTime { interval_ms: 500 }, OutputMode::Append, false);
        assert!(query.poll(hour_ms + 100, &NoFiles).is_empty());
        assert_eq!(query.wake_at(), Some(hour_ms + 500));
        query.mind_clock(hour_ms + 400);
        assert_eq!(
            query.wake_at(),
            Some(hour_ms + 500),
            "a clock that goes on changes nothing"
        );
        push(&mut query, 200);
        query.mind_clock(200);
        assert_eq!(query.wake_at(), Some(500));
        run(query.poll(500, &NoFiles));
    });
}
