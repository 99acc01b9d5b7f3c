//! A disk for simulations: it may tear or lose what was not answered yet, and run full.
//!
//! Files are sealed as on media without an atomic replace. A write is *in flight* from [`Faulty::begin`] to
//! [`Faulty::complete`]; a crash ([`Faulty::crash`]) leaves of it nothing, all, or a part followed by garbage, and if
//! it was to replace a file, the old content is gone with it.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;

use super::memory::Memory;
use super::{Answer, Reply, Request, Storage, StorageError, seal};

/// Counts of the faults that were made, for reports.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Injected {
    /// Writes of which a crash left a part.
    pub torn: u64,
    /// Writes of which a crash left nothing.
    pub lost: u64,
    /// Writes for which there was no room.
    pub refused: u64,
}

/// What becomes of a write that a crash meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing of it is there.
    Lost,
    /// All of it is there, though nobody heard of it.
    Done,
    /// The first bytes of it are there, the rest is garbage.
    Torn {
        /// How many bytes are right; at least one is not.
        bytes: usize,
    },
}

/// A disk in memory that a simulation can crash.
#[derive(Debug, Default)]
pub struct Faulty {
    /// What is durable, sealed.
    pub disk: Memory,
    /// Requests that have begun, by operation.
    in_flight: BTreeMap<u64, Request>,
    /// Bytes that fit; a write beyond is refused. `None` sets no limit.
    pub room: Option<usize>,
    /// The faults so far.
    pub injected: Injected,
}

impl Faulty {
    /// Notes that a request has reached the disk; it is not carried out yet.
    pub fn begin(&mut self, op: u64, request: Request) {
        self.in_flight.insert(op, request);
    }

    /// Carries out a request that has begun; `None` if a crash came between.
    pub fn complete(&mut self, op: u64) -> Option<Answer> {
        let request = self.in_flight.remove(&op)?;
        Some(self.perform(&request))
    }

    /// Returns a request that has begun.
    pub fn peek(&self, op: u64) -> Option<&Request> {
        self.in_flight.get(&op)
    }

    /// Carries out all that has begun, in order.
    pub fn drain(&mut self) {
        for (_, request) in std::mem::take(&mut self.in_flight) {
            // Nobody waits for the answer.
            let _ = self.perform(&request);
        }
    }

    /// Drops a request that has begun, without carrying it out.
    pub fn abandon(&mut self, op: u64) {
        self.in_flight.remove(&op);
    }

    /// Crashes: the driver is gone, and with it its locks; `fate` decides, by its length, about each request in flight.
    pub fn crash(&mut self, mut fate: impl FnMut(usize) -> Fate) {
        for (_, request) in std::mem::take(&mut self.in_flight) {
            match request {
                Request::Write { path, bytes } => {
                    let mut file = seal::seal(&bytes);
                    match fate(file.len()) {
                        Fate::Lost => self.injected.lost += 1,
                        Fate::Done => {
                            self.disk.files.insert(path, Buffer::from(file));
                        }
                        Fate::Torn { bytes } => {
                            self.injected.torn += 1;
                            let kept = bytes.min(file.len() - 1);
                            for byte in &mut file[kept..] {
                                *byte = !*byte;
                            }
                            self.disk.files.insert(path, Buffer::from(file));
                        }
                    }
                }
                request @ Request::Delete { .. } if fate(1) == Fate::Done => {
                    let _ = self.disk.perform(&request);
                }
                _ => {}
            }
        }
        self.disk.locks.clear();
    }
}

impl Storage for Faulty {
    fn perform(&mut self, request: &Request) -> Answer {
        match request {
            Request::Read { path } => match self.disk.perform(request)? {
                Reply::Bytes(Some(file)) => Ok(Reply::Bytes(Some(seal::open(path, &file)?))),
                other => Ok(other),
            },
            Request::Write { path, bytes } => {
                let used: usize = self.disk.files.values().map(Buffer::len).sum();
                if self.room.is_some_and(|room| used + bytes.len() > room) {
                    self.injected.refused += 1;
                    return Err(StorageError::Quota {
                        path: path.clone(),
                        reason: "QuotaExceededError".into(),
                    });
                }
                let bytes = Buffer::from(seal::seal(bytes));
                let path = path.clone();
                self.disk.perform(&Request::Write { path, bytes })
            }
            other => self.disk.perform(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &str, text: &str) -> Request {
        Request::Write {
            path: path.into(),
            bytes: Buffer::from(text.as_bytes()),
        }
    }

    fn read(disk: &mut Faulty, path: &str) -> Answer {
        disk.perform(&Request::Read { path: path.into() })
    }

    #[test]
    fn a_completed_write_survives_a_crash_and_one_in_flight_meets_its_fate() {
        for (fate, expected) in [
            (Fate::Lost, Ok(Reply::Bytes(None))),
            (Fate::Done, Ok(Reply::Bytes(Some(Buffer::from(&b"two"[..]))))),
        ] {
            let mut disk = Faulty::default();
            disk.begin(1, write("/a/1", "one"));
            assert_eq!(disk.complete(1), Some(Ok(Reply::Done)));
            disk.begin(2, write("/a/2", "two"));
            disk.crash(|_| fate);
            assert_eq!(disk.complete(2), None);
            assert_eq!(
                read(&mut disk, "/a/1"),
                Ok(Reply::Bytes(Some(Buffer::from(&b"one"[..]))))
            );
            assert_eq!(read(&mut disk, "/a/2"), expected);
        }
    }

    #[test]
    fn a_torn_write_is_found_out_when_it_is_read_wherever_it_tore() {
        let length = seal::seal(b"a file of some length").len();
        for bytes in 0..=length {
            let mut disk = Faulty::default();
            disk.begin(1, write("/a", "a file of some length"));
            disk.crash(|_| Fate::Torn { bytes });
            assert!(
                matches!(read(&mut disk, "/a"), Err(StorageError::Corrupt { .. })),
                "{bytes}"
            );
        }
    }

    #[test]
    fn a_full_disk_refuses_and_keeps_what_it_has() {
        let mut disk = Faulty {
            room: Some(40),
            ..Faulty::default()
        };
        assert_eq!(disk.perform(&write("/a", "first")), Ok(Reply::Done));
        assert!(matches!(
            disk.perform(&write("/b", "a text that is too long")),
            Err(StorageError::Quota { .. })
        ));
        assert_eq!(
            read(&mut disk, "/a"),
            Ok(Reply::Bytes(Some(Buffer::from(&b"first"[..]))))
        );
    }
}
