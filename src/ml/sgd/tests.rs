//! Against what Spark's `LinearRegressionWithSGD` and `LogisticRegressionWithSGD` answered, batch after batch from the weights before
//! (`tests/goldens/mllib`, which `tests/conformance/mllib_examples.py` makes).

use serde_json::Value as Json;

use super::*;
use crate::ml::batches::trial::{self, assert_close, assert_refused, number, numbers, vector};
use crate::ml::classification::logistic::LogisticRegressionModel;
use crate::ml::literal::Value;
use crate::ml::model::Model;
use crate::ml::regression::linear::LinearRegressionModel;
use crate::values::vector::Vector;

const LINEAR: &str = "org.apache.spark.mllib.regression.StreamingLinearRegressionWithSGD";
const LOGISTIC: &str = "org.apache.spark.mllib.classification.StreamingLogisticRegressionWithSGD";

fn goldens() -> Json {
    serde_json::from_str(include_str!("../../../tests/goldens/mllib/streaming_sgd.json")).unwrap()
}

fn class_of(case: &Json) -> &'static str {
    if case["kind"] == "linear" { LINEAR } else { LOGISTIC }
}

fn params_of(case: &Json) -> Params {
    let set = ["stepSize", "miniBatchFraction", "regParam", "convergenceTol"];
    let mut set: Vec<(&str, Value)> = set
        .map(|name| (name, Value::Double(number(&case["params"][name]))))
        .into();
    set.push((
        "numIterations",
        Value::Int(case["params"]["numIterations"].as_i64().unwrap()),
    ));
    set.push(("initialWeights", Value::Vector(vector(&case["initialWeights"]))));
    trial::params(class_of(case), &set).unwrap()
}

fn rows(batch: &Json) -> Vec<trial::Row> {
    let row = |row: &Json| (vector(&row[1]), Some(number(&row[0])));
    batch.as_array().unwrap().iter().map(row).collect()
}

fn weights(model: &Model) -> Vec<f64> {
    match model.content::<LinearRegressionModel>() {
        Some(model) => model.coefficients.clone(),
        None => model
            .content::<LogisticRegressionModel>()
            .unwrap()
            .coefficients
            .row(0)
            .to_vec(),
    }
}

/// Learns the batches of a case, and compares the model after each.
fn check(case: &Json, partitions: usize) {
    let (id, params) = (case["id"].as_str().unwrap(), params_of(case));
    let mut model: Option<Model> = None;
    for (batch, after) in case["batches"]
        .as_array()
        .unwrap()
        .iter()
        .zip(case["after"].as_array().unwrap())
    {
        let learned = trial::learn(&params, model.take(), &rows(batch), partitions);
        if !after["error"].is_null() {
            assert_refused(&learned.unwrap_err(), &after["error"], id);
            return;
        }
        let learned = learned.unwrap();
        let found = weights(&learned);
        assert_close(&found, &numbers(&after["weights"]), id);
        for (at, expected) in after["predictions"].as_array().into_iter().flatten().enumerate() {
            let probe = (0..found.len() as i32)
                .map(|i| [1.0, (-1.0_f64).powi(i), 0.0][at])
                .collect();
            let predicted = learned
                .fetch("predict", &[Value::Vector(Vector::Dense(probe))])
                .unwrap()
                .0;
            let Value::Double(predicted) = predicted else {
                panic!("{id}: {predicted:?}")
            };
            assert_close(&[predicted], &[number(expected)], id);
        }
        model = Some(learned);
    }
}

#[test]
fn batches_move_weights_as_in_spark() {
    for case in goldens()["cases"].as_array().unwrap() {
        check(case, 2);
    }
}

#[test]
fn batches_move_weights_alike_on_any_number_of_partitions() {
    let goldens = goldens();
    let all = |case: &&Json| number(&case["params"]["miniBatchFraction"]) == 1.0;
    for case in goldens["cases"].as_array().unwrap().iter().filter(all) {
        [1, 3, 7].into_iter().for_each(|partitions| check(case, partitions));
    }
}

#[test]
fn settings_outside_their_ranges_are_refused_as_in_spark() {
    let goldens: Json =
        serde_json::from_str(include_str!("../../../tests/goldens/mllib/streaming_k_means.json")).unwrap();
    let refused = [
        ("stepSize", Value::Double(0.0)),
        ("numIterations", Value::Int(-1)),
        ("regParam", Value::Double(-1.0)),
        ("miniBatchFraction", Value::Double(0.0)),
        ("convergenceTol", Value::Double(1.5)),
    ];
    for (name, value) in refused {
        let error = Settings::of(&trial::params(LINEAR, &[(name, value)]).unwrap()).unwrap_err();
        assert_refused(&error, &goldens["refusals"][name], name);
    }
    for (class, name) in [
        (LINEAR, "linear_not_initialized"),
        (LOGISTIC, "logistic_not_initialized"),
    ] {
        let error = trial::learn(&trial::params(class, &[]).unwrap(), None, &[], 1).unwrap_err();
        assert_refused(&error, &goldens["refusals"][name], name);
    }
}

#[test]
fn models_that_have_an_intercept_or_are_of_another_kind_are_not_continued() {
    let linear = trial::params("org.apache.spark.ml.regression.LinearRegression", &[]).unwrap();
    let model = LinearRegressionModel {
        coefficients: vec![1.0],
        intercept: 0.5,
        ..LinearRegressionModel::default()
    };
    for (class, why) in [
        (LINEAR, "a model with an intercept"),
        (LOGISTIC, "LinearRegressionModel"),
    ] {
        let params = trial::params(class, &[]).unwrap();
        let before = Model::new(&linear, model.clone());
        let error = trial::learn(&params, Some(before), &[], 1).unwrap_err();
        assert!(error.message.contains(why), "{}", error.message);
    }
}

#[test]
fn the_last_batch_is_kept_through_the_bytes_of_a_model() {
    for class in [LINEAR, LOGISTIC] {
        let set = [
            ("initialWeights", Value::Vector(Vector::Dense(vec![0.0]))),
            ("batchId", Value::Int(5)),
        ];
        let params = trial::params(class, &set).unwrap();
        let model = trial::learn(&params, None, &[(Vector::Dense(vec![1.0]), Some(1.0))], 1).unwrap();
        let again = Model::decode(&model.encode_to_vec()).unwrap();
        assert_eq!(weights(&again), weights(&model));
        assert_eq!(again.fitted.last_batch(), Some(5));
    }
}

#[test]
fn rows_without_a_label_are_refused() {
    let set = [("initialWeights", Value::Vector(Vector::Dense(vec![0.0])))];
    let params = trial::params(LINEAR, &set).unwrap();
    let rows = [(Vector::Dense(vec![1.0]), Some(1.0)), (Vector::Dense(vec![1.0]), None)];
    let error = trial::learn(&params, None, &rows, 1).unwrap_err();
    assert_eq!(error.condition.as_deref(), Some("USER_RAISED_EXCEPTION"));
}
