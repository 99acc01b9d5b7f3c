//! Sums over slices of doubles, eight lanes at a time.
//!
//! One sum from left to right waits for each addition; eight sums beside each other do not, and compilers make vector instructions of
//! them. The result may differ from the plain sum in its last bits, and is the same everywhere. Where slices differ in length, the
//! rest of the longer one is left out.

/// How many sums run beside each other.
const LANES: usize = 8;

/// Returns the sum of a function of pairs.
#[inline]
fn sum_of(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> f64 {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
    let rest: f64 = rest.map(|(a, b)| f(*a, *b)).sum();
    let mut sums = [0.0; LANES];
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += f(a[lane], b[lane]);
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (b + f)) + ((c + g) + (d + h)) + rest
}

/// Returns the sum of products.
///
/// ```
/// use rivulet::values::lanes::dot;
///
/// assert_eq!(dot(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]), 32.0);
/// ```
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum_of(a, b, |a, b| a * b)
}

/// Returns the sum of squared differences.
///
/// ```
/// use rivulet::values::lanes::squared_distance;
///
/// assert_eq!(squared_distance(&[1.0, 2.0], &[4.0, 6.0]), 25.0);
/// ```
pub fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    sum_of(a, b, |a, b| (a - b) * (a - b))
}

/// Returns whether no value is NaN or infinite.
///
/// ```
/// use rivulet::values::lanes::are_finite;
///
/// assert!(are_finite(&[0.0, f64::MAX]));
/// assert!(!are_finite(&[0.0, f64::INFINITY]) && !are_finite(&[f64::NAN]));
/// ```
pub fn are_finite(values: &[f64]) -> bool {
    // Nothing of a finite number is 0, of others NaN.
    sum_of(values, values, |value, _| value * 0.0) == 0.0
}

/// Adds `scale` times each value to the sum at its place.
///
/// ```
/// let mut sums = [1.0, 1.0];
/// rivulet::values::lanes::add_scaled(2.0, &[1.0, 3.0], &mut sums);
/// assert_eq!(sums, [3.0, 7.0]);
/// ```
pub fn add_scaled(scale: f64, values: &[f64], sums: &mut [f64]) {
    sums.iter_mut()
        .zip(values)
        .for_each(|(sum, value)| *sum += scale * value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_any_length_are_those_of_a_plain_loop() {
        for length in 0..40 {
            let a: Vec<f64> = (0..length).map(|i| f64::from(i) - 7.5).collect();
            let b: Vec<f64> = (0..length + 3).map(|i| f64::from(i * i) / 4.0).collect();
            // Quarters of integers: every sum is exact.
            let plain: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            assert_eq!(dot(&a, &b), plain, "{length}");
            let plain: f64 = a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).sum();
            assert_eq!(squared_distance(&a, &b), plain, "{length}");
        }
    }
}
