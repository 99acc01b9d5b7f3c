//! Aggregate functions with Spark's argument casts and result types. Those that gather all values are in
//! [`super::quantiles`] and [`super::collecting`].

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion_common::ScalarValue;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_expr::expr::{AggregateFunction, NullTreatment};
use datafusion_expr::{AggregateUDF, Expr};
use datafusion_functions_aggregate as df;

use super::call::Call;
use super::{Context, call_name, collecting, exactly, quantiles, wrong_number};
use crate::error::Result;
use crate::kernels::aggregates::{checked_sum, extremum, moments};
use crate::plan::arithmetic::{self, Op};
use crate::plan::scope::Typed;
use crate::values::cast::Mode;
use crate::values::types::{is_numeric, is_string};

pub fn call(context: &Context<'_>, name: &str, args: &[Typed], distinct: bool) -> Result<Option<Typed>> {
    let label = if distinct {
        call_name(name, args).replacen('(', "(DISTINCT ", 1)
    } else {
        call_name(name, args)
    };
    let of = Call::new(context, name, args);
    let make = |udf: Arc<AggregateUDF>, args: Vec<Typed>, to: DataType| aggregate(udf, args, to, distinct, &label);
    let statistic = |udf: Arc<AggregateUDF>| -> Result<Typed> {
        of.takes(1, 1)?;
        Ok(make(udf, vec![of.double(0)?], DataType::Float64))
    };
    Ok(Some(match name {
        "count" => count(args, distinct, &label)?,
        "count_if" => {
            let [condition] = exactly(name, args)?;
            let one = Typed::new(datafusion_expr::lit(1i64), DataType::Int64, "");
            let condition = context.cast(condition, &DataType::Boolean)?;
            let mut out = aggregate(df::count::count_udaf(), vec![one], DataType::Int64, false, &label);
            if let Expr::AggregateFunction(f) = &mut out.expr {
                f.params.filter = Some(Box::new(condition.expr));
            }
            out
        }
        "sum" | "try_sum" => {
            of.takes(1, 1)?;
            let mode = if name == "try_sum" { Mode::Try } else { context.mode };
            sum(context, args[0].clone(), mode, distinct, &label)?
        }
        "avg" | "mean" | "try_avg" => {
            of.takes(1, 1)?;
            let mode = if name == "try_avg" { Mode::Try } else { context.mode };
            average(context, &of, mode, distinct, &label)?
        }
        "min" | "max" => {
            let [arg] = exactly(name, args)?;
            let to = arg.data_type.clone();
            let function = if name == "min" {
                df::min_max::min_udaf()
            } else {
                df::min_max::max_udaf()
            };
            aggregate(function, vec![arg], to, false, &label)
        }
        "min_by" | "max_by" => {
            let [value, key] = exactly(name, args)?;
            let to = value.data_type.clone();
            let function = extremum::by_key(&to, &key.data_type, name == "max_by");
            aggregate(function, vec![value, key], to, false, &label)
        }
        "stddev" | "stddev_samp" | "std" => statistic(df::stddev::stddev_udaf())?,
        "stddev_pop" => statistic(df::stddev::stddev_pop_udaf())?,
        "variance" | "var_samp" => statistic(df::variance::var_samp_udaf())?,
        "var_pop" => statistic(df::variance::var_pop_udaf())?,
        "skewness" => statistic(moments::skewness())?,
        "kurtosis" => statistic(moments::kurtosis())?,
        "corr" | "covar_samp" | "covar_pop" => {
            of.takes(2, 2)?;
            let function = match name {
                "corr" => df::correlation::corr_udaf(),
                "covar_samp" => df::covariance::covar_samp_udaf(),
                _ => df::covariance::covar_pop_udaf(),
            };
            make(function, vec![of.double(0)?, of.double(1)?], DataType::Float64)
        }
        "regr_avgx" | "regr_avgy" | "regr_intercept" | "regr_r2" | "regr_slope" | "regr_sxx" | "regr_sxy"
        | "regr_syy" | "regr_count" => {
            of.takes(2, 2)?;
            regression(context, &of, &label)?
        }
        "first" | "first_value" | "any_value" | "last" | "last_value" => {
            let Some(arg) = args.first() else {
                return Err(wrong_number(name, "[1, 2]", 0));
            };
            let ignore = of.constant_boolean(1).unwrap_or(false);
            let first = !name.starts_with("last");
            let function = if first {
                df::first_last::first_value_udaf()
            } else {
                df::first_last::last_value_udaf()
            };
            let label = format!("{name}({})", arg.name);
            let mut out = aggregate(function, vec![arg.clone()], arg.data_type.clone(), false, &label);
            if let (Expr::AggregateFunction(f), true) = (&mut out.expr, ignore) {
                f.params.null_treatment = Some(NullTreatment::IgnoreNulls);
            }
            out
        }
        "bool_and" | "every" | "bool_or" | "some" | "any" => {
            of.takes(1, 1)?;
            let and = matches!(name, "bool_and" | "every");
            make(
                if and {
                    df::bool_and_or::bool_and_udaf()
                } else {
                    df::bool_and_or::bool_or_udaf()
                },
                vec![of.boolean(0)?],
                DataType::Boolean,
            )
        }
        "bit_and" | "bit_or" | "bit_xor" => {
            let [arg] = exactly(name, args)?;
            let to = arg.data_type.clone();
            let function = match name {
                "bit_and" => df::bit_and_or_xor::bit_and_udaf(),
                "bit_or" => df::bit_and_or_xor::bit_or_udaf(),
                _ => df::bit_and_or_xor::bit_xor_udaf(),
            };
            make(function, vec![arg], to)
        }
        "approx_count_distinct" => {
            let Some(arg) = args.first() else {
                return Err(wrong_number(name, "[1, 2]", 0));
            };
            let out = aggregate(
                df::approx_distinct::approx_distinct_udaf(),
                vec![arg.clone()],
                DataType::UInt64,
                false,
                &label,
            );
            unsigned_to_long(out)
        }
        _ => {
            if let Some(found) = quantiles::call(context, name, args, &label)? {
                return Ok(Some(found));
            }
            return collecting::call(context, name, args, distinct, &label);
        }
    }))
}

