//! Learning a batch as driver and executors do, without either: for tests against what Spark's mllib answered.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use serde_json::Value as Json;

use crate::error::{Result, SparkError};
use crate::ids::PartitionId;
use crate::ml::learning::{Question, Run, Step};
use crate::ml::literal::Value;
use crate::ml::model::Model;
use crate::ml::params::Params;
use crate::ml::stage::{self, Role};
use crate::plan::functions::partition;
use crate::proto as sc;
use crate::values::vector::{Vector, VectorBuilder};

/// A row: features and, where they are learned from, a label.
pub type Row = (Vector, Option<f64>);

/// Returns params of a stage.
pub fn params(class: &str, set: &[(&str, Value)]) -> Result<Params> {
    let mut params = Params::new(stage::by_name(class)?, "learner", &sc::MlParams::default())?;
    for (name, value) in set {
        params.put(name, value.clone())?;
    }
    Ok(params)
}

/// Learns a batch that is dealt out to `partitions` as `parallelize` deals out rows.
pub fn learn(params: &Params, before: Option<Model>, rows: &[Row], partitions: usize) -> Result<Model> {
    let mut run = Run::of(params, partitions, before.map(Arc::new)).unwrap();
    let mut answer = None;
    loop {
        match run.next(answer)? {
            Step::Ask(question) => answer = Some(answered(params, &question, rows, partitions)?),
            Step::Done(model) => return Ok(*model),
            Step::Found(..) => panic!("a training finds a model"),
        }
    }
}

fn answered(params: &Params, question: &Question, rows: &[Row], partitions: usize) -> Result<Vec<u8>> {
    let Role::Learner(stage) = params.operator.role() else {
        panic!("not a learner");
    };
    let make = stage.summary(params, &question.body)?;
    let mut all = make();
    for at in 0..partitions {
        let own = &rows[at * rows.len() / partitions..(at + 1) * rows.len() / partitions];
        partition::enter(PartitionId(at));
        let mut summary = make();
        // In two batches: what is drawn continues from one to the next.
        for part in own.chunks(own.len().div_ceil(2).max(1)) {
            let mut vectors = VectorBuilder::with_capacity(part.len());
            part.iter().for_each(|(features, _)| vectors.push(features.view()));
            let mut columns: Vec<ArrayRef> = vec![vectors.finish()?];
            if rows.iter().any(|(_, label)| label.is_some()) {
                columns.push(Arc::new(part.iter().map(|(_, label)| *label).collect::<Float64Array>()));
            }
            summary.update(&columns)?;
        }
        all.merge(&summary.encode())?;
    }
    Ok(all.encode())
}

/// Reads a number of a golden: those that JSON lacks are strings.
pub fn number(json: &Json) -> f64 {
    match json.as_str() {
        Some("nan") => f64::NAN,
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        _ => json.as_f64().unwrap(),
    }
}

/// Reads numbers.
pub fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().unwrap().iter().map(number).collect()
}

/// Reads a vector: the list of its values, or size, indices and values.
pub fn vector(json: &Json) -> Vector {
    if json.is_array() {
        return Vector::Dense(numbers(json));
    }
    let indices = numbers(&json["indices"]).iter().map(|i| *i as i32).collect();
    let size = json["size"].as_u64().unwrap() as usize;
    Vector::sparse(size, indices, numbers(&json["values"])).unwrap()
}

/// Asserts that numbers are those of a golden, to 1e-9 of themselves; not-a-number is equal to itself.
pub fn assert_close(found: &[f64], expected: &[f64], about: &str) {
    assert_eq!(found.len(), expected.len(), "{about}");
    for (a, b) in found.iter().zip(expected) {
        let is_same = a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-3);
        assert!(is_same, "{about}: {found:?} is not {expected:?}");
    }
}

/// Asserts that an error is the one of a golden; where Spark says nothing more than that something is required, it may say more.
pub fn assert_refused(error: &SparkError, expected: &Json, about: &str) {
    let expected = expected["message"].as_str().unwrap();
    let is_bare = expected == "requirement failed" && error.message.starts_with(expected);
    assert!(
        is_bare || error.message == expected,
        "{about}: {} is not {expected}",
        error.message
    );
}
