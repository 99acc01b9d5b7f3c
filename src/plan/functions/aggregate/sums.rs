//! Sums and means.
//!
//! ```text
//! sum   integers BIGINT, DECIMAL(p,s) DECIMAL(p+10,s), intervals their type, all others DOUBLE
//! avg   DECIMAL(p,s) DECIMAL(p+4,s+4), intervals their type, all others DOUBLE
//! ```
//!
//! The sum of decimals is exact and checked once, at the end; the mean divides it by the count as decimals do.

use std::sync::Arc;

use arrow::array::{AsArray, Decimal128Array, Int64Array};
use arrow::datatypes::{
    DataType, Decimal128Type, DurationMicrosecondType, Int64Type, IntervalUnit, IntervalYearMonthType,
};
use datafusion_expr::{AggregateUDF, Expr};
use datafusion_functions_aggregate as df;

use crate::error::Result;
use crate::kernels::aggregates::checked_sum;
use crate::kernels::kernel;
use crate::plan::arithmetic::{self, Op};
use crate::plan::datetime::interval_overflow;
use crate::plan::functions::aggregate::basic::count;
use crate::plan::functions::aggregate::{collecting, of_udaf};
use crate::plan::functions::call::Call;
use crate::plan::functions::{Context, unexpected_type};
use crate::plan::scope::Typed;
use crate::values::cast::Mode;
use crate::values::types::{is_numeric, is_string};

/// Resolves `sum` and `try_sum` (`Sum`).
pub fn sum_call(call: &Call<'_>, mode: Mode) -> Result<Typed> {
    sum(call.context, call.arg(0)?, mode, call.distinct, &call.label())
}

/// Returns the sum of an argument: BIGINT for integers, ten more digits for decimals, DOUBLE for the
/// rest.
///
/// # Errors
/// If it cannot be summed, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
fn sum(context: &Context<'_>, arg: Typed, mode: Mode, distinct: bool, label: &str) -> Result<Typed> {
    let to = match &arg.data_type {
        DataType::Decimal128(p, s) => DataType::Decimal128((*p + 10).min(38), *s),
        t if is_numeric(t) && !matches!(t, DataType::Float32 | DataType::Float64) => DataType::Int64,
        t if is_numeric(t) || is_string(t) || t.is_null() => DataType::Float64,
        t if is_ansi(t) => {
            let to = t.clone();
            let total = sum(context, units(arg), mode, distinct, label)?;
            return Ok(Typed::new(of_units(vec![total.expr], &to, mode), to, label.to_owned()));
        }
        _ => return Err(unexpected_type(label, 1, &arg, &["NUMERIC", "ANSI INTERVAL"])),
    };
    let arg = context.cast(arg, &to)?;
    let function = if to == DataType::Float64 {
        df::sum::sum_udaf()
    } else {
        checked_sum::sum(&to, mode)
    };
    Ok(aggregate_distinct(function, arg, to, distinct, label))
}

/// Returns whether a type is a year-month or a day-time interval.
fn is_ansi(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Duration(_) | DataType::Interval(IntervalUnit::YearMonth)
    )
}

/// Digits of an interval's months or µs.
const UNITS: DataType = DataType::Decimal128(19, 0);

/// Returns an interval as a decimal of its months or µs, whose sum is exact.
fn units(interval: Typed) -> Typed {
    let expr = kernel::call("interval_units", "", UNITS, vec![interval.expr], |args, _| {
        let units: Decimal128Array = match args[0].data_type() {
            DataType::Duration(_) => args[0].as_primitive::<DurationMicrosecondType>().unary(i128::from),
            _ => args[0].as_primitive::<IntervalYearMonthType>().unary(i128::from),
        };
        Ok(Arc::new(units.with_data_type(UNITS)))
    });
    Typed::new(expr, UNITS, interval.name)
}

