use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::sources::flume::event::block_of;

/// A handshake: whose hash, which protocol is sent, whose hash is guessed.
fn shake(theirs: Hash, protocol: Option<&str>, guessed: Hash) -> Vec<u8> {
    let mut out = theirs.to_vec();
    write_long(&mut out, i64::from(protocol.is_some()));
    protocol.iter().for_each(|text| write_bytes(&mut out, text.as_bytes()));
    out.extend(guessed);
    write_long(&mut out, 0);
    out
}

fn event(body: &[u8]) -> Event {
    Event {
        headers: [("k".into(), "v".into())].into(),
        body: body.into(),
    }
}

/// A call without a handshake.
fn call(message: &str, parameters: &[u8]) -> Vec<u8> {
    let mut out = vec![0];
    write_bytes(&mut out, message.as_bytes());
    out.extend_from_slice(parameters);
    out
}

fn batch(bodies: &[&[u8]]) -> Vec<u8> {
    let events: Vec<Event> = bodies.iter().map(|body| event(body)).collect();
    let mut out = block_of(&events);
    write_long(&mut out, 0);
    out
}

/// What an agent that is generated from another text of the same protocol tells, as Java's do.
fn javas() -> String {
    AGENT.replace(
        r#""values":"string""#,
        r#""values":{"type":"string","avro.java.string":"String"}"#,
    )
}

/// RFC 1321's own example, and what the specification makes of it: the hash of the text.
#[test]
fn hashes_are_md5() {
    let hex: String = hash_of("message digest")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hex, "f96b697d7cb7938d525a2f31aaf161d0");
}

#[test]
fn an_agent_of_the_same_protocol_needs_one_call() {
    let own = hash_of(AGENT);
    let mut session = Session::default();
    let bytes = [shake(own, None, own), call("appendBatch", &batch(&[b"1", b"2"]))].concat();
    // BOTH, and three nulls.
    let wanted = Call::Append(vec![0, 0, 0, 0], vec![event(b"1"), event(b"2")]);
    assert_eq!(session.hear(&bytes), Ok(wanted));
    let mut one = vec![];
    event(b"3").write(&mut one);
    assert_eq!(
        session.hear(&call("append", &one)),
        Ok(Call::Append(vec![], vec![event(b"3")]))
    );
    let mut answer = vec![];
    write_status(&mut answer, Status::Failed);
    assert_eq!(answer, [0, 0, 2], "no metadata, no error, the second symbol");
}

#[test]
fn an_agent_of_another_text_is_asked_for_it_and_known_from_then_on() {
    let (text, own) = (javas(), hash_of(AGENT));
    let theirs = hash_of(&text);
    let mut session = Session::default();
    let append = call("appendBatch", &batch(&[b"1"]));
    let Ok(Call::Answer(answer)) = session.hear(&[shake(theirs, None, theirs), append.clone()].concat()) else {
        panic!("nothing is taken before the protocol is known")
    };
    let mut reader = Reader::new(&answer);
    assert_eq!(
        (reader.long(), reader.long()),
        (Ok(2), Ok(1)),
        "NONE, and the own protocol"
    );
    assert_eq!(reader.string(MOST_PROTOCOL_BYTES), Ok(AGENT));
    assert_eq!((reader.long(), reader.take(16)), (Ok(1), Ok(&own[..])));
    assert_eq!((reader.long(), reader.end()), (Ok(0), Ok(())));
    let again = [shake(theirs, Some(&text), own), append.clone()].concat();
    assert_eq!(
        session.hear(&again),
        Ok(Call::Append(vec![0, 0, 0, 0], vec![event(b"1")]))
    );
    assert!(matches!(session.hear(&append), Ok(Call::Append(head, _)) if head.is_empty()));
    // One that guesses wrong hears it.
    let mut other = Session::default();
    let guess = [shake(theirs, Some(&text), theirs), append].concat();
    assert!(
        matches!(other.hear(&guess), Ok(Call::Append(head, _)) if head[0] == 2),
        "CLIENT"
    );
}

