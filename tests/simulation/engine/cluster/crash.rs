//! The driver's end, with all that lives and dies with it: executors, messages, locks. What is left is the disk, and what
//! sinks have taken.

use rand::Rng;

use super::{Cluster, DISK, DRIVER, Happening, driver};
use crate::seeds::Log;
use rivulet::connect::protocol::Input;
use rivulet::ids::{BatchId, ExecutorRef};
use rivulet::storage::faulty::Fate;
use rivulet::storage::{Reply, Request, Storage, StorageError};

/// Faults that were made.
#[derive(Debug, Default, Clone, Copy)]
pub struct Injected {
    pub driver_deaths: u64,
    pub executor_deaths: u64,
    pub sink_failures: u64,
    pub clock_jumps: u64,
    pub torn_writes: u64,
    pub lost_writes: u64,
    pub refused_writes: u64,
}

impl Injected {
    pub fn add(&mut self, other: Self) {
        self.driver_deaths += other.driver_deaths;
        self.executor_deaths += other.executor_deaths;
        self.sink_failures += other.sink_failures;
        self.clock_jumps += other.clock_jumps;
        self.torn_writes += other.torn_writes;
        self.lost_writes += other.lost_writes;
        self.refused_writes += other.refused_writes;
    }
}

impl std::fmt::Display for Injected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "driver_deaths={} executor_deaths={} torn_writes={} lost_writes={} refused_writes={} sink_failures={} clock_jumps={}",
            self.driver_deaths,
            self.executor_deaths,
            self.torn_writes,
            self.lost_writes,
            self.refused_writes,
            self.sink_failures,
            self.clock_jumps
        )
    }
}

impl Cluster {
    /// Whether something happens that is allowed to happen so often.
    pub(super) fn befalls(&mut self, left: u32, probability: f64) -> bool {
        left > 0 && self.network.chance(probability)
    }

    /// Ends the driver here and now; another begins.
    pub(super) fn crash(&mut self, log: &mut Log) {
        log.note(|| format!("{:>6} the driver dies", self.network.now_ms));
        self.faults.crashes = self.faults.crashes.saturating_sub(1);
        self.injected.driver_deaths += 1;
        let rng = &mut self.network.rng;
        self.disk.crash(|length| match rng.random_range(0..3) {
            0 => Fate::Lost,
            1 => Fate::Done,
            _ => Fate::Torn {
                bytes: rng.random_range(0..length),
            },
        });
        self.network.clear();
        self.jobs.clear();
        self.taken.clear();
        self.calls.clear();
        self.server.connection = None;
        self.lives += 1;
        self.driver = driver(&self.defaults, self.lives, self.reaches_page);
        let next: Vec<ExecutorRef> = self
            .incarnations
            .iter()
            .map(|(id, incarnation)| {
                let (id, incarnation) = (*id, *incarnation);
                ExecutorRef { id, incarnation }.next()
            })
            .collect();
        for executor in next {
            self.start(executor, log);
        }
        self.crashed = true;
    }

    /// The driver's clock goes on or back by a jump.
    pub(super) fn jump(&mut self, log: &mut Log) {
        self.faults.jumps -= 1;
        self.injected.clock_jumps += 1;
        self.skew_ms += self.network.rng.random_range(-20_000..3_600_000);
        log.note(|| format!("{:>6} the clock jumps to {}", self.network.now_ms, self.now_ms()));
    }

    pub(super) fn ask_disk(&mut self, op: u64, request: Request) {
        self.disk.begin(op, request);
        self.network.send((DRIVER, DISK), Happening::Disk(op));
    }

    /// The disk carries an operation out, or has no room for it; what was read may be long on its way.
    pub(super) fn disk_acts(&mut self, op: u64, log: &mut Log) {
        let Some(request) = self.disk.peek(op).cloned() else {
            return;
        };
        let write = matches!(request, Request::Write { .. });
        let answer = if write && self.befalls(self.faults.refusals, self.faults.refusing) {
            self.faults.refusals -= 1;
            self.injected.refused_writes += 1;
            self.disk.abandon(op);
            Err(StorageError::of_text(
                request.path(),
                "QuotaExceededError: the disk is full",
            ))
        } else {
            self.check_order(&request);
            self.note_offsets(&request);
            match self.disk.complete(op) {
                Some(answer) => answer,
                None => return,
            }
        };
        if !write && self.network.chance(self.faults.slow_reads) {
            let delay = self.network.rng.random_range(0..3000);
            return self.network.after(delay, Happening::Answer(op, answer));
        }
        self.drive(Input::Storage { op, answer }, log);
    }

    /// What a batch takes is decided once.
    fn note_offsets(&mut self, request: &Request) {
        if let Request::Write { path, bytes } = request
            && path.contains("/offsets/")
            && let Some(before) = self.offsets.insert(path.clone(), bytes.clone())
        {
            assert_eq!(before, *bytes, "{path} is written again, and otherwise");
        }
    }

    /// A commit must not come before its offsets, nor before the sink has the batch.
    fn check_order(&mut self, request: &Request) {
        let Request::Write { path, .. } = request else { return };
        let Some((folder, batch)) = path.split_once("/commits/") else {
            return;
        };
        let offsets = Request::Read {
            path: format!("{folder}/offsets/{batch}"),
        };
        assert!(
            matches!(self.disk.perform(&offsets), Ok(Reply::Bytes(Some(_)))),
            "{path} is written before its offsets"
        );
        let batch = BatchId(batch.parse().expect("a commit has a number"));
        assert!(
            !self.watches_sink || self.has_batch(batch),
            "{path} is written before the sink has the batch"
        );
    }

    fn has_batch(&mut self, batch: BatchId) -> bool {
        let logged = |name: String| Request::Read {
            path: format!("/out/_spark_metadata/{name}"),
        };
        self.batches.iter().any(|(_, id, _)| *id == batch)
            || [batch.to_string(), format!("{batch}.compact")]
                .into_iter()
                .any(|name| matches!(self.disk.perform(&logged(name)), Ok(Reply::Bytes(Some(_)))))
    }
}
