//! `transform`, `filter`, `aggregate` and the other functions of arrays that take a lambda.
//!
//! A body runs once over the elements of all rows of a batch, not once per row.
//!
//! ```text
//! transform, filter, exists, forall    one evaluation over all elements of a batch
//! zip_with                             one over all positions; the shorter list is filled up with nulls
//! aggregate                            one per position: as many as the longest list is long
//! array_sort with a comparator         one per comparison: n log n for each row
//! ```

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::functions::collection::arrays::{SideBySide, gathered};
use crate::plan::functions::entry::Form;
use crate::plan::functions::error::unexpected_type;
use crate::plan::functions::lambda::body::{self, Body, Lambda, identity_label, repeated};
use crate::plan::functions::list::{assemble, span};
use crate::plan::functions::map::maps::flat;
use crate::plan::scope::{Resolved, Typed};
use crate::proto as sc;
use crate::values::types::{is_integral, list_of, same_shape, sql_name};

/// What kernels return.
type DfResult<T> = datafusion_common::Result<T>;

/// The elements of a list column, flattened, with where each came from.
pub struct Flat {
    /// The elements of all rows, without those below null lists.
    pub values: ArrayRef,
    /// Row of each element.
    pub rows: UInt32Array,
    /// Position of each element within its row.
    pub positions: Int32Array,
    /// How many elements each row has; 0 for null lists.
    pub lengths: Vec<usize>,
    /// Which rows are not null.
    pub valid: Vec<bool>,
}

impl Flat {
    /// Flattens a column.
    pub fn new(list: &ListArray) -> DfResult<Self> {
        let valid: Vec<bool> = (0..list.len()).map(|r| list.is_valid(r)).collect();
        let lengths: Vec<usize> = (0..list.len())
            .map(|r| if valid[r] { list.value_length(r) as usize } else { 0 })
            .collect();
        let rows = UInt32Array::from_iter_values(
            lengths
                .iter()
                .enumerate()
                .flat_map(|(r, n)| std::iter::repeat_n(r as u32, *n)),
        );
        let positions = Int32Array::from_iter_values(lengths.iter().flat_map(|n| 0..*n as i32));
        Ok(Self {
            values: flat(list, &valid)?,
            rows,
            positions,
            lengths,
            valid,
        })
    }

    /// Returns a list of the same shape.
    fn list(&self, values: ArrayRef, to: &DataType) -> DfResult<ArrayRef> {
        assemble(self.lengths.iter().copied(), Some(self.valid.clone()), values, to)
    }
}

/// Resolves the argument, which must be a list, with the type of its elements.
///
/// # Errors
/// If it is not, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
fn list_argument(
    analyzer: &mut Analyzer,
    name: &str,
    argument: &sc::Expression,
    scope: &Resolved,
) -> Result<(Typed, DataType)> {
    let list = analyzer.expression(argument, scope)?;
    match list.data_type.clone() {
        DataType::List(item) => Ok((list, item.data_type().clone())),
        _ => Err(unexpected_type(&format!("{name}({})", list.name), 1, &list, &["ARRAY"])),
    }
}

/// Resolves `transform` (`ArrayTransform`).
pub fn transform(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    let (list, element) = list_argument(analyzer, "transform", &form.args[0], form.scope)?;
    let lambda = analyzer.lambda("transform", &form.args[1], &[element, DataType::Int32], 1, form.scope)?;
    let to = list_of(lambda.body.data_type.clone());
    let (compiled, captured) = analyzer.compile(&lambda, form.scope)?;
    let label = format!("transform({}, {})", list.name, lambda.label());
    let result = to.clone();
    let exprs = std::iter::once(list.expr).chain(captured).collect();
    Ok(body::call(
        "transform",
        &to,
        &[&lambda],
        exprs,
        label,
        move |args, _| {
            let flat = Flat::new(args[0].as_list())?;
            let values = per_element(&compiled, &flat, &args[1..])?;
            flat.list(values, &result)
        },
    ))
}

