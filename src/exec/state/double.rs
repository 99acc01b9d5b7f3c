//! A test double: numbers the rows of a stream, over all batches. Its relation is an extension, so it shows that a
//! stateful operator is one file and a line in the table.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion_common::{DFSchema, DFSchemaRef};
use datafusion_expr::LogicalPlan;
use prost::Message;

use super::table::{Arrived, StateTable};
use super::{Body, Operator, OperatorState, Restore};
use crate::error::Result;
use crate::exec::compiler::{Compiler, Plan};
use crate::exec::inputs::TaskInputs;
use crate::exec::stage::{StatefulOperator, Wakes};
use crate::exec::transform::Transform;
use crate::ids::{BatchId, OperatorId, PartitionId};
use crate::plan::analyzer::Analyzer;
use crate::plan::nodes::{self, Node};
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::proto::relation::RelType;

/// The type of the relation; its value is the relation whose rows are numbered.
const NUMBERED: &str = "type.rivulet/test.Numbered";

/// Numbers rows.
pub const OPERATOR: Operator = Operator {
    name: "numbered",
    compile,
    analyze: Some(analyze),
};

/// Adds a column `n` that counts the rows of the whole stream from 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Numbered {
    /// Id of the column with the numbers.
    column: String,
}

impl Node for Numbered {
    fn name(&self) -> &str {
        "Numbered"
    }

    fn schema(&self, input: &DFSchemaRef) -> datafusion_common::Result<DFSchemaRef> {
        let mut fields: Vec<_> = input.iter().map(|(q, f)| (q.cloned(), f.clone())).collect();
        fields.push((None, Arc::new(Field::new(&self.column, DataType::Int64, false))));
        Ok(Arc::new(DFSchema::new_with_metadata(fields, Default::default())?))
    }

    fn keeps_state(&self) -> bool {
        true
    }
}

/// Analyses the extension; `None` for other relations.
fn analyze(analyzer: &mut Analyzer, node: &RelType) -> Option<Result<Resolved>> {
    match node {
        RelType::Extension(any) if any.type_url == NUMBERED => {
            let input = sc::read::<sc::Relation>(&any.value).map_err(|e| e.to_string());
            Some(
                input
                    .map_err(crate::error::SparkError::invalid_plan)
                    .and_then(|input| numbered(analyzer, &input)),
            )
        }
        _ => None,
    }
}

/// Plans the numbering over its input.
fn numbered(analyzer: &mut Analyzer, input: &sc::Relation) -> Result<Resolved> {
    let input = analyzer.relation(input)?;
    let number = analyzer.attribute("n", DataType::Int64, false);
    let column = number.id.clone();
    let plan = nodes::plan(Numbered { column }, analyzer.exactly(&input)?)?;
    let mut out = input.over(plan);
    out.hidden.clear();
    out.output.push(number);
    Ok(out)
}

/// Compiles the numbering; `None` for other plans.
fn compile(compiler: &mut dyn Compiler, plan: &LogicalPlan) -> Option<Result<Plan>> {
    let (node, input) = nodes::of::<Numbered>(plan)?;
    let rows = compiler.plan(input).map(|rows| compiler.gather(rows));
    Some(rows.map(|rows| {
        let mut fields = rows.schema().fields().to_vec();
        fields.push(Arc::new(Field::new(&node.column, DataType::Int64, false)));
        let state = Arc::new(StateNumbered {
            operator: compiler.next_operator(),
            output: Arc::new(Schema::new(fields)),
        });
        compiler.add_operator(StatefulOperator {
            name: OPERATOR.name,
            kind: state.clone(),
            partitions: 1,
            wakes: Wakes::Never,
            counts_duplicates: false,
        });
        state.plan(rows)
    }))
}

/// The numbering of one query.
#[derive(Debug)]
struct StateNumbered {
    /// Its name within the query.
    operator: OperatorId,
    /// Columns of the input, then the number.
    output: SchemaRef,
}

/// Returns the state's columns: one row with the last number.
fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("last", DataType::Int64, false)]))
}

impl Restore for StateNumbered {
    fn empty(&self) -> Result<OperatorState> {
        let table = StateTable::counter(schema())?;
        Ok(OperatorState::new(Body::Table(Box::new(table))))
    }

    fn load(&self, state: &mut OperatorState, deltas: &[Buffer]) -> Result<()> {
        state.body.table()?.load(deltas)
    }
}

impl StateNumbered {
    /// Returns the operator over its input.
    fn plan(self: Arc<Self>, input: Plan) -> Plan {
        let output = self.output.clone();
        Transform::stateful(self.operator, "Numbered", input, output, move |batches, inputs| {
            Ok(self.run(&batches, inputs)?)
        })
    }

