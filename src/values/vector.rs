//! Vectors: Spark's `VectorUDT` as Arrow structs, read without copying and built row by row.
//!
//! To SQL a vector is a struct of four fields, so that it travels through shuffles, caches and
//! checkpoints like any other value. To `ml` it is a [`VectorRef`], a view into the column's buffers:
//!
//! ```text
//! type  size  indices  values                     VectorRef
//! 1     null  null     [1.0, 0.5]                 Dense([1.0, 0.5])
//! 0     3     [0, 2]   [1.0, 0.5]                 Sparse { size: 3, indices: [0, 2], values: [1.0, 0.5] }
//! ```
//!
//! [`VectorColumn`] checks the sparse rows once, when it is made; all that come after may rely on
//! ascending indices.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int8Array, Int32Array, ListArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Float64Type, Int8Type, Int32Type};

use crate::error::{Result, SparkError};
use crate::values::lanes;
use crate::values::types::list_of;

/// The JVM class of the user-defined type, which schemas on the wire name.
pub const JVM_CLASS: &str = "org.apache.spark.ml.linalg.VectorUDT";
/// PySpark's class of the user-defined type, which schemas on the wire name.
pub const PYTHON_CLASS: &str = "pyspark.ml.linalg.VectorUDT";

/// Returns the fields that store a vector (`VectorUDT.sqlType`): type (0 sparse, 1 dense), size and
/// indices (sparse only), values.
pub fn fields() -> Fields {
    Fields::from(vec![
        Field::new("type", DataType::Int8, true),
        Field::new("size", DataType::Int32, true),
        Field::new("indices", list_of(DataType::Int32), true),
        Field::new("values", list_of(DataType::Float64), true),
    ])
}

/// Returns the Arrow type of a column of vectors: a struct of [`fields`].
pub fn data_type() -> DataType {
    DataType::Struct(fields())
}

/// Returns whether a type is a vector's. A user-defined type is its storage here, so the storage's
/// names and types tell.
pub fn is_vector(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Struct(own) if own.len() == 4 && *own == fields())
}

/// A vector, borrowed from a column or from a [`Vector`]; copying it copies no values.
///
/// ```
/// use rivulet::values::vector::Vector;
///
/// let vector = Vector::sparse(3, vec![0, 2], vec![1.0, 0.5])?;
/// let view = vector.view();
/// assert_eq!((view.size(), view.at(1), view.argmax()), (3, 0.0, 0));
/// assert_eq!(view.to_string(), "(3,[0,2],[1.0,0.5])");
/// assert_eq!(view.to_dense(), [1.0, 0.0, 0.5]);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum VectorRef<'a> {
    /// Every value, zeros included.
    Dense(&'a [f64]),
    /// Values at some indices; all others are zero. Indices ascend and are below the size.
    Sparse {
        /// How many values the vector has, stored or not.
        size: usize,
        /// Where each stored value stands, ascending.
        indices: &'a [i32],
        /// The stored values, one per index; a stored value may be zero.
        values: &'a [f64],
    },
}

/// A vector that owns its values.
#[derive(Debug, Clone, PartialEq)]
pub enum Vector {
    /// Every value, zeros included.
    Dense(Vec<f64>),
    /// Values at some indices; all others are zero. Made by [`Vector::sparse`], which checks the indices.
    Sparse {
        /// How many values the vector has, stored or not.
        size: usize,
        /// Where each stored value stands, ascending.
        indices: Vec<i32>,
        /// The stored values, one per index.
        values: Vec<f64>,
    },
}

impl Vector {
    /// Returns the vector as a view, which has all the methods that read.
    pub fn view(&self) -> VectorRef<'_> {
        match self {
            Self::Dense(values) => VectorRef::Dense(values),
            Self::Sparse { size, indices, values } => VectorRef::Sparse {
                size: *size,
                indices,
                values,
            },
        }
    }

    /// Makes a sparse vector.
    ///
    /// # Errors
    /// If the indices do not ascend, are not below the size, or differ in number from the values.
    pub fn sparse(size: usize, indices: Vec<i32>, values: Vec<f64>) -> Result<Self> {
        check_sparse(size, &indices, &values)?;
        Ok(Self::Sparse { size, indices, values })
    }
}

