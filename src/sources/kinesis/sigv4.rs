//! Signatures of requests to AWS: Signature Version 4 (AWS, "Create a signed AWS API request").
//!
//! ```text
//!  request ─▶ canonical request ─SHA-256─▶ string to sign ─HMAC─▶ signature
//!  secret key ─HMAC date, region, service, "aws4_request"─▶ signing key ─▲
//! ```

use std::fmt::Write;

use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::exchange::Credentials;

/// The name of the algorithm.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signs, when, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Whose request it is.
    pub credentials: &'a Credentials,
    /// The region, such as `us-east-1`.
    pub region: &'a str,
    /// The service, such as `kinesis`.
    pub service: &'a str,
    /// The time, as [`time_of`] writes it.
    pub time: &'a str,
}

/// A request, as far as it is signed.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path, encoded; `/` for none.
    pub path: &'a str,
    /// Names and values of the query, encoded.
    pub query: &'a [(&'a str, &'a str)],
    /// Names and values of the headers that are signed; `Host` must be among them.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// Returns a time as requests carry it in `X-Amz-Date`; `None` for one beyond the calendar.
///
/// ```
/// use rivulet::sources::kinesis::sigv4::time_of;
///
/// assert_eq!(time_of(1_440_938_160_000).as_deref(), Some("20150830T123600Z"));
/// ```
pub fn time_of(ms: i64) -> Option<String> {
    let at = DateTime::from_timestamp_millis(ms)?;
    Some(at.format("%Y%m%dT%H%M%SZ").to_string())
}

/// Returns the value of the header `Authorization` for a request; `None` if the time is not one.
pub fn authorization(scope: Scope<'_>, message: Message<'_>) -> Option<String> {
    let date = scope.time.get(..8)?;
    let place = format!("{date}/{}/{}/aws4_request", scope.region, scope.service);
    let (canonical, signed) = canonical(message);
    let hash = hex(&Sha256::digest(canonical.as_bytes()));
    let to_sign = format!("{ALGORITHM}\n{}\n{place}\n{hash}", scope.time);
    let signature = hex(&mac(&key(scope, date)?, to_sign.as_bytes())?);
    let id = &scope.credentials.access_key_id;
    Some(format!(
        "{ALGORITHM} Credential={id}/{place}, SignedHeaders={signed}, Signature={signature}"
    ))
}

/// Returns the key that signs requests of a day.
fn key(scope: Scope<'_>, date: &str) -> Option<Vec<u8>> {
    let secret = format!("AWS4{}", scope.credentials.secret_key);
    let parts = [date, scope.region, scope.service, "aws4_request"];
    parts
        .into_iter()
        .try_fold(secret.into_bytes(), |key, part| mac(&key, part.as_bytes()))
}

/// Returns a request in its one form, and the names of its signed headers.
fn canonical(message: Message<'_>) -> (String, String) {
    let mut query: Vec<String> = message.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
    query.sort_unstable();
    let mut headers: Vec<(String, String)> = message
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), words(value)))
        .collect();
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let signed = names.join(";");
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{signed}\n{}",
        message.method,
        message.path,
        query.join("&"),
        hex(&Sha256::digest(message.body))
    );
    (canonical, signed)
}

/// Returns a header's value without spaces at its ends, and with one where there are several.
fn words(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the code of a message under a key; `None` if the key's length is not allowed, which no length is not.
fn mac(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac.finalize().into_bytes().to_vec())
}

/// Returns bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The credentials and the time of AWS's published test suite (`aws-sig-v4-test-suite`), and of its documentation's example.
    fn example() -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: None,
        }
    }

    const TIME: &str = "20150830T123600Z";

    fn signed(service: &str, method: &str, query: &[(&str, &str)], headers: &[(&str, &str)]) -> String {
        let credentials = example();
        let scope = Scope {
            credentials: &credentials,
            region: "us-east-1",
            service,
            time: TIME,
        };
        let message = Message {
            method,
            path: "/",
            query,
            headers,
            body: b"",
        };
        authorization(scope, message).unwrap()
    }

    #[test]
    fn the_vectors_of_the_published_test_suite_are_signed_as_it_says() {
        let headers = [("Host", "example.amazonaws.com"), ("X-Amz-Date", TIME)];
        let start = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                     SignedHeaders=host;x-amz-date, Signature=";
        type Query<'a> = &'a [(&'a str, &'a str)];
        let vectors: [(&str, &str, Query<'_>, &str); 4] = [
            (
                "get-vanilla",
                "GET",
                &[],
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "post-vanilla",
                "POST",
                &[],
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                "get-vanilla-query-order-key",
                "GET",
                &[("Param1", "value2"), ("Param1", "Value1")],
                "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1",
            ),
            (
                "get-vanilla-query-order-key-case",
                "GET",
                &[("Param2", "value2"), ("Param1", "value1")],
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
        ];
        for (name, method, query, signature) in vectors {
            assert_eq!(
                signed("service", method, query, &headers),
                format!("{start}{signature}"),
                "{name}"
            );
        }
    }

    #[test]
    fn the_example_of_the_documentation_is_signed_as_it_says() {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", TIME),
        ];
        let query = [("Version", "2010-05-08"), ("Action", "ListUsers")];
        assert_eq!(
            signed("iam", "GET", &query, &headers),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
        let credentials = example();
        let scope = Scope {
            credentials: &credentials,
            region: "us-east-1",
            service: "iam",
            time: TIME,
        };
        assert_eq!(
            hex(&key(scope, "20150830").unwrap()),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
        );
        let message = Message {
            method: "GET",
            path: "/",
            query: &query,
            headers: &headers,
            body: b"",
        };
        let hash = hex(&Sha256::digest(canonical(message).0.as_bytes()));
        assert_eq!(hash, "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
    }

    #[test]
    fn spaces_of_a_header_do_not_count() {
        let of = |value| {
            signed(
                "service",
                "GET",
                &[],
                &[("Host", "h"), ("My-Header", value), ("X-Amz-Date", TIME)],
            )
        };
        assert_eq!(of("a b c"), of(" a   b  c "));
        assert_ne!(of("a b c"), of("abc"));
    }
}
