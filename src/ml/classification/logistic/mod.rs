//! Logistic regression, of two classes or more: `LogisticRegression` and `LogisticRegressionModel`.
//!
//! ```text
//! two classes   raw = (-m, m),  m = coefficients · x + intercept        probability = 1 / (1 + e⁻ʳᵃʷ)
//! more          raw = coefficients x + intercepts                       probability = soft-max
//! ```

mod bounds;
mod learn;

use std::sync::Arc;

use prost::Message;

use super::scores::{self, Predictions, Scores};
use super::{findings, loss};
use crate::error::Result;
use crate::ml::batches::Last;
use crate::ml::error::illegal;
use crate::ml::findings::Finding;
use crate::ml::learning::{Learning, Rounds};
use crate::ml::literal::{Kind, Value};
use crate::ml::matrix::Matrix;
use crate::ml::model::{self, Fitted, ModelKind};
use crate::ml::params::{
    AGGREGATION_DEPTH, BLOCK_SIZE, Check, Default, FEATURES, INTERCEPT, LABEL, PENALTY, PREDICTION, PROBABILITY, Param,
    Params, RAW_PREDICTION, STANDARDIZATION, THRESHOLDS, WEIGHT, free, one_of, param, steps, tolerance,
};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary;
use crate::ml::summary::labels::{Allowed, LabelledMoments, MOST_CLASSES, Names};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector::{Vector, VectorRef};

/// The labels that are taken.
const CLASSES: Allowed = Allowed::Classes(MOST_CLASSES);

/// Trains logistic regressions by L-BFGS, with an elastic net by OWL-QN, within bounds by L-BFGS-B (`LogisticRegression`).
///
/// An evaluation of the loss is one job over the kept columns; a task keeps a gradient, of features × classes × 8 bytes. Null or
/// invalid labels, features and weights are errors.
#[derive(Debug)]
pub struct LogisticRegression;

impl Stage for LogisticRegression {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.classification.LogisticRegression"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            AGGREGATION_DEPTH,
            param(
                "elasticNetParam",
                Kind::Double,
                Default::Double(0.0),
                Check::Within(0.0, 1.0),
            ),
            one_of("family", "auto", &["auto", "binomial", "multinomial"]),
            FEATURES,
            INTERCEPT,
            LABEL,
            free("lowerBoundsOnCoefficients", Kind::Matrix),
            free("lowerBoundsOnIntercepts", Kind::Vector),
            BLOCK_SIZE,
            steps(100),
            PREDICTION,
            PROBABILITY,
            RAW_PREDICTION,
            PENALTY,
            STANDARDIZATION,
            param("threshold", Kind::Double, Default::Double(0.5), Check::Within(0.0, 1.0)),
            THRESHOLDS,
            tolerance(1e-6),
            free("upperBoundsOnCoefficients", Kind::Matrix),
            free("upperBoundsOnIntercepts", Kind::Vector),
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

impl Learner for LogisticRegression {
    fn columns(&self, params: &Params) -> Result<Columns> {
        bounds::check(params)?;
        Ok(Names::of(params)?.columns())
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let names = Names::of(params)?;
        let asked = loss::Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        if asked.coefficients.is_empty() {
            return Ok(Box::new(move || Box::new(LabelledMoments::new(names.clone(), CLASSES))));
        }
        Ok(Box::new(move || {
            Box::new(loss::Loss::new(names.clone(), asked.clone()))
        }))
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn::learn(params, rounds))
    }
}

