//! Window-only functions.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_expr::expr::WindowFunction;
use datafusion_expr::{Expr, WindowFunctionDefinition, WindowUDF};
use datafusion_functions_window as df;

use super::call::Call;
use super::{Context, call_name};
use crate::error::Result;
use crate::plan::scope::Typed;

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let of = Call::new(context, name, args);
    let make = |udf: Arc<WindowUDF>, inner: Vec<Typed>, to: DataType, label: String| {
        let exprs = inner.into_iter().map(|t| t.expr).collect();
        let function = WindowFunction::new(WindowFunctionDefinition::WindowUDF(udf), exprs);
        Typed::new(Expr::WindowFunction(Box::new(function)), to, label)
    };
    // DataFusion numbers rows with UInt64, Spark with INT.
    let number = |udf: Arc<WindowUDF>, inner: Vec<Typed>, label: String| {
        let mut out = make(udf, inner, DataType::UInt64, label);
        out.expr = datafusion_expr::cast(out.expr, DataType::Int32);
        out.data_type = DataType::Int32;
        out
    };
    Ok(Some(match name {
        "row_number" => number(df::row_number::row_number_udwf(), vec![], of.label()),
        "rank" => number(df::rank::rank_udwf(), vec![], of.label()),
        "dense_rank" => number(df::rank::dense_rank_udwf(), vec![], of.label()),
        "percent_rank" => make(df::rank::percent_rank_udwf(), vec![], DataType::Float64, of.label()),
        "cume_dist" => make(df::cume_dist::cume_dist_udwf(), vec![], DataType::Float64, of.label()),
        "ntile" => {
            of.takes(0, 1)?;
            let buckets = if args.is_empty() {
                crate::plan::literal::int(1)
            } else {
                of.arg(0)?
            };
            let label = call_name(name, std::slice::from_ref(&buckets));
            number(
                df::ntile::ntile_udwf(),
                vec![context.cast(buckets, &DataType::Int64)?],
                label,
            )
        }
        "lag" | "lead" => {
            of.takes(1, 3)?;
            let offset = if args.len() > 1 {
                of.arg(1)?
            } else {
                crate::plan::literal::int(1)
            };
            let value = of.arg(0)?;
            let default = args.get(2).map_or("NULL", |d| &d.name);
            let label = format!("{name}({}, {}, {default})", value.name, offset.name);
            // The offset must be a plain literal.
            let offset = context.cast(offset, &DataType::Int64)?;
            let offset = match super::fold(&offset.expr) {
                Some(found) => Typed::new(Expr::Literal(found, None), DataType::Int64, ""),
                None => offset,
            };
            let to = value.data_type.clone();
            let mut all = vec![value, offset];
            if let Some(default) = args.get(2).filter(|d| !d.data_type.is_null()) {
                let default = context.cast(default.clone(), &to)?;
                all.push(match super::fold(&default.expr) {
                    Some(found) => Typed::new(Expr::Literal(found, None), to.clone(), ""),
                    None => default,
                });
            }
            let udf = if name == "lag" {
                df::lead_lag::lag_udwf()
            } else {
                df::lead_lag::lead_udwf()
            };
            make(udf, all, to, label)
        }
        "nth_value" => {
            of.takes(2, 3)?;
            let value = of.arg(0)?;
            let to = value.data_type.clone();
            let at = match super::fold(&of.long(1)?.expr) {
                Some(found) => Typed::new(Expr::Literal(found, None), DataType::Int64, ""),
                None => of.long(1)?,
            };
            let label = call_name(name, &args[..2]);
            let mut out = make(df::nth_value::nth_value_udwf(), vec![value, at], to, label);
            if let (Expr::WindowFunction(f), Some(true)) = (&mut out.expr, of.constant_boolean(2)) {
                f.params.null_treatment = Some(datafusion_expr::expr::NullTreatment::IgnoreNulls);
            }
            out
        }
        _ => return Ok(None),
    }))
}
