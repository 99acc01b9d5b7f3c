//! Operators as functions: arithmetic, comparison, logic, bits, patterns.
//!
//! Clients and the SQL parser send operators as calls of these names. Their labels are in infix form:
//! `(a + b)`, `(NOT (a = b))`.
//!
//! Comparison is Spark's: null with anything is null but for `<=>`; NaN equals NaN and is greater than
//! every other number; structs and arrays compare field by field, nulls first. A string is read as what
//! it is compared with.
//!
//! ```text
//! AND    true   false  null       OR     true   false  null       =      1      null
//! true   true   false  null       true   true   true   true       1      true   null
//! false  false  false  false      false  true   false  null       null   null   null
//! null   null   false  null       null   true   null   null       <=>    never null
//! ```

mod like;

use arrow::datatypes::*;
use datafusion_expr::{Expr, Operator, binary_expr};

use self::like::Quantified;
use super::call::Call;
use super::entry::{Function, Nulls, any, boolean as bool_arg, int, number, scalar, string, text, value};
use super::error::{mismatch, not_orderable};
use super::number::bits::{Shift, shift};
use super::{Context, unexpected_type};
use crate::error::{Result, SparkError};
use crate::plan::arithmetic::{self, Op};
use crate::plan::scope::Typed;
use crate::plan::{coercion, comparison, datetime};
use crate::values::cast::Mode;
use crate::values::interval::is_interval;
use crate::values::types::{self, is_integral, is_numeric, is_string, sql_name};

/// How tables name what can be added.
const SUMMAND: &str = "NUMERIC, DATE, TIMESTAMP or INTERVAL";
/// How tables name what can be multiplied.
const FACTOR: &str = "NUMERIC or INTERVAL";

