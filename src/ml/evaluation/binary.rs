//! `BinaryClassificationMetrics`: ROC and precision-recall curves, and the areas under them.
//!
//! Rows with equal scores are one point, so a curve has as many points as there are distinct scores, or about
//! `numBins`.

use crate::error::Result;
use crate::ml::columns::Reads;
use crate::ml::literal::Kind;
use crate::ml::params::{Default, LABEL, NON_NEGATIVE, Param, Params, RAW_PREDICTION, WEIGHT, one_of, param};
use crate::ml::stage::{Evaluator, Role, Stage, Training};
use crate::ml::summary::scores::{self, State};
use crate::ml::training;

/// Cumulative weights of positive and negative rows, from the highest score down.
///
/// ```
/// use rivulet::ml::evaluation::binary::{Curves, area};
/// use rivulet::ml::summary::scores::State;
///
/// let state = State {
///     scores: vec![0.9, 0.1],
///     positives: vec![1.0, 0.0],
///     negatives: vec![0.0, 1.0],
/// };
/// let curves = Curves::new(&state, 0, 1);
/// assert_eq!(curves.roc(), [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 1.0)]);
/// assert_eq!(area(&curves.roc()), 1.0);
/// ```
#[derive(Debug)]
pub struct Curves {
    /// (score, weight of positives, weight of negatives) of all rows with at least that score.
    points: Vec<(f64, f64, f64)>,
    /// Weight of all positive rows.
    positives: f64,
    /// Weight of all negative rows.
    negatives: f64,
}

impl Curves {
    /// Makes the curves; with `bins`, neighbouring scores are put together until about that many points are left, 0
    /// keeps all.
    ///
    /// Spark does so within each range of its sort, so that a range's last chunk may be short: `ranges` is the number
    /// of ranges (`spark.default.parallelism`). Costs a sort of the scores.
    pub fn new(state: &State, bins: usize, ranges: usize) -> Self {
        let weights = state.positives.iter().copied().zip(state.negatives.iter().copied());
        let mut sorted: Vec<(f64, (f64, f64))> = state.scores.iter().copied().zip(weights).collect();
        sorted.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let grouping = sorted.len().checked_div(bins).unwrap_or(0).max(1);
        let (mut positives, mut negatives) = (0.0, 0.0);
        let mut points = Vec::with_capacity(sorted.len().div_ceil(grouping));
        let bound = |i: usize| (sorted.len() * i).div_ceil(ranges.max(1));
        let parts = (0..ranges.max(1)).map(|i| &sorted[bound(i)..bound(i + 1)]);
        for chunk in parts.flat_map(|part| part.chunks(grouping)) {
            for (_, (positive, negative)) in chunk {
                positives += positive;
                negatives += negative;
            }
            if let Some((score, _)) = chunk.last() {
                points.push((*score, positives, negatives));
            }
        }
        Self {
            points,
            positives,
            negatives,
        }
    }

    /// Returns (false positive rate, true positive rate), from (0, 0) to (1, 1). A rate over no rows is 0.
    pub fn roc(&self) -> Vec<(f64, f64)> {
        let rate = |part: f64, all: f64| if all == 0.0 { 0.0 } else { part / all };
        let inner = self
            .points
            .iter()
            .map(|(_, p, n)| (rate(*n, self.negatives), rate(*p, self.positives)));
        std::iter::once((0.0, 0.0)).chain(inner).chain([(1.0, 1.0)]).collect()
    }

    /// Returns (score, a measure of precision and recall) of the rows with at least each score, from the highest down.
    pub fn by_threshold(&self, measure: impl Fn(f64, f64) -> f64) -> Vec<(f64, f64)> {
        let of = |(score, p, n): &(f64, f64, f64)| {
            let (recall, precision) = self.recall_precision(*p, *n);
            (*score, measure(precision, recall))
        };
        self.points.iter().map(of).collect()
    }

    /// Returns recall and precision of weights of positive and negative rows that are taken for positive. Recall is 0 without positives,
    /// precision 1 without rows.
    fn recall_precision(&self, p: f64, n: f64) -> (f64, f64) {
        let recall = if self.positives == 0.0 { 0.0 } else { p / self.positives };
        let precision = if p + n == 0.0 { 1.0 } else { p / (p + n) };
        (recall, precision)
    }

