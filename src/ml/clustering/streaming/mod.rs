//! `StreamingKMeans`: centres of clusters that move with every batch (`org.apache.spark.mllib.clustering.StreamingKMeans`).
//!
//! ```text
//! rows of batch n ──one question──▶ sums per nearest centre ──Clusters::update──▶ centres and weights of 1 … n
//! centres and weights of 1 … n-1 ─▲                              ▲ discount       └── kept in the model for batch n+1
//! ```
//!
//! What it guarantees: a centre is the mean of the rows that were nearest to it when they came, of the batches before by what
//! forgetting left of their weight. The model is a `KMeansModel`, which Spark loads too; weights and the last batch are saved beside it.

mod sums;
mod update;

use prost::Message;

use self::sums::{NearestSums, State};
use self::update::Clusters;
use super::k_means::{KMeansModel, Statistics};
use super::rows::Point;
use crate::error::{Exception, Result, SparkError};
use crate::kernels::aggregates::vector_moments::check_features;
use crate::ml::batches::{self, BATCH, INITIAL_MODEL, last_of, model_params, not_started};
use crate::ml::columns::Reads;
use crate::ml::error::illegal;
use crate::ml::learning::{Learning, Rounds};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::Model;
use crate::ml::params::{Check, Default, FEATURES, PREDICTION, Param, Params, SEED, free, named, param};
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary::{self, check_room};
use crate::plan::functions::random::XorShift;
use crate::values::text::double;

/// The stage whose models it makes.
const MODEL: &str = "org.apache.spark.ml.clustering.KMeans";

/// Moves the centres of clusters batch by batch, usually in `foreachBatch` (`StreamingKMeans`).
///
/// It starts from `initialCenters` with `initialCenterWeights`, from `k` random centres of `dim` numbers with `weight` each
/// (`setRandomCenters`), or from the model `initialModel`. Before a batch is added, weights are multiplied by `decayFactor` per batch or
/// per row, by `timeUnit`; `halfLife`, if set, says that factor in the batches or rows after which they are half.
#[derive(Debug)]
pub struct StreamingKMeans;

impl Stage for StreamingKMeans {
    fn class(&self) -> &'static str {
        "org.apache.spark.mllib.clustering.StreamingKMeans"
    }

    fn params(&self) -> &'static [Param] {
        // What is valid is checked where it is read, in the words of mllib.
        const PARAMS: &[Param] = &[
            param("decayFactor", Kind::Double, Default::Double(1.0), Check::Any),
            free("dim", Kind::Int),
            FEATURES,
            free("halfLife", Kind::Double),
            free("initialCenters", Kind::DoublesList),
            free("initialCenterWeights", Kind::Doubles),
            param("k", Kind::Int, Default::Int(2), Check::Any),
            PREDICTION,
            SEED,
            named("timeUnit", "batches"),
            param("weight", Kind::Double, Default::Double(0.0), Check::Any),
            INITIAL_MODEL,
            BATCH,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Learner(self)
    }
}

impl Learner for StreamingKMeans {
    fn columns(&self, params: &Params) -> Result<Columns> {
        Ok(vec![(params.text("featuresCol")?, Reads::Vectors)])
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let column = params.text("featuresCol")?;
        let asked = State::decode(question).map_err(|e| summary::corrupt(&e))?;
        Ok(Box::new(move || {
            Box::new(NearestSums::new(column.clone(), asked.clone()))
        }))
    }

    fn initial(&self, params: &Params) -> Result<Option<Model>> {
        Forgetting::of(params)?;
        made(params, initial(params)?, None).map(Some)
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(params, rounds))
    }
}

/// Returns a condition of mllib's, as its `require` words it.
fn require(holds: bool, message: impl FnOnce() -> String) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(SparkError::requirement(message()))
}

/// How what was learned before loses weight.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Forgetting {
    factor: f64,
    by_points: bool,
}

impl Forgetting {
    /// Returns what params say.
    ///
    /// # Errors
    /// If the factor is negative, the half-life not positive, or the unit neither `batches` nor `points`.
    fn of(params: &Params) -> Result<Self> {
        let by_points = match params.text("timeUnit")?.as_str() {
            "batches" => false,
            "points" => true,
            other => return Err(illegal(format!("Invalid time unit for decay: {other}"))),
        };
        let mut factor = params.double("decayFactor")?;
        require(factor >= 0.0, || {
            format!("Decay factor must be nonnegative but got {}", double(factor))
        })?;
        if params.is_set("halfLife") {
            let half = params.double("halfLife")?;
            require(half > 0.0, || {
                format!("Half life must be positive but got {}", double(half))
            })?;
            factor = (0.5_f64.ln() / half).exp();
        }
        Ok(Self { factor, by_points })
    }

