//! The hash by which Kafka's own clients choose a key's partition (`Utils.murmur2`): Austin Appleby's MurmurHash2 of 32 bits.

/// The hash's seed.
const SEED: u32 = 0x9747_b28c;
/// Its multiplier.
const M: u32 = 0x5bd1_e995;

/// Returns a key's partition of this many.
pub fn partition(key: &[u8], partitions: usize) -> i32 {
    let positive = hash(key) & 0x7fff_ffff;
    (positive as usize % partitions.max(1)) as i32
}

/// Returns the hash of bytes.
fn hash(bytes: &[u8]) -> u32 {
    let mut hash = SEED ^ bytes.len() as u32;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k = (k ^ (k >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, byte| tail << 8 | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hash_as_in_kafkas_own_tests() {
        // `UtilsTest.testMurmur2` of Apache Kafka.
        let known: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (key, expected) in known {
            assert_eq!(hash(key.as_bytes()) as i32, expected, "{key}");
        }
    }
}
