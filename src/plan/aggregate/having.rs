//! What stands above an aggregation and may still ask it for more: HAVING and ORDER BY.
//!
//! ```text
//! SELECT a, count(*) FROM t GROUP BY a HAVING sum(b) > 1 ORDER BY max(b)
//!
//! HAVING    sum(b) is not selected: the aggregation is reopened, computes it and filters by it
//! ORDER BY  max(b) is not selected either: it becomes a hidden column to sort by
//! ```

use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_expr::Expr;

use super::{Aggregation, has_aggregate};
use crate::error::Result;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::{Resolved, Typed, typed_attribute};
use crate::proto as sc;

impl Analyzer {
    /// Resolves HAVING: over the output if that works without aggregates, else over the input. `None` if
    /// the relation is not an open aggregation or the condition needs nothing of it, so that a filter will
    /// do.
    pub(in crate::plan) fn having(
        &mut self,
        relation: &Resolved,
        condition: &sc::Expression,
    ) -> Result<Option<Resolved>> {
        let Some(open) = &relation.aggregation else {
            return Ok(None);
        };
        if self
            .expression(condition, relation)
            .is_ok_and(|typed| !has_aggregate(&typed.expr))
        {
            return Ok(None);
        }
        let mut open = open.as_ref().clone();
        let typed = self.over_input(&open, condition)?;
        let typed = self.as_condition(typed)?;
        let rewritten = self.rewrite(&mut open, typed.expr, &typed.name)?;
        open.having.push(rewritten);
        self.close(open).map(Some)
    }

    /// Computes an ORDER BY expression that the output does not have as a hidden column; `None` if the
    /// relation is not an open aggregation.
    pub(in crate::plan) fn order_beyond(
        &mut self,
        relation: &mut Resolved,
        expression: &sc::Expression,
    ) -> Result<Option<Typed>> {
        let Some(open) = relation.aggregation.clone() else {
            return Ok(None);
        };
        let mut open = *open;
        let typed = self.over_input(&open, expression)?;
        let expr = self.rewrite(&mut open, typed.expr, &typed.name)?;
        let attribute = self.attribute(typed.name, typed.data_type, true);
        open.extras.push((expr, attribute.clone()));
        let tagged = std::mem::take(&mut relation.tagged);
        *relation = self.close(open)?;
        relation.tagged = tagged;
        Ok(Some(typed_attribute(&attribute)))
    }

    /// Resolves an expression over what is aggregated, with the aliases of the select list in sight.
    pub(super) fn over_input(&mut self, open: &Aggregation, expression: &sc::Expression) -> Result<Typed> {
        let aliases: Vec<Typed> = open
            .outputs
            .iter()
            .map(|(expr, a)| {
                // An alias of the select list inside HAVING: put the aggregates back in place of their columns.
                let original = expr.clone().transform(|e| {
                    Ok(match &e {
                        Expr::Column(c) => match open.aggregates.iter().find(|(_, a)| a.id == c.name) {
                            Some((aggregate, _)) => Transformed::yes(aggregate.clone()),
                            None => match open.known.iter().find(|(_, r)| *r == e) {
                                Some((k, _)) => Transformed::yes(k.clone()),
                                None => Transformed::no(e),
                            },
                        },
                        _ => Transformed::no(e),
                    })
                });
                let expr = original.map_or_else(|_| expr.clone(), |t| t.data);
                Typed::new(expr, a.data_type.clone(), a.name.clone())
            })
            .collect();
        let outside = std::mem::replace(&mut self.lateral, aliases);
        let typed = self.expression(expression, &open.input);
        self.lateral = outside;
        typed
    }
}
