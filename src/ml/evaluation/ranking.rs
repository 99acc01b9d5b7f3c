//! `RankingMetrics`: how well lists of recommendations are ordered.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float64Type;

use crate::error::Result;
use crate::ml::columns::Reads;
use crate::ml::error::invalid_value;
use crate::ml::literal::Kind;
use crate::ml::params::{Default, LABEL, POSITIVE, PREDICTION, Param, Params, one_of, param};
use crate::ml::stage::{Evaluator, Role, Stage, Training};
use crate::ml::summary::sums::{self, Sums};
use crate::ml::training;

/// Names of the metrics, as `metricName` takes them; the first is the default.
const METRICS: &[&str] = &[
    "meanAveragePrecision",
    "meanAveragePrecisionAtK",
    "precisionAtK",
    "ndcgAtK",
    "recallAtK",
];

/// Measures lists of recommendations against the relevant items (`RankingEvaluator`).
///
/// Both columns are lists of doubles. Metrics "at K" look at the first `k` recommendations. A row without relevant
/// items counts 0; so does a dataset without rows.
#[derive(Debug)]
pub struct RankingEvaluator;

impl Stage for RankingEvaluator {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.evaluation.RankingEvaluator"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            param("k", Kind::Int, Default::Int(10), POSITIVE),
            LABEL,
            one_of("metricName", "meanAveragePrecision", METRICS),
            PREDICTION,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Evaluator(self)
    }
}

impl Evaluator for RankingEvaluator {
    fn training(&self, params: &Params) -> Result<Training> {
        let (prediction, label) = (params.text("predictionCol")?, params.text("labelCol")?);
        let (name, k) = (params.text("metricName")?, params.count("k")?);
        let reads = vec![
            (prediction.clone(), Reads::DoubleLists),
            (label.clone(), Reads::DoubleLists),
        ];
        let add: sums::Add = Arc::new(move |columns, sums| {
            for row in 0..columns[0].len() {
                let found = values(&columns[0], row, &prediction)?;
                let relevant = values(&columns[1], row, &label)?;
                sums[0] += score(&name, k, &found, &relevant);
                sums[1] += 1.0;
            }
            Ok(())
        });
        Ok(Training::new(reads, move || Box::new(Sums::new(2, add.clone()))))
    }

    fn metric(&self, _params: &Params, state: &[u8], _ranges: usize) -> Result<f64> {
        let state: sums::State = training::state(state)?;
        Ok(match state.sums[..] {
            [sum, rows] if rows > 0.0 => sum / rows,
            _ => 0.0,
        })
    }
}

/// Returns the list of doubles of a row; null elements are NaN.
///
/// # Errors
/// `USER_RAISED_EXCEPTION` if the list is null.
pub(in crate::ml) fn values(lists: &ArrayRef, row: usize, column: &str) -> Result<Vec<f64>> {
    let lists = lists.as_list::<i32>();
    if lists.is_null(row) {
        return Err(invalid_value("Lists MUST NOT be Null", column, row));
    }
    let values = lists.value(row);
    let doubles = values.as_primitive::<Float64Type>();
    Ok(doubles.iter().map(|v| v.unwrap_or(f64::NAN)).collect())
}

/// Returns the score of one row by the metric's name; 0 if nothing is relevant.
fn score(name: &str, k: usize, found: &[f64], relevant: &[f64]) -> f64 {
    let set: HashSet<u64> = relevant.iter().map(|v| v.to_bits()).collect();
    if set.is_empty() {
        return 0.0;
    }
    let hit = |v: &f64| set.contains(&v.to_bits());
    let hits = || found.iter().take(k).filter(|v| hit(v)).count() as f64;
    let precision = |k: usize| {
        let (mut hits, mut sum) = (0.0, 0.0);
        for (i, _) in found.iter().take(k).enumerate().filter(|(_, v)| hit(v)) {
            hits += 1.0;
            sum += hits / (i + 1) as f64;
        }
        sum / set.len().min(k) as f64
    };
    match name {
        "precisionAtK" => hits() / k as f64,
        "recallAtK" => hits() / set.len() as f64,
        "meanAveragePrecisionAtK" => precision(k),
        "ndcgAtK" => {
            let (mut gained, mut best) = (0.0, 0.0);
            for i in 0..found.len().max(set.len()).min(k) {
                let gain = 1.0 / ((i + 2) as f64).ln();
                if found.get(i).is_some_and(hit) {
                    gained += gain;
                }
                if i < set.len() {
                    best += gain;
                }
            }
            gained / best
        }
        _ => precision(found.len().max(set.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_their_definitions() {
        let (found, relevant) = ([1.0, 6.0, 2.0], [1.0, 2.0, 3.0, 3.0]);
        assert_eq!(score("precisionAtK", 2, &found, &relevant), 0.5);
        assert_eq!(score("recallAtK", 3, &found, &relevant), 2.0 / 3.0);
        let average = (1.0 + 2.0 / 3.0) / 3.0;
        assert!((score("meanAveragePrecision", 1, &found, &relevant) - average).abs() < 1e-12);
        assert_eq!(score("ndcgAtK", 1, &found, &relevant), 1.0);
        assert_eq!(score("ndcgAtK", 1, &found, &[]), 0.0);
    }
}
