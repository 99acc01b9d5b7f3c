//! What executors run here in place of JavaScript: the lineages of `datasets.rs`, and a function over groups: running counts and
//! sums by key, with a timeout of event time.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, AsArray, BinaryArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimestampMicrosecondType};

use super::client::relation;
use super::datasets::Datasets;
use rivulet::error::Result;
use rivulet::exec::program::{FunctionId, GroupAnswer, GroupCall, ProgramHost, ProgramOutput, ProgramTask};
use rivulet::exec::state::groups::entry_fields;
use rivulet::ids::{DatasetId, ExecutorRef, KeptId, PlanId};
use rivulet::plan::type_message;
use rivulet::proto as sc;
use rivulet::proto::common_inline_user_defined_function::Function;
use rivulet::proto::relation::RelType;
use rivulet::values::ipc;

/// `input` has ts, k and v: k, rows so far, sum of v so far, and whether it is data or the timeout that says so. The timeout
/// comes `span_s` after the latest ts (or the watermark, if that is later) and ends the state; negative is no timeout.
pub fn running_sums(input: sc::Relation, span_s: i64) -> sc::Relation {
    let timeout = if span_s < 0 { "NoTimeout" } else { "EventTimeTimeout" };
    grouped(input, span_s, timeout)
}

/// The same with a timeout of processing time: `span_s` after the batch that had the key's last row.
pub fn sums_until_idle(input: sc::Relation, span_s: i64) -> sc::Relation {
    grouped(input, span_s, "ProcessingTimeTimeout")
}

fn grouped(input: sc::Relation, span_s: i64, timeout: &str) -> sc::Relation {
    let output = type_message::to_proto(&DataType::Struct(fields().into()));
    let udf = sc::ScalarScalaUdf {
        payload: [span_s, i64::from(timeout == "ProcessingTimeTimeout")]
            .map(i64::to_le_bytes)
            .concat(),
        output_type: Some(output),
        ..Default::default()
    };
    relation(RelType::GroupMap(Box::new(sc::GroupMap {
        input: Some(Box::new(input)),
        grouping_expressions: vec![sc::Expression {
            common: None,
            expr_type: Some(sc::expression::ExprType::ExpressionString(
                sc::expression::ExpressionString { expression: "k".into() },
            )),
        }],
        func: Some(sc::CommonInlineUserDefinedFunction {
            function_name: "running_sums".into(),
            function: Some(Function::ScalarScalaUdf(udf)),
            ..Default::default()
        }),
        output_mode: Some("update".into()),
        timeout_conf: Some(timeout.into()),
        ..Default::default()
    })))
}

fn fields() -> Vec<Field> {
    vec![
        Field::new("k", DataType::Utf8, true),
        Field::new("n", DataType::Int64, true),
        Field::new("s", DataType::Int64, true),
        Field::new("event", DataType::Utf8, true),
    ]
}

/// A value of v at which the function over groups panics.
pub const PANICS_AT: i64 = 666_666;

/// Runs them.
pub struct Functions {
    datasets: Datasets,
    /// Seconds to the timeout of each function, and whether the clock's time counts for it.
    spans: HashMap<FunctionId, (i64, bool)>,
}

impl Functions {
    pub fn new(executor: ExecutorRef) -> Self {
        Self {
            datasets: Datasets::new(executor),
            spans: HashMap::new(),
        }
    }
}

