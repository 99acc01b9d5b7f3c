//! Keyed state of streaming operators, live in the executor that runs their tasks.
//!
//! Two layouts: [`table::StateTable`] has one row per key (aggregates, limits), [`rows::RowTable`] many (sessions,
//! joined streams, seen keys, entries of the user's own state). Each operator has a file of its own and one
//! [`OperatorState`] per partition. What a batch changed leaves the task as a delta of bytes; a snapshot has the same
//! form; [`Restore`] makes the state of either again. Who keeps the bytes is not known here.
//!
//! ```text
//!  batch N:  rows ─▶ drop late ─▶ meet the state ─▶ change it ─▶ close what the watermark passed ─▶ rows that leave
//!                    (late_us)                         │              (evict_us)
//!                                                      └─▶ delta of version N ─▶ bytes
//!  restart:  empty ─load(snapshot, deltas …)─▶ state of version N
//! ```
//!
//! The order within a batch is the same for every operator, and it is Spark's: late rows go first, state closes last.

pub mod aggregate;
pub mod cells;
pub mod dedup;
#[cfg(test)]
mod double;
pub mod groups;
pub mod join;
pub mod keys;
pub mod limit;
pub mod merge;
pub mod rows;
pub mod session;
pub mod table;
pub mod windows;

use std::fmt::Debug;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::Buffer;
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, SchemaRef, TimestampMicrosecondType};

use datafusion_expr::LogicalPlan;
use rows::RowTable;
use table::StateTable;

use super::compiler::{Compiler, Plan};
use crate::error::{Result, SparkError};
use crate::ids::BatchId;
use crate::plan::analyzer::Analyzer;
use crate::plan::extension::{Extended, Extension};
use crate::plan::scope::Resolved;
use crate::proto::relation::RelType;

/// Compiles a plan whose top is one kind of operator; returns `None` for another plan.
pub type Compile = fn(&mut dyn Compiler, &LogicalPlan) -> Option<Result<Plan>>;

/// Analyses one kind of relation; returns `None` for another.
pub type Analyze = fn(&mut Analyzer, &RelType) -> Option<Result<Resolved>>;

/// A stateful operator: how it comes out of a message, and how it goes into a stage.
///
/// Adding one is a file here and a line in [`OPERATORS`].
pub struct Operator {
    /// Names it in progress and in checkpoints.
    pub name: &'static str,
    /// How a plan whose top is this operator is compiled.
    pub compile: Compile,
    /// How a relation that only this operator knows is analysed (`Relation.extension`, by the type in its URL).
    /// Operators that Spark's own messages name are analysed in `plan`.
    pub analyze: Option<Analyze>,
}

/// All stateful operators. No two compile the same plan, so their order does not matter.
///
/// ```
/// use rivulet::exec::state::OPERATORS;
///
/// assert!(OPERATORS.iter().any(|operator| operator.name == "symmetricHashJoin"));
/// ```
pub static OPERATORS: &[Operator] = &[
    aggregate::OPERATOR,
    session::OPERATOR,
    dedup::OPERATOR,
    limit::OPERATOR,
    groups::OPERATOR,
    join::OPERATOR,
    #[cfg(test)]
    double::OPERATOR,
];

/// The relations that only stateful operators know.
struct Operators;

impl Extension for Operators {
    /// Analyses a relation that one of the operators knows; `None` for all others.
    fn relation(&self, analyzer: &mut Analyzer, node: &RelType) -> Option<Result<Resolved>> {
        let mut own = OPERATORS.iter().filter_map(|operator| operator.analyze);
        own.find_map(|analyze| analyze(analyzer, node))
    }
}

/// Returns the extension that adds the relations of [`OPERATORS`] to an analyzer.
pub fn extension() -> Extended {
    Extended {
        extension: &Operators,
        state: Box::new(()),
    }
}

/// Compiles a plan whose top is one of [`OPERATORS`]; returns `None` for another.
pub fn compile(compiler: &mut dyn Compiler, plan: &LogicalPlan) -> Option<Result<Plan>> {
    OPERATORS.iter().find_map(|operator| (operator.compile)(compiler, plan))
}

/// When a row closes: µs since the epoch; `None` for state that no watermark ends.
pub type Closing = Option<i64>;

/// The state of one operator in one partition, as of a batch.
#[derive(Debug)]
pub struct OperatorState {
    /// The batch whose changes are in; -1 before the first.
    pub version: BatchId,
    /// The rows.
    pub body: Body,
}

