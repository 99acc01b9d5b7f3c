//! `SELECT`: its list, `WHERE`, `GROUP BY`, `HAVING`, `DISTINCT`, and how rows are spread and sorted in partitions.
//!
//! ```text
//! SELECT DISTINCT a, count(*) FROM t WHERE b GROUP BY a HAVING c
//! Deduplicate(Filter(Aggregate(Filter(t, b), by a, [a, count(*)]), c))
//! ```
//!
//! Without GROUP BY, a list with aggregates is a `Project`; the analyzer sees that it is an
//! aggregation.

use sc::relation::RelType;
use sqlparser::ast::{Distinct, OrderByOptions, Select, SelectFlavor};

use super::error::SqlError;
use super::grouping::Grouping;
use super::lowering::Lowering;
use super::marker::SqlForm;
use super::message::{alias, attribute, filter, marked_relation, relation};
use super::query::{one_row, refuse, sort};
use super::window::sort_order_of;
use crate::proto as sc;

/// The column of a condition of QUALIFY.
const QUALIFY: &str = "#qualify";

impl Lowering {
    /// Turns a select into messages, without what follows it in its query. Its `WINDOW` clause is in scope
    /// already.
    ///
    /// Without `GROUP BY` and `HAVING` it is a `Project` even of aggregate functions; else an `Aggregate`
    /// marked [`SqlForm::Select`], whose aggregate expressions are the whole list.
    ///
    /// # Errors
    /// If it has a clause that Spark lacks, `UNSUPPORTED_FEATURE.CLAUSE`, and those of its parts.
    pub fn select(&mut self, select: &Select) -> Result<sc::Relation, SqlError> {
        refuse_foreign(select)?;
        let mut input = self.from(&select.from)?;
        if let Some(condition) = &select.selection {
            let condition = self.expression(condition)?;
            input = Some(filter(input.unwrap_or_else(one_row), condition));
        }
        let list = select
            .projection
            .iter()
            .map(|item| self.select_item(item))
            .collect::<Result<Vec<_>, _>>()?;
        let mut list = list;
        if let Some(condition) = &select.qualify {
            // A column that only the filter above sees.
            list.push(alias(self.expression(condition)?, vec![QUALIFY.to_owned()]));
        }
        let grouping = self.grouping(&select.group_by, &list)?;
        let mut selected = match (grouping, &select.having) {
            (None, None) => {
                let project = sc::Project {
                    input: input.map(Box::new),
                    expressions: list,
                };
                relation(RelType::Project(Box::new(project)))
            }
            (grouping, having) => {
                let aggregate = aggregate(input, grouping.unwrap_or_default(), list);
                match having {
                    Some(condition) => filter(aggregate, self.expression(condition)?),
                    None => aggregate,
                }
            }
        };
        if select.qualify.is_some() {
            let dropped = sc::Drop {
                input: Some(Box::new(filter(selected, attribute(&[QUALIFY])))),
                columns: vec![],
                column_names: vec![QUALIFY.to_owned()],
            };
            selected = relation(RelType::Drop(Box::new(dropped)));
        }
        match &select.distinct {
            None | Some(Distinct::All) => {}
            Some(Distinct::Distinct) => selected = deduplicate(selected),
            Some(Distinct::On(_)) => return refuse(true, "DISTINCT ON").map(|()| selected),
        }
        self.spread(select, selected)
    }

    /// Adds `DISTRIBUTE BY`, `CLUSTER BY` and `SORT BY`: a repartition, and a sort within partitions.
    fn spread(&mut self, select: &Select, mut selected: sc::Relation) -> Result<sc::Relation, SqlError> {
        let clustered = !select.cluster_by.is_empty();
        refuse(
            clustered && !(select.distribute_by.is_empty() && select.sort_by.is_empty()),
            "CLUSTER BY with others",
        )?;
        let keys = if clustered {
            &select.cluster_by
        } else {
            &select.distribute_by
        };
        if !keys.is_empty() {
            let partition_exprs = self.expressions(keys)?;
            let input = Some(Box::new(selected));
            selected = relation(RelType::RepartitionByExpression(Box::new(
                sc::RepartitionByExpression {
                    input,
                    partition_exprs,
                    num_partitions: None,
                },
            )));
        }
        if clustered {
            let ascending = OrderByOptions::default();
            let orders = self
                .expressions(keys)?
                .into_iter()
                .map(|key| sort_order_of(key, &ascending));
            return Ok(sort(selected, orders.collect::<Result<_, _>>()?, false));
        }
        match select.sort_by.as_slice() {
            [] => Ok(selected),
            orders => Ok(sort(selected, self.sort_orders(orders)?, false)),
        }
    }
}

/// Returns an aggregation whose select list is its output.
fn aggregate(input: Option<sc::Relation>, grouping: Grouping, list: Vec<sc::Expression>) -> sc::Relation {
    let aggregate = sc::Aggregate {
        input: Some(Box::new(input.unwrap_or_else(one_row))),
        group_type: grouping.group_type as i32,
        grouping_expressions: grouping.expressions,
        aggregate_expressions: list,
        pivot: None,
        grouping_sets: grouping.sets,
    };
    marked_relation(RelType::Aggregate(Box::new(aggregate)), SqlForm::Select)
}

/// Returns the distinct rows. Marked, since of a stream SQL's DISTINCT is an aggregation, and the message is not.
fn deduplicate(input: sc::Relation) -> sc::Relation {
    let distinct = sc::Deduplicate {
        input: Some(Box::new(input)),
        column_names: vec![],
        all_columns_as_keys: Some(true),
        within_watermark: None,
    };
    marked_relation(RelType::Deduplicate(Box::new(distinct)), SqlForm::Select)
}

/// Refuses clauses of other databases that sqlparser reads.
///
/// # Errors
/// If there is one, `UNSUPPORTED_FEATURE.CLAUSE`, which names it.
fn refuse_foreign(select: &Select) -> Result<(), SqlError> {
    refuse(select.flavor == SelectFlavor::FromFirstNoSelect, "FROM without SELECT")?;
    refuse(select.top.is_some(), "TOP")?;
    refuse(select.into.is_some(), "INTO")?;
    refuse(select.prewhere.is_some(), "PREWHERE")?;
    refuse(!select.connect_by.is_empty(), "CONNECT BY")?;
    refuse(select.value_table_mode.is_some(), "AS STRUCT")?;
    refuse(!select.lateral_views.is_empty(), "LATERAL VIEW here")
}
