//! Calls of Avro (Apache Avro's specification, "Protocol Wire Format"): the handshake by which each side learns the other's protocol, and
//! what calls and their answers are made of. The gateway answers `AvroSourceProtocol` of Flume's agents, and calls `SparkFlumeProtocol` of
//! Spark's sink.
//!
//! ```text
//! HandshakeRequest    clientHash: MD5, clientProtocol: [null, string], serverHash: MD5, meta: [null, map<bytes>]
//! HandshakeResponse   match: BOTH CLIENT NONE, serverProtocol: [null, string], serverHash: [null, MD5], meta: [null, map<bytes>]
//! call                metadata: map<bytes>, name of the message: string, parameters
//! answer              metadata: map<bytes>, is an error: boolean, the response, or [string, …]
//! ```

use md5::{Digest, Md5};

use super::schema::{Form, event, message_of};
use crate::sources::flume::avro::{Malformed, Reader, write_bytes, write_long};
use crate::sources::flume::event::Event;

/// What Flume's Avro sink speaks.
pub const AGENT: &str = r#"{"protocol":"AvroSourceProtocol","namespace":"org.apache.flume.source.avro","types":[{"type":"enum","name":"Status","symbols":["OK","FAILED","UNKNOWN"]},{"type":"record","name":"AvroFlumeEvent","fields":[{"name":"headers","type":{"type":"map","values":"string"}},{"name":"body","type":"bytes"}]}],"messages":{"append":{"request":[{"name":"event","type":"AvroFlumeEvent"}],"response":"Status"},"appendBatch":{"request":[{"name":"events","type":{"type":"array","items":"AvroFlumeEvent"}}],"response":"Status"}}}"#;
/// What Spark's sink speaks.
pub const SINK: &str = r#"{"protocol":"SparkFlumeProtocol","namespace":"org.apache.spark.flume","types":[{"type":"record","name":"SparkSinkEvent","fields":[{"name":"headers","type":{"type":"map","values":"string"}},{"name":"body","type":"bytes"}]},{"type":"record","name":"EventBatch","fields":[{"name":"errorMsg","type":"string","default":""},{"name":"sequenceNumber","type":"string"},{"name":"events","type":{"type":"array","items":"SparkSinkEvent"}}]}],"messages":{"getEventBatch":{"request":[{"name":"n","type":"int"}],"response":"EventBatch"},"ack":{"request":[{"name":"sequenceNumber","type":"string"}],"response":"null"},"nack":{"request":[{"name":"sequenceNumber","type":"string"}],"response":"null"}}}"#;

/// Most bytes of a protocol's text.
const MOST_PROTOCOL_BYTES: usize = 64 << 10;
/// Most entries of metadata, and most bytes of each.
const MOST_META: (usize, usize) = (64, 4 << 10);
/// Most bytes of a message's name, a sequence number, or a message of an error.
const MOST_TEXT_BYTES: usize = 4 << 10;

/// The hash of a protocol.
pub type Hash = [u8; 16];

/// Returns the hash of a protocol's text.
pub fn hash_of(protocol: &str) -> Hash {
    Md5::digest(protocol.as_bytes()).into()
}

/// Reads metadata, of which nothing is used.
fn skip_meta(reader: &mut Reader<'_>) -> Result<(), Malformed> {
    let (entries, bytes) = MOST_META;
    reader.blocks("entries of metadata", entries, |reader| {
        reader.string(bytes)?;
        reader.bytes(bytes).map(|_| ())
    })
}

/// Reads a value that may be null.
fn perhaps<'a, T>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Option<T>, Malformed> {
    match reader.place("a union", 2)? {
        0 => Ok(None),
        _ => read(reader).map(Some),
    }
}

/// Reads a hash.
fn hash(reader: &mut Reader<'_>) -> Result<Hash, Malformed> {
    reader.take(16)?.try_into().map_err(|_| Malformed::Ended)
}

/// How far an agent's connection is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Whether both sides know each other's protocol: no handshake comes any more.
    is_known: bool,
}

/// What an agent wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Only to be answered with these bytes.
    Answer(Vec<u8>),
    /// That these events are taken; the answer begins with these bytes.
    Append(Vec<u8>, Vec<Event>),
}

/// What became of an agent's events, as `Status` numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// They are safe.
    Ok = 0,
    /// They are not: the agent keeps them, and sends them again.
    Failed = 1,
}

impl Session {
    /// Takes in a call.
    ///
    /// # Errors
    /// [`Malformed`]: the connection is of no use any more.
    pub fn hear(&mut self, bytes: &[u8]) -> Result<Call, Malformed> {
        let mut reader = Reader::new(bytes);
        let mut answer = vec![];
        if !self.is_known {
            self.is_known = handshake(&mut reader, &mut answer)?;
            if !self.is_known {
                return Ok(Call::Answer(answer));
            }
        }
        skip_meta(&mut reader)?;
        let events = match reader.string(MOST_TEXT_BYTES)? {
            "append" => vec![Event::read(&mut reader)?],
            "appendBatch" => Event::read_all(&mut reader)?,
            // A call without a name only shakes hands.
            "" => {
                write_head(&mut answer, false);
                return Ok(Call::Answer(answer));
            }
            name => {
                let name: String = name.chars().take(80).collect();
                write_error(&mut answer, &format!("the protocol does not have a message {name:?}"));
                return Ok(Call::Answer(answer));
            }
        };
        reader.end()?;
        Ok(Call::Append(answer, events))
    }
}

