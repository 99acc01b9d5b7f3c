//! Functions of maps that take a lambda: `transform_keys`, `transform_values`, `map_filter`,
//! `map_zip_with`.
//!
//! A lambda runs once over the entries of all rows of a batch, as for arrays (see
//! [`super::super::lambda`]).
//!
//! ```text
//! map_zip_with(map(1, 'a'), map(1, 'x', 2, 'y'), f)    f(1, 'a', 'x'), f(2, null, 'y')
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;
use arrow::row::OwnedRow;

use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::functions::entry::Form;
use crate::plan::functions::error::unexpected_type;
use crate::plan::functions::lambda::body::{self, repeated};
use crate::plan::functions::lambda::higher_order::{kept, predicate};
use crate::plan::functions::list::{ListMaker, map_span};
use crate::plan::functions::map::maps::{Dedup, build};
use crate::plan::scope::{Resolved, Typed};
use crate::plan::{cast_expr, coercion};
use crate::proto as sc;
use crate::values::floats::comparable;
use crate::values::types::{map_of, map_types};

/// What kernels return.
type DfResult<T> = datafusion_common::Result<T>;

/// The entries of a map column, flattened.
struct Entries {
    /// All keys.
    keys: ArrayRef,
    /// All values.
    values: ArrayRef,
    /// The row of each entry.
    rows: UInt32Array,
    /// How many entries each row has; 0 for null maps.
    lengths: Vec<usize>,
    /// Which rows are not null.
    valid: Vec<bool>,
}

impl Entries {
    /// Flattens a map column; entries below null maps are left out.
    fn new(map: &MapArray) -> DfResult<Self> {
        let valid: Vec<bool> = (0..map.len()).map(|r| map.is_valid(r)).collect();
        let lengths: Vec<usize> = (0..map.len())
            .map(|r| if valid[r] { map.value_length(r) as usize } else { 0 })
            .collect();
        let at = (0..map.len())
            .filter(|r| valid[*r])
            .flat_map(|r| map_span(map, r))
            .map(|i| i as u32);
        let at = UInt32Array::from_iter_values(at);
        let rows = UInt32Array::from_iter_values(
            lengths
                .iter()
                .enumerate()
                .flat_map(|(r, n)| std::iter::repeat_n(r as u32, *n)),
        );
        Ok(Self {
            keys: arrow::compute::take(map.keys(), &at, None)?,
            values: arrow::compute::take(map.values(), &at, None)?,
            rows,
            lengths,
            valid,
        })
    }

    /// Keeps the entries for which an answer is true; null is not.
    fn retain(&mut self, answers: &ArrayRef) -> DfResult<()> {
        let keep = kept(answers);
        let mut at = 0;
        for length in &mut self.lengths {
            let kept = (at..at + *length).filter(|i| keep.value(*i)).count();
            at += *length;
            *length = kept;
        }
        self.keys = arrow::compute::filter(&self.keys, &keep)?;
        self.values = arrow::compute::filter(&self.values, &keep)?;
        Ok(())
    }

    /// Returns a map column of the type `to`; the keys are those of maps, so that none is null or there
    /// twice.
    fn into_maps(self, to: &DataType) -> DfResult<ArrayRef> {
        let not_a_map = || SparkError::internal(format!("expected a map type, found {to}"));
        let DataType::Map(field, sorted) = to else {
            return Err(not_a_map().into());
        };
        let DataType::Struct(fields) = field.data_type() else {
            return Err(not_a_map().into());
        };
        let inner = StructArray::try_new(fields.clone(), vec![self.keys, self.values], None)?;
        Ok(Arc::new(MapArray::try_new(
            field.clone(),
            OffsetBuffer::from_lengths(self.lengths),
            inner,
            Some(self.valid.into()),
            *sorted,
        )?))
    }
}

/// Resolves the argument, which must be a map, with the types of its keys and values.
///
/// # Errors
/// If it is not a map, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
fn map_argument(
    analyzer: &mut Analyzer,
    name: &str,
    argument: &sc::Expression,
    scope: &Resolved,
) -> Result<(Typed, DataType, DataType)> {
    let map = analyzer.expression(argument, scope)?;
    match map.data_type.clone() {
        DataType::Map(entries, _) => {
            let (key, value) = map_types(&entries);
            Ok((map, key, value))
        }
        _ => Err(unexpected_type(&format!("{name}({})", map.name), 1, &map, &["MAP"])),
    }
}

/// What a lambda's answers change about the entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// They are the new keys, which are checked again.
    Keys,
    /// They are the new values.
    Values,
    /// They say which entries stay.
    Filter,
}

/// Resolves `transform_keys` (`TransformKeys`).
///
/// When it runs, a new key that is null or there twice is an error.
pub fn transform_keys(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    over_entries(analyzer, form, Change::Keys)
}

/// Resolves `transform_values` (`TransformValues`).
pub fn transform_values(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    over_entries(analyzer, form, Change::Values)
}

/// Resolves `map_filter` (`MapFilter`).
pub fn map_filter(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    over_entries(analyzer, form, Change::Filter)
}