/// Resolves `filter` (`ArrayFilter`): null does not keep an element.
pub fn filter(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    let (list, element) = list_argument(analyzer, "filter", &form.args[0], form.scope)?;
    let lambda = analyzer.lambda("filter", &form.args[1], &[element, DataType::Int32], 1, form.scope)?;
    let lambda = predicate(analyzer, "filter", lambda)?;
    let to = list.data_type.clone();
    let (compiled, captured) = analyzer.compile(&lambda, form.scope)?;
    let label = format!("filter({}, {})", list.name, lambda.label());
    let result = to.clone();
    let exprs = std::iter::once(list.expr).chain(captured).collect();
    Ok(body::call("filter", &to, &[&lambda], exprs, label, move |args, _| {
        let mut flat = Flat::new(args[0].as_list())?;
        let keep = kept(&per_element(&compiled, &flat, &args[1..])?);
        let values = arrow::compute::filter(&flat.values, &keep)?;
        let mut at = 0;
        for length in &mut flat.lengths {
            let kept = (at..at + *length).filter(|i| keep.value(*i)).count();
            at += *length;
            *length = kept;
        }
        flat.list(values, &result)
    }))
}

/// Returns the lambda, whose result must be a BOOLEAN.
///
/// # Errors
/// If it is not, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn predicate(analyzer: &Analyzer, name: &str, lambda: Lambda) -> Result<Lambda> {
    match lambda.body.data_type {
        DataType::Boolean | DataType::Null => lambda.cast(&DataType::Boolean, analyzer),
        _ => Err(unexpected_type(name, 2, &lambda.body, &["BOOLEAN"])),
    }
}

/// Resolves `exists` (`ArrayExists`).
pub fn exists(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    quantified(analyzer, form, true)
}

/// Resolves `forall` (`ArrayForAll`).
pub fn forall(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    quantified(analyzer, form, false)
}

/// Resolves both, in three-valued logic; `decisive` is the answer that settles the question. The lambda
/// runs for all elements all the same.
fn quantified(analyzer: &mut Analyzer, form: &Form<'_>, decisive: bool) -> Result<Typed> {
    let name = form.name;
    let (list, element) = list_argument(analyzer, name, &form.args[0], form.scope)?;
    let lambda = analyzer.lambda(name, &form.args[1], &[element], 1, form.scope)?;
    let lambda = predicate(analyzer, name, lambda)?;
    let (compiled, captured) = analyzer.compile(&lambda, form.scope)?;
    let label = format!("{name}({}, {})", list.name, lambda.label());
    let exprs = std::iter::once(list.expr).chain(captured).collect();
    Ok(body::call(
        name,
        &DataType::Boolean,
        &[&lambda],
        exprs,
        label,
        move |args, _| {
            let flat = Flat::new(args[0].as_list())?;
            let found = per_element(&compiled, &flat, &args[1..])?;
            let found = found.as_boolean();
            let mut at = 0;
            let out = flat.lengths.iter().zip(&flat.valid).map(|(length, valid)| {
                let own = at..at + length;
                at += length;
                let mut unknown = false;
                for i in own {
                    match found.is_valid(i).then(|| found.value(i)) {
                        Some(value) if value == decisive => return Some(decisive),
                        Some(_) => {}
                        None => unknown = true,
                    }
                }
                (*valid && !unknown).then_some(!decisive)
            });
            Ok(Arc::new(out.collect::<BooleanArray>()))
        },
    ))
}

/// Resolves `aggregate` and `reduce` (`ArrayAggregate`): folds a list from a start, then finishes.
///
/// Fields of structs go by their places: the result has the names of the start.
///
/// # Errors
/// If the merging lambda's result does not fit the start's type,
/// `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn reduce(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    let (name, scope) = (form.name, form.scope);
    let (list, element) = list_argument(analyzer, name, &form.args[0], scope)?;
    let start = analyzer.expression(&form.args[1], scope)?;
    let state = start.data_type.clone();
    let merge = analyzer.lambda(name, &form.args[2], &[state.clone(), element], 2, scope)?;
    let merge_label = merge.label();
    let made = &merge.body.data_type;
    if !same_shape(made, &state) && crate::plan::coercion::widen(made, &state).as_ref() != Some(&state) {
        let label = format!("{name}({}, {}, {merge_label})", list.name, start.name);
        return Err(unexpected_type(&label, 3, &merge.body, &[&sql_name(&state)]));
    }
    let merge = merge.cast(&state, analyzer)?;
    let finish = match form.args.get(3) {
        Some(finish) => Some(analyzer.lambda(name, finish, std::slice::from_ref(&state), 1, scope)?),
        None => None,
    };
    let to = finish.as_ref().map_or(state, |f| f.body.data_type.clone());
    let finish_label = finish.as_ref().map_or_else(identity_label, Lambda::label);
    let label = format!("{name}({}, {}, {merge_label}, {finish_label})", list.name, start.name);
    let all: Vec<&Lambda> = std::iter::once(&merge).chain(&finish).collect();
    let (mut bodies, captured) = analyzer.compile_with(&all, scope)?;
    let merge_body = bodies.remove(0);
    let finish_body = bodies.pop();
    let exprs = [list.expr, start.expr].into_iter().chain(captured).collect();
    Ok(body::call(name, &to, &all, exprs, label, move |args, rows| {
        let list = args[0].as_list::<i32>();
        let folded = fold(list, &args[1], &merge_body, &args[2..])?;
        let Some(finish) = &finish_body else { return Ok(folded) };
        let null = arrow::compute::is_null(&args[0])?;
        let columns = std::iter::once(folded).chain(args[2..].iter().cloned()).collect();
        // A null list stays null, whatever the last lambda makes of a null.
        Ok(arrow::compute::nullif(&finish.evaluate(columns, rows)?, &null)?)
    }))
}

