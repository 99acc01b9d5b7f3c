//! Calls that need more than values: clauses of aggregates, `grouping`, lambdas, stars.

use arrow::compute::SortOptions;
use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::Expr;
use datafusion_expr::expr::NullTreatment;

use super::aggregate::each_call;
use super::call::Call;
use super::collecting::{self, OrderKey};
use super::quantiles;
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::{Resolved, Typed};
use crate::plan::{cast_expr, literal};
use crate::proto as sc;
use crate::values::{cast, types};

impl Analyzer {
    /// A call that is no plain function of its arguments; none where it is one.
    pub(in crate::plan) fn special_function(
        &mut self,
        name: &str,
        call: &sc::expression::UnresolvedFunction,
        scope: &Resolved,
    ) -> Result<Option<Typed>> {
        let args = &call.arguments;
        if let Some(found) = self.higher_order(name, args, scope)? {
            return Ok(Some(found));
        }
        Ok(Some(match (name, &args[..]) {
            ("__agg_filter", [function, condition]) => {
                let mut typed = self.expression(function, scope)?;
                let condition = self.condition(condition, scope)?;
                typed.name = format!("{} FILTER (WHERE {})", typed.name, condition.name);
                let label = typed.name.clone();
                typed.expr = each_call(typed.expr, |e| match e {
                    Expr::AggregateFunction(mut f) => {
                        f.params.filter = Some(Box::new(match f.params.filter.take() {
                            Some(own) => datafusion_expr::and(*own, condition.expr.clone()),
                            None => condition.expr.clone(),
                        }));
                        Ok(Expr::AggregateFunction(f))
                    }
                    _ => Err(SparkError::unsupported(format!("FILTER on {label}"))),
                })?;
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
                typed.expr = each_call(typed.expr, |mut e| {
                    match &mut e {
                        Expr::AggregateFunction(f) => f.params.null_treatment = Some(NullTreatment::IgnoreNulls),
                        Expr::WindowFunction(f) => f.params.null_treatment = Some(NullTreatment::IgnoreNulls),
                        _ => {}
                    }
                    Ok(e)
                })?;
                typed
            }
            ("__within_group", [function, order @ ..]) => self.within_group(function, order, scope)?,
            ("__timestamp", [text]) => self.timestamp_literal(text, scope)?,
            ("count", [single]) if !call.is_distinct && is_star(single) => {
                let one = super::aggregate::call(&self.context(), "count", &[literal::int(1)], false)?;
                one.ok_or_else(|| SparkError::internal("there is no count"))?
            }
            ("grouping" | "grouping_id", _) => {
                let args = args
                    .iter()
                    .map(|a| self.expression(a, scope))
                    .collect::<Result<Vec<_>>>()?;
                let to = if name == "grouping" {
                    DataType::Int8
                } else {
                    DataType::Int64
                };
                let label = super::call_name(name, &args);
                let keep = if name == "grouping" {
                    args.into_iter().map(|t| t.expr).collect()
                } else {
                    vec![]
                };
                let expr = kernel::call("__grouping", name, to.clone(), keep, |_, _| {
                    Err(SparkError::internal("grouping() was not rewritten").into())
                });
                Typed::new(expr, to, label)
            }
            _ => return Ok(None),
        }))
    }

    pub(in crate::plan) fn context(&self) -> super::Context<'_> {
        super::Context {
            mode: self.mode(),
            zone: self.zone,
            now_us: self.now_us,
            conf: &self.conf,
        }
    }

    /// `TIMESTAMP'…'` whose text names no zone: the session's.
    fn timestamp_literal(&mut self, text: &sc::Expression, scope: &Resolved) -> Result<Typed> {
        let text = self.expression(text, scope)?;
        let zone = self.zone;
        let label = text.name.clone();
        let instant = cast_expr::cast(text, &types::timestamp(), cast::Mode::Ansi, zone)?;
        let value = super::fold(&instant.expr).filter(|v| !v.is_null()).ok_or_else(|| {
            SparkError::new(
                crate::error::Exception::Parse,
                "INVALID_TYPED_LITERAL",
                "42604",
                format!("The value of the typed literal \"TIMESTAMP\" is invalid: '{label}'."),
            )
            .with("valueType", "\"TIMESTAMP\"")
            .with("value", format!("'{label}'"))
        })?;
        let name = match &value {
            ScalarValue::TimestampMicrosecond(Some(us), _) => {
                format!("TIMESTAMP '{}'", crate::values::text::timestamp(zone.to_local(*us)))
            }
            other => literal::display(other),
        };
        Ok(Typed::new(Expr::Literal(value, None), types::timestamp(), name))
    }

    /// `f(args) WITHIN GROUP (ORDER BY keys)`.
    fn within_group(&mut self, function: &sc::Expression, order: &[sc::Expression], scope: &Resolved) -> Result<Typed> {
        let Some(sc::expression::ExprType::UnresolvedFunction(call)) = &function.expr_type else {
            return Err(SparkError::invalid_plan("WITHIN GROUP stands behind no function"));
        };
        let name = call.function_name.to_ascii_lowercase();
        let args = call
            .arguments
            .iter()
            .map(|a| self.expression(a, scope))
            .collect::<Result<Vec<_>>>()?;
        let mut keys = Vec::new();
        let mut described = Vec::new();
        for key in order {
            let Some(sc::expression::ExprType::SortOrder(spec)) = &key.expr_type else {
                return Err(SparkError::invalid_plan("a key of WITHIN GROUP is no sort order"));
            };
            let (value, sort) = self.sort_order(spec, scope)?;
            described.push(crate::plan::window_function::describe(&value, &sort));
            keys.push(OrderKey {
                value,
                options: SortOptions {
                    descending: !sort.asc,
                    nulls_first: sort.nulls_first,
                },
            });
        }
        let distinct = if call.is_distinct { "DISTINCT " } else { "" };
        let inner: Vec<&str> = args.iter().map(|a| a.name.as_str()).collect();
        let label = format!(
            "{name}({distinct}{}) WITHIN GROUP (ORDER BY {})",
            inner.join(", "),
            described.join(", ")
        );
        let context = self.context();
        let of = Call::new(&context, &name, &args);
        match (name.as_str(), &keys[..]) {
            ("listagg" | "string_agg", _) => {
                of.takes(1, 2)?;
                let delimiter = of.constant_text(1).unwrap_or_default();
                let label = if args.len() == 1 {
                    label.replacen(&format!("{})", args[0].name), &format!("{}, NULL)", args[0].name), 1)
                } else {
                    label
                };
                collecting::joined(&of, delimiter, keys, call.is_distinct, &label)
            }
            ("mode", [key]) => Ok(collecting::most_frequent(
                key.value.clone(),
                Some(key.options.descending),
                &label,
            )),
            (_, [key]) => {
                quantiles::within_group(&context, &name, &args, key, &label)?.ok_or_else(|| not_ordered(&name))
            }
            _ => Err(not_ordered(&name)),
        }
    }
}

fn not_ordered(name: &str) -> SparkError {
    SparkError::analysis(
        "INVALID_WITHIN_GROUP_EXPRESSION.WITHIN_GROUP_MISSING",
        "42K0K",
        format!("Invalid function `{name}` with WITHIN GROUP."),
    )
}

fn is_star(expression: &sc::Expression) -> bool {
    matches!(&expression.expr_type, Some(sc::expression::ExprType::UnresolvedStar(star)) if star.unparsed_target.is_none())
}
