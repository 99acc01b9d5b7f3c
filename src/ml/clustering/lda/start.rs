//! Where topics and documents begin: numbers of a gamma distribution, as Spark's libraries (breeze, commons-math) draw them.

/// The generator of period 2¹⁹⁹³⁷ - 1 of Matsumoto and Nishimura, as commons-math seeds it (`MersenneTwister`).
struct Twister {
    state: [u32; Self::SIZE],
    at: usize,
    /// The second of the last pair of normal numbers.
    spare: Option<f64>,
}

impl Twister {
    const SIZE: usize = 624;
    const MIDDLE: usize = 397;

    fn new(seed: i64) -> Self {
        const N: usize = Twister::SIZE;
        let mut state = [0_u32; N];
        state[0] = 19_650_218;
        for i in 1..N {
            let before = state[i - 1];
            state[i] = 1_812_433_253_u32
                .wrapping_mul(before ^ (before >> 30))
                .wrapping_add(i as u32);
        }
        let key = [(seed as u64 >> 32) as u32, seed as u32];
        let mut i = 1;
        let mut mix = |factor: u32, added: &dyn Fn(usize) -> u32| {
            let before = state[i - 1];
            let mixed = state[i] ^ (before ^ (before >> 30)).wrapping_mul(factor);
            state[i] = mixed.wrapping_add(added(i));
            i += 1;
            if i >= N {
                state[0] = state[N - 1];
                i = 1;
            }
        };
        for turn in 0..N {
            let part = turn % key.len();
            mix(1_664_525, &|_| key[part].wrapping_add(part as u32));
        }
        for _ in 1..N {
            mix(1_566_083_941, &|i| (i as u32).wrapping_neg());
        }
        state[0] = 0x8000_0000;
        Self {
            state,
            at: N,
            spare: None,
        }
    }

    /// Makes the next words of the state.
    fn turn(&mut self) {
        const N: usize = Twister::SIZE;
        for i in 0..N {
            let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
            let odd = if y & 1 == 0 { 0 } else { 0x9908_b0df };
            self.state[i] = self.state[(i + Self::MIDDLE) % N] ^ (y >> 1) ^ odd;
        }
        self.at = 0;
    }

    /// Draws 32 bits.
    fn next(&mut self) -> u32 {
        if self.at >= Self::SIZE {
            self.turn();
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// Draws a number from [0, 1), uniformly, with 52 bits.
    fn double(&mut self) -> f64 {
        let high = u64::from(self.next() >> 6) << 26;
        let low = u64::from(self.next() >> 6);
        (high | low) as f64 / (1_u64 << 52) as f64
    }

    /// Draws from the normal distribution with mean 0 and deviation 1, by the method of Box and Muller.
    fn gaussian(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let angle = 2.0 * std::f64::consts::PI * self.double();
        let length = (-2.0 * self.double().ln()).sqrt();
        self.spare = Some(length * angle.sin());
        length * angle.cos()
    }
}

/// Draws `count` numbers of the gamma distribution with mean 1 and a shape above 1, by the method of Marsaglia and Tsang.
pub(super) fn gammas(seed: i64, shape: f64, count: usize) -> Vec<f64> {
    let mut random = Twister::new(seed);
    let (scale, d) = (1.0 / shape, shape - 1.0 / 3.0);
    let c = 1.0 / (9.0 * d).sqrt();
    let draw = |_| loop {
        let (x, v) = loop {
            let x = random.gaussian();
            let v = 1.0 + c * x;
            if v > 0.0 {
                break (x, v * v * v);
            }
        };
        let (square, u) = (x * x, random.double());
        if u < 1.0 - 0.0331 * square * square || u.ln() < 0.5 * square + d * (1.0 - v + v.ln()) {
            break scale * d * v;
        }
    };
    (0..count).map(draw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_commons_math_and_breeze() {
        let words = |seed: i64, at: &[usize]| {
            let mut random = Twister::new(seed);
            let drawn: Vec<u32> = (0..1300).map(|_| random.next()).collect();
            at.iter().map(|i| drawn[*i]).collect::<Vec<_>>()
        };
        assert_eq!(
            words(0x123_0000_0234, &[0, 1, 4]),
            [1_269_791_734, 1_135_888_473, 741_216_603]
        );
        assert_eq!(words(-7, &[0, 650]), [4_165_008_513, 1_808_200_644]);
        let mut random = Twister::new(42);
        assert!((random.gaussian() + 0.865_835_412_493_655_4).abs() < 1e-15);
        assert_eq!(random.double(), 0.573_640_959_426_062_3);
        assert!((random.gaussian() - 0.381_682_132_634_832_6).abs() < 1e-15);
        let expected = [
            0.912_702_374_380_322_6,
            1.035_258_880_155_115,
            1.038_938_421_994_485,
            1.050_286_587_666_857,
        ];
        for (drawn, expected) in gammas(42, 100.0, 4).into_iter().zip(expected) {
            assert!((drawn - expected).abs() < 1e-14, "{drawn} {expected}");
        }
    }

    #[test]
    fn numbers_have_the_mean_and_the_variance_of_their_shape() {
        let drawn = gammas(7, 100.0, 20_000);
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!((mean - 1.0).abs() < 3e-3, "{mean}");
        assert!((variance - 0.01).abs() < 5e-4, "{variance}");
    }
}
