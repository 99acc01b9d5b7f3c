//! Statistics of datasets: `org.apache.spark.ml.stat`.
//!
//! Clients ask for them by a fetch of a function without a model, which is a relation: the dataset under one aggregate,
//! whose state ([`summary`](crate::ml::summary)) becomes rows by a kernel. Nothing is computed until the rows are asked
//! for, and nothing is collected but the state.
//!
//! ```text
//! dataset ─▶ Aggregate: one row, one BINARY ─▶ Projection: pValues, degreesOfFreedom, statistics
//!                                          └▶ Generate:   one row per feature, if flattened
//! ```
//!
//! | function | files |
//! |----------|-------|
//! | `chiSquareTest` | [`chi_square`], [`tests`] |
//! | `anovaTest`, `fValueTest` (ours: PySpark has them in Scala only) | [`variance`], [`regression`], [`tests`] |
//! | `correlation` | [`correlation`] |
//! | `kolmogorovSmirnovTest` | [`kolmogorov_smirnov`], [`kolmogorov`] |

pub mod chi_square;
pub mod correlation;
pub mod distributions;
pub mod kolmogorov;
pub mod kolmogorov_smirnov;
pub mod regression;
pub mod tests;
pub mod variance;

use arrow::array::{Array, ArrayRef, AsArray, new_empty_array};
use arrow::datatypes::DataType;
use datafusion_expr::{Expr, LogicalPlanBuilder};

use super::literal::Value;
use super::model;
use super::stage::Columns;
use super::summary::{self, Summary};
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::{Resolved, Typed, typed_attribute};
use crate::proto as sc;

/// Makes the value of a column, one row, of a summary's state.
pub(super) type Finish = Box<dyn Fn(&[u8]) -> Result<ArrayRef> + Send + Sync>;

/// Plans a statistic of a dataset.
///
/// # Errors
/// `CONNECT_ML.ATTRIBUTE_NOT_ALLOWED` if it is unknown or takes other arguments; those of its columns.
pub fn relation(analyzer: &mut Analyzer, method: &str, dataset: &sc::Relation, values: &[&Value]) -> Result<Resolved> {
    match (method, values) {
        ("chiSquareTest", [Value::Text(features), Value::Text(label), Value::Bool(flat)]) => {
            tests::planned(analyzer, dataset, features, label, *flat, &chi_square::TEST)
        }
        ("anovaTest", [Value::Text(features), Value::Text(label), Value::Bool(flat)]) => {
            tests::planned(analyzer, dataset, features, label, *flat, &variance::TEST)
        }
        ("fValueTest", [Value::Text(features), Value::Text(label), Value::Bool(flat)]) => {
            tests::planned(analyzer, dataset, features, label, *flat, &regression::TEST)
        }
        ("correlation", [Value::Text(column), Value::Text(how)]) => {
            correlation::planned(analyzer, dataset, column, how)
        }
        ("kolmogorovSmirnovTest", [Value::Text(sample), Value::Text(distribution), Value::List(params)]) => {
            kolmogorov_smirnov::planned(analyzer, dataset, sample, distribution, params)
        }
        _ => Err(model::not_allowed("ConnectHelper", method)),
    }
}

/// Plans a dataset under one aggregate: one row, whose one column is a summary's state.
///
/// # Errors
/// If the dataset is a stream or lacks a column; `options` tells apart summaries that behave differently.
fn summarised(
    analyzer: &mut Analyzer,
    dataset: &sc::Relation,
    columns: &Columns,
    options: String,
    make: impl Fn() -> Box<dyn Summary> + Send + Sync + 'static,
) -> Result<Resolved> {
    let input = analyzer.input(Some(dataset))?;
    if input.streaming {
        return Err(SparkError::unsupported("statistics of a streaming DataFrame"));
    }
    let reads = analyzer.training_columns(&input, columns)?;
    let function = summary::aggregate(options, make);
    let state = analyzer.attribute("state", DataType::Binary, true);
    let call = function.call(reads).alias(state.id.clone());
    let plan = LogicalPlanBuilder::from(input.plan)
        .aggregate(Vec::<Expr>::new(), vec![call])?
        .build()?;
    Ok(Resolved::new(plan, vec![state], false))
}

/// Returns a column that is made of the state in each row; `options` tells apart columns that are made differently.
///
/// # Errors
/// If there is no column of states, an internal error.
fn made_of_state(input: &Resolved, name: &str, options: &str, to: DataType, finish: Finish) -> Result<Typed> {
    let none = || SparkError::internal("a statistic has no state");
    let state = typed_attribute(input.output.first().ok_or_else(none)?);
    let empty = to.clone();
    let expr = kernel::call(
        "ml_statistic",
        format!("{name} {options}"),
        to.clone(),
        vec![state.expr],
        move |args, _| {
            let states = args[0].as_binary::<i32>();
            let made = states
                .iter()
                .map(|s| finish(s.unwrap_or_default()))
                .collect::<Result<Vec<_>>>()?;
            let parts: Vec<&dyn Array> = made.iter().map(|a| &**a).collect();
            if parts.is_empty() {
                return Ok(new_empty_array(&empty));
            }
            Ok(arrow::compute::concat(&parts)?)
        },
    );
    Ok(Typed {
        named: true,
        ..Typed::new(expr, to, name)
    })
}
