//! `spark.catalog`, as far as it asks for functions: each question is answered with a relation of rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema};

use crate::error::{Result, SparkError};
use crate::plan::functions::entry::Function;
use crate::plan::functions::{describe, registry};
use crate::plan::sql::{self, FunctionScope};
use crate::proto as sc;
use crate::proto::catalog::CatType;
use crate::proto::relation::RelType;
use crate::values::ipc;
use crate::values::types::list_of;

/// Returns the rows that answer a question about functions; `None` for other questions.
///
/// # Errors
/// `UNRESOLVED_ROUTINE` if a function does not exist, `SCHEMA_NOT_FOUND`, and what is wrong with a name.
pub fn functions(catalog: &sc::Catalog) -> Result<Option<sc::Relation>> {
    Ok(Some(match &catalog.cat_type {
        Some(CatType::ListFunctions(list)) => {
            let schema = list.db_name.as_deref().map(sql::parse_identifier).transpose()?;
            let names = describe::show(FunctionScope::All, schema.as_deref(), list.pattern.as_deref())?;
            let found = names
                .into_iter()
                .filter_map(|name| Some((registry::find(name)?, name.to_owned())));
            rows(&found.collect::<Vec<_>>())?
        }
        Some(CatType::GetFunction(get)) => {
            let name = parts(&get.function_name, get.db_name.as_deref())?;
            let (function, _) = describe::resolve(&name).ok_or_else(|| registry::unresolved_parts(&name))?;
            rows(&[(function, name.last().cloned().unwrap_or_default())])?
        }
        Some(CatType::FunctionExists(exists)) => {
            let name = parts(&exists.function_name, exists.db_name.as_deref())?;
            let found: ArrayRef = Arc::new(BooleanArray::from(vec![describe::resolve(&name).is_some()]));
            local(vec![Field::new("value", DataType::Boolean, false)], vec![found])?
        }
        _ => return Ok(None),
    }))
}

/// Returns the parts of a name, below a schema if there is one.
fn parts(name: &str, schema: Option<&str>) -> Result<Vec<String>> {
    let mut parts = schema.map(sql::parse_identifier).transpose()?.unwrap_or_default();
    parts.extend(sql::parse_identifier(name)?);
    Ok(parts)
}

/// Functions under their names, as `spark.catalog` describes them: built-in ones count as temporary, without a catalog.
fn rows(found: &[(&Function, String)]) -> Result<sc::Relation> {
    let text = |cell: fn(&Function, &str) -> String| -> ArrayRef {
        let cells = found.iter().map(|(function, name)| cell(function, name));
        Arc::new(StringArray::from_iter_values(cells))
    };
    let namespace = list_of(DataType::Utf8);
    let fields = vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("catalog", DataType::Utf8, true),
        Field::new("namespace", namespace.clone(), true),
        Field::new("description", DataType::Utf8, true),
        Field::new("className", DataType::Utf8, true),
        Field::new("isTemporary", DataType::Boolean, false),
    ];
    let columns = vec![
        text(|_, name| name.to_owned()),
        new_null_array(&DataType::Utf8, found.len()),
        new_null_array(&namespace, found.len()),
        text(describe::usage),
        text(|function, _| describe::class(function)),
        Arc::new(BooleanArray::from(vec![true; found.len()])),
    ];
    local(fields, columns)
}

/// Returns a relation of rows that are at hand.
fn local(fields: Vec<Field>, columns: Vec<ArrayRef>) -> Result<sc::Relation> {
    let schema = Schema::new(fields);
    let batch = RecordBatch::try_new(Arc::new(schema.clone()), columns).map_err(SparkError::from)?;
    let local = sc::LocalRelation {
        data: Some(ipc::write(&schema, &[batch])?),
        schema: None,
    };
    Ok(sc::Relation {
        common: None,
        rel_type: Some(RelType::LocalRelation(local)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(question: CatType) -> Result<RecordBatch> {
        let answer = functions(&sc::Catalog {
            cat_type: Some(question),
        })?;
        let Some(RelType::LocalRelation(local)) = answer.and_then(|r| r.rel_type) else {
            panic!("the answer is not a local relation");
        };
        let batches = ipc::read(&local.data.unwrap_or_default().into())?;
        Ok(batches[0].clone())
    }

    #[test]
    fn functions_are_listed_found_and_tested() {
        let list = sc::ListFunctions {
            pattern: Some("array_*".into()),
            ..Default::default()
        };
        assert!(ask(CatType::ListFunctions(list)).unwrap().num_rows() > 10);
        let get = |name: &str| sc::GetFunction {
            function_name: name.into(),
            ..Default::default()
        };
        assert_eq!(ask(CatType::GetFunction(get("ABS"))).unwrap().num_rows(), 1);
        let error = ask(CatType::GetFunction(get("default.abs"))).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("UNRESOLVED_ROUTINE"));
        let exists = sc::FunctionExists {
            function_name: "nosuch".into(),
            ..Default::default()
        };
        let answer = ask(CatType::FunctionExists(exists)).unwrap();
        assert!(!arrow::array::AsArray::as_boolean(answer.column(0)).value(0));
    }
}
