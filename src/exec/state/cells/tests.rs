use std::sync::Arc;

use arrow::array::{Array, AsArray, Date32Array, Float64Array, Int32Array, Int64Array, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use datafusion_expr::EmitTo;
use datafusion_functions_aggregate as df;
use datafusion_physical_expr::aggregate::AggregateExprBuilder;
use datafusion_physical_expr::expressions::Column;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::values::cast::Mode;

/// Returns a function over one column.
fn function(udf: Arc<datafusion_expr::AggregateUDF>, of: &DataType) -> Arc<AggregateFunctionExpr> {
    let schema = Arc::new(Schema::new(vec![Field::new("v", of.clone(), true)]));
    let argument = Arc::new(Column::new("v", 0));
    let built = AggregateExprBuilder::new(udf, vec![argument])
        .schema(schema)
        .alias("f")
        .build();
    Arc::new(built.unwrap())
}

/// Random values, some null.
fn values(of: &DataType, rows: usize, random: &mut SmallRng) -> ArrayRef {
    let numbers: Vec<Option<i64>> = (0..rows)
        .map(|_| (random.random_range(0..5) > 0).then(|| random.random_range(-9..9)))
        .collect();
    let narrow = numbers.iter().map(|n| n.map(|n| n as i32));
    match of {
        DataType::Int32 => Arc::new(narrow.collect::<Int32Array>()),
        DataType::Date32 => Arc::new(narrow.collect::<Date32Array>()),
        DataType::Int64 => Arc::new(Int64Array::from(numbers)),
        DataType::Timestamp(_, zone) => {
            Arc::new(TimestampMicrosecondArray::from(numbers).with_timezone_opt(zone.clone()))
        }
        DataType::Utf8 => {
            let texts = numbers.iter().map(|n| n.map(|n| n.to_string()));
            Arc::new(texts.collect::<arrow::array::StringArray>())
        }
        _ => Arc::new(
            numbers
                .iter()
                .map(|n| n.map(|n| n as f64 / 4.0))
                .collect::<Float64Array>(),
        ),
    }
}

#[test]
fn cells_equal_datafusions_accumulators_over_random_rows() {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut functions = vec![
        function(df::count::count_udaf(), &DataType::Utf8),
        function(df::sum::sum_udaf(), &DataType::Float64),
        function(df::average::avg_udaf(), &DataType::Float64),
        function(checked_sum::sum(&DataType::Int64, Mode::Ansi), &DataType::Int64),
        function(checked_sum::sum(&DataType::Int64, Mode::Try), &DataType::Int64),
        // Its states are kept as rows.
        function(df::min_max::max_udaf(), &DataType::Utf8),
    ];
    for of in [
        DataType::Int32,
        DataType::Int64,
        DataType::Date32,
        DataType::Float64,
        time,
    ] {
        functions.push(function(df::min_max::min_udaf(), &of));
        functions.push(function(df::min_max::max_udaf(), &of));
    }
    let mut random = SmallRng::seed_from_u64(11);
    for function in functions {
        let input = function.fun().name().to_owned();
        let types = [
            DataType::Utf8,
            DataType::Int32,
            DataType::Int64,
            DataType::Date32,
            DataType::Float64,
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ];
        let state_type = function.state_fields().unwrap().last().unwrap().data_type().clone();
        let of = match (input.as_str(), &state_type) {
            ("count", _) => DataType::Utf8,
            (_, DataType::Boolean) => DataType::Int64,
            (_, state) => types.iter().find(|t| *t == state).unwrap().clone(),
        };
        let merger = Merger {
            functions: vec![function.clone()],
            grouped: true,
        };
        let mut cells = super::of(&merger).unwrap().remove(0);
        let is_plain = plain(&function).is_some();
        let mut model = function.create_groups_accumulator().unwrap();
        let mut total = 0;
        for _ in 0..12 {
            total += random.random_range(0..4) + usize::from(total == 0);
            let rows = random.random_range(1..40);
            let groups: Vec<u32> = (0..rows).map(|_| random.random_range(0..total) as u32).collect();
            let places: Vec<usize> = groups.iter().map(|g| *g as usize).collect();
            let column = values(&of, rows, &mut random);
            let filter: Option<BooleanArray> = random
                .random_bool(0.5)
                .then(|| (0..rows).map(|_| Some(random.random_bool(0.6))).collect());
            if is_plain && random.random_bool(0.5) {
                cells
                    .update(&groups, total, std::slice::from_ref(&column), filter.as_ref())
                    .unwrap();
                model.update_batch(&[column], &places, filter.as_ref(), total).unwrap();
                continue;
            }
            let mut partial = function.create_groups_accumulator().unwrap();
            partial
                .update_batch(&[column], &places, filter.as_ref(), total)
                .unwrap();
            let states = partial.state(EmitTo::All).unwrap();
            let all: Vec<u32> = (0..total as u32).collect();
            cells.merge(&all, total, &states).unwrap();
            let all: Vec<usize> = (0..total).collect();
            model.merge_batch(&states, &all, total).unwrap();
        }
        // Groups that no row came for have a state too, once all are merged.
        let all: Vec<u32> = (0..total as u32).collect();
        let mut empty = function.create_groups_accumulator().unwrap();
        let none = values(&of, 1, &mut random);
        empty
            .update_batch(&[none], &[0], Some(&BooleanArray::from(vec![false])), total)
            .unwrap();
        cells.merge(&all, total, &empty.state(EmitTo::All).unwrap()).unwrap();
        let wanted = model.evaluate(EmitTo::All).unwrap();
        let finished = |states: &[ArrayRef], rows: usize| merger.evaluate(states, rows).unwrap().remove(0);
        assert_eq!(&finished(&cells.states(None).unwrap(), total), &wanted, "{function:?}");
        let picked: Vec<u32> = all.iter().rev().step_by(2).copied().collect();
        let some = cells.states(Some(&picked)).unwrap();
        let order = arrow::array::UInt32Array::from(picked.clone());
        let wanted_some = arrow::compute::take(&wanted, &order, None).unwrap();
        assert_eq!(&finished(&some, picked.len()), &wanted_some, "{function:?}");
        // What is put in place of a state is the state.
        let mut other = cells.fresh();
        other.merge(&all, total, &cells.states(None).unwrap()).unwrap();
        other.merge(&all, total, &cells.states(None).unwrap()).unwrap();
        other.replace(&picked, total, &some).unwrap();
        assert_eq!(
            &finished(&other.states(Some(&picked)).unwrap(), picked.len()),
            &wanted_some,
            "{function:?}"
        );
    }
}

#[test]
fn the_greatest_double_is_nan_and_a_sum_overflows_by_its_mode() {
    let one = |udf, of: &DataType, values: ArrayRef| {
        let function = function(udf, of);
        let mut cells = plain(&function).unwrap();
        let groups = vec![0; values.len()];
        cells.update(&groups, 1, &[values], None)?;
        cells.states(None)
    };
    let doubles = |values: &[f64]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let (min, max) = (df::min_max::min_udaf, df::min_max::max_udaf);
    let of = |udf, values: &[f64]| {
        let states = one(udf, &DataType::Float64, doubles(values)).unwrap();
        states[0].as_primitive::<Float64Type>().value(0)
    };
    // Values that Spark 4.3 gave for min and max of these.
    for order in [[1.0, f64::NAN, 2.0], [f64::NAN, 2.0, 1.0], [2.0, 1.0, f64::NAN]] {
        assert!(of(max(), &order).is_nan());
        assert_eq!(of(min(), &order), 1.0);
    }
    assert_eq!(of(max(), &[f64::NEG_INFINITY]), f64::NEG_INFINITY);
    assert_eq!(of(min(), &[f64::INFINITY]), f64::INFINITY);
    let big = || Arc::new(Int64Array::from(vec![i64::MAX, 1])) as ArrayRef;
    let sum = |mode| one(checked_sum::sum(&DataType::Int64, mode), &DataType::Int64, big());
    assert_eq!(
        sum(Mode::Ansi).unwrap_err().condition.as_deref(),
        Some("ARITHMETIC_OVERFLOW")
    );
    assert!(sum(Mode::Try).unwrap()[1].as_boolean().value(0));
    let wrapped = sum(Mode::Legacy).unwrap();
    assert_eq!(wrapped[0].as_primitive::<Int64Type>().value(0), i64::MIN);
}
