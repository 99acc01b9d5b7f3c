//! `min` and `max` of structs and arrays, which are compared field by field, and of doubles.
//!
//! Each batch is brought into Arrow's row form once, whose bytes compare as the values do; a group keeps the bytes of its
//! best. State: the best value, null while none has come.
//!
//! Doubles within compare as Spark's do: NaN is one value, and the greatest; -0.0 equals 0.0. Of equal values the first stays,
//! as it came.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, new_null_array};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::row::{RowConverter, SortField};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{Accumulator, AggregateUDF, EmitTo, GroupsAccumulator};

use crate::kernels::aggregates::gather::{self, Keep};
use crate::kernels::aggregates::{Definition, Make, function};
use crate::values::floats::{has_floats, normalised};

/// Returns `max` if `greatest`, else `min`, of a type that is compared field by field, or of doubles; `None` for a type that is
/// compared as DataFusion does, or not at all.
pub fn extreme(of: &DataType, greatest: bool) -> Option<Arc<AggregateUDF>> {
    let is_nested = matches!(of, DataType::Struct(_) | DataType::List(_));
    let is_compared = is_nested && RowConverter::supports_fields(&[SortField::new(of.clone())]);
    if !is_compared && !matches!(of, DataType::Float32 | DataType::Float64) {
        return None;
    }
    let (one, many) = (of.clone(), of.clone());
    Some(function(Definition {
        name: if greatest { "max" } else { "min" },
        options: String::new(),
        to: of.clone(),
        state: vec![of.clone()],
        make: Arc::new(move || Box::new(One(best(&one, greatest)))),
        groups: Some(Arc::new(move || Box::new(Many(best(&many, greatest))))),
        sliding: Some(sliding(of, greatest)),
    }))
}

/// Returns the best values of no groups.
fn best(of: &DataType, greatest: bool) -> Box<dyn Extreme> {
    match of {
        DataType::Float32 => Box::new(Numbers::<Float32Type>::new(greatest)),
        DataType::Float64 => Box::new(Numbers::<Float64Type>::new(greatest)),
        _ => Box::new(Best::new(of, greatest)),
    }
}

/// Returns what makes an accumulator that can take rows back: it keeps the rows of its window.
fn sliding(of: &DataType, greatest: bool) -> Make {
    let finish = of.clone();
    let keep = Keep {
        nulls: false,
        distinct: false,
    };
    let best_of = move |columns: &[ArrayRef]| {
        let mut best = One(best(&finish, greatest));
        best.update_batch(columns)?;
        best.evaluate()
    };
    gather::make(std::slice::from_ref(of), keep, Arc::new(best_of))
}

/// The best values of many groups.
struct Best {
    /// The type of the values.
    of: DataType,
    /// Whether greater values are better.
    greatest: bool,
    /// Turns values into bytes; made when the first come.
    converter: Option<RowConverter>,
    /// The bytes of each group's best; empty before the first.
    best: Vec<Vec<u8>>,
    /// The same with doubles normalised, where the type has any: what is compared.
    ranks: Option<Vec<Vec<u8>>>,
}

impl fmt::Debug for Best {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} groups of {}", self.best.len(), self.of)
    }
}

impl Best {
    fn new(of: &DataType, greatest: bool) -> Self {
        Self {
            of: of.clone(),
            greatest,
            converter: None,
            best: vec![],
            ranks: has_floats(of).then(Vec::new),
        }
    }

    /// Takes in values that are not null, and for which the filter is true, of the groups that they belong to.
    fn take(&mut self, values: &ArrayRef, groups: &[usize], filter: Option<&BooleanArray>, total: usize) -> Result<()> {
        self.best.resize_with(total.max(self.best.len()), Vec::new);
        let converter = match self.converter.take() {
            Some(converter) => converter,
            None => RowConverter::new(vec![SortField::new(self.of.clone())])?,
        };
        let rows = converter.convert_columns(std::slice::from_ref(values))?;
        let ranked = match &mut self.ranks {
            Some(ranks) => {
                ranks.resize_with(self.best.len(), Vec::new);
                Some((converter.convert_columns(&[normalised(values)?])?, ranks))
            }
            None => None,
        };
        let counts = |row: usize| values.is_valid(row) && filter.is_none_or(|f| f.is_valid(row) && f.value(row));
        let counted = groups.iter().enumerate().filter(|(row, _)| counts(*row));
        let better = |found: &[u8], best: &[u8]| {
            let order = found.cmp(best);
            best.is_empty() || (order.is_gt() && self.greatest) || (order.is_lt() && !self.greatest)
        };
        let replace = |best: &mut Vec<u8>, found: &[u8]| {
            best.clear();
            best.extend_from_slice(found);
        };
        match ranked {
            None => {
                for (row, group) in counted {
                    let (found, best) = (rows.row(row), &mut self.best[*group]);
                    if better(found.as_ref(), best) {
                        replace(best, found.as_ref());
                    }
                }
            }
            Some((ranked, ranks)) => {
                for (row, group) in counted {
                    let (found, best) = (ranked.row(row), &mut ranks[*group]);
                    if better(found.as_ref(), best) {
                        replace(best, found.as_ref());
                        replace(&mut self.best[*group], rows.row(row).as_ref());
                    }
                }
            }
        }
        self.converter = Some(converter);
        Ok(())
    }
}

