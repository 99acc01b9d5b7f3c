//! Numbers at random as Apache's commons-math draws them: the WELL generator, and the Poisson distribution over it.

/// The largest mean whose numbers are drawn at once.
const MOST_AT_ONCE: f64 = 500.0;

/// Draws numbers of the Poisson distribution (`PoissonDistribution.sample`).
#[derive(Debug)]
pub struct Poisson {
    random: Well,
    mean: f64,
    /// The exponential of the negative mean.
    least: f64,
}

impl Poisson {
    /// Returns the numbers of a mean, 0 or more, and a seed.
    ///
    /// ```
    /// use rivulet::values::well::Poisson;
    ///
    /// let mut never = Poisson::new(0.0, 42);
    /// assert_eq!(never.draw(), 0);
    /// ```
    pub fn new(mean: f64, seed: i64) -> Self {
        Self {
            random: Well::new(seed),
            mean,
            least: (-mean).exp(),
        }
    }

    /// Draws the next number.
    pub fn draw(&mut self) -> u32 {
        let Self { random, mean, least } = self;
        if *mean <= MOST_AT_ONCE {
            return poisson(random, *mean, *least);
        }
        // The exponential of a large mean is 0: such numbers are sums of those of smaller means.
        let parts = (*mean / MOST_AT_ONCE).ceil();
        let part = *mean / parts;
        let least = (-part).exp();
        (0..parts as u64).fold(0, |sum: u32, _| sum.saturating_add(poisson(random, part, least)))
    }
}

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
    fn numbers_are_about_as_large_as_a_large_mean_says() {
        let mut numbers = Poisson::new(2000.0, 7);
        let drawn: Vec<u32> = (0..200).map(|_| numbers.draw()).collect();
        let mean = f64::from(drawn.iter().sum::<u32>()) / 200.0;
        // Four deviations of the mean of 200 numbers.
        assert!((mean - 2000.0).abs() < 4.0 * (2000.0_f64 / 200.0).sqrt(), "{mean}");
    }
}
