//! Files of the operating system: written beside, flushed, and renamed into place.
//!
//! Beside each file lies Hadoop's checksum of it, as Spark's local checkpoints have it: `.name.crc`, with a CRC-32 for
//! every 512 bytes. It is durable as `.name.crc.next` before its file is, and gets its name after it, so that at any time
//! one of the two belongs to the file. A file without one is taken as it is where no file of its folder has any, as in
//! copies from a store that keeps none; beside files that have theirs, it is damaged.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use arrow::buffer::Buffer;

use super::{Answer, Reply, Request, Storage, StorageError};

/// Bytes per checksum, Hadoop's default.
const CHUNK_BYTES: usize = 512;
/// The first bytes of a checksum file.
const CRC_MAGIC: &[u8; 4] = b"crc\0";
/// The file that is locked for its folder.
const LOCK_FILE: &str = ".rivulet.lock";

/// The machine's file system, and the locks that this process holds in it. Locks end with the process, however it ends.
#[derive(Debug, Default)]
pub struct StdFs {
    /// Lock files that are open, by folder.
    locks: BTreeMap<PathBuf, File>,
}

/// Returns the path without its scheme.
///
/// ```
/// use rivulet::storage::std_fs::local;
///
/// assert_eq!(local("file:///tmp/cp"), "/tmp/cp");
/// ```
pub fn local(path: &str) -> &str {
    path.strip_prefix("file://")
        .or_else(|| path.strip_prefix("file:"))
        .unwrap_or(path)
}

impl Storage for StdFs {
    fn perform(&mut self, request: &Request) -> Answer {
        let path = Path::new(local(request.path()));
        let failed = |error: io::Error| {
            let text = error.to_string();
            if error.kind() == io::ErrorKind::StorageFull || error.kind() == io::ErrorKind::QuotaExceeded {
                let path = request.path().to_owned();
                return StorageError::Quota { path, reason: text };
            }
            StorageError::of_text(request.path(), &text)
        };
        match request {
            Request::Read { .. } => read(path, request.path(), &failed),
            Request::List { .. } => list(path).map(Reply::Names).map_err(failed),
            Request::Write { bytes, .. } => write(path, bytes).map(|()| Reply::Done).map_err(failed),
            Request::Delete { .. } => delete(path).map(|()| Reply::Done).map_err(failed),
            Request::Lock { .. } => self.lock(path, request.path(), &failed),
            Request::Unlock { .. } => {
                self.locks.remove(path);
                Ok(Reply::Done)
            }
        }
    }
}

