//! How labels vary around their mean, and how the mean depends on the features: families and links.
//!
//! ```text
//! features · coefficients + intercept + offset = η      μ = unlink(η)      Var(label) ~ variance(μ) / weight
//! ```

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

use libm::{erf, lgamma};
use statrs::function::erf::erf_inv;

use crate::error::{Exception, Result, SparkError};
use crate::ml::error::illegal;
use crate::ml::params::Params;

/// The least mean that most families have, and the distance of shares from 0 and 1.
const EPSILON: f64 = 1e-16;
/// What stands for a label of 0 where its logarithm is needed.
const DELTA: f64 = 0.1;

/// The distribution of labels around their mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Family {
    /// Normal.
    Gaussian,
    /// Shares; weights are numbers of trials.
    Binomial,
    /// Counts.
    Poisson,
    /// Positive numbers.
    Gamma,
    /// By the power of the mean that the variance is.
    Tweedie(f64),
}

/// The function of the mean that is linear in the features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Link {
    /// μ.
    Identity,
    /// ln(μ / (1 - μ)).
    Logit,
    /// ln μ.
    Log,
    /// 1 / μ.
    Inverse,
    /// The quantile of the standard normal distribution.
    Probit,
    /// ln(-ln(1 - μ)).
    CLogLog,
    /// √μ.
    Sqrt,
    /// A power.
    Power(f64),
}

/// Names of families, in lower case.
pub const FAMILIES: [&str; 5] = ["gaussian", "binomial", "poisson", "gamma", "tweedie"];
/// Names of links, in lower case.
pub const LINKS: [&str; 7] = ["identity", "log", "inverse", "logit", "probit", "cloglog", "sqrt"];

impl Family {
    /// Returns the family that params name.
    ///
    /// # Errors
    /// If a param is of another type.
    fn of(params: &Params) -> Result<Self> {
        Ok(match params.text("family")?.to_lowercase().as_str() {
            "binomial" => Self::Binomial,
            "poisson" => Self::Poisson,
            "gamma" => Self::Gamma,
            "tweedie" => match params.double("variancePower")? {
                0.0 => Self::Gaussian,
                1.0 => Self::Poisson,
                2.0 => Self::Gamma,
                power => Self::Tweedie(power),
            },
            _ => Self::Gaussian,
        })
    }

    /// Returns the link if none is named.
    fn default_link(self) -> Link {
        match self {
            Self::Gaussian => Link::Identity,
            Self::Binomial => Link::Logit,
            Self::Poisson => Link::Log,
            Self::Gamma => Link::Inverse,
            Self::Tweedie(power) => Link::Power(1.0 - power),
        }
    }

    /// Returns whether a link may be named for the family.
    fn allows(self, link: Link) -> bool {
        match self {
            Self::Gaussian => matches!(link, Link::Identity | Link::Log | Link::Inverse),
            Self::Binomial => matches!(link, Link::Logit | Link::Probit | Link::CLogLog),
            Self::Poisson => matches!(link, Link::Log | Link::Identity | Link::Sqrt),
            Self::Gamma => matches!(link, Link::Inverse | Link::Identity | Link::Log),
            Self::Tweedie(_) => true,
        }
    }

