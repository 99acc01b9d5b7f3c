//! What a resolved relation offers to the expressions above it.
//!
//! Inside the engine every column has a unique name (`#12`, Spark's expression id), so that two columns of
//! one name, a self-join or a renamed column never clash in DataFusion's schemas. The user's names,
//! qualifiers and DataFrame tags live here only; the last projection puts the names back.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::Column;
use datafusion_expr::{Expr, LogicalPlan};

/// One column of a relation (Spark's `AttributeReference`).
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The column's name in the plan: unique within a query.
    pub id: String,
    /// The name that the user sees.
    pub name: String,
    /// Table alias parts in front of the name.
    pub qualifier: Vec<String>,
    /// The Arrow form of its Spark type.
    pub data_type: DataType,
    /// Whether Spark says that it may be null. A bound for schemas, not a promise about rows.
    pub nullable: bool,
    /// Set below `withWatermark`: this column is an event time and late rows are judged by it.
    pub event_time: bool,
    /// Set on a column made by `window` or `session_window`.
    pub time_window: bool,
    /// The column that was selected twice, if this is the second: a name that fits both is not ambiguous.
    pub copy_of: Option<String>,
    /// What the user says of the column, as a JSON object (`StructField.metadata`).
    pub metadata: Option<Arc<str>>,
}

impl Attribute {
    /// Returns what Spark would have as the expression's id: that of the column, or of the one that it is a copy of.
    pub fn origin(&self) -> &str {
        self.copy_of.as_ref().unwrap_or(&self.id)
    }

    /// Returns a reference to the column, by its id.
    pub fn column(&self) -> Expr {
        Expr::Column(Column::new_unqualified(self.id.clone()))
    }
}

/// An expression with what Spark knows of it: its type and the name it has when nobody names it.
///
/// ```
/// use arrow::datatypes::DataType;
/// use rivulet::plan::literal;
///
/// let one = literal::int(1);
/// assert_eq!((one.name.as_str(), &one.data_type), ("1", &DataType::Int32));
/// assert!(one.is_literal() && !one.named);
/// ```
#[derive(Debug, Clone)]
pub struct Typed {
    /// What is computed.
    pub expr: Expr,
    /// The Arrow form of its Spark type.
    pub data_type: DataType,
    /// Spark's pretty SQL text.
    pub name: String,
    /// Named by an alias or an attribute: the name is kept where an unnamed expression would get a new one.
    pub named: bool,
    /// What a select list calls it if that is not its text: the column under a cast.
    pub column_name: Option<String>,
    /// Whether Spark says that it may be null.
    pub nullable: bool,
    /// A plain column: its attribute goes through a projection unchanged.
    pub attribute: Option<Attribute>,
    /// `explode(…)` and its kin, to be pulled out into a generator below the projection.
    pub generator: Option<Box<Generator>>,
    /// Made by `window(…)`: time column, window length, slide and start in µs.
    pub window: Option<Box<TimeWindow>>,
    /// What the user says of it as a column, as a JSON object.
    pub metadata: Option<Arc<str>>,
}

impl Typed {
    /// Returns an expression that may be null and has no alias.
    pub fn new(expr: Expr, data_type: DataType, name: impl Into<String>) -> Self {
        Self {
            expr,
            data_type,
            name: name.into(),
            named: false,
            column_name: None,
            nullable: true,
            attribute: None,
            generator: None,
            window: None,
            metadata: None,
        }
    }

    /// Returns the name of a column that it becomes without an alias.
    pub fn column_name(&self) -> &str {
        self.column_name.as_ref().filter(|_| !self.named).unwrap_or(&self.name)
    }

    /// Returns whether it is a constant as written, without any function.
    pub fn is_literal(&self) -> bool {
        matches!(self.expr, Expr::Literal(..))
    }

