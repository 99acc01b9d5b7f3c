//! `writeStream.start()`: a command becomes a running query.

use std::sync::Arc;

use super::Running;
use crate::connect::driver::Driver;
use crate::connect::proto as sc;
use crate::connect::proto::execute_plan_response::ResponseType;
use crate::error::{Exception, Result, SparkError};
use crate::exec::job;
use crate::streaming::check;
use crate::streaming::query::{Definition, Query};
use crate::streaming::source::Source;
use crate::streaming::trigger::Trigger;

impl Driver {
    pub(in crate::connect) fn start_query(
        &mut self,
        operation: &str,
        session: &str,
        start: &sc::WriteStreamOperationStart,
        now_ms: i64,
    ) -> Result<()> {
        let relation = start
            .input
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a streaming query has no relation"))?;
        let (mut spec, analyzer, resolved) = self.analyzed(session, relation, now_ms)?;
        if !resolved.streaming {
            return Err(SparkError::analysis(
                "WRITE_STREAM_NOT_ALLOWED",
                "42601",
                "`writeStream` can be called only on streaming Dataset/DataFrame.",
            ));
        }
        let mode = check::output_mode(&start.output_mode)?;
        let logical = job::optimize(&analyzer, &resolved)?;
        // Checked before optimisation too: a rule may drop the sort that Spark refuses.
        check::check(&resolved.plan, mode)?;
        check::check(&logical, mode)?;
        let options = crate::plan::relation::options_of(&start.options);
        let name = Some(start.query_name.clone()).filter(|n| !n.is_empty());
        if let Some(name) = &name
            && self
                .streams
                .queries
                .values()
                .any(|r| r.query.is_active() && r.query.definition.name.as_ref() == Some(name))
        {
            return Err(SparkError::new(
                Exception::IllegalArgument,
                "STREAMING_QUERY_NAME_IN_USE",
                "42KDE",
                format!(
                    "Cannot start query with name {name} as a query with that name is already active in this SparkSession"
                ),
            ));
        }
        let graph = Arc::new(job::stages(&analyzer, &resolved, Some(mode))?);
        spec.mode = Some(mode);
        let statics = self.read_files(&graph)?;
        let (sink, description) = self.sink(session, start, &name, mode, &graph.schema, &options)?;
        let trigger = Trigger::of(start.trigger.as_ref())?;
        let (id, run_id) = (self.fresh_uuid(), self.fresh_uuid());
        if let Some(folder) = options.get("checkpointlocation")
            && !self.files.list(&format!("{folder}/offsets"))?.is_empty()
        {
            // Beginning at batch 0 again would give every row twice.
            return Err(SparkError::unsupported(format!(
                "restarting a query from its checkpoint: {folder} holds an earlier run"
            )));
        }
        let mut sources = Vec::new();
        for scan in graph.scans.iter().filter(|s| s.stream.is_some()) {
            let stream = scan
                .stream
                .as_ref()
                .ok_or_else(|| SparkError::internal("a stream is none"))?;
            sources.push(Source::open(scan.id.0, stream, now_ms)?);
        }
        let sockets = self.connect_sources(&id, &graph, &mut sources)?;
        let run = self.runner.new_run();
        let (plan, effects) = self.runner.register(spec, graph.clone());
        self.carry_out(effects, now_ms);
        let checkpoint = options.get("checkpointlocation").cloned();
        let definition = Definition {
            id: id.clone(),
            run_id: run_id.clone(),
            name: name.clone(),
            mode,
            trigger,
            sink: description,
            checkpoint,
            plan,
            graph,
            run,
            statics,
            conf: analyzer.conf.clone(),
        };
        let query = Query::new(definition, sources, now_ms);
        let started = query.started_event();
        self.listener("started", started.clone());
        self.streams.queries.insert(
            id.clone(),
            Running {
                session: session.to_owned(),
                query,
                sink,
                sockets,
                delivered: -1,
            },
        );
        let result = sc::WriteStreamOperationStartResult {
            query_id: Some(sc::StreamingQueryInstanceId { id, run_id }),
            name: name.unwrap_or_default(),
            query_started_event_json: Some(started),
        };
        self.respond(
            operation,
            Some(ResponseType::WriteStreamOperationStartResult(result)),
            None,
        );
        self.end_operation(operation);
        Ok(())
    }
}
