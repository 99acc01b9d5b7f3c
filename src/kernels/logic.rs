//! AND and OR that test their right side only where the left one leaves it open, as Spark's `And` and `Or` do.
//!
//! DataFusion tests both sides for all rows, unless the left side decides nearly all of them. A right side that can fail
//! (`id <> 1 AND 10 / (id - 1) > 6`) would then fail for rows that it is not asked about. [`physical()`] compiles an expression and
//! puts a [`Guarded`] in the place of each such AND and OR; those whose right side cannot fail stay DataFusion's.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::compute::{and_kleene, filter_record_batch, or_kleene};
use arrow::datatypes::{DataType, Schema};
use datafusion_common::cast::as_boolean_array;
use datafusion_common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion_common::{DFSchema, Result};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_expr::{ColumnarValue, Expr, Operator};
use datafusion_physical_expr::expressions::{BinaryExpr, CastExpr, Column};
use datafusion_physical_expr::utils::collect_columns;
use datafusion_physical_expr::{PhysicalExpr, ScalarFunctionExpr, create_physical_expr};
use datafusion_physical_expr_common::utils::scatter;

use super::kernel;

/// Compiles an expression for batches of a schema.
///
/// # Errors
/// If DataFusion cannot run the expression.
pub fn physical(
    expr: &Expr,
    schema: &DFSchema,
    props: &ExecutionProps,
    context: &PhysicalPlanningContext,
) -> Result<Arc<dyn PhysicalExpr>> {
    let compiled = create_physical_expr(expr, schema, props, context)?;
    compiled
        .transform_up(|e| {
            let guarded = e.downcast_ref::<BinaryExpr>().and_then(Guarded::of);
            Ok(guarded.map_or_else(|| Transformed::no(e), |g| Transformed::yes(Arc::new(g) as _)))
        })
        .data()
}

/// Returns whether an expression calls something that can fail for some values.
fn may_fail(expr: &Arc<dyn PhysicalExpr>) -> bool {
    expr.exists(|e| {
        let divides = |b: &BinaryExpr| matches!(b.op(), Operator::Divide | Operator::Modulo);
        let calls = |f: &ScalarFunctionExpr| f.name() != kernel::NORMALISED;
        Ok(e.downcast_ref::<CastExpr>().is_some()
            || e.downcast_ref::<ScalarFunctionExpr>().is_some_and(calls)
            || e.downcast_ref::<BinaryExpr>().is_some_and(divides))
    })
    .unwrap_or(true)
}

/// An AND or OR whose right side sees only rows that its left side leaves open.
#[derive(Debug, Eq)]
struct Guarded {
    /// Whether it is an AND.
    and: bool,
    /// Tested for every row.
    left: Arc<dyn PhysicalExpr>,
    /// Tested where `left` is not false (AND), not true (OR).
    right: Arc<dyn PhysicalExpr>,
    /// Places of the columns that `right` reads, from the lowest.
    reads: Vec<usize>,
    /// `right` over these columns alone.
    narrow: Arc<dyn PhysicalExpr>,
}

impl Guarded {
    /// Returns what guards an AND or OR whose right side can fail.
    fn of(expr: &BinaryExpr) -> Option<Self> {
        let and = match expr.op() {
            Operator::And => true,
            Operator::Or => false,
            _ => return None,
        };
        may_fail(expr.right())
            .then(|| Self::new(and, expr.left().clone(), expr.right().clone()))?
            .ok()
    }

    fn new(and: bool, left: Arc<dyn PhysicalExpr>, right: Arc<dyn PhysicalExpr>) -> Result<Self> {
        let mut reads: Vec<usize> = collect_columns(&right).iter().map(Column::index).collect();
        reads.sort_unstable();
        reads.dedup();
        let narrow = right
            .clone()
            .transform_up(|e| {
                let Some(column) = e.downcast_ref::<Column>() else {
                    return Ok(Transformed::no(e));
                };
                let place = reads.partition_point(|i| *i < column.index());
                Ok(Transformed::yes(Arc::new(Column::new(column.name(), place)) as _))
            })
            .data()?;
        Ok(Self {
            and,
            left,
            right,
            reads,
            narrow,
        })
    }

    fn word(&self) -> &'static str {
        if self.and { "AND" } else { "OR" }
    }

    /// Returns the rows whose value `left` leaves open.
    fn open(&self, left: &BooleanArray) -> BooleanArray {
        let decided = if self.and {
            !left.values()
        } else {
            left.values().clone()
        };
        let decided = match left.nulls() {
            Some(nulls) => &decided & nulls.inner(),
            None => decided,
        };
        BooleanArray::new(!&decided, None::<NullBuffer>)
    }
}

// Derived, the traits would move what they compare out of the `Arc`s.
impl PartialEq for Guarded {
    fn eq(&self, other: &Self) -> bool {
        self.and == other.and && self.left.eq(&other.left) && self.right.eq(&other.right)
    }
}

impl Hash for Guarded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.and.hash(state);
        self.left.hash(state);
        self.right.hash(state);
    }
}

impl fmt::Display for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} {} {})", self.left, self.word(), self.right)
    }
}

impl PhysicalExpr for Guarded {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        Ok(self.left.nullable(schema)? || self.right.nullable(schema)?)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let rows = batch.num_rows();
        let left = self.left.evaluate(batch)?.into_array(rows)?;
        let left = as_boolean_array(&left)?;
        let open = self.open(left);
        let asked = open.true_count();
        if asked == 0 {
            return Ok(ColumnarValue::Array(Arc::new(left.clone())));
        }
        let right = if asked == rows {
            self.right.evaluate(batch)?.into_array(rows)?
        } else {
            let few = filter_record_batch(&batch.project(&self.reads)?, &open)?;
            scatter(&open, &self.narrow.evaluate(&few)?.into_array(asked)?)?
        };
        // Where `right` was not asked it is null, which changes nothing there.
        let right = as_boolean_array(&right)?;
        let both = if self.and {
            and_kleene(left, right)
        } else {
            or_kleene(left, right)
        };
        Ok(ColumnarValue::Array(Arc::new(both?)))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.left, &self.right]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        match <[_; 2]>::try_from(children) {
            Ok([left, right]) => Ok(Arc::new(Self::new(self.and, left, right)?)),
            Err(_) => datafusion_common::internal_err!("{} takes two sides", self.word()),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.left.fmt_sql(f)?;
        write!(f, " {} ", self.word())?;
        self.right.fmt_sql(f)
    }
}
