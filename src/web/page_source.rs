//! What the page says of the sources that it reads, as typed values.

use js_sys::{Array, Uint8Array};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

use crate::error::{Exception, SparkError};

/// Items that the page has read for a source.
#[derive(Debug, Deserialize)]
pub struct SourceBlock {
    /// The source's connection.
    pub connection: u64,
    /// The offset of the last item, as JSON.
    offset: String,
    /// One Arrow IPC stream, or whole lines.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    pub bytes: Uint8Array,
    /// How many items the page had no room for, before these.
    pub dropped: u64,
}

impl SourceBlock {
    /// Returns the offset of the last item; null if it has none.
    ///
    /// # Errors
    /// If it is not JSON.
    pub fn offset(&self) -> Result<serde_json::Value, JsValue> {
        let offset = serde_json::from_str(&self.offset);
        Ok(offset.map_err(|error| JsError::new(&format!("the offset of an item is not JSON: {error}")))?)
    }
}

/// Partitions of a large source of datasets, which plans to come name.
#[derive(Debug, Deserialize)]
pub struct Hold {
    /// The session.
    pub session: String,
    /// The dataset's number.
    pub dataset: f64,
    /// The partitions, each a `Uint8Array` of its own.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    pub blocks: Array,
}

/// A source that the page stops reading, until it is asked again or for ever.
#[derive(Debug, Deserialize)]
pub struct SourceEnd {
    /// The source's connection.
    pub connection: u64,
    /// Why, if that is an error.
    #[serde(default)]
    pub error: Option<SourceError>,
}

/// Why the page could not read a source.
#[derive(Debug, Clone, Deserialize)]
pub struct SourceError {
    /// Its condition.
    condition: String,
    /// Its sentence.
    message: String,
    /// What was thrown, with its stack.
    #[serde(default)]
    stack: Option<String>,
}

impl From<SourceError> for SparkError {
    fn from(error: SourceError) -> Self {
        let made = Self::new(Exception::Runtime, &error.condition, "", error.message);
        error
            .stack
            .into_iter()
            .fold(made, |made, stack| made.with("stack", stack))
    }
}
