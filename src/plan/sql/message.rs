//! Short ways to write the protocol's nested messages.
//!
//! Each returns what PySpark's client sends for the same operation; metadata that the analyzer does not
//! read is left out.

use sc::expression::literal::LiteralType;
use sc::expression::{ExprType, UnresolvedFunction};
use sc::relation::RelType;

use super::marker::SqlForm;
use crate::proto as sc;

/// Returns an expression of a kind.
pub(in crate::plan) fn expression(kind: ExprType) -> sc::Expression {
    sc::Expression {
        common: None,
        expr_type: Some(kind),
    }
}

/// Returns a relation of a kind.
pub(in crate::plan) fn relation(kind: RelType) -> sc::Relation {
    sc::Relation {
        common: None,
        rel_type: Some(kind),
    }
}

/// Returns a relation that says what it was in SQL.
#[allow(deprecated, reason = "the protocol has no other free text on a relation")]
pub(super) fn marked_relation(kind: RelType, origin: SqlForm) -> sc::Relation {
    let common = sc::RelationCommon {
        source_info: origin.source_info().into(),
        plan_id: None,
        origin: None,
    };
    sc::Relation {
        common: Some(common),
        rel_type: Some(kind),
    }
}

/// Returns a call of a function by its lower-case name.
pub(in crate::plan) fn call(name: &str, arguments: Vec<sc::Expression>) -> sc::Expression {
    expression(ExprType::UnresolvedFunction(UnresolvedFunction {
        function_name: name.to_lowercase(),
        arguments,
        ..Default::default()
    }))
}

/// Returns `not(e)`.
pub(super) fn not(operand: sc::Expression) -> sc::Expression {
    call("not", vec![operand])
}

/// Returns `not(e)` if `negated`, else `e`.
pub(super) fn not_if(negated: bool, operand: sc::Expression) -> sc::Expression {
    if negated { not(operand) } else { operand }
}

/// Returns a literal that says no more than its value.
pub(in crate::plan) fn literal(value: LiteralType) -> sc::Expression {
    expression(ExprType::Literal(bare_literal(value)))
}

/// Returns the literal alone, for places where the protocol does not want an expression.
pub(in crate::plan) fn bare_literal(value: LiteralType) -> sc::expression::Literal {
    sc::expression::Literal {
        data_type: None,
        literal_type: Some(value),
    }
}

/// Returns a string literal.
pub(in crate::plan) fn string(value: impl Into<String>) -> sc::Expression {
    literal(LiteralType::String(value.into()))
}

/// Returns a column by its parts, quoted where they must be.
pub(in crate::plan) fn attribute<S: AsRef<str>>(parts: &[S]) -> sc::Expression {
    expression(ExprType::UnresolvedAttribute(sc::expression::UnresolvedAttribute {
        unparsed_identifier: super::quote_identifier(parts),
        ..Default::default()
    }))
}

/// Returns `*`, or `target.*`.
pub(super) fn star(target: Option<String>) -> sc::Expression {
    let unparsed_target = target.map(|target| format!("{target}.*"));
    expression(ExprType::UnresolvedStar(sc::expression::UnresolvedStar {
        unparsed_target,
        plan_id: None,
    }))
}

/// Returns `e AS name`, or `e AS (name, ..)`.
pub(in crate::plan) fn alias(operand: sc::Expression, name: Vec<String>) -> sc::Expression {
    expression(ExprType::Alias(Box::new(sc::expression::Alias {
        expr: Some(Box::new(operand)),
        name,
        metadata: None,
    })))
}

/// Returns `child[extraction]`.
pub(super) fn extract_value(child: sc::Expression, extraction: sc::Expression) -> sc::Expression {
    expression(ExprType::UnresolvedExtractValue(Box::new(
        sc::expression::UnresolvedExtractValue {
            child: Some(Box::new(child)),
            extraction: Some(Box::new(extraction)),
        },
    )))
}

/// Returns `CAST(operand AS to)` in an evaluation mode.
pub(in crate::plan) fn cast(
    operand: sc::Expression,
    to: sc::DataType,
    mode: sc::expression::cast::EvalMode,
) -> sc::Expression {
    expression(ExprType::Cast(Box::new(sc::expression::Cast {
        expr: Some(Box::new(operand)),
        eval_mode: mode as i32,
        cast_to_type: Some(sc::expression::cast::CastToType::Type(to)),
    })))
}

/// Returns `input AS alias`.
pub(super) fn subquery_alias(input: sc::Relation, alias: String) -> sc::Relation {
    relation(RelType::SubqueryAlias(Box::new(sc::SubqueryAlias {
        input: Some(Box::new(input)),
        alias,
        qualifier: vec![],
    })))
}

/// Returns `input` with its columns renamed.
pub(super) fn to_df(input: sc::Relation, column_names: Vec<String>) -> sc::Relation {
    relation(RelType::ToDf(Box::new(sc::ToDf {
        input: Some(Box::new(input)),
        column_names,
    })))
}

/// Returns `input WHERE condition`.
pub(super) fn filter(input: sc::Relation, condition: sc::Expression) -> sc::Relation {
    relation(RelType::Filter(Box::new(sc::Filter {
        input: Some(Box::new(input)),
        condition: Some(condition),
    })))
}

/// Returns a type of a kind.
pub(super) fn data_type(kind: sc::data_type::Kind) -> sc::DataType {
    sc::DataType { kind: Some(kind) }
}
