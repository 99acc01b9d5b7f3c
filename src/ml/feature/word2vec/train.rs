//! One pass over sentences: each word predicts those near it, and what was wrong moves both.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use prost::Message;

use super::huffman::{Way, ways};
use crate::error::Result;
use crate::ml::params::Params;
use crate::ml::summary::{Summary, corrupt};
use crate::plan::functions::partition;
use crate::plan::functions::random::XorShift;

/// A question: where the last pass ended.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// The words, the most frequent first; none to ask for them.
    #[prost(string, repeated, tag = "1")]
    pub words: Vec<String>,
    /// How often each occurs.
    #[prost(int64, repeated, tag = "2")]
    pub counts: Vec<i64>,
    /// The vector of each word, one after the other.
    #[prost(float, repeated, tag = "3")]
    pub inputs: Vec<f32>,
    /// The vector of each inner node of the tree of words.
    #[prost(float, repeated, tag = "4")]
    pub outputs: Vec<f32>,
    /// The number of the pass, from 1.
    #[prost(uint32, tag = "5")]
    pub pass: u32,
}

/// Vectors that partitions have changed: sums, and of how many.
#[derive(Clone, PartialEq, Message)]
pub struct Sums {
    /// Which vectors.
    #[prost(uint32, repeated, tag = "1")]
    places: Vec<u32>,
    /// How many partitions have changed each.
    #[prost(uint32, repeated, tag = "2")]
    counts: Vec<u32>,
    /// Their sums, one after the other.
    #[prost(float, repeated, tag = "3")]
    values: Vec<f32>,
}

impl Sums {
    fn of(vectors: &[f32], is_changed: &[bool], size: usize) -> Self {
        let changed = (0..is_changed.len()).filter(|at| is_changed[*at]);
        let places: Vec<u32> = changed.map(|at| at as u32).collect();
        let values = places.iter().flat_map(|at| &vectors[*at as usize * size..][..size]);
        Self {
            counts: vec![1; places.len()],
            values: values.copied().collect(),
            places,
        }
    }

    fn add(&mut self, other: &Self, size: usize) {
        let own: HashMap<u32, usize> = self.places.iter().copied().zip(0..).collect();
        for (at, place) in other.places.iter().enumerate() {
            let values = &other.values[at * size..][..size];
            match own.get(place) {
                Some(own) => {
                    self.counts[*own] += other.counts[at];
                    let sums = self.values[own * size..][..size].iter_mut();
                    sums.zip(values).for_each(|(a, b)| *a += b);
                }
                None => {
                    self.places.push(*place);
                    self.counts.push(other.counts[at]);
                    self.values.extend(values);
                }
            }
        }
    }

    /// Puts the averages in the place of vectors.
    pub(super) fn average_into(&self, vectors: &mut [f32], size: usize) {
        for (at, place) in self.places.iter().enumerate() {
            let scale = 1.0 / self.counts[at] as f32;
            let values = self.values[at * size..][..size].iter().map(|v| v * scale);
            let own = vectors[*place as usize * size..].iter_mut();
            own.zip(values).for_each(|(own, value)| *own = value);
        }
    }
}

/// What a pass has changed.
#[derive(Clone, PartialEq, Message)]
pub struct Changed {
    /// Vectors of words.
    #[prost(message, required, tag = "1")]
    pub inputs: Sums,
    /// Vectors of inner nodes.
    #[prost(message, required, tag = "2")]
    pub outputs: Sums,
}

/// Beyond this, a prediction is as sure as can be.
const MOST: f32 = 6.0;
/// How many values of the logistic function are known.
const STEPS: usize = 1000;
/// Which of them, per unit.
const STEPS_PER_UNIT: f64 = (STEPS as i32 / MOST as i32) as f64 / 2.0;
/// After how many words the step becomes shorter.
const WORDS_PER_STEP: u64 = 10_000;

/// What all partitions know.
#[derive(Debug)]
pub(super) struct Training {
    asked: Asked,
    places: HashMap<String, u32>,
    ways: Vec<Way>,
    logistic: Vec<f32>,
    size: usize,
    window: usize,
    longest: usize,
    seed: i64,
    rate: f64,
    partitions: f64,
    passes: f64,
    all_words: f64,
}

impl Training {
    /// Reads the params.
    ///
    /// # Errors
    /// If a param is of another type.
    pub(super) fn new(params: &Params, asked: Asked) -> Result<Self> {
        let value = |step: usize| {
            let e = ((2.0 * step as f64 / STEPS as f64 - 1.0) * f64::from(MOST)).exp();
            (e / (e + 1.0)) as f32
        };
        Ok(Self {
            places: asked.words.iter().cloned().zip(0..).collect(),
            ways: ways(&asked.counts),
            logistic: (0..STEPS).map(value).collect(),
            size: params.count("vectorSize")?,
            window: params.count("windowSize")?,
            longest: params.count("maxSentenceLength")?,
            seed: params.seed()?,
            rate: params.double("stepSize")?,
            partitions: params.double_of_count("numPartitions")?,
            passes: params.double_of_count("maxIter")?,
            all_words: asked.counts.iter().sum::<i64>() as f64,
            asked,
        })
    }

