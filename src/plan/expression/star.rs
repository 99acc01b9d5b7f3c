//! Stars: `*`, `t.*`, `struct.*` and `* EXCEPT (…)`.

use arrow::datatypes::DataType;

use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::names::Names;
use crate::plan::scan::METADATA;
use crate::plan::scope::Attribute;
use crate::plan::scope::{Resolved, Typed, typed_attribute};
use crate::plan::sql::marker::Marker;
use crate::plan::{extract, sql};
use crate::proto as sc;
use crate::proto::expression::ExprType;

impl Analyzer {
    /// Returns the columns that `*`, `t.*` or `struct.*` stands for; a qualifier is sought before a struct.
    ///
    /// # Errors
    /// If the target is neither, `CANNOT_RESOLVE_STAR_EXPAND`.
    pub fn star(&mut self, star: &sc::expression::UnresolvedStar, scope: &Resolved) -> Result<Vec<Typed>> {
        let Some(target) = &star.unparsed_target else {
            if let Some(id) = star.plan_id {
                let tagged = scope
                    .tagged
                    .iter()
                    .find(|(tag, _)| *tag == id)
                    .map(|(_, attributes)| attributes);
                if let Some(attributes) = tagged {
                    return Ok(attributes.iter().map(typed_attribute).collect());
                }
            }
            return Ok(scope.output.iter().map(typed_attribute).collect());
        };
        let target = target.strip_suffix(".*").unwrap_or(target);
        let parts = sql::parse_column(target)?;
        let names = self.names();
        // A key of USING that the join shows from the other side is there, too.
        let shown = |a: &&Attribute| scope.output.iter().any(|o| names.same(&o.name, &a.name));
        let hidden = scope.hidden.iter().filter(|a| a.name != METADATA).filter(shown);
        let qualified: Vec<Typed> = hidden
            .chain(&scope.output)
            .filter(|a| names.ends_with(&a.qualifier, &parts))
            .map(typed_attribute)
            .collect();
        if !qualified.is_empty() {
            return Ok(qualified);
        }
        let cannot = || {
            let quoted: Vec<String> = parts.iter().map(|p| format!("`{p}`")).collect();
            let columns: Vec<String> = scope.output.iter().map(|a| format!("`{}`", a.name)).collect();
            let (quoted, columns) = (quoted.join("."), columns.join(", "));
            SparkError::analysis(
                "CANNOT_RESOLVE_STAR_EXPAND",
                "42704",
                format!("Cannot resolve {quoted}.* given input columns {columns}. Please check that the specified table or struct exists and is accessible in the input columns."),
            )
            .with("targetString", quoted)
            .with("columns", columns)
        };
        let typed = self.name(target, star.plan_id, scope).map_err(|_| cannot())?;
        match typed.data_type.clone() {
            DataType::Struct(fields) => fields
                .iter()
                .map(|f| extract::fields(typed.clone(), &[f.name().clone()], Names::Exact))
                .collect(),
            _ => Err(cannot()),
        }
    }

    /// Returns the columns of `* EXCEPT (columns)`.
    ///
    /// # Errors
    /// If an excepted column does not exist, `UNRESOLVED_COLUMN`.
    pub(in crate::plan) fn star_except(&mut self, marked: &sc::Expression, input: &Resolved) -> Result<Vec<Typed>> {
        let Some((star, excepted)) = Marker::of(marked).and_then(|(_, arguments)| arguments.split_first()) else {
            return Ok(vec![]);
        };
        let Some(ExprType::UnresolvedStar(star)) = &star.expr_type else {
            return Err(SparkError::invalid_plan("EXCEPT needs a star"));
        };
        let mut columns = self.star(star, input)?;
        for expression in excepted {
            let unwanted = self.expression(expression, input)?;
            columns.retain(|c| c.expr != unwanted.expr);
        }
        Ok(columns)
    }
}