impl<'a> VectorRef<'a> {
    /// Returns how many values the vector has, stored or not.
    pub fn size(self) -> usize {
        match self {
            Self::Dense(values) => values.len(),
            Self::Sparse { size, .. } => size,
        }
    }

    /// Returns the stored values: all of a dense vector, those with an index of a sparse one.
    pub fn values(self) -> &'a [f64] {
        match self {
            Self::Dense(values) | Self::Sparse { values, .. } => values,
        }
    }

    /// Returns index and value of each stored value, by ascending index.
    pub fn stored(self) -> impl Iterator<Item = (usize, f64)> + 'a {
        let (indices, values) = match self {
            Self::Dense(values) => (None, values),
            Self::Sparse { indices, values, .. } => (Some(indices), values),
        };
        values
            .iter()
            .enumerate()
            .map(move |(i, v)| (indices.map_or(i, |at| at[i] as usize), *v))
    }

    /// Returns the sum of the values times others at their places; those of places beyond are left out if it is dense.
    pub fn dot(self, others: &[f64]) -> f64 {
        match self {
            Self::Dense(values) => lanes::dot(values, others),
            Self::Sparse { .. } => self.stored().map(|(i, v)| v * others[i]).sum(),
        }
    }

    /// Adds `scale` times each value to the sum at its place.
    pub fn add_scaled(self, scale: f64, sums: &mut [f64]) {
        match self {
            Self::Dense(values) => lanes::add_scaled(scale, values, sums),
            Self::Sparse { .. } => self.stored().for_each(|(i, v)| sums[i] += scale * v),
        }
    }

    /// Returns index and value of each value that is not zero, by ascending index; NaN is not zero.
    pub fn nonzero(self) -> impl Iterator<Item = (usize, f64)> + 'a {
        self.stored().filter(|(_, v)| *v != 0.0)
    }

    /// Returns the value at an index: 0 if nothing is stored there, or if the index is beyond the size.
    ///
    /// A dense vector looks it up, a sparse one searches its indices.
    pub fn at(self, index: usize) -> f64 {
        match self {
            Self::Dense(values) => values.get(index).copied().unwrap_or(0.0),
            Self::Sparse { indices, values, .. } => indices
                .binary_search(&(index as i32))
                .map_or(0.0, |found| values[found]),
        }
    }

    /// Returns all values as a list of the vector's size.
    pub fn to_dense(self) -> Vec<f64> {
        match self {
            Self::Dense(values) => values.to_vec(),
            Self::Sparse { size, .. } => {
                let mut all = vec![0.0; size];
                self.stored().for_each(|(i, v)| all[i] = v);
                all
            }
        }
    }

    /// Returns a copy that owns its values, in the same form.
    pub fn to_owned(self) -> Vector {
        match self {
            Self::Dense(values) => Vector::Dense(values.to_vec()),
            Self::Sparse { size, indices, values } => Vector::Sparse {
                size,
                indices: indices.to_vec(),
                values: values.to_vec(),
            },
        }
    }

    /// Returns the first index of the largest value (`Vector.argmax`). NaN is never larger; 0 for an empty
    /// vector.
    ///
    /// A sparse vector is made dense for it.
    pub fn argmax(self) -> usize {
        let dense;
        let values = match self {
            Self::Dense(values) => values,
            Self::Sparse { .. } => {
                dense = self.to_dense();
                &dense
            }
        };
        let mut best = 0;
        for (i, v) in values.iter().enumerate() {
            if *v > values[best] {
                best = i;
            }
        }
        best
    }

    /// Returns the form that takes fewer bytes, without stored zeros (`Vector.compressed`): a sparse one
    /// takes 12 bytes per value and 24, a dense one 8 bytes per value and 8.
    pub fn compressed(self) -> Vector {
        let nonzeros = self.nonzero().count();
        if 12 * nonzeros + 24 < 8 * self.size() + 8 {
            let (indices, values) = self.nonzero().map(|(i, v)| (i as i32, v)).unzip();
            Vector::Sparse {
                size: self.size(),
                indices,
                values,
            }
        } else {
            Vector::Dense(self.to_dense())
        }
    }
}

