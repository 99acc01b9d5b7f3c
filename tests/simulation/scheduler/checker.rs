//! What must hold of the scheduler, told from its events and commands alone.

use std::collections::{BTreeMap, BTreeSet};

use rivulet::ids::{ExecutorId, ExecutorRef, Incarnation, JobId, PartitionId, StageId, TaskId};
use rivulet::scheduler::dag::MAX_FAILURES;
use rivulet::scheduler::event::{Command, Event, Failure, StageSpec};
use rivulet::scheduler::{BlockId, Fetch};

type Place = (usize, PartitionId);

#[derive(Default)]
struct Job {
    stages: Vec<StageSpec>,
    /// Accepted outputs that are not lost: attempt, executor, rows.
    outputs: BTreeMap<Place, (u32, ExecutorRef, Vec<u64>)>,
    speculates: bool,
    attempts: BTreeMap<Place, u32>,
    spent: BTreeMap<Place, u32>,
    hopeless: bool,
}

/// The scheduler's world as its events describe it.
#[derive(Default)]
pub struct Checker {
    executors: BTreeMap<ExecutorId, (Incarnation, usize)>,
    jobs: BTreeMap<JobId, Job>,
    running: BTreeMap<TaskId, ExecutorRef>,
    expected: Option<TaskId>,
    /// Launches of tasks that ran already.
    pub copies: usize,
    pub done: BTreeSet<JobId>,
    pub failed: BTreeSet<JobId>,
    pub cancelled: BTreeSet<JobId>,
}

impl Checker {
    /// Takes in an event, before the scheduler does.
    pub fn before(&mut self, event: &Event) {
        self.expected = None;
        match event {
            Event::ExecutorAdded { executor, slots } => {
                let known = self.executors.get(&executor.id).map(|(incarnation, _)| *incarnation);
                if known.is_none_or(|k| k < executor.incarnation) {
                    known.into_iter().for_each(|incarnation| {
                        self.lose(ExecutorRef {
                            id: executor.id,
                            incarnation,
                        })
                    });
                    self.executors.insert(executor.id, (executor.incarnation, *slots));
                }
            }
            Event::ExecutorLost { executor } => self.lose(*executor),
            Event::Submit {
                job,
                stages,
                speculation,
                ..
            } => {
                self.jobs.insert(
                    *job,
                    Job {
                        stages: stages.clone(),
                        speculates: speculation.is_some(),
                        ..Job::default()
                    },
                );
            }
            Event::Cancel { job } => {
                self.jobs.remove(job);
                self.cancelled.insert(*job);
            }
            Event::Forget { .. } | Event::Unkeep { .. } | Event::Tick => {}
            Event::Finished {
                task, executor, rows, ..
            } => {
                if self.ends(*task, *executor) {
                    let job = self.jobs.get_mut(&task.job).expect("a running task has a job");
                    job.outputs
                        .insert((task.stage.0, task.partition), (task.attempt, *executor, rows.clone()));
                    self.expected = Some(*task);
                }
            }
            Event::Failed {
                task,
                executor,
                failure,
            } => {
                if self.ends(*task, *executor) {
                    let job = self.jobs.get_mut(&task.job).expect("a running task has a job");
                    match failure {
                        Failure::FetchFailed { fetch } => {
                            let BlockId::Shuffle { task, .. } = fetch.block else {
                                return;
                            };
                            let at = (task.stage.0, task.partition);
                            if job
                                .outputs
                                .get(&at)
                                .is_some_and(|(a, e, _)| (*a, *e) == (task.attempt, fetch.from))
                            {
                                job.outputs.remove(&at);
                            }
                        }
                        Failure::StateMissing => *job.spent.entry((task.stage.0, task.partition)).or_default() += 1,
                        Failure::Error { retryable, .. } => {
                            *job.spent.entry((task.stage.0, task.partition)).or_default() += 1;
                            job.hopeless |= !retryable;
                        }
                    }
                }
            }
        }
    }

