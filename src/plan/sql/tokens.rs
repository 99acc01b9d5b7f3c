//! The token stream: sqlparser's tokenizer, then Spark's reading of what it leaves raw.
//!
//! Strings lose their escapes and join their neighbours, numbers take their suffixes, and chains of
//! operators too long for any stack are refused here, before anything recurses over them.
//!
//! ```text
//! SELECT 'a' 'b', 1.5BD, r'\d'   ⇒   SELECT  'ab'  ,  1.5BD  ,  '\d'
//! ```

use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, TokenizerError, Word};

use super::dialect::Spark;
use super::error::{Position, SqlError};
use super::literal::is_number;
use super::prefix::PARAMETER;
use super::rewrite::rewrite;
use super::string_literal::unescape;

/// How many operators may follow each other on one level.
const MAX_OPERATORS: usize = 400;
/// How many set operations and joins may follow each other on one level.
pub(super) const MAX_RELATIONS: usize = 250;
/// How deep parentheses may nest: the parser's own limit is lower, the passes over tokens before it have none.
const MAX_NESTING: usize = 250;
/// How long a text may be, in bytes: beyond it the tree would outgrow a worker's heap.
const MAX_TEXT_BYTES: usize = 8 << 20;

/// Turns parameter markers into calls of [`PARAMETER`]: `:name` of `'name'`, the nth `?` of `'_n'`.
///
/// A colon is a marker if a word follows it at once and no operand stands just before it: `abs(:a)` has one, `struct<a:int>` and
/// `v:a` do not.
fn parameters(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut positional = 0;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let name = match &token.token {
            Token::Placeholder(mark) if mark == "?" => {
                positional += 1;
                Some(format!("_{positional}"))
            }
            Token::Colon
                if !out
                    .last()
                    .is_some_and(|before| before.span.end == token.span.start && is_operand(&before.token)) =>
            {
                let word =
                    tokens.next_if(|next| next.span.start == token.span.end && matches!(next.token, Token::Word(_)));
                word.map(|w| w.token.to_string())
            }
            _ => None,
        };
        match name {
            None => out.push(token),
            Some(name) => {
                let call = [
                    Token::make_word(PARAMETER, None),
                    Token::LParen,
                    Token::SingleQuotedString(name),
                    Token::RParen,
                ];
                out.extend(call.into_iter().map(|t| TokenWithSpan::new(t, token.span)));
            }
        }
    }
    out
}

/// Returns whether a token is, or ends, something that can have a part after a colon.
fn is_operand(token: &Token) -> bool {
    matches!(
        token,
        Token::Word(_) | Token::RParen | Token::RBracket | Token::SingleQuotedString(_) | Token::Number(..)
    )
}

/// A text as tokens, and the text for its error messages.
pub(super) struct Tokens<'a> {
    /// The text itself, which positions in errors count in.
    text: &'a str,
    /// Without white space and comments.
    pub tokens: Vec<TokenWithSpan>,
}

impl<'a> Tokens<'a> {
    /// Reads a text. A trailing semicolon is dropped.
    ///
    /// # Errors
    /// If a literal is malformed, `PARSE_SYNTAX_ERROR`; if the text is too long or its chains are,
    /// [`SqlError::TooComplex`].
    pub fn read(text: &'a str) -> Result<Self, SqlError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(SqlError::TooComplex);
        }
        let dialect = Spark;
        let raw = Tokenizer::new(&dialect, text)
            .with_unescape(false)
            .tokenize_with_location()
            .map_err(|TokenizerError { location, .. }| near_location(text, location))?;
        let mut tokens = merge(text, raw)?;
        while matches!(tokens.last(), Some(last) if last.token == Token::SemiColon) {
            tokens.pop();
        }
        check_chains(&tokens)?;
        Ok(Self {
            text,
            tokens: rewrite(parameters(tokens)),
        })
    }

    /// Returns the text between the token `index` and the end.
    pub fn source_from(&self, index: usize) -> &'a str {
        match self.tokens.get(index) {
            Some(token) => self
                .text
                .get(byte_offset(self.text, token.span.start)..)
                .unwrap_or_default(),
            None => "",
        }
    }

    /// Returns the bare word at `index`, in capitals; `None` if something else stands there.
    pub fn word(&self, index: usize) -> Option<String> {
        match &self.tokens.get(index)?.token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_uppercase()),
            _ => None,
        }
    }

    /// Makes a syntax error at the token `index`.
    pub fn error_at(&self, index: usize) -> SqlError {
        match self.tokens.get(index) {
            Some(token) => near_location(self.text, token.span.start),
            None => SqlError::at_end(end_position(self.text)),
        }
    }

    /// Returns what sqlparser refused, as Spark would say it: its messages end with the place of the token.
    ///
    /// sqlparser's own wording is dropped: only the place counts, at which Spark's sentence names the word.
    pub fn error_of(&self, error: &ParserError) -> SqlError {
        let message = match error {
            ParserError::RecursionLimitExceeded => return SqlError::TooComplex,
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        };
        let place = message
            .rsplit_once(" at Line: ")
            .and_then(|(_, place)| place.split_once(", Column: "));
        match place.and_then(|(line, column)| Some((line.parse().ok()?, column.parse().ok()?))) {
            Some((line, column)) => near_location(self.text, Location { line, column }),
            None => SqlError::at_end(end_position(self.text)),
        }
    }
}

