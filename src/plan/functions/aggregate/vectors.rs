//! `aggregate_metrics`: statistics of vectors, which only clients of `ml` call.

use arrow::array::{Array, AsArray};
use datafusion_common::ScalarValue;

use super::of_udaf;
use crate::error::{Result, SparkError};
use crate::kernels::aggregates::vector_moments::{METRICS, summarizer, summary_type};
use crate::plan::functions::call::Call;
use crate::plan::functions::error::mismatch;
use crate::plan::functions::fold;
use crate::plan::scope::Typed;
use crate::values::vector;

/// Resolves `aggregate_metrics(names, vectors, weights)` (`Summarizer`).
///
/// # Errors
/// If the names are not constant or one is unknown, `FAILED_FUNCTION_CALL`; if the second argument is not of vectors,
/// `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn aggregate_metrics(call: &Call<'_>) -> Result<Typed> {
    let failed = || {
        let message = format!(
            "Failed preparing of the function `{}` for call. Please, double check function's arguments. The metrics are {}.",
            call.name,
            METRICS.join(", ")
        );
        SparkError::analysis("FAILED_FUNCTION_CALL", "38000", message).with("funcName", format!("`{}`", call.name))
    };
    let Some(ScalarValue::List(names)) = fold(&call.arg(0)?.expr) else {
        return Err(failed());
    };
    let names = names.value(0);
    let names = names.as_string_opt::<i32>().ok_or_else(failed)?;
    let metrics: Vec<String> = names.iter().flatten().map(str::to_owned).collect();
    if metrics.is_empty() || metrics.len() != names.len() || metrics.iter().any(|m| !METRICS.contains(&m.as_str())) {
        return Err(failed());
    }
    let features = call.arg(1)?;
    if !vector::is_vector(&features.data_type) {
        return Err(mismatch(&call.label(), 2, &features, "\"VECTOR\""));
    }
    let label = format!("{}({}, {})", call.name, features.name, call.arg(2)?.name);
    let to = summary_type(&metrics);
    Ok(of_udaf(
        summarizer(metrics),
        vec![features, call.double(2)?],
        to,
        false,
        &label,
    ))
}