/// Operators, and the names under which the SQL parser and the clients call them.
///
/// The unlisted ones are what the parser makes of `LIKE ANY` and its kin.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("+", plus).takes(&[value("expr1", SUMMAND), value("expr2", SUMMAND).optional()]).returns("the type of the sum")
        .about("Returns the sum; of one argument, the argument.")
        .example("1 + 2", "3"),
    scalar("-", minus).takes(&[value("expr1", SUMMAND), value("expr2", SUMMAND).optional()]).returns("the type of the difference")
        .about("Returns the difference; of one argument, the argument with the other sign.")
        .example("2 - 1", "1"),
    scalar("*", |c| arithmetic(c, Op::Multiply)).takes(&[value("expr1", FACTOR), value("expr2", FACTOR)])
        .returns("the type of the product")
        .about("Returns the product.")
        .example("2 * 3", "6"),
    scalar("/", |c| arithmetic(c, Op::Divide)).takes(&[value("expr1", FACTOR), number("expr2")])
        .returns("DOUBLE, DECIMAL or INTERVAL")
        .about("Returns the quotient, with its fraction.")
        .example("3 / 2", "1.5"),
    scalar("%", modulo).takes(&[number("expr1"), number("expr2")]).returns("the common type of the arguments")
        .about("Returns the remainder of a division, with the sign of the dividend.")
        .example("2 % 1.8", "0.2"),
    scalar("div", |c| arithmetic(c, Op::IntegralDivide)).takes(&[value("expr1", FACTOR), value("expr2", FACTOR)])
        .returns("BIGINT")
        .about("Returns the quotient without its fraction.")
        .example("3 div 2", "1"),
    scalar("=", |c| compare(c, Operator::Eq, "=")).aliases(&["=="]).takes(&[any("expr1"), any("expr2")]).returns("BOOLEAN")
        .about("Tests whether two values are equal.")
        .example("2 = 2", "true"),
    scalar("!=", not_equal).aliases(&["<>"]).takes(&[any("expr1"), any("expr2")]).returns("BOOLEAN")
        .about("Tests whether two values differ.")
        .example("1 != 2", "true"),
    scalar("<", |c| compare(c, Operator::Lt, "<")).takes(&[any("expr1"), any("expr2")]).returns("BOOLEAN")
        .about("Tests whether the left value is less than the right one.")
        .example("1 < 2", "true"),
    scalar("<=", |c| compare(c, Operator::LtEq, "<=")).takes(&[any("expr1"), any("expr2")]).returns("BOOLEAN")
        .about("Tests whether the left value is less than or equal to the right one.")
        .example("2 <= 2", "true"),
    scalar(">", |c| compare(c, Operator::Gt, ">")).takes(&[any("expr1"), any("expr2")]).returns("BOOLEAN")
        .about("Tests whether the left value is greater than the right one.")
        .example("2 > 1", "true"),
    scalar(">=", |c| compare(c, Operator::GtEq, ">=")).takes(&[any("expr1"), any("expr2")]).returns("BOOLEAN")
        .about("Tests whether the left value is greater than or equal to the right one.")
        .example("2 >= 1", "true"),
    scalar("<=>", equal_or_both_null).takes(&[any("expr1"), any("expr2")]).returns("BOOLEAN").nulls(Nulls::Never)
        .about("Tests whether two values are equal, where null equals null.")
        .example("NULL <=> NULL", "true"),
    scalar("equal_null", |c| Ok(c.labelled(equal_or_both_null(c)?))).takes(&[any("expr1"), any("expr2")]).returns("BOOLEAN")
        .nulls(Nulls::Never)
        .about("Tests whether two values are equal, where null equals null.")
        .example("equal_null(3, NULL)", "false"),
    scalar("between", between).takes(&[any("input"), any("lower"), any("upper")]).returns("BOOLEAN")
        .about("Tests whether a value lies between two others, both included.")
        .example("0.5 BETWEEN 0.1 AND 1.0", "true"),
    scalar("and", |c| logic(c, Operator::And, "AND")).takes(&[bool_arg("expr1"), bool_arg("expr2")]).returns("BOOLEAN")
        .null_if("Null if an argument is null and none is false.")
        .about("Tests whether both arguments are true.")
        .example("true and false", "false"),
    scalar("or", |c| logic(c, Operator::Or, "OR")).takes(&[bool_arg("expr1"), bool_arg("expr2")]).returns("BOOLEAN")
        .null_if("Null if an argument is null and none is true.")
        .about("Tests whether an argument is true.")
        .example("true or false", "true"),
    scalar("not", not).aliases(&["!"]).takes(&[bool_arg("expr")]).returns("BOOLEAN")
        .about("Returns the opposite truth value.")
        .example("not true", "false"),
    scalar("isnull", |c| null_test(c, Expr::IsNull, "IS NULL")).takes(&[any("expr")]).returns("BOOLEAN").nulls(Nulls::Never)
        .about("Tests whether a value is null.")
        .example("isnull(1)", "false"),
    scalar("isnotnull", |c| null_test(c, Expr::IsNotNull, "IS NOT NULL")).takes(&[any("expr")]).returns("BOOLEAN")
        .nulls(Nulls::Never)
        .about("Tests whether a value is not null.")
        .example("isnotnull(1)", "true"),
    scalar("in", in_list).takes(&[any("expr1"), any("expr2").repeated()]).returns("BOOLEAN")
        .null_if("Null if the value is null, or equals none and one of the others is null.")
        .about("Tests whether a value equals one of the others.")
        .example("1 IN (1, 2, 3)", "true"),
    scalar("&", |c| bits(c, Operator::BitwiseAnd)).takes(&[value("expr1", "INTEGRAL"), value("expr2", "INTEGRAL")])
        .returns("the common type of the arguments")
        .about("Returns the bits that are set in both numbers.")
        .example("3 & 5", "1"),
    scalar("|", |c| bits(c, Operator::BitwiseOr)).takes(&[value("expr1", "INTEGRAL"), value("expr2", "INTEGRAL")])
        .returns("the common type of the arguments")
        .about("Returns the bits that are set in one of the numbers or both.")
        .example("3 | 5", "7"),
    scalar("^", |c| bits(c, Operator::BitwiseXor)).takes(&[value("expr1", "INTEGRAL"), value("expr2", "INTEGRAL")])
        .returns("the common type of the arguments")
        .about("Returns the bits that are set in exactly one of the numbers.")
        .example("3 ^ 5", "6"),
    scalar("~", bitwise_not).takes(&[value("expr", "INTEGRAL")]).returns("the type of the argument")
        .about("Returns the number with all bits inverted.")
        .example("~ 0", "-1"),
    scalar("<<", |c| shift(c, Shift::Left)).takes(&[value("base", "INT or BIGINT"), int("expr")]).returns("INT or BIGINT")
        .about("Shifts bits to the left.")
        .example("2 << 1", "4"),
    scalar(">>", |c| shift(c, Shift::Right)).takes(&[value("base", "INT or BIGINT"), int("expr")]).returns("INT or BIGINT")
        .about("Shifts bits to the right, keeping the sign.")
        .example("4 >> 1", "2"),
    scalar(">>>", |c| shift(c, Shift::RightUnsigned)).takes(&[value("base", "INT or BIGINT"), int("expr")])
        .returns("INT or BIGINT")
        .about("Shifts bits to the right, filling up with zeros.")
        .example("4 >>> 1", "2"),
    scalar("like", like::like).takes(&[string("str"), text("pattern"), text("escape").or("'\\'")]).returns("BOOLEAN")
        .about("Tests whether the whole string fits a pattern: `_` stands for one character, `%` for any number of them.")
        .example("'Rivulet' LIKE 'Riv%'", "true"),
    scalar("ilike", like::ilike).takes(&[string("str"), text("pattern"), text("escape").or("'\\'")]).returns("BOOLEAN")
        .about("Tests whether the whole string fits a pattern, upper and lower case alike.")
        .example("'Rivulet' ILIKE '_IV%'", "true"),
    scalar("likeany", |c| { like::quantified(c, &Quantified { negated: false, insensitive: false, all: false }) })
        .takes(&[string("str"), text("pattern"), text("patterns").repeated()]).returns("BOOLEAN").unlisted()
        .about("Tests whether a string fits one of several patterns.")
        .example("'Rivulet' LIKE ANY ('Riv%', '%x%')", "true"),
    scalar("likeall", |c| { like::quantified(c, &Quantified { negated: false, insensitive: false, all: true }) })
        .takes(&[string("str"), text("pattern"), text("patterns").repeated()]).returns("BOOLEAN").unlisted()
        .about("Tests whether a string fits all of several patterns.")
        .example("'Rivulet' LIKE ALL ('Riv%', '%x%')", "false"),
    scalar("notlikeany", |c| { like::quantified(c, &Quantified { negated: true, insensitive: false, all: false }) })
        .takes(&[string("str"), text("pattern"), text("patterns").repeated()]).returns("BOOLEAN").unlisted()
        .about("Tests whether a string does not fit one of several patterns.")
        .example("'Rivulet' NOT LIKE ANY ('Riv%', '%x%')", "true"),
    scalar("notlikeall", |c| { like::quantified(c, &Quantified { negated: true, insensitive: false, all: true }) })
        .takes(&[string("str"), text("pattern"), text("patterns").repeated()]).returns("BOOLEAN").unlisted()
        .about("Tests whether a string does not fit any of several patterns.")
        .example("'Rivulet' NOT LIKE ALL ('Riv%', '%x%')", "false"),
    scalar("ilikeany", |c| { like::quantified(c, &Quantified { negated: false, insensitive: true, all: false }) })
        .takes(&[string("str"), text("pattern"), text("patterns").repeated()]).returns("BOOLEAN").unlisted()
        .about("Tests whether a string fits one of several patterns, upper and lower case alike.")
        .example("'Rivulet' ILIKE ANY ('Riv%', '%x%')", "true"),
    scalar("ilikeall", |c| { like::quantified(c, &Quantified { negated: false, insensitive: true, all: true }) })
        .takes(&[string("str"), text("pattern"), text("patterns").repeated()]).returns("BOOLEAN").unlisted()
        .about("Tests whether a string fits all of several patterns, upper and lower case alike.")
        .example("'Rivulet' ILIKE ALL ('Riv%', '%x%')", "false"),
    scalar("notilikeany", |c| { like::quantified(c, &Quantified { negated: true, insensitive: true, all: false }) })
        .takes(&[string("str"), text("pattern"), text("patterns").repeated()]).returns("BOOLEAN").unlisted()
        .about("Tests whether a string does not fit one of several patterns, upper and lower case alike.")
        .example("'Rivulet' NOT ILIKE ANY ('Riv%', '%x%')", "true"),
    scalar("notilikeall", |c| { like::quantified(c, &Quantified { negated: true, insensitive: true, all: true }) })
        .takes(&[string("str"), text("pattern"), text("patterns").repeated()]).returns("BOOLEAN").unlisted()
        .about("Tests whether a string does not fit any of several patterns, upper and lower case alike.")
        .example("'Rivulet' NOT ILIKE ALL ('Riv%', '%x%')", "false"),
];

