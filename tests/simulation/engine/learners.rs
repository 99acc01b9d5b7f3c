//! Training in rounds while executors die: the centres of clusters are the means of their rows, by arithmetic, and nothing is left of
//! the rows that were kept.

use super::client::{relation, sql};
use super::cluster::{Cluster, Faults};
use super::datasets::DEATHS;
use crate::seeds::{Log, each_seed};
use rivulet::ml::literal::{Kind, Value};
use rivulet::proto::execute_plan_response::ResponseType;
use rivulet::proto::fetch::Method as FetchMethod;
use rivulet::proto::ml_command::{Command, Evaluate, Fit};
use rivulet::proto::ml_command_result::{ResultType, ml_operator_info};
use rivulet::proto::relation::RelType;
use rivulet::proto::{
    self as sc, Fetch, MlCommand, MlOperator, MlParams, MlRelation, ObjectRef, Relation, ml_operator::OperatorType,
    ml_relation::MlType, ml_relation::Transform, ml_relation::transform::Operator,
};

const PACKAGE: &str = "org.apache.spark.ml";

fn operator(name: &str, kind: OperatorType) -> MlOperator {
    MlOperator {
        name: format!("{PACKAGE}.{name}"),
        uid: "u".into(),
        r#type: kind.into(),
    }
}

fn params(values: &[(&str, Value, Kind)]) -> MlParams {
    let literal = |(name, value, kind): &(&str, Value, Kind)| ((*name).to_owned(), value.to_literal(*kind));
    MlParams {
        params: values.iter().map(literal).collect(),
    }
}

/// Rows around two places: a is 0 to 6, or a thousand more.
fn dataset(rows: i64, partitions: u64) -> Relation {
    let text = format!("SELECT CAST((id % 2) * 1000 + id % 7 AS DOUBLE) AS a FROM range(0, {rows}, 1, {partitions})");
    let transform = Transform {
        operator: Some(Operator::Transformer(operator(
            "feature.VectorAssembler",
            OperatorType::Transformer,
        ))),
        input: Some(Box::new(sql(&text))),
        params: Some(params(&[
            ("inputCols", Value::texts(["a"]), Kind::Texts),
            ("outputCol", Value::Text("features".into()), Kind::Text),
        ])),
    };
    relation(RelType::MlRelation(Box::new(MlRelation {
        ml_type: Some(MlType::Transform(Box::new(transform))),
        model_summary_dataset: None,
    })))
}

fn ask(cluster: &mut Cluster, command: Command, log: &mut Log) -> ResultType {
    let command = sc::Command {
        command_type: Some(sc::command::CommandType::MlCommand(MlCommand {
            command: Some(command),
        })),
    };
    let call = cluster.send_plan(Some(sc::plan::OpType::Command(command)), log);
    let answer = cluster.answer(call, log);
    let answer = answer.unwrap_or_else(|e| panic!("a training failed: {e}"));
    let found = answer.others.into_iter().find_map(|response| match response {
        ResponseType::MlCommandResult(result) => result.result_type,
        _ => None,
    });
    found.expect("an answer")
}

/// Trains two clusters, and returns their centres, ascending.
fn centres(cluster: &mut Cluster, dataset: Relation, log: &mut Log) -> Vec<f64> {
    let fit = Command::Fit(Fit {
        estimator: Some(operator("clustering.KMeans", OperatorType::Estimator)),
        params: Some(params(&[
            ("k", Value::Int(2), Kind::Int),
            ("seed", Value::Int(1), Kind::Long),
        ])),
        dataset: Some(dataset),
    });
    let ResultType::OperatorInfo(info) = ask(cluster, fit, log) else {
        panic!("a fit has a model")
    };
    let Some(ml_operator_info::Type::ObjRef(ObjectRef { id })) = info.r#type else {
        panic!("a model has an id")
    };
    let fetch = Command::Fetch(Fetch {
        obj_ref: Some(ObjectRef { id }),
        methods: vec![FetchMethod {
            method: "clusterCenterMatrix".into(),
            args: vec![],
        }],
    });
    let ResultType::Param(literal) = ask(cluster, fetch, log) else {
        panic!("centres are a value")
    };
    let Ok(Value::Matrix(matrix)) = Value::from_literal(&literal) else {
        panic!("centres are a matrix: {literal:?}")
    };
    let mut centres = matrix.values;
    centres.sort_by(f64::total_cmp);
    centres
}

