//! `+ - * / % div pmod` and unary minus with Spark's result types and its three ways to fail.
//!
//! ```text
//!               overflow                division by 0
//! Ansi          ARITHMETIC_OVERFLOW     DIVIDE_BY_ZERO, REMAINDER_BY_ZERO
//! Legacy        wraps (decimals: null)  null
//! Try           null                    null
//! ```
//!
//! Both sides are cast to a common type first; the kernel then sees two arrays of one type. Decimals
//! keep types of their own: their results have Spark's precision and scale and are exact until they are
//! rounded once.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::kernels::numeric;
use arrow::datatypes::*;
use arrow::error::ArrowError;
use datafusion_expr::Expr;

use super::coercion::{adjust, decimal_of_typed};
use super::scope::Typed;
use crate::error::{Result, SparkError, arithmetic_overflow, divide_by_zero, remainder_by_zero};
use crate::kernels::kernel;
use crate::plan::cast_expr;
use crate::values::cast::{Mode, out_of_range};
use crate::values::text;
use crate::values::types::{is_integral, is_numeric, is_string, sql_name};
use crate::values::zone::Zone;

/// What kernels return.
type DfResult<T> = datafusion_common::Result<T>;

/// The operators of numbers, dates and intervals.
///
/// Null on either side yields null. What overflow and division by zero do is [`Mode`]'s affair: an error in
/// ANSI mode, null for the `try_` functions, and in legacy mode a wrapped number or null (Spark's
/// `BinaryArithmetic`).
///
/// ```
/// use rivulet::plan::arithmetic::Op;
///
/// assert_eq!(Op::IntegralDivide.symbol(), "div");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`: of integers, a DOUBLE.
    Divide,
    /// `%`, with the sign of the dividend.
    Remainder,
    /// `div`: a BIGINT without the fraction.
    IntegralDivide,
    /// `pmod`.
    PositiveModulo,
}

impl Op {
    /// Returns how Spark writes the operator in names of columns and in errors.
    pub fn symbol(self) -> &'static str {
        match self {
            Op::Add => "+",
            Op::Subtract => "-",
            Op::Multiply => "*",
            Op::Divide => "/",
            Op::Remainder => "%",
            Op::IntegralDivide => "div",
            Op::PositiveModulo => "pmod",
        }
    }
}

/// Resolves `left op right` for numbers (and strings that stand for numbers); `mode` says what overflow
/// and `/ 0` do.
///
/// # Errors
/// If the types do not go together, `DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES`.
///
/// ```
/// use arrow::datatypes::DataType;
/// use rivulet::plan::arithmetic::{Op, binary};
/// use rivulet::plan::{functions::fold, literal};
/// use rivulet::values::{cast::Mode, zone::Zone};
///
/// let (seven, two) = (literal::int(7), literal::int(2));
/// let half = binary(Op::Divide, seven.clone(), two, Mode::Ansi, Zone::UTC)?;
/// assert_eq!((half.name.as_str(), &half.data_type), ("(7 / 2)", &DataType::Float64));
/// assert_eq!(fold(&half.expr), Some(3.5.into()));
///
/// let null = binary(Op::Remainder, seven, literal::int(0), Mode::Try, Zone::UTC)?;
/// assert!(fold(&null.expr).is_some_and(|value| value.is_null()));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
pub fn binary(op: Op, left: Typed, right: Typed, mode: Mode, zone: Zone) -> Result<Typed> {
    let name = match op {
        Op::PositiveModulo => format!("pmod({}, {})", left.name, right.name),
        _ => format!("({} {} {})", left.name, op.symbol(), right.name),
    };
    let cast_mode = if mode == Mode::Legacy { Mode::Legacy } else { Mode::Ansi };
    let (left, right) = (
        number(left.clone(), &right, cast_mode, zone)?,
        number(right, &left, cast_mode, zone)?,
    );
    let decimals = (matches!(left.data_type, DataType::Decimal128(..))
        || matches!(right.data_type, DataType::Decimal128(..)))
        && !matches!(left.data_type, DataType::Float32 | DataType::Float64)
        && !matches!(right.data_type, DataType::Float32 | DataType::Float64);
    if decimals && let (Some(l), Some(r)) = (decimal_of_typed(&left), decimal_of_typed(&right)) {
        return decimal(op, (left, l), (right, r), mode, name, zone);
    }
    let common = match op {
        Op::Divide => DataType::Float64,
        Op::IntegralDivide => DataType::Int64,
        _ => super::coercion::widen(&left.data_type, &right.data_type)
            .filter(|t| is_numeric(t) || t.is_null())
            .ok_or_else(|| mismatch(op, &left, &right))?,
    };
    let common = if common.is_null() { DataType::Float64 } else { common };
    let (left, right) = (
        cast_expr::cast(left, &common, cast_mode, zone)?,
        cast_expr::cast(right, &common, cast_mode, zone)?,
    );
    let expr = kernel::call(
        op.symbol(),
        format!("{mode:?}"),
        common.clone(),
        vec![left.expr, right.expr],
        move |args, _| evaluate(op, &args[0], &args[1], mode),
    );
    Ok(Typed::new(expr, common, name))
}

