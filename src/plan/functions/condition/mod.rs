//! Functions that pick one of several values.
//!
//! All but `greatest` and `least` become CASE or COALESCE, which evaluate a branch only for the rows that
//! take it. The values are cast to their common type first.
//!
//! ```text
//! if(null, 1, 2)        2        nvl2(null, 1, 2)     2        greatest(1, null)     1
//! coalesce(null, 1)     1        nullif(1, 1)         null     CASE WHEN null THEN 1 END   null
//! ```

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::{Case, Expr};

use super::call::Call;
use super::entry::{Function, any, boolean, number, scalar};
use super::{Context, constant, operator, unexpected_type, wrong_number};
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::plan::comparison;
use crate::plan::scope::Typed;
use crate::plan::{coercion, literal};
use crate::values::floats::{comparable, has_floats};
use crate::values::types::sql_name;
use arrow::array::{Array, ArrayRef};
use arrow::compute::interleave;
use datafusion_expr::Operator;
use std::cmp::Ordering;

/// How tables name the result's type.
const COMMON: &str = "the common type of the arguments";
/// How tables say that the chosen value decides.
const CHOSEN: &str = "Null if the chosen value is null.";

/// Functions that pick one of several values. All but the chosen value may be of any kind: branches
/// that are not taken raise nothing.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("when", when).aliases(&["case"]).takes(&[boolean("condition"), any("value"), any("more").repeated()])
        .returns("the common type of the values").null_if("Null if no condition holds and there is no other value.")
        .about("Returns the value after the first condition that holds, else the last value if it has no condition.")
        .example("CASE WHEN 1 > 0 THEN 1 WHEN 2 > 0 THEN 2.0 ELSE 1.2 END", "1.0"),
    scalar("if", if_else).takes(&[boolean("expr1"), any("expr2"), any("expr3")]).returns("the common type of the values")
        .null_if(CHOSEN)
        .about("Returns the second argument if the first is true, else the third.")
        .example("if(1 < 2, 'a', 'b')", "a"),
    scalar("coalesce", coalesce).takes(&[any("expr"), any("exprs").repeated()]).returns(COMMON)
        .null_if("Null if all arguments are null.")
        .about("Returns the first argument that is not null.")
        .example("coalesce(NULL, 1, NULL)", "1"),
    scalar("ifnull", replaced).aliases(&["nvl"]).takes(&[any("expr1"), any("expr2")]).returns(COMMON)
        .null_if("Null if both arguments are null.")
        .about("Returns the first argument, the second if the first is null.")
        .example("ifnull(NULL, array('2'))", "[2]"),
    scalar("nvl2", nvl2).takes(&[any("expr1"), any("expr2"), any("expr3")]).returns("the common type of the values")
        .null_if(CHOSEN)
        .about("Returns the third argument if the first is null, else the second.")
        .example("nvl2(NULL, 2, 1)", "1"),
    scalar("nullif", nullif).takes(&[any("expr1"), any("expr2")]).returns("the type of the first argument")
        .null_if("Null if the first argument is null or equals the second.")
        .about("Returns the first argument, null if it equals the second.")
        .example("nullif(2, 2)", "NULL"),
    scalar("greatest", |c| extreme(c, datafusion_functions::core::greatest()))
        .takes(&[any("expr"), any("expr2"), any("exprs").repeated()]).returns(COMMON)
        .null_if("Skips nulls; null if all arguments are null.")
        .about("Returns the greatest of the arguments.")
        .example("greatest(10, 9, 2, 4, 3)", "10"),
    scalar("least", |c| extreme(c, datafusion_functions::core::least()))
        .takes(&[any("expr"), any("expr2"), any("exprs").repeated()]).returns(COMMON)
        .null_if("Skips nulls; null if all arguments are null.")
        .about("Returns the least of the arguments.")
        .example("least(10, 9, 2, 4, 3)", "2"),
    scalar("zeroifnull", zeroifnull).takes(&[number("expr")]).returns("the common type of the argument and INT")
        .null_if("Never null.")
        .about("Returns the argument, 0 if it is null.")
        .example("zeroifnull(NULL)", "0"),
    scalar("nullifzero", nullifzero).takes(&[number("expr")]).returns("the type of the argument")
        .null_if("Null if the argument is null or 0.")
        .about("Returns the argument, null if it is 0.")
        .example("nullifzero(0)", "NULL"),
];

