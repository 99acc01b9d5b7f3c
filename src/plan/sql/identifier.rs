//! Multipart identifiers: reading `` a.`b.c`.d `` and writing it back.
//!
//! The protocol carries names as one string. Whoever takes such a string apart, or puts one together,
//! does it here.

use super::error::SqlError;
use super::scanner::{Scanner, is_name_part};

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
