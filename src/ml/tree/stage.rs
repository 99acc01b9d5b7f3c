//! The six estimators of trees: params, and how each of them grows.

use prost::Message;

use super::bag::Sampling;
use super::binned::Bins;
use super::grow::{Ground, Order, features_per_node, ground, grow};
use super::impurity::Impurity;
use super::model::{Forest, Which};
use super::tally::{Asked, Loss, Tally, ValuesOf};
use super::validation::{self, Watch};
use crate::error::Result;
use crate::ml::columns::Reads;
use crate::ml::error::invalid_value;
use crate::ml::learning::{Learning, Rounds};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{Model, ModelKind};
use crate::ml::params::{
    Check, Default, FEATURES, LABEL, NON_NEGATIVE, PREDICTION, PROBABILITY, Param, Params, RAW_PREDICTION, SEED,
    THRESHOLDS, WEIGHT, flag, free, joined, named, one_of, param, steps,
};
use crate::ml::stage::{Columns, Learner, MakeSummary, Prepare, Role, Stage};
use crate::ml::summary;
use crate::ml::summary::labels::{LabelledMoments, Names};
use crate::values::text::double;

/// An estimator of trees.
#[derive(Debug)]
pub struct Trees {
    which: Which,
    class: &'static str,
    params: &'static [Param],
}

const CHECKPOINT: Param = param("checkpointInterval", Kind::Int, Default::Int(10), Check::AtLeast(-1.0));
const LEAVES: Param = named("leafCol", "");
const BINS: Param = param("maxBins", Kind::Int, Default::Int(32), Check::AtLeast(2.0));
const DEPTH: Param = param("maxDepth", Kind::Int, Default::Int(5), Check::Within(0.0, 30.0));
const MEMORY: Param = param("maxMemoryInMB", Kind::Int, Default::Int(256), NON_NEGATIVE);
const GAIN: Param = param("minInfoGain", Kind::Double, Default::Double(0.0), NON_NEGATIVE);
const ROWS: Param = param("minInstancesPerNode", Kind::Int, Default::Int(1), Check::AtLeast(1.0));
const SHARE: Param = param(
    "minWeightFractionPerNode",
    Kind::Double,
    Default::Double(0.0),
    Check::WithinBelow(0.0, 0.5),
);
const RATE: Param = param(
    "subsamplingRate",
    Kind::Double,
    Default::Double(1.0),
    Check::AboveWithin(0.0, 1.0),
);
const TREES: Param = param("numTrees", Kind::Int, Default::Int(20), Check::AtLeast(1.0));
const STEPS: Param = steps(20);
const STEP: Param = param(
    "stepSize",
    Kind::Double,
    Default::Double(0.1),
    Check::AboveWithin(0.0, 1.0),
);
const CLASS_IMPURITY: Param = one_of("impurity", "gini", &["gini", "entropy"]);
const VARIANCE: Param = one_of("impurity", "variance", &["variance"]);
const CACHE: Param = flag("cacheNodeIds", false);
const PRUNE: Param = flag("pruneTree", true);
const SOME_FEATURES: Param = strategy("auto");
const ALL_FEATURES: Param = strategy("all");
const VALIDATION: Param = free("validationIndicatorCol", Kind::Text);
const VALIDATION_TOL: Param = param("validationTol", Kind::Double, Default::Double(0.01), NON_NEGATIVE);

const fn strategy(default: &'static str) -> Param {
    const NAME: &str = "featureSubsetStrategy";
    let check = Check::With(|value| matches!(value, Value::Text(text) if features_per_node(text, 1, 2, true).is_ok()));
    param(NAME, Kind::Text, Default::Text(default), check)
}

/// What every estimator of trees has.
const TREE: &[Param] = &[
    CACHE, CHECKPOINT, FEATURES, LABEL, LEAVES, BINS, DEPTH, MEMORY, GAIN, ROWS, SHARE, PREDICTION, PRUNE, SEED, WEIGHT,
];
/// What classifiers have.
const CLASSES: &[Param] = &[PROBABILITY, RAW_PREDICTION, THRESHOLDS];
/// What forests have.
const BAGS: &[Param] = &[flag("bootstrap", true), SOME_FEATURES, TREES, RATE];
/// What boosting has.
const BOOSTING: &[Param] = &[ALL_FEATURES, VARIANCE, STEPS, STEP, RATE, VALIDATION, VALIDATION_TOL];

