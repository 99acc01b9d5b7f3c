//! Seeded random values (xorshift64*): a failure names the seed, which makes the same values again.

/// A sequence of values that looks random.
pub struct Random(u64);

impl Random {
    /// Starts the sequence of a seed.
    pub fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Returns the next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Returns a number from 0 to `limit` - 1.
    pub fn below(&mut self, limit: u64) -> u64 {
        (self.bits() >> 11) % limit
    }

    /// Returns true once in two times.
    pub fn flip(&mut self) -> bool {
        self.below(2) == 0
    }

    /// Returns one of some values.
    pub fn one_of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u64) as usize].clone()
    }

    /// Returns up to 20 characters: letters, quotes, other scripts, beyond the basic plane, a null.
    pub fn text(&mut self) -> String {
        let alphabet: Vec<char> = "abcXYZ019 _-./\\\"'\n\u{0}äßλ中\u{ffff}😀".chars().collect();
        (0..self.below(21)).map(|_| self.one_of(&alphabet)).collect()
    }

    /// Returns up to 40 bytes.
    pub fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(41)).map(|_| self.bits() as u8).collect()
    }

    /// Returns a whole number that JavaScript tells from its neighbours: small, large, or an end of their range.
    pub fn safe_integer(&mut self) -> i64 {
        const LARGEST: i64 = (1 << 53) - 1;
        match self.below(4) {
            0 => self.below(10) as i64,
            1 => self.one_of(&[0, -1, LARGEST, -LARGEST]),
            2 => -(self.below(LARGEST as u64) as i64),
            _ => self.below(LARGEST as u64) as i64,
        }
    }
}
