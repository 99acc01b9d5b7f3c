//! Nulls: `na.fill`, `na.drop`, `na.replace` (Spark's `DataFrameNaFunctions`).
//!
//! ```text
//! a INT, b STRING    fill(0): nulls of a    fill('x'): nulls of b    drop(thresh=1): rows with a value
//!                    replace(1, 2): 1 in a
//! ```
//!
//! NaN of FLOAT and DOUBLE counts as missing in `fill` and `drop`, as in Spark.

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::{Expr, LogicalPlanBuilder};

use crate::error::Result;
use crate::plan::analyzer::Analyzer;
use crate::plan::comparison;
use crate::plan::functions::number::math;
use crate::plan::scope::{Attribute, Resolved, Typed, typed_attribute};
use crate::plan::{cast_expr, literal};
use crate::proto as sc;
use crate::values::types;
use datafusion_expr::Operator;

/// Returns whether a FLOAT or DOUBLE is NaN; false for null.
fn is_nan(value: Expr) -> Expr {
    math::is_nan(datafusion_expr::cast(value, DataType::Float64))
}

impl Analyzer {
    /// Resolves `na.fill`: nulls become a value, in the columns whose type fits the value: numbers for
    /// numbers, strings for strings.
    ///
    /// Without columns it fills all that fit. A column named takes the value of its own, or the only one.
    /// NaN is filled as null is.
    ///
    /// # Errors
    /// If the relation lacks a name, `UNRESOLVED_COLUMN`.
    pub(super) fn fill_na(&mut self, node: &sc::NaFill) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let values = node.values.iter().map(literal::resolve).collect::<Result<Vec<_>>>()?;
        let (chosen, mut items) = (self.chosen(&node.cols, &input)?, Vec::new());
        for attribute in &input.output {
            let at = chosen.iter().position(|a| a.id == attribute.id);
            let value = match (&node.cols[..], at) {
                ([], _) => values.first(),
                (_, Some(i)) => values.get(i).or_else(|| values.first().filter(|_| values.len() == 1)),
                (_, None) => None,
            };
            // Values of several columns are cast to what those are.
            let fits = |v: &Typed| {
                values.len() > 1
                    || types::is_numeric(&v.data_type) && types::is_numeric(&attribute.data_type)
                    || types::is_string(&v.data_type) && types::is_string(&attribute.data_type)
                    || v.data_type == attribute.data_type
            };
            let typed = typed_attribute(attribute);
            items.push(match value.filter(|v| fits(v)) {
                Some(value) => {
                    let value = cast_expr::cast(value.clone(), &attribute.data_type, self.mode(), self.zone)?;
                    let given = if attribute.data_type.is_floating() {
                        let null = ScalarValue::try_from(&attribute.data_type)?;
                        let nan = (
                            Box::new(is_nan(typed.expr.clone())),
                            Box::new(Expr::Literal(null, None)),
                        );
                        Expr::Case(datafusion_expr::Case::new(None, vec![nan], Some(Box::new(typed.expr))))
                    } else {
                        typed.expr
                    };
                    let expr = datafusion_functions::core::coalesce().call(vec![given, value.expr]);
                    let mut filled = Typed::new(expr, attribute.data_type.clone(), attribute.name.clone());
                    filled.named = true;
                    filled
                }
                None => typed,
            });
        }
        self.select_typed(input, items)
    }

    /// Returns the column per name, under the name as written. Splits names at dots outside back-quotes; skips names of fields
    /// within columns.
    ///
    /// # Errors
    /// If no column has a name, `UNRESOLVED_COLUMN`; if several have it, `AMBIGUOUS_REFERENCE`.
    fn chosen(&mut self, names: &[String], input: &Resolved) -> Result<Vec<Attribute>> {
        let mut chosen = vec![];
        for name in names {
            let typed = self.name(name, None, input)?;
            let written = typed.name;
            chosen.extend(typed.attribute.map(|a| Attribute { name: written, ..a }));
        }
        Ok(chosen)
    }

    /// Resolves `na.drop`: keeps the rows with at least `min_non_nulls` values among the columns; by
    /// default, with no null at all.
    ///
    /// # Errors
    /// If the relation lacks a name, `UNRESOLVED_COLUMN`.
    pub(super) fn drop_na(&mut self, node: &sc::NaDrop) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let (chosen, all) = (self.chosen(&node.cols, &input)?, node.cols.is_empty());
        let columns = input.output.iter();
        let columns: Vec<&Attribute> = columns.filter(|a| all || chosen.iter().any(|c| c.id == a.id)).collect();
        let least = node.min_non_nulls.map_or(columns.len() as i64, i64::from);
        let present = |a: &&Attribute| match &a.data_type {
            t if t.is_floating() => a.column().is_not_null().and(!is_nan(a.column())),
            _ => a.column().is_not_null(),
        };
        let one = |a: &&Attribute| datafusion_expr::cast(present(a), DataType::Int64);
        let Some(total) = columns.iter().map(one).reduce(|a, b| a + b) else {
            return Ok(input);
        };
        let condition = total.gt_eq(Expr::Literal(ScalarValue::Int64(Some(least)), None));
        let plan = LogicalPlanBuilder::from(input.plan.clone())
            .filter(condition)?
            .build()?;
        Ok(input.over(plan))
    }

    /// Resolves `na.replace`: exchanges values, in the columns whose type fits; numbers are compared as the
    /// column's own type.
    ///
    /// # Errors
    /// If the relation lacks a name, `UNRESOLVED_COLUMN`.
    pub(super) fn replace(&mut self, node: &sc::NaReplace) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let (found, mut items) = (self.chosen(&node.cols, &input)?, Vec::new());
        for attribute in &input.output {
            // Spark finds the columns by the session's rule and then compares letter by letter (`DataFrameNaFunctions`).
            let is_it = |a: &Attribute| a.id == attribute.id && a.name == attribute.name;
            let chosen = node.cols.is_empty() || found.iter().any(is_it);
            let typed = typed_attribute(attribute);
            let mut cases = Vec::new();
            for replacement in node.replacements.iter().filter(|_| chosen) {
                let (Some(old), Some(new)) = (&replacement.old_value, &replacement.new_value) else {
                    continue;
                };
                let (old, new) = (literal::resolve(old)?, literal::resolve(new)?);
                let fits = types::is_numeric(&old.data_type) && types::is_numeric(&attribute.data_type)
                    || old.data_type == attribute.data_type;
                if fits {
                    let old = cast_expr::cast(old, &attribute.data_type, self.mode(), self.zone)?;
                    let new = cast_expr::cast(new, &attribute.data_type, self.mode(), self.zone)?;
                    cases.push((
                        Box::new(comparison::compare(
                            Operator::Eq,
                            typed.expr.clone(),
                            old.expr,
                            &attribute.data_type,
                        )),
                        Box::new(new.expr),
                    ));
                }
            }
            items.push(if cases.is_empty() {
                typed
            } else {
                let expr = Expr::Case(datafusion_expr::Case::new(None, cases, Some(Box::new(typed.expr))));
                let mut replaced = Typed::new(expr, attribute.data_type.clone(), attribute.name.clone());
                replaced.named = true;
                replaced
            });
        }
        self.select_typed(input, items)
    }
}
