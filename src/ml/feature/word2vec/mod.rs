//! `Word2Vec`: vectors of words that predict the words around them (skip-grams with a hierarchical softmax, Mikolov et al.).
//!
//! A round is a pass over all sentences: each partition trains vectors of its own, from those that the last round ended with, and what
//! partitions have changed is averaged.

mod huffman;
pub mod model;
mod train;

use arrow::array::{ArrayRef, StringArray};
use prost::Message;
use std::sync::Arc;

use self::model::{KIND, Word2VecModel};
use self::train::{Asked, Changed, Training};
use crate::error::{Exception, Result, SparkError};
use crate::ml::collected;
use crate::ml::columns::Reads;
use crate::ml::learning::{Deal, Learning, Rounds};
use crate::ml::literal::Kind;
use crate::ml::model::{Model, ModelKind};
use crate::ml::params::{Default, INPUT, NON_NEGATIVE, OUTPUT, POSITIVE, Param, Params, SEED, param, steps};
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary;
use crate::ml::summary::frequencies::{WordFrequencies, Words};
use crate::plan::functions::random::XorShift;

/// Trains vectors of words (`Word2Vec`): a job per pass; a task keeps two vectors per word.
#[derive(Debug)]
pub struct Word2Vec;

impl Stage for Word2Vec {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.Word2Vec"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            steps(1),
            param("maxSentenceLength", Kind::Int, Default::Int(1000), POSITIVE),
            param("minCount", Kind::Int, Default::Int(5), NON_NEGATIVE),
            param("numPartitions", Kind::Int, Default::Int(1), POSITIVE),
            OUTPUT,
            SEED,
            param("stepSize", Kind::Double, Default::Double(0.025), POSITIVE),
            param("vectorSize", Kind::Int, Default::Int(100), POSITIVE),
            param("windowSize", Kind::Int, Default::Int(5), POSITIVE),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Learner(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }
}

impl Learner for Word2Vec {
    fn columns(&self, params: &Params) -> Result<Columns> {
        Ok(vec![(params.text("inputCol")?, Reads::Words)])
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        if asked.words.is_empty() {
            return Ok(Box::new(|| Box::new(WordFrequencies::default())));
        }
        let training = Arc::new(Training::new(params, asked)?);
        Ok(Box::new(move || Box::new(training.begin())))
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(params, rounds))
    }
}

/// Returns the words that occur often enough, with how often; the most frequent first.
fn vocabulary(found: Words, least: i64, partitions: usize) -> Vec<(String, i64)> {
    let mut words: Vec<(String, i64)> = found.words.into_iter().map(|(word, n)| (word, n.count)).collect();
    words.sort_unstable();
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(words.iter().map(|(word, _)| word)));
    let order = collected::order(&collected::java_hashes(&texts), partitions);
    let mut words: Vec<(String, i64)> = order.into_iter().map(|at| words[at].clone()).collect();
    words.retain(|(_, count)| *count >= least);
    words.sort_by_key(|(_, count)| -count);
    words
}

/// Trains a model.
async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let size = params.count("vectorSize")?;
    let found: Words = rounds.ask(&Asked::default()).await?;
    let words = vocabulary(found, params.int("minCount")?, rounds.parallelism());
    if words.is_empty() {
        return Err(SparkError::requirement(
            "The vocabulary size should be > 0. You may need to check the setting of minCount, which could be large enough to remove \
             all your words in sentences.",
        ));
    }
    if (words.len() as u64).saturating_mul(size as u64).saturating_mul(8) >= i32::MAX as u64 {
        let message = format!(
            "Please increase minCount or decrease vectorSize in Word2Vec to avoid an OOM. You are highly recommended to make your \
             vocabSize*vectorSize, which is {}*{size} for now, less than `Int.MaxValue`.",
            words.len()
        );
        return Err(SparkError::new(Exception::Runtime, "", "", message));
    }
    let mut random = XorShift::new(params.seed()?);
    let inputs = (0..words.len() * size)
        .map(|_| (random.float() - 0.5) / size as f32)
        .collect();
    let deal = Deal {
        column: None,
        partitions: params.count("numPartitions")? as u32,
    };
    let mut asked = Asked {
        counts: words.iter().map(|(_, count)| *count).collect(),
        words: words.into_iter().map(|(word, _)| word).collect(),
        inputs,
        outputs: vec![],
        pass: 0,
    };
    asked.outputs = vec![0.0; asked.inputs.len()];
    for pass in 1..=params.count("maxIter")? {
        asked.pass = pass as u32;
        let changed: Changed = rounds.ask_dealt(deal, &asked).await?;
        changed.inputs.average_into(&mut asked.inputs, size);
        changed.outputs.average_into(&mut asked.outputs, size);
    }
    let model = Word2VecModel {
        words: asked.words,
        vectors: asked.inputs,
        size: size as u64,
    };
    Ok(Model::new(&params, model))
}
