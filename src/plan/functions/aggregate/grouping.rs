//! Which columns a row of a ROLLUP, CUBE or GROUPING SETS has aggregated away.
//!
//! The functions are placeholders: [`crate::plan::aggregate`] puts the bits of its grouping id in their
//! place.

use arrow::datatypes::DataType;
use datafusion_expr::ScalarUDF;

use crate::error::Result;
use crate::kernels::kernel::{self, Role};
use crate::plan::analyzer::Analyzer;
use crate::plan::functions::call::label;
use crate::plan::functions::entry::Form;
use crate::plan::scope::Typed;

/// Returns whether a function is `grouping` or `grouping_id`, which only the aggregation around it can compute.
pub fn is_grouping(function: &ScalarUDF) -> bool {
    kernel::role(function) == Role::Placeholder
}

/// Resolves `grouping`, a TINYINT.
pub fn grouping(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    marker(analyzer, form, DataType::Int8)
}

/// Resolves `grouping_id`, a BIGINT. The columns say nothing that the aggregation does not know: they
/// are resolved and dropped.
pub fn grouping_id(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    marker(analyzer, form, DataType::Int64)
}

/// Returns the placeholder of a type.
fn marker(analyzer: &mut Analyzer, form: &Form<'_>, to: DataType) -> Result<Typed> {
    let args = analyzer.arguments(form)?;
    let label = label(form.name, &args);
    let keep = if to == DataType::Int8 {
        args.into_iter().map(|t| t.expr).collect()
    } else {
        vec![]
    };
    let expr = kernel::placeholder(form.name, to.clone(), keep);
    Ok(Typed::new(expr, to, label))
}
