//! Expressions: names to columns, functions to kernels, with types and Spark's pretty names.
//!
//! This file dispatches on the kind of `spark.connect.Expression` and resolves the short kinds; names are found in
//! `name`, stars in `star`, subqueries in `subquery`. A resolved expression is a [`Typed`].

mod name;
mod star;
mod subquery;

pub use name::unresolved_column;

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;

use super::analyzer::Analyzer;
use super::relation::note_metadata;
use super::scope::{Attribute, Resolved, Typed};
use super::{cast_expr, extent, extract, literal, sql, type_message};
use crate::error::{Result, SparkError};
use crate::proto as sc;
use crate::proto::expression::ExprType;
use crate::proto::variant_name;
use crate::values::cast::Mode;
use crate::values::types;

impl Analyzer {
    /// Resolves one expression over the columns of `scope`.
    ///
    /// # Errors
    /// If anything in it cannot be resolved: Spark's condition for it.
    pub fn expression(&mut self, expression: &sc::Expression, scope: &Resolved) -> Result<Typed> {
        let before = self.messages;
        let typed = self.nested(extent::EXPRESSION, |analyzer| {
            analyzer.expression_kind(expression, scope)
        })?;
        extent::check_size(&typed.expr, self.messages - before)?;
        Ok(typed)
    }

