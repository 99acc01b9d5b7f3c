//! `BisectingKMeansModel`: a tree of clusters.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array};
use prost::Message;
use serde_json::{Value as Json, json};

use crate::error::{Result, SparkError};
use crate::ml::clustering::distance::Distance;
use crate::ml::clustering::findings;
use crate::ml::columns::Reads;
use crate::ml::findings::Finding;
use crate::ml::literal::{Kind, Value};
use crate::ml::method::Method;
use crate::ml::model::{self, Fitted, ModelKind};
use crate::ml::optimize::norm;
use crate::ml::params::Params;
use crate::ml::persistence::data::{Column, Row, int_list_rows, mllib_vector_rows};
use crate::ml::relation::Argument;
use crate::ml::stage::Training;
use crate::ml::summary::labels::same_size;
use crate::ml::summary::sums::{self, Sums};
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector::{VectorColumn, VectorRef};

/// A cluster of the tree (`ClusteringTreeNode`).
#[derive(Clone, PartialEq, Message)]
pub struct Branch {
    /// Its number: from 0 on for clusters that are not divided, from -1 down for the others.
    #[prost(int32, tag = "1")]
    pub index: i32,
    /// How many rows it holds.
    #[prost(int64, tag = "2")]
    pub rows: i64,
    /// Its centre.
    #[prost(double, repeated, tag = "3")]
    pub centre: Vec<f64>,
    /// What its rows cost at the centre.
    #[prost(double, tag = "4")]
    pub cost: f64,
    /// How far the farthest child's centre is.
    #[prost(double, tag = "5")]
    pub height: f64,
    /// The numbers of the clusters that it is divided into.
    #[prost(int32, repeated, tag = "6")]
    pub children: Vec<i32>,
}

/// `BisectingKMeansModel`: the clusters, children before what they are parts of.
#[derive(Clone, PartialEq, Message)]
pub struct BisectingKMeansModel {
    /// The clusters; the last one holds all rows.
    #[prost(message, repeated, tag = "1")]
    pub branches: Vec<Branch>,
    /// How many features vectors have.
    #[prost(uint64, tag = "2")]
    pub size: u64,
}

/// Where Spark saves what `mllib` knows of the tree.
const FACTS: &str = "data/metadata";
/// Where Spark saves the clusters.
const CLUSTERS: &str = "data/data";

/// How the model is named, decoded and loaded.
pub(super) static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.clustering.BisectingKMeansModel"),
    tag: 81,
    decode: model::decoded::<BisectingKMeansModel>,
    read,
};

fn read(row: &Row<'_>) -> Result<Arc<dyn Fitted>> {
    let facts = row
        .beside(FACTS)?
        .ok_or_else(|| row.corrupt("it lacks data/metadata"))?;
    let facts: Json = serde_json::from_slice(&facts).map_err(|_| row.corrupt("data/metadata is not JSON"))?;
    let root = facts.get("rootId").and_then(Json::as_i64);
    let root = root.ok_or_else(|| row.corrupt("data/metadata has no rootId"))?;
    let rows = row.each_of(CLUSTERS)?;
    let branch = |row: &Row<'_>| -> Result<(i64, Branch)> {
        let index = row.int("index")?;
        let branch = Branch {
            index,
            rows: row.long("size")?,
            centre: row.vector("center")?,
            cost: row.double("cost")?,
            height: row.double("height")?,
            children: row.ints("children")?,
        };
        Ok((index.into(), branch))
    };
    let mut found: BTreeMap<i64, Branch> = rows.iter().map(branch).collect::<Result<_>>()?;
    // Goes down from the root to each cluster once; one that is missing or met again is an error.
    let (mut branches, mut open) = (vec![], vec![root]);
    while let Some(index) = open.pop() {
        let branch = found.remove(&index);
        let branch = branch.ok_or_else(|| row.corrupt("the clusters are not a tree"))?;
        open.extend(branch.children.iter().map(|c| i64::from(*c)));
        branches.push(branch);
    }
    branches.reverse();
    let size = branches.last().map_or(0, |b| b.centre.len());
    if branches.iter().any(|b| b.centre.len() != size) {
        return Err(row.corrupt("the centres of clusters differ in their features"));
    }
    Ok(Arc::new(BisectingKMeansModel {
        branches,
        size: size as u64,
    }))
}

/// A cluster of a tree that is ready to predict.
#[derive(Debug)]
struct Node {
    index: i32,
    centre: Vec<f64>,
    /// Where the clusters are that it is divided into.
    children: Vec<usize>,
}

/// The tree, made ready to predict; its root is the last one.
#[derive(Debug)]
struct Ready {
    distance: Distance,
    nodes: Vec<Node>,
    size: usize,
}

impl Ready {
    /// Returns the number of the cluster that a vector comes to, and what the vector costs there.
    fn leaf(&self, point: VectorRef<'_>) -> Result<(i32, f64)> {
        same_size(self.size, point.size())?;
        self.distance.check(point)?;
        let cost = |at: usize| (at, self.distance.cost(&self.nodes[at].centre, point));
        let mut nearest = cost(self.nodes.len() - 1);
        loop {
            let below = self.nodes[nearest.0].children.iter().map(|at| cost(*at));
            match below.reduce(|a, b| if b.1 < a.1 { b } else { a }) {
                Some(child) => nearest = child,
                None => return Ok((self.nodes[nearest.0].index, nearest.1)),
            }
        }
    }
}

