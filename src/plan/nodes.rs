//! Logical operators that Spark has and DataFusion lacks, as extension nodes of a plan.
//!
//! Each is a [`Node`]: data of its own over one input. [`Unary`] wraps it for DataFusion, once for all
//! of them.
//!
//! ```text
//! LogicalPlan::Extension ─► Unary { input, schema, node } ─► dyn Node: ExpandWindows, Deduplicate, MapGroups, …
//!                                │                               │
//!             what DataFusion's rules call            what the operator answers, with defaults
//! ```
//!
//! To add an operator, implement [`Node`] for a type with `Eq` and `Hash` and put it on a plan with
//! [`plan`]; compiling finds it with [`of`].

use std::any::Any;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion_common::{DFSchema, DFSchemaRef, Result};
use datafusion_expr::expr::Sort;
use datafusion_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};

use super::event_time::event_times;
use super::output_mode::{self, OutputMode, Query};
use crate::error;
use crate::ids::DatasetId;

/// Columns that carry an event time: a timestamp, or a window, whose end counts. Column id → µs to be added
/// (the length of a window, if the column holds its start).
pub type EventTimeColumns = BTreeMap<String, i64>;

/// Equality and hash of a node that is known only by its trait; every type that has them gets this for
/// free.
pub trait Comparable {
    /// Returns whether `other` is of the same type and equal.
    fn same(&self, other: &dyn Any) -> bool;

    /// Feeds the node to a hasher.
    fn digest(&self, hasher: &mut dyn Hasher);

    /// Returns the node as what it is, for [`of`].
    fn itself(&self) -> &dyn Any;
}

impl<T: Any + Eq + Hash> Comparable for T {
    fn same(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<T>().is_some_and(|o| o == self)
    }

    fn digest(&self, mut hasher: &mut dyn Hasher) {
        self.hash(&mut hasher);
    }

    fn itself(&self) -> &dyn Any {
        self
    }
}

/// A logical operator over one input. A type is one if it says its name; all else has a default that is
/// right for an operator that passes its input's columns on.
///
/// What an operator passes on (event times, predicates, pruned columns) is asked of it here; what it
/// does when it runs is decided when the plan is compiled into stages.
pub trait Node: Comparable + fmt::Debug + Send + Sync {
    /// Names the operator in plans that people read.
    fn name(&self) -> &str;

    /// Says what the operator does, after its name, in plans that people read; nothing by default.
    fn details(&self) -> String {
        String::new()
    }

    /// Returns the columns of the result, from those of the input; by default the same.
    ///
    /// # Errors
    /// If the input lacks a column that the operator needs, DataFusion's.
    fn schema(&self, input: &DFSchemaRef) -> Result<DFSchemaRef> {
        Ok(input.clone())
    }

    /// Returns the expressions that it computes, which the optimizer may rewrite.
    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    /// Returns the operator with rewritten expressions, as many as [`Node::expressions`] returned; `None`
    /// if it does not have any.
    fn with_expressions(&self, _: Vec<Expr>) -> Option<Arc<dyn Node>> {
        None
    }

    /// Names the columns whose predicates must stay above it: those that it makes. `None` keeps all
    /// predicates above, which is right for an operator whose result depends on which rows come in.
    fn makes(&self) -> Option<HashSet<String>> {
        None
    }

    /// Returns which columns of the input are needed for these of the result, by position; `None` for all.
    ///
    /// The optimizer prunes the rest from the input, down to the decoders of files.
    fn needs(&self, _input: &DFSchema, _output: &[usize]) -> Option<Vec<usize>> {
        None
    }

    /// Returns which columns of the result carry an event time, from those of the input.
    ///
    /// Late rows are judged, and state is closed, by these columns.
    fn event_times(&self, input: EventTimeColumns) -> EventTimeColumns {
        input
    }

    /// Returns whether rows of earlier batches of a stream decide about later ones.
    fn keeps_state(&self) -> bool {
        false
    }

    /// Refuses streaming queries in which the operator cannot stand (`UnsupportedOperationChecker`). Asked
    /// only over a stream.
    ///
    /// # Errors
    /// If it cannot, an `AnalysisException` with Spark's sentence.
    fn check(&self, _input: &LogicalPlan, _query: Query) -> error::Result<()> {
        Ok(())
    }
}

