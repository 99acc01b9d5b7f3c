//! The table of tables, and what is looked up in it: functions by name, near names, how many arguments
//! a call takes.
//!
//! To add a function, add an entry to the table of its group; to add a group, add a line to [`GROUPS`].
//! A name that stands twice is found by the tests.
//!
//! ```text
//! GROUPS ─┬─ find ──────────► a call
//!         ├─ names ─────────► SHOW FUNCTIONS, and the near names of UNRESOLVED_ROUTINE
//!         ├─ describe ──────► DESCRIBE FUNCTION [EXTENDED]
//!         └─ describe::table ► functions.ts, and the reference
//! ```

use std::collections::HashMap;
use std::sync::LazyLock;

use super::entry::{Argument, Function, Presence};
use super::error::wrong_number;
use super::{
    aggregate, bitmap, check, collection, condition, conversion, csv, generator, hash, json, lambda, map, number,
    operator, partition, random, session, text, time, vector, vector_math, window,
};
use crate::error::{Result, SparkError};

/// Every function, by group. A new group is one line here.
pub static GROUPS: &[(&str, &[Function])] = &[
    ("aggregate", aggregate::FUNCTIONS),
    ("bitmap", bitmap::FUNCTIONS),
    ("check", check::FUNCTIONS),
    ("collection", collection::FUNCTIONS),
    ("condition", condition::FUNCTIONS),
    ("conversion", conversion::FUNCTIONS),
    ("csv", csv::FUNCTIONS),
    ("generator", generator::FUNCTIONS),
    ("hash", hash::FUNCTIONS),
    ("json", json::FUNCTIONS),
    ("lambda", lambda::FUNCTIONS),
    ("map", map::FUNCTIONS),
    ("number", number::FUNCTIONS),
    ("operator", operator::FUNCTIONS),
    ("partition", partition::FUNCTIONS),
    ("random", random::FUNCTIONS),
    ("session", session::FUNCTIONS),
    ("text", text::FUNCTIONS),
    ("time", time::FUNCTIONS),
    ("vector", vector::FUNCTIONS),
    ("vector_math", vector_math::FUNCTIONS),
    ("window", window::FUNCTIONS),
];

/// Most names that an error suggests.
const SUGGESTIONS: usize = 5;

/// Every function by each of its names; made at the first look-up.
static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    let names = all().flat_map(|f| f.names().map(move |name| (name, f)));
    names.collect()
});

/// Returns every function, in the order of the table.
pub fn all() -> impl Iterator<Item = &'static Function> {
    GROUPS.iter().flat_map(|(_, functions)| functions.iter())
}

/// Returns the function with this name or alias, in lower case.
///
/// ```
/// use rivulet::plan::functions::registry;
///
/// assert_eq!(registry::find("ucase").map(|f| f.name), Some("upper"));
/// assert!(registry::find("UCASE").is_none());
/// ```
pub fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

/// Returns the names and aliases of the functions that Spark lists, sorted by their bytes.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = all().filter(|f| f.listed).flat_map(Function::names).collect();
    names.sort_unstable();
    names
}

/// Returns the group that a function stands in.
pub fn group(function: &Function) -> &'static str {
    let found = GROUPS
        .iter()
        .find(|(_, functions)| functions.iter().any(|f| f.name == function.name));
    found.map_or("", |(group, _)| group)
}

/// Where functions are looked for, as Spark writes it.
const SEARCH_PATH: &str = "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]";

/// Makes `UNRESOLVED_ROUTINE`, with the names that look most like the wrong one.
///
/// ```
/// use rivulet::plan::functions::registry;
///
/// let error = registry::unresolved("uper");
/// assert_eq!(error.condition.as_deref(), Some("UNRESOLVED_ROUTINE"));
/// assert!(error.message.contains("`upper`"));
/// ```
pub fn unresolved(name: &str) -> SparkError {
    unresolved_parts(&[name.to_owned()])
}

/// As [`unresolved`], of a name of several parts.
pub fn unresolved_parts(parts: &[String]) -> SparkError {
    let quoted: Vec<String> = parts.iter().map(|p| format!("`{p}`")).collect();
    let name = quoted.join(".");
    let mut message = format!("Cannot resolve routine {name} on search path {SEARCH_PATH}.");
    let near = near(&parts.last().map(|p| p.to_lowercase()).unwrap_or_default());
    if !near.is_empty() {
        message.push_str(&format!(" Did you mean one of these: {}?", near.join(", ")));
    }
    SparkError::analysis("UNRESOLVED_ROUTINE", "42883", message)
        .with("routineName", name)
        .with("searchPath", SEARCH_PATH)
}

