//! Partitioned datasets of JavaScript values: their lineage, cut into stages that the one DAG scheduler runs.
//!
//! [`plan`] is a job as the page sends it; [`lineage`] cuts it where rows move between partitions. What is done to the
//! rows of a partition is not known here: an executor's [`crate::exec::program::ProgramHost`] runs it. Only structure
//! comes in: datasets, parents, partitions, which edges are wide.
//!
//! ```text
//!  parallelize ─ map ─┐ wide: partitionBy
//!                     ├══▶ reduceByKey ─ filter ─▶ collect        ═ moves rows: ends a stage
//!  parallelize ───────┘ wide                                      ─ stays in a partition: same stage
//!  └── stage 0, 1 ────┘    └── stage 2 ─────────┘
//! ```

pub mod assembly;
pub mod block;
pub mod dataset;
pub mod lineage;
pub mod op;
pub mod plan;
