//! Errors that a client may ask more about.
//!
//! gRPC's status carries little, so Spark's clients fetch the classes, condition and parameters of an error by its id
//! (`FetchErrorDetails`). Only the native server needs it: a page receives all of that with the failure.

use super::driver::Driver;
use crate::error::SparkError;
use crate::proto as sc;

/// Most errors that are remembered; the oldest is forgotten first.
const REMEMBERED: usize = 256;

impl Driver {
    /// Notes an error so that `FetchErrorDetails` can say more about it; returns the id that goes with the status.
    pub fn remember_error(&mut self, error: &SparkError) -> String {
        let id = self.fresh_uuid();
        if self.errors.len() == REMEMBERED {
            self.errors.pop_front();
        }
        self.errors.push_back((id.clone(), error.clone()));
        id
    }

    /// Returns what is known of an error; nothing for an unknown id.
    pub(super) fn error_details(&self, request: &sc::FetchErrorDetailsRequest) -> sc::FetchErrorDetailsResponse {
        use sc::fetch_error_details_response as details;
        let mut response = sc::FetchErrorDetailsResponse {
            session_id: request.session_id.clone(),
            server_side_session_id: request.session_id.clone(),
            ..Default::default()
        };
        if let Some((_, error)) = self.errors.iter().find(|(id, _)| *id == request.error_id) {
            response.root_error_idx = Some(0);
            response.errors.push(details::Error {
                error_type_hierarchy: error.exception.classes().iter().map(|c| (*c).to_owned()).collect(),
                message: error.full_message(),
                spark_throwable: Some(details::SparkThrowable {
                    error_class: error.condition.clone(),
                    message_parameters: error.parameters.clone().into_iter().collect(),
                    sql_state: error.sql_state.clone(),
                    ..Default::default()
                }),
                ..Default::default()
            });
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::storage::files::NoFiles;

    #[test]
    fn the_oldest_error_is_forgotten_first() {
        let mut driver = Driver::new(Default::default(), Rc::new(NoFiles), 7);
        let ids: Vec<String> = (0..REMEMBERED + 10)
            .map(|n| driver.remember_error(&SparkError::internal(n.to_string())))
            .collect();
        let knows = |id: &String| {
            let error_id = id.clone();
            let request = sc::FetchErrorDetailsRequest {
                error_id,
                ..Default::default()
            };
            driver.error_details(&request).root_error_idx.is_some()
        };
        assert_eq!(ids.iter().filter(|id| knows(id)).count(), REMEMBERED);
        assert!(ids[10..].iter().all(knows));
    }
}
