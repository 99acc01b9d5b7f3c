//! Dividing clusters, level by level, until there are as many as wanted (`BisectingKMeans.run`).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};

use super::divide::{Asked, Centre, ROOT, State, Sums};
use super::tree::{BisectingKMeansModel, Branch};
use crate::error::Result;
use crate::ml::clustering::distance::Distance;
use crate::ml::clustering::rows::Point;
use crate::ml::collected;
use crate::ml::learning::{Rounds, empty};
use crate::ml::model::Model;
use crate::ml::optimize::{dot, norm};
use crate::ml::params::Params;
use crate::ml::summary::check_room;
use crate::values::java_random::JavaRandom;
use crate::values::vector::VectorRef;

/// How many levels there may be (`LEVEL_LIMIT`).
const LEVELS: usize = 63;

/// A cluster.
#[derive(Debug, Clone)]
struct Cluster {
    index: i64,
    rows: i64,
    weight: f64,
    centre: Vec<f64>,
    cost: f64,
}

impl Cluster {
    fn of(sums: Sums, distance: Distance) -> Self {
        let Sums {
            index,
            rows,
            sum: Point { values, weight },
            squares,
        } = sums;
        let centre = distance.centre(&values, weight);
        let cost = match distance {
            Distance::Euclidean => squares - weight * dot(&centre, &centre),
            Distance::Cosine => weight - dot(&centre, &values) / norm(&centre),
        };
        Self {
            index,
            rows,
            weight,
            centre,
            cost: cost.max(0.0),
        }
    }
}

/// Puts clusters in the order in which Spark goes through them: that in which they are collected, and if there are more than four, that
/// of Scala's hash map (`collect().toMap`).
fn in_order(clusters: Vec<Cluster>, partitions: usize) -> Vec<Cluster> {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(clusters.iter().map(|c| c.index)));
    let order = collected::order(&collected::java_hashes(&numbers), partitions);
    let collected: Vec<Cluster> = order.into_iter().map(|i| clusters[i].clone()).collect();
    if collected.len() <= 4 {
        collected
    } else {
        of_map(collected)
    }
}

/// Puts clusters in the order of Scala's hash map: by five bits of the hash after five bits, keys before the nodes below.
fn of_map(mut clusters: Vec<Cluster>) -> Vec<Cluster> {
    clusters.sort_by_key(|c| c.index);
    let keys: Vec<(u32, Cluster)> = clusters.into_iter().map(|c| (improved(c.index), c)).collect();
    node(keys, 0)
}

/// Returns the hash of a number that Scala's maps go by.
fn improved(number: i64) -> u32 {
    // A long within the integers has its hash (`##`); others are folded.
    let hash = i32::try_from(number).unwrap_or((number ^ (number as u64 >> 32) as i64) as i32) as u32;
    let mut h = hash.wrapping_add(!(hash << 9));
    h ^= h >> 14;
    h = h.wrapping_add(h << 4);
    h ^ (h >> 10)
}

fn node(keys: Vec<(u32, Cluster)>, shift: u32) -> Vec<Cluster> {
    if shift >= 32 {
        return keys.into_iter().map(|(_, c)| c).collect();
    }
    let mut slots: BTreeMap<u32, Vec<(u32, Cluster)>> = BTreeMap::new();
    for key in keys {
        slots.entry((key.0 >> shift) & 31).or_default().push(key);
    }
    let (own, below): (Vec<_>, Vec<_>) = slots.into_values().partition(|slot| slot.len() == 1);
    let mut out: Vec<Cluster> = own.into_iter().flatten().map(|(_, c)| c).collect();
    out.extend(below.into_iter().flat_map(|slot| node(slot, shift + 5)));
    out
}

/// Returns the two centres that the division of a cluster begins with: its own, moved a little one way and the other.
fn split(centre: &[f64], distance: Distance, random: &mut JavaRandom) -> [Vec<f64>; 2] {
    let level = 1e-4 * norm(centre);
    let noise: Vec<f64> = centre.iter().map(|_| random.double()).collect();
    let moved = |by: f64| {
        let moved: Vec<f64> = centre.iter().zip(&noise).map(|(c, n)| c + by * n).collect();
        match distance {
            Distance::Euclidean => moved,
            Distance::Cosine => {
                let scale = 1.0 / norm(&moved);
                moved.into_iter().map(|m| m * scale).collect()
            }
        }
    };
    [moved(-level), moved(level)]
}

