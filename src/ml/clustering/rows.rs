//! The rows that are clustered: vectors with weights, and samples of them.

use arrow::array::ArrayRef;
use prost::Message;

use crate::error::Result;
use crate::ml::columns::Reads;
use crate::ml::error::invalid_value;
use crate::ml::params::Params;
use crate::ml::stage::Columns;
use crate::ml::summary::labels::{Names, same_size};
use crate::ml::summary::{Weights, check_room};
use crate::plan::functions::partition;
use crate::values::lanes;
use crate::values::vector::{VectorColumn, VectorRef};

/// Returns the names of the columns of vectors and weights.
///
/// # Errors
/// If a param is of another type.
pub(super) fn names(params: &Params) -> Result<Names> {
    Ok(Names {
        features: params.text("featuresCol")?,
        label: String::new(),
        weight: params.column("weightCol").unwrap_or_default(),
    })
}

/// Returns these columns: vectors, and weights if there are any.
///
/// # Errors
/// If a param is of another type.
pub(super) fn columns(params: &Params) -> Result<Columns> {
    let mut columns = vec![(params.text("featuresCol")?, Reads::Vectors)];
    columns.extend(params.column("weightCol").map(|w| (w, Reads::Numbers)));
    Ok(columns)
}

/// The rows of a batch.
pub(super) struct Rows<'a> {
    vectors: VectorColumn<'a>,
    weights: Weights<'a>,
    names: &'a Names,
}

impl<'a> Rows<'a> {
    /// Returns the rows of a batch's columns.
    ///
    /// # Errors
    /// If the first column does not hold vectors.
    pub fn new(columns: &'a [ArrayRef], names: &'a Names) -> Result<Self> {
        Ok(Self {
            vectors: VectorColumn::new(&columns[0])?,
            weights: Weights::new(columns.get(1)),
            names,
        })
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.vectors.len()
    }

    /// Returns the vector and the weight of a row; `size` is how many features vectors have, as far as that is known.
    ///
    /// # Errors
    /// If the vector is null, of another size or not finite; if the weight is null, negative or not finite.
    pub fn get(&self, row: usize, size: &mut Option<usize>) -> Result<(VectorRef<'a>, f64)> {
        let weight = self.weights.get(row, &self.names.weight)?;
        let point = checked(self.vectors.get(row), &self.names.features, row)?;
        same_size(*size.get_or_insert(point.size()), point.size())?;
        Ok((point, weight))
    }
}

/// Returns the vector of a row of a column.
///
/// # Errors
/// If it is null or not finite.
pub(super) fn checked<'a>(vector: Option<VectorRef<'a>>, column: &str, row: usize) -> Result<VectorRef<'a>> {
    let refuse = |message: String| invalid_value(message, column, row);
    let vector = vector.ok_or_else(|| refuse("Vectors MUST NOT be Null".into()))?;
    if !lanes::are_finite(vector.values()) {
        let message = format!("Vector values MUST NOT be NaN or Infinity, but got {vector}");
        return Err(refuse(message));
    }
    Ok(vector)
}

/// A point.
#[derive(Clone, PartialEq, Message)]
pub struct Point {
    /// Its values.
    #[prost(double, repeated, tag = "1")]
    pub values: Vec<f64>,
    /// Its weight.
    #[prost(double, tag = "2")]
    pub weight: f64,
}

impl Point {
    /// Returns a point of weight 1.
    pub fn new(values: &[f64]) -> Self {
        Self {
            values: values.to_vec(),
            weight: 1.0,
        }
    }

    /// Returns a sum of nothing.
    pub fn zero(size: usize) -> Self {
        Self {
            values: vec![0.0; size],
            weight: 0.0,
        }
    }

    /// Adds another's values and weight.
    pub fn add(&mut self, other: &Self) {
        self.values.iter_mut().zip(&other.values).for_each(|(a, b)| *a += b);
        self.weight += other.weight;
    }
}

/// Rows that were drawn: in the order of their partitions, whichever comes first.
#[derive(Clone, PartialEq, Message)]
pub struct Drawn {
    /// The rows.
    #[prost(message, repeated, tag = "1")]
    pub points: Vec<Point>,
    /// The partition of each.
    #[prost(uint64, repeated, tag = "2")]
    partitions: Vec<u64>,
}

impl Drawn {
    /// Takes a row of the partition that is read, several times if need be.
    ///
    /// # Errors
    /// `RIVULET_MODEL_TOO_LARGE` if the sample becomes too large.
    pub fn push(&mut self, point: VectorRef<'_>, weight: f64, times: usize) -> Result<()> {
        let drawn = self.points.len().saturating_add(times);
        check_room("A sample of rows", drawn.saturating_mul(point.size() + 4))?;
        for _ in 0..times {
            self.points.push(Point {
                values: point.to_dense(),
                weight,
            });
            self.partitions.push(partition::current() as u64);
        }
        Ok(())
    }

    /// Takes in the rows of other partitions.
    pub fn merge(&mut self, other: Self) {
        let first = other.partitions.first().copied().unwrap_or_default();
        let place = self.partitions.partition_point(|p| *p < first);
        self.partitions.splice(place..place, other.partitions);
        self.points.splice(place..place, other.points);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_rows_are_in_the_order_of_partitions() {
        let of = |partition: u64, values: &[f64]| Drawn {
            points: values.iter().map(|v| Point::new(&[*v])).collect(),
            partitions: vec![partition; values.len()],
        };
        let mut all = of(2, &[5.0, 6.0]);
        all.merge(of(0, &[1.0]));
        all.merge(of(1, &[3.0, 4.0]));
        all.merge(of(3, &[]));
        let values: Vec<f64> = all.points.iter().map(|p| p.values[0]).collect();
        assert_eq!(values, [1.0, 3.0, 4.0, 5.0, 6.0]);
    }
}
