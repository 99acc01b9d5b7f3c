//! Weighted moments of vectors, feature by feature: Spark's `SummarizerBuffer`, with its order of operations.
//!
//! Gaussian models subtract numbers that nearly cancel, so the same sums in another order would differ from Spark's in
//! digits that matter. [`summarizer`] is the aggregate function over them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Float64Type};
use datafusion_common::{Result as DfResult, ScalarValue};
use datafusion_expr::{Accumulator, AggregateUDF};
use prost::Message;

use super::{Definition, function};
use crate::error::{Exception, Result, SparkError};
use crate::values::vector::{self, VectorBuilder, VectorColumn, VectorRef};

/// Weighted moments per feature, of stored values that are not zero; the zeros come in when they are asked for.
///
/// So a sparse vector costs what it stores, not its size. Eight numbers of 8 bytes are kept per feature.
#[derive(Clone, PartialEq, Message)]
pub struct Moments {
    /// Weighted mean of the values that are not zero.
    #[prost(double, repeated, tag = "1")]
    mean: Vec<f64>,
    /// Weighted sum of squared distances from that mean.
    #[prost(double, repeated, tag = "2")]
    m2n: Vec<f64>,
    /// Weighted sum of squares.
    #[prost(double, repeated, tag = "3")]
    squares: Vec<f64>,
    /// Sum of the weights of values that are not zero.
    #[prost(double, repeated, tag = "4")]
    weights: Vec<f64>,
    /// Number of values that are not zero.
    #[prost(int64, repeated, tag = "5")]
    nonzeros: Vec<i64>,
    /// Largest value that is not zero; `f64::MIN` before the first.
    #[prost(double, repeated, tag = "6")]
    max: Vec<f64>,
    /// Smallest value that is not zero; `f64::MAX` before the first.
    #[prost(double, repeated, tag = "7")]
    min: Vec<f64>,
    /// Sum of the weights.
    #[prost(double, tag = "8")]
    pub total_weight: f64,
    /// Sum of the squares of the weights, which the unbiased variance needs.
    #[prost(double, tag = "9")]
    weight_squares: f64,
    /// Number of vectors with a weight above 0.
    #[prost(int64, tag = "10")]
    pub rows: i64,
    /// Weighted sum of absolute values.
    #[prost(double, repeated, tag = "11")]
    absolute: Vec<f64>,
}

/// The most features that a vector may have to be summed up: eight numbers of each are half a GiB.
const MOST_FEATURES: usize = 1 << 23;

/// Checks that a vector is not too large for sums of its features to be kept.
///
/// # Errors
/// `RIVULET_MODEL_TOO_LARGE` if it has more than 8388608 features.
pub fn check_features(features: usize) -> Result<()> {
    if features <= MOST_FEATURES {
        return Ok(());
    }
    Err(too_large(format!(
        "Vectors that are learned from or summed up have at most {MOST_FEATURES} features; one has {features}."
    )))
}

/// Returns the error of what is too large to be kept in memory (`RIVULET_MODEL_TOO_LARGE`).
pub fn too_large(message: String) -> SparkError {
    SparkError::new(Exception::IllegalArgument, "RIVULET_MODEL_TOO_LARGE", "54000", message)
}

impl Moments {
    /// Takes in one vector; one with a weight of 0 is ignored.
    ///
    /// # Errors
    /// If the vector has another size than those before.
    pub fn add(&mut self, vector: VectorRef<'_>, weight: f64) -> Result<()> {
        if weight == 0.0 {
            return Ok(());
        }
        if self.rows == 0 {
            check_features(vector.size())?;
            self.resize(vector.size());
        }
        if vector.size() != self.size() {
            return Err(sizes(self.size(), vector.size()));
        }
        for (i, value) in vector.nonzero() {
            self.max[i] = if self.max[i] < value { value } else { self.max[i] };
            self.min[i] = if self.min[i] > value { value } else { self.min[i] };
            let before = self.mean[i];
            let difference = value - before;
            self.mean[i] = before + weight * difference / (self.weights[i] + weight);
            self.m2n[i] += weight * (value - self.mean[i]) * difference;
            self.weights[i] += weight;
            self.squares[i] += weight * value * value;
            self.absolute[i] += weight * value.abs();
            self.nonzeros[i] += 1;
        }
        self.total_weight += weight;
        self.weight_squares += weight * weight;
        self.rows += 1;
        Ok(())
    }

