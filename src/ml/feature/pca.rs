//! `PCA`: vectors in the directions in which they vary most.

use std::sync::Arc;

use prost::Message;

use super::scale::each_vector;
use crate::error::{Result, SparkError};
use crate::ml::columns::{Body, Reads};
use crate::ml::error::illegal;
use crate::ml::literal::{Kind, Value};
use crate::ml::matrix::Matrix;
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{Default, INPUT, OUTPUT, POSITIVE, Param, Params, param};
use crate::ml::persistence::data::Column;
use crate::ml::spectrum;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::summary::covariance::{Covariance, State};
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector::{self, Vector, VectorRef};

/// Learns the `k` directions in which vectors vary most (`PCA`).
///
/// They are eigenvectors of the covariance. With up to 25 features their signs are Spark's, see
/// [`spectrum`](crate::ml::spectrum); a direction without variance is any one, in Spark too.
#[derive(Debug)]
pub struct Pca;

impl Stage for Pca {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.PCA"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[INPUT, OUTPUT, param("k", Kind::Int, Default::None, POSITIVE)];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Estimator(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }
}

impl Estimator for Pca {
    fn training(&self, params: &Params) -> Result<Training> {
        params.count("k")?;
        let column = params.text("inputCol")?;
        let reads = vec![(column.clone(), Reads::Vectors)];
        Ok(Training::new(reads, move || Box::new(Covariance::new(column.clone()))))
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let state: State = training::state(state)?;
        let (n, k) = (state.mean.len(), params.count("k")?);
        if state.rows == 0 {
            return Err(illegal("empty collection"));
        }
        if n < k {
            return Err(SparkError::requirement(format!(
                "source vector size {n} must be no less than k={k}"
            )));
        }
        let diverges =
            || illegal("PCA finds no components: values are NaN or infinite, or the iteration does not converge.");
        let (variances, vectors) = spectrum::left_singular(n, state.covariances()?).ok_or_else(diverges)?;
        let all: f64 = variances.iter().sum();
        let kept = (0..n).flat_map(|row| vectors.row(row)[..k].to_vec());
        Ok(Model::new(
            params,
            Components {
                pc: Some(Matrix::new(n, k, kept.collect())),
                explained: variances[..k].iter().map(|v| v / all).collect(),
            },
        ))
    }
}

/// `PCAModel`: the directions, and their shares of the variance.
#[derive(Clone, PartialEq, Message)]
pub struct Components {
    /// The directions as columns; a row per feature.
    #[prost(message, optional, tag = "1")]
    pub pc: Option<Matrix>,
    /// The share of the variance in each direction.
    #[prost(double, repeated, tag = "2")]
    pub explained: Vec<f64>,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.PCAModel"),
    tag: 44,
    decode: model::decoded::<Components>,
    read: |row| {
        // Spark 1.6 saved no explained variance.
        let explained = if row.has("explainedVariance") {
            row.vector("explainedVariance")?
        } else {
            vec![]
        };
        let pc = Some(row.matrix("pc")?);
        Ok(Arc::new(Components { pc, explained }))
    },
};

impl Components {
    /// Returns the directions.
    fn directions(&self) -> Matrix {
        self.pc.clone().unwrap_or_default()
    }
}

/// Projects one vector, or returns what is wrong with it in Java's words.
fn projected(pc: &Matrix, vector: VectorRef<'_>) -> std::result::Result<Vector, String> {
    if vector.size() != pc.height() {
        return Err(format!(
            "java.lang.IllegalArgumentException: requirement failed: The columns of A don't match the number of elements of x. \
             A: {}, x: {}",
            pc.height(),
            vector.size()
        ));
    }
    let mut sums = vec![0.0; pc.width()];
    for (i, value) in vector.nonzero() {
        sums.iter_mut()
            .zip(pc.row(i))
            .for_each(|(sum, part)| *sum += value * part);
    }
    Ok(Vector::Dense(sums))
}

impl Fitted for Components {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let read = analyzer.vectors(&input, &params.text("inputCol")?)?;
        let (column, pc) = (read.name.clone(), self.directions());
        let body: Body =
            Box::new(move |args, _| Ok(each_vector("PCAModel", &args[0], &column, |v| projected(&pc, v))?));
        analyzer.stage_of(input, params, id, vector::data_type(), vec![read], body)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "pc" => Some((self.directions().value(), Kind::Matrix)),
            "explainedVariance" => Some(model::dense(&self.explained)),
            _ => None,
        })
    }

    fn describe(&self, params: &Params) -> Result<String> {
        Ok(format!("k={}", params.count("k")?))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::matrix("pc", &self.directions())?,
            Column::vector("explainedVariance", &self.explained)?,
        ])
    }
}
