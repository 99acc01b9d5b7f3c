//! `percentile`, `median`, `percentile_approx`, and `percentile_cont` and `percentile_disc` WITHIN GROUP.
//!
//! All are exact here; Spark's approximate ones are too while a group has fewer values than their accuracy.
//!
//! ```text
//! values 0, 10, 20, 30                percentile(x, 0.5)          15.0    between the middle two
//!                                     percentile_approx(x, 0.5)   10      one of the values, in their type
//! percentile_disc(0.5) … ORDER BY x                               10.0    the first whose share reaches it
//! ```
//!
//! A group's values are gathered and sorted: memory grows with the group.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::SortOptions;
use arrow::datatypes::*;
use datafusion_common::ScalarValue;

use crate::error::{Result, SparkError};
use crate::kernels::aggregates::gather::{Finish, Keep, gather};
use crate::plan::functions::aggregate::collecting::OrderKey;
use crate::plan::functions::aggregate::of_udaf;
use crate::plan::functions::call::Call;
use crate::plan::functions::error::{mismatch, non_foldable, unexpected_type};
use crate::plan::functions::form::not_ordered;
use crate::plan::functions::number::math::interval_as_double;
use crate::plan::functions::{fold, list};
use crate::plan::scope::Typed;
use crate::values::types::{is_ansi_interval, is_numeric, is_string, list_of};

/// Which value stands at a fraction of the sorted values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Between two neighbours, linearly.
    Continuous,
    /// The first whose share reaches the fraction.
    Discrete,
}

/// What is asked of the values of a group.
struct Quantiles {
    /// From 0 to 1.
    fractions: Vec<f64>,
    /// Whether an array is asked for.
    many: bool,
    /// Which value stands at a fraction.
    kind: Kind,
    /// Whether the greatest value comes first.
    descending: bool,
}

/// Resolves `median` (`Median`).
pub fn median(call: &Call<'_>) -> Result<Typed> {
    let asked = Quantiles {
        fractions: vec![0.5],
        many: false,
        kind: Kind::Continuous,
        descending: false,
    };
    check_number(&call.label(), &call.arg(0)?)?;
    quantiles(call.arg(0)?, None, asked, &call.label(), call)
}

/// Checks that numbers can be made of values.
///
/// # Errors
/// If not, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
fn check_number(label: &str, value: &Typed) -> Result<()> {
    match &value.data_type {
        t if is_numeric(t) || is_string(t) || t.is_null() || is_ansi_interval(t) => Ok(()),
        _ => {
            let wanted = "((\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\") or \"TIME\")";
            Err(mismatch(label, 1, value, wanted))
        }
    }
}

/// Resolves `percentile` (`Percentile`); a frequency below 1 leaves a value out.
///
/// # Errors
/// If the percentage is not a constant from 0 to 1: Spark's `DATATYPE_MISMATCH` for it.
pub fn percentile(call: &Call<'_>) -> Result<Typed> {
    let asked = asked(call, 1, Kind::Continuous, false)?;
    let label = call.label_or(2, &["1"]);
    check_number(&label, &call.arg(0)?)?;
    let weights = if call.has(2) { Some(call.long(2)?) } else { None };
    quantiles(call.arg(0)?, weights, asked, &label, call)
}

/// Resolves `percentile_approx` (`ApproximatePercentile`), exactly; the accuracy is not looked at.
///
/// # Errors
/// As [`percentile`]; if the values have no distance from each other, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn percentile_approx(call: &Call<'_>) -> Result<Typed> {
    let asked = asked(call, 1, Kind::Discrete, false)?;
    let label = call.label_or(2, &["10000"]);
    let value = call.arg(0)?;
    let value = match &value.data_type {
        t if is_string(t) || t.is_null() => call.double(0)?,
        t if is_numeric(t) || t.is_temporal() && !matches!(t, DataType::Interval(IntervalUnit::MonthDayNano)) => value,
        _ => {
            let wanted = [
                "NUMERIC",
                "DATE",
                "TIMESTAMP",
                "TIMESTAMP_NTZ",
                "INTERVAL YEAR TO MONTH",
                "INTERVAL DAY TO SECOND",
                "TIME",
            ];
            return Err(unexpected_type(&label, 1, &value, &wanted));
        }
    };
    Ok(approximate(value, asked, &label))
}

/// Refuses `percentile_cont` and `percentile_disc` without WITHIN GROUP.
///
/// # Errors
/// Always `INVALID_WITHIN_GROUP_EXPRESSION.WITHIN_GROUP_MISSING`.
pub fn without_order(call: &Call<'_>) -> Result<Typed> {
    Err(not_ordered(call.name))
}

/// Resolves `percentile_cont` with WITHIN GROUP (`PercentileCont`).
pub fn percentile_cont(call: &Call<'_>, order: Vec<OrderKey>, _: String) -> Result<Typed> {
    ordered(call, Kind::Continuous, &order)
}

/// Resolves `percentile_disc` with WITHIN GROUP (`PercentileDisc`).
pub fn percentile_disc(call: &Call<'_>, order: Vec<OrderKey>, _: String) -> Result<Typed> {
    ordered(call, Kind::Discrete, &order)
}

/// Resolves `f(fraction) WITHIN GROUP (ORDER BY value)`. The label does not show an order unless it is
/// a descending one.
fn ordered(call: &Call<'_>, kind: Kind, order: &[OrderKey]) -> Result<Typed> {
    let [key] = order else {
        return Err(not_ordered(call.name));
    };
    let descending = key.options.descending;
    let asked = asked(call, 0, kind, descending)?;
    check_number(
        &format!("{}({}, {})", call.name, key.value.name, call.arg(0)?.name),
        &key.value,
    )?;
    let direction = if descending { " DESC" } else { "" };
    let label = format!("{} WITHIN GROUP (ORDER BY {}{direction})", call.label(), key.value.name);
    quantiles(key.value.clone(), None, asked, &label, call)
}