impl fmt::Display for VectorRef<'_> {
    /// Writes it as `Vector.toString` does: `[1.0,0.5]`, `(3,[0,2],[1.0,0.5])`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doubles = |values: &[f64]| {
            let texts: Vec<String> = values.iter().map(|v| crate::values::text::double(*v)).collect();
            format!("[{}]", texts.join(","))
        };
        match self {
            Self::Dense(values) => f.write_str(&doubles(values)),
            Self::Sparse { size, indices, values } => {
                let at: Vec<String> = indices.iter().map(i32::to_string).collect();
                write!(f, "({size},[{}],{})", at.join(","), doubles(values))
            }
        }
    }
}

/// Checks what every sparse vector keeps: indices that ascend, are not negative and are below the size,
/// one per value.
///
/// # Errors
/// If they do not, what Scala's `require` throws.
fn check_sparse(size: usize, indices: &[i32], values: &[f64]) -> Result<()> {
    let ascending = indices.windows(2).all(|w| w[0] < w[1]);
    let inside = indices.first().is_none_or(|i| *i >= 0) && indices.last().is_none_or(|i| (*i as usize) < size);
    if ascending && inside && indices.len() == values.len() {
        return Ok(());
    }
    Err(SparkError::requirement(format!(
        "a sparse vector of size {size} has {} values for its indices {indices:?}, which must ascend and be below the size",
        values.len()
    )))
}

/// A column of vectors: the buffers of its four fields, side by side. Its sparse rows have been
/// checked.
#[derive(Debug, Clone)]
pub struct VectorColumn<'a> {
    /// Which rows are null.
    nulls: Option<NullBuffer>,
    /// 0 for a sparse row, 1 for a dense one.
    kinds: &'a Int8Array,
    /// The size of each sparse row.
    sizes: &'a Int32Array,
    /// Where in `indices` each row begins.
    index_offsets: &'a [i32],
    /// The indices of all rows, end to end.
    indices: &'a [i32],
    /// Where in `values` each row begins.
    offsets: &'a [i32],
    /// The values of all rows, end to end.
    values: &'a [f64],
}

impl<'a> VectorColumn<'a> {
    /// Reads a column of vectors without copying it; each sparse row is looked at once.
    ///
    /// # Errors
    /// If the array does not have the layout of [`fields`], an internal error; if a sparse row's indices do
    /// not ascend or do not match its size and values, what Scala's `require` throws.
    pub fn new(array: &'a dyn Array) -> Result<Self> {
        let none = || SparkError::internal("a column of vectors has another layout");
        let whole: &StructArray = array.as_struct_opt().ok_or_else(none)?;
        let [kinds, sizes, indices, values] = whole.columns() else {
            return Err(none());
        };
        let indices = indices.as_list_opt::<i32>().ok_or_else(none)?;
        let values = values.as_list_opt::<i32>().ok_or_else(none)?;
        let column = Self {
            nulls: whole.nulls().cloned(),
            kinds: kinds.as_primitive_opt::<Int8Type>().ok_or_else(none)?,
            sizes: sizes.as_primitive_opt::<Int32Type>().ok_or_else(none)?,
            index_offsets: indices.value_offsets(),
            indices: indices
                .values()
                .as_primitive_opt::<Int32Type>()
                .ok_or_else(none)?
                .values(),
            offsets: values.value_offsets(),
            values: values
                .values()
                .as_primitive_opt::<Float64Type>()
                .ok_or_else(none)?
                .values(),
        };
        for row in 0..whole.len() {
            if let Some(VectorRef::Sparse { size, indices, values }) = column.get(row) {
                check_sparse(size, indices, values)?;
            }
        }
        Ok(column)
    }

    /// Returns the number of rows, nulls included.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Returns the vector of a row; `None` if it is null.
    pub fn get(&self, row: usize) -> Option<VectorRef<'a>> {
        if self.nulls.as_ref().is_some_and(|n| n.is_null(row)) {
            return None;
        }
        let values = &self.values[self.offsets[row] as usize..self.offsets[row + 1] as usize];
        if self.kinds.value(row) == 1 {
            return Some(VectorRef::Dense(values));
        }
        Some(VectorRef::Sparse {
            size: usize::try_from(self.sizes.value(row)).unwrap_or(0),
            indices: &self.indices[self.index_offsets[row] as usize..self.index_offsets[row + 1] as usize],
            values,
        })
    }
}