/// Answers a handshake; returns whether both sides know each other now.
fn handshake(reader: &mut Reader<'_>, answer: &mut Vec<u8>) -> Result<bool, Malformed> {
    let own = hash_of(AGENT);
    let theirs = hash(reader)?;
    let protocol = perhaps(reader, |reader| reader.string(MOST_PROTOCOL_BYTES))?;
    let guessed = hash(reader)?;
    perhaps(reader, skip_meta)?;
    let is_known = theirs == own || protocol.is_some_and(sends_events);
    if protocol.is_some() && !is_known {
        return Err(Malformed::Unknown("the protocol of the agent"));
    }
    let matched = match (is_known, guessed == own) {
        (true, true) => 0,
        (true, false) => 1,
        (false, _) => 2,
    };
    write_long(answer, matched);
    if matched == 0 {
        write_long(answer, 0);
        write_long(answer, 0);
    } else {
        write_long(answer, 1);
        write_bytes(answer, AGENT.as_bytes());
        write_long(answer, 1);
        answer.extend(own);
    }
    write_long(answer, 0);
    Ok(is_known)
}

/// Returns whether the events of an agent with this protocol can be read: each of the two messages has their form, or is not there.
fn sends_events(protocol: &str) -> bool {
    let reads = |name, form: Form| message_of(protocol, name).map(|message| message.request == [form]);
    let one = reads("append", event());
    let many = reads("appendBatch", Form::Array(Box::new(event())));
    one.or(many).is_some() && one.unwrap_or(true) && many.unwrap_or(true)
}

/// Writes the head of an answer.
fn write_head(answer: &mut Vec<u8>, is_error: bool) {
    write_long(answer, 0);
    answer.push(u8::from(is_error));
}

/// Writes an answer that is an error.
pub fn write_error(answer: &mut Vec<u8>, message: &str) {
    write_head(answer, true);
    write_long(answer, 0);
    write_bytes(answer, message.as_bytes());
}

/// Writes what became of events.
pub fn write_status(answer: &mut Vec<u8>, status: Status) {
    write_head(answer, false);
    write_long(answer, status as i64);
}

/// A batch of Spark's sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// What the sink calls it.
    pub sequence: String,
    /// Its events.
    pub events: Vec<Event>,
}

/// What the gateway knows of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The hash of the sink's protocol, as far as is known.
    theirs: Hash,
    /// Whether the next call tells the own protocol's text.
    tells: bool,
    /// Whether both sides know each other's protocol: no handshake is said any more.
    is_known: bool,
}

/// What a sink has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered<'a> {
    /// It wants to know the protocol: the call is to be made again.
    Again,
    /// Its response.
    Response(Reader<'a>),
    /// An error.
    Refused(String),
}

impl Default for Caller {
    fn default() -> Self {
        Self {
            theirs: hash_of(SINK),
            tells: false,
            is_known: false,
        }
    }
}

impl Caller {
    /// Returns a call of a message whose parameters are written already.
    pub fn call(&self, message: &str, parameters: &[u8]) -> Vec<u8> {
        let mut bytes = vec![];
        if !self.is_known {
            bytes.extend(hash_of(SINK));
            write_long(&mut bytes, i64::from(self.tells));
            if self.tells {
                write_bytes(&mut bytes, SINK.as_bytes());
            }
            bytes.extend(self.theirs);
            write_long(&mut bytes, 0);
        }
        write_long(&mut bytes, 0);
        write_bytes(&mut bytes, message.as_bytes());
        bytes.extend_from_slice(parameters);
        bytes
    }

    /// Takes in an answer.
    ///
    /// # Errors
    /// [`Malformed`], also if the sink's protocol is another.
    pub fn hear<'a>(&mut self, bytes: &'a [u8]) -> Result<Answered<'a>, Malformed> {
        let mut reader = Reader::new(bytes);
        if !self.is_known {
            let matched = reader.place("a match", 3)?;
            let protocol = perhaps(&mut reader, |reader| reader.string(MOST_PROTOCOL_BYTES))?;
            let theirs = perhaps(&mut reader, hash)?;
            perhaps(&mut reader, skip_meta)?;
            if protocol.is_some_and(|protocol| !is_sink(protocol)) {
                return Err(Malformed::Unknown("the protocol of the sink"));
            }
            self.theirs = theirs.unwrap_or(self.theirs);
            if matched == 2 {
                // One that has been told and still does not know never will.
                if std::mem::replace(&mut self.tells, true) {
                    return Err(Malformed::Unknown("a match"));
                }
                return Ok(Answered::Again);
            }
            self.is_known = true;
        }
        skip_meta(&mut reader)?;
        if !reader.boolean()? {
            return Ok(Answered::Response(reader));
        }
        reader.place("a union", 1)?;
        Ok(Answered::Refused(reader.string(MOST_TEXT_BYTES)?.to_owned()))
    }
}

/// Returns whether batches of a sink with this protocol can be read.
fn is_sink(protocol: &str) -> bool {
    let batch = Form::Record(vec![
        ("errorMsg".into(), Form::Bytes),
        ("sequenceNumber".into(), Form::Bytes),
        ("events".into(), Form::Array(Box::new(event()))),
    ]);
    message_of(protocol, "getEventBatch").is_some_and(|message| message.response == batch)
}

/// Reads a batch, or why there is none.
///
/// # Errors
/// [`Malformed`].
pub fn read_batch(mut reader: Reader<'_>) -> Result<Result<Batch, String>, Malformed> {
    let error = reader.string(MOST_TEXT_BYTES)?.to_owned();
    let sequence = reader.string(MOST_TEXT_BYTES)?.to_owned();
    let events = Event::read_all(&mut reader)?;
    reader.end()?;
    Ok(if error.is_empty() {
        Ok(Batch { sequence, events })
    } else {
        Err(error)
    })
}

#[cfg(test)]
mod tests;
