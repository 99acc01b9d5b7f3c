//! Files that carry their own length and checksum, for media that can tear a write.
//!
//! ```text
//! content  n bytes
//! CRC-32 of the content        4   little-endian
//! version of the format        4
//! length of the content        8
//! magic word RVLTSEAL          8
//! ```
//!
//! A file without a matching seal was not written whole. The seal stands at the end, where a torn write lacks it.

use arrow::buffer::Buffer;

use super::StorageError;

/// The last bytes of a sealed file.
const MAGIC: &[u8; 8] = b"RVLTSEAL";
/// Version of the format.
const VERSION: u32 = 1;
/// Length of a seal.
const SEAL_BYTES: usize = 24;

/// Returns the file to write for a content. Copies it once.
///
/// ```
/// use arrow::buffer::Buffer;
/// use rivulet::storage::seal;
///
/// let mut file = seal::seal(b"state");
/// assert_eq!(seal::open("f", &Buffer::from(file.clone()))?.as_slice(), b"state");
/// file[0] ^= 1;
/// assert!(seal::open("f", &Buffer::from(file)).is_err());
/// # Ok::<(), rivulet::storage::StorageError>(())
/// ```
pub fn seal(content: &[u8]) -> Vec<u8> {
    let mut file = Vec::with_capacity(content.len() + SEAL_BYTES);
    file.extend_from_slice(content);
    file.extend_from_slice(&crc32fast::hash(content).to_le_bytes());
    file.extend_from_slice(&VERSION.to_le_bytes());
    file.extend_from_slice(&(content.len() as u64).to_le_bytes());
    file.extend_from_slice(MAGIC);
    file
}

/// Returns the content of a sealed file, without a copy.
///
/// # Errors
/// [`StorageError::Corrupt`] if the seal is missing, of another version, or does not match.
pub fn open(path: &str, file: &Buffer) -> Result<Buffer, StorageError> {
    let corrupt = |reason: &str| StorageError::Corrupt {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let length = file
        .len()
        .checked_sub(SEAL_BYTES)
        .ok_or_else(|| corrupt("it is too short to be whole"))?;
    let (content, seal) = file.split_at(length);
    let word = |from: usize| u32::from_le_bytes([seal[from], seal[from + 1], seal[from + 2], seal[from + 3]]);
    if &seal[16..] != MAGIC {
        return Err(corrupt("its end is missing"));
    }
    if word(4) != VERSION {
        return Err(corrupt("it was written by another version of the format"));
    }
    if u64::from(word(8)) | u64::from(word(12)) << 32 != length as u64 {
        return Err(corrupt("its length is not the one that was written"));
    }
    if word(0) != crc32fast::hash(content) {
        return Err(corrupt("its checksum does not match"));
    }
    Ok(file.slice_with_length(0, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_file_opens_to_its_content_and_no_proper_part_of_it_does() {
        for content in [&b""[..], b"v1\n{}\n", &[7; 1000]] {
            let file = seal(content);
            assert_eq!(open("f", &Buffer::from(file.clone())).unwrap().as_slice(), content);
            for length in 0..file.len() {
                assert!(open("f", &Buffer::from(file[..length].to_vec())).is_err(), "{length}");
            }
        }
    }

    #[test]
    fn one_changed_bit_anywhere_is_found() {
        let file = seal(b"nextBatchWatermarkMs");
        for at in 0..file.len() * 8 {
            let mut changed = file.clone();
            changed[at / 8] ^= 1 << (at % 8);
            assert!(open("f", &Buffer::from(changed)).is_err(), "bit {at}");
        }
    }
}
