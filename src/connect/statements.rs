//! SQL statements: queries are planned, commands are carried out at once; either becomes a relation that the client
//! collects.
//!
//! So a statement's effect happens with the call that sends it (`spark.sql(…)`), whether or not anybody collects its
//! result, and an error in it belongs to that call. Results of commands are small local relations of strings, with
//! Spark's column names.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema};

use super::config;
use super::driver::Driver;
use crate::error::{Result, SparkError};
use crate::plan::functions::describe;
use crate::plan::sql::{self, Statement};
use crate::proto as sc;
use crate::proto::relation::RelType;
use crate::settings::{self, Setting};
use crate::values::{ipc, types};

impl Driver {
    /// Carries out a SQL command, and returns the relation that stands for its result.
    ///
    /// # Errors
    /// The parser's, the analyzer's, and those of the statement; they belong to this call, not to the one that
    /// collects.
    pub(super) fn sql_command(&mut self, session: &str, command: &sc::SqlCommand, now_ms: i64) -> Result<sc::Relation> {
        let (text, references) = text_of(command)?;
        match sql::parse_statement(&text)? {
            Statement::Query(relation) => {
                // The text goes along with its arguments; the analyzer reads it again.
                let relation = match command.input.clone() {
                    Some(input) => input,
                    None => beside(relation, references),
                };
                self.analyzed(session, &relation, now_ms)?;
                Ok(relation)
            }
            Statement::CreateView {
                name, replace, query, ..
            } => {
                self.create_view(session, &name, query, replace, now_ms)?;
                nothing()
            }
            Statement::DropView { name, if_exists } => {
                let gone = self.drop_view(session, &name)?;
                if gone || if_exists {
                    nothing()
                } else {
                    Err(view_not_found(&name))
                }
            }
            Statement::SetConfig {
                key: Some(key),
                value: Some(value),
            } => {
                config::put(self.session(session), &key, &value)?;
                strings(&["key", "value"], &[vec![key, value]])
            }
            Statement::SetConfig { key, .. } => self.show_settings(session, key.as_deref()),
            Statement::DescribeConfigs => self.describe_settings(session),
            Statement::ResetConfig { key } => {
                let conf = &mut self.session(session).conf.values;
                match key {
                    Some(key) => drop(conf.remove(&key)),
                    None => conf.clear(),
                }
                nothing()
            }
            Statement::ShowTables { views, schema, pattern } => {
                self.show_tables(session, views, schema.as_deref(), pattern.as_deref())
            }
            Statement::ShowDatabases { pattern } => {
                strings(&["namespace"], &column(only("default", pattern.as_deref())))
            }
            Statement::ShowCatalogs { pattern } => {
                strings(&["catalog"], &column(only("spark_catalog", pattern.as_deref())))
            }
            Statement::ShowColumns { name } => {
                let names = self.columns_of(session, name, now_ms)?;
                strings(&["col_name"], &column(names.into_iter().map(|(name, ..)| name)))
            }
            Statement::Use { schema } if describe::is_default(&schema) || is_catalog(&schema) => nothing(),
            Statement::Use { schema } => Err(describe::schema_not_found(&schema)),
            // Tables of this catalog are those of memory sinks, which belong to their queries.
            Statement::DropTable { if_exists: true, .. } => nothing(),
            Statement::DropTable { name, .. } => Err(view_not_found(&name)),
            Statement::DescribeQuery { query } => {
                let (_, _, resolved) = self.analyzed(session, &beside(query, references), now_ms)?;
                described(
                    resolved
                        .output
                        .iter()
                        .map(|a| (a.name.clone(), types::simple_string(&a.data_type))),
                )
            }
            Statement::Describe { name } => self.describe_table(session, name, now_ms),
            Statement::Explain { query, extended } => self.explain(session, query, extended, now_ms),
            // The rows are computed by the first query, LAZY or not.
            Statement::CacheTable { name, query, .. } => {
                if let Some(query) = query {
                    self.create_view(session, &name, query, false, now_ms)?;
                }
                let key = self.known_table(session, &name)?;
                self.session(session).keep_table(&key);
                self.session(session).cached.insert(key);
                nothing()
            }
            Statement::UncacheTable { name, if_exists } => {
                match self.known_table(session, &name) {
                    Ok(key) => {
                        self.session(session).let_table_go(&key);
                        self.session(session).cached.remove(&key);
                    }
                    Err(_) if if_exists => {}
                    Err(error) => return Err(error),
                }
                nothing()
            }
            Statement::ClearCache => {
                self.session(session).kept.clear();
                self.session(session).cached.clear();
                nothing()
            }
            Statement::RefreshTable { .. } => nothing(),
            Statement::ShowFunctions { scope, schema, pattern } => {
                let names = describe::show(scope, schema.as_deref(), pattern.as_deref())?;
                strings(&["function"], &column(names))
            }
            Statement::DescribeFunction { name, extended } => {
                strings(&["function_desc"], &column(describe::describe(&name, extended)?))
            }
        }
    }

