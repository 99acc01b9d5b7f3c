//! Every golden case that has SQL text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::compare;
use super::run::{Tables, sql};

/// Where the goldens of the `sql` family are: `RIVULET_GOLDENS`, or `tests/goldens` of this repository.
fn folder() -> PathBuf {
    let top = std::env::var("RIVULET_GOLDENS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens").into());
    PathBuf::from(top).join("sql")
}

/// Returns every golden case with SQL text, by family and id.
fn cases(folder: &Path) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for family in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        for file in std::fs::read_dir(family.path()).into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(file.path()).unwrap_or_default();
            let Ok(case) = serde_json::from_str::<Value>(&text) else {
                continue;
            };
            if case.get("sql").is_some() {
                let name = format!(
                    "{}/{}",
                    case["family"].as_str().unwrap_or_default(),
                    case["id"].as_str().unwrap_or_default()
                );
                found.push((name, case));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Returns why a case does not answer as Spark does, in one line; `None` if it does.
fn difference(case: &Value, tables: &Tables) -> Option<String> {
    let conf: BTreeMap<String, String> = case
        .get("conf")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(k, v)| (k.clone(), v.as_str().map_or_else(|| v.to_string(), str::to_owned)))
        .collect();
    let actual = sql(case["sql"].as_str().unwrap_or_default(), &conf, tables);
    let expected = &case["expected"];
    if expected["kind"] == "error" {
        return compare::error(expected["condition"].as_str(), expected["sqlState"].as_str(), &actual);
    }
    let rows = expected["rows"].as_array().cloned().unwrap_or_default();
    let ordered = expected["ordered"].as_bool().unwrap_or(false);
    compare::frame(expected["schema"].as_str().unwrap_or_default(), &rows, ordered, &actual)
}

/// Returns the names before the first `:` of each line; what stands after it is the cause.
pub fn known(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty());
    lines
        .map(|l| l.split(" :: ").next().unwrap_or_default().trim().to_owned())
        .collect()
}

/// A case that fails must stand on the list of known failures with its cause, and one that passes must
/// not.
#[test]
fn golden_sql_gives_sparks_rows_types_names_and_errors() {
    let folder = folder();
    let cases = cases(&folder);
    assert!(
        !cases.is_empty(),
        "no goldens in {}: set RIVULET_GOLDENS",
        folder.display()
    );
    let tables = Tables::read(&folder.join("tables"));
    let known = known(include_str!("known_failures.txt"));
    let only = std::env::var("ONLY").unwrap_or_default();
    let (mut passed, mut wrong) = (0, Vec::new());
    for (name, case) in cases.iter().filter(|(n, _)| n.contains(&only)) {
        match difference(case, &tables) {
            None if known.contains(name) => wrong.push(format!("{name} passes now: take it off the list")),
            None => passed += 1,
            Some(why) => {
                println!("FAIL {name}: {why}");
                if !known.contains(name) {
                    wrong.push(format!("{name}: {why}"));
                }
            }
        }
    }
    println!("{passed} of {} passed", cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
