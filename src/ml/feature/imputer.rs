//! `Imputer`: missing numbers become the mean, median or mode of their column.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use prost::Message;

use crate::error::{Exception, Result, SparkError};
use crate::ml::columns::{Body, Reads};
use crate::ml::literal::Kind;
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{Check, Default, INPUT, INPUTS, OUTPUT, OUTPUTS, Param, Params, one_of, param};
use crate::ml::persistence::data::Column;
use crate::ml::relation::{self, Argument};
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::summary::quantiles::{self, Of, Quantiles};
use crate::ml::summary::sums::{self, Sums};
use crate::ml::summary::value_counts::{self, ValueCounts};
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::cast_expr;
use crate::plan::scope::{Resolved, Typed};
use crate::values::text;

/// `relativeError` (`HasRelativeError`): by how much of the rows the rank of a quantile may be off.
pub(super) const RELATIVE_ERROR: Param = param(
    "relativeError",
    Kind::Double,
    Default::Double(0.001),
    Check::Within(0.0, 1.0),
);

/// Learns what missing values of columns become (`Imputer`).
///
/// Missing are nulls and `missingValue`, NaN by default. `strategy` is `mean`, `median` (by the rank that
/// `relativeError` allows) or `mode`, of equally frequent values the least.
#[derive(Debug)]
pub struct Imputer;

impl Stage for Imputer {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.Imputer"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            INPUTS,
            OUTPUTS,
            param("missingValue", Kind::Double, Default::Double(f64::NAN), Check::Any),
            RELATIVE_ERROR,
            one_of("strategy", "mean", &["mean", "median", "mode"]),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Estimator(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }

    fn replaces_columns(&self) -> bool {
        true
    }
}

/// Returns the columns that are read.
///
/// # Errors
/// If they are missing, mixed or repeat.
fn inputs(params: &Params) -> Result<Vec<String>> {
    let pairs = params.column_pairs()?;
    for (place, (from, to)) in pairs.iter().enumerate() {
        for (name, list, at) in [
            ("inputCols", from, pairs[..place].iter().position(|(f, _)| f == from)),
            ("outputCols", to, pairs[..place].iter().position(|(_, t)| t == to)),
        ] {
            if at.is_some() {
                return Err(SparkError::requirement(format!("{name} contains duplicates: ({list})")));
            }
        }
    }
    Ok(pairs.into_iter().map(|(from, _)| from).collect())
}

impl Estimator for Imputer {
    fn training(&self, params: &Params) -> Result<Training> {
        let columns = inputs(params)?;
        let (n, missing) = (columns.len(), params.double("missingValue")?);
        let reads = columns.into_iter().map(|c| (c, Reads::Numbers)).collect();
        let error = params.double("relativeError")?;
        Ok(match params.text("strategy")?.as_str() {
            "median" => Training::new(reads, move || {
                Box::new(Quantiles::new(Of::Columns(n, Some(missing)), error))
            }),
            "mode" => Training::new(reads, move || Box::new(ValueCounts::new(n, missing))),
            _ => {
                // Per column, the sum of its values and their number.
                let add: sums::Add = Arc::new(move |columns, sums| {
                    for (column, sum) in columns.iter().zip(sums.chunks_mut(2)) {
                        let values = column.as_primitive::<Float64Type>().iter().flatten();
                        for value in values.filter(|v| !v.is_nan() && *v != missing) {
                            sum[0] += value;
                            sum[1] += 1.0;
                        }
                    }
                    Ok(())
                });
                Training::new(reads, move || Box::new(Sums::new(2 * n, add.clone())))
            }
        })
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let found: Vec<Option<f64>> = match params.text("strategy")?.as_str() {
            "median" => {
                let state: quantiles::State = training::state(state)?;
                state.sketches.iter().map(|s| s.quantile(0.5)).collect()
            }
            "mode" => {
                let state: value_counts::State = training::state(state)?;
                state.columns.iter().map(mode).collect()
            }
            _ => {
                let state: sums::State = training::state(state)?;
                let mean = |sum: &[f64]| (sum[1] > 0.0).then(|| sum[0] / sum[1]);
                state.sums.chunks(2).map(mean).collect()
            }
        };
        let columns = inputs(params)?;
        let without: Vec<&str> = columns
            .iter()
            .zip(&found)
            .filter(|(_, v)| v.is_none_or(f64::is_nan))
            .map(|(c, _)| c.as_str())
            .collect();
        if !without.is_empty() {
            let missing = text::double(params.double("missingValue")?);
            return Err(SparkError::new(
                Exception::Connect,
                "",
                "",
                format!(
                    "surrogate cannot be computed. All the values in {} are Null, Nan or missingValue({missing})",
                    without.join(",")
                ),
            ));
        }
        let surrogates = Surrogates {
            columns,
            values: found.into_iter().flatten().collect(),
        };
        Ok(Model::new(params, surrogates))
    }
}

