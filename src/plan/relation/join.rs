//! Joins of all types, USING and NATURAL, and set operations.
//!
//! Both sides of a join keep their columns' ids, even in a self-join: each analysis of a relation makes
//! fresh ones. The sides of a set operation are aligned by position, cast to common types, and only
//! then put together.
//!
//! ```text
//! a JOIN b USING (k)          output k, a's others, b's others     hidden a.k or b.k
//! a FULL JOIN b USING (k)     k is coalesce(a.k, b.k)               hidden both
//! a LEFT SEMI JOIN b          output of a
//! EXCEPT ALL                  anti join on all columns and a number per equal row
//! ```

use datafusion_common::JoinType;
use datafusion_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr, lit};

use crate::error::{Result, SparkError};
use crate::plan::aggregate::check_no_grouping;
use crate::plan::analyzer::Analyzer;
use crate::plan::cast_expr;
use crate::plan::coercion;
use crate::plan::comparison;
use crate::plan::scope::{Attribute, Resolved, Typed, typed_attribute};
use crate::plan::sql::marker::Marker;
use crate::plan::window_function;
use crate::proto as sc;
use crate::proto::set_operation::SetOpType;
use crate::values::types;

impl Analyzer {
    /// Joins two relations by a condition, by columns of the same name (`USING`), or by all that they share
    /// (`NATURAL`).
    ///
    /// Null keys match nothing. The columns of USING appear once and first: from the left, from the right
    /// in a right join, and whichever is not null in a full join (Spark's `commonNaturalJoinProcessing`).
    ///
    /// # Errors
    /// If the condition is not a boolean, or a column of USING is missing on a side.
    pub(in crate::plan) fn join(&mut self, node: &sc::Join) -> Result<Resolved> {
        use sc::join::JoinType as J;
        let left = self.input(node.left.as_deref())?;
        let right = self.input(node.right.as_deref())?;
        let join_type = match node.join_type() {
            J::Inner | J::Cross | J::Unspecified => JoinType::Inner,
            J::FullOuter => JoinType::Full,
            J::LeftOuter => JoinType::Left,
            J::RightOuter => JoinType::Right,
            J::LeftAnti => JoinType::LeftAnti,
            J::LeftSemi => JoinType::LeftSemi,
        };
        let natural = node.join_condition.as_ref().is_some_and(|c| Marker::Natural.is(c));
        let mut using = node.using_columns.clone();
        if natural {
            let (names, own) = (self.names(), left.output.iter().map(|a| a.name.clone()));
            using = own.filter(|n| names.column(&right, n).is_some()).collect();
        }
        if !using.is_empty() {
            return self.join_using(left, right, join_type, &using);
        }
        let condition = match &node.join_condition {
            Some(condition) if !natural => {
                let both = both_sides(&left, &right);
                Some(self.join_condition(condition, &both)?)
            }
            _ => None,
        };
        self.build_join(left, right, join_type, condition)
    }

    /// Resolves a condition over the columns of both sides.
    ///
    /// # Errors
    /// As [`Analyzer::condition`]; `UNSUPPORTED_GROUPING_EXPRESSION`; if the rest can be resolved and this has more than values of a
    /// row, `UNSUPPORTED_EXPR_FOR_OPERATOR`.
    fn join_condition(&mut self, condition: &sc::Expression, both: &Resolved) -> Result<Expr> {
        let typed = self.condition(condition, both)?;
        check_no_grouping(&typed.expr)?;
        if let Err(error) = window_function::check_values(&typed, "Join") {
            self.refused.get_or_insert(error);
        }
        Ok(typed.expr)
    }

    /// Joins by a condition over both sides; without one, every row meets every row.
    fn build_join(
        &mut self,
        left: Resolved,
        right: Resolved,
        join_type: JoinType,
        condition: Option<Expr>,
    ) -> Result<Resolved> {
        let both = both_sides(&left, &right);
        // The planner takes only inner joins without a condition.
        let condition = condition.or_else(|| (join_type != JoinType::Inner).then(|| lit(true)));
        let plan = LogicalPlanBuilder::from(left.plan.clone())
            .join_on(right.plan.clone(), join_type, condition)?
            .build()?;
        Ok(joined(left, right, join_type, plan, both))
    }

