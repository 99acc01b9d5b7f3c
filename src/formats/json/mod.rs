//! JSON to typed columns, as Spark's parser (Jackson, with Spark's options) reads it.
//!
//! [`lines`] reads records that are written plainly, in one pass and straight into columns. Whatever it does not take
//! (escapes that are rare, values of another type, what Jackson takes beyond the standard, malformed text) it leaves to
//! [`text`], which makes a tree, and [`read`], which fits the tree to the schema. So what a record means is said in one
//! place, and the fast way may be left at any byte.

pub mod lines;
pub mod read;
pub mod scan;
pub mod text;
