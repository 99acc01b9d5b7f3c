//! Flume's events: headers and a body, as `AvroFlumeEvent` has them, and deliveries of many.
//!
//! ```text
//! event     headers: map<string>, body: bytes         headers may be bytes, and a body a string: they are written alike
//! delivery  id: string, events: array<event>          a block of the array for each transaction
//! ```

use std::collections::BTreeMap;

use super::avro::{Malformed, Reader, write_bytes, write_long};

/// Most bytes of an event's body.
pub const MOST_BODY_BYTES: usize = 8 << 20;
/// Most headers of an event.
pub const MOST_HEADERS: usize = 1_000;
/// Most bytes of a header's name, and of its value.
pub const MOST_HEADER_BYTES: usize = 64 << 10;
/// Most events of a transaction.
pub const MOST_EVENTS: usize = 10_000;
/// Most headers of a transaction: a header takes more memory than bytes.
pub const MOST_TRANSACTION_HEADERS: usize = 200_000;
/// Most bytes of a transaction.
pub const MOST_TRANSACTION_BYTES: usize = 16 << 20;
/// Most events of a delivery.
const MOST_DELIVERED: usize = 1_000_000;
/// Most bytes of a delivery's id.
const MOST_ID_BYTES: usize = 256;

/// An event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// What is said of it, by name.
    pub headers: BTreeMap<String, String>,
    /// Its bytes.
    pub body: Vec<u8>,
}

impl Event {
    /// Reads an event; of headers of one name the last counts.
    ///
    /// # Errors
    /// [`Malformed`], also if it is larger than an event may be.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut headers = BTreeMap::new();
        reader.blocks("headers of an event", MOST_HEADERS, |reader| {
            let name = reader.string(MOST_HEADER_BYTES)?.to_owned();
            headers.insert(name, reader.string(MOST_HEADER_BYTES)?.to_owned());
            Ok(())
        })?;
        let body = reader.bytes(MOST_BODY_BYTES)?.to_vec();
        Ok(Self { headers, body })
    }

    /// Writes the event.
    pub fn write(&self, out: &mut Vec<u8>) {
        if !self.headers.is_empty() {
            write_long(out, self.headers.len() as i64);
        }
        for (name, value) in &self.headers {
            write_bytes(out, name.as_bytes());
            write_bytes(out, value.as_bytes());
        }
        write_long(out, 0);
        write_bytes(out, &self.body);
    }

    /// Reads all events of an array, up to the limit of a transaction.
    ///
    /// # Errors
    /// As [`Event::read`].
    pub fn read_all(reader: &mut Reader<'_>) -> Result<Vec<Self>, Malformed> {
        let (mut events, mut headers) = (Vec::new(), 0);
        reader.blocks("events of a transaction", MOST_EVENTS, |reader| {
            let event = Self::read(reader)?;
            headers += event.headers.len();
            events.push(event);
            check_count(headers)
        })?;
        Ok(events)
    }
}

/// Checks how many headers a transaction has.
///
/// # Errors
/// [`Malformed::TooMany`].
pub fn check_count(headers: usize) -> Result<(), Malformed> {
    if headers > MOST_TRANSACTION_HEADERS {
        return Err(Malformed::TooMany {
            what: "headers of a transaction",
            most: MOST_TRANSACTION_HEADERS,
        });
    }
    Ok(())
}

/// Returns events as one block of an array, without the array's end; nothing if there are none.
pub fn block_of(events: &[Event]) -> Vec<u8> {
    let mut out = Vec::new();
    if !events.is_empty() {
        write_long(&mut out, events.len() as i64);
        events.iter().for_each(|event| event.write(&mut out));
    }
    out
}

/// Writes a delivery of blocks, as [`block_of`] returns them.
pub fn write_delivery<'a>(out: &mut Vec<u8>, id: &str, blocks: impl IntoIterator<Item = &'a [u8]>) {
    write_bytes(out, id.as_bytes());
    blocks.into_iter().for_each(|block| out.extend_from_slice(block));
    write_long(out, 0);
}

