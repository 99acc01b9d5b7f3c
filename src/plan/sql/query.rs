//! Queries: `WITH`, set operations, `ORDER BY`, `LIMIT`, `OFFSET`, inline tables.
//!
//! A query's clauses wrap its body from the inside out: `ORDER BY`, then `OFFSET`, then `LIMIT`. Its
//! `WITH` tables are in scope for all of it and for nothing else.

use memchr::memmem;
use prost::Message;
use sc::expression::{ExprType, SortOrder, literal::LiteralType};
use sc::relation::RelType;
use sc::set_operation::SetOpType;
use sqlparser::ast::{
    Expr, LimitClause, OrderBy, OrderByKind, Query, SetExpr, SetOperator, SetQuantifier, Values, With,
};

use super::error::SqlError;
use super::from::read;
use super::lowering::{Cte, Lowering, ident};
use super::marker::{Marker, SqlForm};
use super::message::{call, marked_relation, relation, string, to_df};
use super::window::sort_order_of;
use crate::proto as sc;

impl Lowering {
    /// Turns a query with all its clauses into a relation.
    ///
    /// # Errors
    /// If it has a clause that Spark lacks, `UNSUPPORTED_FEATURE.CLAUSE`, and those of its parts.
    pub fn query(&mut self, query: &Query) -> Result<sc::Relation, SqlError> {
        refuse(query.fetch.is_some(), "FETCH")?;
        refuse(!query.locks.is_empty() || query.for_clause.is_some(), "FOR")?;
        refuse(query.settings.is_some() || query.format_clause.is_some(), "SETTINGS")?;
        refuse(!query.pipe_operators.is_empty(), "|>")?;
        let depth = self.ctes.len();
        if let Some(with) = &query.with {
            self.push_ctes(with)?;
        }
        let lowered = self.organized(query);
        self.ctes.truncate(depth);
        lowered
    }

    /// Turns a query's body into a relation, with its named windows in scope for what orders and cuts its
    /// rows.
    fn organized(&mut self, query: &Query) -> Result<sc::Relation, SqlError> {
        match query.body.as_ref() {
            SetExpr::Select(select) => {
                self.push_windows(&select.named_window)?;
                let lowered = self.select(select).and_then(|body| self.organization(query, body));
                self.windows.pop();
                lowered
            }
            body => {
                let body = self.set_expr(body)?;
                self.organization(query, body)
            }
        }
    }

    /// Adds `ORDER BY`, then `OFFSET`, then `LIMIT`.
    fn organization(&mut self, query: &Query, body: sc::Relation) -> Result<sc::Relation, SqlError> {
        let mut lowered = match &query.order_by {
            Some(order_by) => sort(body, self.order_by(order_by)?, true),
            None => body,
        };
        let (limit, offset) = match &query.limit_clause {
            None => (None, None),
            Some(LimitClause::LimitOffset {
                limit,
                offset,
                limit_by,
            }) if limit_by.is_empty() => (limit.as_ref(), offset.as_ref().map(|offset| &offset.value)),
            Some(LimitClause::LimitOffset { .. }) => return refuse(true, "LIMIT BY").map(|()| lowered),
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
        };
        if let Some(offset) = offset {
            let offset = self.row_count(offset)?;
            lowered = relation(RelType::Offset(Box::new(sc::Offset {
                input: Some(Box::new(lowered)),
                offset,
            })));
        }
        if let Some(limit) = limit {
            let limit = self.row_count(limit)?;
            lowered = relation(RelType::Limit(Box::new(sc::Limit {
                input: Some(Box::new(lowered)),
                limit,
            })));
        }
        Ok(lowered)
    }

    /// Returns the keys of ORDER BY, or the mark of `ORDER BY ALL`.
    fn order_by(&mut self, order_by: &OrderBy) -> Result<Vec<SortOrder>, SqlError> {
        match &order_by.kind {
            OrderByKind::Expressions(orders) => self.sort_orders(orders),
            OrderByKind::All(options) => Ok(vec![sort_order_of(Marker::OrderByAll.call(vec![]), options)?]),
        }
    }

