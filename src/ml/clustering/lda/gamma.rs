//! The logarithm of the gamma function and its first two derivatives, with the approximations of Spark's library (commons-math).

/// From here on a series is used; smaller numbers are led up to it.
const LARGE: f64 = 49.0;
/// Up to here the pole at 0 is all there is.
const SMALL: f64 = 1e-5;
/// Numbers below are not led up to [`LARGE`]: Spark's recursion is out of stack before.
const LEAST: f64 = -10_000.0;
/// The constant of Euler and Mascheroni.
const EULER: f64 = 0.577_215_664_901_532_9;

/// Leads a number up to where `near_zero` or `large` holds, and adds what `step` is of each number on the way.
fn led_up(x: f64, near_zero: fn(f64) -> f64, large: fn(f64) -> f64, step: fn(f64) -> f64) -> f64 {
    if !x.is_finite() {
        return x;
    }
    if x < LEAST {
        return f64::NAN;
    }
    let (mut at, mut steps) = (x, 0.0);
    loop {
        if at > 0.0 && at <= SMALL {
            return near_zero(at) + steps;
        }
        if at >= LARGE {
            return large(at) + steps;
        }
        steps += step(at);
        at += 1.0;
    }
}

/// Returns the derivative of the logarithm of the gamma function; NaN far below 0.
///
/// It is off by 3·10⁻⁹ at most, as in Spark: its series has a wrong sign.
pub(super) fn digamma(x: f64) -> f64 {
    let large = |x: f64| {
        let inverse = 1.0 / (x * x);
        x.ln() - 0.5 / x - inverse * (1.0 / 12.0 + inverse * (1.0 / 120.0 - inverse / 252.0))
    };
    led_up(x, |x| -EULER - 1.0 / x, large, |x| -1.0 / x)
}

/// Returns the second derivative of the logarithm of the gamma function; NaN far below 0.
pub(super) fn trigamma(x: f64) -> f64 {
    let large = |x: f64| {
        let inverse = 1.0 / (x * x);
        1.0 / x + inverse / 2.0 + inverse / x * (1.0 / 6.0 - inverse * (1.0 / 30.0 + inverse / 42.0))
    };
    led_up(x, |x| 1.0 / (x * x), large, |x| 1.0 / (x * x))
}

/// Returns the logarithm of the gamma function; infinite at 0, NaN below.
pub(super) fn log_gamma(x: f64) -> f64 {
    if x < 0.0 { f64::NAN } else { libm::lgamma(x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_commons_math() {
        let expected = [
            (1e-6, -1_000_000.577_215_664_9, 1e12, 13.815_509_980_749_43),
            (
                0.5,
                -1.963_510_028_796_937,
                4.934_802_200_544_614,
                0.572_364_942_924_700_1,
            ),
            (
                2.25,
                0.572_546_463_791_438_8,
                0.557_329_154_507_042_9,
                0.124_871_714_892_396_6,
            ),
            (
                48.999,
                3.881_560_889_457_316_6,
                0.020_618_251_442_972_19,
                140.670_042_077_033_1,
            ),
            (
                120.5,
                4.787_494_636_186_354,
                0.008_333_285_109_196_64,
                455.417_600_446_234_5,
            ),
        ];
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-14 * b.abs();
        for (x, first, second, logarithm) in expected {
            assert!(near(digamma(x), first), "{x}: {}", digamma(x));
            assert!(near(trigamma(x), second), "{x}: {}", trigamma(x));
            assert!(near(log_gamma(x), logarithm), "{x}: {}", log_gamma(x));
        }
        assert!(near(digamma(-3.5), 1.388_870_923_584_015_3));
    }

    #[test]
    fn numbers_without_a_value_end_too() {
        assert_eq!(digamma(0.0), f64::NEG_INFINITY);
        assert!(digamma(-1e300).is_nan() && digamma(f64::NAN).is_nan());
        assert_eq!(trigamma(f64::INFINITY), f64::INFINITY);
        assert!(log_gamma(0.0).is_infinite() && log_gamma(-0.5).is_nan());
        assert!((digamma(1.0) + EULER).abs() < 1e-8);
    }
}
