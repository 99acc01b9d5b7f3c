//! The distribution of Kolmogorov's statistic for a sample of n, by the methods that Commons Math takes.
//!
//! Up to 140 values by powers of a matrix (Marsaglia, Tsang and Wang, 2003), beyond by a series (Pelz and Good, 1976, as
//! Simard and L'Ecuyer give it, 2011).

use std::f64::consts::PI;

/// Terms of a series at most.
const TERMS: usize = 100_000;
/// What the last term may add, as a share of the sum.
const LAST: f64 = 1e-10;
/// Sizes of samples from which on the series is taken.
const SERIES: u64 = 140;

/// Returns the probability that the greatest distance of a sample of `n`, at least 1, is below `d`.
pub fn below(d: f64, n: u64) -> f64 {
    let count = n as f64;
    let step = 1.0 / count;
    if d.is_nan() {
        return f64::NAN;
    }
    if d <= 0.5 * step {
        return 0.0;
    }
    if d <= step {
        let f = 2.0 * d - step;
        return (1..=n).map(|i| i as f64 * f).product();
    }
    if 1.0 - step <= d && d < 1.0 {
        return 1.0 - 2.0 * (1.0 - d).powf(count);
    }
    if d >= 1.0 {
        return 1.0;
    }
    if n <= SERIES {
        by_matrix(d, n)
    } else {
        by_series(d, count)
    }
}

/// Computes it by the n-th power of a matrix of about 2 n d rows.
fn by_matrix(d: f64, n: u64) -> f64 {
    let k = (n as f64 * d).ceil() as usize;
    let m = 2 * k - 1;
    let h = k as f64 - n as f64 * d;
    let mut matrix = vec![0.0; m * m];
    for i in 0..m {
        for j in 0..m.min(i + 2) {
            matrix[i * m + j] = 1.0;
        }
    }
    let mut powers = Vec::with_capacity(m);
    let mut power = h;
    for _ in 0..m {
        powers.push(power);
        power *= h;
    }
    for i in 0..m {
        matrix[i * m] -= powers[i];
        matrix[(m - 1) * m + i] -= powers[m - i - 1];
    }
    if h > 0.5 {
        matrix[(m - 1) * m] += (2.0 * h - 1.0).powi(m as i32);
    }
    for i in 0..m {
        for j in 0..=i {
            for factor in 2..=(i + 1 - j) {
                matrix[i * m + j] /= factor as f64;
            }
        }
    }
    let mut found = power_of(&matrix, m, n)[(k - 1) * m + k - 1];
    for i in 1..=n {
        found *= i as f64 / n as f64;
    }
    found
}

/// Returns a power of a square matrix of m rows.
fn power_of(matrix: &[f64], m: usize, n: u64) -> Vec<f64> {
    let product = |a: &[f64], b: &[f64]| {
        let mut out = vec![0.0; m * m];
        for i in 0..m {
            for (k, x) in a[i * m..(i + 1) * m].iter().enumerate().filter(|(_, x)| **x != 0.0) {
                out[i * m..(i + 1) * m]
                    .iter_mut()
                    .zip(&b[k * m..])
                    .for_each(|(o, y)| *o += x * y);
            }
        }
        out
    };
    let mut result: Option<Vec<f64>> = None;
    let (mut base, mut left) = (matrix.to_vec(), n);
    loop {
        if left & 1 == 1 {
            result = Some(result.map_or_else(|| base.clone(), |r| product(&r, &base)));
        }
        left >>= 1;
        if left == 0 {
            return result.unwrap_or(base);
        }
        base = product(&base, &base);
    }
}

/// Adds up terms until they no longer matter; `first` is the number of the first one.
fn series(first: usize, term: impl Fn(f64) -> f64) -> f64 {
    let mut sum = 0.0;
    for k in first..TERMS {
        let more = term(k as f64);
        sum += more;
        if more.abs() <= LAST * f64::abs(sum) {
            break;
        }
    }
    sum
}

/// Computes it by the first four terms of its expansion in 1 / √n.
fn by_series(d: f64, n: f64) -> f64 {
    let root = n.sqrt();
    let z = d * root;
    let z2 = d * d * n;
    let (z4, z6, z8) = (z2 * z2, z2 * z2 * z2, z2 * z2 * z2 * z2);
    let (p2, p4, p6) = (PI * PI, PI.powi(4), PI.powi(6));
    let weight = |k2: f64| (-p2 * k2 / (2.0 * z2)).exp();
    // Of the odd multiples of a half, and of the whole numbers, squared.
    let half = |k: f64| (k + 0.5) * (k + 0.5);
    let mut found = series(1, |k| (-p2 * (2.0 * k - 1.0) * (2.0 * k - 1.0) / (8.0 * z2)).exp()) * (2.0 * PI).sqrt() / z;
    let scale = (PI / 2.0).sqrt();
    found += series(0, |k| (p2 * half(k) - z2) * weight(half(k))) * scale / (3.0 * z4 * root);
    let second = series(0, |k| {
        let k2 = half(k);
        let factor = 6.0 * z6 + 2.0 * z4 + p2 * (2.0 * z4 - 5.0 * z2) * k2 + p4 * (1.0 - 2.0 * z2) * k2 * k2;
        factor * weight(k2)
    });
    let of_second = series(1, |k| p2 * k * k * weight(k * k));
    found += scale / n * (second / (36.0 * z6 * z) - of_second / (18.0 * z2 * z));
    let third = series(0, |k| {
        let k2 = half(k);
        let (k4, k6) = (k2 * k2, k2 * k2 * k2);
        let factor =
            p6 * k6 * (5.0 - 30.0 * z2) + p4 * k4 * (-60.0 * z2 + 212.0 * z4) + p2 * k2 * (135.0 * z4 - 96.0 * z6)
                - 30.0 * z6
                - 90.0 * z8;
        factor * weight(k2)
    });
    let of_third = series(1, |k| {
        let k2 = k * k;
        (-p4 * k2 * k2 + 3.0 * p2 * k2 * z2) * weight(k2)
    });
    found + scale / (root * n) * (third / (3240.0 * z6 * z4) + of_third / (108.0 * z6))
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn both_methods_agree_where_they_meet() {
        for d in [0.05, 0.08, 0.11, 0.15] {
            let (matrix, series) = (by_matrix(d, 140), by_series(d, 140.0));
            assert!((matrix - series).abs() < 1e-5, "{d}: {matrix} {series}");
        }
    }

    #[test]
    fn the_distribution_of_one_value_is_a_line() {
        // The distance of one value u is max(u, 1 - u).
        assert!((below(0.75, 1) - 0.5).abs() < 1e-12);
        assert_eq!((below(0.5, 1), below(1.0, 1)), (0.0, 1.0));
        // For two values, below 1/2: n! (2d - 1/n)^n.
        assert!((below(0.4, 2) - 2.0 * 0.3 * 0.3).abs() < 1e-12);
    }
}
