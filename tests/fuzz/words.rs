//! Statements that others wrote, and changes of their words.

use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;

/// The examples of all functions, and the statements of the goldens.
pub fn statements() -> Vec<String> {
    let mut found: Vec<String> = rivulet::plan::functions::registry::all()
        .map(|function| format!("SELECT {}", function.example.sql))
        .collect();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/sql");
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(&folder)
            .expect("goldens are there")
            .flatten()
            .collect();
        entries.sort_by_key(std::fs::DirEntry::path);
        for entry in entries {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            let case: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            found.extend(case["sql"].as_str().map(str::to_owned));
            if case["family"] == "statements" {
                found.extend(case["description"].as_str().map(str::to_owned));
            }
        }
    }
    found
}

/// Words, numbers, strings and signs.
pub fn split(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut quote = None;
    for c in text.chars() {
        let joins = match (quote, words.last().and_then(|w| w.chars().last())) {
            (Some(_), _) => true,
            (None, Some(last)) => (c.is_alphanumeric() || c == '_') && (last.is_alphanumeric() || last == '_'),
            (None, None) => false,
        };
        match words.last_mut().filter(|_| joins) {
            Some(word) => word.push(c),
            None => words.push(c.to_string()),
        }
        quote = match quote {
            None if c == '\'' || c == '"' || c == '`' => Some(c),
            Some(q) if q == c => None,
            other => other,
        };
    }
    words
}

/// The statement with a few words changed, lost, doubled or from elsewhere in it.
pub fn changed(rng: &mut SmallRng, statement: &str, value: fn(&mut SmallRng) -> &'static str) -> String {
    let mut words = split(statement);
    for _ in 0..rng.random_range(1..4) {
        if words.is_empty() {
            break;
        }
        let at = rng.random_range(0..words.len());
        let other = words.choose(rng).expect("it is not empty").clone();
        match rng.random_range(0..5) {
            0 => words[at] = value(rng).to_owned(),
            1 => words[at] = other,
            2 => words.insert(at, other),
            3 => {
                words.remove(at);
            }
            _ => {
                let is_value = words[at].starts_with(|c: char| c.is_ascii_digit() || c == '\'');
                let numbers =
                    (0..words.len()).filter(|i| words[*i].starts_with(|c: char| c.is_ascii_digit() || c == '\''));
                let numbers: Vec<usize> = numbers.collect();
                let at = if is_value {
                    at
                } else {
                    numbers.choose(rng).copied().unwrap_or(at)
                };
                words[at] = value(rng).to_owned();
            }
        }
    }
    words.concat()
}