/// Resolves `a op b` of numbers, or of times and intervals, in the session's mode.
///
/// # Errors
/// If the types do not go together, `DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES`.
pub fn arithmetic(call: &Call<'_>, op: Op) -> Result<Typed> {
    arithmetic_in(call, op, call.context.mode)
}

/// As [`arithmetic()`], in a mode.
fn arithmetic_in(call: &Call<'_>, op: Op, mode: Mode) -> Result<Typed> {
    let (left, right) = (call.arg(0)?, call.arg(1)?);
    match datetime::arithmetic(op, &left, &right, call.context.zone, mode)? {
        Some(time) => Ok(time),
        None => arithmetic::binary(op, left, right, mode, call.context.zone),
    }
}

/// Resolves the operation with null for what would be an error (`try_add` and its kin).
pub fn tried(call: &Call<'_>, op: Op) -> Result<Typed> {
    let mut out = arithmetic_in(call, op, Mode::Try)?;
    out.name = call.label();
    Ok(out)
}

/// Resolves `+`, of one argument or two.
fn plus(call: &Call<'_>) -> Result<Typed> {
    if call.has(1) {
        arithmetic(call, Op::Add)
    } else {
        plus_sign(call)
    }
}

/// Resolves `+ a`: the argument itself; a string as a DOUBLE.
pub fn plus_sign(call: &Call<'_>) -> Result<Typed> {
    let arg = call.arg(0)?;
    let name = format!("(+ {})", arg.name);
    check_sign(call, &name)?;
    let arg = if is_string(&arg.data_type) {
        call.context.cast(arg, &DataType::Float64)?
    } else {
        arg
    };
    Ok(Typed {
        name,
        named: false,
        attribute: None,
        ..arg
    })
}