/// Casts a string beside a number: to BIGINT beside an integer under ANSI, else to DOUBLE. Null beside a decimal becomes one.
fn number(side: Typed, other: &Typed, mode: Mode, zone: Zone) -> Result<Typed> {
    if side.data_type.is_null() && matches!(other.data_type, DataType::Decimal128(..)) {
        return cast_expr::cast(side, &other.data_type, mode, zone);
    }
    if !is_string(&side.data_type) {
        return Ok(side);
    }
    let target = if is_integral(&other.data_type) && mode == Mode::Ansi {
        DataType::Int64
    } else {
        DataType::Float64
    };
    cast_expr::cast(side, &target, mode, zone)
}

/// Makes `DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES`: the operator does not take such a pair of types.
pub fn mismatch(op: Op, left: &Typed, right: &Typed) -> SparkError {
    let (l, r) = (sql_name(&left.data_type), sql_name(&right.data_type));
    SparkError::analysis(
        "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
        "42K09",
        format!(
            "Cannot resolve \"({} {} {})\" due to data type mismatch: the left and right operands of the binary operator have \
             incompatible types (\"{l}\" and \"{r}\").",
            left.name,
            op.symbol(),
            right.name
        ),
    )
    .with("left", format!("\"{l}\""))
    .with("right", format!("\"{r}\""))
}

/// Returns what Spark calls the overflow of a type: `integer overflow`, `long overflow`, ….
fn overflow_text(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Int32 => "integer overflow",
        DataType::Int64 => "long overflow",
        DataType::Int16 => "short overflow",
        _ => "byte overflow",
    }
}

/// Runs an operator over two columns of one type. A null on either side is null, whatever the other
/// side is.
///
/// # Errors
/// If a value overflows or a divisor is 0 in ANSI mode: `ARITHMETIC_OVERFLOW`, `DIVIDE_BY_ZERO` or
/// `REMAINDER_BY_ZERO`. Otherwise a zero divisor results in null; overflow wraps in legacy mode and is
/// null when tried.
fn evaluate(op: Op, left: &ArrayRef, right: &ArrayRef, mode: Mode) -> DfResult<ArrayRef> {
    let floating = matches!(left.data_type(), DataType::Float32 | DataType::Float64);
    if matches!(op, Op::Divide | Op::Remainder | Op::IntegralDivide | Op::PositiveModulo) {
        let zero_is_null = nulls_for_zero(right)?;
        let has_zero = (0..right.len()).any(|i| right.is_valid(i) && zero_is_null.is_null(i) && left.is_valid(i));
        if has_zero && mode == Mode::Ansi {
            return Err(if matches!(op, Op::Divide | Op::IntegralDivide) {
                divide_by_zero()
            } else {
                remainder_by_zero()
            }
            .into());
        }
        let right = &zero_is_null;
        return match op {
            Op::Divide => Ok(numeric::div(left, right)?),
            Op::Remainder => remainder(left, right),
            Op::IntegralDivide => integral_divide(left, right, mode),
            _ => positive_modulo(left, right),
        };
    }
    let checked = |l: &ArrayRef, r: &ArrayRef| match op {
        Op::Add => numeric::add(l, r),
        Op::Subtract => numeric::sub(l, r),
        _ => numeric::mul(l, r),
    };
    if floating || mode != Mode::Legacy {
        return match checked(left, right) {
            Err(ArrowError::ArithmeticOverflow(_)) if mode == Mode::Try => {
                let rows: Vec<ArrayRef> = (0..left.len())
                    .map(|i| {
                        checked(&left.slice(i, 1), &right.slice(i, 1))
                            .unwrap_or_else(|_| new_null_array(left.data_type(), 1))
                    })
                    .collect();
                Ok(arrow::compute::concat(
                    &rows.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
                )?)
            }
            Err(ArrowError::ArithmeticOverflow(_)) => Err(arithmetic_overflow(overflow_text(left.data_type())).into()),
            other => Ok(other?),
        };
    }
    Ok(match op {
        Op::Add => numeric::add_wrapping(left, right)?,
        Op::Subtract => numeric::sub_wrapping(left, right)?,
        _ => numeric::mul_wrapping(left, right)?,
    })
}

