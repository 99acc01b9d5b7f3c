//! What a context wants: of the page, of storage, of executors, of connections.

use std::ops::RangeInclusive;

use arrow::buffer::Buffer;
use serde_json::{Value, json};

use super::{EVENT_TYPE_URL, Opened};
use crate::cluster::message::{ReceiverId, ReceiverOrder, ReceiverReport, ToExecutor};
use crate::connect::driver::Driver;
use crate::connect::jobs::Owner;
use crate::connect::protocol::Output;
use crate::connect::storage::Purpose;
use crate::dstream::context::{Command, Event};
use crate::dstream::generate::Ask;
use crate::dstream::graph::StreamId;
use crate::dstream::inputs::Token;
use crate::dstream::listener::Event as Listened;
use crate::error::{Result, SparkError};
use crate::ids::{ConnectionId, ExecutorRef};
use crate::proto::execute_plan_response::ResponseType;
use crate::rdd::assembly::Assembly;
use crate::rdd::dataset::Dataset;
use crate::rdd::plan::UPDATES_TYPE_URL;
use crate::sources;

impl Driver {
    /// Lets contexts do what is due.
    pub(in crate::connect) fn poll_contexts(&mut self, now_ms: i64) {
        let due = self
            .contexts
            .opened
            .iter()
            .filter(|(_, o)| o.clock_ms.is_none() && o.context.wake_at().is_some_and(|at| at <= now_ms));
        for id in due.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.context_event(id, Event::Wake, now_ms);
        }
    }

    /// Takes in what has happened to a context; one that is over hears nothing.
    pub(in crate::connect) fn context_event(&mut self, id: u64, event: Event, now_ms: i64) {
        let Some(opened) = self.contexts.opened.get_mut(&id) else {
            return;
        };
        let at = opened.clock_ms.unwrap_or(now_ms);
        for command in opened.context.handle(at, event) {
            self.context_command(id, command, now_ms);
        }
        let Some(opened) = self.contexts.opened.get_mut(&id) else {
            return;
        };
        if opened.context.is_ended() {
            return self.close_context(id, now_ms);
        }
        // Whoever moves the clock is asked to say when it is there.
        let wake_at = opened.context.inputs_wake_at().filter(|_| opened.clock_ms.is_some());
        if let Some(at_ms) = wake_at.filter(|_| wake_at != opened.asked_ms) {
            opened.asked_ms = wake_at;
            self.tell_context(id, &json!({"t": "wakeAt", "atMs": at_ms}));
        }
    }

    /// Takes in that an executor has joined or is gone.
    pub(in crate::connect) fn contexts_hear(&mut self, executor: ExecutorRef, is_there: bool, now_ms: i64) {
        for id in self.contexts.opened.keys().copied().collect::<Vec<_>>() {
            let event = if is_there {
                Event::ExecutorAdded(executor)
            } else {
                Event::ExecutorLost(executor)
            };
            self.context_event(id, event, now_ms);
        }
    }

    /// Takes what an executor says of a receiver; nobody hears it of a context that is over.
    pub(in crate::connect) fn receiver_reports(
        &mut self,
        receiver: ReceiverId,
        report: ReceiverReport,
        block: Option<Buffer>,
        now_ms: i64,
    ) {
        let event = Event::Receiver {
            stream: StreamId(receiver.stream),
            life: receiver.life,
            report,
            block,
        };
        self.context_event(receiver.context, event, now_ms);
    }

    /// Takes an event of a socket's connection; returns it if the connection belongs to no context.
    pub(in crate::connect) fn socket_heard(
        &mut self,
        connection: ConnectionId,
        event: sources::Event,
        now_ms: i64,
    ) -> Option<sources::Event> {
        let Some((id, input)) = self.contexts.connections.get(&connection).copied() else {
            return Some(event);
        };
        self.context_event(id, Event::Heard { input, event }, now_ms);
        None
    }

    /// Says among its events that all orders so far are done.
    pub(super) fn synced(&mut self, id: u64) {
        self.tell_context(id, &json!({"t": "synced"}));
    }

    /// Answers with the datasets of a stream in a range of times, or with null as long as the page is asked for some.
    ///
    /// # Errors
    /// If the streams do not fit each other.
    pub(super) fn slice_stream(
        &mut self,
        operation: &str,
        id: u64,
        stream: StreamId,
        times: RangeInclusive<i64>,
        now_ms: i64,
    ) -> Result<()> {
        let Some(opened) = self.contexts.opened.get_mut(&id) else {
            return Ok(());
        };
        let sliced = opened.context.slice(stream, *times.start(), *times.end())?;
        for command in opened.context.take_commands() {
            self.context_command(id, command, now_ms);
        }
        let datasets: Option<Vec<Value>> = sliced.map(|all| all.iter().map(|dataset| self.show(dataset)).collect());
        self.tell_page(operation, &json!({"t": "slice", "datasets": datasets}));
        self.end_operation(operation);
        Ok(())
    }

    /// Lets a context go that is over, or that nobody listens to any more.
    fn close_context(&mut self, id: u64, now_ms: i64) {
        let commands = self.contexts.opened.get_mut(&id).map(|o| o.context.abandon());
        for command in commands.unwrap_or_default() {
            self.context_command(id, command, now_ms);
        }
        let Some(Opened {
            mut context, operation, ..
        }) = self.contexts.opened.remove(&id)
        else {
            return;
        };
        self.contexts.live.append(context.take_live());
        self.contexts.names.retain(|_, named| *named != id);
        drop(context);
        let gone = self.contexts.collect();
        let effects = self.runner.forget(gone, vec![], now_ms);
        self.carry_out(effects, now_ms);
        self.end_operation(&operation);
    }

    /// Ends the context whose events an operation has: nobody hears them any more.
    pub(in crate::connect) fn leave_context(&mut self, operation: &str, now_ms: i64) {
        let contexts = &self.contexts.opened;
        let id = contexts
            .iter()
            .find(|(_, o)| o.operation == operation)
            .map(|(id, _)| *id);
        if let Some(id) = id {
            self.close_context(id, now_ms);
        }
    }

    fn context_command(&mut self, id: u64, command: Command, now_ms: i64) {
        match command {
            Command::Storage(request) => self.ask(request, Purpose::Context(id)),
            Command::Collect(dataset) => self.collect_state(id, &dataset, now_ms),
            Command::Unkeep(keys) => {
                self.kept.retain(|key, _| !keys.contains(key));
                let effects = self.runner.forget(vec![], keys, now_ms);
                self.carry_out(effects, now_ms);
            }
            Command::Forget(mut keys) => {
                keys.extend(self.contexts.collect());
                let effects = self.runner.forget(keys, vec![], now_ms);
                self.carry_out(effects, now_ms);
            }
            Command::Released { stream, up_to_ms } => {
                self.tell_context(id, &json!({"t": "released", "stream": stream, "upToMs": up_to_ms}));
            }
            Command::Connection { input, ask } => self.ask_connection(id, input, ask),
            Command::Receiver {
                stream,
                executor,
                life,
                order,
            } => {
                let context = self.contexts.opened.get(&id);
                let class = context.filter(|_| order == ReceiverOrder::Start);
                let blobs = class.and_then(|o| o.context.class_of(stream)).into_iter().collect();
                let receiver = ReceiverId {
                    context: id,
                    stream: stream.0,
                    life,
                };
                self.out.push(Output::Send {
                    to: executor,
                    message: ToExecutor::Receiver { receiver, order },
                    blobs,
                });
            }
            Command::Listener(event) => self.tell_context(id, &listened(&event)),
            Command::Ask(Ask {
                stream,
                time_ms,
                parents,
                is_new,
            }) => {
                let parents: Vec<Value> = parents.iter().map(|parent| self.show(parent)).collect();
                let event =
                    json!({"t": "ask", "stream": stream, "timeMs": time_ms, "parents": parents, "isNew": is_new});
                self.tell_context(id, &event);
            }
            Command::Output {
                output,
                time_ms,
                dataset,
            } => {
                let dataset = self.show(&dataset);
                let event = json!({"t": "output", "output": output, "timeMs": time_ms, "dataset": dataset});
                self.tell_context(id, &event);
            }
            Command::Safe { input, tokens } => self.tell_of_blocks(id, "safe", input, &tokens),
            Command::Refused { input, tokens } => self.tell_of_blocks(id, "refused", input, &tokens),
            Command::Admitted { input, tokens } => self.tell_of_blocks(id, "admitted", input, &tokens),
            Command::Grain { input, records } => {
                self.tell_context(id, &json!({"t": "grain", "input": input, "records": records}));
            }
            Command::StopInputs => self.tell_context(id, &json!({"t": "stopInputs"})),
            Command::Restored { found, notes } => {
                self.tell_context(id, &json!({"t": "restored", "found": found, "notes": notes}));
            }
            Command::Failed(error) => {
                self.tell_context(id, &json!({"t": "failed", "error": error_of(&error)}));
            }
            Command::Ended => self.tell_context(id, &json!({"t": "ended"})),
        }
    }

    /// Asks a socket's connection, which gets its name with the first question.
    fn ask_connection(&mut self, id: u64, input: StreamId, ask: sources::Ask) {
        let all = &self.contexts.connections;
        let known = all.iter().find(|(_, owner)| **owner == (id, input)).map(|(c, _)| *c);
        if ask == sources::Ask::Close && known.is_none() {
            return;
        }
        let connection = known.unwrap_or_else(|| ConnectionId(self.streams.fresh()));
        if ask == sources::Ask::Close {
            self.contexts.connections.remove(&connection);
        } else {
            self.contexts.connections.insert(connection, (id, input));
        }
        self.out.push(Output::Connection { connection, ask });
    }

    /// Returns how the page names a dataset, and remembers it as long as the page may ask for it.
    fn show(&mut self, dataset: &Dataset) -> Value {
        let key = dataset.key();
        if let Some(key) = key {
            self.contexts.show(key, dataset);
        }
        let placement = dataset.definition().placement.as_ref();
        let placement = placement.filter(|p| !p.partitioner.is_bound());
        let node = &dataset.definition().node;
        json!({
            "key": key, "id": node.id, "name": node.name, "level": node.level, "partitions": dataset.partitions(),
            "partitioner": placement.map(|p| &p.partitioner),
        })
    }

    fn tell_of_blocks(&mut self, id: u64, what: &str, input: StreamId, tokens: &[Token]) {
        let tokens: Vec<u64> = tokens.iter().map(|t| t.0).collect();
        self.tell_context(id, &json!({"t": what, "input": input, "tokens": tokens}));
    }

    fn tell_context(&mut self, id: u64, event: &Value) {
        if let Some(operation) = self.contexts.opened.get(&id).map(|o| o.operation.clone()) {
            self.tell_page(&operation, event);
        }
    }

    fn tell_page(&mut self, operation: &str, event: &Value) {
        let any = prost_types::Any {
            type_url: EVENT_TYPE_URL.into(),
            value: event.to_string().into_bytes(),
        };
        self.respond(operation, Some(ResponseType::Extension(any)), None);
    }

    /// Takes the partitions of a state, and what was added to accumulators on the way, which is the page's.
    pub(in crate::connect) fn state_collected(
        &mut self,
        id: u64,
        blocks: Vec<Buffer>,
        updates: Vec<Buffer>,
        now_ms: i64,
    ) {
        if let Some(operation) = self.contexts.opened.get(&id).map(|o| o.operation.clone()) {
            for update in updates {
                let any = prost_types::Any {
                    type_url: UPDATES_TYPE_URL.into(),
                    value: update.to_vec(),
                };
                self.respond(&operation, Some(ResponseType::Extension(any)), None);
            }
        }
        self.context_event(id, Event::Collected(Ok(blocks)), now_ms);
    }

    /// Collects a state's partitions, to be written.
    fn collect_state(&mut self, id: u64, state: &Dataset, now_ms: i64) {
        let Some(session) = self.contexts.opened.get(&id).map(|o| o.session.clone()) else {
            return;
        };
        let mut assembly = Assembly::default();
        let root = assembly.add(state);
        let plan = assembly.plan(root, json!({"t": "collect"}), "checkpoint", None);
        let run = plan.and_then(|plan| self.run_datasets(&session, &plan, Owner::Context(id), now_ms));
        if let Err(error) = run {
            self.context_event(id, Event::Collected(Err(error)), now_ms);
        }
    }

    /// Ends the contexts of a session, without waiting for their batches.
    pub(in crate::connect) fn drop_contexts(&mut self, session: &str, now_ms: i64) {
        let of_session = self.contexts.opened.iter().filter(|(_, o)| o.session == session);
        for id in of_session.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.close_context(id, now_ms);
        }
    }
}

/// Returns an event for listeners as the page reads it.
fn listened(event: &Listened) -> Value {
    match event {
        Listened::Started { time_ms } => json!({"t": "started", "timeMs": time_ms}),
        Listened::Submitted(info) => json!({"t": "submitted", "info": info}),
        Listened::BatchStarted(info) => json!({"t": "batchStarted", "info": info}),
        Listened::Completed(info) => json!({"t": "completed", "info": info}),
        Listened::ReceiverStarted { stream, executor } => {
            json!({"t": "receiverStarted", "info": {"streamId": stream, "executor": executor.id}})
        }
        Listened::ReceiverStopped { stream, executor } => {
            json!({"t": "receiverStopped", "info": {"streamId": stream, "executor": executor.id}})
        }
        Listened::ReceiverError(error) => json!({"t": "receiverError", "error": error_of(error)}),
    }
}

/// Returns an error as the page reads it.
fn error_of(error: &SparkError) -> Value {
    json!({
        "exception": error.exception.name(), "condition": error.condition, "sqlState": error.sql_state,
        "message": error.full_message(), "parameters": error.parameters,
    })
}
