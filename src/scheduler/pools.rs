//! Whose tasks get the next free slot: jobs first come, first served, or fair between pools (`Pool`,
//! `SchedulingAlgorithm`).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::ids::JobId;
use crate::settings::{self, Conf};

/// The pool of a job. All jobs in one pool are served first come, first served.
///
/// ```
/// use rivulet::scheduler::pools::Pool;
///
/// let pool = Pool::default();
/// assert_eq!((pool.name.as_str(), pool.weight, pool.min_share), ("default", 1, 0));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// The pool's name (`spark.scheduler.pool`).
    pub name: String,
    /// Share of the slots relative to other pools; at least 1.
    pub weight: u32,
    /// Slots that the pool gets before shares count.
    pub min_share: u32,
}

impl Default for Pool {
    /// Returns Spark's default pool.
    fn default() -> Self {
        Self {
            name: "default".into(),
            weight: 1,
            min_share: 0,
        }
    }
}

impl Pool {
    /// Returns the pool of a statement or a micro-batch by its settings. Each has its own unless a name is set, so that a short
    /// one gets the next slot that a long one gives up; of those that have as many, the one that came first.
    ///
    /// ```
    /// use rivulet::ids::JobId;
    /// use rivulet::scheduler::pools::Pool;
    /// use rivulet::settings::Conf;
    ///
    /// let mut conf = Conf::default();
    /// assert_ne!(Pool::of(&conf, JobId(1)), Pool::of(&conf, JobId(2)));
    /// conf.values.insert("spark.scheduler.mode".into(), "fifo".into());
    /// assert_eq!(Pool::of(&conf, JobId(1)), Pool::default());
    /// ```
    pub fn of(conf: &Conf, job: JobId) -> Self {
        if conf.is(&settings::SCHEDULER_MODE, "FIFO") {
            return Self::default();
        }
        let named = conf.get(settings::SCHEDULER_POOL.key).map(str::to_owned);
        Self {
            // No name that a user gives begins like this, and names have the order of the jobs.
            name: named.unwrap_or_else(|| format!("\0{:020}", job.0)),
            ..Self::default()
        }
    }
}

/// Returns jobs in the order in which they may take a slot. `running` is a job's tasks that run now.
pub(super) fn order<'a>(jobs: impl Iterator<Item = (JobId, &'a Pool, usize)>) -> Vec<JobId> {
    let mut pools: BTreeMap<&str, (&Pool, usize, Vec<JobId>)> = BTreeMap::new();
    for (id, pool, running) in jobs {
        let entry = pools.entry(&pool.name).or_insert((pool, 0, vec![]));
        entry.1 += running;
        entry.2.push(id);
    }
    let mut pools: Vec<_> = pools.into_values().collect();
    // Sorting is stable: pools that are equal stand by name, as in Spark.
    pools.sort_by(|a, b| fair((a.0, a.1), (b.0, b.1)));
    pools.into_iter().flat_map(|(_, _, jobs)| jobs).collect()
}

/// Compares pools as `FairSchedulingAlgorithm`: needy pools first, by the share of their minimum that they have; then
/// by tasks per weight.
fn fair(a: (&Pool, usize), b: (&Pool, usize)) -> Ordering {
    let needy = |(pool, running): (&Pool, usize)| running < pool.min_share as usize;
    let ratio = |running: usize, share: u32| running as f64 / f64::from(share.max(1));
    match (needy(a), needy(b)) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (true, true) => ratio(a.1, a.0.min_share).total_cmp(&ratio(b.1, b.0.min_share)),
        (false, false) => ratio(a.1, a.0.weight).total_cmp(&ratio(b.1, b.0.weight)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(name: &str, weight: u32, min_share: u32) -> Pool {
        Pool {
            name: name.into(),
            weight,
            min_share,
        }
    }

    /// Deals that many slots out to jobs that always have tasks; returns how many each job got.
    fn dealt(jobs: &[(u64, Pool)], slots: usize) -> Vec<usize> {
        let mut running = vec![0; jobs.len()];
        for _ in 0..slots {
            let now = jobs.iter().zip(&running).map(|((id, pool), n)| (JobId(*id), pool, *n));
            let first = order(now)[0];
            running[jobs.iter().position(|(id, _)| JobId(*id) == first).unwrap()] += 1;
        }
        running
    }

    #[test]
    fn jobs_of_one_pool_are_served_first_come_first_served() {
        let jobs = [(1, Pool::default()), (2, Pool::default())];
        assert_eq!(dealt(&jobs, 5), [5, 0]);
    }

    #[test]
    fn pools_get_slots_by_weight() {
        let jobs = [(1, pool("a", 1, 0)), (2, pool("b", 2, 0)), (3, pool("b", 2, 0))];
        assert_eq!(dealt(&jobs, 9), [3, 6, 0]);
    }

    #[test]
    fn a_pool_below_its_minimum_comes_first() {
        let jobs = [(1, pool("a", 100, 0)), (2, pool("b", 1, 2))];
        assert_eq!(dealt(&jobs, 6), [4, 2]);
    }
}
