//! Spark's functions.
//!
//! Each folder or file of functions has a table, `FUNCTIONS`, whose entries ([`entry::Function`]) name
//! the function, say what it takes, returns and does, and point at its code. [`registry`] is the table
//! of these tables: [`call()`] finds the one entry of a name there, checks the number of arguments, and
//! runs its code, which casts the arguments by Spark's rules and builds an expression. `SHOW
//! FUNCTIONS`, `DESCRIBE FUNCTION`, the suggestions of errors and the TypeScript client's functions are
//! made from the same entries. A name without an entry is an error that suggests near ones.
//!
//! ```text
//! message ─ form::function ─┬─ Marker (a clause of SQL) ─► form::clause
//!                           ├─ Body::Form ───────────────► its code, from unresolved arguments
//!                           └─ everything else ─► arguments resolved ─► call ─► its code ─► Typed
//! ```
//!
//! Code that depends on the types of its arguments (`reverse`, `concat`, `to_char`) looks at them
//! inside its one function: no name has two entries.
//!
//! Two things come out of a function's code: the expression, mostly a kernel of [`row`] or of whole
//! arrays, and the *label*, which is the name of the column if the user names none. Labels are Spark's
//! to the letter, since programs select by them.
//!
//! # Adding a function
//!
//! 1. Write its code, a `fn(&Call<'_>) -> Result<Typed>`, in the file of its group that fits.
//! 2. Add an entry to the group's table, with a sentence and an example that has an answer.
//! 3. Ask Spark for its answer to the example (`tests/conformance/function_examples.py`); the tests
//!    compare all three.
//!
//! Nothing else: lists, descriptions, errors and the TypeScript client follow from the entry.

pub mod aggregate;
pub mod bitmap;
pub mod call;
pub mod check;
pub mod collection;
pub mod condition;
pub mod conversion;
pub mod csv;
pub mod describe;
pub mod entry;
pub mod error;
pub mod form;
pub mod generator;
pub mod hash;
pub mod json;
pub mod lambda;
pub mod list;
pub mod map;
pub mod number;
pub mod operator;
pub mod partition;
pub mod random;
pub mod registry;
pub mod row;
pub mod session;
#[cfg(test)]
mod tests;
pub mod text;
pub mod time;
pub mod vector;
pub mod vector_math;
pub mod window;

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Schema};
use datafusion_common::tree_node::TreeNode;
use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_expr::{Expr, ScalarUDF};
use datafusion_physical_expr::create_physical_expr;

use self::call::Call;
use self::entry::Body;
use super::scope::Typed;
use crate::error::{Result, SparkError};
use crate::plan::{cast_expr, folding};
use crate::settings::Conf;
use crate::values::cast::Mode;
use crate::values::types;
use crate::values::zone::Zone;

pub use self::error::{unexpected_type, wrong_number};
pub use self::text::regex::plain_separator;

/// What a function may know of the session. It is complete when the plan is made: running tasks do not
/// ask for anything.
pub struct Context<'a> {
    /// What overflow and malformed casts do.
    pub mode: Mode,
    /// The session's zone.
    pub zone: Zone,
    /// `current_timestamp()`, µs since the epoch.
    pub now_us: i64,
    /// The session's settings.
    pub conf: &'a Conf,
}

impl Context<'_> {
    /// Returns the value cast by the session's rules.
    ///
    /// # Errors
    /// If Spark does not cast between the two types.
    pub fn cast(&self, typed: Typed, to: &DataType) -> Result<Typed> {
        cast_expr::cast_at(typed, to, self.mode, self.zone, self.now_us)
    }

    /// Returns whether errors are raised if a result would be wrong.
    pub fn ansi(&self) -> bool {
        self.mode == Mode::Ansi
    }

    /// Returns the zone in which a timestamp's wall clock is read: UTC for TIMESTAMP_NTZ.
    pub fn zone_of(&self, data_type: &DataType) -> Zone {
        if data_type == &types::timestamp_ntz() {
            Zone::UTC
        } else {
            self.zone
        }
    }
}

