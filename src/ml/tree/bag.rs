//! Which rows a tree takes, and how often (`BaggedPoint`), drawn by partition from the seed.

use prost::Message;

use crate::plan::functions::random::XorShift;

/// How rows are drawn for each tree.
#[derive(Clone, PartialEq, Message)]
pub struct Sampling {
    /// How many trees.
    #[prost(uint32, tag = "1")]
    pub trees: u32,
    /// The share of the rows that a tree takes, about.
    #[prost(double, tag = "2")]
    pub rate: f64,
    /// Whether a row may be taken several times.
    #[prost(bool, tag = "3")]
    pub replacement: bool,
    /// The seed.
    #[prost(int64, tag = "4")]
    pub seed: i64,
}

/// Draws row after row of a partition.
#[derive(Debug)]
pub enum Draws {
    /// Each row once.
    All,
    /// By a Poisson distribution of this mean's `e⁻ᵐ`.
    Poisson(Box<Well>, f64, f64),
    /// Once or not at all.
    Share(Box<XorShift>, f64),
}

impl Draws {
    /// Begins a partition.
    pub fn new(sampling: &Sampling, partition: usize) -> Self {
        let seed = sampling.seed.wrapping_add(partition as i64).wrapping_add(1);
        match (sampling.replacement, sampling.rate) {
            (true, mean) => Self::poisson(mean, seed),
            (false, 1.0) => Self::All,
            (false, rate) => Self::Share(Box::new(XorShift::new(seed)), rate),
        }
    }

    /// Returns draws of a Poisson distribution.
    pub fn poisson(mean: f64, seed: i64) -> Self {
        Self::Poisson(Box::new(Well::new(seed)), mean, (-mean).exp())
    }

    /// Draws how often a tree takes the next row.
    pub fn times(&mut self) -> u32 {
        match self {
            Self::All => 1,
            Self::Share(random, rate) => u32::from(random.double() < *rate),
            // The exponential of a large mean is 0: such numbers are sums of those of smaller means.
            Self::Poisson(random, mean, _) if *mean > MOST_AT_ONCE => {
                let parts = (*mean / MOST_AT_ONCE).ceil();
                let part = *mean / parts;
                let least = (-part).exp();
                (0..parts as u64).fold(0, |sum: u32, _| sum.saturating_add(poisson(random, part, least)))
            }
            Self::Poisson(random, mean, least) => poisson(random, *mean, *least),
        }
    }
}

/// The largest mean whose numbers are drawn at once.
const MOST_AT_ONCE: f64 = 500.0;

/// Draws a number of the Poisson distribution of a mean, given its `e⁻ᵐ`.
fn poisson(random: &mut Well, mean: f64, least: f64) -> u32 {
    let (mut taken, mut product) = (0, 1.0);
    while f64::from(taken) < 1000.0 * mean {
        product *= random.double();
        if product < least {
            break;
        }
        taken += 1;
    }
    taken
}

/// The WELL generator of period 2¹⁹⁹³⁷ - 1 (Panneton, L'Ecuyer and Matsumoto), as commons-math seeds it (`Well19937c`).
#[derive(Debug)]
pub struct Well {
    state: [u32; Self::SIZE],
    at: usize,
}

impl Well {
    const SIZE: usize = 624;

    /// Returns the generator of a seed.
    pub fn new(seed: i64) -> Self {
        let mut state = [0_u32; Self::SIZE];
        state[0] = (seed as u64 >> 32) as u32;
        state[1] = seed as u32;
        for i in 2..Self::SIZE {
            // The word two before, as a long with its sign.
            let before = i64::from(state[i - 2] as i32);
            let mixed = 1_812_433_253_i64
                .wrapping_mul(before ^ (before >> 30))
                .wrapping_add(i as i64);
            state[i] = mixed as u32;
        }
        Self { state, at: 0 }
    }

    /// Draws 32 bits.
    fn next(&mut self) -> u32 {
        const N: usize = Well::SIZE;
        let at = self.at;
        let before = (at + N - 1) % N;
        let v = |by: usize| self.state[(at + by) % N];
        let (own, last, last_but_one) = (self.state[at], self.state[before], self.state[(at + N - 2) % N]);
        let z0 = (0x8000_0000 & last) ^ (0x7fff_ffff & last_but_one);
        let z1 = (own ^ (own << 25)) ^ (v(70) ^ (v(70) >> 27));
        let z2 = (v(179) >> 9) ^ (v(449) ^ (v(449) >> 1));
        let z3 = z1 ^ z2;
        let mut z4 = z0 ^ (z1 ^ (z1 << 9)) ^ (z2 ^ (z2 << 21)) ^ (z3 ^ (z3 >> 21));
        self.state[at] = z3;
        self.state[before] = z4;
        self.state[(at + N - 2) % N] &= 0x8000_0000;
        self.at = before;
        // The tempering of Matsumoto and Kurita.
        z4 ^= (z4 << 7) & 0xe46e_1700;
        z4 ^ ((z4 << 15) & 0x9b86_8000)
    }

    /// Draws a number from [0, 1), uniformly, with 52 bits.
    pub fn double(&mut self) -> f64 {
        let high = u64::from(self.next() >> 6) << 26;
        let low = u64::from(self.next() >> 6);
        (high | low) as f64 / (1_u64 << 52) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_about_as_often_as_a_large_mean_says() {
        let mut draws = Draws::poisson(2000.0, 7);
        let drawn: Vec<u32> = (0..200).map(|_| draws.times()).collect();
        let mean = f64::from(drawn.iter().sum::<u32>()) / 200.0;
        // Four deviations of the mean of 200 numbers.
        assert!((mean - 2000.0).abs() < 4.0 * (2000.0_f64 / 200.0).sqrt(), "{mean}");
    }
}
