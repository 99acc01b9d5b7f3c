//! `BisectingKMeans`: all rows are one cluster, which is divided in two, and so on.
//!
//! ```text
//! level 1        all rows                      [`learn`]: which clusters are divided, and where their parts' centres begin
//! level 2     2 ─┴─ 3                          [`divide`]: rows go down to their cluster, and are summed up there
//! level 3  4 ┴ 5   6 ┴ 7   … until k           [`tree`]: the model
//! ```

mod divide;
mod learn;
mod tree;

use prost::Message;

use self::divide::{Asked, Divide};
use super::distance::Distance;
use super::rows;
use crate::error::Result;
use crate::ml::learning::{Learning, Rounds};
use crate::ml::literal::Kind;
use crate::ml::model::ModelKind;
use crate::ml::params::{
    Check, Default, FEATURES, POSITIVE, PREDICTION, Param, Params, SEED, WEIGHT, one_of, param, steps,
};
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary;

/// Trains bisecting k-means (`BisectingKMeans`): a job per step of each level; a task keeps one sum per cluster that is divided.
#[derive(Debug)]
pub struct BisectingKMeans;

impl Stage for BisectingKMeans {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.clustering.BisectingKMeans"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            one_of("distanceMeasure", "euclidean", &["euclidean", "cosine"]),
            FEATURES,
            param("k", Kind::Int, Default::Int(4), Check::AtLeast(2.0)),
            steps(20),
            param("minDivisibleClusterSize", Kind::Double, Default::Double(1.0), POSITIVE),
            PREDICTION,
            SEED,
            WEIGHT,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Learner(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&tree::KIND)
    }
}

impl Learner for BisectingKMeans {
    fn columns(&self, params: &Params) -> Result<Columns> {
        rows::columns(params)
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let names = rows::names(params)?;
        let asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        let distance = Distance::of(params)?;
        Ok(Box::new(move || Box::new(Divide::new(names.clone(), distance, &asked))))
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn::learn(params, rounds))
    }
}