    /// Returns the settings that are set, as `key` and `value` (`SET` and `SET key`).
    fn show_settings(&mut self, session: &str, key: Option<&str>) -> Result<sc::Relation> {
        let all = self.session(session).conf.all().into_iter();
        let wanted = all.filter(|(k, _)| key.is_none_or(|key| key == k));
        let rows: Vec<_> = wanted.map(|(k, v)| vec![k, v]).collect();
        strings(&["key", "value"], &rows)
    }

    /// Returns every setting with its value, what it does, and since when (`SET -v`; Spark's fourth column, empty
    /// here).
    fn describe_settings(&mut self, session: &str) -> Result<sc::Relation> {
        let conf = &self.session(session).conf;
        let mut known: Vec<&Setting> = settings::SETTINGS.iter().collect();
        known.sort_by_key(|s| s.key);
        let row = |s: &Setting| {
            let value = conf.text(s).unwrap_or("<undefined>");
            vec![s.key.into(), value.into(), s.about.into(), String::new()]
        };
        let rows: Vec<_> = known.into_iter().map(row).collect();
        strings(&["key", "value", "meaning", "Since version"], &rows)
    }

    /// Returns the temporary views, and the tables of memory sinks (`SHOW TABLES` and `SHOW VIEWS`).
    ///
    /// # Errors
    /// `SCHEMA_NOT_FOUND` if another schema than `default` is asked for.
    fn show_tables(
        &mut self,
        session: &str,
        views: bool,
        schema: Option<&[String]>,
        pattern: Option<&str>,
    ) -> Result<sc::Relation> {
        let names = self.tables_in(session, schema, pattern)?;
        let text = |cells: Vec<&str>| Arc::new(StringArray::from(cells)) as ArrayRef;
        let fields = vec![
            Field::new("namespace", DataType::Utf8, false),
            Field::new(if views { "viewName" } else { "tableName" }, DataType::Utf8, false),
            Field::new("isTemporary", DataType::Boolean, false),
        ];
        let columns = vec![
            text(vec![""; names.len()]),
            text(names.iter().map(String::as_str).collect()),
            Arc::new(BooleanArray::from(vec![true; names.len()])),
        ];
        super::catalog::local(fields, columns)
    }

    /// Returns a table's columns, with their types (`DESCRIBE table`).
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND` if it does not exist.
    fn describe_table(&mut self, session: &str, name: String, now_ms: i64) -> Result<sc::Relation> {
        let columns = self.columns_of(session, name, now_ms)?;
        described(columns.into_iter().map(|(name, kind, _)| (name, kind)))
    }

    /// Returns name, type and nullability of a table's columns.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND` if it does not exist.
    pub(super) fn columns_of(
        &mut self,
        session: &str,
        name: String,
        now_ms: i64,
    ) -> Result<Vec<(String, String, bool)>> {
        let read = sc::read::NamedTable {
            unparsed_identifier: name,
            ..Default::default()
        };
        let read = sc::Read {
            read_type: Some(sc::read::ReadType::NamedTable(read)),
            is_streaming: false,
        };
        let (_, _, resolved) = self.analyzed(session, &relation(RelType::Read(read)), now_ms)?;
        let columns = resolved.output.iter();
        let known = columns.map(|a| (a.name.clone(), types::simple_string(&a.data_type), a.nullable));
        Ok(known.collect())
    }

    /// Returns the plans as one string (`EXPLAIN [EXTENDED] query`).
    ///
    /// # Errors
    /// What analysis refuses.
    fn explain(&mut self, session: &str, query: sc::Relation, extended: bool, now_ms: i64) -> Result<sc::Relation> {
        use sc::analyze_plan_request::{Analyze, Explain, explain::ExplainMode};
        let mode = if extended {
            ExplainMode::Extended
        } else {
            ExplainMode::Simple
        };
        let explain = Explain {
            plan: Some(sc::Plan {
                op_type: Some(sc::plan::OpType::Root(query)),
            }),
            explain_mode: mode.into(),
        };
        let request = sc::AnalyzePlanRequest {
            session_id: session.to_owned(),
            analyze: Some(Analyze::Explain(explain)),
            ..Default::default()
        };
        match self.analyze_plan(&request, now_ms)?.result {
            Some(sc::analyze_plan_response::Result::Explain(e)) => strings(&["plan"], &[vec![e.explain_string]]),
            _ => nothing(),
        }
    }
}