    /// Returns what the old weights are multiplied by when `rows` rows come.
    fn discount(self, rows: i64) -> f64 {
        if self.by_points {
            self.factor.powf(rows as f64)
        } else {
            self.factor
        }
    }
}

/// Returns the clusters that params say, before any row.
///
/// # Errors
/// If params do not say any, or centres and weights do not fit each other and `k`.
fn initial(params: &Params) -> Result<Clusters> {
    let k = params.int("k")?;
    require(k > 0, || format!("Number of clusters must be positive but got {k}"))?;
    if params.is_set("initialCenters") {
        let centres = params.doubles_list("initialCenters")?;
        let weights = match params.is_set("initialCenterWeights") {
            true => params.doubles("initialCenterWeights")?,
            false => vec![],
        };
        require(centres.len() == weights.len(), || {
            "Number of initial centers must be equal to number of weights".into()
        })?;
        require(centres.len() as i64 == k, || {
            format!("Number of initial centers must be {k} but got {}", centres.len())
        })?;
        require(weights.iter().all(|w| *w >= 0.0), || {
            let shown: Vec<String> = weights.iter().map(|w| double(*w)).collect();
            format!(
                "Weight for each initial center must be nonnegative but got [{}]",
                shown.join(" ")
            )
        })?;
        for centre in &centres {
            summary::labels::same_size(centres[0].len(), centre.len())?;
        }
        return Clusters::new(centres, weights);
    }
    if !params.is_set("dim") {
        return Err(not_started(
            Exception::Runtime,
            "Initial cluster centers must be set before starting predictions",
        ));
    }
    let (dim, weight) = (params.int("dim")?, params.double("weight")?);
    require(dim > 0, || {
        format!("Number of dimensions must be positive but got {dim}")
    })?;
    require(weight >= 0.0, || {
        format!("Weight for each center must be nonnegative but got {}", double(weight))
    })?;
    let (k, dim) = (k as usize, dim as usize);
    check_features(dim)?;
    check_room("The centres of clusters", k.saturating_mul(dim))?;
    let mut random = XorShift::new(params.seed()?);
    let centres = (0..k).map(|_| (0..dim).map(|_| random.gaussian()).collect()).collect();
    Clusters::new(centres, vec![weight; k])
}

/// Returns the clusters of the model that training continues, or those that params say.
///
/// # Errors
/// If the model is not one of k-means by Euclidean distances; as [`initial`].
fn started(params: &Params, before: Option<&Model>) -> Result<Clusters> {
    let Some(before) = before else {
        return initial(params);
    };
    let angles = Value::Text("cosine".into());
    let is_cosine = before.params_with(None)?.get("distanceMeasure") == Some(angles);
    match before.content::<KMeansModel>() {
        Some(model) if !is_cosine => {
            // A model that was trained at once weighs nothing: the rows that come are all that counts.
            let unknown = vec![0.0; model.centres.len()];
            let weights = model.statistics.as_ref().map_or(unknown, |s| s.weights.clone());
            Clusters::new(model.centres(), weights)
        }
        Some(_) => Err(batches::other_kind(params, "a model of angles")),
        None => Err(batches::other_kind(params, &format!("a {}", before.class))),
    }
}

/// Learns a batch.
async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let forgetting = Forgetting::of(&params)?;
    let mut clusters = started(&params, rounds.before())?;
    let found: State = rounds.ask(&State::of(&clusters)).await?;
    clusters.update(&found.sums, forgetting.discount(found.rows));
    made(&params, clusters, rounds.before())
}

/// Returns the model of clusters.
fn made(params: &Params, clusters: Clusters, before: Option<&Model>) -> Result<Model> {
    let mut own = params.clone();
    let k = clusters.weights.len();
    // A `KMeans` has two clusters at least; a stream may have one.
    own.put("k", if k > 1 { Value::Int(k as i64) } else { Value::Null })?;
    let model = KMeansModel {
        size: clusters.size() as u64,
        centres: clusters.centres.iter().map(|c| Point::new(c)).collect(),
        statistics: Some(Statistics {
            weights: clusters.weights,
            batch: last_of(params, before.and_then(|m| m.fitted.last_batch())),
        }),
        ..KMeansModel::default()
    };
    Ok(Model::new(&model_params(&own, MODEL)?, model))
}

#[cfg(test)]
mod tests;
