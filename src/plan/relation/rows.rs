//! Which rows, and in which order: filter, sort, limit, offset, sample, distinct rows, partitions.
//!
//! Filters and sorts see what the relation below can still offer: its output, its hidden columns, and,
//! above an aggregation, further aggregates.

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::{Expr, LogicalPlanBuilder};

use crate::error::{Exception, Result, SparkError};
use crate::plan::aggregate::{check_no_grouping, has_aggregate};
use crate::plan::analyzer::Analyzer;
use crate::plan::comparison::comparable;
use crate::plan::expression::{ordinal, unresolved_column};
use crate::plan::nodes::{self, Deduplicate, Repartition, SortWithinPartitions, StreamingLimit};
use crate::plan::output_mode::refused;
use crate::plan::scope::{Attribute, Generator, Resolved, Typed, typed_attribute};
use crate::plan::sql::marker::Marker;
use crate::plan::sql::marker::SqlForm;
use crate::plan::{functions, recursion, window_function};
use crate::values::maps::has_maps;
use crate::values::types;
use crate::{proto as sc, settings};

impl Analyzer {
    /// Keeps the rows for which the condition is true; null drops a row, as false does. Above an
    /// aggregation it is HAVING.
    ///
    /// # Errors
    /// If it has an aggregate elsewhere, `INVALID_WHERE_CONDITION`; if it has a window function,
    /// `WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE`; if it is not a boolean,
    /// `DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN`.
    pub(super) fn filter(&mut self, node: &sc::Filter) -> Result<Resolved> {
        let input = self.rows(node.input.as_deref())?;
        let condition = node
            .condition
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a filter has no condition"))?;
        if let Some(filtered) = self.having(&input, condition)? {
            return Ok(filtered);
        }
        let condition = self.condition(condition, &input)?;
        if has_aggregate(&condition.expr) {
            return Err(SparkError::analysis(
                "INVALID_WHERE_CONDITION",
                "42903",
                format!(
                    "The WHERE condition \"{}\" contains invalid expressions: aggregate functions.",
                    condition.name
                ),
            ));
        }
        check_no_grouping(&condition.expr)?;
        window_function::check_over(&condition)?;
        if window_function::is_in(&condition.expr) {
            return Err(SparkError::analysis(
                "WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE",
                "42601",
                "It is not allowed to use window functions inside WHERE clause.",
            ));
        }
        let plan = LogicalPlanBuilder::from(input.plan.clone())
            .filter(condition.expr)?
            .build()?;
        Ok(input.over(plan))
    }

    /// Orders the rows of all partitions, or of each (`sortWithinPartitions`). Numbers mean columns of the
    /// select list.
    ///
    /// # Errors
    /// If a number counts past them, `ORDER_BY_POS_OUT_OF_RANGE`.
    pub(super) fn sort(&mut self, node: &sc::Sort) -> Result<Resolved> {
        let mut input = self.rows(node.input.as_deref())?;
        let mut order = Vec::new();
        for spec in &node.order {
            if spec.child.as_deref().is_some_and(|c| Marker::OrderByAll.is(c)) {
                let all = input.output.iter().map(typed_attribute);
                order.extend(all.map(|column| window_function::sort_key(&column, spec)));
                continue;
            }
            let child = spec
                .child
                .as_deref()
                .ok_or_else(|| SparkError::invalid_plan("a sort order has no child"))?;
            let typed = if let (Some(position), true) = (ordinal(child), self.conf.flag(&settings::ORDER_BY_ORDINAL)) {
                let found = usize::try_from(i64::from(position) - 1)
                    .ok()
                    .and_then(|i| input.output.get(i));
                typed_attribute(found.ok_or_else(|| {
                    SparkError::analysis(
                        "ORDER_BY_POS_OUT_OF_RANGE",
                        "42805",
                        format!(
                            "ORDER BY position {position} is not in select list (valid range is [1, {}]).",
                            input.output.len()
                        ),
                    )
                })?)
            } else {
                let key = self.sort_expression(&mut input, child)?;
                window_function::check_values(&key, "Sort")?;
                key
            };
            let key = window_function::sort_key(&typed, spec);
            window_function::check_orderable(&typed, &key)?;
            order.push(key);
        }
        let global = node.is_global.unwrap_or(true);
        let plan = if global {
            LogicalPlanBuilder::from(input.plan.clone()).sort(order)?.build()?
        } else {
            nodes::plan(SortWithinPartitions { order }, input.plan.clone())?
        };
        Ok(input.over(plan))
    }

