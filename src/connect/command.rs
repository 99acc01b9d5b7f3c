//! Commands: SQL statements, views, and what changes the session.

use prost::Message;

use super::driver::Driver;
use crate::error::{Result, SparkError};
use crate::plan::functions::describe;
use crate::plan::sql::{self, Statement};
use crate::proto as sc;
use crate::proto::command::CommandType;
use crate::proto::execute_plan_response::ResponseType;
use crate::proto::relation::RelType;
use crate::proto::variant_name;
use crate::settings::{self, Setting};
use crate::values::{ipc, types};

impl Driver {
    pub(super) fn execute_command(
        &mut self,
        operation: &str,
        session: &str,
        command: &sc::Command,
        now_ms: i64,
    ) -> Result<()> {
        let kind = command
            .command_type
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a command is empty"))?;
        match kind {
            CommandType::SqlCommand(command) => {
                let relation = self.sql_command(session, command, now_ms)?;
                let result = sc::execute_plan_response::SqlCommandResult {
                    relation: Some(relation),
                };
                self.respond(operation, Some(ResponseType::SqlCommandResult(result)), None);
            }
            CommandType::CreateDataframeView(view) => {
                let input = view
                    .input
                    .clone()
                    .ok_or_else(|| SparkError::invalid_plan("a view has no relation"))?;
                self.create_view(session, &view.name, input, view.replace, now_ms)?;
            }
            CommandType::WriteStreamOperationStart(start) => {
                return self.start_query(operation, session, start, now_ms);
            }
            CommandType::StreamingQueryCommand(command) => return self.query_command(operation, command, now_ms),
            CommandType::StreamingQueryManagerCommand(command) => {
                return self.manager_command(operation, session, command, now_ms);
            }
            CommandType::StreamingQueryListenerBusCommand(command) => return self.listener_bus(operation, command),
            CommandType::Extension(command) => return self.extension(operation, command),
            CommandType::MlCommand(command) => return self.ml_command(operation, session, command, now_ms),
            CommandType::GetResourcesCommand(_) => {
                self.respond(
                    operation,
                    Some(ResponseType::GetResourcesCommandResult(
                        sc::GetResourcesCommandResult::default(),
                    )),
                    None,
                );
            }
            CommandType::RegisterFunction(function) => {
                return Err(SparkError::unsupported(format!(
                    "the user-defined function {}: it needs a Python or JVM worker",
                    function.function_name
                )));
            }
            CommandType::WriteOperation(write) if write.source.as_deref() == Some("noop") => {
                let input = write
                    .input
                    .as_ref()
                    .ok_or_else(|| SparkError::invalid_plan("a write has no relation"))?;
                return self.execute_discarding(operation, session, input, now_ms);
            }
            CommandType::WriteOperation(write) => return self.write_files(operation, session, write, now_ms),
            CommandType::WriteOperationV2(_) => {
                return Err(SparkError::unsupported("writing batch DataFrames to tables"));
            }
            other => {
                return Err(SparkError::unsupported(format!("the command {}", variant_name(&other))));
            }
        }
        self.end_operation(operation);
        Ok(())
    }

