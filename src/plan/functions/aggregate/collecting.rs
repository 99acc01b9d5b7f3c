//! Aggregates that put values together: `collect_list`, `collect_set`, `listagg`, `mode`, `product`.
//!
//! All gather the values of a group ([`crate::kernels::aggregates::gather`]) and finish them at the
//! end, so their memory grows with the group.
//!
//! ```text
//! x: b, null, a, b
//! collect_list(x)                                [b, a, b]
//! collect_set(x)                                 [b, a]
//! listagg(x, '-') WITHIN GROUP (ORDER BY x)      a-b-b
//! listagg(DISTINCT x)                            ba
//! mode(x)                                        b
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::*;
use arrow::compute::{SortColumn, SortOptions, lexsort_to_indices};
use arrow::datatypes::*;
use datafusion_common::ScalarValue;
use datafusion_expr::AggregateUDF;

use crate::error::Result;
use crate::kernels::aggregates::gather::{Finish, Keep, folded, gather};
use crate::plan::functions::aggregate::of_udaf;
use crate::plan::functions::call::{self, Call};
use crate::plan::functions::form::not_ordered;
use crate::plan::functions::list;
use crate::plan::scope::Typed;
use crate::values::floats::comparable;
use crate::values::types::list_of;
use datafusion_expr::Expr;

/// One key of WITHIN GROUP.
#[derive(Debug, Clone)]
pub struct OrderKey {
    /// What is sorted by.
    pub value: Typed,
    /// Its direction, and where nulls stand.
    pub options: SortOptions,
}

/// Resolves `collect_list`, or with `set` `collect_set` (`CollectList`, `CollectSet`): nulls are left
/// out, order is that of arrival.
pub fn collect(call: &Call<'_>, set: bool) -> Result<Typed> {
    let arg = call.arg(0)?;
    let label = call.label_as(if call.name == "array_agg" {
        "collect_list"
    } else {
        call.name
    });
    let to = list_of(arg.data_type.clone());
    let result = to.clone();
    let keep = Keep {
        nulls: false,
        distinct: set || call.distinct,
    };
    let finish: Finish = Arc::new(move |columns| list::scalar(columns[0].clone(), &result));
    let types = [arg.data_type.clone()];
    let function = gather("collect", "", &types, to.clone(), keep, finish);
    let mut out = of_udaf(function, vec![arg], to, keep.distinct, &label);
    if let Expr::AggregateFunction(call) = &mut out.expr {
        call.params.distinct = false;
    }
    Ok(out)
}

/// Resolves `collect_union` (`CollectUnion`): the different elements of all arrays, nulls left out, in the order of arrival.
///
/// # Errors
/// If the argument is not an array, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn collect_union(call: &Call<'_>) -> Result<Typed> {
    let (arg, _) = call.list(0)?;
    let to = arg.data_type.clone();
    let result = to.clone();
    let finish: Finish = Arc::new(move |columns| {
        let lists = columns[0].as_list::<i32>();
        let values = lists.values();
        let rows = comparable(std::slice::from_ref(values))?;
        let mut seen = HashSet::new();
        let known = (0..lists.len()).filter(|row| lists.is_valid(*row));
        let first = known
            .flat_map(|row| list::span(lists, row))
            .filter(|at| values.is_valid(*at) && seen.insert(rows.row(*at)))
            .map(|at| at as u32);
        let first: UInt32Array = first.collect();
        list::scalar(arrow::compute::take(values, &first, None)?, &result)
    });
    let function = gather(
        "collect_union",
        "",
        std::slice::from_ref(&to),
        to.clone(),
        Keep::default(),
        finish,
    );
    Ok(of_udaf(function, vec![arg], to, false, &call.label()))
}

/// Resolves `listagg` (`ListAgg`) without an order: the values in the order in which they arrive.
pub fn listagg(call: &Call<'_>) -> Result<Typed> {
    joined(call, vec![], &call.label_or(1, &["NULL"]))
}

/// Resolves `listagg` with WITHIN GROUP; a missing delimiter is shown in the label, as Spark does.
pub fn listagg_ordered(call: &Call<'_>, order: Vec<OrderKey>, label: String) -> Result<Typed> {
    let label = label.replacen("string_agg(", "listagg(", 1);
    let label = if call.has(1) {
        label
    } else {
        let first = &call.args[0].name;
        label.replacen(&format!("{first})"), &format!("{first}, NULL)"), 1)
    };
    joined(call, order, &label)
}

/// Resolves `mode` (`Mode`); of equally frequent values the least, which Spark promises only for `mode(x, true)`.
///
/// # Errors
/// If there is neither an argument nor an order,
/// `INVALID_WITHIN_GROUP_EXPRESSION.WITHIN_GROUP_MISSING`.
pub fn mode(call: &Call<'_>) -> Result<Typed> {
    if !call.has(0) {
        return Err(not_ordered(call.name));
    }
    if call.constant_boolean(1) == Some(true) {
        let label = format!("{}() WITHIN GROUP (ORDER BY {} DESC)", call.name, call.args[0].name);
        return Ok(most_frequent(call.arg(0)?, None, &label));
    }
    let label = call::label(call.name, &call.args[..1]);
    Ok(most_frequent(call.arg(0)?, None, &label))
}

