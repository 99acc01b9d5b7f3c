//! Multipart identifiers: reading `` a.`b.c`.d `` and writing it back.
//!
//! The protocol carries names as one string. Whoever takes such a string apart, or puts one together,
//! does it here.

use super::error::SqlError;
use super::scanner::{Scanner, is_name_part};
use crate::error::SparkError;

/// Reads a multipart identifier: names with dots between, each bare or in back-quotes.
///
/// ```
/// use rivulet::plan::sql::parse_identifier;
///
/// assert_eq!(parse_identifier("db.`my.table`")?, ["db", "my.table"]);
/// assert!(parse_identifier("").is_err());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// If it is anything else, an empty text among them, `PARSE_SYNTAX_ERROR`.
pub fn parse_identifier(text: &str) -> Result<Vec<String>, SqlError> {
    let mut scanner = Scanner::new(text);
    let mut parts = vec![scanner.name()?.text];
    while scanner.eat('.') {
        parts.push(scanner.name()?.text);
    }
    scanner.expect_end()?;
    Ok(parts)
}

/// Reads the name of a column as DataFrames have it (`UnresolvedAttribute.parseAttributeName`): parts with dots between, in which any
/// letters may stand; a part in back-quotes may have dots.
///
/// ```
/// use rivulet::plan::sql::parse_column;
///
/// assert_eq!(parse_column("wind speed")?, ["wind speed"]);
/// assert_eq!(parse_column("a.`b.c`")?, ["a", "b.c"]);
/// assert!(parse_column("a..b").is_err());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// `INVALID_ATTRIBUTE_NAME_SYNTAX` if a back-quote is not closed, or stands within a part, or a part is missing.
pub fn parse_column(name: &str) -> Result<Vec<String>, SparkError> {
    let wrong = || {
        SparkError::analysis(
            "INVALID_ATTRIBUTE_NAME_SYNTAX",
            "42601",
            format!("Syntax error in the attribute name: {name}. Check that backticks appear in pairs, a quoted string is a complete name part and use a backtick only inside quoted name parts."),
        )
        .with("name", name)
    };
    let (mut parts, mut part) = (vec![], String::new());
    let mut letters = name.chars().peekable();
    let mut before = '.';
    while let Some(letter) = letters.next() {
        match letter {
            '`' if part.is_empty() => {
                loop {
                    match letters.next() {
                        Some('`') if letters.next_if_eq(&'`').is_some() => part.push('`'),
                        Some('`') => break,
                        Some(other) => part.push(other),
                        None => return Err(wrong()),
                    }
                }
                if letters.peek().is_some_and(|next| *next != '.') {
                    return Err(wrong());
                }
            }
            '`' => return Err(wrong()),
            '.' if before == '.' || letters.peek().is_none() => return Err(wrong()),
            '.' => parts.push(std::mem::take(&mut part)),
            other => part.push(other),
        }
        before = letter;
    }
    parts.push(part);
    Ok(parts)
}

/// Writes parts so that [`parse_identifier`] reads them back: a part is in back-quotes unless it is a bare name.
///
/// ```
/// use rivulet::plan::sql::quote_identifier;
///
/// assert_eq!(quote_identifier(&["db", "my.table"]), "db.`my.table`");
/// ```
pub fn quote_identifier<S: AsRef<str>>(parts: &[S]) -> String {
    parts
        .iter()
        .map(|part| quote_part(part.as_ref()))
        .collect::<Vec<_>>()
        .join(".")
}

/// Returns a part in back-quotes, each within it doubled, unless it is a bare name.
fn quote_part(part: &str) -> String {
    if !part.is_empty() && part.chars().all(is_name_part) {
        part.to_string()
    } else {
        format!("`{}`", part.replace('`', "``"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_parts_may_hold_dots_and_back_quotes() {
        assert_eq!(parse_identifier("a.`b.c`.d").unwrap(), ["a", "b.c", "d"]);
        assert_eq!(parse_identifier("`a``b`").unwrap(), ["a`b"]);
        assert_eq!(quote_identifier(&["a", "b.c", "d`e", ""]), "a.`b.c`.`d``e`.``");
    }

    #[test]
    fn names_of_columns_are_parted_at_dots_alone() {
        for (name, parts) in [
            ("#tag", vec!["#tag"]),
            ("x(y)", vec!["x(y)"]),
            ("a b.c-d", vec!["a b", "c-d"]),
            ("`p.q`", vec!["p.q"]),
            ("`a``b`.`c`", vec!["a`b", "c"]),
            ("``", vec![""]),
            ("", vec![""]),
        ] {
            assert_eq!(parse_column(name).unwrap(), parts, "{name}");
        }
        for name in ["a.", ".a", "a..b", "a`b", "`a", "`a`b", "a.`b`c"] {
            let error = parse_column(name).unwrap_err();
            assert_eq!(
                error.condition.as_deref(),
                Some("INVALID_ATTRIBUTE_NAME_SYNTAX"),
                "{name}"
            );
        }
    }

    #[test]
    fn anything_else_is_a_syntax_error() {
        for text in ["", "a.", ".a", "a b", "`a", "a-b", "``"] {
            assert_eq!(
                parse_identifier(text).unwrap_err().condition(),
                "PARSE_SYNTAX_ERROR",
                "{text}"
            );
        }
    }
}
