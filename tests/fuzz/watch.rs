//! Runs a target for a time: counts what comes out, and tells of panics, hangs and memory by seed and input.

#![allow(clippy::disallowed_methods, reason = "what is watched may hang: only a clock tells")]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::memory;

/// CPU time that one input may take, s. Debug builds are some ten times slower than what is shipped.
const INPUT_SECONDS: u64 = 20;
/// Memory that one input may have at once.
const INPUT_BYTES: usize = 3 << 30;

/// Kinds of faults after which a target stops.
const KINDS: usize = 40;

/// Returns what faults of one kind have in common: their words without numbers and what is quoted.
fn kind_of(what: &str) -> String {
    let mut quoted = false;
    let plain = what.chars().filter(|c| {
        quoted ^= matches!(c, '"' | '\'' | '`');
        !quoted && !c.is_ascii_digit()
    });
    plain.take(90).collect()
}

/// How an input ended.
pub enum End {
    Answered,
    /// Refused with a condition.
    Refused(String),
    /// What must not be: an internal error, an answer that contradicts another.
    Wrong(String),
}

/// Panics of all threads since they were taken last, with their places.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// The time of a target belongs to it alone: memory and panics are the process's.
static TURN: Mutex<()> = Mutex::new(());

fn note_panics() {
    static HOOK: OnceLock<()> = OnceLock::new();
    HOOK.get_or_init(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let fuzzing = std::thread::current()
                .name()
                .is_some_and(|name| name.starts_with("inputs of"));
            if fuzzing {
                PANICS.lock().unwrap_or_else(|p| p.into_inner()).push(info.to_string());
            } else {
                usual(info);
            }
        }));
    });
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|n| n.parse().ok())
}

/// CPU time of this thread, s.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ')
        .next()
        .and_then(|ns| ns.parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1e9
}

/// A target: what is kept between inputs, and how one is made and run. `note` is told the input before it runs.
pub trait Target: Sized {
    fn new() -> Self;
    fn run(&mut self, rng: &mut SmallRng, note: &mut dyn FnMut(&str)) -> End;
}

/// Runs a target by seeds: `inputs` of them, or for as long as `RIVULET_FUZZ_SECONDS` says.
pub fn fuzz<T: Target>(name: &str, inputs: u64) {
    let turn = TURN.lock().unwrap_or_else(|p| p.into_inner());
    note_panics();
    let seconds = number("RIVULET_FUZZ_SECONDS");
    let (first, only) = match number("RIVULET_SEED") {
        Some(seed) => (seed, true),
        // Tests try the same inputs each day; what others find is found by who looks for it.
        None if seconds.is_none() => (0, false),
        None => (number("RIVULET_SEED_START").unwrap_or(0), false),
    };
    let (seed, over, peak) = (AtomicU64::new(first), AtomicBool::new(false), AtomicUsize::new(0));
    let (input, began) = (Mutex::new(String::new()), Mutex::new(Instant::now()));
    let mut counts = BTreeMap::new();
    let mut wrong: BTreeMap<String, (u64, String)> = BTreeMap::new();
    std::thread::scope(|scope| {
        let work = || {
            let mut target = T::new();
            let (mut counts, mut wrong) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, (u64, String)>::new());
            let from = Instant::now();
            loop {
                let number = seed.load(Relaxed);
                let over = match seconds {
                    Some(seconds) if !only => from.elapsed() >= Duration::from_secs(seconds),
                    _ => number - first >= inputs,
                };
                if over || wrong.len() >= KINDS {
                    break;
                }
                let mut rng = SmallRng::seed_from_u64(number);
                let cpu = cpu_seconds();
                peak.store(0, Relaxed);
                *began.lock().expect("watched") = Instant::now();
                let before = memory::resident();
                let mut note = |text: &str| *input.lock().expect("watched") = text.chars().take(2000).collect();
                let end = catch_unwind(AssertUnwindSafe(|| target.run(&mut rng, &mut note)));
                let panics = std::mem::take(&mut *PANICS.lock().unwrap_or_else(|p| p.into_inner()));
                let took = cpu_seconds() - cpu;
                let used = peak.load(Relaxed).saturating_sub(before);
                let text = input.lock().expect("watched").clone();
                let mut tell = |what: String| {
                    let first = || (0, format!("SEED={number} {what}\n  {text}"));
                    wrong.entry(kind_of(&what)).or_insert_with(first).0 += 1;
                };
                let kind = match &end {
                    Ok(End::Answered) => "answered".to_owned(),
                    Ok(End::Refused(condition)) => {
                        format!("refused {}", condition.split('.').next().unwrap_or_default())
                    }
                    Ok(End::Wrong(what)) => {
                        tell(what.clone());
                        "wrong".into()
                    }
                    Err(_) => "panicked".into(),
                };
                for panic in &panics {
                    tell(format!("PANIC {panic}"));
                }
                if end.is_err() {
                    target = T::new();
                }
                if took > INPUT_SECONDS as f64 {
                    tell(format!("SLOW {took:.1} s"));
                }
                if used > INPUT_BYTES {
                    tell(format!("MEMORY {} MB", used >> 20));
                }
                *counts.entry(kind).or_default() += 1;
                if only {
                    break;
                }
                seed.fetch_add(1, Relaxed);
            }
            over.store(true, Relaxed);
            (counts, wrong)
        };
        let thread = std::thread::Builder::new()
            .name(format!("inputs of {name}"))
            .stack_size(64 << 20);
        let thread = thread.spawn_scoped(scope, work).expect("the system gives a thread");
        while !over.load(Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
            let began = *began.lock().expect("watched");
            let used = memory::resident();
            peak.fetch_max(used, Relaxed);
            let hangs = began.elapsed() > Duration::from_secs(10 * INPUT_SECONDS);
            if hangs || used > 2 * INPUT_BYTES {
                // The thread cannot be ended; the process can.
                eprintln!(
                    "{name}: SEED={} does not end or takes all memory:\n  {}",
                    seed.load(Relaxed),
                    input.lock().expect("watched")
                );
                std::process::exit(101);
            }
            if thread.is_finished() {
                break;
            }
        }
        (counts, wrong) = thread.join().expect("what inputs do is caught");
    });
    drop(turn);
    let runs: u64 = counts.values().sum();
    println!("FUZZED {name} runs={runs} {counts:?}");
    let lines: Vec<String> = wrong
        .values()
        .map(|(times, first)| format!("{times} × {first}"))
        .collect();
    assert!(wrong.is_empty(), "{name}, after {runs} inputs:\n{}", lines.join("\n"));
}
