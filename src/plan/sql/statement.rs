//! Statements: queries, and the commands a session knows.

use sqlparser::tokenizer::Token;

use super::command::{Command, parse_set};
use super::error::SqlError;
use super::tokens::Tokens;
use crate::proto as sc;

/// What a user may ask with `spark.sql`. Names are multipart identifiers that
/// [`super::parse_identifier`] reads.
///
/// Only [`Statement::Query`] has rows of its own; the others are answered by the session.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// A query.
    Query(sc::Relation),
    /// `CREATE [OR REPLACE] [GLOBAL] TEMPORARY VIEW name AS query`.
    CreateView {
        /// Of the view.
        name: String,
        /// Whether a view of that name is replaced.
        replace: bool,
        /// Whether it goes to `global_temp`.
        global: bool,
        /// With its columns renamed if the view lists names.
        query: sc::Relation,
    },
    /// `DROP VIEW [IF EXISTS] name`.
    DropView {
        /// Of the view.
        name: String,
        /// Whether a missing view is accepted.
        if_exists: bool,
    },
    /// `SET`, `SET key`, `SET key = value`, `SET TIME ZONE zone`.
    SetConfig {
        /// `None`: all settings are asked for.
        key: Option<String>,
        /// `None`: the setting is asked for.
        value: Option<String>,
    },
    /// `SET -v`: every setting with what it means.
    DescribeConfigs,
    /// `RESET`, `RESET key`.
    ResetConfig {
        /// `None`: all settings go back.
        key: Option<String>,
    },
    /// `SHOW {TABLES | VIEWS} [{FROM | IN} schema] [[LIKE] pattern]`.
    ShowTables {
        /// Whether only views are asked for.
        views: bool,
        /// Parts of the schema's name.
        schema: Option<Vec<String>>,
        /// `None`: all are asked for.
        pattern: Option<String>,
    },
    /// `SHOW {DATABASES | SCHEMAS | NAMESPACES} [[LIKE] pattern]`.
    ShowDatabases {
        /// `None`: all are asked for.
        pattern: Option<String>,
    },
    /// `SHOW CATALOGS [[LIKE] pattern]`.
    ShowCatalogs {
        /// `None`: all are asked for.
        pattern: Option<String>,
    },
    /// `SHOW COLUMNS {FROM | IN} name`.
    ShowColumns {
        /// Of the table or view.
        name: String,
    },
    /// `USE [DATABASE | SCHEMA | NAMESPACE] name`.
    Use {
        /// Parts of the schema's name.
        schema: Vec<String>,
    },
    /// `DROP TABLE [IF EXISTS] name [PURGE]`.
    DropTable {
        /// Of the table.
        name: String,
        /// Whether a missing table is accepted.
        if_exists: bool,
    },
    /// `DESCRIBE QUERY query`.
    DescribeQuery {
        /// Whose columns are asked for.
        query: sc::Relation,
    },
    /// `SHOW [USER | SYSTEM | ALL] FUNCTIONS [{FROM | IN} schema] [[LIKE] pattern]`.
    ShowFunctions {
        /// Whose functions.
        scope: FunctionScope,
        /// Parts of the schema's name.
        schema: Option<Vec<String>>,
        /// `None`: all functions are asked for.
        pattern: Option<String>,
    },
    /// `DESCRIBE FUNCTION [EXTENDED] name`.
    DescribeFunction {
        /// Parts of the name; an operator is one part.
        name: Vec<String>,
        /// Whether arguments, result and examples are asked for, too.
        extended: bool,
    },
    /// `DESCRIBE [TABLE] [EXTENDED] name`.
    Describe {
        /// Of the table or view.
        name: String,
    },
    /// `EXPLAIN [EXTENDED | FORMATTED | CODEGEN | COST] query`.
    Explain {
        /// What to explain.
        query: sc::Relation,
        /// Whether all plans are wanted: any mode but the simple one.
        extended: bool,
    },
    /// `CACHE [LAZY] TABLE name [AS query]`.
    CacheTable {
        /// Of the table or view.
        name: String,
        /// Whether the cache fills at the first use.
        lazy: bool,
        /// What the name becomes a temporary view of.
        query: Option<sc::Relation>,
    },
    /// `UNCACHE TABLE [IF EXISTS] name`.
    UncacheTable {
        /// Of the table or view.
        name: String,
        /// Whether a missing table is accepted.
        if_exists: bool,
    },
    /// `CLEAR CACHE`.
    ClearCache,
    /// `REFRESH TABLE name`.
    RefreshTable {
        /// Of the table or view.
        name: String,
    },
}

/// Whose functions `SHOW FUNCTIONS` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionScope {
    /// Those of users and the built-in ones.
    All,
    /// The built-in ones.
    System,
    /// Those of users.
    User,
}

/// The first words of Spark's other statements.
const OTHER_STATEMENTS: [&str; 26] = [
    "ADD", "ALTER", "ANALYZE", "BEGIN", "CALL", "COMMENT", "DECLARE", "DELETE", "DFS", "EXECUTE", "EXPORT", "GRANT",
    "IMPORT", "INSERT", "LIST", "LOAD", "LOCK", "MAP", "MERGE", "MSCK", "REDUCE", "REPAIR", "REVOKE", "TRUNCATE",
    "UNLOCK", "UPDATE",
];

/// Reads one statement; a semicolon may end it.
///
/// ```
/// use rivulet::plan::sql::{Statement, parse_statement};
///
/// assert!(matches!(parse_statement("SELECT 1;"), Ok(Statement::Query(_))));
/// assert!(matches!(parse_statement("DROP VIEW IF EXISTS v"), Ok(Statement::DropView { if_exists: true, .. })));
///
/// let error = parse_statement("SELECT FROM WHERE").unwrap_err();
/// assert_eq!(error.condition(), "PARSE_SYNTAX_ERROR");
/// ```
///
/// # Errors
/// If a token fits nowhere, `PARSE_SYNTAX_ERROR` at it; if Rivulet does not have a statement or a
/// clause, `UNSUPPORTED_FEATURE.*`; and the conditions of the literals and types in it.
pub fn parse_statement(sql: &str) -> Result<Statement, SqlError> {
    if let Some(setting) = parse_set(sql) {
        return setting;
    }
    let tokens = Tokens::read(sql)?;
    if tokens.tokens.is_empty() {
        return Err(SqlError::Empty);
    }
    let mut command = Command::new(&tokens);
    let first = tokens.word(0).unwrap_or_default();
    match first.as_str() {
        "SELECT" | "WITH" | "VALUES" | "FROM" | "TABLE" => command.query().map(Statement::Query),
        _ if tokens.tokens.first().is_some_and(|token| token.token == Token::LParen) => {
            command.query().map(Statement::Query)
        }
        "CREATE" => command.create(),
        "DROP" => command.drop(),
        "RESET" => command.reset(),
        "SHOW" => command.show(),
        "DESC" | "DESCRIBE" => command.describe(),
        "USE" => command.change_schema(),
        "EXPLAIN" => command.explain(),
        "CACHE" => command.cache(),
        "UNCACHE" => command.uncache(),
        "CLEAR" => command.clear_cache(),
        "REFRESH" => command.refresh(),
        other if OTHER_STATEMENTS.contains(&other) => Err(command.unsupported()),
        _ => Err(tokens.error_at(0)),
    }
}
