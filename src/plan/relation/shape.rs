//! Relations that change which columns and rows there are: deduplication, dropped columns, unpivot, `to`, samples, partitions.

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::{Expr, LogicalPlanBuilder};

use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::nodes::{self, Deduplicate, Repartition};
use crate::plan::resolve::{typed_attribute, unresolved_column};
use crate::plan::scope::{Attribute, Resolved, Typed};
use crate::plan::sql::marker::SqlForm;
use crate::plan::{cast_expr, coercion, type_message};
use crate::proto as sc;
use crate::values::types;

impl Analyzer {
    pub(super) fn deduplicate(&mut self, node: &sc::Deduplicate) -> Result<Resolved> {
        let mut input = self.input(node.input.as_deref())?;
        input.hidden.clear();
        let within_watermark = node.within_watermark();
        if within_watermark && !input.streaming {
            return Err(SparkError::analysis(
                "_LEGACY_ERROR_TEMP_3102",
                "",
                "dropDuplicatesWithinWatermark is not supported with batch DataFrames/DataSets;",
            ));
        }
        let keys: Vec<Attribute> = if node.all_columns_as_keys() || node.column_names.is_empty() {
            input.output.clone()
        } else {
            let names = self.names();
            let keys = node.column_names.iter().map(|name| names.field(&input, name).cloned());
            keys.collect::<Result<Vec<_>>>()?
        };
        let plan = self.exactly(&input)?;
        if input.streaming {
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
        let plan = LogicalPlanBuilder::from(plan).aggregate(groups, others)?.build()?;
        Ok(input.over(plan))
    }

    pub(super) fn drop_columns(&mut self, node: &sc::Drop) -> Result<Resolved> {
        let mut input = self.input(node.input.as_deref())?;
        let mut gone: Vec<String> = Vec::new();
        for column in &node.columns {
            if let Ok(typed) = self.expression(column, &input)
                && let Some(attribute) = typed.attribute
            {
                gone.push(attribute.id);
            }
        }
        for name in &node.column_names {
            gone.extend(self.names().all(&input, name).map(|a| a.id.clone()));
        }
        input.output.retain(|a| !gone.contains(&a.id));
        input.aggregation = None;
        Ok(input)
    }

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
        let common = coercion::common(values.iter().map(|v| &v.data_type), self.conf.ansi())
            .filter(|_| !values.is_empty())
            .ok_or_else(|| {
                SparkError::analysis(
                    "UNPIVOT_VALUE_DATA_TYPE_MISMATCH",
                    "42K09",
                    "Unpivot value columns must share a least common type, some types do not.",
                )
            })?;
        let mut output: Vec<Attribute> = ids
            .iter()
            .map(|t| self.attribute(t.name.clone(), t.data_type.clone(), true))
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
        Ok(Resolved::new(plan, output, input.streaming))
    }

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

    pub(super) fn repartitioned(
        &mut self,
        input: Resolved,
        keys: Vec<Expr>,
        partitions: Option<usize>,
    ) -> Result<Resolved> {
        let partitions = partitions
            .filter(|n| *n > 0)
            .unwrap_or_else(|| self.conf.shuffle_partitions());
        let plan = nodes::plan(Repartition { keys, partitions }, input.plan.clone())?;
        Ok(input.over(plan))
    }

    pub(super) fn sample(&mut self, node: &sc::Sample) -> Result<Resolved> {
        if node.with_replacement() {
            return Err(SparkError::unsupported("sampling with replacement"));
        }
        let input = self.input(node.input.as_deref())?;
        let draw = crate::plan::functions::random::uniform(node.seed.unwrap_or(42));
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
}
