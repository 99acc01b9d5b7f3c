//! `java.util.Random`: the random numbers of code of Spark's that runs on its driver.

/// A generator of pseudo-random numbers, a linear congruence of 48 bits.
///
/// ```
/// use rivulet::values::java_random::JavaRandom;
///
/// let mut random = JavaRandom::new(42);
/// assert_eq!(random.below(10), 0);
/// assert_eq!(random.below(10), 3);
/// ```
#[derive(Debug, Clone)]
pub struct JavaRandom {
    /// The state: 48 bits.
    state: u64,
    /// The second of the last pair of normal numbers.
    spare: Option<f64>,
}

/// The factor of the congruence.
const FACTOR: u64 = 0x5_DEEC_E66D;
/// The bits of the state.
const MASK: u64 = (1 << 48) - 1;

impl JavaRandom {
    /// Returns the generator of a seed.
    pub fn new(seed: i64) -> Self {
        Self {
            state: (seed as u64 ^ FACTOR) & MASK,
            spare: None,
        }
    }

    /// Draws up to 32 bits, as the highest of an integer would be.
    fn next(&mut self, bits: u32) -> i32 {
        self.state = self.state.wrapping_mul(FACTOR).wrapping_add(0xB) & MASK;
        (self.state >> (48 - bits)) as i32
    }

    /// Draws an integer from 0 to below `bound`, uniformly (`nextInt`); `bound` must be above 0.
    pub fn below(&mut self, bound: i32) -> i32 {
        let mut drawn = self.next(31);
        if bound & (bound - 1) == 0 {
            return ((i64::from(bound) * i64::from(drawn)) >> 31) as i32;
        }
        loop {
            let value = drawn % bound;
            // Numbers of the last, incomplete range are drawn again.
            if drawn.wrapping_sub(value).wrapping_add(bound - 1) >= 0 {
                return value;
            }
            drawn = self.next(31);
        }
    }

    /// Draws 32 bits (`nextInt`).
    pub fn int(&mut self) -> i32 {
        self.next(32)
    }

    /// Draws 64 bits (`nextLong`).
    pub fn long(&mut self) -> i64 {
        let high = i64::from(self.next(32)) << 32;
        high.wrapping_add(i64::from(self.next(32)))
    }

    /// Draws a number from [0, 1), uniformly, with 53 bits (`nextDouble`).
    pub fn double(&mut self) -> f64 {
        let high = i64::from(self.next(26)) << 27;
        (high + i64::from(self.next(27))) as f64 / (1u64 << 53) as f64
    }

    /// Draws from the normal distribution with mean 0 and deviation 1 (`nextGaussian`), by Marsaglia's polar method.
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

/// Returns what Java's `String.hashCode` returns.
///
/// ```
/// assert_eq!(rivulet::values::java_random::hash_code("spark"), 109_638_365);
/// ```
pub fn hash_code(text: &str) -> i32 {
    let units = text.encode_utf16();
    units.fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}
