//! `spark.catalog`: each question is answered with a relation of rows.
//!
//! There is one catalog, `spark_catalog`, with one schema, `default`; its tables are the temporary views of the session, and the
//! tables of memory sinks. Questions of tables in files are not answered.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, ListBuilder, RecordBatch, StringArray, StringBuilder, new_null_array};
use arrow::datatypes::{DataType, Field, Schema};

use super::driver::Driver;
use super::statements::{nothing, view_not_found};
use crate::error::{Exception, Result, SparkError};
use crate::plan::functions::entry::Function;
use crate::plan::functions::{describe, registry};
use crate::plan::sql::{self, FunctionScope};
use crate::proto as sc;
use crate::proto::catalog::CatType;
use crate::proto::relation::RelType;
use crate::values::ipc;
use crate::values::types::{element_field, list_of};

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

impl Driver {
    /// Returns the rows that answer a question of `spark.catalog`; `None` for those of tables in files.
    ///
    /// # Errors
    /// `SCHEMA_NOT_FOUND`, `CATALOG_NOT_FOUND`, `TABLE_OR_VIEW_NOT_FOUND` or `UNRESOLVED_ROUTINE` if what is named does not exist.
    pub(super) fn catalog(
        &mut self,
        session: &str,
        catalog: &sc::Catalog,
        now_ms: i64,
    ) -> Result<Option<sc::Relation>> {
        let Some(question) = &catalog.cat_type else {
            return functions(catalog);
        };
        Ok(Some(match question {
            CatType::CurrentDatabase(_) => one_string(DEFAULT)?,
            CatType::CurrentCatalog(_) => one_string(CATALOG)?,
            CatType::SetCurrentDatabase(set) => {
                schema(&set.db_name)?;
                nothing()?
            }
            CatType::SetCurrentCatalog(set) if set.catalog_name == CATALOG => nothing()?,
            CatType::SetCurrentCatalog(set) => return Err(catalog_not_found(&set.catalog_name)),
            CatType::ListCatalogs(list) => {
                let found: Vec<&str> = [CATALOG]
                    .into_iter()
                    .filter(|c| describe::fitting(list.pattern.as_deref())(c))
                    .collect();
                let missing = new_null_array(&DataType::Utf8, found.len());
                local(
                    string_fields(&["name", "description"]),
                    vec![string_column(found), missing],
                )?
            }
            CatType::ListDatabases(list) => databases(describe::fitting(list.pattern.as_deref())(DEFAULT))?,
            CatType::GetDatabase(get) => {
                schema(&get.db_name)?;
                databases(true)?
            }
            CatType::DatabaseExists(exists) => one_boolean(schema(&exists.db_name).is_ok())?,
            CatType::ListTables(list) => {
                let schema = list.db_name.as_deref().map(sql::parse_identifier).transpose()?;
                tables(&self.tables_in(session, schema.as_deref(), list.pattern.as_deref())?)?
            }
            CatType::GetTable(get) => {
                let parts = parts(&get.table_name, get.db_name.as_deref())?;
                match self.table_named(session, &parts)? {
                    Some(name) => tables(&[name])?,
                    None => return Err(view_not_found(&sql::quote_identifier(&parts))),
                }
            }
            CatType::TableExists(exists) => {
                let parts = parts(&exists.table_name, exists.db_name.as_deref())?;
                one_boolean(self.table_named(session, &parts)?.is_some())?
            }
            CatType::ListColumns(list) => {
                let parts = parts(&list.table_name, list.db_name.as_deref())?;
                columns(self.columns_of(session, sql::quote_identifier(&parts), now_ms)?)?
            }
            CatType::DropTempView(drop) => one_boolean(self.drop_view(session, &drop.view_name)?)?,
            CatType::DropGlobalTempView(drop) => one_boolean(self.drop_view(session, &drop.view_name)?)?,
            CatType::IsCached(is) => {
                let key = self.known_table(session, &is.table_name)?;
                one_boolean(self.session(session).cached.contains(&key))?
            }
            CatType::CacheTable(cache) => {
                let key = self.known_table(session, &cache.table_name)?;
                self.session(session).keep_table(&key);
                self.session(session).cached.insert(key);
                nothing()?
            }
            CatType::UncacheTable(uncache) => {
                let key = self.known_table(session, &uncache.table_name)?;
                self.session(session).let_table_go(&key);
                self.session(session).cached.remove(&key);
                nothing()?
            }
            CatType::ClearCache(_) => {
                self.session(session).kept.clear();
                self.session(session).cached.clear();
                nothing()?
            }
            CatType::RefreshTable(refresh) => {
                self.known_table(session, &refresh.table_name)?;
                nothing()?
            }
            // Files are listed anew for each query.
            CatType::RefreshByPath(_) => nothing()?,
            CatType::DropTable(drop) if drop.if_exists => nothing()?,
            CatType::DropTable(drop) => return Err(view_not_found(&drop.table_name)),
            _ => return functions(catalog),
        }))
    }

