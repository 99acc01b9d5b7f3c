//! Growing: the open nodes of all trees, as many as memory allows at once, until none is left (`RandomForest.run`).

use super::bag::Sampling;
use super::binned::Bins;
use super::impurity::Impurity;
use super::model::Forest;
use super::tally::{AllValues, Asked, Boosted, Cut, Layout, Loss, Open, State};
use super::ways::{Ways, add, takes_any};
use super::{Node, Tree, splits, validation};
use crate::error::{Result, SparkError};
use crate::ml::attributes::Scale;
use crate::ml::error::illegal;
use crate::ml::learning::{Rounds, empty};
use crate::ml::params::Params;
use crate::ml::summary::{check_room, labels};
use crate::plan::functions::random::XorShift;
use crate::values::java_random::JavaRandom;

/// What is known of the rows before trees grow.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Moments of features and labels, and how the labels are distributed.
    pub statistics: labels::State,
    /// By feature.
    pub cuts: Vec<Cut>,
    /// The most bins that a feature of numbers may have (`maxPossibleBins`).
    pub most: usize,
}

impl Ground {
    /// Returns how features are put into bins.
    pub fn bins(&self) -> Bins {
        Bins {
            cuts: self.cuts.clone(),
        }
    }

    /// Returns a sum of trees that decide by bins.
    pub fn boosted(&self, forest: &Forest, loss: Loss) -> Boosted {
        Boosted {
            trees: forest.trees.iter().map(|tree| self.by_bins(tree)).collect(),
            weights: forest.weights.clone(),
            loss: loss as u32,
        }
    }

    /// Returns how many bins Spark counts of a feature, when it counts what the open nodes need.
    fn counted_bins(&self, feature: usize, order: &Order) -> usize {
        let cut = &self.cuts[feature];
        match cut.categories {
            1 => self.most,
            categories if takes_any(categories, order, self.most) => (1 << (categories - 1)) - 1,
            _ => cut.bins(),
        }
    }

    /// Returns a tree whose nodes decide by the numbers of bins.
    pub fn by_bins(&self, tree: &Tree) -> Tree {
        let mut tree = tree.clone();
        let decides = |node: &&mut Node| !node.is_leaf() && node.categories == 0;
        for node in tree.nodes.iter_mut().filter(decides) {
            let thresholds = &self.cuts[node.feature as usize].thresholds;
            let number = |value: &f64| thresholds.partition_point(|t| t < value) as f64;
            node.left_values = node.left_values.iter().map(number).collect();
        }
        tree
    }
}

/// Which trees are to be grown.
#[derive(Debug, Clone)]
pub struct Order {
    /// The measure.
    pub impurity: Impurity,
    /// How many classes there are; 0 for numbers.
    pub classes: usize,
    /// How rows are drawn.
    pub sampling: Sampling,
    /// How many features may decide at a node.
    pub features: usize,
    /// What the trees are fitted to, if not the labels.
    pub boosted: Option<Boosted>,
}

impl Order {
    /// Returns whether there are more than two classes.
    pub fn is_of_many_classes(&self) -> bool {
        self.impurity != Impurity::Variance && self.classes > 2
    }
}

/// How many numbers a tree takes at least while it grows, with what tasks know of it.
const NUMBERS_OF_TREE: usize = 64;

/// Looks at all rows: statistics first, then the thresholds of every feature.
///
/// # Errors
/// If there are no rows, or categories that are more than bins; what rows raise.
pub async fn ground(params: &Params, rounds: &Rounds) -> Result<Ground> {
    let statistics: labels::State = rounds.ask(&Asked::default()).await?;
    if validation::column(params).is_some() {
        validation::check(rounds, statistics.features.rows as usize).await?;
    } else if statistics.features.rows == 0 {
        return Err(empty());
    }
    if statistics.features.size() == 0 {
        return Err(SparkError::requirement(
            "DecisionTree requires number of features > 0, but was given an empty features vector",
        ));
    }
    let rows = statistics.features.rows as f64;
    let bins = params.double_of_count("maxBins")?.min(rows);
    let categories = categories(rounds, statistics.features.size(), bins)?;
    let share = ((bins * bins).max(10_000.0) / rows).min(1.0);
    let asked = Asked {
        step: 1,
        share,
        seed: i64::from(XorShift::new(params.seed()?).int()),
        ..Asked::default()
    };
    let values: AllValues = rounds.ask(&asked).await?;
    let expected = share * statistics.features.total_weight;
    let most = bins as usize;
    let cuts = categories.into_iter().enumerate().map(|(feature, categories)| Cut {
        thresholds: match (categories, values.features.get(feature)) {
            (0, Some(values)) => splits::thresholds(values, expected, most - 1),
            _ => vec![],
        },
        categories,
    });
    let cuts = cuts.collect();
    Ok(Ground { statistics, cuts, most })
}

