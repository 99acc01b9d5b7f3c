//! Frames of Avro's calls over TCP, as Avro's Netty transport cuts them: a number by which an answer finds its call, how many buffers
//! follow, and the length and the bytes of each. All numbers have four bytes, the highest first.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Most bytes of a frame: a transaction, and what is around it.
pub const MOST_FRAME_BYTES: usize = crate::sources::flume::event::MOST_TRANSACTION_BYTES + (1 << 20);
/// Most buffers of a frame: Java cuts them at 8 KiB.
const MOST_BUFFERS: u32 = 1 << 14;
/// How long the rest of a frame may take once it has begun.
const PATIENCE: Duration = Duration::from_secs(30);

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The number of the call.
    pub serial: u32,
    /// Its buffers, one after the other.
    pub bytes: Vec<u8>,
}

/// Returns the error of a frame that is too large.
fn too_large(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a frame of too many {what}"))
}

/// Reads a frame; `None` if the other side has ended before it. Memory grows with the bytes that come, not with what they promise.
///
/// # Errors
/// If it is too large, ends in the middle, or is too slow.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Frame>> {
    let mut first = [0];
    if stream.read(&mut first).await? == 0 {
        return Ok(None);
    }
    match timeout(PATIENCE, rest(stream, first[0])).await {
        Ok(frame) => frame.map(Some),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Reads a frame whose first byte has come.
async fn rest(stream: &mut (impl AsyncRead + Unpin), first: u8) -> io::Result<Frame> {
    let mut serial = [first, 0, 0, 0];
    stream.read_exact(&mut serial[1..]).await?;
    let buffers = stream.read_u32().await?;
    if buffers > MOST_BUFFERS {
        return Err(too_large("buffers"));
    }
    let mut bytes = Vec::new();
    for _ in 0..buffers {
        let length = stream.read_u32().await?;
        if length as usize > MOST_FRAME_BYTES - bytes.len() {
            return Err(too_large("bytes"));
        }
        let wanted = bytes.len() + length as usize;
        (&mut *stream).take(u64::from(length)).read_to_end(&mut bytes).await?;
        if bytes.len() != wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Frame {
        serial: u32::from_be_bytes(serial),
        bytes,
    })
}

/// Writes a frame of one buffer.
///
/// # Errors
/// If the other side does not take it in time.
pub async fn write(stream: &mut (impl AsyncWrite + Unpin), serial: u32, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| too_large("bytes"))?;
    let mut frame = Vec::with_capacity(12 + bytes.len());
    for number in [serial, 1, length] {
        frame.extend(number.to_be_bytes());
    }
    frame.extend_from_slice(bytes);
    match timeout(PATIENCE, stream.write_all(&frame)).await {
        Ok(written) => written,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn reads(bytes: &[u8]) -> io::Result<Option<Frame>> {
        read(&mut &bytes[..]).await
    }

    #[tokio::test]
    async fn a_frame_is_read_from_its_buffers() {
        let bytes = b"\0\0\0\x07\0\0\0\x03\0\0\0\x02ab\0\0\0\0\0\0\0\x01crest";
        let frame = reads(bytes).await.unwrap().unwrap();
        assert_eq!((frame.serial, &frame.bytes[..]), (7, &b"abc"[..]));
        let mut written = vec![];
        write(&mut written, 7, b"abc").await.unwrap();
        assert_eq!(written, b"\0\0\0\x07\0\0\0\x01\0\0\0\x03abc");
        assert_eq!(reads(&written).await.unwrap().unwrap(), frame);
        assert_eq!(reads(b"").await.unwrap(), None);
    }

    #[tokio::test]
    async fn frames_that_lie_or_end_too_soon_are_errors() {
        for bytes in [
            &b"\0\0\0"[..],
            b"\0\0\0\x01\0\0\0\x01\0\0\0\x05ab",
            b"\0\0\0\x01\xff\xff\xff\xff",
            b"\0\0\0\x01\0\0\0\x01\x7f\xff\xff\xff",
            b"POST / HTTP/1.1\r\n",
        ] {
            assert!(reads(bytes).await.is_err(), "{bytes:?}");
        }
    }
}