    /// Whether the message is of the try that runs; then it runs no more.
    fn ends(&mut self, task: TaskId, executor: ExecutorRef) -> bool {
        let current = self.running.get(&task) == Some(&executor) && self.lives(executor);
        if current {
            self.running.remove(&task);
        }
        current
    }

    fn lives(&self, executor: ExecutorRef) -> bool {
        self.executors
            .get(&executor.id)
            .is_some_and(|(incarnation, _)| *incarnation == executor.incarnation)
    }

    fn lose(&mut self, executor: ExecutorRef) {
        if !self.lives(executor) {
            return;
        }
        self.executors.remove(&executor.id);
        for task in self
            .running
            .iter()
            .filter(|(_, on)| **on == executor)
            .map(|(t, _)| *t)
            .collect::<Vec<_>>()
        {
            self.running.remove(&task);
            let job = self.jobs.get_mut(&task.job).expect("a running task has a job");
            *job.spent.entry((task.stage.0, task.partition)).or_default() += 1;
        }
        for job in self.jobs.values_mut() {
            let stages = &job.stages;
            job.outputs
                .retain(|(stage, _), (_, on, _)| stages[*stage].result || *on != executor);
        }
    }

    /// Judges what the scheduler made of the event.
    pub fn after(&mut self, commands: &[Command]) {
        for command in commands {
            match command {
                Command::Accepted { task } => {
                    assert_eq!(self.expected.take(), Some(*task), "a stale or second try was accepted");
                }
                Command::Launch {
                    executor,
                    task,
                    fetches,
                    speculative,
                } => self.launched(*executor, *task, fetches, *speculative),
                Command::Kill { executor, task } => {
                    assert_eq!(
                        self.running.remove(task),
                        Some(*executor),
                        "{task:?} was killed where it does not run"
                    );
                }
                Command::JobDone { job } => {
                    let state = self.jobs.remove(job).expect("a job that is not there is done");
                    assert!(
                        state.complete(state.stages.len() - 1),
                        "{job:?} is done without its result"
                    );
                    self.done.insert(*job);
                }
                Command::JobFailed { job, .. } => {
                    let state = self.jobs.remove(job).expect("a job that is not there fails");
                    let spent = state.hopeless || state.spent.values().any(|n| *n >= MAX_FAILURES);
                    assert!(spent, "{job:?} failed with failures to spare: {:?}", state.spent);
                    self.failed.insert(*job);
                }
                Command::Drop { .. } => panic!("nothing was forgotten"),
            }
        }
        assert_eq!(self.expected, None, "the current try was not accepted");
        for (id, job) in &self.jobs {
            let spent = job.hopeless || job.spent.values().any(|n| *n >= MAX_FAILURES);
            assert!(!spent, "{id:?} goes on with its failures spent");
            assert!(!job.complete(job.stages.len() - 1), "{id:?} goes on after its result");
        }
        let stray = self.running.keys().find(|t| !self.jobs.contains_key(&t.job));
        assert_eq!(stray, None, "a task of an ended job was not killed");
        self.no_slot_idles(None);
    }

    fn launched(&mut self, executor: ExecutorRef, task: TaskId, fetches: &[Fetch], speculative: bool) {
        assert!(
            self.lives(executor),
            "{task:?} is launched on {executor:?}, which is gone"
        );
        let job = self.jobs.get(&task.job).expect("a task of no job is launched");
        if speculative {
            assert!(job.speculates, "{task:?} is tried twice though its job may not");
            let tries: Vec<&ExecutorRef> = job.tries(&self.running, task).collect();
            assert!(
                matches!(tries[..], [other] if other.id != executor.id),
                "{task:?} is a copy of {tries:?}"
            );
            self.copies += 1;
        } else {
            assert!(
                job.ready(&self.running, task.job, (task.stage.0, task.partition)),
                "{task:?} is launched though it may not run"
            );
        }
        assert_eq!(
            fetches,
            job.fetches(task),
            "{task:?} is told to fetch something else than the accepted outputs"
        );
        self.no_slot_idles(Some((task.job, executor.id)));
        let attempts = self
            .jobs
            .get_mut(&task.job)
            .expect("looked up above")
            .attempts
            .entry((task.stage.0, task.partition))
            .or_default();
        assert_eq!(task.attempt, *attempts, "attempts do not count up");
        *attempts += 1;
        self.running.insert(task, executor);
        let (used, slots) = (self.used(executor.id), self.executors[&executor.id].1);
        assert!(used <= slots, "{executor:?} has {used} tasks in {slots} slots");
    }

