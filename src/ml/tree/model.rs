//! Models of one tree or many: what they predict, what clients ask of them.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use prost::Message;

use super::impurity::Impurity;
use super::{Tree, debug, importances, losses, stored};
use crate::error::Result;
use crate::ml::classification::findings;
use crate::ml::classification::scores::{self, Predictions, Scores};
use crate::ml::columns::Body;
use crate::ml::findings::Finding;
use crate::ml::literal::{Kind, Value};
use crate::ml::method::Method;
use crate::ml::model::{self, Decoded, Fitted, Model, ModelKind};
use crate::ml::params::Params;
use crate::ml::persistence::data::{Column, Row};
use crate::ml::summary::labels::{Allowed, MOST_CLASSES};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::text::double;
use crate::values::vector::{self, Vector, VectorRef};

/// Which model trees make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// One tree of classes.
    DecisionTreeClassification,
    /// One tree of numbers.
    DecisionTreeRegression,
    /// Trees that vote.
    RandomForestClassification,
    /// The mean of trees.
    RandomForestRegression,
    /// A sum of trees, whose sign is the class.
    GbtClassification,
    /// A sum of trees.
    GbtRegression,
}

use Which::{
    DecisionTreeClassification, DecisionTreeRegression, GbtClassification, GbtRegression, RandomForestClassification,
    RandomForestRegression,
};

impl Which {
    const ALL: [Self; 6] = [
        DecisionTreeClassification,
        DecisionTreeRegression,
        RandomForestClassification,
        RandomForestRegression,
        GbtClassification,
        GbtRegression,
    ];

    /// Returns the kind of model.
    pub fn kind(self) -> &'static ModelKind {
        &KINDS[self as usize]
    }

    /// Returns which labels it is trained on.
    pub fn labels(self) -> Allowed {
        match self {
            GbtClassification => Allowed::Classes(2),
            which if which.is_classification() => Allowed::Classes(MOST_CLASSES),
            _ => Allowed::Numbers,
        }
    }

    /// Returns whether there is one tree and no more.
    pub fn is_single(self) -> bool {
        matches!(self, DecisionTreeClassification | DecisionTreeRegression)
    }

    /// Returns whether a class is predicted.
    pub fn is_classification(self) -> bool {
        matches!(
            self,
            DecisionTreeClassification | RandomForestClassification | GbtClassification
        )
    }

    /// Returns which model one of its trees is.
    pub fn of_tree(self) -> Self {
        match self {
            DecisionTreeClassification | RandomForestClassification => DecisionTreeClassification,
            _ => DecisionTreeRegression,
        }
    }
}

/// Returns a kind of model.
const fn kind(class: &'static str, tag: u32, read: fn(&Row<'_>) -> Result<Arc<dyn Fitted>>) -> ModelKind {
    ModelKind {
        class: Some(class),
        tag,
        decode,
        read,
    }
}

fn decode(bytes: &[u8]) -> Decoded {
    Ok(Arc::new(Forest::decode(bytes)?))
}

/// The kinds, in the order of [`Which::ALL`].
static KINDS: [ModelKind; 6] = [
    kind(
        "org.apache.spark.ml.classification.DecisionTreeClassificationModel",
        31,
        |row| stored::read(row, DecisionTreeClassification),
    ),
    kind(
        "org.apache.spark.ml.regression.DecisionTreeRegressionModel",
        32,
        |row| stored::read(row, DecisionTreeRegression),
    ),
    kind(
        "org.apache.spark.ml.classification.RandomForestClassificationModel",
        33,
        |row| stored::read(row, RandomForestClassification),
    ),
    kind(
        "org.apache.spark.ml.regression.RandomForestRegressionModel",
        34,
        |row| stored::read(row, RandomForestRegression),
    ),
    kind("org.apache.spark.ml.classification.GBTClassificationModel", 35, |row| {
        stored::read(row, GbtClassification)
    }),
    kind("org.apache.spark.ml.regression.GBTRegressionModel", 36, |row| {
        stored::read(row, GbtRegression)
    }),
];