    /// Begins a partition's pass.
    pub(super) fn begin(self: &Arc<Self>) -> Pass {
        let words = self.asked.words.len();
        Pass {
            inputs: vec![],
            outputs: vec![],
            changed: (vec![false; words], vec![false; words]),
            random: None,
            step: self.rate,
            moved: vec![],
            words: 0,
            words_at_step: 0,
            merged: Changed::default(),
            training: self.clone(),
        }
    }
}

/// A partition's pass: the vectors as it has changed them.
#[derive(Debug)]
pub(super) struct Pass {
    training: Arc<Training>,
    inputs: Vec<f32>,
    outputs: Vec<f32>,
    /// Which vectors of words, and of inner nodes, it has changed.
    changed: (Vec<bool>, Vec<bool>),
    random: Option<XorShift>,
    /// How far vectors move.
    step: f64,
    /// Room for how a word's vector moves.
    moved: Vec<f32>,
    words: u64,
    words_at_step: u64,
    /// What other partitions have changed.
    merged: Changed,
}

pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}

fn add(to: &mut [f32], scale: f32, values: &[f32]) {
    to.iter_mut().zip(values).for_each(|(to, v)| *to += scale * v);
}

impl Pass {
    fn start(&mut self) -> XorShift {
        let Training { seed, asked, .. } = &*self.training;
        self.inputs.clone_from(&asked.inputs);
        self.outputs.clone_from(&asked.outputs);
        let own = (partition::current() as i32 + 1) << 16;
        let pass = (-(asked.pass as i32) - 1) << 8;
        XorShift::new(seed ^ i64::from(own) ^ i64::from(pass))
    }

    /// Learns the words of a sentence.
    fn learn(&mut self, sentence: &[u32], random: &mut XorShift) {
        let training = self.training.clone();
        if self.words - self.words_at_step > WORDS_PER_STEP {
            self.words_at_step = self.words;
            let before = (f64::from(training.asked.pass) - 1.0) * training.all_words;
            let done = training.partitions * self.words as f64 + before;
            let left = 1.0 - done / (training.passes * training.all_words + 1.0);
            self.step = (training.rate * left).max(training.rate * 1e-4);
        }
        self.words += sentence.len() as u64;
        let window = training.window;
        for (at, word) in sentence.iter().enumerate() {
            // As far as the window reaches on either side, less what is drawn.
            let reach = window - random.below(window as i32) as usize;
            let last = (at + reach).min(sentence.len() - 1);
            for near in (at.saturating_sub(reach)..=last).filter(|near| *near != at) {
                self.predict(&training, *word as usize, sentence[near] as usize);
            }
        }
    }

    /// Has a word that is near predict a word.
    fn predict(&mut self, training: &Training, word: usize, near: usize) {
        let size = training.size;
        let own = near * size..(near + 1) * size;
        let mut moved = std::mem::take(&mut self.moved);
        moved.clear();
        moved.resize(size, 0.0);
        for (inner, is_second) in &training.ways[word].decisions {
            let node = inner * size..(inner + 1) * size;
            let product = dot(&self.inputs[own.clone()], &self.outputs[node.clone()]);
            if product > -MOST && product < MOST {
                let known = training.logistic[(f64::from(product + MOST) * STEPS_PER_UNIT) as usize];
                let right = f32::from(u8::from(!is_second));
                let by = (f64::from(right - known) * self.step) as f32;
                add(&mut moved, by, &self.outputs[node.clone()]);
                add(&mut self.outputs[node], by, &self.inputs[own.clone()]);
                self.changed.1[*inner] = true;
            }
        }
        add(&mut self.inputs[own], 1.0, &moved);
        self.moved = moved;
        self.changed.0[near] = true;
    }
}

impl Summary for Pass {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let mut random = match self.random.take() {
            Some(random) => random,
            None => self.start(),
        };
        let training = self.training.clone();
        let lists = columns[0].as_list::<i32>();
        for words in lists.iter().flatten() {
            let words = words.as_string::<i32>();
            let known: Vec<u32> = words
                .iter()
                .flatten()
                .filter_map(|w| training.places.get(w).copied())
                .collect();
            known
                .chunks(training.longest)
                .for_each(|sentence| self.learn(sentence, &mut random));
        }
        self.random = Some(random);
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = Changed::decode(state).map_err(|e| corrupt(&e))?;
        self.merged.inputs.add(&other.inputs, self.training.size);
        self.merged.outputs.add(&other.outputs, self.training.size);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let size = self.training.size;
        let mut changed = Changed {
            inputs: Sums::of(&self.inputs, &self.changed.0, size),
            outputs: Sums::of(&self.outputs, &self.changed.1, size),
        };
        changed.inputs.add(&self.merged.inputs, size);
        changed.outputs.add(&self.merged.outputs, size);
        changed.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        let merged = self.merged.inputs.values.len() + self.merged.outputs.values.len();
        256 + 4 * (self.inputs.len() + self.outputs.len() + merged)
    }
}
