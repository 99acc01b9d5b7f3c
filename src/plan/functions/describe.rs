//! Functions described for people and for programs: `SHOW FUNCTIONS`, `DESCRIBE FUNCTION`, and the table as
//! JSON, of which the TypeScript client is made.
//!
//! ```text
//! Function: lpad
//! Class: rivulet.functions.text
//! Usage: lpad(str, len[, pad]) - Returns the value filled up on the left, or cut, to `len` characters or bytes.
//! Extended Usage:
//!     Arguments:
//!       str - STRING or BINARY
//!       …
//! ```

use regex::Regex;
use serde_json::{Value, json};

use super::entry::{Argument, Body, Function, Kind, Presence};
use super::registry::{self, GROUPS};
use crate::error::{Result, SparkError};
use crate::plan::sql::FunctionScope;

/// Returns the names that `SHOW FUNCTIONS` lists, sorted.
///
/// ```
/// use rivulet::plan::functions::describe;
/// use rivulet::plan::sql::FunctionScope;
///
/// assert_eq!(describe::show(FunctionScope::All, None, Some("to_j*"))?, ["to_json"]);
/// assert!(describe::show(FunctionScope::User, None, None)?.is_empty());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// If the schema is another than `default`, `SCHEMA_NOT_FOUND`.
pub fn show(scope: FunctionScope, schema: Option<&[String]>, pattern: Option<&str>) -> Result<Vec<&'static str>> {
    if let Some(parts) = schema
        && !is_default(parts)
    {
        return Err(schema_not_found(parts));
    }
    // Nobody can register a function of their own by name.
    if scope == FunctionScope::User {
        return Ok(vec![]);
    }
    Ok(pattern.map_or_else(registry::names, matching))
}

/// Returns whether the parts name the one schema that there is.
pub fn is_default(parts: &[String]) -> bool {
    let parts: Vec<String> = parts.iter().map(|p| p.to_lowercase()).collect();
    parts == ["default"] || parts == ["spark_catalog", "default"]
}

/// Makes `SCHEMA_NOT_FOUND`, which names the schema.
pub fn schema_not_found(parts: &[String]) -> SparkError {
    let name = match parts {
        [schema] => format!("`spark_catalog`.`{schema}`"),
        _ => quoted(parts),
    };
    SparkError::analysis(
        "SCHEMA_NOT_FOUND",
        "42704",
        format!("The schema {name} cannot be found: there is only `spark_catalog`.`default`."),
    )
    .with("schemaName", name)
}

/// Returns the parts of a name, each in backquotes, with dots between.
fn quoted(parts: &[String]) -> String {
    parts.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(".")
}

/// Returns the names that fit a pattern, sorted.
fn matching(pattern: &str) -> Vec<&'static str> {
    let fits = fitting(Some(pattern));
    registry::names().into_iter().filter(|name| fits(name)).collect()
}

/// Returns a test of names by a pattern: a regular expression for the whole name, in which `*` stands for any characters, `|`
/// separates alternatives, and case does not count (`StringUtils.filterPattern`). A malformed alternative fits nothing; without a
/// pattern every name fits.
pub fn fitting(pattern: Option<&str>) -> impl Fn(&str) -> bool + use<> {
    let known: Option<Vec<Regex>> = pattern.map(|pattern| {
        let alternatives = pattern.trim().split('|');
        let regexes = alternatives.filter_map(|p| Regex::new(&format!("^(?i:{})$", p.replace('*', ".*"))).ok());
        regexes.collect()
    });
    move |name| {
        known
            .as_ref()
            .is_none_or(|known| known.iter().any(|regex| regex.is_match(name)))
    }
}

/// Returns the function that the parts of a name mean, with its last part in lower case; `None` if
/// there is none.
pub fn resolve(name: &[String]) -> Option<(&'static Function, String)> {
    let word = match name {
        [word] => word,
        [.., schema, word] if ["builtin", "session"].iter().any(|s| schema.eq_ignore_ascii_case(s)) => word,
        _ => return None,
    };
    let word = word.to_lowercase();
    registry::find(&word).map(|function| (function, word))
}

