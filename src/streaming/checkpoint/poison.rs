//! What a checkpoint knows of a batch that kills executors: how often it did, and which records it runs without.
//!
//! ```text
//! deaths/N.K             that batch N has died for the K-th time, and of what; deleted when the batch is committed
//! deadLetters/N.K.json   the K-th record that batch N runs without: one line of JSON; never deleted
//! ```
//!
//! A record that is set aside is part of what batch N is, as its offsets are: written before the batch runs without it, and read
//! by every restart. A name is written again only if a crash has torn it: then nobody has gone on by it.

use arrow::buffer::Buffer;
use serde_json::{Map, Value, json};

use super::Location;
use crate::error::Result;
use crate::exec::inputs::DeadLetter;
use crate::ids::BatchId;
use crate::storage::facts::{Facts, Known};
use crate::storage::{Request, corrupt};
use crate::streaming::pieces::Piece;

/// A record that a batch runs without.
///
/// ```
/// use rivulet::ids::BatchId;
/// use rivulet::streaming::checkpoint::poison::Aside;
/// use rivulet::streaming::pieces::Piece;
///
/// let piece = Piece { source: 0, block: 2, range: Some((10, 14)) };
/// let aside = Aside { source: "rivulet.push[s]".into(), piece, reason: "it kills".into(), record: b"{}\n".into() };
/// let line = aside.line(BatchId(7));
/// assert!(line.starts_with(r#"{"batch":7,"#) && line.contains(r#""record":"{}""#));
/// assert_eq!(Aside::parse("a file", line.as_bytes())?.piece, piece);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// How the source calls itself.
    pub source: String,
    /// Where it is in the batch.
    pub piece: Piece,
    /// The error that the batch has died of.
    pub reason: String,
    /// Its bytes.
    pub record: Buffer,
}

/// What is known of the batch that runs again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Poison {
    /// How often it has died.
    pub deaths: usize,
    /// What it runs without.
    pub aside: Vec<Aside>,
}

/// Returns a line of a dead-letter file: `batch`, `source`, `reason`, and the record as `record` if it is UTF-8, else as
/// `base64`. `more` is added.
pub fn letter(batch: BatchId, source: &str, reason: &str, record: &DeadLetter, more: Map<String, Value>) -> String {
    let mut letter = json!({ "batch": batch, "source": source, "reason": reason });
    if let Some(fields) = letter.as_object_mut() {
        match record {
            DeadLetter::Text(text) => fields.insert("record".into(), json!(text)),
            DeadLetter::Base64(text) => fields.insert("base64".into(), json!(text)),
        };
        fields.extend(more);
    }
    letter.to_string()
}

impl Aside {
    /// Returns the line of its file.
    pub fn line(&self, batch: BatchId) -> String {
        let place = json!({
            "sourceNumber": self.piece.source, "block": self.piece.block,
            "range": self.piece.range.map(|(from, to)| [from, to]),
        });
        let more = place.as_object().cloned().unwrap_or_default();
        letter(batch, &self.source, &self.reason, &DeadLetter::of(&self.record), more)
    }

    /// Reads a file; the record itself is not wanted again.
    ///
    /// # Errors
    /// `CHECKPOINT_CORRUPT` if the bytes are not such a file.
    pub fn parse(path: &str, bytes: &[u8]) -> Result<Self> {
        let read = || -> Option<Self> {
            let value: Value = serde_json::from_slice(bytes).ok()?;
            let number = |value: &Value| usize::try_from(value.as_u64()?).ok();
            let range = match &value["range"] {
                Value::Null => None,
                range => Some((number(&range[0])?, number(&range[1])?)),
            };
            Some(Self {
                source: value["source"].as_str()?.to_owned(),
                piece: Piece {
                    source: number(&value["sourceNumber"])?,
                    block: number(&value["block"])?,
                    range,
                },
                reason: value["reason"].as_str()?.to_owned(),
                record: Buffer::default(),
            })
        };
        read().ok_or_else(|| corrupt(path, &format!("{path} does not say which record is set aside")))
    }
}

/// Returns the file of a batch's death, counted from 1.
fn death(at: &Location, batch: BatchId, number: usize) -> String {
    format!("{}/{batch}.{number}", at.deaths())
}

/// Returns the file of a record that a batch runs without, counted from 0.
pub fn dead_letter(at: &Location, batch: BatchId, number: usize) -> String {
    format!("{}/{batch}.{number}.json", at.dead_letters())
}

impl Poison {
    /// Returns the write that counts the next death.
    pub fn next_death(&self, at: &Location, batch: BatchId, reason: &str) -> Request {
        let number = self.deaths + 1;
        let entry = json!({ "batch": batch, "death": number, "reason": reason });
        Request::Write {
            path: death(at, batch, number),
            bytes: Buffer::from(format!("{entry}\n").into_bytes()),
        }
    }