    /// Returns a count of rows: a constant that is not negative.
    ///
    /// # Errors
    /// If it is something else, `INVALID_LIMIT_LIKE_EXPRESSION.*`.
    pub fn row_count(&mut self, expr: &Expr) -> Result<i32, SqlError> {
        let invalid = |reason| SqlError::Limit {
            reason,
            expression: format!("\"{expr}\""),
        };
        match self.expression(expr)?.expr_type {
            Some(ExprType::Literal(literal)) => match literal.literal_type {
                Some(LiteralType::Byte(rows) | LiteralType::Short(rows) | LiteralType::Integer(rows)) if rows >= 0 => {
                    Ok(rows)
                }
                Some(LiteralType::Byte(_) | LiteralType::Short(_) | LiteralType::Integer(_)) => {
                    Err(invalid("IS_NEGATIVE"))
                }
                Some(LiteralType::Null(_)) => Err(invalid("IS_NULL")),
                _ => Err(invalid("DATA_TYPE")),
            },
            _ => Err(invalid("IS_UNFOLDABLE")),
        }
    }

    /// Brings the tables of a WITH clause into scope, each of which sees those before it.
    ///
    /// # Errors
    /// If two have the same name, `DUPLICATED_CTE_NAMES`; if one names itself in another place than the right side of a UNION ALL,
    /// `INVALID_RECURSIVE_CTE`.
    fn push_ctes(&mut self, with: &With) -> Result<(), SqlError> {
        let outside = std::mem::take(&mut self.cte_depth);
        let mut deepest = outside;
        self.ctes.push(vec![]);
        for cte in &with.cte_tables {
            let name = ident(&cte.alias.name)?;
            let columns = cte.alias.columns.iter().map(|column| ident(&column.name));
            let columns: Vec<String> = columns.collect::<Result<_, _>>()?;
            let relation = if with.recursive {
                self.recursive(&name, &cte.query, columns)?
            } else {
                named(self.query(&cte.query)?, columns)
            };
            let depth = std::mem::take(&mut self.cte_depth) + 1;
            deepest = deepest.max(depth - 1);
            let Some(scope) = self.ctes.last_mut() else { continue };
            if scope.iter().any(|other| other.name.eq_ignore_ascii_case(&name)) {
                return Err(SqlError::DuplicateCte {
                    names: format!("`{name}`"),
                });
            }
            scope.push(Cte { name, relation, depth });
        }
        self.cte_depth = deepest;
        Ok(())
    }

    /// Turns a table of WITH RECURSIVE into a relation. If it names itself, it is a union of what it begins with and of what makes
    /// rows of those found last, marked as [`SqlForm::Recursive`].
    ///
    /// # Errors
    /// If it names itself elsewhere, `INVALID_RECURSIVE_CTE`; if the union is without ALL, `UNION_NOT_SUPPORTED_IN_RECURSIVE_CTE`.
    fn recursive(&mut self, name: &str, query: &Query, columns: Vec<String>) -> Result<sc::Relation, SqlError> {
        let last = self.fresh_name("recursion");
        let names_itself = |relation: &sc::Relation| memmem::find(&relation.encode_to_vec(), last.as_bytes()).is_some();
        let itself = Cte {
            name: name.to_owned(),
            relation: read(std::slice::from_ref(&last), false),
            depth: 0,
        };
        self.ctes.push(vec![itself]);
        let plain = query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none();
        let lowered = match query.body.as_ref() {
            SetExpr::SetOperation {
                left,
                op: SetOperator::Union,
                set_quantifier,
                right,
            } if plain => self.set_expr(left).and_then(|left| {
                let right = self.set_expr(right)?;
                if names_itself(&left) {
                    return Err(SqlError::RecursiveCte);
                }
                if !names_itself(&right) {
                    let union = set_operation(SetOperator::Union, *set_quantifier, left, right)?;
                    return Ok(named(union, columns));
                }
                if *set_quantifier != SetQuantifier::All {
                    return Err(SqlError::RecursiveUnion);
                }
                let union = set_operation(SetOperator::Union, SetQuantifier::All, named(left, columns), right)?;
                let alias = sc::SubqueryAlias {
                    input: Some(Box::new(union)),
                    alias: last.clone(),
                    qualifier: vec![],
                };
                Ok(marked_relation(
                    RelType::SubqueryAlias(Box::new(alias)),
                    SqlForm::Recursive,
                ))
            }),
            _ => self.query(query).and_then(|query| match names_itself(&query) {
                true => Err(SqlError::RecursiveCte),
                false => Ok(named(query, columns)),
            }),
        };
        self.ctes.pop();
        lowered
    }

