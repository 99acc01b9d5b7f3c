//! `MultilayerPerceptronClassifier` and its model: layers of neurons, the last of which are the classes.

mod blocks;
mod network;

use std::sync::Arc;

use prost::Message;

use self::blocks::{Asked, Blocks};
use self::network::Network;
use super::findings;
use super::scores::{self, Predictions, Scores};
use crate::error::{Result, SparkError};
use crate::ml::findings::Finding;
use crate::ml::learning::{Learning, Rounds, empty};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::optimize::descent::{self, Batches, Rule, descend};
use crate::ml::optimize::lbfgs::{self, minimize};
use crate::ml::optimize::{Evaluated, Objective, check_size};
use crate::ml::params::{
    Check, Default, FEATURES, LABEL, POSITIVE, PREDICTION, PROBABILITY, Param, Params, RAW_PREDICTION, SEED,
    THRESHOLDS, free, one_of, param, steps, tolerance,
};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary;
use crate::ml::summary::labels::Names;
use crate::ml::summary::loss::State;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector::VectorRef;

/// Trains networks of neurons by L-BFGS or gradient descent (`MultilayerPerceptronClassifier`).
///
/// An evaluation is one job over the kept columns; a task keeps a gradient of all weights twice. As in Spark, the error is the
/// mean over blocks of rows, so it depends a little on how rows are partitioned.
#[derive(Debug)]
pub struct MultilayerPerceptronClassifier;

/// Returns whether a value is a list of at least two sizes above 0.
fn are_layers(value: &Value) -> bool {
    let is_size = |v: &Value| matches!(v, Value::Int(size) if *size > 0);
    matches!(value, Value::List(sizes) if sizes.len() > 1 && sizes.iter().all(is_size))
}

impl Stage for MultilayerPerceptronClassifier {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.classification.MultilayerPerceptronClassifier"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            param("blockSize", Kind::Int, Default::Int(128), POSITIVE),
            FEATURES,
            free("initialWeights", Kind::Vector),
            LABEL,
            param("layers", Kind::Ints, Default::None, Check::With(are_layers)),
            steps(100),
            PREDICTION,
            PROBABILITY,
            RAW_PREDICTION,
            SEED,
            one_of("solver", "l-bfgs", &["gd", "l-bfgs"]),
            param("stepSize", Kind::Double, Default::Double(0.03), POSITIVE),
            THRESHOLDS,
            tolerance(1e-6),
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

/// Returns the network whose layers params name.
fn network(params: &Params) -> Result<Network> {
    Ok(Network::new(sizes(&params.ints("layers")?)))
}

fn sizes(layers: &[i64]) -> Vec<usize> {
    layers
        .iter()
        .map(|size| usize::try_from(*size).unwrap_or_default())
        .collect()
}

impl Learner for MultilayerPerceptronClassifier {
    fn columns(&self, params: &Params) -> Result<Columns> {
        network(params)?;
        Ok(Names::of(params)?.columns())
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let (names, network) = (Names::of(params)?, network(params)?);
        let size = params.count("blockSize")?;
        let asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        Ok(Box::new(move || {
            Box::new(Blocks::new(names.clone(), network.clone(), size, asked.clone()))
        }))
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(params, rounds))
    }
}

/// The mean error over blocks.
struct MeanError(Rounds);

impl Objective for MeanError {
    async fn at(&self, x: &[f64]) -> Result<Evaluated> {
        let asked = Asked { weights: x.to_vec() };
        let found: State = self.0.ask(&asked).await?;
        if found.weight == 0.0 {
            return Err(empty());
        }
        Ok(found.penalized(x, &vec![0.0; x.len()]))
    }
}

impl Batches for MeanError {
    async fn at(&self, x: &[f64], _: usize) -> Result<Option<Evaluated>> {
        Objective::at(self, x).await.map(Some)
    }
}

/// Trains a model.
async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let network = network(&params)?;
    check_size(network.weights())?;
    let start = if params.is_set("initialWeights") {
        params.vector("initialWeights")?.view().to_dense()
    } else {
        network.drawn(params.seed()?)
    };
    if start.len() != network.weights() {
        return Err(SparkError::requirement(format!(
            "the layers have {} weights, but initialWeights has {}",
            network.weights(),
            start.len()
        )));
    }
    let (max_iter, tolerance) = (params.count("maxIter")?, params.double("tol")?);
    let error = MeanError(rounds);
    let found = if params.text("solver")? == "gd" {
        let options = descent::Options {
            step_size: params.double("stepSize")?,
            max_iter,
            tolerance,
            penalty: 0.0,
        };
        descend(&error, start, &options, Rule::Plain).await?
    } else {
        let options = lbfgs::Options {
            max_iter,
            tolerance,
            penalty: vec![],
        };
        minimize(&error, start, &options).await?
    };
    let model = MultilayerPerceptronClassificationModel {
        weights: found.x,
        layers: params.ints("layers")?,
    };
    Ok(Model::new(&params, model).with_history(found.history))
}

