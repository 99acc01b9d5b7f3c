//! Aggregates that DataFusion has, and counts.
//!
//! Each casts its arguments as Spark does and says Spark's type for the result; what is computed is
//! DataFusion's.
//!
//! ```text
//! x: 1, null, 2       count(*) 3    count(x) 2    count(1) 3    count(null) 0    count(DISTINCT x) 2
//! ```

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use datafusion_common::ScalarValue;
use datafusion_expr::expr::NullTreatment;
use datafusion_expr::{AggregateUDF, Expr};
use datafusion_functions_aggregate as df;

use crate::error::Result;
use crate::kernels::aggregates::{distinct, extremum, ordered};
use crate::plan::analyzer::Analyzer;
use crate::plan::comparison::comparable;
use crate::plan::functions::aggregate::of_udaf;
use crate::plan::functions::call::{Call, label};
use crate::plan::functions::collection::structs::make_struct;
use crate::plan::functions::constant;
use crate::plan::functions::entry::Form;
use crate::plan::functions::hash;
use crate::plan::literal;
use crate::plan::scope::Typed;
use crate::proto as sc;
use crate::values::floats::has_floats;
use datafusion_expr::when;

/// Resolves `count` (`Count`); `count(*)` counts rows.
pub fn count_call(analyzer: &mut Analyzer, form: &Form<'_>) -> Result<Typed> {
    let args = match form.args {
        [single] if !form.distinct && is_star(single) => vec![literal::int(1)],
        _ => analyzer.arguments(form)?,
    };
    let context = analyzer.context();
    let call = Call {
        context: &context,
        name: form.name,
        args: &args,
        distinct: form.distinct,
    };
    Ok(Typed {
        nullable: false,
        ..count(&args, form.distinct, &call.label())
    })
}

/// Returns whether an expression is `*` without a qualifier.
fn is_star(expression: &sc::Expression) -> bool {
    matches!(&expression.expr_type, Some(sc::expression::ExprType::UnresolvedStar(star)) if star.unparsed_target.is_none())
}

/// Returns the number of rows in which no argument is null; of literals or nothing, of all rows.
/// DISTINCT counts different tuples.
pub fn count(args: &[Typed], is_distinct: bool, label: &str) -> Typed {
    let udf = df::count::count_udaf();
    let all_literal = args.iter().all(|a| a.is_literal());
    if !is_distinct && (args.is_empty() || all_literal) {
        let one = Typed::new(datafusion_expr::lit(1i64), DataType::Int64, "1");
        let null = args.iter().any(|a| a.literal().is_some_and(ScalarValue::is_null));
        let argument = if null {
            constant(ScalarValue::Int64(None), "NULL")
        } else {
            one
        };
        return of_udaf(udf, vec![argument], DataType::Int64, false, label);
    }
    // DataFusion's own keeps each struct or array with all of the batch that it came in.
    let of_nested = |of: &DataType| distinct::count(of).filter(|_| is_distinct);
    if let [one] = args {
        return match of_nested(&one.data_type) {
            Some(own) => of_udaf(own, vec![one.clone()], DataType::Int64, is_distinct, label),
            None => of_udaf(udf, vec![one.clone()], DataType::Int64, is_distinct, label),
        };
    }
    // A row counts when none of the columns is null; DISTINCT counts whole tuples.
    let present = args
        .iter()
        .map(|a| Expr::IsNotNull(Box::new(a.expr.clone())))
        .reduce(datafusion_expr::and);
    let (argument, of) = if is_distinct {
        let fields: Fields = args
            .iter()
            .enumerate()
            .map(|(i, a)| Field::new(format!("c{i}"), a.data_type.clone(), true))
            .collect();
        let parts = args.iter().map(|a| comparable(a.expr.clone(), &a.data_type)).collect();
        (make_struct(fields.clone(), parts), DataType::Struct(fields))
    } else {
        (datafusion_expr::lit(1i64), DataType::Int64)
    };
    let typed = Typed::new(argument, of.clone(), "");
    let function = of_nested(&of).unwrap_or(udf);
    let mut out = of_udaf(function, vec![typed], DataType::Int64, is_distinct, label);
    if let Expr::AggregateFunction(f) = &mut out.expr {
        f.params.filter = present.map(Box::new);
    }
    out
}

/// Resolves `count_if` (`CountIf`).
pub fn count_if(call: &Call<'_>) -> Result<Typed> {
    let one = constant(ScalarValue::Int64(Some(1)), "");
    let condition = call.context.cast(call.arg(0)?, &DataType::Boolean)?;
    let mut out = of_udaf(
        df::count::count_udaf(),
        vec![one],
        DataType::Int64,
        false,
        &call.label(),
    );
    if let Expr::AggregateFunction(f) = &mut out.expr {
        f.params.filter = Some(Box::new(condition.expr));
    }
    Ok(out)
}