/// A model of trees.
#[derive(Clone, PartialEq, Message)]
pub struct Forest {
    /// The trees.
    #[prost(message, repeated, tag = "1")]
    pub trees: Vec<Tree>,
    /// What each tree's prediction is multiplied with.
    #[prost(double, repeated, tag = "2")]
    pub weights: Vec<f64>,
    /// How many features vectors have.
    #[prost(uint64, tag = "3")]
    pub features: u64,
    /// How many classes there are; 0 for numbers.
    #[prost(uint64, tag = "4")]
    pub classes: u64,
    /// The place of its kind in [`Which::ALL`].
    #[prost(uint32, tag = "5")]
    pub which: u32,
}

impl Forest {
    /// Returns which model it is.
    pub fn which(&self) -> Which {
        Which::ALL
            .get(self.which as usize)
            .copied()
            .unwrap_or(DecisionTreeClassification)
    }

    /// Returns the number that trees make of a vector: of one, their mean, or their weighted sum.
    pub fn number(&self, features: VectorRef<'_>) -> f64 {
        let of = |tree: &Tree| tree.nodes[tree.leaf(features)].prediction;
        match self.which() {
            RandomForestRegression => self.trees.iter().map(of).sum::<f64>() / self.trees.len() as f64,
            GbtClassification | GbtRegression => {
                let weighted = self
                    .trees
                    .iter()
                    .zip(&self.weights)
                    .map(|(tree, weight)| weight * of(tree));
                weighted.sum()
            }
            _ => self.trees.first().map_or(0.0, of),
        }
    }

    /// Returns the leaves that a vector comes to, numbered from left to right.
    fn leaves(&self, numbers: &[Vec<f64>], features: VectorRef<'_>) -> Vec<f64> {
        let trees = self.trees.iter().zip(numbers);
        trees.map(|(tree, numbers)| numbers[tree.leaf(features)]).collect()
    }

    fn leaf_numbers(&self) -> Vec<Vec<f64>> {
        self.trees.iter().map(Tree::leaf_numbers).collect()
    }

    fn importances(&self, params: &Params) -> Result<Value> {
        let impurity = match self.which().of_tree() {
            DecisionTreeRegression => Impurity::Variance,
            _ => Impurity::of(params)?,
        };
        let alike = !matches!(self.which(), GbtClassification | GbtRegression);
        let all = importances(&self.trees, self.features as usize, alike, |n| impurity.count(&n.stats));
        let stored = all.iter().enumerate().filter(|(_, v)| **v != 0.0);
        let (indices, values) = stored.map(|(i, v)| (i as i32, *v)).unzip();
        Ok(Value::Vector(Vector::sparse(all.len(), indices, values)?))
    }

    /// Appends the column of leaves, if it has a name.
    fn with_leaves(&self, analyzer: &mut Analyzer, input: Resolved, (id, params): (&str, &Params)) -> Result<Resolved> {
        let Some(to) = params.column("leafCol") else {
            return Ok(input);
        };
        let read = analyzer.vectors(&input, &params.text("featuresCol")?)?;
        let (own, numbers) = (self.clone(), self.leaf_numbers());
        let (to_type, body): (DataType, Body) = if self.which().is_single() {
            (
                DataType::Float64,
                Box::new(move |args, _| {
                    let leaf = |_, v: VectorRef<'_>| Ok(own.leaves(&numbers, v)[0]);
                    Ok(vector::map_to_double(&args[0], leaf)?)
                }),
            )
        } else {
            (
                vector::data_type(),
                Box::new(move |args, _| {
                    let leaves = |_, v: VectorRef<'_>| Ok(Vector::Dense(own.leaves(&numbers, v)));
                    Ok(vector::map(&args[0], leaves)?)
                }),
            )
        };
        let options = format!("leaves {id} {}", params.fingerprint());
        analyzer.append(input, params, &options, &to, to_type, vec![read], body)
    }

