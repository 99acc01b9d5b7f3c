//! Metrics of predictions: `org.apache.spark.ml.evaluation`.
//!
//! An evaluator reads a dataset once, in one job, and returns one number. What its job keeps is bounded by the number
//! of distinct scores ([`binary`]) or of pairs of labels ([`multiclass`]); the metric is computed of that on the
//! driver.

pub mod binary;
pub mod multiclass;
