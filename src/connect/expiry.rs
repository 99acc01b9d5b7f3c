//! What clients have left behind: operations that nobody is attached to, sessions that nobody calls.
//!
//! A server calls [`Driver::expire`] from time to time; a page does not, as driver and session are its own. A session is
//! alive while an operation or a streaming query of it runs, as in Spark (`SparkConnectStreamingQueryCache`).

use super::driver::Driver;

/// How long an operation waits for its client (`spark.connect.execute.manager.detachedTimeout`), ms: Spark's default.
const DETACHED_TIMEOUT_MS: i64 = 5 * 60_000;

/// How long a session waits for a call (`spark.connect.session.manager.defaultSessionTimeout`), ms: Spark's default.
const SESSION_TIMEOUT_MS: i64 = 60 * 60_000;

impl Driver {
    /// Ends operations that have been without a client for five minutes, and sessions that have been without a call for
    /// an hour. What follows from it comes out of the next step.
    pub fn expire(&mut self, now_ms: i64) {
        let mut left = Vec::new();
        for (id, operation) in &mut self.operations {
            operation.detached_ms = match (operation.request, operation.detached_ms) {
                (Some(_), _) => None,
                (None, since) => Some(since.unwrap_or(now_ms)),
            };
            if operation
                .detached_ms
                .is_some_and(|since| now_ms - since >= DETACHED_TIMEOUT_MS)
            {
                left.push(id.clone());
            }
        }
        for id in left {
            // One that a streaming context has is ended by the context's own rules.
            if !self.contexts.owns(&id) {
                self.abandon(&id, now_ms);
            }
        }
        let idle: Vec<String> = self
            .sessions
            .iter()
            .filter(|(_, session)| now_ms - session.called_ms >= SESSION_TIMEOUT_MS)
            .map(|(id, _)| id.clone())
            .filter(|id| !self.has_work(id))
            .collect();
        for id in idle {
            self.release_session(&id, now_ms);
        }
    }

    /// Returns whether something of a session runs.
    fn has_work(&self, session: &str) -> bool {
        let mut operations = self.operations.values();
        operations.any(|o| o.session == session && o.is_running()) || self.streams.has_queries(session)
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use prost::Message;

    use super::*;
    use crate::connect::protocol::{Input, Method, Output, RequestId};
    use crate::proto as sc;
    use crate::storage::files::NoFiles;

    /// Begins an operation that no executor is there for.
    fn begin(driver: &mut Driver, id: u64, now_ms: i64) {
        use sc::execute_plan_request::{RequestOption, request_option::RequestOption as Of};
        let range = sc::relation::RelType::Range(sc::Range {
            end: 3,
            step: 1,
            ..Default::default()
        });
        let relation = sc::Relation {
            common: None,
            rel_type: Some(range),
        };
        let request = sc::ExecutePlanRequest {
            session_id: "s".into(),
            operation_id: Some(format!("o{id}")),
            plan: Some(sc::Plan {
                op_type: Some(sc::plan::OpType::Root(relation)),
            }),
            request_options: vec![RequestOption {
                request_option: Some(Of::ReattachOptions(sc::ReattachOptions { reattachable: true })),
            }],
            ..Default::default()
        };
        let bytes = request.encode_to_vec();
        let (id, method) = (RequestId(id), Method::ExecutePlan);
        let outputs = driver.handle(now_ms, Input::Request { id, method, bytes });
        assert!(!outputs.iter().any(|o| matches!(o, Output::Fail { .. })), "{outputs:?}");
    }

    #[test]
    fn an_operation_without_a_client_ends_after_five_minutes_and_its_session_after_an_hour() {
        let mut driver = Driver::new(Default::default(), Rc::new(NoFiles), 7);
        begin(&mut driver, 1, 0);
        begin(&mut driver, 2, 0);
        driver.handle(1_000, Input::Cancel { id: RequestId(1) });
        driver.expire(1_000);
        driver.expire(1_000 + DETACHED_TIMEOUT_MS - 1);
        assert_eq!(driver.operations.len(), 2);
        driver.expire(1_000 + DETACHED_TIMEOUT_MS);
        // The other one has its client, and keeps the session.
        assert_eq!(driver.operations.keys().collect::<Vec<_>>(), ["o2"]);
        driver.expire(2 * SESSION_TIMEOUT_MS);
        assert!(driver.sessions.contains_key("s"));
        driver.handle(2 * SESSION_TIMEOUT_MS, Input::Cancel { id: RequestId(2) });
        driver.expire(2 * SESSION_TIMEOUT_MS);
        driver.expire(2 * SESSION_TIMEOUT_MS + DETACHED_TIMEOUT_MS);
        assert!(driver.operations.is_empty() && driver.sessions.is_empty());
    }
}