/// A node and its input: the one extension of DataFusion's logical plans.
///
/// ```
/// use datafusion_expr::LogicalPlanBuilder;
/// use rivulet::plan::nodes::{self, StreamingLimit};
///
/// let input = LogicalPlanBuilder::empty(true).build()?;
/// let plan = nodes::plan(StreamingLimit { fetch: 10 }, input)?;
/// let (limit, _) = nodes::of::<StreamingLimit>(&plan).ok_or_else(|| rivulet::error::SparkError::internal("no limit"))?;
/// assert_eq!(limit.fetch, 10);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Unary {
    /// What the operator reads.
    pub input: LogicalPlan,
    /// What it does.
    pub node: Arc<dyn Node>,
    /// The columns of the result, computed once.
    schema: DFSchemaRef,
}

/// Puts `node` on top of `input`.
///
/// # Errors
/// If the input lacks a column that the node needs, as [`Node::schema`].
pub fn plan(node: impl Node + 'static, input: LogicalPlan) -> Result<LogicalPlan> {
    let node = Unary::new(Arc::new(node), input)?;
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}

/// Returns the node of type `T` at the top of a plan, with its input; `None` if something else is
/// there.
pub fn of<T: 'static>(plan: &LogicalPlan) -> Option<(&T, &LogicalPlan)> {
    let unary = any(plan)?;
    Some((unary.node.itself().downcast_ref()?, &unary.input))
}

/// Returns the node at the top of a plan, whatever its type; `None` for DataFusion's own operators.
pub fn any(plan: &LogicalPlan) -> Option<&Unary> {
    match plan {
        LogicalPlan::Extension(extension) => extension.node.as_any().downcast_ref(),
        _ => None,
    }
}

impl Unary {
    /// Computes the schema of a node over an input.
    fn new(node: Arc<dyn Node>, input: LogicalPlan) -> Result<Self> {
        let schema = node.schema(input.schema())?;
        Ok(Self { input, node, schema })
    }
}

impl PartialEq for Unary {
    fn eq(&self, other: &Self) -> bool {
        self.node.same(other.node.itself()) && self.input == other.input && self.schema == other.schema
    }
}

impl Eq for Unary {}

impl Hash for Unary {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.node.digest(state);
        self.input.hash(state);
    }
}

impl PartialOrd for Unary {
    /// Equal or unordered: DataFusion asks for it, and nothing sorts plans.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for Unary {
    fn name(&self) -> &str {
        self.node.name()
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.node.expressions()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        let all = || self.schema.fields().iter().map(|f| f.name().clone()).collect();
        self.node.makes().unwrap_or_else(all)
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.node.details() {
            none if none.is_empty() => f.write_str(self.node.name()),
            details => write!(f, "{}: {details}", self.node.name()),
        }
    }

    /// Rebuilds the node after a rewrite of its input or its expressions; its schema follows the new input.
    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let node = self.node.with_expressions(exprs).unwrap_or_else(|| self.node.clone());
        Self::new(node, inputs.swap_remove(0))
    }

    fn necessary_children_exprs(&self, output: &[usize]) -> Option<Vec<Vec<usize>>> {
        let mut needed = self.node.needs(self.input.schema(), output)?;
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}

/// Returns the input's columns and `made` after them.
fn with_columns(input: &DFSchema, made: impl IntoIterator<Item = Field>) -> Result<DFSchemaRef> {
    let mut fields: Vec<_> = input.iter().map(|(q, f)| (q.cloned(), f.clone())).collect();
    fields.extend(made.into_iter().map(|f| (None, Arc::new(f))));
    let schema = DFSchema::new_with_metadata(fields, input.metadata().clone())?;
    Ok(Arc::new(schema))
}

/// Makes one row per sliding window that holds the row (`Expand` of `TimeWindowing`) and adds a column
/// with the window's start.
///
/// The time must not be null: a filter below drops such rows. A window holds its start and not its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExpandWindows {
    /// The column of times.
    pub time: String,
    /// The column of starts that it adds.
    pub start: String,
    /// How long a window is.
    pub length_us: i64,
    /// How far apart windows start.
    pub slide_us: i64,
    /// Where the first window starts, after the epoch.
    pub offset_us: i64,
}

impl Node for ExpandWindows {
    fn name(&self) -> &str {
        "ExpandWindows"
    }

    fn details(&self) -> String {
        format!(
            "{} length={}us slide={}us start={}us",
            self.time, self.length_us, self.slide_us, self.offset_us
        )
    }

