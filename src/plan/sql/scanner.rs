//! A reader of characters for the small grammars that need no SQL parser: types, schemas, identifiers.

use super::error::{Position, SqlError};

/// A place in a text. It moves forward only, except by [`Scanner::reset`].
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    /// The whole text.
    text: &'a str,
    /// The byte of the next character.
    at: usize,
}

/// A name as written: bare names keep their case and are never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// Without back-quotes.
    pub text: String,
    /// Whether it stood in back-quotes, and so is not a keyword.
    pub quoted: bool,
}

impl Name {
    /// Whether it is the bare word `keyword` (in capitals), in any case.
    pub fn is(&self, keyword: &str) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case(keyword)
    }
}

impl<'a> Scanner<'a> {
    /// Returns a scanner at the start of the text.
    ///
    /// It reads nothing yet.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Returns the text from here on.
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Returns the next character, which is not skipped; white space is.
    pub fn peek(&mut self) -> Option<char> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        self.rest().chars().next()
    }

    /// Skips `expected` and returns whether it stood there.
    pub fn eat(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    /// Skips `expected`, which must stand there.
    ///
    /// # Errors
    /// If it does not, `PARSE_SYNTAX_ERROR`.
    pub fn expect(&mut self, expected: char) -> Result<(), SqlError> {
        if self.eat(expected) { Ok(()) } else { Err(self.error()) }
    }

    /// Skips the bare word `keyword` (in capitals) and returns whether it stood there.
    pub fn eat_word(&mut self, keyword: &str) -> bool {
        let start = self.at;
        if matches!(self.name(), Ok(name) if name.is(keyword)) {
            return true;
        }
        self.at = start;
        false
    }

    /// Reads a name: letters, digits and underscores, or anything in back-quotes (two stand for one).
    ///
    /// # Errors
    /// If there is none, it is empty or its quotes do not close, `PARSE_SYNTAX_ERROR`.
    pub fn name(&mut self) -> Result<Name, SqlError> {
        match self.peek() {
            Some('`') => self.quoted_name(),
            Some(c) if is_name_part(c) => {
                let rest = self.rest();
                let end = rest.find(|c| !is_name_part(c)).unwrap_or(rest.len());
                self.at += end;
                Ok(Name {
                    text: rest.get(..end).unwrap_or_default().to_string(),
                    quoted: false,
                })
            }
            _ => Err(self.error()),
        }
    }

    /// Reads a name in back-quotes; two of them within it stand for one.
    fn quoted_name(&mut self) -> Result<Name, SqlError> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1).peekable();
        while let Some((offset, c)) = chars.next() {
            if c != '`' {
                text.push(c);
            } else if chars.next_if(|(_, next)| *next == '`').is_some() {
                text.push('`');
            } else if text.is_empty() {
                return Err(self.error_at(start));
            } else {
                self.at = start + offset + 1;
                return Ok(Name { text, quoted: true });
            }
        }
        Err(self.error_at(start))
    }

    /// Reads a string in single or double quotes, as written between them, with its escapes.
    ///
    /// # Errors
    /// If there is none or it does not close, `PARSE_SYNTAX_ERROR`.
    pub fn string(&mut self) -> Result<&'a str, SqlError> {
        let quote = match self.peek() {
            Some(c @ ('\'' | '"')) => c,
            _ => return Err(self.error()),
        };
        let body = self.rest().get(1..).unwrap_or_default();
        let mut chars = body.char_indices().peekable();
        while let Some((offset, c)) = chars.next() {
            if c == '\\' {
                chars.next();
            } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
                self.at += offset + 2;
                return Ok(body.get(..offset).unwrap_or_default());
            }
        }
        Err(self.error())
    }

    /// Reads an unsigned number.
    ///
    /// # Errors
    /// If there is none or it does not fit 64 bits, `PARSE_SYNTAX_ERROR`.
    pub fn number(&mut self) -> Result<u64, SqlError> {
        let start = {
            self.peek();
            self.at
        };
        let name = self.name()?;
        name.text.parse().map_err(|_| self.error_at(start))
    }

    /// Returns where the next character stands; give it to [`Scanner::reset`] to read again from there.
    pub fn mark(&self) -> usize {
        self.at
    }

    /// Goes back to a mark.
    pub fn reset(&mut self, mark: usize) {
        self.at = mark;
    }

    /// Checks that the text is at its end.
    ///
    /// # Errors
    /// If it is not, `PARSE_SYNTAX_ERROR`.
    pub fn expect_end(&mut self) -> Result<(), SqlError> {
        if self.peek().is_none() {
            Ok(())
        } else {
            Err(self.error())
        }
    }

    /// Makes a syntax error at the next token.
    pub fn error(&mut self) -> SqlError {
        self.peek();
        self.error_at(self.at)
    }

    /// Makes `PARSE_SYNTAX_ERROR` at a byte of the text.
    fn error_at(&self, at: usize) -> SqlError {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() as u64 + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64;
        let position = Position { line, column };
        let rest = self.text.get(at..).unwrap_or_default();
        let end = rest.find(|c| !is_name_part(c)).unwrap_or(rest.len());
        match rest.chars().next() {
            None => SqlError::at_end(position),
            Some(_) if end > 0 => SqlError::near(rest.get(..end).unwrap_or_default(), position),
            Some(c) => SqlError::near(&c.to_string(), position),
        }
    }
}

/// Returns whether a bare name may hold a character.
pub(super) fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
