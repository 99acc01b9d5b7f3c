//! From Spark SQL text to unresolved Spark Connect messages: the front end that lets one analyzer serve
//! both APIs.
//!
//! Text comes in; what PySpark's Connect client would have sent for the same query comes out.
//! `sqlparser` parses statements, through a dialect of ours (`dialect`) that supplies Spark's operator
//! precedence and its prefix forms, after `tokens` has read Spark's literals and `rewrite` has spelt
//! `LATERAL VIEW` and bare `VALUES` in the grammar's own words. `query`, `select`, `from`, `grouping`,
//! `pivot`, `expression` and `function` turn its tree into messages. Types, schemas and identifiers
//! have parsers of their own (`data_type`, `schema`, `identifier`). Nothing here resolves a name, knows
//! a catalog, the time or a session setting.
//!
//! ```text
//! text ─ tokens::read ─► tokens ─ rewrite ─► tokens ─ sqlparser + dialect ─► tree ─ Lowering ─► sc::Relation
//!          │ literals,                                  │ prefix, call_forms,       │ query, select, from, …
//!          │ parameters,                                │ type_tokens               │ subqueries beside it
//!          └ limits on chains                           └ Spark's precedence        └ limits on repetition
//! ```
//!
//! What SQL can say and the protocol cannot is said with marked calls ([`marker`]), which no call by
//! name equals.
//!
//! Any text ends in messages or in an error, never in a stack overflow or an exhausted heap: depth and
//! length are bounded before anything recurses, and the tests feed it broken input.

mod call_forms;
mod command;
mod data_type;
mod dialect;
mod error;
mod expression;
mod from;
mod function;
mod grouping;
mod identifier;
pub(super) mod interval;
mod literal;
mod lowering;
pub mod marker;
pub(super) mod message;
mod pivot;
mod predicate;
mod prefix;
mod query;
mod rewrite;
mod scanner;
mod schema;
mod select;
mod statement;
mod string_literal;
mod temporal;
mod tokens;
mod type_tokens;
mod window;

#[cfg(test)]
mod tests;

pub use data_type::parse_data_type;
pub use error::SqlError;
pub use expression::{parse_expression, parse_expression_with_relations};
pub use identifier::{parse_column, parse_identifier, quote_identifier};
pub use schema::parse_schema;
pub use statement::{FunctionScope, Statement, parse_statement};
