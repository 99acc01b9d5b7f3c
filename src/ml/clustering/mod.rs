//! Clustering: `org.apache.spark.ml.clustering`.

pub mod bisecting;
pub mod distance;
mod findings;
pub mod k_means;
pub mod lda;
mod local;
pub mod mixture;
pub mod power_iteration;
mod rows;
mod steps;
pub mod streaming;
