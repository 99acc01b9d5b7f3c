//! Types inside statements: their tokens are put back together, for [`super::data_type`] to read.
//!
//! sqlparser has its own idea of types; Spark's are kept as the name of a custom type until the tree is
//! turned into messages.

use sqlparser::ast::{DataType, Ident, ObjectName};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::interval::is_unit;

/// Takes the tokens of a type, whose text [`super::data_type`] will read: a name, the units of an
/// interval, and what stands in brackets.
///
/// # Errors
/// If the brackets do not close: sqlparser's, which says where.
pub(super) fn parse_type(parser: &mut Parser) -> Result<DataType, ParserError> {
    let mut text = parser.parse_identifier()?.value;
    if text.eq_ignore_ascii_case("interval") {
        while let Token::Word(word) = &parser.peek_token_ref().token {
            let joins_units = word.keyword == Keyword::TO && text.len() > "interval".len();
            if !(is_unit(&word.value) || joins_units) {
                break;
            }
            text = format!("{text} {}", word.value);
            parser.next_token();
        }
    }
    let brackets = match parser.peek_token_ref().token {
        Token::LParen => Some((Token::LParen, Token::RParen)),
        Token::Lt => Some((Token::Lt, Token::Gt)),
        // `struct<>`, which the tokenizer takes for an operator.
        Token::Neq => {
            text.push_str("<>");
            parser.next_token();
            None
        }
        _ => None,
    };
    if let Some((open, close)) = brackets {
        let mut depth = 0i32;
        loop {
            let next = parser.next_token();
            depth += match &next.token {
                token if *token == open => 1,
                token if *token == close => -1,
                Token::ShiftRight if close == Token::Gt => -2,
                Token::EOF => return parser.expected("a data type", next),
                _ => 0,
            };
            text = format!("{text} {}", type_token(&next.token));
            if depth < 0 {
                return parser.expected("a data type", next);
            }
            if depth == 0 {
                break;
            }
        }
    }
    Ok(DataType::Custom(ObjectName::from(vec![Ident::new(text)]), vec![]))
}

/// Returns a token as the parser of types wants it.
pub(super) fn type_token(token: &Token) -> String {
    match token {
        Token::Word(word) if word.quote_style.is_some() => format!("`{}`", word.value.replace('`', "``")),
        Token::Word(word) => word.value.clone(),
        Token::SingleQuotedString(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        token => token.to_string(),
    }
}
