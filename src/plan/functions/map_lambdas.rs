//! Functions of maps that take a lambda: `transform_keys`, `transform_values`, `map_filter`, `map_zip_with`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;
use arrow::row::{OwnedRow, RowConverter, SortField};

use super::lambda::{self, repeated};
use super::maps::{Dedup, build};
use super::unexpected_type;
use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::{Resolved, Typed};
use crate::plan::{cast_expr, coercion};
use crate::proto as sc;
use crate::values::types::{map_of, map_types};

type DfResult<T> = datafusion_common::Result<T>;

/// The entries of a map column, flattened.
struct Entries {
    keys: ArrayRef,
    values: ArrayRef,
    rows: UInt32Array,
    lengths: Vec<usize>,
    valid: Vec<bool>,
}

impl Entries {
    fn new(map: &MapArray) -> DfResult<Self> {
        let valid: Vec<bool> = (0..map.len()).map(|r| map.is_valid(r)).collect();
        let lengths: Vec<usize> = (0..map.len())
            .map(|r| if valid[r] { map.value_length(r) as usize } else { 0 })
            .collect();
        let at = (0..map.len())
            .filter(|r| valid[*r])
            .flat_map(|r| map.value_offsets()[r] as u32..map.value_offsets()[r + 1] as u32);
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
}

impl Analyzer {
    fn map_argument(
        &mut self,
        name: &str,
        argument: &sc::Expression,
        scope: &Resolved,
    ) -> Result<(Typed, DataType, DataType)> {
        let map = self.expression(argument, scope)?;
        match map.data_type.clone() {
            DataType::Map(entries, _) => {
                let (key, value) = map_types(&entries);
                Ok((map, key, value))
            }
            _ => Err(unexpected_type(&format!("{name}({})", map.name), 1, &map, "MAP")),
        }
    }

    fn dedup(&self) -> Dedup {
        super::Context {
            mode: self.mode(),
            zone: self.zone,
            now_us: self.now_us,
            conf: &self.conf,
        }
        .dedup()
    }

    pub(super) fn over_entries(
        &mut self,
        name: &str,
        map: &sc::Expression,
        body: &sc::Expression,
        scope: &Resolved,
    ) -> Result<Typed> {
        let (map, key, value) = self.map_argument(name, map, scope)?;
        let mut lambda = self.lambda(name, body, &[key.clone(), value.clone()], 2, scope)?;
        if name == "map_filter" {
            lambda = self.predicate(name, lambda)?;
        }
        let made = lambda.body.data_type.clone();
        let to = match name {
            "transform_keys" => map_of(made, value),
            "transform_values" => map_of(key, made),
            _ => map.data_type.clone(),
        };
        let (compiled, captured) = self.compile(&lambda, scope)?;
        let label = format!("{name}({}, {})", map.name, lambda.label());
        let (result, which, dedup) = (to.clone(), name.to_owned(), self.dedup());
        let exprs = std::iter::once(map.expr).chain(captured).collect();
        Ok(lambda::call(name, &to, &[&lambda], exprs, label, move |args, _| {
            let mut entries = Entries::new(args[0].as_map())?;
            let mut columns = vec![entries.keys.clone(), entries.values.clone()];
            columns.extend(repeated(&args[1..], &entries.rows)?);
            let made = compiled.evaluate(columns, entries.keys.len())?;
            match which.as_str() {
                "transform_keys" => {
                    return build(&made, &entries.values, &entries.lengths, entries.valid, &result, dedup);
                }
                "transform_values" => entries.values = made,
                _ => {
                    let keep = super::higher_order::kept(&made);
                    let mut at = 0;
                    for length in &mut entries.lengths {
                        let kept = (at..at + *length).filter(|i| keep.value(*i)).count();
                        at += *length;
                        *length = kept;
                    }
                    entries.keys = arrow::compute::filter(&entries.keys, &keep)?;
                    entries.values = arrow::compute::filter(&entries.values, &keep)?;
                }
            }
            let DataType::Map(field, sorted) = &result else {
                return Err(SparkError::internal("a map type is none").into());
            };
            let DataType::Struct(fields) = field.data_type() else {
                return Err(SparkError::internal("a map has no entries").into());
            };
            let inner = StructArray::try_new(fields.clone(), vec![entries.keys, entries.values], None)?;
            Ok(Arc::new(MapArray::try_new(
                field.clone(),
                OffsetBuffer::from_lengths(entries.lengths),
                inner,
                Some(entries.valid.into()),
                *sorted,
            )?))
        }))
    }

