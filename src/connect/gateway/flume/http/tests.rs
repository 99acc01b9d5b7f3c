use axum::Router;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, ORIGIN};
use tower::ServiceExt;

use super::*;
use crate::connect::gateway::flume::Settings as FlumeSettings;
use crate::connect::gateway::{Settings, routes};
use crate::sources::flume::event::id_of;

/// A gateway with the channel 0, whose agents wait so long, and a sink that may be polled.
fn gateway(patience: Duration, token: Option<&str>) -> Router {
    let settings = Settings {
        flume: FlumeSettings {
            listeners: vec![([127, 0, 0, 1], 0).into()],
            sinks: vec!["127.0.0.1:9".into()],
            patience: Some(patience),
        },
        origins: vec!["https://page.example".into()],
        token: token.map(Into::into),
        ..Settings::default()
    };
    routes(settings).unwrap()
}

/// Sends a POST request; returns the status and the body of the answer.
async fn post(gateway: &Router, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> (u16, Vec<u8>) {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = gateway
        .clone()
        .oneshot(request.body(body.into()).unwrap())
        .await
        .unwrap();
    let status = response.status().as_u16();
    (status, to_bytes(response.into_body(), 64 << 20).await.unwrap().to_vec())
}

const LONG: Duration = Duration::from_secs(600);
const AGENT: &str = "/flume/http/0";
const EVENTS: &str = "/flume/events";
const ONE: &str = r#"[{"headers":{"a":"b"},"body":"é"}]"#;

#[tokio::test]
async fn an_agent_hears_what_flumes_http_source_says() {
    let gateway = gateway(Duration::ZERO, None);
    let avro = [("content-type", "avro/binary")];
    let latin = [("content-type", "application/json; charset=latin1")];
    assert_eq!(post(&gateway, AGENT, &[], "[]").await.0, 200);
    assert_eq!(post(&gateway, AGENT, &avro, "").await.0, 200);
    assert_eq!(post(&gateway, AGENT, &[], ONE).await.0, 503, "nobody reads");
    for (path, headers, body, status) in [
        ("/flume/http/1", &[][..], ONE, 404),
        ("/flume/http/x", &[], ONE, 404),
        (AGENT, &[], "{", 400),
        (AGENT, &[], r#"{"body":"x"}"#, 400),
        (AGENT, &latin, ONE, 400),
        (AGENT, &avro, "Obj\x01", 400),
    ] {
        let (found, said) = post(&gateway, path, headers, body).await;
        assert_eq!(found, status, "{path} {body}");
        assert!(said.starts_with(b"{\"message\":"), "{path} {body}");
    }
    assert_eq!(
        post(&gateway, AGENT, &[], vec![b' '; MOST_TRANSACTION_BYTES + 1])
            .await
            .0,
        413
    );
}

#[tokio::test]
async fn pages_of_other_origins_and_agents_without_the_token_are_not_let_in() {
    let gateway = gateway(LONG, Some("secret"));
    let token = (AUTHORIZATION.as_str(), "Bearer secret");
    let away = (ORIGIN.as_str(), "https://elsewhere.example");
    let here = (ORIGIN.as_str(), "https://page.example");
    for path in [AGENT, EVENTS] {
        assert_eq!(post(&gateway, path, &[], "[]").await.0, 401, "{path}");
        assert_eq!(post(&gateway, path, &[token, away], "[]").await.0, 403, "{path}");
    }
    assert_eq!(post(&gateway, AGENT, &[token], "[]").await.0, 200);
    assert_eq!(post(&gateway, EVENTS, &[token, here], "[]").await.0, 400);
}

#[tokio::test]
async fn a_reader_hears_of_events_as_avro_or_json_and_acknowledges_them() {
    let gateway = gateway(LONG, None);
    let json = [("accept", "application/json")];
    let wanted = |more: &str| format!(r#"{{"mode":"push","port":0,"maxEvents":9,"maxBytes":99,"waitMs":30000{more}}}"#);
    let agent = tokio::spawn({
        let gateway = gateway.clone();
        async move { post(&gateway, AGENT, &[], ONE).await.0 }
    });
    let (status, body) = post(&gateway, EVENTS, &json, wanted("")).await;
    let told: Told = serde_json::from_slice(&body).unwrap();
    let delivery = told.delivery.unwrap();
    assert_eq!((status, delivery.events[0].headers["a"].as_str()), (200, "b"));
    assert_eq!(delivery.events[0].body, "w6k=");
    // The same again, in Avro.
    let lease = format!(r#","lease":"{}""#, told.lease);
    let (_, body) = post(&gateway, EVENTS, &[], wanted(&lease)).await;
    let mut reader = crate::sources::flume::avro::Reader::new(&body);
    assert_eq!((reader.string(99), reader.long()), (Ok(told.lease.as_str()), Ok(1)));
    assert_eq!(id_of(reader.rest()), Some(delivery.id.as_str()));
    assert!(!agent.is_finished());
    let none = format!(
        r#"{{"mode":"push","port":0,"maxEvents":0,"maxBytes":9,"waitMs":0{lease},"ack":"{}"}}"#,
        delivery.id
    );
    assert_eq!(post(&gateway, EVENTS, &[], none).await.0, 200);
    assert_eq!(agent.await.unwrap(), 200);
}

#[tokio::test]
async fn what_a_reader_may_not_ask_is_told_apart() {
    let gateway = gateway(LONG, None);
    let wanted = |from: &str| format!(r#"{{{from},"maxEvents":0,"maxBytes":9,"waitMs":0}}"#);
    let pull = |address: &str, batch: u32| {
        wanted(&format!(
            r#""mode":"pull","addresses":["{address}"],"batch":{batch},"parallelism":1"#
        ))
    };
    let first = post(
        &gateway,
        EVENTS,
        &[("accept", "application/json")],
        wanted(r#""mode":"push","port":0"#),
    )
    .await;
    let told: Told = serde_json::from_slice(&first.1).unwrap();
    assert_eq!(
        post(&gateway, EVENTS, &[], wanted(r#""mode":"push","port":0"#)).await.0,
        200
    );
    for (body, status) in [
        (wanted(r#""mode":"push","port":7"#), 404),
        (pull("10.0.0.1:22", 5), 403),
        (pull("127.0.0.1:9", 0), 400),
        (wanted(r#""mode":"guess""#), 400),
        ("{}".to_owned(), 400),
        (
            wanted(&format!(r#""mode":"push","port":0,"lease":"{}""#, told.lease)),
            409,
        ),
        (wanted(r#""mode":"push","port":0,"lease":"before-1""#), 410),
        (pull("127.0.0.1:9", 5), 200),
        (" ".repeat(2 << 20), 413),
    ] {
        let (found, said) = post(&gateway, EVENTS, &[], body.clone()).await;
        assert_eq!(found, status, "{}: {}", body.trim(), String::from_utf8_lossy(&said));
    }
}
