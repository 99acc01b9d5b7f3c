//! A scalar function made of a closure: how Spark's semantics enter DataFusion's expression trees.
//!
//! The analyzer knows all types when it builds an expression, so a kernel is made for one call: its
//! return type is fixed and its constant options (zone, format, mode) are captured. Two kernels are
//! equal when name, options and type are.
//!
//! ```text
//! plan:  kernel::call("upper", "", Utf8, [column], closure)      → Expr::ScalarFunction
//! run:   arguments as arrays of n rows → closure → an array of n rows
//!        all arguments constant        → one row, so that the optimizer can fold the call
//! ```

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion_common::{DataFusionError, Result};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

/// The name of the kernel that makes floats and maps comparable; it never fails.
pub const NORMALISED: &str = "normalize_nan_and_zero";

/// The closure of a kernel: its arguments, and their number of rows, which a call without arguments needs too.
type Body = dyn Fn(&[ColumnarValue], usize) -> Result<ArrayRef> + Send + Sync;

/// An argument of a kernel that tells constants apart.
#[derive(Debug, Clone)]
pub struct Argument {
    /// Its values; of a constant, the one value.
    pub array: ArrayRef,
    /// Whether all rows have the same value, which is in the array once.
    pub is_constant: bool,
}

impl Argument {
    fn of(value: &ColumnarValue) -> Result<Self> {
        Ok(match value {
            ColumnarValue::Array(array) => Self {
                array: array.clone(),
                is_constant: false,
            },
            ColumnarValue::Scalar(value) => Self {
                array: value.to_array()?,
                is_constant: true,
            },
        })
    }
}

/// What the analyzer and event time must know of a function besides its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// Nothing.
    #[default]
    Plain,
    /// The value stands for the same event time as the argument at this position.
    KeepsTime(usize),
    /// The value is the first argument plus the interval in the second.
    AddsInterval,
    /// The value is the first argument minus the interval in the second.
    SubtractsInterval,
    /// It cannot be run: the analyzer puts something else in its place, which only it can find.
    Placeholder,
}

/// The function of one call: named, typed, with its options spelled out in `options`.
#[derive(Clone)]
struct Kernel {
    /// What the function is called in plans that people read.
    name: String,
    /// Tells apart closures of one name that behave differently.
    options: String,
    /// The type of every array that the closure returns.
    return_type: DataType,
    /// Any arguments: the analyzer has cast them before.
    signature: Signature,
    /// What may be concluded from the call.
    role: Role,
    /// What it computes.
    body: Arc<Body>,
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}] -> {}", self.name, self.options, self.return_type)
    }
}

impl PartialEq for Kernel {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.options == other.options
            && self.return_type == other.return_type
            && self.role == other.role
    }
}

impl Eq for Kernel {}

impl Hash for Kernel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.options.hash(state);
        self.return_type.hash(state);
    }
}

impl ScalarUDFImpl for Kernel {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.return_type.clone())
    }

    /// Runs the closure; if all arguments are constants, over one row, so that the result is a constant
    /// too.
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalars = !args.args.is_empty() && args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let rows = if scalars { 1 } else { args.number_rows };
        let out = (self.body)(&args.args, rows)?;
        if scalars {
            return Ok(ColumnarValue::Scalar(datafusion_common::ScalarValue::try_from_array(
                &out, 0,
            )?));
        }
        Ok(ColumnarValue::Array(out))
    }
}

/// Makes the call `name(args…)`; `options` must tell apart closures that behave differently.
///
/// The closure receives all arguments as arrays of `rows` rows and returns an array of that length. It
/// counts as a pure function: the optimizer folds it over constants, merges equal calls and moves it.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, AsArray, Int64Array};
/// use arrow::datatypes::{DataType, Int64Type};
/// use datafusion_expr::col;
/// use rivulet::kernels::kernel;
///
/// let twice = || kernel::call("twice", "", DataType::Int64, vec![col("n")], |args, _| {
///     let doubled: Int64Array = args[0].as_primitive::<Int64Type>().unary(|n| n * 2);
///     Ok(Arc::new(doubled) as ArrayRef)
/// });
/// assert_eq!(twice().to_string(), "twice(n)");
/// assert_eq!(twice(), twice()); // by name, options and type
/// ```
pub fn call(
    name: &str,
    options: impl Into<String>,
    return_type: DataType,
    args: Vec<Expr>,
    body: impl Fn(&[ArrayRef], usize) -> Result<ArrayRef> + Send + Sync + 'static,
) -> Expr {
    make(
        name,
        options.into(),
        return_type,
        args,
        (Volatility::Immutable, Role::Plain),
        over_arrays(body),
    )
}

