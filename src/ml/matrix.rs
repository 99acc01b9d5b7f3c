//! Dense matrices: Spark's `MatrixUDT`, for models only.
//!
//! Only the result of a correlation has a column of matrices ([`crate::values::matrix`]). They travel inside models (as Protobuf), to clients (as literals) and to
//! saved directories (as Parquet), always row after row.

use super::literal::Value;

/// Spark's class of the type.
pub use crate::values::matrix::JVM_CLASS;

/// A dense matrix, row after row: a column-major matrix of Spark's with `isTransposed`.
///
/// ```
/// use rivulet::ml::matrix::Matrix;
///
/// let by_column = Matrix::from_storage(2, 2, vec![1.0, 3.0, 2.0, 4.0], false);
/// assert_eq!(by_column, Some(Matrix::new(2, 2, vec![1.0, 2.0, 3.0, 4.0])));
/// assert_eq!(Matrix::from_storage(2, 2, vec![1.0], false), None);
/// ```
#[derive(Clone, PartialEq, prost::Message)]
pub struct Matrix {
    /// Number of rows.
    #[prost(uint64, tag = "1")]
    pub rows: u64,
    /// Number of columns.
    #[prost(uint64, tag = "2")]
    pub columns: u64,
    /// The values, row after row: `rows * columns` of them.
    #[prost(double, repeated, tag = "3")]
    pub values: Vec<f64>,
}

impl Matrix {
    /// Returns a matrix of `rows * columns` values, row after row.
    pub fn new(rows: usize, columns: usize, values: Vec<f64>) -> Self {
        Self {
            rows: rows as u64,
            columns: columns as u64,
            values,
        }
    }

    /// Returns the matrix of values in Spark's storage: column after column unless `transposed`; `None` unless there
    /// are `rows * columns` values. Copies only what must be turned.
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

    /// Returns the number of columns.
    pub fn width(&self) -> usize {
        self.columns as usize
    }

    /// Returns the number of rows.
    pub fn height(&self) -> usize {
        self.rows as usize
    }

    /// Returns the values of a row; `row` must be below the height.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.width()..(row + 1) * self.width()]
    }

    /// Returns the matrix as a value that clients can fetch.
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