    /// Runs one batch: numbers its rows from the last number on.
    fn run(&self, batches: &[RecordBatch], inputs: &TaskInputs) -> Result<Vec<RecordBatch>> {
        inputs.with_state(self.operator, None, self, |context, body, stats| {
            let table = body.table()?;
            let known = table.all()?;
            let mut last = known
                .first()
                .map_or(0, |b| b.column(0).as_primitive::<Int64Type>().value(0));
            let (mut out, before) = (Vec::new(), last);
            for batch in batches {
                let numbers: Int64Array = (last + 1..=last + batch.num_rows() as i64).collect();
                last += batch.num_rows() as i64;
                let mut columns = batch.columns().to_vec();
                columns.push(Arc::new(numbers) as ArrayRef);
                out.push(RecordBatch::try_new(self.output.clone(), columns)?);
            }
            let row = RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from(vec![last - before]))])?;
            table.take_in(&Arrived::partial(&row, 0), None)?;
            let delta = table.settled(context, None)?;
            stats.rows_total = 1;
            Ok((out, delta))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;
    use crate::compile::job::JobSpec;
    use crate::exec::inputs::{BatchContext, Extent};
    use crate::exec::stage::{StageGraph, StatefulOperator};
    use crate::exec::task;
    use crate::ids::{ScanId, StageId};
    use crate::plan::output_mode::OutputMode;
    use crate::settings::{self, Conf};
    use crate::values::ipc;

    fn graph() -> StageGraph {
        let source = sc::read::DataSource {
            format: Some("rivulet.push".into()),
            schema: Some("v BIGINT".into()),
            options: BTreeMap::from([("sourceId".into(), "s".into())]),
            ..Default::default()
        };
        let read = sc::Read {
            is_streaming: true,
            read_type: Some(sc::read::ReadType::DataSource(source)),
        };
        let relation = |kind| sc::Relation {
            common: None,
            rel_type: Some(kind),
        };
        let numbered = prost_types::Any {
            type_url: NUMBERED.into(),
            value: relation(RelType::Read(read)).encode_to_vec(),
        };
        let mut conf = Conf::default();
        conf.values.insert(settings::PARALLELISM.key.into(), "1".into());
        let spec = JobSpec {
            relation: relation(RelType::Extension(numbered)).encode_to_vec(),
            conf,
            views: BTreeMap::new(),
            now_us: 0,
            mode: Some(OutputMode::Append),
            files: BTreeMap::new(),
            models: BTreeMap::new(),
            tables: BTreeMap::new(),
        };
        spec.compile().unwrap()
    }

    /// Runs one batch; returns its numbers and the state's change.
    fn batch(graph: &StageGraph, id: i64, rows: &str, state: Option<OperatorState>) -> (Vec<i64>, Vec<u8>) {
        let [stage] = &graph.stages[..] else {
            panic!("one stage")
        };
        let scans = HashMap::from([(ScanId(0), vec![Buffer::from(rows.as_bytes())])]);
        let context = BatchContext {
            batch_id: BatchId(id),
            mode: OutputMode::Append,
            time_ms: 0,
            late_us: None,
            evict_us: None,
            extent: Extent::Batch,
        };
        let states = state.into_iter().map(|s| (OperatorId(0), s)).collect();
        let shuffle = HashMap::<StageId, _>::new();
        let inputs = Arc::new(TaskInputs::new(shuffle, scans, Some(context), states));
        let output = task::run(stage, PartitionId(0), inputs.clone(), &graph.schema);
        let output = futures::executor::block_on(output).unwrap();
        let blocks = output.blocks.into_iter().flatten();
        let read = blocks.flat_map(|b| ipc::read(&Buffer::from(b)).unwrap());
        let numbers = read.flat_map(|b| b.column(1).as_primitive::<Int64Type>().values().to_vec());
        let numbers = numbers.collect();
        let delta = inputs.state_deltas().remove(&OperatorId(0)).unwrap();
        (numbers, delta)
    }

    #[test]
    fn it_numbers_on_over_batches_from_the_state_that_a_delta_brings_back() {
        let graph = graph();
        let [StatefulOperator { name, .. }] = &graph.operators[..] else {
            panic!("one operator")
        };
        assert_eq!(*name, "numbered");
        let (first, delta) = batch(&graph, 0, "{\"v\":7}\n{\"v\":8}\n{\"v\":9}\n", None);
        assert_eq!(first, [1, 2, 3]);
        let state = graph
            .rebuild(OperatorId(0), &[Buffer::from(delta)], BatchId(0))
            .unwrap();
        let (second, _) = batch(&graph, 1, "{\"v\":1}\n{\"v\":2}\n", Some(state));
        assert_eq!(second, [4, 5]);
    }
}