/// Resolves `CASE` (`CaseWhen`): conditions and values in turn, then what else. A null condition does
/// not hold.
pub fn when(call: &Call<'_>) -> Result<Typed> {
    case(call.context, call.args)
}

/// Resolves `if` (`If`).
fn if_else(call: &Call<'_>) -> Result<Typed> {
    let [condition, yes, no] = [call.arg(0)?, call.arg(1)?, call.arg(2)?];
    let label = format!("(IF({}, {}, {}))", condition.name, yes.name, no.name);
    let mut out = case(call.context, &[condition, yes, no])?;
    out.name = label;
    Ok(out)
}

/// Resolves `coalesce` (`Coalesce`).
fn coalesce(call: &Call<'_>) -> Result<Typed> {
    let (args, common) = unified(call.context, call.name, call.args)?;
    let label = call.other(call.name, &args).label();
    Ok(first_not_null(args, common, label))
}

/// Returns the first of some values that is not null. DataFusion has no form of it for one value alone.
fn first_not_null(mut args: Vec<Typed>, common: DataType, label: String) -> Typed {
    if args.len() == 1 {
        return Typed::new(args.remove(0).expr, common, label);
    }
    super::udf(datafusion_functions::core::coalesce(), args, common, label)
}

/// Resolves `ifnull` and `nvl`: as `coalesce`, under the label of its own arguments.
fn replaced(call: &Call<'_>) -> Result<Typed> {
    let (args, common) = unified(call.context, call.name, call.args)?;
    Ok(first_not_null(args, common, call.label()))
}

/// Resolves `nvl2` (`Nvl2`).
fn nvl2(call: &Call<'_>) -> Result<Typed> {
    let [test, yes, no] = [call.arg(0)?, call.arg(1)?, call.arg(2)?];
    let condition = Typed::new(Expr::IsNotNull(Box::new(test.expr)), DataType::Boolean, "");
    let mut out = case(call.context, &[condition, yes, no])?;
    out.name = call.label();
    Ok(out)
}

/// Resolves `nullif` (`NullIf`); the values are compared in their common type, the first is returned in
/// its own.
fn nullif(call: &Call<'_>) -> Result<Typed> {
    let (left, right) = (call.arg(0)?, call.arg(1)?);
    let null = constant(ScalarValue::try_from(&left.data_type)?, "NULL");
    let (l, r, common) = operator::same_type(call.context, left.clone(), right, "=")?;
    let equal = comparison::compare(Operator::Eq, l.expr, r.expr, &common);
    let condition = Typed::new(equal, DataType::Boolean, "");
    let mut out = case(call.context, &[condition, null, left])?;
    out.name = call.label();
    Ok(out)
}

/// Resolves `greatest` and `least` (`Greatest`, `Least`): nulls are skipped, of equal values the first counts.
fn extreme(call: &Call<'_>, function: std::sync::Arc<datafusion_expr::ScalarUDF>) -> Result<Typed> {
    let (args, common) = unified(call.context, call.name, call.args)?;
    if !has_floats(&common) {
        return Ok(super::udf(function, args, common, call.label()));
    }
    let sign = if call.name == "greatest" {
        Ordering::Greater
    } else {
        Ordering::Less
    };
    let args = args.into_iter().map(|t| t.expr).collect();
    let expr = kernel::call(call.name, "", common.clone(), args, move |args, rows| {
        let compared = comparators(args)?;
        let best = (0..rows).map(|row| {
            let known = (0..args.len()).filter(|i| args[*i].is_valid(row));
            let best = known.reduce(|a, b| if compared(b, a, row) == sign { b } else { a });
            (best.unwrap_or(0), row)
        });
        let arrays: Vec<&dyn Array> = args.iter().map(AsRef::as_ref).collect();
        Ok(interleave(&arrays, &best.collect::<Vec<_>>())?)
    });
    Ok(Typed::new(expr, common, call.label()))
}