    /// Resolves by the kind of message; a kind that the engine lacks is `UNSUPPORTED_FEATURE`, by its name.
    fn expression_kind(&mut self, expression: &sc::Expression, scope: &Resolved) -> Result<Typed> {
        let kind = expression
            .expr_type
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("an expression is empty"))?;
        match kind {
            ExprType::Literal(value) => literal::resolve(value),
            ExprType::UnresolvedAttribute(attribute) => {
                self.name(&attribute.unparsed_identifier, attribute.plan_id, scope)
            }
            ExprType::UnresolvedFunction(function) => {
                if let ([argument], "not" | "!") = (&function.arguments[..], function.function_name.as_str())
                    && let Some(rows) = self.not_in_rows(argument, scope)?
                {
                    return Ok(rows);
                }
                self.function(function, scope)
            }
            ExprType::CallFunction(call) => self.named_function(call, scope),
            ExprType::ExpressionString(text) => {
                let parsed = self.parsed(&text.expression)?;
                self.expression(&parsed, scope)
            }
            ExprType::Alias(alias) => self.alias(alias, scope),
            ExprType::Cast(call) => self.cast_call(call, scope),
            ExprType::SortOrder(order) => {
                let child = order
                    .child
                    .as_deref()
                    .ok_or_else(|| SparkError::invalid_plan("a sort order has no child"))?;
                self.expression(child, scope)
            }
            ExprType::UnresolvedExtractValue(extraction) => self.extract_value(extraction, scope),
            ExprType::UpdateFields(update) => self.update_fields(update, scope),
            ExprType::Window(window) => self.window_function(window, scope),
            ExprType::UnresolvedNamedLambdaVariable(variable) => self.lambda_variable(variable, scope),
            ExprType::SubqueryExpression(subquery) => self.subquery(subquery, scope),
            ExprType::CommonInlineUserDefinedFunction(udf) => Err(SparkError::unsupported(format!(
                "the user-defined function {}: it needs a Python worker",
                udf.function_name
            ))),
            ExprType::UnresolvedStar(_) | ExprType::UnresolvedRegex(_) => Err(SparkError::analysis(
                "INVALID_USAGE_OF_STAR_OR_REGEX",
                "42000",
                "Invalid usage of '*' in an expression.",
            )),
            ExprType::LambdaFunction(_) => Err(SparkError::analysis(
                "INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION",
                "42K0D",
                "A lambda function should only be used in a higher order function.",
            )),
            other => Err(SparkError::unsupported(format!(
                "the expression {}",
                variant_name(other)
            ))),
        }
    }

    /// Resolves a call by name (`call_function`).
    fn named_function(&mut self, function: &sc::CallFunction, scope: &Resolved) -> Result<Typed> {
        let call = sc::expression::UnresolvedFunction {
            function_name: function.function_name.clone(),
            arguments: function.arguments.clone(),
            ..Default::default()
        };
        self.function(&call, scope)
    }

    /// Parses the text of an expression (`expr("…")`) and notes the subqueries in it.
    pub(super) fn parsed(&mut self, text: &str) -> Result<sc::Expression> {
        let (parsed, relations) = sql::parse_expression_with_relations(text)?;
        self.remember(relations);
        Ok(parsed)
    }

    /// Resolves `expression AS name`; several names belong to a generator's columns.
    ///
    /// # Errors
    /// If there are several names and no generator, `MULTI_ALIAS_WITHOUT_GENERATOR`.
    fn alias(&mut self, alias: &sc::expression::Alias, scope: &Resolved) -> Result<Typed> {
        let inner = alias
            .expr
            .as_deref()
            .ok_or_else(|| SparkError::invalid_plan("an alias names nothing"))?;
        let mut typed = self.expression(inner, scope)?;
        match (&mut typed.generator, &alias.name[..]) {
            (Some(generator), names) => generator.names = names.to_vec(),
            (None, [name]) => typed.name = name.clone(),
            (None, names) => {
                return Err(SparkError::analysis(
                    "MULTI_ALIAS_WITHOUT_GENERATOR",
                    "42K0E",
                    format!(
                        "Multi part aliasing ({}) is not supported with {} as it is not a generator function.",
                        names.join(", "),
                        typed.name
                    ),
                ));
            }
        }
        typed.named = true;
        note_metadata(&mut typed, alias)?;
        if typed.attribute.as_ref().is_some_and(|a| a.name != typed.name) {
            let from = typed.attribute.take();
            return Ok(self.renamed(typed, from));
        }
        Ok(typed)
    }

    /// Resolves `child[key]`: an element, a map's value, or a field.
    fn extract_value(
        &mut self,
        extraction: &sc::expression::UnresolvedExtractValue,
        scope: &Resolved,
    ) -> Result<Typed> {
        let (Some(child), Some(key)) = (extraction.child.as_deref(), extraction.extraction.as_deref()) else {
            return Err(SparkError::invalid_plan("an extraction lacks its child or key"));
        };
        let child = self.expression(child, scope)?;
        let key = self.expression(key, scope)?;
        extract::value(child, key, self.mode(), self.zone, self.names())
    }

    /// Resolves `withField` and, without a value, `dropFields`.
    fn update_fields(&mut self, update: &sc::expression::UpdateFields, scope: &Resolved) -> Result<Typed> {
        let child = update
            .struct_expression
            .as_deref()
            .ok_or_else(|| SparkError::invalid_plan("withField has no struct"))?;
        let child = self.expression(child, scope)?;
        let value = update
            .value_expression
            .as_deref()
            .map(|v| self.expression(v, scope))
            .transpose()?;
        let path = sql::parse_identifier(&update.field_name)?;
        extract::update_fields(child, &path, value, self.names())
    }

    /// Keeps a renamed plain column an event time or a window.
    fn renamed(&mut self, mut typed: Typed, from: Option<Attribute>) -> Typed {
        if let Some(from) = from
            && (from.event_time || from.time_window)
        {
            let mut attribute = self.attribute(typed.name.clone(), from.data_type, from.nullable);
            attribute.event_time = from.event_time;
            attribute.time_window = from.time_window;
            typed.attribute = Some(attribute);
        }
        typed
    }

    /// Resolves a boolean for filters and join conditions.
    ///
    /// # Errors
    /// As [`Analyzer::as_condition`].
    pub fn condition(&mut self, expression: &sc::Expression, scope: &Resolved) -> Result<Typed> {
        let typed = self.expression(expression, scope)?;
        self.as_condition(typed)
    }

    /// Returns the expression if it is a boolean, or a null, which keeps no row.
    ///
    /// # Errors
    /// If it has any other type, `DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN`.
    pub fn as_condition(&self, typed: Typed) -> Result<Typed> {
        match &typed.data_type {
            DataType::Boolean => Ok(typed),
            DataType::Null => cast_expr::cast(typed, &DataType::Boolean, Mode::Ansi, self.zone),
            other => Err(SparkError::analysis(
                "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
                "42K09",
                format!(
                    "Cannot resolve \"{}\" due to data type mismatch: Filter expression \"{0}\" of type \"{}\" is not a boolean.",
                    typed.name,
                    types::sql_name(other)
                ),
            )),
        }
    }

    /// Resolves `CAST(child AS type)` and `TRY_CAST`; without a mode of its own it follows
    /// `spark.sql.ansi.enabled`.
    ///
    /// The name is Spark's: a cast of a column keeps the column's name, as does a cast to an array, a map
    /// or a struct.
    fn cast_call(&mut self, call: &sc::expression::Cast, scope: &Resolved) -> Result<Typed> {
        use sc::expression::cast::{CastToType, EvalMode};
        let child = call
            .expr
            .as_deref()
            .ok_or_else(|| SparkError::invalid_plan("a cast has no child"))?;
        let child = self.expression(child, scope)?;
        let to = match &call.cast_to_type {
            Some(CastToType::Type(data_type)) => type_message::from_proto(data_type)?,
            Some(CastToType::TypeStr(text)) => type_message::from_ddl_type(text)?,
            None => return Err(SparkError::invalid_plan("a cast has no type")),
        };
        let mode = match call.eval_mode() {
            EvalMode::Unspecified => self.mode(),
            EvalMode::Legacy => Mode::Legacy,
            EvalMode::Ansi => Mode::Ansi,
            EvalMode::Try => Mode::Try,
        };
        let nested = matches!(to, DataType::List(_) | DataType::Map(..) | DataType::Struct(_));
        let word = if mode == Mode::Try { "TRY_CAST" } else { "CAST" };
        let text = format!("{word}({} AS {})", child.name, types::sql_name(&to));
        let (name, column_name) = match mode {
            _ if nested && !child.named && mode != Mode::Try => (child.name.clone(), None),
            _ if child.named => (text, Some(child.name.clone())),
            _ => (text, None),
        };
        let mut out = cast_expr::cast_at(child, &to, mode, self.zone, self.now_us)?;
        (out.name, out.column_name, out.named) = (name, column_name, false);
        Ok(out)
    }
}

/// Returns the literal integer of `ORDER BY 1` or `GROUP BY 1`; `None` for any other expression.
///
/// ```
/// use rivulet::plan::{expression::ordinal, sql::parse_expression};
///
/// assert_eq!(ordinal(&parse_expression("2")?), Some(2));
/// assert_eq!(ordinal(&parse_expression("a")?), None);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
pub fn ordinal(expression: &sc::Expression) -> Option<i32> {
    match &expression.expr_type {
        Some(ExprType::Literal(value)) => match literal::scalar(value) {
            Ok(ScalarValue::Int32(Some(n))) => Some(n),
            _ => None,
        },
        Some(ExprType::SortOrder(order)) => ordinal(order.child.as_deref()?),
        _ => None,
    }
}
