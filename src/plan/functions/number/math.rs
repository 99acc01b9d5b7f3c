//! Mathematical functions of doubles.
//!
//! Out of their domain they are NaN, but for logarithms, which are null there, as in Spark.
//!
//! ```text
//! acos(2)   NaN        ln(0)         null        nanvl(NaN, 1)   1
//! sqrt(-1)  NaN        ln(NaN)       NaN         isnan(null)     false
//! log(-1)   null       factorial(21) null        abs(INT min)    an error under ANSI
//! ```

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::datatypes::{DataType, Float64Type, IntervalUnit, IntervalYearMonthType};
use datafusion_common::ScalarValue;
use datafusion_expr::Expr;

use crate::error::{Result, SparkError, arithmetic_overflow};
use crate::kernels::kernel;
use crate::plan::arithmetic::{self, Op};
use crate::plan::functions::call::Call;
use crate::plan::functions::{constant, row, unexpected_type};
use crate::plan::scope::Typed;
use crate::values::types::{self, is_integral, is_string};

/// Resolves a function of one double; `name` is Spark's name of it in labels.
pub fn unary(call: &Call<'_>, name: &str, f: fn(f64) -> f64) -> Result<Typed> {
    let args = vec![call.double(0)?];
    Ok(row::call(
        call.name,
        "",
        DataType::Float64,
        args,
        call.label_as(name),
        move |r| Ok(Some(f(r.double(0)))),
    ))
}

/// Resolves `sign` and `signum` (`Signum`) of numbers and of intervals.
pub fn sign_call(call: &Call<'_>, name: &str) -> Result<Typed> {
    let arg = call.arg(0)?;
    let to = DataType::Float64;
    match &arg.data_type {
        DataType::Duration(_) => Ok(row::call(call.name, "time", to, vec![arg], call.label_as(name), |r| {
            Ok(Some(r.long(0).signum() as f64))
        })),
        DataType::Interval(IntervalUnit::YearMonth) => {
            let months = call.context.cast(arg, &DataType::Int32)?;
            Ok(row::call(
                call.name,
                "months",
                to,
                vec![months],
                call.label_as(name),
                |r| Ok(Some(f64::from(r.int(0).signum()))),
            ))
        }
        _ => unary(call, name, sign),
    }
}

/// Resolves a function of two doubles; `name` is Spark's name of it in labels.
pub fn binary(call: &Call<'_>, name: &str, f: fn(f64, f64) -> f64) -> Result<Typed> {
    let args = vec![call.double(0)?, call.double(1)?];
    Ok(row::call(
        call.name,
        "",
        DataType::Float64,
        args,
        call.label_as(name),
        move |r| Ok(Some(f(r.double(0), r.double(1)))),
    ))
}

/// Resolves `atan2` (`Atan2`). Zeros are added as Java's Spark does: -0.0 counts as 0.0.
pub fn atan2(call: &Call<'_>) -> Result<Typed> {
    binary(call, "ATAN2", |y, x| (y + 0.0).atan2(x + 0.0))
}

/// Resolves a number with a name, such as `pi()`: a constant.
pub fn named(_: &Call<'_>, name: &str, value: f64) -> Result<Typed> {
    Ok(constant(ScalarValue::Float64(Some(value)), format!("{name}()")))
}

/// Returns -1, 0 or 1; NaN for NaN.
pub fn sign(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() { x } else { x.signum() }
}

/// Resolves a logarithm: null if the argument is at or below the bound (`UnaryLogExpression`); NaN
/// stays NaN.
pub fn logarithm(call: &Call<'_>, name: &str, bound: f64, f: fn(f64) -> f64) -> Result<Typed> {
    let args = vec![call.double(0)?];
    Ok(row::call(
        call.name,
        "",
        DataType::Float64,
        args,
        call.label_as(name),
        move |r| Ok(Some(r.double(0)).filter(|x| *x > bound || x.is_nan()).map(f)),
    ))
}

