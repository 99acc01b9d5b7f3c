//! `GeneralizedLinearRegression` and its model: labels of several families, whose mean is a function of a sum over features.
//!
//! ```text
//! rows ─First▶ least squares ─▶ coefficients ─Next▶ least squares ─▶ coefficients ─ … until they stay
//! ```

mod family;
mod findings;
mod learn;
mod rows;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use prost::Message;

use self::family::{FAMILIES, LINKS, Shape};
use self::rows::{Asked, Reading, Working};
use crate::error::Result;
use crate::kernels::kernel;
use crate::ml::columns::{Body, Input};
use crate::ml::findings::Finding;
use crate::ml::learning::{Learning, Rounds};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, ModelKind};
use crate::ml::params::{
    AGGREGATION_DEPTH, Check, Default, FEATURES, INTERCEPT, LABEL, PENALTY, PREDICTION, Param, Params, WEIGHT, free,
    one_of, param, steps, tolerance,
};
use crate::ml::persistence::data::Column;
use crate::ml::relation::Argument;
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary;
use crate::ml::summary::labels::same_size;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::{Resolved, Typed, typed_attribute};
use crate::values::vector::{VectorColumn, VectorRef};

/// The one solver: least squares with weights that change from step to step.
const SOLVER: &str = "irls";

/// Returns whether a word is in a list, in any case.
fn is_word(value: &Value, words: &[&str]) -> bool {
    matches!(value, Value::Text(text) if words.contains(&text.to_lowercase().as_str()))
}

/// Trains generalized linear models (`GeneralizedLinearRegression`).
///
/// A step is one job over the kept columns; a task keeps the sums of the normal equations, of features² × 4 bytes. Labels that
/// the family does not have, null or invalid features, weights and offsets are errors.
#[derive(Debug)]
pub struct GeneralizedLinearRegression;

impl Stage for GeneralizedLinearRegression {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.regression.GeneralizedLinearRegression"
    }

    fn params(&self) -> &'static [Param] {
        const POWER: Check = Check::With(|v| matches!(v, Value::Double(power) if *power == 0.0 || *power >= 1.0));
        const PARAMS: &[Param] = &[
            AGGREGATION_DEPTH,
            param(
                "family",
                Kind::Text,
                Default::Text("gaussian"),
                Check::With(|v| is_word(v, &FAMILIES)),
            ),
            FEATURES,
            INTERCEPT,
            LABEL,
            param("link", Kind::Text, Default::None, Check::With(|v| is_word(v, &LINKS))),
            free("linkPower", Kind::Double),
            free("linkPredictionCol", Kind::Text),
            steps(25),
            free("offsetCol", Kind::Text),
            PREDICTION,
            PENALTY,
            one_of("solver", SOLVER, &[SOLVER]),
            tolerance(1e-6),
            param("variancePower", Kind::Double, Default::Double(0.0), POWER),
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

impl Learner for GeneralizedLinearRegression {
    fn columns(&self, params: &Params) -> Result<Columns> {
        Ok(Reading::of(params)?.columns())
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let reading = Reading::of(params)?;
        let asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        Ok(Box::new(move || Box::new(Working::new(reading.clone(), asked.clone()))))
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn::learn(params, rounds))
    }
}

/// `GeneralizedLinearRegressionModel`: a number per feature, and one more.
#[derive(Clone, PartialEq, Message)]
pub struct GeneralizedLinearRegressionModel {
    /// By feature.
    #[prost(double, repeated, tag = "1")]
    pub coefficients: Vec<f64>,
    /// What is added; 0 without intercept.
    #[prost(double, tag = "2")]
    pub intercept: f64,
    /// Of the inverse of the last least squares' matrix, the intercept last; one 0 if it was not inverted, or the model was
    /// loaded.
    #[prost(double, repeated, tag = "3")]
    pub diagonal: Vec<f64>,
    /// How many steps the training had; 0 for a model that was loaded.
    #[prost(uint64, tag = "4")]
    pub steps: u64,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.regression.GeneralizedLinearRegressionModel"),
    tag: 71,
    decode: model::decoded::<GeneralizedLinearRegressionModel>,
    read: |row| {
        Ok(Arc::new(GeneralizedLinearRegressionModel {
            coefficients: row.vector("coefficients")?,
            intercept: row.double("intercept")?,
            diagonal: vec![0.0],
            steps: 0,
        }))
    },
};

