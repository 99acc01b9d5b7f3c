//! Function calls, with what may follow them: `FILTER`, `WITHIN GROUP`, `IGNORE NULLS`, `OVER`.
//!
//! The protocol has no messages for the first three; they are markers around the call, from the inside
//! out:
//!
//! ```text
//! f(x) WITHIN GROUP (ORDER BY y) FILTER (WHERE c) OVER w
//! window(agg_filter(within_group(f(x), y), c), w)
//! ```

use sc::expression::{ExprType, UnresolvedFunction};
use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
    NullTreatment, Value,
};

use super::error::SqlError;
use super::lowering::{Lowering, ident, object_name};
use super::marker::Marker;
use super::message::{call, expression, star, string};
use super::prefix::{INTERVAL_RANGE, INTERVAL_TEXT, INTERVAL_UNITS, LIKE_QUANTIFIED, PARAMETER, TYPED};
use super::{interval, temporal};
use crate::proto as sc;

impl Lowering {
    /// Returns a call, whole.
    ///
    /// # Errors
    /// If an argument or a clause is one that Spark lacks, `UNSUPPORTED_FEATURE.*`.
    pub fn function(&mut self, function: &Function) -> Result<sc::Expression, SqlError> {
        let name = function_name(function)?;
        if name.starts_with('\0') {
            return self.special_form(&name, function);
        }
        let mut ignore_nulls = function.null_treatment == Some(NullTreatment::IgnoreNulls);
        let mut arguments = vec![];
        let mut is_distinct = false;
        match &function.args {
            FunctionArguments::None => {}
            FunctionArguments::Subquery(query) => {
                return Err(SqlError::unsupported("TABLE_ARGUMENT", format!("{name}({query})")));
            }
            FunctionArguments::List(list) => {
                is_distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
                arguments = self.arguments(&list.args)?;
                for clause in &list.clauses {
                    match clause {
                        FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => {
                            ignore_nulls = *treatment == NullTreatment::IgnoreNulls;
                        }
                        other => return Err(SqlError::unsupported("FUNCTION_CLAUSE", other.to_string())),
                    }
                }
            }
        }
        let name = unit_first(name, &function.args, &mut arguments);
        let mut called = expression(ExprType::UnresolvedFunction(UnresolvedFunction {
            function_name: name,
            arguments,
            is_distinct,
            ..Default::default()
        }));
        if !function.within_group.is_empty() {
            let mut arguments = vec![called];
            for order in &function.within_group {
                arguments.push(expression(ExprType::SortOrder(Box::new(self.sort_order(order)?))));
            }
            called = Marker::WithinGroup.call(arguments);
        }
        if ignore_nulls {
            called = Marker::IgnoreNulls.call(vec![called]);
        }
        if let Some(condition) = &function.filter {
            called = Marker::AggFilter.call(vec![called, self.expression(condition)?]);
        }
        match &function.over {
            Some(window) => self.window(called, window),
            None => Ok(called),
        }
    }

    /// Returns the arguments of a call or of a table-valued function, by position or by name.
    pub fn arguments(&mut self, arguments: &[FunctionArg]) -> Result<Vec<sc::Expression>, SqlError> {
        arguments
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(value) => self.argument(value),
                FunctionArg::Named { name, arg, .. } => {
                    let key = ident(name)?;
                    let value = Some(Box::new(self.argument(arg)?));
                    let named = sc::NamedArgumentExpression { key, value };
                    Ok(expression(ExprType::NamedArgumentExpression(Box::new(named))))
                }
                other => Err(SqlError::unsupported("NAMED_ARGUMENT", other.to_string())),
            })
            .collect()
    }

    /// Returns an argument: an expression or a star.
    fn argument(&mut self, argument: &FunctionArgExpr) -> Result<sc::Expression, SqlError> {
        match argument {
            FunctionArgExpr::Expr(expr) => self.expression(expr),
            FunctionArgExpr::Wildcard => Ok(star(None)),
            FunctionArgExpr::QualifiedWildcard(name) => Ok(star(Some(super::quote_identifier(&object_name(name)?)))),
            other => Err(SqlError::unsupported("EXPRESSION", other.to_string())),
        }
    }

    /// Takes apart what [`super::prefix`] wrote as a call because the syntax tree has no node for it.
    fn special_form(&mut self, name: &str, function: &Function) -> Result<sc::Expression, SqlError> {
        let arguments: Vec<&Expr> = match &function.args {
            FunctionArguments::List(list) => list.args.iter().filter_map(unnamed).collect(),
            _ => vec![],
        };
        if name == LIKE_QUANTIFIED {
            return self.like_quantified(&arguments);
        }
        let words: Vec<String> = arguments.into_iter().filter_map(text).collect();
        match (name, words.as_slice()) {
            (INTERVAL_UNITS, parts) => interval::of_units(parts),
            (INTERVAL_RANGE, [value, from, to]) => interval::of_range(value, from, to),
            (INTERVAL_TEXT, [value]) => interval::of_text(value),
            (PARAMETER, [name]) => Ok(Marker::Parameter.call(vec![string(name.clone())])),
            (TYPED, [type_name, value]) => temporal::typed(type_name, value),
            _ => Ok(call(name, vec![])),
        }
    }
}

/// Renames `DATEADD(DAY, n, x)` and `DATEDIFF(DAY, x, y)`, which take a unit as a bare word: as in
/// Spark, they are `timestampadd` and `timestampdiff` of its name.
fn unit_first(name: String, given: &FunctionArguments, arguments: &mut [sc::Expression]) -> String {
    let unit = match given {
        FunctionArguments::List(list) => match list.args.first().and_then(unnamed) {
            Some(Expr::Identifier(unit)) if unit.quote_style.is_none() => &unit.value,
            _ => return name,
        },
        _ => return name,
    };
    let with_unit = match name.as_str() {
        "dateadd" | "date_add" | "timestampadd" => "timestampadd",
        "datediff" | "date_diff" | "timestampdiff" => "timestampdiff",
        _ => return name,
    };
    match arguments {
        [first, _, _] => {
            *first = string(unit.to_uppercase());
            with_unit.to_string()
        }
        _ => name,
    }
}

/// Returns an argument without a name; `None` for `name => value`.
fn unnamed(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

/// Returns the string that a literal is.
fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the last part in lower case; `system.builtin.f` and `builtin.f` are `f`. Other qualified
/// names stay whole.
fn function_name(function: &Function) -> Result<String, SqlError> {
    let parts = object_name(&function.name)?;
    match parts.as_slice() {
        [name] => Ok(name.to_lowercase()),
        [.., schema, name]
            if ["builtin", "session"]
                .iter()
                .any(|word| schema.eq_ignore_ascii_case(word)) =>
        {
            Ok(name.to_lowercase())
        }
        _ => Ok(super::quote_identifier(&parts).to_lowercase()),
    }
}