    /// Makes room for the features of the first vector.
    fn resize(&mut self, size: usize) {
        let zeros = vec![0.0; size];
        self.mean = zeros.clone();
        self.m2n = zeros.clone();
        self.squares = zeros.clone();
        self.absolute = zeros.clone();
        self.weights = zeros;
        self.nonzeros = vec![0; size];
        self.max = vec![f64::MIN; size];
        self.min = vec![f64::MAX; size];
    }

    /// Multiplies all weights with a factor: means stay, sums shrink, extremes and numbers of rows stay.
    pub fn scale(&mut self, factor: f64) {
        for sums in [&mut self.m2n, &mut self.squares, &mut self.absolute, &mut self.weights] {
            sums.iter_mut().for_each(|s| *s *= factor);
        }
        self.total_weight *= factor;
        self.weight_squares *= factor * factor;
    }

    /// Takes in other moments, by the parallel formula of Chan et al. for means and squared distances.
    ///
    /// # Errors
    /// If the other is of vectors of another size.
    pub fn merge(&mut self, other: Self) -> Result<()> {
        if other.rows == 0 {
            return Ok(());
        }
        if self.rows == 0 {
            *self = other;
            return Ok(());
        }
        if other.size() != self.size() {
            return Err(sizes(self.size(), other.size()));
        }
        for i in 0..self.size() {
            let both = self.weights[i] + other.weights[i];
            if both != 0.0 {
                let delta = other.mean[i] - self.mean[i];
                self.mean[i] += delta * (other.weights[i] / both);
                self.m2n[i] += other.m2n[i] + delta * delta * self.weights[i] * other.weights[i] / both;
            }
            self.weights[i] = both;
            self.squares[i] += other.squares[i];
            self.absolute[i] += other.absolute[i];
            self.nonzeros[i] += other.nonzeros[i];
            self.max[i] = self.max[i].max(other.max[i]);
            self.min[i] = self.min[i].min(other.min[i]);
        }
        self.total_weight += other.total_weight;
        self.weight_squares += other.weight_squares;
        self.rows += other.rows;
        Ok(())
    }

    /// Returns the number of features; 0 before the first row.
    pub fn size(&self) -> usize {
        self.mean.len()
    }

    /// Returns the weighted means; empty without rows.
    pub fn means(&self) -> Vec<f64> {
        let of = |i: usize| self.mean[i] * (self.weights[i] / self.total_weight);
        (0..self.size()).map(of).collect()
    }

    /// Returns the weighted sums.
    pub fn sums(&self) -> Vec<f64> {
        (0..self.size()).map(|i| self.mean[i] * self.weights[i]).collect()
    }

    /// Returns the weighted sums of squares.
    pub fn square_sums(&self) -> &[f64] {
        &self.squares
    }

    /// Returns the weighted sums of absolute values (`normL1`).
    pub fn absolute_sums(&self) -> &[f64] {
        &self.absolute
    }

    /// Returns how many values are not zero, without weights.
    pub fn nonzeros(&self) -> &[i64] {
        &self.nonzeros
    }

    /// Returns what makes features standard ones: one over their deviation, 0 for constant ones, and the mean of a feature that is
    /// multiplied by it.
    pub fn scales(&self) -> (Vec<f64>, Vec<f64>) {
        let inverse = |variance: &f64| {
            let std = variance.sqrt();
            if std == 0.0 { 0.0 } else { 1.0 / std }
        };
        let inverse: Vec<f64> = self.variances().iter().map(inverse).collect();
        let means = self.means().iter().zip(&inverse).map(|(m, s)| m * s).collect();
        (inverse, means)
    }

