//! How an expression may start in Spark SQL: the forms that the dialect parses itself.
//!
//! sqlparser guesses at words (is `date` a type, `interval` a keyword?) by trying both ways; Spark
//! decides by what follows, and so does this, which never looks back. What the syntax tree has no node
//! for becomes a call of a function whose name starts with a NUL, and [`super::expression`] takes it
//! apart again.
//!
//! ```text
//! INTERVAL 1 DAY      \0interval_units('1', 'DAY')
//! DATE '2024-03-01'   \0typed('DATE', '2024-03-01')
//! :limit              \0parameter('limit')
//! ```
//!
//! A NUL cannot be typed in a name, so that no user's function is taken for one of these.

use sqlparser::ast::{
    CastKind, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, LambdaFunction, LambdaFunctionParameter, LambdaSyntax, ObjectName, OneOrManyWithParens,
    UnaryOperator, Value,
};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Word};

use super::call_forms::{parse_extract, parse_interval, parse_overlay, parse_position, parse_substring, parse_trim};
use super::dialect::{PREDICATE, TIMES};
use super::type_tokens::parse_type;

/// `INTERVAL 1 YEAR 2 MONTHS`: values and units by turns, as strings.
pub(super) const INTERVAL_UNITS: &str = "\0interval_units";
/// `INTERVAL '1-2' YEAR TO MONTH`: value, first and last unit, as strings.
pub(super) const INTERVAL_RANGE: &str = "\0interval_range";
/// `INTERVAL '1 day 2 hours'`: one string.
pub(super) const INTERVAL_TEXT: &str = "\0interval_text";
/// `DATE'..'` and its kin: the type's name in capitals and the text, as strings.
pub(super) const TYPED: &str = "\0typed";
/// `x LIKE ANY (..)`: `like` or `ilike`, `any` or `all`, `not` or nothing, as strings; the operand; the
/// patterns.
pub(super) const LIKE_QUANTIFIED: &str = "\0like_quantified";
/// `:name` and `?`: one string.
pub(super) const PARAMETER: &str = "\0parameter";

/// What parsing an expression returns: a node of sqlparser's tree.
pub(super) type Parsed = Result<Expr, ParserError>;

/// Parses what starts here; `None` leaves it to sqlparser.
///
/// # Errors
/// If nothing that can start an expression stands here: sqlparser's, which says where.
pub(super) fn parse(parser: &mut Parser) -> Result<Option<Expr>, ParserError> {
    match &parser.peek_token_ref().token {
        Token::Word(word) => {
            let word = word.clone();
            parse_word(parser, &word).map(Some)
        }
        Token::Number(..) | Token::SingleQuotedString(_) | Token::HexStringLiteral(_) => {
            parser.parse_value().map(|value| Some(Expr::Value(value)))
        }
        Token::LParen => parse_parenthesis(parser).map(Some),
        Token::Tilde => {
            parser.next_token();
            let expr = Box::new(parser.parse_subexpr(TIMES)?);
            Ok(Some(Expr::UnaryOp {
                op: UnaryOperator::BitwiseNot,
                expr,
            }))
        }
        Token::Plus | Token::Minus | Token::ExclamationMark => Ok(None),
        _ => parser.expected_ref("an expression", parser.peek_token_ref()),
    }
}

/// Returns whether a word never starts an expression unquoted: a misplaced clause would otherwise be
/// read as a column.
fn is_reserved(keyword: Keyword) -> bool {
    use Keyword as K;
    matches!(
        keyword,
        K::FROM
            | K::WHERE
            | K::GROUP
            | K::HAVING
            | K::ORDER
            | K::UNION
            | K::EXCEPT
            | K::INTERSECT
            | K::LIMIT
            | K::ON
            | K::JOIN
            | K::SELECT
            | K::AND
            | K::OR
            | K::THEN
            | K::WHEN
            | K::ELSE
            | K::AS
            | K::IN
            | K::IS
            | K::BETWEEN
            | K::LIKE
            | K::USING
            | K::INNER
            | K::CROSS
            | K::NATURAL
            | K::DISTINCT
    )
}

/// Parses what starts with a word: the forms that are Spark's own, and else what sqlparser makes of it.
fn parse_word(parser: &mut Parser, word: &Word) -> Parsed {
    let after = parser.peek_nth_token_ref(1).token.clone();
    if word.quote_style.is_none() {
        if is_reserved(word.keyword) && !(word.keyword == Keyword::LIKE && after == Token::LParen) {
            return parser.expected_ref("an expression", parser.peek_token_ref());
        }
        let upper = word.value.to_ascii_uppercase();
        if let Some(expr) = parse_keyword(parser, &upper, &after)? {
            return Ok(expr);
        }
    }
    let span = parser.next_token().span;
    let name = word.clone().into_ident(span);
    match after {
        Token::LParen => parser.parse_function(ObjectName::from(vec![name])),
        Token::Arrow => {
            parser.next_token();
            let params = OneOrManyWithParens::One(LambdaFunctionParameter { name, data_type: None });
            parse_lambda_body(parser, params)
        }
        _ => Ok(Expr::Identifier(name)),
    }
}

