//! Made-up executors around the scheduler, and what goes wrong with them.

mod executors;

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;

use super::checker::Checker;
use super::graphs::random_job;
use crate::network::Network;
use crate::seeds::Log;
use rivulet::ids::{ExecutorId, ExecutorRef, Incarnation, JobId, TaskId};
use rivulet::scheduler::Fetch;
use rivulet::scheduler::dag::Scheduler;
use rivulet::scheduler::event::{Command, Event};
use rivulet::scheduler::pools::Pool;
use rivulet::scheduler::speculation::Speculation;

/// Nothing goes wrong any more after this; what was wrong by then must come right.
const FAULTS_UNTIL_MS: u64 = 1500;
const DRIVER: u64 = 0;

enum Happening {
    /// Reaches the scheduler.
    Driver(Event),
    Launch {
        executor: ExecutorRef,
        task: TaskId,
        fetches: Vec<Fetch>,
    },
    Kill {
        executor: ExecutorRef,
        task: TaskId,
    },
    /// A task comes to its end on an executor.
    End {
        executor: ExecutorRef,
        task: TaskId,
    },
    Die,
    Start {
        executor: ExecutorRef,
    },
}

#[derive(Default)]
struct Live {
    incarnation: Incarnation,
    running: BTreeSet<TaskId>,
    /// Tries whose blocks are here.
    blocks: BTreeSet<TaskId>,
}

pub struct World {
    network: Network<Happening>,
    scheduler: Scheduler,
    checker: Checker,
    live: BTreeMap<ExecutorId, Live>,
    executors: u32,
    slots: Vec<usize>,
    jobs: u64,
    /// Probabilities of this seed.
    failing: f64,
    doubling: f64,
    /// When the scheduler asked to be woken.
    ticks: BTreeSet<i64>,
    /// Messages of the past, to come again.
    past: Vec<Event>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut network = Network::new(seed);
        let executors = network.rng.random_range(1..=4);
        let slots = (0..executors).map(|_| network.rng.random_range(1..=3)).collect();
        let mut world = Self {
            scheduler: Scheduler::default(),
            checker: Checker::default(),
            live: BTreeMap::new(),
            executors,
            slots,
            jobs: network.rng.random_range(1..=4),
            failing: if network.chance(0.5) { 0.15 } else { 0.0 },
            doubling: if network.chance(0.7) { 0.3 } else { 0.0 },
            ticks: BTreeSet::new(),
            past: vec![],
            network,
        };
        for id in 0..executors {
            let delay = world.network.rng.random_range(0..50);
            world.network.after(
                delay,
                Happening::Start {
                    executor: ExecutorRef::new(id),
                },
            );
        }
        for job in 1..=world.jobs {
            let stages = random_job(&mut world.network.rng, executors);
            let speculation = world.network.chance(0.5).then_some(Speculation {
                quantile: 0.5,
                multiplier: 1.2,
                min_runtime_ms: 20,
            });
            let delay = job * 40 + world.network.rng.random_range(0..40);
            world.network.after(
                delay,
                Happening::Driver(Event::Submit {
                    job: JobId(job),
                    pool: Pool::default(),
                    speculation,
                    stages,
                }),
            );
            if world.network.chance(0.1) {
                let delay = delay + world.network.rng.random_range(1..400);
                world
                    .network
                    .after(delay, Happening::Driver(Event::Cancel { job: JobId(job) }));
            }
        }
        let deaths = if world.network.chance(0.8) {
            world.network.rng.random_range(0..8)
        } else {
            0
        };
        for _ in 0..deaths {
            let at = world.network.rng.random_range(0..FAULTS_UNTIL_MS);
            world.network.after(at, Happening::Die);
        }
        world
    }

    /// Runs it to its end; how many copies of slow tasks there were.
    pub fn run(mut self, log: &mut Log) -> usize {
        let mut steps = 0;
        while let Some(happening) = self.network.next() {
            steps += 1;
            assert!(steps < 20_000, "the jobs never end");
            match happening {
                Happening::Driver(event) => self.step(event, log),
                Happening::Launch {
                    executor,
                    task,
                    fetches,
                } => self.launch(executor, task, &fetches),
                Happening::Kill { executor, task } => {
                    self.incarnation(executor).map(|e| e.running.remove(&task));
                }
                Happening::End { executor, task } => self.end(executor, task),
                Happening::Die => self.die(log),
                Happening::Start { executor } => {
                    self.live.insert(
                        executor.id,
                        Live {
                            incarnation: executor.incarnation,
                            ..Live::default()
                        },
                    );
                    let slots = self.slots[executor.id.0 as usize];
                    self.tell(executor, Event::ExecutorAdded { executor, slots });
                }
            }
        }
        let ended = self.checker.done.len() + self.checker.failed.len();
        assert!(
            self.checker.is_idle() && self.scheduler.is_idle(),
            "all is quiet and a job has not ended"
        );
        assert!(ended + self.checker.cancelled.len() >= self.jobs as usize);
        self.checker.copies
    }

    fn step(&mut self, event: Event, log: &mut Log) {
        log.note(|| format!("{:>5} → {event:?}", self.network.now_ms));
        self.checker.before(&event);
        let now_ms = self.network.now_ms as i64;
        let commands = self.scheduler.step(now_ms, event);
        if let Some(at) = self.scheduler.wake_at(now_ms).filter(|at| self.ticks.insert(*at)) {
            let delay = at - self.network.now_ms as i64;
            self.network.after(delay as u64, Happening::Driver(Event::Tick));
        }
        commands.iter().for_each(|c| log.note(|| format!("      ← {c:?}")));
        self.checker.after(&commands);
        for command in commands {
            match command {
                Command::Launch {
                    executor,
                    task,
                    fetches,
                    ..
                } => {
                    self.network.send(
                        (DRIVER, address(executor)),
                        Happening::Launch {
                            executor,
                            task,
                            fetches,
                        },
                    );
                }
                Command::Kill { executor, task } => self
                    .network
                    .send((DRIVER, address(executor)), Happening::Kill { executor, task }),
                _ => {}
            }
        }
        if self.faulty() && self.network.chance(self.doubling / 10.0) && !self.past.is_empty() {
            let old = self.past[self.network.rng.random_range(0..self.past.len())].clone();
            self.network.after(0, Happening::Driver(old));
        }
    }

    fn faulty(&self) -> bool {
        self.network.now_ms < FAULTS_UNTIL_MS
    }

    fn incarnation(&mut self, executor: ExecutorRef) -> Option<&mut Live> {
        self.live
            .get_mut(&executor.id)
            .filter(|l| l.incarnation == executor.incarnation)
    }

    /// An executor's word to the driver: sometimes twice, the second time out of order.
    fn tell(&mut self, from: ExecutorRef, event: Event) {
        if self.faulty() && self.network.chance(self.doubling) {
            let delay = self.network.rng.random_range(0..300);
            self.network.after(delay, Happening::Driver(event.clone()));
        }
        if !matches!(event, Event::ExecutorLost { .. }) && self.past.len() < 200 {
            self.past.push(event.clone());
        }
        self.network.send((address(from), DRIVER), Happening::Driver(event));
    }
}

/// An executor's end of its ports: every incarnation has its own.
fn address(executor: ExecutorRef) -> u64 {
    1 + u64::from(executor.id.0) + 1000 * u64::from(executor.incarnation.0)
}
