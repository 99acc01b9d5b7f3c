//! The same rows under other columns: aliases, names, dropped columns, `to(schema)`, unpivot.
//!
//! But for `to(schema)` and unpivot, nothing is computed here: the plan stays, and the relation's
//! output says what is seen of it.

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::{Expr, LogicalPlanBuilder};

use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::expression::unresolved_column;
use crate::plan::scope::{Attribute, Resolved, Typed, typed_attribute};
use crate::plan::sql::marker::SqlForm;
use crate::plan::{cast_expr, coercion, type_message};
use crate::proto as sc;
use crate::values::types;

impl Analyzer {
    /// Leaves out columns; a name that the relation lacks does nothing, as in Spark.
    ///
    /// # Errors
    /// If an expression means several columns, or one of a DataFrame that is not below.
    pub(super) fn drop_columns(&mut self, node: &sc::Drop) -> Result<Resolved> {
        let mut input = self.input(node.input.as_deref())?;
        let mut gone: Vec<String> = Vec::new();
        for column in &node.columns {
            match self.expression(column, &input) {
                Ok(typed) => gone.extend(typed.attribute.map(|a| a.id)),
                Err(error)
                    if error
                        .condition
                        .as_deref()
                        .is_some_and(|c| c.starts_with("UNRESOLVED_COLUMN")) => {}
                Err(error) => return Err(error),
            }
        }
        for name in &node.column_names {
            gone.extend(self.names().all(&input, name).map(|a| a.id.clone()));
        }
        let (gone, left) = std::mem::take(&mut input.output)
            .into_iter()
            .partition(|a| gone.contains(&a.id));
        (input.below, input.output) = (gone, left);
        input.aggregation = None;
        Ok(input)
    }

