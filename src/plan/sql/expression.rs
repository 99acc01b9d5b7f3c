//! Expressions: from sqlparser's tree to messages.
//!
//! Operators become calls of the functions that PySpark sends for them. The tree of a chain such as
//! `a + b + c` is as deep as the chain is long, on its left side; that side is walked in a loop, not by
//! recursion.

use sc::expression::cast::EvalMode;
use sc::expression::literal::LiteralType;
use sc::expression::{ExprType, LambdaFunction, UnresolvedNamedLambdaVariable};
use sc::subquery_expression::SubqueryType;
use sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, CastKind, Expr, Query, SelectItem, SelectItemQualifiedWildcardKind,
    Subscript, UnaryOperator, Value, WildcardAdditionalOptions,
};

use super::error::SqlError;
use super::literal;
use super::lowering::{Lowering, ident, object_name, parse_all};
use super::marker::Marker;
use super::message::{
    alias, attribute, bare_literal, call, expression, extract_value, literal as literal_of, not, not_if, star, string,
};
use super::tokens::Tokens;
use crate::proto as sc;

/// Reads one expression, as `F.expr`, `where` and `selectExpr` do: `a + 1`, `a AS b`, `f(a) AS (x, y)`,
/// `*`, `t.*`.
///
/// ```
/// use rivulet::plan::sql::parse_expression;
/// use rivulet::proto::expression::ExprType;
///
/// let parsed = parse_expression("a + 1")?;
/// let Some(ExprType::UnresolvedFunction(call)) = parsed.expr_type else {
///     panic!("an operator is a call");
/// };
/// assert_eq!((call.function_name.as_str(), call.arguments.len()), ("+", 2));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// If the grammar does not fit, `PARSE_SYNTAX_ERROR`, and the conditions of the literals and types in
/// it. A subquery is refused, as its relation would be lost: see [`parse_expression_with_relations`].
pub fn parse_expression(text: &str) -> Result<sc::Expression, SqlError> {
    match parse_expression_with_relations(text)? {
        (parsed, relations) if relations.is_empty() => Ok(parsed),
        _ => Err(SqlError::unsupported(
            "SUBQUERY_IN_EXPRESSION",
            "a subquery in an expression string",
        )),
    }
}

/// Reads one expression that may hold subqueries: they come beside it, each with the plan id by which
/// it is named.
///
/// # Errors
/// As [`parse_expression`], but for subqueries.
///
/// ```
/// use rivulet::plan::sql::parse_expression_with_relations;
///
/// let (_, relations) = parse_expression_with_relations("a IN (SELECT b FROM t)")?;
/// assert_eq!(relations.len(), 1);
/// assert_eq!(relations[0].common.as_ref().and_then(|c| c.plan_id), Some(-1));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
pub fn parse_expression_with_relations(text: &str) -> Result<(sc::Expression, Vec<sc::Relation>), SqlError> {
    let tokens = Tokens::read(text)?;
    let item = parse_all(&tokens, 0, |parser| parser.parse_select_item())?;
    let mut lowering = Lowering::default();
    let parsed = lowering.select_item(&item)?;
    Ok((parsed, lowering.references))
}

/// Returns the operand on the left of an operator. Chains such as `a + b + c` nest there as deep as
/// they are long.
fn left_operand(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::BinaryOp { left, .. } => Some(left),
        Expr::Cast { expr, .. }
        | Expr::IsNull(expr)
        | Expr::IsNotNull(expr)
        | Expr::IsTrue(expr)
        | Expr::IsNotTrue(expr)
        | Expr::IsFalse(expr)
        | Expr::IsNotFalse(expr)
        | Expr::IsUnknown(expr)
        | Expr::IsNotUnknown(expr)
        | Expr::IsDistinctFrom(expr, _)
        | Expr::IsNotDistinctFrom(expr, _)
        | Expr::InList { expr, .. }
        | Expr::Between { expr, .. }
        | Expr::Like { expr, .. }
        | Expr::ILike { expr, .. }
        | Expr::RLike { expr, .. }
        | Expr::Collate { expr, .. }
        | Expr::Nested(expr) => Some(expr),
        Expr::InSubquery { expr, .. } if !matches!(expr.as_ref(), Expr::Tuple(_)) => Some(expr),
        _ => None,
    }
}