    /// Returns the write that sets the next record aside.
    pub fn next_aside(&self, at: &Location, batch: BatchId, aside: &Aside) -> Request {
        Request::Write {
            path: dead_letter(at, batch, self.aside.len()),
            bytes: Buffer::from(format!("{}\n", aside.line(batch)).into_bytes()),
        }
    }

    /// Returns deletions of the deaths, once the batch is committed.
    pub fn clean(&self, at: &Location, batch: BatchId) -> Vec<Request> {
        let deaths = (1..=self.deaths).map(|number| death(at, batch, number));
        deaths.map(|path| Request::Delete { path }).collect()
    }

    /// Reads what a checkpoint knows of a batch that runs again.
    ///
    /// # Errors
    /// Pauses until it is read. `CHECKPOINT_CORRUPT` if a file, other than the last, is not whole.
    pub fn find(facts: &Facts, at: &Location, batch: BatchId) -> Known<Self> {
        let (deaths, letters) = (at.deaths(), at.dead_letters());
        let listed = (facts.list(&deaths), facts.list(&letters));
        let prefix = format!("{batch}.");
        let number =
            |name: &String| -> Option<usize> { name.strip_prefix(&prefix)?.trim_end_matches(".json").parse().ok() };
        let mut found = Self {
            // One whose entry a crash has torn was a death, too.
            deaths: listed.0?.iter().filter_map(number).max().unwrap_or(0),
            aside: vec![],
        };
        let count = listed.1?.iter().filter_map(number).map(|n| n + 1).max().unwrap_or(0);
        let paths: Vec<String> = (0..count).map(|number| dead_letter(at, batch, number)).collect();
        facts.want_all(&paths)?;
        for path in &paths {
            let last = found.aside.len() + 1 == count;
            let file = if last {
                facts.read_if_whole(path)?
            } else {
                facts.read(path)?
            };
            match file {
                Some(file) => found.aside.push(Aside::parse(path, file)?),
                None if last => {}
                None => return Err(crate::storage::missing(path).into()),
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Storage;
    use crate::storage::facts::decide_over;
    use crate::storage::memory::Memory;

    fn aside(block: usize, record: &[u8]) -> Aside {
        Aside {
            source: "rivulet.push[s]".into(),
            piece: Piece {
                source: 1,
                block,
                range: (block > 0).then_some((3, 9)),
            },
            reason: "[RIVULET_PANIC] \"it\"\nkills".into(),
            record: Buffer::from(record),
        }
    }

    #[test]
    fn what_was_written_of_a_batch_is_found_by_its_restart_and_nothing_of_another_batch() {
        let (at, mut disk) = (Location::new("/c"), Memory::default());
        let mut known = Poison::default();
        for batch in [1, 12, 2] {
            known = Poison::default();
            for number in 0..3 {
                disk.perform(&known.next_death(&at, BatchId(batch), "killed")).unwrap();
                known.deaths += 1;
                let one = aside(number, if number == 0 { b"{}\n" } else { b"\xff" });
                disk.perform(&known.next_aside(&at, BatchId(batch), &one)).unwrap();
                known.aside.push(Aside {
                    record: Buffer::default(),
                    ..one
                });
            }
        }
        let found = |disk: &mut Memory, batch| decide_over(disk, |facts| Poison::find(facts, &at, BatchId(batch)));
        assert_eq!(found(&mut disk, 2).unwrap(), known);
        assert_eq!(found(&mut disk, 3).unwrap(), Poison::default());
        known
            .clean(&at, BatchId(2))
            .iter()
            .for_each(|gone| drop(disk.perform(gone)));
        let left: Vec<&String> = disk.files.keys().filter(|path| path.contains("/2.")).collect();
        assert_eq!(
            left,
            [
                "/c/deadLetters/2.0.json",
                "/c/deadLetters/2.1.json",
                "/c/deadLetters/2.2.json"
            ]
        );
        disk.files.remove("/c/deadLetters/2.1.json");
        let error = found(&mut disk, 2).unwrap_err();
        assert_eq!(error.parameters["path"], "/c/deadLetters/2.1.json");
    }

    #[test]
    fn a_record_is_readable_as_text_or_base64() {
        let fields = |record: &[u8]| -> Value { serde_json::from_str(&aside(1, record).line(BatchId(3))).unwrap() };
        let text = fields(b"{\"v\":1}\n");
        assert_eq!(
            (&text["record"], &text["batch"], &text["base64"]),
            (&json!("{\"v\":1}"), &json!(3), &Value::Null)
        );
        assert_eq!(fields(b"\xff\xfe")["base64"], "//4=");
    }
}