/// Resolves `-`, of one argument or two.
fn minus(call: &Call<'_>) -> Result<Typed> {
    if call.has(1) {
        arithmetic(call, Op::Subtract)
    } else {
        check_sign(call, &format!("(- {})", call.arg(0)?.name))?;
        arithmetic::negate(call.arg(0)?, call.context.mode, call.context.zone)
    }
}

/// Resolves `negative` (`UnaryMinus`).
///
/// # Errors
/// If the argument is neither a number nor an interval, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn negative(call: &Call<'_>) -> Result<Typed> {
    check_sign(call, &call.label())?;
    let mut out = arithmetic::negate(call.arg(0)?, call.context.mode, call.context.zone)?;
    out.name = call.label();
    Ok(out)
}

/// Checks that an argument can have a sign.
fn check_sign(call: &Call<'_>, label: &str) -> Result<()> {
    let arg = call.arg(0)?;
    let t = &arg.data_type;
    if is_numeric(t) || is_string(t) || t.is_null() || is_interval(t) {
        return Ok(());
    }
    let wanted = [
        "NUMERIC",
        "INTERVAL DAY TO SECOND",
        "INTERVAL YEAR TO MONTH",
        "INTERVAL",
    ];
    let quoted = wanted.map(|t| format!("\"{t}\""));
    Err(mismatch(label, 1, &arg, &format!("({})", quoted.join(" or "))))
}

