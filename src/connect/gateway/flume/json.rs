//! Events in JSON, as Flume's `JSONHandler` takes them: an array of objects with `headers`, whose values are text, and `body`, a text. A
//! body's bytes are its text in the charset of the request.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::sources::flume::event::{Event, MOST_BODY_BYTES, MOST_EVENTS, MOST_HEADER_BYTES, MOST_HEADERS, check_count};

/// A charset that the handler takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// Without another one.
    Utf8,
    /// In two bytes, the highest first where no mark says otherwise; a mark begins what is written.
    Utf16,
    /// In four bytes, the highest first where no mark says otherwise.
    Utf32,
}

/// A text: numbers and booleans are their JSON.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reads;
        impl Visitor<'_> for Reads {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Text, E> {
                Ok(Text(text))
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
        }
        from.deserialize_any(Reads)
    }
}

/// Headers by name, of which there are not too many.
#[derive(Default)]
struct Headers(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut headers = BTreeMap::new();
                while let Some((name, Text(value))) = map.next_entry::<String, Text>()? {
                    if name.len().max(value.len()) > MOST_HEADER_BYTES {
                        return Err(Error::custom(format!(
                            "a header has more than {MOST_HEADER_BYTES} bytes"
                        )));
                    }
                    headers.insert(name, value);
                    if headers.len() > MOST_HEADERS {
                        return Err(Error::custom(format!("an event has more than {MOST_HEADERS} headers")));
                    }
                }
                Ok(Headers(headers))
            }
        }
        from.deserialize_map(Reads)
    }
}

/// An event as it is sent.
#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    headers: Option<Headers>,
    #[serde(default)]
    body: Option<Text>,
}

/// Events, of which there are not too many.
struct All(Vec<Sent>);

impl<'de> Deserialize<'de> for All {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = All;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of events")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<All, A::Error> {
                let (mut all, mut headers): (Vec<Sent>, usize) = (vec![], 0);
                while let Some(one) = sequence.next_element::<Sent>()? {
                    headers += one.headers.as_ref().map_or(0, |headers| headers.0.len());
                    check_count(headers).map_err(Error::custom)?;
                    if all.len() == MOST_EVENTS {
                        return Err(Error::custom(format!("there are more than {MOST_EVENTS} events")));
                    }
                    all.push(one);
                }
                Ok(All(all))
            }
        }
        from.deserialize_seq(Reads)
    }
}

impl Charset {
    /// Returns the charset of a content type; an error is what is wrong with it.
    pub fn of(content_type: &str) -> Result<Self, String> {
        let mut parameters = content_type.split(';').skip(1);
        let named = parameters.find_map(|one| {
            let (name, value) = one.split_once('=')?;
            let is_charset = name.trim().eq_ignore_ascii_case("charset");
            is_charset.then(|| value.trim().trim_matches('"').to_ascii_lowercase())
        });
        match named.as_deref() {
            None | Some("utf-8") => Ok(Self::Utf8),
            Some("utf-16") => Ok(Self::Utf16),
            Some("utf-32") => Ok(Self::Utf32),
            Some(other) => Err(format!("The charset {other} is not one of UTF-8, UTF-16 and UTF-32.")),
        }
    }

    /// Returns the text of bytes; `None` if they are not of this charset.
    fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
            Self::Utf16 => {
                let (is_little, bytes) = match bytes {
                    [0xff, 0xfe, rest @ ..] => (true, rest),
                    [0xfe, 0xff, rest @ ..] => (false, rest),
                    _ => (false, bytes),
                };
                let (pairs, []) = bytes.as_chunks::<2>() else {
                    return None;
                };
                let word = |pair: &[u8; 2]| {
                    if is_little {
                        u16::from_le_bytes(*pair)
                    } else {
                        u16::from_be_bytes(*pair)
                    }
                };
                char::decode_utf16(pairs.iter().map(word))
                    .collect::<Result<_, _>>()
                    .ok()
            }
            Self::Utf32 => {
                let (is_little, bytes) = match bytes {
                    [0xff, 0xfe, 0, 0, rest @ ..] => (true, rest),
                    [0, 0, 0xfe, 0xff, rest @ ..] => (false, rest),
                    _ => (false, bytes),
                };
                let (fours, []) = bytes.as_chunks::<4>() else {
                    return None;
                };
                let word = |four: &[u8; 4]| {
                    if is_little {
                        u32::from_le_bytes(*four)
                    } else {
                        u32::from_be_bytes(*four)
                    }
                };
                fours.iter().map(|four| char::from_u32(word(four))).collect()
            }
        }
    }

    /// Returns the bytes of a text, as Java's `getBytes` does.
    fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf16 if text.is_empty() => vec![],
            Self::Utf16 => {
                let words = [0xfeff].into_iter().chain(text.encode_utf16());
                words.flat_map(u16::to_be_bytes).collect()
            }
            Self::Utf32 => text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
        }
    }
}

