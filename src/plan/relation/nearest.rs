//! Joins with the nearest rows of the other side (`RewriteAsOfJoin`, `RewriteNearestByJoin`).
//!
//! Every candidate is joined, numbered per row of the left side from the nearest on, and the first ones stay:
//!
//! ```text
//! left + row number ──┐
//!                     ├─ join on the condition ─ row_number() OVER (PARTITION BY left row ORDER BY distance) ─ number <= n
//! right ──────────────┘
//! ```

use sc::expression::literal::LiteralType;
use sc::expression::sort_order::{NullOrdering, SortDirection};
use sc::expression::{ExprType, SortOrder, UnresolvedAttribute, Window};
use sc::join::JoinType;
use sc::relation::RelType;

use crate::error::{Exception, Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::plan::sql::message::{alias, attribute, call, expression, literal, relation};
use crate::proto as sc;

/// The column that numbers the rows of the left side; no user's column has such a name.
const ROW: &str = "\u{0}row";
/// The columns that an as-of join compares, of either side.
const OWN: &str = "\u{0}own";
const OTHER: &str = "\u{0}other";
/// The column that numbers the candidates of a row.
const RANK: &str = "\u{0}rank";
/// The most rows of `nearestByJoin` per row.
const MOST_RESULTS: i32 = 100_000;

/// Candidates of each row, and the order in which they are near.
struct Nearest {
    left: sc::Relation,
    right: sc::Relation,
    condition: Option<sc::Expression>,
    join: JoinType,
    orders: Vec<SortOrder>,
    most: i32,
}

impl Analyzer {
    /// Joins each row with the one whose time (or number) is nearest before it, after it, or on either side.
    ///
    /// # Errors
    /// `AS_OF_JOIN.UNSUPPORTED_DIRECTION`, `AS_OF_JOIN.TOLERANCE_IS_NON_NEGATIVE`; an `IllegalArgumentException` for other joins than
    /// inner and left outer ones.
    pub(super) fn as_of_join(&mut self, node: &sc::AsOfJoin) -> Result<Resolved> {
        let (left, right) = sides(node.left.as_deref(), node.right.as_deref())?;
        let (Some(own), Some(other)) = (node.left_as_of.as_ref(), node.right_as_of.as_ref()) else {
            return Err(SparkError::invalid_plan("an as-of join lacks a column"));
        };
        // Each is resolved on its own side: both may be of one DataFrame.
        let (left, right) = (with(left, own.clone(), OWN), with(right, other.clone(), OTHER));
        let (own, other) = (attribute(&[OWN]), attribute(&[OTHER]));
        let join = match node.join_type.to_lowercase().replace('_', "").as_str() {
            "inner" => JoinType::Inner,
            "left" | "leftouter" => JoinType::LeftOuter,
            unknown => {
                let name = match unknown {
                    "right" | "rightouter" => "RightOuter",
                    "full" | "outer" | "fullouter" => "FullOuter",
                    "cross" => "Cross",
                    "semi" | "leftsemi" => "LeftSemi",
                    "anti" | "leftanti" => "LeftAnti",
                    other => other,
                };
                let sentence = format!("requirement failed: Unsupported as-of join type {name}");
                return Err(SparkError::new(Exception::IllegalArgument, "", "", sentence));
            }
        };
        let (bounds, orders) = self.as_of_order(node, &own, &other)?;
        let mut conditions = bounds;
        conditions.extend(node.join_expr.clone());
        let id = |relation: &Option<Box<sc::Relation>>| relation.as_ref()?.common.as_ref()?.plan_id;
        for name in &node.using_columns {
            let [one, two] = [id(&node.left), id(&node.right)].map(|plan_id| column_of(name, plan_id));
            conditions.push(call("==", vec![one, two]));
        }
        self.nearest(Nearest {
            left,
            right,
            condition: conditions.into_iter().reduce(|a, b| call("and", vec![a, b])),
            join,
            orders,
            most: 1,
        })
    }

    /// Returns what a candidate of an as-of join must fulfil, and which of them are nearer.
    fn as_of_order(
        &mut self,
        node: &sc::AsOfJoin,
        own: &sc::Expression,
        other: &sc::Expression,
    ) -> Result<(Vec<sc::Expression>, Vec<SortOrder>)> {
        let two = |name: &str, a: &sc::Expression, b: &sc::Expression| call(name, vec![a.clone(), b.clone()]);
        if let Some(tolerance) = node.tolerance.as_ref() {
            let none = Resolved::new(datafusion_expr::LogicalPlanBuilder::empty(true).build()?, vec![], false);
            let zero = literal(LiteralType::Integer(0));
            let typed = self.expression(tolerance, &none)?;
            if crate::values::types::is_numeric(&typed.data_type) {
                let negative = self.expression(&two("<", tolerance, &zero), &none)?;
                if crate::plan::functions::fold(&negative.expr) == Some(true.into()) {
                    return Err(as_of_error(
                        "TOLERANCE_IS_NON_NEGATIVE",
                        "The input argument `tolerance` must be non-negative.",
                    ));
                }
            }
        }
        let exact = node.allow_exact_matches;
        let (least, most) = if exact { (">=", "<=") } else { (">", "<") };
        let from = node.tolerance.as_ref().map(|t| two(least, other, &two("-", own, t)));
        let to = node.tolerance.as_ref().map(|t| two(most, other, &two("+", own, t)));
        Ok(match node.direction.to_lowercase().as_str() {
            "backward" => (
                [Some(two(most, other, own)), from].into_iter().flatten().collect(),
                vec![order(other.clone(), SortDirection::Descending)],
            ),
            "forward" => (
                [Some(two(least, other, own)), to].into_iter().flatten().collect(),
                vec![order(other.clone(), SortDirection::Ascending)],
            ),
            "nearest" => {
                let differ = (!exact).then(|| call("not", vec![two("==", own, other)]));
                let apart = vec![two(">", own, other), two("-", own, other), two("-", other, own)];
                (
                    [differ, from, to].into_iter().flatten().collect(),
                    vec![order(call("if", apart), SortDirection::Ascending)],
                )
            }
            unknown => {
                let sentence = format!(
                    "Unsupported as-of join direction '{unknown}'. Supported as-of join direction include: 'forward', 'backward', 'nearest'."
                );
                return Err(as_of_error("UNSUPPORTED_DIRECTION", &sentence).with("direction", unknown));
            }
        })
    }

    /// Joins each row with the rows of the other side that an expression ranks first.
    ///
    /// # Errors
    /// `NEAREST_BY_JOIN.*` if the number of rows, the mode, the direction or the kind of join is not one that there is.
    pub(super) fn nearest_by_join(&mut self, node: &sc::NearestByJoin) -> Result<Resolved> {
        let (left, right) = sides(node.left.as_deref(), node.right.as_deref())?;
        let ranking = node
            .ranking_expression
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a nearest-by join has no ranking"))?;
        let refused = |condition: &str, sentence: String| {
            let sentence = format!("Invalid nearest-by join. {sentence}");
            Err(SparkError::analysis(
                &format!("NEAREST_BY_JOIN.{condition}"),
                "42604",
                sentence,
            ))
        };
        if !(1..=MOST_RESULTS).contains(&node.num_results) {
            let (n, max) = (node.num_results, MOST_RESULTS);
            return refused(
                "NUM_RESULTS_OUT_OF_RANGE",
                format!("The number of results {n} must be between 1 and {max}."),
            );
        }
        let direction = match node.direction.to_lowercase().as_str() {
            "distance" => SortDirection::Ascending,
            "similarity" => SortDirection::Descending,
            unknown => {
                return refused(
                    "UNSUPPORTED_DIRECTION",
                    format!(
                        "Unsupported nearest-by join direction '{unknown}'. Supported nearest-by join directions include: 'distance', 'similarity'."
                    ),
                );
            }
        };
        let join = match node.join_type.to_lowercase().replace('_', "").as_str() {
            "" | "inner" => JoinType::Inner,
            "left" | "leftouter" => JoinType::LeftOuter,
            unknown => {
                return refused(
                    "UNSUPPORTED_JOIN_TYPE",
                    format!("Unsupported nearest-by join type '{unknown}'. Supported types: 'INNER', 'LEFT OUTER'."),
                );
            }
        };
        if !matches!(node.mode.to_lowercase().as_str(), "approx" | "exact") {
            let mode = &node.mode;
            return refused(
                "UNSUPPORTED_MODE",
                format!("Unsupported nearest-by join mode '{mode}'. Supported modes include: 'approx', 'exact'."),
            );
        }
        self.nearest(Nearest {
            left,
            right,
            condition: None,
            join,
            orders: vec![order(ranking.clone(), direction)],
            most: node.num_results,
        })
    }

    /// Resolves a join with the nearest rows.
    fn nearest(&mut self, of: Nearest) -> Result<Resolved> {
        let boxed = |relation: sc::Relation| Some(Box::new(relation));
        let numbered = with(of.left, call("monotonically_increasing_id", vec![]), ROW);
        let joined = relation(RelType::Join(Box::new(sc::Join {
            left: boxed(numbered),
            right: boxed(of.right),
            join_condition: Some(of.condition.unwrap_or_else(|| literal(LiteralType::Boolean(true)))),
            join_type: of.join.into(),
            ..Default::default()
        })));
        let rank = expression(ExprType::Window(Box::new(Window {
            window_function: Some(Box::new(call("row_number", vec![]))),
            partition_spec: vec![attribute(&[ROW])],
            order_spec: of.orders,
            frame_spec: None,
        })));
        let ranked = with(joined, rank, RANK);
        let first = vec![attribute(&[RANK]), literal(LiteralType::Integer(of.most))];
        let kept = relation(RelType::Filter(Box::new(sc::Filter {
            input: boxed(ranked),
            condition: Some(call("<=", first)),
        })));
        self.relation(&relation(RelType::Drop(Box::new(sc::Drop {
            input: boxed(kept),
            columns: vec![],
            column_names: [ROW, OWN, OTHER, RANK].map(str::to_owned).to_vec(),
        }))))
    }
}

fn sides(left: Option<&sc::Relation>, right: Option<&sc::Relation>) -> Result<(sc::Relation, sc::Relation)> {
    match (left, right) {
        (Some(left), Some(right)) => Ok((left.clone(), right.clone())),
        _ => Err(SparkError::invalid_plan("a join lacks a side")),
    }
}

/// Returns a relation with one more column.
fn with(input: sc::Relation, value: sc::Expression, name: &str) -> sc::Relation {
    let Some(ExprType::Alias(alias)) = alias(value, vec![name.to_owned()]).expr_type else {
        return input;
    };
    relation(RelType::WithColumns(Box::new(sc::WithColumns {
        input: Some(Box::new(input)),
        aliases: vec![*alias],
    })))
}

fn order(child: sc::Expression, direction: SortDirection) -> SortOrder {
    SortOrder {
        child: Some(Box::new(child)),
        direction: direction.into(),
        null_ordering: NullOrdering::SortNullsLast.into(),
    }
}

fn column_of(name: &str, plan_id: Option<i64>) -> sc::Expression {
    expression(ExprType::UnresolvedAttribute(UnresolvedAttribute {
        unparsed_identifier: name.to_owned(),
        plan_id,
        ..Default::default()
    }))
}

fn as_of_error(condition: &str, sentence: &str) -> SparkError {
    let sentence = format!("Invalid as-of join. {sentence}");
    SparkError::analysis(&format!("AS_OF_JOIN.{condition}"), "42604", sentence)
}
