//! Planning of stateful operators: what is aggregated, deduplicated or joined over the batches of a stream.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion_common::JoinType;
use datafusion_expr::utils::{conjunction, split_conjunction};
use datafusion_expr::{Aggregate, Expr, Join, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{Column, IsNotNullExpr};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::aggregates::AggregateExec;

use crate::compile::event_time::{self, Bound, BoundTime, JoinBounds};
use crate::compile::physical::{Plan, Planner};
use crate::error::{Result, SparkError};
use crate::exec::stage::{Output, StatefulOperator, Wakes};
use crate::exec::state::aggregate::StateAggregate;
use crate::exec::state::dedup::StateDedup;
use crate::exec::state::groups::StateGroups;
use crate::exec::state::join::{Side, StateJoin};
use crate::exec::state::merge::Merger;
use crate::exec::state::rows::ClosesBy;
use crate::exec::state::session::StateSession;
use crate::plan::map_groups::{MapGroups, Named, Timeout};
use crate::plan::nodes;
use crate::plan::scan::is_streaming;

impl Planner {
    /// Streaming aggregation behind its partial one. `finished` is the final aggregation over one batch, whose schema is the
    /// result's.
    pub(super) fn stateful_aggregate(
        &mut self,
        aggregate: &Aggregate,
        partial: Plan,
        finished: &AggregateExec,
        merger: Merger,
    ) -> Result<Plan> {
        let keys = aggregate.group_expr.len();
        let operator = self.operators.len();
        let shift_us = event_time::watermark_shift(&aggregate.input);
        let (schema, output) = (partial.schema(), finished.schema());
        if let Some(session) = sessions_of(&aggregate.input) {
            let position = |id: &String| {
                let found = aggregate
                    .group_expr
                    .iter()
                    .position(|e| matches!(e, Expr::Column(c) if c.name == *id));
                found.ok_or_else(|| SparkError::internal("sessions are not grouped by their bounds"))
            };
            let (start, end) = (position(&session.start)?, position(&session.end)?);
            let event_time = event_time::event_times(&aggregate.input).contains_key(&session.end);
            let others = (0..keys).filter(|k| *k != start && *k != end);
            let input = self.exchanged_by(partial, others)?;
            let state = Arc::new(StateSession {
                operator,
                keys,
                start,
                end,
                merger,
                partial: schema,
                output,
                event_time,
                shift_us,
            });
            self.operators.push(StatefulOperator {
                name: "sessionWindowStateStoreSaveExec",
                kind: state.clone(),
                partitions: Self::partitions(&input),
                wakes: Wakes::by_watermark(event_time),
            });
            return Ok(state.plan(input));
        }
        let input = self.exchanged_by(partial, 0..keys)?;
        let event_time = event_time::event_time_key(aggregate);
        let state = Arc::new(StateAggregate {
            operator,
            keys,
            event_time,
            merger,
            partial: schema,
            output,
            shift_us,
        });
        self.operators.push(StatefulOperator {
            name: "stateStoreSave",
            kind: state.clone(),
            partitions: Self::partitions(&input),
            wakes: Wakes::by_watermark(event_time.is_some()),
        });
        Ok(state.plan(input))
    }

    /// Rows together by the columns at `keys`; all in one partition without any.
    fn exchanged_by(&mut self, input: Plan, keys: impl Iterator<Item = usize>) -> Result<Plan> {
        let schema = input.schema();
        let keys: Vec<Arc<dyn PhysicalExpr>> = keys
            .map(|i| Arc::new(Column::new(schema.field(i).name(), i)) as Arc<dyn PhysicalExpr>)
            .collect();
        let output = if keys.is_empty() {
            Output::Single
        } else {
            Output::Hash {
                keys,
                partitions: self.shuffle_partitions,
            }
        };
        Ok(self.exchange(input, output))
    }

    /// `dropDuplicates` and `dropDuplicatesWithinWatermark`.
    pub(super) fn stateful_dedup(&mut self, node: &nodes::Deduplicate) -> Result<Plan> {
        let input = self.plan(&node.input)?;
        let schema = input.schema();
        let keys = node
            .keys
            .iter()
            .map(|k| Ok(schema.index_of(k)?))
            .collect::<Result<Vec<_>>>()?;
        let input = self.exchanged_by(input, keys.iter().copied())?;
        let times = event_time::event_times(&node.input);
        // Of several event times the one in the key ends it.
        let event_time = keys
            .iter()
            .copied()
            .chain(0..schema.fields().len())
            .find(|i| times.get(schema.field(*i).name()) == Some(&0));
        let within_us = if node.within_watermark {
            event_time::delay_us(&node.input)
        } else {
            None
        };
        let state = Arc::new(StateDedup {
            operator: self.operators.len(),
            schema,
            keys,
            event_time,
            within_us,
            shift_us: event_time::watermark_shift(&node.input),
        });
        self.operators.push(StatefulOperator {
            name: state.name(),
            kind: state.clone(),
            partitions: Self::partitions(&input),
            wakes: Wakes::by_watermark(event_time.is_some()),
        });
        Ok(state.plan(input))
    }

    /// A function of the user's over groups; on a stream its state outlives the batch.
    pub(super) fn map_groups(&mut self, node: &MapGroups) -> Result<Plan> {
        let streaming = is_streaming(&node.input);
        let input = self.plan(&node.input)?;
        let schema = input.schema();
        let columns = |named: &[Named]| -> Result<Vec<(usize, String)>> {
            let found = named.iter().map(|n| Ok((schema.index_of(&n.id)?, n.name.clone())));
            found.collect()
        };
        let (keys, values) = (columns(&node.keys)?, columns(&node.values)?);
        let input = self.exchanged_by(input, keys.iter().map(|(k, _)| *k))?;
        let times = event_time::event_times(&node.input);
        let event_time = (0..schema.fields().len()).find(|i| times.get(schema.field(*i).name()) == Some(&0));
        let output: SchemaRef = Arc::new(node.schema().as_arrow().clone());
        let state = Arc::new(StateGroups {
            operator: streaming.then_some(self.operators.len()),
            function: self.functions.len(),
            kind: node.kind,
            timeout: node.timeout,
            input: schema,
            keys,
            values,
            event_time,
            output,
            shift_us: event_time::watermark_shift(&node.input),
        });
        self.functions.push(node.function.clone());
        if streaming {
            self.operators.push(StatefulOperator {
                name: state.name(),
                kind: state.clone(),
                partitions: Self::partitions(&input),
                wakes: match node.timeout {
                    Timeout::None => Wakes::Never,
                    Timeout::ProcessingTime => Wakes::ByClock,
                    Timeout::EventTime => Wakes::ByWatermark,
                },
            });
        }
        Ok(state.plan(input))
    }

    /// A join whose sides are both streams.
    pub(super) fn stateful_join(&mut self, join: &Join) -> Result<Plan> {
        let (left, right) = (self.plan(&join.left)?, self.plan(&join.right)?);
        let bounds = JoinBounds::of(join);
        let outer = |preserved: JoinType| join.join_type == preserved || join.join_type == JoinType::Full;
        let mut sides = [
            self.join_side(
                &join.left,
                left.schema(),
                bounds.left,
                outer(JoinType::Left),
                join.on.len(),
            )?,
            self.join_side(
                &join.right,
                right.schema(),
                bounds.right,
                outer(JoinType::Right),
                join.on.len(),
            )?,
        ];
        for (l, r) in &join.on {
            sides[0].keys.push(self.expr(l, join.left.schema())?);
            sides[1].keys.push(self.expr(r, join.right.schema())?);
        }
        for (side, bound) in sides.iter_mut().zip([bounds.left, bounds.right]) {
            // Spark infers it from the range condition: without a time there is no partner.
            if let Some(BoundTime::Column(column)) = bound.map(|b| b.time)
                && !side.outer
            {
                let time = Arc::new(Column::new(side.schema.field(column).name(), column));
                side.conditions.push(Arc::new(IsNotNullExpr::new(time)));
            }
        }
        let mut both = Vec::new();
        for condition in join.filter.iter().flat_map(|f| split_conjunction(f)) {
            let columns = condition.column_refs();
            let only = |plan: &LogicalPlan| columns.iter().all(|c| plan.schema().index_of_column(c).is_ok());
            if only(&join.left) {
                sides[0].conditions.push(self.expr(condition, join.left.schema())?);
            } else if only(&join.right) {
                sides[1].conditions.push(self.expr(condition, join.right.schema())?);
            } else {
                both.push(condition.clone());
            }
        }
        let filter = conjunction(both)
            .map(|f| self.join_filter(&f, join, &left, &right))
            .transpose()?;
        let partitions = self.shuffle_partitions;
        let left = self.exchange(
            left,
            Output::Hash {
                keys: sides[0].keys.clone(),
                partitions,
            },
        );
        let right = self.exchange(
            right,
            Output::Hash {
                keys: sides[1].keys.clone(),
                partitions,
            },
        );
        let output: SchemaRef = Arc::new(join.schema.as_arrow().clone());
        let wakes = Wakes::by_watermark(sides.iter().any(|s| s.event_time.is_some()));
        let inputs = [&join.left, &join.right].map(|i| event_time::watermark_shift(i));
        let state = Arc::new(StateJoin {
            operator: self.operators.len(),
            join_type: join.join_type,
            sides,
            filter,
            output,
            shift_us: inputs[0].zip(inputs[1]).map(|(l, r)| l.min(r)),
        });
        self.operators.push(StatefulOperator {
            name: "symmetricHashJoin",
            kind: state.clone(),
            partitions,
            wakes,
        });
        Ok(state.plan(left, right))
    }

    fn join_side(
        &self,
        plan: &LogicalPlan,
        schema: SchemaRef,
        bound: Option<Bound>,
        outer: bool,
        keys: usize,
    ) -> Result<Side> {
        let times = event_time::event_times(plan);
        let event_time = schema.fields().iter().position(|f| times.get(f.name()) == Some(&0));
        let closes_by = bound.map(|b| match b.time {
            BoundTime::Key(position, plus_us) => ClosesBy {
                column: position,
                plus_us: plus_us.saturating_sub(b.shift_us),
            },
            BoundTime::Column(column) => ClosesBy {
                column: keys + column,
                plus_us: 0i64.saturating_sub(b.shift_us),
            },
        });
        Ok(Side {
            schema,
            keys: vec![],
            conditions: vec![],
            event_time,
            closes_by,
            outer,
        })
    }
}

/// The sessions that an aggregation groups by; only projections and filters stand between.
fn sessions_of(plan: &LogicalPlan) -> Option<&nodes::MergeSessions> {
    match plan {
        LogicalPlan::Extension(extension) => extension.node.as_any().downcast_ref(),
        LogicalPlan::Projection(p) if is_streaming(plan) => sessions_of(&p.input),
        LogicalPlan::Filter(f) => sessions_of(&f.input),
        _ => None,
    }
}
