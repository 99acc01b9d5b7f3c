//! What stands between the quotes of a Spark string literal, without its escapes.
//!
//! Strings are collected as UTF-16, since an escape such as `\uD83D` may name half of a character whose
//! other half follows.
//!
//! ```text
//! 'a\tb'    a, tab, b        '\101'    A        'a\%b'    a\%b        'it''s'    it's, joined by the tokens
//! ```

/// Removes Spark's escapes from the text between the quotes.
///
/// `\0 \b \n \r \t \Z` are control characters, `\uXXXX`, `\UXXXXXXXX` and three octal digits are characters by number,
/// `\%` and `\_` stay as they are because `LIKE` reads them, and before any other character the backslash is dropped
/// (`SparkParserUtils.unescapeSQLString`). Half of a surrogate pair alone becomes U+FFFD.
pub(super) fn unescape(body: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if c != '\\' {
            push(&mut units, c);
            continue;
        }
        let Some(escaped) = rest.chars().next() else {
            push(&mut units, '\\');
            break;
        };
        if let Some((unit, length)) = numbered(rest) {
            units.extend_from_slice(&unit);
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        rest = rest.get(escaped.len_utf8()..).unwrap_or_default();
        match escaped {
            '0' => push(&mut units, '\0'),
            'b' => push(&mut units, '\u{8}'),
            'n' => push(&mut units, '\n'),
            'r' => push(&mut units, '\r'),
            't' => push(&mut units, '\t'),
            'Z' => push(&mut units, '\u{1a}'),
            '%' | '_' => {
                push(&mut units, '\\');
                push(&mut units, escaped);
            }
            other => push(&mut units, other),
        }
    }
    String::from_utf16_lossy(&units)
}

/// Adds a character, as the one or two code units that it is.
fn push(units: &mut Vec<u16>, c: char) {
    units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
}

/// Reads a character by number after the backslash: its UTF-16 units and how many bytes wrote it.
fn numbered(rest: &str) -> Option<(Vec<u16>, usize)> {
    let digits = |from: usize, count: usize, radix: u32| {
        let text = rest.get(from..from + count)?;
        text.chars()
            .all(|c| c.is_digit(radix))
            .then(|| u32::from_str_radix(text, radix).ok())?
    };
    match rest.chars().next()? {
        'u' => Some((vec![digits(1, 4, 16)? as u16], 5)),
        'U' => char::from_u32(digits(1, 8, 16)?).map(|c| (c.encode_utf16(&mut [0; 2]).to_vec(), 9)),
        '0' | '1' => Some((vec![digits(0, 3, 8)? as u16], 3)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_as_spark_reads_them() {
        for (body, value) in [
            (r"\\w", r"\w"),
            (r"a\nb\t\0", "a\nb\t\0"),
            (r"\u00e9\uD83D\uDE00", "é😀"),
            (r"\U0001F600", "😀"),
            (r"\101\x", "Ax"),
            (r"50\% \_x", r"50\% \_x"),
            ("\\", "\\"),
            (r"\uD83D", "\u{fffd}"),
            (r"\u00g", "u00g"),
        ] {
            assert_eq!(unescape(body), value, "{body}");
        }
    }
}