impl BisectingKMeansModel {
    /// Returns the tree, ready to predict.
    ///
    /// # Errors
    /// If a param is of another type; `INTERNAL_ERROR` if the clusters are not a tree.
    fn ready(&self, params: &Params) -> Result<Ready> {
        let broken = || SparkError::internal("the clusters of a model are not a tree");
        let mut places = BTreeMap::new();
        let mut nodes: Vec<Node> = vec![];
        for (at, branch) in self.branches.iter().enumerate() {
            // Children come first.
            let children = branch.children.iter().map(|c| places.get(c).copied());
            nodes.push(Node {
                index: branch.index,
                centre: branch.centre.clone(),
                children: children.collect::<Option<_>>().ok_or_else(broken)?,
            });
            places.insert(branch.index, at);
        }
        if nodes.is_empty() {
            return Err(broken());
        }
        Ok(Ready {
            distance: Distance::of(params)?,
            nodes,
            size: self.size as usize,
        })
    }

    /// Returns the clusters that are not divided, in the order of their numbers.
    fn leaves(&self) -> Vec<&Branch> {
        let mut leaves: Vec<&Branch> = self.branches.iter().filter(|b| b.children.is_empty()).collect();
        leaves.sort_by_key(|b| b.index);
        leaves
    }

    fn cost(&self) -> f64 {
        self.leaves().iter().map(|leaf| leaf.cost).sum()
    }
}

impl Fitted for BisectingKMeansModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let (from, ready) = (params.text("featuresCol")?, self.ready(params)?);
        findings::predicted(analyzer, input, (id, params), &from, move |v| Ok(ready.leaf(v)?.0))
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        let leaves = self.leaves();
        let centres = leaves.iter().map(|leaf| &leaf.centre[..]);
        Ok(findings::of_centres(name, self.size, centres))
    }

    fn call(&self, params: &Params, method: &str, args: &[Value]) -> Result<Option<(Value, Kind)>> {
        let ("predict", [Value::Vector(features)]) = (method, args) else {
            return Ok(None);
        };
        let (leaf, _) = self.ready(params)?.leaf(features.view())?;
        Ok(Some((Value::Int(leaf.into()), Kind::Int)))
    }

    fn over(&self, params: &Params, method: &str, args: &[Value]) -> Result<Option<Method>> {
        if (method, args) != ("computeCost", &[]) {
            return Ok(None);
        }
        let ready = Arc::new(self.ready(params)?);
        let columns = vec![(params.text("featuresCol")?, Reads::Vectors)];
        let training = Training::new(columns, move || {
            let ready = ready.clone();
            let add = move |columns: &[ArrayRef], sums: &mut [f64]| {
                let vectors = VectorColumn::new(&columns[0])?;
                for point in (0..vectors.len()).filter_map(|row| vectors.get(row)) {
                    sums[0] += ready.leaf(point)?.1;
                }
                Ok(())
            };
            Box::new(Sums::new(1, Arc::new(add)))
        });
        let read = |state: &[u8], _| {
            let sums: sums::State = training::state(state)?;
            Ok((Value::Double(sums.sums.iter().sum()), Kind::Double))
        };
        Ok(Some(Method {
            training,
            read: Box::new(read),
            numbers_rows: false,
        }))
    }

    fn finding(&self, params: &Params, name: &str, _: &[Value]) -> Result<Option<Finding>> {
        let steps = params.count("maxIter")?;
        findings::of(params, name, steps, &[("trainingCost", self.cost())])
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
        let measure = params.text("distanceMeasure")?;
        let (k, size) = (self.leaves().len(), self.size);
        Ok(format!("k={k}, distanceMeasure={measure}, numFeatures={size}"))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![])
    }

    fn tables(&self, _: &Params, _: i64) -> Result<Vec<(&'static str, Vec<Column>)>> {
        let all = &self.branches;
        let doubles = |name, of: &dyn Fn(&Branch) -> f64| {
            let values: Float64Array = all.iter().map(|b| Some(of(b))).collect();
            Column::rows(name, Arc::new(values), json!("double"), false)
        };
        let indices: Int32Array = all.iter().map(|b| Some(b.index)).collect();
        let sizes: Int64Array = all.iter().map(|b| Some(b.rows)).collect();
        let centres: Vec<Vec<f64>> = all.iter().map(|b| b.centre.clone()).collect();
        let children: Vec<&[i32]> = all.iter().map(|b| &b.children[..]).collect();
        Ok(vec![(
            CLUSTERS,
            vec![
                Column::rows("index", Arc::new(indices), json!("integer"), false),
                Column::rows("size", Arc::new(sizes), json!("long"), false),
                mllib_vector_rows("center", &centres)?,
                doubles("norm", &|b| norm(&b.centre)),
                doubles("cost", &|b| b.cost),
                doubles("height", &|b| b.height),
                int_list_rows("children", &children)?,
            ],
        )])
    }

    fn notes(&self, params: &Params) -> Result<Vec<(&'static str, Json)>> {
        let facts = json!({
            "class": "org.apache.spark.mllib.clustering.BisectingKMeansModel",
            "version": "3.0",
            "rootId": self.branches.last().map_or(0, |b| b.index),
            "distanceMeasure": params.text("distanceMeasure")?,
            "trainingCost": self.cost(),
        });
        Ok(vec![(FACTS, facts)])
    }
}
