//! Whose tasks get the next free slot: jobs first come, first served, or fair between pools (`Pool`,
//! `SchedulingAlgorithm`).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::ids::{JobId, RunId};
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
    /// Returns the pool of a statement's job, or of a streaming query's, by its settings. Each statement and each query has its
    /// own unless a name is set, so that a short one gets the next slot that a long one gives up.
    ///
    /// ```
    /// use rivulet::ids::{JobId, RunId};
    /// use rivulet::scheduler::pools::Pool;
    /// use rivulet::settings::Conf;
    ///
    /// let mut conf = Conf::default();
    /// assert_ne!(Pool::of(&conf, JobId(1), None), Pool::of(&conf, JobId(2), None));
    /// assert_eq!(Pool::of(&conf, JobId(1), Some(RunId(1))), Pool::of(&conf, JobId(2), Some(RunId(1))));
    /// conf.values.insert("spark.scheduler.mode".into(), "fifo".into());
    /// assert_eq!(Pool::of(&conf, JobId(1), None), Pool::default());
    /// ```
    pub fn of(conf: &Conf, job: JobId, run: Option<RunId>) -> Self {
        if conf.is(&settings::SCHEDULER_MODE, "FIFO") {
            return Self::default();
        }
        let own = || match run {
            Some(run) => format!("{OWN}query {:020}", run.0),
            None => format!("{OWN}statement {:020}", job.0),
        };
        let named = conf.get(settings::SCHEDULER_POOL.key).map(str::to_owned);
        Self {
            name: named.unwrap_or_else(own),
            ..Self::default()
        }
    }

    /// Returns whether a user has named the pool.
    fn is_named(&self) -> bool {
        !self.name.starts_with(OWN) && *self != Self::default()
    }
}

/// How the name of a statement's or query's own pool begins; no name that a user gives does.
const OWN: char = '\0';

/// How many pools are remembered by their last turns.
const MAX_TURNS: usize = 256;

/// When pools had their last turns: of pools that are equal otherwise, the one that has waited longest gets the slot. Pools
/// that users have named stand by their names then, as in Spark.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// How many turns there were.
    count: u64,
    /// The last turn of each pool.
    last: BTreeMap<String, u64>,
}

impl Turns {
    /// Returns the last turn of a pool; 0 before the first.
    fn of(&self, pool: &Pool) -> u64 {
        self.last.get(&pool.name).copied().unwrap_or(0)
    }

    /// Notes that a pool has its turn. The pools that have had none for longest are forgotten when there are many.
    pub(super) fn take(&mut self, pool: &Pool) {
        if pool.is_named() {
            return;
        }
        self.count += 1;
        match self.last.get_mut(&pool.name) {
            Some(last) => *last = self.count,
            None => {
                self.last.insert(pool.name.clone(), self.count);
            }
        }
        if self.last.len() > MAX_TURNS {
            let mut turns: Vec<u64> = self.last.values().copied().collect();
            turns.sort_unstable();
            let middle = turns[MAX_TURNS / 2];
            self.last.retain(|_, last| *last > middle);
        }
    }
}

/// Returns jobs in the order in which they may take a slot. `running` is a job's tasks that run now.
pub(super) fn order<'a>(jobs: impl Iterator<Item = (JobId, &'a Pool, usize)>, turns: &Turns) -> Vec<JobId> {
    let mut pools: BTreeMap<&str, (&Pool, usize, Vec<JobId>)> = BTreeMap::new();
    for (id, pool, running) in jobs {
        let entry = pools.entry(&pool.name).or_insert((pool, 0, vec![]));
        entry.1 += running;
        entry.2.push(id);
    }
    let mut pools: Vec<_> = pools.into_values().collect();
    // Sorting is stable: pools that are equal stand by name, as in Spark.
    pools.sort_by(|a, b| fair((a.0, a.1), (b.0, b.1)).then_with(|| turns.of(a.0).cmp(&turns.of(b.0))));
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
            let first = order(now, &Turns::default())[0];
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

    #[test]
    fn on_one_slot_a_query_and_statements_take_turns_and_neither_waits_for_all_of_the_other() {
        let conf = Conf::default();
        let mut turns = Turns::default();
        let long = Pool::of(&conf, JobId(1), None);
        let mut got = Vec::new();
        for batch in 2..8 {
            // Each micro-batch is a job of its own, in the pool of its query.
            let batch = (JobId(batch), Pool::of(&conf, JobId(batch), Some(RunId(9))));
            let jobs = [(JobId(1), &long, 0), (batch.0, &batch.1, 0)];
            let first = order(jobs.into_iter(), &turns)[0];
            turns.take(if first == JobId(1) { &long } else { &batch.1 });
            got.push(first == JobId(1));
        }
        assert!(got.windows(2).all(|two| two[0] != two[1]), "{got:?}");
        // Many statements are forgotten, the last ones not.
        (10..2_000).for_each(|job| turns.take(&Pool::of(&conf, JobId(job), None)));
        assert!(turns.last.len() <= MAX_TURNS);
        assert!(turns.of(&Pool::of(&conf, JobId(1_999), None)) > turns.of(&long));
    }
}