/// Returns a command's text, and the relations that stand beside it.
///
/// # Errors
/// `CONNECT_INVALID_PLAN.CANNOT_PARSE` if it holds no SQL.
#[allow(deprecated)] // Clients of Spark 3.5 send the text in `sql`.
fn text_of(command: &sc::SqlCommand) -> Result<(String, Vec<sc::Relation>)> {
    let none = || SparkError::invalid_plan("a SQL command holds no SQL");
    match command.input.as_ref().and_then(|r| r.rel_type.as_ref()) {
        Some(RelType::Sql(sql)) => Ok((sql.query.clone(), vec![])),
        Some(RelType::WithRelations(with)) => match with.root.as_ref().and_then(|r| r.rel_type.as_ref()) {
            Some(RelType::Sql(sql)) => Ok((sql.query.clone(), with.references.clone())),
            _ => Err(none()),
        },
        Some(_) => Err(none()),
        None => Ok((command.sql.clone(), vec![])),
    }
}

/// Puts relations beside a query that refers to them.
fn beside(root: sc::Relation, references: Vec<sc::Relation>) -> sc::Relation {
    if references.is_empty() {
        return root;
    }
    let root = Some(Box::new(root));
    relation(RelType::WithRelations(Box::new(sc::WithRelations { root, references })))
}

/// Returns a relation of a type.
fn relation(rel_type: RelType) -> sc::Relation {
    sc::Relation {
        common: None,
        rel_type: Some(rel_type),
    }
}

/// Returns a name if it fits a pattern.
fn only(name: &'static str, pattern: Option<&str>) -> Option<&'static str> {
    Some(name).filter(|name| describe::fitting(pattern)(name))
}

/// Returns whether the parts name the one catalog.
fn is_catalog(parts: &[String]) -> bool {
    matches!(parts, [one] if one.eq_ignore_ascii_case("spark_catalog"))
}

/// Returns names and types of columns as `DESCRIBE` does; none has a comment.
fn described(columns: impl Iterator<Item = (String, String)>) -> Result<sc::Relation> {
    let (names, kinds): (Vec<String>, Vec<String>) = columns.unzip();
    let fields = ["col_name", "data_type", "comment"].map(|name| Field::new(name, DataType::Utf8, true));
    let comments = new_null_array(&DataType::Utf8, names.len());
    let columns = vec![
        Arc::new(StringArray::from(names)) as ArrayRef,
        Arc::new(StringArray::from(kinds)),
        comments,
    ];
    super::catalog::local(fields.to_vec(), columns)
}

/// Returns the error of a view that does not exist (`TABLE_OR_VIEW_NOT_FOUND`).
pub(super) fn view_not_found(name: &str) -> SparkError {
    SparkError::analysis(
        "TABLE_OR_VIEW_NOT_FOUND",
        "42P01",
        format!("The table or view {name} cannot be found."),
    )
    .with("relationName", name)
}

/// Returns a relation without columns and rows: what a statement that returns nothing returns.
pub(super) fn nothing() -> Result<sc::Relation> {
    strings(&[], &[])
}

/// Returns rows of one column.
fn column(cells: impl IntoIterator<Item = impl Into<String>>) -> Vec<Vec<String>> {
    cells.into_iter().map(|cell| vec![cell.into()]).collect()
}

/// Returns a local relation of strings.
fn strings(names: &[&str], rows: &[Vec<String>]) -> Result<sc::Relation> {
    let schema = Schema::new(
        names
            .iter()
            .map(|n| Field::new(*n, DataType::Utf8, true))
            .collect::<Vec<_>>(),
    );
    let columns = (0..names.len())
        .map(|c| Arc::new(rows.iter().map(|r| r.get(c)).collect::<StringArray>()) as ArrayRef)
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let batch = RecordBatch::try_new_with_options(Arc::new(schema.clone()), columns, &options)?;
    let local = sc::LocalRelation {
        data: Some(ipc::write(&schema, &[batch])?),
        schema: None,
    };
    Ok(relation(RelType::LocalRelation(local)))
}