/// Resolves `log` (`Logarithm`): to base e of one argument, else to the base that comes first.
pub fn log(call: &Call<'_>) -> Result<Typed> {
    let double = DataType::Float64;
    let positive = |x: f64| x > 0.0 || x.is_nan();
    if !call.has(1) {
        let label = format!("LOG(E(), {})", call.args[0].name);
        return Ok(row::call(
            call.name,
            "natural",
            double,
            vec![call.double(0)?],
            label,
            move |r| Ok(Some(r.double(0)).filter(|x| positive(*x)).map(f64::ln)),
        ));
    }
    let args = vec![call.double(0)?, call.double(1)?];
    Ok(row::call(call.name, "", double, args, call.label_as("LOG"), move |r| {
        let (base, x) = (r.double(0), r.double(1));
        Ok((positive(base) && positive(x)).then(|| x.ln() / base.ln()))
    }))
}

/// Resolves `factorial` (`Factorial`): null outside of 0 to 20, whose factorial is the last that fits a
/// BIGINT.
pub fn factorial(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Int64, vec![call.int(0)?], |r| {
        let n = r.int(0);
        Ok((0..=20).contains(&n).then(|| (1..=i64::from(n)).product::<i64>()))
    })
}

/// Resolves `width_bucket` (`WidthBucket`).
pub fn width_bucket_call(call: &Call<'_>) -> Result<Typed> {
    let intervals = (0..3)
        .filter(|i| types::is_ansi_interval(&call.args[*i].data_type))
        .count();
    let bound = |i: usize| match intervals {
        0 => call.double(i),
        _ => interval_as_double(call.arg(i)?),
    };
    if intervals > 0 && (intervals < 3 || call.args[1..3].iter().any(|a| a.data_type != call.args[0].data_type)) {
        return Err(mixed_buckets(call));
    }
    let args = vec![bound(0)?, bound(1)?, bound(2)?, call.long(3)?];
    call.strict(DataType::Int64, args, |r| {
        Ok(width_bucket(r.double(0), r.double(1), r.double(2), r.long(3)))
    })
}

/// Makes `DATATYPE_MISMATCH.DATA_DIFF_TYPES` for buckets between intervals of another kind than the value.
fn mixed_buckets(call: &Call<'_>) -> SparkError {
    let named = call.args[..3].iter().map(|a| match &a.data_type {
        t if types::is_ansi_interval(t) => format!("\"{}\"", types::sql_name(t)),
        _ => "\"DOUBLE\"".to_owned(),
    });
    SparkError::analysis(
        "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
        "42K09",
        format!(
            "Cannot resolve \"{}\" due to data type mismatch: Input to `width_bucket` should all be the same type, but it's ({}).",
            call.label(),
            named.collect::<Vec<_>>().join(" or ")
        ),
    )
}

/// Returns the months or µs of an interval as DOUBLE; null for null.
pub fn interval_as_double(interval: Typed) -> Result<Typed> {
    let months = matches!(interval.data_type, DataType::Interval(_));
    let name = interval.name.clone();
    Ok(row::call(
        "interval_as_double",
        "",
        DataType::Float64,
        vec![interval],
        name,
        move |r| {
            let (array, at) = r.array(0);
            Ok(Some(if months {
                f64::from(array.as_primitive::<IntervalYearMonthType>().value(at))
            } else {
                r.long(0) as f64
            }))
        },
    ))
}

/// Resolves `nanvl` (`NaNvl`); the second argument may be null if it is not needed.
pub fn nanvl(call: &Call<'_>) -> Result<Typed> {
    let args = vec![call.double(0)?, call.double(1)?];
    Ok(row::with_nulls(
        call.name,
        "",
        DataType::Float64,
        args,
        call.label(),
        |r| {
            if r.is_null(0) {
                return Ok(None);
            }
            Ok(if !r.double(0).is_nan() {
                Some(r.double(0))
            } else {
                (!r.is_null(1)).then(|| r.double(1))
            })
        },
    ))
}

/// Resolves `isnan` (`IsNaN`): false for null.
pub fn isnan(call: &Call<'_>) -> Result<Typed> {
    let arg = call.context.cast(call.arg(0)?, &DataType::Float64)?;
    Ok(Typed::new(is_nan(arg.expr), DataType::Boolean, call.label()))
}