/// Calls `name`, which is in lower case; `None` if no function has that name.
///
/// ```
/// use rivulet::plan::functions::{Context, call};
/// use rivulet::plan::literal;
/// use rivulet::settings::Conf;
/// use rivulet::values::{cast::Mode, zone::Zone};
///
/// let conf = Conf::default();
/// let context = Context { mode: Mode::Ansi, zone: Zone::UTC, now_us: 0, conf: &conf };
/// let upper = call(&context, "upper", vec![literal::string("abc")], false)?;
/// assert_eq!(upper.map(|typed| typed.name), Some("upper(abc)".to_owned()));
/// assert!(call(&context, "no_such_function", vec![], false)?.is_none());
///
/// let error = call(&context, "upper", vec![], false).unwrap_err();
/// assert_eq!(error.condition.as_deref(), Some("WRONG_NUM_ARGS.WITHOUT_SUGGESTION"));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// If the number or the types of the arguments do not fit, `WRONG_NUM_ARGS`, `DATATYPE_MISMATCH` and
/// the like, as Spark's analysis reports them.
pub fn call(context: &Context<'_>, name: &str, args: Vec<Typed>, distinct: bool) -> Result<Option<Typed>> {
    let Some(function) = registry::find(name) else {
        return Ok(None);
    };
    function.check_arity(name, args.len())?;
    let call = Call {
        context,
        name,
        args: &args,
        distinct,
    };
    if args.iter().any(|arg| arg.generator.is_some()) {
        return Err(error::nested_generator(&call.label()));
    }
    let compared = match name {
        "min_by" | "max_by" => &args[1..],
        _ if COMPARING.contains(&function.name) => &args[..],
        _ => &[],
    };
    if let Some(arg) = compared.iter().find(|arg| !types::is_orderable(&arg.data_type)) {
        return Err(error::not_orderable(&call.label(), name, &arg.data_type));
    }
    match function.body {
        Body::Scalar(resolve) | Body::Aggregate(resolve) | Body::Window(resolve) | Body::Generator(resolve) => {
            resolve(&call).map(Some)
        }
        Body::Form(_) => Err(SparkError::unsupported(format!("the function {name} in this place"))),
    }
}

/// Functions that compare all their arguments, or elements of them.
const COMPARING: &[&str] = &[
    "in",
    "min",
    "max",
    "least",
    "greatest",
    "nullif",
    "sort_array",
    "array_sort",
    "array_min",
    "array_max",
    "array_distinct",
    "array_position",
    "array_contains",
    "array_union",
    "array_intersect",
    "array_except",
    "array_remove",
    "arrays_overlap",
];

/// Returns the value of an expression that has neither columns nor randomness in it, and is
/// [cheap](folding::is_foldable) to compute; `None` for every other expression, and for one that fails when it is computed.
///
/// ```
/// use datafusion_expr::{col, lit};
/// use rivulet::plan::functions::fold;
///
/// assert_eq!(fold(&(lit(1_i32) + lit(2_i32))), Some(3_i32.into()));
/// assert_eq!(fold(&(col("a") + lit(1_i32))), None);
/// ```
pub fn fold(expr: &Expr) -> Option<ScalarValue> {
    if let Expr::Literal(value, _) = expr {
        return Some(value.clone());
    }
    if expr.is_volatile() || !expr.column_refs().is_empty() || spans_rows(expr) || !folding::is_foldable(expr) {
        return None;
    }
    let physical = create_physical_expr(
        expr,
        &DFSchema::empty(),
        &ExecutionProps::new(),
        &PhysicalPlanningContext::default(),
    )
    .ok()?;
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).ok()?;
    let found = physical.evaluate(&row).ok()?.into_array(1).ok()?;
    ScalarValue::try_from_array(&found, 0).ok()
}

/// Returns whether an aggregate or window function is part of the expression.
fn spans_rows(expr: &Expr) -> bool {
    expr.exists(|e| Ok(matches!(e, Expr::AggregateFunction(_) | Expr::WindowFunction(_))))
        .unwrap_or(true)
}

/// Calls a DataFusion function whose result type is known.
pub fn udf(function: Arc<ScalarUDF>, args: Vec<Typed>, to: DataType, name: impl Into<String>) -> Typed {
    let expr = function.call(args.into_iter().map(|t| t.expr).collect());
    Typed::new(expr, to, name)
}

/// Returns a value known when the query is planned.
pub fn constant(value: ScalarValue, label: impl Into<String>) -> Typed {
    let data_type = value.data_type();
    Typed::new(Expr::Literal(value, None), data_type, label)
}

/// Returns a string known when the query is planned.
pub fn constant_text(value: impl Into<String>, label: impl Into<String>) -> Typed {
    constant(ScalarValue::Utf8(Some(value.into())), label)
}
