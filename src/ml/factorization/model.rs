//! `FMClassificationModel` and `FMRegressionModel`: factors of each feature, a number per feature, and one more.

use std::sync::Arc;

use arrow::datatypes::DataType;
use prost::Message;

use super::rows::with_pairs;
use crate::error::Result;
use crate::ml::classification::findings;
use crate::ml::classification::scores::{self, Predictions, Scores};
use crate::ml::columns::Body;
use crate::ml::findings::Finding;
use crate::ml::literal::{Kind, Value};
use crate::ml::matrix::Matrix;
use crate::ml::model::{self, Decoded, Fitted, ModelKind};
use crate::ml::params::Params;
use crate::ml::persistence::data::{Column, Row};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector::{self, VectorRef};

/// The content of both kinds of models.
#[derive(Clone, PartialEq, Message)]
pub struct Machine {
    /// A row per feature.
    #[prost(message, required, tag = "1")]
    pub factors: Matrix,
    /// By feature; empty without linear terms.
    #[prost(double, repeated, tag = "2")]
    pub linear: Vec<f64>,
    /// What is added; 0 without intercept.
    #[prost(double, tag = "3")]
    pub intercept: f64,
    /// Whether it tells two classes apart.
    #[prost(bool, tag = "4")]
    pub is_classifier: bool,
}

/// Models of two classes.
pub(super) static CLASSES: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.classification.FMClassificationModel"),
    tag: 75,
    decode,
    read: |row| read(row, true),
};

/// Models of numbers.
pub(super) static NUMBERS: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.regression.FMRegressionModel"),
    tag: 76,
    decode,
    read: |row| read(row, false),
};

fn decode(bytes: &[u8]) -> Decoded {
    model::decoded::<Machine>(bytes)
}

fn read(row: &Row<'_>, is_classifier: bool) -> Result<Arc<dyn Fitted>> {
    let (factors, linear) = (row.matrix("factors")?, row.vector("linear")?);
    if factors.height() != linear.len() {
        return Err(row.corrupt("factors and linear differ in their features"));
    }
    Ok(Arc::new(Machine {
        intercept: row.double("intercept")?,
        factors,
        linear,
        is_classifier,
    }))
}

impl Machine {
    fn features(&self) -> usize {
        self.factors.height()
    }

    /// Returns a number per feature; 0 for each without linear terms.
    fn all_linear(&self) -> Vec<f64> {
        let mut linear = self.linear.clone();
        linear.resize(self.features(), 0.0);
        linear
    }

    /// Returns the raw prediction of a vector; `sums` is used again from row to row.
    fn raw(&self, features: VectorRef<'_>, sums: &mut Vec<f64>) -> std::result::Result<f64, String> {
        if features.size() != self.features() {
            return Err(format!(
                "BLAS.dot(x: Vector, y:Vector) was given Vectors with non-matching sizes: x.size = {}, y.size = {}",
                features.size(),
                self.features()
            ));
        }
        let linear: f64 = if self.linear.is_empty() {
            0.0
        } else {
            features.stored().map(|(i, v)| v * self.linear[i]).sum()
        };
        let (raw, count) = (self.intercept + linear, self.factors.width());
        Ok(with_pairs(raw, &self.factors.values, count, features, sums))
    }

    fn predictor(&self, params: &Params) -> Result<Predictor> {
        Ok(Predictor {
            thresholds: scores::thresholds(params, 2)?,
            machine: self.clone(),
        })
    }

    fn predict(&self, features: VectorRef<'_>) -> Result<f64> {
        self.raw(features, &mut vec![])
            .map_err(crate::error::SparkError::requirement)
    }
}

impl Fitted for Machine {
    fn kind(&self) -> &'static ModelKind {
        if self.is_classifier { &CLASSES } else { &NUMBERS }
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        if self.is_classifier {
            let predictions = Predictions {
                id,
                params,
                scores: Arc::new(self.predictor(params)?),
                text: None,
            };
            return predictions.plan(analyzer, input);
        }
        let Some(to) = params.column("predictionCol") else {
            return Ok(input);
        };
        let read = analyzer.vectors(&input, &params.text("featuresCol")?)?;
        let own = self.clone();
        let body: Body = Box::new(move |args, _| Ok(vector::map_to_double(&args[0], |_, v| own.predict(v))?));
        let options = format!("{id} {}", params.fingerprint());
        analyzer.append(input, params, &options, &to, DataType::Float64, vec![read], body)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "factors" => Some((self.factors.value(), Kind::Matrix)),
            "linear" => Some(model::compressed(&self.all_linear())),
            "intercept" => Some((Value::Double(self.intercept), Kind::Double)),
            "numClasses" if self.is_classifier => Some((Value::Int(2), Kind::Int)),
            "numFeatures" => Some((Value::Int(self.features() as i64), Kind::Int)),
            _ => None,
        })
    }

    fn call(&self, params: &Params, method: &str, args: &[Value]) -> Result<Option<(Value, Kind)>> {
        if self.is_classifier {
            let predictor: &dyn Scores = &self.predictor(params)?;
            return predictor.call(method, args);
        }
        let ("predict", [Value::Vector(features)]) = (method, args) else {
            return Ok(None);
        };
        Ok(Some((Value::Double(self.predict(features.view())?), Kind::Double)))
    }

    fn finding(&self, params: &Params, name: &str, args: &[Value]) -> Result<Option<Finding>> {
        if !self.is_classifier {
            return Ok(None);
        }
        findings::of(params, name, args, self.score_column(params)?.as_deref())
    }

    fn score_column(&self, params: &Params) -> Result<Option<String>> {
        self.is_classifier.then(|| params.text("probabilityCol")).transpose()
    }

    fn describe(&self, params: &Params) -> Result<String> {
        Ok(format!(
            "{}numFeatures={}, factorSize={}, fitLinear={}, fitIntercept={}",
            if self.is_classifier { "numClasses=2, " } else { "" },
            self.features(),
            params.int("factorSize")?,
            params.bool("fitLinear")?,
            params.bool("fitIntercept")?
        ))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::double("intercept", self.intercept),
            Column::vector("linear", &self.all_linear())?,
            Column::matrix("factors", &self.factors)?,
        ])
    }
}

/// A model of classes made ready to predict.
#[derive(Debug)]
struct Predictor {
    machine: Machine,
    thresholds: Option<Vec<f64>>,
}

impl Scores for Predictor {
    fn raw(&self, features: VectorRef<'_>, out: &mut Vec<f64>) -> std::result::Result<(), String> {
        let raw = self.machine.raw(features, out)?;
        out.clear();
        out.extend([-raw, raw]);
        Ok(())
    }

    fn probability(&self, raw: &[f64]) -> Option<Vec<f64>> {
        let second = 1.0 / (1.0 + (-raw[1]).exp());
        Some(vec![1.0 - second, second])
    }

    fn of_raw(&self, raw: &[f64]) -> f64 {
        match &self.thresholds {
            None => scores::decided(raw, None),
            Some(_) => self.of_probability(&self.probability(raw).unwrap_or_default()),
        }
    }

    fn of_probability(&self, probability: &[f64]) -> f64 {
        scores::decided(probability, self.thresholds.as_deref())
    }
}