    /// Returns the name in texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian",
            Self::Binomial => "binomial",
            Self::Poisson => "poisson",
            Self::Gamma => "gamma",
            Self::Tweedie(_) => "tweedie",
        }
    }

    /// Returns the mean to begin with for a label.
    ///
    /// # Errors
    /// If the family has no such label: what is wrong, as Spark words it.
    fn first_mean(self, y: f64, weight: f64) -> std::result::Result<f64, String> {
        let refuse = |name: &str, what: &str| {
            let y = crate::values::text::double(y);
            Err(format!(
                "The response variable of {name} family should be {what}, but got {y}"
            ))
        };
        match self {
            Self::Gaussian => Ok(y),
            Self::Binomial => {
                let mean = (weight * y + 0.5) / (weight + 1.0);
                if mean > 0.0 && mean < 1.0 {
                    return Ok(mean);
                }
                let mean = crate::values::text::double(mean);
                // Without the space, as Spark words it.
                Err(format!(
                    "The response variable of Binomial familyshould be in range (0, 1), but got {mean}"
                ))
            }
            Self::Poisson if y < 0.0 => refuse("Poisson", "non-negative"),
            Self::Poisson => Ok(y.max(DELTA)),
            Self::Gamma if y <= 0.0 => refuse("Gamma", "positive"),
            Self::Gamma => Ok(y),
            Self::Tweedie(power) => {
                let name = || format!("tweedie({})", crate::values::text::double(power));
                if (1.0..2.0).contains(&power) && y < 0.0 {
                    return refuse(&name(), "non-negative");
                }
                if power >= 2.0 && y <= 0.0 {
                    return refuse(&name(), "positive");
                }
                Ok(if y == 0.0 { DELTA } else { y })
            }
        }
    }

    /// Returns the variance of a label of weight 1, but for the dispersion.
    pub fn variance(self, mean: f64) -> f64 {
        match self {
            Self::Gaussian => 1.0,
            Self::Binomial => mean * (1.0 - mean),
            Self::Poisson => mean,
            Self::Gamma => mean * mean,
            Self::Tweedie(power) => mean.powf(power),
        }
    }

    /// Returns what a label is away from the mean, in the family's measure.
    pub fn deviance(self, y: f64, mean: f64, weight: f64) -> f64 {
        let y_log = |y: f64, mean: f64| if y == 0.0 { 0.0 } else { y * (y / mean).ln() };
        match self {
            Self::Gaussian => weight * (y - mean) * (y - mean),
            Self::Binomial => 2.0 * weight * (y_log(y, mean) + y_log(1.0 - y, 1.0 - mean)),
            Self::Poisson => 2.0 * weight * (y_log(y, mean) - (y - mean)),
            Self::Gamma => -2.0 * weight * ((y / mean).ln() - (y - mean) / mean),
            Self::Tweedie(power) => {
                let integral = |y: f64, p: f64| {
                    if p == 0.0 {
                        (y / mean).ln()
                    } else {
                        (y.powf(p) - mean.powf(p)) / p
                    }
                };
                let positive = if (1.0..2.0).contains(&power) { y.max(DELTA) } else { y };
                2.0 * weight * (y * integral(positive, 1.0 - power) - integral(y, 2.0 - power))
            }
        }
    }

    /// Returns a row's part of the logarithm of the likelihood, of families that need no dispersion; 0 for others.
    pub fn log_likelihood(self, y: f64, mean: f64, weight: f64) -> f64 {
        match self {
            Self::Gaussian => weight.ln(),
            Self::Binomial => {
                let trials = (weight + 0.5).floor();
                if trials == 0.0 {
                    return 0.0;
                }
                let hits = (y * weight + 0.5).floor();
                let choices = lgamma(trials + 1.0) - lgamma(hits + 1.0) - lgamma(trials - hits + 1.0);
                choices + hits * mean.ln() + (trials - hits) * (1.0 - mean).ln()
            }
            Self::Poisson => {
                let count = y.trunc();
                weight * (-mean + count * mean.ln() - lgamma(count + 1.0))
            }
            Self::Gamma | Self::Tweedie(_) => 0.0,
        }
    }

    /// Returns Akaike's criterion, but for the number of coefficients.
    ///
    /// # Errors
    /// If the family has none.
    pub fn aic(self, fit: &Fit) -> Result<f64> {
        let rows = fit.rows as f64;
        Ok(match self {
            Self::Gaussian => rows * ((fit.deviance / rows * 2.0 * PI).ln() + 1.0) + 2.0 - fit.likelihood,
            Self::Binomial | Self::Poisson => -2.0 * fit.likelihood,
            Self::Gamma => {
                let dispersion = fit.deviance / fit.weight;
                let shape = 1.0 / dispersion;
                let likelihood = (shape - 1.0) * fit.logs
                    - shape * fit.ratios
                    - fit.weight * lgamma(shape)
                    - shape * (fit.mean_logs + fit.weight * dispersion.ln());
                -2.0 * likelihood + 2.0
            }
            Self::Tweedie(_) => {
                return Err(SparkError::new(
                    Exception::Connect,
                    "",
                    "",
                    "No AIC available for the tweedie family",
                ));
            }
        })
    }

    /// Returns a mean within what the family has.
    fn within(self, mean: f64) -> f64 {
        match self {
            Self::Gaussian => mean.clamp(f64::MIN, f64::MAX),
            Self::Binomial if mean < EPSILON => EPSILON,
            Self::Binomial if mean > 1.0 - EPSILON => 1.0 - EPSILON,
            Self::Binomial => mean,
            _ if mean < EPSILON => EPSILON,
            _ if mean.is_infinite() => f64::MAX,
            _ => mean,
        }
    }
}

