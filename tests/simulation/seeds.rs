//! Runs a simulation for many seeds; a failing one is run again to tell what happened before.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

const LAST_EVENTS: usize = 60;

/// The last events of a run; silent on the first try of a seed, which is the fast one.
#[derive(Default)]
pub struct Log {
    loud: bool,
    lines: VecDeque<String>,
}

impl Log {
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        if !self.loud {
            return;
        }
        if self.lines.len() == LAST_EVENTS {
            self.lines.pop_front();
        }
        self.lines.push_back(line());
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|n| n.parse().ok())
}

/// Runs `simulate` for seeds 0, 1, … A panic in it fails the test with `SEED=n` and the last events.
pub fn each_seed(count: u64, simulate: impl Fn(u64, &mut Log) + Send) {
    deep(|| try_seeds(count, simulate));
}

/// Runs on a stack as large as the engine's hosts have: planners recurse.
pub fn deep(work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(64 << 20)
            .spawn_scoped(scope, work);
        if let Err(panic) = thread.expect("the system gives a thread").join() {
            resume_unwind(panic);
        }
    });
}

fn try_seeds(count: u64, simulate: impl Fn(u64, &mut Log)) {
    let seeds = match number("RIVULET_SEED") {
        Some(one) => one..one + 1,
        None => {
            let start = number("RIVULET_SEED_START").unwrap_or(0);
            start..start + number("RIVULET_SEEDS").unwrap_or(count)
        }
    };
    for seed in seeds {
        if catch_unwind(AssertUnwindSafe(|| simulate(seed, &mut Log::default()))).is_ok() {
            continue;
        }
        let mut log = Log {
            loud: true,
            ..Log::default()
        };
        let again = catch_unwind(AssertUnwindSafe(|| simulate(seed, &mut log)));
        for line in &log.lines {
            eprintln!("  {line}");
        }
        eprintln!("SEED={seed}");
        match again {
            Err(panic) => resume_unwind(panic),
            Ok(()) => {
                panic!("SEED={seed} failed once and not again: something reads a clock or hashes with a random state")
            }
        }
    }
}