    /// Returns the constant; `None` for every other expression.
    pub fn literal(&self) -> Option<&datafusion_common::ScalarValue> {
        match &self.expr {
            Expr::Literal(value, _) => Some(value),
            _ => None,
        }
    }
}

/// Returns a column as an expression under its own name.
pub fn typed_attribute(attribute: &Attribute) -> Typed {
    let mut typed = Typed::new(attribute.column(), attribute.data_type.clone(), attribute.name.clone());
    typed.named = true;
    typed.nullable = attribute.nullable;
    typed.attribute = Some(attribute.clone());
    typed.metadata.clone_from(&attribute.metadata);
    typed
}

/// A call that makes rows of one row (`GenerateExec`).
#[derive(Debug, Clone)]
pub struct Generator {
    /// A list whose elements become rows; a struct element becomes as many columns as it has fields.
    pub list: Expr,
    /// Type of the list's elements.
    pub element: DataType,
    /// A row without elements becomes one row of nulls.
    pub outer: bool,
    /// The struct's fields become columns.
    pub spread: bool,
    /// Names of the columns unless an alias names them.
    pub names: Vec<String>,
}

/// `window(time, length, slide, start)` of `TimeWindowing`; µs.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeWindow {
    /// The time that decides the windows of a row; null is in no window.
    pub time: Expr,
    /// TIMESTAMP or TIMESTAMP_NTZ.
    pub time_type: DataType,
    /// How long a window is.
    pub length_us: i64,
    /// From one window's start to the next; the length for tumbling windows.
    pub slide_us: i64,
    /// By how much windows are shifted from the epoch.
    pub start_us: i64,
    /// Whether the time has a watermark.
    pub event_time: bool,
    /// `session_window(time, gap)`: the length is the gap, and windows that touch are one.
    pub session: bool,
    /// The gap of sessions where it differs from row to row.
    pub gap: Option<Expr>,
}

/// A relation after analysis.
///
/// `output` is what the user sees; `hidden`, `below` and `tagged` only help names above to find what they mean.
/// All ids of the four are columns of `plan`.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// May hold more columns than `output`.
    pub plan: LogicalPlan,
    /// What `*` shows, in order.
    pub output: Vec<Attribute>,
    /// Columns of the plan that `*` does not show but names still find: the right key of USING, what is known of a file.
    pub hidden: Vec<Attribute>,
    /// Columns of the plan as a select list saw them. WHERE and ORDER BY right above it still find those that it left out or renamed,
    /// nothing else does (`ColumnResolutionHelper.resolveExprsAndAddMissingAttrs`; of several select lists, Spark looks below all).
    pub below: Vec<Attribute>,
    /// DataFrame ids of the client and the columns they had (`df["a"]`).
    pub tagged: Vec<(i64, Vec<Attribute>)>,
    /// Whether it reads an unbounded source.
    pub streaming: bool,
    /// The aggregation that this relation is, while HAVING and ORDER BY may still add to it.
    pub aggregation: Option<Box<super::aggregate::Aggregation>>,
}

impl Resolved {
    /// Returns a relation without hidden or tagged columns.
    pub fn new(plan: LogicalPlan, output: Vec<Attribute>, streaming: bool) -> Self {
        Self {
            plan,
            output,
            hidden: vec![],
            below: vec![],
            tagged: vec![],
            streaming,
            aggregation: None,
        }
    }

    /// Returns the same relation over another plan, which must have the same columns; an open aggregation
    /// is closed.
    #[must_use]
    pub fn over(mut self, plan: LogicalPlan) -> Self {
        self.plan = plan;
        self.aggregation = None;
        self
    }

    /// Returns all columns that the plan has and names may mean: the output, then the hidden ones, then those that are only below.
    pub fn visible(&self) -> impl Iterator<Item = &Attribute> {
        let above = || self.output.iter().chain(&self.hidden);
        above().chain(self.below.iter().filter(move |b| above().all(|a| a.id != b.id)))
    }
}
