//! `percentile`, `median`, `percentile_approx`, and `percentile_cont` and `percentile_disc` WITHIN GROUP.
//!
//! All are exact here; Spark's approximate ones are too while a group has fewer values than their accuracy.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::SortOptions;
use arrow::datatypes::*;
use datafusion_common::ScalarValue;

use super::Context;
use super::aggregate::aggregate;
use super::call::Call;
use super::collecting::OrderKey;
use crate::error::{Result, SparkError};
use crate::kernels::aggregates::gather::{Finish, Keep, gather};
use crate::plan::scope::Typed;
use crate::values::types::list_of;

/// Which value stands at a fraction of the sorted values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Between two neighbours, linearly.
    Continuous,
    /// The first whose share reaches the fraction.
    Discrete,
}

pub fn call(context: &Context<'_>, name: &str, args: &[Typed], label: &str) -> Result<Option<Typed>> {
    let of = Call::new(context, name, args);
    Ok(Some(match name {
        "median" => {
            of.takes(1, 1)?;
            doubles(of.double(0)?, None, &[0.5], false, Kind::Continuous, false, label)
        }
        "percentile" => {
            of.takes(2, 3)?;
            let (fractions, many) = fractions(&of, 1)?;
            let weights = if args.len() == 3 { Some(of.long(2)?) } else { None };
            let label = if args.len() == 2 {
                of.label_with(&["1"])
            } else {
                label.to_owned()
            };
            doubles(
                of.double(0)?,
                weights,
                &fractions,
                many,
                Kind::Continuous,
                false,
                &label,
            )
        }
        "percentile_approx" | "approx_percentile" => {
            of.takes(2, 3)?;
            let (fractions, many) = fractions(&of, 1)?;
            let label = if args.len() == 2 {
                of.label_with(&["10000"])
            } else {
                label.to_owned()
            };
            approximate(args[0].clone(), fractions, many, &label)?
        }
        _ => return Ok(None),
    }))
}

/// `f(fraction) WITHIN GROUP (ORDER BY value)`; none where `f` is no quantile.
pub fn within_group(
    context: &Context<'_>,
    name: &str,
    args: &[Typed],
    order: &OrderKey,
    label: &str,
) -> Result<Option<Typed>> {
    let kind = match name {
        "percentile_cont" => Kind::Continuous,
        "percentile_disc" => Kind::Discrete,
        _ => return Ok(None),
    };
    let (fractions, many) = fractions(&Call::new(context, name, args), 0)?;
    let value = context.cast(order.value.clone(), &DataType::Float64)?;
    Ok(Some(doubles(
        value,
        None,
        &fractions,
        many,
        kind,
        order.options.descending,
        label,
    )))
}

/// The constant fraction or fractions, each from 0 to 1.
fn fractions(of: &Call<'_>, at: usize) -> Result<(Vec<f64>, bool)> {
    let arg = of.arg(at)?;
    let many = matches!(arg.data_type, DataType::List(_));
    let to = if many {
        list_of(DataType::Float64)
    } else {
        DataType::Float64
    };
    let found = match super::fold(&of.context.cast(arg.clone(), &to)?.expr) {
        Some(ScalarValue::Float64(Some(x))) => vec![x],
        Some(ScalarValue::List(list)) => list.values().as_primitive::<Float64Type>().iter().flatten().collect(),
        _ => {
            return Err(SparkError::analysis(
                "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                "42K09",
                format!(
                    "Cannot resolve \"{}\" due to data type mismatch: the input `percentage` should be a foldable expression.",
                    of.label()
                ),
            ));
        }
    };
    if found.iter().any(|x| !(0.0..=1.0).contains(x)) {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
            "42K09",
            format!(
                "Cannot resolve \"{}\" due to data type mismatch: The percentage must be between [0.0, 1.0].",
                of.label()
            ),
        ));
    }
    Ok((found, many))
}