    /// Returns the unbiased variances; 0 for a single row. Zeros that sparse vectors leave out are counted.
    pub fn variances(&self) -> Vec<f64> {
        let denominator = self.total_weight - self.weight_squares / self.total_weight;
        if denominator <= 0.0 {
            return vec![0.0; self.size()];
        }
        let of = |i: usize| {
            let (mean, weight) = (self.mean[i], self.weights[i]);
            let zeros = mean * mean * weight * (self.total_weight - weight) / self.total_weight;
            ((self.m2n[i] + zeros) / denominator).max(0.0)
        };
        (0..self.size()).map(of).collect()
    }

    /// Returns the largest values, zeros that sparse vectors leave out included.
    pub fn maxima(&self) -> Vec<f64> {
        let of = |i: usize| {
            if self.nonzeros[i] < self.rows && self.max[i] < 0.0 {
                0.0
            } else {
                self.max[i]
            }
        };
        (0..self.size()).map(of).collect()
    }

    /// Returns the smallest values, zeros that sparse vectors leave out included.
    pub fn minima(&self) -> Vec<f64> {
        let of = |i: usize| {
            if self.nonzeros[i] < self.rows && self.min[i] > 0.0 {
                0.0
            } else {
                self.min[i]
            }
        };
        (0..self.size()).map(of).collect()
    }
}

/// Returns the error of a vector of another size than those before.
fn sizes(expected: usize, found: usize) -> SparkError {
    SparkError::requirement(format!(
        "Dimensions mismatch when adding new sample. Expecting {expected} but got {found}."
    ))
}

/// The metrics that [`summarizer`] has, by Spark's names.
pub const METRICS: &[&str] = &[
    "mean",
    "sum",
    "variance",
    "std",
    "count",
    "numNonZeros",
    "weightSum",
    "max",
    "min",
    "normL1",
    "normL2",
];

/// Returns the type of the struct that [`summarizer`] makes: a field per metric, vectors but for the count of rows and the
/// sum of their weights.
pub fn summary_type(metrics: &[String]) -> DataType {
    let field = |metric: &String| {
        let to = match metric.as_str() {
            "count" => DataType::Int64,
            "weightSum" => DataType::Float64,
            _ => vector::data_type(),
        };
        Field::new(metric, to, true)
    };
    DataType::Struct(metrics.iter().map(field).collect())
}

/// Returns the aggregate function of some of [`METRICS`] over vectors and their weights, which are doubles.
///
/// Null vectors and weights are errors, and so is a group without a weight above 0 unless only rows are counted.
pub fn summarizer(metrics: Vec<String>) -> Arc<AggregateUDF> {
    let to = summary_type(&metrics);
    let metrics: Arc<[String]> = metrics.into();
    function(Definition {
        name: "aggregate_metrics",
        options: metrics.join(","),
        to,
        state: vec![DataType::Binary],
        make: Arc::new(move || {
            Box::new(Summarizer {
                metrics: metrics.clone(),
                moments: Moments::default(),
            })
        }),
        groups: None,
        sliding: None,
    })
}

/// Moments of a group.
#[derive(Debug)]
struct Summarizer {
    /// What is asked of them.
    metrics: Arc<[String]>,
    /// The moments so far.
    moments: Moments,
}

/// Returns the error of a row that cannot be summarised.
fn refused(why: impl std::fmt::Display) -> SparkError {
    SparkError::requirement(why.to_string())
}

impl Summarizer {
    /// Returns a metric as an array of one row.
    ///
    /// # Errors
    /// If nothing was summarised.
    fn metric(&self, name: &str) -> Result<ArrayRef> {
        let moments = &self.moments;
        if name == "count" {
            return Ok(Arc::new(Int64Array::from(vec![moments.rows])));
        }
        if moments.rows == 0 {
            return Err(refused("Nothing has been added to this summarizer."));
        }
        let root = |values: &[f64]| values.iter().map(|v| v.sqrt()).collect::<Vec<f64>>();
        let values = match name {
            "weightSum" => return Ok(Arc::new(Float64Array::from(vec![moments.total_weight]))),
            "mean" => moments.means(),
            "sum" => moments.sums(),
            "variance" => moments.variances(),
            "std" => root(&moments.variances()),
            "numNonZeros" => moments.nonzeros().iter().map(|n| *n as f64).collect(),
            "max" => moments.maxima(),
            "min" => moments.minima(),
            "normL1" => moments.absolute_sums().to_vec(),
            _ => root(moments.square_sums()),
        };
        let mut out = VectorBuilder::with_capacity(1);
        out.push(VectorRef::Dense(&values));
        out.finish()
    }
}

