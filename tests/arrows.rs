//! Holds the house to its map: the floors listed in `src/lib.rs` are what the imports say, and every import runs down.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says by a panic what does not hold"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the top floor to the ground, as the map in `src/lib.rs` lists them.
fn floors() -> Vec<String> {
    let map = fs::read_to_string("src/lib.rs").unwrap();
    let block = map.split("```text").nth(1).unwrap().split("```").next().unwrap();
    let lines = block.lines().filter_map(|l| l.strip_prefix("//! "));
    lines
        .filter_map(|l| l.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// Rust files below `folder`, leaving out the TypeScript package and files of tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "js" && name != "tests" {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

/// The room that a file belongs to: the first folder or file name below `src`.
fn room_of(path: &Path) -> String {
    let first = path.components().nth(1).unwrap();
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// Rooms that a text names by `crate::room`, without comments, strings of documentation and unit tests.
fn imports(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: String = code
        .lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut rooms = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            for part in group.split_inclusive(['{', '}', ',']) {
                let name: String = part
                    .trim_start()
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if depth == 0 && !name.is_empty() {
                    rooms.push(name);
                }
                depth += i32::from(part.ends_with('{')) - i32::from(part.ends_with('}'));
                if depth < 0 {
                    break;
                }
            }
        } else {
            rooms.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    rooms
}

/// Why an import from `room` breaks the rule; `None` if it runs down.
fn fault(floors: &[String], room: &str, imported: &str) -> Option<String> {
    let floor = |name: &str| floors.iter().position(|f| f == name);
    match (floor(room), floor(imported)) {
        (_, None) => Some(format!("`{imported}` is not on the map in src/lib.rs")),
        (None, _) => Some(format!("`{room}` is not on the map in src/lib.rs")),
        (Some(from), Some(to)) if to < from => Some(format!("`{room}` imports `{imported}`, which is above it")),
        _ => None,
    }
}

#[test]
fn every_import_runs_down() {
    let floors = floors();
    assert!(floors.len() > 10, "the map of src/lib.rs was not found: {floors:?}");
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let mut faults = Vec::new();
    for path in files {
        let room = room_of(&path);
        if room == "lib" {
            continue;
        }
        for imported in imports(&fs::read_to_string(&path).unwrap()) {
            if imported != room
                && let Some(fault) = fault(&floors, &room, &imported)
            {
                faults.push(format!("{}: {fault}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "arrows that run up:\n{}", faults.join("\n"));
}

#[test]
fn the_map_lists_every_room_once() {
    let floors = floors();
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let mut rooms: BTreeMap<String, usize> = floors.iter().map(|f| (f.clone(), 0)).collect();
    assert_eq!(rooms.len(), floors.len(), "a room stands twice on the map");
    for room in files.iter().map(|p| room_of(p)).filter(|r| r != "lib") {
        *rooms.entry(room).or_default() += 1;
    }
    let missing: Vec<_> = rooms.iter().filter(|(r, n)| **n == 0 || !floors.contains(r)).collect();
    assert!(missing.is_empty(), "the map and the folders differ: {missing:?}");
}

#[test]
fn an_upward_import_is_a_fault_in_each_form_of_use() {
    let floors = floors();
    for text in [
        "use crate::connect::driver::Driver;",
        "use crate::{error::Result, connect::driver::{Driver, Input}};",
        "fn f() -> crate::connect::driver::Driver { todo!() }",
    ] {
        let found: Vec<_> = imports(text).iter().filter_map(|i| fault(&floors, "plan", i)).collect();
        assert_eq!(found, ["`plan` imports `connect`, which is above it"], "{text}");
    }
    assert!(imports("//! See crate::connect.\n#[cfg(test)]\nmod tests {\nuse crate::connect;").is_empty());
    assert_eq!(fault(&floors, "plan", "values"), None);
}