/// Returns how many categories each of `size` features has, 0 for numbers (`MetadataUtils.getCategoricalFeatures`).
///
/// # Errors
/// If a feature has more categories than there may be bins, or an unknown number.
fn categories(rounds: &Rounds, size: usize, bins: f64) -> Result<Vec<u32>> {
    let Some(features) = rounds.known(0).features else {
        return Ok(vec![0; size]);
    };
    let of = |(feature, scale)| match scale {
        Scale::Numbers => Ok(0),
        Scale::Binary => Ok(2),
        Scale::Categories(Some(count)) => Ok(count),
        Scale::Categories(None) => Err(illegal(format!(
            "Feature {feature} is marked as Nominal (categorical), but it does not have the number of values specified."
        ))),
    };
    let counts = features.scales(size).into_iter().enumerate().map(of);
    let counts = counts.collect::<Result<Vec<u32>>>()?;
    let most = counts.iter().copied().max().unwrap_or_default();
    if f64::from(most) <= bins {
        return Ok(counts);
    }
    let feature = counts.iter().position(|count| *count == most).unwrap_or_default();
    Err(SparkError::requirement(format!(
        "DecisionTree requires maxBins (= {bins}) to be at least as large as the number of values in each categorical feature, but \
         categorical feature {feature} has {most} values. Consider removing this and other categorical features with a large number of \
         values, or add more training examples."
    )))
}

/// Returns how many features may decide at a node of `trees` (`featureSubsetStrategy`).
///
/// # Errors
/// If the strategy is not one.
pub fn features_per_node(strategy: &str, features: usize, trees: usize, is_classification: bool) -> Result<usize> {
    let all = features as f64;
    let strategy = strategy.to_lowercase();
    let some = match strategy.as_str() {
        "auto" if trees == 1 => all,
        "auto" if is_classification => all.sqrt().ceil(),
        "auto" | "onethird" => (all / 3.0).ceil(),
        "all" => all,
        "sqrt" => all.sqrt().ceil(),
        "log2" => (all.ln() / 2f64.ln()).ceil().max(1.0),
        given => match (given.parse::<i64>(), given.parse::<f64>()) {
            (Ok(count), _) if count > 0 => (count as f64).min(all),
            (Err(_), Ok(share)) if share > 0.0 && share <= 1.0 => (share * all).ceil(),
            _ => {
                return Err(illegal(format!(
                    "Supported values: auto, all, onethird, sqrt, log2, (0.0-1.0], [1-n], but got {strategy}."
                )));
            }
        },
    };
    Ok((some as usize).max(1))
}

/// A node while its tree grows.
struct Growing {
    node: Node,
    depth: usize,
}

/// Limits of growth.
struct Limits {
    depth: usize,
    rows: f64,
    weight: f64,
    gain: f64,
    bytes: f64,
}

/// A split that was looked at.
struct Split {
    gain: f64,
    feature: usize,
    left_values: Vec<f64>,
    left: Vec<f64>,
    right: Vec<f64>,
    raw: (f64, f64),
}