/// `MultilayerPerceptronClassificationModel`: the weights of all layers.
#[derive(Clone, PartialEq, Message)]
pub struct MultilayerPerceptronClassificationModel {
    /// Layer after layer.
    #[prost(double, repeated, tag = "1")]
    pub weights: Vec<f64>,
    /// The sizes of the layers.
    #[prost(int64, repeated, tag = "2")]
    pub layers: Vec<i64>,
}

/// How the model is named, decoded and loaded; before Spark 3 the layers were among the data.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.classification.MultilayerPerceptronClassificationModel"),
    tag: 74,
    decode: model::decoded::<MultilayerPerceptronClassificationModel>,
    read: |row| {
        let layers: Vec<i64> = if row.has("layers") {
            row.ints("layers")?.into_iter().map(i64::from).collect()
        } else {
            let saved = row.metadata().pointer("/paramMap/layers");
            let saved = saved.and_then(|layers| layers.as_array()).map(Vec::as_slice);
            saved.unwrap_or_default().iter().filter_map(|v| v.as_i64()).collect()
        };
        let weights = row.vector("weights")?;
        let is_network = layers.len() > 1 && layers.iter().all(|size| (1..1 << 24).contains(size));
        if !is_network || Network::new(sizes(&layers)).weights() != weights.len() {
            return Err(row.corrupt("the weights are not those of the layers"));
        }
        Ok(Arc::new(MultilayerPerceptronClassificationModel { weights, layers }))
    },
};

impl MultilayerPerceptronClassificationModel {
    fn network(&self) -> Network {
        Network::new(sizes(&self.layers))
    }

    fn predictor(&self, params: &Params) -> Result<Predictor> {
        let network = self.network();
        Ok(Predictor {
            thresholds: scores::thresholds(params, network.classes())?,
            weights: self.weights.clone(),
            network,
        })
    }
}

impl Fitted for MultilayerPerceptronClassificationModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let predictions = Predictions {
            id,
            params,
            scores: Arc::new(self.predictor(params)?),
            text: None,
        };
        predictions.plan(analyzer, input)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        let network = self.network();
        Ok(match name {
            "weights" => Some(model::dense(&self.weights)),
            "numClasses" => Some((Value::Int(network.classes() as i64), Kind::Int)),
            "numFeatures" => Some((Value::Int(network.features() as i64), Kind::Int)),
            _ => None,
        })
    }

    fn call(&self, params: &Params, method: &str, args: &[Value]) -> Result<Option<(Value, Kind)>> {
        let predictor: &dyn Scores = &self.predictor(params)?;
        predictor.call(method, args)
    }

    fn finding(&self, params: &Params, name: &str, args: &[Value]) -> Result<Option<Finding>> {
        if name == "weightCol" {
            return Ok(Some(Finding::Known(Value::Text(String::new()), Kind::Text)));
        }
        findings::of(params, name, args, None)
    }

    fn describe(&self, _: &Params) -> Result<String> {
        let network = self.network();
        Ok(format!(
            "numLayers={}, numClasses={}, numFeatures={}",
            network.layers(),
            network.classes(),
            network.features()
        ))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![Column::vector("weights", &self.weights)?])
    }
}

/// A model made ready to predict.
#[derive(Debug)]
struct Predictor {
    network: Network,
    weights: Vec<f64>,
    thresholds: Option<Vec<f64>>,
}

impl Scores for Predictor {
    fn raw(&self, features: VectorRef<'_>, out: &mut Vec<f64>) -> std::result::Result<(), String> {
        let wanted = self.network.features();
        if features.size() != wanted {
            return Err(format!(
                "A & B Dimension mismatch! A.cols = {wanted}, B.rows = {}",
                features.size()
            ));
        }
        let mut outputs = vec![];
        self.network.forward(&self.weights, features, &mut outputs);
        *out = outputs.pop().unwrap_or_default();
        Ok(())
    }

    fn probability(&self, raw: &[f64]) -> Option<Vec<f64>> {
        Some(scores::softmax(raw))
    }

    fn of_raw(&self, raw: &[f64]) -> f64 {
        self.of_probability(&scores::softmax(raw))
    }

    fn of_probability(&self, probability: &[f64]) -> f64 {
        scores::decided(probability, self.thresholds.as_deref())
    }
}