impl Lowering {
    /// Returns an item of a select list.
    pub fn select_item(&mut self, item: &SelectItem) -> Result<sc::Expression, SqlError> {
        match item {
            SelectItem::UnnamedExpr(expr) => self.expression(expr),
            SelectItem::ExprWithAlias { expr, alias: name } => Ok(alias(self.expression(expr)?, vec![ident(name)?])),
            SelectItem::ExprWithAliases { expr, aliases } => Ok(alias(
                self.expression(expr)?,
                aliases.iter().map(ident).collect::<Result<_, _>>()?,
            )),
            SelectItem::Wildcard(options) => star_except(star(None), options),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                star_except(star(Some(super::quote_identifier(&object_name(name)?))), options)
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), _) => {
                Err(SqlError::unsupported("STAR_OF_EXPRESSION", format!("{expr}.*")))
            }
        }
    }

    /// Returns any expression.
    ///
    /// # Errors
    /// If it has something that Spark lacks, `UNSUPPORTED_FEATURE.*`; and the conditions of literals and
    /// types.
    pub fn expression(&mut self, expr: &Expr) -> Result<sc::Expression, SqlError> {
        let mut chain = vec![];
        let mut first = expr;
        while let Some(left) = left_operand(first) {
            chain.push(first);
            first = left;
        }
        let mut lowered = self.operand(first)?;
        for operator in chain.into_iter().rev() {
            lowered = self.operator(operator, lowered)?;
        }
        Ok(lowered)
    }

    /// Returns several expressions, in order.
    pub fn expressions<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e Expr>,
    ) -> Result<Vec<sc::Expression>, SqlError> {
        exprs.into_iter().map(|expr| self.expression(expr)).collect()
    }

    /// Returns an expression that has no operand on its left.
    fn operand(&mut self, expr: &Expr) -> Result<sc::Expression, SqlError> {
        match expr {
            Expr::Value(value) => self.value(&value.value),
            Expr::Identifier(name) => Ok(self.column(vec![ident(name)?])),
            Expr::CompoundIdentifier(names) => Ok(self.column(names.iter().map(ident).collect::<Result<Vec<_>, _>>()?)),
            Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            Expr::UnaryOp { op, expr } => self.unary(*op, expr),
            Expr::Function(function) => self.function(function),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case(operand.as_deref(), conditions, else_result.as_deref()),
            Expr::Tuple(items) => Ok(Marker::Tuple.call(self.expressions(items)?)),
            Expr::Lambda(lambda) => {
                let parameters = lambda
                    .params
                    .iter()
                    .map(|p| ident(&p.name))
                    .collect::<Result<Vec<_>, _>>()?;
                self.lambda(parameters, &lambda.body)
            }
            Expr::Subquery(query) => self.subquery(query, SubqueryType::Scalar, vec![]),
            Expr::Exists { subquery, negated } => {
                Ok(not_if(*negated, self.subquery(subquery, SubqueryType::Exists, vec![])?))
            }
            Expr::InSubquery {
                expr,
                subquery,
                negated,
            } => {
                let Expr::Tuple(items) = expr.as_ref() else {
                    return self.expression(expr);
                };
                let values = self.expressions(items)?;
                Ok(not_if(*negated, self.subquery(subquery, SubqueryType::In, values)?))
            }
            Expr::Named { expr, name } => Ok(alias(self.expression(expr)?, vec![ident(name)?])),
            Expr::Wildcard(_) => Ok(star(None)),
            Expr::QualifiedWildcard(name, _) => Ok(star(Some(super::quote_identifier(&object_name(name)?)))),
            other => Err(SqlError::unsupported("EXPRESSION", other.to_string())),
        }
    }

    /// Returns an operator whose left operand is done.
    fn operator(&mut self, expr: &Expr, left: sc::Expression) -> Result<sc::Expression, SqlError> {
        match expr {
            Expr::Nested(_) => Ok(left),
            Expr::InSubquery { subquery, negated, .. } => {
                Ok(not_if(*negated, self.subquery(subquery, SubqueryType::In, vec![left])?))
            }
            Expr::BinaryOp { op, right, .. } => {
                let right = self.expression(right)?;
                Ok(call(binary_function(op)?, vec![left, right]))
            }
            Expr::Cast { kind, data_type, .. } => {
                let mode = if *kind == CastKind::TryCast {
                    EvalMode::Try
                } else {
                    EvalMode::Unspecified
                };
                // The dialect keeps a type's text as the name of a custom type.
                let text = match data_type {
                    sqlparser::ast::DataType::Custom(name, _) => object_name(name)?.join("."),
                    other => other.to_string(),
                };
                literal::cast_to(left, &text, mode)
            }
            Expr::Collate { collation, .. } => {
                Ok(call("collate", vec![left, string(object_name(collation)?.join("."))]))
            }
            predicate => self.predicate(predicate, left),
        }
    }

    /// Returns a literal. A string keeps its text; a number takes the type that its digits and suffix have
    /// in Spark.
    fn value(&mut self, value: &Value) -> Result<sc::Expression, SqlError> {
        match value {
            Value::Number(text, _) => literal::number(text),
            Value::SingleQuotedString(text) => Ok(string(text.as_str())),
            Value::HexStringLiteral(digits) => literal::hex(digits),
            Value::Boolean(value) => Ok(literal_of(LiteralType::Boolean(*value))),
            Value::Null => Ok(null()),
            other => Err(SqlError::unsupported("PARAMETER", other.to_string())),
        }
    }

    /// Returns a column, or a parameter of a lambda around.
    fn column(&self, parts: Vec<String>) -> sc::Expression {
        let parameter = parts.first().and_then(|first| self.lambda_parameter(first));
        match parameter {
            Some(parameter) => parts.iter().skip(1).fold(variable(parameter), |child, part| {
                extract_value(child, string(part.as_str()))
            }),
            None => attribute(&parts),
        }
    }

    /// Returns `a.b[0].c`: dots before the first subscript belong to the name.
    fn access(&mut self, root: &Expr, chain: &[AccessExpr]) -> Result<sc::Expression, SqlError> {
        let mut steps = chain.iter().peekable();
        let mut value = match root {
            Expr::Identifier(name) => {
                let mut parts = vec![ident(name)?];
                while let Some(AccessExpr::Dot(Expr::Identifier(part))) = steps.peek() {
                    parts.push(ident(part)?);
                    steps.next();
                }
                self.column(parts)
            }
            root => self.expression(root)?,
        };
        for step in steps {
            let extraction = match step {
                AccessExpr::Dot(Expr::Identifier(field)) => string(ident(field)?),
                AccessExpr::Subscript(Subscript::Index { index }) => self.expression(index)?,
                other => return Err(SqlError::unsupported("EXPRESSION", other.to_string())),
            };
            value = extract_value(value, extraction);
        }
        Ok(value)
    }

    /// Returns `-x`, `+x`, `~x` or `NOT x`. A minus before digits belongs to the literal, so that the
    /// smallest number can be written.
    fn unary(&mut self, op: UnaryOperator, operand: &Expr) -> Result<sc::Expression, SqlError> {
        if let (UnaryOperator::Minus, Expr::Value(value)) = (op, operand)
            && let Value::Number(text, _) = &value.value
        {
            return literal::number(&format!("-{text}"));
        }
        let operand = self.expression(operand)?;
        match op {
            UnaryOperator::Plus => Ok(call("positive", vec![operand])),
            UnaryOperator::Minus => Ok(call("-", vec![operand])),
            UnaryOperator::Not | UnaryOperator::BangNot => Ok(not(operand)),
            UnaryOperator::BitwiseNot => Ok(call("~", vec![operand])),
            other => Err(SqlError::unsupported("OPERATOR", other.to_string())),
        }
    }

    /// Returns `CASE` as `when(c1, v1, .., else)`; with an operand, each condition compares it.
    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Result<sc::Expression, SqlError> {
        let operand = operand.map(|operand| self.expression(operand)).transpose()?;
        let mut arguments = vec![];
        for CaseWhen { condition, result } in conditions {
            let condition = self.expression(condition)?;
            arguments.push(match &operand {
                Some(operand) => call("==", vec![self.repeat(operand)?, condition]),
                None => condition,
            });
            arguments.push(self.expression(result)?);
        }
        if let Some(otherwise) = otherwise {
            arguments.push(self.expression(otherwise)?);
        }
        Ok(call("when", arguments))
    }

    /// Returns `(x, y) -> body`: its parameters hide columns of the same name in the body.
    fn lambda(&mut self, parameters: Vec<String>, body: &Expr) -> Result<sc::Expression, SqlError> {
        let arguments = parameters.iter().map(|name| UnresolvedNamedLambdaVariable {
            name_parts: vec![name.clone()],
        });
        let arguments = arguments.collect();
        self.lambdas.push(parameters);
        let body = self.expression(body);
        self.lambdas.pop();
        let function = Some(Box::new(body?));
        Ok(expression(ExprType::LambdaFunction(Box::new(LambdaFunction {
            function,
            arguments,
        }))))
    }

    /// Puts a subquery's relation aside and returns an expression that names it by its plan id.
    fn subquery(
        &mut self,
        query: &Query,
        kind: SubqueryType,
        in_subquery_values: Vec<sc::Expression>,
    ) -> Result<sc::Expression, SqlError> {
        let lambdas = std::mem::take(&mut self.lambdas);
        let relation = self.query(query);
        self.lambdas = lambdas;
        let plan_id = self.refer(relation?);
        Ok(expression(ExprType::SubqueryExpression(sc::SubqueryExpression {
            plan_id,
            subquery_type: kind as i32,
            table_arg_options: None,
            in_subquery_values,
        })))
    }
}

