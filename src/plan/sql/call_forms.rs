//! Calls with keywords between their arguments: `EXTRACT`, `SUBSTRING`, `POSITION`, `OVERLAY`, `TRIM`;
//! and `INTERVAL`, `DIV` and `LIKE ANY`, whose operands are as odd.
//!
//! Each has a plain form with commas, too, which is tried when the keyword is missing. The parser
//! stands at the function's name, and after the closing parenthesis when it is done.
//!
//! ```text
//! EXTRACT(YEAR FROM d)              extract('YEAR', d)       TRIM(LEADING 'x' FROM s)     ltrim('x', s)
//! SUBSTRING(s FROM 2 FOR 3)         substring(s, 2, 3)       POSITION('a' IN s)           locate('a', s)
//! OVERLAY(s PLACING 'x' FROM 2)     overlay(s, 'x', 2)       a DIV b                      a div b
//! ```

use sqlparser::ast::{BinaryOperator, Expr};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::dialect::PREDICATE;
use super::interval::is_unit;
use super::prefix::{INTERVAL_RANGE, INTERVAL_TEXT, INTERVAL_UNITS, LIKE_QUANTIFIED, Parsed, call, string};
use super::type_tokens::type_token;

/// Skips the function's name and its parenthesis, and parses the first argument.
fn first_argument(parser: &mut Parser) -> Parsed {
    parser.next_token();
    parser.expect_token(&Token::LParen)?;
    parser.parse_expr()
}

/// Parses the further arguments after commas, and the closing parenthesis.
fn plain_call(parser: &mut Parser, name: &str, first: Expr) -> Parsed {
    let mut arguments = vec![first];
    if parser.consume_token(&Token::Comma) {
        arguments.extend(parser.parse_comma_separated(Parser::parse_expr)?);
    }
    parser.expect_token(&Token::RParen)?;
    Ok(call(name, arguments))
}

/// Parses `EXTRACT(field FROM x)` as `extract('field', x)`.
pub(super) fn parse_extract(parser: &mut Parser) -> Parsed {
    parser.next_token();
    parser.expect_token(&Token::LParen)?;
    let field = match parser.next_token() {
        token if matches!(token.token, Token::SingleQuotedString(_) | Token::Word(_)) => match token.token {
            Token::SingleQuotedString(text) => text,
            token => type_token(&token),
        },
        token => return parser.expected("a field", token),
    };
    parser.expect_keyword(Keyword::FROM)?;
    let from = parser.parse_expr()?;
    parser.expect_token(&Token::RParen)?;
    Ok(call("extract", vec![string(&field), from]))
}

/// Parses `SUBSTRING(x FROM n FOR m)` as `substring(x, n, m)`.
pub(super) fn parse_substring(parser: &mut Parser, name: &str) -> Parsed {
    let first = first_argument(parser)?;
    if !parser.parse_keyword(Keyword::FROM) {
        return plain_call(parser, name, first);
    }
    let mut arguments = vec![first, parser.parse_expr()?];
    if parser.parse_keyword(Keyword::FOR) {
        arguments.push(parser.parse_expr()?);
    }
    parser.expect_token(&Token::RParen)?;
    Ok(call("substring", arguments))
}

/// Parses `POSITION(x IN y)` as `locate(x, y)`.
pub(super) fn parse_position(parser: &mut Parser) -> Parsed {
    parser.next_token();
    parser.expect_token(&Token::LParen)?;
    let first = parser.parse_subexpr(PREDICATE)?;
    if !parser.parse_keyword(Keyword::IN) {
        return plain_call(parser, "position", first);
    }
    let within = parser.parse_expr()?;
    parser.expect_token(&Token::RParen)?;
    Ok(call("locate", vec![first, within]))
}

/// Parses `OVERLAY(x PLACING y FROM n FOR m)` as `overlay(x, y, n, m)`.
pub(super) fn parse_overlay(parser: &mut Parser) -> Parsed {
    let first = first_argument(parser)?;
    if !parser.parse_keyword(Keyword::PLACING) {
        return plain_call(parser, "overlay", first);
    }
    let mut arguments = vec![first, parser.parse_expr()?];
    parser.expect_keyword(Keyword::FROM)?;
    arguments.push(parser.parse_expr()?);
    if parser.parse_keyword(Keyword::FOR) {
        arguments.push(parser.parse_expr()?);
    }
    parser.expect_token(&Token::RParen)?;
    Ok(call("overlay", arguments))
}

