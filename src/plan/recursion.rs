//! Recursive common table expressions: `WITH RECURSIVE r AS (anchor UNION ALL step)` (`UnionLoop`).
//!
//! Jobs find the rows before the statement is planned: those of the anchor, then those of the step over the rows found last, until
//! there are none. Analysis says what to run, the driver runs it, and analyses again with the rows as a view.
//!
//! ```text
//! r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3)    1    2    3    none
//! ```

use prost::Message;

use super::analyzer::Analyzer;
use super::functions::entry::Body;
use super::functions::registry;
use super::scope::Resolved;
use super::sql::marker::SqlForm;
use super::sql::message::relation;
use crate::error::{Result, SparkError};
use crate::proto as sc;
use crate::proto::expression::ExprType;
use crate::proto::relation::RelType;
use crate::settings::{CTE_LEVELS, CTE_ROWS};
use crate::values::murmur3;

/// The condition of a plan that cannot be analysed before a query has been run.
pub const QUESTION: &str = "RIVULET_QUESTION";

/// What must be run before a plan can be analysed.
#[derive(Debug, Clone)]
pub enum Question {
    /// The rows of one query.
    Rows {
        /// The query.
        query: Box<sc::Relation>,
        /// The view as which analysis takes the rows.
        view: String,
    },
    /// The rows of a recursion.
    Recursion(Box<Recursion>),
}

/// A recursive common table expression.
#[derive(Debug, Clone)]
pub struct Recursion {
    /// What it begins with.
    pub anchor: sc::Relation,
    /// What makes rows of those found last, which are the view [`Recursion::last`].
    pub step: sc::Relation,
    /// The name by which the step knows the rows found last.
    pub last: String,
    /// The view as which analysis takes all rows.
    pub view: String,
    /// How many rows the statement needs, if it says so.
    pub goal: Option<usize>,
    /// Most rounds, the anchor's among them; negative for no limit.
    pub most_levels: i64,
    /// Most rows; negative for no limit.
    pub most_rows: i64,
}

impl Question {
    /// Returns the view as which analysis takes the answer.
    pub fn view(&self) -> &str {
        match self {
            Self::Rows { view, .. } => view,
            Self::Recursion(of) => &of.view,
        }
    }
}

/// Returns the name of a view that no statement can name, in lower case, the same for the same message.
pub(super) fn view_of(kind: &str, bytes: &[u8]) -> String {
    let [a, b] = [42, 7].map(|seed| murmur3::hash_bytes(bytes, seed));
    format!("\u{0}{kind} {} {a:08x}{b:08x}", bytes.len())
}

impl Analyzer {
    /// Returns the view that answers a question.
    ///
    /// # Errors
    /// Fails with [`QUESTION`] if its query has not been run; the analyzer then holds the question.
    pub(super) fn answered(&mut self, view: &str, question: impl FnOnce() -> Question) -> Result<sc::Relation> {
        if let Some(found) = self.views.find(view)? {
            return Ok(found);
        }
        self.question = Some(question());
        Err(SparkError::analysis(
            QUESTION,
            "0A000",
            "A query must be run before this statement can be planned, which is not possible here.",
        ))
    }

    /// Resolves a recursive table, which is its union under the name that its step has for it.
    ///
    /// # Errors
    /// Returns [`QUESTION`] until its rows are known.
    pub(super) fn recursive(&mut self, node: &sc::SubqueryAlias) -> Result<Resolved> {
        let Some(RelType::SetOp(union)) = node.input.as_ref().and_then(|input| input.rel_type.as_ref()) else {
            return Err(SparkError::internal("a recursive table is not a union"));
        };
        let (Some(anchor), Some(step)) = (&union.left_input, &union.right_input) else {
            return Err(SparkError::internal("a recursive table lacks a side"));
        };
        let goal = self.row_goal.take();
        let number = |setting| self.conf.text(setting).and_then(|text| text.parse().ok()).unwrap_or(-1);
        let (most_levels, most_rows) = (number(&CTE_LEVELS), number(&CTE_ROWS));
        let needed = goal.map_or(String::new(), |rows| format!(" {rows}"));
        let view = format!("{}{needed}", view_of("rows", &node.encode_to_vec()));
        // Both sides may name what the statement around them brings along.
        let references: Vec<sc::Relation> = self.views.own().chain(self.subqueries.values()).cloned().collect();
        let with = |root: &sc::Relation| {
            relation(RelType::WithRelations(Box::new(sc::WithRelations {
                root: Some(Box::new(root.clone())),
                references: references.clone(),
            })))
        };
        let question = || {
            Question::Recursion(Box::new(Recursion {
                anchor: with(anchor),
                step: with(step),
                last: node.alias.clone(),
                view: view.clone(),
                goal,
                most_levels,
                most_rows,
            }))
        };
        let rows = self.answered(&view, question)?;
        self.relation(&rows)
    }
}

/// Returns how many rows of a recursion a LIMIT needs: as many as it keeps, if between the two there are select lists only.
pub(super) fn goal(limit: &sc::Limit) -> Option<usize> {
    let mut below = limit.input.as_deref()?;
    loop {
        below = match below.rel_type.as_ref()? {
            RelType::SubqueryAlias(alias) if SqlForm::of(below) == SqlForm::Recursive => {
                return usize::try_from(limit.limit).ok().filter(|_| alias.input.is_some());
            }
            RelType::SubqueryAlias(alias) => alias.input.as_deref()?,
            RelType::ToDf(names) => names.input.as_deref()?,
            RelType::WithRelations(with) => with.root.as_deref()?,
            RelType::Project(project) if project.expressions.iter().all(is_per_row) => project.input.as_deref()?,
            _ => return None,
        }
    }
}

/// Returns whether an expression makes one value of each row.
fn is_per_row(expression: &sc::Expression) -> bool {
    match &expression.expr_type {
        Some(ExprType::Literal(_) | ExprType::UnresolvedAttribute(_) | ExprType::UnresolvedStar(_)) => true,
        Some(ExprType::Alias(alias)) => alias.expr.as_deref().is_some_and(is_per_row),
        Some(ExprType::Cast(cast)) => cast.expr.as_deref().is_some_and(is_per_row),
        Some(ExprType::UnresolvedFunction(call)) => {
            registry::find(&call.function_name).is_some_and(|f| matches!(f.body, Body::Scalar(_)))
                && call.arguments.iter().all(is_per_row)
        }
        _ => false,
    }
}
