//! The scheduler alone: made-up stage graphs, made-up executors, and a checker that knows only events and commands.

mod checker;
mod graphs;
mod world;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::seeds::each_seed;

#[test]
fn jobs_of_random_stages_end_under_deaths_failures_duplicates_and_stale_messages() {
    let copies = AtomicUsize::new(0);
    each_seed(6000, |seed, log| {
        copies.fetch_add(world::World::new(seed).run(log), Ordering::Relaxed);
    });
    let copies = copies.into_inner();
    assert!(
        copies > 0 || std::env::var("RIVULET_SEED").is_ok(),
        "no slow task was tried twice"
    );
}
