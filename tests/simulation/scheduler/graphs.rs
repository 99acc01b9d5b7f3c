//! Random stage graphs.

use rand::Rng;
use rand::rngs::SmallRng;

use rivulet::ids::{ExecutorId, PartitionId, StageId, StagePart};
use rivulet::scheduler::event::StageSpec;

/// A job of one to six stages; each reads some partitions of earlier ones, the last gives the result and needs them all.
pub fn random_job(rng: &mut SmallRng, executors: u32) -> Vec<StageSpec> {
    let count = rng.random_range(1..=6);
    let mut read = vec![false; count];
    let mut stages: Vec<StageSpec> = Vec::with_capacity(count);
    for number in 0..count {
        let last = number + 1 == count;
        let mut parents: Vec<usize> = (0..number).filter(|_| rng.random_bool(0.4)).collect();
        if last {
            parents.extend((0..number).filter(|p| !read[*p]));
            parents.sort_unstable();
            parents.dedup();
        }
        parents.iter().for_each(|p| read[*p] = true);
        let tasks = rng.random_range(1..=4);
        let reads = (0..tasks)
            .map(|task| {
                parents
                    .iter()
                    .map(|p| StagePart {
                        stage: StageId(*p),
                        partition: PartitionId(if rng.random_bool(0.8) { task } else { 0 }),
                    })
                    .collect()
            })
            .collect();
        let preferred = (0..tasks)
            .map(|_| {
                rng.random_bool(0.3)
                    .then(|| ExecutorId(rng.random_range(0..executors + 1)))
            })
            .collect();
        stages.push(StageSpec {
            parents: parents.into_iter().map(StageId).collect(),
            reads,
            preferred,
            result: last,
            shuffle: None,
            kept: vec![],
        });
    }
    stages
}

/// Rows per output partition, some of them none. Every partition that a task may read is there.
pub fn random_rows(rng: &mut SmallRng) -> Vec<u64> {
    (0..4)
        .map(|_| {
            if rng.random_bool(0.3) {
                0
            } else {
                rng.random_range(1..100)
            }
        })
        .collect()
}
