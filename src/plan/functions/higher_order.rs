//! `transform`, `filter`, `aggregate` and the other functions of arrays that take a lambda.
//!
//! A body runs once over the elements of all rows of a batch, not once a row.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;

use super::lambda::{self, Body, identity_label, repeated};
use super::maps::flat;
use super::unexpected_type;
use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::{Resolved, Typed};
use crate::proto as sc;
use crate::values::types::{is_integral, list_of};

type DfResult<T> = datafusion_common::Result<T>;

/// The elements of a list column, flattened, with where each came from.
pub struct Flat {
    pub values: ArrayRef,
    /// Row of each element.
    pub rows: UInt32Array,
    /// Position of each element within its row.
    pub positions: Int32Array,
    pub lengths: Vec<usize>,
    pub valid: Vec<bool>,
}

impl Flat {
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

    /// A list of the same shape.
    fn list(&self, values: ArrayRef, to: &DataType) -> DfResult<ArrayRef> {
        let DataType::List(field) = to else {
            return Err(SparkError::internal("a list type is none").into());
        };
        Ok(Arc::new(ListArray::try_new(
            field.clone(),
            OffsetBuffer::from_lengths(self.lengths.iter().copied()),
            values,
            Some(self.valid.clone().into()),
        )?))
    }
}

impl Analyzer {
    /// A call with a lambda among its arguments; none where the name takes none.
    pub(super) fn higher_order(
        &mut self,
        name: &str,
        args: &[sc::Expression],
        scope: &Resolved,
    ) -> Result<Option<Typed>> {
        let is_lambda = |e: &sc::Expression| matches!(e.expr_type, Some(sc::expression::ExprType::LambdaFunction(_)));
        if !args.iter().any(is_lambda) {
            return Ok(None);
        }
        Ok(Some(match (name, args) {
            ("transform", [list, body]) => self.transform(list, body, scope)?,
            ("filter", [list, body]) => self.filter_list(list, body, scope)?,
            ("exists" | "any" | "forall", [list, body]) => self.quantified(name, list, body, scope)?,
            ("aggregate" | "reduce", [list, start, merge, finish @ ..]) if finish.len() < 2 => {
                self.reduced(name, list, start, merge, finish.first(), scope)?
            }
            ("zip_with", [a, b, body]) => self.zip_with(a, b, body, scope)?,
            ("array_sort", [list, body]) => self.sorted(list, body, scope)?,
            ("transform_keys" | "transform_values" | "map_filter", [map, body]) => {
                self.over_entries(name, map, body, scope)?
            }
            ("map_zip_with", [a, b, body]) => self.map_zip_with(a, b, body, scope)?,
            _ => return Ok(None),
        }))
    }

    pub(super) fn list_argument(
        &mut self,
        name: &str,
        argument: &sc::Expression,
        scope: &Resolved,
    ) -> Result<(Typed, DataType)> {
        let list = self.expression(argument, scope)?;
        match list.data_type.clone() {
            DataType::List(item) => Ok((list, item.data_type().clone())),
            _ => Err(unexpected_type(&format!("{name}({})", list.name), 1, &list, "ARRAY")),
        }
    }

