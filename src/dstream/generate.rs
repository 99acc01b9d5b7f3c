//! Makes the datasets of each batch: a stream's dataset of a time, of those of its parents (`DStream.getOrCompute`).
//!
//! A dataset is made once and remembered as long as something may need it. Some need the page: what a function of the
//! page makes of others, and what the page alone holds. Then [`Got::Waits`] says so; the page is asked once, and the
//! caller asks again when the answer is here.

use std::collections::{BTreeMap, BTreeSet};

use arrow::buffer::Buffer;

use super::graph::{Graph, Head, How, InputKind, Step, StreamId};
use crate::error::{Result, SparkError};
use crate::ids::DatasetId;
use crate::rdd::dataset::{By, Dataset, Maker};
use crate::rdd::op::{Aggregate, Call, Op};

/// Tag of rows that are states, in what `mapWithState` makes.
const STATES: u32 = 0;

/// What is known of a stream's dataset of a time.
#[derive(Debug, Clone)]
pub enum Got {
    /// It is made; `None` if the stream has none at this time.
    Ready(Option<Dataset>),
    /// The page is asked for it.
    Waits,
}

/// What the page is asked for: the dataset of a stream at a time.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The stream.
    pub stream: StreamId,
    /// The time, ms since the epoch.
    pub time_ms: i64,
    /// The parents' datasets; none for an input.
    pub parents: Vec<Dataset>,
    /// Whether an input may put into it what has come since; otherwise it had its share in an earlier life.
    pub is_new: bool,
}

/// Makes datasets, and remembers them.
#[derive(Debug)]
pub struct Generator {
    /// The streams.
    pub graph: Graph,
    /// Makes datasets.
    pub maker: Maker,
    /// The time before the first batch.
    zero_ms: i64,
    /// The newest batch there is.
    submitted_ms: i64,
    /// Datasets are remembered at least this long.
    remember_ms: i64,
    /// Made, by stream and time.
    made: Vec<BTreeMap<i64, Got>>,
    /// Blocks that came in, by stream and the batch that they are of.
    blocks: Vec<BTreeMap<i64, Vec<Buffer>>>,
    /// What states begin with.
    initial: Vec<Dataset>,
    /// What the page is to be asked.
    asks: Vec<Ask>,
    /// What waits for the page, since it last answered.
    waiting: BTreeSet<(StreamId, i64)>,
    /// What the page could not make, and why: whoever asks next hears it.
    failures: BTreeMap<(StreamId, i64), SparkError>,
    /// A block without rows.
    empty: Buffer,
    /// Batches up to this time had their share of what the page holds in an earlier life.
    allocated_ms: i64,
}

/// Takes a dataset that is there; returns from the function if the page is asked for it.
macro_rules! ready {
    ($got:expr) => {
        match $got {
            Got::Ready(dataset) => dataset,
            Got::Waits => return Ok(Got::Waits),
        }
    };
}

impl Generator {
    /// Makes the datasets of these streams. `empty` is a block without rows, which only the page can encode.
    pub fn new(graph: Graph, maker: Maker, initial: Vec<Dataset>, empty: Buffer, remember_ms: i64) -> Self {
        let streams = graph.streams.len();
        Self {
            graph,
            maker,
            zero_ms: 0,
            submitted_ms: 0,
            remember_ms,
            made: vec![BTreeMap::new(); streams],
            blocks: vec![BTreeMap::new(); streams],
            initial,
            asks: vec![],
            waiting: BTreeSet::new(),
            failures: BTreeMap::new(),
            empty,
            allocated_ms: i64::MIN,
        }
    }

    /// Sets the time before the first batch.
    pub fn begin(&mut self, zero_ms: i64) {
        self.zero_ms = zero_ms;
        self.submitted_ms = self.submitted_ms.max(zero_ms);
    }

    /// Notes up to which batch an earlier life has dealt out what the page holds.
    pub fn allocated(&mut self, time_ms: i64) {
        self.allocated_ms = time_ms;
    }

    /// Returns whether no earlier life has dealt out what the page holds for a batch.
    pub fn is_new(&self, time_ms: i64) -> bool {
        time_ms > self.allocated_ms
    }

