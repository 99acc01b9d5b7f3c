//! How a query ends, and answers that come when nobody waits for them.

use rivulet::error::{Exception, SparkError};
use rivulet::exec::inputs::OutputMode;
use rivulet::streaming::query::Query;

use super::{ASAP, NoFiles, delivery, end, outcome, push, query, run, stored};
use crate::seeds::deep;

#[test]
fn a_failed_sink_ends_the_query_with_its_error_and_nothing_is_committed() {
    deep(|| {
        let mut query = query(ASAP, OutputMode::Append, true);
        push(&mut query, 0);
        stored(query.poll(0, &NoFiles));
        run(query.stored(0));
        delivery(query.job_done(0, outcome(None)));
        let error = SparkError::new(Exception::Runtime, "SINK_IS_FULL", "53100", "The sink is full.");
        let error = end(query.delivered(0, Err(error))).expect("an error ends it");
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
            let steps: [&dyn Fn(&mut Query); 4] = [
                &|q| drop(stored(q.poll(0, &NoFiles))),
                &|q| drop(run(q.stored(0))),
                &|q| assert_eq!(delivery(q.job_done(0, outcome(None))), 0),
                &|q| drop(stored(q.delivered(0, Ok(())))),
            ];
            steps[..phase].iter().for_each(|step| step(&mut query));
            assert_eq!(end(query.stop()), None, "phase {phase}");
            let late = [
                query.stored(1),
                query.job_done(1, outcome(None)),
                query.delivered(1, Ok(())),
                query.delivered(1, Err(SparkError::internal("too late"))),
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
        stored(query.poll(0, &NoFiles));
        assert!(query.job_done(0, outcome(None)).is_empty());
        assert!(query.delivered(0, Ok(())).is_empty());
        run(query.stored(0));
        assert!(query.stored(0).is_empty());
        assert!(query.delivered(0, Ok(())).is_empty());
        assert_eq!(delivery(query.job_done(0, outcome(None))), 0);
    });
}
