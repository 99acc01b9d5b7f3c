//! Against what Spark's `StreamingKMeansModel.update` answered (`tests/goldens/mllib`, which `tests/conformance/mllib_examples.py` makes).

use serde_json::Value as Json;

use super::*;
use crate::ml::batches::trial::{self, assert_close, assert_refused, number, numbers, vector};
use crate::ml::model::Fitted;

const CLASS: &str = "org.apache.spark.mllib.clustering.StreamingKMeans";

fn goldens() -> Json {
    serde_json::from_str(include_str!("../../../../tests/goldens/mllib/streaming_k_means.json")).unwrap()
}

fn params(set: &[(&str, Value)]) -> Params {
    trial::params(CLASS, set).unwrap()
}

/// Params of a case.
fn params_of(case: &Json) -> Params {
    let centres: Vec<Value> = case["centers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| Value::doubles(&numbers(c)))
        .collect();
    let mut set = vec![
        ("k", Value::Int(centres.len() as i64)),
        ("initialCenters", Value::List(centres)),
        ("initialCenterWeights", Value::doubles(&numbers(&case["weights"]))),
        ("timeUnit", Value::Text(case["timeUnit"].as_str().unwrap().into())),
    ];
    match &case["halfLife"] {
        Json::Null => set.push(("decayFactor", Value::Double(number(&case["decayFactor"])))),
        half => set.push(("halfLife", Value::Double(number(half)))),
    }
    params(&set)
}

fn rows(batch: &Json) -> Vec<trial::Row> {
    batch.as_array().unwrap().iter().map(|v| (vector(v), None)).collect()
}

fn clusters(model: &Model) -> (Vec<Vec<f64>>, Vec<f64>) {
    let model = model.content::<KMeansModel>().unwrap();
    (model.centres(), model.statistics.as_ref().unwrap().weights.clone())
}

/// Learns the batches of a case, and compares the model after each.
fn check(case: &Json, partitions: usize, probes: &Json) {
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
        let (centres, weights) = clusters(&learned);
        assert_close(&weights, &numbers(&after["weights"]), id);
        for (own, expected) in centres.iter().zip(after["centers"].as_array().unwrap()) {
            assert_close(own, &numbers(expected), id);
        }
        if let Some(expected) = after["predictions"].as_array() {
            let content = learned.content::<KMeansModel>().unwrap();
            for (probe, expected) in probes.as_array().unwrap().iter().zip(expected) {
                let features = [Value::Vector(vector(probe))];
                let found = content.call(&learned.params_with(None).unwrap(), "predict", &features);
                assert_eq!(
                    found.unwrap().unwrap().0,
                    Value::Int(expected.as_i64().unwrap()),
                    "{id}"
                );
            }
        }
        model = Some(learned);
    }
}

#[test]
fn batches_move_centres_as_in_spark_on_any_number_of_partitions() {
    let goldens = goldens();
    for case in goldens["cases"].as_array().unwrap() {
        if ["negative_decay", "no_weights"].contains(&case["id"].as_str().unwrap()) {
            // Spark's model takes what its own learner refuses.
            continue;
        }
        for partitions in [1, 2, 5] {
            check(case, partitions, &goldens["probes"]);
        }
    }
}

#[test]
fn random_centres_are_those_of_spark() {
    for drawn in goldens()["random"].as_array().unwrap() {
        let seed: i64 = drawn["seed"].as_str().unwrap().parse().unwrap();
        let params = params(&[
            ("k", Value::Int(drawn["k"].as_i64().unwrap())),
            ("dim", Value::Int(drawn["dim"].as_i64().unwrap())),
            ("weight", Value::Double(number(&drawn["weight"]))),
            ("seed", Value::Int(seed)),
        ]);
        let (centres, weights) = clusters(&StreamingKMeans.initial(&params).unwrap().unwrap());
        for (own, expected) in centres.iter().zip(drawn["centers"].as_array().unwrap()) {
            assert_close(own, &numbers(expected), "random");
        }
        assert_close(&weights, &numbers(&drawn["weights"]), "random");
    }
}

#[test]
fn what_the_learner_refuses_is_worded_as_in_spark() {
    let (one, dim) = (Value::Int(1), ("dim", Value::Int(1)));
    let centres = |n: usize| ("initialCenters", Value::List(vec![Value::doubles(&[0.0]); n]));
    let weights = |weights: &[f64]| ("initialCenterWeights", Value::doubles(weights));
    let refused: &[(&str, &[(&str, Value)])] = &[
        ("k", &[("k", Value::Int(0)), dim.clone()]),
        ("decayFactor", &[("decayFactor", Value::Double(-0.5)), dim.clone()]),
        ("halfLife", &[("halfLife", Value::Double(0.0)), dim.clone()]),
        ("timeUnit", &[("timeUnit", Value::Text("hours".into())), dim.clone()]),
        ("dim", &[("dim", Value::Int(0))]),
        ("weight", &[dim.clone(), ("weight", Value::Double(-1.0))]),
        ("not_initialized", &[]),
        ("weights_number", &[centres(2), weights(&[1.0])]),
        ("centers_number", &[centres(1), weights(&[1.0])]),
        ("weights_negative", &[centres(2), weights(&[1.0, -1.0])]),
    ];
    let goldens = goldens();
    for (name, set) in refused {
        let error = StreamingKMeans.initial(&params(set)).unwrap_err();
        assert_refused(&error, &goldens["refusals"][*name], name);
        let error = trial::learn(&params(set), None, &[], 1).unwrap_err();
        assert_refused(&error, &goldens["refusals"][*name], name);
    }
    assert!(StreamingKMeans.initial(&params(&[("k", one), dim])).is_ok());
}

#[test]
fn too_many_centres_are_refused_before_memory_is_taken() {
    let large = params(&[("k", Value::Int(i32::MAX.into())), ("dim", Value::Int(1 << 20))]);
    let error = StreamingKMeans.initial(&large).unwrap_err();
    assert_eq!(error.condition.as_deref(), Some("RIVULET_MODEL_TOO_LARGE"));
}

#[test]
fn centres_of_several_sizes_are_refused() {
    let uneven = Value::List(vec![Value::doubles(&[0.0]), Value::doubles(&[0.0, 1.0])]);
    let set = [
        ("initialCenters", uneven),
        ("initialCenterWeights", Value::doubles(&[1.0, 1.0])),
    ];
    assert!(StreamingKMeans.initial(&params(&set)).is_err());
}

#[test]
fn a_model_keeps_weights_and_the_last_batch_through_its_bytes() {
    let set = [
        ("dim", Value::Int(1)),
        ("batchId", Value::Int(7)),
        ("seed", Value::Int(3)),
    ];
    let model = trial::learn(&params(&set), None, &[(vector(&serde_json::json!([1.5])), None)], 1).unwrap();
    let again = Model::decode(&model.encode_to_vec()).unwrap();
    assert_eq!(clusters(&again), clusters(&model));
    assert_eq!(again.fitted.last_batch(), Some(7));
    assert_eq!(again.class, "org.apache.spark.ml.clustering.KMeansModel");
}

#[test]
fn a_model_of_another_kind_is_not_continued() {
    let class = "org.apache.spark.ml.clustering.KMeans";
    let cosine = trial::params(class, &[("distanceMeasure", Value::Text("cosine".into()))]).unwrap();
    let model = Model::new(&cosine, KMeansModel::default());
    let error = trial::learn(&params(&[]), Some(model), &[], 1).unwrap_err();
    assert!(error.message.contains("a model of angles"), "{}", error.message);
}
