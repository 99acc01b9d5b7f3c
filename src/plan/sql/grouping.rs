//! `GROUP BY` in all its forms.
//!
//! ```text
//! GROUP BY a, ROLLUP (b, c)    sets of a: {a};  of the rollup: {b c} {b} {}
//!                              product: {a b c} {a b} {a}
//! ```
//!
//! A clause with one rollup or cube of single columns stays what it is; anything else with sets in it
//! becomes `GROUPING SETS`, whose number is bounded.

use sc::aggregate::{GroupType, GroupingSets};
use sc::expression::{ExprType, literal::LiteralType};
use sqlparser::ast::{Expr, GroupByExpr, GroupByWithModifier};

use super::error::SqlError;
use super::lowering::Lowering;
use super::marker::Marker;
use crate::proto as sc;

/// How many grouping sets one clause may make.
const MAX_GROUPING_SETS: usize = 4096;

/// A `GROUP BY` clause. The default groups by nothing: one group of all rows.
pub(super) struct Grouping {
    /// Plain, rollup, cube or sets.
    pub group_type: GroupType,
    /// For grouping sets, every expression of any set once, in the order they were met.
    pub expressions: Vec<sc::Expression>,
    /// The sets, for `GROUPING SETS` only.
    pub sets: Vec<GroupingSets>,
}

impl Default for Grouping {
    fn default() -> Self {
        Self {
            group_type: GroupType::Groupby,
            expressions: vec![],
            sets: vec![],
        }
    }
}

/// The expressions of one grouping set.
type Set = Vec<sc::Expression>;

impl Lowering {
    /// Turns the clause into a message's parts; `None` if there is none. `list` is the select list, which
    /// ordinals count.
    ///
    /// # Errors
    /// If the clause has modifiers that Spark lacks, `UNSUPPORTED_FEATURE.CLAUSE`; if an ordinal counts
    /// past the list, `GROUP_BY_POS_OUT_OF_RANGE`; if its sets are too many, [`SqlError::TooComplex`].
    pub fn grouping(&mut self, clause: &GroupByExpr, list: &[sc::Expression]) -> Result<Option<Grouping>, SqlError> {
        let (exprs, modifiers) = match clause {
            GroupByExpr::All(modifiers) if modifiers.is_empty() => {
                let expressions = vec![Marker::GroupByAll.call(vec![])];
                return Ok(Some(Grouping {
                    expressions,
                    ..Default::default()
                }));
            }
            GroupByExpr::All(_) => return Err(SqlError::unsupported("CLAUSE", "GROUP BY ALL with a modifier")),
            GroupByExpr::Expressions(exprs, modifiers) => (exprs, modifiers),
        };
        if exprs.is_empty() {
            return Ok(None);
        }
        match modifiers.as_slice() {
            [] => self.elements(exprs, list).map(Some),
            [GroupByWithModifier::Rollup] => self.plain(GroupType::Rollup, exprs, list).map(Some),
            [GroupByWithModifier::Cube] => self.plain(GroupType::Cube, exprs, list).map(Some),
            [GroupByWithModifier::GroupingSets(Expr::GroupingSets(sets))] => {
                let grouping = self.plain(GroupType::GroupingSets, exprs, list)?;
                let sets = sets
                    .iter()
                    .map(|set| self.keys(set, list))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(Some(Grouping {
                    sets: sets.into_iter().map(grouping_set).collect(),
                    ..grouping
                }))
            }
            _ => Err(SqlError::unsupported("CLAUSE", "GROUP BY with this modifier")),
        }
    }

    /// Returns expressions without sets among them, as one kind of grouping.
    fn plain(&mut self, group_type: GroupType, exprs: &[Expr], list: &[sc::Expression]) -> Result<Grouping, SqlError> {
        Ok(Grouping {
            group_type,
            expressions: self.keys(exprs, list)?,
            sets: vec![],
        })
    }

    /// Multiplies the sets of elements beside each other: expressions, `ROLLUP (..)`, `CUBE (..)` and
    /// `GROUPING SETS (..)`.
    fn elements(&mut self, exprs: &[Expr], list: &[sc::Expression]) -> Result<Grouping, SqlError> {
        match exprs {
            [Expr::Tuple(none)] if none.is_empty() => return Ok(Grouping::default()),
            [Expr::Rollup(groups)] if groups.iter().all(|group| group.len() == 1) => {
                return self.plain_groups(GroupType::Rollup, groups, list);
            }
            [Expr::Cube(groups)] if groups.iter().all(|group| group.len() == 1) => {
                return self.plain_groups(GroupType::Cube, groups, list);
            }
            exprs if !exprs.iter().any(makes_sets) => return self.plain(GroupType::Groupby, exprs, list),
            _ => {}
        }
        let mut product: Vec<Set> = vec![vec![]];
        for expr in exprs {
            let sets = self.sets_of(expr, list)?;
            if product.len().saturating_mul(sets.len()) > MAX_GROUPING_SETS {
                return Err(SqlError::TooComplex);
            }
            let pairs = product
                .iter()
                .flat_map(|left| sets.iter().map(move |right| (left, right)));
            let mut next = vec![];
            for (left, right) in pairs {
                let mut set = left.clone();
                for key in right {
                    set.push(self.repeat(key)?);
                }
                next.push(set);
            }
            product = next;
        }
        let mut expressions: Set = vec![];
        for key in product.iter().flatten() {
            if !expressions.contains(key) {
                expressions.push(key.clone());
            }
        }
        let sets = product.into_iter().map(grouping_set).collect();
        Ok(Grouping {
            group_type: GroupType::GroupingSets,
            expressions,
            sets,
        })
    }