impl Extreme for Best {
    fn take_in(&mut self, values: &ArrayRef, to: To<'_>) -> Result<()> {
        self.take(values, to.groups, to.filter, to.total)
    }

    /// Returns the best of the first groups, or of all, which are forgotten then; null where none has come.
    fn emit(&mut self, which: EmitTo) -> Result<ArrayRef> {
        let best = which.take_needed(&mut self.best);
        if let Some(ranks) = &mut self.ranks {
            which.take_needed(ranks);
        }
        let Some(converter) = &self.converter else {
            return Ok(new_null_array(&self.of, best.len()));
        };
        let nulls = converter.convert_columns(&[new_null_array(&self.of, 1)])?;
        let null = nulls.row(0);
        let parser = converter.parser();
        let rows = best
            .iter()
            .map(|bytes| if bytes.is_empty() { null } else { parser.parse(bytes) });
        let mut columns = converter.convert_rows(rows)?;
        Ok(columns.swap_remove(0))
    }

    fn size_bytes(&self) -> usize {
        let all = self.best.iter().chain(self.ranks.iter().flatten());
        all.map(|b| b.capacity() + size_of::<Vec<u8>>()).sum()
    }
}

/// Returns whether a number is greater than another, NaN greater than all; 0.0 is not greater than -0.0
/// (`SQLOrderingUtil.compareDoubles`).
pub fn is_greater<N: PartialOrd>(new: N, old: N) -> bool {
    let is_nan = |n: &N| n.partial_cmp(n).is_none();
    new > old || (is_nan(&new) && !is_nan(&old))
}

/// Returns whether a number is less than another, NaN less than none.
pub fn is_less<N: PartialOrd>(new: N, old: N) -> bool {
    is_greater(old, new)
}

/// The best numbers of many groups: DataFusion's lose infinities and let a NaN's successor win.
struct Numbers<T: ArrowPrimitiveType> {
    /// Returns whether the first is to take the place of the second.
    better: fn(T::Native, T::Native) -> bool,
    /// The best of each group, if one has come.
    best: Vec<Option<T::Native>>,
}

impl<T: ArrowPrimitiveType> Numbers<T> {
    fn new(greatest: bool) -> Self {
        Self {
            better: if greatest { is_greater } else { is_less },
            best: vec![],
        }
    }
}

impl<T: ArrowPrimitiveType> fmt::Debug for Numbers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} groups of {}", self.best.len(), T::DATA_TYPE)
    }
}

impl<T: ArrowPrimitiveType> Extreme for Numbers<T> {
    fn take_in(&mut self, values: &ArrayRef, to: To<'_>) -> Result<()> {
        self.best.resize(to.total.max(self.best.len()), None);
        let values = values.as_primitive::<T>();
        for (row, group) in to.groups.iter().enumerate().filter(|(row, _)| to.counts(values, *row)) {
            let (found, best) = (values.value(row), &mut self.best[*group]);
            if best.is_none_or(|best| (self.better)(found, best)) {
                *best = Some(found);
            }
        }
        Ok(())
    }

    fn emit(&mut self, which: EmitTo) -> Result<ArrayRef> {
        let best = which.take_needed(&mut self.best);
        Ok(Arc::new(best.into_iter().collect::<PrimitiveArray<T>>()))
    }

    fn size_bytes(&self) -> usize {
        self.best.capacity() * size_of::<Option<T::Native>>()
    }
}

/// Rows that values belong to.
#[derive(Clone, Copy)]
struct To<'a> {
    /// The group of each.
    groups: &'a [usize],
    /// Which rows count; `None` for all.
    filter: Option<&'a BooleanArray>,
    /// How many groups there are.
    total: usize,
}

impl To<'_> {
    /// Returns whether a row counts: its value is not null, and the filter is true.
    fn counts(&self, values: &dyn Array, row: usize) -> bool {
        values.is_valid(row) && self.filter.is_none_or(|f| f.is_valid(row) && f.value(row))
    }
}

