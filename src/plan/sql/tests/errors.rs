//! What is wrong with a text, under Spark's conditions, and where.

use super::super::{SqlError, parse_expression, parse_statement};

/// Lines count from 1, positions in a line from 0, as Spark's do.
#[test]
fn a_syntax_error_names_the_token_and_its_place() {
    for (text, error, place) in [
        ("SELEC pid FROM people", "'SELEC'", "(line 1, pos 0)"),
        ("SELECT a FROM", "end of input", "(line 1, pos 13)"),
        ("SELECT a\nFROM t WHERE", "end of input", "(line 2, pos 12)"),
        ("SELECT a FROM t\n  GROUP BY )", "')'", "(line 2, pos 11)"),
        ("SELECT (1", "end of input", "(line 1, pos 9)"),
        ("SELECT 1)", "')'", "(line 1, pos 8)"),
        ("SELECT * FROM t WHERE a = = 1", "'='", "(line 1, pos 26)"),
        ("SELECT 'é', 'abc", "''abc'", "(line 1, pos 12)"),
        ("SELECT 1.5L", "'1'", "(line 1, pos 7)"),
    ] {
        let parsed = parse_statement(text).unwrap_err();
        assert_eq!(parsed.condition(), "PARSE_SYNTAX_ERROR", "{text}");
        assert_eq!(parsed.sql_state(), "42601");
        assert_eq!(
            parsed.message_parameters()[0],
            ("error".to_string(), error.to_string()),
            "{text}"
        );
        let expected = format!("Syntax error at or near {error}.");
        assert_eq!(parsed.to_string(), expected, "{text}");
        let SqlError::Syntax { position, .. } = parsed else {
            panic!("{text}: {parsed:?}")
        };
        assert_eq!(position.to_string(), place, "{text}");
    }
}

/// One text per condition of the front end, with its SQLSTATE.
#[test]
fn conditions_are_sparks() {
    for (text, condition, state) in [
        ("", "PARSE_EMPTY_STATEMENT", "42617"),
        (" ; ", "PARSE_EMPTY_STATEMENT", "42617"),
        ("SELECT a FROM t GROUP BY 2", "GROUP_BY_POS_OUT_OF_RANGE", "42805"),
        ("SELECT a FROM t GROUP BY 0", "GROUP_BY_POS_OUT_OF_RANGE", "42805"),
        (
            "SELECT a FROM t LIMIT -1",
            "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE",
            "42K0E",
        ),
        (
            "SELECT a FROM t LIMIT b",
            "INVALID_LIMIT_LIKE_EXPRESSION.IS_UNFOLDABLE",
            "42K0E",
        ),
        (
            "SELECT a FROM t LIMIT 'x'",
            "INVALID_LIMIT_LIKE_EXPRESSION.DATA_TYPE",
            "42K0E",
        ),
        ("SELECT sum(a) OVER w FROM t", "MISSING_WINDOW_SPECIFICATION", "42P20"),
        (
            "WITH a AS (SELECT 1), A AS (SELECT 2) SELECT 1",
            "DUPLICATED_CTE_NAMES",
            "42602",
        ),
        (
            "WITH RECURSIVE a AS (SELECT n FROM a) SELECT * FROM a",
            "INVALID_RECURSIVE_CTE",
            "42836",
        ),
        ("SELECT DISTINCT ON (a) b FROM t", "UNSUPPORTED_FEATURE.CLAUSE", "0A000"),
        ("SELECT DATE'x'", "INVALID_TYPED_LITERAL", "42604"),
        ("SELECT 300Y", "INVALID_NUMERIC_LITERAL_RANGE", "22003"),
        (
            "SELECT INTERVAL 'x' DAY",
            "INVALID_INTERVAL_FORMAT.INVALID_VALUE",
            "22006",
        ),
        ("SELECT CAST(1 AS nope)", "UNSUPPORTED_DATATYPE", "0A000"),
        ("SELECT 1 'x'", "PARSE_SYNTAX_ERROR", "42601"),
        ("SELECT a FROM t 'x'", "PARSE_SYNTAX_ERROR", "42601"),
    ] {
        match parse_statement(text) {
            Ok(parsed) => panic!("{text}: {parsed:?}"),
            Err(error) => assert_eq!(
                (error.condition().as_str(), error.sql_state()),
                (condition, state),
                "{text}"
            ),
        }
    }
}

/// What is left over after an expression and its alias is an error.
#[test]
fn nothing_may_follow_an_expression() {
    for text in [
        "a +",
        "a b c",
        "a, b",
        "(a",
        "a)",
        "",
        "SELECT 1",
        "a FROM t",
        "1 AND",
        "x ->",
        "cast(a as)",
        "case when",
    ] {
        assert!(parse_expression(text).is_err(), "{text}");
    }
}