/// As [`call`], for a closure that gets constants as such: for functions that are fast if an argument is the same for all rows.
pub fn call_over(
    name: &str,
    options: impl Into<String>,
    return_type: DataType,
    args: Vec<Expr>,
    body: impl Fn(&[Argument], usize) -> Result<ArrayRef> + Send + Sync + 'static,
) -> Expr {
    let attributes = (Volatility::Immutable, Role::Plain);
    make(
        name,
        options.into(),
        return_type,
        args,
        attributes,
        move |values, rows| body(&values.iter().map(Argument::of).collect::<Result<Vec<_>>>()?, rows),
    )
}

/// Gives a closure all arguments as arrays of `rows` rows.
fn over_arrays(
    body: impl Fn(&[ArrayRef], usize) -> Result<ArrayRef> + Send + Sync + 'static,
) -> impl Fn(&[ColumnarValue], usize) -> Result<ArrayRef> + Send + Sync + 'static {
    move |values, rows| {
        let arrays = values.iter().map(|v| v.to_array(rows)).collect::<Result<Vec<_>>>()?;
        body(&arrays, rows)
    }
}

/// As [`call`], for a function with a role.
pub fn call_as(
    name: &str,
    options: impl Into<String>,
    return_type: DataType,
    args: Vec<Expr>,
    role: Role,
    body: impl Fn(&[ArrayRef], usize) -> Result<ArrayRef> + Send + Sync + 'static,
) -> Expr {
    make(
        name,
        options.into(),
        return_type,
        args,
        (Volatility::Immutable, role),
        over_arrays(body),
    )
}

/// Makes the call of a [`Role::Placeholder`], which fails with an internal error if it is ever run.
pub fn placeholder(name: &str, return_type: DataType, args: Vec<Expr>) -> Expr {
    let label = name.to_owned();
    let attributes = (Volatility::Immutable, Role::Placeholder);
    make(name, String::new(), return_type, args, attributes, move |_, _| {
        Err(DataFusionError::Internal(format!("{label} was not put into its place")))
    })
}

/// Returns the role of a function; [`Role::Plain`] for one that is not made here.
pub fn role(function: &ScalarUDF) -> Role {
    let kernel: Option<&Kernel> = (function.inner().as_ref() as &dyn Any).downcast_ref();
    kernel.map(|k| k.role).unwrap_or_default()
}

/// As [`call`], for functions whose value does not follow from their arguments (`rand`, `uuid`).
pub fn call_with(
    name: &str,
    options: impl Into<String>,
    return_type: DataType,
    args: Vec<Expr>,
    volatility: Volatility,
    body: impl Fn(&[ArrayRef], usize) -> Result<ArrayRef> + Send + Sync + 'static,
) -> Expr {
    let attributes = (volatility, Role::Plain);
    make(name, options.into(), return_type, args, attributes, over_arrays(body))
}

/// Wraps a closure and puts its arguments into a call.
fn make(
    name: &str,
    options: String,
    return_type: DataType,
    args: Vec<Expr>,
    (volatility, role): (Volatility, Role),
    body: impl Fn(&[ColumnarValue], usize) -> Result<ArrayRef> + Send + Sync + 'static,
) -> Expr {
    let kernel = Kernel {
        name: name.to_owned(),
        options,
        return_type,
        signature: if args.is_empty() {
            Signature::nullary(volatility)
        } else {
            Signature::variadic_any(volatility)
        },
        role,
        body: Arc::new(body),
    };
    let udf = Arc::new(ScalarUDF::new_from_impl(kernel));
    Expr::ScalarFunction(ScalarFunction::new_udf(udf, args))
}
