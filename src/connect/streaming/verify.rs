//! Rivulet's own command over checkpoints: whether a location is sound.
//!
//! It travels in Spark Connect's field for extensions, under the type `rivulet.VerifyCheckpoint`; the bytes are the
//! location. The answer, of type `rivulet.CheckpointReport`, is JSON: see
//! [`crate::streaming::checkpoint::verify::Report`]. Nothing is locked and nothing is changed: a query may use the
//! checkpoint at the same time.

use prost_types::Any;

use crate::connect::driver::Driver;
use crate::connect::storage::Purpose;
use crate::error::{Result, SparkError};
use crate::proto::execute_plan_response::ResponseType;
use crate::storage::facts::{Facts, Pause};
use crate::storage::{Answer, Request};
use crate::streaming::checkpoint::{Location, verify};

/// The command's type.
const COMMAND: &str = "rivulet.VerifyCheckpoint";
/// The type of its answer.
const REPORT: &str = "type.googleapis.com/rivulet.CheckpointReport";

/// A location that is looked at.
pub(super) struct Verifying {
    /// The operation that waits for the report.
    operation: String,
    /// The checkpoint.
    at: Location,
    /// What is known of it.
    facts: Facts,
    /// Questions without an answer yet.
    open: usize,
}

impl Driver {
    /// Carries out a command of ours: begins to look at a checkpoint.
    ///
    /// # Errors
    /// `UNSUPPORTED_FEATURE` for other extensions.
    pub(in crate::connect) fn extension(&mut self, operation: &str, command: &Any) -> Result<()> {
        if command.type_url.rsplit('/').next() != Some(COMMAND) {
            return Err(SparkError::unsupported(format!("the command {}", command.type_url)));
        }
        let location = std::str::from_utf8(&command.value)
            .map_err(|_| SparkError::invalid_plan("a checkpoint's location is not a string"))?;
        let id = self.streams.fresh();
        let verifying = Verifying {
            operation: operation.to_owned(),
            at: Location::new(location),
            facts: Facts::default(),
            open: 0,
        };
        self.streams.verifying.insert(id, verifying);
        self.verify_on(id);
        Ok(())
    }

    /// Takes in an answer of storage; when all have come, continues.
    pub(in crate::connect) fn verify_answered(&mut self, id: u64, request: &Request, answer: Answer) {
        let Some(verifying) = self.streams.verifying.get_mut(&id) else {
            return;
        };
        verifying.open -= 1;
        verifying.facts.learn(request, answer);
        if verifying.open == 0 {
            self.verify_on(id);
        }
    }

    /// Decides with what is known, or asks for more.
    fn verify_on(&mut self, id: u64) {
        let Some(verifying) = self.streams.verifying.get_mut(&id) else {
            return;
        };
        let report = match verify::verify(&verifying.facts, &verifying.at) {
            Err(Pause::Wanting) => {
                let wanted = verifying.facts.wanted();
                verifying.open += wanted.len();
                for request in wanted {
                    let purpose = Purpose::Verify {
                        verifying: id,
                        request: request.clone(),
                    };
                    self.ask(request, purpose);
                }
                return;
            }
            Err(Pause::Failed(error)) => Err(error),
            Ok(report) => Ok(report),
        };
        let Some(verifying) = self.streams.verifying.remove(&id) else {
            return;
        };
        match report {
            Ok(report) => {
                let answer = Any {
                    type_url: REPORT.into(),
                    value: report.json().to_string().into_bytes(),
                };
                self.respond(&verifying.operation, Some(ResponseType::Extension(answer)), None);
                self.end_operation(&verifying.operation);
            }
            Err(error) => self.fail_operation(&verifying.operation, error),
        }
    }
}
