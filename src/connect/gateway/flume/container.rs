//! Events from outside that are not JSON: Avro's object container files (Apache Avro's specification, "Object Container Files"), as Flume's
//! `avro_event` serializer writes them, and events in Avro's binary encoding, one after the other.

use std::io::Read;

use flate2::read::DeflateDecoder;

use super::schema::{event, form_of};
use crate::sources::flume::avro::{Malformed, Reader};
use crate::sources::flume::event::{Event, MOST_EVENTS, MOST_TRANSACTION_BYTES, check_count};

/// How a container file begins.
const MAGIC: &[u8] = b"Obj\x01";
/// Bytes between blocks.
const SYNC_BYTES: usize = 16;
/// Most entries of a file's metadata, and most bytes of each.
const MOST_META: (usize, usize) = (64, 64 << 10);

/// Returns the error of a file of other things.
const NOT_EVENTS: Malformed = Malformed::Unknown("the schema of the file");

/// Reads a container file of events, or events one after the other.
///
/// # Errors
/// [`Malformed`], also for a schema that is not that of events (`headers`, a map of strings or bytes, then `body`), for a codec other than
/// `null` and `deflate`, and for more than a transaction may have.
pub fn events(bytes: &[u8]) -> Result<Vec<Event>, Malformed> {
    let mut events = vec![];
    match bytes.strip_prefix(MAGIC) {
        Some(rest) => contained(rest, &mut events)?,
        None => sequence(bytes, None, &mut 0, &mut events)?,
    }
    Ok(events)
}

/// Reads events up to the end of the bytes; `count` is how many there must be, if that is known, and `headers` how many headers there were.
fn sequence(bytes: &[u8], count: Option<usize>, headers: &mut usize, events: &mut Vec<Event>) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    let before = events.len();
    while !reader.rest().is_empty() {
        if events.len() == MOST_EVENTS {
            return Err(Malformed::TooMany {
                what: "events of a transaction",
                most: MOST_EVENTS,
            });
        }
        let event = Event::read(&mut reader)?;
        *headers += event.headers.len();
        check_count(*headers)?;
        events.push(event);
    }
    if count.is_some_and(|count| count != events.len() - before) {
        return Err(Malformed::Unknown("the count of a block"));
    }
    Ok(())
}

/// Reads what follows the first bytes of a file.
fn contained(bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    let (mut schema, mut codec) = (None, "null");
    let (entries, most) = MOST_META;
    reader.blocks("entries of metadata", entries, |reader| {
        match (reader.string(most)?, reader.bytes(most)?) {
            ("avro.schema", text) => schema = Some(std::str::from_utf8(text).map_err(|_| Malformed::NotText)?),
            ("avro.codec", text) => codec = std::str::from_utf8(text).map_err(|_| Malformed::NotText)?,
            _ => {}
        }
        Ok(())
    })?;
    if schema.and_then(form_of) != Some(event()) {
        return Err(NOT_EVENTS);
    }
    let sync = reader.take(SYNC_BYTES)?;
    let (mut left, mut headers) = (MOST_TRANSACTION_BYTES, 0);
    while !reader.rest().is_empty() {
        let count = usize::try_from(reader.long()?).map_err(|_| Malformed::Negative)?;
        let data = reader.bytes(MOST_TRANSACTION_BYTES)?;
        let unpacked;
        let data = match codec {
            "null" => data,
            "deflate" => {
                unpacked = inflated(data, left)?;
                &unpacked
            }
            _ => return Err(Malformed::Unknown("the codec of the file")),
        };
        left = left.checked_sub(data.len()).ok_or(TOO_LARGE)?;
        sequence(data, Some(count), &mut headers, events)?;
        if reader.take(SYNC_BYTES)? != sync {
            return Err(Malformed::Unknown("the mark after a block"));
        }
    }
    Ok(())
}

/// The error of more than a transaction may have.
const TOO_LARGE: Malformed = Malformed::TooMany {
    what: "bytes of a transaction",
    most: MOST_TRANSACTION_BYTES,
};

/// Unpacks a block, which has `most` bytes at most then.
fn inflated(data: &[u8], most: usize) -> Result<Vec<u8>, Malformed> {
    let mut unpacked = vec![];
    let mut packed = DeflateDecoder::new(data).take(most as u64 + 1);
    packed
        .read_to_end(&mut unpacked)
        .map_err(|_| Malformed::Unknown("a compressed block"))?;
    if unpacked.len() > most {
        return Err(TOO_LARGE);
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::sources::flume::avro::{write_bytes, write_long};
    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    const SCHEMA: &str = r#"{"type":"record","name":"Event","fields":[{"name":"headers","type":{"type":"map","values":"string"}},{"name":"body","type":"bytes"}]}"#;

    fn packed(data: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(vec![], Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    /// A file of blocks: how many events each says it has, and its data.
    fn file(schema: &str, codec: &str, blocks: &[(i64, &[u8])]) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        write_long(&mut out, 2);
        for (name, value) in [("avro.schema", schema), ("avro.codec", codec)] {
            write_bytes(&mut out, name.as_bytes());
            write_bytes(&mut out, value.as_bytes());
        }
        write_long(&mut out, 0);
        out.extend([7; SYNC_BYTES]);
        for (count, data) in blocks {
            write_long(&mut out, *count);
            write_bytes(&mut out, data);
            out.extend([7; SYNC_BYTES]);
        }
        out
    }

    /// Two events: `{a: b}` with `1`, and `{}` with `2`.
    const TWO: &[u8] = b"\x02\x02a\x02b\x00\x021\x00\x022";

    #[test]
    fn events_come_from_files_and_one_after_the_other() {
        let plain = events(TWO).unwrap();
        assert_eq!(
            (plain.len(), &plain[0].headers["a"], &plain[1].body[..]),
            (2, &"b".to_owned(), &b"2"[..])
        );
        let twice = [plain.clone(), plain].concat();
        assert_eq!(events(&file(SCHEMA, "null", &[(2, TWO), (2, TWO)])), Ok(twice.clone()));
        let small = packed(TWO);
        assert_eq!(events(&file(SCHEMA, "deflate", &[(2, &small), (2, &small)])), Ok(twice));
        assert_eq!(events(&file(SCHEMA, "null", &[])), Ok(vec![]));
    }

    #[test]
    fn files_that_lie_are_refused() {
        // Cut off far behind the limit: nobody gets there.
        let mut zeros = packed(&vec![0; 64 << 20]);
        zeros.truncate(zeros.len() / 2);
        let mut other_mark = file(SCHEMA, "null", &[(2, TWO)]);
        *other_mark.last_mut().unwrap() = 8;
        for (bytes, why) in [
            (file("\"bytes\"", "null", &[(2, TWO)]), "the schema"),
            (file(SCHEMA, "zstandard", &[(2, TWO)]), "the codec"),
            (file(SCHEMA, "null", &[(3, TWO)]), "the count"),
            (file(SCHEMA, "null", &[(-1, TWO)]), "negative"),
            (file(SCHEMA, "deflate", &[(2, TWO)]), "a compressed block"),
            (file(SCHEMA, "deflate", &[(1, &zeros)]), "bytes of a transaction"),
            (other_mark, "the mark"),
            (b"Obj\x01\x02".to_vec(), "ends"),
            (vec![0; 3 * MOST_EVENTS], "events of a transaction"),
        ] {
            let error = events(&bytes).unwrap_err().to_string();
            assert!(error.contains(why), "{why}: {error}");
        }
    }
}