/// Builds a column of vectors, row by row.
///
/// ```
/// use rivulet::values::vector::{VectorBuilder, VectorColumn, VectorRef};
///
/// let mut builder = VectorBuilder::with_capacity(2);
/// builder.push(VectorRef::Dense(&[1.0, 2.0]));
/// builder.push_null();
/// let array = builder.finish()?;
/// let column = VectorColumn::new(&array)?;
/// assert_eq!(column.get(0), Some(VectorRef::Dense(&[1.0, 2.0])));
/// assert_eq!(column.get(1), None);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug)]
pub struct VectorBuilder {
    /// 0 for a sparse row, 1 for a dense one.
    kinds: Vec<i8>,
    /// The size of each sparse row, else 0.
    sizes: Vec<i32>,
    /// Where the indices of each row end, after a 0.
    index_ends: Vec<i32>,
    /// The indices of all rows, end to end.
    indices: Vec<i32>,
    /// Where the values of each row end, after a 0.
    ends: Vec<i32>,
    /// The values of all rows, end to end.
    values: Vec<f64>,
    /// Which rows are sparse.
    sparse: Vec<bool>,
    /// Which rows are there.
    valid: Vec<bool>,
}

impl VectorBuilder {
    /// Makes a builder with room for that many rows; their values find room as they come.
    pub fn with_capacity(rows: usize) -> Self {
        let ends = || {
            let mut ends = Vec::with_capacity(rows + 1);
            ends.push(0);
            ends
        };
        Self {
            kinds: Vec::with_capacity(rows),
            sizes: Vec::with_capacity(rows),
            index_ends: ends(),
            indices: vec![],
            ends: ends(),
            values: vec![],
            sparse: Vec::with_capacity(rows),
            valid: Vec::with_capacity(rows),
        }
    }

    /// Appends a vector in the form it has; its values are copied.
    pub fn push(&mut self, vector: VectorRef<'_>) {
        self.values.extend_from_slice(vector.values());
        match vector {
            VectorRef::Dense(_) => self.end(1, None, true),
            VectorRef::Sparse { size, indices, .. } => {
                self.indices.extend_from_slice(indices);
                self.end(0, Some(size), true);
            }
        }
    }

    /// Appends a sparse vector of values by ascending index.
    pub fn push_sparse(&mut self, size: usize, stored: impl Iterator<Item = (i32, f64)>) {
        for (index, value) in stored {
            self.indices.push(index);
            self.values.push(value);
        }
        self.end(0, Some(size), true);
    }

    /// Appends a row without a vector.
    pub fn push_null(&mut self) {
        self.end(0, None, false);
    }

    /// Ends a row, whose values are there.
    fn end(&mut self, kind: i8, size: Option<usize>, valid: bool) {
        self.kinds.push(kind);
        self.sizes.push(size.unwrap_or(0) as i32);
        self.index_ends.push(self.indices.len() as i32);
        self.ends.push(self.values.len() as i32);
        self.sparse.push(size.is_some());
        self.valid.push(valid);
    }

    /// Returns the column.
    ///
    /// # Errors
    /// If Arrow refuses the struct, an internal error; columns of equal length, as they are made here, are
    /// never refused.
    pub fn finish(self) -> Result<ArrayRef> {
        let nulls_of = |there: Vec<bool>| there.contains(&false).then(|| NullBuffer::from(there));
        let (nulls, dense) = (nulls_of(self.valid), nulls_of(self.sparse));
        let list = |ends: Vec<i32>, values: ArrayRef, nulls: Option<NullBuffer>| {
            if !ends.is_sorted() {
                return Err(SparkError::internal("a column of vectors has more than 2^31 values"));
            }
            let element = Arc::new(Field::new("element", values.data_type().clone(), true));
            Ok(ListArray::try_new(
                element,
                OffsetBuffer::new(ends.into()),
                values,
                nulls,
            )?)
        };
        let indices = Arc::new(Int32Array::from(self.indices));
        let values = Arc::new(Float64Array::from(self.values));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int8Array::new(self.kinds.into(), nulls.clone())),
            Arc::new(Int32Array::new(self.sizes.into(), dense.clone())),
            Arc::new(list(self.index_ends, indices, dense)?),
            Arc::new(list(self.ends, values, nulls.clone())?),
        ];
        Ok(Arc::new(StructArray::try_new(fields(), columns, nulls)?))
    }
}

