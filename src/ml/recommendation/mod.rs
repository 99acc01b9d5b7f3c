//! Recommendation: `org.apache.spark.ml.recommendation`.
//!
//! Ratings of items by users are taken as products of few numbers for each user and each item, which are learned in turns.
//!
//! ```text
//!  ratings ─Keep─┬─ dealt out by user ─▶ round: users' factors of the items' ─┐
//!                └─ dealt out by item ─▶ round: items' factors of the users' ─┴─▶ … ─▶ [`model`]
//! ```
//!
//! A rating stays on its executors, once with its user and once with its item, so a round sends factors only, in both directions:
//! what the driver holds grows with users and items and not with ratings.

pub mod als;
mod equations;
pub mod model;
mod rounds;
