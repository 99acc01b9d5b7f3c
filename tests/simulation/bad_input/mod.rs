//! What clients get wrong, through the driver: each mistake is answered by its error, and nothing else suffers.

mod batch;
mod contained;
mod poison;
mod refusals;
mod restarting;
mod running;
mod starting;

use crate::engine::cluster::{Cluster, Faults};
use crate::seeds::{Log, deep};
use rivulet::error::SparkError;

/// A cluster of two executors without faults, on a deep stack.
fn with_cluster(work: impl FnOnce(&mut Cluster, &mut Log) + Send) {
    with_conf(&[("spark.sql.shuffle.partitions", "2")], work);
}

fn with_conf(conf: &[(&str, &str)], work: impl FnOnce(&mut Cluster, &mut Log) + Send) {
    deep(|| {
        let mut log = Log::default();
        let mut cluster = Cluster::new(1, 2, conf, Faults::default(), &mut log);
        work(&mut cluster, &mut log);
    });
}

/// The error has this condition and a sentence with these words.
#[track_caller]
fn is<T>(found: Result<T, SparkError>, condition: &str, words: &str) {
    let Err(error) = found else {
        panic!("{condition} was expected, and it went well")
    };
    let text = error.full_message();
    assert_eq!(error.condition.as_deref(), Some(condition), "{text}");
    assert!(text.contains(words), "{words:?} was expected in: {text}");
}
