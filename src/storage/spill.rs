//! Storage for what does not fit into memory and need not outlive its executor.

#[cfg(not(target_arch = "wasm32"))]
use std::fs::File;
use std::{fmt, io};
#[cfg(not(target_arch = "wasm32"))]
use std::{
    io::{Read, Seek, SeekFrom, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

#[cfg(not(target_arch = "wasm32"))]
use super::extents::Extents;

/// A file in which its users store pieces that do not fit into memory, and free them.
pub trait SpillRoom: fmt::Debug + Send + Sync {
    /// Writes a piece and returns where it begins.
    ///
    /// # Errors
    /// If the room is full, or gone.
    fn write(&self, bytes: &[u8]) -> io::Result<u64>;
    /// Reads a piece.
    ///
    /// # Errors
    /// If it cannot be read whole.
    fn read(&self, at: u64, bytes: usize) -> io::Result<Vec<u8>>;
    /// Gives a piece back.
    fn give(&self, at: u64, bytes: usize);
}

/// A temporary file without a name, which is gone with its process. It is made when it is first written.
///
/// ```
/// use rivulet::storage::spill::{SpillFile, SpillRoom};
///
/// let file = SpillFile::default();
/// let (a, b) = (file.write(b"first")?, file.write(b"second")?);
/// assert_eq!((file.read(a, 5)?, file.read(b, 6)?), (b"first".to_vec(), b"second".to_vec()));
/// file.give(a, 5);
/// assert_eq!(file.write(b"1st")?, a);
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug, Default)]
pub struct SpillFile {
    /// The file, and which parts of it are taken.
    file: Mutex<(Option<File>, Extents)>,
}

#[cfg(not(target_arch = "wasm32"))]
impl SpillFile {
    /// Returns the file, locked.
    fn locked(&self) -> MutexGuard<'_, (Option<File>, Extents)> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl SpillRoom for SpillFile {
    fn write(&self, bytes: &[u8]) -> io::Result<u64> {
        let (file, extents) = &mut *self.locked();
        let file = match file {
            Some(file) => file,
            None => file.insert(tempfile::tempfile()?),
        };
        let at = extents.take(bytes.len() as u64);
        let written = file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(bytes));
        match written {
            Ok(()) => Ok(at),
            Err(error) => {
                extents.give(at, bytes.len() as u64);
                Err(error)
            }
        }
    }

    fn read(&self, at: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let (file, _) = &mut *self.locked();
        let Some(file) = file else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let mut read = vec![0; bytes];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut read)?;
        Ok(read)
    }

    fn give(&self, at: u64, bytes: usize) {
        self.locked().1.give(at, bytes as u64);
    }
}
