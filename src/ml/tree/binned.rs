//! Rows as the numbers of the bins that their values are in (`TreePoint`): what trees are grown of.
//!
//! A row is one binary value, the number of the bin of each feature after the other, in as few bytes as the feature with the most bins
//! needs. It is made once per training, and is an eighth of the doubles or less.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::DataType;
use prost::Message;

use super::tally::Cut;
use crate::error::{Exception, Result, SparkError};
use crate::ml::stage::Prepare;
use crate::ml::summary::labels::same_size;
use crate::values::text::double;
use crate::values::vector::{VectorColumn, VectorRef};

/// How features are put into bins.
#[derive(Clone, PartialEq, Message)]
pub struct Bins {
    /// By feature.
    #[prost(message, repeated, tag = "1")]
    pub cuts: Vec<Cut>,
}

impl Bins {
    /// Returns how many bins each feature has.
    pub fn counts(&self) -> Vec<u32> {
        self.cuts.iter().map(|cut| cut.bins() as u32).collect()
    }

    /// Returns how to make the column of rows of bins.
    pub fn prepare(self) -> Prepare {
        Prepare {
            to_type: DataType::Binary,
            body: Box::new(move |columns, _| Ok(self.apply(&columns[0])?)),
        }
    }

    /// Returns the rows of a column of vectors.
    ///
    /// # Errors
    /// If the column does not hold vectors; if a vector has another size than there are features, or something else than a category.
    fn apply(&self, column: &ArrayRef) -> Result<ArrayRef> {
        let vectors = VectorColumn::new(column)?;
        let features = self.cuts.len();
        let bytes = width(self.cuts.iter().map(Cut::bins).max().unwrap_or(1));
        let mut out = Vec::with_capacity(vectors.len() * features * bytes);
        let mut dense = vec![];
        for row in 0..vectors.len() {
            // Rows that take part were checked.
            let Some(vector) = vectors.get(row) else {
                out.resize(out.len() + features * bytes, 0);
                continue;
            };
            same_size(features, vector.size())?;
            let values = match vector {
                VectorRef::Dense(values) => values,
                VectorRef::Sparse { .. } => {
                    dense.clear();
                    dense.resize(features, 0.0);
                    vector.stored().for_each(|(i, v)| dense[i] = v);
                    &dense[..]
                }
            };
            for (feature, (value, cut)) in values.iter().zip(&self.cuts).enumerate() {
                let bin = cut.bin(*value);
                let bin = bin.ok_or_else(|| not_a_category(feature, cut.categories, *value, vector))?;
                out.extend_from_slice(&bin.to_le_bytes()[..bytes]);
            }
        }
        let lengths = OffsetBuffer::from_lengths(std::iter::repeat_n(features * bytes, vectors.len()));
        Ok(Arc::new(BinaryArray::try_new(lengths, Buffer::from_vec(out), None)?))
    }
}

/// Returns the error of a value that is not one of a feature's categories (`TreePoint.findBin`).
fn not_a_category(feature: usize, categories: u32, value: f64, vector: VectorRef<'_>) -> SparkError {
    let message = format!(
        "java.lang.IllegalArgumentException: DecisionTree given invalid data: Feature {feature} is categorical with values in {{0,...,{}, \
         but a data point gives it value {}.\n  Bad data point: {vector}",
        categories.saturating_sub(1),
        double(value)
    );
    SparkError::new(Exception::Connect, "", "", message)
}

