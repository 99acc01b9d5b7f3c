//! Spark's own clauses in the words of the grammar: a pass over tokens, before parsing.
//!
//! - `LATERAL VIEW [OUTER] f(..) t AS a, b` becomes `, LATERAL f(..) AS t (a, b)`, with `_outer` after `f` if it is one.
//!   Spark applies these views after all relations of their `FROM`, which is what a last comma does.
//! - `VALUES 1, 2` becomes `VALUES (1), (2)`.

use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

/// What may follow a lateral view or an inline table, and so is not an alias of it.
const CLAUSES: [&str; 22] = [
    "AS",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "SORT",
    "CLUSTER",
    "DISTRIBUTE",
    "LIMIT",
    "OFFSET",
    "LATERAL",
    "WINDOW",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "MINUS",
    "PIVOT",
    "UNPIVOT",
    "JOIN",
    "ON",
    "FROM",
    "ALL",
];

/// Words of expressions, which are no name of a table.
const OPERATORS: [&str; 23] = [
    "AND", "OR", "NOT", "IN", "IS", "LIKE", "ILIKE", "RLIKE", "REGEXP", "BETWEEN", "DIV", "ESCAPE", "DISTINCT", "ANY",
    "SOME", "ALL", "CASE", "WHEN", "THEN", "ELSE", "COLLATE", "INTERVAL", "AT",
];

/// Words that a join may begin with.
const JOINS: [&str; 8] = ["INNER", "CROSS", "LEFT", "RIGHT", "FULL", "SEMI", "ANTI", "NATURAL"];

/// Rewrites both clauses; all other tokens stay as they are.
pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut source = Source { tokens, at: 0 };
    while let Some(token) = source.next() {
        if is_word(&token.token, "LATERAL") && source.peek_word("VIEW") {
            lateral_view(&mut source, token, &mut out);
        } else {
            out.push(token);
        }
    }
    bare_values(aliased_statement(out))
}

/// Turns the statement `VALUES 1, 2 AS t(a)` into `SELECT * FROM VALUES 1, 2 AS t(a)`.
fn aliased_statement(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let Some(first) = tokens.first().filter(|first| is_word(&first.token, "VALUES")) else {
        return tokens;
    };
    let span = first.span;
    let mut depth = 0usize;
    let is_named = tokens
        .iter()
        .enumerate()
        .skip(1)
        .any(|(index, TokenWithSpan { token, .. })| {
            match token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
                Token::Word(_) if depth == 0 => return is_word(token, "AS") || is_table_alias(&tokens, index),
                _ => {}
            }
            false
        });
    if !is_named {
        return tokens;
    }
    let word = |text: &str| Token::make_keyword(text);
    let select = [word("SELECT"), Token::Mul, word("FROM")];
    select.into_iter().map(|token| at(token, span)).chain(tokens).collect()
}

/// Tokens that are read once, in order.
struct Source {
    /// All of them; those already taken are holes.
    tokens: Vec<TokenWithSpan>,
    /// The number of the next one.
    at: usize,
}

impl Source {
    /// Takes the next token.
    fn next(&mut self) -> Option<TokenWithSpan> {
        let token = self.tokens.get_mut(self.at)?;
        self.at += 1;
        Some(std::mem::replace(
            token,
            TokenWithSpan {
                token: Token::EOF,
                span: token.span,
            },
        ))
    }

    /// Returns the next token without taking it.
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|token| &token.token)
    }

    /// Returns whether a bare word comes next.
    fn peek_word(&self, word: &str) -> bool {
        self.peek().is_some_and(|token| is_word(token, word))
    }

    /// Returns whether a name comes next.
    fn peek_name(&self) -> bool {
        self.peek().is_some_and(is_name)
    }
}

/// Returns whether a token is this bare word, in any case.
fn is_word(token: &Token, expected: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected))
}

/// Returns whether a token may name something: a word that is not one of the clauses' own.
fn is_name(token: &Token) -> bool {
    matches!(token, Token::Word(_)) && !CLAUSES.iter().any(|clause| is_word(token, clause))
}

/// Returns a token at the place of the text that it replaces, so that errors point there.
fn at(token: Token, span: Span) -> TokenWithSpan {
    TokenWithSpan { token, span }
}

/// Copies up to the parenthesis that closes the first one opened. A view inside them stays as it is,
/// and will fail: Spark does not have lateral views there.
fn copy_arguments(source: &mut Source, out: &mut Vec<TokenWithSpan>) {
    let mut depth = 0usize;
    while let Some(token) = source.next() {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        out.push(token);
        if depth == 0 {
            return;
        }
    }
}

/// Spells `LATERAL VIEW [OUTER] f(x) t AS a, b` as a lateral join.
fn lateral_view(source: &mut Source, lateral: TokenWithSpan, out: &mut Vec<TokenWithSpan>) {
    let span = lateral.span;
    source.next();
    let outer = source.peek_word("OUTER") && source.next().is_some();
    out.push(at(Token::Comma, span));
    out.push(lateral);
    while let Some(mut name) = source.next() {
        let last = source.peek() == Some(&Token::LParen);
        if let (true, true, Token::Word(word)) = (outer, last, &mut name.token) {
            *word = Word {
                value: format!("{}_outer", word.value),
                ..word.clone()
            };
        }
        let goes_on = matches!(name.token, Token::Word(_) | Token::Period);
        out.push(name);
        if last || !goes_on {
            break;
        }
    }
    if source.peek() != Some(&Token::LParen) {
        return;
    }
    copy_arguments(source, out);
    if !source.peek_name() {
        return;
    }
    out.push(at(Token::make_keyword("AS"), span));
    out.extend(source.next());
    if source.peek_word("AS") {
        source.next();
    }
    if !source.peek_name() {
        return;
    }
    out.push(at(Token::LParen, span));
    out.extend(source.next());
    while source.peek() == Some(&Token::Comma) {
        out.extend(source.next());
        if source.peek_name() {
            out.extend(source.next());
        }
    }
    out.push(at(Token::RParen, span));
}

