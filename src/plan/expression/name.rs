//! Names: which column, or field inside one, a name means, and Spark's errors when that is none or
//! several.
//!
//! A name is sought in this order, and the first place that knows it decides:
//!
//! ```text
//! 1. variables of the lambdas around              x -> x + 1
//! 2. columns of the DataFrame that the name tags, and nothing else in the relation  df["a"]
//! 3. the output of the relation below
//! 4. its hidden columns, and those below it       a column that was not selected, in WHERE and ORDER BY
//! 5. aliases further left in the select list      SELECT a AS x, x + 1
//! 6. the queries around a subquery, innermost first
//! ```

use std::sync::Arc;

use arrow::datatypes::Field;
use datafusion_common::Column;
use datafusion_expr::Expr;

use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::names::Names;
use crate::plan::scope::{Attribute, Resolved, Typed, typed_attribute};
use crate::plan::{extract, sql};
use crate::proto as sc;
use crate::values::text::distance;

impl Analyzer {
    /// Finds a column, or a field inside one, by its name as written: parts with dots between, any of them
    /// in backquotes.
    ///
    /// # Errors
    /// If it is not such a name, `INVALID_ATTRIBUTE_NAME_SYNTAX`; if nothing fits, `UNRESOLVED_COLUMN`; if several columns do, `AMBIGUOUS_REFERENCE`.
    pub fn name(&mut self, text: &str, plan_id: Option<i64>, scope: &Resolved) -> Result<Typed> {
        let parts = sql::parse_column(text)?;
        if parts.len() == 1
            && let Some((_, typed)) = self.lambda.iter().rev().find(|(n, _)| *n == parts[0])
        {
            return Ok(typed.clone());
        }
        if parts.len() > 1
            && let Some((_, typed)) = self.lambda.iter().rev().find(|(n, _)| *n == parts[0])
        {
            let mut field = extract::fields(typed.clone(), &parts[1..], self.names())?;
            field.name = format!("{}.{}", typed.name, parts[1..].join("."));
            return Ok(field);
        }
        let names = self.names();
        if let Some(id) = plan_id {
            if let Some(typed) = column_of(id, text, &parts, scope, names)? {
                return Ok(typed);
            }
        } else if let Some(typed) = find(scope.output.iter(), &parts, names)? {
            return Ok(typed);
        } else if let Some(typed) = find(scope.hidden.iter(), &parts, names)? {
            return Ok(typed);
        } else if let Some(typed) = find(scope.below.iter(), &parts, names)? {
            return Ok(typed);
        } else if let Some(typed) = self.lateral.iter().rev().find(|t| names.same(&t.name, &parts[0])) {
            let mut typed = typed.clone();
            typed.attribute = None;
            return extract::fields(typed, &parts[1..], names);
        }
        for attributes in self.outer.iter().rev() {
            if let Some(mut typed) = find(attributes.iter(), &parts, names)? {
                if let Some(attribute) = typed.attribute.take() {
                    let field = Arc::new(Field::new(&attribute.id, attribute.data_type.clone(), true));
                    typed.expr = Expr::OuterReferenceColumn(field, Column::new_unqualified(attribute.id));
                    return Ok(typed);
                }
                return Err(SparkError::unsupported(
                    "fields of outer columns in a correlated subquery",
                ));
            }
        }
        Err(match plan_id {
            Some(_) => of_no_frame(text),
            None => unresolved_column(text, scope),
        })
    }

    /// Returns a variable of a lambda around the expression, innermost first.
    ///
    /// # Errors
    /// If there is none of that name, `UNRESOLVED_COLUMN`.
    pub(super) fn lambda_variable(
        &mut self,
        variable: &sc::expression::UnresolvedNamedLambdaVariable,
        scope: &Resolved,
    ) -> Result<Typed> {
        let name = variable.name_parts.join(".");
        match self.lambda.iter().rev().find(|(n, _)| *n == name) {
            Some((_, typed)) => Ok(typed.clone()),
            None => Err(unresolved_column(&name, scope)),
        }
    }
}

