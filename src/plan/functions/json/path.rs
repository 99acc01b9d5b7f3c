//! `get_json_object`: JSON paths as Hive and Spark walk them (`GetJsonObjectEvaluator`).
//!
//! ```text
//! $.a.b      members                $[0]   an element       $['a b']   a member with a name of any characters
//! $.a[*].b   of all elements        $.*    never anything
//! ```

use crate::formats::json::text::{Astral, Json, write, write_text};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `.name`, `['name']`.
    Name(String),
    /// `.*`, `['*']`: nothing under it is ever found, as in Spark.
    AnyName,
    /// `[3]`.
    Index(usize),
    /// `[*]`.
    AnyIndex,
}

/// Reads `$`, then steps; `None` if the text is not a path.
pub fn parse(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix("['") {
            let (name, after) = behind.split_once("']")?;
            steps.push(if name == "*" {
                Step::AnyName
            } else {
                Step::Name(name.to_owned())
            });
            rest = after;
        } else if let Some(behind) = rest.strip_prefix('[') {
            let (index, after) = behind.split_once(']')?;
            steps.push(if index == "*" {
                Step::AnyIndex
            } else {
                Step::Index(index.parse().ok()?)
            });
            rest = after;
        } else {
            let behind = rest.strip_prefix('.')?;
            if let Some(after) = behind.strip_prefix('*') {
                steps.push(Step::AnyName);
                rest = after;
                continue;
            }
            let end = behind.find(['.', '[']).unwrap_or(behind.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Name(behind[..end].to_owned()));
            rest = &behind[end..];
        }
    }
    Some(steps)
}

/// How a match is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Strings without quotes.
    Raw,
    /// Strings in quotes.
    Quoted,
    /// Arrays are spread into the array around.
    Flatten,
}

/// Returns what a path finds, as a string; `None` if it finds nothing.
pub fn evaluate(value: &Json, path: &[Step]) -> Option<String> {
    let mut found = Vec::new();
    walk(value, path, Style::Raw, &mut found).then(|| found.concat())
}

/// Puts matches into `out`, one entry each; returns whether there were any.
fn walk(value: &Json, path: &[Step], style: Style, out: &mut Vec<String>) -> bool {
    let text = |style| {
        let mut text = String::new();
        match value {
            Json::Text(raw) if style == Style::Raw => text.push_str(raw),
            Json::Text(raw) => write_text(raw, Astral::Escaped, &mut text),
            other => write(other, Astral::Escaped, &mut text),
        }
        text
    };
    match (value, path) {
        (Json::Array(items, _), []) if style == Style::Flatten => {
            let mut any = false;
            for item in items {
                any |= walk(item, path, style, out);
            }
            any
        }
        (_, []) => {
            out.push(text(style));
            true
        }
        (Json::Object(fields, _), [Step::Name(name), rest @ ..]) => fields
            .iter()
            .any(|(n, v)| n == name && *v != Json::Null && walk(v, rest, style, out)),
        (Json::Array(items, _), [Step::AnyIndex, Step::AnyIndex, rest @ ..]) => {
            let mut inner = Vec::new();
            let mut any = false;
            for item in items {
                any |= walk(item, rest, Style::Flatten, &mut inner);
            }
            out.push(format!("[{}]", inner.join(",")));
            any
        }
        (Json::Array(items, _), [Step::AnyIndex, rest @ ..]) => {
            let next = if style == Style::Flatten {
                Style::Flatten
            } else {
                Style::Quoted
            };
            let mut inner = Vec::new();
            let matches = items.iter().filter(|item| walk(item, rest, next, &mut inner)).count();
            if style == Style::Quoted {
                out.push(format!("[{}]", inner.join(",")));
                return matches > 0;
            }
            // A single match stands without brackets, as in Hive.
            match matches {
                0 => {}
                1 => out.push(inner.join(",")),
                _ => out.push(format!("[{}]", inner.join(","))),
            }
            matches > 0
        }
        (Json::Array(items, _), [Step::Index(at), rest @ ..]) => {
            let style = if matches!(rest.first(), Some(Step::AnyIndex)) {
                Style::Quoted
            } else {
                style
            };
            items.get(*at).is_some_and(|item| walk(item, rest, style, out))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::json::text::{Leniency, parse as parse_json};

    #[test]
    fn paths_find_what_spark_finds() {
        for (text, path, found) in [
            (r#"{"a":[{"b":1},{"b":2}]}"#, "$.a[*].b", Some("[1,2]")),
            (r#"{"a":[{"b":1}]}"#, "$.a[*].b", Some("1")),
            (r#"{"a":{"b":[1,{"c":"x"}]}}"#, "$.a.b[1].c", Some("x")),
            (r#"{"a":null}"#, "$.a", None),
            (r#"{"a":{"x":1}}"#, "$.a.*", None),
            (r#"[1,2]"#, "$[0]", Some("1")),
            (r#"{"a":"é😀"}"#, "$", Some(r#"{"a":"é\uD83D\uDE00"}"#)),
            (r#"{"a":"é😀"}"#, "$.a", Some("é😀")),
        ] {
            let json = parse_json(text, Leniency::DEFAULT, false).unwrap();
            assert_eq!(evaluate(&json, &parse(path).unwrap()).as_deref(), found, "{path}");
        }
        assert_eq!(parse("a"), None);
    }
}
