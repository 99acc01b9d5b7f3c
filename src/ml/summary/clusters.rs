//! Sums per cluster: what the silhouette of a point is computed of.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use prost::Message;

use super::{Summary, Weights, corrupt};
use crate::error::{Result, SparkError};
use crate::ml::error::{Signature, VECTOR, failed_function, invalid_value};
use crate::values::vector::{VectorColumn, VectorRef};

/// The clusters, by ascending number.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// One per cluster that has a point.
    #[prost(message, repeated, tag = "1")]
    pub clusters: Vec<Cluster>,
}

/// Sums over the points of one cluster.
#[derive(Clone, PartialEq, Message)]
pub struct Cluster {
    /// The cluster's number.
    #[prost(double, tag = "1")]
    pub id: f64,
    /// Weighted sum of the points, or of their directions.
    #[prost(double, repeated, tag = "2")]
    pub features: Vec<f64>,
    /// Weighted sum of the points' squared norms.
    #[prost(double, tag = "3")]
    pub squares: f64,
    /// Sum of the points' weights.
    #[prost(double, tag = "4")]
    pub weight: f64,
}

/// Names of the columns, in errors.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// The column of points.
    pub features: String,
    /// The column of clusters' numbers.
    pub prediction: String,
    /// The column of weights.
    pub weight: String,
}

/// The rows of a batch: points, clusters' numbers and weights.
#[derive(Debug)]
pub struct Rows<'a> {
    /// The points.
    points: VectorColumn<'a>,
    /// The clusters' numbers.
    predictions: &'a arrow::array::Float64Array,
    /// The weights.
    weights: Weights<'a>,
    /// Names of the columns.
    names: &'a Names,
}

impl<'a> Rows<'a> {
    /// Reads (points, clusters) or (points, clusters, weights).
    ///
    /// # Errors
    /// If the points are not vectors.
    pub fn new(columns: &'a [ArrayRef], names: &'a Names) -> Result<Self> {
        Ok(Self {
            points: VectorColumn::new(&columns[0])?,
            predictions: columns[1].as_primitive::<Float64Type>(),
            weights: Weights::new(columns.get(2)),
            names,
        })
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns point, cluster and weight of a row.
    ///
    /// # Errors
    /// `FAILED_EXECUTE_UDF` if the point is null; `USER_RAISED_EXCEPTION` if another one is, or the weight is not a finite number from 0 on.
    pub fn get(&self, row: usize) -> Result<(VectorRef<'a>, f64, f64)> {
        let column = &self.names.features;
        let point = self.points.get(row).ok_or_else(|| null_point(column, row))?;
        if self.predictions.is_null(row) {
            return Err(invalid_value(
                "Predictions MUST NOT be Null",
                &self.names.prediction,
                row,
            ));
        }
        let weight = self.weights.get(row, &self.names.weight)?;
        Ok((point, self.predictions.value(row), weight))
    }
}

/// Sums per cluster (`Silhouette.computeClusterStats`); with `cosine`, of the points' directions.
#[derive(Debug)]
pub struct Clusters {
    /// Names of the columns.
    names: Names,
    /// Whether points are divided by their norm.
    cosine: bool,
    /// The clusters so far, by the bits of their number.
    clusters: BTreeMap<u64, Cluster>,
}

impl Clusters {
    /// Returns empty sums; errors name the columns.
    pub fn new(names: Names, cosine: bool) -> Self {
        Self {
            names,
            cosine,
            clusters: BTreeMap::new(),
        }
    }
}

/// Returns the euclidean norm of a vector.
pub fn norm(point: VectorRef<'_>) -> f64 {
    point.values().iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// Returns the error of a null point (`FAILED_EXECUTE_UDF`).
fn null_point(column: &str, row: usize) -> SparkError {
    let function = Signature {
        stage: "Silhouette",
        takes: VECTOR,
        gives: "double",
        column: column.to_owned(),
    };
    failed_function(&function, "java.lang.NullPointerException: the vector is null", row)
}

/// Returns the error of points of two sizes.
fn sizes(expected: usize, found: usize) -> SparkError {
    SparkError::requirement(format!(
        "The columns of A don't match the number of elements of x. A: {expected}, x: {found}"
    ))
}

impl Summary for Clusters {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let rows = Rows::new(columns, &self.names)?;
        for row in 0..rows.len() {
            let (point, id, weight) = rows.get(row)?;
            let cluster = self.clusters.entry((id + 0.0).to_bits()).or_insert_with(|| Cluster {
                id,
                features: vec![0.0; point.size()],
                ..Cluster::default()
            });
            if cluster.features.len() != point.size() {
                return Err(sizes(cluster.features.len(), point.size()));
            }
            let length = norm(point);
            let by = if self.cosine { weight / length } else { weight };
            if by.is_finite() {
                point.nonzero().for_each(|(i, value)| cluster.features[i] += by * value);
            } else {
                // A vector of zeros has no direction, and with it the cluster has none.
                cluster.features.fill(f64::NAN);
            }
            cluster.squares += weight * length * length;
            cluster.weight += weight;
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        for other in State::decode(state).map_err(|e| corrupt(&e))?.clusters {
            let bits = (other.id + 0.0).to_bits();
            let Some(known) = self.clusters.get_mut(&bits) else {
                self.clusters.insert(bits, other);
                continue;
            };
            if known.features.len() != other.features.len() {
                return Err(sizes(known.features.len(), other.features.len()));
            }
            known.features.iter_mut().zip(other.features).for_each(|(a, b)| *a += b);
            known.squares += other.squares;
            known.weight += other.weight;
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut clusters: Vec<Cluster> = self.clusters.values().cloned().collect();
        clusters.sort_by(|a, b| a.id.total_cmp(&b.id));
        State { clusters }.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + self.clusters.values().map(|c| 64 + 8 * c.features.len()).sum::<usize>()
    }
}
