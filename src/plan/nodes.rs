//! Logical operators that Spark has and DataFusion has not.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion_common::{DFSchema, DFSchemaRef, Result};
use datafusion_expr::expr::Sort;
use datafusion_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

/// One row per sliding window that holds the row (`Expand` of `TimeWindowing`); adds the start column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExpandWindows {
    pub input: LogicalPlan,
    pub time: String,
    pub start: String,
    pub length_us: i64,
    pub slide_us: i64,
    pub offset_us: i64,
    schema: DFSchemaRef,
}

impl ExpandWindows {
    pub fn new(
        input: LogicalPlan,
        time: String,
        start: String,
        length_us: i64,
        slide_us: i64,
        offset_us: i64,
    ) -> Result<Self> {
        let time_field = input.schema().field_with_unqualified_name(&time)?;
        let start_field = Arc::new(Field::new(&start, time_field.data_type().clone(), true));
        let mut fields: Vec<_> = input.schema().iter().map(|(q, f)| (q.cloned(), f.clone())).collect();
        fields.push((None, start_field));
        let schema = Arc::new(DFSchema::new_with_metadata(fields, input.schema().metadata().clone())?);
        Ok(Self {
            input,
            time,
            start,
            length_us,
            slide_us,
            offset_us,
            schema,
        })
    }
}

impl PartialOrd for ExpandWindows {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (&self.start, self.length_us).partial_cmp(&(&other.start, other.length_us))
    }
}

impl UserDefinedLogicalNodeCore for ExpandWindows {
    fn name(&self) -> &str {
        "ExpandWindows"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        HashSet::from([self.start.clone()])
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "ExpandWindows: {} length={}us slide={}us start={}us",
            self.time, self.length_us, self.slide_us, self.offset_us
        )
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let input = inputs.swap_remove(0);
        Self::new(
            input,
            self.time.clone(),
            self.start.clone(),
            self.length_us,
            self.slide_us,
            self.offset_us,
        )
    }

    fn necessary_children_exprs(&self, output: &[usize]) -> Option<Vec<Vec<usize>>> {
        let inputs = self.input.schema().fields().len();
        let time = self.input.schema().index_of_column_by_name(None, &self.time)?;
        let mut needed: Vec<usize> = output.iter().copied().filter(|i| *i < inputs).chain([time]).collect();
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}

/// `withWatermark`: watches the largest event time (`EventTimeWatermark`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventTimeWatermark {
    pub input: LogicalPlan,
    /// Number of the watermark within its query, in the order of analysis.
    pub number: usize,
    pub column: String,
    pub delay_us: i64,
}

impl PartialOrd for EventTimeWatermark {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.number.partial_cmp(&other.number)
    }
}

impl UserDefinedLogicalNodeCore for EventTimeWatermark {
    fn name(&self) -> &str {
        "EventTimeWatermark"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        HashSet::from([self.column.clone()])
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "EventTimeWatermark: {} delay={}us", self.column, self.delay_us)
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self {
            input: inputs.swap_remove(0),
            number: self.number,
            column: self.column.clone(),
            delay_us: self.delay_us,
        })
    }

    fn necessary_children_exprs(&self, output: &[usize]) -> Option<Vec<Vec<usize>>> {
        let time = self.input.schema().index_of_column_by_name(None, &self.column)?;
        let mut needed: Vec<usize> = output.iter().copied().chain([time]).collect();
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}

/// Merges rows of a key whose sessions touch, in a batch query (`MergingSessionsExec`): adds no column, the session's
/// start and end columns are overwritten, each row keeps the bounds of its merged session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MergeSessions {
    pub input: LogicalPlan,
    pub keys: Vec<String>,
    pub start: String,
    pub end: String,
}

impl PartialOrd for MergeSessions {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.start.partial_cmp(&other.start)
    }
}

impl UserDefinedLogicalNodeCore for MergeSessions {
    fn name(&self) -> &str {
        "MergeSessions"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "MergeSessions: keys=[{}]", self.keys.join(", "))
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self {
            input: inputs.swap_remove(0),
            ..self.clone()
        })
    }
}

/// Turns the elements of a list column into rows (`GenerateExec`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Generate {
    pub input: LogicalPlan,
    /// The list column.
    pub list: String,
    /// Columns made of an element: its fields where `spread`, else the element.
    pub columns: Vec<(String, DataType)>,
    pub spread: bool,
    pub outer: bool,
    schema: DFSchemaRef,
}