/// Resolves `mode() WITHIN GROUP (ORDER BY key)`. Spark's label shows the opposite order.
///
/// # Errors
/// If there is not exactly one key, `INVALID_WITHIN_GROUP_EXPRESSION.WITHIN_GROUP_MISSING`.
pub fn mode_ordered(call: &Call<'_>, order: Vec<OrderKey>, _: String) -> Result<Typed> {
    let [key] = &order[..] else {
        return Err(not_ordered(call.name));
    };
    let descending = key.options.descending;
    let direction = if descending { "" } else { " DESC" };
    let label = format!("{} WITHIN GROUP (ORDER BY {}{direction})", call.label(), key.value.name);
    Ok(most_frequent(key.value.clone(), Some(descending), &label))
}

/// Resolves `product` (`Product`): DOUBLE, null without values.
pub fn product(call: &Call<'_>) -> Result<Typed> {
    let finish: Finish = Arc::new(|columns| {
        let values = columns[0].as_primitive::<Float64Type>();
        Ok(ScalarValue::Float64(
            (!values.is_empty()).then(|| values.iter().flatten().product()),
        ))
    });
    let keep = Keep {
        nulls: false,
        distinct: call.distinct,
    };
    let double = DataType::Float64;
    let function = gather(
        "product",
        "",
        std::slice::from_ref(&double),
        double.clone(),
        keep,
        finish,
    );
    Ok(of_udaf(function, vec![call.double(0)?], double, false, &call.label()))
}

/// Resolves `listagg(text, delimiter) WITHIN GROUP (ORDER BY keys)`; null if nothing was gathered.
fn joined(call: &Call<'_>, order: Vec<OrderKey>, label: &str) -> Result<Typed> {
    let (text, distinct) = (call.text(0)?, call.distinct);
    let delimiter = call.constant_text(1).unwrap_or_default();
    let mut types = vec![DataType::Utf8];
    types.extend(order.iter().map(|k| k.value.data_type.clone()));
    let options: Vec<SortOptions> = order.iter().map(|k| k.options).collect();
    let described = format!("{delimiter:?} {options:?}");
    let finish: Finish = Arc::new(move |columns| {
        if columns[0].is_empty() {
            return Ok(ScalarValue::Utf8(None));
        }
        let texts = columns[0].as_string::<i32>();
        let parts: Vec<&str> = sorted(&columns[1..], &options, columns[0].len())?
            .into_iter()
            .map(|i| texts.value(i))
            .collect();
        Ok(ScalarValue::Utf8(Some(parts.join(&delimiter))))
    });
    let function = gather(
        "listagg",
        described,
        &types,
        DataType::Utf8,
        Keep { nulls: false, distinct },
        finish,
    );
    let args = std::iter::once(text)
        .chain(order.into_iter().map(|k| k.value))
        .collect();
    Ok(of_udaf(function, args, DataType::Utf8, false, label))
}

/// Returns the rows in the order of their keys; the order is stable only without keys.
fn sorted(keys: &[ArrayRef], options: &[SortOptions], rows: usize) -> datafusion_common::Result<Vec<usize>> {
    if keys.is_empty() {
        return Ok((0..rows).collect());
    }
    let columns: Vec<SortColumn> = keys
        .iter()
        .zip(options)
        .map(|(k, o)| SortColumn {
            values: k.clone(),
            options: Some(*o),
        })
        .collect();
    Ok(lexsort_to_indices(&columns, None)?
        .values()
        .iter()
        .map(|i| *i as usize)
        .collect())
}

/// Returns the most frequent value; of equally frequent ones the least, or the greatest if
/// `descending`.
fn most_frequent(arg: Typed, descending: Option<bool>, label: &str) -> Typed {
    let to = arg.data_type.clone();
    let null = to.clone();
    let greatest = descending.unwrap_or(false);
    let finish: Finish = Arc::new(move |columns| {
        let values = &columns[0];
        if values.is_empty() {
            return ScalarValue::try_from(&null);
        }
        let rows = comparable(std::slice::from_ref(values))?;
        let mut counts: HashMap<_, (usize, usize)> = HashMap::new();
        for i in 0..values.len() {
            counts.entry(rows.row(i)).or_insert((0, i)).0 += 1;
        }
        let best = counts
            .into_iter()
            .max_by(|(a, (x, _)), (b, (y, _))| x.cmp(y).then(if greatest { a.cmp(b) } else { b.cmp(a) }));
        best.map_or_else(
            || ScalarValue::try_from(&null),
            |(_, (_, at))| ScalarValue::try_from_array(values, at),
        )
    });
    let function = gather(
        "mode",
        format!("{greatest}"),
        std::slice::from_ref(&to),
        to.clone(),
        Keep::default(),
        finish,
    );
    of_udaf(function, vec![arg], to, false, label)
}

/// Returns an aggregate over the distinct values of its argument: gathered, then folded by `function`.
pub fn over_distinct(function: &Arc<AggregateUDF>, argument: &DataType, to: &DataType) -> Arc<AggregateUDF> {
    let keep = Keep {
        nulls: false,
        distinct: true,
    };
    folded(function, std::slice::from_ref(argument), to, keep)
}