/// Returns what compares two of several arrays at a row.
fn comparators(of: &[ArrayRef]) -> Result<impl Fn(usize, usize, usize) -> Ordering> {
    let keys = of.iter().map(|array| comparable(std::slice::from_ref(array)));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    Ok(move |a: usize, b: usize, row: usize| keys[a].row(row).cmp(&keys[b].row(row)))
}

/// Resolves `zeroifnull`.
fn zeroifnull(call: &Call<'_>) -> Result<Typed> {
    let mut out = coalesce(&call.other("coalesce", &[call.arg(0)?, literal::int(0)]))?;
    out.name = call.label();
    Ok(out)
}

/// Resolves `nullifzero`.
fn nullifzero(call: &Call<'_>) -> Result<Typed> {
    let mut out = nullif(&call.other("nullif", &[call.arg(0)?, literal::int(0)]))?;
    out.name = call.label();
    Ok(out)
}

/// Returns all arguments in their common type.
///
/// # Errors
/// If there is none, `DATATYPE_MISMATCH.DATA_DIFF_TYPES`; if there are no arguments, `WRONG_NUM_ARGS`.
///
/// ```
/// use arrow::datatypes::DataType;
/// use rivulet::plan::functions::{Context, condition::unified};
/// use rivulet::plan::literal;
/// use rivulet::settings::Conf;
/// use rivulet::values::{cast::Mode, zone::Zone};
///
/// let conf = Conf::default();
/// let context = Context { mode: Mode::Ansi, zone: Zone::UTC, now_us: 0, conf: &conf };
/// let (cast, common) = unified(&context, "coalesce", &[literal::int(1), literal::string("2")])?;
/// assert_eq!(common, DataType::Int64); // under ANSI a string beside an integer is a BIGINT
/// assert!(cast.iter().all(|value| value.data_type == common));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
pub fn unified(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<(Vec<Typed>, DataType)> {
    if args.is_empty() {
        return Err(wrong_number(name, "> 0", 0));
    }
    let common = coercion::common(args.iter().map(|t| &t.data_type), context.ansi()).ok_or_else(|| {
        let types: Vec<String> = args.iter().map(|t| format!("\"{}\"", sql_name(&t.data_type))).collect();
        SparkError::analysis(
            "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
            "42K09",
            format!(
                "Cannot resolve \"{}\" due to data type mismatch: Input to `{name}` should all be the same type, but it's [{}].",
                super::call::label(name, args),
                types.join(", ")
            ),
        )
    })?;
    let cast = args
        .iter()
        .map(|t| context.cast(t.clone(), &common))
        .collect::<Result<_>>()?;
    Ok((cast, common))
}

/// Returns `CASE WHEN c1 THEN v1 … ELSE e END` of pairs, then the else.
///
/// # Errors
/// If a condition is not a BOOLEAN, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
fn case(context: &Context<'_>, args: &[Typed]) -> Result<Typed> {
    let pairs = args.len() / 2;
    let values: Vec<Typed> = (0..pairs)
        .map(|i| args[2 * i + 1].clone())
        .chain(args.get(2 * pairs).cloned())
        .collect();
    let (values, common) = unified(context, "casewhen", &values)?;
    let mut label = String::from("CASE");
    let mut branches = Vec::new();
    for i in 0..pairs {
        let condition = args[2 * i].clone();
        label.push_str(&format!(" WHEN {} THEN {}", condition.name, args[2 * i + 1].name));
        let condition = match condition.data_type {
            DataType::Boolean => condition,
            DataType::Null => context.cast(condition, &DataType::Boolean)?,
            _ => return Err(unexpected_type("CASE WHEN", 2 * i + 1, &condition, &["BOOLEAN"])),
        };
        branches.push((Box::new(condition.expr), Box::new(values[i].expr.clone())));
    }
    let otherwise = values.get(pairs).map(|t| Box::new(t.expr.clone()));
    if let Some(last) = args.get(2 * pairs) {
        label.push_str(&format!(" ELSE {}", last.name));
    }
    label.push_str(" END");
    Ok(Typed::new(
        Expr::Case(Case::new(None, branches, otherwise)),
        common,
        label,
    ))
}
