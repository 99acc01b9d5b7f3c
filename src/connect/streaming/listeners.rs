//! Events of queries, for the listeners of clients.
//!
//! A client's listeners share one call, the listener bus, which stays open until the last listener is removed. The
//! page's own listeners hear of every event as an output.

use crate::connect::driver::Driver;
use crate::connect::protocol::Output;
use crate::error::Result;
use crate::proto as sc;
use crate::proto::execute_plan_response::ResponseType;
use crate::streaming::query::{EventKind, Told};

impl Driver {
    /// Opens or closes the long-lived call over which a client's listeners receive their events.
    pub(in crate::connect) fn listener_bus(
        &mut self,
        operation: &str,
        command: &sc::StreamingQueryListenerBusCommand,
    ) -> Result<()> {
        use sc::streaming_query_listener_bus_command::Command as C;
        match &command.command {
            Some(C::AddListenerBusListener(_)) => {
                self.streams.listeners.push(operation.to_owned());
                let result = sc::StreamingQueryListenerEventsResult {
                    events: vec![],
                    listener_bus_listener_added: Some(true),
                };
                self.respond(
                    operation,
                    Some(ResponseType::StreamingQueryListenerEventsResult(result)),
                    None,
                );
            }
            _ => {
                for listener in std::mem::take(&mut self.streams.listeners) {
                    self.end_operation(&listener);
                }
                self.end_operation(operation);
            }
        }
        Ok(())
    }

    /// Sends an event to the listeners of clients and of the page. Clients receive the start with the answer to
    /// `start`, so it is not sent to them again.
    pub(super) fn listener(&mut self, kind: EventKind, event: Told) {
        let event_type = match kind {
            EventKind::Progress => sc::StreamingQueryEventType::QueryProgressEvent,
            EventKind::Terminated => sc::StreamingQueryEventType::QueryTerminatedEvent,
            EventKind::Started => sc::StreamingQueryEventType::QueryProgressUnspecified,
        };
        if kind != EventKind::Started {
            for listener in self.streams.listeners.clone() {
                let text = if kind == EventKind::Progress {
                    format!("{{\"progress\":{}}}", event.json())
                } else {
                    event.json().to_string()
                };
                let told = sc::StreamingQueryListenerEvent {
                    event_json: text,
                    event_type: event_type.into(),
                };
                let result = sc::StreamingQueryListenerEventsResult {
                    events: vec![told],
                    listener_bus_listener_added: None,
                };
                self.respond(
                    &listener,
                    Some(ResponseType::StreamingQueryListenerEventsResult(result)),
                    None,
                );
            }
        }
        self.out.push(Output::Listener { kind, event });
    }
}