    /// Resolves against the output, and then against what an aggregation below can still compute.
    pub(super) fn sort_expression(&mut self, input: &mut Resolved, child: &sc::Expression) -> Result<Typed> {
        let found = match self.expression(child, input) {
            Err(error) if error.condition.as_deref() == Some("AMBIGUOUS_REFERENCE") => {
                let name = error.parameters.get("name").cloned().unwrap_or_default();
                self.below(child, input).map_err(|_| unresolved_column(&name, input))
            }
            found => found,
        };
        match found {
            Ok(typed) if !has_aggregate(&typed.expr) && check_no_grouping(&typed.expr).is_ok() => Ok(typed),
            first => match self.order_beyond(input, child)? {
                Some(typed) => Ok(typed),
                None => {
                    let typed = first?;
                    check_no_grouping(&typed.expr)?;
                    Ok(typed)
                }
            },
        }
    }

    /// Resolves what is ambiguous in the output against what a select list left out.
    fn below(&mut self, child: &sc::Expression, input: &Resolved) -> Result<Typed> {
        let mut scope = input.clone();
        scope.output = std::mem::take(&mut scope.below);
        self.expression(child, &scope)
    }

    /// Keeps that many rows: any of them without an order below. On a stream it counts over all batches.
    ///
    /// # Errors
    /// If the number is negative, `INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE`.
    pub(super) fn limit(&mut self, node: &sc::Limit) -> Result<Resolved> {
        self.row_goal = recursion::goal(node);
        let input = self.rows(node.input.as_deref())?;
        self.row_goal = None;
        let fetch = count(node.limit, "limit")?;
        let plan = if input.streaming {
            nodes::plan(StreamingLimit { fetch }, input.plan.clone())?
        } else {
            LogicalPlanBuilder::from(input.plan.clone())
                .limit(0, Some(fetch))?
                .build()?
        };
        Ok(input.over(plan))
    }

    /// Keeps one row per value of the key columns, or per whole row. Nulls are equal to each other.
    ///
    /// A stream keeps the first row that arrives; a late row is dropped if the key has an event time. SQL's DISTINCT is an
    /// aggregation there.
    ///
    /// # Errors
    /// If a key column is missing, `UNRESOLVED_COLUMN_AMONG_FIELD_NAMES`; `dropDuplicatesWithinWatermark`
    /// is refused outside streams.
    pub(super) fn deduplicate(&mut self, node: &sc::Deduplicate, form: SqlForm) -> Result<Resolved> {
        let mut input = self.input(node.input.as_deref())?;
        input.hidden.clear();
        let within_watermark = node.within_watermark();
        if within_watermark && !input.streaming {
            return Err(refused(
                "dropDuplicatesWithinWatermark is not supported with batch DataFrames/DataSets",
            ));
        }
        let keys: Vec<Attribute> = if node.all_columns_as_keys() || node.column_names.is_empty() {
            input.output.clone()
        } else {
            let names = self.names();
            let mut keys = vec![];
            for name in &node.column_names {
                names.field(&input, name)?;
                keys.extend(names.all(&input, name).cloned());
            }
            keys
        };
        check_no_maps(&keys)?;
        let plan = self.exactly(&input)?;
        if input.streaming && form != SqlForm::Select {
            let first = Deduplicate {
                keys: keys.into_iter().map(|k| k.id).collect(),
                within_watermark,
            };
            return Ok(input.over(nodes::plan(first, plan)?));
        }
        let others: Vec<Expr> = input
            .output
            .iter()
            .filter(|a| keys.iter().all(|k| k.id != a.id))
            .map(|a| datafusion_functions_aggregate::expr_fn::first_value(a.column(), vec![]).alias(a.id.clone()))
            .collect();
        let groups: Vec<Expr> = keys.iter().map(Attribute::column).collect();
        let keyed = input.output.iter().map(|a| {
            let is_key = keys.iter().any(|k| k.id == a.id);
            let expr = if is_key {
                comparable(a.column(), &a.data_type)
            } else {
                a.column()
            };
            (expr, a)
        });
        let plan = self.project(plan, keyed.collect())?;
        let plan = LogicalPlanBuilder::from(plan).aggregate(groups, others)?.build()?;
        Ok(input.over(plan))
    }

    /// Spreads rows over partitions: by the hash of `keys`, or evenly without any. By default,
    /// `spark.sql.shuffle.partitions`.
    pub(super) fn repartitioned(
        &mut self,
        input: Resolved,
        keys: Vec<Expr>,
        partitions: Option<usize>,
    ) -> Result<Resolved> {
        let partitions = partitions
            .filter(|n| *n > 0)
            .unwrap_or_else(|| self.conf.shuffle_partitions());
        super::read::check_partitions("repartition", partitions)?;
        let plan = nodes::plan(Repartition { keys, partitions }, input.plan.clone())?;
        Ok(input.over(plan))
    }

