//! Discretized streams: series of datasets, one per batch interval (Zaharia et al., "Discretized Streams", SOSP 2013).
//!
//! The page builds a [`graph`] once. From then on the driver cuts what comes in into batches by the clock
//! ([`context`], [`inputs`], [`receivers`]), makes each batch's datasets of those before ([`generate`]), and writes what it needs to continue
//! ([`checkpoint`], [`recovery`]). The page runs its own functions and hands over what it alone holds.
//!
//! ```text
//!  inputs ── blocks ──▶ context ── every batch ──▶ generate ── datasets ──▶ outputs ──▶ jobs over the one scheduler
//!                          └── received blocks, states, completed batches ──▶ storage
//! ```

pub mod checkpoint;
pub mod context;
pub mod generate;
pub mod graph;
pub mod inputs;
pub mod listener;
pub mod rate;
pub mod receivers;
pub mod recovery;