    /// Joins by columns that both sides have, each of which then appears once.
    ///
    /// # Errors
    /// If a side lacks one, `UNRESOLVED_USING_COLUMN_FOR_JOIN`.
    fn join_using(
        &mut self,
        left: Resolved,
        right: Resolved,
        join_type: JoinType,
        using: &[String],
    ) -> Result<Resolved> {
        let mut condition: Option<Expr> = None;
        let mut keys: Vec<(Attribute, Attribute, Typed, Typed)> = Vec::new();
        for name in using {
            let (l, r) = (
                self.using_side(&left, name, "left")?,
                self.using_side(&right, name, "right")?,
            );
            let common = coercion::comparison(&l.data_type, &r.data_type, self.conf.ansi())
                .ok_or_else(|| SparkError::unsupported(format!("USING({name}) over columns without a common type")))?;
            let lt = cast_expr::cast(typed_attribute(&l), &common, self.mode(), self.zone)?;
            let rt = cast_expr::cast(typed_attribute(&r), &common, self.mode(), self.zone)?;
            let equal = comparison::compare(Operator::Eq, lt.expr.clone(), rt.expr.clone(), &common);
            condition = Some(match condition {
                Some(all) => datafusion_expr::and(all, equal),
                None => equal,
            });
            keys.push((l, r, lt, rt));
        }
        let mut relation = self.build_join(left.clone(), right.clone(), join_type, condition)?;
        if matches!(join_type, JoinType::LeftSemi | JoinType::LeftAnti) {
            let key_first = keys.iter().map(|(l, ..)| l.clone());
            let rest = relation
                .output
                .iter()
                .filter(|a| keys.iter().all(|(l, ..)| l.id != a.id))
                .cloned();
            relation.output = key_first.chain(rest).collect();
            return Ok(relation);
        }
        let mut output = Vec::new();
        let mut extra: Vec<(Expr, Attribute)> = Vec::new();
        for (l, r, lt, rt) in &keys {
            match join_type {
                JoinType::Right => output.push(r.clone()),
                JoinType::Full => {
                    let key = self.attribute(l.name.clone(), lt.data_type.clone(), true);
                    let expr = datafusion_functions::core::coalesce().call(vec![lt.expr.clone(), rt.expr.clone()]);
                    extra.push((expr, key.clone()));
                    output.push(key);
                }
                _ => output.push(l.clone()),
            }
        }
        let is_key = |a: &Attribute| keys.iter().any(|(l, r, ..)| l.id == a.id || r.id == a.id);
        let rest: Vec<Attribute> = relation.output.iter().filter(|a| !is_key(a)).cloned().collect();
        let hidden: Vec<Attribute> = relation
            .visible()
            .filter(|a| is_key(a) && output.iter().all(|o| o.id != a.id))
            .cloned()
            .collect();
        output.extend(rest);
        if !extra.is_empty() {
            let visible: Vec<Attribute> = relation.visible().cloned().collect();
            let mut columns: Vec<(Expr, &Attribute)> = visible.iter().map(|a| (a.column(), a)).collect();
            columns.extend(extra.iter().map(|(e, a)| (e.clone(), a)));
            relation.plan = self.project(relation.plan.clone(), columns)?;
        }
        relation.output = output;
        relation.hidden = hidden;
        relation.below.clear();
        Ok(relation)
    }

    /// Returns the column of USING on one side; of several, the first counts.
    ///
    /// # Errors
    /// If there is none, `UNRESOLVED_USING_COLUMN_FOR_JOIN`.
    fn using_side(&mut self, side: &Resolved, name: &str, which: &str) -> Result<Attribute> {
        self.names().column(side, name).cloned().ok_or_else(|| {
            let names: Vec<String> = side.output.iter().map(|a| format!("`{}`", a.name)).collect();
            SparkError::analysis(
                "UNRESOLVED_USING_COLUMN_FOR_JOIN",
                "42703",
                format!("USING column `{name}` cannot be resolved on the {which} side of the join. The {which}-side columns: [{}].", names.join(", ")),
            )
        })
    }

