//! The dialect: how Spark's grammar differs from what sqlparser assumes, its operator precedence first.
//!
//! From loose to tight, as in Spark's grammar (`SqlBaseParser.g4`):
//!
//! ```text
//! OR   AND   NOT   IN LIKE IS BETWEEN   = < >   |   ^   &   << >>   + - ||   * / % DIV   ::
//! ```

use sqlparser::ast::{CastKind, Expr};
use sqlparser::dialect::{Dialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Word};

use super::{call_forms, prefix, type_tokens};

/// `OR`, the loosest operator.
const OR: u8 = 5;
/// `AND`.
const AND: u8 = 10;
/// `NOT` before a condition.
const NOT: u8 = 15;
/// `IN`, `LIKE`, `IS`, `BETWEEN`: looser than comparison, so that `a = b IS NULL` is `(a = b) IS NULL`.
pub(super) const PREDICATE: u8 = 18;
/// `=`, `==`, `<=>`, `<`, `>` and their kin.
const COMPARISON: u8 = 20;
/// `|`.
const BIT_OR: u8 = 21;
/// `^`.
const BIT_XOR: u8 = 22;
/// `&`.
const BIT_AND: u8 = 24;
/// `<<` and `>>`.
const SHIFT: u8 = 26;
/// `+`, `-` and `||`.
const PLUS: u8 = 30;
/// `*`, `/`, `%`, `DIV`; signs bind their operand tighter than these.
pub(super) const TIMES: u8 = 40;
/// `::`, the tightest operator.
const CAST: u8 = 50;

/// Spark SQL, as sqlparser asks about it.
///
/// What a dialect may switch on is listed one by one below; what is not listed is off, as Spark does
/// not have it.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Spark;

/// Returns whether a bare word ends a select item or a relation, and so is not an alias without `AS`.
fn is_reserved_alias(keyword: Keyword) -> bool {
    use Keyword as K;
    matches!(
        keyword,
        K::FROM
            | K::WHERE
            | K::GROUP
            | K::HAVING
            | K::ORDER
            | K::SORT
            | K::CLUSTER
            | K::DISTRIBUTE
            | K::LIMIT
            | K::OFFSET
            | K::UNION
            | K::EXCEPT
            | K::INTERSECT
            | K::MINUS
            | K::LATERAL
            | K::WINDOW
            | K::QUALIFY
            | K::PIVOT
            | K::UNPIVOT
            | K::TABLESAMPLE
            | K::ON
            | K::USING
            | K::JOIN
            | K::INNER
            | K::CROSS
            | K::FULL
            | K::LEFT
            | K::RIGHT
            | K::NATURAL
            | K::ANTI
            | K::SEMI
            | K::AS
            | K::SELECT
            | K::WITH
            | K::FOR
            | K::WHEN
            | K::THEN
            | K::ELSE
            | K::AND
            | K::OR
            | K::NOT
            | K::IN
            | K::IS
            | K::BETWEEN
            | K::LIKE
            | K::ILIKE
            | K::RLIKE
            | K::REGEXP
            | K::DIV
            | K::INTO
            | K::SET
            | K::VALUES
    )
}

/// Returns whether `>>>` comes next, which the tokenizer takes for `>>` and `>`.
fn shifts_unsigned(parser: &Parser) -> bool {
    let (shift, greater) = (parser.peek_nth_token_ref(0), parser.peek_nth_token_ref(1));
    greater.token == Token::Gt && shift.span.end == greater.span.start
}

