//! Rows as columns (`ResolveTranspose`): a query finds the rows first, since their keys are the names of the columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::compute::{concat_batches, interleave};
use arrow::datatypes::{DataType, Field, Schema};
use prost::Message;
use sc::expression::SortOrder;
use sc::expression::cast::EvalMode;
use sc::relation::RelType;

use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::coercion;
use crate::plan::output_mode::refused;
use crate::plan::recursion::{Question, view_of};
use crate::plan::scope::{Attribute, Resolved, typed_attribute};
use crate::plan::sql::message::{alias, attribute, call, cast, relation};
use crate::plan::type_message;
use crate::proto as sc;
use crate::settings::TRANSPOSE_MAX_VALUES;
use crate::values::{ipc, types};

impl Analyzer {
    /// Makes a row of each column but the index, named in `key`, and a column of each value of the index, ascending; rows without one
    /// are left out.
    ///
    /// # Errors
    /// [`QUESTION`](crate::plan::recursion::QUESTION) until the rows are known; `TRANSPOSE_INVALID_INDEX_COLUMN`,
    /// `TRANSPOSE_NO_LEAST_COMMON_TYPE`; `TRANSPOSE_EXCEED_ROW_LIMIT` for more rows than `spark.sql.transposeMaxValues`.
    pub(super) fn transpose(&mut self, node: &sc::Transpose) -> Result<Resolved> {
        let input = self.rows(node.input.as_deref())?;
        if input.streaming {
            return Err(refused("transpose is not supported on streaming DataFrames/Datasets"));
        }
        let index = match node.index_columns.first() {
            Some(index) => self.expression(index, &input)?,
            None => match input.output.first() {
                Some(first) => typed_attribute(first),
                None => return Ok(input),
            },
        };
        let Some(index) = index.attribute else {
            return Err(bad_index("Index column must be an atomic attribute"));
        };
        if matches!(
            index.data_type,
            DataType::List(_) | DataType::Map(..) | DataType::Struct(_) | DataType::Null
        ) {
            let found = types::sql_name(&index.data_type);
            return Err(bad_index(&format!(
                "Index column must be of atomic type, but found: {found}"
            )));
        }
        let others: Vec<&Attribute> = input.output.iter().filter(|a| a.id != index.id).collect();
        let common = self.common_type(&others)?;
        let most = self.conf.count(&TRANSPOSE_MAX_VALUES).unwrap_or(500);
        let view = view_of("transpose", &node.encode_to_vec());
        let positions: Vec<usize> = others
            .iter()
            .filter_map(|a| input.output.iter().position(|o| o.id == a.id))
            .collect();
        let at = input.output.iter().position(|a| a.id == index.id).unwrap_or(0);
        let query = rows_of(node, &input, at, &positions, &common, most);
        let found = self.answered(&view, || Question::Rows {
            query: Box::new(query),
            view: view.clone(),
        })?;
        let names: Vec<&str> = others.iter().map(|a| a.name.as_str()).collect();
        let turned = turned(found, &names, &common, most)?;
        self.relation(&turned)
    }

    fn common_type(&self, columns: &[&Attribute]) -> Result<DataType> {
        let mut common: Option<DataType> = None;
        for column in columns {
            let wider = match &common {
                None => Some(column.data_type.clone()),
                // Texts and numbers have no type in common here, as they have in a UNION.
                Some(so_far) if types::is_string(so_far) != types::is_string(&column.data_type) => None,
                Some(so_far) => coercion::common([so_far, &column.data_type], self.conf.ansi()),
            };
            let Some(wider) = wider else {
                let [a, b] = [common.as_ref().unwrap_or(&DataType::Null), &column.data_type].map(types::sql_name);
                return Err(SparkError::analysis(
                    "TRANSPOSE_NO_LEAST_COMMON_TYPE",
                    "42K09",
                    format!("Transpose requires non-index columns to share a least common type, but \"{a}\" and \"{b}\" do not."),
                )
                .with("dt1", format!("\"{a}\""))
                .with("dt2", format!("\"{b}\"")));
            };
            common = Some(wider);
        }
        Ok(common.unwrap_or(DataType::Utf8))
    }
}

fn bad_index(reason: &str) -> SparkError {
    let sentence = format!("Invalid index column for TRANSPOSE because: {reason}");
    SparkError::analysis("TRANSPOSE_INVALID_INDEX_COLUMN", "42804", sentence).with("reason", reason)
}

