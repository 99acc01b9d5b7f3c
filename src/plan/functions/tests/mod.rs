//! Functions against Spark: every golden's SQL text, and a corpus of single expressions with the answers
//! that Spark gave.
//!
//! `run` executes a query in-process, stage by stage as a cluster would; `json` writes rows as the goldens
//! do; `compare` says what differs. What is known to fail stands with its cause in `known_failures.txt`; a
//! case that fails and does not stand there fails the test, and so does one that stands there and passes.

mod clauses;
mod compare;
mod corpus;
mod daylight;
mod debug;
mod examples;
mod extremes;
mod generated;
mod goldens;
mod json;
mod lambdas;
mod missing_values;
mod records;
mod run;
mod sizes;
mod sliding;