impl StdFs {
    /// Locks a folder, which is made if it does not exist.
    fn lock(&mut self, path: &Path, name: &str, failed: &dyn Fn(io::Error) -> StorageError) -> Answer {
        let locked = || StorageError::Locked { path: name.to_owned() };
        if self.locks.contains_key(path) {
            return Err(locked());
        }
        fs::create_dir_all(path).map_err(failed)?;
        let file = File::create(path.join(LOCK_FILE)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                self.locks.insert(path.to_owned(), file);
                Ok(Reply::Done)
            }
            Err(fs::TryLockError::WouldBlock) => Err(locked()),
            Err(fs::TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// Returns `None` for what does not exist.
fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the checksum file of a file.
fn sidecar(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.crc"))
}

/// Returns the checksum file of a file that is about to be put into place.
fn next_sidecar(path: &Path) -> PathBuf {
    let mut name = sidecar(path).into_os_string();
    name.push(".next");
    name.into()
}

/// Returns Hadoop's checksum file: magic, bytes per checksum, then the checksums; big-endian.
fn checksums(bytes: &[u8], chunk_bytes: usize) -> Vec<u8> {
    let mut file = CRC_MAGIC.to_vec();
    file.extend((chunk_bytes as u32).to_be_bytes());
    for chunk in bytes.chunks(chunk_bytes) {
        file.extend(crc32fast::hash(chunk).to_be_bytes());
    }
    file
}

/// Returns whether a checksum file is that of these bytes; its writer chose how many bytes a checksum has.
fn is_of(checksum_file: &[u8], bytes: &[u8]) -> bool {
    let chunk = checksum_file.get(4..8).and_then(|c| <[u8; 4]>::try_from(c).ok());
    let chunk = chunk.map_or(0, |c| u32::from_be_bytes(c) as usize);
    chunk > 0 && checksum_file == checksums(bytes, chunk)
}

/// Whether a file's bytes are those that were written.
#[derive(Debug, PartialEq, Eq)]
enum Check {
    /// They are.
    Sound,
    /// They are not.
    Damaged,
    /// It has no checksum.
    Unknown,
}

/// Compares a file's bytes with its checksums.
fn check(path: &Path, bytes: &[u8]) -> io::Result<Check> {
    let mut found = Check::Unknown;
    for file in [sidecar(path), next_sidecar(path)] {
        match absent(fs::read(file))? {
            Some(checksum_file) if is_of(&checksum_file, bytes) => return Ok(Check::Sound),
            Some(_) => found = Check::Damaged,
            None => {}
        }
    }
    Ok(found)
}

/// Reads a file; if it has a checksum, it is compared.
///
/// # Errors
/// If it cannot be read, or its checksum is another's.
pub fn read_checked(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = fs::read(path)?;
    match check(path, &bytes)? {
        Check::Damaged => Err(io::Error::new(io::ErrorKind::InvalidData, MISMATCH)),
        Check::Sound | Check::Unknown => Ok(bytes),
    }
}

/// What is wrong with a file whose checksum is another's.
const MISMATCH: &str = "its checksum does not match";

/// Reads a file and compares it with its checksums.
fn read(path: &Path, name: &str, failed: &dyn Fn(io::Error) -> StorageError) -> Answer {
    let Some(bytes) = absent(fs::read(path)).map_err(failed)? else {
        return Ok(Reply::Bytes(None));
    };
    let reason = match check(path, &bytes).map_err(failed)? {
        Check::Sound => None,
        Check::Damaged => Some(MISMATCH),
        Check::Unknown if has_checksums(path).map_err(failed)? => Some("its checksum is missing"),
        Check::Unknown => None,
    };
    match reason {
        Some(reason) => Err(StorageError::Corrupt {
            path: name.to_owned(),
            reason: reason.into(),
        }),
        None => Ok(Reply::Bytes(Some(Buffer::from(bytes)))),
    }
}

/// Returns whether any file in a file's folder has a checksum.
fn has_checksums(path: &Path) -> io::Result<bool> {
    let Some(entries) = absent(fs::read_dir(path.parent().unwrap_or(Path::new("/"))))? else {
        return Ok(false);
    };
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') && name.ends_with(".crc") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the names in a folder, sorted; hidden ones are left out, checksums and lock among them.
fn list(path: &Path) -> io::Result<Vec<String>> {
    let Some(entries) = absent(fs::read_dir(path))? else {
        return Ok(vec![]);
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Writes a file and its checksums durably: both files, then their folder.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    put(&next_sidecar(path), &checksums(bytes, CHUNK_BYTES))?;
    put(path, bytes)?;
    fs::rename(next_sidecar(path), sidecar(path))?;
    // The names are durable when their folder is.
    File::open(folder)?.sync_all()
}

/// Writes a file beside its name, flushes it, and renames it into place.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.tmp"));
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(temporary, path)
}

/// Removes a file with its checksums, or a folder with all in it.
fn delete(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return absent(fs::remove_dir_all(path)).map(|_| ());
    }
    absent(fs::remove_file(path))?;
    absent(fs::remove_file(next_sidecar(path)))?;
    absent(fs::remove_file(sidecar(path))).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("rivulet-std-fs-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn path(folder: &Path, name: &str) -> String {
        format!("file://{}/{name}", folder.display())
    }

    #[test]
    fn a_file_is_read_as_written_and_a_changed_one_is_named_as_damaged() {
        let folder = folder("read");
        let mut disk = StdFs::default();
        let (path, bytes) = (path(&folder, "offsets/0"), Buffer::from(vec![5u8; 1300]));
        let write = Request::Write {
            path: path.clone(),
            bytes: bytes.clone(),
        };
        assert_eq!(disk.perform(&write), Ok(Reply::Done));
        let read = Request::Read { path: path.clone() };
        assert_eq!(disk.perform(&read), Ok(Reply::Bytes(Some(bytes))));
        assert_eq!(fs::read(folder.join("offsets/.0.crc")).unwrap().len(), 8 + 3 * 4);
        let mut changed = vec![5; 1300];
        changed[700] = 6;
        fs::write(folder.join("offsets/0"), changed).unwrap();
        let error = disk.perform(&read).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{path} is damaged: its checksum does not match")
        );
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_without_its_checksum_is_damaged_where_others_have_theirs() {
        let folder = folder("missing");
        let mut disk = StdFs::default();
        for name in ["0", "1"] {
            let (path, bytes) = (path(&folder, name), Buffer::from(name.as_bytes()));
            disk.perform(&Request::Write { path, bytes }).unwrap();
        }
        let path = path(&folder, "1");
        let read = Request::Read { path: path.clone() };
        fs::remove_file(folder.join(".1.crc")).unwrap();
        let error = disk.perform(&read).unwrap_err();
        assert_eq!(error.to_string(), format!("{path} is damaged: its checksum is missing"));
        // A copy from a store that keeps no checksums.
        fs::remove_file(folder.join(".0.crc")).unwrap();
        assert_eq!(disk.perform(&read), Ok(Reply::Bytes(Some(Buffer::from(b"1")))));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_write_that_is_cut_off_leaves_a_file_with_its_checksum() {
        let folder = folder("cut");
        let mut disk = StdFs::default();
        let path = path(&folder, "0");
        let write = |bytes: &[u8]| Request::Write {
            path: path.clone(),
            bytes: Buffer::from(bytes),
        };
        disk.perform(&write(b"old")).unwrap();
        // The next content's checksum is there, the content is not; then that is too, and the names are the old ones.
        let file = folder.join("0");
        put(&next_sidecar(&file), &checksums(b"new", CHUNK_BYTES)).unwrap();
        let read = Request::Read { path: path.clone() };
        let holds = |bytes: &[u8]| Ok(Reply::Bytes(Some(Buffer::from(bytes))));
        assert_eq!(disk.perform(&read), holds(b"old"));
        put(&file, b"new").unwrap();
        assert_eq!(disk.perform(&read), holds(b"new"));
        disk.perform(&write(b"newer")).unwrap();
        assert_eq!(disk.perform(&read), holds(b"newer"));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn checksums_of_another_length_are_read_too() {
        let folder = folder("length");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("part-0");
        fs::write(&file, [7; 9_000]).unwrap();
        fs::write(sidecar(&file), checksums(&[7; 9_000], 4_096)).unwrap();
        assert_eq!(read_checked(&file).unwrap(), [7; 9_000]);
        fs::write(&file, [8; 9_000]).unwrap();
        assert_eq!(read_checked(&file).unwrap_err().to_string(), MISMATCH);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn listing_shows_names_without_what_lies_beside_them_and_deleting_takes_all() {
        let folder = folder("list");
        let mut disk = StdFs::default();
        for name in ["b", "a", "c/d"] {
            let bytes = Buffer::from(name.as_bytes());
            let path = path(&folder, name);
            disk.perform(&Request::Write { path, bytes }).unwrap();
        }
        let list = Request::List {
            path: path(&folder, ""),
        };
        let names = |names: &[&str]| Ok(Reply::Names(names.iter().map(|n| (*n).to_owned()).collect()));
        assert_eq!(disk.perform(&list), names(&["a", "b", "c"]));
        for name in ["c", "b", "never"] {
            let path = path(&folder, name);
            assert_eq!(disk.perform(&Request::Delete { path }), Ok(Reply::Done));
        }
        assert_eq!(disk.perform(&list), names(&["a"]));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        let nothing = Request::List {
            path: path(&folder, "never"),
        };
        assert_eq!(disk.perform(&nothing), names(&[]));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_locked_folder_is_refused_to_others_until_it_is_unlocked() {
        let folder = folder("lock");
        let path = path(&folder, "check");
        let (mut one, mut two) = (StdFs::default(), StdFs::default());
        let (lock, unlock) = (
            Request::Lock { path: path.clone() },
            Request::Unlock { path: path.clone() },
        );
        assert_eq!(one.perform(&lock), Ok(Reply::Done));
        assert_eq!(one.perform(&lock), Err(StorageError::Locked { path: path.clone() }));
        assert_eq!(two.perform(&lock), Err(StorageError::Locked { path }));
        assert_eq!(one.perform(&unlock), Ok(Reply::Done));
        assert_eq!(two.perform(&lock), Ok(Reply::Done));
        drop(two);
        assert_eq!(one.perform(&lock), Ok(Reply::Done));
        fs::remove_dir_all(folder).unwrap();
    }
}