/// Returns the interval of a sum of months or µs; divided by a second number if there is one, rounded half up, null if that
/// is 0.
///
/// When it runs, a sum that does not fit is null if `mode` is [`Mode::Try`], else `INTERVAL_ARITHMETIC_OVERFLOW`.
fn of_units(args: Vec<Expr>, to: &DataType, mode: Mode) -> Expr {
    let target = to.clone();
    kernel::call(
        "interval_of_units",
        format!("{to} {mode:?}"),
        to.clone(),
        args,
        move |args, _| {
            let months = matches!(target, DataType::Interval(_));
            let most = if months { i64::from(i32::MAX) } else { i64::MAX };
            let counts = args.get(1).map(|counts| counts.as_primitive::<Int64Type>());
            let one = |(row, total): (usize, Option<i128>)| match total.map(i64::try_from) {
                Some(Ok(total)) if (-most - 1..=most).contains(&total) => Ok(match counts {
                    Some(counts) => mean(total, counts.value(row)),
                    None => Some(total),
                }),
                Some(_) if mode != Mode::Try => Err(interval_overflow(Op::Add)),
                _ => Ok(None),
            };
            let totals = args[0].as_primitive::<Decimal128Type>().iter().enumerate();
            let units = totals.map(one).collect::<Result<Int64Array>>()?;
            Ok(if months {
                Arc::new(units.unary::<_, IntervalYearMonthType>(|months| months as i32))
            } else {
                Arc::new(units.unary::<_, DurationMicrosecondType>(|us| us))
            })
        },
    )
}

/// Returns a quotient rounded half up, away from 0; `None` if it is by 0.
fn mean(total: i64, count: i64) -> Option<i64> {
    let rest = i128::from(total.checked_rem(count)?);
    let quotient = total.checked_div(count)?;
    let away = 2 * rest.abs() >= i128::from(count).abs();
    Some(if away {
        quotient + total.signum() * count.signum()
    } else {
        quotient
    })
}

/// Returns DISTINCT as a gathering of distinct values, for functions without such a form of their own.
fn aggregate_distinct(function: Arc<AggregateUDF>, arg: Typed, to: DataType, distinct: bool, label: &str) -> Typed {
    if !distinct || to == DataType::Float64 {
        return of_udaf(function, vec![arg], to, distinct, label);
    }
    let summed = collecting::over_distinct(&function, &arg.data_type, &to);
    of_udaf(summed, vec![arg], to, false, label)
}

/// Resolves `avg` and `try_avg` (`Average`): DOUBLE, or for decimals the sum divided by the count,
/// rounded half up at four more digits.
///
/// # Errors
/// If the argument cannot be summed, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn average(call: &Call<'_>, mode: Mode) -> Result<Typed> {
    let (context, distinct, arg) = (call.context, call.distinct, call.arg(0)?);
    let label = call.label();
    match &arg.data_type {
        DataType::Decimal128(p, s) => {
            let to = DataType::Decimal128((*p + 4).min(38), (*s + 4).min(38));
            let total = sum(context, arg.clone(), mode, distinct, "")?;
            let number = count(std::slice::from_ref(&arg), distinct, "");
            let number = context.cast(number, &DataType::Decimal128(20, 0))?;
            let quotient = arithmetic::binary(Op::Divide, total, number, Mode::Try, context.zone)?;
            let mut out = context.cast(quotient, &to)?;
            out.name = label;
            Ok(out)
        }
        t if is_numeric(t) || is_string(t) || t.is_null() => Ok(of_udaf(
            df::average::avg_udaf(),
            vec![call.double(0)?],
            DataType::Float64,
            distinct,
            &label,
        )),
        t if is_ansi(t) => {
            let to = t.clone();
            let total = sum(context, units(arg.clone()), mode, distinct, "")?;
            let number = count(std::slice::from_ref(&arg), distinct, "");
            Ok(Typed::new(
                of_units(vec![total.expr, number.expr], &to, mode),
                to,
                label,
            ))
        }
        _ => Err(unexpected_type(&label, 1, &arg, &["NUMERIC", "ANSI INTERVAL"])),
    }
}