/// What rows say of a model: sums that its measures are made of.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Fit {
    /// How many rows there are.
    #[prost(int64, tag = "1")]
    pub rows: i64,
    /// Sum of the weights.
    #[prost(double, tag = "2")]
    pub weight: f64,
    /// Sum of the deviances.
    #[prost(double, tag = "3")]
    pub deviance: f64,
    /// Sum of the squares of the errors over their variance (Pearson).
    #[prost(double, tag = "4")]
    pub pearson: f64,
    /// Sum of (label - offset) × weight.
    #[prost(double, tag = "5")]
    pub labels: f64,
    /// Sum of the logarithms of likelihoods.
    #[prost(double, tag = "6")]
    pub likelihood: f64,
    /// Sum of the labels' logarithms × weight.
    #[prost(double, tag = "7")]
    pub logs: f64,
    /// Sum of label / mean × weight.
    #[prost(double, tag = "8")]
    pub ratios: f64,
    /// Sum of the means' logarithms × weight.
    #[prost(double, tag = "9")]
    pub mean_logs: f64,
}

impl Fit {
    /// Adds a row.
    pub fn add(&mut self, family: Family, (y, mean, weight, offset): (f64, f64, f64, f64)) {
        self.rows += 1;
        self.weight += weight;
        self.deviance += family.deviance(y, mean, weight);
        self.pearson += (y - mean) * (y - mean) * weight / family.variance(mean);
        self.labels += (y - offset) * weight;
        self.likelihood += family.log_likelihood(y, mean, weight);
        if family == Family::Gamma {
            self.logs += weight * y.ln();
            self.ratios += weight * y / mean;
            self.mean_logs += weight * mean.ln();
        }
    }

    /// Adds the sums of other rows.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.weight += other.weight;
        self.deviance += other.deviance;
        self.pearson += other.pearson;
        self.labels += other.labels;
        self.likelihood += other.likelihood;
        self.logs += other.logs;
        self.ratios += other.ratios;
        self.mean_logs += other.mean_logs;
    }
}

impl Link {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_lowercase().as_str() {
            "identity" => Self::Identity,
            "log" => Self::Log,
            "inverse" => Self::Inverse,
            "logit" => Self::Logit,
            "probit" => Self::Probit,
            "cloglog" => Self::CLogLog,
            "sqrt" => Self::Sqrt,
            _ => return None,
        })
    }

    fn power(power: f64) -> Self {
        match power {
            0.0 => Self::Log,
            1.0 => Self::Identity,
            -1.0 => Self::Inverse,
            0.5 => Self::Sqrt,
            other => Self::Power(other),
        }
    }

    /// Returns the function of a mean.
    pub fn link(self, mean: f64) -> f64 {
        match self {
            Self::Identity => mean,
            Self::Logit => (mean / (1.0 - mean)).ln(),
            Self::Log | Self::Power(0.0) => mean.ln(),
            Self::Inverse => 1.0 / mean,
            Self::Probit => quantile(mean),
            Self::CLogLog => (-(-mean).ln_1p()).ln(),
            Self::Sqrt => mean.sqrt(),
            Self::Power(power) => mean.powf(power),
        }
    }

    /// Returns its derivative.
    pub fn slope(self, mean: f64) -> f64 {
        match self {
            Self::Identity => 1.0,
            Self::Logit => 1.0 / (mean * (1.0 - mean)),
            Self::Log | Self::Power(0.0) => 1.0 / mean,
            Self::Inverse => -1.0 / (mean * mean),
            Self::Probit => {
                let at = quantile(mean);
                (2.0 * PI).sqrt() * (at * at / 2.0).exp()
            }
            Self::CLogLog => 1.0 / ((mean - 1.0) * (-mean).ln_1p()),
            Self::Sqrt => 1.0 / (2.0 * mean.sqrt()),
            Self::Power(power) => power * mean.powf(power - 1.0),
        }
    }

    /// Returns the mean that the function has a value at.
    pub fn unlink(self, eta: f64) -> f64 {
        match self {
            Self::Identity => eta,
            Self::Logit => 1.0 / (1.0 + (-eta).exp()),
            Self::Log | Self::Power(0.0) => eta.exp(),
            Self::Inverse => 1.0 / eta,
            Self::Probit => 0.5 * (1.0 + erf(eta * FRAC_1_SQRT_2)),
            Self::CLogLog => 1.0 - (-eta.exp()).exp(),
            Self::Sqrt => eta * eta,
            Self::Power(power) => eta.powf(1.0 / power),
        }
    }
}