/// Parses `TRIM(LEADING x FROM y)` as `ltrim(x, y)`: Spark's functions take what to trim first.
pub(super) fn parse_trim(parser: &mut Parser) -> Parsed {
    let side = match &parser.peek_nth_token_ref(2).token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
        _ => String::new(),
    };
    let name = match side.as_str() {
        "BOTH" => "trim",
        "LEADING" => "ltrim",
        "TRAILING" => "rtrim",
        _ => {
            let first = first_argument(parser)?;
            if !parser.parse_keyword(Keyword::FROM) {
                return plain_call(parser, "trim", first);
            }
            let from = parser.parse_expr()?;
            parser.expect_token(&Token::RParen)?;
            return Ok(call("trim", vec![first, from]));
        }
    };
    parser.next_token();
    parser.expect_token(&Token::LParen)?;
    parser.next_token();
    let mut arguments = vec![];
    if !parser.parse_keyword(Keyword::FROM) {
        arguments.push(parser.parse_expr()?);
        parser.expect_keyword(Keyword::FROM)?;
    }
    arguments.push(parser.parse_expr()?);
    parser.expect_token(&Token::RParen)?;
    Ok(call(name, arguments))
}

/// Parses an interval literal; `None` if `interval` is a name here.
pub(super) fn parse_interval(parser: &mut Parser, after: &Token) -> Result<Option<Expr>, ParserError> {
    let is_sign = |token: &Token| matches!(token, Token::Minus | Token::Plus);
    let value_at = |parser: &Parser, index: usize| match &parser.peek_nth_token_ref(index).token {
        Token::Number(text, _) | Token::SingleQuotedString(text) => Some(text.clone()),
        _ => None,
    };
    let unit_at = |parser: &Parser, index: usize| match &parser.peek_nth_token_ref(index).token {
        Token::Word(word) if is_unit(&word.value) => Some(word.value.clone()),
        _ => None,
    };
    if let (Token::SingleQuotedString(text), None) = (after, unit_at(parser, 2)) {
        let literal = call(INTERVAL_TEXT, vec![string(text)]);
        parser.next_token();
        parser.next_token();
        return Ok(Some(literal));
    }
    let mut parts: Vec<String> = vec![];
    // The keyword itself is consumed with the first value.
    let mut skip = 1;
    loop {
        let sign = is_sign(&parser.peek_nth_token_ref(skip).token);
        let value = skip + usize::from(sign);
        let (Some(text), Some(unit)) = (value_at(parser, value), unit_at(parser, value + 1)) else {
            break;
        };
        let minus = parser.peek_nth_token_ref(skip).token == Token::Minus;
        let text = match (minus, text.trim().strip_prefix('-')) {
            (true, Some(positive)) => positive.to_string(),
            (true, None) => format!("-{}", text.trim()),
            (false, _) => text,
        };
        (0..value + 2).for_each(|_| drop(parser.next_token()));
        skip = 0;
        if parts.is_empty() && parser.parse_keyword(Keyword::TO) {
            let Some(to) = unit_at(parser, 0) else {
                return parser.expected_ref("a unit of time", parser.peek_token_ref());
            };
            parser.next_token();
            return Ok(Some(call(
                INTERVAL_RANGE,
                vec![string(&text), string(&unit), string(&to)],
            )));
        }
        parts.extend([text, unit]);
    }
    Ok((!parts.is_empty()).then(|| call(INTERVAL_UNITS, parts.iter().map(|part| string(part)).collect())))
}

/// Parses `a DIV b`.
pub(super) fn parse_div(parser: &mut Parser, left: &Expr, precedence: u8) -> Parsed {
    parser.next_token();
    let right = Box::new(parser.parse_subexpr(precedence)?);
    Ok(Expr::BinaryOp {
        left: Box::new(left.clone()),
        op: BinaryOperator::MyIntegerDivide,
        right,
    })
}

/// Parses `x [NOT] LIKE ANY|SOME|ALL (p, ..)`; `None` for other operators.
pub(super) fn parse_like_quantified(parser: &mut Parser, left: &Expr) -> Result<Option<Expr>, ParserError> {
    let word_at = |parser: &Parser, index: usize| match &parser.peek_nth_token_ref(index).token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_lowercase(),
        _ => String::new(),
    };
    let negated = word_at(parser, 0) == "not";
    let start = usize::from(negated);
    let (like, quantifier) = (word_at(parser, start), word_at(parser, start + 1));
    let is_quantifier = matches!(quantifier.as_str(), "any" | "some" | "all");
    let opens = parser.peek_nth_token_ref(start + 2).token == Token::LParen;
    if !matches!(like.as_str(), "like" | "ilike") || !is_quantifier || !opens {
        return Ok(None);
    }
    (0..start + 3).for_each(|_| drop(parser.next_token()));
    let patterns = parser.parse_comma_separated(Parser::parse_expr)?;
    parser.expect_token(&Token::RParen)?;
    let quantifier = if quantifier == "all" { "all" } else { "any" };
    let mut arguments = vec![
        string(&like),
        string(quantifier),
        string(if negated { "not" } else { "" }),
        left.clone(),
    ];
    arguments.extend(patterns);
    Ok(Some(call(LIKE_QUANTIFIED, arguments)))
}
