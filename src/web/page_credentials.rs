//! What the page answers to a worker that asks for credentials, as typed values.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::page_source::SourceError;
use crate::error::SparkError;
use crate::sources::credentials::Held;

/// What a function of the page's has returned, or why it failed.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsAnswer {
    /// The number of the question.
    pub id: u64,
    /// Counts what the page's functions return.
    serial: u64,
    /// When the function was called, ms since the epoch.
    asked_ms: f64,
    /// Until when it is used, ms since the epoch.
    until_ms: f64,
    /// Headers, or the parts of credentials of AWS.
    values: BTreeMap<String, String>,
    /// Why it failed, if it did.
    #[serde(default)]
    error: Option<SourceError>,
}

impl fmt::Debug for CredentialsAnswer {
    /// Names the question, and hides what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialsAnswer({}, {})", self.id, self.serial)
    }
}

impl CredentialsAnswer {
    /// Returns what the function has returned.
    ///
    /// # Errors
    /// Why it failed.
    pub fn outcome(self) -> Result<Held, SparkError> {
        match self.error {
            Some(error) => Err(error.into()),
            None => Ok(Held {
                serial: self.serial,
                asked_ms: self.asked_ms as i64,
                until_ms: self.until_ms as i64,
                values: self.values,
            }),
        }
    }
}

/// A function that the page does not have any more, or has in place of another.
#[derive(Debug, Deserialize)]
pub struct CredentialsGone {
    /// Its name.
    pub name: String,
}
