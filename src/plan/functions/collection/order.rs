//! Arrays in order.
//!
//! `sort_array` puts nulls first in ascending order, `array_sort` last. Both are stable, and NaN is the
//! greatest number.
//!
//! ```text
//! [2, null, 1]    sort_array(a)          [null, 1, 2]      array_sort(a)    [1, 2, null]
//!                 sort_array(a, false)   [2, 1, null]
//! [1, 2, 3]       array_sort(a, (x, y) -> y - x)           [3, 2, 1]
//! ```

use std::cmp::Ordering;

use crate::error::Result;
use crate::plan::analyzer::Analyzer;
use crate::plan::functions::call::Call;
use crate::plan::functions::collection::arrays::picked;
use crate::plan::functions::entry::Form;
use crate::plan::functions::lambda::{body, higher_order};
use crate::plan::functions::list::span;
use crate::plan::scope::Typed;
use crate::values::floats::comparator;

/// The default comparator of `array_sort`, as Spark prints it.
const DEFAULT_ORDER: &str = "lambdafunction((IF(((namedlambdavariable() IS NULL) AND (namedlambdavariable() IS NULL)), 0, \
    (IF((namedlambdavariable() IS NULL), 1, (IF((namedlambdavariable() IS NULL), -1, (IF((namedlambdavariable() < \
    namedlambdavariable()), -1, (IF((namedlambdavariable() > namedlambdavariable()), 1, 0)))))))))), namedlambdavariable(), \
    namedlambdavariable())";

/// Resolves `array_sort` (`ArraySort`): by the natural order, or by a comparator.
pub fn array_sort(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    if let [list, comparator] = form.args
        && body::is_lambda(comparator)
    {
        return higher_order::sorted_by(analyzer, list, comparator, form.scope);
    }
    let args = analyzer.arguments(form)?;
    let context = analyzer.context();
    ascending(&Call {
        context: &context,
        name: form.name,
        args: &args,
        distinct: form.distinct,
    })
}

/// Resolves `array_sort` without a comparator, under the label with Spark's default one written out.
fn ascending(call: &Call<'_>) -> Result<Typed> {
    let mut out = sorted(call, true, false)?;
    out.name = call.label_or(1, &[DEFAULT_ORDER]);
    Ok(out)
}

/// Resolves `sort_array` (`SortArray`); only a constant order is followed.
pub fn sort_array(call: &Call<'_>) -> Result<Typed> {
    let ascending = call.constant_boolean(1).unwrap_or(true);
    let mut out = sorted(call, ascending, ascending)?;
    out.name = call.label_or(1, &["true"]);
    Ok(out)
}

/// Returns the elements in order, nulls at one end.
fn sorted(call: &Call<'_>, ascending: bool, nulls_first: bool) -> Result<Typed> {
    let (list, _) = call.list(0)?;
    let options = format!("{ascending} {nulls_first}");
    Ok(picked(call, list, options, move |list, row| {
        let values = list.values();
        let compare = comparator(values, values).ok()?;
        let mut part: Vec<usize> = span(list, row).collect();
        part.sort_by(|a, b| match (values.is_null(*a), values.is_null(*b)) {
            (true, true) => Ordering::Equal,
            (true, false) if nulls_first => Ordering::Less,
            (false, true) if !nulls_first => Ordering::Less,
            (true, false) | (false, true) => Ordering::Greater,
            _ if ascending => compare(*a, *b),
            _ => compare(*b, *a),
        });
        Some(part.into_iter().map(|i| Some(i as u32)).collect())
    }))
}
