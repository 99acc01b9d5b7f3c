//! What SQL can say and the protocol has no message for: marked calls and marked relations.
//!
//! A marker travels as an `UnresolvedFunction` with `is_internal` set, which no call by name has; so a
//! user's function can have any name without being taken for one. Everything outside this file sees the
//! enums only.
//!
//! ```text
//! SELECT max(x) FILTER (WHERE y > 0)    agg_filter!(max(x), y > 0)     Marker::AggFilter
//! a JOIN b NATURAL                      Join(a, b, natural!())         Marker::Natural
//! PIVOT (…)                             Aggregate, marked              SqlForm::Pivot
//! ```

use crate::proto as sc;
use crate::proto::expression::{ExprType, UnresolvedFunction};

/// A clause of SQL as a call.
///
/// ```
/// use rivulet::plan::sql::marker::Marker;
/// use rivulet::plan::sql::parse_expression;
///
/// let parsed = parse_expression("count(a) FILTER (WHERE b)")?;
/// let arguments = Marker::of(&parsed).filter(|(marker, _)| *marker == Marker::AggFilter).map(|(_, given)| given.len());
/// assert_eq!(arguments, Some(2));
///
/// // A user's function of that name is not a marker.
/// assert!(Marker::of(&parse_expression("agg_filter(a, b)")?).is_none());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// `GROUP BY ALL`: the only grouping expression, without arguments.
    GroupByAll,
    /// `ORDER BY ALL`: the child of the only sort order, without arguments.
    OrderByAll,
    /// `NATURAL JOIN`: the join condition, without arguments.
    Natural,
    /// `* EXCEPT (a, b)`: the star, then one attribute for each excluded column.
    StarExcept,
    /// `f(..) FILTER (WHERE c)`: the call, then the condition.
    AggFilter,
    /// `f(..) WITHIN GROUP (ORDER BY ..)`: the call, then one sort order for each key.
    WithinGroup,
    /// `f(..) IGNORE NULLS`: the call.
    IgnoreNulls,
    /// `PIVOT (.. IN (v AS name))`: in the pivot's grouping expressions, one string or null literal for each value.
    PivotNames,
    /// `:name` and `?`: one string, the name or `_n`.
    Parameter,
    /// `TIMESTAMP'..'` whose text leaves its zone open: the text. Only the analyzer knows the session's zone.
    Timestamp,
    /// `(a, b)`: a struct whose fields have the names of its values.
    Tuple,
}

/// Their names on the wire.
const NAMES: &[(Marker, &str)] = &[
    (Marker::GroupByAll, "group_by_all"),
    (Marker::OrderByAll, "order_by_all"),
    (Marker::Natural, "natural"),
    (Marker::StarExcept, "star_except"),
    (Marker::AggFilter, "agg_filter"),
    (Marker::WithinGroup, "within_group"),
    (Marker::IgnoreNulls, "ignore_nulls"),
    (Marker::PivotNames, "pivot_names"),
    (Marker::Parameter, "parameter"),
    (Marker::Timestamp, "timestamp"),
    (Marker::Tuple, "tuple"),
];

impl Marker {
    /// Returns the marked call of these arguments.
    pub(super) fn call(self, arguments: Vec<sc::Expression>) -> sc::Expression {
        let name = NAMES.iter().find(|(marker, _)| *marker == self).map(|(_, name)| *name);
        let call = UnresolvedFunction {
            function_name: name.unwrap_or_default().into(),
            arguments,
            is_internal: Some(true),
            ..Default::default()
        };
        sc::Expression {
            common: None,
            expr_type: Some(ExprType::UnresolvedFunction(call)),
        }
    }

    /// Returns the marker that a call is, with its arguments; `None` for a function's call.
    pub fn of_call(call: &UnresolvedFunction) -> Option<(Self, &[sc::Expression])> {
        let (marker, _) = NAMES.iter().find(|(_, name)| *name == call.function_name)?;
        (call.is_internal == Some(true)).then_some((*marker, call.arguments.as_slice()))
    }

    /// As [`Marker::of_call`], of any expression.
    pub fn of(expression: &sc::Expression) -> Option<(Self, &[sc::Expression])> {
        match &expression.expr_type {
            Some(ExprType::UnresolvedFunction(call)) => Self::of_call(call),
            _ => None,
        }
    }

    /// Returns whether an expression is this marker.
    pub fn is(self, expression: &sc::Expression) -> bool {
        Self::of(expression).is_some_and(|(marker, _)| marker == self)
    }
}

/// What a relation is that SQL text became (`RelationCommon.source_info`).
///
/// ```
/// use rivulet::plan::sql::{Statement, marker::SqlForm, parse_statement};
///
/// let form = |text: &str| match parse_statement(text) {
///     Ok(Statement::Query(relation)) => Some(SqlForm::of(&relation)),
///     _ => None,
/// };
/// assert_eq!(form("SELECT count(*) FROM t GROUP BY a"), Some(SqlForm::Select));
/// assert_eq!(form("SELECT a FROM t"), Some(SqlForm::Message));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlForm {
    /// The message says all.
    Message,
    /// An `Aggregate` whose aggregate expressions are the whole output, or a `Deduplicate` that is DISTINCT.
    Select,
    /// A `PIVOT`, which groups by every column that it does not name.
    Pivot,
    /// An `UNPIVOT`, which keeps every column that it does not name as an id.
    Unpivot,
    /// An inline table: a table-valued function of one `named_struct` for each row, whatever its name.
    Values,
    /// A table of WITH RECURSIVE: a `SubqueryAlias` of its union, by the name that the union's right side has for it.
    Recursive,
}

impl SqlForm {
    /// Returns the text that marks such a relation.
    pub(super) fn source_info(self) -> &'static str {
        match self {
            Self::Message => "",
            Self::Select => "sql",
            Self::Pivot => "sql_pivot",
            Self::Unpivot => "sql_unpivot",
            Self::Values => "sql_values",
            Self::Recursive => "sql_recursive",
        }
    }

    /// Returns what a relation is.
    #[allow(deprecated, reason = "the protocol has no other free text on a relation")]
    pub fn of(relation: &sc::Relation) -> Self {
        let info = relation.common.as_ref().map_or("", |c| c.source_info.as_str());
        let marked = [Self::Select, Self::Pivot, Self::Unpivot, Self::Values, Self::Recursive];
        let found = marked.into_iter().find(|origin| origin.source_info() == info);
        found.unwrap_or(Self::Message)
    }
}

/// The alias of a subquery in `FROM` that has none: it hides the names inside, and nothing can be
/// qualified by it.
pub const AUTO_SUBQUERY_NAME: &str = "__auto_generated_subquery_name";
