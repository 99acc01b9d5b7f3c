//! Clustering: `org.apache.spark.ml.clustering`.

pub mod distance;
pub mod k_means;
mod local;
pub mod power_iteration;
mod steps;