fn unsigned_to_long(mut typed: Typed) -> Typed {
    typed.expr = datafusion_expr::cast(typed.expr, DataType::Int64);
    typed.data_type = DataType::Int64;
    typed
}

/// One aggregate call.
pub fn aggregate(udf: Arc<AggregateUDF>, args: Vec<Typed>, to: DataType, distinct: bool, label: &str) -> Typed {
    let args = args.into_iter().map(|t| t.expr).collect();
    let expr = Expr::AggregateFunction(AggregateFunction::new_udf(udf, args, distinct, None, vec![], None));
    Typed::new(expr, to, label)
}

/// Changes the aggregate and window calls inside an expression: a function may be several of them put together.
pub fn each_call(expr: Expr, mut change: impl FnMut(Expr) -> Result<Expr>) -> Result<Expr> {
    let changed = expr.transform_down(|e| match e {
        Expr::AggregateFunction(_) | Expr::WindowFunction(_) => {
            Ok(Transformed::new(change(e)?, true, TreeNodeRecursion::Jump))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(changed.data)
}

/// BIGINT for integers, ten more digits for decimals, DOUBLE for the rest (`Sum`).
fn sum(context: &Context<'_>, arg: Typed, mode: Mode, distinct: bool, label: &str) -> Result<Typed> {
    let to = match &arg.data_type {
        DataType::Decimal128(p, s) => DataType::Decimal128((*p + 10).min(38), *s),
        t if is_numeric(t) && !matches!(t, DataType::Float32 | DataType::Float64) => DataType::Int64,
        t if is_numeric(t) || is_string(t) || t.is_null() => DataType::Float64,
        _ => return Err(super::unexpected_type(label, 1, &arg, "NUMERIC\" or \"ANSI INTERVAL")),
    };
    let arg = context.cast(arg, &to)?;
    let function = if to == DataType::Float64 {
        df::sum::sum_udaf()
    } else {
        checked_sum::sum(&to, mode)
    };
    Ok(aggregate_distinct(function, arg, to, distinct, label))
}

/// DISTINCT as a gathering of distinct values where the function has no such form of its own.
fn aggregate_distinct(function: Arc<AggregateUDF>, arg: Typed, to: DataType, distinct: bool, label: &str) -> Typed {
    if !distinct || to == DataType::Float64 {
        return aggregate(function, vec![arg], to, distinct, label);
    }
    let summed = collecting::over_distinct(&function, &arg.data_type, &to);
    aggregate(summed, vec![arg], to, false, label)
}

/// DOUBLE, or for decimals the sum divided by the count, rounded half up at four more digits (`Average`).
fn average(context: &Context<'_>, of: &Call<'_>, mode: Mode, distinct: bool, label: &str) -> Result<Typed> {
    let arg = of.args[0].clone();
    let label = label.replacen("mean(", "avg(", usize::from(of.name == "mean"));
    match &arg.data_type {
        DataType::Decimal128(p, s) => {
            let to = DataType::Decimal128((*p + 4).min(38), (*s + 4).min(38));
            let total = sum(context, arg.clone(), mode, distinct, "")?;
            let number = count(std::slice::from_ref(&arg), distinct, "")?;
            let number = context.cast(number, &DataType::Decimal128(20, 0))?;
            let quotient = arithmetic::binary(Op::Divide, total, number, Mode::Try, context.zone)?;
            let mut out = context.cast(quotient, &to)?;
            out.name = label;
            Ok(out)
        }
        t if is_numeric(t) || is_string(t) || t.is_null() => Ok(aggregate(
            df::average::avg_udaf(),
            vec![of.double(0)?],
            DataType::Float64,
            distinct,
            &label,
        )),
        _ => Err(super::unexpected_type(&label, 1, &arg, "NUMERIC\" or \"ANSI INTERVAL")),
    }
}

fn count(args: &[Typed], distinct: bool, label: &str) -> Result<Typed> {
    let udf = df::count::count_udaf();
    let all_literal = args.iter().all(|a| a.is_literal());
    if !distinct && (args.is_empty() || all_literal) {
        let one = Typed::new(datafusion_expr::lit(1i64), DataType::Int64, "1");
        let null = args.iter().any(|a| a.literal().is_some_and(ScalarValue::is_null));
        let argument = if null {
            Typed::new(Expr::Literal(ScalarValue::Int64(None), None), DataType::Int64, "NULL")
        } else {
            one
        };
        return Ok(aggregate(udf, vec![argument], DataType::Int64, false, label));
    }
    if let [one] = args {
        return Ok(aggregate(udf, vec![one.clone()], DataType::Int64, distinct, label));
    }
    // A row counts when none of the columns is null; DISTINCT counts whole tuples.
    let present = args
        .iter()
        .map(|a| Expr::IsNotNull(Box::new(a.expr.clone())))
        .reduce(datafusion_expr::and);
    let argument = if distinct {
        let fields: Vec<Field> = args
            .iter()
            .enumerate()
            .map(|(i, a)| Field::new(format!("c{i}"), a.data_type.clone(), true))
            .collect();
        let parts = args.iter().map(|a| a.expr.clone()).collect();
        super::structs::make_struct(fields.into(), parts)
    } else {
        datafusion_expr::lit(1i64)
    };
    let typed = Typed::new(argument, DataType::Int64, "");
    let mut out = aggregate(udf, vec![typed], DataType::Int64, distinct, label);
    if let Expr::AggregateFunction(f) = &mut out.expr {
        f.params.filter = present.map(Box::new);
    }
    Ok(out)
}

fn regression(_: &Context<'_>, of: &Call<'_>, label: &str) -> Result<Typed> {
    let args = vec![of.double(0)?, of.double(1)?];
    let function = match of.name {
        "regr_avgx" => df::regr::regr_avgx_udaf(),
        "regr_avgy" => df::regr::regr_avgy_udaf(),
        "regr_intercept" => df::regr::regr_intercept_udaf(),
        "regr_r2" => df::regr::regr_r2_udaf(),
        "regr_slope" => df::regr::regr_slope_udaf(),
        "regr_sxx" => df::regr::regr_sxx_udaf(),
        "regr_sxy" => df::regr::regr_sxy_udaf(),
        "regr_syy" => df::regr::regr_syy_udaf(),
        _ => {
            return Ok(unsigned_to_long(aggregate(
                df::regr::regr_count_udaf(),
                args,
                DataType::UInt64,
                false,
                label,
            )));
        }
    };
    Ok(aggregate(function, args, DataType::Float64, false, label))
}
