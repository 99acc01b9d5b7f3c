//! Commands, word by word: sqlparser reads only the queries in them.
//!
//! Spark's commands are many and their grammar is plain, so a cursor over tokens is shorter and
//! stricter than sqlparser's readings, which are those of other databases. `SET` is read from the text
//! itself: its values follow no grammar.

use sqlparser::tokenizer::Token;

use super::error::SqlError;
use super::lowering::{Lowering, parse_all};
use super::message::to_df;
use super::statement::{FunctionScope, Statement};
use super::tokens::Tokens;
use crate::{proto as sc, settings};

/// Reads `SET ..` from the text itself: what follows need not be made of SQL's tokens. `None` for other
/// statements.
pub(super) fn parse_set(sql: &str) -> Option<Result<Statement, SqlError>> {
    let text = sql.trim().trim_end_matches([';', ' ', '\n', '\r', '\t']);
    let rest = text
        .get(..3)
        .filter(|word| word.eq_ignore_ascii_case("set"))
        .and_then(|_| text.get(3..))?;
    if !(rest.is_empty() || rest.starts_with(char::is_whitespace)) {
        return None;
    }
    let setting = |key: Option<&str>, value: Option<&str>| {
        Some(Ok(Statement::SetConfig {
            key: key.map(str::to_string),
            value: value.map(str::to_string),
        }))
    };
    let rest = rest.trim();
    if rest.is_empty() {
        return setting(None, None);
    }
    if rest.eq_ignore_ascii_case("-v") {
        return Some(Ok(Statement::DescribeConfigs));
    }
    let mut words = rest.split_whitespace();
    let is_time_zone = words.next().is_some_and(|word| word.eq_ignore_ascii_case("time"))
        && words.next().is_some_and(|word| word.eq_ignore_ascii_case("zone"));
    if is_time_zone {
        let zone: Vec<&str> = words.collect();
        let zone = zone.join(" ");
        let quoted = ['\'', '"']
            .iter()
            .find_map(|quote| zone.strip_prefix(*quote)?.strip_suffix(*quote));
        return match quoted {
            Some(zone) => setting(Some(settings::TIME_ZONE.key), Some(zone)),
            None => Some(Err(SqlError::unsupported(
                "STATEMENT",
                "SET TIME ZONE without a quoted zone",
            ))),
        };
    }
    let unquoted = |text: &'_ str| text.trim().trim_matches('`').to_string();
    match rest.split_once('=') {
        Some((key, value)) => setting(Some(&unquoted(key)), Some(&unquoted(value))),
        None => setting(Some(&unquoted(rest)), None),
    }
}

/// A place in the words of a command.
///
/// A method reads one command to its end and fails if something follows it.
pub(super) struct Command<'t, 'a> {
    /// The statement's tokens.
    tokens: &'t Tokens<'a>,
    /// The number of the next one.
    at: usize,
}

impl<'t, 'a> Command<'t, 'a> {
    /// Stands at the first word.
    pub fn new(tokens: &'t Tokens<'a>) -> Self {
        Self { tokens, at: 0 }
    }

    /// Skips a word and returns whether it stood there.
    fn eat(&mut self, word: &str) -> bool {
        let found = self.tokens.word(self.at).as_deref() == Some(word);
        self.at += usize::from(found);
        found
    }

    /// Skips words that follow each other, or none of them.
    fn eat_all(&mut self, words: &[&str]) -> bool {
        let found = words
            .iter()
            .enumerate()
            .all(|(i, word)| self.tokens.word(self.at + i).as_deref() == Some(*word));
        self.at += if found { words.len() } else { 0 };
        found
    }

    /// Skips a word that must stand there.
    ///
    /// # Errors
    /// If another stands there, `PARSE_SYNTAX_ERROR`.
    fn expect(&mut self, word: &str) -> Result<(), SqlError> {
        if self.eat(word) {
            Ok(())
        } else {
            Err(self.tokens.error_at(self.at))
        }
    }

    /// Returns the next token; `None` at the end of the statement.
    fn token(&self) -> Option<&Token> {
        self.tokens.tokens.get(self.at).map(|token| &token.token)
    }

    /// Checks that the statement ends here.
    ///
    /// # Errors
    /// If it does not, `PARSE_SYNTAX_ERROR`.
    fn expect_end(&self) -> Result<(), SqlError> {
        if self.token().is_none() {
            Ok(())
        } else {
            Err(self.tokens.error_at(self.at))
        }
    }

    /// Skips a token and returns whether it stood there.
    fn eat_token(&mut self, token: &Token) -> bool {
        let found = self.token() == Some(token);
        self.at += usize::from(found);
        found
    }

    /// Reads one name, bare or in back-quotes.
    ///
    /// # Errors
    /// If none stands there, `PARSE_SYNTAX_ERROR`.
    fn part(&mut self) -> Result<String, SqlError> {
        match self.token() {
            Some(Token::Word(word)) => {
                let part = word.value.clone();
                self.at += 1;
                Ok(part)
            }
            _ => Err(self.tokens.error_at(self.at)),
        }
    }

    /// Reads names with dots between.
    fn parts(&mut self) -> Result<Vec<String>, SqlError> {
        let mut parts = vec![self.part()?];
        while self.eat_token(&Token::Period) {
            parts.push(self.part()?);
        }
        Ok(parts)
    }

    /// Reads a dotted name and returns it as text, its parts quoted where they must be.
    fn name(&mut self) -> Result<String, SqlError> {
        Ok(super::quote_identifier(&self.parts()?))
    }

    /// Reads a string; `None` if none stands there.
    fn string(&mut self) -> Option<String> {
        let Some(Token::SingleQuotedString(text)) = self.token() else {
            return None;
        };
        let text = text.clone();
        self.at += 1;
        Some(text)
    }

    /// Reads the name that ends the statement.
    fn last_name(&mut self) -> Result<String, SqlError> {
        let name = self.name()?;
        self.expect_end()?;
        Ok(name)
    }

    /// Reads the rest, which is a query.
    ///
    /// # Errors
    /// As [`parse_statement`](super::parse_statement) for queries.
    pub fn query(&mut self) -> Result<sc::Relation, SqlError> {
        self.query_as(vec![])
    }

    /// Reads the rest, which is a query, whose columns take these names if there are any.
    fn query_as(&mut self, names: Vec<String>) -> Result<sc::Relation, SqlError> {
        let query = parse_all(self.tokens, self.at, |parser| parser.parse_query())?;
        let mut lowering = Lowering::default();
        let root = lowering.query(&query)?;
        let root = if names.is_empty() { root } else { to_df(root, names) };
        Ok(lowering.with_references(root))
    }

    /// Makes the error of a statement that is not supported as a whole: its first words say which it is.
    pub fn unsupported(&self) -> SqlError {
        let words = (0..3)
            .map_while(|index| self.tokens.word(index))
            .take_while(|word| word.len() < 24);
        SqlError::unsupported("STATEMENT", words.collect::<Vec<_>>().join(" "))
    }

    /// Reads `CREATE [OR REPLACE] [GLOBAL] TEMPORARY VIEW name [(columns)] AS query`.
    ///
    /// # Errors
    /// If another kind of object is created, `UNSUPPORTED_FEATURE.STATEMENT`.
    pub fn create(&mut self) -> Result<Statement, SqlError> {
        self.expect("CREATE")?;
        let replace = self.eat_all(&["OR", "REPLACE"]);
        let global = self.eat("GLOBAL");
        if !(self.eat("TEMP") || self.eat("TEMPORARY")) || !self.eat("VIEW") || self.eat("IF") {
            return Err(self.unsupported());
        }
        let name = self.name()?;
        let mut columns = vec![];
        if self.eat_token(&Token::LParen) {
            loop {
                columns.push(self.part()?);
                self.skip_comment();
                if !self.eat_token(&Token::Comma) {
                    break;
                }
            }
            if !self.eat_token(&Token::RParen) {
                return Err(self.tokens.error_at(self.at));
            }
        }
        self.skip_comment();
        if self.eat("USING") || self.eat("TBLPROPERTIES") {
            return Err(SqlError::unsupported(
                "STATEMENT",
                "CREATE TEMPORARY VIEW with USING or TBLPROPERTIES",
            ));
        }
        self.expect("AS")?;
        Ok(Statement::CreateView {
            name,
            replace,
            global,
            query: self.query_as(columns)?,
        })
    }

    /// Skips `COMMENT '…'`, which views of a session do not keep.
    fn skip_comment(&mut self) {
        if self.eat("COMMENT") && matches!(self.token(), Some(Token::SingleQuotedString(_))) {
            self.at += 1;
        }
    }

    /// Reads `DROP VIEW [IF EXISTS] name` and `DROP TABLE [IF EXISTS] name [PURGE]`.
    pub fn drop(&mut self) -> Result<Statement, SqlError> {
        self.expect("DROP")?;
        if self.eat("TABLE") {
            let if_exists = self.eat_all(&["IF", "EXISTS"]);
            let name = self.name()?;
            self.eat("PURGE");
            self.expect_end()?;
            return Ok(Statement::DropTable { name, if_exists });
        }
        if !self.eat("VIEW") {
            return Err(self.unsupported());
        }
        let if_exists = self.eat_all(&["IF", "EXISTS"]);
        Ok(Statement::DropView {
            name: self.last_name()?,
            if_exists,
        })
    }

    /// Reads `RESET [key]`; without a key, all settings.
    pub fn reset(&mut self) -> Result<Statement, SqlError> {
        self.expect("RESET")?;
        let key = self
            .tokens
            .source_from(self.at)
            .trim()
            .trim_end_matches(';')
            .trim()
            .trim_matches('`');
        Ok(Statement::ResetConfig {
            key: (!key.is_empty()).then(|| key.to_string()),
        })
    }

    /// Reads `SHOW` of tables, views, schemas, catalogs, columns and functions.
    pub fn show(&mut self) -> Result<Statement, SqlError> {
        self.expect("SHOW")?;
        if self.tokens.word(self.at).as_deref() == Some("FUNCTIONS")
            || self.tokens.word(self.at + 1).as_deref() == Some("FUNCTIONS")
        {
            return self.show_functions();
        }
        let word = self.tokens.word(self.at).ok_or_else(|| self.tokens.error_at(self.at))?;
        self.at += 1;
        match word.as_str() {
            "TABLES" | "VIEWS" => {
                let schema = if self.eat("FROM") || self.eat("IN") {
                    Some(self.parts()?)
                } else {
                    None
                };
                Ok(Statement::ShowTables {
                    views: word == "VIEWS",
                    schema,
                    pattern: self.last_pattern()?,
                })
            }
            "DATABASES" | "SCHEMAS" | "NAMESPACES" => Ok(Statement::ShowDatabases {
                pattern: self.last_pattern()?,
            }),
            "CATALOGS" => Ok(Statement::ShowCatalogs {
                pattern: self.last_pattern()?,
            }),
            "COLUMNS" if self.eat("FROM") || self.eat("IN") => Ok(Statement::ShowColumns {
                name: self.last_name()?,
            }),
            "COLUMNS" => Err(self.tokens.error_at(self.at)),
            _ => Err(self.unsupported()),
        }
    }

    /// Reads `[[LIKE] 'pattern']` at the end of the statement.
    fn last_pattern(&mut self) -> Result<Option<String>, SqlError> {
        let like = self.eat("LIKE");
        let pattern = self.string();
        if like && pattern.is_none() {
            return Err(self.tokens.error_at(self.at));
        }
        self.expect_end()?;
        Ok(pattern)
    }

    /// Reads `USE [DATABASE | SCHEMA | NAMESPACE] name`.
    pub fn change_schema(&mut self) -> Result<Statement, SqlError> {
        self.expect("USE")?;
        if self.tokens.tokens.len() > self.at + 1 {
            let _ = self.eat("DATABASE") || self.eat("SCHEMA") || self.eat("NAMESPACE");
        }
        let schema = self.parts()?;
        self.expect_end()?;
        Ok(Statement::Use { schema })
    }

    /// Reads `SHOW [USER|SYSTEM|ALL] FUNCTIONS [FROM schema] [LIKE pattern]`; a pattern may be an
    /// identifier.
    ///
    /// # Errors
    /// If another word stands before `FUNCTIONS`, `INVALID_SQL_SYNTAX.SHOW_FUNCTIONS_INVALID_SCOPE`.
    fn show_functions(&mut self) -> Result<Statement, SqlError> {
        let scope = if self.eat("USER") {
            FunctionScope::User
        } else if self.eat("SYSTEM") {
            FunctionScope::System
        } else if self.eat("ALL") || self.tokens.word(self.at).as_deref() == Some("FUNCTIONS") {
            FunctionScope::All
        } else {
            let scope = format!("`{}`", self.part()?.to_lowercase());
            return Err(SqlError::FunctionScope { scope });
        };
        self.expect("FUNCTIONS")?;
        let mut schema = if self.eat("FROM") || self.eat("IN") {
            Some(self.parts()?)
        } else {
            None
        };
        self.eat("LIKE");
        let pattern = match (self.string(), self.token()) {
            (Some(text), _) => Some(text),
            (None, None) => None,
            // An identifier is a pattern, too, and what stands before its last part is a schema.
            (None, Some(_)) => {
                let mut parts = self.parts()?;
                let last = parts.pop();
                if !parts.is_empty() {
                    schema = Some(parts);
                }
                last
            }
        };
        self.expect_end()?;
        Ok(Statement::ShowFunctions { scope, schema, pattern })
    }

    /// Reads what follows `DESCRIBE`: `FUNCTION [EXTENDED] name`, where an operator may be the name.
    fn describe_function(&mut self) -> Result<Statement, SqlError> {
        self.expect("FUNCTION")?;
        let extended = self.tokens.tokens.len() > self.at + 1 && self.eat("EXTENDED");
        let name = match (self.string(), self.token()) {
            (Some(text), _) => vec![text],
            (None, Some(Token::Word(_))) => self.parts()?,
            // An operator, as it is written.
            (None, Some(_)) => {
                let text = self.tokens.source_from(self.at).trim().trim_end_matches(';').trim();
                self.at = self.tokens.tokens.len();
                vec![text.to_owned()]
            }
            (None, None) => return Err(self.tokens.error_at(self.at)),
        };
        self.expect_end()?;
        Ok(Statement::DescribeFunction { name, extended })
    }

    /// Reads `DESCRIBE [TABLE] [EXTENDED] name`, `DESCRIBE QUERY query` and `DESCRIBE FUNCTION`; the optional words may also be the
    /// name itself.
    pub fn describe(&mut self) -> Result<Statement, SqlError> {
        self.at += 1;
        if self.tokens.tokens.len() > self.at + 1 {
            match self.tokens.word(self.at).as_deref() {
                Some("FUNCTION") => return self.describe_function(),
                Some("QUERY") => {
                    self.at += 1;
                    return Ok(Statement::DescribeQuery { query: self.query()? });
                }
                Some("DATABASE" | "SCHEMA" | "CATALOG") => return Err(self.unsupported()),
                _ => {}
            }
        }
        let more_follows = |words: &Self| words.tokens.tokens.len() > words.at + 1;
        let is_name_next = |words: &Self| {
            words
                .tokens
                .tokens
                .get(words.at + 1)
                .is_none_or(|t| t.token == Token::Period)
        };
        for word in ["TABLE", "EXTENDED", "FORMATTED"] {
            if more_follows(self) && !is_name_next(self) {
                self.eat(word);
            }
        }
        Ok(Statement::Describe {
            name: self.last_name()?,
        })
    }

    /// Reads `EXPLAIN [mode] query`; every mode but the plain one asks for all plans.
    pub fn explain(&mut self) -> Result<Statement, SqlError> {
        self.expect("EXPLAIN")?;
        let extended = ["EXTENDED", "FORMATTED", "CODEGEN", "COST", "LOGICAL"]
            .iter()
            .any(|mode| self.eat(mode));
        Ok(Statement::Explain {
            query: self.query()?,
            extended,
        })
    }

    /// Reads `CACHE [LAZY] TABLE name [AS query]`.
    pub fn cache(&mut self) -> Result<Statement, SqlError> {
        self.expect("CACHE")?;
        let lazy = self.eat("LAZY");
        self.expect("TABLE")?;
        let name = self.name()?;
        if self.eat("OPTIONS") {
            return Err(SqlError::unsupported("STATEMENT", "CACHE TABLE with OPTIONS"));
        }
        let query = match self.token() {
            None => None,
            Some(_) => {
                self.eat("AS");
                Some(self.query()?)
            }
        };
        Ok(Statement::CacheTable { name, lazy, query })
    }

    /// Reads `UNCACHE TABLE [IF EXISTS] name`.
    pub fn uncache(&mut self) -> Result<Statement, SqlError> {
        self.expect("UNCACHE")?;
        self.expect("TABLE")?;
        let if_exists = self.eat_all(&["IF", "EXISTS"]);
        Ok(Statement::UncacheTable {
            name: self.last_name()?,
            if_exists,
        })
    }

    /// Reads `CLEAR CACHE`.
    pub fn clear_cache(&mut self) -> Result<Statement, SqlError> {
        self.expect("CLEAR")?;
        self.expect("CACHE")?;
        self.expect_end()?;
        Ok(Statement::ClearCache)
    }

    /// Reads `REFRESH TABLE name`.
    pub fn refresh(&mut self) -> Result<Statement, SqlError> {
        self.expect("REFRESH")?;
        if !self.eat("TABLE") {
            return Err(self.unsupported());
        }
        Ok(Statement::RefreshTable {
            name: self.last_name()?,
        })
    }
}
