//! Classifiers: `org.apache.spark.ml.classification`.
//!
//! A classifier reads a column of vectors and, to train, a column of labels: doubles that are whole numbers from 0 on.
//! It adds up to three columns: raw predictions, probabilities, and the predicted label.

pub mod curves;
pub mod findings;
pub mod linear_svc;
pub mod logistic;
pub(super) mod loss;
pub mod naive_bayes;
pub mod perceptron;
pub mod scores;
pub mod streaming;
pub mod streaming_logistic;
