//! Relations without an input: inline tables (`VALUES`) and functions that stand as tables.

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion_expr::{Expr, LogicalPlanBuilder};

use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::names::Names;
use crate::plan::scope::{Resolved, Typed};
use crate::plan::sql::marker::SqlForm;
use crate::plan::{cast_expr, coercion, extract, functions};
use crate::proto as sc;

impl Analyzer {
    /// Resolves a function as a table: `range`, `explode` and its kin over constants, and the rows of
    /// `VALUES`.
    ///
    /// # Errors
    /// If no generator has that name, `UNRESOLVABLE_TABLE_VALUED_FUNCTION`; if `range` has other than 1 to
    /// 4 arguments, `WRONG_NUM_ARGS`.
    pub(super) fn table_function(
        &mut self,
        call: &sc::UnresolvedTableValuedFunction,
        form: SqlForm,
    ) -> Result<Resolved> {
        let name = call.function_name.to_ascii_lowercase();
        let empty = Resolved::new(LogicalPlanBuilder::empty(true).build()?, vec![], false);
        let mut args = Vec::new();
        for argument in &call.arguments {
            args.push(self.expression(argument, &empty)?);
        }
        if form == SqlForm::Values {
            return self.values(args);
        }
        if name == "range" {
            let longs = args
                .iter()
                .map(|t| match t.literal().map(|v| v.cast_to(&DataType::Int64)) {
                    Some(Ok(ScalarValue::Int64(Some(n)))) => Ok(n),
                    _ => Err(SparkError::analysis(
                        "UNEXPECTED_INPUT_TYPE",
                        "42K09",
                        format!("The argument {} of range is not an integer literal.", t.name),
                    )),
                });
            let longs = longs.collect::<Result<Vec<_>>>()?;
            return match longs[..] {
                [end] => self.range(0, end, 1, None),
                [start, end] => self.range(start, end, 1, None),
                [start, end, step] => self.range(start, end, step, None),
                [start, end, step, parts] => self.range(start, end, step, i32::try_from(parts).ok()),
                _ => Err(SparkError::analysis(
                    "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                    "42605",
                    "range takes 1 to 4 arguments.",
                )),
            };
        }
        let context = functions::Context {
            mode: self.mode(),
            zone: self.zone,
            now_us: self.now_us,
            conf: &self.conf,
        };
        let generator = functions::call(&context, &name, args, false)?
            .and_then(|t| t.generator)
            .ok_or_else(|| {
                SparkError::analysis(
                    "UNRESOLVABLE_TABLE_VALUED_FUNCTION",
                    "42883",
                    format!("Could not resolve `{name}` to a table-valued function."),
                )
            })?;
        let (mut relation, made) = self.generate(empty, &generator)?;
        relation.output = made;
        Ok(relation)
    }

    /// Resolves inline tables: rows as structs, columns `col1`, `col2`, … widened over the rows.
    ///
    /// # Errors
    /// If rows differ in length or types have nothing in common, `INVALID_INLINE_TABLE.*`.
    pub(super) fn values(&mut self, rows: Vec<Typed>) -> Result<Resolved> {
        for row in &rows {
            check_no_subquery(&row.expr)?;
        }
        let mut cells: Vec<Vec<Typed>> = Vec::new();
        for row in rows {
            let DataType::Struct(fields) = row.data_type.clone() else {
                return Err(SparkError::invalid_plan("a row of VALUES is not a struct"));
            };
            cells.push(
                fields
                    .iter()
                    .map(|f| extract::fields(row.clone(), std::slice::from_ref(f.name()), Names::Exact))
                    .collect::<Result<_>>()?,
            );
        }
        let width = cells.first().map_or(0, Vec::len);
        if width == 0 {
            return Err(SparkError::invalid_plan("VALUES has no rows, or rows without columns"));
        }
        if cells.iter().any(|r| r.len() != width) {
            return Err(SparkError::analysis(
                "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
                "42000",
                "Invalid inline table: the rows differ in their number of columns.",
            ));
        }
        let mut output = Vec::new();
        for column in 0..width {
            let common =
                coercion::common(cells.iter().map(|r| &r[column].data_type), self.conf.ansi()).ok_or_else(|| {
                    SparkError::analysis(
                        "INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE",
                        "42000",
                        format!(
                            "Invalid inline table: incompatible types found in column `col{}`.",
                            column + 1
                        ),
                    )
                })?;
            output.push(self.attribute(format!("col{}", column + 1), common, true));
        }
        let mut table = Vec::new();
        for row in cells {
            let row = row
                .into_iter()
                .zip(&output)
                .map(|(cell, a)| Ok(cast_expr::cast(cell, &a.data_type, self.mode(), self.zone)?.expr));
            table.push(row.collect::<Result<Vec<Expr>>>()?);
        }
        let plan = LogicalPlanBuilder::values(table)?.build()?;
        let columns: Vec<_> = plan
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .zip(&output)
            .collect();
        let plan = self.project(plan, columns)?;
        Ok(Resolved::new(plan, output, false))
    }
}

/// Checks that a row of `VALUES` has no subquery in it.
///
/// # Errors
/// `UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.*`, by the kind of subquery.
fn check_no_subquery(row: &Expr) -> Result<()> {
    let mut found = None;
    row.apply(|e| {
        found = match e {
            Expr::ScalarSubquery(_) => Some(("SCALAR_SUBQUERY_IN_VALUES", "Scalar subqueries in the VALUES clause.")),
            Expr::Exists(_) | Expr::InSubquery(_) => Some((
                "UNSUPPORTED_IN_EXISTS_SUBQUERY",
                "IN/EXISTS predicate subqueries can only be used in a Filter.",
            )),
            _ => None,
        };
        Ok(if found.is_some() {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    })?;
    match found {
        Some((category, what)) => Err(SparkError::analysis(
            &format!("UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.{category}"),
            "0A000",
            format!("Unsupported subquery expression: {what}"),
        )),
        None => Ok(()),
    }
}
