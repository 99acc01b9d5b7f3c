//! Which columns a row of a ROLLUP, CUBE or GROUPING SETS has aggregated away.

use arrow::datatypes::DataType;

use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::plan::analyzer::Analyzer;
use crate::plan::functions::call::label;
use crate::plan::functions::entry::Form;
use crate::plan::scope::Typed;

/// The marker's name in an expression, until the aggregation rewrites it.
pub const GROUPING: &str = "__grouping";

/// Resolves `grouping`.
pub fn grouping(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    marker(analyzer, form, DataType::Int8)
}

/// The columns say nothing that the aggregation does not know: they are checked and left.
pub fn grouping_id(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    marker(analyzer, form, DataType::Int64)
}

fn marker(analyzer: &mut Analyzer, form: &Form<'_>, to: DataType) -> Result<Typed> {
    let args = analyzer.arguments(form)?;
    let label = label(form.name, &args);
    let keep = if to == DataType::Int8 {
        args.into_iter().map(|t| t.expr).collect()
    } else {
        vec![]
    };
    let expr = kernel::call(GROUPING, form.name, to.clone(), keep, |_, _| {
        Err(SparkError::internal("grouping() was not rewritten").into())
    });
    Ok(Typed::new(expr, to, label))
}