/// Returns whether a DOUBLE is NaN; false for null.
pub fn is_nan(value: datafusion_expr::Expr) -> datafusion_expr::Expr {
    kernel::call("isnan", "", DataType::Boolean, vec![value], |args, _| {
        let values = args[0].as_primitive::<Float64Type>();
        let tests = values.iter().map(|x| Some(x.is_some_and(f64::is_nan)));
        Ok(Arc::new(tests.collect::<BooleanArray>()))
    })
}

/// Resolves `abs` (`Abs`), in the type of the argument.
///
/// When it runs, the least integer is `ARITHMETIC_OVERFLOW` under ANSI.
///
/// # Errors
/// If the argument is neither a number nor a day-time interval,
/// `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn abs(call: &Call<'_>) -> Result<Typed> {
    let arg = match &call.args[0].data_type {
        t if is_string(t) || t.is_null() => call.double(0)?,
        _ => call.arg(0)?,
    };
    let (to, label) = (arg.data_type.clone(), call.label());
    let mode = call.context.mode;
    let options = format!("{mode:?}");
    Ok(match &to {
        DataType::Decimal128(..) => row::call("abs", "", to, vec![arg], label, |r| Ok(Some(r.decimal(0).abs()))),
        DataType::Float64 => row::call("abs", "", to, vec![arg], label, |r| Ok(Some(r.double(0).abs()))),
        DataType::Float32 => {
            let wide = call.double(0)?;
            row::call("abs", "", to, vec![wide], label, |r| Ok(Some(r.double(0).abs() as f32)))
        }
        DataType::Interval(IntervalUnit::YearMonth) => row::call("abs", "", to, vec![arg], label, |r| {
            let (array, at) = r.array(0);
            let months = array.as_primitive::<IntervalYearMonthType>().value(at);
            months
                .checked_abs()
                .map(Some)
                .ok_or_else(|| arithmetic_overflow("integer overflow"))
        }),
        t if is_integral(t) => {
            let zero = crate::plan::literal::int(0);
            let negated = arithmetic::binary(
                Op::Subtract,
                call.context.cast(zero, t)?,
                arg.clone(),
                mode,
                call.context.zone,
            )?;
            let below = datafusion_expr::binary_expr(
                arg.expr.clone(),
                datafusion_expr::Operator::Lt,
                Expr::Literal(ScalarValue::Int32(Some(0)).cast_to(t)?, None),
            );
            let case = datafusion_expr::Case::new(
                None,
                vec![(Box::new(below), Box::new(negated.expr))],
                Some(Box::new(arg.expr)),
            );
            Typed::new(Expr::Case(case), to, label)
        }
        DataType::Duration(_) => row::call("abs", options, to, vec![arg], label, |r| {
            r.long(0)
                .checked_abs()
                .map(Some)
                .ok_or_else(|| arithmetic_overflow("long overflow"))
        }),
        _ => return Err(unexpected_type(&label, 1, &arg, &["NUMERIC", "ANSI INTERVAL"])),
    })
}

/// Returns the bucket of a value (`WidthBucket.computeBucketNumber`), from 0 to one more than there
/// are; bounds may descend. `None` without buckets, for NaN, and for bounds that are equal or infinite.
fn width_bucket(value: f64, least: f64, most: f64, buckets: i64) -> Option<i64> {
    let bad = |x: f64| x.is_nan();
    if buckets <= 0 || buckets == i64::MAX || bad(value) || least == most || !least.is_finite() || !most.is_finite() {
        return None;
    }
    let (lower, upper) = (least.min(most), least.max(most));
    if least < most {
        Some(if value < lower {
            0
        } else if value >= upper {
            buckets + 1
        } else {
            (buckets as f64 * (value - lower) / (upper - lower)) as i64 + 1
        })
    } else {
        Some(if value > upper {
            0
        } else if value <= lower {
            buckets + 1
        } else {
            (buckets as f64 * (upper - value) / (upper - lower)) as i64 + 1
        })
    }
}
