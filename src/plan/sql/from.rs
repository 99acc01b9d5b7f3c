//! `FROM`: tables, subqueries, table-valued functions, joins.
//!
//! A relation that is a table of the session stays a name; the analyzer finds its view. CTEs are put in
//! place here, each copy counted, because the protocol has no message for them.
//!
//! ```text
//! t                        Read(t), or the CTE t            range(3)                table-valued function
//! json.`/data/a.json`      Read(json, path)                 LATERAL f(a)            LateralJoin
//! (SELECT 1)               its relation under a hidden alias    t TABLESAMPLE (5 ROWS)  Limit(t, 5)
//! ```

use sc::join::JoinType;
use sc::read::{DataSource, NamedTable, ReadType};
use sc::relation::RelType;
use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Join, JoinConstraint, JoinOperator, SetExpr, TableAlias, TableFactor,
    TableSample, TableSampleKind, TableSampleUnit, TableWithJoins, Value,
};

use super::error::SqlError;
use super::lowering::{Lowering, ident, object_name};
use super::marker::{self, Marker};
use super::message::{relation, subquery_alias, to_df};
use super::query::refuse;
use super::tokens::MAX_RELATIONS;
use crate::proto as sc;

/// The formats whose names make a table of a path: ``json.`/data/a.json` ``.
const FILE_FORMATS: [&str; 7] = ["parquet", "json", "csv", "orc", "text", "avro", "binaryfile"];

impl Lowering {
    /// Turns all relations of a `FROM` into one; `None` if there are none.
    ///
    /// Joins apply to everything before them, commas included, as by default in Spark.
    ///
    /// # Errors
    /// If there are too many relations, [`SqlError::TooComplex`], and those of its parts.
    pub fn from(&mut self, from: &[TableWithJoins]) -> Result<Option<sc::Relation>, SqlError> {
        // Each comma makes the plan one join deeper; the tokens' check has counted the joins.
        if from.len() > MAX_RELATIONS {
            return Err(SqlError::TooComplex);
        }
        let mut joined: Option<sc::Relation> = None;
        for TableWithJoins { relation: first, joins } in from {
            let right = self.factor(first)?;
            let mut all = match joined {
                None => right,
                Some(left) if is_lateral(first) => lateral_join(left, right, None, JoinType::Inner),
                Some(left) => join(left, right, JoinType::Cross, None, vec![]),
            };
            for next in joins {
                all = self.join(all, next)?;
            }
            joined = Some(all);
        }
        Ok(joined)
    }

    /// Joins one more table of a FROM clause to those before it.
    ///
    /// # Errors
    /// If a lateral join has `USING`, `UNSUPPORTED_FEATURE.LATERAL_JOIN_USING`.
    fn join(&mut self, left: sc::Relation, next: &Join) -> Result<sc::Relation, SqlError> {
        let (join_type, constraint) = join_kind(&next.join_operator)?;
        let right = self.factor(&next.relation)?;
        let mut using = vec![];
        let condition = match constraint {
            JoinConstraint::None => None,
            JoinConstraint::Natural => Some(Marker::Natural.call(vec![])),
            JoinConstraint::On(condition) => Some(self.expression(condition)?),
            JoinConstraint::Using(columns) => {
                for column in columns {
                    using.push(object_name(column)?.join("."));
                }
                None
            }
        };
        if !is_lateral(&next.relation) {
            return Ok(join(left, right, join_type, condition, using));
        }
        if !using.is_empty() || matches!(constraint, JoinConstraint::Natural) {
            return Err(SqlError::unsupported(
                "LATERAL_JOIN_USING",
                "JOIN USING with LATERAL correlation",
            ));
        }
        let join_type = if join_type == JoinType::Cross {
            JoinType::Inner
        } else {
            join_type
        };
        Ok(lateral_join(left, right, condition, join_type))
    }

