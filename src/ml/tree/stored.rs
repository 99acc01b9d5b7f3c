//! Trees in Spark's directories (`DecisionTreeModelReadWrite`): a row per node, and for many trees a row per tree beside.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, ListArray, StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int32Type, Int64Type};
use serde_json::{Value as Json, json};

use super::model::{Forest, Which};
use super::{Node, Tree};
use crate::error::Result;
use crate::ml::model::Fitted;
use crate::ml::params::Params;
use crate::ml::persistence;
use crate::ml::persistence::data::{Column, Row};

fn field(name: &str, data_type: DataType, nullable: bool) -> FieldRef {
    Arc::new(Field::new(name, data_type, nullable))
}

/// Returns lists of doubles, one per row.
fn lists<'a>(rows: impl Iterator<Item = &'a [f64]> + Clone) -> Result<ArrayRef> {
    let values: Float64Array = rows.clone().flatten().copied().collect();
    let offsets = OffsetBuffer::from_lengths(rows.map(<[f64]>::len));
    let item = field("element", DataType::Float64, false);
    Ok(Arc::new(ListArray::try_new(item, offsets, Arc::new(values), None)?))
}

fn fields_type(fields: &[(&str, Json, bool)]) -> Json {
    let fields = fields
        .iter()
        .map(|(name, spark, nullable)| json!({ "name": name, "type": spark, "nullable": nullable, "metadata": {} }));
    json!({ "type": "struct", "fields": fields.collect::<Vec<_>>() })
}

fn doubles_type() -> Json {
    json!({ "type": "array", "elementType": "double", "containsNull": false })
}

/// The columns of nodes: name, Spark's type, whether it may be null, values.
type Named = (&'static str, Json, bool, ArrayRef);

/// Returns the columns of nodes.
fn node_columns(trees: &[Tree]) -> Result<Vec<Named>> {
    let nodes = || trees.iter().flat_map(|t| &t.nodes);
    let int = |of: &dyn Fn(&Node) -> i32| -> ArrayRef { Arc::new(nodes().map(of).collect::<Int32Array>()) };
    let double = |of: &dyn Fn(&Node) -> f64| -> ArrayRef { Arc::new(nodes().map(of).collect::<Float64Array>()) };
    let child = |n: &Node, at: u32| if n.is_leaf() { -1 } else { at as i32 };
    let ids: Int32Array = trees.iter().flat_map(|t| 0..t.nodes.len() as i32).collect();
    let split = fields_type(&[
        ("featureIndex", json!("integer"), false),
        ("leftCategoriesOrThreshold", doubles_type(), true),
        ("numCategories", json!("integer"), false),
    ]);
    let left = lists(nodes().map(|n| &n.left_values[..]))?;
    let categories = |n: &Node| if n.categories == 0 { -1 } else { n.categories as i32 };
    let split_values = StructArray::from(vec![
        (
            field("featureIndex", DataType::Int32, false),
            int(&|n| child(n, n.feature)),
        ),
        (field("leftCategoriesOrThreshold", left.data_type().clone(), true), left),
        (field("numCategories", DataType::Int32, false), int(&categories)),
    ]);
    let rows: Int64Array = nodes().map(|n| n.raw_count).collect();
    Ok(vec![
        ("id", json!("integer"), false, Arc::new(ids)),
        ("prediction", json!("double"), false, double(&|n| n.prediction)),
        ("impurity", json!("double"), false, double(&|n| n.impurity)),
        (
            "impurityStats",
            doubles_type(),
            true,
            lists(nodes().map(|n| &n.stats[..]))?,
        ),
        ("rawCount", json!("long"), false, Arc::new(rows)),
        ("gain", json!("double"), false, double(&|n| n.gain)),
        ("leftChild", json!("integer"), false, int(&|n| child(n, n.left))),
        ("rightChild", json!("integer"), false, int(&|n| child(n, n.right))),
        ("split", split, true, Arc::new(split_values)),
    ])
}

/// Returns the columns of `data/`.
///
/// # Errors
/// If arrays do not fit each other.
pub fn columns(forest: &Forest) -> Result<Vec<Column>> {
    let nodes = node_columns(&forest.trees)?;
    if forest.which().is_single() {
        let columns = nodes.into_iter();
        return Ok(columns
            .map(|(name, spark, nullable, values)| Column::rows(name, values, spark, nullable))
            .collect());
    }
    let types: Vec<_> = nodes
        .iter()
        .map(|(name, spark, nullable, _)| (*name, spark.clone(), *nullable))
        .collect();
    let parts = nodes.into_iter().map(|(name, _, nullable, values)| {
        let of = field(name, values.data_type().clone(), nullable);
        (of, values)
    });
    let data = StructArray::from(parts.collect::<Vec<_>>());
    let trees = forest.trees.iter().enumerate();
    let ids: Int32Array = trees
        .flat_map(|(i, t)| std::iter::repeat_n(i as i32, t.nodes.len()))
        .collect();
    Ok(vec![
        Column::rows("treeID", Arc::new(ids), json!("integer"), false),
        Column::rows("nodeData", Arc::new(data), fields_type(&types), true),
    ])
}

/// Returns the folder of rows per tree; none for one tree.
///
/// # Errors
/// If a param is of another type.
pub fn tables(forest: &Forest, params: &Params, now_ms: i64) -> Result<Vec<(&'static str, Vec<Column>)>> {
    if forest.which().is_single() {
        return Ok(vec![]);
    }
    let parts = forest.parts(params);
    let metadata = parts.iter().enumerate().map(|(i, part)| {
        let params = part.params_with(None)?;
        let mut json = persistence::metadata(&part.class, &params, now_ms);
        json["uid"] = format!("{}_{i}", params.uid).into();
        Ok(json.to_string())
    });
    let metadata: StringArray = metadata.collect::<Result<Vec<_>>>()?.into();
    let ids: Int32Array = (0..forest.trees.len() as i32).collect();
    let weights = Float64Array::from(forest.weights.clone());
    Ok(vec![(
        "treesMetadata",
        vec![
            Column::rows("_1", Arc::new(ids), json!("integer"), false),
            Column::rows("_2", Arc::new(metadata), json!("string"), true),
            Column::rows("_3", Arc::new(weights), json!("double"), false),
        ],
    )])
}

/// The columns of nodes that are read.
struct Nodes<'a> {
    columns: Vec<(&'static str, &'a ArrayRef)>,
}

