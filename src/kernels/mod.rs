//! Shells of functions: how a function over arrays becomes one of DataFusion's, scalar or aggregate.
//!
//! What the functions compute is the business of their makers; here are the names, equality and types
//! that DataFusion asks for. Two rules hold for both kinds. A function is made for one call, when the
//! types of its arguments are known. And its `options` say in words what its closure does otherwise
//! than another of the same name, because closures cannot be compared: the optimizer merges two calls
//! that are equal by name, options and type.

pub mod aggregates;
pub mod kernel;
pub mod limits;
pub mod logic;