/// Reads a delivery: its id and its events.
///
/// # Errors
/// [`Malformed`].
pub fn read_delivery(bytes: &[u8]) -> Result<(&str, Vec<Event>), Malformed> {
    let mut reader = Reader::new(bytes);
    let id = reader.string(MOST_ID_BYTES)?;
    let mut events = Vec::new();
    reader.blocks("events of a delivery", MOST_DELIVERED, |reader| {
        events.push(Event::read(reader)?);
        Ok(())
    })?;
    reader.end()?;
    Ok((id, events))
}

/// Returns a delivery's id alone; `None` if it has none.
pub fn id_of(bytes: &[u8]) -> Option<&str> {
    Reader::new(bytes).string(MOST_ID_BYTES).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    fn event(headers: &[(&str, &str)], body: &[u8]) -> Event {
        Event {
            headers: headers.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            body: body.into(),
        }
    }

    /// Bytes by hand, from the specification: a block of two headers, the end of the map, six bytes.
    #[test]
    fn an_event_is_a_map_and_bytes() {
        let bytes = b"\x04\x02a\x02b\x06foo\x00\x00\x0cb\0dy\xff!";
        let wanted = event(&[("a", "b"), ("foo", "")], b"b\0dy\xff!");
        assert_eq!(Event::read(&mut Reader::new(bytes)), Ok(wanted.clone()));
        let mut out = vec![];
        wanted.write(&mut out);
        assert_eq!(out, bytes);
        // The same map in two blocks, one with its size; the last of two values counts.
        let split = b"\x02\x02a\x02x\x03\x12\x02a\x02b\x06foo\x00\x00\x0cb\0dy\xff!";
        assert_eq!(Event::read(&mut Reader::new(split)), Ok(wanted));
    }

    #[test]
    fn a_delivery_is_read_as_it_was_written() {
        let (one, two) = ([event(&[], b"1"), event(&[("k", "v")], b"")], [event(&[], b"3")]);
        let mut out = vec![];
        write_delivery(&mut out, "7-1", [&block_of(&one)[..], &block_of(&[]), &block_of(&two)]);
        assert_eq!(read_delivery(&out), Ok(("7-1", [&one[..], &two].concat())));
        assert_eq!(id_of(&out), Some("7-1"));
        out.push(0);
        assert_eq!(read_delivery(&out), Err(Malformed::Trailing));
    }

    #[test]
    fn a_transaction_has_so_many_headers_and_not_more() {
        let full = Event {
            headers: (0..MOST_HEADERS).map(|n| (n.to_string(), String::new())).collect(),
            body: vec![],
        };
        let most = MOST_TRANSACTION_HEADERS / MOST_HEADERS;
        let read = |count| {
            let mut bytes = block_of(&vec![full.clone(); count]);
            write_long(&mut bytes, 0);
            Event::read_all(&mut Reader::new(&bytes)).map(|events| events.len())
        };
        assert_eq!(read(most), Ok(most));
        assert!(matches!(read(most + 1), Err(Malformed::TooMany { .. })));
    }

    /// Whatever bytes come: an answer, and no more memory than they deserve.
    #[test]
    fn bytes_at_random_are_read_or_refused() {
        for seed in 0..20_000 {
            let mut rng = SmallRng::seed_from_u64(seed);
            let mut bytes = vec![];
            let events: Vec<Event> = (0..rng.random_range(0..4))
                .map(|_| event(&[("k", "v"), ("another", "one")], b"body"))
                .collect();
            write_delivery(&mut bytes, "id", [&block_of(&events)[..]]);
            for _ in 0..rng.random_range(0..6) {
                let at = rng.random_range(0..bytes.len());
                match rng.random_range(0..3) {
                    0 => bytes[at] = rng.random(),
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, rng.random()),
                }
            }
            if let Ok((_, events)) = read_delivery(&bytes) {
                let held: usize = events.iter().map(|e| 1 + e.headers.len() + e.body.len()).sum();
                assert!(held <= bytes.len(), "seed {seed}: {held} of {} bytes", bytes.len());
            }
        }
    }
}
