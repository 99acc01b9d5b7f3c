//! `sum` of integers and decimals: overflow is an error (ANSI), wraps (legacy) or gives null (`try_sum`).
//!
//! State: the sum, null while no value has come; and whether it has overflowed for good.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray};
use arrow::datatypes::{ArrowNativeType, DataType, Decimal128Type, Int64Type};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{Accumulator, AggregateUDF, EmitTo, GroupsAccumulator};

use crate::error::{SparkError, arithmetic_overflow};
use crate::kernels::aggregates::{Definition, function};
use crate::values::cast::Mode;

/// `to` is BIGINT or a decimal; the argument has the same width.
pub fn sum(to: &DataType, mode: Mode) -> Arc<AggregateUDF> {
    match to {
        DataType::Decimal128(..) => make::<Decimal128Type>(to, mode),
        _ => make::<Int64Type>(to, mode),
    }
}

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

fn overflow() -> SparkError {
    let mut error = arithmetic_overflow("overflow");
    error.parameters.insert(
        "alternative".into(),
        "Use 'try_sum' to tolerate overflow and return NULL instead.".into(),
    );
    error
}

/// Whether a sum fits its type: an i128 holds more than a decimal's digits.
fn fits<T: ArrowPrimitiveType + std::fmt::Debug>(value: T::Native, to: &DataType) -> bool {
    let DataType::Decimal128(precision, _) = to else {
        return true;
    };
    let limit = T::Native::from_usize(10).and_then(|ten| ten.pow_checked(u32::from(*precision)).ok());
    limit.is_none_or(|limit| value.is_lt(limit) && value.is_gt(limit.neg_wrapping()))
}

#[derive(Debug)]
struct One<T: ArrowPrimitiveType + std::fmt::Debug> {
    sum: Option<T::Native>,
    failed: bool,
    /// Values in the sum, for windows that slide.
    count: i64,
    to: DataType,
    mode: Mode,
}

/// Adds by the mode; none where the sum is lost.
fn add<N: ArrowNativeTypeOp>(a: N, b: N, mode: Mode) -> Result<Option<N>> {
    match mode {
        Mode::Legacy => Ok(Some(a.add_wrapping(b))),
        Mode::Try => Ok(a.add_checked(b).ok()),
        Mode::Ansi => a.add_checked(b).map(Some).map_err(|_| overflow().into()),
    }
}

impl<T: ArrowPrimitiveType + std::fmt::Debug> One<T> {
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

    fn value(&self) -> Result<Option<T::Native>> {
        match self.sum {
            _ if self.failed => Ok(None),
            Some(sum) if !fits::<T>(sum, &self.to) => {
                if self.mode == Mode::Ansi {
                    Err(overflow().into())
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

#[derive(Debug)]
struct Many<T: ArrowPrimitiveType + std::fmt::Debug> {
    sums: Vec<T::Native>,
    seen: Vec<bool>,
    failed: Vec<bool>,
    to: DataType,
    mode: Mode,
}

impl<T: ArrowPrimitiveType + std::fmt::Debug> Many<T> {
    fn grow(&mut self, total: usize) {
        self.sums.resize(total, T::Native::default());
        self.seen.resize(total, false);
        self.failed.resize(total, false);
    }

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