    /// Returns a rollup or cube whose groups are single expressions.
    fn plain_groups(
        &mut self,
        group_type: GroupType,
        groups: &[Vec<Expr>],
        list: &[sc::Expression],
    ) -> Result<Grouping, SqlError> {
        let groups = groups
            .iter()
            .map(|group| self.keys(group, list))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Grouping {
            group_type,
            expressions: groups.concat(),
            sets: vec![],
        })
    }

    /// Returns the sets that one element makes; an expression by itself makes one set of itself.
    fn sets_of(&mut self, expr: &Expr, list: &[sc::Expression]) -> Result<Vec<Set>, SqlError> {
        let groups = match expr {
            Expr::GroupingSets(groups) | Expr::Rollup(groups) | Expr::Cube(groups) => groups
                .iter()
                .map(|group| self.keys(group, list))
                .collect::<Result<Vec<_>, _>>()?,
            Expr::Tuple(none) if none.is_empty() => return Ok(vec![vec![]]),
            one => return Ok(vec![vec![self.key(one, list)?]]),
        };
        Ok(match expr {
            Expr::Rollup(_) => (0..=groups.len())
                .rev()
                .map(|kept| groups.iter().take(kept).flatten().cloned().collect())
                .collect(),
            Expr::Cube(_) if groups.len() >= MAX_GROUPING_SETS.ilog2() as usize => return Err(SqlError::TooComplex),
            // The first group is the highest bit, so that the sets come in Spark's order: all groups first.
            Expr::Cube(_) => (0..1usize << groups.len())
                .rev()
                .map(|mask| {
                    let has = |index: usize| mask >> (groups.len() - 1 - index) & 1 == 1;
                    groups
                        .iter()
                        .enumerate()
                        .filter(|(index, _)| has(*index))
                        .flat_map(|(_, group)| group.clone())
                        .collect()
                })
                .collect(),
            _ => groups,
        })
    }

    /// Returns the expressions of one set; an ordinal stands for that item of the select list.
    fn keys(&mut self, exprs: &[Expr], list: &[sc::Expression]) -> Result<Set, SqlError> {
        exprs.iter().map(|expr| self.key(expr, list)).collect()
    }

    /// Returns a key; an ordinal is the item it counts, without its alias, unless a star before it hides
    /// how many come first.
    fn key(&mut self, expr: &Expr, list: &[sc::Expression]) -> Result<sc::Expression, SqlError> {
        let key = self.expression(expr)?;
        let Some(ordinal) = ordinal(&key) else { return Ok(key) };
        let item = usize::try_from(ordinal)
            .ok()
            .and_then(|ordinal| ordinal.checked_sub(1))
            .and_then(|at| Some((at, list.get(at)?)));
        let seen = item.map_or(list.len(), |(at, _)| at + 1);
        if list.iter().take(seen).any(is_star) {
            return Ok(key);
        }
        let Some((_, item)) = item else {
            return Err(SqlError::GroupByPosition {
                index: i64::from(ordinal),
                size: list.len(),
            });
        };
        match &item.expr_type {
            Some(ExprType::Alias(alias)) => match &alias.expr {
                Some(aliased) => self.repeat(aliased.as_ref()),
                None => Ok(key),
            },
            _ => self.repeat(item),
        }
    }
}

/// Returns the message of a set.
fn grouping_set(grouping_set: Set) -> GroupingSets {
    GroupingSets { grouping_set }
}

/// Returns whether an element is `ROLLUP`, `CUBE`, `GROUPING SETS` or the empty group `()`.
fn makes_sets(expr: &Expr) -> bool {
    match expr {
        Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_) => true,
        Expr::Tuple(items) => items.is_empty(),
        _ => false,
    }
}

/// Returns the number that a key is; `None` for other expressions.
fn ordinal(key: &sc::Expression) -> Option<i32> {
    match &key.expr_type {
        Some(ExprType::Literal(literal)) => match literal.literal_type {
            Some(LiteralType::Integer(value)) => Some(value),
            _ => None,
        },
        _ => None,
    }
}

/// Returns whether an item of the select list is a star.
fn is_star(item: &sc::Expression) -> bool {
    match &item.expr_type {
        Some(ExprType::UnresolvedStar(_)) => true,
        _ => Marker::StarExcept.is(item),
    }
}
