//! Commands: each by one text per form, and those of Spark that are refused.

use super::super::{FunctionScope, Statement, parse_statement};
use super::render::relation;

/// Column names rename the query's columns; comments are dropped; subqueries stay beside the query.
#[test]
fn views_are_created_and_dropped() {
    let Ok(Statement::CreateView {
        name,
        replace,
        global,
        query,
    }) = parse_statement("CREATE OR REPLACE TEMP VIEW `v w` (a, b COMMENT 'x') AS SELECT 1, (SELECT 2)")
    else {
        panic!("no view")
    };
    assert_eq!((name.as_str(), replace, global), ("`v w`", true, false));
    assert_eq!(
        relation(&query),
        "With(ToDF(Project([1, (scalar -1)]), a,b), Project([2])#-1)"
    );
    let dropped = Statement::DropView {
        name: "v".into(),
        if_exists: true,
    };
    assert_eq!(parse_statement("drop view if exists v;"), Ok(dropped));
    assert!(matches!(
        parse_statement("CREATE GLOBAL TEMPORARY VIEW v AS VALUES 1"),
        Ok(Statement::CreateView {
            global: true,
            replace: false,
            ..
        })
    ));
}

/// What follows `SET` is text, not tokens: values may hold anything.
#[test]
fn settings_are_set_asked_for_and_reset() {
    let set = |key: Option<&str>, value: Option<&str>| {
        Ok(Statement::SetConfig {
            key: key.map(String::from),
            value: value.map(String::from),
        })
    };
    assert_eq!(parse_statement("SET"), set(None, None));
    assert_eq!(parse_statement("set spark.a.b"), set(Some("spark.a.b"), None));
    assert_eq!(
        parse_statement("SET spark.a = x y 'z;"),
        set(Some("spark.a"), Some("x y 'z"))
    );
    assert_eq!(
        parse_statement("SET TIME ZONE 'Europe/Berlin'"),
        set(Some("spark.sql.session.timeZone"), Some("Europe/Berlin"))
    );
    assert_eq!(parse_statement("RESET"), Ok(Statement::ResetConfig { key: None }));
    assert_eq!(
        parse_statement("RESET spark.a.b;"),
        Ok(Statement::ResetConfig {
            key: Some("spark.a.b".into())
        })
    );
}

/// `SHOW`, `DESCRIBE`, `EXPLAIN`, `CACHE` and their kin, in all their forms.
#[test]
fn the_catalog_and_the_cache_are_asked() {
    let shown = |views, schema: Option<&str>, pattern: Option<&str>| {
        Ok(Statement::ShowTables {
            views,
            schema: schema.map(|s| vec![s.to_owned()]),
            pattern: pattern.map(str::to_owned),
        })
    };
    assert_eq!(parse_statement("SHOW TABLES"), shown(false, None, None));
    assert_eq!(parse_statement("show views;"), shown(true, None, None));
    assert_eq!(
        parse_statement("SHOW TABLES IN s LIKE 't*'"),
        shown(false, Some("s"), Some("t*"))
    );
    assert!(parse_statement("SHOW TABLES LIKE").is_err() && parse_statement("SHOW COLUMNS t").is_err());
    let schema = vec!["s".to_owned()];
    assert_eq!(parse_statement("USE SCHEMA s"), Ok(Statement::Use { schema }));
    assert_eq!(
        parse_statement("DESCRIBE TABLE EXTENDED s.t"),
        Ok(Statement::Describe { name: "s.t".into() })
    );
    assert_eq!(
        parse_statement("DESC table"),
        Ok(Statement::Describe { name: "table".into() })
    );
    assert!(matches!(
        parse_statement("EXPLAIN SELECT 1"),
        Ok(Statement::Explain { extended: false, .. })
    ));
    assert!(matches!(
        parse_statement("EXPLAIN FORMATTED SELECT 1"),
        Ok(Statement::Explain { extended: true, .. })
    ));
    assert!(matches!(
        parse_statement("CACHE LAZY TABLE t"),
        Ok(Statement::CacheTable {
            lazy: true,
            query: None,
            ..
        })
    ));
    assert!(matches!(
        parse_statement("CACHE TABLE t AS SELECT 1"),
        Ok(Statement::CacheTable { query: Some(_), .. })
    ));
    assert!(matches!(
        parse_statement("UNCACHE TABLE IF EXISTS t"),
        Ok(Statement::UncacheTable { if_exists: true, .. })
    ));
    assert_eq!(parse_statement("CLEAR CACHE"), Ok(Statement::ClearCache));
}

/// The error says which statement it was, so that a user knows it was understood and is missing.
#[test]
fn other_statements_are_refused_by_name() {
    for (text, name) in [
        ("INSERT INTO t VALUES (1)", "INSERT INTO T"),
        ("CREATE TABLE t (a INT)", "CREATE TABLE T"),
        ("SHOW PARTITIONS t", "SHOW PARTITIONS T"),
    ] {
        let error = parse_statement(text).unwrap_err();
        assert_eq!(error.condition(), "UNSUPPORTED_FEATURE.STATEMENT");
        assert_eq!(error.message_parameters()[0].1, name);
    }
}

/// A pattern may be a string or an identifier, and its first parts a schema.
#[test]
fn functions_are_shown_by_scope_schema_and_pattern() {
    let shown = |scope, schema: Option<&[&str]>, pattern: Option<&str>| {
        Ok(Statement::ShowFunctions {
            scope,
            schema: schema.map(|parts| parts.iter().map(|p| (*p).to_owned()).collect()),
            pattern: pattern.map(str::to_owned),
        })
    };
    assert_eq!(parse_statement("SHOW FUNCTIONS"), shown(FunctionScope::All, None, None));
    assert_eq!(
        parse_statement("show user functions like 'a*';"),
        shown(FunctionScope::User, None, Some("a*"))
    );
    assert_eq!(
        parse_statement("SHOW SYSTEM FUNCTIONS FROM default 'abs'"),
        shown(FunctionScope::System, Some(&["default"]), Some("abs"))
    );
    assert_eq!(
        parse_statement("SHOW ALL FUNCTIONS default.abs"),
        shown(FunctionScope::All, Some(&["default"]), Some("abs"))
    );
    let error = parse_statement("SHOW FOO FUNCTIONS").unwrap_err();
    assert_eq!(error.condition(), "INVALID_SQL_SYNTAX.SHOW_FUNCTIONS_INVALID_SCOPE");
}

/// Operators are named by their characters.
#[test]
fn functions_and_operators_are_described() {
    let described = |name: &[&str], extended| {
        Ok(Statement::DescribeFunction {
            name: name.iter().map(|p| (*p).to_owned()).collect(),
            extended,
        })
    };
    assert_eq!(parse_statement("DESCRIBE FUNCTION abs"), described(&["abs"], false));
    assert_eq!(
        parse_statement("DESC FUNCTION EXTENDED system.builtin.abs"),
        described(&["system", "builtin", "abs"], true)
    );
    assert_eq!(
        parse_statement("DESCRIBE FUNCTION EXTENDED"),
        described(&["EXTENDED"], false)
    );
    assert_eq!(parse_statement("DESCRIBE FUNCTION <>;"), described(&["<>"], false));
    assert_eq!(parse_statement("DESCRIBE FUNCTION 'abs'"), described(&["abs"], false));
    assert_eq!(
        parse_statement("DESCRIBE FUNCTION"),
        Ok(Statement::Describe {
            name: "FUNCTION".into()
        })
    );
}
