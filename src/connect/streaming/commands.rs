//! What clients ask of running queries, and calls that are answered later.
//!
//! | command | answered |
//! |---------|----------|
//! | status, progress, explain, exception | at once; ended queries are remembered for a while |
//! | stop | at once: the query is over when the answer is sent |
//! | `processAllAvailable` | when a trigger after the call found nothing new |
//! | `awaitTermination` | when the query is over, or the time is; its error fails the call |
//! | `awaitAnyTermination` | when any query has ended since `resetTerminated`, or the time is over |

use super::Running;
use crate::connect::analyze;
use crate::connect::driver::Driver;
use crate::error::{Exception, Result, SparkError};
use crate::proto as sc;
use crate::proto::execute_plan_response::ResponseType;

/// A call that is answered later.
pub(super) struct Waiter {
    /// The operation that waits.
    pub(super) operation: String,
    /// The run that it waits for; `None` for any.
    pub(super) query: Option<String>,
    /// What for.
    pub(super) kind: Wait,
}

/// What a call waits for.
pub(super) enum Wait {
    /// `processAllAvailable`: until a trigger after this count found nothing.
    Idle {
        /// The count when the call came.
        after: u64,
    },
    /// `awaitTermination`; the deadline, ms since the epoch.
    Termination { until_ms: Option<i64> },
    /// `awaitAnyTermination`.
    AnyTermination { until_ms: Option<i64> },
}

impl Driver {
    /// Answers the calls whose time has come; the others wait on.
    pub(super) fn answer_waiters(&mut self, now_ms: i64) {
        let waiters = std::mem::take(&mut self.streams.waiters);
        for waiter in waiters {
            let running = waiter.query.as_ref().and_then(|q| self.streams.queries.get(q));
            let over = running.is_some_and(|r| !r.query.is_active());
            let error = running.and_then(|r| r.query.error().cloned());
            match waiter.kind {
                Wait::Idle { after } => {
                    if let Some(error) = error {
                        self.fail_operation(&waiter.operation, error);
                    } else if over || running.is_none_or(|r| r.query.idle_triggers > after) {
                        self.finish_command(&waiter, None);
                    } else {
                        self.streams.waiters.push(waiter);
                    }
                }
                Wait::Termination { until_ms } => {
                    if let Some(error) = error {
                        self.fail_operation(&waiter.operation, error);
                    } else if over || until_ms.is_some_and(|at| at <= now_ms) {
                        let result = sc::streaming_query_command_result::AwaitTerminationResult { terminated: over };
                        self.finish_command(
                            &waiter,
                            Some(sc::streaming_query_command_result::ResultType::AwaitTermination(result)),
                        );
                    } else {
                        self.streams.waiters.push(waiter);
                    }
                }
                Wait::AnyTermination { until_ms } => {
                    let ended = !self.streams.ended.is_empty();
                    if ended || until_ms.is_some_and(|at| at <= now_ms) {
                        let result =
                            sc::streaming_query_manager_command_result::AwaitAnyTerminationResult { terminated: ended };
                        let result =
                            sc::streaming_query_manager_command_result::ResultType::AwaitAnyTermination(result);
                        self.manager_result(&waiter.operation, result);
                    } else {
                        self.streams.waiters.push(waiter);
                    }
                }
            }
        }
    }

    /// Answers a command about a query, and ends its operation.
    pub(super) fn finish_command(
        &mut self,
        waiter: &Waiter,
        result: Option<sc::streaming_query_command_result::ResultType>,
    ) {
        let run_id = waiter.query.clone().unwrap_or_default();
        let running = self.streams.queries.get(&run_id);
        let id = running.map(|r| r.query.definition.id.clone()).unwrap_or_default();
        let result = sc::StreamingQueryCommandResult {
            query_id: Some(sc::StreamingQueryInstanceId { id, run_id }),
            result_type: result,
        };
        self.respond(
            &waiter.operation,
            Some(ResponseType::StreamingQueryCommandResult(result)),
            None,
        );
        self.end_operation(&waiter.operation);
    }