/// Returns lists of doubles as dense vectors; null stays null, a null element becomes NaN.
///
/// # Errors
/// If the array is not one of lists of doubles, an internal error.
pub fn of_lists(array: &dyn Array) -> Result<ArrayRef> {
    let none = || SparkError::internal("a column of lists of doubles has another layout");
    let lists = array.as_list_opt::<i32>().ok_or_else(none)?;
    let mut out = VectorBuilder::with_capacity(lists.len());
    for row in 0..lists.len() {
        if lists.is_null(row) {
            out.push_null();
            continue;
        }
        let values = lists.value(row);
        let values = values.as_primitive_opt::<Float64Type>().ok_or_else(none)?;
        let values: Vec<f64> = values.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
        out.push(VectorRef::Dense(&values));
    }
    out.finish()
}

/// Applies a function to every vector of a column; null stays null.
pub fn map(array: &dyn Array, mut f: impl FnMut(usize, VectorRef<'_>) -> Result<Vector>) -> Result<ArrayRef> {
    let column = VectorColumn::new(array)?;
    let mut out = VectorBuilder::with_capacity(column.len());
    for row in 0..column.len() {
        match column.get(row) {
            Some(vector) => out.push(f(row, vector)?.view()),
            None => out.push_null(),
        }
    }
    out.finish()
}

/// Applies a function from vectors to doubles; null stays null.
pub fn map_to_double(array: &dyn Array, mut f: impl FnMut(usize, VectorRef<'_>) -> Result<f64>) -> Result<ArrayRef> {
    let column = VectorColumn::new(array)?;
    let mut out = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        out.push(column.get(row).map(|v| f(row, v)).transpose()?);
    }
    Ok(Arc::new(Float64Array::from(out)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_gives_back_the_vectors_that_built_it() {
        let sparse = Vector::sparse(5, vec![1, 4], vec![2.0, -1.0]).unwrap();
        let dense = Vector::Dense(vec![0.5, 0.0]);
        let mut builder = VectorBuilder::with_capacity(3);
        builder.push(sparse.view());
        builder.push_null();
        builder.push(dense.view());
        let array = builder.finish().unwrap();
        assert_eq!(array.data_type(), &data_type());
        let column = VectorColumn::new(&array).unwrap();
        assert_eq!(column.get(0).map(VectorRef::to_owned), Some(sparse));
        assert_eq!(column.get(1), None);
        assert_eq!(column.get(2).map(VectorRef::to_owned), Some(dense));
        let tail = array.slice(2, 1);
        assert_eq!(
            VectorColumn::new(&tail).unwrap().get(0),
            Some(VectorRef::Dense(&[0.5, 0.0]))
        );
    }

    #[test]
    fn vectors_read_as_sparks() {
        let sparse = Vector::sparse(3, vec![0, 2], vec![1.0, 0.5]).unwrap();
        assert_eq!(sparse.view().to_string(), "(3,[0,2],[1.0,0.5])");
        assert_eq!(VectorRef::Dense(&[2.0, f64::NAN]).to_string(), "[2.0,NaN]");
    }

    /// From the goldens `vectorassembler_order` (8 values), `minmaxscaler` (4) and `binarizer_vector` (3).
    #[test]
    fn compression_takes_the_form_with_fewer_bytes() {
        let sparse = |size: usize, nonzeros: usize| {
            let values: Vec<f64> = (0..size).map(|i| f64::from(u8::from(i < nonzeros))).collect();
            matches!(VectorRef::Dense(&values).compressed(), Vector::Sparse { .. })
        };
        assert!(sparse(8, 3) && sparse(6, 2) && sparse(4, 1) && sparse(3, 0));
        assert!(!sparse(8, 4) && !sparse(6, 3) && !sparse(4, 2) && !sparse(3, 1) && !sparse(2, 0));
    }

    #[test]
    fn indices_that_do_not_ascend_or_leave_the_vector_are_refused() {
        assert!(Vector::sparse(3, vec![2, 0], vec![1.0, 1.0]).is_err());
        assert!(Vector::sparse(3, vec![0, 3], vec![1.0, 1.0]).is_err());
        assert!(Vector::sparse(3, vec![-1], vec![1.0]).is_err());
        assert!(Vector::sparse(3, vec![1], vec![]).is_err());
    }
}