/// `DecisionTreeClassifier`: one tree; a task keeps the bins of the open nodes.
pub static DECISION_TREE_CLASSIFIER: Trees = Trees {
    which: Which::DecisionTreeClassification,
    class: "org.apache.spark.ml.classification.DecisionTreeClassifier",
    params: &const { joined::<19>(&[TREE, CLASSES, &[CLASS_IMPURITY]]) },
};

/// `DecisionTreeRegressor`.
pub static DECISION_TREE_REGRESSOR: Trees = Trees {
    which: Which::DecisionTreeRegression,
    class: "org.apache.spark.ml.regression.DecisionTreeRegressor",
    params: &const { joined::<17>(&[TREE, &[VARIANCE, free("varianceCol", Kind::Text)]]) },
};

/// `RandomForestClassifier`: many trees, each over rows that are drawn for it, and over some features at each node.
pub static RANDOM_FOREST_CLASSIFIER: Trees = Trees {
    which: Which::RandomForestClassification,
    class: "org.apache.spark.ml.classification.RandomForestClassifier",
    params: &const { joined::<23>(&[TREE, CLASSES, BAGS, &[CLASS_IMPURITY]]) },
};

/// `RandomForestRegressor`.
pub static RANDOM_FOREST_REGRESSOR: Trees = Trees {
    which: Which::RandomForestRegression,
    class: "org.apache.spark.ml.regression.RandomForestRegressor",
    params: &const { joined::<20>(&[TREE, BAGS, &[VARIANCE]]) },
};

/// `GBTClassifier`: trees one after the other, each fitted to what the ones before leave; two classes.
pub static GBT_CLASSIFIER: Trees = Trees {
    which: Which::GbtClassification,
    class: "org.apache.spark.ml.classification.GBTClassifier",
    params: &const {
        joined::<26>(&[
            TREE,
            CLASSES,
            BOOSTING,
            &[one_of("lossType", "logistic", &["logistic"])],
        ])
    },
};

/// `GBTRegressor`.
pub static GBT_REGRESSOR: Trees = Trees {
    which: Which::GbtRegression,
    class: "org.apache.spark.ml.regression.GBTRegressor",
    params: &const {
        joined::<23>(&[
            TREE,
            BOOSTING,
            &[one_of("lossType", "squared", &["squared", "absolute"])],
        ])
    },
};

impl Stage for Trees {
    fn class(&self) -> &'static str {
        self.class
    }

    fn params(&self) -> &'static [Param] {
        self.params
    }

    fn role(&self) -> Role<'_> {
        Role::Learner(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(self.which.kind())
    }
}

impl Trees {
    fn impurity(&self, params: &Params) -> Result<Impurity> {
        if self.which.of_tree() == Which::DecisionTreeRegression {
            return Ok(Impurity::Variance);
        }
        Impurity::of(params)
    }
}

impl Learner for Trees {
    fn columns(&self, params: &Params) -> Result<Columns> {
        let part = validation::column(params).map(|column| (column, Reads::Negated));
        Ok(Names::of(params)?.columns().into_iter().chain(part).collect())
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let (names, allowed) = (Names::of(params)?, self.which.labels());
        let asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        let impurity = self.impurity(params)?;
        let trains = asked.step < 3;
        let make: MakeSummary = match asked.step {
            3 => validation::losses(names, &asked),
            0 | 4 => Box::new(move || Box::new(LabelledMoments::new(names.clone(), allowed))),
            1 => Box::new(move || Box::new(ValuesOf::new(names.clone(), allowed, &asked))),
            _ => Box::new(move || Box::new(Tally::new(names.clone(), impurity, asked.clone()))),
        };
        Ok(match validation::column(params) {
            Some(_) => validation::part(make, trains),
            None => make,
        })
    }

    fn prepare(&self, _params: &Params, prepared: &[u8]) -> Result<Prepare> {
        let bins = Bins::decode(prepared).map_err(|e| summary::corrupt(&e))?;
        Ok(bins.prepare())
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(self.which, self.impurity(&params), params, rounds))
    }
}