/// Exact quantiles of doubles, each counted as often as its weight says.
fn doubles(
    value: Typed,
    weights: Option<Typed>,
    fractions: &[f64],
    many: bool,
    kind: Kind,
    descending: bool,
    label: &str,
) -> Typed {
    let to = if many {
        list_of(DataType::Float64)
    } else {
        DataType::Float64
    };
    let mut types = vec![DataType::Float64];
    types.extend(weights.as_ref().map(|_| DataType::Int64));
    let options = format!("{fractions:?} {kind:?} {descending}");
    let (fractions, result) = (fractions.to_vec(), to.clone());
    let finish: Finish = Arc::new(move |columns| {
        let values = columns[0].as_primitive::<Float64Type>();
        let mut weighted: Vec<(f64, i64)> = (0..values.len())
            .filter(|i| values.is_valid(*i))
            .map(|i| {
                (
                    values.value(i),
                    columns.get(1).map_or(1, |w| {
                        if w.is_valid(i) {
                            w.as_primitive::<Int64Type>().value(i)
                        } else {
                            0
                        }
                    }),
                )
            })
            .filter(|(_, n)| *n > 0)
            .collect();
        weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
        if descending {
            weighted.reverse();
        }
        let total: i64 = weighted.iter().map(|(_, n)| n).sum();
        if total == 0 {
            return ScalarValue::try_from(&result);
        }
        let at = |index: i64| {
            let mut before = 0;
            weighted
                .iter()
                .find(|(_, n)| {
                    before += n;
                    index < before
                })
                .map_or(f64::NAN, |(x, _)| *x)
        };
        let quantile = |fraction: f64| match kind {
            Kind::Discrete => at(((fraction * total as f64).ceil() as i64 - 1).max(0)),
            Kind::Continuous => {
                let position = (total - 1) as f64 * fraction;
                let (lower, higher) = (position.floor(), position.ceil());
                let (a, b) = (at(lower as i64), at(higher as i64));
                if lower == higher || a == b {
                    a
                } else {
                    (higher - position) * a + (position - lower) * b
                }
            }
        };
        let found: Vec<f64> = fractions.iter().map(|f| quantile(*f)).collect();
        if !many {
            return Ok(ScalarValue::Float64(found.first().copied()));
        }
        list_scalar(Arc::new(Float64Array::from(found)), &result)
    });
    let function = gather("percentile", options, &types, to.clone(), Keep::default(), finish);
    aggregate(
        function,
        std::iter::once(value).chain(weights).collect(),
        to,
        false,
        label,
    )
}

fn list_scalar(values: ArrayRef, to: &DataType) -> datafusion_common::Result<ScalarValue> {
    let DataType::List(field) = to else {
        return Err(SparkError::internal("a list type is none").into());
    };
    let offsets = arrow::buffer::OffsetBuffer::from_lengths([values.len()]);
    Ok(ScalarValue::List(Arc::new(ListArray::try_new(
        field.clone(),
        offsets,
        values,
        None,
    )?)))
}

/// `percentile_approx`: values of the column itself, in its type.
fn approximate(value: Typed, fractions: Vec<f64>, many: bool, label: &str) -> Result<Typed> {
    let element = value.data_type.clone();
    let to = if many {
        list_of(element.clone())
    } else {
        element.clone()
    };
    let options = format!("{fractions:?}");
    let result = to.clone();
    let finish: Finish = Arc::new(move |columns| {
        let values = &columns[0];
        if values.is_empty() {
            return ScalarValue::try_from(&result);
        }
        let order = arrow::compute::sort_to_indices(
            values,
            Some(SortOptions {
                descending: false,
                nulls_first: true,
            }),
            None,
        )?;
        let count = order.len();
        let at: UInt32Array = fractions
            .iter()
            .map(|f| Some(order.value(((f * count as f64).ceil() as usize).clamp(1, count) - 1)))
            .collect();
        let found = arrow::compute::take(values, &at, None)?;
        if many {
            list_scalar(found, &result)
        } else {
            ScalarValue::try_from_array(&found, 0)
        }
    });
    let function = gather(
        "percentile_approx",
        options,
        &[element],
        to.clone(),
        Keep::default(),
        finish,
    );
    Ok(aggregate(function, vec![value], to, false, label))
}
