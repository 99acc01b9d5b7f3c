//! Streaming contexts under faults: the driver dies at any moment, writes are torn, lost or refused, outputs throw, the
//! clock jumps. A small interpreter says what each dataset holds, and a model says what it must hold.

mod program;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use arrow::buffer::Buffer;
use rivulet::cluster::message::{ReceiverOrder, ReceiverReport};
use rivulet::dstream::checkpoint::Metadata;
use rivulet::dstream::context::{Command, Context, Event, Settings};
use rivulet::dstream::generate::{Ask, Generator};
use rivulet::dstream::graph::{Graph, StreamId};
use rivulet::dstream::inputs::{Block, Token};
use rivulet::error::{Exception, SparkError};
use rivulet::ids::ExecutorRef;
use rivulet::rdd::assembly::Assembly;
use rivulet::rdd::dataset::{Library, Maker};
use rivulet::rdd::lineage;
use rivulet::storage::faulty::{Fate, Faulty};
use serde_json::{Value, json};

use self::program::{BATCH_MS, Known, MAP_STATE, OUTPUTS, RECEIVED, block, map_state, program, rows, sorted};
use crate::seeds::{Log, each_seed};

const DIRECTORY: &str = "/context";

/// What the driver hears of a receiver.
fn report(life: u32, report: ReceiverReport, block: Option<Buffer>) -> Event {
    Event::Receiver {
        stream: RECEIVED,
        life,
        report,
        block,
    }
}

struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What a run has seen, for the report.
#[derive(Default)]
struct Counts {
    deaths: u64,
    executor_deaths: u64,
    failures: u64,
    batches: u64,
}

/// The world of a context: it outlives drivers.
struct World<'a> {
    dice: Dice,
    log: &'a mut Log,
    now_ms: i64,
    disk: Faulty,
    /// What outputs have seen, by output and batch: a sink that keeps the first of what comes for a batch.
    sink: BTreeMap<(usize, i64), Vec<Value>>,
    /// Records that were handed over, by input's token.
    sent: BTreeMap<Token, Vec<i64>>,
    safe: BTreeSet<i64>,
    executors: BTreeSet<ExecutorRef>,
    /// Files of the folder, by name: when they appeared.
    folder: BTreeMap<i64, i64>,
    next: i64,
    counts: Counts,
    calm: bool,
}

/// One life of the driver.
struct Life {
    context: Context,
    /// Commands that are to be carried out, storage apart.
    todo: Vec<Command>,
    /// Storage's, in order.
    asked: VecDeque<u64>,
    ops: u64,
    restored: bool,
    /// What the page's folder input has seen, by name: the batch.
    seen: BTreeMap<i64, i64>,
    known: Known,
    /// Receivers that executors run, by life.
    receivers: BTreeMap<(ExecutorRef, u32), Running>,
    /// Reports of receivers that the driver has not heard, in order.
    reports: VecDeque<Event>,
}

/// A receiver in an executor: what it handed over and was not told of.
#[derive(Default)]
struct Running {
    seq: u32,
    waiting: BTreeMap<u32, Vec<i64>>,
    is_stopping: bool,
}

