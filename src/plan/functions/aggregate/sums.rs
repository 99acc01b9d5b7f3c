//! Sums and means.
//!
//! ```text
//! sum   integers BIGINT, DECIMAL(p,s) DECIMAL(p+10,s), all others DOUBLE
//! avg   DECIMAL(p,s) DECIMAL(p+4,s+4), all others DOUBLE
//! ```
//!
//! The sum of decimals is exact and checked once, at the end; the mean divides it by the count as decimals do.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_expr::AggregateUDF;
use datafusion_functions_aggregate as df;

use crate::error::Result;
use crate::kernels::aggregates::checked_sum;
use crate::plan::arithmetic::{self, Op};
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
        _ => Err(unexpected_type(&label, 1, &arg, &["NUMERIC", "ANSI INTERVAL"])),
    }
}