/// Resolves `zip_with` (`ZipWith`): null if a list is null.
pub fn zip_with(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    let (a, x) = list_argument(analyzer, "zip_with", &form.args[0], form.scope)?;
    let (b, y) = list_argument(analyzer, "zip_with", &form.args[1], form.scope)?;
    let lambda = analyzer.lambda("zip_with", &form.args[2], &[x, y], 2, form.scope)?;
    let to = list_of(lambda.body.data_type.clone());
    let (compiled, captured) = analyzer.compile(&lambda, form.scope)?;
    let label = format!("zip_with({}, {}, {})", a.name, b.name, lambda.label());
    let result = to.clone();
    let exprs = [a.expr, b.expr].into_iter().chain(captured).collect();
    Ok(body::call(
        "zip_with",
        &to,
        &[&lambda],
        exprs,
        label,
        move |args, rows| {
            let lists = [args[0].as_list::<i32>(), args[1].as_list::<i32>()];
            let both = SideBySide::new(&lists, rows)?;
            let total = both.total();
            let each = both.lengths.iter().enumerate();
            let from = UInt32Array::from_iter_values(each.flat_map(|(r, n)| std::iter::repeat_n(r as u32, *n)));
            let mut columns = both.columns;
            columns.extend(repeated(&args[2..], &from)?);
            let values = compiled.evaluate(columns, total)?;
            assemble(both.lengths, Some(both.valid), values, &result)
        },
    ))
}

/// Resolves `array_sort(list, comparator)` (`ArraySort`).
///
/// # Errors
/// If the comparator does not return an integer. When it runs, a null from it is
/// `COMPARATOR_RETURNS_NULL`.
pub fn sorted_by(
    analyzer: &mut Analyzer,
    list: &sc::Expression,
    comparator: &sc::Expression,
    scope: &Resolved,
) -> Result<Typed> {
    let (list, element) = list_argument(analyzer, "array_sort", list, scope)?;
    let lambda = analyzer.lambda("array_sort", comparator, &[element.clone(), element], 2, scope)?;
    if !is_integral(&lambda.body.data_type) {
        return Err(unexpected_type("array_sort", 2, &lambda.body, &["INT"]));
    }
    let lambda = lambda.cast(&DataType::Int32, analyzer)?;
    let to = list.data_type.clone();
    let (compiled, captured) = analyzer.compile(&lambda, scope)?;
    let label = format!("array_sort({}, {})", list.name, lambda.label());
    let result = to.clone();
    let exprs = std::iter::once(list.expr).chain(captured).collect();
    Ok(body::call(
        "array_sort",
        &to,
        &[&lambda],
        exprs,
        label,
        move |args, rows| {
            let list = args[0].as_list::<i32>();
            let mut chosen = Vec::with_capacity(rows);
            for row in 0..rows {
                if list.is_null(row) {
                    chosen.push(None);
                    continue;
                }
                let start = span(list, row).start as u32;
                let order = order_by(&list.value(row), row as u32, &compiled, &args[1..])?;
                chosen.push(Some(order.into_iter().map(|i| Some(start + i)).collect()));
            }
            gathered(list.values(), chosen, &result)
        },
    ))
}

/// Returns a predicate's answers, with false for unknown.
pub fn kept(answers: &ArrayRef) -> BooleanArray {
    let answers = answers.as_boolean();
    if answers.null_count() == 0 {
        answers.clone()
    } else {
        arrow::compute::prep_null_mask_filter(answers)
    }
}