/// How many users and items there are.
const RATED: [usize; 2] = [5, 6];

/// What a user gives an item: about a product.
fn rating(user: usize, item: usize) -> f64 {
    ((user + 1) * (item + 2) + 4 * ((user + item) % 2)) as f64
}

/// Returns how far ratings are from the nearest products of a factor each (RMSE): users' and items' factors are found in turns.
fn error_of_nearest_products() -> f64 {
    let [users, items] = RATED;
    let (mut of_users, mut of_items) = (vec![1.0; users], vec![1.0; items]);
    let squares = |factors: &[f64]| factors.iter().map(|f| f * f).sum::<f64>();
    for _ in 0..50 {
        of_users = (0..users)
            .map(|u| (0..items).map(|i| rating(u, i) * of_items[i]).sum::<f64>() / squares(&of_items))
            .collect();
        of_items = (0..items)
            .map(|i| (0..users).map(|u| rating(u, i) * of_users[u]).sum::<f64>() / squares(&of_users))
            .collect();
    }
    let pairs = (0..users).flat_map(|u| (0..items).map(move |i| (u, i)));
    let errors = pairs.map(|(u, i)| (rating(u, i) - of_users[u] * of_items[i]).powi(2));
    (errors.sum::<f64>() / (users * items) as f64).sqrt()
}

/// Trains one factor of ratings, and returns how far its predictions are from them (RMSE).
fn error_of_products(cluster: &mut Cluster, partitions: u64, log: &mut Log) -> f64 {
    let ratings = sql(&format!(
        "SELECT CAST(id DIV 6 AS INT) AS user, CAST(id % 6 AS INT) AS item, \
         CAST((id DIV 6 + 1) * (id % 6 + 2) + 4 * ((id DIV 6 + id % 6) % 2) AS FLOAT) AS rating FROM range(0, 30, 1, {partitions})"
    ));
    let fit = Command::Fit(Fit {
        estimator: Some(operator("recommendation.ALS", OperatorType::Estimator)),
        params: Some(params(&[
            ("rank", Value::Int(1), Kind::Int),
            ("maxIter", Value::Int(8), Kind::Int),
            ("regParam", Value::Double(0.0), Kind::Double),
            ("numUserBlocks", Value::Int(3), Kind::Int),
            ("numItemBlocks", Value::Int(2), Kind::Int),
        ])),
        dataset: Some(ratings.clone()),
    });
    error_of_fit(cluster, fit, ratings, "rating", log)
}

/// Trains a model, and returns how far its predictions of a dataset are from a column (RMSE).
fn error_of_fit(cluster: &mut Cluster, fit: Command, dataset: Relation, label: &str, log: &mut Log) -> f64 {
    let ResultType::OperatorInfo(info) = ask(cluster, fit, log) else {
        panic!("a fit has a model")
    };
    let Some(ml_operator_info::Type::ObjRef(model)) = info.r#type else {
        panic!("a model has an id")
    };
    let predicted = relation(RelType::MlRelation(Box::new(MlRelation {
        ml_type: Some(MlType::Transform(Box::new(Transform {
            operator: Some(Operator::ObjRef(model)),
            input: Some(Box::new(dataset)),
            params: None,
        }))),
        model_summary_dataset: None,
    })));
    let evaluate = Command::Evaluate(Evaluate {
        evaluator: Some(operator("evaluation.RegressionEvaluator", OperatorType::Evaluator)),
        params: Some(params(&[("labelCol", Value::Text(label.into()), Kind::Text)])),
        dataset: Some(predicted),
    });
    let ResultType::Param(literal) = ask(cluster, evaluate, log) else {
        panic!("an error is a value")
    };
    let Ok(Value::Double(error)) = Value::from_literal(&literal) else {
        panic!("an error is a number: {literal:?}")
    };
    error
}

