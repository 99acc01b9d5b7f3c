//! Rivulet: Apache Spark's streaming stack in a browser tab. This page is the map of the house.
//!
//! A client (the TypeScript package in `src/js`, or PySpark) sends Spark Connect messages. They come in through
//! [`connect`], whose `Driver` is stepped by a host: it holds sessions, answers requests and runs queries. [`plan`] turns the
//! messages, and SQL text, into DataFusion's logical plans by Spark's rules: names, types, implicit casts, functions.
//! [`compile`] optimises a plan and cuts it at exchanges into stages of operators. [`exec`] runs one task of one stage:
//! decoders, operators, keyed state, blocks. [`scheduler`] decides which task runs where and when.
//!
//! # Floors
//!
//! Arrows run down: a room imports only rooms on lines below its own. `tests/arrows.rs` reads this list and holds every
//! import against it, so the list is what the imports say.
//!
//! ```text
//! web        the browser's edge: the only code that knows wasm-bindgen
//! connect    the front door: protocol, driver, sessions, operations; grpc/ is the native server
//! dstream    discretized streams: graph, batches by the clock, inputs, checkpoints
//! streaming  the query loop: triggers, offsets, watermarks, progress, checkpoints, sources
//! cluster    the two ends of the wire between driver and executors; local/ runs executors on threads
//! graph      structure of graphs, and the library's algorithms over it as supersteps
//! rdd        the lineage of datasets of JavaScript values, cut into stages
//! scheduler  which task runs where and when: task sets, map outputs, pools, speculation
//! compile    logical plan → stages of operators, the same on the driver and on executors
//! exec       runs one task: inputs, decoders, operators, keyed state
//! ml         machine learning: stages as projections, training as aggregates, models as bytes
//! plan       messages and SQL → logical plans, by Spark's rules
//! sources    streaming sources, one file each, and the table that names them
//! storage    what durable files can be asked for
//! kernels    shells of functions: scalar and aggregate
//! formats    records of JSON and CSV: text to typed columns
//! values     types, casts, text forms, intervals, zones, vectors, hashes: knows Arrow only
//! settings   what `spark.*` keys mean
//! packing    cuts a release's wasm in two: a tool of the build (`server`)
//! ids        the names of things that cross rooms
//! proto      Spark Connect's messages
//! error      the error that users see
//! ```
//!
//! [`compile`] stands above [`exec`] because a stage is made of operators: the compiler builds them, and running one needs
//! to know nothing of how it was planned.
//!
//! # Hosts
//!
//! Everything but the hosts is pure: a step takes an event and the time, and returns commands. There are three hosts:
//! `connect::grpc` (native, the `server` feature), `cluster::local` (threads), and `web` (Web Workers). `clippy.toml`
//! refuses clocks and threads elsewhere. Tests under `tests/simulation` are a fourth host, seeded, that kills executors and
//! reorders messages.
//!
//! Driver and executors plan the same messages by the same code, so no plan is ever serialised: see [`compile::job`].

pub mod cluster;
pub mod compile;
pub mod connect;
pub mod dstream;
pub mod error;
pub mod exec;
pub mod formats;
pub mod graph;
pub mod ids;
pub mod kernels;
pub mod ml;
#[cfg(feature = "server")]
pub mod packing;
pub mod plan;
pub mod proto;
pub mod rdd;
pub mod scheduler;
pub mod settings;
pub mod sources;
pub mod storage;
pub mod streaming;
pub mod values;

#[cfg(target_arch = "wasm32")]
pub mod web;