/// Group, rows so far, sum so far, what says so.
type Line = (usize, i64, i64, &'static str);

/// Group, and its state and timeout; none has left.
type Change = (i32, Option<(i64, i64, Option<i64>)>);

impl ProgramHost for Functions {
    fn load(&mut self, plan: PlanId, text: &str, _: &[Buffer]) -> Result<()> {
        self.datasets.load(plan, text);
        Ok(())
    }

    fn run(&mut self, task: ProgramTask<'_>) -> Result<ProgramOutput> {
        Ok(self.datasets.run(&task))
    }

    fn load_function(&mut self, id: FunctionId, payload: &[u8]) -> Result<()> {
        let number = |at: usize| i64::from_le_bytes(payload[at..at + 8].try_into().expect("two numbers"));
        self.spans.insert(id, (number(0), number(8) == 1));
        Ok(())
    }

    fn call_groups(&mut self, call: GroupCall<'_>) -> Result<GroupAnswer> {
        let (span_s, by_clock) = self.spans[&call.function];
        let keys = call.keys.column(0).as_string::<i32>();
        let (ts, v) = (
            call.rows.column(0).as_primitive::<TimestampMicrosecondType>(),
            call.rows.column(2).as_primitive::<Int64Type>(),
        );
        let values = call.state.column(2).as_binary::<i32>();
        let expires = call.state.column(3).as_primitive::<TimestampMicrosecondType>();
        let now_us = if by_clock {
            call.time_ms
        } else {
            call.watermark_ms.unwrap_or(0)
        } * 1000;
        let (mut out, mut timed_out): (Vec<Line>, Vec<Line>) = Default::default();
        let mut changes: Vec<Change> = Vec::new();
        let (mut row, mut entry) = (0, 0);
        for group in 0..keys.len() {
            let (rows, entries) = (call.row_counts[group] as usize, call.state_counts[group] as usize);
            let (mut n, mut s) = (0, 0);
            if entries > 0 {
                let bytes = values.value(entry);
                n = i64::from_le_bytes(bytes[..8].try_into().expect("two numbers"));
                s = i64::from_le_bytes(bytes[8..].try_into().expect("two numbers"));
            }
            if rows > 0 {
                let mut latest = now_us;
                for at in row..row + rows {
                    n += 1;
                    s += v.value(at);
                    assert_ne!(v.value(at), PANICS_AT, "the function has a bug");
                    if ts.is_valid(at) && !by_clock {
                        latest = latest.max(ts.value(at));
                    }
                }
                out.push((group, n, s, "data"));
                changes.push((
                    group as i32,
                    Some((n, s, (span_s >= 0).then_some(latest + span_s * 1_000_000))),
                ));
            } else if expires.is_valid(entry) && expires.value(entry) < now_us {
                timed_out.push((group, n, s, "timeout"));
                changes.push((group as i32, None));
            }
            row += rows;
            entry += entries;
        }
        out.extend(timed_out);
        Ok(GroupAnswer {
            rows: answer(keys, &out)?,
            changes: changed(&changes)?,
        })
    }

    fn keeps(&self, id: KeptId) -> bool {
        self.datasets.kept(id).is_some()
    }

    fn kept(&self, id: KeptId) -> Option<Buffer> {
        self.datasets.kept(id).map(Buffer::from)
    }

    fn forget(&mut self, dataset: DatasetId) {
        self.datasets.forget(dataset);
    }

    fn unload(&mut self, plan: PlanId) {
        self.spans.retain(|id, _| id.plan != plan);
        self.datasets.unload(plan);
    }
}

fn answer(keys: &StringArray, rows: &[Line]) -> Result<Buffer> {
    let schema = Arc::new(Schema::new(fields()));
    let batch = RecordBatch::try_new(
        schema.clone(),
        vec![
            Arc::new(
                rows.iter()
                    .map(|r| keys.is_valid(r.0).then(|| keys.value(r.0)))
                    .collect::<StringArray>(),
            ),
            Arc::new(rows.iter().map(|r| Some(r.1)).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|r| Some(r.2)).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|r| Some(r.3)).collect::<StringArray>()),
        ],
    )?;
    Ok(Buffer::from(ipc::write(&schema, &[batch])?))
}

fn changed(changes: &[Change]) -> Result<Buffer> {
    let mut fields = vec![Field::new("#group", DataType::Int32, false)];
    fields.extend(entry_fields());
    fields.push(Field::new("#removed", DataType::Boolean, false));
    let schema = Arc::new(Schema::new(fields));
    let texts = vec![Some(""); changes.len()];
    let values: Vec<Option<Vec<u8>>> = changes
        .iter()
        .map(|(_, state)| state.map(|(n, s, _)| [n.to_le_bytes(), s.to_le_bytes()].concat()))
        .collect();
    let batch = RecordBatch::try_new(
        schema.clone(),
        vec![
            Arc::new(changes.iter().map(|c| Some(c.0)).collect::<Int32Array>()),
            Arc::new(texts.iter().copied().collect::<StringArray>()),
            Arc::new(texts.iter().map(|t| t.map(str::as_bytes)).collect::<BinaryArray>()),
            Arc::new(values.iter().map(|v| v.as_deref()).collect::<BinaryArray>()),
            Arc::new(
                changes
                    .iter()
                    .map(|(_, state)| state.and_then(|(_, _, expires)| expires))
                    .collect::<TimestampMicrosecondArray>(),
            ),
            Arc::new(
                changes
                    .iter()
                    .map(|(_, state)| Some(state.is_none()))
                    .collect::<BooleanArray>(),
            ),
        ],
    )?;
    Ok(Buffer::from(ipc::write(&schema, &[batch])?))
}
