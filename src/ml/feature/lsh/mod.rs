//! Locality-sensitive hashing: vectors that are near have equal hashes, more likely than others.
//!
//! [`random_projection`] is for the euclidean distance, [`min_hash`] for that of sets. Both make `numHashTables` hashes of
//! a vector; what they share is here and in [`neighbours`].
//!
//! ```text
//! transform                    vector ─▶ [[h1], [h2], …]
//! approxNearestNeighbors       rows with a hash of the key's ─▶ nearest k by the true distance
//! approxSimilarityJoin         pairs with a hash in common  ─▶ those below a distance
//! ```

pub mod min_hash;
pub mod neighbours;
pub mod random_projection;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use prost::Message;

use crate::error::{Result, SparkError};
use crate::ml::columns::{Body, Reads};
use crate::ml::error::{Signature, VECTOR, failed_function};
use crate::ml::literal::Kind;
use crate::ml::params::{Default, POSITIVE, Param, Params, param};
use crate::ml::stage::Training;
use crate::ml::summary::{Summary, corrupt};
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::types::list_of;
use crate::values::vector::{self, VectorBuilder, VectorColumn, VectorRef};

/// `numHashTables`: how many hashes a vector has.
const TABLES: Param = param("numHashTables", Kind::Int, Default::Int(1), POSITIVE);

/// A family of hash functions with its distance. What is wrong with a vector is said in Java's words.
pub(super) trait Hashing: Send + Sync {
    /// Returns the hashes of a vector.
    fn hashes(&self, vector: VectorRef<'_>) -> std::result::Result<Vec<f64>, String>;

    /// Returns the distance of two vectors.
    fn distance(&self, a: VectorRef<'_>, b: VectorRef<'_>) -> std::result::Result<f64, String>;
}

/// The size of the vectors of training: that of the first one.
#[derive(Clone, PartialEq, Message)]
struct Width {
    /// Number of features; none before the first row.
    #[prost(uint64, optional, tag = "1")]
    size: Option<u64>,
}

impl Summary for Width {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let vectors = VectorColumn::new(&columns[0])?;
        let first = (0..vectors.len()).find_map(|row| vectors.get(row));
        self.size = self.size.or(first.map(|v| v.size() as u64));
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = Self::decode(state).map_err(|e| corrupt(&e))?;
        self.size = self.size.or(other.size);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

/// Returns the training of both stages: the size of the vectors.
///
/// # Errors
/// If `inputCol` is not set.
fn width_of_input(params: &Params) -> Result<Training> {
    let reads = vec![(params.text("inputCol")?, Reads::Vectors)];
    Ok(Training::new(reads, || Box::new(Width::default())))
}

/// Returns the size of the vectors of a finished training.
///
/// # Errors
/// If there was no vector, or if the state is broken.
fn width(state: &[u8]) -> Result<usize> {
    let width: Width = training::state(state)?;
    let none = || SparkError::requirement("the dataset has no vector to learn the size from.");
    Ok(width.size.ok_or_else(none)? as usize)
}

/// Returns the type of a column of hashes: a list of vectors of one value each.
fn hashes_type() -> DataType {
    list_of(vector::data_type())
}

/// Plans the column of hashes.
///
/// # Errors
/// If `inputCol` is unknown or not one of vectors, or `outputCol` exists.
fn hashed(
    analyzer: &mut Analyzer,
    input: Resolved,
    id: &str,
    params: &Params,
    hashing: Arc<dyn Hashing>,
) -> Result<Resolved> {
    let read = analyzer.vectors(&input, &params.text("inputCol")?)?;
    let column = read.name.clone();
    let body: Body = Box::new(move |args, _| Ok(apply(&*hashing, &args[0], &column)?));
    analyzer.stage_of(input, params, id, hashes_type(), vec![read], body)
}

/// Returns the error of a vector that cannot be hashed or compared (`FAILED_EXECUTE_UDF`).
fn failed(why: String, column: &str, row: usize) -> SparkError {
    let function = Signature {
        stage: "LSHModel",
        takes: VECTOR,
        gives: "array<struct>",
        column: column.to_owned(),
    };
    failed_function(&function, why, row)
}

/// Hashes the vectors of a column.
fn apply(hashing: &dyn Hashing, vectors: &dyn Array, column: &str) -> Result<ArrayRef> {
    let vectors = VectorColumn::new(vectors)?;
    let mut out = VectorBuilder::with_capacity(vectors.len());
    let mut lengths = Vec::with_capacity(vectors.len());
    for row in 0..vectors.len() {
        let hashes = match vectors.get(row) {
            None => Err("java.lang.NullPointerException: the vector is null".to_owned()),
            Some(vector) => hashing.hashes(vector),
        };
        let hashes = hashes.map_err(|why| failed(why, column, row))?;
        hashes.iter().for_each(|hash| out.push(VectorRef::Dense(&[*hash])));
        lengths.push(hashes.len());
    }
    let element = Arc::new(Field::new("element", vector::data_type(), true));
    let lists = ListArray::try_new(element, OffsetBuffer::from_lengths(lengths), out.finish()?, None)?;
    Ok(Arc::new(lists))
}

/// Returns the hashes of each row of a column of hashes; a null has none.
///
/// # Errors
/// If the column has another layout, an internal error.
fn hashes_of(column: &dyn Array) -> Result<Vec<Vec<f64>>> {
    let none = || SparkError::internal("a column of hashes has another layout");
    let lists = column.as_list_opt::<i32>().ok_or_else(none)?;
    let row = |row: usize| {
        if lists.is_null(row) {
            return Ok(vec![]);
        }
        let values = lists.value(row);
        let vectors = VectorColumn::new(&values)?;
        Ok((0..vectors.len())
            .map(|i| vectors.get(i).map_or(f64::NAN, |v| v.at(0)))
            .collect())
    };
    (0..lists.len()).map(row).collect()
}
