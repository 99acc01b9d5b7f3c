//! Spark's generator of random numbers (`XORShiftRandom`): with the same seed, the draws of Spark's first partition.
//!
//! The state is 64 bits, shifted and xored by 21, 35 and 4 for each draw. Seeds are hashed first, since
//! near seeds would begin alike.

use crate::values::murmur3;

/// An xor-shift generator, seeded through MurmurHash3 as Scala has it.
#[derive(Debug, Clone)]
pub struct XorShift {
    /// The 64 bits that the next draw is made of.
    state: i64,
    /// The second of the two normal numbers that one draw makes.
    spare: Option<f64>,
}

impl XorShift {
    /// Makes a generator that always draws the same numbers for a seed.
    pub fn new(seed: i64) -> Self {
        // Scala hashes the seed's bytes, the highest first (`scala.util.hashing.MurmurHash3.bytesHash`).
        let bytes = seed.swap_bytes();
        let low = murmur3::hash_long(bytes, 0x3c07_4a61);
        let high = murmur3::hash_long(bytes, low);
        Self {
            state: i64::from(high as i32) << 32 | i64::from(low),
            spare: None,
        }
    }

    /// Draws a number of bits.
    fn next(&mut self, bits: u32) -> i64 {
        let mut next = self.state ^ self.state << 21;
        next ^= (next as u64 >> 35) as i64;
        next ^= next << 4;
        self.state = next;
        next & ((1 << bits) - 1)
    }

    /// Draws a number from [0, 1), uniformly, with 53 bits.
    pub fn double(&mut self) -> f64 {
        let high = self.next(26) << 27;
        (high + self.next(27)) as f64 / (1u64 << 53) as f64
    }

    /// Draws a number from [0, 1), uniformly, with 24 bits (`nextFloat`).
    pub fn float(&mut self) -> f32 {
        self.next(24) as f32 / (1 << 24) as f32
    }

    /// Draws an integer from 0 to below `bound`, uniformly (`nextInt`); `bound` must be above 0.
    pub fn below(&mut self, bound: i32) -> i32 {
        let mut drawn = self.next(31) as i32;
        if bound & (bound - 1) == 0 {
            return ((i64::from(bound) * i64::from(drawn)) >> 31) as i32;
        }
        loop {
            let value = drawn % bound;
            // Numbers of the last, incomplete range are drawn again.
            if drawn.wrapping_sub(value).wrapping_add(bound - 1) >= 0 {
                return value;
            }
            drawn = self.next(31) as i32;
        }
    }

    /// Draws 32 bits (`nextInt`).
    pub fn int(&mut self) -> i32 {
        self.next(32) as i32
    }

    /// Draws 64 bits as `java.util.Random.nextLong` puts them together: the lower half has a sign.
    pub fn signed_long(&mut self) -> i64 {
        let high = i64::from(self.int()) << 32;
        high.wrapping_add(i64::from(self.int()))
    }

    /// Draws 64 bits.
    pub fn long(&mut self) -> u64 {
        (self.next(32) as u64) << 32 | self.next(32) as u64
    }

    /// Draws from the normal distribution with mean 0 and deviation 1 (`java.util.Random.nextGaussian`), by
    /// Marsaglia's polar method.
    pub fn gaussian(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (a, b) = (2.0 * self.double() - 1.0, 2.0 * self.double() - 1.0);
            let s = a * a + b * b;
            if s < 1.0 && s != 0.0 {
                let scale = (-2.0 * s.ln() / s).sqrt();
                self.spare = Some(b * scale);
                return a * scale;
            }
        }
    }
}
