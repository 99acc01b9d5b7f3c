//! Where a query's rows go: what sinks ask for is carried out here.
//!
//! A sink decides ([`Step`]), the driver acts: it writes files, shows text, fills tables, calls the page. The query
//! hears that a batch is delivered when the sink says that it has it; until then the batch is not committed, and it
//! comes again after a restart.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;

use super::start::Starting;
use crate::connect::driver::Driver;
use crate::connect::protocol::{Output, Writer};
use crate::connect::session::MemoryTable;
use crate::connect::storage::Purpose;
use crate::error::{Result, SparkError};
use crate::ids::{BatchId, JobId};
use crate::plan::output_mode::OutputMode;
use crate::sources::systems::Refused;
use crate::storage::Answer;
use crate::streaming::checkpoint::Location;
use crate::streaming::sinks::{self, Delivery, Opening, Sink, SinkLog, Step, Wish};
use crate::{proto as sc, settings};

/// Returns what a command wants of a sink, after the sink has agreed.
///
/// # Errors
/// `UNSUPPORTED_FEATURE` for functions of Python and the JVM, `DATA_SOURCE_NOT_FOUND`, and the sink's own.
pub(super) fn wish_of(
    start: &sc::WriteStreamOperationStart,
    name: &Option<String>,
    mode: OutputMode,
    options: &BTreeMap<String, String>,
    checkpoint: bool,
) -> Result<Wish> {
    use sc::write_stream_operation_start::SinkDestination;
    if start.foreach_batch.is_some() || start.foreach_writer.is_some() {
        return Err(SparkError::unsupported(
            "foreach and foreachBatch with a Python or JVM function: they need a worker of that language",
        ));
    }
    let path = match &start.sink_destination {
        Some(SinkDestination::Path(path)) if !path.is_empty() => Some(path.clone()),
        _ => options.get("path").cloned(),
    };
    let wish = Wish {
        format: start.format.to_ascii_lowercase(),
        path,
        options: options.clone(),
        name: name.clone(),
        mode,
        checkpoint,
    };
    sinks::find(&wish.format)?.refuse(&wish)?;
    Ok(wish)
}

impl Driver {
    /// Refuses to continue from a checkpoint with a sink whose earlier rows are gone, but in complete mode
    /// (`DataStreamWriter`). Whoever reads the tables of all runs together may allow it with
    /// `spark.rivulet.memorySink.recover`.
    ///
    /// # Errors
    /// An `AnalysisException` that names the checkpoint.
    pub(super) fn check_recovery(
        &mut self,
        session: &str,
        wish: &Wish,
        at: Option<&Location>,
        has_run: bool,
    ) -> Result<()> {
        let goes_on = wish.mode == OutputMode::Complete || sinks::find(&wish.format)?.recovers;
        let (false, true, Some(at)) = (goes_on, has_run, at) else {
            return Ok(());
        };
        if self.session(session).conf.flag(&settings::MEMORY_SINK_RECOVER) {
            return Ok(());
        }
        let path = at.offsets();
        let sentence =
            format!("This query does not support recovering from checkpoint location. Delete {path} to start over.");
        Err(SparkError::analysis("_LEGACY_ERROR_TEMP_1299", "", sentence).with("checkpointPath", path))
    }

    /// Makes the sink of a query that starts, and its table if it has one.
    ///
    /// # Errors
    /// The sink's.
    pub(super) fn sink(&mut self, starting: &Starting, schema: &SchemaRef, log: SinkLog) -> Result<Box<dyn Sink>> {
        let wish = &starting.wish;
        let definition = sinks::find(&wish.format)?;
        if let Some(name) = (definition.table)(wish) {
            let table = MemoryTable::new(schema.clone());
            self.session(&starting.session).tables.insert(name, table);
        }
        let opening = Opening {
            schema: schema.clone(),
            zone: starting.analyzer.zone,
            log,
        };
        (definition.open)(wish, opening)
    }

    /// Hands a batch to the sink, unless this run has delivered it before and the sink does not take repeats.
    pub(super) fn deliver(&mut self, run: &str, batch: BatchId, blocks: Vec<Buffer>, now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(run) else {
            return;
        };
        if running.query.has_epochs() {
            return self.deliver_emitted(run, batch, blocks, now_ms);
        }
        let fresh = batch > running.delivered;
        running.delivered = running.delivered.max(batch);
        let step = if fresh || running.sink.takes_repeats() {
            running.sink.deliver(Delivery {
                query: &running.query.definition.id,
                batch,
                blocks,
                now_ms,
            })
        } else {
            Ok(Step::Done)
        };
        self.take_step(run, batch, step, now_ms);
    }