/// Returns the most frequent value, of several the least; `None` without values.
fn mode(column: &value_counts::Column) -> Option<f64> {
    let counted = column.values.iter().zip(&column.counts);
    let best = counted.max_by(|(a, m), (b, n)| m.cmp(n).then(b.total_cmp(a)));
    best.map(|(value, _)| *value)
}

/// `ImputerModel`: what missing values become.
#[derive(Clone, PartialEq, Message)]
pub struct Surrogates {
    /// The input columns of training.
    #[prost(string, repeated, tag = "1")]
    pub columns: Vec<String>,
    /// What missing values of each become.
    #[prost(double, repeated, tag = "2")]
    pub values: Vec<f64>,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.ImputerModel"),
    tag: 40,
    decode: model::decoded::<Surrogates>,
    read: |row| {
        let columns = row.names();
        let values = columns.iter().map(|c| row.double(c)).collect::<Result<_>>()?;
        Ok(Arc::new(Surrogates { columns, values }))
    },
};

impl Fitted for Surrogates {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, mut input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let missing = params.double("missingValue")?;
        inputs(params)?;
        for (from, to) in params.column_pairs()? {
            let read = analyzer.numbers(&input, &from)?;
            let data_type = read.typed.data_type.clone();
            let mut read = analyzer.as_double(read)?;
            let known = self.columns.iter().position(|c| *c == from);
            let surrogate = known.and_then(|i| self.values.get(i)).copied().ok_or_else(|| {
                SparkError::requirement(format!(
                    "the model has no surrogate for {from}, only for {}",
                    self.columns.join(", ")
                ))
            })?;
            let body: Body = Box::new(move |args, _| Ok(impute(&args[0], missing, surrogate)));
            let expr = crate::kernels::kernel::call(
                "ImputerModel",
                format!("{id} {surrogate} {}", params.fingerprint()),
                DataType::Float64,
                vec![read.typed.expr],
                body,
            );
            read.typed = cast_expr::cast(
                Typed::new(expr, DataType::Float64, &to),
                &data_type,
                analyzer.mode(),
                analyzer.zone,
            )?;
            input = analyzer.with_column(input, &to, read.typed)?;
        }
        Ok(input)
    }

    fn relation(
        &self,
        analyzer: &mut Analyzer,
        _id: &str,
        _params: &Params,
        method: &str,
        _args: &[Argument<'_>],
    ) -> Result<Option<Resolved>> {
        if method != "surrogateDF" {
            return Ok(None);
        }
        let columns = self.columns.iter().zip(&self.values);
        let columns = columns.map(|(name, value)| {
            let values: ArrayRef = Arc::new(Float64Array::from(vec![*value]));
            (name.clone(), values)
        });
        relation::rows(analyzer, columns.collect()).map(Some)
    }

    fn describe(&self, params: &Params) -> Result<String> {
        let inputs = if params.is_set("inputCols") {
            format!(
                ", numInputCols={}, numOutputCols={}",
                params.texts("inputCols")?.len(),
                params.texts("outputCols")?.len()
            )
        } else {
            String::new()
        };
        Ok(format!(
            "strategy={}, missingValue={}{inputs}",
            params.text("strategy")?,
            text::double(params.double("missingValue")?)
        ))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        let columns = self.columns.iter().zip(&self.values);
        Ok(columns.map(|(name, value)| Column::double(name, *value)).collect())
    }
}

/// Puts the surrogate in the place of nulls and of the missing value.
fn impute(values: &dyn Array, missing: f64, surrogate: f64) -> ArrayRef {
    let values = values.as_primitive::<Float64Type>();
    let known = |v: Option<f64>| v.filter(|v| *v != missing && !(v.is_nan() && missing.is_nan()));
    let imputed = values.iter().map(|v| known(v).unwrap_or(surrogate));
    Arc::new(Float64Array::from_iter_values(imputed))
}