/// Trains a model of trees.
async fn learn(which: Which, impurity: Result<Impurity>, params: Params, rounds: Rounds) -> Result<Model> {
    let ground = ground(&params, &rounds).await?;
    let classes = match which {
        Which::GbtClassification => 2,
        which if which.is_classification() => classes(&params, &rounds, &ground)?,
        _ => 0,
    };
    let features = ground.cuts.len();
    let order = Order {
        impurity: impurity?,
        classes,
        sampling: Sampling {
            trees: 1,
            rate: 1.0,
            replacement: false,
            seed: params.seed()?,
        },
        features,
        boosted: None,
    };
    let mut forest = Forest {
        features: features as u64,
        classes: classes as u64,
        which: which as u32,
        ..Forest::default()
    };
    match which {
        Which::DecisionTreeClassification | Which::DecisionTreeRegression => {
            forest.trees = grow(&params, &rounds, &ground, &order).await?;
            forest.weights = vec![1.0];
        }
        Which::RandomForestClassification | Which::RandomForestRegression => {
            let trees = params.count("numTrees")?;
            let strategy = params.text("featureSubsetStrategy")?;
            let order = Order {
                sampling: Sampling {
                    trees: trees as u32,
                    rate: params.double("subsamplingRate")?,
                    replacement: params.bool("bootstrap")?,
                    ..order.sampling
                },
                features: features_per_node(&strategy, features, trees, which.is_classification())?,
                ..order
            };
            forest.trees = grow(&params, &rounds, &ground, &order).await?;
            forest.weights = vec![1.0; forest.trees.len()];
        }
        Which::GbtClassification | Which::GbtRegression => boost(&params, &rounds, &ground, order, &mut forest).await?,
    }
    Ok(Model::new(&params, forest))
}

/// Returns how many classes there are: as many as the label's column says, else up to the largest label (`getNumClasses`).
///
/// # Errors
/// `USER_RAISED_EXCEPTION` if there is a label beyond those that the column says.
fn classes(params: &Params, rounds: &Rounds, ground: &Ground) -> Result<usize> {
    let found = ground.statistics.histogram().len();
    let Some(known) = rounds.known(1).categories.filter(|known| *known > 0) else {
        return Ok(found);
    };
    if known >= found {
        return Ok(known);
    }
    let range = match known {
        2 => "{0, 1}".to_owned(),
        _ => format!("[0, {known})"),
    };
    let message = format!("Labels MUST be in {range}, but got {}", double((found - 1) as f64));
    Err(invalid_value(message, &params.text("labelCol")?, 0))
}

/// Adds tree after tree, each fitted to what the ones before leave, as long as rows for validation are predicted better
/// (`GradientBoostedTrees.boost`).
async fn boost(params: &Params, rounds: &Rounds, ground: &Ground, order: Order, forest: &mut Forest) -> Result<()> {
    let loss = match params.text("lossType")?.as_str() {
        "absolute" => Loss::Absolute,
        "logistic" => Loss::Logistic,
        _ => Loss::Squared,
    };
    let (seed, step) = (params.seed()?, params.double("stepSize")?);
    let strategy = params.text("featureSubsetStrategy")?;
    let mut watch = Watch::new(params)?;
    for number in 0..params.count("maxIter")? {
        let order = Order {
            sampling: Sampling {
                rate: params.double("subsamplingRate")?,
                seed: seed.wrapping_add(number as i64),
                ..order.sampling.clone()
            },
            features: features_per_node(&strategy, ground.cuts.len(), 1, false)?,
            boosted: Some(ground.boosted(forest, loss)),
            ..order.clone()
        };
        forest.trees.extend(grow(params, rounds, ground, &order).await?);
        forest.weights.push(if number == 0 { 1.0 } else { step });
        if let Some(watch) = &mut watch
            && watch.ends(rounds, ground, ground.boosted(forest, loss)).await?
        {
            break;
        }
    }
    if let Some(watch) = watch {
        forest.trees.truncate(watch.best());
        forest.weights.truncate(watch.best());
    }
    Ok(())
}
