//! `ALS`: factors of users and of items by alternating least squares.
//!
//! Ids are in blocks, as Spark's are: that of an id is its remainder by the number of blocks. A block's first factors are drawn in the
//! order of its ids, with a seed of the block's own.

use prost::Message;

use super::equations::numbers_of;
use super::model::{AlsModel, KIND};
use super::rounds::{Asked, Ids, Known, Others, Side, Solve, Solved, Solving};
use crate::error::{Exception, Result, SparkError};
use crate::ml::columns::Reads;
use crate::ml::learning::{Deal, Learning, Rounds};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{Model, ModelKind};
use crate::ml::params::{Check, Default, NON_NEGATIVE, PREDICTION, Param, Params, SEED, flag, named, param, steps};
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary::{self, check_room};
use crate::plan::functions::random::XorShift;

/// Trains factors (`ALS`): two jobs per step; a task solves for the users, or items, that were dealt to it.
#[derive(Debug)]
pub struct Als;

/// At least one.
const SOME: Check = Check::AtLeast(1.0);
/// Whether factors of what is unknown are NaN, or such rows are dropped; in any case of letters.
const COLD_START: Check =
    Check::With(|value| matches!(value, Value::Text(text) if ["nan", "drop"].contains(&text.to_lowercase().as_str())));
/// Names of Spark's storage levels; all mean the same here.
const LEVELS: [&str; 13] = [
    "DISK_ONLY",
    "DISK_ONLY_2",
    "DISK_ONLY_3",
    "MEMORY_ONLY",
    "MEMORY_ONLY_2",
    "MEMORY_ONLY_SER",
    "MEMORY_ONLY_SER_2",
    "MEMORY_AND_DISK",
    "MEMORY_AND_DISK_2",
    "MEMORY_AND_DISK_SER",
    "MEMORY_AND_DISK_SER_2",
    "OFF_HEAP",
    "NONE",
];
const LEVEL: Check = Check::With(|value| matches!(value, Value::Text(text) if LEVELS.contains(&text.as_str())));
const A_LEVEL: Check =
    Check::With(|value| matches!(value, Value::Text(text) if LEVELS.contains(&text.as_str()) && text != "NONE"));
/// Steps between checkpoints, or -1 for none.
const INTERVAL: Check = Check::With(|value| matches!(value, Value::Int(steps) if *steps == -1 || *steps >= 1));

impl Stage for Als {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.recommendation.ALS"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            param("alpha", Kind::Double, Default::Double(1.0), NON_NEGATIVE),
            param("blockSize", Kind::Int, Default::Int(4096), Check::Above(0.0)),
            param("checkpointInterval", Kind::Int, Default::Int(10), INTERVAL),
            param("coldStartStrategy", Kind::Text, Default::Text("nan"), COLD_START),
            param("finalStorageLevel", Kind::Text, Default::Text("MEMORY_AND_DISK"), LEVEL),
            flag("implicitPrefs", false),
            param(
                "intermediateStorageLevel",
                Kind::Text,
                Default::Text("MEMORY_AND_DISK"),
                A_LEVEL,
            ),
            named("itemCol", "item"),
            steps(10),
            flag("nonnegative", false),
            param("numItemBlocks", Kind::Int, Default::Int(10), SOME),
            param("numUserBlocks", Kind::Int, Default::Int(10), SOME),
            PREDICTION,
            param("rank", Kind::Int, Default::Int(10), SOME),
            named("ratingCol", "rating"),
            param("regParam", Kind::Double, Default::Double(0.1), NON_NEGATIVE),
            SEED,
            named("userCol", "user"),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Learner(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }

    fn training_params(&self) -> &'static [&'static str] {
        &[
            "alpha",
            "checkpointInterval",
            "finalStorageLevel",
            "implicitPrefs",
            "intermediateStorageLevel",
            "maxIter",
            "nonnegative",
            "numItemBlocks",
            "numUserBlocks",
            "rank",
            "ratingCol",
            "regParam",
            "seed",
        ]
    }
}