    /// Resolves LATERAL over a subquery: a join whose right side sees the left side's columns.
    pub(in crate::plan) fn lateral_subquery(
        &mut self,
        left: Resolved,
        right: &sc::Relation,
        node: &sc::LateralJoin,
    ) -> Result<Resolved> {
        self.outer.push(left.visible().cloned().collect());
        let resolved = self.relation(right);
        self.outer.pop();
        let right = resolved?;
        let join_type = match node.join_type() {
            sc::join::JoinType::LeftOuter => JoinType::Left,
            _ => JoinType::Inner,
        };
        let subquery = self.exactly(&right)?;
        let both = both_sides(&left, &right);
        let condition = node
            .join_condition
            .as_ref()
            .map(|c| self.join_condition(c, &both))
            .transpose()?;
        let plan = if subquery.all_out_ref_exprs().is_empty() {
            let condition = condition.or_else(|| (join_type != JoinType::Inner).then(|| lit(true)));
            LogicalPlanBuilder::from(left.plan.clone())
                .join_on(subquery, join_type, condition)?
                .build()?
        } else {
            self.decorrelation
                .lateral(left.plan.clone(), &subquery, join_type, condition)?
        };
        Ok(joined(left, right, join_type, plan, both))
    }

    /// Resolves UNION, INTERSECT and EXCEPT, by position or by name, with every row or each row once. Nulls
    /// are equal to each other.
    ///
    /// # Errors
    /// If the sides differ in their number of columns, `NUM_COLUMNS_MISMATCH`; if two columns have no
    /// common type, `INCOMPATIBLE_COLUMN_TYPE`.
    pub(in crate::plan) fn set_operation(&mut self, node: &sc::SetOperation) -> Result<Resolved> {
        let left = self.input(node.left_input.as_deref())?;
        let mut right = self.input(node.right_input.as_deref())?;
        let (mut left, all) = (left, node.is_all());
        if node.by_name() {
            (left, right) = self.by_name(left, right, node.allow_missing_columns())?;
        }
        if left.output.len() != right.output.len() {
            return Err(uneven(node.set_op_type(), left.output.len(), right.output.len()));
        }
        let mut common = Vec::new();
        for (l, r) in left.output.iter().zip(&right.output) {
            common.push(coercion::wider(&l.data_type, &r.data_type, self.conf.ansi()).ok_or_else(|| {
                SparkError::analysis(
                    "INCOMPATIBLE_COLUMN_TYPE",
                    "42825",
                    format!(
                        "A set operation can only be performed on tables with compatible column types. The column `{}` is \"{}\" which is \
                         not compatible with \"{}\".",
                        r.name,
                        types::sql_name(&r.data_type),
                        types::sql_name(&l.data_type)
                    ),
                )
            })?);
        }
        let (left_plan, output) = self.aligned(&left, &common)?;
        let (right_plan, right_output) = self.aligned(&right, &common)?;
        let streaming = left.streaming || right.streaming;
        let mut outputs: Vec<Attribute> = output;
        for (o, r) in outputs.iter_mut().zip(&right_output) {
            o.nullable |= r.nullable;
            o.event_time |= r.event_time;
            o.qualifier.clear();
        }
        if node.set_op_type() != SetOpType::Union || !all {
            super::rows::check_no_maps(&outputs)?;
        }
        let (left_plan, right_plan) = match (node.set_op_type(), all) {
            (SetOpType::Union | SetOpType::Unspecified, true) => (left_plan, right_plan),
            _ => (
                self.comparable_columns(left_plan, &outputs)?,
                self.comparable_columns(right_plan, &right_output)?,
            ),
        };
        let plan = match node.set_op_type() {
            SetOpType::Union | SetOpType::Unspecified => {
                // DataFusion puts unions of unions together, and takes all inputs to have the columns of the first.
                let columns = right_output.iter().zip(&outputs).map(|(r, o)| (r.column(), o));
                let right_plan = self.project(right_plan, columns.collect())?;
                let union = LogicalPlanBuilder::from(left_plan).union(right_plan)?;
                if all {
                    union.build()?
                } else {
                    let columns: Vec<Expr> = outputs.iter().map(Attribute::column).collect();
                    union.aggregate(columns, Vec::<Expr>::new())?.build()?
                }
            }
            SetOpType::Intersect if !all => LogicalPlanBuilder::intersect(left_plan, right_plan, false)?,
            SetOpType::Except if !all => LogicalPlanBuilder::except(left_plan, right_plan, false)?,
            kind => self.numbered_set(
                left_plan,
                right_plan,
                &outputs,
                &right_output,
                kind == SetOpType::Intersect,
            )?,
        };
        // INTERSECT and EXCEPT may qualify their columns: name them plainly again.
        let columns = outputs
            .iter()
            .zip(plan.schema().columns())
            .map(|(a, column)| (Expr::Column(column), a))
            .collect::<Vec<_>>();
        let plan = self.project(plan, columns)?;
        let mut resolved = Resolved::new(plan, outputs, streaming);
        if matches!(node.set_op_type(), SetOpType::Intersect | SetOpType::Except) {
            // Their rows are rows of the left side.
            let now = |a: &Attribute| {
                let at = left.output.iter().position(|l| l.id == a.id)?;
                Some(resolved.output[at].clone())
            };
            let tagged = left.tagged.iter();
            resolved.tagged = tagged
                .map(|(id, columns)| (*id, columns.iter().filter_map(now).collect()))
                .collect();
        }
        Ok(resolved)
    }