/// Grows trees.
///
/// # Errors
/// What rows raise; if params are of another type.
pub async fn grow(params: &Params, rounds: &Rounds, ground: &Ground, order: &Order) -> Result<Vec<Tree>> {
    let limits = Limits {
        depth: params.count("maxDepth")?,
        rows: params.double_of_count("minInstancesPerNode")?,
        weight: params.double("minWeightFractionPerNode")? * ground.statistics.features.total_weight,
        gain: params.double("minInfoGain")?,
        bytes: params.double_of_count("maxMemoryInMB")? * 1024.0 * 1024.0,
    };
    let mut random = JavaRandom::new(order.sampling.seed);
    let trees = order.sampling.trees as usize;
    check_room("A forest", trees.saturating_mul(NUMBERS_OF_TREE))?;
    let mut growing: Vec<Vec<Growing>> = (0..trees).map(|_| vec![fresh(vec![], 0, 0)]).collect();
    // The last one is the next one: children come before other trees.
    let mut stack: Vec<(usize, usize)> = (0..trees).map(|tree| (tree, 0)).collect();
    let subsamples = order.features < ground.cuts.len();
    let bins = ground.bins();
    while !stack.is_empty() {
        let (mut open, mut bytes) = (vec![], 0.0);
        while let Some((tree, node)) = stack.last().copied() {
            let features = if subsamples {
                reservoir(ground.cuts.len(), order.features, random.long())
            } else {
                vec![]
            };
            let count = |f: &u32| ground.counted_bins(*f as usize, order);
            let all = (0..ground.cuts.len() as u32).collect::<Vec<_>>();
            let wanted: usize = if features.is_empty() { &all } else { &features }
                .iter()
                .map(count)
                .sum();
            let numbers = wanted.saturating_mul(order.impurity.width(order.classes) + 1);
            check_room("The bins of a node", numbers)?;
            let own = (numbers * 8) as f64;
            if bytes > 0.0 && bytes + own > limits.bytes {
                break;
            }
            stack.pop();
            bytes += own;
            let (tree, node) = (tree as u32, node as u32);
            open.push(Open { tree, node, features });
        }
        let categories = growing.iter().flatten().map(|g| g.node.categories as usize);
        check_room("The categories of trees", categories.sum())?;
        // Nodes are looked at tree by tree.
        open.sort_by_key(|o| o.tree);
        let asked = Asked {
            step: 2,
            bins: bins.counts(),
            trees: growing.iter().map(|tree| ground.by_bins(&snapshot(tree))).collect(),
            open,
            sampling: Some(order.sampling.clone()),
            boosted: order.boosted.clone(),
            classes: order.classes as u32,
            ..Asked::default()
        };
        let State { bins: found } = rounds.ask_prepared(&bins, &asked).await?;
        let layout = Layout::new(&asked, order.impurity);
        for (open, features) in asked.open.iter().zip(&layout.nodes) {
            let (tree, place) = (open.tree as usize, open.node as usize);
            let split = best(&growing[tree][place], features, &layout, &found, order, ground, &limits);
            if let (0, None, Some((_, begin))) = (place, &split, features.first()) {
                // Nothing can be split: every feature has one bin, of all rows that the tree takes.
                let all = &found[*begin..begin + layout.width];
                let node = &mut growing[tree][0].node;
                (node.stats, node.raw_count) = (all[..layout.width - 1].to_vec(), all[layout.width - 1] as i64);
            }
            let children = divide(&mut growing[tree], place, split, order.impurity, ground, &limits);
            stack.extend(children.into_iter().map(|child| (tree, child)));
        }
    }
    let grown = growing.into_iter().map(|tree| {
        let mut nodes: Vec<Node> = tree.into_iter().map(|g| g.node).collect();
        for node in &mut nodes {
            node.prediction = order.impurity.predict(&node.stats);
            node.impurity = order.impurity.of_stats(&node.stats);
        }
        prune(&mut nodes);
        Tree { nodes }.in_order()
    });
    Ok(grown.collect())
}

/// Returns a leaf of such rows.
fn fresh(stats: Vec<f64>, raw_count: i64, depth: usize) -> Growing {
    let node = Node {
        stats,
        raw_count,
        gain: -1.0,
        ..Node::default()
    };
    Growing { node, depth }
}

/// Returns a tree as it is, for finding the open nodes.
fn snapshot(tree: &[Growing]) -> Tree {
    let bare = |g: &Growing| Node {
        left: g.node.left,
        right: g.node.right,
        feature: g.node.feature,
        left_values: g.node.left_values.clone(),
        categories: g.node.categories,
        ..Node::default()
    };
    Tree {
        nodes: tree.iter().map(bare).collect(),
    }
}

/// Draws `take` of the numbers below `all` (`SamplingUtils.reservoirSampleAndCount`).
fn reservoir(all: usize, take: usize, seed: i64) -> Vec<u32> {
    let mut taken: Vec<u32> = (0..take.min(all) as u32).collect();
    let mut random = XorShift::new(seed);
    for number in take..all {
        let place = (random.double() * (number + 1) as f64) as usize;
        if place < take {
            taken[place] = number as u32;
        }
    }
    taken
}

