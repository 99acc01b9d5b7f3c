//! `f(…) OVER (PARTITION BY … ORDER BY … frame)`.

use datafusion_common::ScalarValue;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_expr::expr::{NullTreatment, Sort, WindowFunction, WindowFunctionParams};
use datafusion_expr::{Expr, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition};

use super::analyzer::Analyzer;
use super::scope::{Attribute, Resolved, Typed};
use crate::connect::proto as sc;
use crate::connect::proto::expression::window::WindowFrame as ProtoFrame;
use crate::connect::proto::expression::window::window_frame::{FrameBoundary, FrameType, frame_boundary::Boundary};
use crate::error::{Result, SparkError};

impl Analyzer {
    pub(super) fn window_function(&mut self, window: &sc::expression::Window, scope: &Resolved) -> Result<Typed> {
        let call = window.window_function.as_deref().ok_or_else(|| SparkError::invalid_plan("a window has no function"))?;
        let partition: Vec<Typed> = window.partition_spec.iter().map(|p| self.expression(p, scope)).collect::<Result<_>>()?;
        let mut order = Vec::new();
        let mut order_types = Vec::new();
        for spec in &window.order_spec {
            let (typed, sort) = self.sort_order(spec, scope)?;
            order_types.push(typed.data_type);
            order.push(sort);
        }
        let typed = self.expression(call, scope)?;
        let frame = window.frame_spec.as_deref();
        let (fun, args, filter, distinct, null_treatment) = match typed.expr.clone() {
            Expr::WindowFunction(function) => {
                let p = function.params;
                (function.fun, p.args, p.filter, p.distinct, p.null_treatment)
            }
            Expr::AggregateFunction(function) => {
                let p = function.params;
                (WindowFunctionDefinition::AggregateUDF(function.func), p.args, p.filter, p.distinct, p.null_treatment)
            }
            _ => {
                return Err(SparkError::analysis(
                    "UNSUPPORTED_EXPR_FOR_WINDOW",
                    "42P20",
                    format!("Expression \"{}\" not supported within a window function.", typed.name),
                ));
            }
        };
        let ranking = matches!(&fun, WindowFunctionDefinition::WindowUDF(udf) if !matches!(udf.name(), "first_value" | "last_value" | "nth_value"));
        if ranking && order.is_empty() {
            return Err(SparkError::analysis(
                "WINDOW_FUNCTION_FRAME_NOT_ORDERED",
                "42601",
                format!("Window function {}() requires window to be ordered, please add ORDER BY clause.", fun.name()),
            )
            .with("wf", format!("{}()", fun.name())));
        }
        let window_frame = self.frame(frame, &order, &order_types, scope)?;
        let null_treatment = null_treatment.or(Some(NullTreatment::RespectNulls)).filter(|n| *n == NullTreatment::IgnoreNulls);
        let params = WindowFunctionParams {
            args,
            partition_by: partition.into_iter().map(|t| t.expr).collect(),
            order_by: order,
            window_frame,
            filter,
            null_treatment,
            distinct,
        };
        let name = format!("{} OVER (…)", typed.name);
        Ok(Typed::new(Expr::WindowFunction(Box::new(WindowFunction { fun, params })), typed.data_type, name))
    }

    /// One sort key, nulls first when ascending, last when descending, unless said otherwise.
    pub(super) fn sort_order(&mut self, spec: &sc::expression::SortOrder, scope: &Resolved) -> Result<(Typed, Sort)> {
        let child = spec.child.as_deref().ok_or_else(|| SparkError::invalid_plan("a sort order has no child"))?;
        let typed = self.expression(child, scope)?;
        let sort = sort_key(&typed, spec);
        Ok((typed, sort))
    }

    fn frame(&mut self, frame: Option<&ProtoFrame>, order: &[Sort], order_types: &[arrow::datatypes::DataType], scope: &Resolved) -> Result<WindowFrame> {
        let Some(frame) = frame else {
            return Ok(WindowFrame::new(if order.is_empty() { None } else { Some(false) }));
        };
        let units = if frame.frame_type() == FrameType::Row { WindowFrameUnits::Rows } else { WindowFrameUnits::Range };
        let lower = self.bound(frame.lower.as_deref(), units, order_types, scope, true)?;
        let upper = self.bound(frame.upper.as_deref(), units, order_types, scope, false)?;
        Ok(WindowFrame::new_bounds(units, lower, upper))
    }

