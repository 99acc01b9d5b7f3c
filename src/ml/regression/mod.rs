//! Regression: `org.apache.spark.ml.regression`.

pub mod findings;
mod least_squares;
pub mod linear;
mod normal;
