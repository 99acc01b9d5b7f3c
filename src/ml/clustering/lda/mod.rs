//! `LDA` and `LocalLDAModel`: what documents are about, by online variational Bayes (Hoffman, Blei and Bach).
//!
//! ```text
//! gamma numbers ([`start`]) ─▶ topics ─▶ [`expect`]: documents that are drawn, each read ([`infer`]) ─▶ sums ─┐
//!                                └──────── a little nearer to what the sums say, step after step ◀──────────┘
//! ```

mod expect;
mod gamma;
mod infer;
mod model;
mod start;

use std::sync::Arc;

use prost::Message;

use self::expect::{Asked, Expect, State, check_topics};
use self::gamma::trigamma;
use self::infer::{Topics, expected_logs, expected_topic_logs};
use self::model::{KIND, LocalLdaModel};
use crate::error::{Exception, Result, SparkError};
use crate::ml::columns::Reads;
use crate::ml::learning::{Learning, Rounds};
use crate::ml::literal::{Kind, Value};
use crate::ml::matrix::Matrix;
use crate::ml::model::{Model, ModelKind};
use crate::ml::params::{
    Check, Default, FEATURES, NON_NEGATIVE, POSITIVE, Param, Params, SEED, flag, named, param, steps,
};
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary;
use crate::values::java_random::JavaRandom;

/// The shape of the gamma distribution that topics and documents begin with.
const GAMMA_SHAPE: f64 = 100.0;

/// Names of optimisers, whatever their case.
const OPTIMIZER: Check =
    Check::With(|value| matches!(value, Value::Text(name) if ["online", "em"].contains(&name.to_lowercase().as_str())));

/// After how many steps a checkpoint is made: never, or from 1 on; the engine makes none.
const INTERVAL: Check = Check::With(|value| matches!(value, Value::Int(v) if *v == -1 || *v >= 1));

/// Trains topics (`LDA`): a job per step; a task keeps a number per term and topic.
#[derive(Debug)]
pub struct Lda;

impl Stage for Lda {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.clustering.LDA"
    }

    fn params(&self) -> &'static [Param] {
        const RATE: Check = Check::AboveWithin(0.0, 1.0);
        const PARAMS: &[Param] = &[
            param("checkpointInterval", Kind::Int, Default::Int(10), INTERVAL),
            param(
                "docConcentration",
                Kind::Doubles,
                Default::None,
                Check::EachAtLeast(0.0),
            ),
            FEATURES,
            param("k", Kind::Int, Default::Int(10), Check::Above(1.0)),
            flag("keepLastCheckpoint", true),
            param("learningDecay", Kind::Double, Default::Double(0.51), POSITIVE),
            param("learningOffset", Kind::Double, Default::Double(1024.0), POSITIVE),
            steps(20),
            flag("optimizeDocConcentration", true),
            param("optimizer", Kind::Text, Default::Text("online"), OPTIMIZER),
            SEED,
            param("subsamplingRate", Kind::Double, Default::Double(0.05), RATE),
            param("topicConcentration", Kind::Double, Default::None, NON_NEGATIVE),
            named("topicDistributionCol", "topicDistribution"),
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

impl Learner for Lda {
    fn columns(&self, params: &Params) -> Result<Columns> {
        concentration(params)?;
        if params.text("optimizer")?.eq_ignore_ascii_case("em") {
            return Err(SparkError::unsupported("the optimizer em of LDA"));
        }
        Ok(vec![(params.text("featuresCol")?, Reads::Points)])
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let mut asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        let topics = Topics {
            shares: std::mem::take(&mut asked.shares),
            alpha: std::mem::take(&mut asked.alpha),
        };
        let (asked, topics, column) = (Arc::new(asked), Arc::new(topics), params.text("featuresCol")?);
        Ok(Box::new(move || {
            Box::new(Expect::new(column.clone(), asked.clone(), topics.clone()))
        }))
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(params, rounds))
    }
}

/// Returns `docConcentration`: nothing if it is unset, one number for all topics, or one for each.
///
/// # Errors
/// If it has another length.
fn concentration(params: &Params) -> Result<Option<Vec<f64>>> {
    if !params.is_set("docConcentration") {
        return Ok(None);
    }
    let (given, k) = (params.doubles("docConcentration")?, params.count("k")?);
    if given.len() != 1 && given.len() != k {
        return Err(SparkError::requirement(format!(
            "LDA docConcentration was of length {}, but k = {k}.  docConcentration must be an array of length either 1 (scalar) or k \
             (num topics).",
            given.len()
        )));
    }
    Ok(Some(given))
}

/// Holds what a training has found so far, and the generator of its seeds.
struct Training {
    /// The topics, term after term.
    lambda: Vec<f64>,
    alpha: Vec<f64>,
    eta: f64,
    random: JavaRandom,
    /// How many steps were taken.
    steps: f64,
}