    #[allow(deprecated)] // Clients of Spark 3.5 send the text in `sql`.
    fn sql_command(&mut self, session: &str, command: &sc::SqlCommand, now_ms: i64) -> Result<sc::Relation> {
        let (text, references) = match command.input.as_ref().and_then(|r| r.rel_type.as_ref()) {
            Some(RelType::Sql(sql)) => (sql.query.clone(), vec![]),
            Some(RelType::WithRelations(with)) => match with.root.as_ref().and_then(|r| r.rel_type.as_ref()) {
                Some(RelType::Sql(sql)) => (sql.query.clone(), with.references.clone()),
                _ => return Err(SparkError::invalid_plan("a SQL command holds no SQL")),
            },
            Some(_) => return Err(SparkError::invalid_plan("a SQL command holds no SQL")),
            None => (command.sql.clone(), vec![]),
        };
        match sql::parse_statement(&text)? {
            Statement::Query(relation) => {
                let relation = if let Some(input) = command.input.clone() {
                    // The text goes along with its arguments; the analyzer reads it again.
                    input
                } else if references.is_empty() {
                    relation
                } else {
                    let with = sc::WithRelations {
                        root: Some(Box::new(relation)),
                        references,
                    };
                    sc::Relation {
                        common: None,
                        rel_type: Some(RelType::WithRelations(Box::new(with))),
                    }
                };
                // Errors belong to this call, not to the one that collects.
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
                super::config::put(self.session(session), &key, &value)?;
                strings(&["key", "value"], &[vec![key, value]])
            }
            Statement::SetConfig { key, .. } => {
                let all = self.session(session).conf.all();
                let rows: Vec<Vec<String>> = all
                    .into_iter()
                    .filter(|(k, _)| key.as_ref().is_none_or(|wanted| wanted == k))
                    .map(|(k, v)| vec![k, v])
                    .collect();
                strings(&["key", "value"], &rows)
            }
            Statement::DescribeConfigs => {
                let conf = &self.session(session).conf;
                let mut known: Vec<&Setting> = settings::SETTINGS.iter().collect();
                known.sort_by_key(|s| s.key);
                let row = |s: &Setting| {
                    let value = conf.text(s).unwrap_or("<undefined>");
                    vec![s.key.into(), value.into(), s.about.into(), String::new()]
                };
                let rows: Vec<Vec<String>> = known.into_iter().map(row).collect();
                strings(&["key", "value", "meaning", "Since version"], &rows)
            }
            Statement::ResetConfig { key } => {
                let conf = &mut self.session(session).conf.values;
                match key {
                    Some(key) => {
                        conf.remove(&key);
                    }
                    None => conf.clear(),
                }
                nothing()
            }
            Statement::ShowTables | Statement::ShowViews => {
                let session = self.session(session);
                let rows: Vec<Vec<String>> = session
                    .views
                    .keys()
                    .chain(session.tables.keys())
                    .map(|n| vec![String::new(), n.clone(), "true".into()])
                    .collect();
                strings(&["namespace", "tableName", "isTemporary"], &rows)
            }
            Statement::Describe { name } => {
                let read = sc::read::NamedTable {
                    unparsed_identifier: name,
                    ..Default::default()
                };
                let read = sc::Read {
                    read_type: Some(sc::read::ReadType::NamedTable(read)),
                    is_streaming: false,
                };
                let relation = sc::Relation {
                    common: None,
                    rel_type: Some(RelType::Read(read)),
                };
                let (_, _, resolved) = self.analyzed(session, &relation, now_ms)?;
                let rows: Vec<Vec<String>> = resolved
                    .output
                    .iter()
                    .map(|a| vec![a.name.clone(), types::simple_string(&a.data_type), String::new()])
                    .collect();
                strings(&["col_name", "data_type", "comment"], &rows)
            }
            Statement::Explain { query, extended } => {
                let mode = if extended {
                    sc::analyze_plan_request::explain::ExplainMode::Extended
                } else {
                    sc::analyze_plan_request::explain::ExplainMode::Simple
                };
                let plan = sc::Plan {
                    op_type: Some(sc::plan::OpType::Root(query)),
                };
                let explain = sc::analyze_plan_request::Explain {
                    plan: Some(plan),
                    explain_mode: mode.into(),
                };
                let request = sc::AnalyzePlanRequest {
                    session_id: session.to_owned(),
                    analyze: Some(sc::analyze_plan_request::Analyze::Explain(explain)),
                    ..Default::default()
                };
                match self.analyze_plan(&request, now_ms)?.result {
                    Some(sc::analyze_plan_response::Result::Explain(e)) => {
                        strings(&["plan"], &[vec![e.explain_string]])
                    }
                    _ => nothing(),
                }
            }
            // Nothing is cached, so there is nothing to do; the next read gives the same rows.
            Statement::CacheTable { .. }
            | Statement::UncacheTable { .. }
            | Statement::ClearCache
            | Statement::RefreshTable { .. } => nothing(),
            Statement::ShowFunctions { scope, schema, pattern } => {
                let names = describe::show(scope, schema.as_deref(), pattern.as_deref())?;
                strings(&["function"], &column(names))
            }
            Statement::DescribeFunction { name, extended } => {
                strings(&["function_desc"], &column(describe::describe(&name, extended)?))
            }
        }
    }

    fn create_view(
        &mut self,
        session: &str,
        name: &str,
        relation: sc::Relation,
        replace: bool,
        now_ms: i64,
    ) -> Result<()> {
        let key = view_key(name)?;
        self.analyzed(session, &relation, now_ms)?;
        let session = self.session(session);
        if !replace && session.views.contains_key(&key) {
            return Err(SparkError::analysis(
                "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS",
                "42P07",
                format!("Cannot create the temporary view `{name}` because it already exists. Choose a different name, drop or replace the existing view."),
            )
            .with("relationName", format!("`{name}`")));
        }
        session.views.insert(key, relation.encode_to_vec());
        Ok(())
    }

    /// Whether there was such a view.
    pub(super) fn drop_view(&mut self, session: &str, name: &str) -> Result<bool> {
        let key = view_key(name)?;
        Ok(self.session(session).views.remove(&key).is_some())
    }
}

fn view_key(name: &str) -> Result<String> {
    let parts = sql::parse_identifier(name)?;
    Ok(parts.last().map(|n| n.to_lowercase()).unwrap_or_default())
}

fn view_not_found(name: &str) -> SparkError {
    SparkError::analysis(
        "TABLE_OR_VIEW_NOT_FOUND",
        "42P01",
        format!("The table or view {name} cannot be found."),
    )
    .with("relationName", name)
}

/// A relation without columns and rows: what a statement that returns nothing returns.
fn nothing() -> Result<sc::Relation> {
    strings(&[], &[])
}

/// Rows of one column.
fn column(cells: impl IntoIterator<Item = impl Into<String>>) -> Vec<Vec<String>> {
    cells.into_iter().map(|cell| vec![cell.into()]).collect()
}

/// A local relation of strings.
fn strings(names: &[&str], rows: &[Vec<String>]) -> Result<sc::Relation> {
    use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    let schema = Schema::new(
        names
            .iter()
            .map(|n| Field::new(*n, DataType::Utf8, true))
            .collect::<Vec<_>>(),
    );
    let columns = (0..names.len())
        .map(|c| std::sync::Arc::new(rows.iter().map(|r| r.get(c)).collect::<StringArray>()) as ArrayRef)
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let batch = RecordBatch::try_new_with_options(std::sync::Arc::new(schema.clone()), columns, &options)?;
    let local = sc::LocalRelation {
        data: Some(ipc::write(&schema, &[batch])?),
        schema: None,
    };
    Ok(sc::Relation {
        common: None,
        rel_type: Some(RelType::LocalRelation(local)),
    })
}