    /// Keeps each row with a probability, or so many times, by a draw from Spark's generators; the seed is 42 without one.
    ///
    /// # Errors
    /// If the share is negative or not a number, or more than 1 where a row is taken once, an `IllegalArgumentException`.
    pub(super) fn sample(&mut self, node: &sc::Sample) -> Result<Resolved> {
        let input = self.rows(node.input.as_deref())?;
        let share = node.upper_bound - node.lower_bound;
        if node.with_replacement() {
            if !(0.0..=MOST_TIMES).contains(&share) {
                let sentence =
                    format!("requirement failed: Sampling fraction ({share}) must be nonnegative with replacement");
                return Err(SparkError::new(Exception::IllegalArgument, "", "", sentence));
            }
            return self.sample_again(input, share, node.seed.unwrap_or(42));
        }
        let draw = functions::random::uniform(node.seed.unwrap_or(42));
        let low = Expr::Literal(ScalarValue::Float64(Some(node.lower_bound)), None);
        let high = Expr::Literal(ScalarValue::Float64(Some(node.upper_bound)), None);
        let drawn = self.attribute("draw", DataType::Float64, false);
        let visible: Vec<Attribute> = input.visible().cloned().collect();
        let mut columns: Vec<(Expr, &Attribute)> = visible.iter().map(|a| (a.column(), a)).collect();
        columns.push((draw, &drawn));
        let plan = self.project(input.plan.clone(), columns)?;
        let plan = LogicalPlanBuilder::from(plan)
            .filter(drawn.column().gt_eq(low).and(drawn.column().lt(high)))?
            .build()?;
        Ok(input.over(plan))
    }

    /// Takes each row as often as Poisson's distribution says.
    fn sample_again(&mut self, input: Resolved, share: f64, seed: i64) -> Result<Resolved> {
        let times = functions::random::times(share, seed);
        let generator = Generator {
            list: times.expr.clone(),
            element: DataType::Boolean,
            outer: false,
            spread: false,
            names: vec!["times".to_owned()],
        };
        let visible: Vec<Typed> = input.visible().map(typed_attribute).collect();
        let hidden = visible.len() - input.output.len();
        let mut items = visible;
        items.push(Typed {
            generator: Some(Box::new(generator)),
            ..times
        });
        let tagged = input.tagged.clone();
        let mut sampled = self.select_typed(input, items)?;
        sampled.output.pop();
        let at = sampled.output.len() - hidden;
        sampled.hidden = sampled.output.split_off(at);
        sampled.tagged = tagged;
        Ok(sampled)
    }

    /// Leaves out the first rows, in the order that they arrive.
    ///
    /// # Errors
    /// If the relation is a stream; if the number is negative, `INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE`.
    pub(super) fn offset(&mut self, node: &sc::Offset) -> Result<Resolved> {
        let input = self.rows(node.input.as_deref())?;
        if input.streaming {
            return Err(refused("Offset is not supported on streaming DataFrames/Datasets"));
        }
        let skip = count(node.offset, "offset")?;
        let plan = LogicalPlanBuilder::from(input.plan.clone())
            .limit(skip, None)?
            .build()?;
        Ok(input.over(plan))
    }

    /// Spreads rows over partitions by the hash of expressions.
    pub(super) fn repartitioned_by(&mut self, node: &sc::RepartitionByExpression) -> Result<Resolved> {
        let input = self.rows(node.input.as_deref())?;
        let keys = node
            .partition_exprs
            .iter()
            .map(|e| Ok(self.expression(e, &input)?.expr))
            .collect::<Result<Vec<_>>>()?;
        self.repartitioned(input, keys, node.num_partitions.and_then(|n| usize::try_from(n).ok()))
    }
}

/// How often a row can be taken, on average.
const MOST_TIMES: f64 = 1e6;

/// Checks that none of the columns that are compared has maps.
///
/// # Errors
/// `UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE`, which names the first.
pub(super) fn check_no_maps(columns: &[Attribute]) -> Result<()> {
    match columns.iter().find(|a| has_maps(&a.data_type)) {
        None => Ok(()),
        Some(column) => Err(SparkError::analysis(
            "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE",
            "0A000",
            format!(
                "The feature is not supported: Cannot have MAP type columns in a set operation (INTERSECT, EXCEPT, DISTINCT, etc.), but the type of column `{}` is \"{}\".",
                column.name,
                types::sql_name(&column.data_type)
            ),
        )),
    }
}

/// Returns a number of rows.
///
/// # Errors
/// If it is below 0, `INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE`.
fn count(value: i32, what: &str) -> Result<usize> {
    usize::try_from(value).map_err(|_| {
        SparkError::analysis(
            "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE",
            "42K0E",
            format!("The limit like expression \"{value}\" is invalid. The evaluated expression of {what} must be equal to or greater than 0."),
        )
    })
}