/// `LogisticRegressionModel`: a row of coefficients and an intercept for two classes, or one of each per class.
#[derive(Clone, PartialEq, Message)]
pub struct LogisticRegressionModel {
    /// One row for two classes, else a row per class.
    #[prost(message, required, tag = "1")]
    pub coefficients: Matrix,
    /// One number for two classes, else one per class.
    #[prost(double, repeated, tag = "2")]
    pub intercepts: Vec<f64>,
    /// How many classes there are.
    #[prost(uint64, tag = "3")]
    pub classes: u64,
    /// Whether there is a row per class.
    #[prost(bool, tag = "4")]
    pub multinomial: bool,
    /// The last batch that it has learned, if it learns from a stream whose batches have ids.
    #[prost(int64, optional, tag = "5")]
    pub batch: Option<i64>,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.classification.LogisticRegressionModel"),
    tag: 30,
    decode: model::decoded::<LogisticRegressionModel>,
    read: |row| {
        // Spark 1 saved two classes only.
        if row.has("coefficients") {
            let coefficients = row.vector("coefficients")?;
            return Ok(Arc::new(LogisticRegressionModel {
                intercepts: vec![row.double("intercept")?],
                classes: row.int("numClasses")? as u64,
                coefficients: Matrix::new(1, coefficients.len(), coefficients),
                multinomial: false,
                batch: None,
            }));
        }
        let made = LogisticRegressionModel {
            coefficients: row.matrix("coefficientMatrix")?,
            intercepts: row.vector("interceptVector")?,
            classes: row.int("numClasses")? as u64,
            multinomial: row.bool("isMultinomial")?,
            batch: Last::saved(row)?,
        };
        let sets = if made.multinomial { made.classes } else { 1 };
        let has_classes = made.multinomial || (1..=2).contains(&made.classes);
        if !has_classes || made.intercepts.len() as u64 != sets || made.coefficients.height() != made.intercepts.len() {
            return Err(row.corrupt("coefficientMatrix and interceptVector differ in their classes"));
        }
        Ok(Arc::new(made))
    },
};

impl LogisticRegressionModel {
    /// Returns the error of an attribute that only models of two classes have.
    fn only_binomial(&self, name: &str) -> Result<()> {
        if self.multinomial {
            return Err(crate::error::SparkError::new(
                crate::error::Exception::Connect,
                "",
                "",
                format!("Multinomial models contain a {name} instead."),
            ));
        }
        Ok(())
    }
}

impl LogisticRegressionModel {
    /// Returns the intercepts; those of a model that knows one class are stored as the one number.
    fn intercept_vector(&self) -> Result<(Value, Kind)> {
        match self.intercepts.iter().position(|i| i.is_infinite()) {
            Some(class) if self.multinomial => {
                let sure = Vector::sparse(self.intercepts.len(), vec![class as i32], vec![self.intercepts[class]])?;
                Ok((Value::Vector(sure), Kind::Vector))
            }
            _ => Ok(model::compressed(&self.intercepts)),
        }
    }
}

impl Fitted for LogisticRegressionModel {
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
            scores: Arc::new(Predictor::new(self, params)?),
            text: None,
        };
        predictions.plan(analyzer, input)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "coefficients" => {
                self.only_binomial("coefficientMatrix")?;
                Some(model::compressed(self.coefficients.row(0)))
            }
            "intercept" => {
                self.only_binomial("interceptVector")?;
                Some((Value::Double(self.intercepts[0]), Kind::Double))
            }
            "coefficientMatrix" => Some((self.coefficients.value(), Kind::Matrix)),
            "interceptVector" => Some(self.intercept_vector()?),
            "numClasses" => Some((Value::Int(self.classes as i64), Kind::Int)),
            "numFeatures" => Some((Value::Int(self.coefficients.columns as i64), Kind::Int)),
            _ => None,
        })
    }

    fn finding(&self, params: &Params, name: &str, args: &[Value]) -> Result<Option<Finding>> {
        findings::of(params, name, args, self.score_column(params)?.as_deref())
    }

    fn score_column(&self, params: &Params) -> Result<Option<String>> {
        (self.classes <= 2).then(|| params.text("probabilityCol")).transpose()
    }

    fn describe(&self, _: &Params) -> Result<String> {
        Ok(format!(
            "numClasses={}, numFeatures={}",
            self.classes, self.coefficients.columns
        ))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::int("numClasses", self.classes as i32),
            Column::int("numFeatures", self.coefficients.columns as i32),
            Column::vector("interceptVector", &self.intercepts)?,
            Column::matrix("coefficientMatrix", &self.coefficients)?,
            Column::bool("isMultinomial", self.multinomial),
        ])
    }

    fn call(&self, params: &Params, method: &str, args: &[Value]) -> Result<Option<(Value, Kind)>> {
        let predictor: &dyn Scores = &Predictor::new(self, params)?;
        predictor.call(method, args)
    }

    fn beside(&self) -> Option<(&'static str, Vec<u8>)> {
        Last::beside(self.batch)
    }

    fn last_batch(&self) -> Option<i64> {
        self.batch
    }
}