    fn schema(&self, input: &DFSchemaRef) -> Result<DFSchemaRef> {
        let time = input.field_with_unqualified_name(&self.time)?;
        with_columns(input, [Field::new(&self.start, time.data_type().clone(), true)])
    }

    fn makes(&self) -> Option<HashSet<String>> {
        Some(HashSet::from([self.start.clone()]))
    }

    fn needs(&self, input: &DFSchema, output: &[usize]) -> Option<Vec<usize>> {
        let inputs = input.fields().len();
        let time = input.index_of_column_by_name(None, &self.time)?;
        Some(output.iter().copied().filter(|i| *i < inputs).chain([time]).collect())
    }

    /// The start of a window carries the event time of its end: the window's length is added to it.
    fn event_times(&self, mut input: EventTimeColumns) -> EventTimeColumns {
        if input.contains_key(&self.time) {
            input.insert(self.start.clone(), self.length_us);
        }
        input
    }
}

/// Watches the largest event time (`withWatermark`, `EventTimeWatermark`). Rows pass unchanged;
/// dropping late ones is left to the stateful operators above.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventTimeWatermark {
    /// Number of the watermark within its query, in the order of analysis.
    pub number: usize,
    /// The column of event times.
    pub column: String,
    /// How late a row may be, µs.
    pub delay_us: i64,
}

impl Node for EventTimeWatermark {
    fn name(&self) -> &str {
        "EventTimeWatermark"
    }

    fn details(&self) -> String {
        format!("{} delay={}us", self.column, self.delay_us)
    }

    fn makes(&self) -> Option<HashSet<String>> {
        Some(HashSet::from([self.column.clone()]))
    }

    fn needs(&self, input: &DFSchema, output: &[usize]) -> Option<Vec<usize>> {
        let time = input.index_of_column_by_name(None, &self.column)?;
        Some(output.iter().copied().chain([time]).collect())
    }

    /// From here on the column is an event time; nothing is added to it.
    fn event_times(&self, mut input: EventTimeColumns) -> EventTimeColumns {
        input.insert(self.column.clone(), 0);
        input
    }
}

/// Merges rows of a key whose sessions touch, in a batch query (`MergingSessionsExec`).
///
/// Adds no column; overwrites the session's start and end columns, so that each row holds the bounds of
/// its merged session. The number of rows stays.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MergeSessions {
    /// The columns beside the session that tell groups apart.
    pub keys: Vec<String>,
    /// The column of starts.
    pub start: String,
    /// The column of ends.
    pub end: String,
}

impl Node for MergeSessions {
    fn name(&self) -> &str {
        "MergeSessions"
    }

    fn details(&self) -> String {
        format!("keys=[{}]", self.keys.join(", "))
    }
}

/// Turns the elements of a list column into rows (`GenerateExec`); the list column itself goes.
///
/// The columns of the input are repeated for every element.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Generate {
    /// The list column.
    pub list: String,
    /// Columns made of an element: its fields if `spread`, else the element.
    pub columns: Vec<(String, DataType)>,
    /// Whether the element is a struct whose fields become columns.
    pub spread: bool,
    /// Whether a null or empty list makes a row of nulls, rather than no row.
    pub outer: bool,
}

impl Node for Generate {
    fn name(&self) -> &str {
        "Generate"
    }

    fn details(&self) -> String {
        format!("{} outer={}", self.list, self.outer)
    }

    fn schema(&self, input: &DFSchemaRef) -> Result<DFSchemaRef> {
        let kept = input.iter().filter(|(_, f)| f.name() != &self.list);
        let fields = kept.map(|(q, f)| (q.cloned(), f.clone())).collect();
        let kept = DFSchema::new_with_metadata(fields, input.metadata().clone())?;
        with_columns(
            &kept,
            self.columns.iter().map(|(name, t)| Field::new(name, t.clone(), true)),
        )
    }

    fn makes(&self) -> Option<HashSet<String>> {
        Some(self.columns.iter().map(|(name, _)| name.clone()).collect())
    }

    fn needs(&self, input: &DFSchema, output: &[usize]) -> Option<Vec<usize>> {
        let list = input.index_of_column_by_name(None, &self.list)?;
        let kept = input.fields().len() - 1;
        // Output i < kept is input i, or i + 1 after the list column.
        let shift = |i: &usize| if *i < list { *i } else { *i + 1 };
        Some(output.iter().filter(|i| **i < kept).map(shift).chain([list]).collect())
    }
}