impl Learner for Als {
    fn columns(&self, params: &Params) -> Result<Columns> {
        Ok(vec![
            (params.text("userCol")?, Reads::Ids),
            (params.text("itemCol")?, Reads::Ids),
            (params.text("ratingCol")?, Reads::Numbers),
        ])
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        let Some(column) = asked.column else {
            let column = params.text("ratingCol")?;
            return Ok(Box::new(move || {
                Box::new(Known {
                    column: column.clone(),
                    users: [].into(),
                    items: [].into(),
                })
            }));
        };
        let solving = Solving::of(params)?;
        let others = Others::new(asked.others.unwrap_or_default(), &solving);
        Ok(Box::new(move || {
            Box::new(Solve::new(column as usize, solving.clone(), others.clone()))
        }))
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(params, rounds))
    }
}

/// Returns the bits of a seed mixed (`scala.util.hashing.byteswap64`).
fn mixed(seed: i64) -> i64 {
    const FACTOR: i64 = 0x9e37_75cd_9e37_75cd_u64 as i64;
    seed.wrapping_mul(FACTOR).swap_bytes().wrapping_mul(FACTOR)
}

/// Returns ids in the order of their blocks, with the first factors: drawn from the unit sphere.
fn begun(mut ids: Vec<i32>, blocks: i32, rank: usize, seed: i64) -> Side {
    ids.sort_by_key(|id| (id.rem_euclid(blocks), *id));
    let mut factors = Vec::with_capacity(ids.len() * rank);
    for block in ids.chunk_by(|a, b| a.rem_euclid(blocks) == b.rem_euclid(blocks)) {
        let number = i64::from(block[0].rem_euclid(blocks));
        let mut random = XorShift::new(mixed(seed ^ number));
        for _ in block {
            let drawn: Vec<f32> = (0..rank).map(|_| random.gaussian() as f32).collect();
            let scale = 1.0 / length(&drawn);
            factors.extend(drawn.iter().map(|v| v * scale));
        }
    }
    Side { ids, factors }
}

fn length(values: &[f32]) -> f32 {
    values.iter().fold(0.0_f32, |sum, v| sum + v * v).sqrt()
}

/// Puts factors that were solved for in the place of those before.
///
/// # Errors
/// If some have no single solution.
fn replace(side: &mut Side, solved: Solved, rank: usize) -> Result<()> {
    if let Some(number) = solved.undecided {
        return Err(undecided(number));
    }
    let places = side.places();
    for (id, factors) in solved.side.ids.iter().zip(solved.side.factors.chunks(rank)) {
        if let Some(place) = places.get(id) {
            side.factors[place * rank..(place + 1) * rank].copy_from_slice(factors);
        }
    }
    Ok(())
}

/// Returns the error of equations without a single solution (`SingularMatrixException`).
fn undecided(number: u32) -> SparkError {
    SparkError::new(
        Exception::Connect,
        "",
        "",
        format!(
            "LAPACK.dppsv returned {number} because A is not positive definite. Is A derived from a singular matrix (e.g. \
             collinear column values)?"
        ),
    )
}

/// Trains a model.
async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let rank = params.count("rank")?;
    let found: Ids = rounds.ask(&Asked::default()).await?;
    if found.users.is_empty() {
        return Err(SparkError::requirement("No ratings available: the dataset has no rows"));
    }
    check_room("The equations of an id", numbers_of(rank))?;
    let ids = found.users.len().max(found.items.len());
    check_room("The factors of ids", ids.saturating_mul(rank))?;
    let blocks = [params.int("numUserBlocks")? as i32, params.int("numItemBlocks")? as i32];
    let mut seeds = XorShift::new(params.seed()?);
    let mut users = begun(found.users, blocks[0], rank, seeds.signed_long());
    let mut items = begun(found.items, blocks[1], rank, seeds.signed_long());
    let solve = async |column: u32, others: &Side| {
        let deal = Deal {
            column: Some(column),
            partitions: blocks[column as usize] as u32,
        };
        let asked = Asked {
            column: Some(column),
            others: Some(others.clone()),
        };
        rounds.ask_dealt::<Solved>(deal, &asked).await
    };
    for _ in 0..params.count("maxIter")? {
        replace(&mut items, solve(1, &users).await?, rank)?;
        replace(&mut users, solve(0, &items).await?, rank)?;
    }
    let model = AlsModel {
        rank: rank as u64,
        users,
        items,
    };
    Ok(Model::new(&params, model))
}