    /// Turns columns into rows: per input row and value column one row, with the column's name and its
    /// value.
    ///
    /// Rows whose value is null stay. The values are cast to their common type. The input is read once per
    /// value column.
    ///
    /// # Errors
    /// If there is no such type, `UNPIVOT_VALUE_DATA_TYPE_MISMATCH`.
    pub(super) fn unpivot(&mut self, node: &sc::Unpivot, form: SqlForm) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let ids = node
            .ids
            .iter()
            .map(|e| self.expression(e, &input))
            .collect::<Result<Vec<_>>>()?;
        let values = match &node.values {
            Some(values) => values
                .values
                .iter()
                .map(|e| self.expression(e, &input))
                .collect::<Result<Vec<_>>>()?,
            None => input
                .output
                .iter()
                .filter(|a| ids.iter().all(|i| i.attribute.as_ref().is_none_or(|x| x.id != a.id)))
                .map(typed_attribute)
                .collect(),
        };
        let ids = if form == SqlForm::Unpivot {
            input
                .output
                .iter()
                .filter(|a| values.iter().all(|v| v.attribute.as_ref().is_none_or(|x| x.id != a.id)))
                .map(typed_attribute)
                .collect()
        } else {
            ids
        };
        let is_text = |v: &Typed| types::is_string(&v.data_type);
        let is_other = |v: &Typed| !types::is_string(&v.data_type) && !v.data_type.is_null();
        let common = coercion::common(values.iter().map(|v| &v.data_type), self.conf.ansi())
            .filter(|_| !(values.is_empty() || values.iter().any(is_text) && values.iter().any(is_other)))
            .ok_or_else(|| {
                let type_of = |v: &Typed| format!("\"{}\" (`{}`)", types::sql_name(&v.data_type), v.name);
                let all: Vec<String> = values.iter().map(type_of).collect();
                let all = format!("[{}]", all.join(", "));
                SparkError::analysis(
                    "UNPIVOT_VALUE_DATA_TYPE_MISMATCH",
                    "42K09",
                    format!("Unpivot value columns must share a least common type, some types do not: {all}."),
                )
                .with("types", all)
            })?;
        let mut output: Vec<Attribute> = ids
            .iter()
            .map(|t| self.attribute(t.column_name(), t.data_type.clone(), true))
            .collect();
        output.push(self.attribute(node.variable_column_name.clone(), DataType::Utf8, false));
        output.push(self.attribute(node.value_column_name.clone(), common.clone(), true));
        let mut builder: Option<LogicalPlanBuilder> = None;
        for value in values {
            let label = Expr::Literal(ScalarValue::Utf8(Some(value.name.clone())), None);
            let value = cast_expr::cast(value, &common, self.mode(), self.zone)?;
            let exprs: Vec<Expr> = ids.iter().map(|t| t.expr.clone()).chain([label, value.expr]).collect();
            let branch = self.project(input.plan.clone(), exprs.into_iter().zip(&output).collect())?;
            builder = Some(match builder {
                None => LogicalPlanBuilder::from(branch),
                Some(b) => b.union(branch)?,
            });
        }
        let plan = builder
            .ok_or_else(|| SparkError::invalid_plan("unpivot has no values"))?
            .build()?;
        // The first columns are those of the input, under new ids.
        let kept = |a: &Attribute| {
            let at = ids
                .iter()
                .position(|t| t.attribute.as_ref().is_some_and(|of| of.id == a.id))?;
            Some(output[at].clone())
        };
        let tagged = input
            .tagged
            .iter()
            .map(|(id, columns)| (*id, columns.iter().filter_map(kept).collect()))
            .collect();
        let mut resolved = Resolved::new(plan, output.clone(), input.streaming);
        resolved.tagged = tagged;
        Ok(resolved)
    }

    /// Resolves `DataFrame.to(schema)`: the schema's columns by name, in its order, cast to its types;
    /// other columns are left out.
    ///
    /// # Errors
    /// If a column is missing that may not be null, `UNRESOLVED_COLUMN`; a missing one that may is null.
    pub(super) fn conformed(&mut self, node: &sc::ToSchema) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let schema = node
            .schema
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("`to` has no schema"))?;
        let DataType::Struct(fields) = type_message::from_proto(schema)? else {
            return Err(SparkError::invalid_plan("`to` needs a struct"));
        };
        let mut items = Vec::new();
        for field in &fields {
            let found = self.names().column(&input, field.name());
            let typed = match found {
                Some(found) => cast_expr::cast(typed_attribute(found), field.data_type(), self.mode(), self.zone)?,
                None if field.is_nullable() => Typed::new(
                    Expr::Literal(ScalarValue::try_from(field.data_type())?, None),
                    field.data_type().clone(),
                    field.name(),
                ),
                None => return Err(unresolved_column(&types::quote_if_needed(field.name()), &input)),
            };
            items.push(Typed {
                name: field.name().clone(),
                named: true,
                ..typed
            });
        }
        self.select_typed(input, items)
    }

    /// Puts an alias in front of every column; names below it are out of sight.
    pub(super) fn aliased(&mut self, node: &sc::SubqueryAlias) -> Result<Resolved> {
        let mut input = self.input(node.input.as_deref())?;
        for attribute in &mut input.output {
            attribute.qualifier = node.qualifier.iter().cloned().chain([node.alias.clone()]).collect();
        }
        input.hidden.clear();
        input.aggregation = None;
        Ok(input)
    }

    /// Names all columns anew.
    ///
    /// # Errors
    /// If there are more or fewer names than columns, `ASSIGNMENT_ARITY_MISMATCH`.
    pub(super) fn renamed_all(&mut self, node: &sc::ToDf) -> Result<Resolved> {
        let mut input = self.input(node.input.as_deref())?;
        if input.output.len() != node.column_names.len() {
            let (names, columns) = (node.column_names.len(), input.output.len());
            return Err(SparkError::analysis(
                "ASSIGNMENT_ARITY_MISMATCH",
                "42802",
                format!(
                    "The number of columns or variables assigned or aliased: {columns} does not match the number of source expressions: {names}."
                ),
            )
            .with("numTarget", columns.to_string())
            .with("numExpr", names.to_string()));
        }
        input.below.extend(input.output.iter().cloned());
        for (attribute, name) in input.output.iter_mut().zip(&node.column_names) {
            attribute.name.clone_from(name);
        }
        input.aggregation = None;
        Ok(input)
    }

    /// Renames the columns that exist, one after the other; other names do nothing.
    pub(super) fn with_columns_renamed(&mut self, node: &sc::WithColumnsRenamed) -> Result<Resolved> {
        let mut input = self.input(node.input.as_deref())?;
        let mut renames: Vec<(String, String)> = node
            .renames
            .iter()
            .map(|r| (r.col_name.clone(), r.new_col_name.clone()))
            .collect();
        renames.extend(node.rename_columns_map.iter().map(|(a, b)| (a.clone(), b.clone())));
        let names = self.names();
        input.below.extend(input.output.iter().cloned());
        for (from, to) in renames {
            for attribute in input.output.iter_mut().filter(|a| names.same(&a.name, &from)) {
                attribute.name.clone_from(&to);
            }
        }
        input.aggregation = None;
        Ok(input)
    }
}
