//! The Kolmogorov-Smirnov test: does a sample come from a normal distribution?

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;

use super::distributions;
use super::kolmogorov;
use super::{Finish, made_of_state, summarised};
use crate::error::{Exception, Result, SparkError};
use crate::ml::columns::Reads;
use crate::ml::error::illegal;
use crate::ml::literal::Value;
use crate::ml::params::doubles_of;
use crate::ml::summary::Summary;
use crate::ml::summary::value_counts::{Column, State, ValueCounts};
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;

/// Plans one row: the p-value and the statistic, the greatest distance between the two distribution functions.
///
/// The distribution is `norm` with mean and deviation, by default 0 and 1. Nulls and NaN are left out. The state is the
/// different values of the sample.
///
/// # Errors
/// If the distribution is unknown or its params do not fit; if the sample is not a column of numbers.
pub(super) fn planned(
    analyzer: &mut Analyzer,
    dataset: &sc::Relation,
    sample: &str,
    distribution: &str,
    params: &[Value],
) -> Result<Resolved> {
    if distribution != "norm" {
        return Err(SparkError::new(
            Exception::UnsupportedOperation,
            "",
            "",
            format!("{distribution} not yet supported through convenience method. Current options are:['norm']."),
        ));
    }
    let params = doubles_of(&Value::List(params.to_vec())).unwrap_or_default();
    let (mean, deviation) = match params[..] {
        [] => (0.0, 1.0),
        [mean, deviation] => (mean, deviation),
        _ => {
            return Err(SparkError::requirement(
                "Normal distribution requires mean and standard deviation as parameters",
            ));
        }
    };
    if deviation.is_nan() || deviation <= 0.0 {
        let text = crate::values::text::double(deviation);
        return Err(illegal(format!("standard deviation ({text}) must be above 0")));
    }
    let reads = vec![(sample.to_owned(), Reads::Numbers)];
    let make = || -> Box<dyn Summary> { Box::new(ValueCounts::new(1, f64::NAN)) };
    let input = summarised(
        analyzer,
        dataset,
        &reads,
        format!("kolmogorovSmirnovTest {sample}"),
        make,
    )?;
    let tested = move |state: &[u8]| -> Result<(f64, f64)> {
        let state: State = training::state(state)?;
        let column = state.columns.first().cloned().unwrap_or_default();
        let (statistic, count) = distance(&column, |x| distributions::normal(mean, deviation, x));
        if count == 0 {
            return Err(SparkError::requirement("the sample has no value"));
        }
        Ok((1.0 - kolmogorov::below(statistic, count), statistic))
    };
    let doubles = |value: f64| -> ArrayRef { Arc::new(Float64Array::from(vec![value])) };
    let (p, statistic): (Finish, Finish) = (
        Box::new(move |state| Ok(doubles(tested(state)?.0))),
        Box::new(move |state| Ok(doubles(tested(state)?.1))),
    );
    let options = format!("{mean} {deviation}");
    let items = vec![
        made_of_state(&input, "pValue", &options, DataType::Float64, p)?,
        made_of_state(&input, "statistic", &options, DataType::Float64, statistic)?,
    ];
    analyzer.select_typed(input, items)
}

/// Returns the greatest distance between a sample's distribution function and another one, and the size of the sample.
fn distance(sample: &Column, function: impl Fn(f64) -> f64) -> (f64, u64) {
    let mut sorted: Vec<(f64, i64)> = sample
        .values
        .iter()
        .copied()
        .zip(sample.counts.iter().copied())
        .collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let count: i64 = sorted.iter().map(|(_, n)| n).sum();
    let (mut before, mut greatest) = (0, 0.0f64);
    for (value, n) in sorted {
        let expected = function(value);
        let (low, high) = (before as f64 / count as f64, (before + n) as f64 / count as f64);
        greatest = greatest.max((low - expected).abs()).max((high - expected).abs());
        before += n;
    }
    (greatest, count.unsigned_abs())
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn the_distance_is_found_at_a_step_of_the_sample() {
        let sample = Column {
            values: vec![0.75, 0.25],
            counts: vec![1, 1],
        };
        assert_eq!(distance(&sample, |x| x), (0.25, 2));
        let ties = Column {
            values: vec![0.5],
            counts: vec![4],
        };
        assert_eq!(distance(&ties, |x| x), (0.5, 4));
    }
}
