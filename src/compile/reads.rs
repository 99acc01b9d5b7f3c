//! What each task of a stage reads, found by walking its operator tree.
//!
//! DataFusion's operators decide which partition of an input a partition of theirs reads: most read the same, unions
//! one after the other, and joins with a collected side read all of it, which is one partition by then.

use std::any::Any;
use std::sync::Arc;

use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion_physical_plan::union::UnionExec;

use crate::exec::stage::Read;
use crate::exec::transform::{Leaf, Transform, as_transform};
use crate::ids::{PartitionId, ScanPart, StagePart};

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