/// Evaluates a body over every element; positions are made only if the lambda takes them.
fn per_element(body: &Body, flat: &Flat, captured: &[ArrayRef]) -> DfResult<ArrayRef> {
    let mut columns: Vec<ArrayRef> = vec![flat.values.clone()];
    if body.width() - captured.len() > 1 {
        columns.push(Arc::new(flat.positions.clone()));
    }
    columns.extend(repeated(captured, &flat.rows)?);
    body.evaluate(columns, flat.values.len())
}

/// Folds element by element over all rows at once; a row leaves when its list ends. As many steps as
/// the longest list has elements.
fn fold(list: &ListArray, start: &ArrayRef, merge: &Body, captured: &[ArrayRef]) -> DfResult<ArrayRef> {
    let rows = list.len();
    let length = |r: u32| {
        if list.is_valid(r as usize) {
            list.value_length(r as usize) as usize
        } else {
            0
        }
    };
    let mut active: Vec<u32> = (0..rows as u32).collect();
    let mut state = start.clone();
    let mut done: Vec<ArrayRef> = Vec::new();
    let mut place: Vec<(usize, usize)> = vec![(0, 0); rows];
    let mut step = 0;
    loop {
        let (ended, going): (Vec<usize>, Vec<usize>) = (0..active.len()).partition(|i| length(active[*i]) <= step);
        if !ended.is_empty() {
            for i in &ended {
                place[active[*i] as usize] = (done.len(), *i);
            }
            done.push(state.clone());
        }
        if going.is_empty() {
            break;
        }
        let kept = UInt32Array::from_iter_values(going.iter().map(|i| *i as u32));
        active = going.iter().map(|i| active[*i]).collect();
        let elements = UInt32Array::from_iter_values(
            active
                .iter()
                .map(|r| list.value_offsets()[*r as usize] as u32 + step as u32),
        );
        let mut columns = vec![
            arrow::compute::take(&state, &kept, None)?,
            arrow::compute::take(list.values(), &elements, None)?,
        ];
        columns.extend(repeated(captured, &UInt32Array::from(active.clone()))?);
        state = merge.evaluate(columns, active.len())?;
        step += 1;
    }
    if rows == 0 {
        return Ok(start.clone());
    }
    let parts: Vec<&dyn Array> = done.iter().map(AsRef::as_ref).collect();
    let folded = arrow::compute::interleave(&parts, &place)?;
    Ok(arrow::compute::nullif(&folded, &arrow::compute::is_null(list)?)?)
}

/// Returns elements in the order of a comparator. A merge sort of our own: a comparator that
/// contradicts itself makes some order, never a panic. Each level of merging asks all its questions one
/// by one.
///
/// # Errors
/// If the comparator returns null, `COMPARATOR_RETURNS_NULL`.
fn order_by(items: &ArrayRef, row: u32, comparator: &Body, captured: &[ArrayRef]) -> DfResult<Vec<u32>> {
    let before = |a: u32, b: u32| -> DfResult<bool> {
        let (a, b) = (items.slice(a as usize, 1), items.slice(b as usize, 1));
        let mut columns = vec![a, b];
        columns.extend(repeated(captured, &UInt32Array::from(vec![row]))?);
        let found = comparator.evaluate(columns, 1)?;
        if found.is_null(0) {
            return Err(SparkError::new(
                crate::error::Exception::Runtime,
                "COMPARATOR_RETURNS_NULL",
                "22004",
                "The comparator has returned a NULL for a comparison. It should return a positive integer for \"greater than\", 0 for \"equal\" and a negative integer for \"less than\".",
            )
            .into());
        }
        Ok(found.as_primitive::<Int32Type>().value(0) <= 0)
    };
    let mut runs: Vec<Vec<u32>> = (0..items.len() as u32).map(|i| vec![i]).collect();
    while runs.len() > 1 {
        let merged = runs.chunks(2).map(|pair| match pair {
            [left, right] => merge(left, right, before),
            _ => Ok(pair[0].clone()),
        });
        runs = merged.collect::<DfResult<_>>()?;
    }
    Ok(runs.pop().unwrap_or_default())
}

/// Returns two sorted runs as one; equal elements keep their order.
fn merge(left: &[u32], right: &[u32], before: impl Fn(u32, u32) -> DfResult<bool>) -> DfResult<Vec<u32>> {
    let (mut i, mut j, mut out) = (0, 0, Vec::with_capacity(left.len() + right.len()));
    while i < left.len() && j < right.len() {
        if before(left[i], right[j])? {
            out.push(left[i]);
            i += 1;
        } else {
            out.push(right[j]);
            j += 1;
        }
    }
    out.extend(&left[i..]);
    out.extend(&right[j..]);
    Ok(out)
}
