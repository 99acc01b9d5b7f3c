//! Clustering: `org.apache.spark.ml.clustering`.

pub mod distance;
pub mod k_means;
mod local;
mod steps;