    /// Resolves EXCEPT ALL and INTERSECT ALL: equal rows are numbered, then matched one by one.
    fn numbered_set(
        &mut self,
        left: LogicalPlan,
        right: LogicalPlan,
        l: &[Attribute],
        r: &[Attribute],
        intersect: bool,
    ) -> Result<LogicalPlan> {
        let (left_number, right_number) = (self.fresh_id(), self.fresh_id());
        let number = |plan: LogicalPlan, columns: &[Attribute], id: &str| -> Result<LogicalPlan> {
            use datafusion_expr::ExprFunctionExt;
            let partition: Vec<Expr> = columns.iter().map(Attribute::column).collect();
            let order = columns.iter().map(|c| c.column().sort(true, true)).collect();
            let call = datafusion_functions_window::expr_fn::row_number()
                .partition_by(partition)
                .order_by(order)
                .build()?;
            Ok(LogicalPlanBuilder::from(plan)
                .window(vec![call.alias(id.to_owned())])?
                .build()?)
        };
        let left = number(left, l, &left_number)?;
        let right = number(right, r, &right_number)?;
        let pair = |a: Expr, b: Expr| binary_expr(a, Operator::IsNotDistinctFrom, b);
        let column = |id: &String| Expr::Column(datafusion_common::Column::new_unqualified(id.clone()));
        let mut condition = pair(column(&left_number), column(&right_number));
        for (a, b) in l.iter().zip(r) {
            condition = datafusion_expr::and(condition, pair(a.column(), b.column()));
        }
        let join_type = if intersect {
            JoinType::LeftSemi
        } else {
            JoinType::LeftAnti
        };
        let plan = LogicalPlanBuilder::from(left)
            .join_on(right, join_type, Some(condition))?
            .build()?;
        self.project(plan, l.iter().map(|a| (a.column(), a)).collect())
    }

    /// Returns the output, in its order, cast to `types`, under fresh ids if a cast was needed or an id is
    /// taken twice.
    pub(in crate::plan) fn aligned(
        &mut self,
        relation: &Resolved,
        types: &[arrow::datatypes::DataType],
    ) -> Result<(LogicalPlan, Vec<Attribute>)> {
        let mut output = Vec::new();
        let mut exprs = Vec::new();
        for (attribute, to) in relation.output.iter().zip(types) {
            let typed = cast_expr::cast(typed_attribute(attribute), to, self.mode(), self.zone)?;
            let taken = output.iter().any(|o: &Attribute| o.id == attribute.id);
            let id = if typed.data_type == attribute.data_type && typed.attribute.is_some() && !taken {
                attribute.id.clone()
            } else {
                self.fresh_id()
            };
            output.push(Attribute {
                id,
                data_type: to.clone(),
                ..attribute.clone()
            });
            exprs.push(typed.expr);
        }
        let columns = exprs.into_iter().zip(&output).collect();
        Ok((self.project(relation.plan.clone(), columns)?, output))
    }

