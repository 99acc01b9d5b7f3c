//! What may name an aggregation besides its own list: grouping by alias and position, HAVING, ORDER BY.

use super::has_aggregate;
use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::resolve::{ordinal, typed_attribute};
use crate::plan::scope::{Resolved, Typed};
use crate::proto::expression::ExprType;
use crate::{proto as sc, settings};

impl Analyzer {
    /// GROUP BY resolves against the input, then against aliases of the select list, then as an ordinal.
    pub(in crate::plan) fn grouping_expression(
        &mut self,
        expression: &sc::Expression,
        node: &sc::Aggregate,
        input: &Resolved,
    ) -> Result<Typed> {
        if let Some(position) = ordinal(expression)
            && self.conf.flag(&settings::GROUP_BY_ORDINAL)
        {
            let index = usize::try_from(position - 1)
                .ok()
                .filter(|i| *i < node.aggregate_expressions.len());
            let Some(index) = index else {
                return Err(SparkError::analysis(
                    "GROUP_BY_POS_OUT_OF_RANGE",
                    "42805",
                    format!(
                        "GROUP BY position {position} is not in select list (valid range is [1, {}]).",
                        node.aggregate_expressions.len()
                    ),
                ));
            };
            return self.expression(&node.aggregate_expressions[index], input);
        }
        match self.expression(expression, input) {
            Ok(typed) if has_aggregate(&typed.expr) => Err(SparkError::analysis(
                "GROUP_BY_AGGREGATE",
                "42903",
                format!(
                    "Aggregate functions are not allowed in GROUP BY, but found {}.",
                    typed.name
                ),
            )),
            Ok(typed) => Ok(typed),
            Err(error) => {
                let Some(ExprType::UnresolvedAttribute(attribute)) = &expression.expr_type else {
                    return Err(error);
                };
                for item in &node.aggregate_expressions {
                    if let Some(ExprType::Alias(alias)) = &item.expr_type
                        && alias.name.len() == 1
                        && self
                            .names()
                            .same(&alias.name[0], attribute.unparsed_identifier.trim_matches('`'))
                    {
                        return self.expression(item, input);
                    }
                }
                Err(error)
            }
        }
    }

    /// HAVING: over the output where that resolves without aggregates, else over the input.
    pub(in crate::plan) fn having(
        &mut self,
        relation: &Resolved,
        condition: &sc::Expression,
    ) -> Result<Option<Resolved>> {
        let Some(open) = &relation.aggregation else {
            return Ok(None);
        };
        let over_output = self.expression(condition, relation);
        if matches!(&over_output, Ok(typed) if !has_aggregate(&typed.expr)) {
            return Ok(None);
        }
        let mut open = open.as_ref().clone();
        let Some(typed) = self.over_input(&open, condition) else {
            return Err(over_output
                .err()
                .unwrap_or_else(|| SparkError::internal("a HAVING condition is lost")));
        };
        let typed = self.as_condition(typed?)?;
        let rewritten = self.rewrite(&mut open, typed.expr, &typed.name)?;
        open.having.push(rewritten);
        self.close(open).map(Some)
    }

    /// An ORDER BY expression that the output does not have: computed as a hidden column.
    pub(in crate::plan) fn order_beyond(
        &mut self,
        relation: &mut Resolved,
        expression: &sc::Expression,
    ) -> Result<Option<Typed>> {
        let Some(open) = relation.aggregation.clone() else {
            return Ok(None);
        };
        let mut open = *open;
        let Some(typed) = self.over_input(&open, expression) else {
            return Ok(None);
        };
        let typed = typed?;
        let expr = self.rewrite(&mut open, typed.expr, &typed.name)?;
        let attribute = self.attribute(typed.name, typed.data_type, true);
        open.extras.push((expr, attribute.clone()));
        let tagged = std::mem::take(&mut relation.tagged);
        *relation = self.close(open)?;
        relation.tagged = tagged;
        Ok(Some(typed_attribute(&attribute)))
    }
}