/// Deals rows out anew: by hash of `keys`, or round-robin without keys (`RepartitionByExpression`). A
/// plan is cut into stages here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repartition {
    /// What rows of one partition have in common.
    pub keys: Vec<Expr>,
    /// How many partitions there are afterwards.
    pub partitions: usize,
}

impl Node for Repartition {
    fn name(&self) -> &str {
        "Repartition"
    }

    fn details(&self) -> String {
        format!("{} by {:?}", self.partitions, self.keys)
    }

    fn expressions(&self) -> Vec<Expr> {
        self.keys.clone()
    }

    fn with_expressions(&self, keys: Vec<Expr>) -> Option<Arc<dyn Node>> {
        let partitions = self.partitions;
        Some(Arc::new(Self { keys, partitions }))
    }
}

/// Keeps rows on the executors that made them: later jobs with a node of the same name read them there, and make anew only what
/// was lost. A plan is cut into stages here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Keep {
    /// Names the rows over all jobs of the driver.
    pub dataset: DatasetId,
    /// What rows of one partition have in common.
    pub keys: Vec<Expr>,
    /// How many partitions rows are dealt out to, by their keys or, without keys, in turn; 0 leaves them where they are.
    pub partitions: usize,
}

impl Node for Keep {
    fn name(&self) -> &str {
        "Keep"
    }

    fn details(&self) -> String {
        format!("{} by {:?}", self.dataset, self.keys)
    }

    fn expressions(&self) -> Vec<Expr> {
        self.keys.clone()
    }

    fn with_expressions(&self, keys: Vec<Expr>) -> Option<Arc<dyn Node>> {
        Some(Arc::new(Self { keys, ..self.clone() }))
    }
}

/// Sorts the rows of each partition by itself (`sortWithinPartitions` and SORT BY).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SortWithinPartitions {
    /// What to sort by.
    pub order: Vec<Sort>,
}

impl Node for SortWithinPartitions {
    fn name(&self) -> &str {
        "SortWithinPartitions"
    }

    fn details(&self) -> String {
        format!("{:?}", self.order)
    }

    fn expressions(&self) -> Vec<Expr> {
        self.order.iter().map(|s| s.expr.clone()).collect()
    }

    fn with_expressions(&self, exprs: Vec<Expr>) -> Option<Arc<dyn Node>> {
        let sorted = exprs.into_iter().zip(&self.order);
        let order = sorted.map(|(e, s)| e.sort(s.asc, s.nulls_first)).collect();
        Some(Arc::new(Self { order }))
    }

    fn check(&self, _: &LogicalPlan, query: Query) -> error::Result<()> {
        query.check_sort()
    }
}

/// Passes the first rows of a whole stream (`StreamingGlobalLimitExec`), counted over all batches.
/// Refused in update mode.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamingLimit {
    /// How many rows pass.
    pub fetch: usize,
}

impl Node for StreamingLimit {
    fn name(&self) -> &str {
        "StreamingLimit"
    }

    fn details(&self) -> String {
        self.fetch.to_string()
    }

    fn check(&self, _: &LogicalPlan, query: Query) -> error::Result<()> {
        match query.mode {
            OutputMode::Update => Err(output_mode::refused(
                "Limits are not supported on streaming DataFrames/Datasets in Update output mode",
            )),
            _ => Ok(()),
        }
    }
}

/// Passes the first row of each key of a stream (`Deduplicate`, `DeduplicateWithinWatermark`).
///
/// Keys stay in the state; those with an event time leave it when the watermark has passed them, so
/// that later duplicates are late. Keys without any stay for ever. Nulls are equal to each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Deduplicate {
    /// Columns that make a row's key.
    pub keys: Vec<String>,
    /// Whether only rows within the watermark's delay of each other are duplicates.
    pub within_watermark: bool,
}

impl Node for Deduplicate {
    fn name(&self) -> &str {
        "Deduplicate"
    }

    fn details(&self) -> String {
        format!("keys=[{}]", self.keys.join(", "))
    }

    fn keeps_state(&self) -> bool {
        true
    }

    fn check(&self, input: &LogicalPlan, _: Query) -> error::Result<()> {
        if self.within_watermark && event_times(input).is_empty() {
            return Err(output_mode::refused(
                "dropDuplicatesWithinWatermark is not supported on streaming DataFrames/DataSets without watermark",
            ));
        }
        Ok(())
    }
}
