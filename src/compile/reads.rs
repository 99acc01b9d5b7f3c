//! What each task of a stage reads, and whether it returns rows when it reads none, found by walking its operator tree.
//!
//! DataFusion's operators decide which partition of an input a partition of theirs reads: most read the same, unions
//! one after the other, and joins with a collected side read all of it, which is one partition by then.

use std::any::Any;
use std::sync::Arc;

use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::aggregates::AggregateExec;
use datafusion_physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion_physical_plan::union::UnionExec;

use crate::exec::stage::{Read, Stage, Work};
use crate::exec::transform::{Leaf, Transform, as_transform};
use crate::ids::{PartitionId, ScanPart, StagePart};
use crate::plan::scan::{Origin, Scan};

/// Adds what task `partition` of a plan reads to `out`, once per leaf.
pub fn reads_of(plan: &Arc<dyn ExecutionPlan>, partition: PartitionId, out: &mut Vec<Read>) {
    if let Some(leaf) = as_transform(plan).and_then(Transform::as_leaf) {
        match leaf {
            Leaf::Shuffle(stage) => out.push(Read::Shuffle(StagePart { stage, partition })),
            Leaf::Scan(scan) => out.push(Read::Scan(ScanPart { scan, partition })),
            Leaf::Constant => {}
        }
        return;
    }
    let any: &dyn Any = plan.as_ref();
    if any.is::<UnionExec>() {
        let mut local = partition.0;
        for child in plan.children() {
            let count = child.properties().partitioning.partition_count();
            if local < count {
                return reads_of(child, PartitionId(local), out);
            }
            local -= count;
        }
        return;
    }
    let broadcast_left = any
        .downcast_ref::<HashJoinExec>()
        .is_some_and(|j| *j.partition_mode() == PartitionMode::CollectLeft)
        || any.is::<datafusion_physical_plan::joins::NestedLoopJoinExec>()
        || any.is::<datafusion_physical_plan::joins::CrossJoinExec>();
    for (i, child) in plan.children().into_iter().enumerate() {
        let one = (broadcast_left && i == 0) || child.properties().partitioning.partition_count() == 1;
        reads_of(child, if one { PartitionId(0) } else { partition }, out);
    }
}

/// Returns whether the tasks of a stage return no rows when they read none and nothing leaves their state; false if that is
/// not known.
pub fn is_quiet(stage: &Stage, scans: &[Arc<Scan>]) -> bool {
    match &stage.work {
        Work::Plan(plan) => is_quiet_tree(plan, scans),
        Work::Program(_) => false,
    }
}

/// Returns whether an operator tree returns no rows when it reads none.
fn is_quiet_tree(plan: &Arc<dyn ExecutionPlan>, scans: &[Arc<Scan>]) -> bool {
    let any: &dyn Any = plan.as_ref();
    let alone = match as_transform(plan) {
        Some(transform) => {
            let makes = match transform.as_leaf() {
                Some(Leaf::Scan(scan)) => !matches!(scans.get(scan.0).map(|s| &s.origin), Some(Origin::Blocks { .. })),
                _ => false,
            };
            transform.is_quiet() && !makes
        }
        None => match any.downcast_ref::<AggregateExec>() {
            // Without keys there is a row, whatever comes.
            Some(aggregate) => !aggregate.group_expr().is_empty(),
            None => any.is::<UnionExec>(),
        },
    };
    alone && plan.children().into_iter().all(|child| is_quiet_tree(child, scans))
}