/// Parses the words that are more than a name, given what follows them; `None` for all others.
fn parse_keyword(parser: &mut Parser, word: &str, after: &Token) -> Result<Option<Expr>, ParserError> {
    let opens = *after == Token::LParen;
    let parsed = match word {
        "TRUE" | "FALSE" | "NULL" if !matches!(after, Token::Period | Token::Arrow) => {
            parser.next_token();
            let value = if word == "NULL" {
                Value::Null
            } else {
                Value::Boolean(word == "TRUE")
            };
            Ok(Expr::value(value))
        }
        "CASE" if !matches!(after, Token::Period | Token::Comma | Token::EOF | Token::RParen) => {
            parser.next_token();
            parser.parse_case_expr()
        }
        "NOT" => {
            parser.next_token();
            let expr = Box::new(parser.parse_subexpr(PREDICATE - 1)?);
            Ok(Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            })
        }
        "EXISTS" if opens && starts_query(&parser.peek_nth_token_ref(2).token) => {
            parser.next_token();
            parser.expect_token(&Token::LParen)?;
            let subquery = parser.parse_query()?;
            parser.expect_token(&Token::RParen)?;
            Ok(Expr::Exists {
                subquery,
                negated: false,
            })
        }
        "CAST" if opens => parse_cast(parser, CastKind::Cast),
        "TRY_CAST" if opens => parse_cast(parser, CastKind::TryCast),
        "EXTRACT" if opens => parse_extract(parser),
        "SUBSTRING" | "SUBSTR" if opens => parse_substring(parser, word),
        "POSITION" if opens => parse_position(parser),
        "OVERLAY" if opens => parse_overlay(parser),
        "TRIM" if opens => parse_trim(parser),
        "INTERVAL" => return parse_interval(parser, after),
        "DATE" | "TIMESTAMP" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "TIME" => match after {
            Token::SingleQuotedString(text) => {
                let arguments = vec![string(word), string(text)];
                parser.next_token();
                parser.next_token();
                Ok(call(TYPED, arguments))
            }
            _ => return Ok(None),
        },
        "X" => match after {
            Token::SingleQuotedString(digits) => {
                let literal = Expr::value(Value::HexStringLiteral(digits.clone()));
                parser.next_token();
                parser.next_token();
                Ok(literal)
            }
            _ => return Ok(None),
        },
        "CURRENT_DATE" | "CURRENT_TIMESTAMP" | "CURRENT_TIME" | "CURRENT_USER" | "SESSION_USER" | "LOCALTIMESTAMP"
            if !matches!(after, Token::LParen | Token::Period | Token::Arrow) =>
        {
            parser.next_token();
            Ok(call(word, vec![]))
        }
        _ => return Ok(None),
    };
    parsed.map(Some)
}

/// Returns whether a token starts a query: SELECT, WITH, VALUES, or a parenthesis around one.
fn starts_query(token: &Token) -> bool {
    match token {
        Token::LParen => true,
        Token::Word(word) => matches!(word.keyword, Keyword::SELECT | Keyword::WITH | Keyword::VALUES),
        _ => false,
    }
}

/// Parses `(…)`: a subquery, a lambda's parameters, a tuple, or one expression.
fn parse_parenthesis(parser: &mut Parser) -> Parsed {
    if let Some(count) = lambda_parameters(parser) {
        parser.next_token();
        let params = (0..count).map(|_| {
            let name = parser.parse_identifier()?;
            parser.next_token();
            Ok(LambdaFunctionParameter { name, data_type: None })
        });
        let params = OneOrManyWithParens::Many(params.collect::<Result<_, ParserError>>()?);
        return parse_lambda_body(parser, params);
    }
    parser.next_token();
    let is_query =
        !matches!(parser.peek_token_ref().token, Token::LParen) && starts_query(&parser.peek_token_ref().token);
    let expr = if is_query {
        Expr::Subquery(parser.parse_query()?)
    } else {
        let mut items = parser.parse_comma_separated(Parser::parse_expr)?;
        match items.len() {
            1 => Expr::Nested(Box::new(items.remove(0))),
            _ => Expr::Tuple(items),
        }
    };
    parser.expect_token(&Token::RParen)?;
    Ok(expr)
}

/// Returns how many names stand in `(a, b) ->`; `None` if something else starts here.
fn lambda_parameters(parser: &Parser) -> Option<usize> {
    let mut count = 0;
    loop {
        let Token::Word(_) = parser.peek_nth_token_ref(1 + 2 * count).token else {
            return None;
        };
        count += 1;
        match parser.peek_nth_token_ref(2 * count).token {
            Token::Comma => {}
            Token::RParen => break,
            _ => return None,
        }
    }
    (parser.peek_nth_token_ref(2 * count + 1).token == Token::Arrow).then_some(count)
}

/// Parses a lambda from its arrow on. The arrow follows parameters in parentheses, or is already past
/// after a single one.
fn parse_lambda_body(parser: &mut Parser, params: OneOrManyWithParens<LambdaFunctionParameter>) -> Parsed {
    if matches!(params, OneOrManyWithParens::Many(_)) {
        parser.expect_token(&Token::Arrow)?;
    }
    let body = Box::new(parser.parse_expr()?);
    Ok(Expr::Lambda(LambdaFunction {
        params,
        body,
        syntax: LambdaSyntax::Arrow,
    }))
}

/// Parses `CAST(x AS type)` and its kin, with Spark's types.
fn parse_cast(parser: &mut Parser, kind: CastKind) -> Parsed {
    parser.next_token();
    parser.expect_token(&Token::LParen)?;
    let expr = Box::new(parser.parse_expr()?);
    parser.expect_keyword(Keyword::AS)?;
    let data_type = parse_type(parser)?;
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Cast {
        kind,
        expr,
        data_type,
        format: None,
    })
}

/// Returns a string as sqlparser's tree has it.
pub(super) fn string(text: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(text.into()))
}

/// Returns a call as sqlparser's tree has it.
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let args = arguments
        .into_iter()
        .map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)))
        .collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None::<DuplicateTreatment>,
            args,
            clauses: vec![],
        }),
        within_group: vec![],
        filter: None,
        null_treatment: None,
        over: None,
    })
}
