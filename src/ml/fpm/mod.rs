//! Frequent patterns: `org.apache.spark.ml.fpm`.
//!
//! Sets of items that occur together grow by an item in each round, as far as they are frequent. A round counts what the rows contain,
//! so the driver holds patterns and never rows.
//!
//! ```text
//!  lists of items ─Keep─┬─ round 0: how often each item occurs   ─▶ frequent items, the most frequent first
//!                       ├─ round 1: how often two of them do     ─▶ frequent pairs
//!                       └─ round n: … those whose parts are frequent
//! ```

pub mod fp_growth;
mod items;
pub mod model;
pub mod prefix_span;
mod sequences;
mod tallies;
