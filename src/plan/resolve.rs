//! Expressions: names to columns, functions to kernels, with types and Spark's pretty names.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion_common::{Column, ScalarValue};
use datafusion_expr::expr::{Exists, InSubquery};
use datafusion_expr::logical_plan::Subquery;
use datafusion_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::analyzer::Analyzer;
use super::names::Names;
use super::scope::{Attribute, Resolved, Typed};
use super::{coercion, extract, functions, literal, sql};
use crate::error::{Exception, Result, SparkError};
use crate::kernels::aggregates::gather;
use crate::plan::{cast_expr, type_message};
use crate::proto as sc;
use crate::proto::expression::ExprType;
use crate::proto::variant_name;
use crate::values::cast::Mode;
use crate::values::text::distance;
use crate::values::types;

impl Analyzer {
    /// One expression over the columns of `scope`.
    pub fn expression(&mut self, expression: &sc::Expression, scope: &Resolved) -> Result<Typed> {
        self.nested(|analyzer| analyzer.expression_kind(expression, scope))
    }

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
            ExprType::UnresolvedFunction(function) => self.function(function, scope),
            ExprType::CallFunction(function) => {
                let call = sc::expression::UnresolvedFunction {
                    function_name: function.function_name.clone(),
                    arguments: function.arguments.clone(),
                    ..Default::default()
                };
                self.function(&call, scope)
            }
            ExprType::ExpressionString(text) => {
                let (parsed, relations) = sql::parse_expression_with_relations(&text.expression)?;
                self.remember(relations)?;
                self.expression(&parsed, scope)
            }
            ExprType::Alias(alias) => {
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
                if typed.attribute.as_ref().is_some_and(|a| a.name != typed.name) {
                    let from = typed.attribute.take();
                    typed.attribute = None;
                    return Ok(self.renamed(typed, from));
                }
                Ok(typed)
            }
            ExprType::Cast(call) => self.cast_call(call, scope),
            ExprType::SortOrder(order) => {
                let child = order
                    .child
                    .as_deref()
                    .ok_or_else(|| SparkError::invalid_plan("a sort order has no child"))?;
                self.expression(child, scope)
            }
            ExprType::UnresolvedExtractValue(extraction) => {
                let (Some(child), Some(key)) = (extraction.child.as_deref(), extraction.extraction.as_deref()) else {
                    return Err(SparkError::invalid_plan("an extraction lacks its child or key"));
                };
                let child = self.expression(child, scope)?;
                let key = self.expression(key, scope)?;
                extract::value(child, key, self.mode(), self.zone, self.names())
            }
            ExprType::UpdateFields(update) => {
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
                extract::update_field(child, &update.field_name, value, self.names())
            }
            ExprType::Window(window) => self.window_function(window, scope),
            ExprType::UnresolvedNamedLambdaVariable(variable) => {
                let name = variable.name_parts.join(".");
                match self.lambda.iter().rev().find(|(n, _)| *n == name) {
                    Some((_, typed)) => Ok(typed.clone()),
                    None => Err(unresolved_column(&name, scope)),
                }
            }
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

    /// A renamed plain column stays an event time or a window.
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

