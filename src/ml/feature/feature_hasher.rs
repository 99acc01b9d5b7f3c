//! `FeatureHasher`: columns of any kind to one sparse vector, at places that hashes choose.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type};

use super::hashing_tf::murmur3_32;
use crate::error::{Result, SparkError};
use crate::ml::columns::Body;
use crate::ml::literal::Kind;
use crate::ml::params::{Default, INPUTS, OUTPUT, POSITIVE, Param, Params, free, param};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::cast_expr;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::types;
use crate::values::vector::{self, VectorBuilder};

/// The seed of Spark's feature hashing.
const SEED: u32 = 42;

/// Hashes columns into one sparse vector of `numFeatures` values (`FeatureHasher`).
///
/// A number is added at the place that its column's name hashes to; a string, a boolean, or a number of
/// `categoricalCols` adds 1 at the place of `name=value`. Nulls add nothing.
#[derive(Debug)]
pub struct FeatureHasher;

impl Stage for FeatureHasher {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.FeatureHasher"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            free("categoricalCols", Kind::Texts),
            INPUTS,
            param("numFeatures", Kind::Int, Default::Int(1 << 18), POSITIVE),
            OUTPUT,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for FeatureHasher {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let size = params.count("numFeatures")?;
        let categorical = if params.is_set("categoricalCols") {
            params.texts("categoricalCols")?
        } else {
            vec![]
        };
        let (mut reads, mut names) = (Vec::new(), Vec::new());
        for name in params.texts("inputCols")? {
            let mut read = analyzer.input_column(&input, &name)?;
            let from = read.typed.data_type.clone();
            let numeric = types::is_numeric(&from);
            if !numeric && from != DataType::Boolean && !types::is_string(&from) {
                return Err(SparkError::requirement(format!(
                    "FeatureHasher requires columns to be of NumericType, BooleanType or StringType. Column {name} was {}",
                    types::simple_string(&from)
                )));
            }
            if numeric && !categorical.contains(&name) {
                read = analyzer.as_double(read)?;
            } else if !types::is_string(&from) {
                read.typed = cast_expr::as_string(read.typed, analyzer.mode(), analyzer.zone)?;
            }
            reads.push(read);
            names.push(name);
        }
        let names: Arc<[String]> = names.into();
        let body: Body = Box::new(move |args, rows| Ok(apply(args, &names, rows, size)?));
        analyzer.stage(input, params, vector::data_type(), reads, body)
    }
}

/// Returns the place of a term.
fn place(term: &str, size: usize) -> i32 {
    (murmur3_32(term.as_bytes(), SEED) as i32).rem_euclid(size as i32)
}

/// Hashes rows; columns hold doubles, which are values, or strings, which are categories.
fn apply(columns: &[ArrayRef], names: &[String], rows: usize, size: usize) -> Result<ArrayRef> {
    let mut out = VectorBuilder::with_capacity(rows);
    let places: Vec<i32> = names.iter().map(|name| place(name, size)).collect();
    let mut sums = BTreeMap::new();
    for row in 0..rows {
        sums.clear();
        for ((column, name), at) in columns.iter().zip(names).zip(&places) {
            if column.is_null(row) {
                continue;
            }
            let (at, value) = match column.as_primitive_opt::<Float64Type>() {
                Some(doubles) => (*at, doubles.value(row)),
                None => (
                    place(&format!("{name}={}", column.as_string::<i32>().value(row)), size),
                    1.0,
                ),
            };
            *sums.entry(at).or_insert(0.0) += value;
        }
        out.push_sparse(size, sums.iter().map(|(at, sum)| (*at, *sum)));
    }
    out.finish()
}
