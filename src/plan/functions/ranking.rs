//! Window-only functions.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_expr::expr::WindowFunction;
use datafusion_expr::{Expr, WindowFunctionDefinition, WindowUDF};
use datafusion_functions_window as df;

use super::{Context, call_name};
use crate::error::Result;
use crate::plan::scope::Typed;

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let make = |udf: Arc<WindowUDF>, args: Vec<Typed>, to: DataType| -> Result<Typed> {
        let exprs = args.iter().map(|t| t.expr.clone()).collect();
        let function = WindowFunction::new(WindowFunctionDefinition::WindowUDF(udf), exprs);
        Ok(Typed::new(Expr::WindowFunction(Box::new(function)), to, call_name(name, &args)))
    };
    // DataFusion numbers rows with UInt64.
    let number = |udf: Arc<WindowUDF>, args: Vec<Typed>| -> Result<Typed> {
        let inner = make(udf, args, DataType::UInt64)?;
        Ok(inner)
    };
    Ok(Some(match name {
        "row_number" => number(df::row_number::row_number_udwf(), vec![])?,
        "rank" => number(df::rank::rank_udwf(), vec![])?,
        "dense_rank" => number(df::rank::dense_rank_udwf(), vec![])?,
        "percent_rank" => make(df::rank::percent_rank_udwf(), vec![], DataType::Float64)?,
        "cume_dist" => make(df::cume_dist::cume_dist_udwf(), vec![], DataType::Float64)?,
        "ntile" => {
            let buckets = context.cast(args.first().cloned().unwrap_or_else(|| crate::plan::literal::int(1)), &DataType::Int64)?;
            number(df::ntile::ntile_udwf(), vec![buckets])?
        }
        "lag" | "lead" => {
            let Some(value) = args.first() else { return Err(super::wrong_number(name, "[1, 2, 3]", 0)) };
            let offset = context.cast(args.get(1).cloned().unwrap_or_else(|| crate::plan::literal::int(1)), &DataType::Int64)?;
            let mut all = vec![value.clone(), offset];
            if let Some(default) = args.get(2).filter(|d| !d.data_type.is_null()) {
                all.push(context.cast(default.clone(), &value.data_type)?);
            }
            let udf = if name == "lag" { df::lead_lag::lag_udwf() } else { df::lead_lag::lead_udwf() };
            make(udf, all, value.data_type.clone())?
        }
        "nth_value" => {
            let [value, at] = super::exactly(name, args)?;
            let to = value.data_type.clone();
            make(df::nth_value::nth_value_udwf(), vec![value, context.cast(at, &DataType::Int64)?], to)?
        }
        _ => return Ok(None),
    }))
}
