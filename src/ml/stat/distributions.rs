//! Distribution functions: probabilities that tests are judged by.
//!
//! Each is P(X ≤ x). Spark subtracts them from 1, so a p-value below 1e-16 is 0 there and here.

use std::f64::consts::SQRT_2;

use libm::erfc;
use statrs::function::beta::checked_beta_reg;
use statrs::function::gamma::checked_gamma_lr;

/// Returns the distribution function of chi-squared with `freedom` degrees of freedom, which must be above 0; NaN for
/// NaN.
pub fn chi_squared(freedom: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x.is_infinite() {
        return 1.0;
    }
    checked_gamma_lr(freedom / 2.0, x / 2.0).unwrap_or(f64::NAN)
}

/// Returns the distribution function of Fisher's F with two degrees of freedom, which must be above 0; NaN for NaN.
pub fn fisher(numerator: f64, denominator: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x.is_infinite() {
        return 1.0;
    }
    let product = numerator * x;
    checked_beta_reg(numerator / 2.0, denominator / 2.0, product / (denominator + product)).unwrap_or(f64::NAN)
}

/// Returns the distribution function of Student's t with `freedom` degrees of freedom, which must be above 0; NaN for NaN.
pub fn student(freedom: f64, x: f64) -> f64 {
    let tails = checked_beta_reg(freedom / 2.0, 0.5, freedom / (freedom + x * x)).unwrap_or(f64::NAN);
    if x < 0.0 { tails / 2.0 } else { 1.0 - tails / 2.0 }
}

/// Returns the distribution function of the normal distribution; `deviation` must be above 0.
pub fn normal(mean: f64, deviation: f64, x: f64) -> f64 {
    0.5 * erfc((mean - x) / (deviation * SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_agree_with_closed_forms() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-13;
        for x in [0.1, 1.0, 3.5, 20.0] {
            // Two degrees of freedom: exponential.
            assert!(close(chi_squared(2.0, x), 1.0 - (-x / 2.0_f64).exp()), "{x}");
            // F(2, 2): x / (1 + x).
            assert!(close(fisher(2.0, 2.0, x), x / (1.0 + x)), "{x}");
            assert!(close(normal(1.0, 2.0, 1.0 + x) + normal(1.0, 2.0, 1.0 - x), 1.0), "{x}");
        }
        // One degree of freedom: Cauchy.
        assert!(close(student(1.0, 1.0), 0.75) && close(student(1.0, -1.0), 0.25));
        assert_eq!(normal(0.0, 1.0, 0.0), 0.5);
        assert_eq!((chi_squared(3.0, 0.0), fisher(1.0, 2.0, -1.0)), (0.0, 0.0));
        assert!(fisher(1.0, 2.0, f64::NAN).is_nan());
    }
}
