//! Single expressions and small queries with the answers that Spark 4.3 gave (`spark_answers.json`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::compare;
use super::goldens::known;
use super::run::{Tables, sql};

/// Each line of the corpus is a query with Spark's rows and schema, or with its condition and SQLSTATE.
/// `ONLY` runs those that contain a text.
#[test]
fn expressions_give_sparks_values_types_names_and_errors() {
    let answers: Vec<Value> = serde_json::from_str(include_str!("spark_answers.json")).expect("the corpus is JSON");
    let known = known(include_str!("known_differences.txt"));
    let only = std::env::var("ONLY").unwrap_or_default();
    let (mut passed, mut wrong) = (0, Vec::new());
    let tables = Tables::default();
    for answer in answers
        .iter()
        .filter(|a| a["sql"].as_str().is_some_and(|s| s.contains(&only)))
    {
        let query = answer["sql"].as_str().unwrap_or_default();
        let actual = sql(query, &BTreeMap::new(), &tables);
        let difference = match answer["rows"].as_array() {
            Some(rows) => compare::frame(answer["schema"].as_str().unwrap_or_default(), rows, false, &actual),
            None => compare::error(answer["error"].as_str(), answer["sqlState"].as_str(), &actual),
        };
        match difference {
            None if known.contains(query) => wrong.push(format!("{query} passes now: take it off the list")),
            None => passed += 1,
            Some(why) => {
                println!("FAIL {query} :: {why}");
                if !known.contains(query) {
                    wrong.push(format!("{query} :: {why}"));
                }
            }
        }
    }
    println!("{passed} of {} passed", answers.len());
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