/// Returns the divisor with its zeros as nulls.
fn nulls_for_zero(array: &ArrayRef) -> DfResult<ArrayRef> {
    let zero = make_zero(array.data_type());
    let zeros = arrow::compute::kernels::cmp::eq(array, &Scalar::new(zero))?;
    Ok(arrow::compute::nullif(array, &zeros)?)
}

/// Returns a zero of the type, in one row, to compare divisors with.
fn make_zero(data_type: &DataType) -> ArrayRef {
    let zero: ArrayRef = Arc::new(Int8Array::from(vec![0]));
    arrow::compute::cast(&zero, data_type).unwrap_or(zero)
}

/// Returns the remainder, with the sign of the dividend, as in Java. The least integer by -1 is 0.
fn remainder(left: &ArrayRef, right: &ArrayRef) -> DfResult<ArrayRef> {
    if left.data_type() == &DataType::Int64 {
        let (l, r) = (left.as_primitive::<Int64Type>(), right.as_primitive::<Int64Type>());
        return Ok(Arc::new(arrow::compute::binary::<_, _, _, Int64Type>(l, r, |a, b| {
            if b == 0 { 0 } else { a.wrapping_rem(b) }
        })?));
    }
    if left.data_type() == &DataType::Int32 {
        let (l, r) = (left.as_primitive::<Int32Type>(), right.as_primitive::<Int32Type>());
        return Ok(Arc::new(arrow::compute::binary::<_, _, _, Int32Type>(l, r, |a, b| {
            if b == 0 { 0 } else { a.wrapping_rem(b) }
        })?));
    }
    Ok(numeric::rem(left, right)?)
}