impl Accumulator for Summarizer {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let vectors = VectorColumn::new(&values[0])?;
        let weights = values[1].as_primitive::<Float64Type>();
        for row in 0..vectors.len() {
            let found = vectors.get(row).filter(|_| weights.is_valid(row));
            let vector = found.ok_or_else(|| refused(format!("row {row} of its batch has no vector or no weight")))?;
            let weight = weights.value(row);
            if weight.is_nan() || weight < 0.0 {
                let text = crate::values::text::double(weight);
                return Err(refused(format!("sample weight, {text} has to be >= 0.0")).into());
            }
            self.moments.add(vector, weight)?;
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        for state in states[0].as_binary::<i32>().iter().flatten() {
            let corrupt = |e| SparkError::internal(format!("a state of aggregate_metrics cannot be read: {e}"));
            self.moments.merge(Moments::decode(state).map_err(corrupt)?)?;
        }
        Ok(())
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Binary(Some(self.moments.encode_to_vec()))])
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        let DataType::Struct(fields) = summary_type(&self.metrics) else {
            return datafusion_common::internal_err!("a summary is not a struct");
        };
        let parts = self
            .metrics
            .iter()
            .map(|m| self.metric(m))
            .collect::<Result<Vec<_>>>()?;
        let fields: Fields = fields;
        Ok(ScalarValue::Struct(Arc::new(StructArray::try_new(
            fields, parts, None,
        )?)))
    }

    fn size(&self) -> usize {
        256 + self.moments.size() * 64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_that_says_it_is_huge_takes_no_memory() {
        let huge = VectorRef::Sparse {
            size: i32::MAX as usize,
            indices: &[],
            values: &[],
        };
        let mut moments = Moments::default();
        let error = moments.add(huge, 1.0).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("RIVULET_MODEL_TOO_LARGE"));
        assert_eq!(moments.size(), 0);
    }

    fn of(rows: &[(&[f64], f64)]) -> Moments {
        let mut moments = Moments::default();
        for (values, weight) in rows {
            moments.add(VectorRef::Dense(values), *weight).unwrap();
        }
        moments
    }

    #[test]
    fn moments_are_those_of_the_definition() {
        let moments = of(&[
            (&[1.0, 0.0], 1.0),
            (&[3.0, 0.0], 1.0),
            (&[0.0, -2.0], 1.0),
            (&[4.0, 0.0], 1.0),
        ]);
        assert_eq!(moments.means(), [2.0, -0.5]);
        assert_eq!(moments.sums(), [8.0, -2.0]);
        let variances = moments.variances();
        assert!((variances[0] - 10.0 / 3.0).abs() < 1e-12 && (variances[1] - 1.0).abs() < 1e-12);
        assert_eq!((moments.maxima(), moments.minima()), (vec![4.0, 0.0], vec![0.0, -2.0]));
    }

    #[test]
    fn merged_moments_are_those_of_all_rows() {
        let rows: [(&[f64], f64); 4] = [
            (&[1.0, 0.0], 0.5),
            (&[3.0, 1.0], 2.0),
            (&[0.0, -2.0], 1.0),
            (&[4.0, 0.0], 3.5),
        ];
        let all = of(&rows);
        let mut merged = of(&rows[..1]);
        merged.merge(Moments::default()).unwrap();
        merged.merge(of(&rows[1..])).unwrap();
        for (a, b) in [(all.means(), merged.means()), (all.variances(), merged.variances())] {
            assert!(a.iter().zip(&b).all(|(x, y)| (x - y).abs() < 1e-12), "{a:?} {b:?}");
        }
    }

    #[test]
    fn vectors_of_two_sizes_are_refused() {
        let mut moments = of(&[(&[1.0], 1.0)]);
        assert!(moments.add(VectorRef::Dense(&[1.0, 2.0]), 1.0).is_err());
    }
}
