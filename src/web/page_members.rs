//! What the page says of executors: who joins, who has ended and of what, and the channels between them.

use serde::Deserialize;
use web_sys::MessagePort;

use crate::error::SparkError;

/// An executor that joins.
#[derive(Debug, Deserialize)]
pub struct Joining {
    /// Its number.
    pub executor: u32,
    /// Which of its lives.
    pub incarnation: u32,
    /// The lock that it holds while it lives.
    pub lock: String,
    /// The driver's end of the channel.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    pub port: MessagePort,
}

/// An executor in one of its lives.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Member {
    /// Its number.
    pub executor: u32,
    /// Which of its lives.
    pub incarnation: u32,
}

/// An executor that has ended.
#[derive(Debug, Clone, Deserialize)]
pub struct Down {
    /// Its number.
    pub executor: u32,
    /// Which of its lives.
    pub incarnation: u32,
    /// What it died of, if that is known and was not the page.
    pub cause: Option<Cause>,
}

/// What an executor died of.
#[derive(Debug, Clone, Deserialize)]
pub struct Cause {
    /// Of which kind it is.
    pub kind: CauseKind,
    /// What is known of it.
    pub message: String,
}

/// The kinds of deaths that have a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CauseKind {
    /// The engine panicked.
    Panic,
    /// The heap could not grow.
    Memory,
}

impl Cause {
    /// Returns the error of a statement whose task has ended executors.
    pub fn error(&self) -> SparkError {
        match self.kind {
            CauseKind::Panic => SparkError::panic(&self.message),
            CauseKind::Memory => SparkError::out_of_memory(&self.message),
        }
    }
}

/// An executor's end of the channel to the driver.
#[derive(Debug, Deserialize)]
pub struct ChannelEnd {
    /// The port.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    pub port: MessagePort,
}

/// A channel to another executor.
#[derive(Debug, Deserialize)]
pub struct Peer {
    /// The other's number.
    pub executor: u32,
    /// Which of its lives.
    pub incarnation: u32,
    /// The port.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    pub port: MessagePort,
}