/// Finds a column of the DataFrame with this id, if the relation still has it. A column of that name which came later is another.
///
/// # Errors
/// If the DataFrame is in the relation more than once, `AMBIGUOUS_COLUMN_REFERENCE`.
fn column_of(id: i64, text: &str, parts: &[String], scope: &Resolved, names: Names) -> Result<Option<Typed>> {
    let all = || scope.output.iter().chain(&scope.hidden).chain(&scope.below);
    let mut found: Vec<Typed> = vec![];
    for (_, attributes) in scope.tagged.iter().filter(|(tag, _)| *tag == id) {
        let left: Vec<&Attribute> = attributes
            .iter()
            .filter(|a| all().any(|v| v.id == a.id && names.same(&v.name, &a.name)))
            .collect();
        let typed = find(left.into_iter(), parts, names)?;
        found.extend(typed.filter(|t| found.iter().all(|f| f.expr != t.expr)));
    }
    if found.len() > 1 {
        return Err(SparkError::analysis(
            "AMBIGUOUS_COLUMN_REFERENCE",
            "42702",
            format!(
                "Column \"{text}\" is ambiguous. It's because you joined several DataFrame together, and some of these DataFrames are the \
                 same. This column points to one of the DataFrames but Spark is unable to figure out which one. Please alias the \
                 DataFrames with different names via `DataFrame.alias` before joining them, and specify the column using qualified \
                 name, e.g. `df.alias(\"a\").join(df.alias(\"b\"), col(\"a.id\") > col(\"b.id\"))`."
            ),
        )
        .with("name", format!("\"{text}\"")));
    }
    Ok(found.pop())
}

/// Makes `CANNOT_RESOLVE_DATAFRAME_COLUMN`.
fn of_no_frame(name: &str) -> SparkError {
    SparkError::analysis(
        "CANNOT_RESOLVE_DATAFRAME_COLUMN",
        "42704",
        format!(
            "Cannot resolve dataframe column \"{name}\". It's probably because of illegal references like \
             `df1.select(df2.col(\"a\"))`."
        ),
    )
    .with("name", format!("\"{name}\""))
}

/// Finds the one attribute that `parts` means and takes the fields that follow out of it. Longer names
/// win: `a.b` is column `b` of table `a` before it is field `b` of column `a`. `None` if no attribute
/// fits.
///
/// # Errors
/// If several attributes fit, `AMBIGUOUS_REFERENCE`; and those of the fields.
fn find<'a>(
    attributes: impl Iterator<Item = &'a Attribute> + Clone,
    parts: &[String],
    names: Names,
) -> Result<Option<Typed>> {
    for named in (1..=parts.len()).rev() {
        let mut found: Vec<&Attribute> = attributes
            .clone()
            .filter(|a| names.same(&a.name, &parts[named - 1]) && names.ends_with(&a.qualifier, &parts[..named - 1]))
            .collect();
        let mut origins: Vec<&str> = vec![];
        found.retain(|a| {
            let new = !origins.contains(&a.origin());
            origins.push(a.origin());
            new
        });
        match found[..] {
            [] => {}
            [one] => {
                // The column takes the name as it was written (`AttributeReference.withName`).
                let mut typed = typed_attribute(one);
                typed.name.clone_from(&parts[named - 1]);
                return extract::fields(typed, &parts[named..], names).map(Some);
            }
            _ => {
                let name: Vec<String> = parts.iter().map(|p| format!("`{p}`")).collect();
                let candidates: Vec<String> = found
                    .iter()
                    .map(|a| {
                        a.qualifier
                            .iter()
                            .chain([&a.name])
                            .map(|p| format!("`{p}`"))
                            .collect::<Vec<_>>()
                            .join(".")
                    })
                    .collect();
                return Err(SparkError::analysis(
                    "AMBIGUOUS_REFERENCE",
                    "42704",
                    format!(
                        "Reference {} is ambiguous, could be: [{}].",
                        name.join("."),
                        candidates.join(", ")
                    ),
                )
                .with("name", name.join("."))
                .with("referenceNames", format!("[{}]", candidates.join(", "))));
            }
        }
    }
    Ok(None)
}

/// Makes `UNRESOLVED_COLUMN`, with the five nearest names of the scope.
pub fn unresolved_column(name: &str, scope: &Resolved) -> SparkError {
    let quoted = match sql::parse_column(name) {
        Ok(parts) => parts.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join("."),
        Err(_) => format!("`{name}`"),
    };
    let mut names: Vec<(usize, String)> = scope
        .output
        .iter()
        .map(|a| {
            (
                distance(&a.name.to_lowercase(), &name.to_lowercase()),
                format!("`{}`", a.name),
            )
        })
        .collect();
    names.sort();
    names.truncate(5);
    let message = format!("A column, variable, or function parameter with name {quoted} cannot be resolved.");
    if names.is_empty() {
        return SparkError::analysis("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", message)
            .with("objectName", quoted);
    }
    let proposal = names.into_iter().map(|(_, n)| n).collect::<Vec<_>>().join(", ");
    SparkError::analysis(
        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        "42703",
        format!("{message} Did you mean one of the following? [{proposal}]."),
    )
    .with("objectName", quoted)
    .with("proposal", proposal)
}