impl World<'_> {
    fn begin(&mut self) -> Life {
        let library = Library {
            functions: (0..=MAP_STATE).map(|f| json!({ "source": f })).collect(),
            values: vec![block(&[])],
        };
        let graph = Graph::new(program(), library, BATCH_MS).unwrap();
        let generator = Generator::new(graph, Maker::new(1 << 40, None), vec![], block(&[]), 0);
        let settings = Settings {
            batch_ms: BATCH_MS,
            directory: Some(DIRECTORY.into()),
            outputs: OUTPUTS.to_vec(),
        };
        let mut life = Life {
            context: Context::new(settings, generator, None),
            todo: vec![],
            asked: VecDeque::new(),
            ops: 0,
            restored: false,
            seen: BTreeMap::new(),
            known: Known::new(),
            receivers: BTreeMap::new(),
            reports: VecDeque::new(),
        };
        for executor in self.executors.clone() {
            self.step(&mut life, Event::ExecutorAdded(executor));
        }
        self.step(&mut life, Event::Restore);
        life
    }

    fn step(&mut self, life: &mut Life, event: Event) {
        let now_ms = self.now_ms;
        self.log.note(|| {
            format!(
                "{now_ms} {}",
                format!("{event:?}").chars().take(150).collect::<String>()
            )
        });
        for command in life.context.handle(now_ms, event) {
            self.log
                .note(|| format!("    {}", format!("{command:?}").chars().take(150).collect::<String>()));
            match command {
                Command::Storage(request) => {
                    life.ops += 1;
                    self.disk.begin(life.ops, request);
                    life.asked.push_back(life.ops);
                }
                command => life.todo.push(command),
            }
        }
    }

    /// Does one thing; false if there is nothing to do.
    fn work(&mut self, life: &mut Life) -> bool {
        let pick_storage = !life.asked.is_empty() && (life.todo.is_empty() || self.dice.one_in(2));
        if pick_storage {
            let op = life.asked.pop_front().unwrap();
            let full = !self.calm && life.restored && self.dice.one_in(60);
            self.disk.room = full.then_some(0);
            let answer = self.disk.complete(op).unwrap();
            self.disk.room = None;
            self.step(life, Event::Stored(answer));
            return true;
        }
        if life.todo.is_empty() {
            return false;
        }
        let at = self.dice.below(life.todo.len() as u64) as usize;
        // What goes to an executor stays in its order.
        let is_receivers = |command: &Command| matches!(command, Command::Receiver { .. });
        let first = life.todo.iter().position(is_receivers);
        let at = first.filter(|_| is_receivers(&life.todo[at])).unwrap_or(at);
        let command = life.todo.remove(at);
        self.carry_out(life, command);
        true
    }

    fn carry_out(&mut self, life: &mut Life, command: Command) {
        match command {
            Command::Restored { notes, .. } => {
                life.restored = true;
                if let Some(note) = notes.get(&8) {
                    life.seen = serde_json::from_value(note.clone()).unwrap();
                }
                self.step(life, Event::Start);
            }
            Command::Ask(ask) => self.answer(life, &ask),
            Command::Output {
                output,
                time_ms,
                dataset,
            } => {
                let mut assembly = Assembly::default();
                let root = assembly.add(&dataset);
                let plan = assembly.plan(root, json!({"t": "collect"}), "output", None).unwrap();
                lineage::stages(&plan);
                let throws = !self.calm && self.dice.one_in(40);
                if !throws || self.dice.one_in(2) {
                    let found = sorted(rows(&dataset, &mut life.known));
                    let first = self.sink.entry((output, time_ms)).or_insert_with(|| found.clone());
                    assert_eq!(*first, found, "output {output} of {time_ms} differs between two runs");
                }
                let thrown = SparkError::new(Exception::Runtime, "THROWN", "XX000", "an output threw");
                self.counts.failures += u64::from(throws);
                let error = throws.then_some(thrown);
                self.step(life, Event::OutputDone { error });
            }
            Command::Collect(dataset) => {
                // Its rows in as many partitions as it has, each anywhere.
                let mut parts = vec![vec![]; dataset.partitions()];
                for row in rows(&dataset, &mut life.known) {
                    let at = self.dice.below(parts.len() as u64) as usize;
                    parts[at].push(row);
                }
                let blocks = parts.iter().map(|part| block(part)).collect();
                self.step(life, Event::Collected(Ok(blocks)));
            }
            Command::Safe { tokens, .. } => {
                for token in tokens {
                    self.safe.extend(&self.sent[&token]);
                }
            }
            Command::StopInputs => self.step(life, Event::InputsStopped { waiting: false }),
            Command::Failed(error) => {
                let expected = ["THROWN", "CHECKPOINT_QUOTA_EXCEEDED"];
                assert!(expected.contains(&error.condition.as_deref().unwrap_or("")), "{error}");
            }
            Command::Listener(_)
            | Command::Refused { .. }
            | Command::Admitted { .. }
            | Command::Grain { .. }
            | Command::Released { .. }
            | Command::Forget(_)
            | Command::Unkeep(_)
            | Command::Ended => {}
            Command::Receiver {
                executor,
                life: id,
                order,
                ..
            } => self.receiver(life, (executor, id), &order),
            Command::Connection { .. } => unreachable!("the program has no socket"),
            Command::Storage(_) => unreachable!("storage is asked at once"),
        }
    }

    /// The page's folder: files that no batch has, each once.
    fn answer(&mut self, life: &mut Life, ask: &Ask) {
        let mut found = vec![];
        for name in self.folder.keys() {
            if ask.is_new {
                life.seen.entry(*name).or_insert(ask.time_ms);
            }
            if life.seen.get(name) == Some(&ask.time_ms) {
                found.push(json!(name));
            }
        }
        let mut maker = Maker::new((1 << 50) + self.number() as u64, None);
        let dataset = maker.source("HadoopRDD", vec![block(&found)], None);
        let event = Event::Dataset {
            stream: ask.stream,
            time_ms: ask.time_ms,
            dataset: Ok(dataset),
            note: Some(json!(life.seen)),
        };
        self.step(life, event);
    }

    /// Does in an executor what the driver says of a receiver.
    fn receiver(&mut self, life: &mut Life, id: (ExecutorRef, u32), order: &ReceiverOrder) {
        if !self.executors.contains(&id.0) {
            return;
        }
        match order {
            ReceiverOrder::Start => {
                life.receivers.insert(id, Running::default());
                life.reports.push_back(report(id.1, ReceiverReport::Started, None));
            }
            ReceiverOrder::Stop => {
                self.hand_over(life, id);
                if let Some(running) = life.receivers.get_mut(&id) {
                    running.is_stopping = true;
                    life.reports.push_back(report(id.1, ReceiverReport::Stopped, None));
                }
            }
            ReceiverOrder::Stored { seq } => {
                // One that has failed meanwhile does not hear it.
                if let Some(running) = life.receivers.get_mut(&id) {
                    let stored = running.waiting.remove(seq);
                    self.safe.extend(stored.expect("what is stored was handed over, once"));
                }
            }
        }
    }

    /// A receiver hands records over.
    fn hand_over(&mut self, life: &mut Life, id: (ExecutorRef, u32)) {
        let records: Vec<i64> = (0..self.dice.below(4)).map(|_| self.number()).collect();
        let Some(running) = life.receivers.get_mut(&id).filter(|r| !r.is_stopping) else {
            return;
        };
        let seq = running.seq;
        running.seq += 1;
        let bytes = block(&records.iter().map(|n| json!(n)).collect::<Vec<_>>());
        let received = ReceiverReport::Received {
            seq,
            records: records.len() as u64,
        };
        running.waiting.insert(seq, records);
        life.reports.push_back(report(id.1, received, Some(bytes)));
    }

    /// A receiver hands something over or fails, an executor dies or joins, or the driver hears of it.
    fn executors_do(&mut self, life: &mut Life) {
        let ids: Vec<_> = life.receivers.keys().copied().collect();
        match self.dice.below(12) {
            0 if self.executors.len() > 1 => {
                let at = self.dice.below(self.executors.len() as u64) as usize;
                let executor = *self.executors.iter().nth(at).unwrap();
                self.executors.remove(&executor);
                life.receivers.retain(|(on, _), _| *on != executor);
                self.counts.executor_deaths += 1;
                // What it said may be heard before or after.
                self.step(life, Event::ExecutorLost(executor));
            }
            1 => {
                let next = ExecutorRef::at(self.dice.below(3) as u32, self.number() as u32);
                self.executors.insert(next);
                self.step(life, Event::ExecutorAdded(next));
            }
            2 => {
                if let Some(id) = ids.first().filter(|id| !life.receivers[id].is_stopping) {
                    life.receivers.remove(id);
                    let message = "no line".to_owned();
                    life.reports
                        .push_back(report(id.1, ReceiverReport::Failed { message }, None));
                }
            }
            3..=6 => ids.iter().for_each(|id| self.hand_over(life, *id)),
            _ => {
                if let Some(event) = life.reports.pop_front() {
                    self.step(life, event);
                }
            }
        }
    }

    fn offer(&mut self, life: &mut Life) {
        let records: Vec<i64> = (0..self.dice.below(4)).map(|_| self.number()).collect();
        let token = Token(self.number() as u64);
        self.sent.insert(token, records.clone());
        let bytes = block(&records.iter().map(|n| json!(n)).collect::<Vec<_>>());
        let block = Block {
            bytes,
            records: records.len() as u64,
            token,
        };
        self.step(
            life,
            Event::Offer {
                input: StreamId(0),
                block,
            },
        );
    }

    fn number(&mut self) -> i64 {
        self.next += 1;
        self.next
    }

    fn live(&mut self, steps: u64) {
        let mut life = self.begin();
        for _ in 0..steps {
            match self.dice.below(8) {
                0 => {
                    self.now_ms += match self.dice.below(60) {
                        0 => 2_000,
                        1 => -250,
                        n => n as i64,
                    };
                    self.step(&mut life, Event::Wake);
                }
                1 if life.restored => self.offer(&mut life),
                2 => {
                    let name = self.number();
                    self.folder.insert(name, self.now_ms);
                }
                3 if life.restored => self.executors_do(&mut life),
                _ => {
                    self.work(&mut life);
                }
            }
        }
        if self.calm {
            self.finish(life);
        } else {
            self.die();
        }
    }

    fn die(&mut self) {
        self.counts.deaths += 1;
        let dice = &mut self.dice;
        self.disk.crash(|length| match dice.below(3) {
            0 => Fate::Lost,
            1 => Fate::Done,
            _ => Fate::Torn {
                bytes: dice.below(length as u64) as usize,
            },
        });
    }

    /// Runs all there is, to a graceful end.
    fn finish(&mut self, mut life: Life) {
        self.settle(&mut life);
        self.now_ms += 3 * BATCH_MS;
        self.step(&mut life, Event::Wake);
        self.settle(&mut life);
        self.offer(&mut life);
        self.step(&mut life, Event::Stop { gracefully: true });
        self.settle(&mut life);
        assert!(life.context.is_ended(), "the context does not end");
    }

    /// Lets all happen that can.
    fn settle(&mut self, life: &mut Life) {
        loop {
            while self.work(life) {}
            match life.reports.pop_front() {
                Some(event) => self.step(life, event),
                None => return,
            }
        }
    }

    /// What outputs must have seen, of what the first of them saw.
    fn check(&mut self) {
        for at in self.sink.keys().map(|(_, at)| *at).collect::<BTreeSet<_>>() {
            for output in [0, 2, 3, 4, 5, 6] {
                assert!(
                    self.sink.contains_key(&(output, at)),
                    "output {output} never saw the batch of {at}"
                );
            }
        }
        let times: Vec<i64> = self
            .sink
            .keys()
            .filter(|(output, _)| *output == 0)
            .map(|(_, at)| *at)
            .collect();
        let records = |at: i64| -> Vec<i64> {
            let rows = self.sink.get(&(0, at)).map_or(&[][..], Vec::as_slice);
            rows.iter().map(|n| n.as_i64().unwrap()).collect()
        };
        let received = times.iter().filter_map(|at| self.sink.get(&(6, *at))).flatten();
        let received = received.map(|n| n.as_i64().unwrap());
        let all: Vec<i64> = times.iter().flat_map(|at| records(*at)).chain(received).collect();
        let distinct: BTreeSet<i64> = all.iter().copied().collect();
        assert_eq!(distinct.len(), all.len(), "a record came twice");
        let lost: Vec<_> = self.safe.difference(&distinct).collect();
        assert!(lost.is_empty(), "records that were safe are lost: {lost:?}");
        let files: Vec<&Value> = self
            .sink
            .iter()
            .filter(|((o, _), _)| *o == 5)
            .flat_map(|(_, rows)| rows)
            .collect();
        let names: BTreeSet<i64> = files.iter().map(|n| n.as_i64().unwrap()).collect();
        assert_eq!(names.len(), files.len(), "a file came twice");
        let (first, last) = (times[0], times[times.len() - 1]);
        assert_eq!(times.len() as i64, (last - first) / BATCH_MS + 1, "a batch is missing");
        self.counts.batches += times.len() as u64;
        let mut states = BTreeMap::<i64, (i64, i64)>::new();
        let mut totals = BTreeMap::<i64, i64>::new();
        for at in times {
            let counts = |from: i64| {
                let mut sums = BTreeMap::<i64, i64>::new();
                let window = (from..at).step_by(BATCH_MS as usize).map(|t| t + BATCH_MS);
                window
                    .flat_map(records)
                    .for_each(|n| *sums.entry(n % 5).or_default() += 1);
                sums
            };
            let pairs = |sums: &BTreeMap<i64, i64>| sorted(sums.iter().map(|(k, n)| json!([k, n])).collect());
            if let Some(found) = self.sink.get(&(1, at)) {
                assert_eq!(*found, pairs(&counts(at - 3 * BATCH_MS)), "the window of {at}");
            }
            assert_eq!(
                self.sink[&(2, at)],
                pairs(&counts(at - 5 * BATCH_MS)),
                "the window with an inverse of {at}"
            );
            let now = counts(at - BATCH_MS);
            now.iter().for_each(|(k, n)| *totals.entry(*k).or_default() += n);
            assert_eq!(self.sink[&(3, at)], pairs(&totals), "the states of {at}");
            let mut mapped = vec![];
            for k in 0..5 {
                let row = json!([
                    k,
                    [
                        states.get(&k).map(|s| vec![json!([s.0, s.1])]).unwrap_or_default(),
                        vec![0; now.get(&k).copied().unwrap_or(0) as usize]
                    ]
                ]);
                if !states.contains_key(&k) && !now.contains_key(&k) {
                    continue;
                }
                let made = map_state(&row, at, 4 * BATCH_MS);
                states.remove(&k);
                for row in made.iter().filter(|row| row[0] == 0) {
                    states.insert(k, (row[1][1][0].as_i64().unwrap(), row[1][1][1].as_i64().unwrap()));
                }
                mapped.extend(made);
            }
            assert_eq!(self.sink[&(4, at)], sorted(mapped), "the mapped states of {at}");
        }
    }
}

