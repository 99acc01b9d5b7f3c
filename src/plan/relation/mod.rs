//! Relations: one arm per message of `spark.connect.Relation`.
//!
//! This file dispatches only; the operations live beside it, by what they do: where rows come from (`read`,
//! `inline`), which rows (`rows`), which columns (`shape`, `project`), nulls (`na`), two inputs (`join`),
//! statistics of columns (`statistics`), event time (`watermark`).

mod inline;
mod join;
mod kept;
mod na;
mod nearest;
mod project;
mod read;
mod rows;
mod shape;
mod statistics;
mod summary;
mod transpose;
mod watermark;

pub use join::uneven;
pub(in crate::plan) use project::note_metadata;
pub(crate) use read::check_partitions;
pub use read::{normal_type, options_of};

use super::analyzer::Analyzer;
use super::extent;
use super::scan::METADATA;
use super::scope::Resolved;
use super::sql::marker::SqlForm;
use crate::error::{Result, SparkError};
use crate::proto as sc;
use crate::proto::relation::RelType;
use crate::proto::variant_name;

impl Analyzer {
    /// Resolves one relation and everything below it. If the client tagged it with a plan id, columns may
    /// be named by that DataFrame above it.
    ///
    /// # Errors
    /// If anything in it cannot be resolved: Spark's condition for it. A kind that the engine lacks is
    /// `UNSUPPORTED_FEATURE.RIVULET`.
    pub fn relation(&mut self, relation: &sc::Relation) -> Result<Resolved> {
        self.relations += 1;
        if self.relations > extent::RELATIONS {
            return Err(SparkError::analysis(
                "RIVULET_PLAN_TOO_LARGE",
                "54001",
                format!(
                    "The plan has more than {} relations, those of its views counted wherever they are named.",
                    extent::RELATIONS
                ),
            ));
        }
        let mut resolved = self.nested(extent::of_relation(relation), |analyzer| {
            match analyzer.kept(relation)? {
                Some(kept) => Ok(kept),
                None => analyzer.relation_kind(relation),
            }
        })?;
        if let Some(id) = relation.common.as_ref().and_then(|c| c.plan_id) {
            let metadata = resolved.hidden.iter().filter(|a| a.name == METADATA);
            let columns = resolved.output.iter().chain(metadata).cloned().collect();
            resolved.tagged.push((id, columns));
        }
        match self.is_outermost().then(|| self.refused.take()).flatten() {
            Some(refused) => Err(refused),
            None => Ok(resolved),
        }
    }

    /// Resolves the relation below an operation that finds only columns which that has.
    ///
    /// # Errors
    /// If the message lacks it, `CONNECT_INVALID_PLAN`.
    pub(crate) fn input(&mut self, input: Option<&sc::Relation>) -> Result<Resolved> {
        let mut input = self.rows(input)?;
        input.below.clear();
        Ok(input)
    }

    /// Resolves the relation below an operation whose columns are those of that relation; it still finds what a select list right
    /// below left out.
    ///
    /// # Errors
    /// If the message lacks it, `CONNECT_INVALID_PLAN`.
    pub(super) fn rows(&mut self, input: Option<&sc::Relation>) -> Result<Resolved> {
        self.relation(input.ok_or_else(|| SparkError::invalid_plan("a relation lacks its input"))?)
    }

    /// Resolves by the kind of message; kinds that are not planned here are for the extension.
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
            RelType::Offset(node) => self.offset(node),
            RelType::Aggregate(node) => self.aggregate(node, form),
            RelType::Sql(node) => self.sql_text(node),
            RelType::LocalRelation(node) => self.local(node),
            RelType::Deduplicate(node) => self.deduplicate(node, form),
            RelType::Range(node) => self.range(node.start.unwrap_or(0), node.end, node.step, node.num_partitions),
            RelType::SubqueryAlias(node) if form == SqlForm::Recursive => self.recursive(node),
            RelType::SubqueryAlias(node) => self.aliased(node),
            RelType::Repartition(node) => {
                let input = self.rows(node.input.as_deref())?;
                self.repartitioned(input, vec![], usize::try_from(node.num_partitions).ok())
            }
            RelType::RepartitionByExpression(node) => self.repartitioned_by(node),
            RelType::ToDf(node) => self.renamed_all(node),
            RelType::WithColumnsRenamed(node) => self.with_columns_renamed(node),
            RelType::Drop(node) => self.drop_columns(node),
            RelType::WithColumns(node) => self.with_columns(node),
            RelType::Hint(node) => self.rows(node.input.as_deref()),
            RelType::CollectMetrics(node) => self.rows(node.input.as_deref()),
            RelType::Unpivot(node) => self.unpivot(node, form),
            RelType::ToSchema(node) => self.conformed(node),
            RelType::WithWatermark(node) => self.watermark(node),
            RelType::WithRelations(node) => self.with_relations(node),
            RelType::UnresolvedTableValuedFunction(call) => self.table_function(call, form),
            RelType::LateralJoin(node) => self.lateral_join(node),
            RelType::FillNa(node) => self.fill_na(node),
            RelType::DropNa(node) => self.drop_na(node),
            RelType::Replace(node) => self.replace(node),
            RelType::Sample(node) => self.sample(node),
            RelType::Describe(node) => self.described(node),
            RelType::Summary(node) => self.summary(node),
            RelType::Corr(node) => self.correlation(node),
            RelType::Cov(node) => self.covariance(node),
            RelType::Crosstab(node) => self.crosstab(node),
            RelType::FreqItems(node) => self.frequent_items(node),
            RelType::ApproxQuantile(node) => self.approximate_quantiles(node),
            RelType::SampleBy(node) => self.sample_by(node),
            RelType::GroupMap(node) => self.map_groups(node),
            RelType::AsOfJoin(node) => self.as_of_join(node),
            RelType::NearestByJoin(node) => self.nearest_by_join(node),
            RelType::Transpose(node) => self.transpose(node),
            RelType::CachedRemoteRelation(node) => self.named_relation(&node.relation_id),
            RelType::Tail(_) => Err(SparkError::unsupported("tail below other operations")),
            other => self.extended(other),
        }
    }

    /// Notes relations that the root names, as views or as subqueries by their plan ids.
    fn with_relations(&mut self, node: &sc::WithRelations) -> Result<Resolved> {
        for reference in &node.references {
            if let Some(RelType::SubqueryAlias(alias)) = &reference.rel_type {
                self.views.insert(alias.alias.to_lowercase(), reference.clone());
            }
        }
        self.remember(node.references.clone());
        self.input(node.root.as_deref())
    }

    /// Resolves a relation that one of the analyzer's extensions knows, or says that nobody does.
    fn extended(&mut self, node: &RelType) -> Result<Resolved> {
        let extensions: Vec<_> = self.extensions.iter().map(|e| e.extension).collect();
        let found = extensions.into_iter().find_map(|e| e.relation(self, node));
        found.unwrap_or_else(|| Err(SparkError::unsupported(format!("the relation {}", variant_name(node)))))
    }
}