    /// Carries out a command about one query; waiting ones are answered later.
    ///
    /// # Errors
    /// `STREAMING_QUERY_NOT_FOUND` if the query is unknown or forgotten.
    pub(in crate::connect) fn query_command(
        &mut self,
        operation: &str,
        command: &sc::StreamingQueryCommand,
        now_ms: i64,
    ) -> Result<()> {
        use sc::streaming_query_command::Command as C;
        use sc::streaming_query_command_result as result;
        let named = command.query_id.clone().unwrap_or_default();
        let not_found = || {
            SparkError::new(
                Exception::Connect,
                "STREAMING_QUERY_NOT_FOUND",
                "42K0A",
                format!("Streaming query {} is not found", named.id),
            )
        };
        let run = self.streams.run_of(&named.id, &named.run_id).map(str::to_owned);
        let id = run.ok_or_else(not_found)?;
        let wait = |kind: Wait| Waiter {
            operation: operation.to_owned(),
            query: Some(id.clone()),
            kind,
        };
        let running = self.streams.queries.get_mut(&id).ok_or_else(not_found)?;
        let kind = command
            .command
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a streaming query command is empty"))?;
        let answer = match kind {
            C::Status(_) => Some(result::ResultType::Status(result::StatusResult {
                status_message: running.query.message().to_owned(),
                is_data_available: running.query.is_data_available(now_ms),
                is_trigger_active: running.query.is_trigger_active(),
                is_active: running.query.is_active(),
            })),
            C::LastProgress(_) => {
                let recent_progress_json = running.query.recent().next_back().into_iter().collect();
                Some(result::ResultType::RecentProgress(result::RecentProgressResult {
                    recent_progress_json,
                }))
            }
            C::RecentProgress(_) => {
                let recent_progress_json = running.query.recent().collect();
                Some(result::ResultType::RecentProgress(result::RecentProgressResult {
                    recent_progress_json,
                }))
            }
            C::Stop(_) => {
                let actions = running.query.stop();
                self.act(&id, actions, now_ms);
                None
            }
            C::ProcessAllAvailable(_) => {
                // What a trigger that has asked already finds may be older than this call.
                let after = running.query.idle_triggers + u64::from(running.query.is_looking());
                running.query.hurry(now_ms);
                running.query.flush(now_ms);
                self.streams.waiters.push(wait(Wait::Idle { after }));
                return Ok(());
            }
            C::AwaitTermination(options) => {
                let until_ms = options.timeout_ms.map(|t| now_ms.saturating_add(t));
                self.streams.waiters.push(wait(Wait::Termination { until_ms }));
                return Ok(());
            }
            C::Explain(_) => {
                let stages = analyze::described(&running.query.definition.graph);
                Some(result::ResultType::Explain(result::ExplainResult {
                    result: format!("== Physical Plan ==\n{stages}"),
                }))
            }
            C::Exception(_) => Some(result::ResultType::Exception(match running.query.error() {
                Some(error) => result::ExceptionResult {
                    exception_message: Some(error.full_message()),
                    error_class: error.condition.clone(),
                    stack_trace: None,
                },
                None => result::ExceptionResult::default(),
            })),
        };
        let waiter = wait(Wait::Idle { after: 0 });
        self.finish_command(&waiter, answer);
        Ok(())
    }

    /// Carries out a command about the session's queries.
    ///
    /// # Errors
    /// `CONNECT_INVALID_PLAN` if it is empty.
    pub(in crate::connect) fn manager_command(
        &mut self,
        operation: &str,
        session: &str,
        command: &sc::StreamingQueryManagerCommand,
        now_ms: i64,
    ) -> Result<()> {
        use sc::streaming_query_manager_command::Command as C;
        use sc::streaming_query_manager_command_result as result;
        let kind = command
            .command
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a manager command is empty"))?;
        let instance = |r: &Running| result::StreamingQueryInstance {
            id: Some(sc::StreamingQueryInstanceId {
                id: r.query.definition.id.clone(),
                run_id: r.query.definition.run_id.clone(),
            }),
            name: r.query.definition.name.clone(),
        };
        let answer = match kind {
            C::Active(_) => {
                let active = self
                    .streams
                    .queries
                    .values()
                    .filter(|r| r.session == session && r.query.is_active());
                result::ResultType::Active(result::ActiveResult {
                    active_queries: active.map(instance).collect(),
                })
            }
            C::GetQuery(id) => match self
                .streams
                .queries
                .values()
                .find(|r| r.query.definition.id == *id && r.query.is_active() && r.session == session)
            {
                Some(running) => result::ResultType::Query(instance(running)),
                None => result::ResultType::Query(result::StreamingQueryInstance::default()),
            },
            C::AwaitAnyTermination(options) => {
                let until_ms = options.timeout_ms.map(|t| now_ms.saturating_add(t));
                self.streams.waiters.push(Waiter {
                    operation: operation.to_owned(),
                    query: None,
                    kind: Wait::AnyTermination { until_ms },
                });
                return Ok(());
            }
            C::ResetTerminated(_) => {
                self.streams.ended.clear();
                result::ResultType::ResetTerminated(true)
            }
            C::AddListener(_) => result::ResultType::AddListener(true),
            C::RemoveListener(_) => result::ResultType::RemoveListener(true),
            C::ListListeners(_) => {
                result::ResultType::ListListeners(result::ListStreamingQueryListenerResult::default())
            }
        };
        self.manager_result(operation, answer);
        Ok(())
    }

    /// Answers a command about the session's queries, and ends its operation.
    pub(super) fn manager_result(
        &mut self,
        operation: &str,
        result: sc::streaming_query_manager_command_result::ResultType,
    ) {
        let result = sc::StreamingQueryManagerCommandResult {
            result_type: Some(result),
        };
        self.respond(
            operation,
            Some(ResponseType::StreamingQueryManagerCommandResult(result)),
            None,
        );
        self.end_operation(operation);
    }
}
