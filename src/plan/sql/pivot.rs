//! `PIVOT` and `UNPIVOT`.

use sc::aggregate::{GroupType, Pivot};
use sc::expression::literal::{LiteralType, Struct};
use sc::expression::{ExprType, Literal};
use sc::relation::RelType;
use sqlparser::ast::{Expr, ExprWithAlias, Ident, NullInclusion, PivotValueSource};

use super::error::SqlError;
use super::expression::null_literal;
use super::lowering::{Lowering, ident};
use super::marker::{Marker, SqlForm};
use super::message::{alias, attribute, bare_literal, call, expression, filter, marked_relation, string};
use crate::proto as sc;

impl Lowering {
    /// Turns `PIVOT (aggregates FOR columns IN (values))` into an `Aggregate` marked [`SqlForm::Pivot`].
    ///
    /// Several columns are one struct, and their values structs of literals. Names given to values, for
    /// which the protocol has no place, come as a call of [`Marker::PivotNames`] in the grouping
    /// expressions.
    ///
    /// # Errors
    /// If the values are not literals in a list, `UNSUPPORTED_FEATURE.*`.
    pub fn pivot(
        &mut self,
        input: sc::Relation,
        aggregates: &[ExprWithAlias],
        columns: &[Expr],
        source: &PivotValueSource,
    ) -> Result<sc::Relation, SqlError> {
        let PivotValueSource::List(listed) = source else {
            return Err(SqlError::unsupported("CLAUSE", "PIVOT without a list of values"));
        };
        let aggregate_expressions = aggregates
            .iter()
            .map(|item| self.with_alias(item))
            .collect::<Result<_, _>>()?;
        let mut columns = self.expressions(columns)?;
        let column = if columns.len() == 1 {
            columns.remove(0)
        } else {
            call("struct", columns)
        };
        let values = listed
            .iter()
            .map(|value| self.pivot_value(&value.expr))
            .collect::<Result<_, _>>()?;
        let mut grouping_expressions = vec![];
        if listed.iter().any(|value| value.alias.is_some()) {
            let names = listed.iter().map(|value| match &value.alias {
                Some(name) => Ok(string(ident(name)?)),
                None => Ok(expression(ExprType::Literal(null_literal()))),
            });
            grouping_expressions.push(Marker::PivotNames.call(names.collect::<Result<_, SqlError>>()?));
        }
        let aggregate = sc::Aggregate {
            input: Some(Box::new(input)),
            group_type: GroupType::Pivot as i32,
            grouping_expressions,
            aggregate_expressions,
            pivot: Some(Pivot {
                col: Some(column),
                values,
            }),
            grouping_sets: vec![],
        };
        Ok(marked_relation(RelType::Aggregate(Box::new(aggregate)), SqlForm::Pivot))
    }

    /// Returns an expression and its alias, if it has one.
    fn with_alias(&mut self, item: &ExprWithAlias) -> Result<sc::Expression, SqlError> {
        let lowered = self.expression(&item.expr)?;
        match &item.alias {
            Some(name) => Ok(alias(lowered, vec![ident(name)?])),
            None => Ok(lowered),
        }
    }

    /// Returns the constant of one value, or of several in parentheses.
    ///
    /// # Errors
    /// If it is not a literal, `UNSUPPORTED_FEATURE.PIVOT_VALUE`.
    fn pivot_value(&mut self, value: &Expr) -> Result<Literal, SqlError> {
        if let Expr::Tuple(items) = value {
            let elements = items
                .iter()
                .map(|item| self.pivot_value(item))
                .collect::<Result<_, _>>()?;
            return Ok(bare_literal(LiteralType::Struct(Struct {
                elements,
                ..Default::default()
            })));
        }
        match self.expression(value)?.expr_type {
            Some(ExprType::Literal(literal)) => Ok(literal),
            _ => Err(SqlError::unsupported(
                "PIVOT_VALUE",
                "a PIVOT value that is not a literal",
            )),
        }
    }

    /// Turns `UNPIVOT (value FOR name IN (columns))` into an `Unpivot` marked [`SqlForm::Unpivot`]. Nulls
    /// are left out unless they are included on purpose.
    ///
    /// # Errors
    /// If it makes several value columns, `UNSUPPORTED_FEATURE.CLAUSE`.
    pub fn unpivot(
        &mut self,
        input: sc::Relation,
        value: &Expr,
        name: &Ident,
        columns: &[ExprWithAlias],
        nulls: Option<&NullInclusion>,
    ) -> Result<sc::Relation, SqlError> {
        let Expr::Identifier(value) = value else {
            return Err(SqlError::unsupported("CLAUSE", "UNPIVOT to several value columns"));
        };
        let value = ident(value)?;
        let values = columns
            .iter()
            .map(|column| self.with_alias(column))
            .collect::<Result<_, _>>()?;
        let unpivot = sc::Unpivot {
            input: Some(Box::new(input)),
            ids: vec![],
            values: Some(sc::unpivot::Values { values }),
            variable_column_name: ident(name)?,
            value_column_name: value.clone(),
        };
        let unpivoted = marked_relation(RelType::Unpivot(Box::new(unpivot)), SqlForm::Unpivot);
        match nulls {
            Some(NullInclusion::IncludeNulls) => Ok(unpivoted),
            _ => Ok(filter(unpivoted, call("isnotnull", vec![attribute(&[value])]))),
        }
    }
}