    /// Turns a table, subquery, function, nested join, pivot or unpivot into a relation, with its alias.
    ///
    /// A subquery without an alias gets one that hides the names inside, as in Spark.
    ///
    /// # Errors
    /// If sqlparser read something that Spark lacks, `UNSUPPORTED_FEATURE.*`.
    fn factor(&mut self, factor: &TableFactor) -> Result<sc::Relation, SqlError> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                sample,
                ..
            } => {
                refuse(!with_hints.is_empty(), "WITH (hint)")?;
                refuse(version.is_some(), "VERSION AS OF")?;
                let parts = object_name(name)?;
                let table = match args {
                    Some(args) => self.table_function(parts, &args.args)?,
                    None if alias.is_some() => self.unaliased_table(parts)?,
                    None => self.named_table(parts)?,
                };
                let table = self.sampled(table, sample.as_ref())?;
                aliased(table, alias.as_ref())
            }
            TableFactor::Derived {
                subquery,
                alias,
                sample,
                ..
            } => {
                let is_inline_table = matches!(subquery.body.as_ref(), SetExpr::Values(_));
                let table = self.query(subquery)?;
                let table = self.sampled(table, sample.as_ref())?;
                match alias {
                    None if !is_inline_table => Ok(subquery_alias(table, marker::AUTO_SUBQUERY_NAME.into())),
                    alias => aliased(table, alias.as_ref()),
                }
            }
            TableFactor::Function { name, args, alias, .. } => {
                let table = self.table_function(object_name(name)?, args)?;
                aliased(table, alias.as_ref())
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias,
            } => {
                let table = self.from(std::slice::from_ref(table_with_joins.as_ref()))?;
                let table = table.ok_or_else(|| SqlError::unsupported("CLAUSE", "empty parentheses"))?;
                aliased(table, alias.as_ref())
            }
            TableFactor::Pivot {
                table,
                aggregate_functions,
                value_column,
                value_source,
                default_on_null,
                alias,
            } => {
                refuse(default_on_null.is_some(), "DEFAULT ON NULL")?;
                let input = self.factor(table)?;
                let pivoted = self.pivot(input, aggregate_functions, value_column, value_source)?;
                aliased(pivoted, alias.as_ref())
            }
            TableFactor::Unpivot {
                table,
                value,
                name,
                columns,
                null_inclusion,
                alias,
            } => {
                let input = self.factor(table)?;
                let unpivoted = self.unpivot(input, value, name, columns, null_inclusion.as_ref())?;
                aliased(unpivoted, alias.as_ref())
            }
            other => Err(SqlError::unsupported("TABLE", other.to_string())),
        }
    }

    /// Returns a table by name: a CTE in scope under its name, a file by its format and path, or whatever
    /// the catalog has.
    pub fn named_table(&mut self, parts: Vec<String>) -> Result<sc::Relation, SqlError> {
        if let [name] = parts.as_slice()
            && let Some((name, table)) = self.cte(name)?
        {
            return Ok(subquery_alias(table, name));
        }
        Ok(read(&parts, false))
    }

    /// As [`Lowering::named_table`], for an alias to come.
    fn unaliased_table(&mut self, parts: Vec<String>) -> Result<sc::Relation, SqlError> {
        if let [name] = parts.as_slice()
            && let Some((_, table)) = self.cte(name)?
        {
            return Ok(table);
        }
        Ok(read(&parts, false))
    }

    /// Returns a function in place of a table, with its arguments by position; `STREAM(table)` is a
    /// streaming read.
    fn table_function(&mut self, parts: Vec<String>, arguments: &[FunctionArg]) -> Result<sc::Relation, SqlError> {
        let function_name = super::quote_identifier(&parts).to_lowercase();
        if let ("stream", [FunctionArg::Unnamed(FunctionArgExpr::Expr(table))]) = (function_name.as_str(), arguments) {
            let parts = match table {
                Expr::Identifier(name) => vec![ident(name)?],
                Expr::CompoundIdentifier(names) => names.iter().map(ident).collect::<Result<_, _>>()?,
                _ => return Err(SqlError::unsupported("TABLE", "STREAM of an expression")),
            };
            return Ok(read(&parts, true));
        }
        let arguments = self.arguments(arguments)?;
        let function = sc::UnresolvedTableValuedFunction {
            function_name,
            arguments,
        };
        Ok(relation(RelType::UnresolvedTableValuedFunction(function)))
    }

    /// Adds a sample: `TABLESAMPLE (n PERCENT)` is a sample of rows, `(n ROWS)` a limit, as in Spark.
    ///
    /// # Errors
    /// If it has another form, such as buckets, `UNSUPPORTED_FEATURE.CLAUSE`.
    fn sampled(&mut self, input: sc::Relation, sample: Option<&TableSampleKind>) -> Result<sc::Relation, SqlError> {
        let Some(TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample)) = sample else {
            return Ok(input);
        };
        let TableSample {
            quantity: Some(quantity),
            bucket: None,
            offset: None,
            name: None,
            ..
        } = sample.as_ref()
        else {
            return refuse(true, "TABLESAMPLE in this form").map(|()| input);
        };
        if quantity.unit == Some(TableSampleUnit::Rows) {
            let limit = self.row_count(&quantity.value)?;
            return Ok(relation(RelType::Limit(Box::new(sc::Limit {
                input: Some(Box::new(input)),
                limit,
            }))));
        }
        let percent = number_of(&quantity.value).filter(|percent| (0.0..=100.0).contains(percent));
        let (Some(percent), Some(TableSampleUnit::Percent)) = (percent, &quantity.unit) else {
            return refuse(true, "TABLESAMPLE in this form").map(|()| input);
        };
        let seed = sample
            .seed
            .as_ref()
            .map(|seed| seed.value.value.clone().into_string())
            .map(|seed| {
                seed.and_then(|seed| seed.parse().ok())
                    .ok_or_else(|| SqlError::unsupported("CLAUSE", "this seed"))
            });
        let sample = sc::Sample {
            input: Some(Box::new(input)),
            lower_bound: 0.0,
            upper_bound: percent / 100.0,
            with_replacement: Some(false),
            seed: seed.transpose()?,
            deterministic_order: false,
        };
        Ok(relation(RelType::Sample(Box::new(sample))))
    }
}

