//! Fuzzers: inputs at random, by seed, that must end in an answer or an error: no panic, no hang, no more memory than they may
//! have.
//!
//! `RIVULET_FUZZ_SECONDS=n` runs each target so long, from the seed `RIVULET_SEED_START=n` (else some hundreds of inputs from 0), and
//! `RIVULET_SEED=n` replays one. A failure prints its seed and its input.
//!
//! ```text
//! statements   SQL of functions with values at their edges, and the goldens' statements with words changed
//! constants    f(values) against f(columns of the same values): what is folded equals what is executed
//! messages     Connect's plans with bytes changed, lost and doubled
//! relations    Arrow streams in local relations, damaged
//! texts        lines of JSON and CSV, read with random schemas and options
//! patterns     formats of dates and numbers, regular expressions, paths of JSON
//! ```

mod constants;
mod memory;
mod messages;
mod patterns;
mod relations;
mod session;
mod statements;
mod texts;
mod values;
mod watch;
mod words;