impl Nodes<'_> {
    fn of(&self, name: &str) -> Option<&ArrayRef> {
        self.columns.iter().find(|(n, _)| *n == name).map(|(_, column)| *column)
    }

    fn int(&self, name: &str, row: usize) -> Option<i32> {
        Some(self.of(name)?.as_primitive_opt::<Int32Type>()?.value(row))
    }

    fn double(&self, name: &str, row: usize) -> Option<f64> {
        Some(self.of(name)?.as_primitive_opt::<Float64Type>()?.value(row))
    }

    fn node(&self, row: usize) -> Option<(i32, Node)> {
        let list = |array: &ArrayRef| -> Option<Vec<f64>> {
            let list = array.as_list_opt::<i32>()?.value(row);
            Some(list.as_primitive_opt::<Float64Type>()?.values().to_vec())
        };
        let split = self.of("split")?.as_struct_opt()?;
        let part = |name: &str| split.column_by_name(name);
        let number = |name: &str| Some(part(name)?.as_primitive_opt::<Int32Type>()?.value(row));
        let stats = list(self.of("impurityStats")?)?;
        let raw_count = match self.of("rawCount") {
            Some(rows) => rows.as_primitive_opt::<Int64Type>()?.value(row),
            // Before Spark 3 only weights were kept.
            None => stats.iter().sum::<f64>() as i64,
        };
        let mut left_values = list(part("leftCategoriesOrThreshold")?)?;
        let categories = number("numCategories")?.max(0) as u32;
        if categories > 0 {
            let is_category = |v: &f64| v.fract() == 0.0 && (0.0..f64::from(categories)).contains(v);
            left_values.iter_mut().for_each(|v| *v += 0.0);
            left_values.sort_by(f64::total_cmp);
            left_values.iter().all(is_category).then_some(())?;
        }
        let node = Node {
            prediction: self.double("prediction", row)?,
            impurity: self.double("impurity", row)?,
            stats,
            raw_count,
            gain: self.double("gain", row)?,
            left: self.int("leftChild", row)?.max(0) as u32,
            right: self.int("rightChild", row)?.max(0) as u32,
            feature: number("featureIndex")?.max(0) as u32,
            left_values,
            categories,
        };
        Some((self.int("id", row)?, node))
    }
}

const NAMES: [&str; 9] = [
    "id",
    "prediction",
    "impurity",
    "impurityStats",
    "rawCount",
    "gain",
    "leftChild",
    "rightChild",
    "split",
];