    fn bound(
        &mut self,
        boundary: Option<&FrameBoundary>,
        units: WindowFrameUnits,
        order_types: &[arrow::datatypes::DataType],
        scope: &Resolved,
        lower: bool,
    ) -> Result<WindowFrameBound> {
        let boundary = boundary.and_then(|b| b.boundary.as_ref()).ok_or_else(|| SparkError::invalid_plan("a window frame lacks a bound"))?;
        let value = match boundary {
            Boundary::CurrentRow(_) => return Ok(WindowFrameBound::CurrentRow),
            Boundary::Unbounded(_) if lower => return Ok(WindowFrameBound::Preceding(ScalarValue::UInt64(None))),
            Boundary::Unbounded(_) => return Ok(WindowFrameBound::Following(ScalarValue::UInt64(None))),
            Boundary::Value(value) => self.expression(value, scope)?,
        };
        let constant = constant_of(&value)?;
        let negative = matches!(&constant, ScalarValue::Int32(Some(n)) if *n < 0)
            || matches!(&constant, ScalarValue::Int64(Some(n)) if *n < 0)
            || matches!(&constant, ScalarValue::DurationMicrosecond(Some(n)) if *n < 0);
        let size = if negative { constant.arithmetic_negate()? } else { constant };
        if matches!(&size, ScalarValue::Int32(Some(0)) | ScalarValue::Int64(Some(0))) {
            return Ok(WindowFrameBound::CurrentRow);
        }
        let size = if units == WindowFrameUnits::Rows {
            let ScalarValue::Int64(Some(n)) = size.cast_to(&arrow::datatypes::DataType::Int64)? else {
                return Err(SparkError::invalid_plan("a ROWS bound is no number"));
            };
            ScalarValue::UInt64(Some(n.unsigned_abs()))
        } else {
            match (&size, order_types.first()) {
                (ScalarValue::DurationMicrosecond(Some(us)), _) => ScalarValue::IntervalMonthDayNano(Some(
                    arrow::datatypes::IntervalMonthDayNano::new(0, (us / 86_400_000_000) as i32, us % 86_400_000_000 * 1000),
                )),
                (ScalarValue::IntervalMonthDayNano(_), _) | (_, None) => size,
                (_, Some(key)) => size.cast_to(key)?,
            }
        };
        Ok(if negative { WindowFrameBound::Preceding(size) } else { WindowFrameBound::Following(size) })
    }

    /// Moves window functions of a select list into a Window below it.
    pub(super) fn pull_window_functions(&mut self, input: Resolved, items: &mut [Typed]) -> Result<Resolved> {
        let mut calls: Vec<(Expr, Attribute)> = Vec::new();
        for item in items.iter_mut() {
            let rewritten = item.expr.clone().transform_down(|e| {
                if !matches!(e, Expr::WindowFunction(_)) {
                    return Ok(Transformed::no(e));
                }
                let attribute = match calls.iter().find(|(known, _)| *known == e) {
                    Some((_, attribute)) => attribute.clone(),
                    None => {
                        let attribute = self.attribute("window function", item.data_type.clone(), true);
                        calls.push((e, attribute.clone()));
                        attribute
                    }
                };
                Ok(Transformed::new(attribute.column(), true, TreeNodeRecursion::Jump))
            })?;
            if rewritten.transformed {
                item.expr = rewritten.data;
            }
        }
        if calls.is_empty() {
            return Ok(input);
        }
        if input.streaming {
            return Err(SparkError::analysis(
                "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
                "42KDE",
                "Window function is not supported on streaming DataFrames/Datasets. Structured Streaming only supports time-window aggregation using the WINDOW function.",
            ));
        }
        let exprs: Vec<Expr> = calls.iter().map(|(e, a)| e.clone().alias(a.id.clone())).collect();
        let plan = LogicalPlanBuilder::window_plan(input.plan.clone(), exprs)?;
        Ok(input.over(plan))
    }
}

/// A sort key by Spark's defaults for nulls.
pub fn sort_key(typed: &Typed, spec: &sc::expression::SortOrder) -> Sort {
    use sc::expression::sort_order::{NullOrdering, SortDirection};
    let ascending = spec.direction() != SortDirection::Descending;
    let nulls_first = match spec.null_ordering() {
        NullOrdering::SortNullsFirst => true,
        NullOrdering::SortNullsLast => false,
        NullOrdering::SortNullsUnspecified => ascending,
    };
    typed.expr.clone().sort(ascending, nulls_first)
}

fn constant_of(typed: &Typed) -> Result<ScalarValue> {
    match typed.literal() {
        Some(value) => Ok(value.clone()),
        None => Err(SparkError::analysis("DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WITHOUT_FOLDABLE", "42K09", format!("Window frame bound \"{}\" is not a literal.", typed.name))),
    }
}

