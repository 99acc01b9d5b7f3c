//! Metrics of predictions: `org.apache.spark.ml.evaluation`.
//!
//! An evaluator reads a dataset once, in one job, and returns one number; [`clustering`] reads it twice. What its job
//! keeps is bounded by the number of distinct scores ([`binary`]), of pairs of labels ([`multiclass`]), of labels
//! ([`multilabel`]) or of clusters, or is a few sums ([`regression`], [`ranking`]); the metric is computed of that on
//! the driver.

pub mod binary;
pub mod clustering;
pub mod multiclass;
pub mod multilabel;
pub mod ranking;
pub mod regression;
