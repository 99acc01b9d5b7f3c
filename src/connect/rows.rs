//! Rows that the driver has at hand, as what plans read them by.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};

use crate::error::Result;
use crate::proto as sc;
use crate::values::{ipc, types};

/// Returns a schema whose columns may be null: what a plan says of nulls is not what its rows say.
pub(super) fn nullable(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter();
    let fields: Vec<_> = fields.map(|f| f.as_ref().clone().with_nullable(true)).collect();
    Arc::new(Schema::new(fields))
}

/// Returns rows as a relation.
///
/// # Errors
/// If they are not of the schema.
pub(super) fn local_relation(schema: &SchemaRef, rows: &[RecordBatch]) -> Result<sc::Relation> {
    Ok(sc::Relation {
        common: None,
        rel_type: Some(sc::relation::RelType::LocalRelation(sc::LocalRelation {
            data: Some(ipc::write(schema, rows)?),
            schema: Some(types::to_ddl(schema)),
        })),
    })
}
