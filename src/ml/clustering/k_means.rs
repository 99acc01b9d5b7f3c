//! `KMeans` and `KMeansModel`: Lloyd's algorithm, begun by k-means|| (Bahmani et al.) or at random.

use std::sync::Arc;

use arrow::array::Int32Array;
use prost::Message;

use super::distance::Distance;
use super::findings;
use super::local::plus_plus;
use super::rows::{self, Point};
use super::steps::{Asked, State, Steps, What};
use crate::error::Result;
use crate::ml::batches::{self, FOLDER};
use crate::ml::findings::Finding;
use crate::ml::learning::{Learning, Rounds, empty};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{
    BLOCK_SIZE, Check, Default, FEATURES, PREDICTION, Param, Params, SEED, WEIGHT, one_of, param, steps, tolerance,
};
use crate::ml::persistence::data::{Column, Row, vector_rows};
use crate::ml::relation::Argument;
use crate::ml::sampling::shuffle;
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary::{self, check_room};
use crate::plan::analyzer::Analyzer;
use crate::plan::functions::random::XorShift;
use crate::plan::scope::Resolved;
use crate::values::java_random::JavaRandom;
use crate::values::vector::VectorRef;

/// Trains k-means (`KMeans`): a job per step; a task keeps one sum per cluster.
#[derive(Debug)]
pub struct KMeans;

impl Stage for KMeans {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.clustering.KMeans"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            one_of("distanceMeasure", "euclidean", &["euclidean", "cosine"]),
            FEATURES,
            one_of("initMode", "k-means||", &["k-means||", "random"]),
            param("initSteps", Kind::Int, Default::Int(2), Check::AtLeast(1.0)),
            param("k", Kind::Int, Default::Int(2), Check::AtLeast(2.0)),
            BLOCK_SIZE,
            steps(20),
            PREDICTION,
            SEED,
            one_of("solver", "auto", &["auto", "row", "block"]),
            tolerance(1e-4),
            WEIGHT,
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

impl Learner for KMeans {
    fn columns(&self, params: &Params) -> Result<Columns> {
        rows::columns(params)
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let names = rows::names(params)?;
        let asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        let distance = Distance::of(params)?;
        Ok(Box::new(move || {
            Box::new(Steps::new(names.clone(), distance, asked.clone()))
        }))
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(params, rounds))
    }
}

fn points(centres: &[Vec<f64>]) -> Vec<Point> {
    centres.iter().map(|values| Point::new(values)).collect()
}

/// Asks something about centres.
async fn ask(rounds: &Rounds, what: What, centres: &[Vec<f64>], share: f64, seed: i64) -> Result<State> {
    let asked = Asked {
        what: what.into(),
        centres: points(centres),
        share,
        seed,
    };
    rounds.ask(&asked).await
}

/// Draws a number of rows without taking one twice (`RDD.takeSample`).
async fn sample(rounds: &Rounds, rows: i64, wanted: usize, seed: i64) -> Result<Vec<Vec<f64>>> {
    let mut random = JavaRandom::new(seed);
    let all = rows as f64;
    let share = if wanted as i64 >= rows {
        1.0
    } else {
        share_for(wanted, all)
    };
    let mut drawn = loop {
        let seed = i64::from(random.int());
        let State { drawn, .. } = ask(rounds, What::Sample, &[], share, seed).await?;
        let drawn = drawn.points;
        if drawn.len() >= wanted || wanted as i64 >= rows {
            break drawn;
        }
    };
    shuffle(&mut drawn, &mut random);
    Ok(drawn.into_iter().take(wanted).map(|p| p.values).collect())
}

/// Returns the share of rows of which at least `wanted` are drawn but once in ten thousand times (`SamplingUtils`).
fn share_for(wanted: usize, rows: f64) -> f64 {
    let fraction = wanted as f64 / rows;
    let gamma = -(1e-4_f64).ln() / rows;
    (fraction + gamma + (gamma * gamma + 2.0 * gamma * fraction).sqrt()).clamp(1e-10, 1.0)
}