impl Dialect for Spark {
    /// Backquotes; double quotes hold strings.
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }

    /// Backquotes.
    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('`')
    }

    /// Letters of any script, or an underscore.
    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    /// Letters and digits of any script, or an underscore.
    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_'
    }

    /// `'it\'s'`: the tokenizer must not end the string there.
    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    /// `1a`: a name may begin with digits.
    fn supports_numeric_prefix(&self) -> bool {
        true
    }

    /// `FROM t SELECT a`.
    fn supports_from_first_select(&self) -> bool {
        true
    }

    /// `sum(a) FILTER (WHERE b)`.
    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    /// `first(a IGNORE NULLS)`.
    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    /// `WINDOW a AS b`.
    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    /// `GROUP BY ROLLUP (a), CUBE (b)`.
    fn supports_group_by_expr(&self) -> bool {
        true
    }

    /// `GROUP BY a WITH ROLLUP`.
    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    /// `ORDER BY ALL`.
    fn supports_order_by_all(&self) -> bool {
        true
    }

    /// `SELECT * EXCEPT (a)`.
    fn supports_select_wildcard_except(&self) -> bool {
        true
    }

    /// `SELECT f(a).*`, which is refused later, with a name for it.
    fn supports_select_expr_star(&self) -> bool {
        true
    }

    /// `SELECT stack(1, 2, 3) AS (a, b)`.
    fn supports_select_item_multi_column_alias(&self) -> bool {
        true
    }

    /// `struct(a AS b)`.
    fn supports_aliased_function_args(&self) -> bool {
        true
    }

    /// `WITH t (SELECT 1)`.
    fn supports_cte_without_as(&self) -> bool {
        true
    }

    /// `FROM VALUES (1)`.
    fn supports_values_as_table_factor(&self) -> bool {
        true
    }

    /// `FROM (t)`.
    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    /// `FROM t TABLESAMPLE (5 ROWS) AS s`.
    fn supports_table_sample_before_alias(&self) -> bool {
        true
    }

    /// `a JOIN b JOIN c ON x`: joins go from left to right.
    fn supports_left_associative_joins_without_parens(&self) -> bool {
        true
    }

    /// `1 << 2`.
    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    /// `!a`.
    fn supports_bang_not_operator(&self) -> bool {
        true
    }

    /// `/* a /* b */ c */`.
    fn supports_nested_comments(&self) -> bool {
        true
    }

    /// Returns whether a word is an alias of a select item: any word after `AS`, else one that is not
    /// reserved.
    fn is_select_item_alias(&self, explicit: bool, kw: &Keyword, _parser: &mut Parser) -> bool {
        explicit || !is_reserved_alias(*kw)
    }

    /// Returns whether a word is an alias of a relation: any word after `AS`, else one that is not
    /// reserved.
    fn is_table_factor_alias(&self, explicit: bool, kw: &Keyword, _parser: &mut Parser) -> bool {
        explicit || !is_reserved_alias(*kw)
    }

    /// Only sqlparser's own readings ask for these; the dialect's table is in `get_next_precedence`.
    fn prec_value(&self, prec: Precedence) -> u8 {
        match prec {
            Precedence::Or => OR,
            Precedence::And => AND,
            Precedence::UnaryNot => NOT,
            Precedence::Is | Precedence::Like | Precedence::Between | Precedence::PgOther => PREDICATE,
            Precedence::Eq => COMPARISON,
            Precedence::Pipe => BIT_OR,
            Precedence::Caret | Precedence::Xor => BIT_XOR,
            Precedence::Ampersand => BIT_AND,
            Precedence::PlusMinus => PLUS,
            Precedence::MulDivModOp => TIMES,
            Precedence::DoubleColon | Precedence::AtTz => CAST,
            // Subscripts are read up to a colon of this precedence, and Spark has no slices.
            Precedence::Colon => 0,
            _ => 100,
        }
    }

    /// Returns how tightly the operator that comes next binds; 0 if what comes next is not an operator.
    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        let is_predicate = |keyword| {
            use Keyword as K;
            matches!(keyword, K::IN | K::BETWEEN | K::LIKE | K::ILIKE | K::RLIKE | K::REGEXP)
        };
        let precedence = match &parser.peek_token_ref().token {
            Token::Word(Word { keyword, .. }) => match keyword {
                Keyword::OR => OR,
                Keyword::AND => AND,
                Keyword::IS => PREDICATE,
                Keyword::DIV => TIMES,
                Keyword::NOT => match &parser.peek_nth_token_ref(1).token {
                    Token::Word(after) if is_predicate(after.keyword) => PREDICATE,
                    _ => 0,
                },
                keyword if is_predicate(*keyword) => PREDICATE,
                _ => 0,
            },
            Token::Eq
            | Token::DoubleEq
            | Token::Neq
            | Token::Lt
            | Token::LtEq
            | Token::Gt
            | Token::GtEq
            | Token::Spaceship => COMPARISON,
            Token::Pipe => BIT_OR,
            Token::Caret => BIT_XOR,
            Token::Ampersand => BIT_AND,
            Token::ShiftLeft | Token::ShiftRight => SHIFT,
            Token::Plus | Token::Minus | Token::StringConcat => PLUS,
            Token::Mul | Token::Div | Token::Mod => TIMES,
            Token::DoubleColon => CAST,
            _ => 0,
        };
        Some(Ok(precedence))
    }

    /// Parses how an expression starts: see [`super::prefix`].
    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        prefix::parse(parser).transpose()
    }

    /// Parses the operators that sqlparser does not have: `DIV`, `>>>`, `::` with Spark's types, and
    /// quantified `LIKE`.
    fn parse_infix(&self, parser: &mut Parser, expr: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
        match &parser.peek_token_ref().token {
            Token::Word(Word {
                keyword: Keyword::DIV, ..
            }) => Some(call_forms::parse_div(parser, expr, precedence)),
            Token::ShiftRight if shifts_unsigned(parser) => {
                parser.next_token();
                parser.next_token();
                let right = parser.parse_subexpr(precedence);
                Some(right.map(|right| prefix::call(">>>", vec![expr.clone(), right])))
            }
            Token::DoubleColon => {
                parser.next_token();
                let operand = Box::new(expr.clone());
                let cast = type_tokens::parse_type(parser).map(|data_type| Expr::Cast {
                    kind: CastKind::DoubleColon,
                    expr: operand,
                    data_type,
                    format: None,
                });
                Some(cast.and_then(|cast| parser.parse_compound_expr(cast, vec![])))
            }
            _ => call_forms::parse_like_quantified(parser, expr).transpose(),
        }
    }
}
