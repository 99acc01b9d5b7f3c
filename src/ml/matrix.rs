//! Dense matrices: Spark's `MatrixUDT`, for models only.

use super::literal::Value;

/// Spark's class of the type.
pub const JVM_CLASS: &str = "org.apache.spark.ml.linalg.MatrixUDT";

/// A dense matrix, row after row: a column-major matrix of Spark's with `isTransposed`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Matrix {
    #[prost(uint64, tag = "1")]
    pub rows: u64,
    #[prost(uint64, tag = "2")]
    pub columns: u64,
    #[prost(double, repeated, tag = "3")]
    pub values: Vec<f64>,
}

impl Matrix {
    pub fn new(rows: usize, columns: usize, values: Vec<f64>) -> Self {
        Self {
            rows: rows as u64,
            columns: columns as u64,
            values,
        }
    }

    /// From Spark's storage: column after column unless transposed.
    pub fn from_storage(rows: usize, columns: usize, values: Vec<f64>, transposed: bool) -> Option<Self> {
        if rows.checked_mul(columns)? != values.len() {
            return None;
        }
        if transposed {
            return Some(Self::new(rows, columns, values));
        }
        let by_row = (0..rows * columns)
            .map(|i| values[(i % columns) * rows + i / columns])
            .collect();
        Some(Self::new(rows, columns, by_row))
    }

    pub fn width(&self) -> usize {
        self.columns as usize
    }

    pub fn height(&self) -> usize {
        self.rows as usize
    }

    /// The values of a row below the height.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.width()..(row + 1) * self.width()]
    }

    pub fn value(&self) -> Value {
        Value::Matrix(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_storages_of_a_matrix_are_the_same_matrix() {
        let by_row = Matrix::from_storage(2, 3, vec![1., 2., 3., 4., 5., 6.], true);
        assert_eq!(by_row, Matrix::from_storage(2, 3, vec![1., 4., 2., 5., 3., 6.], false));
        assert_eq!(Matrix::from_storage(2, 2, vec![1.0], true), None);
    }
}