/// Grows a tree of one decision over rows around two places whose label is their value, and returns how far its predictions are from
/// them (RMSE).
fn error_of_tree(cluster: &mut Cluster, rows: i64, partitions: u64, log: &mut Log) -> f64 {
    let fit = Command::Fit(Fit {
        estimator: Some(operator("regression.DecisionTreeRegressor", OperatorType::Estimator)),
        params: Some(params(&[
            ("labelCol", Value::Text("a".into()), Kind::Text),
            ("maxDepth", Value::Int(1), Kind::Int),
        ])),
        dataset: Some(dataset(rows, partitions)),
    });
    error_of_fit(cluster, fit, dataset(rows, partitions), "a", log)
}

fn run_products(seed: u64, faults: Faults, log: &mut Log) {
    let mut cluster = Cluster::new(seed, 1 + (seed % 3) as u32, &[], faults, log);
    let error = error_of_products(&mut cluster, 1 + seed % 4, log);
    let right = error_of_nearest_products();
    assert!((error - right).abs() < 1e-4, "{error} {right}");
    cluster.run_until(log, Cluster::holds_nothing);
}

#[test]
fn ratings_are_predicted_by_the_nearest_products() {
    each_seed(20, |seed, log| run_products(seed, Faults::default(), log));
}

#[test]
fn ratings_are_predicted_by_the_nearest_products_though_executors_die_and_blocks_are_lost() {
    let faults = Faults { losing: 0.02, ..DEATHS };
    each_seed(40, |seed, log| run_products(seed, faults, log));
}

fn run(seed: u64, faults: Faults, log: &mut Log) {
    let mut cluster = Cluster::new(seed, 1 + (seed % 3) as u32, &[], faults, log);
    for turn in 0..2 {
        let rows = 20 + (seed % 40) as i64 + turn;
        let mean = |place: i64| {
            let own: Vec<i64> = (0..rows)
                .filter(|id| id % 2 == place)
                .map(|id| place * 1000 + id % 7)
                .collect();
            own.iter().sum::<i64>() as f64 / own.len() as f64
        };
        let found = centres(&mut cluster, dataset(rows, 1 + seed % 4), log);
        let right = [mean(0), mean(1)];
        let near = found
            .iter()
            .zip(right)
            .all(|(found, right)| (found - right).abs() < 1e-9);
        assert!(found.len() == 2 && near, "{found:?} {right:?}");
        // Nothing stays behind, once the executors have heard that the training is over.
        cluster.run_until(log, Cluster::holds_nothing);
    }
}

#[test]
fn centres_are_the_means_of_their_rows() {
    each_seed(40, |seed, log| run(seed, Faults::default(), log));
}

#[test]
fn centres_are_the_means_of_their_rows_though_executors_die_and_blocks_are_lost() {
    let faults = Faults { losing: 0.02, ..DEATHS };
    each_seed(80, |seed, log| run(seed, faults, log));
}

fn run_tree(seed: u64, faults: Faults, log: &mut Log) {
    let mut cluster = Cluster::new(seed, 1 + (seed % 3) as u32, &[], faults, log);
    let rows = 20 + (seed % 40) as i64;
    // Each leaf predicts the mean of its place.
    let squares = |place: i64| {
        let own: Vec<f64> = (0..rows)
            .filter(|id| id % 2 == place)
            .map(|id| (id % 7) as f64)
            .collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        own.iter().map(|a| (a - mean).powi(2)).sum::<f64>()
    };
    let right = ((squares(0) + squares(1)) / rows as f64).sqrt();
    let error = error_of_tree(&mut cluster, rows, 1 + seed % 4, log);
    assert!((error - right).abs() < 1e-9, "{error} {right}");
    cluster.run_until(log, Cluster::holds_nothing);
}

#[test]
fn a_tree_of_one_decision_predicts_the_means_of_two_places() {
    each_seed(20, |seed, log| run_tree(seed, Faults::default(), log));
}

#[test]
fn a_tree_of_one_decision_predicts_the_means_of_two_places_though_executors_die_and_blocks_are_lost() {
    let faults = Faults { losing: 0.02, ..DEATHS };
    each_seed(60, |seed, log| run_tree(seed, faults, log));
}