/// Returns the constant fraction or fractions, each from 0 to 1.
///
/// # Errors
/// If they are not constant, `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`; if one is out of range,
/// `DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE`.
fn asked(call: &Call<'_>, at: usize, kind: Kind, descending: bool) -> Result<Quantiles> {
    let arg = call.arg(at)?;
    let many = matches!(arg.data_type, DataType::List(_));
    let to = if many {
        list_of(DataType::Float64)
    } else {
        DataType::Float64
    };
    let found = match fold(&call.context.cast(arg, &to)?.expr) {
        Some(ScalarValue::Float64(Some(x))) => vec![x],
        Some(ScalarValue::List(list)) => list.values().as_primitive::<Float64Type>().iter().flatten().collect(),
        _ => return Err(non_foldable(call, "percentage", "DOUBLE")),
    };
    if found.iter().any(|x| !(0.0..=1.0).contains(x)) {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
            "42K09",
            format!(
                "Cannot resolve \"{}\" due to data type mismatch: The percentage must be between [0.0, 1.0].",
                call.label()
            ),
        ));
    }
    Ok(Quantiles {
        fractions: found,
        many,
        kind,
        descending,
    })
}

/// Values in order, each with how often it counts.
struct Weighted(Vec<(f64, i64)>);

impl Weighted {
    /// Sorts the values of a column by their weights in a second one; nulls and weights below 1 count
    /// nothing.
    fn new(columns: &[ArrayRef], descending: bool) -> Self {
        let values = columns[0].as_primitive::<Float64Type>();
        let weights = columns.get(1).map(|w| w.as_primitive::<Int64Type>());
        let weight = |i: usize| weights.map_or(1, |w| if w.is_valid(i) { w.value(i) } else { 0 });
        let known = (0..values.len()).filter(|i| values.is_valid(*i));
        let mut all: Vec<(f64, i64)> = known
            .map(|i| (values.value(i), weight(i)))
            .filter(|(_, n)| *n > 0)
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        if descending {
            all.reverse();
        }
        Self(all)
    }

    /// Returns how many values there are, each as often as it counts.
    fn total(&self) -> i64 {
        self.0.iter().map(|(_, n)| n).sum()
    }

    /// Returns the value at an index, as if each stood there as often as it counts.
    fn at(&self, index: i64) -> f64 {
        let mut before = 0;
        let found = self.0.iter().find(|(_, n)| {
            before += n;
            index < before
        });
        found.map_or(f64::NAN, |(x, _)| *x)
    }

    /// Returns the value at a fraction.
    fn quantile(&self, fraction: f64, kind: Kind) -> f64 {
        let total = self.total();
        if kind == Kind::Discrete {
            return self.at(((fraction * total as f64).ceil() as i64 - 1).max(0));
        }
        let position = (total - 1) as f64 * fraction;
        let (lower, higher) = (position.floor(), position.ceil());
        let (a, b) = (self.at(lower as i64), self.at(higher as i64));
        if lower == higher || a == b {
            a
        } else {
            (higher - position) * a + (position - lower) * b
        }
    }
}

/// Returns exact quantiles, each value counted as often as its weight says: intervals of intervals, cut to whole months or µs, else
/// DOUBLE.
///
/// # Errors
/// If Spark does not cast the values to DOUBLE.
fn quantiles(value: Typed, weights: Option<Typed>, asked: Quantiles, label: &str, call: &Call<'_>) -> Result<Typed> {
    let (value, element) = if is_ansi_interval(&value.data_type) {
        let element = value.data_type.clone();
        (interval_as_double(value)?, element)
    } else {
        (call.context.cast(value, &DataType::Float64)?, DataType::Float64)
    };
    let to = if asked.many {
        list_of(element.clone())
    } else {
        element.clone()
    };
    let mut types = vec![DataType::Float64];
    types.extend(weights.as_ref().map(|_| DataType::Int64));
    let options = format!("{:?} {:?} {} {to}", asked.fractions, asked.kind, asked.descending);
    let result = to.clone();
    let finish: Finish = Arc::new(move |columns| {
        let weighted = Weighted::new(columns, asked.descending);
        if weighted.total() == 0 {
            return ScalarValue::try_from(&result);
        }
        let each = asked.fractions.iter().map(|f| weighted.quantile(*f, asked.kind));
        let found: ArrayRef = match &element {
            DataType::Interval(_) => Arc::new(each.map(|x| Some(x as i32)).collect::<IntervalYearMonthArray>()),
            DataType::Duration(_) => Arc::new(each.map(|x| Some(x as i64)).collect::<DurationMicrosecondArray>()),
            _ => Arc::new(each.map(Some).collect::<Float64Array>()),
        };
        if !asked.many {
            return ScalarValue::try_from_array(&found, 0);
        }
        list::scalar(found, &result)
    });
    let function = gather("percentile", options, &types, to.clone(), Keep::default(), finish);
    let args = std::iter::once(value).chain(weights).collect();
    Ok(of_udaf(function, args, to, false, label))
}

/// Returns values of the column itself, in its type (`percentile_approx`).
fn approximate(value: Typed, asked: Quantiles, label: &str) -> Typed {
    let Quantiles { fractions, many, .. } = asked;
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
            list::scalar(found, &result)
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
    of_udaf(function, vec![value], to, false, label)
}