impl Training {
    /// Begins with topics that are drawn.
    fn begin(params: &Params, terms: usize) -> Result<Self> {
        let k = params.count("k")?;
        check_topics(k, terms)?;
        let even = 1.0 / k as f64;
        let alpha = match concentration(params)? {
            None => vec![even; k],
            Some(given) if given.len() == k => given,
            Some(given) => vec![given[0]; k],
        };
        let eta = match params.is_set("topicConcentration") {
            true => params.double("topicConcentration")?,
            false => even,
        };
        let mut random = JavaRandom::new(params.seed()?);
        let by_topic = start::gammas(random.long(), GAMMA_SHAPE, k * terms);
        let lambda = (0..k * terms).map(|at| by_topic[at % k * terms + at / k]).collect();
        Ok(Self {
            lambda,
            alpha,
            eta,
            random,
            steps: 0.0,
        })
    }

    /// Draws documents and learns from them.
    async fn step(&mut self, params: &Params, rounds: &Rounds, documents: u64) -> Result<()> {
        let share = params.double("subsamplingRate")?;
        let wants_logs = params.bool("optimizeDocConcentration")?;
        let shares = expected_topic_logs(&self.lambda, self.alpha.len());
        let draws = self.random.long();
        // Spark draws the second seed only if there are documents.
        let mut random = self.random.clone();
        let asked = Asked {
            shares: shares.into_iter().map(f64::exp).collect(),
            alpha: self.alpha.clone(),
            share,
            draws,
            start: random.long(),
            wants_logs,
        };
        let found: State = rounds.ask(&asked).await?;
        if found.rows == 0 {
            return Ok(());
        }
        self.random = random;
        self.steps += 1.0;
        if found.documents == 0 {
            return Ok(());
        }
        let weight = (params.double("learningOffset")? + self.steps).powf(-params.double("learningDecay")?);
        let scale = documents as f64 / (share * documents as f64).ceil();
        let sums = found.sums.iter().zip(&asked.shares);
        for (own, (sum, share)) in self.lambda.iter_mut().zip(sums) {
            *own = (1.0 - weight) * *own + weight * (sum * share * scale + self.eta);
        }
        if wants_logs {
            lead(&mut self.alpha, &found.logs, found.documents as f64, weight);
        }
        Ok(())
    }
}

/// Leads `alpha` to where the shares of documents are most probable, given the sums of their logarithms: one step of Newton's, as far
/// as `weight` says, unless a number would be negative (Huang, Maximum Likelihood Estimation of Dirichlet Distribution Parameters).
fn lead(alpha: &mut [f64], logs: &[f64], documents: f64, weight: f64) {
    let expected = expected_logs(alpha);
    let slopes = expected
        .iter()
        .zip(logs)
        .map(|(own, sum)| documents * (sum / documents - own));
    let slopes: Vec<f64> = slopes.collect();
    let bends: Vec<f64> = alpha.iter().map(|a| -documents * trigamma(*a)).collect();
    let all = documents * trigamma(alpha.iter().sum());
    let ratio: f64 = slopes.iter().zip(&bends).map(|(slope, bend)| slope / bend).sum();
    let shift = ratio / (1.0 / all + bends.iter().map(|bend| 1.0 / bend).sum::<f64>());
    let steps = slopes
        .iter()
        .zip(&bends)
        .map(|(slope, bend)| -(slope - shift) / bend * weight);
    let steps: Vec<f64> = steps.collect();
    if alpha.iter().zip(&steps).all(|(a, step)| a + step > 0.0) {
        alpha.iter_mut().zip(steps).for_each(|(a, step)| *a += step);
    }
}

/// Trains a model.
async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let State {
        rows: documents, size, ..
    } = rounds.ask(&Asked::default()).await?;
    if documents == 0 {
        let message = "empty collection";
        return Err(SparkError::new(
            Exception::UnsupportedOperation,
            "_LEGACY_ERROR_TEMP_3014",
            "",
            message,
        ));
    }
    let terms = size as usize;
    let mut training = Training::begin(&params, terms)?;
    for _ in 0..params.count("maxIter")? {
        training.step(&params, &rounds, documents).await?;
    }
    let model = LocalLdaModel {
        topics: Matrix::new(terms, training.alpha.len(), training.lambda),
        alpha: training.alpha,
        eta: training.eta,
        shape: GAMMA_SHAPE,
    };
    Ok(Model::new(&params, model))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::stage::by_name;

    #[test]
    fn an_optimizer_that_is_lacking_is_named_before_any_job() {
        let stage = by_name("org.apache.spark.ml.clustering.LDA").unwrap();
        let mut params = Params::new(stage, "lda", &std::default::Default::default()).unwrap();
        assert!(Lda.columns(&params).is_ok());
        params.put("optimizer", Value::Text("EM".into())).unwrap();
        let error = Lda.columns(&params).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("UNSUPPORTED_FEATURE.RIVULET"));
        assert!(error.message.contains("optimizer em"), "{}", error.message);
        assert!(params.put("optimizer", Value::Text("gibbs".into())).is_err());
    }

    #[test]
    fn concentrations_that_would_be_negative_stay() {
        let mut alpha = [0.5, 0.5];
        lead(&mut alpha, &[-1e9, -1.0], 1.0, 1.0);
        assert_eq!(alpha, [0.5, 0.5]);
        // Documents that are as much about one topic as about the other: their concentration grows.
        lead(&mut alpha, &[-0.7, -0.7], 1.0, 0.1);
        assert!(alpha[0] > 0.5 && alpha[0] == alpha[1], "{alpha:?}");
    }
}
