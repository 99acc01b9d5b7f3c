//! `StreamingNaiveBayes`: a model that keeps learning, batch by batch.
//!
//! A batch is summed up as any training is ([`classes`]); its sums are added to those of the batches before, which
//! first count for less if there is a half-life. Spark's streaming k-means defines that forgetting: of batches, the old
//! sums are multiplied by `2^(-1 / halfLife)` each batch; of points, by `2^(-n / halfLife)` for `n` new rows.
//!
//! ```text
//! sums of batches 1 … n-1 ──× discount──▶ (+) ──▶ sums of 1 … n ──naive_bayes::fit──▶ model of 1 … n
//! rows of batch n ──one aggregate──▶ sums ─▲            └───── kept in the model for batch n+1
//! ```
//!
//! What it guarantees: the model of batches 1 to n is that of a single training on all their rows, each weighted by
//! what forgetting left of it; and a batch whose id is not above the last one's changes nothing, so that a batch that a
//! query repeats after a failure is learned once, provided that the model was saved after the batch (saving writes the
//! sums and the batch's id along with the model). A batch with a row that training refuses changes nothing either.

use super::naive_bayes::stage::{Statistics, sums_of_classes};
use super::naive_bayes::{self, NaiveBayesModel, Type};
use crate::error::Result;
use crate::ml::batches::{BATCH, INITIAL_MODEL, last_of, model_params};
use crate::ml::literal::Kind;
use crate::ml::model::Model;
use crate::ml::params::{
    Default, FEATURES, LABEL, NON_NEGATIVE, POSITIVE, PREDICTION, PROBABILITY, Param, Params, RAW_PREDICTION,
    THRESHOLDS, WEIGHT, one_of, param,
};
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::summary::classes::{self, Classes, Names};
use crate::ml::training;

/// The stage whose models it makes.
const MODEL: &str = "org.apache.spark.ml.classification.NaiveBayes";

/// Returns the factor by which the old sums are multiplied when `rows` rows come: 1 without a half-life.
///
/// # Errors
/// If a param has another type.
pub fn discount(params: &Params, rows: i64) -> Result<f64> {
    if !params.is_set("halfLife") {
        return Ok(1.0);
    }
    let periods = if params.text("timeUnit")? == "points" {
        rows as f64
    } else {
        1.0
    };
    Ok((-periods / params.double("halfLife")?).exp2())
}

/// Returns the model of the batches before and one more.
///
/// Costs one pass over the sums (classes × features), never over the rows of earlier batches.
///
/// # Errors
/// If no batch has a row, or vectors differ in size from those before.
pub fn learn(params: &Params, before: Option<&Statistics>, batch: classes::State) -> Result<NaiveBayesModel> {
    let names = Names {
        label: params.text("labelCol")?,
        features: params.text("featuresCol")?,
        weight: String::new(),
    };
    let mut all = Classes::new(Type::of(params)?, names);
    if let Some(before) = before {
        let mut old = before.sums.clone();
        old.scale(discount(params, batch.rows)?);
        all.take(old)?;
    }
    all.take(batch)?;
    let sums = all.state();
    let mut model = naive_bayes::fit(
        &model_params(params, MODEL)?,
        sums.classes.clone(),
        sums.features as usize,
    )?;
    model.statistics = Some(Statistics {
        sums,
        batch: last_of(params, before.and_then(|s| s.batch)),
    });
    Ok(model)
}

/// Trains a naive Bayes model batch by batch, usually in `foreachBatch`. The stage is ours: Spark's has no such class.
///
/// Params beyond those of `NaiveBayes`: `initialModel`, the id of the model to continue; `batchId`, which makes
/// repeated batches harmless; `halfLife` with `timeUnit` (`batches` or `points`), after which old sums count half.
#[derive(Debug)]
pub struct StreamingNaiveBayes;

impl Stage for StreamingNaiveBayes {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.classification.StreamingNaiveBayes"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            FEATURES,
            LABEL,
            one_of(
                "modelType",
                "multinomial",
                &["multinomial", "bernoulli", "gaussian", "complement"],
            ),
            PREDICTION,
            PROBABILITY,
            RAW_PREDICTION,
            param("smoothing", Kind::Double, Default::Double(1.0), NON_NEGATIVE),
            THRESHOLDS,
            WEIGHT,
            param("halfLife", Kind::Double, Default::None, POSITIVE),
            one_of("timeUnit", "batches", &["batches", "points"]),
            INITIAL_MODEL,
            BATCH,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Estimator(self)
    }
}