/// Returns the place after the last character.
fn end_position(text: &str) -> Position {
    let line = text.matches('\n').count() as u64 + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() as u64;
    Position { line, column }
}

/// Returns where a location of sqlparser (line and column from 1, column in characters) stands in the
/// text.
fn byte_offset(text: &str, location: Location) -> usize {
    let lines = (location.line.max(1) - 1) as usize;
    let start = match lines {
        0 => 0,
        _ => text
            .match_indices('\n')
            .nth(lines - 1)
            .map_or(text.len(), |(at, _)| at + 1),
    };
    let column = (location.column.max(1) - 1) as usize;
    let line = text.get(start..).unwrap_or_default();
    line.char_indices().nth(column).map_or(text.len(), |(at, _)| start + at)
}

/// Makes a syntax error at a place: it names the word that stands there, or the one character.
fn near_location(text: &str, location: Location) -> SqlError {
    if location.line == 0 {
        return SqlError::at_end(end_position(text));
    }
    let rest = text.get(byte_offset(text, location)..).unwrap_or_default();
    let position = Position {
        line: location.line,
        column: location.column.max(1) - 1,
    };
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let end = match rest.chars().next() {
        None => return SqlError::at_end(position),
        Some(c) if part(c) => rest.find(|c| !part(c)).unwrap_or(rest.len()),
        Some(quote @ ('\'' | '"' | '`')) => rest
            .get(1..)
            .and_then(|body| body.find(quote))
            .map_or(rest.len(), |at| at + 2),
        Some(c) => c.len_utf8(),
    };
    SqlError::near(rest.get(..end).unwrap_or_default(), position)
}

/// Drops white space and comments, and reads Spark's literals.
fn merge(text: &str, raw: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, SqlError> {
    let mut merged: Vec<TokenWithSpan> = Vec::with_capacity(raw.len());
    for next in raw {
        let span = next.span;
        let adjacent = merged.last().is_some_and(|last| last.span.end == span.start);
        let token = match next.token {
            Token::Whitespace(_) | Token::EOF => continue,
            Token::SingleQuotedString(body) => string_token(&mut merged, body, '\'', adjacent),
            Token::DoubleQuotedString(body) => string_token(&mut merged, body, '"', adjacent),
            Token::Word(word) if word.quote_style.is_some() => match word.value.is_empty() {
                true => return Err(near_location(text, span.start)),
                false => Token::Word(Word {
                    value: word.value.replace("``", "`"),
                    ..word
                }),
            },
            Token::Word(word) => {
                word_token(&mut merged, word, adjacent).ok_or_else(|| near_location(text, span.start))?
            }
            Token::Number(digits, long) => Token::Number(if long { format!("{digits}L") } else { digits }, false),
            other => other,
        };
        // A merged token took the place of the one before it.
        let start = match (&token, merged.last()) {
            (
                Token::SingleQuotedString(_),
                Some(TokenWithSpan {
                    token: Token::EOF,
                    span,
                }),
            ) => Some(span.start),
            (
                Token::Number(..),
                Some(TokenWithSpan {
                    token: Token::EOF,
                    span,
                }),
            ) => Some(span.start),
            _ => None,
        };
        if start.is_some() {
            merged.pop();
        }
        merged.push(TokenWithSpan {
            token,
            span: Span {
                start: start.unwrap_or(span.start),
                end: span.end,
            },
        });
    }
    Ok(merged)
}

/// Takes the last token out and leaves a hole that [`merge`] fills with the token made of both.
fn take_last(merged: &mut [TokenWithSpan]) -> Token {
    merged
        .last_mut()
        .map_or(Token::EOF, |last| std::mem::replace(&mut last.token, Token::EOF))
}

/// Returns a string without its escapes, joined to a string before it; `r'…'` keeps its backslashes.
fn string_token(merged: &mut [TokenWithSpan], body: String, quote: char, adjacent: bool) -> Token {
    let is_raw_prefix = |token: &Token| matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("r"));
    let is_raw = adjacent && merged.last().is_some_and(|last| is_raw_prefix(&last.token));
    if is_raw {
        take_last(merged);
        return Token::SingleQuotedString(body);
    }
    let value = unescape(&undouble(&body, quote));
    match merged.last() {
        Some(TokenWithSpan {
            token: Token::SingleQuotedString(_),
            ..
        }) => match take_last(merged) {
            Token::SingleQuotedString(before) => Token::SingleQuotedString(before + &value),
            _ => Token::SingleQuotedString(value),
        },
        _ => Token::SingleQuotedString(value),
    }
}

