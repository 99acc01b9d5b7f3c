//! The job of the next batch, which runs while the one before is settled.

use super::{ASAP, Asked, NoFiles, answer, delivery, done, end, outcome, progress, push, query, run, stored};
use crate::seeds::deep;
use arrow::buffer::Buffer;
use rivulet::cluster::runner::JobRequest;
use rivulet::error::SparkError;
use rivulet::ids::{BatchId, JobId};
use rivulet::plan::output_mode::OutputMode;
use rivulet::streaming::query::{Action, Query};
use rivulet::streaming::trigger::Trigger;

/// What the end of a job brings about when there is data for a batch ahead: a delivery, and that batch's job.
fn delivery_and_run(mut actions: Vec<Action>) -> (BatchId, JobRequest) {
    let last = actions.pop().map(|action| run(vec![action]));
    (delivery(actions), last.expect("a job ahead"))
}

/// The write that is asked for last, after the progress of the batch before.
fn last_write(mut actions: Vec<Action>) -> Asked {
    let last = actions.pop().map(|action| stored(vec![action]));
    assert!(matches!(actions.pop(), Some(Action::Event { .. })));
    last.expect("a write")
}

fn id_of(request: &JobRequest) -> BatchId {
    request.batch.as_ref().expect("a micro-batch").batch_id
}

/// A query whose batch 0 is with the sink, while job 11 runs batch 1.
fn two_in_flight(logged: bool) -> Query {
    let mut query = query(ASAP, OutputMode::Append, logged);
    push(&mut query, 0);
    push(&mut query, 0);
    let first = query.poll(0, &NoFiles);
    if logged {
        run(answer(&mut query, 0, &stored(first)));
    } else {
        run(first);
    }
    query.set_job(JobId(10));
    let (settling, ahead) = delivery_and_run(done(&mut query, 10, outcome(Some(100))));
    assert_eq!((settling, id_of(&ahead)), (BatchId(0), BatchId(1)));
    let context = ahead.batch.expect("a micro-batch");
    assert_eq!((context.late_us, context.evict_us), (Some(0), Some(90_000_000)));
    query.set_job(JobId(11));
    query
}

#[test]
fn a_job_ahead_begins_when_the_one_before_is_done_and_its_rows_wait_for_the_commit() {
    deep(|| {
        let mut query = two_in_flight(true);
        let early = query.job_ended(20, JobId(11), Ok(outcome(Some(200))), &NoFiles);
        assert!(
            early.is_empty(),
            "rows of a batch whose offsets are not logged: {early:?}"
        );
        let commit = stored(query.delivered(30, Ok(()), &NoFiles));
        assert_eq!(commit.path, "/check/commits/0");
        let offsets = last_write(answer(&mut query, 40, &commit));
        assert_eq!(offsets.path, "/check/offsets/1");
        assert_eq!(delivery(answer(&mut query, 50, &offsets)), BatchId(1));
    });
}

#[test]
fn a_job_ahead_that_is_still_running_when_its_turn_comes_is_the_job_in_progress() {
    deep(|| {
        let mut query = two_in_flight(false);
        progress(query.delivered(30, Ok(()), &NoFiles));
        assert_eq!(query.job(), Some(JobId(11)));
        let mut settled = query.job_ended(40, JobId(11), Ok(outcome(Some(200))), &NoFiles);
        assert_eq!(delivery(settled.split_off(0)), BatchId(1));
        let told = progress(query.delivered(70, Ok(()), &NoFiles));
        // Its time began when its turn came.
        assert_eq!(told["durationMs"]["triggerExecution"], 40);
    });
}

#[test]
fn without_a_checkpoint_rows_of_a_job_ahead_are_offered_to_the_sink_at_once() {
    deep(|| {
        let mut query = two_in_flight(false);
        let mut ahead = outcome(Some(200));
        ahead.results = vec![Buffer::from(b"rows")];
        let offered = query.job_ended(20, JobId(11), Ok(ahead), &NoFiles);
        let [Action::Offer { batch_id, blocks }] = offered.as_slice() else {
            panic!("no offer: {offered:?}");
        };
        assert_eq!(
            (*batch_id, blocks.as_slice()),
            (BatchId(1), [Buffer::from(b"rows")].as_slice())
        );
        assert_eq!(query.settling(), Some(BatchId(0)));
        let mut settled = query.delivered(30, Ok(()), &NoFiles);
        assert!(matches!(settled.remove(0), Action::Event { .. }));
        assert_eq!(delivery(settled), BatchId(1));
    });
}

#[test]
fn records_that_come_while_a_batch_is_settled_are_taken_ahead() {
    deep(|| {
        let mut query = query(ASAP, OutputMode::Append, false);
        push(&mut query, 0);
        run(query.poll(0, &NoFiles));
        query.set_job(JobId(10));
        assert_eq!(delivery(done(&mut query, 10, outcome(None))), BatchId(0));
        assert_eq!(query.wake_at(), None);
        push(&mut query, 20);
        assert!(query.wake_at().is_some_and(|at| at <= 20));
        assert_eq!(id_of(&run(query.poll(20, &NoFiles))), BatchId(1));
        assert_eq!(query.wake_at(), None, "one is enough");
    });
}

#[test]
fn an_error_of_a_job_ahead_is_told_after_the_batch_before_is_committed() {
    deep(|| {
        let mut query = two_in_flight(true);
        let error = SparkError::internal("the second batch fails");
        assert!(query.job_ended(20, JobId(11), Err(error), &NoFiles).is_empty());
        let commit = stored(query.delivered(30, Ok(()), &NoFiles));
        let offsets = last_write(answer(&mut query, 40, &commit));
        let error = end(answer(&mut query, 50, &offsets)).expect("an error ends it");
        assert!(error.message.contains("the second batch fails"), "{error}");
    });
}

#[test]
fn a_failed_sink_ends_the_query_and_the_batch_ahead_with_it() {
    deep(|| {
        let mut query = two_in_flight(true);
        end(query.delivered(30, Err(SparkError::internal("full")), &NoFiles)).expect("an error ends it");
        assert!(query.job_ended(40, JobId(11), Ok(outcome(None)), &NoFiles).is_empty());
        assert!(!query.is_active() && query.wake_at().is_none());
    });
}

#[test]
fn nothing_runs_ahead_of_an_interval_nor_of_a_last_batch() {
    deep(|| {
        for trigger in [Trigger::ProcessingTime { interval_ms: 1000 }, Trigger::AvailableNow] {
            let mut query = query(trigger, OutputMode::Append, false);
            push(&mut query, 0);
            push(&mut query, 0);
            let first = [0, 1000].into_iter().flat_map(|now_ms| query.poll(now_ms, &NoFiles));
            run(first.collect());
            assert_eq!(
                delivery(done(&mut query, 1500, outcome(None))),
                BatchId(0),
                "{trigger:?}"
            );
            push(&mut query, 1600);
            assert_eq!(query.wake_at().filter(|at| *at <= 1600), None, "{trigger:?}");
        }
    });
}
