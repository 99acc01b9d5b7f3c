//! From Spark Connect's unresolved messages to DataFusion's logical plans, by Spark's rules.
//!
//! SQL text becomes Spark Connect messages first (`sql`), so that one analyzer serves both APIs. The
//! analyzer resolves names (`scope`, `names`), expressions (`expression`), types and implicit casts
//! (`coercion`), functions (`functions`), and relations (`relation`, `aggregate`). What comes in:
//! messages, session settings, temp views already put in their place. What comes out: a logical plan
//! whose columns have unique names, and the scans it reads. Nothing here knows executors, time or I/O.
//!
//! ```text
//! SQL text ─ sql::parse_statement ─┐
//!                                  ▼
//! DataFrame call ───────────► sc::Relation ── Analyzer::relation ──► Resolved { plan, output, … }
//!                                  │                                     │
//!                   sc::Expression ┴ Analyzer::expression ──► Typed      └► Analyzer::scans
//! ```
//!
//! A [`scope::Resolved`] is a relation after analysis: a plan whose columns are called `#1`, `#2`, …,
//! and the names by which expressions above may mean them. A [`scope::Typed`] is an expression after
//! analysis: what is computed, of which type, and what Spark calls it if nobody names it.

pub mod aggregate;
pub mod analyzer;
pub mod arithmetic;
pub mod cast_expr;
pub mod coercion;
pub mod comparison;
pub mod constant_order;
pub mod datetime;
pub mod decorrelate;
pub mod event_time;
pub mod expression;
pub mod extension;
pub mod extent;
pub mod extract;
pub mod folding;
pub mod functions;
pub mod generate;
pub mod inference;
pub mod literal;
pub mod map_groups;
pub mod names;
pub mod nodes;
pub mod output_mode;
pub mod recursion;
pub mod relation;
pub mod scan;
pub mod scope;
pub mod semi_join;
pub mod sql;
pub mod time_window;
pub mod type_message;
pub mod views;
pub mod window_frame;
pub mod window_function;

/// Marks a name that no user can write: the prefix of column ids.
pub const ID_PREFIX: char = '#';
