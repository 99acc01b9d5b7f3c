//! Metrics of predictions: `org.apache.spark.ml.evaluation`.

pub mod binary;
pub mod multiclass;
