//! What `DataFrameStatFunctions` asks of a column: only clients call these, by [`crate::plan::relation`].
//!
//! ```text
//! collect_frequent_items(x, k)           values that may make up more than 1/k of all   Misra and Gries
//! approximate_quantiles(x, shares, e)    ranks off by at most e of all                   Greenwald and Khanna
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{DataType, Float64Type};
use datafusion_common::ScalarValue;

use crate::error::{Result, SparkError};
use crate::kernels::aggregates::gather::{Finish, Keep, gather};
use crate::kernels::aggregates::sketch::Sketch;
use crate::plan::functions::aggregate::of_udaf;
use crate::plan::functions::call::Call;
use crate::plan::functions::error::non_foldable;
use crate::plan::functions::{fold, list, row};
use crate::plan::scope::Typed;
use crate::values::floats::comparable;
use crate::values::types::{is_numeric, list_of, simple_string};

/// Resolves `statistic_operand(column, purpose)`: a number as DOUBLE, null as 0, as `StatFunctions` reads its rows.
///
/// # Errors
/// If the column is not numeric, an `IllegalArgumentException` that names the purpose.
pub fn operand(call: &Call<'_>) -> Result<Typed> {
    let arg = call.arg(0)?;
    if !is_numeric(&arg.data_type) {
        return Err(SparkError::requirement(format!(
            "Currently {} calculation for columns with dataType {} not supported.",
            call.constant_text(1).unwrap_or_default(),
            simple_string(&arg.data_type)
        )));
    }
    let args = vec![call.double(0)?];
    let label = call.label();
    Ok(row::with_nulls(call.name, "", DataType::Float64, args, label, |r| {
        Ok(Some(if r.is_null(0) { 0.0 } else { r.double(0) }))
    }))
}

/// Resolves `collect_frequent_items(column, most)` (`CollectFrequentItems`): nulls are values like others.
pub fn frequent_items(call: &Call<'_>) -> Result<Typed> {
    let arg = call.arg(0)?;
    let most = call
        .constant_int(1)
        .and_then(|most| usize::try_from(most).ok())
        .ok_or_else(|| non_foldable(call, "size", "INT"))?;
    let to = list_of(arg.data_type.clone());
    let result = to.clone();
    let finish: Finish = Arc::new(move |columns| {
        let values = &columns[0];
        let rows = comparable(std::slice::from_ref(values))?;
        // Per value where it stands first, and its count.
        let mut counts: HashMap<_, (usize, i64)> = HashMap::new();
        for at in 0..values.len() {
            let value = rows.row(at);
            if let Some((_, count)) = counts.get_mut(&value) {
                *count += 1;
                continue;
            }
            counts.insert(value, (at, 1));
            if counts.len() > most {
                let least = counts.values().map(|(_, count)| *count).min().unwrap_or(0);
                counts.values_mut().for_each(|(_, count)| *count -= least);
                counts.retain(|_, (_, count)| *count > 0);
            }
        }
        let mut places: Vec<u32> = counts.values().map(|(at, _)| *at as u32).collect();
        places.sort_unstable();
        list::scalar(arrow::compute::take(values, &UInt32Array::from(places), None)?, &result)
    });
    let nulls = Keep {
        nulls: true,
        distinct: false,
    };
    let types = [arg.data_type.clone()];
    let function = gather(
        "collect_frequent_items",
        format!("{most}"),
        &types,
        to.clone(),
        nulls,
        finish,
    );
    Ok(of_udaf(function, vec![arg], to, false, &call.label()))
}

/// Resolves `approximate_quantiles(column, shares, error, name)` (`StatFunctions.multipleApproxQuantiles`): an empty array without
/// values; NaN is not a value.
///
/// # Errors
/// If the column is not numeric, an `IllegalArgumentException` that names it.
pub fn approximate_quantiles(call: &Call<'_>) -> Result<Typed> {
    let arg = call.arg(0)?;
    if !is_numeric(&arg.data_type) {
        return Err(SparkError::requirement(format!(
            "Quantile calculation for column {} with data type {} is not supported.",
            call.constant_text(3).unwrap_or_default(),
            simple_string(&arg.data_type)
        )));
    }
    let (shares, error) = match (fold(&call.arg(1)?.expr), fold(&call.arg(2)?.expr)) {
        (Some(ScalarValue::List(shares)), Some(ScalarValue::Float64(Some(error)))) => {
            let shares = shares
                .values()
                .as_primitive_opt::<Float64Type>()
                .map(|s| s.values().to_vec());
            (shares.unwrap_or_default(), error)
        }
        _ => return Err(non_foldable(call, "shares", "ARRAY<DOUBLE>")),
    };
    let to = list_of(DataType::Float64);
    let (result, options) = (to.clone(), format!("{shares:?} {error}"));
    let finish: Finish = Arc::new(move |columns| {
        let mut sketch = Sketch::new(error);
        let values = columns[0].as_primitive::<Float64Type>().iter().flatten();
        values.filter(|v| !v.is_nan()).for_each(|v| sketch.insert(v));
        sketch.compress();
        let found: Float64Array = shares
            .iter()
            .filter_map(|share| sketch.quantile(*share))
            .map(Some)
            .collect();
        list::scalar(Arc::new(found), &result)
    });
    let function = gather(
        "approximate_quantiles",
        options,
        &[DataType::Float64],
        to.clone(),
        Keep::default(),
        finish,
    );
    Ok(of_udaf(function, vec![call.double(0)?], to, false, &call.label()))
}