fn simulate(seed: u64, log: &mut Log) -> Counts {
    let mut world = World {
        dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
        log,
        now_ms: 1_767_225_600_037,
        disk: Faulty::default(),
        sink: BTreeMap::new(),
        sent: BTreeMap::new(),
        safe: BTreeSet::new(),
        executors: [0, 1].map(ExecutorRef::new).into(),
        folder: BTreeMap::new(),
        next: 0,
        counts: Counts::default(),
        calm: false,
    };
    for _ in 0..=world.dice.below(4) {
        let steps = 20 + world.dice.below(400);
        world.live(steps);
    }
    world.calm = true;
    world.live(200);
    world.check();
    world.counts
}

#[test]
fn records_come_once_and_windows_and_states_are_right_whatever_dies() {
    use std::sync::Mutex;
    let total = Mutex::new(Counts::default());
    each_seed(150, |seed, log| {
        let counts = simulate(seed, log);
        let mut total = total.lock().unwrap();
        total.deaths += counts.deaths;
        total.executor_deaths += counts.executor_deaths;
        total.failures += counts.failures;
        total.batches += counts.batches;
    });
    let total = total.into_inner().unwrap();
    println!(
        "SIMULATED dstreams batches={} driver_deaths={} executor_deaths={} output_failures={}",
        total.batches, total.deaths, total.executor_deaths, total.failures
    );
    assert!(total.deaths > 0 && total.executor_deaths > 0 && total.batches > 0);
}

/// A batch failed in two lives and another once: they were run again in the order of their last failures, and the later one
/// let go of what the earlier had received.
#[test]
fn batches_that_failed_run_again_in_the_order_of_their_times() {
    crate::seeds::deep(|| _ = simulate(20_263_279, &mut Log::default()));
}

#[test]
fn a_checkpoint_of_another_program_is_refused() {
    let metadata = Metadata::new(100, 0, 100, vec!["queue".into()]);
    let error = metadata.check(100, &["socket".into()]).unwrap_err();
    assert_eq!(error.condition.as_deref(), Some("STREAMING_CHECKPOINT_MISMATCH"));
    assert!(
        error.message.contains("queue") && error.message.contains("socket"),
        "{error}"
    );
    assert!(metadata.check(200, &["queue".into()]).is_err());
}