/// Returns the lines of `DESCRIBE FUNCTION [EXTENDED] name`.
///
/// ```
/// use rivulet::plan::functions::describe::describe;
///
/// let lines = describe(&["lpad".to_owned()], false)?;
/// assert!(lines.iter().any(|line| line.starts_with("Usage: lpad(str, len[, pad]) - ")));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// If no function has the name, `UNRESOLVED_ROUTINE`.
pub fn describe(name: &[String], extended: bool) -> Result<Vec<String>> {
    let (function, word) = resolve(name).ok_or_else(|| registry::unresolved_parts(name))?;
    let mut lines = vec![
        format!("Function: {word}"),
        format!("Class: {}", class(function)),
        format!("Usage: {}", usage(function, &word)),
    ];
    if extended {
        lines.push(format!("Extended Usage:{}", details(function, &word)));
    }
    Ok(lines)
}

/// Returns what stands in the place where Spark names the class of a function.
pub fn class(function: &Function) -> String {
    format!("rivulet.functions.{}", registry::group(function))
}

/// Returns the signature and the description, in one line.
pub fn usage(function: &Function, name: &str) -> String {
    format!("{} - {}", signature(function, name), function.description)
}

/// Returns a call with the names of the arguments, optional ones in brackets: `lpad(str, len[, pad])`.
fn signature(function: &Function, name: &str) -> String {
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

/// Returns the extended usage: arguments, result, other names and an example, each under its heading.
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

/// Returns an argument's name, type and whether it may be missing.
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

/// Returns the whole table: an array of functions with all that their entries say but the code.
///
/// ```
/// use rivulet::plan::functions::describe;
///
/// let table = describe::table();
/// let all = table.as_array().map(Vec::as_slice).unwrap_or_default();
/// let upper = all.iter().find(|entry| entry["name"] == "upper");
/// assert!(upper.is_some_and(|entry| entry["aliases"][0] == "ucase" && entry["returns"] == "STRING"));
/// ```
pub fn table() -> Value {
    let functions = GROUPS
        .iter()
        .flat_map(|(group, functions)| functions.iter().map(move |f| entry(group, f)));
    functions.collect()
}

/// Returns one function as JSON.
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

/// Returns one argument as JSON.
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
        assert_eq!(matching("ABS|sum"), ["abs", "sum"]);
        assert_eq!(matching("^ab.*"), ["abs"]);
        assert!(matching("").is_empty() && matching("ab").is_empty() && matching("(").is_empty());
        assert!(matching("array_*").contains(&"array_distinct"));
    }

    #[test]
    fn functions_are_listed_by_scope_and_schema() {
        let listed =
            |scope, schema: Option<&str>| show(scope, schema.map(|s| vec![s.to_owned()]).as_deref(), Some("abs"));
        assert_eq!(listed(FunctionScope::All, None).unwrap(), ["abs"]);
        assert_eq!(listed(FunctionScope::System, Some("DEFAULT")).unwrap(), ["abs"]);
        assert!(listed(FunctionScope::User, None).unwrap().is_empty());
        let error = listed(FunctionScope::All, Some("elsewhere")).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("SCHEMA_NOT_FOUND"));
    }

    #[test]
    fn unknown_functions_cannot_be_described() {
        let described = |parts: &[&str]| describe(&parts.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>(), false);
        assert_eq!(described(&["system", "builtin", "ABS"]).unwrap()[0], "Function: abs");
        let error = described(&["default", "abs"]).unwrap_err();
        assert_eq!(error.parameters["routineName"], "`default`.`abs`");
    }

    #[test]
    fn a_description_has_sparks_lines() {
        let lines = describe(&["lpad".into()], true).expect("there is an lpad");
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