    pub(super) fn map_zip_with(
        &mut self,
        a: &sc::Expression,
        b: &sc::Expression,
        body: &sc::Expression,
        scope: &Resolved,
    ) -> Result<Typed> {
        let name = "map_zip_with";
        let ((a, key, x), (b, other, y)) = (self.map_argument(name, a, scope)?, self.map_argument(name, b, scope)?);
        let common = coercion::widen(&key, &other).ok_or_else(|| {
            SparkError::analysis(
                "DATATYPE_MISMATCH.MAP_ZIP_WITH_DIFF_TYPES",
                "42K09",
                "Input to the `map_zip_with` should have been two maps with compatible key types.",
            )
        })?;
        let label = (a.name.clone(), b.name.clone());
        let a = cast_expr::cast(a, &map_of(common.clone(), x.clone()), self.mode(), self.zone)?;
        let b = cast_expr::cast(b, &map_of(common.clone(), y.clone()), self.mode(), self.zone)?;
        let lambda = self.lambda(name, body, &[common.clone(), x, y], 3, scope)?;
        let to = map_of(common, lambda.body.data_type.clone());
        let (compiled, captured) = self.compile(&lambda, scope)?;
        let label = format!("{name}({}, {}, {})", label.0, label.1, lambda.label());
        let result = to.clone();
        let exprs = [a.expr, b.expr].into_iter().chain(captured).collect();
        Ok(lambda::call(name, &to, &[&lambda], exprs, label, move |args, _| {
            let joined = Joined::new(args[0].as_map(), args[1].as_map())?;
            let rows = UInt32Array::from_iter_values(
                joined
                    .lengths
                    .iter()
                    .enumerate()
                    .flat_map(|(r, n)| std::iter::repeat_n(r as u32, *n)),
            );
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
}

/// Two maps joined by key: the keys of the first in its order, then what only the second has.
struct Joined {
    keys: ArrayRef,
    left: ArrayRef,
    right: ArrayRef,
    lengths: Vec<usize>,
    valid: Vec<bool>,
}

impl Joined {
    fn new(a: &MapArray, b: &MapArray) -> DfResult<Self> {
        let converter = RowConverter::new(vec![SortField::new(a.keys().data_type().clone())])?;
        let (xs, ys) = (
            converter.convert_columns(std::slice::from_ref(a.keys()))?,
            converter.convert_columns(std::slice::from_ref(b.keys()))?,
        );
        let mut from: Vec<(usize, usize)> = Vec::new();
        let (mut left, mut right): (Vec<Option<u32>>, Vec<Option<u32>>) = (Vec::new(), Vec::new());
        let (mut lengths, mut valid) = (Vec::with_capacity(a.len()), Vec::with_capacity(a.len()));
        for row in 0..a.len() {
            let before = from.len();
            valid.push(a.is_valid(row) && b.is_valid(row));
            if valid[row] {
                let mut place: HashMap<OwnedRow, usize> = HashMap::new();
                for i in a.value_offsets()[row] as usize..a.value_offsets()[row + 1] as usize {
                    place.insert(xs.row(i).owned(), from.len());
                    from.push((0, i));
                    left.push(Some(i as u32));
                    right.push(None);
                }
                for i in b.value_offsets()[row] as usize..b.value_offsets()[row + 1] as usize {
                    match place.get(&ys.row(i).owned()) {
                        Some(at) => right[*at] = Some(i as u32),
                        None => {
                            from.push((1, i));
                            left.push(None);
                            right.push(Some(i as u32));
                        }
                    }
                }
            }
            lengths.push(from.len() - before);
        }
        let columns: [&dyn Array; 2] = [a.keys().as_ref(), b.keys().as_ref()];
        let keys = if from.is_empty() {
            new_empty_array(a.keys().data_type())
        } else {
            arrow::compute::interleave(&columns, &from)?
        };
        Ok(Self {
            keys,
            left: arrow::compute::take(a.values(), &UInt32Array::from(left), None)?,
            right: arrow::compute::take(b.values(), &UInt32Array::from(right), None)?,
            lengths,
            valid,
        })
    }
}
