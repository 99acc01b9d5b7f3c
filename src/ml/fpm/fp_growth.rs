//! `FPGrowth`: the sets of items that many rows have.
//!
//! What it finds is what Spark finds by growing trees of its rows; here sets grow by an item in each round, so that rows stay where
//! they are.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, UInt32Array};
use arrow::datatypes::DataType;
use prost::Message;

use super::items;
use super::model::{FpGrowthModel, KIND};
use super::tallies::{Asked, Candidates, Known, Occurrences, Occurring, Tallies, Tallying};
use crate::error::Result;
use crate::ml::columns::Reads;
use crate::ml::learning::{Learning, Rounds};
use crate::ml::literal::Kind;
use crate::ml::model::{Model, ModelKind};
use crate::ml::params::{Check, Default, PREDICTION, Param, Params, named, param};
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary::{self, check_room};

/// Finds frequent sets of items (`FPGrowth`): a job per length of sets; a task keeps a count per candidate.
#[derive(Debug)]
pub struct FpGrowth;

/// Shares.
const SHARE: Check = Check::Within(0.0, 1.0);

impl Stage for FpGrowth {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.fpm.FPGrowth"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            named("itemsCol", "items"),
            param("minConfidence", Kind::Double, Default::Double(0.8), SHARE),
            param("minSupport", Kind::Double, Default::Double(0.3), SHARE),
            param("numPartitions", Kind::Int, Default::None, Check::AtLeast(1.0)),
            PREDICTION,
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

impl Learner for FpGrowth {
    fn columns(&self, params: &Params) -> Result<Columns> {
        Ok(vec![(params.text("itemsCol")?, Reads::Items)])
    }

    fn summary(&self, _: &Params, question: &[u8]) -> Result<MakeSummary> {
        let asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        if asked.items.is_none() {
            return Ok(Box::new(|| Box::new(Occurring::default())));
        }
        let known = Known::of(&asked)?;
        Ok(Box::new(move || Box::new(Tallying::new(known.clone()))))
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(params, rounds))
    }
}

/// Returns the frequent items, the most frequent first, and how many rows have each.
fn frequent(found: &Occurrences, least: i64, partitions: usize) -> Result<(ArrayRef, Vec<i64>)> {
    let all = found.items.as_deref().map(items::read).transpose()?;
    let all = all.unwrap_or_else(|| arrow::array::new_empty_array(&DataType::Null));
    let order = found.frequent(&all, least, partitions);
    let counts = order.iter().map(|at| found.counts[*at as usize]).collect();
    let taken = arrow::compute::take(&all, &UInt32Array::from(order), None)?;
    Ok((taken, counts))
}

/// How many numbers a frequent set takes beside its items.
const NUMBERS_OF_SET: usize = 8;

/// Trains a model.
async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let found: Occurrences = rounds.ask(&Asked::default()).await?;
    let least = (params.double("minSupport")? * found.rows as f64).ceil() as i64;
    let partitions = if params.is_set("numPartitions") {
        params.count("numPartitions")?
    } else {
        found.partitions as usize
    };
    let (items, mut counts) = frequent(&found, least, partitions)?;
    let mut sets: Vec<Vec<u32>> = (0..items.len() as u32).map(|item| vec![item]).collect();
    let mut asked = Asked {
        items: Some(items::write(items.clone())?),
        sets: (0..items.len() as u32).collect(),
        length: 1,
    };
    let mut numbers = 0;
    loop {
        let known = asked.sets();
        let candidates = Candidates::of(&known);
        if candidates.count() == 0 {
            break;
        }
        check_room("The candidates for frequent sets", candidates.count())?;
        let Tallies { counts: tallies } = rounds.ask(&asked).await?;
        let mut next = Asked {
            length: asked.length + 1,
            items: asked.items.clone(),
            sets: vec![],
        };
        for (set, count) in candidates.sets(&known).zip(tallies) {
            if count as i64 >= least.max(1) {
                numbers += set.len() + NUMBERS_OF_SET;
                check_room("Frequent sets", numbers)?;
                next.sets.extend(&set);
                counts.push(count as i64);
                sets.push(set);
            }
        }
        asked = next;
    }
    // As Spark has them: the least frequent item of a set comes first.
    let places = sets.iter().flat_map(|set| set.iter().rev().copied());
    let values = arrow::compute::take(&items, &UInt32Array::from_iter_values(places), None)?;
    let lengths = sets.iter().map(Vec::len);
    let counts: ArrayRef = Arc::new(Int64Array::from(counts));
    Ok(Model::new(
        &params,
        FpGrowthModel::of(values, lengths, counts, found.rows)?,
    ))
}
