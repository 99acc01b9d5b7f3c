//! Regression: `org.apache.spark.ml.regression`.

pub mod findings;
pub mod generalized;
mod huber;
pub mod isotonic;
mod least_squares;
pub mod linear;
mod normal;
mod pools;
pub mod streaming;
pub mod survival;
mod survival_loss;