#[test]
fn agents_that_send_other_things_are_refused() {
    let own = hash_of(AGENT);
    for other in [
        AGENT.replace("headers", "heads"),
        AGENT.replace(r#""values":"string""#, r#""values":"int""#),
        r#"{"protocol":"P","messages":{}}"#.to_owned(),
        "{".to_owned(),
    ] {
        let bytes = [
            shake(hash_of(&other), Some(&other), own),
            call("appendBatch", &batch(&[b"1"])),
        ]
        .concat();
        assert_eq!(
            Session::default().hear(&bytes),
            Err(Malformed::Unknown("the protocol of the agent")),
            "{other}"
        );
    }
    let mut known = Session { is_known: true };
    assert!(matches!(known.hear(&call("drop", &[])), Ok(Call::Answer(answer)) if answer[1] == 1));
    assert_eq!(known.hear(&call("", &[])), Ok(Call::Answer(vec![0, 0])), "a ping");
    assert_eq!(known.hear(&call("appendBatch", &[0, 0])), Err(Malformed::Trailing));
}

/// A sink that knows nobody, then answers with a batch.
#[test]
fn a_sink_that_asks_for_the_protocol_is_told_and_its_batch_is_read() {
    let text = SINK.replace("org.apache.spark.flume", "other");
    let theirs = hash_of(&text);
    let mut caller = Caller::default();
    let first = caller.call("ack", &[]);
    assert_eq!(first[..17], [&hash_of(SINK)[..], &[0]].concat());
    let mut none = vec![4, 2];
    write_bytes(&mut none, text.as_bytes());
    none.push(2);
    none.extend(theirs);
    none.push(0);
    assert_eq!(caller.hear(&none), Ok(Answered::Again));
    let second = caller.call("ack", &[]);
    let mut reader = Reader::new(&second[16..]);
    assert_eq!((reader.long(), reader.string(MOST_PROTOCOL_BYTES)), (Ok(1), Ok(SINK)));
    assert_eq!(reader.take(16), Ok(&theirs[..]));
    // BOTH; no metadata, no error; no message of an error, number, events.
    let mut both = vec![0, 0, 0, 0, 0, 0, 0];
    write_bytes(&mut both, b"s-7");
    both.extend(batch(&[b"1"]));
    let Ok(Answered::Response(response)) = caller.hear(&both) else {
        panic!("a response")
    };
    let read = Batch {
        sequence: "s-7".into(),
        events: vec![event(b"1")],
    };
    assert_eq!(read_batch(response), Ok(Ok(read)));
    assert_eq!(
        caller.call("ack", &[6]),
        [0, 6, b'a', b'c', b'k', 6],
        "without a handshake"
    );
    assert_eq!(
        caller.hear(&[0, 1, 0, 4, b'n', b'o']),
        Ok(Answered::Refused("no".into()))
    );
    assert_eq!(read_batch(Reader::new(b"\x04no\x00\x00")), Ok(Err("no".into())));
}

#[test]
fn a_sink_that_speaks_otherwise_or_never_knows_is_refused() {
    let mut other = vec![2, 2];
    write_bytes(&mut other, AGENT.as_bytes());
    other.extend([0, 0, 0, 0]);
    let why = Malformed::Unknown("the protocol of the sink");
    assert_eq!(Caller::default().hear(&other), Err(why));
    let mut caller = Caller::default();
    let none = [4, 0, 0, 0];
    assert_eq!(caller.hear(&none), Ok(Answered::Again));
    assert!(caller.hear(&none).is_err());
}

/// Calls and answers with bytes changed, cut and put in: an error or an answer, never a panic.
#[test]
fn calls_at_random_are_read_or_refused() {
    let own = hash_of(AGENT);
    let text = javas();
    let calls = [
        [shake(own, None, own), call("appendBatch", &batch(&[b"1", b"2"]))].concat(),
        [
            shake(hash_of(&text), Some(&text), own),
            call("append", &batch(&[b"1"])[1..]),
        ]
        .concat(),
        call("appendBatch", &batch(&[&b"body"[..]; 20])),
    ];
    for seed in 0..30_000 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut bytes = calls[rng.random_range(0..calls.len())].clone();
        for _ in 0..rng.random_range(1..8) {
            let at = rng.random_range(0..bytes.len());
            match rng.random_range(0..4) {
                0 => bytes[at] = rng.random(),
                1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.random_range(0..5)],
                2 => bytes.insert(at, rng.random()),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let mut session = Session { is_known: rng.random() };
        if let Ok(Call::Append(_, events)) = session.hear(&bytes) {
            assert!(events.len() <= bytes.len(), "seed {seed}");
        }
        let mut caller = Caller {
            is_known: rng.random(),
            ..Caller::default()
        };
        if let Ok(Answered::Response(response)) = caller.hear(&bytes) {
            let _ = read_batch(response);
        }
    }
}
