//! What a resolved relation offers to the expressions above it.
//!
//! Inside the engine every column has a unique name (`#12`, Spark's expression id), so that two columns of one name, a
//! self-join or a renamed column never clash in DataFusion's schemas. The user's names, qualifiers and DataFrame tags live
//! here only; the last projection puts the names back.

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
    pub data_type: DataType,
    pub nullable: bool,
    /// Set below `withWatermark`: this column is an event time and late rows are judged by it.
    pub event_time: bool,
    /// Set on a column made by `window` or `session_window`.
    pub time_window: bool,
}

impl Attribute {
    pub fn column(&self) -> Expr {
        Expr::Column(Column::new_unqualified(self.id.clone()))
    }
}

/// An expression with what Spark knows of it: its type and the name it has when nobody names it.
#[derive(Debug, Clone)]
pub struct Typed {
    pub expr: Expr,
    pub data_type: DataType,
    /// Spark's pretty SQL text.
    pub name: String,
    /// Named by an alias or an attribute: the name is kept where an unnamed expression would get a new one.
    pub named: bool,
    pub nullable: bool,
    /// A plain column: its attribute goes through a projection unchanged.
    pub attribute: Option<Attribute>,
    /// `explode(…)` and its kin, to be pulled out into a generator below the projection.
    pub generator: Option<Box<Generator>>,
    /// Made by `window(…)`: time column, window length, slide and start in µs.
    pub window: Option<Box<TimeWindow>>,
}

impl Typed {
    pub fn new(expr: Expr, data_type: DataType, name: impl Into<String>) -> Self {
        Self {
            expr,
            data_type,
            name: name.into(),
            named: false,
            nullable: true,
            attribute: None,
            generator: None,
            window: None,
        }
    }

    pub fn is_literal(&self) -> bool {
        matches!(self.expr, Expr::Literal(..))
    }

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
    typed
}

/// A call that makes rows of one row (`GenerateExec`).
#[derive(Debug, Clone)]
pub struct Generator {
    /// A list whose elements become rows; a struct element becomes as many columns as it has fields.
    pub list: Expr,
    /// Type of the list's elements.
    pub element: DataType,
    /// A row without elements gives one row of nulls.
    pub outer: bool,
    /// The struct's fields become columns.
    pub spread: bool,
    /// Column names when the user gives none.
    pub names: Vec<String>,
}

/// `window(time, length, slide, start)` of `TimeWindowing`; µs.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeWindow {
    pub time: Expr,
    pub time_type: DataType,
    pub length_us: i64,
    pub slide_us: i64,
    pub start_us: i64,
    pub event_time: bool,
    /// `session_window(time, gap)`: the length is the gap, and windows that touch are one.
    pub session: bool,
    /// The gap of sessions where it differs from row to row.
    pub gap: Option<Expr>,
}

/// A relation after analysis.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// May hold more columns than `output`.
    pub plan: LogicalPlan,
    pub output: Vec<Attribute>,
    /// Columns of the plan that `*` does not show but names still find: a projection's input, the right key of USING.
    pub hidden: Vec<Attribute>,
    /// DataFrame ids of the client and the columns they had (`df["a"]`).
    pub tagged: Vec<(i64, Vec<Attribute>)>,
    /// Reads an unbounded source.
    pub streaming: bool,
    /// The aggregation that this relation is, while HAVING and ORDER BY may still add to it.
    pub aggregation: Option<Box<super::aggregate::Aggregation>>,
}

impl Resolved {
    pub fn new(plan: LogicalPlan, output: Vec<Attribute>, streaming: bool) -> Self {
        Self {
            plan,
            output,
            hidden: vec![],
            tagged: vec![],
            streaming,
            aggregation: None,
        }
    }

    /// The same relation over another plan.
    #[must_use]
    pub fn over(mut self, plan: LogicalPlan) -> Self {
        self.plan = plan;
        self.aggregation = None;
        self
    }

    /// All columns that the plan has and names may mean.
    pub fn visible(&self) -> impl Iterator<Item = &Attribute> {
        self.output.iter().chain(&self.hidden)
    }
}