    fn used(&self, executor: ExecutorId) -> usize {
        self.running.values().filter(|on| on.id == executor).count()
    }

    /// No task that may run now waits beside a free slot that it could have. Of `launch`, (job, executor): no job before
    /// that one has a task for that executor.
    fn no_slot_idles(&self, launch: Option<(JobId, ExecutorId)>) {
        let before = launch.map_or(JobId(u64::MAX), |(job, _)| job);
        for (id, job) in self.jobs.range(..before) {
            for place in job.places().filter(|p| job.ready(&self.running, *id, *p)) {
                let preferred = job.stages[place.0].preferred[place.1.0].filter(|e| self.executors.contains_key(e));
                let free = self
                    .executors
                    .iter()
                    .filter(|(e, _)| preferred.is_none_or(|p| p == **e));
                let mut free = free.filter(|(e, _)| launch.is_none_or(|(_, on)| on == **e));
                let idle = free.find(|(e, (_, slots))| self.used(**e) < *slots);
                assert_eq!(
                    idle, None,
                    "{place:?} of {id:?} waits beside a free slot (launched: {launch:?})"
                );
            }
        }
    }

    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.running.is_empty()
    }
}

impl Job {
    fn places(&self) -> impl Iterator<Item = Place> + '_ {
        self.stages
            .iter()
            .enumerate()
            .flat_map(|(s, stage)| PartitionId::first(stage.reads.len()).map(move |p| (s, p)))
    }

    fn complete(&self, stage: usize) -> bool {
        PartitionId::first(self.stages[stage].reads.len()).all(|p| self.outputs.contains_key(&(stage, p)))
    }

    /// Where tries of a task run.
    fn tries<'a>(
        &self,
        running: &'a BTreeMap<TaskId, ExecutorRef>,
        task: TaskId,
    ) -> impl Iterator<Item = &'a ExecutorRef> {
        let same = move |t: &TaskId| (t.job, t.part()) == (task.job, task.part());
        running.iter().filter(move |(t, _)| same(t)).map(|(_, on)| on)
    }

    /// It does not run, its output is missing, its parents' are all there, and someone still needs it.
    fn ready(&self, running: &BTreeMap<TaskId, ExecutorRef>, job: JobId, (stage, partition): Place) -> bool {
        let runs = running
            .keys()
            .any(|t| (t.job, t.stage.0, t.partition) == (job, stage, partition));
        !runs
            && !self.outputs.contains_key(&(stage, partition))
            && self.stages[stage].parents.iter().all(|p| self.complete(p.0))
            && self.wanted(stage)
    }

    fn wanted(&self, stage: usize) -> bool {
        let mut children = (stage + 1..self.stages.len()).filter(|c| self.stages[*c].parents.contains(&StageId(stage)));
        self.stages[stage].result || children.any(|c| !self.complete(c) && self.wanted(c))
    }

    fn fetches(&self, task: TaskId) -> Vec<Fetch> {
        let reads = &self.stages[task.stage.0].reads[task.partition.0];
        let maps = reads.iter().flat_map(|part| {
            let parent = part.stage.0;
            self.outputs
                .range((parent, PartitionId(0))..(parent + 1, PartitionId(0)))
                .map(move |o| (o, part.partition))
        });
        maps.filter(|((_, (_, _, rows)), wanted)| rows[wanted.0] > 0)
            .map(|(((stage, partition), (attempt, from, _)), wanted)| Fetch {
                from: *from,
                block: BlockId::Shuffle {
                    task: TaskId {
                        job: task.job,
                        stage: StageId(*stage),
                        partition: *partition,
                        attempt: *attempt,
                    },
                    partition: wanted,
                },
                stage: StageId(*stage),
            })
            .collect()
    }
}
