//! A server whose credentials run out, and a page whose function returns new ones.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray};

use super::*;
use crate::error::SparkError;
use crate::sources::credentials::Held;

/// Returns what the page's function returns: a key with a secret and a token of its own.
fn held(serial: u64) -> Result<Held> {
    let part = |name: &str| (name.to_owned(), format!("{name}-{serial}"));
    Ok(Held {
        serial,
        asked_ms: 0,
        until_ms: i64::MAX,
        values: ["accessKeyId", "secretAccessKey", "sessionToken"].map(part).into(),
    })
}

/// Returns a stream whose credentials a function of the page's returns.
fn of_function() -> Stream {
    Stream {
        credentials: None,
        function: Some("aws".into()),
        ..stream()
    }
}

/// Returns a block of one record that is to be written.
fn block() -> Buffer {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["k"])),
        Arc::new(BinaryArray::from_vec(vec![b"v"])),
    ];
    let batch = RecordBatch::try_new(rows::written(), columns).unwrap();
    Buffer::from(ipc::write(&rows::written(), [&batch]).unwrap())
}

fn served(answers: impl IntoIterator<Item = Answer>, of_page: impl IntoIterator<Item = Result<Held>>) -> Scripted {
    let http = scripted(answers);
    http.held.replace(of_page.into_iter().collect());
    http
}

fn look(http: &Scripted) -> std::result::Result<Look, Refused> {
    let question = Question {
        stream: of_function(),
        ..question()
    };
    block_on(reading::look(http, &question))
}

/// Returns by which key each request was signed, and with which token.
fn signed_by(http: &Scripted) -> Vec<(String, String)> {
    let header = |request: &Asked, wanted: &str| {
        let mut headers = request.headers.iter();
        headers.find(|(name, _)| name == wanted).unwrap().1.clone()
    };
    let key = |request: &Asked| {
        let authorization = header(request, "Authorization");
        let (_, rest) = authorization.split_once("Credential=").unwrap();
        rest.split('/').next().unwrap().to_owned()
    };
    let asked = http.asked.borrow();
    asked
        .iter()
        .map(|request| (key(request), header(request, "X-Amz-Security-Token")))
        .collect()
}

#[test]
fn credentials_that_run_out_in_the_middle_are_replaced_and_the_request_is_sent_again() {
    for kind in ["ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException"] {
        let answers = [shards(), failed(kind), iterator(), records(&["9"], Some("j"), 0)];
        let http = served(answers, [held(1), held(1), held(2), held(2)]);
        assert_eq!(look(&http).unwrap().reaches["a"], reach(Some("9"), 1, false));
        let by = |n: u32| (format!("accessKeyId-{n}"), format!("sessionToken-{n}"));
        assert_eq!(signed_by(&http), [by(1), by(1), by(2), by(2)]);
        assert_eq!(http.refused.take(), [None, None, Some(1), None]);
    }
}

#[test]
fn credentials_that_are_refused_twice_are_an_error_that_shows_no_secret() {
    let echo = || {
        let message = "The Canonical String was x-amz-security-token:sessionToken-2 by secretAccessKey-2";
        raw(
            403,
            json!({"__type": "InvalidSignatureException", "message": message})
                .to_string()
                .as_bytes(),
        )
    };
    let http = served([echo(), echo(), shards()], [held(1), held(2)]);
    let error = *look(&http).unwrap_err().error.unwrap();
    assert_eq!(error.condition.as_deref(), Some("RIVULET_CREDENTIALS.REFUSED"));
    for part in ["'aws'", "kinesis.credentials", "x-amz-security-token:*** by ***"] {
        assert!(error.message.contains(part), "{error}");
    }
    assert_eq!(http.asked.borrow().len(), 2);
}

#[test]
fn a_secret_is_not_shown_in_part_either() {
    let echo = format!("{}sessionToken-1", "-".repeat(195));
    let http = served([raw(200, echo.as_bytes())], [held(1)]);
    let message = look(&http).unwrap_err().message;
    assert!(message.contains("-----***") && !message.contains("sess"), "{message}");
}

#[test]
fn an_error_of_the_functions_ends_looks_reads_and_writes_and_nothing_is_sent() {
    let thrown = || SparkError::new(Exception::Runtime, "RIVULET_CREDENTIALS.THREW", "", "it threw");
    let http = served([], [Err(thrown()), Err(thrown()), Err(thrown())]);
    assert_eq!(look(&http).unwrap_err().error, Some(Box::new(thrown())));
    let mut order = order(after("8"), Some("10"), Some(2), true);
    order.stream = of_function();
    assert_eq!(block_on(reading::pull(&http, &order)).unwrap_err(), thrown());
    let writing = Writing {
        stream: of_function(),
        blocks: vec![block()],
    };
    assert_eq!(
        block_on(writing::write(&http, &writing)).unwrap_err().error,
        Some(Box::new(thrown()))
    );
    assert!(http.asked.borrow().is_empty());
}

#[test]
fn a_query_ends_with_the_functions_error_at_once_and_not_after_more_tries() {
    let mut source = source(&[("kinesis.credentials", "aws")]);
    source.look();
    let thrown = SparkError::new(
        Exception::Runtime,
        "RIVULET_CREDENTIALS.NOT_REGISTERED",
        "",
        "not registered",
    );
    let answer = Event::Answered(Box::new(Err(Refused::from(thrown.clone()))));
    assert_eq!(source.heard(answer, 0).err(), Some(thrown));
}

#[test]
fn a_function_and_keys_are_not_set_together() {
    let set = |option: &str| {
        let pairs = [
            ("kinesis.streamname", "s"),
            ("kinesis.region", "r"),
            ("kinesis.credentials", "aws"),
            (option, "x"),
        ];
        let set = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        options::stream_of(&set.collect())
    };
    assert_eq!(
        set("kinesis.clientnumretries").unwrap().function.as_deref(),
        Some("aws")
    );
    let error = set("kinesis.awssessiontoken").unwrap_err();
    assert!(
        error.message.starts_with("Options 'kinesis.credentials' and"),
        "{error}"
    );
}
