//! Calls that need more than values: clauses of aggregates, `grouping`, lambdas.


use datafusion_expr::Expr;
use datafusion_expr::expr::NullTreatment;

use arrow::datatypes::DataType;

use crate::connect::proto as sc;
use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::kernel;
use crate::plan::scope::{Resolved, Typed};

impl Analyzer {
    /// A call that is no plain function of its arguments; none where it is one.
    pub(in crate::plan) fn special_function(
        &mut self,
        name: &str,
        call: &sc::expression::UnresolvedFunction,
        scope: &Resolved,
    ) -> Result<Option<Typed>> {
        let args = &call.arguments;
        Ok(Some(match (name, &args[..]) {
            ("__agg_filter", [function, condition]) => {
                let mut typed = self.expression(function, scope)?;
                let condition = self.condition(condition, scope)?;
                let Expr::AggregateFunction(f) = &mut typed.expr else {
                    return Err(SparkError::unsupported(format!("FILTER on {}", typed.name)));
                };
                f.params.filter = Some(Box::new(match f.params.filter.take() {
                    Some(own) => datafusion_expr::and(*own, condition.expr),
                    None => condition.expr,
                }));
                typed.name = format!("{} FILTER (WHERE {})", typed.name, condition.name);
                typed
            }
            ("__parameter", [name]) => {
                let name = self.expression(name, scope)?.name;
                let value = self.parameters.get(&name).cloned().ok_or_else(|| {
                    SparkError::analysis("UNBOUND_SQL_PARAMETER", "42P02", format!("Found the unbound parameter: {name}. Please, fix `args` and provide a mapping of the parameter to either a SQL literal or collection constructor functions."))
                        .with("name", name)
                })?;
                self.expression(&value, scope)?
            }
            ("__ignore_nulls", [function]) => {
                let mut typed = self.expression(function, scope)?;
                match &mut typed.expr {
                    Expr::AggregateFunction(f) => f.params.null_treatment = Some(NullTreatment::IgnoreNulls),
                    Expr::WindowFunction(f) => f.params.null_treatment = Some(NullTreatment::IgnoreNulls),
                    _ => return Err(SparkError::unsupported(format!("IGNORE NULLS on {}", typed.name))),
                }
                typed
            }
            ("count", [single]) if !call.is_distinct && is_star(single) => {
                let one = sc::Expression {
                    expr_type: Some(sc::expression::ExprType::Literal(sc::expression::Literal {
                        literal_type: Some(sc::expression::literal::LiteralType::Integer(1)),
                        ..Default::default()
                    })),
                    ..Default::default()
                };
                let call = sc::expression::UnresolvedFunction { function_name: "count".into(), arguments: vec![one], ..Default::default() };
                let expression = sc::Expression { expr_type: Some(sc::expression::ExprType::UnresolvedFunction(call)), ..Default::default() };
                let mut typed = self.expression(&expression, scope)?;
                typed.name = "count(1)".into();
                typed
            }
            ("grouping" | "grouping_id", _) => {
                let args = args.iter().map(|a| self.expression(a, scope)).collect::<Result<Vec<_>>>()?;
                let to = if name == "grouping" { DataType::Int8 } else { DataType::Int64 };
                let label = super::call_name(name, &args);
                let keep = if name == "grouping" { args.into_iter().map(|t| t.expr).collect() } else { vec![] };
                let expr = kernel::call("__grouping", name, to.clone(), keep, |_, _| Err(SparkError::internal("grouping() was not rewritten").into()));
                Typed::new(expr, to, label)
            }
            _ => return Ok(None),
        }))
    }
}

fn is_star(expression: &sc::Expression) -> bool {
    matches!(&expression.expr_type, Some(sc::expression::ExprType::UnresolvedStar(star)) if star.unparsed_target.is_none())
}