/// Resolves the three: a lambda of key and value over all entries of a batch.
fn over_entries(analyzer: &mut Analyzer, form: &Form<'_>, change: Change) -> Result<Typed> {
    let (name, scope) = (form.name, form.scope);
    let (map, key, value) = map_argument(analyzer, name, &form.args[0], scope)?;
    let mut lambda = analyzer.lambda(name, &form.args[1], &[key.clone(), value.clone()], 2, scope)?;
    if change == Change::Filter {
        lambda = predicate(analyzer, name, lambda)?;
    }
    let made = lambda.body.data_type.clone();
    let to = match change {
        Change::Keys => map_of(made, value),
        Change::Values => map_of(key, made),
        Change::Filter => map.data_type.clone(),
    };
    let (compiled, captured) = analyzer.compile(&lambda, scope)?;
    let label = format!("{name}({}, {})", map.name, lambda.label());
    let (result, dedup) = (to.clone(), analyzer.context().dedup());
    let exprs = std::iter::once(map.expr).chain(captured).collect();
    Ok(body::call(name, &to, &[&lambda], exprs, label, move |args, _| {
        let mut entries = Entries::new(args[0].as_map())?;
        let mut columns = vec![entries.keys.clone(), entries.values.clone()];
        columns.extend(repeated(&args[1..], &entries.rows)?);
        let made = compiled.evaluate(columns, entries.keys.len())?;
        match change {
            Change::Keys => return build(&made, &entries.values, &entries.lengths, entries.valid, &result, dedup),
            Change::Values => entries.values = made,
            Change::Filter => entries.retain(&made)?,
        }
        entries.into_maps(&result)
    }))
}

/// Resolves `map_zip_with` (`MapZipWith`): null if a map is null.
///
/// # Errors
/// If the keys do not have a common type, `DATATYPE_MISMATCH.MAP_ZIP_WITH_DIFF_TYPES`.
pub fn map_zip_with(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    let (name, scope) = (form.name, form.scope);
    let (a, key, x) = map_argument(analyzer, name, &form.args[0], scope)?;
    let (b, other, y) = map_argument(analyzer, name, &form.args[1], scope)?;
    let common = coercion::widen(&key, &other).ok_or_else(|| {
        SparkError::analysis(
            "DATATYPE_MISMATCH.MAP_ZIP_WITH_DIFF_TYPES",
            "42K09",
            "Input to the `map_zip_with` should have been two maps with compatible key types.",
        )
    })?;
    let names = format!("{}, {}", a.name, b.name);
    let (mode, zone) = (analyzer.mode(), analyzer.zone);
    let a = cast_expr::cast(a, &map_of(common.clone(), x.clone()), mode, zone)?;
    let b = cast_expr::cast(b, &map_of(common.clone(), y.clone()), mode, zone)?;
    let lambda = analyzer.lambda(name, &form.args[2], &[common.clone(), x, y], 3, scope)?;
    let to = map_of(common, lambda.body.data_type.clone());
    let (compiled, captured) = analyzer.compile(&lambda, scope)?;
    let label = format!("{name}({names}, {})", lambda.label());
    let result = to.clone();
    let exprs = [a.expr, b.expr].into_iter().chain(captured).collect();
    Ok(body::call(name, &to, &[&lambda], exprs, label, move |args, _| {
        let joined = Joined::new(args[0].as_map(), args[1].as_map())?;
        let each = joined.lengths.iter().enumerate();
        let rows = UInt32Array::from_iter_values(each.flat_map(|(r, n)| std::iter::repeat_n(r as u32, *n)));
        let mut columns = vec![joined.keys.clone(), joined.left, joined.right];
        columns.extend(repeated(&args[2..], &rows)?);
        let values = compiled.evaluate(columns, joined.keys.len())?;
        build(
            &joined.keys,
            &values,
            &joined.lengths,
            joined.valid,
            &result,
            Dedup::Fail,
        )
    }))
}

/// Two maps joined by key: the keys of the first in its order, then what only the second has.
struct Joined {
    /// All keys.
    keys: ArrayRef,
    /// The first map's value of each key; null if it lacks the key.
    left: ArrayRef,
    /// The second map's value of each key; null if it lacks the key.
    right: ArrayRef,
    /// How many keys each row has.
    lengths: Vec<usize>,
    /// Rows in which both maps are there.
    valid: Vec<bool>,
}

impl Joined {
    /// Joins two columns of maps, row by row.
    fn new(a: &MapArray, b: &MapArray) -> DfResult<Self> {
        let (xs, ys) = (
            comparable(std::slice::from_ref(a.keys()))?,
            comparable(std::slice::from_ref(b.keys()))?,
        );
        let (mut left, mut right): (Vec<Option<u32>>, Vec<Option<u32>>) = (Vec::new(), Vec::new());
        let mut made = ListMaker::new(a.len());
        for row in 0..a.len() {
            let valid = a.is_valid(row) && b.is_valid(row);
            if valid {
                let mut place: HashMap<OwnedRow, usize> = HashMap::new();
                for i in map_span(a, row) {
                    place.insert(xs.row(i).owned(), left.len());
                    made.push(0, i);
                    left.push(Some(i as u32));
                    right.push(None);
                }
                for i in map_span(b, row) {
                    match place.get(&ys.row(i).owned()) {
                        Some(at) => right[*at] = Some(i as u32),
                        None => {
                            made.push(1, i);
                            left.push(None);
                            right.push(Some(i as u32));
                        }
                    }
                }
            }
            made.end(valid);
        }
        let (lengths, valid) = made.shape();
        Ok(Self {
            keys: made.values(&[a.keys().as_ref(), b.keys().as_ref()])?,
            left: arrow::compute::take(a.values(), &UInt32Array::from(left), None)?,
            right: arrow::compute::take(b.values(), &UInt32Array::from(right), None)?,
            lengths: lengths.to_vec(),
            valid: valid.to_vec(),
        })
    }
}