/// Returns the best split of a node; `None` if there is none. Of equal ones, the first is taken.
fn best(
    node: &Growing,
    features: &[(usize, usize)],
    layout: &Layout,
    bins: &[f64],
    order: &Order,
    ground: &Ground,
    limits: &Limits,
) -> Option<Split> {
    let (width, impurity) = (layout.width, order.impurity);
    let mut best: Option<Split> = None;
    // The parent's impurity is that of the first split that was looked at, at the root; else it is known.
    let mut own = (node.depth > 0).then(|| impurity.of_stats(&node.node.stats));
    for (feature, begin) in features {
        let cut = &ground.cuts[*feature];
        if cut.bins() < 2 {
            continue;
        }
        let bins: Vec<&[f64]> = bins[*begin..begin + cut.bins() * width].chunks(width).collect();
        let ways = Ways::of(&bins, cut.categories, order, ground.most);
        let (mut total, mut left) = (vec![0.0; width], vec![0.0; width]);
        ways.all().into_iter().for_each(|bin| add(&mut total, bins[bin]));
        for way in 0..ways.count() {
            ways.advance(way, &bins, &mut left);
            let right: Vec<f64> = total.iter().zip(&left).map(|(t, l)| t - l).collect();
            let mut split = look(&left, &right, &mut own, impurity, limits, *feature);
            if best.as_ref().is_none_or(|b| split.gain > b.gain) {
                split.left_values = ways.left_values(way, cut);
                best = Some(split);
            }
        }
    }
    best
}

/// Looks at one split; its gain is the least number if a child would be too small or the gain is.
fn look(
    left: &[f64],
    right: &[f64],
    own: &mut Option<f64>,
    impurity: Impurity,
    limits: &Limits,
    feature: usize,
) -> Split {
    let ((left, [left_rows]), (right, [right_rows])) = (
        (&left[..left.len() - 1], [left[left.len() - 1]]),
        (&right[..right.len() - 1], [right[right.len() - 1]]),
    );
    let whole = own.unwrap_or_else(|| {
        let both: Vec<f64> = left.iter().zip(right).map(|(l, r)| l + r).collect();
        impurity.of_stats(&both)
    });
    *own = Some(whole);
    let (left_weight, right_weight) = (impurity.count(left), impurity.count(right));
    let total = left_weight + right_weight;
    let too_small = left_rows < limits.rows
        || right_rows < limits.rows
        || left_weight < limits.weight
        || right_weight < limits.weight;
    let gain = whole - left_weight / total * impurity.of_stats(left) - right_weight / total * impurity.of_stats(right);
    Split {
        gain: if too_small || gain < limits.gain || gain.is_nan() {
            f64::MIN
        } else {
            gain
        },
        feature,
        left_values: vec![],
        left: left.to_vec(),
        right: right.to_vec(),
        raw: (left_rows, right_rows),
    }
}

/// Puts a split into a tree; returns the children that are open.
fn divide(
    tree: &mut Vec<Growing>,
    place: usize,
    split: Option<Split>,
    impurity: Impurity,
    ground: &Ground,
    limits: &Limits,
) -> Vec<usize> {
    let depth = tree[place].depth;
    let Some(split) = split else {
        return vec![];
    };
    if depth == 0 {
        let both = split.left.iter().zip(&split.right).map(|(l, r)| l + r);
        tree[place].node.stats = both.collect();
        tree[place].node.raw_count = (split.raw.0 + split.raw.1) as i64;
    }
    if split.gain <= 0.0 || depth >= limits.depth {
        return vec![];
    }
    let first = tree.len();
    let node = &mut tree[place].node;
    node.gain = split.gain;
    node.feature = split.feature as u32;
    node.left_values = split.left_values;
    node.categories = ground.cuts[split.feature].categories;
    (node.left, node.right) = (first as u32, first as u32 + 1);
    let is_open = |stats: &[f64]| depth + 1 < limits.depth && impurity.of_stats(stats).abs() >= f64::EPSILON;
    let open = [is_open(&split.left), is_open(&split.right)];
    tree.push(fresh(split.left, split.raw.0 as i64, depth + 1));
    tree.push(fresh(split.right, split.raw.1 as i64, depth + 1));
    (first..)
        .zip(open)
        .filter(|(_, open)| *open)
        .map(|(child, _)| child)
        .collect()
}

/// Makes one leaf of two with the same prediction.
fn prune(nodes: &mut [Node]) {
    for at in (0..nodes.len()).rev() {
        let (left, right) = (nodes[at].left as usize, nodes[at].right as usize);
        if left == 0 {
            continue;
        }
        let (l, r) = (&nodes[left], &nodes[right]);
        if l.is_leaf() && r.is_leaf() && l.prediction == r.prediction {
            let node = &mut nodes[at];
            (node.left, node.right, node.gain) = (0, 0, -1.0);
            node.left_values.clear();
            (node.feature, node.categories) = (0, 0);
        }
    }
}