/// Returns the quotient without its fraction (`div`), as BIGINT; the smallest BIGINT by -1 overflows.
fn integral_divide(left: &ArrayRef, right: &ArrayRef, mode: Mode) -> DfResult<ArrayRef> {
    let (l, r) = (left.as_primitive::<Int64Type>(), right.as_primitive::<Int64Type>());
    let mut out = Int64Builder::with_capacity(l.len());
    for (a, b) in l.iter().zip(r) {
        match (a, b) {
            (Some(a), Some(b)) => match a.checked_div(b) {
                Some(q) => out.append_value(q),
                None if mode == Mode::Ansi => return Err(arithmetic_overflow("long overflow").into()),
                None if mode == Mode::Legacy => out.append_value(a.wrapping_div(b)),
                None => out.append_null(),
            },
            _ => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// Returns the remainder, never negative for a positive divisor (`pmod`).
fn positive_modulo(left: &ArrayRef, right: &ArrayRef) -> DfResult<ArrayRef> {
    let first = remainder(left, right)?;
    let zero = Scalar::new(make_zero(left.data_type()));
    let negative = arrow::compute::kernels::cmp::lt(&first, &zero)?;
    let shifted = remainder(&numeric::add_wrapping(&first, right)?, right)?;
    Ok(arrow::compute::kernels::zip::zip(&negative, &shifted, &first)?)
}

/// Resolves decimal arithmetic with Spark's result precision (`DecimalPrecision`), computed exactly and
/// rounded half up once.
///
/// ```text
/// p1,s1 ± p2,s2   max(p1-s1, p2-s2) + scale + 1, scale = max(s1, s2)
/// p1,s1 * p2,s2   p1 + p2 + 1, s1 + s2
/// p1,s1 / p2,s2   p1 - s1 + s2 + scale, scale = max(6, s1 + p2 + 1)
/// p1,s1 % p2,s2   min(p1-s1, p2-s2) + scale, scale = max(s1, s2)
/// ```
///
/// More than 38 digits are brought down to 38 by [`adjust`].
fn decimal(
    op: Op,
    left: (Typed, (u8, i8)),
    right: (Typed, (u8, i8)),
    mode: Mode,
    name: String,
    zone: Zone,
) -> Result<Typed> {
    let ((left, (p1, s1)), (right, (p2, s2))) = (left, right);
    let (p1w, s1w, p2w, s2w) = (i32::from(p1), i32::from(s1), i32::from(p2), i32::from(s2));
    let result = match op {
        Op::Add | Op::Subtract => {
            let scale = s1w.max(s2w);
            adjust((p1w - s1w).max(p2w - s2w) + scale + 1, scale)
        }
        Op::Multiply => adjust(p1w + p2w + 1, s1w + s2w),
        Op::Divide => {
            let scale = 6.max(s1w + p2w + 1);
            adjust(p1w - s1w + s2w + scale, scale)
        }
        Op::Remainder | Op::PositiveModulo => {
            let scale = s1w.max(s2w);
            adjust((p1w - s1w).min(p2w - s2w) + scale, scale)
        }
        Op::IntegralDivide => adjust((p1w - s1w + s2w).max(1), 0),
    };
    let left = cast_expr::cast(left, &DataType::Decimal128(p1, s1), Mode::Ansi, zone)?;
    let right = cast_expr::cast(right, &DataType::Decimal128(p2, s2), Mode::Ansi, zone)?;
    let DataType::Decimal128(precision, scale) = result else {
        return Err(SparkError::internal("a decimal operation has no decimal type"));
    };
    let expr = kernel::call(
        op.symbol(),
        format!("decimal {mode:?}"),
        result.clone(),
        vec![left.expr, right.expr],
        move |args, _| decimal_kernel(op, &args[0], &args[1], (precision, scale), mode),
    );
    let typed = Typed::new(expr, result, name);
    if op == Op::IntegralDivide {
        cast_expr::cast(typed, &DataType::Int64, mode, zone)
    } else {
        Ok(typed)
    }
}

/// Runs a decimal operator exactly, in 256 bits, and rounds half up to the scale of the result.
///
/// # Errors
/// If a result has too many digits in ANSI mode, `NUMERIC_VALUE_OUT_OF_RANGE`; if a divisor is 0 then,
/// as in [`binary`].
fn decimal_kernel(
    op: Op,
    left: &ArrayRef,
    right: &ArrayRef,
    (precision, scale): (u8, i8),
    mode: Mode,
) -> DfResult<ArrayRef> {
    let scale_of = |t: &DataType| {
        if let DataType::Decimal128(_, s) = t {
            i32::from(*s)
        } else {
            0
        }
    };
    let (s1, s2) = (scale_of(left.data_type()), scale_of(right.data_type()));
    let (l, r) = (
        left.as_primitive::<Decimal128Type>(),
        right.as_primitive::<Decimal128Type>(),
    );
    let mut out = Decimal128Builder::with_capacity(l.len()).with_data_type(DataType::Decimal128(precision, scale));
    let limit = i256::from_i128(10i128.pow(u32::from(precision)));
    for (a, b) in l.iter().zip(r) {
        let (Some(a), Some(b)) = (a, b) else {
            out.append_null();
            continue;
        };
        let zero = b == 0 && !matches!(op, Op::Add | Op::Subtract | Op::Multiply);
        if zero && mode == Mode::Ansi {
            return Err(if matches!(op, Op::Divide | Op::IntegralDivide) {
                divide_by_zero()
            } else {
                remainder_by_zero()
            }
            .into());
        }
        let exact = if zero {
            None
        } else {
            exact(op, (a, s1), (b, s2), i32::from(scale))
        };
        match exact.filter(|v| v.wrapping_abs() < limit) {
            Some(v) => out.append_value(v.to_i128().unwrap_or_default()),
            None if mode == Mode::Ansi && !zero => {
                let text = format!(
                    "{} {} {}",
                    text::decimal(a, s1 as i8),
                    op.symbol(),
                    text::decimal(b, s2 as i8)
                );
                return Err(out_of_range(&text, precision, scale).into());
            }
            None => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// Returns the exact result at `scale`, rounded half up; `None` beyond 256 bits.
fn exact(op: Op, (a, s1): (i128, i32), (b, s2): (i128, i32), scale: i32) -> Option<i256> {
    let (a, b) = (i256::from_i128(a), i256::from_i128(b));
    let ten = |n: i32| i256::from_i128(10).checked_pow(u32::try_from(n).ok()?);
    let common = s1.max(s2);
    match op {
        Op::Multiply => rescale(a.checked_mul(b)?, s1 + s2, scale),
        Op::Divide | Op::IntegralDivide => {
            // One digit more than asked for, then round half up once.
            let shift = scale + 1 + s2 - s1;
            let (n, d) = if shift >= 0 {
                (a.checked_mul(ten(shift)?)?, b)
            } else {
                (a, b.checked_mul(ten(-shift)?)?)
            };
            let quotient = n.checked_div(d)?;
            if op == Op::IntegralDivide {
                quotient.checked_div(ten(1)?)
            } else {
                rescale(quotient, scale + 1, scale)
            }
        }
        _ => {
            let (x, y) = (a.checked_mul(ten(common - s1)?)?, b.checked_mul(ten(common - s2)?)?);
            let value = match op {
                Op::Add => x.checked_add(y)?,
                Op::Subtract => x.checked_sub(y)?,
                Op::Remainder => x.checked_rem(y)?,
                _ => {
                    let m = x.checked_rem(y)?;
                    if m < i256::ZERO {
                        m.checked_add(y)?.checked_rem(y)?
                    } else {
                        m
                    }
                }
            };
            rescale(value, common, scale)
        }
    }
}

/// Moves a decimal from one scale to another, rounded half up; `None` if it leaves 256 bits.
fn rescale(value: i256, from: i32, to: i32) -> Option<i256> {
    let ten = |n: i32| i256::from_i128(10).checked_pow(u32::try_from(n).ok()?);
    if to >= from {
        return value.checked_mul(ten(to - from)?);
    }
    let unit = ten(from - to)?;
    let half = unit.checked_div(i256::from_i128(2))?;
    let shifted = if value < i256::ZERO {
        value.checked_sub(half)?
    } else {
        value.checked_add(half)?
    };
    shifted.checked_div(unit)
}

/// Resolves unary minus; a literal is negated at once, and the least integer overflows under ANSI.
///
/// # Errors
/// If a string cannot be cast to DOUBLE. When it runs, `ARITHMETIC_OVERFLOW`.
pub fn negate(input: Typed, mode: Mode, zone: Zone) -> Result<Typed> {
    let name = format!("(- {})", input.name);
    let converted = is_string(&input.data_type) || input.data_type.is_null();
    if let (Some(value), false) = (input.literal(), converted)
        && let Ok(negated) = value.arithmetic_negate()
    {
        let data_type = input.data_type.clone();
        return Ok(Typed::new(Expr::Literal(negated, None), data_type, name));
    }
    let input = if converted {
        cast_expr::cast(input, &DataType::Float64, mode, zone)?
    } else {
        input
    };
    let data_type = input.data_type.clone();
    let expr = kernel::call(
        "negative",
        format!("{mode:?}"),
        data_type.clone(),
        vec![input.expr],
        move |args, _| match mode {
            Mode::Legacy => Ok(numeric::neg_wrapping(&args[0])?),
            _ => match numeric::neg(&args[0]) {
                Err(ArrowError::ArithmeticOverflow(_)) => {
                    Err(arithmetic_overflow(overflow_text(args[0].data_type())).into())
                }
                other => Ok(other?),
            },
        },
    );
    Ok(Typed::new(expr, data_type, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_division_rounds_half_up_at_the_result_scale() {
        assert_eq!(exact(Op::Divide, (10, 0), (3, 0), 4), Some(i256::from_i128(33_333)));
        assert_eq!(exact(Op::Divide, (20, 0), (3, 0), 4), Some(i256::from_i128(66_667)));
        assert_eq!(exact(Op::Divide, (-20, 0), (3, 0), 4), Some(i256::from_i128(-66_667)));
        assert_eq!(exact(Op::Multiply, (15, 1), (15, 1), 1), Some(i256::from_i128(23)));
    }

    #[test]
    fn integer_overflow_is_an_error_under_ansi_wraps_in_legacy_mode_and_is_null_when_tried() {
        let (a, b): (ArrayRef, ArrayRef) = (
            Arc::new(Int32Array::from(vec![i32::MAX, 1])),
            Arc::new(Int32Array::from(vec![1, 1])),
        );
        let error: SparkError = evaluate(Op::Add, &a, &b, Mode::Ansi).unwrap_err().into();
        assert_eq!(error.condition.as_deref(), Some("ARITHMETIC_OVERFLOW"));
        assert_eq!(
            evaluate(Op::Add, &a, &b, Mode::Legacy)
                .unwrap()
                .as_primitive::<Int32Type>()
                .value(0),
            i32::MIN
        );
        let tried = evaluate(Op::Add, &a, &b, Mode::Try).unwrap();
        assert!(tried.is_null(0) && tried.as_primitive::<Int32Type>().value(1) == 2);
    }
}
