//! `sum` of integers and decimals: overflow is an error (ANSI), wraps (legacy) or results in null
//! (`try_sum`).
//!
//! State: the sum, null while no value has come; and whether it has overflowed for good.
//!
//! The flag is what makes `try_sum` independent of the order of rows as far as it can be: once a
//! partial sum has left its 128 or 64 bits, the whole is null, whatever is merged into it later. A
//! decimal is checked against its precision only at the end, because a sum may leave it and come back.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, BooleanArray, Decimal128Array, PrimitiveArray,
};
use arrow::datatypes::{ArrowNativeType, DataType, Decimal128Type, Int64Type};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{Accumulator, AggregateUDF, EmitTo, GroupsAccumulator};

use crate::error::{SparkError, arithmetic_overflow};
use crate::kernels::aggregates::{Definition, function};
use crate::values::cast::{Mode, out_of_range};
use crate::values::text;

/// Returns the sum with result type `to`, BIGINT or a decimal; the argument has the same width.
///
/// Null if there are no values that are not null.
///
/// # Errors
/// When it runs in ANSI mode, `ARITHMETIC_OVERFLOW` if the sum overflows, `NUMERIC_VALUE_OUT_OF_RANGE` if it has too many digits.
pub fn sum(to: &DataType, mode: Mode) -> Arc<AggregateUDF> {
    match to {
        DataType::Decimal128(..) => make::<Decimal128Type>(to, mode),
        _ => make::<Int64Type>(to, mode),
    }
}

/// Makes the function for one Arrow type, with an accumulator for a single group and one for many.
fn make<T: ArrowPrimitiveType + std::fmt::Debug>(to: &DataType, mode: Mode) -> Arc<AggregateUDF> {
    let (one, many) = (to.clone(), to.clone());
    function(Definition {
        name: "sum",
        options: format!("{mode:?}"),
        to: to.clone(),
        state: vec![to.clone(), DataType::Boolean],
        make: Arc::new(move || {
            Box::new(One::<T> {
                sum: None,
                failed: false,
                count: 0,
                to: one.clone(),
                mode,
            })
        }),
        groups: Some(Arc::new(move || {
            Box::new(Many::<T> {
                sums: vec![],
                seen: vec![],
                failed: vec![],
                to: many.clone(),
                mode,
            })
        })),
        sliding: None,
    })
}

/// Returns what overflow does in a BIGINT sum that [`sum`] made; `None` for another function.
pub fn mode_of(function: &AggregateUDF) -> Option<Mode> {
    let modes = [Mode::Legacy, Mode::Try, Mode::Ansi];
    modes
        .into_iter()
        .find(|mode| *sum(&DataType::Int64, *mode) == *function)
}

/// Makes the error of a sum that does not fit, which suggests `try_sum`.
pub fn overflow() -> SparkError {
    let mut error = arithmetic_overflow("overflow");
    error.parameters.insert(
        "alternative".into(),
        "Use 'try_sum' to tolerate overflow and return NULL instead.".into(),
    );
    error
}

/// Makes the error of a sum of decimals that has more digits than its type.
fn too_wide<T: ArrowPrimitiveType + std::fmt::Debug>(sum: T::Native, to: &DataType) -> SparkError {
    let whole = PrimitiveArray::<T>::from_value(sum, 1);
    match (whole.as_any().downcast_ref::<Decimal128Array>(), to) {
        (Some(sum), DataType::Decimal128(precision, scale)) => {
            out_of_range(&text::decimal(sum.value(0), *scale), *precision, *scale)
        }
        _ => overflow(),
    }
}

/// Returns whether a sum fits its type: an i128 holds more than a decimal's digits.
fn fits<T: ArrowPrimitiveType + std::fmt::Debug>(value: T::Native, to: &DataType) -> bool {
    let DataType::Decimal128(precision, _) = to else {
        return true;
    };
    let limit = T::Native::from_usize(10).and_then(|ten| ten.pow_checked(u32::from(*precision)).ok());
    limit.is_none_or(|limit| value.is_lt(limit) && value.is_gt(limit.neg_wrapping()))
}

/// The sum of one group.
#[derive(Debug)]
struct One<T: ArrowPrimitiveType + std::fmt::Debug> {
    /// The sum; `None` while no value has come.
    sum: Option<T::Native>,
    /// Whether it has overflowed for good.
    failed: bool,
    /// How many values are in the sum, for windows that slide.
    count: i64,
    /// The type of the result.
    to: DataType,
    /// What overflow does.
    mode: Mode,
}

/// Adds by the mode; `None` if the sum is lost.
///
/// # Errors
/// If the sum overflows in ANSI mode, `ARITHMETIC_OVERFLOW`.
fn add<N: ArrowNativeTypeOp>(a: N, b: N, mode: Mode) -> Result<Option<N>> {
    match mode {
        Mode::Legacy => Ok(Some(a.add_wrapping(b))),
        Mode::Try => Ok(a.add_checked(b).ok()),
        Mode::Ansi => a.add_checked(b).map(Some).map_err(|_| overflow().into()),
    }
}

impl<T: ArrowPrimitiveType + std::fmt::Debug> One<T> {
    /// Adds the values that are not null.
    fn take_in(&mut self, values: &PrimitiveArray<T>) -> Result<()> {
        for value in values.iter().flatten() {
            self.count += 1;
            match add(self.sum.unwrap_or_default(), value, self.mode)? {
                Some(sum) => self.sum = Some(sum),
                None => self.failed = true,
            }
        }
        Ok(())
    }