    /// Appends the column of numbers, and that of variances, if they have names.
    fn with_numbers(
        &self,
        analyzer: &mut Analyzer,
        mut input: Resolved,
        (id, params): (&str, &Params),
    ) -> Result<Resolved> {
        let columns = [("predictionCol", false), ("varianceCol", true)];
        for (name, is_variance) in columns {
            if params.operator.param(name).is_none() {
                continue;
            }
            let Some(to) = params.column(name) else { continue };
            let read = analyzer.vectors(&input, &params.text("featuresCol")?)?;
            let own = self.clone();
            let body: Body = Box::new(move |args, _| -> datafusion_common::Result<ArrayRef> {
                let number = |_, v: VectorRef<'_>| {
                    Ok(if is_variance {
                        own.trees[0].nodes[own.trees[0].leaf(v)].impurity
                    } else {
                        own.number(v)
                    })
                };
                Ok(vector::map_to_double(&args[0], number)?)
            });
            let options = format!("{name} {id} {}", params.fingerprint());
            input = analyzer.append(input, params, &options, &to, DataType::Float64, vec![read], body)?;
        }
        Ok(input)
    }
}

impl Fitted for Forest {
    fn kind(&self) -> &'static ModelKind {
        self.which().kind()
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let input = if self.which().is_classification() {
            let predictions = Predictions {
                id,
                params,
                scores: Arc::new(Votes::new(self, params)?),
                text: None,
            };
            predictions.plan(analyzer, input)?
        } else {
            self.with_numbers(analyzer, input, (id, params))?
        };
        self.with_leaves(analyzer, input, (id, params))
    }

    fn attribute(&self, params: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        let nodes = || self.trees.iter().map(|t| t.nodes.len() as i64).sum::<i64>();
        let (which, own) = (self.which(), |value: i64| Some((Value::Int(value), Kind::Int)));
        Ok(match name {
            "numFeatures" => own(self.features as i64),
            "numClasses" if which.is_classification() => own(self.classes as i64),
            "featureImportances" => Some((self.importances(params)?, Kind::Vector)),
            "numNodes" if which.is_single() => own(nodes()),
            "depth" if which.is_single() => own(self.trees.first().map_or(0, Tree::depth) as i64),
            "totalNumNodes" if !which.is_single() => own(nodes()),
            "getNumTrees" if !which.is_single() => own(self.trees.len() as i64),
            "treeWeights" if !which.is_single() => Some((Value::doubles(&self.weights), Kind::Doubles)),
            "toDebugString" => Some((Value::Text(self.to_debug_string(params)?), Kind::Text)),
            _ => None,
        })
    }

    fn call(&self, params: &Params, method: &str, args: &[Value]) -> Result<Option<(Value, Kind)>> {
        let [Value::Vector(features)] = args else {
            return Ok(None);
        };
        match method {
            "predictLeaf" => {
                let leaves = self.leaves(&self.leaf_numbers(), features.view());
                Ok(Some(match leaves[..] {
                    [leaf] if self.which().is_single() => (Value::Double(leaf), Kind::Double),
                    _ => model::dense(&leaves),
                }))
            }
            "predict" if !self.which().is_classification() => {
                Ok(Some((Value::Double(self.number(features.view())), Kind::Double)))
            }
            method if self.which().is_classification() => {
                let votes: &dyn Scores = &Votes::new(self, params)?;
                votes.call(method, args)
            }
            _ => Ok(None),
        }
    }

    fn over(&self, params: &Params, method: &str, args: &[Value]) -> Result<Option<Method>> {
        if method != "evaluateEachIteration" {
            return Ok(None);
        }
        losses::each(self, params, args)
    }

    fn finding(&self, params: &Params, name: &str, args: &[Value]) -> Result<Option<Finding>> {
        if self.which() != RandomForestClassification {
            return Ok(None);
        }
        findings::of(params, name, args, self.score_column(params)?.as_deref())
    }

    fn score_column(&self, params: &Params) -> Result<Option<String>> {
        let is_of_two = self.which() == RandomForestClassification && self.classes <= 2;
        is_of_two.then(|| params.text("probabilityCol")).transpose()
    }

    fn parts(&self, params: &Params) -> Vec<Model> {
        if self.which().is_single() {
            return vec![];
        }
        let which = self.which().of_tree();
        let class = which.kind().class.unwrap_or_default();
        let part = |tree: &Tree| Model {
            class: class.to_owned(),
            uid: params.uid.clone(),
            params: None,
            fitted: Arc::new(Self {
                trees: vec![tree.clone()],
                weights: vec![1.0],
                which: which as u32,
                ..self.clone()
            }),
            history: vec![],
            dataset: None,
        };
        self.trees.iter().map(part).collect()
    }

    fn describe(&self, _: &Params) -> Result<String> {
        let (which, trees) = (self.which(), self.trees.len());
        let classes = if which.is_classification() {
            format!("numClasses={}, ", self.classes)
        } else {
            String::new()
        };
        Ok(if let ([tree], true) = (&self.trees[..], which.is_single()) {
            let (depth, nodes) = (tree.depth(), tree.nodes.len());
            format!(
                "depth={depth}, numNodes={nodes}, {classes}numFeatures={}",
                self.features
            )
        } else {
            format!("numTrees={trees}, {classes}numFeatures={}", self.features)
        })
    }

    fn columns(&self) -> Result<Vec<Column>> {
        stored::columns(self)
    }

    fn tables(&self, params: &Params, now_ms: i64) -> Result<Vec<(&'static str, Vec<Column>)>> {
        stored::tables(self, params, now_ms)
    }

    fn facts(&self) -> Vec<(&'static str, serde_json::Value)> {
        let mut facts = vec![("numFeatures", self.features.into())];
        if self.which().is_classification() && self.which() != GbtClassification {
            facts.push(("numClasses", self.classes.into()));
        }
        if !self.which().is_single() {
            facts.push(("numTrees", self.trees.len().into()));
        }
        facts
    }
}