/// Returns centres to begin with, at random.
async fn at_random(params: &Params, rounds: &Rounds, rows: i64) -> Result<Vec<Vec<f64>>> {
    let k = params.count("k")?;
    let seed = i64::from(XorShift::new(params.seed()?).int());
    let drawn = sample(rounds, rows, k, seed).await?;
    Ok(distinct(drawn))
}

fn distinct(points: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let mut out: Vec<Vec<f64>> = vec![];
    for point in points {
        if !out.contains(&point) {
            out.push(point);
        }
    }
    out
}

/// Returns centres to begin with, by k-means||.
async fn parallel(params: &Params, rounds: &Rounds, rows: i64) -> Result<Vec<Vec<f64>>> {
    let (k, steps, own) = (params.count("k")?, params.count("initSteps")?, params.seed()?);
    let seed = i64::from(XorShift::new(own).int());
    let mut centres = sample(rounds, rows, 1, seed).await?;
    for step in 0..steps {
        let State { cost, .. } = ask(rounds, What::Cost, &centres, 0.0, 0).await?;
        let share = 2.0 * k as f64 / cost;
        let seed = seed ^ ((step as i64) << 16);
        let State { drawn, .. } = ask(rounds, What::Draw, &centres, share, seed).await?;
        centres.extend(drawn.points.into_iter().map(|p| p.values));
    }
    let centres = distinct(centres);
    if centres.len() <= k {
        return Ok(centres);
    }
    let State { sums, .. } = ask(rounds, What::Nearest, &centres, 0.0, 0).await?;
    let weights: Vec<f64> = sums.iter().map(|s| s.weight).collect();
    Ok(plus_plus(&centres, &weights, k, 30))
}

/// Trains a model.
async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let distance = Distance::of(&params)?;
    let State { rows, size, .. } = ask(&rounds, What::Count, &[], 0.0, 0).await?;
    if rows == 0 {
        return Err(empty());
    }
    let most = params.count("k")?.min(rows as usize);
    check_room("The centres of clusters", most.saturating_mul(size as usize))?;
    let mut centres = if params.text("initMode")? == "random" {
        at_random(&params, &rounds, rows).await?
    } else {
        parallel(&params, &rounds, rows).await?
    };
    if distance == Distance::Cosine {
        centres.iter_mut().for_each(|c| *c = distance.centre(c, 1.0));
    }
    let (most, tolerance) = (params.count("maxIter")?, params.double("tol")?);
    let (mut steps, mut cost, mut settled) = (0, 0.0, false);
    while steps < most && !settled {
        let found = ask(&rounds, What::Sums, &centres, 0.0, 0).await?;
        settled = true;
        for (centre, sum) in centres.iter_mut().zip(found.sums) {
            if sum.weight > 0.0 {
                let now = distance.centre(&sum.values, sum.weight);
                settled &= distance.is_settled(centre, &now, tolerance);
                *centre = now;
            }
        }
        cost = found.cost;
        steps += 1;
    }
    let model = KMeansModel {
        centres: points(&centres),
        size,
        cost,
        steps: steps as u64,
        statistics: None,
    };
    Ok(Model::new(&params, model))
}

/// `KMeansModel`: the centres.
#[derive(Clone, PartialEq, Message)]
pub struct KMeansModel {
    /// By cluster.
    #[prost(message, repeated, tag = "1")]
    pub centres: Vec<Point>,
    /// How many features vectors have.
    #[prost(uint64, tag = "2")]
    pub size: u64,
    /// What the rows cost at the centres before the last step; 0 for a model that was loaded.
    #[prost(double, tag = "3")]
    pub cost: f64,
    /// How many steps the training had.
    #[prost(uint64, tag = "4")]
    pub steps: u64,
    /// What further batches need, if it learns from a stream.
    #[prost(message, optional, tag = "5")]
    pub statistics: Option<Statistics>,
}

