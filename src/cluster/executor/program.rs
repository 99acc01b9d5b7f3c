//! Tasks of a program: lineages of functions of the user's, which a host runs.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;

use super::{BlockStore, Executor, Outgoing};
use crate::cluster::message::{FromExecutor, Run};
use crate::cluster::runner::kept_in;
use crate::error::{Result, SparkError};
use crate::exec::inputs::TaskReport;
use crate::exec::program::{Keep, Program, ProgramTask, Shuffled};
use crate::exec::stage::{Read, Stage, StageGraph, Work};
use crate::ids::{KeptId, PartitionId, StagePart};
use crate::scheduler::{BlockId, Fetch};

/// What a task of a program reads of other tasks: kept partitions, and shuffled rows by edge.
type ProgramInputs = (Vec<(KeptId, Buffer)>, Vec<Shuffled>);

/// Sorts what a task of a program has fetched, each edge's blocks in the order of their map tasks.
///
/// # Errors
/// `INTERNAL_ERROR` if a block is of a stage that writes no edge.
fn inputs_of(graph: &StageGraph, got: BTreeMap<Fetch, Buffer>) -> Result<ProgramInputs> {
    let mut written: BTreeMap<StagePart, Vec<(PartitionId, Buffer)>> = BTreeMap::new();
    let mut kept = Vec::new();
    for (fetch, block) in got {
        match fetch.block {
            BlockId::Kept(id) => kept.push((id, block)),
            BlockId::Shuffle { task, partition } => {
                let stage = fetch.stage;
                let blocks = written.entry(StagePart { stage, partition }).or_default();
                blocks.push((task.partition, block));
            }
        }
    }
    let mut shuffled = Vec::new();
    for (StagePart { stage, partition }, mut blocks) in written {
        let edge = graph.stages.get(stage.0).and_then(|s| match &s.work {
            Work::Program(program) => program.write,
            Work::Plan(_) => None,
        });
        let edge = edge.ok_or_else(|| SparkError::internal("driver and executor disagree on the stages"))?;
        blocks.sort_by_key(|(map, _)| *map);
        shuffled.push(Shuffled {
            edge,
            partition,
            blocks: blocks.into_iter().map(|(_, b)| b).collect(),
        });
    }
    Ok((kept, shuffled))
}

impl<B: BlockStore> Executor<B> {
    /// Runs a task of a program: its inputs in the order in which they were written, whoever wrote them.
    ///
    /// # Errors
    /// The user's exception; `INTERNAL_ERROR` if driver and executor differ about the stages.
    pub(super) fn run_program(
        &mut self,
        graph: &StageGraph,
        stage: &Stage,
        program: &Program,
        run: &Run,
        blobs: Vec<Buffer>,
        got: BTreeMap<Fetch, Buffer>,
    ) -> Result<Outgoing> {
        let task = run.task;
        let disagree = || SparkError::internal("driver and executor disagree on the stages");
        let reads = stage.reads_beside(task.partition, &kept_in(&run.fetches));
        let scans = reads.iter().filter_map(Read::scan);
        let sources = scans.zip(blobs).collect();
        let (kept, shuffled) = inputs_of(graph, got)?;
        let output = self.programs.get().run(ProgramTask {
            plan: run.plan,
            program,
            partition: *program.partitions.get(task.partition.0).ok_or_else(disagree)?,
            sources,
            shuffled,
            kept,
        })?;
        let mut kept = Vec::new();
        for Keep { id, bytes, block } in output.kept {
            if let Some(block) = block {
                self.blocks.put(BlockId::Kept(id), block, true);
            }
            kept.push((id, bytes));
        }
        let mut bytes = self.put_blocks(task, program.write.is_none(), output.blocks);
        let results = bytes.len();
        let updates = output.updates.is_some();
        bytes.extend(output.updates.map(Buffer::from));
        let report = TaskReport {
            output_rows: output.rows.iter().sum(),
            ..TaskReport::default()
        };
        Ok(Outgoing::Driver(
            FromExecutor::Finished {
                task,
                rows: output.rows,
                report: Box::new(report),
                results,
                deltas: vec![],
                kept,
                updates,
            },
            bytes,
        ))
    }
}
