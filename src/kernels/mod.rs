//! Shells of functions: how a function over arrays becomes one of DataFusion's, scalar or aggregate.
//!
//! What the functions compute is theirs who make them; here are the names, equality and types that DataFusion asks for.

pub mod aggregates;
pub mod kernel;