/// Returns a lambda's parameter.
fn variable(name: String) -> sc::Expression {
    expression(ExprType::UnresolvedNamedLambdaVariable(UnresolvedNamedLambdaVariable {
        name_parts: vec![name],
    }))
}

/// Returns `NULL`, of the type `void`.
pub(super) fn null() -> sc::Expression {
    expression(ExprType::Literal(null_literal()))
}

/// Returns the literal of [`null`].
pub(super) fn null_literal() -> sc::expression::Literal {
    let void = sc::data_type::Kind::Null(sc::data_type::Null::default());
    bare_literal(LiteralType::Null(super::message::data_type(void)))
}

/// Returns `* EXCEPT (…)`; the other options of a star, which Spark lacks, are refused.
fn star_except(star: sc::Expression, options: &WildcardAdditionalOptions) -> Result<sc::Expression, SqlError> {
    let Some(except) = &options.opt_except else {
        return Ok(star);
    };
    let mut arguments = vec![star];
    for name in std::iter::once(&except.first_element).chain(&except.additional_elements) {
        arguments.push(attribute(&[ident(name)?]));
    }
    Ok(Marker::StarExcept.call(arguments))
}

/// Returns the name PySpark sends for an operator; `!=` has one of its own, as Spark shows it in column
/// names.
fn binary_function(op: &BinaryOperator) -> Result<&'static str, SqlError> {
    Ok(match op {
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
        BinaryOperator::MyIntegerDivide => "div",
        BinaryOperator::Eq => "==",
        BinaryOperator::Spaceship => "<=>",
        BinaryOperator::NotEq => "!=",
        BinaryOperator::Lt => "<",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Gt => ">",
        BinaryOperator::GtEq => ">=",
        BinaryOperator::And => "and",
        BinaryOperator::Or => "or",
        BinaryOperator::BitwiseAnd => "&",
        BinaryOperator::BitwiseOr => "|",
        BinaryOperator::BitwiseXor => "^",
        BinaryOperator::PGBitwiseShiftLeft => "<<",
        BinaryOperator::PGBitwiseShiftRight => ">>",
        BinaryOperator::StringConcat => "concat",
        other => return Err(SqlError::unsupported("OPERATOR", other.to_string())),
    })
}