    fn transform(&mut self, list: &sc::Expression, body: &sc::Expression, scope: &Resolved) -> Result<Typed> {
        let (list, element) = self.list_argument("transform", list, scope)?;
        let lambda = self.lambda("transform", body, &[element, DataType::Int32], 1, scope)?;
        let to = list_of(lambda.body.data_type.clone());
        let (compiled, captured) = self.compile(&lambda, scope)?;
        let label = format!("transform({}, {})", list.name, lambda.label());
        let result = to.clone();
        let exprs = std::iter::once(list.expr).chain(captured).collect();
        Ok(lambda::call(
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

    fn filter_list(&mut self, list: &sc::Expression, body: &sc::Expression, scope: &Resolved) -> Result<Typed> {
        let (list, element) = self.list_argument("filter", list, scope)?;
        let lambda = self.lambda("filter", body, &[element, DataType::Int32], 1, scope)?;
        let lambda = self.predicate("filter", lambda)?;
        let to = list.data_type.clone();
        let (compiled, captured) = self.compile(&lambda, scope)?;
        let label = format!("filter({}, {})", list.name, lambda.label());
        let result = to.clone();
        let exprs = std::iter::once(list.expr).chain(captured).collect();
        Ok(lambda::call("filter", &to, &[&lambda], exprs, label, move |args, _| {
            let mut flat = Flat::new(args[0].as_list())?;
            let keep = per_element(&compiled, &flat, &args[1..])?;
            let keep = kept(&keep);
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

    pub(super) fn predicate(&self, name: &str, lambda: lambda::Lambda) -> Result<lambda::Lambda> {
        match lambda.body.data_type {
            DataType::Boolean | DataType::Null => lambda.cast(&DataType::Boolean, self),
            _ => Err(unexpected_type(name, 2, &lambda.body, "BOOLEAN")),
        }
    }

    /// `exists` and `forall`, in three-valued logic.
    fn quantified(
        &mut self,
        name: &str,
        list: &sc::Expression,
        body: &sc::Expression,
        scope: &Resolved,
    ) -> Result<Typed> {
        let (list, element) = self.list_argument(name, list, scope)?;
        let lambda = self.lambda(name, body, &[element], 1, scope)?;
        let lambda = self.predicate(name, lambda)?;
        let (compiled, captured) = self.compile(&lambda, scope)?;
        let label = format!("{name}({}, {})", list.name, lambda.label());
        // The value that settles the question.
        let decisive = name != "forall";
        let exprs = std::iter::once(list.expr).chain(captured).collect();
        Ok(lambda::call(
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
                    let span = at..at + length;
                    at += length;
                    let mut unknown = false;
                    for i in span {
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

    fn reduced(
        &mut self,
        name: &str,
        list: &sc::Expression,
        start: &sc::Expression,
        merge: &sc::Expression,
        finish: Option<&sc::Expression>,
        scope: &Resolved,
    ) -> Result<Typed> {
        let (list, element) = self.list_argument(name, list, scope)?;
        let start = self.expression(start, scope)?;
        let state = start.data_type.clone();
        let merge = self.lambda(name, merge, &[state.clone(), element], 2, scope)?;
        let merge_label = merge.label();
        if merge.body.data_type != state
            && crate::plan::coercion::widen(&merge.body.data_type, &state).as_ref() != Some(&state)
        {
            return Err(unexpected_type(
                &format!("{name}({}, {}, {merge_label})", list.name, start.name),
                3,
                &merge.body,
                &crate::values::types::sql_name(&state),
            ));
        }
        let merge = merge.cast(&state, self)?;
        let finish = finish
            .map(|f| self.lambda(name, f, std::slice::from_ref(&state), 1, scope))
            .transpose()?;
        let to = finish.as_ref().map_or(state, |f| f.body.data_type.clone());
        let finish_label = finish.as_ref().map_or_else(identity_label, lambda::Lambda::label);
        let label = format!("{name}({}, {}, {merge_label}, {finish_label})", list.name, start.name);
        let all: Vec<&lambda::Lambda> = std::iter::once(&merge).chain(&finish).collect();
        let (mut bodies, captured) = self.compile_with(&all, scope)?;
        let merge_body = bodies.remove(0);
        let finish_body = bodies.pop();
        let exprs = [list.expr, start.expr].into_iter().chain(captured).collect();
        Ok(lambda::call(name, &to, &all, exprs, label, move |args, rows| {
            let list = args[0].as_list::<i32>();
            let folded = fold(list, &args[1], &merge_body, &args[2..])?;
            let Some(finish) = &finish_body else { return Ok(folded) };
            let valid = arrow::compute::is_null(&args[0])?;
            let columns = std::iter::once(folded).chain(args[2..].iter().cloned()).collect();
            // A null list gives null, whatever the last lambda makes of a null.
            Ok(arrow::compute::nullif(&finish.evaluate(columns, rows)?, &valid)?)
        }))
    }

    fn zip_with(
        &mut self,
        a: &sc::Expression,
        b: &sc::Expression,
        body: &sc::Expression,
        scope: &Resolved,
    ) -> Result<Typed> {
        let ((a, x), (b, y)) = (
            self.list_argument("zip_with", a, scope)?,
            self.list_argument("zip_with", b, scope)?,
        );
        let lambda = self.lambda("zip_with", body, &[x, y], 2, scope)?;
        let to = list_of(lambda.body.data_type.clone());
        let (compiled, captured) = self.compile(&lambda, scope)?;
        let label = format!("zip_with({}, {}, {})", a.name, b.name, lambda.label());
        let result = to.clone();
        let exprs = [a.expr, b.expr].into_iter().chain(captured).collect();
        Ok(lambda::call(
            "zip_with",
            &to,
            &[&lambda],
            exprs,
            label,
            move |args, rows| {
                let DataType::List(field) = &result else {
                    return Err(SparkError::internal("a list type is none").into());
                };
                let lists = [args[0].as_list::<i32>(), args[1].as_list::<i32>()];
                let valid: Vec<bool> = (0..rows).map(|r| lists.iter().all(|l| l.is_valid(r))).collect();
                let lengths: Vec<usize> = (0..rows)
                    .map(|r| {
                        if valid[r] {
                            lists.iter().map(|l| l.value_length(r) as usize).max().unwrap_or(0)
                        } else {
                            0
                        }
                    })
                    .collect();
                let total = lengths.iter().sum();
                let mut columns = Vec::new();
                for list in lists {
                    let at = (0..rows).flat_map(|r| {
                        let (start, size) = (list.value_offsets()[r] as u32, list.value_length(r) as u32);
                        (0..lengths[r] as u32).map(move |i| (i < size).then_some(start + i))
                    });
                    columns.push(arrow::compute::take(list.values(), &at.collect::<UInt32Array>(), None)?);
                }
                let from = UInt32Array::from_iter_values(
                    lengths
                        .iter()
                        .enumerate()
                        .flat_map(|(r, n)| std::iter::repeat_n(r as u32, *n)),
                );
                columns.extend(repeated(&args[2..], &from)?);
                let values = compiled.evaluate(columns, total)?;
                Ok(Arc::new(ListArray::try_new(
                    field.clone(),
                    OffsetBuffer::from_lengths(lengths),
                    values,
                    Some(valid.into()),
                )?))
            },
        ))
    }

    /// `array_sort(list, comparator)`.
    fn sorted(&mut self, list: &sc::Expression, body: &sc::Expression, scope: &Resolved) -> Result<Typed> {
        let (list, element) = self.list_argument("array_sort", list, scope)?;
        let lambda = self.lambda("array_sort", body, &[element.clone(), element], 2, scope)?;
        if !is_integral(&lambda.body.data_type) {
            return Err(unexpected_type("array_sort", 2, &lambda.body, "INT"));
        }
        let lambda = lambda.cast(&DataType::Int32, self)?;
        let to = list.data_type.clone();
        let (compiled, captured) = self.compile(&lambda, scope)?;
        let label = format!("array_sort({}, {})", list.name, lambda.label());
        let result = to.clone();
        let exprs = std::iter::once(list.expr).chain(captured).collect();
        Ok(lambda::call(
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
                    let start = list.value_offsets()[row] as u32;
                    let order = order_by(&list.value(row), row as u32, &compiled, &args[1..])?;
                    chosen.push(Some(order.into_iter().map(|i| Some(start + i)).collect()));
                }
                super::arrays::gathered(list.values(), chosen, &result)
            },
        ))
    }
}

/// A predicate's answers: unknown is no.
pub fn kept(answers: &ArrayRef) -> BooleanArray {
    let answers = answers.as_boolean();
    if answers.null_count() == 0 {
        answers.clone()
    } else {
        arrow::compute::prep_null_mask_filter(answers)
    }
}

/// A body over every element.
fn per_element(body: &Body, flat: &Flat, captured: &[ArrayRef]) -> DfResult<ArrayRef> {
    let mut columns: Vec<ArrayRef> = vec![flat.values.clone()];
    if body.width() - captured.len() > 1 {
        columns.push(Arc::new(flat.positions.clone()));
    }
    columns.extend(repeated(captured, &flat.rows)?);
    body.evaluate(columns, flat.values.len())
}

/// `aggregate`: element by element over all rows at once; a row leaves when its list ends.
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

/// Elements in the order of a comparator. A merge sort of our own: a comparator that contradicts itself gives some order,
/// never a panic. Each level of merging asks all its questions one by one.
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
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        for pair in runs.chunks(2) {
            let [left, right] = pair else {
                merged.push(pair[0].clone());
                continue;
            };
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
            merged.push(out);
        }
        runs = merged;
    }
    Ok(runs.pop().unwrap_or_default())
}
