//! Shuffle blocks of which some are lost.

use arrow::buffer::Buffer;
use rand::Rng;
use rand::rngs::SmallRng;
use rivulet::cluster::executor::{BlockStore, MemoryBlocks};
use rivulet::scheduler::{JobId, TaskId};

/// Blocks on the heap; each is lost with a probability, and its executor lives on.
pub struct LossyBlocks {
    pub blocks: MemoryBlocks,
    pub rng: SmallRng,
    pub losing: f64,
}

impl BlockStore for LossyBlocks {
    fn put(&mut self, task: TaskId, partition: usize, bytes: Vec<u8>) {
        if !self.rng.random_bool(self.losing) {
            self.blocks.put(task, partition, bytes);
        }
    }

    fn get(&self, task: TaskId, partition: usize) -> Option<Buffer> {
        self.blocks.get(task, partition)
    }

    fn drop_job(&mut self, job: JobId) {
        self.blocks.drop_job(job);
    }
}
