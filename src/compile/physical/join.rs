//! Compiling joins of which one side at most is a stream.
//!
//! | sides | keys | how |
//! |-------|------|-----|
//! | any | no equal keys | both into one partition, nested loops or a cross join |
//! | stream and batch | equal keys | the batch side to every task, hash join |
//! | two batches | equal keys | both exchanged by the keys, hash join per partition |
//! | a batch on the right | null-aware anti join | both into one partition |

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion_common::{DFSchema, JoinType};
use datafusion_expr::{Expr, Join};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_plan::joins::utils::{ColumnIndex, JoinFilter};
use datafusion_physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PartitionMode};

use super::Planner;
use crate::error::Result;
use crate::exec::compiler::{Compiler, Plan, partitions};
use crate::exec::stage::Output;
use crate::exec::transform::Transform;
use crate::plan::scan::is_streaming;

impl Planner {
    /// Compiles a join of which one side at most is a stream.
    ///
    /// # Errors
    /// As [`Compiler::plan`](crate::exec::compiler::Compiler::plan).
    pub(super) fn join(&mut self, join: &Join) -> Result<Plan> {
        let (left_stream, right_stream) = (is_streaming(&join.left), is_streaming(&join.right));
        let (mut left, mut right) = (self.plan(&join.left)?, self.plan(&join.right)?);
        let filter = join
            .filter
            .as_ref()
            .map(|f| self.filter_of_join(f, join, &left, &right))
            .transpose()?;
        let on = join
            .on
            .iter()
            .map(|(l, r)| Ok((self.expr(l, join.left.schema())?, self.expr(r, join.right.schema())?)))
            .collect::<Result<Vec<_>>>()?;
        if on.is_empty() {
            left = self.gather(left);
            right = self.gather(right);
            if filter.is_none() && join.join_type == JoinType::Inner {
                return Ok(Transform::interruptible(Arc::new(CrossJoinExec::new(left, right))));
            }
            let pairs = NestedLoopJoinExec::try_new(left, right, filter, &join.join_type, None)?;
            return Ok(Transform::interruptible(Arc::new(pairs)));
        }
        // Who finds no partner is known when all rows of the right side have been seen, by whoever has all of the left.
        if join.null_aware && left_stream {
            left = self.gather(left);
            right = self.gather(right);
            return self.joined_by_hash(join, left, right, on, filter);
        }
        // A stream meets a static side whole: the static rows go to every task that holds stream rows.
        if right_stream || left_stream {
            let hash = |l: Plan, r: Plan| -> Result<HashJoinExec> {
                Ok(HashJoinExec::try_new(
                    l,
                    r,
                    on.clone(),
                    filter.clone(),
                    &join.join_type,
                    None,
                    PartitionMode::CollectLeft,
                    join.null_equality,
                    join.null_aware,
                )?)
            };
            if right_stream {
                left = self.broadcast(left);
                return Ok(Arc::new(hash(left, right)?));
            }
            right = self.broadcast(right);
            return Ok(hash(left, right)?.swap_inputs(PartitionMode::CollectLeft)?);
        }
        if partitions(&left) > 1 || partitions(&right) > 1 {
            if join.null_aware {
                left = self.gather(left);
                right = self.gather(right);
            } else {
                let partitions = self.shuffle_partitions();
                let (lk, rk): (Vec<_>, Vec<_>) = on.iter().cloned().unzip();
                left = self.exchange(left, Output::Hash { keys: lk, partitions });
                right = self.exchange(right, Output::Hash { keys: rk, partitions });
            }
        }
        self.joined_by_hash(join, left, right, on, filter)
    }

    /// Joins sides that are exchanged as they must be: the left one is kept in memory.
    fn joined_by_hash(
        &self,
        join: &Join,
        left: Plan,
        right: Plan,
        on: Vec<(Arc<dyn PhysicalExpr>, Arc<dyn PhysicalExpr>)>,
        filter: Option<JoinFilter>,
    ) -> Result<Plan> {
        let mode = if partitions(&left) == 1 {
            PartitionMode::CollectLeft
        } else {
            PartitionMode::Partitioned
        };
        let joined = HashJoinExec::try_new(
            left,
            right,
            on,
            filter,
            &join.join_type,
            None,
            mode,
            join.null_equality,
            join.null_aware,
        )?;
        Ok(Transform::interruptible(Arc::new(joined)))
    }

    /// Brings a side into one partition, which every task of the join reads.
    fn broadcast(&mut self, input: Plan) -> Plan {
        self.exchange(input, Output::Single)
    }

    /// Compiles a join's condition over the columns of both sides that it uses.
    ///
    /// # Errors
    /// DataFusion's, if a column is unknown.
    pub(super) fn filter_of_join(&self, filter: &Expr, join: &Join, left: &Plan, right: &Plan) -> Result<JoinFilter> {
        let mut indices = Vec::new();
        let mut fields: Vec<Field> = Vec::new();
        let mut qualified = Vec::new();
        for (side, plan, logical) in [
            (datafusion_common::JoinSide::Left, left, join.left.schema()),
            (datafusion_common::JoinSide::Right, right, join.right.schema()),
        ] {
            for column in filter.column_refs() {
                if let Ok(index) = logical.index_of_column(column) {
                    let field = plan.schema().field(index).clone();
                    let (qualifier, _) = logical.qualified_field(index);
                    qualified.push((qualifier.cloned(), Arc::new(field.clone())));
                    fields.push(field);
                    indices.push(ColumnIndex { index, side });
                }
            }
        }
        let schema = DFSchema::new_with_metadata(qualified, Default::default())?;
        let expression = self.expr(filter, &schema)?;
        Ok(JoinFilter::new(expression, indices, Arc::new(Schema::new(fields))))
    }
}