    /// A boolean for filters and join conditions.
    pub fn condition(&mut self, expression: &sc::Expression, scope: &Resolved) -> Result<Typed> {
        let typed = self.expression(expression, scope)?;
        self.as_condition(typed)
    }

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
        let (name, named) = if (child.named || nested) && mode != Mode::Try {
            (child.name.clone(), child.named)
        } else {
            let word = if mode == Mode::Try { "TRY_CAST" } else { "CAST" };
            (format!("{word}({} AS {})", child.name, types::sql_name(&to)), false)
        };
        let mut out = cast_expr::cast(child, &to, mode, self.zone)?;
        out.name = name;
        out.named = named;
        Ok(out)
    }

    /// Finds a column, or a field inside one, by the text of its name.
    pub fn name(&mut self, text: &str, plan_id: Option<i64>, scope: &Resolved) -> Result<Typed> {
        let parts = sql::parse_identifier(text)?;
        if parts.len() == 1
            && let Some((_, typed)) = self.lambda.iter().rev().find(|(n, _)| *n == parts[0])
        {
            return Ok(typed.clone());
        }
        if parts.len() > 1
            && let Some((_, typed)) = self.lambda.iter().rev().find(|(n, _)| *n == parts[0])
        {
            let mut field = extract::fields(typed.clone(), &parts[1..], self.names())?;
            field.name = format!("{}.{}", typed.name, parts[1..].join("."));
            return Ok(field);
        }
        let names = self.names();
        if let Some(id) = plan_id {
            let tagged: Vec<&Attribute> = scope
                .tagged
                .iter()
                .filter(|(tag, _)| *tag == id)
                .flat_map(|(_, attributes)| attributes)
                .filter(|a| scope.visible().any(|v| v.id == a.id))
                .collect();
            if let Some(typed) = find(tagged.into_iter(), &parts, names)? {
                return Ok(typed);
            }
        }
        if let Some(typed) = find(scope.output.iter(), &parts, names)? {
            return Ok(typed);
        }
        if let Some(typed) = find(scope.hidden.iter(), &parts, names)? {
            return Ok(typed);
        }
        if let Some(typed) = self.lateral.iter().rev().find(|t| names.same(&t.name, &parts[0])) {
            let mut typed = typed.clone();
            typed.attribute = None;
            return extract::fields(typed, &parts[1..], names);
        }
        for attributes in self.outer.iter().rev() {
            if let Some(mut typed) = find(attributes.iter(), &parts, names)? {
                if let Some(attribute) = typed.attribute.take() {
                    let field = Arc::new(Field::new(&attribute.id, attribute.data_type.clone(), true));
                    typed.expr = Expr::OuterReferenceColumn(field, Column::new_unqualified(attribute.id));
                    return Ok(typed);
                }
                return Err(SparkError::unsupported(
                    "fields of outer columns in a correlated subquery",
                ));
            }
        }
        Err(unresolved_column(text, scope))
    }

    fn subquery(&mut self, subquery: &sc::SubqueryExpression, scope: &Resolved) -> Result<Typed> {
        use sc::subquery_expression::SubqueryType;
        let relation = self.subqueries.get(&subquery.plan_id).cloned().ok_or_else(|| {
            SparkError::invalid_plan(format!("the subquery with plan id {} is missing", subquery.plan_id))
        })?;
        self.outer.push(scope.visible().cloned().collect());
        let resolved = self.relation(&relation);
        self.outer.pop();
        let resolved = resolved?;
        let mut plan = self.exactly(&resolved)?;
        if let (SubqueryType::Scalar, [column], true) = (
            subquery.subquery_type(),
            &resolved.output[..],
            plan.all_out_ref_exprs().is_empty(),
        ) {
            plan = self.single_row(plan, column)?;
        }
        let plan = Arc::new(plan);
        let outer_ref_columns = plan.all_out_ref_exprs();
        let inner = Subquery {
            subquery: plan,
            outer_ref_columns,
            spans: Default::default(),
        };
        match subquery.subquery_type() {
            SubqueryType::Scalar => {
                let [column] = &resolved.output[..] else {
                    return Err(SparkError::analysis(
                        "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN",
                        "42823",
                        format!(
                            "Invalid subquery: Scalar subquery must return only one column, but got {}.",
                            resolved.output.len()
                        ),
                    ));
                };
                Ok(Typed::new(
                    Expr::ScalarSubquery(inner),
                    column.data_type.clone(),
                    format!("scalarsubquery({})", column.name),
                ))
            }
            SubqueryType::Exists => Ok(Typed::new(
                Expr::Exists(Exists {
                    subquery: inner,
                    negated: false,
                }),
                DataType::Boolean,
                "exists()",
            )),
            SubqueryType::In => {
                let [value] = &subquery.in_subquery_values[..] else {
                    return Err(SparkError::unsupported("IN subqueries over several columns"));
                };
                let value = self.expression(value, scope)?;
                let [column] = &resolved.output[..] else {
                    return Err(SparkError::analysis(
                        "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH",
                        "42K09",
                        "The number of columns in the left hand side of an IN subquery does not match the right hand side.",
                    ));
                };
                let common = coercion::comparison(&value.data_type, &column.data_type, self.conf.ansi())
                    .ok_or_else(|| SparkError::unsupported("IN subqueries whose sides have no common type"))?;
                let value = cast_expr::cast(value, &common, self.mode(), self.zone)?;
                // Under a name of its own: DataFusion puts the column beside the ones that the subquery's filters need.
                let typed = Typed::new(column.column(), column.data_type.clone(), column.name.clone());
                let widened = cast_expr::cast(typed, &common, self.mode(), self.zone)?;
                let attribute = self.attribute(column.name.clone(), common, true);
                let plan = self.project(inner.subquery.as_ref().clone(), vec![(widened.expr, &attribute)])?;
                let inner = Subquery {
                    subquery: Arc::new(plan),
                    ..inner
                };
                let name = format!("({} IN (listquery()))", value.name);
                Ok(Typed::new(
                    Expr::InSubquery(InSubquery::new(Box::new(value.expr), inner, false)),
                    DataType::Boolean,
                    name,
                ))
            }
            other => Err(SparkError::unsupported(format!(
                "the subquery type {}",
                other.as_str_name()
            ))),
        }
    }

    /// The one value of a scalar subquery: null for no row, an error for more than one.
    fn single_row(&mut self, plan: LogicalPlan, column: &Attribute) -> Result<LogicalPlan> {
        let to = column.data_type.clone();
        let null = ScalarValue::try_from(&to)?;
        let finish: gather::Finish = Arc::new(move |columns| match columns[0].len() {
            0 => Ok(null.clone()),
            1 => ScalarValue::try_from_array(&columns[0], 0),
            _ => Err(SparkError::new(
                Exception::Runtime,
                "SCALAR_SUBQUERY_TOO_MANY_ROWS",
                "21000",
                "More than one row returned by a subquery used as an expression.",
            )
            .into()),
        });
        let keep = gather::Keep {
            nulls: true,
            distinct: false,
        };
        let single = gather::gather("single_value", "", std::slice::from_ref(&to), to.clone(), keep, finish);
        let call = functions::aggregate::of_udaf(single, vec![typed_attribute(column)], to, false, "").expr;
        let value = self.attribute(column.name.clone(), column.data_type.clone(), true);
        let plan = LogicalPlanBuilder::from(plan)
            .aggregate(Vec::<Expr>::new(), vec![call.alias(value.id.clone())])?
            .build()?;
        self.project(plan, vec![(value.column(), column)])
    }

    /// Takes note of the relations that subquery expressions name.
    pub(super) fn remember(&mut self, relations: Vec<sc::Relation>) -> Result<()> {
        for relation in relations {
            if let Some(id) = relation.common.as_ref().and_then(|c| c.plan_id) {
                self.subqueries.insert(id, relation);
            }
        }
        Ok(())
    }

    /// The columns that `*`, `t.*` or `struct.*` stands for.
    pub fn star(&mut self, star: &sc::expression::UnresolvedStar, scope: &Resolved) -> Result<Vec<Typed>> {
        let Some(target) = &star.unparsed_target else {
            if let Some(id) = star.plan_id {
                let tagged = scope
                    .tagged
                    .iter()
                    .find(|(tag, _)| *tag == id)
                    .map(|(_, attributes)| attributes);
                if let Some(attributes) = tagged {
                    return Ok(attributes.iter().map(typed_attribute).collect());
                }
            }
            return Ok(scope.output.iter().map(typed_attribute).collect());
        };
        let target = target.strip_suffix(".*").unwrap_or(target);
        let parts = sql::parse_identifier(target)?;
        let names = self.names();
        let qualified: Vec<Typed> = scope
            .output
            .iter()
            .filter(|a| names.ends_with(&a.qualifier, &parts))
            .map(typed_attribute)
            .collect();
        if !qualified.is_empty() {
            return Ok(qualified);
        }
        let cannot = || {
            let quoted: Vec<String> = parts.iter().map(|p| format!("`{p}`")).collect();
            let columns: Vec<String> = scope.output.iter().map(|a| format!("`{}`", a.name)).collect();
            let (quoted, columns) = (quoted.join("."), columns.join(", "));
            SparkError::analysis(
                "CANNOT_RESOLVE_STAR_EXPAND",
                "42704",
                format!("Cannot resolve {quoted}.* given input columns {columns}. Please check that the specified table or struct exists and is accessible in the input columns."),
            )
            .with("targetString", quoted)
            .with("columns", columns)
        };
        let typed = self.name(target, star.plan_id, scope).map_err(|_| cannot())?;
        match typed.data_type.clone() {
            DataType::Struct(fields) => fields
                .iter()
                .map(|f| extract::fields(typed.clone(), &[f.name().clone()], Names::Exact))
                .collect(),
            _ => Err(cannot()),
        }
    }
}

