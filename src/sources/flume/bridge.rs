//! A Flume source's questions over HTTP, as both hosts ask them.

use arrow::buffer::Buffer;

use super::avro::Reader;
use super::event;
use super::exchange::{AVRO, Answer, EVENTS_PATH, Found, Question};
use crate::sources::http::{Http, Method, Request, Response};
use crate::sources::kafka::bridge::{Failed, JSON};
use crate::sources::systems::Refused;

/// Most bytes of an answer: one transaction, and what is around it.
const MOST_ANSWER_BYTES: usize = event::MOST_TRANSACTION_BYTES + (1 << 20);
/// How long an answer may take beyond what it is asked to wait, ms.
const ANSWER_MS: i64 = 20_000;
/// Most bytes of a lease.
const MOST_LEASE_BYTES: usize = 256;

/// Asks the gateway for the next delivery.
///
/// # Errors
/// Says why an answer is missing; a gateway that is away or busy is asked again.
pub async fn ask(http: &impl Http, question: &Question) -> Result<Answer, Refused> {
    let url = format!("{}{EVENTS_PATH}", question.url);
    let body = serde_json::to_vec(&question.wanted).map_err(|why| Refused::for_good(why.to_string()))?;
    let token = question.token.as_ref();
    let token = token.map(|token| ("Authorization".into(), format!("Bearer {token}")));
    let kinds = [
        ("Content-Type".into(), JSON.to_owned()),
        ("Accept".into(), AVRO.to_owned()),
    ];
    let request = Request {
        method: Method::Post,
        url: url.clone(),
        headers: kinds.into_iter().chain(token).collect(),
        body: Buffer::from(body),
        wants: None,
        max_bytes: MOST_ANSWER_BYTES.max(question.wanted.max_bytes.saturating_mul(2)),
        timeout_ms: question.wanted.wait_ms + ANSWER_MS,
    };
    let response = http.send(request).await.map_err(|why| {
        Refused::for_now(format!(
            "{url} cannot be reached: {why}. Is the gateway running, and does it let this page's origin in?"
        ))
    })?;
    let number = question.number;
    match response.status {
        200 => match found(&response.body) {
            Some(found) => Ok(Answer { number, found }),
            None => Err(Refused::for_good(format!(
                "{url} did not answer as Rivulet's gateway does; it said: {}",
                response.beginning()
            ))),
        },
        410 => Ok(Answer {
            number,
            found: Found::Forgotten,
        }),
        _ if response.is_away() => Err(Refused::for_now(told(&url, &response))),
        _ => Err(Refused::for_good(told(&url, &response))),
    }
}

/// Reads an answer: the lease, and a delivery that is whole if there is one; `None` if it is something else.
fn found(body: &[u8]) -> Option<Found> {
    let mut reader = Reader::new(body);
    let lease = reader.string(MOST_LEASE_BYTES).ok()?.to_owned();
    let has_delivery = reader.place("a union", 2).ok()? == 1;
    let rest = reader.rest();
    if !has_delivery {
        return rest.is_empty().then_some(Found::Lease(lease, None));
    }
    event::read_delivery(rest).ok()?;
    Some(Found::Lease(lease, Some(Buffer::from(rest))))
}

/// Returns what the gateway says is wrong, and what to set.
fn told(url: &str, response: &Response) -> String {
    let said: Failed = serde_json::from_slice(&response.body).unwrap_or_default();
    let status = response.status;
    let said = if said.message.is_empty() {
        response.beginning()
    } else {
        said.message
    };
    let hint = match status {
        401 => " The option token is what requests are authorized with.",
        _ => "",
    };
    format!("{url} answered {status}: {said}{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::flume::avro::{write_bytes, write_long};
    use crate::sources::flume::event::{Event, block_of, write_delivery};
    use crate::sources::flume::exchange::{From, Wanted};
    use crate::sources::http::scripted::scripted;
    use futures::executor::block_on;

    fn question() -> Question {
        Question {
            number: 7,
            url: "http://gateway".into(),
            token: Some("secret".into()),
            wanted: Wanted {
                from: From::Push { port: 41_414 },
                lease: None,
                ack: Some("1-1".into()),
                max_events: 10,
                max_bytes: 1_000,
                wait_ms: 50,
                leaves: false,
            },
        }
    }

    fn answered(status: u16, body: &[u8]) -> Result<Answer, Refused> {
        let server = scripted([Ok(Response {
            status,
            header: None,
            body: body.into(),
        })]);
        let answer = block_on(ask(&server, &question()));
        let asked = server.asked.borrow();
        assert_eq!(asked[0].url, "http://gateway/flume/events");
        assert!(
            asked[0]
                .headers
                .contains(&("Authorization".into(), "Bearer secret".into()))
        );
        let sent: serde_json::Value = serde_json::from_slice(&asked[0].body).unwrap();
        assert_eq!(
            (&sent["mode"], &sent["port"], &sent["ack"]),
            (&"push".into(), &41_414.into(), &"1-1".into())
        );
        answer
    }

    #[test]
    fn a_delivery_comes_with_its_lease() {
        let mut body = vec![];
        write_bytes(&mut body, b"lease");
        write_long(&mut body, 1);
        let at = body.len();
        write_delivery(&mut body, "1-2", [&block_of(&[Event::default()])[..]]);
        let found = Found::Lease("lease".into(), Some(Buffer::from(&body[at..])));
        assert_eq!(answered(200, &body), Ok(Answer { number: 7, found }));
        body.truncate(at - 1);
        write_long(&mut body, 0);
        let found = Found::Lease("lease".into(), None);
        assert_eq!(answered(200, &body), Ok(Answer { number: 7, found }));
    }

    #[test]
    fn servers_that_are_away_lie_or_refuse_are_told_apart() {
        assert_eq!(answered(410, b"").map(|a| a.found), Ok(Found::Forgotten));
        for (status, body, is_away) in [
            (503, &b""[..], true),
            (409, b"{\"message\":\"Another reader has come.\"}", false),
            (401, b"{}", false),
            (200, b"<html>", false),
            (200, b"", false),
            (200, b"\x02l\x02\x02i\x04\x00", false),
            (200, b"\x02l\x00x", false),
        ] {
            let refused = answered(status, body).unwrap_err();
            assert_eq!(refused.is_away, is_away, "{refused:?}");
        }
        let refused = answered(401, b"no").unwrap_err();
        assert!(
            refused
                .message
                .ends_with("answered 401: no The option token is what requests are authorized with.")
        );
        let away = block_on(ask(&scripted([Err("refused".into())]), &question())).unwrap_err();
        assert!(away.is_away && away.message.contains("cannot be reached: refused"));
    }
}
