//! `min` and `max` of structs and arrays, which are compared field by field.
//!
//! Each batch is brought into Arrow's row form once, whose bytes compare as the values do; a group keeps the bytes of its
//! best. State: the best value, null while none has come.
//!
//! Doubles within compare as Spark's do: NaN is one value, and the greatest; -0.0 equals 0.0. Of equal values the first stays,
//! as it came.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow::compute::nullif;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{Accumulator, AggregateUDF, EmitTo, GroupsAccumulator};

use crate::kernels::aggregates::gather::{self, Keep};
use crate::kernels::aggregates::{Definition, Make, function};
use crate::values::floats::{has_floats, normalised};

/// Returns `max` if `greatest`, else `min`, of a type that is compared field by field; `None` for a type that is compared as
/// a whole, or not at all.
pub fn extreme(of: &DataType, greatest: bool) -> Option<Arc<AggregateUDF>> {
    let is_nested = matches!(of, DataType::Struct(_) | DataType::List(_));
    if !is_nested || !RowConverter::supports_fields(&[SortField::new(of.clone())]) {
        return None;
    }
    let many = of.clone();
    Some(function(Definition {
        name: if greatest { "max" } else { "min" },
        options: String::new(),
        to: of.clone(),
        state: vec![of.clone()],
        make: one(of, greatest),
        groups: Some(Arc::new(move || Box::new(Best::new(&many, greatest)))),
        sliding: Some(sliding(of, greatest)),
    }))
}

/// Returns what makes an accumulator of one group: that of many, with one.
fn one(of: &DataType, greatest: bool) -> Make {
    let of = of.clone();
    Arc::new(move || Box::new(One(Best::new(&of, greatest))))
}

/// Returns what makes an accumulator that can take rows back: it keeps the rows of its window.
fn sliding(of: &DataType, greatest: bool) -> Make {
    let finish = of.clone();
    let keep = Keep {
        nulls: false,
        distinct: false,
    };
    let best_of = move |columns: &[ArrayRef]| {
        let mut best = Best::new(&finish, greatest);
        best.take_in(&columns[0], &vec![0; columns[0].len()], None, 1)?;
        ScalarValue::try_from_array(&best.emit(EmitTo::All)?, 0)
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
    fn take_in(
        &mut self,
        values: &ArrayRef,
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
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
}

impl GroupsAccumulator for Best {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.take_in(&values[0], groups, filter, total)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.take_in(&states[0], groups, None, total)
    }

    fn evaluate(&mut self, which: EmitTo) -> Result<ArrayRef> {
        self.emit(which)
    }

    fn state(&mut self, which: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(which)?])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let Some(filter) = filter else {
            return Ok(values.to_vec());
        };
        let left_out: BooleanArray = filter.iter().map(|wanted| Some(wanted != Some(true))).collect();
        Ok(vec![nullif(&values[0], &left_out)?])
    }

    fn size(&self) -> usize {
        let all = self.best.iter().chain(self.ranks.iter().flatten());
        all.map(|b| b.capacity() + size_of::<Vec<u8>>()).sum()
    }
}

/// The best value of one group.
#[derive(Debug)]
struct One(Best);

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.take_in(&values[0], &vec![0; values[0].len()], None, 1)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.best.resize_with(1, Vec::new);
        let (best, ranks) = (self.0.best.clone(), self.0.ranks.clone());
        let value = self.0.emit(EmitTo::All)?;
        (self.0.best, self.0.ranks) = (best, ranks);
        ScalarValue::try_from_array(&value, 0)
    }

    fn size(&self) -> usize {
        GroupsAccumulator::size(&self.0)
    }
}
