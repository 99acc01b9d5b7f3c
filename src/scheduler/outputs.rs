//! What tasks left on executors for later ones, of any job: shuffle outputs (`MapOutputTracker`) and kept partitions
//! (`BlockManagerMaster`). Only names and sizes are here; blocks are on the executors.

use std::collections::BTreeMap;

use super::{BlockId, Fetch};
use crate::ids::{DatasetId, ExecutorRef, JobId, KeptId, PartitionId, ShuffleId, TaskId};

/// The output of a map task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    /// The attempt that wrote it, possibly in an earlier job.
    pub task: TaskId,
    /// Where it is.
    pub executor: ExecutorRef,
    /// Rows per output partition: empty partitions have no block.
    pub rows: Vec<u64>,
}

/// Where everything is that outlives its job.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    /// Outputs by shuffle and map task.
    shuffles: BTreeMap<ShuffleId, BTreeMap<PartitionId, Output>>,
    /// Who keeps a partition, and how many bytes it takes there, about.
    kept: BTreeMap<KeptId, BTreeMap<ExecutorRef, u64>>,
}

impl Outputs {
    /// Returns the output of a map task, if it is known.
    pub fn output(&self, shuffle: ShuffleId, map: PartitionId) -> Option<&Output> {
        self.shuffles.get(&shuffle)?.get(&map)
    }

    /// Notes an output. The first output of a map task stays: later ones are of jobs that ran beside, and go with them.
    pub fn record(&mut self, shuffle: ShuffleId, map: PartitionId, output: Output) {
        self.shuffles.entry(shuffle).or_default().entry(map).or_insert(output);
    }

    /// Notes partitions that an executor keeps now.
    pub fn keep(&mut self, executor: ExecutorRef, kept: Vec<(KeptId, u64)>) {
        for (id, bytes) in kept {
            self.kept.entry(id).or_default().insert(executor, bytes);
        }
    }

    /// Returns an executor that keeps the partition: `near` if it does.
    pub fn holder(&self, id: KeptId, near: Option<ExecutorRef>) -> Option<ExecutorRef> {
        let holders = self.kept.get(&id)?;
        near.filter(|e| holders.contains_key(e))
            .or_else(|| holders.keys().next().copied())
    }

    /// Forgets everything that an executor held.
    pub fn lose(&mut self, executor: ExecutorRef) {
        for maps in self.shuffles.values_mut() {
            maps.retain(|_, output| output.executor != executor);
        }
        self.kept.retain(|_, holders| {
            holders.remove(&executor);
            !holders.is_empty()
        });
    }

    /// Forgets a block that is not where it was.
    pub fn miss(&mut self, fetch: Fetch) {
        match fetch.block {
            BlockId::Kept(id) => {
                if let Some(holders) = self.kept.get_mut(&id) {
                    holders.remove(&fetch.from);
                    if holders.is_empty() {
                        self.kept.remove(&id);
                    }
                }
            }
            BlockId::Shuffle { task, .. } => {
                for maps in self.shuffles.values_mut() {
                    maps.retain(|_, output| output.executor != fetch.from || output.task != task);
                }
            }
        }
    }

    /// Forgets a dataset; returns the tries whose blocks nobody needs any more.
    pub fn forget(&mut self, dataset: DatasetId) -> Vec<TaskId> {
        self.kept.retain(|id, _| id.dataset != dataset);
        let of_dataset = ShuffleId { dataset, parent: 0 }..=ShuffleId {
            dataset,
            parent: usize::MAX,
        };
        let shuffles: Vec<ShuffleId> = self.shuffles.range(of_dataset).map(|(id, _)| *id).collect();
        let outputs = shuffles.iter().filter_map(|id| self.shuffles.remove(id));
        outputs.flat_map(BTreeMap::into_values).map(|o| o.task).collect()
    }

    /// Forgets who keeps partitions of a dataset; its shuffles stay.
    pub fn unkeep(&mut self, dataset: DatasetId) {
        self.kept.retain(|id, _| id.dataset != dataset);
    }

    /// Returns the tries of a job whose blocks outlive it.
    pub fn of_job(&self, job: JobId) -> Vec<TaskId> {
        let outputs = self.shuffles.values().flat_map(BTreeMap::values);
        outputs.map(|o| o.task).filter(|t| t.job == job).collect()
    }

    /// Returns whether an executor has a partition of a dataset that is kept.
    pub fn keeps_any(&self, executor: ExecutorRef) -> bool {
        self.kept.values().any(|holders| holders.contains_key(&executor))
    }

    /// Returns, by dataset, partitions that somebody keeps, and their bytes on all executors.
    pub fn storage(&self) -> BTreeMap<DatasetId, (usize, u64)> {
        let mut out: BTreeMap<DatasetId, (usize, u64)> = BTreeMap::new();
        for (id, holders) in &self.kept {
            let entry = out.entry(id.dataset).or_default();
            entry.0 += 1;
            entry.1 += holders.values().sum::<u64>();
        }
        out
    }
}
