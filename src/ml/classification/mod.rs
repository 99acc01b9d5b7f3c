//! Classifiers: `org.apache.spark.ml.classification`.

pub mod naive_bayes;
pub mod streaming;
