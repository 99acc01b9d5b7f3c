//! Functions told to people and to programs: `SHOW FUNCTIONS`, `DESCRIBE FUNCTION`, and the table as JSON, of which the
//! TypeScript client is made.

use serde_json::{Value, json};

use super::entry::{Argument, Body, Function, Kind, Presence};
use super::registry::{self, GROUPS};

/// Names whose lower case fits `pattern`, sorted. `*` stands for any characters, `|` separates alternatives, and other
/// characters stand for themselves (`StringUtils.filterPattern` reads them as a regular expression; this does not).
pub fn matching(pattern: &str) -> Vec<&'static str> {
    let alternatives: Vec<String> = pattern.split('|').map(|p| p.trim().to_lowercase()).collect();
    let fits = |name: &&str| alternatives.iter().any(|p| wildcard(p, name));
    registry::names().into_iter().filter(fits).collect()
}

/// Whether `name` is `pattern` with each `*` replaced by some text.
fn wildcard(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut left) = name.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = rest.split('*').collect();
    let Some((last, middle)) = parts.split_last() else {
        return true;
    };
    for part in middle {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}

/// The lines of `DESCRIBE FUNCTION [EXTENDED] name`.
pub fn lines(function: &Function, name: &str, extended: bool) -> Vec<String> {
    let mut lines = vec![
        format!("Function: {name}"),
        format!("Class: rivulet.functions.{}", registry::group(function)),
        format!("Usage: {} - {}", signature(function, name), function.description),
    ];
    if extended {
        lines.push(format!("Extended Usage:{}", details(function, name)));
    }
    lines
}

/// `lpad(str, len[, pad])`.
pub fn signature(function: &Function, name: &str) -> String {
    let mut text = String::new();
    for (i, argument) in function.arguments.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        match argument.presence {
            Presence::Required => text.push_str(&format!("{comma}{}", argument.name)),
            Presence::Optional | Presence::Default(_) => text.push_str(&format!("[{comma}{}]", argument.name)),
            Presence::Repeated => text.push_str(&format!("{comma}{}", argument.name)),
        }
    }
    if function
        .arguments
        .last()
        .is_some_and(|a| a.presence == Presence::Repeated)
    {
        text.push_str(", ...");
    }
    format!("{name}({text})")
}

fn details(function: &Function, name: &str) -> String {
    let mut text = String::new();
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            text.push_str(&format!("\n    {title}:\n      {}", lines.join("\n      ")));
        }
    };
    section("Arguments", function.arguments.iter().map(argument_line).collect());
    section(
        "Returns",
        vec![format!("{}. {}", function.returns, function.nulls.sentence())],
    );
    section(
        "Other names",
        function.names().filter(|n| *n != name).map(str::to_owned).collect(),
    );
    let mut example = vec![format!("> SELECT {};", function.example.sql)];
    example.extend(
        function
            .example
            .answer
            .iter()
            .flat_map(|a| a.split('\n'))
            .map(|line| format!(" {line}")),
    );
    section("Examples", example);
    text
}

fn argument_line(argument: &Argument) -> String {
    let (Kind::Column(kind) | Kind::Literal(kind) | Kind::Lambda(kind)) = argument.kind;
    let more = match argument.presence {
        Presence::Required => String::new(),
        Presence::Optional => ", optional".into(),
        Presence::Default(value) => format!(", {value} if missing"),
        Presence::Repeated => ", any number of times".into(),
    };
    format!("{} - {kind}{more}", argument.name)
}

/// The whole table: an array of functions with all that their entries say but the code.
pub fn table() -> Value {
    let functions = GROUPS
        .iter()
        .flat_map(|(group, functions)| functions.iter().map(move |f| entry(group, f)));
    functions.collect()
}

fn entry(group: &str, f: &Function) -> Value {
    let kind = match f.body {
        Body::Scalar(_) => "scalar",
        Body::Aggregate(_) => "aggregate",
        Body::Window(_) => "window",
        Body::Generator(_) => "generator",
        Body::Form(_) => "form",
    };
    json!({
        "name": f.name,
        "aliases": f.aliases,
        "group": group,
        "kind": kind,
        "arguments": f.arguments.iter().map(argument).collect::<Vec<_>>(),
        "returns": f.returns,
        "nulls": f.nulls.sentence(),
        "description": f.description,
        "example": f.example.sql,
        "answer": f.example.answer,
        "listed": f.listed,
    })
}

fn argument(a: &Argument) -> Value {
    let (kind, data_type) = match a.kind {
        Kind::Column(t) => ("column", t),
        Kind::Literal(t) => ("literal", t),
        Kind::Lambda(t) => ("lambda", t),
    };
    let (presence, default) = match a.presence {
        Presence::Required => ("required", None),
        Presence::Optional => ("optional", None),
        Presence::Default(value) => ("optional", Some(value)),
        Presence::Repeated => ("repeated", None),
    };
    json!({ "name": a.name, "kind": kind, "type": data_type, "presence": presence, "default": default })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_stars_and_alternatives() {
        assert!(wildcard("a*c", "abc") && wildcard("*", "x") && wildcard("ab*", "ab") && wildcard("*b*d*", "abcde"));
        assert!(!wildcard("a*c", "abcd") && !wildcard("ab", "abc") && !wildcard("aa*a", "aa"));
        assert_eq!(matching("ABS|sum"), ["abs", "sum"]);
        assert!(matching("array_*").contains(&"array_distinct"));
    }

    #[test]
    fn a_description_has_sparks_lines() {
        let found = registry::find("lpad").expect("there is an lpad");
        let lines = lines(found, "lpad", true);
        assert_eq!(lines[0], "Function: lpad");
        assert!(
            lines[2].starts_with("Usage: lpad(str, len[, pad]) - Returns "),
            "{}",
            lines[2]
        );
        assert!(
            lines[3].starts_with("Extended Usage:\n    Arguments:\n      str - "),
            "{}",
            lines[3]
        );
    }
}