    /// Offers the sink the rows of the batch ahead. What it refuses, and what only a batch's turn can bring about, is left
    /// until then.
    pub(super) fn offer(&mut self, run: &str, batch: BatchId, blocks: Vec<Buffer>, now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(run) else {
            return;
        };
        let step = running.sink.offer(Delivery {
            query: &running.query.definition.id,
            batch,
            blocks,
            now_ms,
        });
        if let Ok(step @ Step::Call { .. }) = step {
            self.take_step(run, batch, Ok(step), now_ms);
        }
    }

    /// Takes in that a file of a sink is durable, or cannot be.
    pub(in crate::connect) fn sink_written(&mut self, run: &str, path: &str, answer: Answer, now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(run) else {
            return;
        };
        let step = answer.map(|_| running.sink.written(path)).map_err(SparkError::from);
        let batch = running.delivered;
        self.take_step(run, batch, step, now_ms);
    }

    /// Takes in that the page's function has returned for a batch of a run; what comes late or twice changes nothing.
    pub(in crate::connect) fn foreach_batch_done(
        &mut self,
        run: &str,
        (batch, job, lots): (BatchId, Option<JobId>, u32),
        error: Option<String>,
        now_ms: i64,
    ) {
        let Some(running) = self.streams.queries.get_mut(run) else {
            return;
        };
        if let (Some(job), None) = (job, &error) {
            if running.emissions.acknowledged(job, batch, lots) {
                self.acknowledged(run, now_ms);
            }
        } else if running.query.has_epochs() {
            // The last of them is counted with the answer.
            running.emissions.done_with(lots.saturating_sub(1));
            let step = running.sink.called(error);
            self.sink_answers(run, batch, step, now_ms);
        } else if running.query.settling() == Some(batch) {
            let step = running.sink.called(error);
            self.take_step(run, batch, step, now_ms);
        }
    }

    /// Takes in that the records of a batch are written, or why not; what comes late or twice changes nothing.
    pub(in crate::connect) fn batch_written(
        &mut self,
        run: &str,
        batch: BatchId,
        answer: std::result::Result<(), Refused>,
        now_ms: i64,
    ) {
        let Some(running) = self.streams.queries.get_mut(run) else {
            return;
        };
        if running.query.has_epochs() {
            let step = running.sink.sent(answer);
            self.sink_answers(run, batch, step, now_ms);
        } else if running.query.settling() == Some(batch) {
            let step = running.sink.sent(answer);
            self.take_step(run, batch, step, now_ms);
        }
    }

    /// Carries out what a sink wants next; the query hears of it if the sink has the batch.
    fn take_step(&mut self, run: &str, batch: BatchId, step: Result<Step>, now_ms: i64) {
        let Some(result) = self.carry_step(run, batch, step) else {
            return;
        };
        let files = self.files.clone();
        if let Some(running) = self.streams.queries.get_mut(run) {
            let actions = running.query.delivered(now_ms, result, files.as_ref());
            self.act(run, actions, now_ms);
        }
    }

    /// Carries out what a sink wants next; returns `None` if it is not done.
    pub(super) fn carry_step(&mut self, run: &str, batch: BatchId, step: Result<Step>) -> Option<Result<()>> {
        match step {
            Ok(Step::Wait) => return None,
            Ok(Step::Write(requests)) => {
                for request in requests {
                    let purpose = Purpose::Sink {
                        run: run.to_owned(),
                        path: request.path().to_owned(),
                    };
                    self.ask(request, purpose);
                }
                return None;
            }
            Ok(Step::Call { function, blocks }) => {
                self.out.push(Output::ForeachBatch {
                    sink: function,
                    run: run.to_owned(),
                    batch_id: batch,
                    blocks,
                });
                return None;
            }
            Ok(Step::Send(writing)) => {
                let writer = Writer::Batch {
                    run: run.to_owned(),
                    batch_id: batch,
                };
                self.out.push(Output::Write { writer, writing });
                return None;
            }
            Ok(Step::Show(text)) => self.out.push(Output::Console { text }),
            Ok(Step::Keep { table, blocks, replace }) => {
                let session = self.streams.queries.get(run).map(|r| r.session.clone());
                let session = self.session(&session.unwrap_or_default());
                if let Some(table) = session.tables.get_mut(&table) {
                    table.add(blocks, replace);
                }
            }
            Ok(Step::Done) => {}
            Err(error) => return Some(Err(error)),
        }
        Some(Ok(()))
    }
}
