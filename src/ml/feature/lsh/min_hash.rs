//! `MinHashLSH`: hashes for the distance of sets, of which a vector's values that are not 0 are the members.

use std::collections::BTreeSet;
use std::sync::Arc;

use prost::Message;

use super::{Hashing, TABLES, hashed, neighbours, width, width_of_input};
use crate::error::{Result, SparkError};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{INPUT, OUTPUT, Param, Params, SEED};
use crate::ml::persistence::data::Column;
use crate::ml::relation::Argument;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::java_random::JavaRandom;
use crate::values::vector::VectorRef;

/// The prime that hashes are taken modulo.
const PRIME: i32 = 2_038_074_743;

/// Draws two coefficients for each hash table (`MinHashLSH`).
///
/// A hash is the least of `((index + 1) a + b) mod 2038074743` over the vector's values that are not 0, of which there must
/// be one. The coefficients are Spark's for the same `seed`.
#[derive(Debug)]
pub struct MinHashLsh;

impl Stage for MinHashLsh {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.MinHashLSH"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[INPUT, OUTPUT, TABLES, SEED];
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

impl Estimator for MinHashLsh {
    fn training(&self, params: &Params) -> Result<Training> {
        width_of_input(params)
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let size = width(state)?;
        if size > PRIME as usize {
            return Err(SparkError::requirement(format!(
                "The input vector dimension {size} exceeds the threshold {PRIME}."
            )));
        }
        let mut random = JavaRandom::new(params.int("seed")?);
        let tables = params.count("numHashTables")?;
        let pair = |_| [1 + random.below(PRIME - 1), random.below(PRIME - 1)];
        let coefficients = (0..tables).flat_map(pair).collect();
        Ok(Model::new(params, Coefficients { coefficients }))
    }
}

/// `MinHashLSHModel`: two coefficients for each hash table.
#[derive(Clone, PartialEq, Message)]
pub struct Coefficients {
    /// The coefficients, the two of a table side by side.
    #[prost(int32, repeated, tag = "1")]
    pub coefficients: Vec<i32>,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.MinHashLSHModel"),
    tag: 48,
    decode: model::decoded::<Coefficients>,
    read: |row| {
        let coefficients = row.ints("randCoefficients")?;
        if coefficients.len() % 2 == 1 {
            return Err(row.corrupt("a coefficient lacks its partner"));
        }
        Ok(Arc::new(Coefficients { coefficients }))
    },
};

impl Hashing for Coefficients {
    fn hashes(&self, vector: VectorRef<'_>) -> std::result::Result<Vec<f64>, String> {
        let empty = || {
            "java.lang.IllegalArgumentException: requirement failed: Must have at least 1 non zero entry.".to_owned()
        };
        let hash = |pair: &[i32]| {
            let of = |i: usize| ((1 + i as i64) * i64::from(pair[0]) + i64::from(pair[1])) % i64::from(PRIME);
            vector.nonzero().map(|(i, _)| of(i)).min().map(|hash| hash as f64)
        };
        self.coefficients
            .chunks_exact(2)
            .map(|pair| hash(pair).ok_or_else(empty))
            .collect()
    }

    fn distance(&self, a: VectorRef<'_>, b: VectorRef<'_>) -> std::result::Result<f64, String> {
        let members = |v: VectorRef<'_>| v.nonzero().map(|(i, _)| i).collect::<BTreeSet<usize>>();
        let (x, y) = (members(a), members(b));
        let (both, either) = (x.intersection(&y).count(), x.union(&y).count());
        if either == 0 {
            return Err(
                "java.lang.IllegalArgumentException: requirement failed: The union of two input sets must have at least 1 elements"
                    .to_owned(),
            );
        }
        Ok(1.0 - both as f64 / either as f64)
    }
}

impl Fitted for Coefficients {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        hashed(analyzer, input, id, params, Arc::new(self.clone()))
    }

    fn relation(
        &self,
        analyzer: &mut Analyzer,
        id: &str,
        params: &Params,
        method: &str,
        args: &[Argument<'_>],
    ) -> Result<Option<Resolved>> {
        neighbours::relation(analyzer, self, Arc::new(self.clone()), id, params, method, args)
    }

    fn describe(&self, params: &Params) -> Result<String> {
        Ok(format!("numHashTables={}", params.count("numHashTables")?))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![Column::ints("randCoefficients", &self.coefficients)?])
    }
}