/// Reads events, without a body of no bytes; an error is what is wrong with them.
pub fn events(charset: Charset, bytes: &[u8]) -> Result<Vec<Event>, String> {
    let text = charset.decode(bytes).ok_or("The body is not in its charset.")?;
    let All(sent) = serde_json::from_str(&text).map_err(|why| format!("The body is not an array of events: {why}."))?;
    let event = |one: Sent| {
        let body = one.body.map_or_else(Vec::new, |Text(text)| charset.encode(&text));
        if body.len() > MOST_BODY_BYTES {
            return Err(format!("A body has more than {MOST_BODY_BYTES} bytes."));
        }
        let headers = one.headers.unwrap_or_default().0;
        Ok(Event { headers, body })
    };
    sent.into_iter().map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Flume's user guide.
    const GUIDE: &str = r#"[{
  "headers" : {
             "timestamp" : "434324343",
             "host" : "random_host.example.com"
             },
  "body" : "random_body"
  },
  {
  "headers" : {
             "namenode" : "namenode.example.com",
             "datanode" : "random_datanode.example.com"
             },
  "body" : "really_random_body"
  }]"#;

    #[test]
    fn the_guides_example_is_two_events() {
        let events = events(Charset::Utf8, GUIDE.as_bytes()).unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].headers["timestamp"], "434324343");
        assert_eq!(events[0].body, b"random_body");
        assert_eq!(events[1].headers["datanode"], "random_datanode.example.com");
        assert_eq!(events[1].body, b"really_random_body");
    }

    #[test]
    fn a_body_has_the_bytes_of_its_text_in_the_charset_of_the_request() {
        assert_eq!(Charset::of("application/json"), Ok(Charset::Utf8));
        assert_eq!(Charset::of("application/json; charset=\"UTF-16\""), Ok(Charset::Utf16));
        assert!(Charset::of("application/json;charset=latin1").is_err());
        let text = r#"[{"body":"é𝄞"}]"#;
        for (charset, body) in [
            (Charset::Utf8, "é𝄞".as_bytes()),
            (Charset::Utf16, b"\xfe\xff\x00\xe9\xd8\x34\xdd\x1e"),
            (Charset::Utf32, b"\x00\x00\x00\xe9\x00\x01\xd1\x1e"),
        ] {
            let events = events(charset, &charset.encode(text)).unwrap();
            assert_eq!(events[0].body, body, "{charset:?}");
        }
        let little: Vec<u8> = [0xfeff]
            .into_iter()
            .chain(text.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(events(Charset::Utf16, &little).unwrap()[0].body.len(), 8);
    }

    #[test]
    fn what_is_not_an_array_of_events_is_refused_and_what_is_missing_is_empty() {
        let read = |text: &str| events(Charset::Utf8, text.as_bytes());
        assert_eq!(read("[]"), Ok(vec![]));
        assert_eq!(read("[{}]"), Ok(vec![Event::default()]));
        let loose = read(r#"[{"headers":{"n":5,"b":true},"body":7,"more":[1]}]"#).unwrap();
        assert_eq!((loose[0].headers["n"].as_str(), &loose[0].body[..]), ("5", &b"7"[..]));
        let many = format!("[{}]", vec!["{}"; MOST_EVENTS + 1].join(","));
        let long = format!(r#"[{{"headers":{{"a":"{}"}}}}]"#, "x".repeat(MOST_HEADER_BYTES + 1));
        let all: Vec<String> = (0..=MOST_HEADERS).map(|n| format!("\"h{n}\":1")).collect();
        let headers = format!(r#"[{{"headers":{{{}}}}}]"#, all.join(","));
        let deep = format!(
            r#"[{{"headers":{{"a":{}{}}}}}]"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        for wrong in [
            "",
            "{}",
            "[1]",
            "[{",
            r#"[{"headers":{"a":null}}]"#,
            r#"[{"headers":{"a":{}}}]"#,
            r#"[{"headers":[]}]"#,
            r#"[{"body":[1]}]"#,
            &many,
            &headers,
            &long,
            &deep,
        ] {
            assert!(read(wrong).is_err(), "{}", &wrong[..wrong.len().min(40)]);
        }
        assert!(events(Charset::Utf8, b"[{\"body\":\"\xff\"}]").is_err());
        assert!(events(Charset::Utf16, b"[").is_err());
    }
}