/// Resolves `min` and `max`; DISTINCT changes nothing.
pub fn extreme(call: &Call<'_>, greatest: bool) -> Result<Typed> {
    let arg = call.arg(0)?;
    let to = arg.data_type.clone();
    let function = ordered::extreme(&to, greatest).unwrap_or_else(|| {
        if greatest {
            df::min_max::max_udaf()
        } else {
            df::min_max::min_udaf()
        }
    });
    Ok(of_udaf(function, vec![arg], to, false, &call.label()))
}

/// Resolves `min_by` and `max_by` (`MinBy`, `MaxBy`).
pub fn by_key(call: &Call<'_>, greatest: bool) -> Result<Typed> {
    let (value, key) = (call.arg(0)?, call.arg(1)?);
    let to = value.data_type.clone();
    let function = extremum::by_key(&to, &key.data_type, greatest);
    Ok(of_udaf(function, vec![value, key], to, false, &call.label()))
}

/// Resolves a statistic of one column of doubles.
pub fn statistic(call: &Call<'_>, function: Arc<AggregateUDF>) -> Result<Typed> {
    let args = vec![call.double(0)?];
    Ok(of_udaf(function, args, DataType::Float64, call.distinct, &call.label()))
}

/// Resolves a statistic of two columns of doubles; rows with a null in one of them are skipped.
pub fn of_pairs(call: &Call<'_>, function: Arc<AggregateUDF>) -> Result<Typed> {
    let args = vec![call.double(0)?, call.double(1)?];
    Ok(of_udaf(function, args, DataType::Float64, call.distinct, &call.label()))
}

/// Resolves `regr_count`: rows without a null.
pub fn count_pairs(call: &Call<'_>) -> Result<Typed> {
    let args = vec![call.double(0)?, call.double(1)?];
    let function = df::regr::regr_count_udaf();
    Ok(unsigned_to_long(of_udaf(
        function,
        args,
        DataType::UInt64,
        false,
        &call.label(),
    )))
}

/// Resolves `first` and `last`: the label does not show whether nulls are ignored. Without an order,
/// which row is first depends on the order in which they arrive.
pub fn at_end(call: &Call<'_>, function: Arc<AggregateUDF>) -> Result<Typed> {
    let arg = call.arg(0)?;
    let (to, label) = (arg.data_type.clone(), format!("{}({})", call.name, arg.name));
    let mut out = of_udaf(function, vec![arg], to, false, &label);
    if let (Expr::AggregateFunction(f), Some(true)) = (&mut out.expr, call.constant_boolean(1)) {
        f.params.null_treatment = Some(NullTreatment::IgnoreNulls);
    }
    Ok(out)
}

/// Resolves `bool_and` and `bool_or`.
pub fn truth(call: &Call<'_>, function: Arc<AggregateUDF>) -> Result<Typed> {
    let args = vec![call.boolean(0)?];
    Ok(of_udaf(function, args, DataType::Boolean, call.distinct, &call.label()))
}

/// Resolves `bit_and`, `bit_or` and `bit_xor`, in the type of the argument.
///
/// # Errors
/// If the argument is not an integer, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn bits(call: &Call<'_>, function: Arc<AggregateUDF>) -> Result<Typed> {
    let arg = call.integral(0, &call.label())?;
    let to = arg.data_type.clone();
    Ok(of_udaf(function, vec![arg], to, call.distinct, &call.label()))
}

/// Resolves `approx_count_distinct` by DataFusion's HyperLogLog; the wanted error is not followed. Values of types
/// that it does not take are hashed first, floats among them: NaN is one value, and -0.0 is 0.0.
///
/// # Errors
/// If the argument is a map, `DATATYPE_MISMATCH.HASH_MAP_TYPE`.
pub fn approx_count_distinct(call: &Call<'_>) -> Result<Typed> {
    let function = df::approx_distinct::approx_distinct_udaf();
    let mut arg = call.arg(0)?;
    if has_floats(&arg.data_type) || arg.data_type.is_nested() {
        let hash = hash::xx(&call.other("xxhash64", std::slice::from_ref(&arg)))?;
        let known = Expr::IsNotNull(Box::new(arg.expr));
        arg = Typed::new(when(known, hash.expr).end()?, DataType::Int64, "");
    }
    let text = label(call.name, &call.args[..1]);
    let out = of_udaf(function, vec![arg], DataType::UInt64, false, &text);
    Ok(unsigned_to_long(out))
}

/// Casts DataFusion's unsigned result to BIGINT.
fn unsigned_to_long(mut typed: Typed) -> Typed {
    typed.expr = datafusion_expr::cast(typed.expr, DataType::Int64);
    typed.data_type = DataType::Int64;
    typed
}