/// How probabilities become a class.
#[derive(Debug)]
enum Decision {
    /// The second of two, if its probability is above this.
    Above(f64),
    /// The largest, each divided by its threshold if there are any.
    Largest(Option<Vec<f64>>),
}

/// A model made ready to predict.
#[derive(Debug)]
struct Predictor {
    model: LogisticRegressionModel,
    decision: Decision,
}

impl Predictor {
    /// Prepares a model.
    ///
    /// # Errors
    /// If there are not as many thresholds as classes, or threshold and thresholds are set and differ.
    fn new(model: &LogisticRegressionModel, params: &Params) -> Result<Self> {
        let thresholds = scores::thresholds(params, model.classes as usize)?;
        let decision = if model.multinomial {
            Decision::Largest(thresholds)
        } else {
            Decision::Above(threshold(params, thresholds.as_deref())?)
        };
        let model = model.clone();
        Ok(Self { model, decision })
    }
}

/// Returns the probability above which the second of two classes is chosen.
///
/// # Errors
/// If threshold and thresholds are both set and differ.
fn threshold(params: &Params, thresholds: Option<&[f64]>) -> Result<f64> {
    let own = params.double("threshold")?;
    let Some([first, second]) = thresholds else {
        return Ok(own);
    };
    let equal = 1.0 / (1.0 + first / second);
    if params.is_set("threshold") && (own - equal).abs() >= 1e-5 {
        return Err(illegal(format!(
            "Logistic Regression getThreshold found inconsistent values for threshold ({own}) and thresholds (equivalent to {equal})"
        )));
    }
    Ok(equal)
}

impl Scores for Predictor {
    fn raw(&self, features: VectorRef<'_>, out: &mut Vec<f64>) -> std::result::Result<(), String> {
        out.clear();
        let model = &self.model;
        let of = |row: usize| scores::dot(features, model.coefficients.row(row)).map(|dot| dot + model.intercepts[row]);
        if model.multinomial {
            for row in 0..model.coefficients.height() {
                out.push(of(row)?);
            }
        } else {
            let margin = of(0)?;
            out.extend([-margin, margin]);
        }
        Ok(())
    }

    fn probability(&self, raw: &[f64]) -> Option<Vec<f64>> {
        if !self.model.multinomial {
            let first = 1.0 / (1.0 + (-raw[0]).exp());
            return Some(vec![first, 1.0 - first]);
        }
        let most = VectorRef::Dense(raw).argmax();
        if raw[most] == f64::INFINITY {
            // A model of one class is sure.
            return Some((0..raw.len()).map(|i| f64::from(i == most)).collect());
        }
        Some(scores::softmax(raw))
    }

    fn of_raw(&self, raw: &[f64]) -> f64 {
        match &self.decision {
            Decision::Above(threshold) => f64::from(raw[1] > (threshold / (1.0 - threshold)).ln()),
            Decision::Largest(None) => scores::decided(raw, None),
            Decision::Largest(thresholds) => {
                scores::decided(&self.probability(raw).unwrap_or_default(), thresholds.as_deref())
            }
        }
    }

    fn of_probability(&self, probability: &[f64]) -> f64 {
        match &self.decision {
            Decision::Above(threshold) => f64::from(probability[1] > *threshold),
            Decision::Largest(thresholds) => scores::decided(probability, thresholds.as_deref()),
        }
    }
}