    /// Returns the sum, if it did not overflow and fits its type.
    ///
    /// # Errors
    /// If it does not fit in ANSI mode, `ARITHMETIC_OVERFLOW`.
    fn value(&self) -> Result<Option<T::Native>> {
        match self.sum {
            _ if self.failed => Ok(None),
            Some(sum) if !fits::<T>(sum, &self.to) => {
                if self.mode == Mode::Ansi {
                    Err(too_wide::<T>(sum, &self.to).into())
                } else {
                    Ok(None)
                }
            }
            sum => Ok(sum),
        }
    }
}

impl<T: ArrowPrimitiveType + std::fmt::Debug> Accumulator for One<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.take_in(values[0].as_primitive::<T>())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.failed |= states[1].as_boolean().true_count() > 0;
        self.take_in(states[0].as_primitive::<T>())
    }

    /// Takes out values that leave a window; without any left, the sum is null again.
    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<T>().iter().flatten() {
            self.count -= 1;
            self.sum = if self.count == 0 {
                None
            } else {
                self.sum.map(|s| s.sub_wrapping(value))
            };
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![
            ScalarValue::new_primitive::<T>(self.sum, &self.to)?,
            ScalarValue::Boolean(Some(self.failed)),
        ])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::new_primitive::<T>(self.value()?, &self.to)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// The sums of many groups, side by side: one entry per group in each list.
#[derive(Debug)]
struct Many<T: ArrowPrimitiveType + std::fmt::Debug> {
    /// The sums.
    sums: Vec<T::Native>,
    /// Which groups have had a value.
    seen: Vec<bool>,
    /// Which groups have overflowed for good.
    failed: Vec<bool>,
    /// The type of the result.
    to: DataType,
    /// What overflow does.
    mode: Mode,
}

impl<T: ArrowPrimitiveType + std::fmt::Debug> Many<T> {
    /// Makes room for `total` groups.
    fn grow(&mut self, total: usize) {
        self.sums.resize(total, T::Native::default());
        self.seen.resize(total, false);
        self.failed.resize(total, false);
    }

    /// Adds each value to its row's group; rows that the filter does not keep are skipped, a null filter
    /// among them.
    fn take_in(&mut self, values: &PrimitiveArray<T>, groups: &[usize], filter: Option<&BooleanArray>) -> Result<()> {
        for (row, group) in groups.iter().enumerate() {
            if values.is_null(row) || filter.is_some_and(|f| !f.is_valid(row) || !f.value(row)) {
                continue;
            }
            self.seen[*group] = true;
            match add(self.sums[*group], values.value(row), self.mode)? {
                Some(sum) => self.sums[*group] = sum,
                None => self.failed[*group] = true,
            }
        }
        Ok(())
    }

    /// Takes sums and flags of the first groups, or of all, out of the accumulator.
    fn emit(&mut self, emit: EmitTo) -> (PrimitiveArray<T>, Vec<bool>) {
        let (sums, seen, failed) = (
            emit.take_needed(&mut self.sums),
            emit.take_needed(&mut self.seen),
            emit.take_needed(&mut self.failed),
        );
        let values = sums.into_iter().zip(seen).map(|(sum, seen)| seen.then_some(sum));
        (
            values.collect::<PrimitiveArray<T>>().with_data_type(self.to.clone()),
            failed,
        )
    }
}

impl<T: ArrowPrimitiveType + std::fmt::Debug> GroupsAccumulator for Many<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        self.take_in(values[0].as_primitive::<T>(), groups, filter)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        for (failed, group) in states[1].as_boolean().iter().zip(groups) {
            self.failed[*group] |= failed == Some(true);
        }
        self.take_in(states[0].as_primitive::<T>(), groups, None)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let (sums, failed) = self.emit(emit);
        let mut values = Vec::with_capacity(sums.len());
        for (sum, failed) in sums.iter().zip(failed) {
            values.push(match sum {
                Some(sum) if !failed && fits::<T>(sum, &self.to) => Some(sum),
                Some(sum) if self.mode == Mode::Ansi && !failed => return Err(too_wide::<T>(sum, &self.to).into()),
                Some(_) if self.mode == Mode::Ansi => return Err(overflow().into()),
                _ => None,
            });
        }
        Ok(Arc::new(
            values
                .into_iter()
                .collect::<PrimitiveArray<T>>()
                .with_data_type(self.to.clone()),
        ))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let (sums, failed) = self.emit(emit);
        Ok(vec![Arc::new(sums), Arc::new(BooleanArray::from(failed))])
    }

    /// Makes a state of each row by itself, for when grouping first does not pay.
    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let input = values[0].as_primitive::<T>();
        let kept = (0..input.len())
            .map(|i| (input.is_valid(i) && filter.is_none_or(|f| f.is_valid(i) && f.value(i))).then(|| input.value(i)));
        let sums: PrimitiveArray<T> = kept.collect();
        let failed = BooleanArray::from(vec![false; input.len()]);
        Ok(vec![Arc::new(sums.with_data_type(self.to.clone())), Arc::new(failed)])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<T::Native>() + self.seen.capacity() + self.failed.capacity()
    }
}
