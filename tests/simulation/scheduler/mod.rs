//! The scheduler alone: made-up stage graphs, made-up executors, and a checker that knows only events and commands.

mod checker;
mod graphs;
mod world;

use crate::seeds::each_seed;

#[test]
fn jobs_of_random_stages_end_under_deaths_failures_duplicates_and_stale_messages() {
    each_seed(6000, |seed, log| world::World::new(seed).run(log));
}
