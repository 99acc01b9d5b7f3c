//! Commands: which of them does what, and temporary views.
//!
//! A command that is done at once ends its operation here; others end it when their job, storage or query answers:
//!
//! | command | goes to | ends with |
//! |---------|---------|-----------|
//! | SQL, create view, resources | here, `statements` | at once |
//! | write as `noop` | [`execute`](super::execute) | its job |
//! | write as files | [`write`](super::write) | storage |
//! | write into another system | [`write`](super::write) | the host |
//! | start of a stream | [`streaming`](super::streaming) | the query's start |
//! | query and manager commands | [`streaming`](super::streaming) | at once, or what they wait for |
//! | machine learning | [`ml`](super::ml) | at once, its job, or storage |
//! | ours (extension) | [`streaming`](super::streaming) | storage |

use prost::Message;

use super::driver::Driver;
use super::dstreams::ORDER_TYPE_URL;
use crate::error::{Result, SparkError};
use crate::plan::sql;
use crate::proto as sc;
use crate::proto::command::CommandType;
use crate::proto::execute_plan_response::ResponseType;
use crate::proto::variant_name;

impl Driver {
    /// Carries out a command of an operation.
    ///
    /// # Errors
    /// `UNSUPPORTED_FEATURE` for commands that Rivulet lacks; those of the command.
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
            CommandType::Extension(order) if order.type_url == ORDER_TYPE_URL => {
                return self.streaming_order(operation, session, &order.value, now_ms);
            }
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
            CommandType::WriteOperation(write) => return self.write_rows(operation, session, write, now_ms),
            CommandType::WriteOperationV2(_) => {
                return Err(SparkError::unsupported("writing batch DataFrames to tables"));
            }
            CommandType::CheckpointCommand(command) => self.checkpoint(operation, session, command, now_ms)?,
            CommandType::RemoveCachedRemoteRelationCommand(command) => self.forget_checkpoint(session, command),
            other => {
                return Err(SparkError::unsupported(format!("the command {}", variant_name(&other))));
            }
        }
        self.end_operation(operation);
        Ok(())
    }

    /// Keeps a relation under a name in the session, after it was analysed once.
    ///
    /// # Errors
    /// `TEMP_TABLE_OR_VIEW_ALREADY_EXISTS` unless `replace` is set; what analysis refuses.
    pub(super) fn create_view(
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
        session.views.insert(key, relation.encode_to_vec().into());
        Ok(())
    }

    /// Forgets a view, and returns whether there was one.
    ///
    /// # Errors
    /// If the name cannot be parsed.
    pub(super) fn drop_view(&mut self, session: &str, name: &str) -> Result<bool> {
        let key = view_key(name)?;
        let session = self.session(session);
        session.cached.remove(&key);
        session.let_table_go(&key);
        Ok(session.views.remove(&key).is_some())
    }
}

/// Returns the name under which a view is kept: its last part, in lower case.
pub(super) fn view_key(name: &str) -> Result<String> {
    let parts = sql::parse_identifier(name)?;
    Ok(parts.last().map(|n| n.to_lowercase()).unwrap_or_default())
}