/// The best values of many groups, of one kind.
trait Extreme: fmt::Debug + Send + Sync {
    /// Takes in values that count.
    fn take_in(&mut self, values: &ArrayRef, to: To<'_>) -> Result<()>;

    /// Returns the best of the first groups, or of all, which are forgotten then; null where none has come.
    fn emit(&mut self, which: EmitTo) -> Result<ArrayRef>;

    /// Returns the bytes that they take, about.
    fn size_bytes(&self) -> usize;
}

/// Many groups, for DataFusion.
#[derive(Debug)]
struct Many(Box<dyn Extreme>);

impl GroupsAccumulator for Many {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let to = To { groups, filter, total };
        self.0.take_in(&values[0], to)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.update_batch(states, groups, None, total)
    }

    fn evaluate(&mut self, which: EmitTo) -> Result<ArrayRef> {
        self.0.emit(which)
    }

    fn state(&mut self, which: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.0.emit(which)?])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let Some(filter) = filter else {
            return Ok(values.to_vec());
        };
        let left_out: BooleanArray = filter.iter().map(|wanted| Some(wanted != Some(true))).collect();
        Ok(vec![nullif(&values[0], &left_out)?])
    }

    fn size(&self) -> usize {
        self.0.size_bytes()
    }
}

/// The best value of one group.
#[derive(Debug)]
struct One(Box<dyn Extreme>);

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let to = To {
            groups: &vec![0; values[0].len()],
            filter: None,
            total: 1,
        };
        self.0.take_in(&values[0], to)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        // There is a group, though no value may have come; and it goes on with what it had.
        let to = To {
            groups: &[],
            filter: None,
            total: 1,
        };
        let value = self.0.emit(EmitTo::All)?;
        self.0.take_in(&value.slice(0, 0), to)?;
        self.update_batch(std::slice::from_ref(&value))?;
        if value.is_empty() {
            return ScalarValue::try_from(value.data_type());
        }
        ScalarValue::try_from_array(&value, 0)
    }

    fn size(&self) -> usize {
        self.0.size_bytes()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float32Array, Float64Array};

    use super::*;

    /// Groups 0 to 5 of doubles: −∞, ∞, NaN then 1, 1 then NaN, −0.0 then 0.0, null.
    const DOUBLES: [(usize, Option<f64>); 9] = [
        (0, Some(f64::NEG_INFINITY)),
        (1, Some(f64::INFINITY)),
        (2, Some(f64::NAN)),
        (2, Some(1.0)),
        (3, Some(1.0)),
        (3, Some(f64::NAN)),
        (4, Some(-0.0)),
        (4, Some(0.0)),
        (5, None),
    ];

    /// Returns the extremes of the groups, as text: of two halves that are merged.
    fn of(values: &ArrayRef, greatest: bool) -> Vec<String> {
        let groups: Vec<usize> = DOUBLES.iter().map(|(group, _)| *group).collect();
        let mut whole = Many(best(values.data_type(), greatest));
        for half in [0..3, 3..9] {
            let mut part = Many(best(values.data_type(), greatest));
            let slice = values.slice(half.start, half.len());
            part.update_batch(&[slice], &groups[half], None, 6).unwrap();
            let states = part.state(EmitTo::All).unwrap();
            whole.merge_batch(&states, &[0, 1, 2, 3, 4, 5], 6).unwrap();
        }
        let found = whole.evaluate(EmitTo::All).unwrap();
        (0..6)
            .map(|row| ScalarValue::try_from_array(&found, row).unwrap().to_string())
            .collect()
    }

    #[test]
    fn extremes_of_doubles_are_sparks() {
        let wide: ArrayRef = Arc::new(DOUBLES.iter().map(|(_, x)| *x).collect::<Float64Array>());
        let narrow: ArrayRef = Arc::new(
            DOUBLES
                .iter()
                .map(|(_, x)| x.map(|x| x as f32))
                .collect::<Float32Array>(),
        );
        // What Spark 4.3 answers, grouped.
        for values in [wide, narrow] {
            assert_eq!(of(&values, true), ["-inf", "inf", "NaN", "NaN", "-0", "NULL"]);
            assert_eq!(of(&values, false), ["-inf", "inf", "1", "1", "-0", "NULL"]);
        }
    }

    #[test]
    fn one_group_goes_on_after_it_was_asked() {
        for (values, wanted) in [(vec![], "NULL"), (vec![2.0, 1.0], "2")] {
            let mut one = One(best(&DataType::Float64, true));
            assert_eq!(one.evaluate().unwrap().to_string(), "NULL");
            one.update_batch(&[Arc::new(Float64Array::from(values))]).unwrap();
            assert_eq!(one.evaluate().unwrap().to_string(), wanted);
            assert_eq!(one.evaluate().unwrap().to_string(), wanted);
        }
    }
}
