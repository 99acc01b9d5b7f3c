//! What values are: Spark's types as Arrow's, casts of arrays, text forms, intervals, zones, vectors,
//! hashes, patterns.
//!
//! Everything here knows Arrow's arrays and Spark's rules for values, and nothing of plans, expressions
//! or messages. A function of this room takes values (or arrays of them) and returns values; it reads
//! no clock and keeps no state. The session's settings come in as arguments: a [`zone::Zone`], a
//! [`cast::Mode`].
//!
//! ```text
//! types        which Arrow type stands for which Spark type, and what errors call it
//! cast         arrays of one type to arrays of another; uses text, interval and zone
//! text         one value to its string and back, as casts do it
//! parse_time   strings to dates and times, as casts do it
//! java_format  date and time patterns such as yyyy-MM-dd: compiled, and times to strings
//! java_parse   strings to times by such a pattern
//! raw          strings whose bytes are not UTF-8
//! interval     durations such as 10 minutes
//! zone         regions and offsets; instants to wall clocks and back
//! vector       ml's vectors as columns
//! matrix       ml's matrices as columns
//! lanes        sums over slices of doubles
//! mllib        vectors and matrices as mllib calls them
//! java_random  java.util.Random
//! well         commons-math's generator, and Poisson's distribution
//! murmur3      hash(), and with it the partition of a row
//! own_bytes    the memory of an array's own rows
//! display      show()
//! ipc          batches to bytes and back
//! ```
//!
//! Two representations run through all of it. An *instant* is a count of µs since 1970-01-01 00:00:00
//! UTC (`TIMESTAMP`). A *wall clock* is a count of µs since 1970-01-01 00:00:00 wherever the clock
//! hangs (`TIMESTAMP_NTZ`, and every instant on its way to text or to fields). Only [`zone`] turns one
//! into the other.

pub mod base64;
pub mod bytes;
pub mod cast;
pub mod display;
pub mod floats;
pub mod interval;
pub mod interval_text;
pub mod ipc;
pub mod java_format;
pub mod java_parse;
pub mod java_random;
pub mod lanes;
pub mod maps;
pub mod matrix;
pub mod mllib;
pub mod murmur3;
pub mod nested;
pub mod own_bytes;
pub mod parse_time;
pub mod raw;
pub mod text;
pub mod types;
pub mod vector;
pub mod well;
pub mod zone;
