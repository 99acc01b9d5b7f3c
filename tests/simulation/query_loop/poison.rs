//! Jobs that kill executors: what is written, in which order, and what runs over what.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    ASAP, Asked, NoFiles, answer, changes, delivery, done, end, outcome, progress, push, query, resumed, run, stored,
};
use crate::seeds::deep;
use arrow::buffer::Buffer;
use rivulet::cluster::runner::{JobRequest, SourceBlock};
use rivulet::error::{Exception, SparkError};
use rivulet::ids::{BatchId, JobId};
use rivulet::plan::output_mode::OutputMode;
use rivulet::sources::Memory;
use rivulet::storage::wal::Kept;
use rivulet::storage::{Request, StorageError};
use rivulet::streaming::checkpoint::logs::{Metadata, Offsets};
use rivulet::streaming::checkpoint::poison::{Aside, Poison};
use rivulet::streaming::checkpoint::resume::Resume;
use rivulet::streaming::pieces::Piece;
use rivulet::streaming::query::{Action, Query};

const RECORDS: &[u8] = b"{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n";

fn dies(query: &mut Query, now_ms: i64) -> Vec<Action> {
    let job = query.job().unwrap_or(JobId(0));
    query.job_ended(now_ms, job, Err(SparkError::panic("it dies")), &NoFiles)
}

/// The records of the next job, which runs over the state of the last commit.
fn anew(actions: Vec<Action>) -> String {
    match <[Action; 1]>::try_from(actions) {
        Ok([Action::RunAnew(request)]) => records(&request),
        other => panic!("one job was expected: {other:?}"),
    }
}

fn records(request: &JobRequest) -> String {
    let scans: BTreeMap<_, _> = request.scans.iter().collect();
    let blocks = scans.into_values().flatten().filter_map(SourceBlock::bytes);
    blocks
        .map(|block| String::from_utf8_lossy(block).into_owned())
        .collect()
}

/// A restart with batch 0 over three records, of whose deaths so much is known.
fn restarted(poison: Poison) -> (Query, String) {
    let kept = Kept {
        segments: [(0, 1)].into(),
        blocks: [Buffer::from(RECORDS)].into(),
        durable: 1,
    };
    let again = Offsets {
        watermark_ms: 0,
        timestamp_ms: 0,
        conf: BTreeMap::new(),
        ends: vec![json!(1)],
    };
    let resume = Resume {
        metadata: Some(Metadata {
            id: "the-query".into(),
            sources: None,
        }),
        memories: vec![Memory::of(kept)],
        again: Some(again),
        offset_ids: [BatchId(0)].into(),
        poison,
        ..Resume::default()
    };
    let mut query = resumed(ASAP, OutputMode::Append, Some(resume));
    assert!(query.open(0).is_empty());
    let taken = records(&run(query.poll(0, &NoFiles)));
    (query, taken)
}

fn once_dead() -> Poison {
    Poison {
        deaths: 1,
        aside: vec![],
    }
}

fn letter(asked: &Asked) -> Value {
    serde_json::from_str(&asked.text).expect("a line of JSON")
}

#[test]
fn the_first_death_is_written_before_it_ends_the_query() {
    deep(|| {
        let mut query = query(ASAP, OutputMode::Append, true);
        push(&mut query, 0);
        let offsets = stored(query.poll(0, &NoFiles));
        run(answer(&mut query, 0, &offsets));
        let death = stored(dies(&mut query, 5));
        assert_eq!(
            (death.path.as_str(), &letter(&death)["death"]),
            ("/check/deaths/0.1", &json!(1))
        );
        assert!(query.is_active());
        let error = end(answer(&mut query, 6, &death)).expect("an error ends it");
        assert_eq!(error.parameters["cause"], "RIVULET_PANIC");
        let more = "it dies. After 2 deaths of batch 0 (this was number 1; spark.rivulet.streaming.poison.maxDeaths) the record that it \
                    dies of is set aside.";
        assert!(error.message.contains(more), "{error}");
    });
}

