//! `SQLTransformer`: a query as a stage.

use crate::error::{Result, SparkError};
use crate::ml::error::illegal;
use crate::ml::literal::Kind;
use crate::ml::params::{Param, Params, free};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::plan::sql;
use crate::proto as sc;

/// Runs a query over the dataset, which the statement calls `__THIS__` (`SQLTransformer`).
///
/// The dataset becomes a view for the time of the plan only. The query may use all of SQL, other views included;
/// statements that are not queries are refused.
#[derive(Debug)]
pub struct SqlTransformer;

impl Stage for SqlTransformer {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.SQLTransformer"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[free("statement", Kind::Text)];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for SqlTransformer {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        _input: Resolved,
        params: &Params,
        relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let statement = params.text("statement")?;
        let input = relation.ok_or_else(|| SparkError::invalid_plan("a transform lacks its input"))?;
        let ml = analyzer.ml()?;
        ml.statements += 1;
        let table = format!("__ml_this_{}", ml.statements);
        analyzer.views.insert(table.clone(), input.clone());
        let parsed = sql::parse_statement(&statement.replace("__THIS__", &table))?;
        let out = match parsed {
            sql::Statement::Query(relation) => analyzer.relation(&relation),
            _ => Err(illegal(format!("SQLTransformer takes a query, not {statement}."))),
        };
        analyzer.views.remove(&table);
        out
    }
}
