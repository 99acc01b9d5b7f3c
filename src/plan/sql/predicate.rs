//! `IS`, `IN`, `BETWEEN`, `LIKE` and their kin, by the functions PySpark sends for them.
//!
//! ```text
//! x IS NULL             isnull(x)              x [NOT] IN (1, 2)        [not](in(x, 1, 2))
//! x IS TRUE             x <=> true             x BETWEEN a AND b        between(x, a, b)
//! x IS DISTINCT FROM y  not(x <=> y)           x LIKE ANY ('a', 'b')    likeany(x, 'a', 'b')
//! ```

use sc::expression::literal::LiteralType;
use sqlparser::ast::{Expr, Value};

use super::error::SqlError;
use super::lowering::Lowering;
use super::message::{call, literal, not, not_if};
use crate::proto as sc;

impl Lowering {
    /// Returns the call of a predicate whose left operand is done.
    ///
    /// # Errors
    /// If Spark lacks the predicate, `UNSUPPORTED_FEATURE.EXPRESSION`.
    pub fn predicate(&mut self, predicate: &Expr, left: sc::Expression) -> Result<sc::Expression, SqlError> {
        match predicate {
            Expr::IsNull(_) | Expr::IsUnknown(_) => Ok(call("isnull", vec![left])),
            Expr::IsNotNull(_) | Expr::IsNotUnknown(_) => Ok(call("isnotnull", vec![left])),
            Expr::IsTrue(_) => Ok(is_boolean(left, true)),
            Expr::IsNotTrue(_) => Ok(not(is_boolean(left, true))),
            Expr::IsFalse(_) => Ok(is_boolean(left, false)),
            Expr::IsNotFalse(_) => Ok(not(is_boolean(left, false))),
            Expr::IsDistinctFrom(_, right) => Ok(not(call("<=>", vec![left, self.expression(right)?]))),
            Expr::IsNotDistinctFrom(_, right) => Ok(call("<=>", vec![left, self.expression(right)?])),
            Expr::InList { list, negated, .. } => {
                let mut arguments = vec![left];
                arguments.extend(self.expressions(list)?);
                Ok(not_if(*negated, call("in", arguments)))
            }
            Expr::Between { low, high, negated, .. } => {
                let (low, high) = (self.expression(low)?, self.expression(high)?);
                Ok(not_if(*negated, call("between", vec![left, low, high])))
            }
            Expr::Like {
                negated,
                any: false,
                pattern,
                escape_char,
                ..
            } => self.like("like", *negated, left, pattern, escape_char.as_deref()),
            Expr::ILike {
                negated,
                any: false,
                pattern,
                escape_char,
                ..
            } => self.like("ilike", *negated, left, pattern, escape_char.as_deref()),
            Expr::RLike { negated, pattern, .. } => self.like("rlike", *negated, left, pattern, None),
            other => Err(SqlError::unsupported("EXPRESSION", other.to_string())),
        }
    }

    /// Returns `LIKE`, `ILIKE` or `RLIKE` as a call, with the escape character if there is one.
    fn like(
        &mut self,
        name: &str,
        negated: bool,
        left: sc::Expression,
        pattern: &Expr,
        escape: Option<&Expr>,
    ) -> Result<sc::Expression, SqlError> {
        let mut arguments = vec![left, self.expression(pattern)?];
        if let Some(escape) = escape {
            arguments.push(self.expression(escape)?);
        }
        Ok(not_if(negated, call(name, arguments)))
    }

    /// Returns `x [NOT] LIKE ANY|ALL (..)`: one comparison for each pattern, joined with `or` for `ANY` and
    /// `and` for `ALL`.
    pub fn like_quantified(&mut self, arguments: &[&Expr]) -> Result<sc::Expression, SqlError> {
        let malformed = || SqlError::unsupported("EXPRESSION", "LIKE with a quantifier");
        let [like, quantifier, negation, left, patterns @ ..] = arguments else {
            return Err(malformed());
        };
        let word = |expr: &Expr| match expr {
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(word) => word.clone(),
                _ => String::new(),
            },
            _ => String::new(),
        };
        let all = word(quantifier) == "all";
        let negated = !word(negation).is_empty();
        let name = match (word(like).as_str(), negated, all) {
            ("like", false, false) => "likeany",
            ("like", false, true) => "likeall",
            ("like", true, false) => "notlikeany",
            ("like", true, true) => "notlikeall",
            (_, false, false) => "ilikeany",
            (_, false, true) => "ilikeall",
            (_, true, false) => "notilikeany",
            (_, true, true) => "notilikeall",
        };
        let mut operands = vec![self.expression(left)?];
        for pattern in patterns {
            operands.push(self.expression(pattern)?);
        }
        Ok(call(name, operands))
    }
}

/// Returns `x <=> value`: `x IS TRUE` is never null.
fn is_boolean(operand: sc::Expression, value: bool) -> sc::Expression {
    call("<=>", vec![operand, literal(LiteralType::Boolean(value))])
}
