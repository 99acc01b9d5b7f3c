//! `parse_url`, `url_encode`, `url_decode` and their `try_` forms.
//!
//! URLs are taken apart by the rules of `java.net.URI`, without decoding what they hold.
//!
//! ```text
//! http://user@host:80/path?k=v#ref
//!
//! PROTOCOL  http           PATH   /path
//! AUTHORITY user@host:80   FILE   /path?k=v
//! USERINFO  user           QUERY  k=v, or v with the key k
//! HOST      host           REF    ref
//! ```

use arrow::datatypes::DataType;

use crate::error::{Exception, Result, SparkError};
use crate::plan::functions::call::Call;
use crate::plan::scope::Typed;

/// Resolves `url_encode` (`UrlEncode`).
pub fn url_encode(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.text(0)?], |r| Ok(Some(encode(r.text(0)))))
}

/// Resolves `url_decode` and `try_url_decode` (`UrlDecode`).
///
/// When it runs, a malformed escape is `CANNOT_DECODE_URL`, or null if `tolerant`.
pub fn url_decode(call: &Call<'_>, tolerant: bool) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.text(0)?], move |r| match decode(r.text(0)) {
        None if !tolerant => Err(undecodable(r.text(0))),
        found => Ok(found),
    })
}

/// Makes `CANNOT_DECODE_URL`, which names the URL.
fn undecodable(url: &str) -> SparkError {
    SparkError::new(
        Exception::IllegalArgument,
        "CANNOT_DECODE_URL",
        "22546",
        format!(
            "The provided URL cannot be decoded: {url}. Please ensure that the URL is properly formatted and try again."
        ),
    )
    .with("url", url)
}

/// Resolves `parse_url` and `try_parse_url` (`ParseUrl`). A part that is missing or unknown is null; a
/// key has a value only of the QUERY.
///
/// When it runs, an invalid URL is `INVALID_URL` under ANSI, or null if `tolerant`.
pub fn parse_url(call: &Call<'_>, tolerant: bool) -> Result<Typed> {
    let tolerant = tolerant || !call.context.ansi();
    let args = (0..call.args.len()).map(|i| call.text(i)).collect::<Result<Vec<_>>>()?;
    let keyed = call.has(2);
    call.strict(DataType::Utf8, args, move |r| {
        let Some(url) = Url::parse(r.text(0)) else {
            return if tolerant { Ok(None) } else { Err(invalid(r.text(0))) };
        };
        let found = url.part(r.text(1));
        Ok(match keyed {
            false => found,
            true if r.text(1) == "QUERY" => found.and_then(|query| value_of(&query, r.text(2))),
            true => None,
        })
    })
}

/// Returns the value of a key of a query: of several, the first.
fn value_of(query: &str, key: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(k, _)| *k == key).map(|(_, v)| v.to_owned())
}

/// Makes `INVALID_URL`, which names the URL.
fn invalid(url: &str) -> SparkError {
    SparkError::new(
        Exception::IllegalArgument,
        "INVALID_URL",
        "22P02",
        format!("The url is invalid: {url}. Use `try_parse_url` to tolerate invalid URL and return NULL instead."),
    )
    .with("url", url)
}

/// Encodes as Java's `URLEncoder.encode(…, UTF_8)`: a space is a plus, everything but letters, digits
/// and `.-*_` is in hexadecimal.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// Decodes what [`encode`] writes; `None` for a `%` without two digits after it. Bytes that are not
/// UTF-8 become U+FFFD.
fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'+' => out.push(b' '),
            b'%' => {
                out.push(u8::from_str_radix(text.get(at + 1..at + 3)?, 16).ok()?);
                at += 2;
            }
            other => out.push(other),
        }
        at += 1;
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// The parts of a URL as `java.net.URI` takes them, undecoded.
struct Url<'a> {
    /// What stands before the first colon.
    scheme: Option<&'a str>,
    /// User, host and port.
    authority: Option<&'a str>,
    /// From the first slash on; may be empty.
    path: &'a str,
    /// After the question mark.
    query: Option<&'a str>,
    /// After the hash.
    fragment: Option<&'a str>,
}

impl<'a> Url<'a> {
    /// Takes a URL apart; `None` if a character cannot be in one. Relative URLs are allowed.
    fn parse(text: &'a str) -> Option<Self> {
        if text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "\"<>\\^`{|}".contains(c))
        {
            return None;
        }
        let (rest, fragment) = text.split_once('#').map_or((text, None), |(r, f)| (r, Some(f)));
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(r, q)| (r, Some(q)));
        let scheme_end = rest.find(':').filter(|at| {
            rest[..*at].starts_with(|c: char| c.is_ascii_alphabetic())
                && rest[..*at]
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        });
        let (scheme, rest) = scheme_end.map_or((None, rest), |at| (Some(&rest[..at]), &rest[at + 1..]));
        let (authority, path) = match rest.strip_prefix("//") {
            Some(behind) => {
                let end = behind.find('/').unwrap_or(behind.len());
                (Some(&behind[..end]).filter(|a| !a.is_empty()), &behind[end..])
            }
            None => (None, rest),
        };
        Some(Self {
            scheme,
            authority,
            path,
            query,
            fragment,
        })
    }

    /// Returns a part by the name that `parse_url` has for it, in capitals.
    fn part(&self, name: &str) -> Option<String> {
        let userinfo = || self.authority.and_then(|a| a.rsplit_once('@').map(|(user, _)| user));
        Some(match name {
            "HOST" => {
                let host = self.authority?.rsplit_once('@').map_or(self.authority?, |(_, h)| h);
                if host.starts_with('[') {
                    host.split_inclusive(']').next()?.to_owned()
                } else {
                    host.split(':').next()?.to_owned()
                }
            }
            "PATH" => self.path.to_owned(),
            "QUERY" => self.query?.to_owned(),
            "REF" => self.fragment?.to_owned(),
            "PROTOCOL" => self.scheme?.to_owned(),
            "FILE" => self
                .query
                .map_or_else(|| self.path.to_owned(), |q| format!("{}?{q}", self.path)),
            "AUTHORITY" => self.authority?.to_owned(),
            "USERINFO" => userinfo()?.to_owned(),
            _ => return None,
        })
    }
}