    /// Returns the names of views and tables that fit a pattern, sorted.
    ///
    /// # Errors
    /// `SCHEMA_NOT_FOUND` if the schema is neither `default` nor `global_temp`.
    pub(super) fn tables_in(
        &mut self,
        session: &str,
        schema: Option<&[String]>,
        pattern: Option<&str>,
    ) -> Result<Vec<String>> {
        if let Some(parts) = schema
            && !describe::is_default(parts)
            && !is_global(parts)
        {
            return Err(describe::schema_not_found(parts));
        }
        let session = self.session(session);
        let fits = describe::fitting(pattern);
        let names = session.views.keys().chain(session.tables.keys());
        let mut names: Vec<String> = names.filter(|name| fits(name)).cloned().collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Returns the name under which a view or table is kept; `None` if it does not exist.
    ///
    /// # Errors
    /// `REQUIRES_SINGLE_PART_NAMESPACE` if the name has too many parts.
    fn table_named(&mut self, session: &str, parts: &[String]) -> Result<Option<String>> {
        let (name, schema) = match parts {
            [schema @ .., name] if schema.len() < 3 => (name, schema),
            _ => return Err(too_many_parts(parts)),
        };
        if !schema.is_empty() && !is_global(schema) {
            return Ok(None);
        }
        let key = name.to_lowercase();
        let session = self.session(session);
        let tables = session.tables.keys().find(|table| table.to_lowercase() == key);
        Ok(session
            .views
            .contains_key(&key)
            .then(|| key.clone())
            .or(tables.cloned()))
    }

    /// Returns the key of a view or table that must exist.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND` if it does not.
    pub(super) fn known_table(&mut self, session: &str, name: &str) -> Result<String> {
        let parts = sql::parse_identifier(name)?;
        self.table_named(session, &parts)?
            .map(|name| name.to_lowercase())
            .ok_or_else(|| view_not_found(&sql::quote_identifier(&parts)))
    }
}

/// The one catalog.
const CATALOG: &str = "spark_catalog";
/// The one schema.
const DEFAULT: &str = "default";
/// Where Spark would keep the tables of the schema; nothing is kept here.
const LOCATION: &str = "file:/spark-warehouse";

/// Returns whether the parts name the schema of global temporary views.
fn is_global(parts: &[String]) -> bool {
    matches!(parts, [one] if one.eq_ignore_ascii_case("global_temp"))
}

/// Checks that a schema exists.
///
/// # Errors
/// `SCHEMA_NOT_FOUND` if it does not.
fn schema(name: &str) -> Result<()> {
    let parts = sql::parse_identifier(name)?;
    match describe::is_default(&parts) {
        true => Ok(()),
        false => Err(describe::schema_not_found(&parts)),
    }
}

/// Makes `CATALOG_NOT_FOUND`.
fn catalog_not_found(name: &str) -> SparkError {
    SparkError::new(
        Exception::Connect,
        "CATALOG_NOT_FOUND",
        "42P08",
        format!(
            "The catalog `{name}` not found. Consider to set the SQL config \"spark.sql.catalog.{name}\" to a catalog plugin."
        ),
    )
    .with("catalogName", format!("`{name}`"))
}

/// Makes `REQUIRES_SINGLE_PART_NAMESPACE` for a name of more than three parts.
fn too_many_parts(parts: &[String]) -> SparkError {
    let quoted: Vec<String> = parts.iter().map(|part| format!("`{part}`")).collect();
    SparkError::analysis(
        "REQUIRES_SINGLE_PART_NAMESPACE",
        "42K05",
        format!(
            "{CATALOG} requires a single-part namespace, but got identifier {}.",
            quoted.join(".")
        ),
    )
}

/// Returns columns of strings by their names.
fn string_fields(names: &[&str]) -> Vec<Field> {
    names
        .iter()
        .map(|name| Field::new(*name, DataType::Utf8, true))
        .collect()
}

/// Returns a column of strings.
fn string_column<'a>(cells: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(cells))
}

