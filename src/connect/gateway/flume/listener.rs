//! Where Flume's Avro sink sends events: a listener for each channel. An agent's call is answered when its events are safe, or not in time;
//! events are taken in the order of the calls of a connection, of which several may wait.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, split};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

use super::channel::{Channel, Full};
use super::frames;
use super::rpc::{Call, Session, Status, write_status};

/// Most connections of a listener; others are closed.
const MOST_CONNECTIONS: usize = 64;
/// Most calls of a connection that wait; others are not read.
const MOST_CALLS: usize = 32;
/// How long to wait after a connection could not be taken.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens for agents that send into a channel, for as long as the runtime lives.
///
/// # Errors
/// Why the address cannot be used.
pub fn listen(address: SocketAddr, channel: Arc<Channel>) -> Result<(), String> {
    let bound = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(listener)
    };
    let listener = bound().map_err(|why| format!("cannot listen on {address}: {why}"))?;
    tokio::spawn(accept(listener, channel));
    Ok(())
}

/// Takes connections.
async fn accept(listener: tokio::net::TcpListener, channel: Arc<Channel>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            continue;
        };
        let channel = channel.clone();
        tokio::spawn(async move {
            serve(stream, &channel).await;
            drop(place);
        });
    }
}

/// Serves an agent until it goes, or sends what cannot be read. Events whose calls are not answered then are not taken, unless they were
/// delivered.
pub async fn serve(stream: impl AsyncRead + AsyncWrite + Send + 'static, channel: &Arc<Channel>) {
    let (mut reader, writer) = split(stream);
    let writer = Arc::new(Mutex::new(writer));
    let calls = Arc::new(Semaphore::new(MOST_CALLS));
    let mut session = Session::default();
    let mut waiting = JoinSet::new();
    while let Ok(call) = calls.clone().acquire_owned().await {
        let Ok(Some(frame)) = frames::read(&mut reader).await else {
            break;
        };
        let Ok(heard) = session.hear(&frame.bytes) else { break };
        while waiting.try_join_next().is_some() {}
        let (mut answer, held) = match heard {
            Call::Answer(answer) => (answer, None),
            Call::Append(answer, events) => (answer, Some(channel.submit(&events))),
        };
        let writer = writer.clone();
        waiting.spawn(async move {
            if let Some(held) = held {
                let is_safe = match held {
                    Ok(held) => held.settled().await,
                    Err(Full) => false,
                };
                write_status(&mut answer, if is_safe { Status::Ok } else { Status::Failed });
            }
            // One that has gone sends its events again.
            let _ = frames::write(&mut *writer.lock().await, frame.serial, &answer).await;
            drop(call);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::gateway::flume::rpc::{AGENT, hash_of};
    use crate::sources::flume::avro::{write_bytes, write_long};
    use crate::sources::flume::event::{Event, block_of, id_of};
    use crate::sources::flume::exchange::{From, Wanted};

    /// A call of `appendBatch` with one event, with a handshake or without.
    fn append(body: &[u8], shakes: bool) -> Vec<u8> {
        let (own, mut out) = (hash_of(AGENT), vec![]);
        if shakes {
            out = [&own[..], &[0], &own, &[0]].concat();
        }
        out.push(0);
        write_bytes(&mut out, b"appendBatch");
        out.extend(block_of(&[Event {
            body: body.into(),
            ..Event::default()
        }]));
        write_long(&mut out, 0);
        out
    }

    #[tokio::test]
    async fn calls_of_a_connection_are_answered_when_their_events_are_safe() {
        let channel = Channel::new("life".into(), Duration::from_secs(600));
        let (mut agent, here) = tokio::io::duplex(1 << 16);
        let served = {
            let channel = channel.clone();
            tokio::spawn(async move { serve(here, &channel).await })
        };
        frames::write(&mut agent, 5, &append(b"a", true)).await.unwrap();
        frames::write(&mut agent, 6, &append(b"b", false)).await.unwrap();
        let mut wanted = Wanted {
            from: From::Push { port: 1 },
            lease: None,
            ack: None,
            max_events: 1,
            max_bytes: 1 << 20,
            wait_ms: 30_000,
            leaves: false,
        };
        for (serial, answer) in [(5, &[0, 0, 0, 0, 0, 0, 0][..]), (6, &[0, 0, 0])] {
            let polled = channel.poll(&wanted).await.unwrap();
            wanted.lease = Some(polled.lease);
            wanted.ack = id_of(&polled.delivery.unwrap()).map(str::to_owned);
            wanted.max_events = 0;
            channel.poll(&wanted).await.unwrap();
            let frame = frames::read(&mut agent).await.unwrap().unwrap();
            assert_eq!((frame.serial, &frame.bytes[..]), (serial, answer));
            wanted.max_events = 1;
        }
        // What is not a call ends the connection.
        frames::write(&mut agent, 7, &[0, 0x80]).await.unwrap();
        served.await.unwrap();
        assert_eq!(frames::read(&mut agent).await.unwrap(), None);
    }
}
