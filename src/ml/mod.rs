//! Machine learning: pipelines' stages as relations, training as jobs, models as bytes.
//!
//! What comes in are Spark Connect's `MlCommand` and `MlRelation`. Each stage is a file that
//! implements [`stage::Stage`] and a line in [`stage::STAGES`]. A transform is a projection over its input
//! ([`transform`]): one kernel per stage, made of checked [`params`] and, for a model, its [`model::Model`]. Training
//! and evaluation are one job each: the dataset under a single aggregate whose state is a [`summary`], merged over
//! partitions as Spark's tree aggregation is; [`training`] plans that job and makes the model of what it returns.
//! Vectors and matrices are Spark's `VectorUDT` and `MatrixUDT` ([`vector`](crate::values::vector), [`matrix`]); what
//! is sparse stays sparse. [`persistence`] writes and reads Spark's own model directories. Nothing here knows sessions,
//! executors or files: `connect::ml` does.

pub mod attributes;
pub mod batches;
pub mod cholesky;
pub mod classification;
pub mod clustering;
pub mod collected;
pub mod columns;
pub mod error;
pub mod evaluation;
pub mod factorization;
pub mod feature;
pub mod findings;
pub mod fpm;
pub mod learning;
pub mod literal;
pub mod matrix;
pub mod method;
pub mod model;
pub mod optimize;
pub mod params;
pub mod persistence;
pub mod recommendation;
pub mod regression;
pub mod relation;
pub mod sampling;
pub mod sgd;
pub mod spectrum;
pub mod stage;
pub mod stat;
pub mod summary;
pub mod text;
pub mod training;
pub mod transform;
pub mod tree;
