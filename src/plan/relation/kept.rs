//! Relations whose rows are kept: what a plan says is resolved, and its rows are read.

use datafusion_expr::Expr;

use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::recursion::{QUESTION, Question};
use crate::plan::scope::{Attribute, Resolved};
use crate::plan::views;
use crate::proto as sc;

impl Analyzer {
    /// Resolves a relation whose rows are kept (`CacheManager.useCachedData`); `None` for others, and for streams.
    ///
    /// Names, nulls and DataFrame ids are those of the relation itself, which is resolved but not run.
    ///
    /// # Errors
    /// [`QUESTION`] if the rows are to be kept and have not been computed; what analysis of the relation refuses.
    pub(super) fn kept(&mut self, relation: &sc::Relation) -> Result<Option<Resolved>> {
        let Some(view) = self.views.kept(relation) else {
            return Ok(None);
        };
        let scans = self.scans.len();
        let original = self.relation_kind(relation)?;
        if original.streaming {
            return Ok(Some(original));
        }
        if !self.views.has_rows(&view) {
            let query = Box::new(relation.clone());
            self.question = Some(Question::Rows { query, view });
            return Err(SparkError::analysis(
                QUESTION,
                "XX000",
                "the rows to be kept are needed",
            ));
        }
        self.scans.truncate(scans);
        let Some(rows) = self.views.find(&view)? else {
            return Err(SparkError::internal("kept rows have no view"));
        };
        // They are in the partitions that computed them.
        let deals_rows = std::mem::replace(&mut self.deals_rows, false);
        let rows = self.relation(&rows);
        self.deals_rows = deals_rows;
        let rows = rows?;
        let columns: Vec<(Expr, &Attribute)> = rows
            .output
            .iter()
            .map(Attribute::column)
            .zip(&original.output)
            .collect();
        let plan = self.project(rows.plan, columns)?;
        let has = |attribute: &Attribute| original.output.iter().any(|a| a.id == attribute.id);
        let tagged = original.tagged.iter();
        let tagged = tagged.map(|(id, columns)| (*id, columns.iter().filter(|a| has(a)).cloned().collect()));
        Ok(Some(Resolved {
            tagged: tagged.collect(),
            ..Resolved::new(plan, original.output.clone(), false)
        }))
    }

    /// Resolves a relation that the client knows by an id: a checkpoint.
    ///
    /// # Errors
    /// `CONNECT_INVALID_PLAN.DATAFRAME_NOT_FOUND` if the session has none of that id.
    pub(super) fn named_relation(&mut self, id: &str) -> Result<Resolved> {
        let Some(relation) = self.views.find(&views::named(id))? else {
            return Err(SparkError::analysis(
                "CONNECT_INVALID_PLAN.DATAFRAME_NOT_FOUND",
                "56K00",
                format!("The Spark Connect plan is invalid. No DataFrame with id {id} is found in the session"),
            )
            .with("dfId", id));
        };
        self.relation(&relation)
    }
}