/// What a model of a stream was made of (`StreamingKMeans`).
#[derive(Clone, PartialEq, Message)]
pub struct Statistics {
    /// By cluster: how many rows it stands for, less what was forgotten (`clusterWeights`).
    #[prost(double, repeated, tag = "1")]
    pub weights: Vec<f64>,
    /// The last batch that is in; `None` if batches have no ids.
    #[prost(int64, optional, tag = "2")]
    pub batch: Option<i64>,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.clustering.KMeansModel"),
    tag: 60,
    decode: model::decoded::<KMeansModel>,
    read: |row| {
        let centre = |row: Row<'_>| Ok((row.int("clusterIdx")?, row.vector("clusterCenter")?));
        let mut centres = row.each().map(centre).collect::<Result<Vec<_>>>()?;
        centres.sort_by_key(|(number, _)| *number);
        let centres: Vec<Vec<f64>> = centres.into_iter().map(|(_, centre)| centre).collect();
        let Some(size) = centres.first().map(Vec::len) else {
            return Err(row.corrupt("it has no centres of clusters"));
        };
        if centres.iter().any(|c| c.len() != size) {
            return Err(row.corrupt("the centres of clusters differ in their features"));
        }
        let statistics: Option<Statistics> = batches::saved(row)?;
        if statistics.as_ref().is_some_and(|s| s.weights.len() != centres.len()) {
            return Err(row.corrupt("clusters and their weights differ in number"));
        }
        Ok(Arc::new(KMeansModel {
            centres: points(&centres),
            size: size as u64,
            statistics,
            ..KMeansModel::default()
        }))
    },
};

impl KMeansModel {
    /// Returns the centres, by cluster.
    pub(super) fn centres(&self) -> Vec<Vec<f64>> {
        self.centres.iter().map(|c| c.values.clone()).collect()
    }

    fn nearest(&self, params: &Params) -> Result<impl Fn(VectorRef<'_>) -> Result<i32> + Send + Sync + 'static> {
        let (distance, centres, size) = (Distance::of(params)?, self.centres(), self.size as usize);
        Ok(move |point: VectorRef<'_>| {
            summary::labels::same_size(size, point.size())?;
            distance.check(point)?;
            Ok(distance.nearest(&centres, point).0 as i32)
        })
    }
}

impl Fitted for KMeansModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let from = params.text("featuresCol")?;
        findings::predicted(analyzer, input, (id, params), &from, self.nearest(params)?)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        match (name, &self.statistics) {
            ("clusterWeights", Some(statistics)) => return Ok(Some(model::dense(&statistics.weights))),
            ("clusterCenters", Some(_)) => {
                let centres = self.centres.iter().map(|c| Value::doubles(&c.values));
                return Ok(Some((Value::List(centres.collect()), Kind::DoublesList)));
            }
            _ => {}
        }
        let centres = self.centres.iter().map(|c| &c.values[..]);
        Ok(findings::of_centres(name, self.size, centres))
    }

    fn call(&self, params: &Params, method: &str, args: &[Value]) -> Result<Option<(Value, Kind)>> {
        let ("predict", [Value::Vector(features)]) = (method, args) else {
            return Ok(None);
        };
        let nearest = self.nearest(params)?(features.view())?;
        Ok(Some((Value::Int(nearest.into()), Kind::Int)))
    }

    fn finding(&self, params: &Params, name: &str, _: &[Value]) -> Result<Option<Finding>> {
        findings::of(params, name, self.steps as usize, &[("trainingCost", self.cost)])
    }

    fn summary_relation(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        of: (&str, &Params),
        method: &str,
        _: &[Argument<'_>],
    ) -> Result<Option<Resolved>> {
        findings::relation(self, analyzer, input, of, method)
    }

    fn describe(&self, params: &Params) -> Result<String> {
        Ok(format!(
            "k={}, distanceMeasure={}, numFeatures={}",
            self.centres.len(),
            params.text("distanceMeasure")?,
            self.size
        ))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        let numbers: Int32Array = (0..self.centres.len() as i32).collect();
        Ok(vec![
            Column::rows("clusterIdx", Arc::new(numbers), serde_json::json!("integer"), false),
            vector_rows("clusterCenter", &self.centres())?,
        ])
    }

    fn beside(&self) -> Option<(&'static str, Vec<u8>)> {
        let statistics = self.statistics.as_ref()?;
        Some((FOLDER, statistics.encode_to_vec()))
    }

    fn last_batch(&self) -> Option<i64> {
        self.statistics.as_ref()?.batch
    }
}