pub fn typed_attribute(attribute: &Attribute) -> Typed {
    let mut typed = Typed::new(attribute.column(), attribute.data_type.clone(), attribute.name.clone());
    typed.named = true;
    typed.nullable = attribute.nullable;
    typed.attribute = Some(attribute.clone());
    typed
}

/// The one attribute that `parts` means, with the fields behind it taken out.
fn find<'a>(
    attributes: impl Iterator<Item = &'a Attribute> + Clone,
    parts: &[String],
    names: Names,
) -> Result<Option<Typed>> {
    for named in (1..=parts.len()).rev() {
        let mut found: Vec<&Attribute> = attributes
            .clone()
            .filter(|a| names.same(&a.name, &parts[named - 1]) && names.ends_with(&a.qualifier, &parts[..named - 1]))
            .collect();
        found.dedup_by(|a, b| a.id == b.id);
        match found[..] {
            [] => {}
            [one] => {
                // The column takes the name as it was written (`AttributeReference.withName`).
                let mut typed = typed_attribute(one);
                typed.name.clone_from(&parts[named - 1]);
                return extract::fields(typed, &parts[named..], names).map(Some);
            }
            _ => {
                let name: Vec<String> = parts.iter().map(|p| format!("`{p}`")).collect();
                let candidates: Vec<String> = found
                    .iter()
                    .map(|a| {
                        a.qualifier
                            .iter()
                            .chain([&a.name])
                            .map(|p| format!("`{p}`"))
                            .collect::<Vec<_>>()
                            .join(".")
                    })
                    .collect();
                return Err(SparkError::analysis(
                    "AMBIGUOUS_REFERENCE",
                    "42704",
                    format!(
                        "Reference {} is ambiguous, could be: [{}].",
                        name.join("."),
                        candidates.join(", ")
                    ),
                )
                .with("name", name.join("."))
                .with("referenceNames", format!("[{}]", candidates.join(", "))));
            }
        }
    }
    Ok(None)
}

/// `UNRESOLVED_COLUMN`, with the nearest names.
pub fn unresolved_column(name: &str, scope: &Resolved) -> SparkError {
    let quoted = match sql::parse_identifier(name) {
        Ok(parts) => parts.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join("."),
        Err(_) => format!("`{name}`"),
    };
    let mut names: Vec<(usize, String)> = scope
        .output
        .iter()
        .map(|a| {
            (
                distance(&a.name.to_lowercase(), &name.to_lowercase()),
                format!("`{}`", a.name),
            )
        })
        .collect();
    names.sort();
    names.truncate(5);
    let message = format!("A column, variable, or function parameter with name {quoted} cannot be resolved.");
    if names.is_empty() {
        return SparkError::analysis("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", message)
            .with("objectName", quoted);
    }
    let proposal = names.into_iter().map(|(_, n)| n).collect::<Vec<_>>().join(", ");
    SparkError::analysis(
        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        "42703",
        format!("{message} Did you mean one of the following? [{proposal}]."),
    )
    .with("objectName", quoted)
    .with("proposal", proposal)
}

/// The literal integer that `ORDER BY 1` and `GROUP BY 1` hold.
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
