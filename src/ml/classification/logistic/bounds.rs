//! Bounds on coefficients and intercepts: which there are, and whether they fit the model.

use crate::error::{Result, SparkError};
use crate::ml::matrix::Matrix;
use crate::ml::params::Params;
use crate::values::text::double;

/// The bounds of standardised coefficients, feature after feature, a number per set, then of the intercepts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bounds {
    /// The least of each.
    pub lower: Vec<f64>,
    /// The most of each.
    pub upper: Vec<f64>,
    /// Whether no intercept is bounded, so that features may be taken as if their means were 0.
    pub has_free_intercepts: bool,
}

const COEFFICIENTS: [&str; 2] = ["lowerBoundsOnCoefficients", "upperBoundsOnCoefficients"];
const INTERCEPTS: [&str; 2] = ["lowerBoundsOnIntercepts", "upperBoundsOnIntercepts"];

/// Returns whether any bound is set.
pub(super) fn are_set(params: &Params) -> bool {
    COEFFICIENTS.iter().chain(&INTERCEPTS).any(|name| params.is_set(name))
}

/// Checks bounds against the other params.
///
/// # Errors
/// If they are set beside a penalty by absolute values, or bounds on intercepts without intercepts.
pub(super) fn check(params: &Params) -> Result<()> {
    let mix = params.double("elasticNetParam")?;
    if are_set(params) && mix != 0.0 {
        return Err(SparkError::requirement(format!(
            "Fitting under bound constrained optimization only supports L2 regularization, but got elasticNetParam = {}.",
            double(mix)
        )));
    }
    if !params.bool("fitIntercept")? && INTERCEPTS.iter().any(|name| params.is_set(name)) {
        return Err(SparkError::requirement(
            "Please don't set bounds on intercepts if fitting without intercept.",
        ));
    }
    Ok(())
}

/// Returns the bounds of a model that has `sets` sets of coefficients; `None` if none are set.
///
/// # Errors
/// If they are of another shape, or a lower one is above an upper one.
pub(super) fn of(params: &Params, sets: usize, std: &[f64], has_intercept: bool) -> Result<Option<Bounds>> {
    if !are_set(params) {
        return Ok(None);
    }
    let coefficients = [
        matrix(params, COEFFICIENTS[0], (sets, std.len()))?,
        matrix(params, COEFFICIENTS[1], (sets, std.len()))?,
    ];
    let intercepts = [
        vector(params, INTERCEPTS[0], sets)?,
        vector(params, INTERCEPTS[1], sets)?,
    ];
    if let [Some(lower), Some(upper)] = &coefficients {
        let show = |m: &Matrix| m.values.iter().map(|v| double(*v) + "  ").collect::<String>();
        ordered("Coefficients", &lower.values, &upper.values, [show(lower), show(upper)])?;
    }
    if let [Some(lower), Some(upper)] = &intercepts {
        let show = |v: &[f64]| format!("[{}]", v.iter().map(|v| double(*v)).collect::<Vec<_>>().join(","));
        ordered("Intercepts", lower, upper, [show(lower), show(upper)])?;
    }
    let all = |side: usize, none: f64| {
        let (coefficients, intercepts) = (&coefficients[side], &intercepts[side]);
        let scaled = (0..std.len() * sets).map(|i| {
            let (feature, set) = (i / sets, i % sets);
            coefficients
                .as_ref()
                .map_or(none, |m| m.row(set)[feature] * std[feature])
        });
        let own = (0..if has_intercept { sets } else { 0 }).map(|set| intercepts.as_ref().map_or(none, |v| v[set]));
        scaled.chain(own).collect()
    };
    let is_free = |bounds: &Option<Vec<f64>>| bounds.iter().flatten().all(|b| b.is_infinite());
    Ok(Some(Bounds {
        lower: all(0, f64::NEG_INFINITY),
        upper: all(1, f64::INFINITY),
        has_free_intercepts: intercepts.iter().all(is_free),
    }))
}

fn matrix(params: &Params, name: &str, (sets, features): (usize, usize)) -> Result<Option<Matrix>> {
    if !params.is_set(name) {
        return Ok(None);
    }
    let found = params.matrix(name)?;
    if (found.height(), found.width()) != (sets, features) {
        // As Spark words it, one of them with a capital letter.
        let name = name.replacen("lower", "Lower", 1);
        return Err(SparkError::requirement(format!(
            "The shape of {name} must be compatible with (1, number of features) for binomial regression, or (number of \
             classes, number of features) for multinomial regression, but found: ({}, {}).",
            found.height(),
            found.width()
        )));
    }
    Ok(Some(found))
}

fn vector(params: &Params, name: &str, sets: usize) -> Result<Option<Vec<f64>>> {
    if !params.is_set(name) {
        return Ok(None);
    }
    let found = params.vector(name)?.view().to_dense();
    if found.len() != sets {
        return Err(SparkError::requirement(format!(
            "The size of {name} must be equal to 1 for binomial regression, or the number of classes for multinomial \
             regression, but found: {}.",
            found.len()
        )));
    }
    Ok(Some(found))
}

fn ordered(what: &str, lower: &[f64], upper: &[f64], [low, high]: [String; 2]) -> Result<()> {
    if lower.iter().zip(upper).all(|(l, u)| l <= u) {
        return Ok(());
    }
    Err(SparkError::requirement(format!(
        "LowerBoundsOn{what} should always be less than or equal to upperBoundsOn{what}, but found: lowerBoundsOn{what} = \
         {low}, upperBoundsOn{what} = {high}."
    )))
}
