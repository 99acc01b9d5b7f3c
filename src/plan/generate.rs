//! Generators (`explode` and its kin) in select lists and after LATERAL VIEW.
//!
//! A generator is a call that makes a list per row. It is computed as a column; a [`Generate`] above
//! turns the list's elements into rows and drops the list.
//!
//! ```text
//! SELECT id, explode(tags) AS tag      Projection  id, #9
//!                                        Generate    #9 from #8
//!                                          Projection  id, #8 = tags
//! ```

use arrow::datatypes::DataType;

use super::analyzer::Analyzer;
use super::functions;
use super::nodes::{self, Generate};
use super::scope::typed_attribute;
use super::scope::{Attribute, Generator, Resolved, Typed};
use crate::error::{Result, SparkError};
use crate::plan::sql::marker::SqlForm;
use crate::proto as sc;
use crate::proto::relation::RelType;

impl Analyzer {
    /// Puts the list into a column and its elements into rows; returns the relation and the element
    /// columns.
    ///
    /// # Errors
    /// If there are more or fewer names than columns, `UDTF_ALIAS_NUMBER_MISMATCH`.
    pub(super) fn generate(&mut self, input: Resolved, generator: &Generator) -> Result<(Resolved, Vec<Attribute>)> {
        let list = self.attribute(
            "generator",
            crate::values::types::list_of(generator.element.clone()),
            true,
        );
        let visible: Vec<Attribute> = input.visible().cloned().collect();
        let mut columns: Vec<_> = visible.iter().map(|a| (a.column(), a)).collect();
        columns.push((generator.list.clone(), &list));
        let listed = self.project(input.plan.clone(), columns)?;
        let parts: Vec<(String, DataType)> = match (&generator.element, generator.spread) {
            (DataType::Struct(fields), true) => fields
                .iter()
                .map(|f| (f.name().clone(), f.data_type().clone()))
                .collect(),
            (element, _) => vec![("col".into(), element.clone())],
        };
        if !generator.names.is_empty() && generator.names.len() != parts.len() {
            return Err(SparkError::analysis(
                "UDTF_ALIAS_NUMBER_MISMATCH",
                "42802",
                format!(
                    "The number of aliases supplied in the AS clause does not match the number of columns output by the generator. \
                     Expected {} aliases, but got {}.",
                    parts.len(),
                    generator.names.join(", ")
                ),
            ));
        }
        let made: Vec<Attribute> = parts
            .into_iter()
            .enumerate()
            .map(|(i, (name, t))| {
                let name = generator.names.get(i).cloned().unwrap_or(name);
                self.attribute(name, t, true)
            })
            .collect();
        let columns = made.iter().map(|a| (a.id.clone(), a.data_type.clone())).collect();
        let generate = Generate {
            list: list.id,
            columns,
            spread: generator.spread,
            outer: generator.outer,
        };
        Ok((input.over(nodes::plan(generate, listed)?), made))
    }

    /// Replaces the generators of a select list by the columns they make: of several, each row of the first meets each of the next.
    ///
    /// # Errors
    /// If one makes other columns than it has names for.
    pub(super) fn pull_generators(&mut self, input: Resolved, items: &mut Vec<Typed>) -> Result<Resolved> {
        let mut relation = input;
        while let Some(at) = items.iter().position(|t| t.generator.is_some()) {
            let Some(generator) = items[at].generator.take() else {
                break;
            };
            let (generated, made) = self.generate(relation, &generator)?;
            relation = generated;
            relation.hidden.extend(made.iter().cloned());
            items.splice(at..=at, made.iter().map(typed_attribute));
        }
        Ok(relation)
    }

    /// Resolves a `LateralJoin` whose right side is a table-valued generator (LATERAL VIEW); any other
    /// right side is a subquery.
    ///
    /// `LATERAL VIEW OUTER` is a left outer join: rows without elements stay, with nulls.
    ///
    /// # Errors
    /// If the function is not a generator, `UNRESOLVABLE_TABLE_VALUED_FUNCTION`.
    pub(super) fn lateral_join(&mut self, node: &sc::LateralJoin) -> Result<Resolved> {
        let left = self.input(node.left.as_deref())?;
        let right = node
            .right
            .as_deref()
            .ok_or_else(|| SparkError::invalid_plan("a lateral join has no right side"))?;
        let Some((alias, names, call)) = generator_of(right) else {
            return self.lateral_subquery(left, right, node);
        };
        let mut args = Vec::new();
        for argument in &call.arguments {
            args.push(self.expression(argument, &left)?);
        }
        let name = call.function_name.to_ascii_lowercase();
        let generator = functions::call(&self.context(), &name, args, false)?.and_then(|t| t.generator);
        let mut generator = *generator.ok_or_else(|| {
            SparkError::analysis(
                "UNRESOLVABLE_TABLE_VALUED_FUNCTION",
                "42883",
                format!("Could not resolve `{name}` to a table-valued function."),
            )
        })?;
        generator.names = names.unwrap_or_default();
        generator.outer |= node.join_type() == sc::join::JoinType::LeftOuter;
        let (mut relation, made) = self.generate(left, &generator)?;
        for mut attribute in made {
            attribute.qualifier = alias.iter().cloned().collect();
            relation.output.push(attribute);
        }
        Ok(relation)
    }
}

/// Alias, column names and call of a generator that stands as a table.
type GeneratorCall<'a> = (
    Option<String>,
    Option<Vec<String>>,
    &'a sc::UnresolvedTableValuedFunction,
);

/// Returns the call inside `SubqueryAlias(ToDF(UnresolvedTableValuedFunction))`, with alias and column
/// names; `None` for any other relation.
fn generator_of(relation: &sc::Relation) -> Option<GeneratorCall<'_>> {
    match relation.rel_type.as_ref()? {
        RelType::SubqueryAlias(alias) => {
            let (_, names, call) = generator_of(alias.input.as_deref()?)?;
            Some((Some(alias.alias.clone()), names, call))
        }
        RelType::ToDf(to) => {
            let (alias, _, call) = generator_of(to.input.as_deref()?)?;
            Some((alias, Some(to.column_names.clone()), call))
        }
        RelType::UnresolvedTableValuedFunction(call) if SqlForm::of(relation) != SqlForm::Values => {
            Some((None, None, call))
        }
        _ => None,
    }
}