/// How the rows are laid out.
#[derive(Debug)]
pub enum Body {
    /// One row per key.
    Table(Box<StateTable>),
    /// Many rows per key: one table per side or purpose.
    Rows(Vec<RowTable>),
}

impl OperatorState {
    /// Returns a state that no batch has changed.
    pub fn new(body: Body) -> Self {
        Self {
            version: BatchId::NONE,
            body,
        }
    }

    /// Returns the columns of each table, and how many of them are the key.
    pub fn layouts(&self) -> Vec<(SchemaRef, usize)> {
        match &self.body {
            Body::Table(table) => vec![(table.schema().clone(), table.key_columns())],
            Body::Rows(sides) => sides.iter().map(|t| (t.schema().clone(), t.key_columns())).collect(),
        }
    }

    /// Returns the whole state in the form of a delta that starts from nothing.
    ///
    /// # Errors
    /// If rows cannot be written as Arrow.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        match &self.body {
            Body::Table(table) => table.snapshot(),
            Body::Rows(sides) => rows::encode(sides.iter().map(RowTable::snapshot).collect::<Result<_>>()?),
        }
    }
}

impl Body {
    /// Returns the one table.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the state is of another layout.
    pub fn table(&mut self) -> Result<&mut StateTable> {
        match self {
            Body::Table(table) => Ok(table),
            Body::Rows(_) => Err(SparkError::internal("an operator found another one's state")),
        }
    }

    /// Returns the tables.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the state is of another layout or number of tables.
    pub fn sides<const N: usize>(&mut self) -> Result<&mut [RowTable; N]> {
        match self {
            Body::Rows(sides) => sides.as_mut_slice().try_into().ok(),
            Body::Table(_) => None,
        }
        .ok_or_else(|| SparkError::internal("an operator found another one's state"))
    }
}

/// How an operator's state begins and comes back.
///
/// A snapshot followed by the deltas since makes the same state as all deltas from the first.
pub trait Restore: Debug + Send + Sync {
    /// Returns the state before the first batch.
    ///
    /// # Errors
    /// If a key is of a type that cannot be compared by bytes, such as a map.
    fn empty(&self) -> Result<OperatorState>;

    /// Applies deltas and snapshots in order.
    ///
    /// # Errors
    /// `CORRUPT_STATE` or `CORRUPT_BLOCK` if one cannot be read.
    fn load(&self, state: &mut OperatorState, deltas: &[Buffer]) -> Result<()>;
}

/// Returns the rows of several batches as one.
///
/// # Errors
/// If the batches are not of the schema.
pub fn one(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch> {
    match batches {
        [single] => Ok(single.clone()),
        _ => Ok(concat_batches(schema, batches)?),
    }
}

/// Returns the event times of a column, µs, with `plus_us` added: a timestamp's own, or the end of a window. `None` for
/// nulls, and for columns that are not times.
pub fn times(column: &dyn Array, plus_us: i64) -> Vec<Closing> {
    match column.data_type() {
        DataType::Timestamp(..) => column
            .as_primitive::<TimestampMicrosecondType>()
            .iter()
            .map(|t| t.map(|t| t.saturating_add(plus_us)))
            .collect(),
        DataType::Struct(_) => {
            let window = column.as_struct();
            let ends = times(window.column(1), plus_us);
            ends.into_iter()
                .enumerate()
                .map(|(row, end)| end.filter(|_| window.is_valid(row)))
                .collect()
        }
        _ => vec![None; column.len()],
    }
}

/// Returns the rows whose event time in `column` is after the late watermark (or null), and how many are not.
fn on_time(batch: RecordBatch, column: usize, late_us: Option<i64>) -> Result<(RecordBatch, u64)> {
    let Some(late) = late_us else { return Ok((batch, 0)) };
    let keep: BooleanArray = times(batch.column(column), 0)
        .into_iter()
        .map(|t| Some(t.is_none_or(|t| t > late)))
        .collect();
    let kept = filter_record_batch(&batch, &keep)?;
    let dropped = (batch.num_rows() - kept.num_rows()) as u64;
    Ok((kept, dropped))
}

/// Returns the error of a delta that cannot be read (`CORRUPT_STATE`).
fn corrupt(what: &str) -> SparkError {
    SparkError::new(
        crate::error::Exception::Runtime,
        "CORRUPT_STATE",
        "XX001",
        format!("A state delta cannot be read: {what}."),
    )
}
