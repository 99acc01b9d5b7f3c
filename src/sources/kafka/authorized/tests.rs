//! A server that lets in who has the right headers, and a page whose function returns them.

use futures::executor::block_on;

use super::*;
use crate::sources::http::scripted::{Scripted, scripted};
use crate::sources::kafka::bridge::{self, OffsetsFound};
use crate::sources::kafka::dialect::Dialect;
use crate::sources::kafka::exchange::{Order, Question, Span, Spans, Times, Topics};
use crate::sources::systems::Refused;

fn question(dialect: Dialect, url: &str) -> Question {
    Question {
        cluster: Cluster {
            bridge: Some(url.into()),
            credentials: Some("orders".into()),
            dialect,
            ..Default::default()
        },
        topics: Topics::Names(vec!["t".into()]),
        times: Times::None,
    }
}

fn held(serial: u64, token: &str) -> Held {
    Held {
        serial,
        asked_ms: 0,
        until_ms: i64::MAX,
        values: [("Authorization".to_owned(), format!("Bearer {token}"))].into(),
    }
}

fn said(status: u16, body: &str) -> Result<Response, String> {
    Ok(Response {
        status,
        header: None,
        body: body.into(),
    })
}

fn spans() -> Spans {
    let span = Span {
        earliest: 0,
        latest: 7,
        at_time: None,
    };
    [(("t".to_owned(), 0), span)].into()
}

fn offsets() -> Result<Response, String> {
    said(200, &serde_json::to_string(&OffsetsFound::of(&spans())).unwrap())
}

/// Returns a server whose page's function returns these.
fn served(answers: Vec<Result<Response, String>>, of_page: Vec<Known<Held>>) -> Scripted {
    let http = scripted(answers);
    http.held.replace(of_page.into());
    http
}

/// Returns what each request was authorized with.
fn sent(http: &Scripted) -> Vec<String> {
    let asked = http.asked.borrow();
    let header = |request: &Request| {
        let mut headers = request.headers.iter();
        headers
            .find(|(name, _)| name == "Authorization")
            .map(|(_, value)| value.clone())
    };
    asked.iter().filter_map(header).collect()
}

fn ask(http: &Scripted) -> Result<Spans, Refused> {
    block_on(bridge::answer_of(http, &question(Dialect::Rivulet, "http://gate")))
}

#[test]
fn each_request_carries_what_the_function_returns() {
    let http = served(vec![offsets()], vec![Ok(held(1, "first"))]);
    assert_eq!(ask(&http), Ok(spans()));
    assert_eq!(
        (sent(&http), http.refused.take()),
        (vec!["Bearer first".to_owned()], vec![None])
    );
}

#[test]
fn what_is_refused_is_asked_for_anew_and_the_request_sent_again() {
    for status in [401, 403] {
        let answers = vec![said(status, "{\"message\":\"no\"}"), offsets()];
        let http = served(answers, vec![Ok(held(1, "first")), Ok(held(2, "second"))]);
        assert_eq!(ask(&http), Ok(spans()));
        assert_eq!(sent(&http), ["Bearer first", "Bearer second"]);
        assert_eq!(http.refused.take(), [None, Some(1)]);
    }
}

#[test]
fn what_is_refused_twice_is_an_error_that_is_not_asked_again_and_shows_no_secret() {
    let echo = || said(401, "{\"message\":\"Bearer second-secret is wrong\"}");
    let http = served(
        vec![echo(), echo(), offsets()],
        vec![Ok(held(1, "first-secret")), Ok(held(2, "second-secret"))],
    );
    let error = *ask(&http).unwrap_err().error.unwrap();
    assert_eq!(error.condition.as_deref(), Some("RIVULET_CREDENTIALS.REFUSED"));
    assert!(
        error
            .message
            .starts_with("http://gate/kafka/offsets answered 401: *** is wrong."),
        "{error}"
    );
    assert!(
        error.message.contains("'orders'") && error.message.contains("kafka.bridge.credentials"),
        "{error}"
    );
    assert_eq!(sent(&http).len(), 2);
}

#[test]
fn an_error_of_the_functions_is_what_the_question_ends_with_and_nothing_is_sent() {
    let thrown = SparkError::new(
        crate::error::Exception::Runtime,
        "RIVULET_CREDENTIALS.THREW",
        "",
        "it threw",
    );
    let http = served(vec![offsets()], vec![Err(thrown.clone())]);
    assert_eq!(ask(&http).unwrap_err().error, Some(Box::new(thrown)));
    assert!(http.asked.borrow().is_empty());
}

#[test]
fn who_was_not_let_in_has_not_learned_which_server_it_is() {
    let question = question(Dialect::Auto, "http://rest-behind-a-login");
    let no = || said(401, "no");
    let http = served(vec![no(), no()], vec![Ok(held(1, "first")), Ok(held(2, "second"))]);
    assert!(block_on(bridge::answer_of(&http, &question)).is_err());
    let unknown = || said(404, "{\"error_code\":404,\"message\":\"HTTP 404 Not Found\"}");
    let answers = vec![
        unknown(),
        unknown(),
        said(200, "[{\"partition\":0}]"),
        said(200, "{\"beginning_offset\":0,\"end_offset\":7}"),
    ];
    let http = served(answers, (0..4).map(|_| Ok(held(3, "third"))).collect());
    let found = block_on(bridge::answer_of(&http, &question));
    assert_eq!(
        found,
        Ok(spans()),
        "{:?}",
        http.asked.borrow().iter().map(|r| r.url.clone()).collect::<Vec<_>>()
    );
}

#[test]
fn records_that_were_read_are_there_though_a_consumer_cannot_be_ended() {
    let question = question(Dialect::Strimzi, "http://rest");
    let order = Order {
        cluster: question.cluster,
        topic: "t".into(),
        partition: 0,
        from: 0,
        until: 1,
        headers: false,
        strict: true,
        timeout_ms: 1_000,
    };
    let answers = vec![
        said(200, "{\"beginning_offset\":0,\"end_offset\":1}"),
        said(200, "{\"instance_id\":\"i\",\"base_uri\":\"http://inside/i\"}"),
        said(204, ""),
        said(204, ""),
        said(
            200,
            "[{\"topic\":\"t\",\"partition\":0,\"offset\":0,\"key\":null,\"value\":\"dg==\"}]",
        ),
    ];
    let mut of_page: Vec<Known<Held>> = (0..5).map(|_| Ok(held(1, "first"))).collect();
    of_page.push(Err(SparkError::internal("the function is gone")));
    let http = served(answers, of_page);
    let read = block_on(bridge::pull(&http, &order)).map(|blocks| blocks.len());
    assert_eq!(
        (read, http.refused.borrow().len()),
        (Ok(1), 6),
        "{:?}",
        http.asked.borrow()
    );
}
