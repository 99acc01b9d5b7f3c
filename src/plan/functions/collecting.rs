//! Aggregates that put values together: `collect_list`, `collect_set`, `listagg`, `mode`, `product`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::compute::{SortColumn, SortOptions, lexsort_to_indices};
use arrow::datatypes::*;
use arrow::row::{RowConverter, SortField};
use datafusion_common::ScalarValue;
use datafusion_expr::AggregateUDF;

use super::aggregate::aggregate;
use super::call::Call;
use super::{Context, exactly};
use crate::error::{Result, SparkError};
use crate::kernels::aggregates::gather::{Finish, Keep, gather};
use crate::plan::scope::Typed;
use crate::values::types::list_of;

/// One key of WITHIN GROUP.
#[derive(Debug, Clone)]
pub struct OrderKey {
    pub value: Typed,
    pub options: SortOptions,
}

pub fn call(context: &Context<'_>, name: &str, args: &[Typed], distinct: bool, label: &str) -> Result<Option<Typed>> {
    let of = Call::new(context, name, args);
    Ok(Some(match name {
        "collect_list" | "array_agg" | "collect_set" => {
            let [arg] = exactly(name, args)?;
            let label = label.replacen("array_agg(", "collect_list(", usize::from(name == "array_agg"));
            let to = list_of(arg.data_type.clone());
            let result = to.clone();
            let keep = Keep {
                nulls: false,
                distinct: name == "collect_set" || distinct,
            };
            let finish: Finish = Arc::new(move |columns| {
                let DataType::List(field) = &result else {
                    return Err(SparkError::internal("a list type is none").into());
                };
                let offsets = arrow::buffer::OffsetBuffer::from_lengths([columns[0].len()]);
                Ok(ScalarValue::List(Arc::new(ListArray::try_new(
                    field.clone(),
                    offsets,
                    columns[0].clone(),
                    None,
                )?)))
            });
            let function = gather(
                "collect",
                "",
                std::slice::from_ref(&arg.data_type),
                to.clone(),
                keep,
                finish,
            );
            aggregate(function, vec![arg], to, false, &label)
        }
        "listagg" | "string_agg" => {
            of.takes(1, 2)?;
            let delimiter = of.constant_text(1).unwrap_or_default();
            let label = if args.len() == 1 {
                label.replacen(&format!("{})", args[0].name), &format!("{}, NULL)", args[0].name), 1)
            } else {
                label.to_owned()
            };
            joined(&of, delimiter, vec![], distinct, &label)?
        }
        "mode" => {
            of.takes(1, 2)?;
            most_frequent(args[0].clone(), None, &super::call_name(name, &args[..1]))
        }
        "product" => {
            of.takes(1, 1)?;
            let finish: Finish = Arc::new(|columns| {
                let values = columns[0].as_primitive::<Float64Type>();
                Ok(ScalarValue::Float64(
                    (!values.is_empty()).then(|| values.iter().flatten().product()),
                ))
            });
            let function = gather(
                "product",
                "",
                &[DataType::Float64],
                DataType::Float64,
                Keep { nulls: false, distinct },
                finish,
            );
            aggregate(function, vec![of.double(0)?], DataType::Float64, false, label)
        }
        _ => return Ok(None),
    }))
}

/// `listagg(text, delimiter) WITHIN GROUP (ORDER BY keys)`; null where nothing was gathered.
pub fn joined(of: &Call<'_>, delimiter: String, order: Vec<OrderKey>, distinct: bool, label: &str) -> Result<Typed> {
    let text = of.text(0)?;
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
    Ok(aggregate(function, args, DataType::Utf8, false, label))
}

/// The rows in the order of their keys.
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

/// `mode`: the most frequent value; of equally frequent ones the least, or the greatest where `descending`.
pub fn most_frequent(arg: Typed, descending: Option<bool>, label: &str) -> Typed {
    let to = arg.data_type.clone();
    let null = to.clone();
    let greatest = descending.unwrap_or(false);
    let finish: Finish = Arc::new(move |columns| {
        let values = &columns[0];
        if values.is_empty() {
            return ScalarValue::try_from(&null);
        }
        let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
        let rows = converter.convert_columns(std::slice::from_ref(values))?;
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
    aggregate(function, vec![arg], to, false, label)
}

/// An aggregate over the distinct values of its argument.
pub fn over_distinct(function: &Arc<AggregateUDF>, argument: &DataType, to: &DataType) -> Arc<AggregateUDF> {
    let inner = function.clone();
    let field = Arc::new(Field::new("value", argument.clone(), true));
    let result = Arc::new(Field::new("result", to.clone(), true));
    let finish: Finish = Arc::new(move |columns| {
        let schema = Schema::new(vec![field.as_ref().clone()]);
        let mut accumulator = inner.accumulator(datafusion_expr::function::AccumulatorArgs {
            return_field: result.clone(),
            schema: &schema,
            ignore_nulls: false,
            order_bys: &[],
            is_reversed: false,
            name: "distinct",
            is_distinct: false,
            exprs: &[],
            expr_fields: std::slice::from_ref(&field),
        })?;
        accumulator.update_batch(columns)?;
        accumulator.evaluate()
    });
    gather(
        "distinct",
        format!("{:?}", function.inner()),
        std::slice::from_ref(argument),
        to.clone(),
        Keep {
            nulls: false,
            distinct: true,
        },
        finish,
    )
}
