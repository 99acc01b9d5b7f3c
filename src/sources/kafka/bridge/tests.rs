//! A gateway that answers from a script: late, wrong, or not at all.

use futures::executor::block_on;

use super::*;
use crate::sources::http::scripted::scripted;
use crate::sources::kafka::exchange::Cluster;
use crate::sources::kafka::rows::Record;

fn said(status: u16, next: Option<i64>, body: &[u8]) -> Result<Response, String> {
    Ok(Response {
        status,
        header: next.map(|next| next.to_string()),
        body: body.to_vec(),
    })
}

/// Rows with these offsets.
fn rows_of(offsets: &[i64]) -> Vec<u8> {
    let records = offsets.iter().map(|offset| Record {
        offset: *offset,
        ..Record::default()
    });
    rows::block("t", 0, &records.collect::<Vec<_>>(), false).unwrap()
}

fn order(from: i64, until: i64, strict: bool) -> Order {
    Order {
        cluster: cluster(),
        topic: "t".into(),
        partition: 0,
        from,
        until,
        headers: false,
        strict,
        timeout_ms: 1_000,
    }
}

fn cluster() -> Cluster {
    Cluster {
        bridge: Some("http://gate".into()),
        dialect: Dialect::Rivulet,
        ..Default::default()
    }
}

#[test]
fn records_come_in_as_many_answers_as_it_takes_and_each_request_begins_where_the_last_ended() {
    let http = scripted([
        said(200, Some(13), &rows_of(&[10, 12])),
        said(503, None, b"{\"message\":\"busy\"}"),
        Err("reset".into()),
        said(200, Some(20), b""),
        said(200, Some(22), &rows_of(&[20, 21])),
    ]);
    let blocks = block_on(pull(&http, &order(10, 22, true))).unwrap();
    let starts: Vec<i64> = http
        .asked
        .borrow()
        .iter()
        .map(|request| serde_json::from_slice::<RecordsWanted>(&request.body).unwrap().from)
        .collect();
    assert_eq!((starts, blocks.len()), (vec![10, 13, 13, 13, 20], 2));
    assert_eq!(*http.slept_ms.borrow(), 2 * PAUSE_MS);
}

#[test]
fn records_that_are_gone_are_an_error_or_passed_over() {
    let gone = || said(416, Some(15), b"{\"message\":\"offsets 15 to 30 are there\"}");
    let error = block_on(pull(&scripted([gone()]), &order(10, 20, true))).unwrap_err();
    assert_eq!(
        error.condition.as_deref(),
        Some("KAFKA_DATA_LOSS.COULD_NOT_READ_OFFSET_RANGE")
    );
    assert!(
        error.message.contains("[10, 20) for topic partition t-0") && !error.is_retryable(),
        "{error}"
    );
    let http = scripted([gone(), said(200, Some(20), &rows_of(&[15, 19]))]);
    assert_eq!(block_on(pull(&http, &order(10, 20, false))).unwrap().len(), 1);
    let all_gone = scripted([said(416, Some(40), b"")]);
    assert_eq!(block_on(pull(&all_gone, &order(10, 20, false))).unwrap().len(), 0);
    let back = scripted([said(416, Some(3), b"")]);
    assert!(
        block_on(pull(&back, &order(10, 20, false))).is_err(),
        "it would be asked for ever"
    );
}

#[test]
fn a_server_that_lies_is_told_so() {
    let other = rows_of(&[10]);
    let record = Record {
        offset: 10,
        ..Record::default()
    };
    let columns = rows::block("t", 0, &[record], true).unwrap();
    let lies = [
        (said(200, None, &other), "does not say in rivulet-next-offset"),
        (said(200, Some(9), &other), "does not say in rivulet-next-offset"),
        (said(200, Some(11), b"<html>"), "did not come as rows"),
        (said(200, Some(11), &columns), "came with other columns"),
        (
            said(200, Some(12), &rows_of(&[10, 10])),
            "are not those from offset 10 up to 12",
        ),
        (
            said(200, Some(12), &rows_of(&[11, 10])),
            "are not those from offset 10 up to 12",
        ),
        (
            said(200, Some(11), &rows_of(&[10, 11])),
            "are not those from offset 10 up to 11",
        ),
        (
            said(200, Some(50), &rows_of(&[10, 30])),
            "are not those from offset 10 up to 50",
        ),
        (
            said(200, Some(11), &rows_of(&[9])),
            "are not those from offset 10 up to 11",
        ),
        (said(302, None, b"elsewhere"), "answered 302: elsewhere"),
        (said(401, None, b"{\"message\":\"no\"}"), "kafka.bridge.token"),
    ];
    for (lie, told) in lies {
        let error = block_on(pull(&scripted([lie]), &order(10, 20, false))).unwrap_err();
        assert!(error.message.contains(told), "{told}: {error}");
        assert_eq!(error.condition.as_deref(), Some("RIVULET_KAFKA_UNANSWERED"));
    }
}