impl Estimator for StreamingNaiveBayes {
    fn training(&self, params: &Params) -> Result<Training> {
        sums_of_classes(params)
    }

    fn fit(&self, params: &Params, before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let learned = learn(params, statistics_of(before), training::state(state)?)?;
        Ok(Model::new(&model_params(params, MODEL)?, learned))
    }
}

/// Returns the sums that a model was made of; `None` if it was trained at once.
fn statistics_of(model: Option<&Model>) -> Option<&Statistics> {
    model?.content::<NaiveBayesModel>()?.statistics.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::literal::Value;
    use crate::ml::model::Fitted;
    use crate::ml::stage;
    use crate::ml::summary::Summary;
    use crate::proto as sc;
    use crate::values::vector::VectorBuilder;
    use crate::values::vector::VectorRef;
    use arrow::array::{ArrayRef, Float64Array};
    use std::sync::Arc;

    /// Label, features, weight.
    type Row = (f64, &'static [f64], f64);

    fn params(set: &[(&str, Value)]) -> Params {
        let operator = stage::by_name("org.apache.spark.ml.classification.StreamingNaiveBayes").unwrap();
        let mut params = Params::new(operator, "nb", &sc::MlParams::default()).unwrap();
        set.iter()
            .for_each(|(name, value)| params.put(name, value.clone()).unwrap());
        params
    }

    fn sums(rows: &[Row]) -> classes::State {
        let names = Names {
            label: "l".into(),
            features: "f".into(),
            weight: "w".into(),
        };
        let mut summary = Classes::new(Type::Multinomial, names);
        let mut vectors = VectorBuilder::with_capacity(rows.len());
        rows.iter().for_each(|(_, v, _)| vectors.push(VectorRef::Dense(v)));
        let column =
            |f: fn(&Row) -> f64| -> ArrayRef { Arc::new(rows.iter().map(f).map(Some).collect::<Float64Array>()) };
        summary
            .update(&[vectors.finish().unwrap(), column(|r| r.0), column(|r| r.2)])
            .unwrap();
        summary.state()
    }

    fn close(a: &NaiveBayesModel, b: &NaiveBayesModel) -> bool {
        let mut pairs = a.pi.iter().zip(&b.pi).chain(a.theta.values.iter().zip(&b.theta.values));
        a.theta.values.len() == b.theta.values.len() && pairs.all(|(x, y)| (x - y).abs() < 1e-12)
    }

    const FIRST: &[Row] = &[(0.0, &[3.0, 1.0], 1.0), (1.0, &[0.0, 2.0], 1.0)];
    const SECOND: &[Row] = &[(1.0, &[1.0, 5.0], 1.0), (2.0, &[4.0, 4.0], 1.0)];

    #[test]
    fn batches_learned_in_turn_are_as_one_training_on_all() {
        let plain = params(&[]);
        let first = learn(&plain, None, sums(FIRST)).unwrap();
        let both = learn(&plain, first.statistics.as_ref(), sums(SECOND)).unwrap();
        let at_once = learn(&plain, None, sums(&[FIRST, SECOND].concat())).unwrap();
        assert!(close(&both, &at_once));
        assert_eq!(both.pi.len(), 3);
    }

    #[test]
    fn a_half_life_of_one_batch_halves_what_was_learned_before() {
        let halving = params(&[("halfLife", Value::Double(1.0))]);
        let first = learn(&halving, None, sums(FIRST)).unwrap();
        let both = learn(&halving, first.statistics.as_ref(), sums(SECOND)).unwrap();
        let halved: Vec<Row> = FIRST.iter().map(|(l, v, _)| (*l, *v, 0.5)).collect();
        let weighted = learn(&params(&[]), None, sums(&[&halved[..], SECOND].concat())).unwrap();
        assert!(close(&both, &weighted));
    }

    #[test]
    fn points_forget_by_the_number_of_new_rows() {
        let by_points = params(&[
            ("halfLife", Value::Double(4.0)),
            ("timeUnit", Value::Text("points".into())),
        ]);
        assert_eq!(discount(&by_points, 8).unwrap(), 0.25);
        assert_eq!(discount(&params(&[]), 8).unwrap(), 1.0);
    }

    #[test]
    fn a_model_knows_its_last_batch() {
        let third = params(&[("batchId", Value::Int(3))]);
        let model = learn(&third, None, sums(FIRST)).unwrap();
        assert_eq!(model.last_batch(), Some(3));
        let without = learn(&params(&[]), model.statistics.as_ref(), sums(SECOND)).unwrap();
        assert_eq!(without.last_batch(), Some(3));
    }
}