    /// Puts the right side's columns in the left side's order (`unionByName`); with `allow_missing`, a
    /// column that one side lacks is null there.
    ///
    /// # Errors
    /// If a side lacks a column and none may be missing, `UNRESOLVED_COLUMN_AMONG_FIELD_NAMES`.
    fn by_name(
        &mut self,
        mut left: Resolved,
        mut right: Resolved,
        allow_missing: bool,
    ) -> Result<(Resolved, Resolved)> {
        let names = self.names();
        for side in [&left, &right] {
            names.check_unique(side.output.iter().map(|a| &a.name))?;
        }
        let find = |side: &Resolved, name: &str| names.column(side, name).cloned();
        let mut order = Vec::new();
        let mut fill_right: Vec<Attribute> = Vec::new();
        for attribute in &left.output.clone() {
            match find(&right, &attribute.name) {
                Some(found) => order.push(found),
                None if allow_missing => {
                    let null = self.attribute(attribute.name.clone(), attribute.data_type.clone(), true);
                    fill_right.push(null.clone());
                    order.push(null);
                }
                None => order.push(names.field(&right, &attribute.name)?.clone()),
            }
        }
        let mut fill_left = Vec::new();
        for attribute in &right.output {
            if find(&left, &attribute.name).is_none() {
                if !allow_missing {
                    continue;
                }
                let null = self.attribute(attribute.name.clone(), attribute.data_type.clone(), true);
                fill_left.push(null);
                order.push(attribute.clone());
            }
        }
        left = self.with_nulls(left, &fill_left)?;
        left.output.extend(fill_left);
        right = self.with_nulls(right, &fill_right)?;
        if allow_missing || order.len() == right.output.len() {
            right.output = order;
        }
        Ok((left, right))
    }

    /// Adds columns that are null in every row.
    fn with_nulls(&mut self, relation: Resolved, nulls: &[Attribute]) -> Result<Resolved> {
        if nulls.is_empty() {
            return Ok(relation);
        }
        let visible: Vec<Attribute> = relation.visible().cloned().collect();
        let mut columns: Vec<(Expr, &Attribute)> = visible.iter().map(|a| (a.column(), a)).collect();
        for null in nulls {
            columns.push((
                Expr::Literal(datafusion_common::ScalarValue::try_from(&null.data_type)?, None),
                null,
            ));
        }
        let plan = self.project(relation.plan.clone(), columns)?;
        Ok(relation.over(plan))
    }
}

/// Returns a scope with the columns of both sides.
fn both_sides(left: &Resolved, right: &Resolved) -> Resolved {
    let mut both = Resolved::new(
        left.plan.clone(),
        left.output.clone(),
        left.streaming || right.streaming,
    );
    both.output.extend(right.output.iter().cloned());
    both.hidden = left.hidden.iter().chain(&right.hidden).cloned().collect();
    both.tagged = left.tagged.iter().chain(&right.tagged).cloned().collect();
    both
}

/// Returns the relation of a join: columns of both sides, or of the left for semi and anti joins.
/// Columns of a side that may have no match become nullable.
fn joined(left: Resolved, right: Resolved, join_type: JoinType, plan: LogicalPlan, both: Resolved) -> Resolved {
    let mut relation = match join_type {
        JoinType::LeftSemi | JoinType::LeftAnti => Resolved {
            tagged: left.tagged.clone(),
            ..left.clone()
        },
        _ => both,
    };
    let outer = |attributes: &mut Vec<Attribute>, ids: &[Attribute]| {
        for a in attributes.iter_mut().filter(|a| ids.iter().any(|i| i.id == a.id)) {
            a.nullable = true;
        }
    };
    if matches!(join_type, JoinType::Left | JoinType::Full) {
        outer(&mut relation.output, &right.output);
    }
    if matches!(join_type, JoinType::Right | JoinType::Full) {
        outer(&mut relation.output, &left.output);
    }
    relation.streaming = left.streaming || right.streaming;
    relation.over(plan)
}

/// Makes the error of a set operation over relations with different numbers of columns.
pub fn uneven(kind: SetOpType, first: usize, second: usize) -> SparkError {
    let operator = match kind {
        SetOpType::Intersect => "INTERSECT",
        SetOpType::Except => "EXCEPT",
        _ => "UNION",
    };
    SparkError::analysis(
        "NUM_COLUMNS_MISMATCH",
        "42826",
        format!(
            "{operator} can only be performed on inputs with the same number of columns, but the first input has {first} columns \
             and the second input has {second} columns."
        ),
    )
    .with("operator", operator)
    .with("firstNumColumns", first.to_string())
    .with("invalidOrdinalNum", "second")
    .with("invalidNumColumns", second.to_string())
}
