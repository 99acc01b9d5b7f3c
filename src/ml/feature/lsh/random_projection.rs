//! `BucketedRandomProjectionLSH`: hashes for the euclidean distance.

use std::sync::Arc;

use prost::Message;

use super::{Hashing, TABLES, hashed, neighbours, width, width_of_input};
use crate::error::Result;
use crate::ml::literal::Kind;
use crate::ml::matrix::Matrix;
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{Default, INPUT, OUTPUT, POSITIVE, Param, Params, SEED, param};
use crate::ml::persistence::data::Column;
use crate::ml::relation::Argument;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::java_random::JavaRandom;
use crate::values::vector::VectorRef;

/// Draws a random direction for each hash table (`BucketedRandomProjectionLSH`).
///
/// A hash is the number of the bucket, `bucketLength` long, that the vector's projection on the direction falls into. The
/// directions are Spark's for the same `seed`.
#[derive(Debug)]
pub struct RandomProjectionLsh;

impl Stage for RandomProjectionLsh {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.BucketedRandomProjectionLSH"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            param("bucketLength", Kind::Double, Default::None, POSITIVE),
            TABLES,
            SEED,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Estimator(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }

    fn training_params(&self) -> &'static [&'static str] {
        &["seed"]
    }
}

impl Estimator for RandomProjectionLsh {
    fn training(&self, params: &Params) -> Result<Training> {
        width_of_input(params)
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let (size, tables) = (width(state)?, params.count("numHashTables")?);
        let mut random = JavaRandom::new(params.int("seed")?);
        let mut values: Vec<f64> = (0..size * tables).map(|_| random.gaussian()).collect();
        for direction in values.chunks_mut(size.max(1)) {
            let length = direction.iter().map(|v| v * v).sum::<f64>().sqrt();
            if length != 0.0 {
                direction.iter_mut().for_each(|v| *v *= 1.0 / length);
            }
        }
        let directions = Some(Matrix::new(tables, size, values));
        Ok(Model::new(params, Directions { directions }))
    }
}

/// `BucketedRandomProjectionLSHModel`: a direction for each hash table.
#[derive(Clone, PartialEq, Message)]
pub struct Directions {
    /// The directions, a row each, of length 1.
    #[prost(message, optional, tag = "1")]
    pub directions: Option<Matrix>,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.BucketedRandomProjectionLSHModel"),
    tag: 47,
    decode: model::decoded::<Directions>,
    read: |row| {
        let directions = Some(row.matrix("randUnitVectors")?);
        Ok(Arc::new(Directions { directions }))
    },
};

/// The hash functions of a model and its bucket length.
struct Projections {
    /// The directions, a row each.
    directions: Matrix,
    /// 1 divided by the length of a bucket.
    per_bucket: f64,
}

impl Hashing for Projections {
    fn hashes(&self, vector: VectorRef<'_>) -> std::result::Result<Vec<f64>, String> {
        if vector.size() != self.directions.width() {
            return Err(format!(
                "java.lang.IllegalArgumentException: requirement failed: The columns of A don't match the number of elements of \
                 x. A: {}, x: {}",
                self.directions.width(),
                vector.size()
            ));
        }
        let hash = |table: usize| {
            let direction = self.directions.row(table);
            let product: f64 = vector.stored().map(|(i, v)| direction[i] * v).sum();
            (self.per_bucket * product).floor()
        };
        Ok((0..self.directions.height()).map(hash).collect())
    }

    fn distance(&self, a: VectorRef<'_>, b: VectorRef<'_>) -> std::result::Result<f64, String> {
        if a.size() != b.size() {
            return Err(format!(
                "java.lang.IllegalArgumentException: requirement failed: Vector dimensions do not match: Dim(v1)={} and Dim(v2)={}.",
                a.size(),
                b.size()
            ));
        }
        let pairs = a.to_dense().into_iter().zip(b.to_dense());
        Ok(pairs.map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt())
    }
}

impl Directions {
    /// Returns the hash functions.
    ///
    /// # Errors
    /// If `bucketLength` is not set.
    fn hashing(&self, params: &Params) -> Result<Arc<dyn Hashing>> {
        Ok(Arc::new(Projections {
            directions: self.directions.clone().unwrap_or_default(),
            per_bucket: 1.0 / params.double("bucketLength")?,
        }))
    }
}

impl Fitted for Directions {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        hashed(analyzer, input, id, params, self.hashing(params)?)
    }

    fn relation(
        &self,
        analyzer: &mut Analyzer,
        id: &str,
        params: &Params,
        method: &str,
        args: &[Argument<'_>],
    ) -> Result<Option<Resolved>> {
        neighbours::relation(analyzer, self, self.hashing(params)?, id, params, method, args)
    }

    fn describe(&self, params: &Params) -> Result<String> {
        Ok(format!("numHashTables={}", params.count("numHashTables")?))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        let directions = self.directions.clone().unwrap_or_default();
        Ok(vec![Column::matrix("randUnitVectors", &directions)?])
    }
}
