//! Calls that need more than values: functions with lambdas and stars, and the clauses of SQL that the
//! protocol has no message for (`FILTER`, `WITHIN GROUP`, `IGNORE NULLS`), which arrive as internal calls.
//!
//! ```text
//! f(x) FILTER (WHERE c)          Marker::AggFilter      the aggregates of the call see fewer rows
//! f(x) WITHIN GROUP (ORDER BY y) Marker::WithinGroup    the entry's own code for it
//! f(x) IGNORE NULLS              Marker::IgnoreNulls    a flag of the call
//! :name  ?                       Marker::Parameter      the client's value, resolved in its place
//! TIMESTAMP'…' without a zone    Marker::Timestamp      a constant in the session's zone
//! (a, b)                         Marker::Tuple          a struct
//! ```

use arrow::compute::SortOptions;
use datafusion_common::ScalarValue;
use datafusion_expr::Expr;
use datafusion_expr::expr::NullTreatment;

use super::aggregate::collecting::OrderKey;
use super::aggregate::each_call;
use super::call::Call;
use super::collection::structs;
use super::entry::{Body, Form};
use super::{constant, registry};
use crate::error::{Exception, Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::{Resolved, Typed};
use crate::plan::sql::marker::Marker;
use crate::plan::{cast_expr, literal};
use crate::proto as sc;
use crate::values::{cast, types};

impl Analyzer {
    /// Resolves a call of a function.
    ///
    /// # Errors
    /// If no function has the name, `UNRESOLVED_ROUTINE`; if the number of arguments does not fit,
    /// `WRONG_NUM_ARGS`; and what the function's own checks find.
    pub(in crate::plan) fn function(
        &mut self,
        call: &sc::expression::UnresolvedFunction,
        scope: &Resolved,
    ) -> Result<Typed> {
        let name = call.function_name.to_ascii_lowercase();
        let form = Form {
            name: &name,
            args: &call.arguments,
            distinct: call.is_distinct,
            scope,
        };
        if let Some((marker, _)) = Marker::of_call(call) {
            return self.clause(marker, &form);
        }
        if let Some(function) = registry::find(&name)
            && let Body::Form(resolve) = function.body
        {
            if !form.args.iter().any(is_any_star) {
                function.check_arity(&name, form.args.len())?;
            }
            return resolve(self, &form);
        }
        let args = self.arguments(&form)?;
        super::call(&self.context(), &name, args, form.distinct)?.ok_or_else(|| registry::unresolved(&name))
    }

    /// Resolves the arguments of a call; a star becomes the columns that it stands for. Names of arguments
    /// are not looked at.
    pub(in crate::plan) fn arguments(&mut self, form: &Form<'_>) -> Result<Vec<Typed>> {
        use sc::expression::ExprType;
        let mut args = Vec::with_capacity(form.args.len());
        for argument in form.args {
            match &argument.expr_type {
                Some(ExprType::UnresolvedStar(star)) => args.extend(self.star(star, form.scope)?),
                Some(ExprType::NamedArgumentExpression(named)) => {
                    let value = named
                        .value
                        .as_deref()
                        .ok_or_else(|| SparkError::invalid_plan("a named argument has no value"))?;
                    args.push(self.expression(value, form.scope)?);
                }
                _ => args.push(self.expression(argument, form.scope)?),
            }
        }
        Ok(args)
    }

    /// Returns what a function may know of this session.
    pub(in crate::plan) fn context(&self) -> super::Context<'_> {
        super::Context {
            mode: self.mode(),
            zone: self.zone,
            now_us: self.now_us,
            conf: &self.conf,
        }
    }

    /// Resolves what the SQL parser made of a clause.
    ///
    /// # Errors
    /// If it stands where it cannot, `CONNECT_INVALID_PLAN`.
    fn clause(&mut self, marker: Marker, form: &Form<'_>) -> Result<Typed> {
        Ok(match (marker, form.args) {
            (Marker::AggFilter, [function, condition]) => self.filtered(function, condition, form.scope)?,
            (Marker::Parameter, [name]) => self.parameter(name, form.scope)?,
            (Marker::IgnoreNulls, [function]) => self.ignoring_nulls(function, form.scope)?,
            (Marker::WithinGroup, [function, order @ ..]) => self.within_group(function, order, form.scope)?,
            (Marker::Timestamp, [text]) => self.timestamp_literal(text, form.scope)?,
            (Marker::Tuple, _) => structs::tuple(&self.arguments(form)?),
            _ => return Err(SparkError::invalid_plan("a clause of SQL stands where it cannot")),
        })
    }

    /// Resolves `f(…) FILTER (WHERE condition)`: every aggregate in the call sees only rows for which the
    /// condition is true.
    ///
    /// # Errors
    /// If it follows a window function, `UNSUPPORTED_FEATURE.RIVULET`.
    fn filtered(&mut self, function: &sc::Expression, condition: &sc::Expression, scope: &Resolved) -> Result<Typed> {
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
        Ok(typed)
    }

    /// Resolves `:name` or `?`: the value that the client sent.
    ///
    /// # Errors
    /// If there is none, `UNBOUND_SQL_PARAMETER`.
    fn parameter(&mut self, name: &sc::Expression, scope: &Resolved) -> Result<Typed> {
        let name = self.expression(name, scope)?.name;
        let value = self.parameters.get(&name).cloned().ok_or_else(|| {
            SparkError::analysis(
                "UNBOUND_SQL_PARAMETER",
                "42P02",
                format!(
                    "Found the unbound parameter: {name}. Please, fix `args` and provide a mapping of the parameter to either a SQL literal or \
                     collection constructor functions."
                ),
            )
            .with("name", name)
        })?;
        self.expression(&value, scope)
    }

    /// Resolves `f(…) IGNORE NULLS`; functions that do not look at single rows are not changed by it.
    fn ignoring_nulls(&mut self, function: &sc::Expression, scope: &Resolved) -> Result<Typed> {
        let mut typed = self.expression(function, scope)?;
        typed.expr = each_call(typed.expr, |mut e| {
            match &mut e {
                Expr::AggregateFunction(f) => f.params.null_treatment = Some(NullTreatment::IgnoreNulls),
                Expr::WindowFunction(f) => f.params.null_treatment = Some(NullTreatment::IgnoreNulls),
                _ => {}
            }
            Ok(e)
        })?;
        Ok(typed)
    }

    /// Resolves `TIMESTAMP'…'` whose text does not name a zone: it is in the session's.
    ///
    /// # Errors
    /// If it is not a time, `INVALID_TYPED_LITERAL`.
    fn timestamp_literal(&mut self, text: &sc::Expression, scope: &Resolved) -> Result<Typed> {
        let text = self.expression(text, scope)?;
        let zone = self.zone;
        let label = text.name.clone();
        let instant = cast_expr::cast_at(text, &types::timestamp(), cast::Mode::Ansi, zone, self.now_us)?;
        let value = super::fold(&instant.expr).filter(|v| !v.is_null()).ok_or_else(|| {
            SparkError::new(
                Exception::Parse,
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
        Ok(constant(value, name))
    }

    /// Resolves `f(args) WITHIN GROUP (ORDER BY keys)`.
    ///
    /// # Errors
    /// If the function does not have such a form, `INVALID_WITHIN_GROUP_EXPRESSION.WITHIN_GROUP_MISSING`.
    fn within_group(&mut self, function: &sc::Expression, order: &[sc::Expression], scope: &Resolved) -> Result<Typed> {
        let Some(sc::expression::ExprType::UnresolvedFunction(call)) = &function.expr_type else {
            return Err(SparkError::invalid_plan("WITHIN GROUP follows no function"));
        };
        let name = call.function_name.to_ascii_lowercase();
        let args = call
            .arguments
            .iter()
            .map(|a| self.expression(a, scope))
            .collect::<Result<Vec<_>>>()?;
        let (keys, described) = self.order_keys(order, scope)?;
        let function = registry::find(&name).ok_or_else(|| registry::unresolved(&name))?;
        let resolve = function.within_group.ok_or_else(|| not_ordered(&name))?;
        function.check_arity(&name, args.len())?;
        let context = self.context();
        let call = Call {
            context: &context,
            name: &name,
            args: &args,
            distinct: call.is_distinct,
        };
        let label = format!("{} WITHIN GROUP (ORDER BY {})", call.label(), described.join(", "));
        resolve(&call, keys, label)
    }

    /// Returns the keys of an ORDER BY, and how Spark prints each.
    fn order_keys(&mut self, order: &[sc::Expression], scope: &Resolved) -> Result<(Vec<OrderKey>, Vec<String>)> {
        let (mut keys, mut described) = (Vec::new(), Vec::new());
        for key in order {
            let Some(sc::expression::ExprType::SortOrder(spec)) = &key.expr_type else {
                return Err(SparkError::invalid_plan("a key of WITHIN GROUP is not a sort order"));
            };
            let (value, sort) = self.sort_order(spec, scope)?;
            described.push(crate::plan::window_function::describe(&value, &sort));
            let options = SortOptions {
                descending: !sort.asc,
                nulls_first: sort.nulls_first,
            };
            keys.push(OrderKey { value, options });
        }
        Ok((keys, described))
    }
}

/// Returns whether an argument is `*` or `t.*`.
fn is_any_star(argument: &sc::Expression) -> bool {
    matches!(argument.expr_type, Some(sc::expression::ExprType::UnresolvedStar(_)))
}

/// Makes the error of a function that cannot be ordered, or lacks its order.
pub fn not_ordered(name: &str) -> SparkError {
    SparkError::analysis(
        "INVALID_WITHIN_GROUP_EXPRESSION.WITHIN_GROUP_MISSING",
        "42K0K",
        format!("Invalid function `{name}` with WITHIN GROUP."),
    )
    .with("funcName", format!("`{name}`"))
}