impl GeneralizedLinearRegressionModel {
    /// Returns whether the last least squares had one solution, of which more is known.
    fn is_solved(&self) -> bool {
        self.diagonal != [0.0]
    }

    /// Returns the coefficients, and the intercept last if there is one.
    fn estimates(&self, params: &Params) -> Result<Vec<f64>> {
        let mut all = self.coefficients.clone();
        all.extend(params.bool("fitIntercept")?.then_some(self.intercept));
        Ok(all)
    }

    fn eta(&self, features: VectorRef<'_>) -> Result<f64> {
        same_size(self.coefficients.len(), features.size())?;
        let product: f64 = features.stored().map(|(i, v)| v * self.coefficients[i]).sum();
        Ok(product + self.intercept)
    }

    /// Returns a kernel over (features) or (features, offset): the linear part, through `of`; null where one of them is.
    fn body(&self, of: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Body {
        let own = self.clone();
        Box::new(move |args, rows| -> datafusion_common::Result<ArrayRef> {
            let vectors = VectorColumn::new(&args[0])?;
            let offsets = args.get(1).map(|a| a.as_primitive::<Float64Type>());
            let value = |row: usize| -> Result<Option<f64>> {
                let offset = match offsets {
                    Some(offsets) if offsets.is_null(row) => return Ok(None),
                    Some(offsets) => offsets.value(row),
                    None => 0.0,
                };
                vectors.get(row).map(|v| Ok(of(own.eta(v)? + offset))).transpose()
            };
            let values = (0..rows).map(value).collect::<Result<Float64Array>>()?;
            Ok(Arc::new(values))
        })
    }

    /// Returns the residuals of a kind: one column over a dataset (`residuals`).
    fn residuals(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        (id, params): (&str, &Params),
        kind: &str,
    ) -> Result<Resolved> {
        let shape = Shape::of(params)?;
        let residual: fn(Shape, (f64, f64, f64)) -> f64 = match kind {
            "deviance" => |shape, (y, mean, weight)| {
                let root = shape.family.deviance(y, mean, weight).max(0.0).sqrt();
                if y > mean { root } else { -root }
            },
            "pearson" => |shape, (y, mean, weight)| (y - mean) * weight.sqrt() / shape.family.variance(mean).sqrt(),
            "working" => |shape, (y, mean, _)| (y - mean) * shape.link.slope(mean),
            "response" => |_, (y, mean, _)| y - mean,
            other => {
                return Err(crate::error::SparkError::new(
                    crate::error::Exception::Connect,
                    "",
                    "",
                    format!("The residuals type {other} is not supported by Generalized Linear Regression."),
                ));
            }
        };
        let mut named = params.clone();
        if params.column("predictionCol").is_none() {
            named.put("predictionCol", Value::Text(format!("prediction_{id}")))?;
        }
        let predicted = self.transform(analyzer, input, id, &named)?;
        let number = |analyzer: &mut Analyzer, name: &str| -> Result<Typed> {
            let read = analyzer.numbers(&predicted, name)?;
            Ok(analyzer.as_double(read)?.typed)
        };
        let mut args = vec![
            number(analyzer, &params.text("labelCol")?)?,
            number(analyzer, &named.text("predictionCol")?)?,
        ];
        if let Some(weight) = params.column("weightCol") {
            args.push(number(analyzer, &weight)?);
        }
        let args = args.into_iter().map(|typed| typed.expr).collect();
        let options = format!("{kind} {id} {}", params.fingerprint());
        let body: Body = Box::new(move |args, rows| -> datafusion_common::Result<ArrayRef> {
            let columns: Vec<&Float64Array> = args.iter().map(|a| a.as_primitive()).collect();
            let value = |row: usize| {
                let known = columns.iter().all(|c| c.is_valid(row));
                let weight = columns.get(2).map_or(1.0, |w| w.value(row));
                known.then(|| residual(shape, (columns[0].value(row), columns[1].value(row), weight)))
            };
            Ok(Arc::new((0..rows).map(value).collect::<Float64Array>()))
        });
        let expr = kernel::call("residuals", options, DataType::Float64, args, body);
        let typed = Typed {
            named: true,
            ..Typed::new(expr, DataType::Float64, format!("{kind}Residuals"))
        };
        analyzer.select_typed(predicted, vec![typed])
    }
}

impl Fitted for GeneralizedLinearRegressionModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, mut input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let shape = Shape::of(params)?;
        let features = analyzer.vectors(&input, &params.text("featuresCol")?)?;
        let mut reads = vec![(features.typed, features.name)];
        if let Some(offset) = params.column("offsetCol") {
            let read = analyzer.numbers(&input, &offset)?;
            let read = analyzer.as_double(read)?;
            reads.push((read.typed, read.name));
        }
        let inputs = || -> Vec<Input> {
            let input = |(typed, name): &(Typed, String)| Input {
                typed: typed.clone(),
                name: name.clone(),
            };
            reads.iter().map(input).collect()
        };
        let options = format!("{id} {}", params.fingerprint());
        let link = params.column("linkPredictionCol");
        if let Some(to) = &link {
            let body = self.body(|eta| eta);
            let options = format!("link {options}");
            input = analyzer.append(input, params, &options, to, DataType::Float64, inputs(), body)?;
        }
        let Some(to) = params.column("predictionCol") else {
            return Ok(input);
        };
        let (reads, body): (Vec<Input>, Body) = match (&link, input.output.last()) {
            (Some(name), Some(eta)) => {
                let read = Input {
                    typed: typed_attribute(eta),
                    name: name.clone(),
                };
                let of = move |args: &[ArrayRef]| -> Float64Array {
                    arrow::compute::unary(args[0].as_primitive::<Float64Type>(), |eta| shape.mean(eta))
                };
                (vec![read], Box::new(move |args, _| Ok(Arc::new(of(args)))))
            }
            _ => (inputs(), self.body(move |eta| shape.mean(eta))),
        };
        analyzer.append(input, params, &options, &to, DataType::Float64, reads, body)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "coefficients" => Some(model::dense(&self.coefficients)),
            "intercept" => Some((Value::Double(self.intercept), Kind::Double)),
            "numFeatures" => Some((Value::Int(self.coefficients.len() as i64), Kind::Int)),
            _ => None,
        })
    }

    fn call(&self, params: &Params, method: &str, args: &[Value]) -> Result<Option<(Value, Kind)>> {
        let ("predict", [Value::Vector(features)]) = (method, args) else {
            return Ok(None);
        };
        let mean = Shape::of(params)?.mean(self.eta(features.view())?);
        Ok(Some((Value::Double(mean), Kind::Double)))
    }

    fn finding(&self, params: &Params, name: &str, _: &[Value]) -> Result<Option<Finding>> {
        findings::of(self, params, name)
    }

    fn summary_relation(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        of: (&str, &Params),
        method: &str,
        args: &[Argument<'_>],
    ) -> Result<Option<Resolved>> {
        match (method, args) {
            ("residuals", []) => self.residuals(analyzer, input, of, "deviance").map(Some),
            ("residuals", [kind]) => match kind.value()? {
                Value::Text(kind) => self.residuals(analyzer, input, of, kind).map(Some),
                _ => Ok(None),
            },
            ("predictions", []) => self.transform(analyzer, input, of.0, of.1).map(Some),
            _ => Ok(None),
        }
    }

    fn describe(&self, params: &Params) -> Result<String> {
        let link = params.text("link")?;
        Ok(format!(
            "family={}, link={link}, numFeatures={}",
            params.text("family")?,
            self.coefficients.len()
        ))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::double("intercept", self.intercept),
            Column::vector("coefficients", &self.coefficients)?,
        ])
    }
}