impl Forest {
    /// Returns how `toString` says what the uid is: Spark's boosted trees have spaces there.
    fn uid_is(&self) -> &'static str {
        if self.which() == GbtClassification {
            "uid = "
        } else {
            "uid="
        }
    }

    fn to_debug_string(&self, params: &Params) -> Result<String> {
        let class = self.kind().class.unwrap_or_default();
        let short = class.rsplit('.').next().unwrap_or_default();
        let mut out = format!("{short}: {}{}, {}\n", self.uid_is(), params.uid, self.describe(params)?);
        for (i, (tree, weight)) in self.trees.iter().zip(&self.weights).enumerate() {
            if self.which().is_single() {
                out.push_str(&debug::lines(tree, 2));
            } else {
                out.push_str(&format!("  Tree {i} (weight {}):\n", double(*weight)));
                out.push_str(&debug::lines(tree, 4));
            }
        }
        Ok(out)
    }
}

/// Trees that vote for classes.
#[derive(Debug)]
struct Votes {
    forest: Forest,
    thresholds: Option<Vec<f64>>,
}

impl Votes {
    fn new(forest: &Forest, params: &Params) -> Result<Self> {
        Ok(Self {
            forest: forest.clone(),
            thresholds: scores::thresholds(params, forest.classes as usize)?,
        })
    }
}

impl Scores for Votes {
    fn raw(&self, features: VectorRef<'_>, out: &mut Vec<f64>) -> std::result::Result<(), String> {
        out.clear();
        let forest = &self.forest;
        match forest.which() {
            GbtClassification => {
                let sum = forest.number(features);
                out.extend([-sum, sum]);
            }
            DecisionTreeClassification => out.extend(forest.trees.iter().flat_map(|tree| tree.stats(features))),
            _ => {
                out.resize(forest.classes as usize, 0.0);
                for tree in &forest.trees {
                    let stats = tree.stats(features);
                    let total: f64 = stats.iter().sum();
                    if total != 0.0 {
                        out.iter_mut().zip(stats).for_each(|(vote, s)| *vote += s / total);
                    }
                }
            }
        }
        Ok(())
    }

    fn probability(&self, raw: &[f64]) -> Option<Vec<f64>> {
        if self.forest.which() == GbtClassification {
            let first = 1.0 / (1.0 + (-2.0 * raw[0]).exp());
            return Some(vec![first, 1.0 - first]);
        }
        let total: f64 = raw.iter().sum();
        if total == 0.0 {
            return Some(raw.to_vec());
        }
        Some(raw.iter().map(|r| r / total).collect())
    }

    fn of_raw(&self, raw: &[f64]) -> f64 {
        match &self.thresholds {
            None if self.forest.which() == GbtClassification => f64::from(raw[1] > 0.0),
            None => scores::decided(raw, None),
            Some(_) => self.of_probability(&self.probability(raw).unwrap_or_default()),
        }
    }

    fn of_probability(&self, probability: &[f64]) -> f64 {
        scores::decided(probability, self.thresholds.as_deref())
    }
}