impl Generate {
    pub fn new(
        input: LogicalPlan,
        list: String,
        columns: Vec<(String, DataType)>,
        spread: bool,
        outer: bool,
    ) -> Result<Self> {
        let mut fields: Vec<_> = input
            .schema()
            .iter()
            .filter(|(_, f)| f.name() != &list)
            .map(|(q, f)| (q.cloned(), f.clone()))
            .collect();
        fields.extend(
            columns
                .iter()
                .map(|(name, t)| (None, Arc::new(Field::new(name, t.clone(), true)))),
        );
        let schema = Arc::new(DFSchema::new_with_metadata(fields, input.schema().metadata().clone())?);
        Ok(Self {
            input,
            list,
            columns,
            spread,
            outer,
            schema,
        })
    }
}

impl PartialOrd for Generate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.list.partial_cmp(&other.list)
    }
}

impl UserDefinedLogicalNodeCore for Generate {
    fn name(&self) -> &str {
        "Generate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Generate: {} outer={}", self.list, self.outer)
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Self::new(
            inputs.swap_remove(0),
            self.list.clone(),
            self.columns.clone(),
            self.spread,
            self.outer,
        )
    }

    fn necessary_children_exprs(&self, output: &[usize]) -> Option<Vec<Vec<usize>>> {
        let list = self.input.schema().index_of_column_by_name(None, &self.list)?;
        let kept = self.input.schema().fields().len() - 1;
        // Output i < kept is input i, or i + 1 behind the list column.
        let mut needed: Vec<usize> = output
            .iter()
            .filter(|i| **i < kept)
            .map(|i| if *i < list { *i } else { *i + 1 })
            .chain([list])
            .collect();
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}

/// Rows dealt out anew: by hash of `keys`, or round-robin without (`RepartitionByExpression`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repartition {
    pub input: LogicalPlan,
    pub keys: Vec<Expr>,
    pub partitions: usize,
}

impl PartialOrd for Repartition {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.input.partial_cmp(&other.input)
    }
}

impl UserDefinedLogicalNodeCore for Repartition {
    fn name(&self) -> &str {
        "Repartition"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        self.keys.clone()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Repartition: {} by {:?}", self.partitions, self.keys)
    }

    fn with_exprs_and_inputs(&self, keys: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self {
            input: inputs.swap_remove(0),
            keys,
            partitions: self.partitions,
        })
    }
}

/// `sortWithinPartitions` and SORT BY.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SortWithinPartitions {
    pub input: LogicalPlan,
    pub order: Vec<Sort>,
}

impl PartialOrd for SortWithinPartitions {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.input.partial_cmp(&other.input)
    }
}

impl UserDefinedLogicalNodeCore for SortWithinPartitions {
    fn name(&self) -> &str {
        "SortWithinPartitions"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        self.order.iter().map(|s| s.expr.clone()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "SortWithinPartitions: {:?}", self.order)
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let order = exprs
            .into_iter()
            .zip(&self.order)
            .map(|(e, s)| e.sort(s.asc, s.nulls_first))
            .collect();
        Ok(Self {
            input: inputs.swap_remove(0),
            order,
        })
    }
}

/// The first rows of a whole stream (`StreamingGlobalLimitExec`): counted over all batches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamingLimit {
    pub input: LogicalPlan,
    pub fetch: usize,
}

impl PartialOrd for StreamingLimit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.input.partial_cmp(&other.input)
    }
}

impl UserDefinedLogicalNodeCore for StreamingLimit {
    fn name(&self) -> &str {
        "StreamingLimit"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "StreamingLimit: {}", self.fetch)
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self {
            input: inputs.swap_remove(0),
            fetch: self.fetch,
        })
    }
}

/// The first row of each key (`Deduplicate`, `DeduplicateWithinWatermark`) of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Deduplicate {
    pub input: LogicalPlan,
    pub keys: Vec<String>,
    /// Only rows within the watermark's delay of each other are duplicates.
    pub within_watermark: bool,
}

impl PartialOrd for Deduplicate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.keys.partial_cmp(&other.keys)
    }
}

impl UserDefinedLogicalNodeCore for Deduplicate {
    fn name(&self) -> &str {
        "Deduplicate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Deduplicate: keys=[{}]", self.keys.join(", "))
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self {
            input: inputs.swap_remove(0),
            ..self.clone()
        })
    }
}