/// Returns names within a third of the wrong name's length in edits, the nearest first.
fn near(name: &str) -> Vec<String> {
    let most = (name.chars().count() / 3).max(1);
    let mut found: Vec<(usize, &str)> = names()
        .into_iter()
        .map(|known| (crate::values::text::distance(known, name), known))
        .filter(|(distance, _)| *distance <= most)
        .collect();
    found.sort_unstable();
    found.truncate(SUGGESTIONS);
    found.into_iter().map(|(_, known)| format!("`{known}`")).collect()
}

impl Function {
    /// Returns the name, then the aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// Returns how many arguments must be given.
    fn least(&self) -> usize {
        self.arguments
            .iter()
            .filter(|a| a.presence == Presence::Required)
            .count()
    }

    /// Returns the arguments that are given again and again, all together.
    fn repeated(&self) -> &'static [Argument] {
        let first = self.arguments.iter().position(|a| a.presence == Presence::Repeated);
        first.map_or(&[], |at| &self.arguments[at..])
    }

    /// Checks the number of arguments of a call.
    ///
    /// # Errors
    /// If it does not fit, `WRONG_NUM_ARGS.WITHOUT_SUGGESTION`, which says what would.
    pub fn check_arity(&self, name: &str, given: usize) -> Result<()> {
        let (least, group) = (self.least(), self.repeated().len());
        let fits = match group {
            0 => (least..=self.arguments.len()).contains(&given),
            _ => given >= least && (given - least).is_multiple_of(group),
        };
        if fits {
            Ok(())
        } else {
            Err(wrong_number(name, &self.expected(), given))
        }
    }

    /// Returns how many arguments a call takes, as Spark writes it: `2`, `[1, 2]`, `> 0`, `2n (n > 0)`.
    ///
    /// ```
    /// use rivulet::plan::functions::registry;
    ///
    /// let expected = |name: &str| registry::find(name).map(|function| function.expected()).unwrap_or_default();
    /// assert_eq!(expected("upper"), "1");
    /// assert_eq!(expected("substring"), "[2, 3]");
    /// assert_eq!(expected("coalesce"), "> 0");
    /// assert_eq!(expected("named_struct"), "2n (n > 0)");
    /// ```
    pub fn expected(&self) -> String {
        let (least, most) = (self.least(), self.arguments.len());
        match self.repeated().len() {
            0 if least == most => least.to_string(),
            0 => {
                let counts: Vec<String> = (least..=most).map(|n| n.to_string()).collect();
                format!("[{}]", counts.join(", "))
            }
            1 => format!("> {}", least.saturating_sub(1)),
            group => format!("{group}n (n > 0)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_or_alias_stands_twice() {
        let mut seen = HashMap::new();
        for (group, functions) in GROUPS {
            for name in functions.iter().flat_map(Function::names) {
                assert_eq!(name, name.to_lowercase(), "names are in lower case");
                if let Some(other) = seen.insert(name, group) {
                    panic!("{name} stands in {other} and in {group}");
                }
            }
        }
    }

    #[test]
    fn every_entry_says_what_it_is() {
        for f in all() {
            assert!(
                f.description.ends_with('.') && f.description.starts_with(char::is_uppercase),
                "{}",
                f.name
            );
            let verb = f.description.split(' ').next().unwrap_or_default();
            assert!(
                verb.ends_with('s'),
                "{}: {verb} is not a verb in the third person",
                f.name
            );
            assert!(!f.returns.is_empty(), "{}: no result type", f.name);
            assert!(!f.example.sql.is_empty(), "{}: no example", f.name);
        }
    }

    #[test]
    fn required_arguments_come_before_the_others() {
        for f in all() {
            let rank = |a: &Argument| match a.presence {
                Presence::Required => 0,
                Presence::Optional | Presence::Default(_) => 1,
                Presence::Repeated => 2,
            };
            assert!(f.arguments.is_sorted_by_key(rank), "{}", f.name);
            let mixed = !f.repeated().is_empty() && f.arguments.iter().any(|a| rank(a) == 1);
            assert!(!mixed, "{}: optional and repeated arguments", f.name);
        }
    }

    #[test]
    fn wrong_names_are_answered_with_near_ones() {
        let error = unresolved("substrin");
        assert_eq!(error.condition.as_deref(), Some("UNRESOLVED_ROUTINE"));
        assert!(
            error.to_string().contains("Did you mean one of these: `substring`"),
            "{error}"
        );
        assert!(!unresolved("zzzzzzzz").to_string().contains("Did you mean"));
    }

    #[test]
    fn arities_are_written_as_spark_writes_them() {
        let expected = |name: &str| find(name).map(Function::expected).unwrap_or_default();
        assert_eq!(expected("abs"), "1");
        assert_eq!(expected("lpad"), "[2, 3]");
        assert_eq!(expected("hash"), "> 0");
        assert_eq!(expected("map"), "2n (n > 0)");
    }
}
