//! Relations: one arm a message of `spark.connect.Relation`.

mod inline;
mod missing_values;
mod read;
mod shape;
mod watermark;

use datafusion_expr::LogicalPlanBuilder;

use crate::error::{Exception, Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::nodes::{self, SortWithinPartitions, StreamingLimit};
use crate::plan::resolve::{ordinal, typed_attribute};
use crate::plan::scope::{Resolved, Typed};
use crate::plan::sql::marker::{Marker, SqlForm};
use crate::plan::{sql, window_function};
use crate::proto::relation::RelType;
use crate::proto::variant_name;
use crate::{proto as sc, settings};

pub use read::{normal_type, options_of};

impl Analyzer {
    /// One relation and everything below it.
    pub fn relation(&mut self, relation: &sc::Relation) -> Result<Resolved> {
        let mut resolved = self.nested(|analyzer| analyzer.relation_kind(relation))?;
        if let Some(id) = relation.common.as_ref().and_then(|c| c.plan_id) {
            resolved.tagged.push((id, resolved.output.clone()));
        }
        Ok(resolved)
    }

    pub(super) fn input(&mut self, input: Option<&sc::Relation>) -> Result<Resolved> {
        self.relation(input.ok_or_else(|| SparkError::invalid_plan("a relation lacks its input"))?)
    }

    fn relation_kind(&mut self, relation: &sc::Relation) -> Result<Resolved> {
        let kind = relation
            .rel_type
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a relation is empty"))?;
        let form = SqlForm::of(relation);
        match kind {
            RelType::Read(read) => self.read(read),
            RelType::Project(node) => self.project_relation(node),
            RelType::Filter(node) => self.filter(node),
            RelType::Join(node) => self.join(node),
            RelType::SetOp(node) => self.set_operation(node),
            RelType::Sort(node) => self.sort(node),
            RelType::Limit(node) => self.limit(node),
            RelType::Offset(node) => {
                let input = self.input(node.input.as_deref())?;
                let skip = count(node.offset, "offset")?;
                let plan = LogicalPlanBuilder::from(input.plan.clone())
                    .limit(skip, None)?
                    .build()?;
                Ok(input.over(plan))
            }
            RelType::Aggregate(node) => self.aggregate(node, form),
            RelType::Sql(node) => self.sql_text(node),
            RelType::LocalRelation(node) => self.local(node),
            RelType::Deduplicate(node) => self.deduplicate(node),
            RelType::Range(node) => self.range(node.start.unwrap_or(0), node.end, node.step, node.num_partitions),
            RelType::SubqueryAlias(node) => {
                let mut input = self.input(node.input.as_deref())?;
                for attribute in &mut input.output {
                    attribute.qualifier = node.qualifier.iter().cloned().chain([node.alias.clone()]).collect();
                }
                input.hidden.clear();
                input.aggregation = None;
                Ok(input)
            }
            RelType::Repartition(node) => {
                let input = self.input(node.input.as_deref())?;
                self.repartitioned(input, vec![], usize::try_from(node.num_partitions).ok())
            }
            RelType::RepartitionByExpression(node) => {
                let input = self.input(node.input.as_deref())?;
                let keys = node
                    .partition_exprs
                    .iter()
                    .map(|e| Ok(self.expression(e, &input)?.expr))
                    .collect::<Result<Vec<_>>>()?;
                self.repartitioned(input, keys, node.num_partitions.and_then(|n| usize::try_from(n).ok()))
            }
            RelType::ToDf(node) => {
                let mut input = self.input(node.input.as_deref())?;
                if input.output.len() != node.column_names.len() {
                    return Err(SparkError::new(
                        Exception::IllegalArgument,
                        "NUM_COLUMNS_MISMATCH",
                        "42826",
                        format!(
                            "toDF got {} names for {} columns.",
                            node.column_names.len(),
                            input.output.len()
                        ),
                    ));
                }
                for (attribute, name) in input.output.iter_mut().zip(&node.column_names) {
                    attribute.name.clone_from(name);
                }
                input.aggregation = None;
                Ok(input)
            }
            RelType::WithColumnsRenamed(node) => {
                let mut input = self.input(node.input.as_deref())?;
                let mut renames: Vec<(String, String)> = node
                    .renames
                    .iter()
                    .map(|r| (r.col_name.clone(), r.new_col_name.clone()))
                    .collect();
                renames.extend(node.rename_columns_map.iter().map(|(a, b)| (a.clone(), b.clone())));
                let names = self.names();
                for (from, to) in renames {
                    for attribute in input.output.iter_mut().filter(|a| names.same(&a.name, &from)) {
                        attribute.name.clone_from(&to);
                    }
                }
                input.aggregation = None;
                Ok(input)
            }
            RelType::Drop(node) => self.drop_columns(node),
            RelType::WithColumns(node) => self.with_columns(node),
            RelType::Hint(node) => self.input(node.input.as_deref()),
            RelType::CollectMetrics(node) => self.input(node.input.as_deref()),
            RelType::Unpivot(node) => self.unpivot(node, form),
            RelType::ToSchema(node) => self.conformed(node),
            RelType::WithWatermark(node) => self.watermark(node),
            RelType::WithRelations(node) => {
                for reference in &node.references {
                    if let Some(RelType::SubqueryAlias(alias)) = &reference.rel_type {
                        self.views.insert(alias.alias.to_lowercase(), reference.clone());
                    }
                }
                self.remember(node.references.clone())?;
                self.input(node.root.as_deref())
            }
            RelType::UnresolvedTableValuedFunction(call) => self.table_function(call, form),
            RelType::LateralJoin(node) => self.lateral_join(node),
            RelType::FillNa(node) => self.fill_na(node),
            RelType::DropNa(node) => self.drop_na(node),
            RelType::Replace(node) => self.replace(node),
            RelType::Sample(node) => self.sample(node),
            RelType::GroupMap(node) => self.map_groups(node),
            RelType::Tail(_) => Err(SparkError::unsupported("tail below other operations")),
            other => self.extended(other),
        }
    }

    /// A relation that one of the analyzer's extensions knows.
    fn extended(&mut self, node: &RelType) -> Result<Resolved> {
        let extensions: Vec<_> = self.extensions.iter().map(|e| e.extension).collect();
        let found = extensions.into_iter().find_map(|e| e.relation(self, node));
        found.unwrap_or_else(|| Err(SparkError::unsupported(format!("the relation {}", variant_name(node)))))
    }

    fn filter(&mut self, node: &sc::Filter) -> Result<Resolved> {
        let mut input = self.input(node.input.as_deref())?;
        let condition = node
            .condition
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a filter has no condition"))?;
        if let Some(filtered) = self.having(&input, condition)? {
            return Ok(filtered);
        }
        let condition = self.condition(condition, &input)?;
        if super::aggregate::has_aggregate(&condition.expr) {
            return Err(SparkError::analysis(
                "INVALID_WHERE_CONDITION",
                "42903",
                format!(
                    "The WHERE condition \"{}\" contains invalid expressions: aggregate functions.",
                    condition.name
                ),
            ));
        }
        let plan = LogicalPlanBuilder::from(input.plan.clone())
            .filter(condition.expr)?
            .build()?;
        let hidden = std::mem::take(&mut input.hidden);
        let mut out = input.over(plan);
        out.hidden = hidden;
        Ok(out)
    }

    fn sort(&mut self, node: &sc::Sort) -> Result<Resolved> {
        let mut input = self.input(node.input.as_deref())?;
        let mut order = Vec::new();
        for spec in &node.order {
            if spec.child.as_deref().is_some_and(|c| Marker::OrderByAll.is(c)) {
                let all = input.output.iter().map(typed_attribute);
                order.extend(all.map(|column| window_function::sort_key(&column, spec)));
                continue;
            }
            let child = spec
                .child
                .as_deref()
                .ok_or_else(|| SparkError::invalid_plan("a sort order has no child"))?;
            let typed = if let (Some(position), true) = (ordinal(child), self.conf.flag(&settings::ORDER_BY_ORDINAL)) {
                let found = usize::try_from(position - 1).ok().and_then(|i| input.output.get(i));
                typed_attribute(found.ok_or_else(|| {
                    SparkError::analysis(
                        "ORDER_BY_POS_OUT_OF_RANGE",
                        "42805",
                        format!(
                            "ORDER BY position {position} is not in select list (valid range is [1, {}]).",
                            input.output.len()
                        ),
                    )
                })?)
            } else {
                self.sort_expression(&mut input, child)?
            };
            order.push(window_function::sort_key(&typed, spec));
        }
        let global = node.is_global.unwrap_or(true);
        let plan = if global {
            LogicalPlanBuilder::from(input.plan.clone()).sort(order)?.build()?
        } else {
            nodes::plan(SortWithinPartitions { order }, input.plan.clone())?
        };
        Ok(input.over(plan))
    }

    fn sort_expression(&mut self, input: &mut Resolved, child: &sc::Expression) -> Result<Typed> {
        match self.expression(child, input) {
            Ok(typed) if !super::aggregate::has_aggregate(&typed.expr) => Ok(typed),
            first => match self.order_beyond(input, child)? {
                Some(typed) => Ok(typed),
                None => first,
            },
        }
    }

    fn limit(&mut self, node: &sc::Limit) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let fetch = count(node.limit, "limit")?;
        let plan = if input.streaming {
            nodes::plan(StreamingLimit { fetch }, input.plan.clone())?
        } else {
            LogicalPlanBuilder::from(input.plan.clone())
                .limit(0, Some(fetch))?
                .build()?
        };
        Ok(input.over(plan))
    }

    #[allow(deprecated)] // Clients of Spark 3.5 send literals in `args` and `pos_args`.
    fn sql_text(&mut self, node: &sc::Sql) -> Result<Resolved> {
        let literal = |l: &sc::expression::Literal| sc::Expression {
            expr_type: Some(sc::expression::ExprType::Literal(l.clone())),
            ..Default::default()
        };
        let named = node.named_arguments.iter().map(|(n, e)| (n.clone(), e.clone()));
        let named = named.chain(node.args.iter().map(|(n, l)| (n.clone(), literal(l))));
        let positional = node
            .pos_arguments
            .iter()
            .cloned()
            .chain(node.pos_args.iter().map(literal));
        let positional = positional.enumerate().map(|(i, e)| (format!("_{}", i + 1), e));
        self.parameters.extend(named.chain(positional));
        match sql::parse_statement(&node.query)? {
            sql::Statement::Query(relation) => self.relation(&relation),
            _ => Err(SparkError::unsupported("this SQL command as a relation")),
        }
    }
}

fn count(value: i32, what: &str) -> Result<usize> {
    usize::try_from(value).map_err(|_| {
        SparkError::analysis(
            "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE",
            "42K0E",
            format!("The limit like expression \"{value}\" is invalid. The evaluated expression of {what} must be equal to or greater than 0."),
        )
    })
}