/// Puts each row of `VALUES` that has no parentheses into its own.
fn bare_values(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let starts: Vec<usize> = (0..tokens.len())
        .filter(|&index| starts_bare_rows(&tokens, index))
        .collect();
    if starts.is_empty() {
        return tokens;
    }
    // Parentheses to close and to open before each token, and at the end.
    let mut marks = vec![(0usize, 0usize); tokens.len() + 1];
    for start in starts {
        let end = mark_rows(&tokens, start + 1, &mut marks);
        marks[end].0 += 1;
    }
    let mut out = Vec::with_capacity(tokens.len() * 2);
    let end = tokens.last().map_or(Span::empty(), |token| token.span);
    let positions = tokens.into_iter().map(Some).chain([None]);
    for ((closes, opens), token) in marks.into_iter().zip(positions) {
        let span = token.as_ref().map_or(end, |token| token.span);
        out.extend((0..closes).map(|_| at(Token::RParen, span)));
        out.extend((0..opens).map(|_| at(Token::LParen, span)));
        out.extend(token);
    }
    out
}

/// Returns whether `VALUES` stands where the grammar wants a query or a table.
fn starts_bare_rows(tokens: &[TokenWithSpan], index: usize) -> bool {
    let token = |index: usize| tokens.get(index).map(|token| &token.token);
    let is_clause = |token: &Token| CLAUSES.iter().any(|clause| is_word(token, clause));
    let follows_clause = match index.checked_sub(1).and_then(token) {
        None | Some(Token::LParen | Token::Comma) => true,
        Some(before) => ["FROM", "JOIN", "UNION", "ALL", "AS"]
            .iter()
            .any(|word| is_word(before, word)),
    };
    let starts_row = match token(index + 1) {
        Some(Token::Number(..) | Token::SingleQuotedString(_) | Token::Minus) => true,
        Some(after @ Token::Word(_)) => !is_clause(after),
        _ => false,
    };
    follows_clause && starts_row && token(index).is_some_and(|token| is_word(token, "VALUES"))
}

/// Marks the rows that start at `first` and returns where the last of them ends.
fn mark_rows(tokens: &[TokenWithSpan], first: usize, marks: &mut [(usize, usize)]) -> usize {
    let mut depth = 0usize;
    marks[first].1 += 1;
    for (index, TokenWithSpan { token, .. }) in tokens.iter().enumerate().skip(first) {
        match token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket if depth > 0 => depth -= 1,
            Token::Comma if depth == 0 => {
                marks[index].0 += 1;
                marks[index + 1].1 += 1;
            }
            Token::RParen => return index,
            token if depth == 0 && CLAUSES.iter().any(|clause| is_word(token, clause)) => return index,
            Token::Word(_) if depth == 0 && is_table_alias(tokens, index) => return index,
            _ => {}
        }
    }
    tokens.len()
}

/// Returns whether a word names the inline table whose rows end before it: `t` in `VALUES 1, 2 t(a)`.
///
/// It follows an expression that is complete, and after it and its columns the table ends.
fn is_table_alias(tokens: &[TokenWithSpan], index: usize) -> bool {
    let any = |token: &Token, words: &[&str]| words.iter().any(|word| is_word(token, word));
    let Some(before) = index.checked_sub(1).map(|before| &tokens[before].token) else {
        return false;
    };
    let ends_expression = match before {
        Token::Number(..) | Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) => true,
        Token::RParen | Token::RBracket => true,
        Token::Word(_) => !any(before, &OPERATORS) && !is_word(before, "VALUES"),
        _ => false,
    };
    // `DAY` in `INTERVAL 1 DAY`, and `TO`.
    let in_interval = tokens[index.saturating_sub(4)..index]
        .iter()
        .any(|token| is_word(&token.token, "INTERVAL"));
    let word = &tokens[index].token;
    let is_unit = in_interval && (!matches!(before, Token::Word(_)) || is_word(word, "TO"));
    if !ends_expression || is_unit || any(word, &OPERATORS) || any(word, &["NULL", "END"]) {
        return false;
    }
    let mut rest = tokens[index + 1..].iter().map(|token| &token.token).peekable();
    if rest.next_if(|token| **token == Token::LParen).is_some() {
        let columns = rest.by_ref().take_while(|token| **token != Token::RParen);
        if !columns
            .into_iter()
            .all(|token| matches!(token, Token::Word(_) | Token::Comma))
        {
            return false;
        }
    }
    rest.next().is_none_or(|after| {
        matches!(after, Token::RParen | Token::Comma | Token::SemiColon | Token::EOF)
            || any(after, &CLAUSES)
            || any(after, &JOINS)
    })
}