/// Asks what clusters hold, in Spark's order.
async fn ask(
    rounds: &Rounds,
    distance: Distance,
    settled: &BTreeMap<i64, Vec<f64>>,
    tried: &BTreeMap<i64, Vec<f64>>,
    divided: &[i64],
) -> Result<(Vec<Cluster>, i64, usize)> {
    let centre = |(index, values): (&i64, &Vec<f64>)| Centre {
        index: *index,
        at: Point::new(values),
    };
    let asked = Asked {
        centres: settled.iter().chain(tried).map(centre).collect(),
        divided: divided.to_vec(),
    };
    let State { size, rows, clusters } = rounds.ask(&asked).await?;
    let clusters = clusters.into_iter().map(|sums| Cluster::of(sums, distance)).collect();
    Ok((in_order(clusters, rounds.parallelism()), rows, size as usize))
}

/// Trains a model.
pub(super) async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let distance = Distance::of(&params)?;
    let (k, steps) = (params.count("k")?, params.count("maxIter")?);
    let mut settled = BTreeMap::new();
    let (mut active, rows, size) = ask(&rounds, distance, &settled, &BTreeMap::new(), &[]).await?;
    if rows == 0 {
        return Err(empty());
    }
    let most = k.min(rows as usize).saturating_mul(2);
    check_room("The centres of clusters", most.saturating_mul(size))?;
    let least = params.double("minDivisibleClusterSize")?;
    let least = if least >= 1.0 { least } else { least * rows as f64 }.ceil() as i64;
    let mut random = JavaRandom::new(params.seed()?);
    let (mut needed, mut level) = (k - 1, 1);
    let mut all: BTreeMap<i64, Cluster> = BTreeMap::new();
    while !active.is_empty() && needed > 0 && level < LEVELS {
        let is_divisible = |c: &&Cluster| c.rows >= least && c.cost > f64::EPSILON * c.weight;
        let mut divisible: Vec<Cluster> = active.iter().filter(is_divisible).cloned().collect();
        if divisible.len() > needed {
            divisible.sort_by_key(|c| -c.rows);
            divisible.truncate(needed);
            if divisible.len() > 4 {
                divisible = of_map(divisible);
            }
        }
        all.extend(std::mem::take(&mut active).into_iter().map(|c| (c.index, c)));
        if divisible.is_empty() {
            break;
        }
        let divided: Vec<i64> = divisible.iter().map(|c| c.index).collect();
        let mut tried = BTreeMap::new();
        for cluster in &divisible {
            let [left, right] = split(&cluster.centre, distance, &mut random);
            tried.insert(2 * cluster.index, left);
            tried.insert(2 * cluster.index + 1, right);
        }
        for _ in 0..steps {
            (active, _, _) = ask(&rounds, distance, &settled, &tried, &divided).await?;
            let now: BTreeMap<i64, Vec<f64>> = active.iter().map(|c| (c.index, c.centre.clone())).collect();
            // What does not move any more would be found again in each step that is left.
            if std::mem::replace(&mut tried, now) == tried {
                break;
            }
        }
        settled.append(&mut tried);
        needed -= divided.len();
        level += 1;
    }
    all.extend(active.into_iter().map(|c| (c.index, c)));
    let mut branches = vec![];
    let (mut leaf, mut inner) = (0, -1);
    plant(ROOT, &all, distance, (&mut leaf, &mut inner), &mut branches);
    let model = BisectingKMeansModel {
        branches,
        size: size as u64,
    };
    Ok(Model::new(&params, model))
}

/// Numbers a cluster and those below it, and puts them into `branches`: children first. Returns its number.
fn plant(
    index: i64,
    all: &BTreeMap<i64, Cluster>,
    distance: Distance,
    (leaf, inner): (&mut i32, &mut i32),
    branches: &mut Vec<Branch>,
) -> i32 {
    let Some(cluster) = all.get(&index) else { return *leaf };
    let children: Vec<&Cluster> = [2 * index, 2 * index + 1].iter().filter_map(|i| all.get(i)).collect();
    let counter = if children.is_empty() { &mut *leaf } else { &mut *inner };
    let own = *counter;
    *counter += if children.is_empty() { 1 } else { -1 };
    let far = children
        .iter()
        .map(|child| distance.cost(&child.centre, VectorRef::Dense(&cluster.centre)))
        .fold(0.0, f64::max);
    let numbers = children.iter().map(|c| c.index).collect::<Vec<_>>();
    let mut below = vec![];
    for child in numbers {
        below.push(plant(child, all, distance, (&mut *leaf, &mut *inner), branches));
    }
    branches.push(Branch {
        index: own,
        rows: cluster.rows,
        centre: cluster.centre.clone(),
        cost: cluster.cost,
        height: far.sqrt(),
        children: below,
    });
    own
}