/// Reads trees from `data/` and what belongs to it.
///
/// # Errors
/// `CORRUPT_MODEL` if rows are missing, or children are not nodes.
pub fn read(row: &Row<'_>, which: Which) -> Result<Arc<dyn Fitted>> {
    let broken = || row.corrupt("the nodes of trees cannot be read");
    let rows = row.rows();
    let (ids, data): (Vec<i32>, Option<&StructArray>) = if which.is_single() {
        (vec![0; rows.num_rows()], None)
    } else {
        let ids = rows
            .column_by_name("treeID")
            .and_then(|c| c.as_primitive_opt::<Int32Type>());
        let data = rows.column_by_name("nodeData").and_then(|c| c.as_struct_opt());
        (
            ids.ok_or_else(broken)?.values().to_vec(),
            Some(data.ok_or_else(broken)?),
        )
    };
    let column = |name: &'static str| match data {
        Some(data) => data.column_by_name(name).map(|c| (name, c)),
        None => rows.column_by_name(name).map(|c| (name, c)),
    };
    let nodes = Nodes {
        columns: NAMES.into_iter().filter_map(column).collect(),
    };
    let count = ids.iter().copied().max().map_or(0, |most| most.max(0) as usize + 1);
    if count > rows.num_rows() {
        return Err(broken());
    }
    let mut trees: Vec<Vec<(i32, Node)>> = vec![vec![]; count];
    for (i, tree) in ids.iter().enumerate() {
        let node = nodes.node(i).ok_or_else(broken)?;
        trees.get_mut(*tree as usize).ok_or_else(broken)?.push(node);
    }
    let trees: Vec<Tree> = trees
        .into_iter()
        .map(|nodes| whole(nodes).ok_or_else(broken))
        .collect::<Result<_>>()?;
    let fact = |name: &str| row.metadata().get(name).and_then(Json::as_u64);
    let weights = if which.is_single() {
        vec![1.0]
    } else {
        let of_trees = row.table("treesMetadata")?;
        let weights = of_trees
            .as_ref()
            .and_then(|t| t.column_by_name("_3").or_else(|| t.column_by_name("weights")));
        match weights.and_then(|w| w.as_primitive_opt::<Float64Type>()) {
            Some(weights) if weights.len() == trees.len() => weights.values().to_vec(),
            _ => return Err(row.corrupt("treesMetadata lacks the weights of trees")),
        }
    };
    let classes = match which {
        Which::GbtClassification => 2,
        which if which.is_classification() => fact("numClasses").ok_or_else(broken)?,
        _ => 0,
    };
    let features = fact("numFeatures").filter(|n| *n <= MOST_FEATURES).ok_or_else(broken)?;
    let is_of_classes = which.is_classification() && which != Which::GbtClassification;
    let fits = |node: &Node| {
        (node.is_leaf() || u64::from(node.feature) < features) && (!is_of_classes || node.stats.len() as u64 == classes)
    };
    if !trees.iter().flat_map(|t| &t.nodes).all(fits) {
        return Err(row.corrupt("the nodes of trees have other features or classes than the metadata says"));
    }
    Ok(Arc::new(Forest {
        trees,
        weights,
        features,
        classes,
        which: which as u32,
    }))
}

/// The most features that a saved model may say it has: their importances are kept in memory.
const MOST_FEATURES: u64 = 1 << 26;
/// The most decisions in a row of a saved tree: text of trees is written by recursion. Spark's trees have at most 30.
const MOST_DEPTH: u32 = 200;

/// Returns whether each node but the first is the child of one, and no way is too long; children come after their parents.
fn is_tree(nodes: &[(i32, Node)]) -> bool {
    let mut depths: Vec<Option<u32>> = vec![None; nodes.len()];
    if let Some(root) = depths.first_mut() {
        *root = Some(0);
    }
    for (i, (_, node)) in nodes.iter().enumerate() {
        let Some(depth) = depths[i].filter(|depth| *depth <= MOST_DEPTH) else {
            return false;
        };
        if node.is_leaf() {
            continue;
        }
        for child in [node.left, node.right] {
            match depths.get_mut(child as usize) {
                Some(place @ None) => *place = Some(depth + 1),
                _ => return false,
            }
        }
    }
    true
}

/// Returns the tree of nodes by their ids; `None` if it is not one, or a child does not come after its parent.
fn whole(mut nodes: Vec<(i32, Node)>) -> Option<Tree> {
    nodes.sort_by_key(|(id, _)| *id);
    let all = nodes.len();
    let is_right = nodes.iter().enumerate().all(|(i, (id, node))| {
        let child = |at: u32| (at as usize) > i && (at as usize) < all;
        let is_decision = !node.left_values.is_empty() || node.categories > 0;
        *id == i as i32 && (node.is_leaf() || child(node.left) && child(node.right) && is_decision)
    });
    (all > 0 && is_right && is_tree(&nodes)).then(|| Tree {
        nodes: nodes.into_iter().map(|(_, node)| node).collect(),
    })
}