#[test]
fn at_the_second_death_the_record_is_searched_for_and_written_before_the_batch_runs_without_it() {
    deep(|| {
        let (mut query, taken) = restarted(once_dead());
        assert_eq!(taken.as_bytes(), RECORDS);
        let death = stored(dies(&mut query, 0));
        assert_eq!(death.path, "/check/deaths/0.2");
        // Without records, then halves; what a trial makes goes nowhere.
        assert_eq!(anew(answer(&mut query, 0, &death)), "");
        assert_eq!(query.message(), "Looking for the record that batch 0 dies of");
        let mut trial = anew(done(&mut query, 0, outcome(Some(999))));
        let mut trials = vec![];
        let written = loop {
            trials.push(trial.clone());
            let actions = if trial.contains("\"b\"") {
                dies(&mut query, 0)
            } else {
                let mut made = outcome(Some(999));
                made.changes = changes();
                done(&mut query, 0, made)
            };
            match actions.as_slice() {
                [Action::RunAnew(_)] => trial = anew(actions),
                _ => break stored(actions),
            }
        };
        assert_eq!(trials.last().map(String::as_str), Some("{\"b\":2}\n"));
        assert_eq!(written.path, "/check/deadLetters/0.0.json");
        let line = letter(&written);
        assert_eq!(
            (&line["batch"], &line["source"], &line["record"], &line["range"]),
            (
                &json!(0),
                &json!("rivulet.push[s]"),
                &json!("{\"b\":2}"),
                &json!([8, 16])
            )
        );
        assert_eq!(anew(answer(&mut query, 1, &written)), "{\"a\":1}\n{\"c\":3}\n");
        assert_eq!(delivery(done(&mut query, 2, outcome(Some(7)))), BatchId(0));
        let commit = stored(query.delivered(3, Ok(()), &NoFiles));
        // No event time of a trial has moved the watermark.
        assert!(commit.text.contains("\"nextBatchWatermarkMs\":0"), "{}", commit.text);
        let mut actions = answer(&mut query, 4, &commit);
        let report = progress(vec![actions.pop().expect("the report")]);
        assert_eq!(report["sources"][0]["metrics"]["recordsSetAside"], "1");
        let gone = actions.iter().filter_map(|action| match action {
            Action::Storage {
                request: Request::Delete { path },
                ..
            } => Some(path.as_str()),
            _ => None,
        });
        assert_eq!(gone.collect::<Vec<_>>(), ["/check/deaths/0.1", "/check/deaths/0.2"]);
    });
}

#[test]
fn a_restart_after_the_decision_runs_the_batch_without_the_record_at_once() {
    deep(|| {
        let aside = Aside {
            source: "rivulet.push[s]".into(),
            piece: Piece {
                source: 0,
                block: 0,
                range: Some((0, 8)),
            },
            reason: "it dies".into(),
            record: Buffer::default(),
        };
        let (mut query, taken) = restarted(Poison {
            deaths: 2,
            aside: vec![aside],
        });
        assert_eq!(taken, "{\"b\":2}\n{\"c\":3}\n");
        // If there is another one, it is searched for in what is left, and has a file of its own.
        let death = stored(dies(&mut query, 0));
        assert_eq!(anew(answer(&mut query, 0, &death)), "");
        assert_eq!(anew(done(&mut query, 0, outcome(None))), "{\"b\":2}\n");
        // One death of a record alone may be an accident.
        assert_eq!(anew(dies(&mut query, 0)), "{\"b\":2}\n");
        let written = stored(dies(&mut query, 0));
        assert_eq!(written.path, "/check/deadLetters/0.1.json");
        assert_eq!(anew(answer(&mut query, 0, &written)), "{\"c\":3}\n");
    });
}

#[test]
fn an_error_of_a_trial_that_is_no_death_ends_the_query_and_so_does_a_death_that_cannot_be_written() {
    deep(|| {
        let (mut query, _) = restarted(once_dead());
        let death = stored(dies(&mut query, 0));
        anew(answer(&mut query, 0, &death));
        let job = query.job().unwrap_or(JobId(0));
        let error = SparkError::new(Exception::Arithmetic, "DIVIDE_BY_ZERO", "22012", "Division by zero.");
        let error = end(query.job_ended(0, job, Err(error), &NoFiles)).expect("an error ends it");
        assert_eq!(error.parameters["cause"], "DIVIDE_BY_ZERO");
        let (mut query, _) = restarted(once_dead());
        let death = stored(dies(&mut query, 0));
        let full = StorageError::of_text(&death.path, "QuotaExceededError");
        let error = end(query.answered(0, death.ticket, Err(full), &NoFiles)).expect("an error ends it");
        assert_eq!(error.parameters["cause"], "RIVULET_PANIC");
        let (mut query, _) = restarted(once_dead());
        let death = stored(dies(&mut query, 0));
        anew(answer(&mut query, 0, &death));
        assert_eq!(end(query.stop()), None);
        assert!(dies(&mut query, 1).is_empty() && done(&mut query, 1, outcome(None)).is_empty());
    });
}