    /// Returns (recall, precision); the first point has a recall of 0 and the precision of the highest score. Empty
    /// without rows.
    pub fn precision_recall(&self) -> Vec<(f64, f64)> {
        let inner = self.points.iter().map(|(_, p, n)| self.recall_precision(*p, *n));
        let inner: Vec<(f64, f64)> = inner.collect();
        let first = inner.first().map(|(_, precision)| (0.0, *precision));
        first.into_iter().chain(inner).collect()
    }
}

/// Returns the area under a curve by trapezoids; 0 for fewer than two points.
pub fn area(curve: &[(f64, f64)]) -> f64 {
    curve
        .windows(2)
        .map(|pair| (pair[1].0 - pair[0].0) * (pair[1].1 + pair[0].1) / 2.0)
        .sum()
}

/// Returns a metric of `BinaryClassificationEvaluator`: `areaUnderPR`, or `areaUnderROC` by any other name.
pub fn metric(name: &str, state: &State, bins: usize, ranges: usize) -> f64 {
    let curves = Curves::new(state, bins, ranges);
    match name {
        "areaUnderPR" => area(&curves.precision_recall()),
        _ => area(&curves.roc()),
    }
}

/// Measures scores of two classes (`BinaryClassificationEvaluator`).
///
/// Reads `rawPredictionCol` (doubles, or vectors of two values of which the second counts), `labelCol` (above 0.5 is
/// positive) and `weightCol`. Nulls are errors.
#[derive(Debug)]
pub struct BinaryEvaluator;

impl Stage for BinaryEvaluator {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.evaluation.BinaryClassificationEvaluator"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            LABEL,
            one_of("metricName", "areaUnderROC", &["areaUnderROC", "areaUnderPR"]),
            param("numBins", Kind::Int, Default::Int(1000), NON_NEGATIVE),
            RAW_PREDICTION,
            WEIGHT,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Evaluator(self)
    }
}

impl Evaluator for BinaryEvaluator {
    fn training(&self, params: &Params) -> Result<Training> {
        let (raw, label) = (params.text("rawPredictionCol")?, params.text("labelCol")?);
        let weight = params.column("weightCol");
        let mut reads = vec![(raw.clone(), Reads::Scores), (label.clone(), Reads::Numbers)];
        reads.extend(weight.clone().map(|w| (w, Reads::Numbers)));
        let weight = weight.unwrap_or_default();
        Ok(Training::new(reads, move || {
            Box::new(scores::Scores::new(raw.clone(), label.clone(), weight.clone()))
        }))
    }

    fn metric(&self, params: &Params, state: &[u8], ranges: usize) -> Result<f64> {
        let state: State = training::state(state)?;
        let (name, bins) = (params.text("metricName")?, params.count("numBins")?);
        Ok(metric(&name, &state, bins, ranges))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(rows: &[(f64, f64, f64)]) -> State {
        State {
            scores: rows.iter().map(|r| r.0).collect(),
            positives: rows.iter().map(|r| r.1).collect(),
            negatives: rows.iter().map(|r| r.2).collect(),
        }
    }

    #[test]
    fn a_perfect_order_has_area_one_and_its_reverse_zero() {
        let perfect = state(&[(0.9, 1.0, 0.0), (0.8, 1.0, 0.0), (0.1, 0.0, 1.0)]);
        assert_eq!(metric("areaUnderROC", &perfect, 0, 2), 1.0);
        assert_eq!(metric("areaUnderPR", &perfect, 0, 2), 1.0);
        let reverse = state(&[(0.1, 1.0, 0.0), (0.9, 0.0, 1.0)]);
        assert_eq!(metric("areaUnderROC", &reverse, 0, 2), 0.0);
    }

    #[test]
    fn rows_of_one_score_are_one_point() {
        let tied = state(&[(0.5, 1.0, 1.0)]);
        assert_eq!(Curves::new(&tied, 1000, 1).roc(), [(0.0, 0.0), (1.0, 1.0), (1.0, 1.0)]);
        assert_eq!(metric("areaUnderROC", &tied, 1000, 1), 0.5);
    }
}
