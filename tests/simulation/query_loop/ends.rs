//! How a query ends, and answers that come when nobody waits for them.

use super::{ASAP, NoFiles, answer, batch, delivery, done, end, outcome, push, query, run, stored};
use crate::seeds::deep;
use rivulet::error::{Exception, SparkError};
use rivulet::ids::BatchId;
use rivulet::plan::output_mode::OutputMode;
use rivulet::storage::StorageError;
use rivulet::streaming::trigger::Trigger;

#[test]
fn a_failed_sink_ends_the_query_with_its_error_and_nothing_is_committed() {
    deep(|| {
        let mut query = query(ASAP, OutputMode::Append, true);
        push(&mut query, 0);
        let offsets = stored(query.poll(0, &NoFiles));
        run(answer(&mut query, 0, &offsets));
        delivery(done(&mut query, 0, outcome(None)));
        let error = SparkError::new(Exception::Runtime, "SINK_IS_FULL", "53100", "The sink is full.");
        let error = end(query.delivered(0, Err(error), &NoFiles)).expect("an error ends it");
        assert_eq!(error.condition.as_deref(), Some("STREAM_FAILED"));
        assert!(
            error
                .message
                .contains("Query [id = the-query, runId = the-run] terminated with exception: "),
            "{error}"
        );
        assert!(error.message.contains("The sink is full."), "{error}");
        assert!(!query.is_active() && query.wake_at().is_none());
        assert_eq!(
            query
                .error()
                .and_then(|e| e.parameters.get("cause"))
                .map(String::as_str),
            Some("SINK_IS_FULL")
        );
    });
}

#[test]
fn stop_ends_the_query_in_every_phase_and_later_answers_change_nothing() {
    deep(|| {
        for phase in 0..5 {
            let mut query = query(ASAP, OutputMode::Append, true);
            push(&mut query, 0);
            let mut last = None;
            if phase > 0 {
                last = Some(stored(query.poll(0, &NoFiles)));
            }
            if phase > 1 {
                run(answer(&mut query, 0, &last.take().expect("offsets are logged")));
            }
            if phase > 2 {
                assert_eq!(delivery(done(&mut query, 0, outcome(None))), BatchId(0));
            }
            if phase > 3 {
                last = Some(stored(query.delivered(0, Ok(()), &NoFiles)));
            }
            assert_eq!(end(query.stop()), None, "phase {phase}");
            let late = [
                last.map(|asked| answer(&mut query, 1, &asked)).unwrap_or_default(),
                done(&mut query, 1, outcome(None)),
                query.delivered(1, Ok(()), &NoFiles),
                query.delivered(1, Err(SparkError::internal("too late")), &NoFiles),
                query.failed(SparkError::internal("too late")),
                query.poll(1000, &NoFiles),
                query.stop(),
            ];
            assert!(late.iter().all(Vec::is_empty), "phase {phase}: {late:?}");
            assert!(
                !query.is_active() && query.error().is_none() && query.wake_at().is_none(),
                "phase {phase}"
            );
        }
    });
}

#[test]
fn answers_out_of_turn_do_not_lose_the_batch_in_progress() {
    deep(|| {
        let mut query = query(ASAP, OutputMode::Append, true);
        push(&mut query, 0);
        let offsets = stored(query.poll(0, &NoFiles));
        assert!(done(&mut query, 0, outcome(None)).is_empty());
        assert!(query.delivered(0, Ok(()), &NoFiles).is_empty());
        run(answer(&mut query, 0, &offsets));
        assert!(answer(&mut query, 0, &offsets).is_empty());
        assert!(query.delivered(0, Ok(()), &NoFiles).is_empty());
        assert_eq!(delivery(done(&mut query, 0, outcome(None))), BatchId(0));
    });
}

#[test]
fn a_source_that_fails_ends_the_query_after_all_that_came_before_and_what_that_closes() {
    deep(|| {
        for seen in [None, Some(100)] {
            let mut query = query(Trigger::ProcessingTime { interval_ms: 1 }, OutputMode::Append, false);
            push(&mut query, 0);
            push(&mut query, 0);
            let queue = query.sources_mut()[0].queue().expect("it is pushed to");
            queue.failure = Some(SparkError::new(Exception::Runtime, "CUT", "", "The line is cut."));
            for (now_ms, max_s) in [(0, None), (1, seen)] {
                let request = batch(&mut query, now_ms, max_s);
                assert_eq!(request.scans.values().flatten().count(), 1);
            }
            if seen.is_some() {
                // The watermark moved: windows close.
                assert_eq!(batch(&mut query, 2, None).scans.values().flatten().count(), 0);
            }
            let error = end(query.poll(3, &NoFiles)).expect("an error ends it");
            assert_eq!(error.parameters.get("cause").map(String::as_str), Some("CUT"));
            assert!(error.message.contains("The line is cut."), "{error}");
        }
    });
}

#[test]
fn a_log_that_cannot_be_written_ends_the_query_with_what_storage_said() {
    deep(|| {
        let mut query = query(ASAP, OutputMode::Append, true);
        push(&mut query, 0);
        let offsets = stored(query.poll(0, &NoFiles));
        let full = StorageError::Quota {
            path: offsets.path.clone(),
            reason: "QuotaExceededError".into(),
        };
        let error = end(query.answered(0, offsets.ticket, Err(full), &NoFiles)).expect("an error ends it");
        assert_eq!(
            error.parameters.get("cause").map(String::as_str),
            Some("CHECKPOINT_QUOTA_EXCEEDED")
        );
        assert!(
            error.message.contains("/check/offsets/0") && error.message.contains("is kept"),
            "{error}"
        );
    });
}