/// Resolves `%`, and `mod` with a label of its own.
pub fn modulo(call: &Call<'_>) -> Result<Typed> {
    let mut out = arithmetic(call, Op::Remainder)?;
    if call.name == "mod" {
        out.name = call.label();
    }
    Ok(out)
}

/// Resolves `!=` as the opposite of `=`, as Spark's parser does.
fn not_equal(call: &Call<'_>) -> Result<Typed> {
    let equal = compare(call, Operator::Eq, "=")?;
    let label = format!("(NOT {})", equal.name);
    Ok(Typed::new(Expr::Not(Box::new(equal.expr)), DataType::Boolean, label))
}

/// Resolves `a <=> b` (`EqualNullSafe`), which is never null.
pub fn equal_or_both_null(call: &Call<'_>) -> Result<Typed> {
    compare(call, Operator::IsNotDistinctFrom, "<=>")
}

/// Resolves `between`: two comparisons, each with types of its own.
fn between(call: &Call<'_>) -> Result<Typed> {
    let [value, low, high] = [call.arg(0)?, call.arg(1)?, call.arg(2)?];
    let above = compare(&call.other(">=", &[value.clone(), low]), Operator::GtEq, ">=")?;
    let below = compare(&call.other("<=", &[value, high]), Operator::LtEq, "<=")?;
    let both = binary_expr(above.expr, Operator::And, below.expr);
    Ok(Typed::new(both, DataType::Boolean, call.label()))
}

/// Resolves `not` (`Not`).
fn not(call: &Call<'_>) -> Result<Typed> {
    let arg = boolean(call.context, call.arg(0)?, "NOT")?;
    let label = format!("(NOT {})", arg.name);
    Ok(Typed::new(Expr::Not(Box::new(arg.expr)), DataType::Boolean, label))
}

/// Resolves `isnull` and `isnotnull`; NaN is not null.
fn null_test(call: &Call<'_>, test: fn(Box<Expr>) -> Expr, words: &str) -> Result<Typed> {
    let arg = call.arg(0)?;
    let label = format!("({} {words})", arg.name);
    Ok(Typed::new(test(Box::new(arg.expr)), DataType::Boolean, label))
}

/// Resolves `&`, `|` and `^`.
///
/// # Errors
/// If the common type is not integral, `DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE`.
fn bits(call: &Call<'_>, op: Operator) -> Result<Typed> {
    let (left, right) = (call.arg(0)?, call.arg(1)?);
    let label = format!("({} {} {})", left.name, call.name, right.name);
    let (left, right, common) = same_type(call.context, left, right, call.name)?;
    if !is_integral(&common) {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE",
            "42K09",
            format!(
                "Cannot resolve \"{label}\" due to data type mismatch: the binary operator requires the input type \"INTEGRAL\", not \"{}\".",
                sql_name(&common)
            ),
        ));
    }
    Ok(Typed::new(binary_expr(left.expr, op, right.expr), common, label))
}

/// Resolves `~` (`BitwiseNot`).
///
/// # Errors
/// If the argument is not an integer, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
fn bitwise_not(call: &Call<'_>) -> Result<Typed> {
    let label = format!("~{}", call.arg(0)?.name);
    let arg = call.integral(0, &label)?;
    let to = arg.data_type.clone();
    Ok(Typed::new(datafusion_spark::expr_fn::bitwise_not(arg.expr), to, label))
}