/// Two quotes inside a string stand for one, unless a backslash already took the first.
fn undouble(body: &str, quote: char) -> String {
    let mut undoubled = String::with_capacity(body.len());
    let mut chars = body.chars().peekable();
    while let Some(c) = chars.next() {
        undoubled.push(c);
        if c == '\\' {
            undoubled.extend(chars.next());
        } else if c == quote {
            chars.next_if_eq(&quote);
        }
    }
    undoubled
}

/// A word that is a number with its suffix becomes a number; `None` if it is neither number nor name.
fn word_token(merged: &mut [TokenWithSpan], word: Word, adjacent: bool) -> Option<Token> {
    if let (
        true,
        Some(TokenWithSpan {
            token: Token::Number(digits, _),
            ..
        }),
    ) = (adjacent, merged.last())
    {
        let whole = format!("{digits}{}", word.value);
        if !is_number(&whole) {
            return None;
        }
        take_last(merged);
        return Some(Token::Number(whole, false));
    }
    if word.value.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        let after_dot = adjacent && merged.last().is_some_and(|last| last.token == Token::Period);
        if is_number(&word.value) && !after_dot {
            return Some(Token::Number(word.value, false));
        }
        if word.value.contains('.') {
            return None;
        }
    }
    Some(Token::Word(word))
}

/// Refuses chains such as `1 + 1 + ..`: they would make a tree as deep as they are long.
///
/// # Errors
/// If a chain is too long or parentheses nest too deeply, [`SqlError::TooComplex`].
fn check_chains(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    /// What has followed each other inside one pair of parentheses.
    #[derive(Default)]
    struct Level {
        operators: usize,
        relations: usize,
    }
    let mut levels = vec![Level::default()];
    for TokenWithSpan { token, .. } in tokens {
        match token {
            Token::LParen | Token::LBracket => {
                if let (Token::LBracket, Some(level)) = (token, levels.last_mut()) {
                    level.operators += 1;
                }
                levels.push(Level::default());
                if levels.len() > MAX_NESTING {
                    return Err(SqlError::TooComplex);
                }
            }
            Token::RParen | Token::RBracket if levels.len() > 1 => {
                levels.pop();
            }
            _ => {}
        }
        let Some(level) = levels.last_mut() else { continue };
        match token {
            Token::Comma => {
                level.operators = 0;
            }
            Token::Word(word) if word.quote_style.is_none() => match word.value.to_ascii_uppercase().as_str() {
                "UNION" | "INTERSECT" | "EXCEPT" | "MINUS" | "JOIN" | "LATERAL" => level.relations += 1,
                // These nest in the parser's tree, whose nodes are large.
                "PIVOT" | "UNPIVOT" => level.relations += MAX_RELATIONS / 8,
                "SELECT" | "FROM" | "WHERE" | "BY" | "HAVING" | "ON" | "WHEN" | "THEN" | "ELSE" => level.operators = 0,
                "AND" | "OR" | "NOT" | "DIV" | "IS" | "IN" | "LIKE" | "ILIKE" | "RLIKE" | "REGEXP" | "BETWEEN" => {
                    level.operators += 1;
                }
                _ => {}
            },
            Token::Number(..) | Token::SingleQuotedString(_) | Token::Word(_) => {}
            _ => level.operators += 1,
        }
        if level.operators > MAX_OPERATORS || level.relations > MAX_RELATIONS {
            return Err(SqlError::TooComplex);
        }
    }
    Ok(())
}
