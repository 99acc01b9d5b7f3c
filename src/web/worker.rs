//! A worker's entry: what it becomes when the page says `init`.

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use super::driver::Driver;
use super::executor::Executor;
use super::host::{Programs, log_panics};
use super::locks;
use super::page::{Init, Role, read};

/// The engine in its worker. The script passes every message of the page's to [`Worker::receive`].
#[wasm_bindgen]
pub struct Worker(Inside);

enum Inside {
    Driver(Driver),
    Executor(Executor),
}

#[wasm_bindgen]
impl Worker {
    /// Takes the worker's lock and becomes what `init` says. `programs` runs functions of the user's in an executor.
    ///
    /// # Errors
    /// If the message is not an `init`, or the lock cannot be had.
    pub async fn start(init: JsValue, programs: Programs) -> Result<Worker, JsValue> {
        log_panics();
        let init: Init = read(init)?;
        locks::hold(&init.lock).await?.forever();
        Ok(Self(match init.role {
            Role::Driver => Inside::Driver(Driver::start(init)),
            Role::Executor => Inside::Executor(Executor::start(init, programs).await),
        }))
    }

    /// Takes a message of the page's; kinds that are not the engine's are left to the script.
    ///
    /// # Errors
    /// If the message lacks a property of its kind or has one of another type, or what follows from it cannot be carried out: the worker must end.
    pub fn receive(&self, message: JsValue) -> Result<(), JsValue> {
        match &self.0 {
            Inside::Driver(driver) => driver.receive(message),
            Inside::Executor(executor) => executor.receive(message),
        }
    }

    /// Tells the driver what a receiver of the user's does in this executor, with the block that it hands over; the block moves.
    ///
    /// # Errors
    /// If the message cannot be read or posted: the worker must end.
    #[wasm_bindgen(js_name = receiverSays)]
    pub fn receiver_says(&self, receiver: JsValue, report: JsValue, block: Option<Uint8Array>) -> Result<(), JsValue> {
        match &self.0 {
            Inside::Driver(_) => Ok(()),
            Inside::Executor(executor) => executor.receiver_says(receiver, report, block),
        }
    }
}