/// Returns both sides in their common type.
///
/// # Errors
/// If there is none, `DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES`.
///
/// ```
/// use arrow::datatypes::DataType;
/// use rivulet::plan::functions::{Context, operator::same_type};
/// use rivulet::plan::literal;
/// use rivulet::settings::Conf;
/// use rivulet::values::{cast::Mode, zone::Zone};
///
/// let conf = Conf::default();
/// let context = Context { mode: Mode::Legacy, zone: Zone::UTC, now_us: 0, conf: &conf };
/// let (_, _, common) = same_type(&context, literal::int(1), literal::string("1"), "=")?;
/// assert_eq!(common, DataType::Int32); // outside ANSI a string is read as what it is compared with
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
pub fn same_type(context: &Context<'_>, left: Typed, right: Typed, symbol: &str) -> Result<(Typed, Typed, DataType)> {
    let common = coercion::comparison(&left.data_type, &right.data_type, context.ansi()).ok_or_else(|| {
        let (l, r) = (sql_name(&left.data_type), sql_name(&right.data_type));
        SparkError::analysis(
            "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
            "42K09",
            format!(
                "Cannot resolve \"({} {symbol} {})\" due to data type mismatch: the left and right operands of the binary operator have \
                 incompatible types (\"{l}\" and \"{r}\").",
                left.name, right.name
            ),
        )
        .with("left", format!("\"{l}\""))
        .with("right", format!("\"{r}\""))
    })?;
    Ok((context.cast(left, &common)?, context.cast(right, &common)?, common))
}

/// Resolves `=`, `<`, `<=`, `>`, `>=` and `<=>`.
///
/// # Errors
/// If the sides do not have a common type, `DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES`; if it is a map,
/// `DATATYPE_MISMATCH.INVALID_ORDERING_TYPE`.
fn compare(call: &Call<'_>, op: Operator, symbol: &str) -> Result<Typed> {
    let (context, left, right) = (call.context, call.arg(0)?, call.arg(1)?);
    let label = format!("({} {symbol} {})", left.name, right.name);
    let (left, right, common) = same_type(context, left, right, symbol)?;
    if !types::is_orderable(&common) {
        return Err(not_orderable(&label, symbol, &common));
    }
    let expr = comparison::compare(op, left.expr, right.expr, &common);
    Ok(Typed::new(expr, DataType::Boolean, label))
}

/// Returns an argument as a BOOLEAN; strings become one under ANSI.
///
/// # Errors
/// If it cannot, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
fn boolean(context: &Context<'_>, arg: Typed, symbol: &str) -> Result<Typed> {
    match &arg.data_type {
        DataType::Boolean => Ok(arg),
        DataType::Null => context.cast(arg, &DataType::Boolean),
        t if is_string(t) && context.ansi() => context.cast(arg, &DataType::Boolean),
        _ => Err(unexpected_type(symbol, 1, &arg, &["BOOLEAN"])),
    }
}

/// Resolves `and` and `or`, in three-valued logic.
fn logic(call: &Call<'_>, op: Operator, symbol: &str) -> Result<Typed> {
    let (context, left, right) = (call.context, call.arg(0)?, call.arg(1)?);
    let label = format!("({} {symbol} {})", left.name, right.name);
    let (left, right) = (boolean(context, left, symbol)?, boolean(context, right, symbol)?);
    Ok(Typed::new(
        binary_expr(left.expr, op, right.expr),
        DataType::Boolean,
        label,
    ))
}

/// Resolves `in` (`In`), with all values in one common type.
///
/// # Errors
/// If there is none, `DATATYPE_MISMATCH.DATA_DIFF_TYPES`.
fn in_list(call: &Call<'_>) -> Result<Typed> {
    let (context, value, list) = (call.context, call.arg(0)?, &call.args[1..]);
    let names: Vec<&str> = list.iter().map(|t| t.name.as_str()).collect();
    let label = format!("({} IN ({}))", value.name, names.join(", "));
    let mut common = value.data_type.clone();
    for item in list {
        common = coercion::comparison(&common, &item.data_type, context.ansi()).ok_or_else(|| {
            SparkError::analysis(
                "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
                "42K09",
                format!(
                    "Cannot resolve \"{label}\" due to data type mismatch: Input to `in` should all be the same type."
                ),
            )
        })?;
    }
    let value = context.cast(value, &common)?;
    let items = list
        .iter()
        .map(|t| Ok(context.cast(t.clone(), &common)?.expr))
        .collect::<Result<Vec<_>>>()?;
    let expr = comparison::is_in(value.expr, items, &common);
    Ok(Typed::new(expr, DataType::Boolean, label))
}