#[test]
fn a_server_without_records_or_out_of_reach_is_given_up_after_the_orders_time() {
    let nothing = || said(200, Some(10), b"");
    let error = block_on(pull(&scripted([nothing()]), &order(10, 20, true))).unwrap_err();
    assert!(
        error.message.contains("has no record at offset 10") && error.is_retryable(),
        "{error}"
    );
    let http = scripted([]);
    let error = block_on(pull(&http, &order(10, 20, true))).unwrap_err();
    assert!(
        error.message.contains("cannot be reached: the script is over"),
        "{error}"
    );
    assert_eq!(
        http.asked.borrow().len() as i64,
        order(0, 1, true).timeout_ms / PAUSE_MS
    );
}

#[test]
fn a_block_is_sent_until_it_is_written_or_refused() {
    let writing = Writing {
        cluster: cluster(),
        blocks: vec![vec![1].into(), vec![2].into()],
    };
    let sent = |answers: Vec<Result<Response, String>>| {
        let http = scripted(answers);
        let written = block_on(write(&http, &writing)).map_err(|refused| refused.message);
        let blocks: Vec<u8> = http.asked.borrow().iter().map(|request| request.body[0]).collect();
        (written, blocks)
    };
    let ok = || said(200, None, b"{}");
    assert_eq!(
        sent(vec![ok(), said(502, None, b""), Err("reset".into()), ok()]),
        (Ok(()), vec![1, 2, 2, 2])
    );
    let (refused, blocks) = sent(vec![ok(), said(404, None, br#"{"message":"no topic t"}"#)]);
    assert!(refused.unwrap_err().contains("answered 404: no topic t") && blocks == [1, 2]);
    let (refused, blocks) = sent(vec![]);
    assert!(refused.unwrap_err().contains("the script is over"));
    assert_eq!(blocks.len() as i64, 1 + WRITE_MS / PAUSE_MS);
}

#[test]
fn offsets_are_read_and_what_is_none_is_refused() {
    let question = || Question {
        cluster: cluster(),
        topics: Topics::Names(vec!["t".into()]),
        times: Times::None,
    };
    let ask = |answer| block_on(answer_of(&scripted([answer]), &question()));
    let found = ask(said(
        200,
        None,
        br#"{"partitions":{"t":{"0":{"earliest":1,"latest":5}}}}"#,
    ))
    .unwrap();
    assert_eq!(found[&("t".to_owned(), 0)].latest, 5);
    let refusals = [
        (said(200, None, b"<html>"), "is not a gateway for Kafka", false),
        (
            said(200, None, br#"{"partitions":{"t":{"0":{"earliest":6,"latest":5}}}}"#),
            "is not a gateway",
            false,
        ),
        (
            said(200, None, br#"{"partitions":{"t":{"-1":{"earliest":0,"latest":5}}}}"#),
            "is not a gateway",
            false,
        ),
        (
            said(404, None, br#"{"message":"no topic t"}"#),
            "answered 404: no topic t",
            false,
        ),
        (said(502, None, br#"{"message":"away"}"#), "answered 502: away", true),
        (Err("Failed to fetch".into()), "allow this page's origin (CORS)", true),
    ];
    for (answer, told, is_away) in refusals {
        let refused = ask(answer).unwrap_err();
        assert!(
            refused.message.contains(told) && refused.is_away == is_away,
            "{refused:?}"
        );
    }
    let mut nowhere = question();
    nowhere.cluster.bridge = None;
    let refused = block_on(answer_of(&scripted([]), &nowhere)).unwrap_err();
    assert!(refused.message.contains("set the option kafka.bridge.url") && !refused.is_away);
}

#[test]
fn a_token_is_a_bearers_unless_it_names_its_scheme() {
    let sent = |token: &str| headers(JSON, Some(&token.to_owned())).pop();
    assert_eq!(sent("abc"), Some(("Authorization".into(), "Bearer abc".to_owned())));
    assert_eq!(
        sent("Basic YTpi"),
        Some(("Authorization".into(), "Basic YTpi".to_owned()))
    );
}