/// Returns one string as a relation.
fn one_string(value: &str) -> Result<sc::Relation> {
    local(string_fields(&["value"]), vec![string_column([value])])
}

/// Returns one boolean as a relation.
fn one_boolean(value: bool) -> Result<sc::Relation> {
    let cell: ArrayRef = Arc::new(BooleanArray::from(vec![value]));
    local(vec![Field::new("value", DataType::Boolean, false)], vec![cell])
}

/// Returns the one schema as `spark.catalog` describes it, or no row.
fn databases(found: bool) -> Result<sc::Relation> {
    let row = [DEFAULT, CATALOG, "default database", LOCATION];
    let cells = row.map(|cell| string_column(found.then_some(cell)));
    local(
        string_fields(&["name", "catalog", "description", "locationUri"]),
        cells.to_vec(),
    )
}

/// Returns views as `spark.catalog` describes them: temporary, without catalog and namespace.
fn tables(names: &[String]) -> Result<sc::Relation> {
    let namespace = list_of(DataType::Utf8);
    let mut fields = string_fields(&["name", "catalog"]);
    fields.push(Field::new("namespace", namespace.clone(), true));
    fields.extend(string_fields(&["description", "tableType"]));
    fields.push(Field::new("isTemporary", DataType::Boolean, false));
    let none = || new_null_array(&DataType::Utf8, names.len());
    let mut namespaces = ListBuilder::new(StringBuilder::new()).with_field(element_field(&namespace)?.clone());
    names.iter().for_each(|_| namespaces.append(true));
    let columns = vec![
        string_column(names.iter().map(String::as_str)),
        none(),
        Arc::new(namespaces.finish()),
        none(),
        string_column(names.iter().map(|_| "TEMPORARY")),
        Arc::new(BooleanArray::from(vec![true; names.len()])),
    ];
    local(fields, columns)
}

/// Returns name, type and nullability of columns as `spark.catalog` describes them.
fn columns(found: Vec<(String, String, bool)>) -> Result<sc::Relation> {
    let flags = ["nullable", "isPartition", "isBucket", "isCluster"];
    let mut fields = string_fields(&["name", "description", "dataType"]);
    fields.extend(flags.map(|name| Field::new(name, DataType::Boolean, false)));
    let no = || Arc::new(BooleanArray::from(vec![false; found.len()])) as ArrayRef;
    let columns = vec![
        string_column(found.iter().map(|(name, ..)| name.as_str())),
        new_null_array(&DataType::Utf8, found.len()),
        string_column(found.iter().map(|(_, kind, _)| kind.as_str())),
        Arc::new(
            found
                .iter()
                .map(|(.., nullable)| Some(*nullable))
                .collect::<BooleanArray>(),
        ),
        no(),
        no(),
        no(),
    ];
    local(fields, columns)
}

/// Returns a relation of rows that are at hand.
pub(super) fn local(fields: Vec<Field>, columns: Vec<ArrayRef>) -> Result<sc::Relation> {
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
