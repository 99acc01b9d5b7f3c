//! The one place that compares names of columns (`spark.sql.caseSensitive`, Spark's `Resolver`).
//!
//! Unless names are case-sensitive, they are compared in lower case by Unicode's rules, as Spark does with
//! `toLowerCase(Locale.ROOT)`.

use super::analyzer::Analyzer;
use super::scope::{Attribute, Resolved};
use crate::error::{Result, SparkError};
use crate::settings::Conf;

/// How names of columns and fields are compared.
///
/// ```
/// use rivulet::plan::names::Names;
///
/// assert!(Names::Folded.same("Größe", "GRÖßE"));
/// assert!(!Names::Exact.same("a", "A"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Letter by letter.
    Exact,
    /// In lower case.
    Folded,
}

impl Names {
    /// Returns what the session's settings say.
    pub fn of(conf: &Conf) -> Self {
        if conf.case_sensitive() {
            Self::Exact
        } else {
            Self::Folded
        }
    }

    /// Returns whether two names mean the same.
    pub fn same(self, a: &str, b: &str) -> bool {
        a == b || self == Self::Folded && a.to_lowercase() == b.to_lowercase()
    }

    /// Returns whether a qualifier ends with these parts; no parts fit any qualifier.
    ///
    /// ```
    /// use rivulet::plan::names::Names;
    ///
    /// let qualifier = ["catalog".to_owned(), "t".to_owned()];
    /// assert!(Names::Folded.ends_with(&qualifier, &["T".to_owned()]));
    /// assert!(Names::Exact.ends_with(&qualifier, &[]));
    /// assert!(!Names::Exact.ends_with(&qualifier, &["T".to_owned()]));
    /// ```
    pub fn ends_with(self, qualifier: &[String], parts: &[String]) -> bool {
        let Some(from) = qualifier.len().checked_sub(parts.len()) else {
            return false;
        };
        qualifier[from..].iter().zip(parts).all(|(a, b)| self.same(a, b))
    }

    /// Lists the columns of that name, in their order.
    pub fn all<'a>(self, relation: &'a Resolved, name: &'a str) -> impl Iterator<Item = &'a Attribute> + 'a {
        relation.output.iter().filter(move |a| self.same(&a.name, name))
    }

    /// Returns the first column of that name; `None` if the relation has no such column.
    ///
    /// Of several columns with that name, the others are out of reach here; callers that must not guess use
    /// expressions' names.
    pub fn column<'a>(self, relation: &'a Resolved, name: &str) -> Option<&'a Attribute> {
        relation.output.iter().find(|a| self.same(&a.name, name))
    }

    /// Checks that no name is there twice.
    ///
    /// # Errors
    /// `COLUMN_ALREADY_EXISTS`, with the first name that comes again.
    pub fn check_unique<'a>(self, names: impl IntoIterator<Item = &'a String>) -> Result<()> {
        let mut seen: Vec<&String> = vec![];
        for name in names {
            if seen.iter().any(|other| self.same(other, name)) {
                let name = if self == Self::Folded {
                    name.to_lowercase()
                } else {
                    name.clone()
                };
                return Err(SparkError::analysis(
                    "COLUMN_ALREADY_EXISTS",
                    "42711",
                    format!("The column `{name}` already exists. Choose another name or rename the existing column."),
                )
                .with("columnName", format!("`{name}`")));
            }
            seen.push(name);
        }
        Ok(())
    }

    /// As [`Names::column`], for operations that Spark lets name top-level columns only.
    ///
    /// # Errors
    /// If there is no such column, `UNRESOLVED_COLUMN_AMONG_FIELD_NAMES`.
    pub fn field<'a>(self, relation: &'a Resolved, name: &str) -> Result<&'a Attribute> {
        self.column(relation, name).ok_or_else(|| {
            let names: Vec<&str> = relation.output.iter().map(|a| a.name.as_str()).collect();
            let names = names.join(", ");
            SparkError::analysis(
                "UNRESOLVED_COLUMN_AMONG_FIELD_NAMES",
                "42703",
                format!("Cannot resolve column name \"{name}\" among ({names})."),
            )
            .with("colName", name)
            .with("fieldNames", names)
        })
    }
}

impl Analyzer {
    /// Returns how this session compares names.
    pub fn names(&self) -> Names {
        Names::of(&self.conf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_names_are_compared_by_unicode_and_exact_ones_letter_by_letter() {
        for (a, b, folded) in [
            ("Tag", "tAG", true),
            ("É", "é", true),
            ("ß", "SS", false),
            ("a", "b", false),
        ] {
            assert_eq!(Names::Folded.same(a, b), folded, "{a} {b}");
            assert!(!Names::Exact.same(a, b));
        }
        let parts = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        assert!(Names::Folded.ends_with(&parts("cat.Db.T"), &parts("db.t")));
        assert!(!Names::Exact.ends_with(&parts("cat.Db.T"), &parts("db.T")));
        assert!(!Names::Folded.ends_with(&parts("t"), &parts("db.t")));
        assert!(Names::Exact.ends_with(&[], &[]));
    }
}
