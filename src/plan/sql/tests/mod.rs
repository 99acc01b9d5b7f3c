//! What the front end makes of whole statements: written as short forms by [`render`], which leaves
//! nothing out.
//!
//! ```text
//! expressions, queries, statements, types   a text and the short form of its messages
//! errors                                    a text and Spark's condition, with the place of the token
//! robustness                                input that is cut, mixed, deep or long: no panic, no overflow
//! ```
//!
//! The short forms are what PySpark's Connect client sends for the same query, written down by hand.

mod errors;
mod expressions;
mod queries;
mod render;
mod robustness;
mod statements;
mod types;