/// Returns the query for the rows: the index as text, then the other columns in their common type; one more than there may be.
fn rows_of(
    node: &sc::Transpose,
    input: &Resolved,
    index: usize,
    others: &[usize],
    common: &DataType,
    most: usize,
) -> sc::Relation {
    let name = |position: usize| format!("c{position}");
    let named = relation(RelType::ToDf(Box::new(sc::ToDf {
        input: node.input.clone(),
        column_names: (0..input.output.len()).map(name).collect(),
    })));
    let key = || attribute(&[name(index)]);
    let present = relation(RelType::Filter(Box::new(sc::Filter {
        input: Some(Box::new(named)),
        condition: Some(call("isnotnull", vec![key()])),
    })));
    // Rows of one key stay in their order.
    let order = [key(), call("monotonically_increasing_id", vec![])].map(|child| SortOrder {
        child: Some(Box::new(child)),
        direction: sc::expression::sort_order::SortDirection::Ascending.into(),
        null_ordering: sc::expression::sort_order::NullOrdering::SortNullsFirst.into(),
    });
    let sorted = relation(RelType::Sort(Box::new(sc::Sort {
        input: Some(Box::new(present)),
        order: order.to_vec(),
        is_global: Some(true),
    })));
    let limited = relation(RelType::Limit(Box::new(sc::Limit {
        input: Some(Box::new(sorted)),
        limit: i32::try_from(most).unwrap_or(i32::MAX).saturating_add(1),
    })));
    let to = |column: sc::Expression, to: &DataType| cast(column, type_message::to_proto(to), EvalMode::Unspecified);
    let texts = alias(to(key(), &DataType::Utf8), vec!["key".to_owned()]);
    let cells = others
        .iter()
        .map(|at| alias(to(attribute(&[name(*at)]), common), vec![name(*at)]));
    relation(RelType::Project(Box::new(sc::Project {
        input: Some(Box::new(limited)),
        expressions: std::iter::once(texts).chain(cells).collect::<Vec<sc::Expression>>(),
    })))
}

/// Returns the rows found, as columns.
fn turned(found: sc::Relation, names: &[&str], common: &DataType, most: usize) -> Result<sc::Relation> {
    let Some(RelType::LocalRelation(sc::LocalRelation { data: Some(data), .. })) = found.rel_type else {
        return Err(SparkError::internal("the rows to transpose are not rows"));
    };
    let batches = ipc::read(&data.into())?;
    let rows = match batches.first() {
        Some(first) => Some(concat_batches(&first.schema(), &batches)?),
        None => None,
    };
    let count = rows.as_ref().map_or(0, RecordBatch::num_rows);
    if count > most {
        return Err(SparkError::analysis(
            "TRANSPOSE_EXCEED_ROW_LIMIT",
            "54006",
            format!(
                "Number of rows exceeds the allowed limit of {most} for TRANSPOSE. If this was intended, set spark.sql.transposeMaxValues to at \
                 least the current row count."
            ),
        )
        .with("maxValues", most.to_string())
        .with("config", "spark.sql.transposeMaxValues"));
    }
    let keys: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
    let mut fields = vec![Field::new("key", DataType::Utf8, false)];
    let mut columns = vec![keys];
    if let Some(rows) = &rows {
        let texts = rows
            .column(0)
            .as_any()
            .downcast_ref::<StringArray>()
            .ok_or_else(|| SparkError::internal("the index of a transpose is not text"))?;
        let cells: Vec<&dyn Array> = rows.columns()[1..].iter().map(AsRef::as_ref).collect();
        for row in 0..count {
            let of_row: Vec<(usize, usize)> = (0..cells.len()).map(|column| (column, row)).collect();
            fields.push(Field::new(texts.value(row), common.clone(), true));
            columns.push(if cells.is_empty() {
                arrow::array::new_empty_array(common)
            } else {
                arrow::compute::cast(&interleave(&cells, &of_row)?, common)?
            });
        }
    }
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), columns)?;
    Ok(relation(RelType::LocalRelation(sc::LocalRelation {
        data: Some(ipc::write(&schema, [batch])?),
        schema: Some(types::to_ddl(&schema)),
    })))
}
