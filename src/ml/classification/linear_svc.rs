//! `LinearSVC` and `LinearSVCModel`: two classes on either side of a plane, by the hinge loss.

use std::sync::Arc;

use prost::Message;

use super::loss::{Asked, Loss, MeanLoss};
use super::scores::{self, Predictions, Scores};
use super::{findings, loss};
use crate::error::Result;
use crate::ml::error::illegal;
use crate::ml::findings::Finding;
use crate::ml::learning::{Learning, Rounds, empty};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::optimize::dot;
use crate::ml::optimize::lbfgs::{Options, minimize};
use crate::ml::params::{
    AGGREGATION_DEPTH, BLOCK_SIZE, Check, Default, FEATURES, INTERCEPT, LABEL, PENALTY, PREDICTION, Param, Params,
    RAW_PREDICTION, STANDARDIZATION, WEIGHT, param, steps, tolerance,
};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary;
use crate::ml::summary::labels::{self, Allowed, LabelledMoments, Names};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector::VectorRef;

/// Trains linear support vector machines by OWL-QN, with a penalty by squares (`LinearSVC`).
///
/// An evaluation of the loss is one job over the kept columns. Labels other than 0 and 1, null or invalid features and
/// weights are errors, and so are rows of one class alone, if that is class 0.
#[derive(Debug)]
pub struct LinearSvc;

impl Stage for LinearSvc {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.classification.LinearSVC"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            AGGREGATION_DEPTH,
            FEATURES,
            INTERCEPT,
            LABEL,
            BLOCK_SIZE,
            steps(100),
            PREDICTION,
            RAW_PREDICTION,
            PENALTY,
            STANDARDIZATION,
            param("threshold", Kind::Double, Default::Double(0.0), Check::Any),
            tolerance(1e-6),
            WEIGHT,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Learner(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }
}

impl Learner for LinearSvc {
    fn columns(&self, params: &Params) -> Result<Columns> {
        Ok(Names::of(params)?.columns())
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let names = Names::of(params)?;
        let asked = loss::Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        if asked.sets == 0 {
            let allowed = Allowed::Classes(2);
            return Ok(Box::new(move || Box::new(LabelledMoments::new(names.clone(), allowed))));
        }
        Ok(Box::new(move || Box::new(Loss::new(names.clone(), asked.clone()))))
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(params, rounds))
    }
}

/// Trains a model.
async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let statistics: labels::State = rounds.ask(&Asked::default()).await?;
    if statistics.features.rows == 0 {
        return Err(empty());
    }
    let classes = statistics.histogram().len();
    if classes != 2 {
        return Err(illegal(format!(
            "requirement failed: LinearSVC only supports binary classification. {classes} classes detected in {}__labelCol",
            params.uid
        )));
    }
    let (inverse_std, scaled_mean) = statistics.features.scales();
    let (features, intercept) = (inverse_std.len(), params.bool("fitIntercept")?);
    let (square, standardized) = (params.double("regParam")?, params.bool("standardization")?);
    let size = features + usize::from(intercept);
    let penalty = |s: &f64| if standardized { square } else { square * s * s };
    let mut penalties: Vec<f64> = inverse_std.iter().map(penalty).collect();
    penalties.resize(size, 0.0);
    let objective = MeanLoss {
        rounds,
        asked: Asked {
            coefficients: vec![],
            inverse_std: inverse_std.clone(),
            scaled_mean: scaled_mean.clone(),
            sets: 1,
            intercept,
            hinge: true,
        },
        penalty: penalties,
    };
    let options = Options {
        max_iter: params.count("maxIter")?,
        tolerance: params.double("tol")?,
        // None costs anything by its absolute value; steps are still those of a search with such costs, as Spark's are.
        penalty: vec![0.0; size],
    };
    let found = minimize(&objective, vec![0.0; size], &options).await?;
    let scaled = &found.x[..features];
    let own = |last: &f64| last - dot(scaled, &scaled_mean);
    let model = LinearSvcModel {
        coefficients: scaled.iter().zip(&inverse_std).map(|(x, s)| x * s).collect(),
        intercept: found.x.get(features).map_or(0.0, own),
    };
    Ok(Model::new(&params, model).with_history(found.history))
}

/// `LinearSVCModel`: a number per feature, and one more.
#[derive(Clone, PartialEq, Message)]
pub struct LinearSvcModel {
    /// By feature.
    #[prost(double, repeated, tag = "1")]
    pub coefficients: Vec<f64>,
    /// What is added; 0 without intercept.
    #[prost(double, tag = "2")]
    pub intercept: f64,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.classification.LinearSVCModel"),
    tag: 70,
    decode: model::decoded::<LinearSvcModel>,
    read: |row| {
        Ok(Arc::new(LinearSvcModel {
            coefficients: row.vector("coefficients")?,
            intercept: row.double("intercept")?,
        }))
    },
};

impl LinearSvcModel {
    fn predictor(&self, params: &Params) -> Result<Predictor> {
        Ok(Predictor {
            model: self.clone(),
            threshold: params.double("threshold")?,
        })
    }
}

impl Fitted for LinearSvcModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let predictions = Predictions {
            id,
            params,
            scores: Arc::new(self.predictor(params)?),
            text: None,
        };
        predictions.plan(analyzer, input)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "coefficients" => Some(model::compressed(&self.coefficients)),
            "intercept" => Some((Value::Double(self.intercept), Kind::Double)),
            "numClasses" => Some((Value::Int(2), Kind::Int)),
            "numFeatures" => Some((Value::Int(self.coefficients.len() as i64), Kind::Int)),
            _ => None,
        })
    }

    fn call(&self, params: &Params, method: &str, args: &[Value]) -> Result<Option<(Value, Kind)>> {
        let predictor: &dyn Scores = &self.predictor(params)?;
        predictor.call(method, args)
    }

    fn finding(&self, params: &Params, name: &str, args: &[Value]) -> Result<Option<Finding>> {
        findings::of(params, name, args, self.score_column(params)?.as_deref())
    }

    fn score_column(&self, params: &Params) -> Result<Option<String>> {
        params.text("rawPredictionCol").map(Some)
    }

    fn describe(&self, _: &Params) -> Result<String> {
        Ok(format!("numClasses=2, numFeatures={}", self.coefficients.len()))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::vector("coefficients", &self.coefficients)?,
            Column::double("intercept", self.intercept),
        ])
    }
}

/// A model made ready to predict.
#[derive(Debug)]
struct Predictor {
    model: LinearSvcModel,
    /// The second class is chosen above this margin.
    threshold: f64,
}

impl Scores for Predictor {
    fn raw(&self, features: VectorRef<'_>, out: &mut Vec<f64>) -> std::result::Result<(), String> {
        let margin = scores::dot(features, &self.model.coefficients)? + self.model.intercept;
        out.clear();
        out.extend([-margin, margin]);
        Ok(())
    }

    fn probability(&self, _: &[f64]) -> Option<Vec<f64>> {
        None
    }

    fn of_raw(&self, raw: &[f64]) -> f64 {
        f64::from(raw[1] > self.threshold)
    }

    fn of_probability(&self, _: &[f64]) -> f64 {
        // The model has no column of probabilities.
        f64::NAN
    }
}