/// Returns how many bytes the number of a bin needs.
fn width(bins: usize) -> usize {
    match bins {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// The rows of a batch.
pub struct Rows<'a> {
    column: &'a BinaryArray,
    /// How many bytes a number has.
    bytes: usize,
}

impl<'a> Rows<'a> {
    /// Returns the rows of a column.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the column holds other values than rows of `features` numbers.
    pub fn new(column: &'a ArrayRef, features: usize) -> Result<Self> {
        let damaged = || SparkError::internal("rows that trees are grown of are damaged");
        let column = column.as_binary_opt::<i32>().ok_or_else(damaged)?;
        let bytes = match column.is_empty() {
            true => 1,
            false => column.value_length(0) as usize / features.max(1),
        };
        let whole = (bytes * features) as i32;
        let fits = (0..column.len()).all(|row| column.value_length(row) == whole);
        if fits && matches!(bytes, 1 | 2 | 4) || features == 0 {
            Ok(Self { column, bytes })
        } else {
            Err(damaged())
        }
    }

    /// Returns how many rows there are.
    pub fn len(&self) -> usize {
        self.column.len()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a row.
    pub fn get(&self, row: usize) -> Row<'a> {
        let bytes = self.column.value(row);
        match self.bytes {
            1 => Row::Bytes(bytes),
            2 => Row::Pairs(bytes.as_chunks().0),
            _ => Row::Words(bytes.as_chunks().0),
        }
    }
}

/// A row: the number of the bin of each feature.
#[derive(Debug, Clone, Copy)]
pub enum Row<'a> {
    /// At most 256 bins.
    Bytes(&'a [u8]),
    /// At most 65,536 bins.
    Pairs(&'a [[u8; 2]]),
    /// More bins.
    Words(&'a [[u8; 4]]),
}

impl Row<'_> {
    /// Returns the number of the bin of a feature.
    #[inline]
    pub fn bin(self, feature: usize) -> u32 {
        match self {
            Self::Bytes(row) => row[feature].into(),
            Self::Pairs(row) => u16::from_le_bytes(row[feature]).into(),
            Self::Words(row) => u32::from_le_bytes(row[feature]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::vector::VectorBuilder;

    #[test]
    fn a_value_is_in_the_bin_of_the_first_threshold_that_it_does_not_exceed() {
        for bins in [3, 300, 70_000] {
            let cut = |count: usize| Cut {
                thresholds: (0..count).map(|i| i as f64).collect(),
                categories: 0,
            };
            let bins = Bins {
                cuts: vec![cut(bins - 1), cut(1)],
            };
            let mut vectors = VectorBuilder::with_capacity(3);
            vectors.push(VectorRef::Dense(&[1.0, 1.0]));
            vectors.push(VectorRef::Dense(&[1.5, -1.0]));
            vectors.push(VectorRef::Sparse {
                size: 2,
                indices: &[0],
                values: &[1e9],
            });
            let column = bins.apply(&vectors.finish().unwrap()).unwrap();
            let rows = Rows::new(&column, 2).unwrap();
            let found: Vec<[u32; 2]> = (0..3).map(|i| [rows.get(i).bin(0), rows.get(i).bin(1)]).collect();
            assert_eq!(found, [[1, 1], [2, 0], [bins.counts()[0] - 1, 0]]);
        }
    }

    #[test]
    fn a_category_is_a_bin_and_other_values_are_refused() {
        let cut = Cut {
            thresholds: vec![],
            categories: 3,
        };
        assert_eq!(
            [-0.0, 0.0, 2.0, 1.5].map(|v| cut.bin(v)),
            [Some(0), Some(0), Some(2), Some(1)]
        );
        assert_eq!([-1.0, 3.0, f64::NAN].map(|v| cut.bin(v)), [None; 3]);
        let mut vectors = VectorBuilder::with_capacity(1);
        vectors.push(VectorRef::Dense(&[3.0]));
        let bins = Bins { cuts: vec![cut] };
        let error = bins.apply(&vectors.finish().unwrap()).unwrap_err();
        assert!(
            error
                .message
                .contains("values in {0,...,2, but a data point gives it value 3.0"),
            "{}",
            error.message
        );
    }

    #[test]
    fn rows_of_another_size_are_refused() {
        let column: ArrayRef = Arc::new(BinaryArray::from(vec![&[1u8, 2, 3][..], &[1][..]]));
        assert!(Rows::new(&column, 3).is_err());
        assert!(Rows::new(&column, 2).is_err());
    }
}
