//! The examples of the table, with the answers that Spark 4.3 gave (`tests/conformance/function_examples.py`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::compare;
use super::goldens::known;
use super::run::{Tables, sql};
use crate::plan::functions::entry::Function;
use crate::plan::functions::registry;

/// Returns Spark's answers to the examples of the table.
fn answers() -> Value {
    serde_json::from_str(include_str!("../../../../tests/goldens/functions/examples.json"))
        .expect("the answers are JSON")
}

/// What is wrong with an example; `None` if it answers as Spark does.
fn difference(function: &Function, answer: &Value, tables: &Tables) -> Option<String> {
    if answer["sql"] != function.example.sql {
        return Some("the answer is to another question: run function_examples.py".into());
    }
    let actual = sql(&format!("SELECT {}", function.example.sql), &BTreeMap::new(), tables);
    let Some(schema) = answer["schema"].as_str() else {
        return Some(format!("Spark answered {}", answer["error"]));
    };
    let Some(text) = function.example.answer else {
        return actual.map_or_else(
            |error| Some(error.to_string()),
            |frame| (frame.schema != schema).then(|| format!("expected {schema}, got {}", frame.schema)),
        );
    };
    if answer["text"] != text {
        return Some(format!("the table says {text:?}, Spark {}", answer["text"]));
    }
    match answer["rows"].as_array() {
        Some(rows) => compare::frame(schema, rows, false, &actual),
        None => actual.err().map(|error| error.to_string()),
    }
}

/// The example of each function is asked of both, and the answer in the table must be Spark's.
#[test]
fn every_example_answers_as_spark_does() {
    let (answers, tables) = (answers(), Tables::default());
    let known = known(include_str!("known_examples.txt"));
    let mut wrong = Vec::new();
    for function in registry::all() {
        let found = difference(function, &answers["examples"][function.name], &tables);
        match (found, known.contains(function.name)) {
            (Some(why), false) => wrong.push(format!("{}: {why}", function.name)),
            (None, true) => wrong.push(format!("{} passes now: take it off the list", function.name)),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// The number of arguments in `WRONG_NUM_ARGS` is Spark's.
#[test]
fn arities_are_those_that_spark_names() {
    let answers = answers();
    let known = known(include_str!("known_arities.txt"));
    let mut wrong = Vec::new();
    for function in registry::all() {
        let Some(expected) = answers["expectedNum"][function.name].as_str() else {
            continue;
        };
        match (expected == function.expected(), known.contains(function.name)) {
            (false, false) => wrong.push(format!(
                "{}: Spark {expected}, here {}",
                function.name,
                function.expected()
            )),
            (true, true) => wrong.push(format!("{} agrees now: take it off the list", function.name)),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// `SHOW FUNCTIONS` names nothing that Spark lacks.
#[test]
fn listed_functions_are_functions_of_spark() {
    let answers = answers();
    let names = answers["names"].as_array().expect("the answers have names");
    let sparks: BTreeSet<&str> = names.iter().filter_map(Value::as_str).collect();
    let own: Vec<&str> = registry::names().into_iter().filter(|n| !sparks.contains(n)).collect();
    assert!(own.is_empty(), "Spark lists no {own:?}");
}