/// Returns the quantile of the standard normal distribution.
fn quantile(p: f64) -> f64 {
    SQRT_2 * erf_inv(2.0 * p - 1.0)
}

/// A family with a link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// The family.
    pub family: Family,
    /// The link.
    pub link: Link,
}

impl Shape {
    /// Returns what params name.
    ///
    /// # Errors
    /// If the family does not support the link.
    pub fn of(params: &Params) -> Result<Self> {
        let family = Family::of(params)?;
        let name = params.text("family")?;
        if name.to_lowercase() == "tweedie" {
            let link = if params.is_set("linkPower") {
                Link::power(params.double("linkPower")?)
            } else {
                family.default_link()
            };
            return Ok(Self { family, link });
        }
        if !params.is_set("link") {
            let link = family.default_link();
            return Ok(Self { family, link });
        }
        let named = params.text("link")?;
        match Link::named(&named).filter(|link| family.allows(*link)) {
            Some(link) => Ok(Self { family, link }),
            None => Err(illegal(format!(
                "requirement failed: Generalized Linear Regression with {name} family does not support {named} link function."
            ))),
        }
    }

    /// Returns whether the model is a plain linear regression.
    pub fn is_linear(self) -> bool {
        self.family == Family::Gaussian && self.link == Link::Identity
    }

    /// Returns the linear part to begin with for a label.
    ///
    /// # Errors
    /// If the family has no such label: what is wrong, as Spark words it.
    pub fn first(self, y: f64, weight: f64) -> std::result::Result<f64, String> {
        let mean = self.family.first_mean(y, weight)?;
        Ok(self.link.link(self.family.within(mean)))
    }

    /// Returns the mean for a linear part.
    pub fn mean(self, eta: f64) -> f64 {
        self.family.within(self.link.unlink(eta))
    }

    /// Returns label and weight of least squares whose solution is the next step, for a row whose linear part is `eta`.
    pub fn working(self, (y, weight, offset): (f64, f64, f64), eta: f64) -> (f64, f64) {
        let mean = self.mean(eta);
        let slope = self.link.slope(mean);
        let label = eta - offset + (y - mean) * slope;
        (label, weight / (slope.powi(2) * self.family.variance(mean)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINKED: [Link; 8] = [
        Link::Identity,
        Link::Logit,
        Link::Log,
        Link::Inverse,
        Link::Probit,
        Link::CLogLog,
        Link::Sqrt,
        Link::Power(-0.3),
    ];

    #[test]
    fn links_are_undone_and_their_slopes_are_derivatives() {
        for link in LINKED {
            for mean in [0.1, 0.35, 0.9] {
                let eta = link.link(mean);
                assert!((link.unlink(eta) - mean).abs() < 1e-12, "{link:?} {mean}");
                let slope = (link.link(mean + 1e-6) - link.link(mean - 1e-6)) / 2e-6;
                assert!((slope - link.slope(mean)).abs() < 1e-5 * slope.abs(), "{link:?} {mean}");
            }
        }
    }

    #[test]
    fn a_label_at_its_mean_deviates_by_nothing() {
        let families = [
            Family::Gaussian,
            Family::Binomial,
            Family::Poisson,
            Family::Gamma,
            Family::Tweedie(1.6),
        ];
        for family in families {
            assert!(family.deviance(0.4, 0.4, 2.0).abs() < 1e-12, "{family:?}");
            assert!(family.deviance(0.4, 0.6, 2.0) > 0.0, "{family:?}");
        }
    }

    #[test]
    fn labels_that_a_family_lacks_are_refused() {
        assert!(Family::Poisson.first_mean(-1.0, 1.0).is_err());
        assert!(Family::Gamma.first_mean(0.0, 1.0).is_err());
        assert!(Family::Binomial.first_mean(3.0, 1.0).is_err());
        assert!(Family::Tweedie(1.5).first_mean(0.0, 1.0).is_ok());
        assert!(Family::Tweedie(2.5).first_mean(0.0, 1.0).is_err());
    }
}