/// Returns the number that a literal is; `None` for other expressions.
fn number_of(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => text.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// Returns a read of a named table.
pub(super) fn read(parts: &[String], is_streaming: bool) -> sc::Relation {
    let read_type = match parts {
        [format, path] if FILE_FORMATS.contains(&format.to_lowercase().as_str()) => ReadType::DataSource(DataSource {
            format: Some(format.to_lowercase()),
            paths: vec![path.clone()],
            ..Default::default()
        }),
        parts => {
            let unparsed_identifier = super::quote_identifier(parts);
            ReadType::NamedTable(NamedTable {
                unparsed_identifier,
                ..Default::default()
            })
        }
    };
    relation(RelType::Read(sc::Read {
        is_streaming,
        read_type: Some(read_type),
    }))
}

/// Returns `table AS name (columns)`.
pub(super) fn aliased(table: sc::Relation, alias: Option<&TableAlias>) -> Result<sc::Relation, SqlError> {
    let Some(alias) = alias else { return Ok(table) };
    refuse(alias.at.is_some(), "AT")?;
    let names = alias
        .columns
        .iter()
        .map(|column| ident(&column.name))
        .collect::<Result<Vec<_>, _>>()?;
    let table = if names.is_empty() { table } else { to_df(table, names) };
    Ok(subquery_alias(table, ident(&alias.name)?))
}

/// Returns whether the table may name columns of those before it.
fn is_lateral(factor: &TableFactor) -> bool {
    matches!(
        factor,
        TableFactor::Derived { lateral: true, .. } | TableFactor::Function { lateral: true, .. }
    )
}

/// Returns the kind of join and its condition; joins of other databases are refused.
fn join_kind(operator: &JoinOperator) -> Result<(JoinType, &JoinConstraint), SqlError> {
    Ok(match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => (JoinType::Inner, constraint),
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (JoinType::LeftOuter, constraint),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => (JoinType::RightOuter, constraint),
        JoinOperator::FullOuter(constraint) => (JoinType::FullOuter, constraint),
        JoinOperator::CrossJoin(constraint) => (JoinType::Cross, constraint),
        JoinOperator::Semi(constraint) | JoinOperator::LeftSemi(constraint) => (JoinType::LeftSemi, constraint),
        JoinOperator::Anti(constraint) | JoinOperator::LeftAnti(constraint) => (JoinType::LeftAnti, constraint),
        _ => return Err(SqlError::unsupported("JOIN", "this kind of join")),
    })
}

/// Returns a join of two relations, by a condition, by names, or by all names that they share.
fn join(
    left: sc::Relation,
    right: sc::Relation,
    join_type: JoinType,
    join_condition: Option<sc::Expression>,
    using_columns: Vec<String>,
) -> sc::Relation {
    relation(RelType::Join(Box::new(sc::Join {
        left: Some(Box::new(left)),
        right: Some(Box::new(right)),
        join_condition,
        join_type: join_type as i32,
        using_columns,
        join_data_type: None,
    })))
}

/// Returns a join whose right side may name columns of the left.
fn lateral_join(
    left: sc::Relation,
    right: sc::Relation,
    join_condition: Option<sc::Expression>,
    join_type: JoinType,
) -> sc::Relation {
    relation(RelType::LateralJoin(Box::new(sc::LateralJoin {
        left: Some(Box::new(left)),
        right: Some(Box::new(right)),
        join_condition,
        join_type: join_type as i32,
    })))
}