    /// Turns a query body into a relation: a select, an inline table, a query in parentheses, or set
    /// operations on them.
    fn set_expr(&mut self, body: &SetExpr) -> Result<sc::Relation, SqlError> {
        // Chains of set operations nest on the left as deep as they are long.
        let mut chain = vec![];
        let mut first = body;
        while let SetExpr::SetOperation {
            left,
            op,
            set_quantifier,
            right,
        } = first
        {
            chain.push((op, set_quantifier, right));
            first = left;
        }
        let mut lowered = match first {
            SetExpr::Select(select) => {
                self.push_windows(&select.named_window)?;
                let lowered = self.select(select);
                self.windows.pop();
                lowered?
            }
            SetExpr::Query(query) => self.query(query)?,
            SetExpr::Values(values) => self.values(values)?,
            SetExpr::Table(table) => {
                let parts = [&table.schema_name, &table.table_name]
                    .into_iter()
                    .flatten()
                    .cloned()
                    .collect();
                self.named_table(parts)?
            }
            _ => return Err(SqlError::unsupported("STATEMENT", "a change of data inside a query")),
        };
        for (op, quantifier, right) in chain.into_iter().rev() {
            let right = self.set_expr(right)?;
            lowered = set_operation(*op, *quantifier, lowered, right)?;
        }
        Ok(lowered)
    }

    /// Returns `VALUES`: the table-valued function [`SqlForm::Values`] of one `named_struct` for each row.
    fn values(&mut self, values: &Values) -> Result<sc::Relation, SqlError> {
        let mut arguments = vec![];
        for row in &values.rows {
            let mut values = vec![];
            for value in &row.content {
                values.push(self.expression(value)?);
            }
            // A row that is one `struct(…)` is that struct's fields.
            if let [only] = &values[..]
                && let Some(ExprType::UnresolvedFunction(made)) = &only.expr_type
                && made.function_name.eq_ignore_ascii_case("struct")
            {
                values = made.arguments.clone();
            }
            let fields = values.into_iter().enumerate();
            let fields = fields.flat_map(|(index, value)| [string(format!("col{}", index + 1)), value]);
            let fields = fields.collect();
            arguments.push(call("named_struct", fields));
        }
        let rows = sc::UnresolvedTableValuedFunction {
            function_name: "values".into(),
            arguments,
        };
        Ok(marked_relation(
            RelType::UnresolvedTableValuedFunction(rows),
            SqlForm::Values,
        ))
    }
}

/// Returns a relation with these names of its columns; without any, as it is.
fn named(relation: sc::Relation, columns: Vec<String>) -> sc::Relation {
    if columns.is_empty() {
        relation
    } else {
        to_df(relation, columns)
    }
}

/// Returns `input ORDER BY orders`, or `SORT BY` if it is not global.
pub(super) fn sort(input: sc::Relation, order: Vec<SortOrder>, global: bool) -> sc::Relation {
    let sort = sc::Sort {
        input: Some(Box::new(input)),
        order,
        is_global: Some(global),
    };
    relation(RelType::Sort(Box::new(sort)))
}

/// Returns one row without columns, for a `WHERE` without a `FROM`.
pub(super) fn one_row() -> sc::Relation {
    relation(RelType::Project(Box::new(sc::Project {
        input: None,
        expressions: vec![],
    })))
}

/// Refuses a clause that other databases have.
///
/// # Errors
/// If it is present, `UNSUPPORTED_FEATURE.CLAUSE`.
pub(super) fn refuse(present: bool, clause: &str) -> Result<(), SqlError> {
    if present {
        Err(SqlError::unsupported("CLAUSE", clause))
    } else {
        Ok(())
    }
}

/// Returns a set operation by position.
fn set_operation(
    op: SetOperator,
    quantifier: SetQuantifier,
    left: sc::Relation,
    right: sc::Relation,
) -> Result<sc::Relation, SqlError> {
    let kind = match op {
        SetOperator::Union => SetOpType::Union,
        SetOperator::Intersect => SetOpType::Intersect,
        SetOperator::Except | SetOperator::Minus => SetOpType::Except,
    };
    let is_all = matches!(quantifier, SetQuantifier::All | SetQuantifier::AllByName);
    let by_name = matches!(
        quantifier,
        SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName
    );
    refuse(by_name && kind != SetOpType::Union, "BY NAME")?;
    Ok(relation(RelType::SetOp(Box::new(sc::SetOperation {
        left_input: Some(Box::new(left)),
        right_input: Some(Box::new(right)),
        set_op_type: kind as i32,
        is_all: Some(is_all),
        by_name: Some(by_name),
        allow_missing_columns: Some(false),
    }))))
}