    /// Notes the newest batch.
    pub fn submitted(&mut self, time_ms: i64) {
        self.submitted_ms = time_ms;
    }

    /// Returns the time before the first batch, ms since the epoch.
    pub fn zero_ms(&self) -> i64 {
        self.zero_ms
    }

    /// Takes what the page is to be asked.
    pub fn take_asks(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.asks)
    }

    /// Sets the blocks of an input's batch; returns false if it has some already.
    pub fn receive(&mut self, stream: StreamId, time_ms: i64, blocks: Vec<Buffer>) -> bool {
        let of = &mut self.blocks[stream.0];
        let is_new = !of.contains_key(&time_ms);
        of.entry(time_ms).or_insert(blocks);
        is_new
    }

    /// Takes the blocks of an input's batch away: they could not be made safe.
    pub fn discard(&mut self, stream: StreamId, time_ms: i64) {
        self.blocks[stream.0].insert(time_ms, vec![]);
    }

    /// Returns whether an input's batch has its blocks.
    pub fn has_received(&self, stream: StreamId, time_ms: i64) -> bool {
        self.blocks[stream.0].contains_key(&time_ms)
    }

    /// Returns the blocks of an input's batch.
    pub fn received(&self, stream: StreamId, time_ms: i64) -> &[Buffer] {
        self.blocks[stream.0].get(&time_ms).map_or(&[], Vec::as_slice)
    }

    /// Takes the page's answer, or a state that was written.
    pub fn answer(&mut self, stream: StreamId, time_ms: i64, dataset: Dataset) {
        self.waiting.clear();
        let dataset = self.kept(stream, dataset);
        self.made[stream.0].insert(time_ms, Got::Ready(Some(dataset)));
    }

    /// Takes why the page could not make a dataset: it is asked again after somebody has heard it.
    pub fn failed(&mut self, stream: StreamId, time_ms: i64, error: SparkError) {
        self.waiting.clear();
        self.made[stream.0].remove(&time_ms);
        self.failures.insert((stream, time_ms), error);
    }

    fn kept(&mut self, stream: StreamId, dataset: Dataset) -> Dataset {
        match &self.graph.stream(stream).level {
            Some(level) if !dataset.definition().node.cached => self.maker.kept(&dataset, level),
            _ => dataset,
        }
    }

    /// Returns a stream's dataset of a time, made once.
    ///
    /// # Errors
    /// If the streams do not fit each other, or the page could not make it.
    pub fn get(&mut self, stream: StreamId, time_ms: i64) -> Result<Got> {
        if let Some(error) = self.failures.remove(&(stream, time_ms)) {
            return Err(error);
        }
        let slide_ms = self.graph.stream(stream).slide_ms;
        let since = time_ms - self.zero_ms;
        if since <= 0 || since % slide_ms != 0 {
            return Ok(Got::Ready(None));
        }
        if let Some(made) = self.made[stream.0].get(&time_ms) {
            return Ok(made.clone());
        }
        if self.waiting.contains(&(stream, time_ms)) {
            return Ok(Got::Waits);
        }
        // Without recursion over a long chain of streams: those of the same time that it is made of come first.
        for parent in self.to_make(stream, time_ms) {
            self.get(parent, time_ms)?;
        }
        if self.graph.stream(stream).how.is_stateful() {
            // From the last one that is there: without recursion over all of them.
            let last = self.made[stream.0].range(..time_ms).next_back().map(|(at, _)| *at);
            let mut at = last.unwrap_or(self.zero_ms) + slide_ms;
            while at < time_ms {
                if let Got::Waits = self.make(stream, at)? {
                    return Ok(Got::Waits);
                }
                at += slide_ms;
            }
        }
        self.make(stream, time_ms)
    }

    /// Returns the streams whose datasets of this time a stream's is made of and that are not made, parents before children.
    fn to_make(&self, stream: StreamId, time_ms: i64) -> BTreeSet<StreamId> {
        let mut found = BTreeSet::new();
        let mut todo = vec![stream];
        while let Some(id) = todo.pop() {
            let stream = self.graph.stream(id);
            if let How::Windowed { .. } | How::Reduced { .. } = stream.how {
                continue;
            }
            for parent in &stream.parents {
                if !self.made[parent.0].contains_key(&time_ms) && found.insert(*parent) {
                    todo.push(*parent);
                }
            }
        }
        found
    }

    fn make(&mut self, stream: StreamId, time_ms: i64) -> Result<Got> {
        let made = match self.compute(stream, time_ms)? {
            Got::Ready(Some(dataset)) => Got::Ready(Some(self.kept(stream, dataset))),
            // It is computed when what it waits for is there.
            Got::Waits => {
                self.waiting.insert((stream, time_ms));
                return Ok(Got::Waits);
            }
            none => none,
        };
        self.made[stream.0].insert(time_ms, made.clone());
        Ok(made)
    }

    /// Asks the page, once.
    fn ask(&mut self, stream: StreamId, time_ms: i64, parents: Vec<Dataset>) -> Got {
        self.asks.push(Ask {
            stream,
            time_ms,
            parents,
            is_new: self.is_new(time_ms),
        });
        self.made[stream.0].insert(time_ms, Got::Waits);
        Got::Waits
    }

    fn compute(&mut self, stream: StreamId, time_ms: i64) -> Result<Got> {
        let library = self.graph.library.clone();
        let (how, parents) = {
            let stream = self.graph.stream(stream);
            (stream.how.clone(), stream.parents.clone())
        };
        match how {
            How::Input { input, .. } => match input {
                InputKind::Datasets => Ok(self.ask(stream, time_ms, vec![])),
                _ => {
                    let blocks = self.received(stream, time_ms).to_vec();
                    Ok(Got::Ready(Some(self.maker.source("BlockRDD", blocks, None))))
                }
            },
            How::Transformed { head, steps } => {
                let Some(datasets) = ready_all(parents.iter().map(|p| self.get(*p, time_ms)))? else {
                    return Ok(Got::Waits);
                };
                let Some(mut datasets) = datasets.into_iter().collect::<Option<Vec<_>>>() else {
                    return Ok(Got::Ready(None));
                };
                let begun = match head {
                    Head::Parent => datasets.remove(0),
                    Head::Union => self.maker.union(datasets),
                    Head::Group { op, by } => self.maker.grouped(datasets, op, by.as_ref(), &library),
                    Head::Page => return Ok(self.ask(stream, time_ms, datasets)),
                };
                steps
                    .iter()
                    .try_fold(begun, |dataset, step| self.step(&dataset, step))
                    .map(|dataset| Got::Ready(Some(dataset)))
            }
            How::Windowed { window_ms } => {
                let from = self.zero_ms.max(time_ms - window_ms) + self.graph.stream(parents[0]).slide_ms;
                let Some(datasets) = self.slice(parents[0], from, time_ms)? else {
                    return Ok(Got::Waits);
                };
                Ok(Got::Ready(Some(self.maker.union(datasets))))
            }
            How::Reduced {
                window_ms,
                merge,
                inverse,
                keep,
                by,
            } => self.reduced(
                stream,
                time_ms,
                window_ms,
                [Some(merge), Some(inverse), keep],
                by.as_ref(),
            ),
            How::StateByKey { update, by, initial } => {
                let Some(came) = ready!(self.get(parents[0], time_ms)?) else {
                    return Ok(Got::Ready(None));
                };
                let before = ready!(self.get_made(stream, time_ms));
                let before = self.before(before, initial);
                let grouped = self
                    .maker
                    .grouped(vec![before, came], Op::Cogroup, by.as_ref(), &library);
                let op = Op::UpdateState { call: update };
                Ok(Got::Ready(Some(self.maker.narrow(&grouped, op, true, &library))))
            }
            How::MapWithState {
                map,
                by,
                initial,
                timeout_ms,
            } => {
                let Some(came) = ready!(self.get(parents[0], time_ms)?) else {
                    return Ok(Got::Ready(None));
                };
                let before = match ready!(self.get_made(stream, time_ms)) {
                    Some(last) => self.maker.narrow(&last, Op::Tagged { tag: STATES }, true, &library),
                    None => {
                        let initial = self.before(None, initial);
                        self.maker.narrow(&initial, Op::Stamped { time_ms }, true, &library)
                    }
                };
                let grouped = self
                    .maker
                    .grouped(vec![before, came], Op::Cogroup, by.as_ref(), &library);
                let op = Op::MapStates {
                    call: map,
                    time_ms,
                    timeout_ms,
                };
                Ok(Got::Ready(Some(self.maker.narrow(&grouped, op, true, &library))))
            }
        }
    }

    /// Returns a stateful stream's dataset one slide before a time, which is made already.
    fn get_made(&self, stream: StreamId, time_ms: i64) -> Got {
        let before = time_ms - self.graph.stream(stream).slide_ms;
        self.made[stream.0].get(&before).cloned().unwrap_or(Got::Ready(None))
    }

    /// Returns the states before a batch, or those to begin with.
    fn before(&mut self, before: Option<Dataset>, initial: Option<usize>) -> Dataset {
        let initial = initial.and_then(|at| self.initial.get(at).cloned());
        let empty = self.empty.clone();
        before
            .or(initial)
            .unwrap_or_else(|| self.maker.source("ParallelCollectionRDD", vec![empty], None))
    }

    fn reduced(
        &mut self,
        stream: StreamId,
        time_ms: i64,
        window_ms: i64,
        [merge, inverse, keep]: [Option<Call>; 3],
        by: Option<&By>,
    ) -> Result<Got> {
        let (Some(merge), Some(inverse)) = (merge, inverse) else {
            return Err(SparkError::internal("a window with an inverse lacks a function"));
        };
        let library = self.graph.library.clone();
        let (slide_ms, parent) = {
            let stream = self.graph.stream(stream);
            (stream.slide_ms, stream.parents[0])
        };
        let parent_ms = self.graph.stream(parent).slide_ms;
        let start = time_ms - window_ms;
        let aggregate = Aggregate::Reduce { merge };
        let now = match ready!(self.get_made(stream, time_ms)) {
            None => {
                let Some(all) = self.slice(parent, self.zero_ms.max(start) + parent_ms, time_ms)? else {
                    return Ok(Got::Waits);
                };
                let all = self.maker.union(all);
                self.maker.combined(&all, aggregate, by, true, &library)
            }
            Some(mut now) => {
                let came = self.slice(parent, time_ms - slide_ms + parent_ms, time_ms)?;
                let from = (self.zero_ms + parent_ms).max(start - slide_ms + parent_ms);
                let left = if start > self.zero_ms {
                    self.slice(parent, from, start)?
                } else {
                    Some(vec![])
                };
                let (Some(came), Some(left)) = (came, left) else {
                    return Ok(Got::Waits);
                };
                if !left.is_empty() {
                    let left = self.maker.union(left);
                    let left = self.maker.combined(&left, aggregate.clone(), by, true, &library);
                    let join = Op::Join {
                        left: true,
                        right: false,
                    };
                    let joined = self.maker.grouped(vec![now, left], join, by, &library);
                    now = self.maker.narrow(&joined, Op::Invert { call: inverse }, true, &library);
                }
                let all = std::iter::once(now).chain(came).collect();
                let all = self.maker.union(all);
                self.maker.combined(&all, aggregate, by, true, &library)
            }
        };
        let now = match keep {
            Some(call) => self.maker.narrow(&now, Op::Filter { call }, true, &library),
            None => now,
        };
        Ok(Got::Ready(Some(now)))
    }

    fn step(&mut self, dataset: &Dataset, step: &Step) -> Result<Dataset> {
        let library = self.graph.library.clone();
        Ok(match step {
            Step::Narrow { op, keeps } => self.maker.narrow(dataset, op.clone(), *keeps, &library),
            Step::Combine {
                aggregate,
                by,
                map_side,
            } => self
                .maker
                .combined(dataset, aggregate.clone(), by.as_ref(), *map_side, &library),
            Step::Repartition { partitions } => self.maker.repartition(dataset, *partitions),
            Step::With { block } => {
                let block = library.values.get(*block).cloned();
                let block =
                    block.ok_or_else(|| SparkError::invalid_plan("a stream names a block that is not there"))?;
                let more = self.maker.source("ParallelCollectionRDD", vec![block], None);
                self.maker.union(vec![dataset.clone(), more])
            }
        })
    }

    /// Returns the datasets of the times in this closed range, rounded down to the stream's; later ones than the newest
    /// batch are left out. `None` if the page is asked for some.
    ///
    /// # Errors
    /// As [`Generator::get`].
    pub fn slice(&mut self, stream: StreamId, from_ms: i64, to_ms: i64) -> Result<Option<Vec<Dataset>>> {
        let slide_ms = self.graph.stream(stream).slide_ms;
        let from_ms = from_ms.max(self.zero_ms);
        let mut at = self.zero_ms + (from_ms - self.zero_ms).div_euclid(slide_ms) * slide_ms;
        let (mut out, mut waits) = (vec![], false);
        while at <= to_ms.min(self.submitted_ms) {
            match self.get(stream, at)? {
                Got::Ready(dataset) => out.extend(dataset),
                Got::Waits => waits = true,
            }
            at += slide_ms;
        }
        Ok((!waits).then_some(out))
    }

    /// Returns the oldest time whose dataset a batch of this time may need.
    pub fn needed_since(&self, stream: StreamId, time_ms: i64) -> i64 {
        time_ms - self.graph.keep_ms(stream).max(self.remember_ms) - self.graph.stream(stream).slide_ms
    }

    /// Returns the keys of all datasets that executors keep for it.
    pub fn kept_keys(&self) -> Vec<DatasetId> {
        let made = self.made.iter().flat_map(BTreeMap::values);
        let kept = made.filter_map(|got| match got {
            Got::Ready(Some(dataset)) if dataset.definition().node.cached => dataset.key(),
            _ => None,
        });
        kept.collect()
    }

    /// Returns the streams whose datasets the page makes, each with the last time whose dataset no batch after this time needs.
    pub fn released_by(&self, time_ms: i64) -> Vec<(StreamId, i64)> {
        let by_page = self.graph.all().filter(|(_, stream)| {
            matches!(
                stream.how,
                How::Transformed { head: Head::Page, .. }
                    | How::Input {
                        input: InputKind::Datasets,
                        ..
                    }
            )
        });
        by_page.map(|(id, _)| (id, self.needed_since(id, time_ms))).collect()
    }

    /// Forgets what no batch after this time needs; returns the datasets that are kept no longer.
    pub fn forget_before(&mut self, time_ms: i64) -> Vec<Dataset> {
        let mut gone = vec![];
        self.failures.retain(|(_, at), _| *at >= time_ms);
        for at in 0..self.made.len() {
            let mut since = self.needed_since(StreamId(at), time_ms);
            if self.graph.streams[at].how.is_stateful() {
                // What comes after is made of the newest of the old ones, however old: an earlier life may have made it.
                let newest = self.made[at].range(..=since).next_back();
                since = newest.map_or(since, |(made_ms, _)| made_ms - 1);
            }
            let later = self.made[at].split_off(&(since + 1));
            let old = std::mem::replace(&mut self.made[at], later);
            gone.extend(old.into_values().filter_map(|got| match got {
                Got::Ready(dataset) => dataset,
                Got::Waits => None,
            }));
            let later = self.blocks[at].split_off(&(since + 1));
            self.blocks[at] = later;
        }
        gone
    }
}

/// Takes all datasets, all of which are asked for before one is waited for; `None` if some wait.
fn ready_all(all: impl Iterator<Item = Result<Got>>) -> Result<Option<Vec<Option<Dataset>>>> {
    let all = all.collect::<Result<Vec<_>>>()?;
    let ready = all.into_iter().map(|got| match got {
        Got::Ready(dataset) => Some(dataset),
        Got::Waits => None,
    });
    Ok(ready.collect())
}
