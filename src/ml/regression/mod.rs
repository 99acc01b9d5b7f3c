//! Regression: `org.apache.spark.ml.regression`.

pub mod findings;
pub mod generalized;
mod least_squares;
pub mod linear;
mod normal;
pub mod survival;
mod survival_loss;
