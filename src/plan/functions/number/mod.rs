//! Functions of numbers: mathematics, rounding, bits, digits.
//!
//! Mathematical functions take DOUBLE, and their results may differ from the JVM's in the last bit.
//! Rounding, bits and pictures work on the type that comes in, exactly.
//!
//! ```text
//! math      functions of doubles, abs, factorial     bits     bit_count, shifts
//! rounding  round, bround, ceil, floor               digits   bin, conv
//! picture   format_number, to_char, to_number
//! ```

pub(super) mod bits;
pub(super) mod digits;
pub(in crate::plan) mod math;
pub(super) mod picture;
pub(super) mod rounding;

use super::entry::*;
use super::operator;

/// Functions of numbers.
///
/// Entries of one DOUBLE name the function of the standard library and Spark's name in labels, which is
/// in capitals for most of them.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("abs", math::abs).takes(&[value("expr", "NUMERIC or INTERVAL")]).returns("the type of the argument")
        .about("Returns the absolute value.")
        .example("abs(-1)", "1"),
    scalar("acos", |c| math::unary(c, "ACOS", f64::acos)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the arc cosine in radians, NaN outside of -1 to 1.")
        .example("acos(1)", "0.0"),
    scalar("acosh", |c| math::unary(c, "ACOSH", |x| (x + (x * x - 1.0).sqrt()).ln())).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the inverse hyperbolic cosine.")
        .example("acosh(1)", "0.0"),
    scalar("asin", |c| math::unary(c, "ASIN", f64::asin)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the arc sine in radians, NaN outside of -1 to 1.")
        .example("asin(0)", "0.0"),
    scalar("asinh", |c| math::unary(c, "ASINH", f64::asinh)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the inverse hyperbolic sine.")
        .example("asinh(0)", "0.0"),
    scalar("atan", |c| math::unary(c, "ATAN", f64::atan)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the arc tangent in radians.")
        .example("atan(0)", "0.0"),
    scalar("atan2", math::atan2).takes(&[double("exprY"), double("exprX")]).returns("DOUBLE")
        .about("Returns the angle in radians from the positive x-axis to the point (`exprX`, `exprY`).")
        .example("atan2(0, 0)", "0.0"),
    scalar("atanh", |c| math::unary(c, "ATANH", f64::atanh)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the inverse hyperbolic tangent.")
        .example("atanh(0)", "0.0"),
    scalar("cbrt", |c| math::unary(c, "CBRT", f64::cbrt)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the cube root.")
        .example("cbrt(27.0)", "3.0"),
    scalar("cos", |c| math::unary(c, "COS", f64::cos)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the cosine of an angle in radians.")
        .example("cos(0)", "1.0"),
    scalar("cosh", |c| math::unary(c, "COSH", f64::cosh)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the hyperbolic cosine.")
        .example("cosh(0)", "1.0"),
    scalar("cot", |c| math::unary(c, "COT", |x| 1.0 / x.tan())).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the cotangent of an angle in radians.")
        .example("cot(1)", "0.6420926159343306"),
    scalar("csc", |c| math::unary(c, "CSC", |x| 1.0 / x.sin())).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the cosecant of an angle in radians.")
        .example("csc(1)", "1.1883951057781212"),
    scalar("sec", |c| math::unary(c, "SEC", |x| 1.0 / x.cos())).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the secant of an angle in radians.")
        .example("sec(1)", "1.8508157176809255"),
    scalar("degrees", |c| math::unary(c, "DEGREES", f64::to_degrees)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Converts radians to degrees.")
        .example("degrees(3.141592653589793)", "180.0"),
    scalar("radians", |c| math::unary(c, "RADIANS", f64::to_radians)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Converts degrees to radians.")
        .example("radians(180)", "3.141592653589793"),
    scalar("e", |c| math::named(c, "E", std::f64::consts::E)).returns("DOUBLE").nulls(Nulls::Never)
        .about("Returns Euler's number.")
        .example("e()", "2.718281828459045"),
    scalar("pi", |c| math::named(c, "PI", std::f64::consts::PI)).returns("DOUBLE").nulls(Nulls::Never)
        .about("Returns π.")
        .example("pi()", "3.141592653589793"),
    scalar("exp", |c| math::unary(c, "EXP", f64::exp)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns e to the power of the argument.")
        .example("exp(0)", "1.0"),
    scalar("expm1", |c| math::unary(c, "EXPM1", f64::exp_m1)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns e to the power of the argument, less 1.")
        .example("expm1(0)", "0.0"),
    scalar("sin", |c| math::unary(c, "SIN", f64::sin)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the sine of an angle in radians.")
        .example("sin(0)", "0.0"),
    scalar("sinh", |c| math::unary(c, "SINH", f64::sinh)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the hyperbolic sine.")
        .example("sinh(0)", "0.0"),
    scalar("sqrt", |c| math::unary(c, "SQRT", f64::sqrt)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the square root, NaN for negative numbers.")
        .example("sqrt(4)", "2.0"),
    scalar("tan", |c| math::unary(c, "TAN", f64::tan)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the tangent of an angle in radians.")
        .example("tan(0)", "0.0"),
    scalar("tanh", |c| math::unary(c, "TANH", f64::tanh)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the hyperbolic tangent.")
        .example("tanh(0)", "0.0"),
    scalar("signum", |c| math::sign_call(c, "SIGNUM")).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns -1, 0 or 1 by the sign of the number.")
        .example("signum(40)", "1.0"),
    scalar("sign", |c| math::sign_call(c, "sign")).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns -1, 0 or 1 by the sign of the number.")
        .example("sign(-40)", "-1.0"),
    scalar("rint", |c| math::unary(c, "rint", f64::round_ties_even)).takes(&[double("expr")]).returns("DOUBLE")
        .about("Rounds to the nearest whole number, to the even one of two that are equally near.")
        .example("rint(12.5)", "12.0"),
    scalar("ln", |c| math::logarithm(c, "ln", 0.0, f64::ln)).takes(&[double("expr")]).returns("DOUBLE")
        .null_if("Null if the argument is null or not positive.")
        .about("Returns the natural logarithm.")
        .example("ln(1)", "0.0"),
    scalar("log10", |c| math::logarithm(c, "LOG10", 0.0, f64::log10)).takes(&[double("expr")]).returns("DOUBLE")
        .null_if("Null if the argument is null or not positive.")
        .about("Returns the logarithm to base 10.")
        .example("log10(1000)", "3.0"),
    scalar("log2", |c| math::logarithm(c, "LOG2", 0.0, f64::log2)).takes(&[double("expr")]).returns("DOUBLE")
        .null_if("Null if the argument is null or not positive.")
        .about("Returns the logarithm to base 2.")
        .example("log2(8)", "3.0"),
    scalar("log1p", |c| math::logarithm(c, "LOG1P", -1.0, f64::ln_1p)).takes(&[double("expr")]).returns("DOUBLE")
        .null_if("Null if the argument is null or not greater than -1.")
        .about("Returns the natural logarithm of 1 plus the argument.")
        .example("log1p(0)", "0.0"),
    scalar("log", math::log).takes(&[double("base"), double("expr").optional()]).returns("DOUBLE")
        .null_if("Null if an argument is null or not positive.")
        .about("Returns the logarithm to a base; of one argument, its natural logarithm.")
        .example("log(10, 100)", "2.0"),
    scalar("power", |c| math::binary(c, "POWER", f64::powf)).takes(&[double("expr1"), double("expr2")]).returns("DOUBLE")
        .about("Raises the first number to the power of the second.")
        .example("power(2, 3)", "8.0"),
    scalar("pow", |c| math::binary(c, "pow", f64::powf)).takes(&[double("expr1"), double("expr2")]).returns("DOUBLE")
        .about("Raises the first number to the power of the second.")
        .example("pow(2, 3)", "8.0"),
    scalar("hypot", |c| math::binary(c, "HYPOT", f64::hypot)).takes(&[double("expr1"), double("expr2")]).returns("DOUBLE")
        .about("Returns the square root of the sum of the squares, without overflow on the way.")
        .example("hypot(3, 4)", "5.0"),
    scalar("factorial", math::factorial).takes(&[int("expr")]).returns("BIGINT")
        .null_if("Null if the argument is null or not from 0 to 20.")
        .about("Returns the product of the whole numbers from 1 to the argument.")
        .example("factorial(5)", "120"),
    scalar("width_bucket", math::width_bucket_call)
        .takes(&[double("value"), double("min_value"), double("max_value"), long("num_bucket")]).returns("BIGINT")
        .null_if("Null if an argument is null or there are no such buckets.")
        .about("Returns the number, from 1, of the bucket of a histogram that the value falls into; 0 below it, one more than the last above it.")
        .example("width_bucket(5.3, 0.2, 10.6, 5)", "3"),
    scalar("nanvl", math::nanvl).takes(&[double("expr1"), double("expr2")]).returns("DOUBLE")
        .null_if("Null if the value that is returned is null.")
        .about("Returns the first argument, the second if the first is NaN.")
        .example("nanvl(CAST('NaN' AS DOUBLE), 123)", "123.0"),
    scalar("isnan", math::isnan).takes(&[double("expr")]).returns("BOOLEAN").nulls(Nulls::Never)
        .about("Tests whether the value is NaN; false for null.")
        .example("isnan(CAST('NaN' AS DOUBLE))", "true"),
    scalar("round", |c| rounding::round(c, rounding::Rounding::HalfUp)).takes(&[number("expr"), literal("d", "INT").or("0")])
        .returns("the type of the argument, a decimal with `d` digits for decimals")
        .about("Rounds to `d` decimal digits, half away from zero.")
        .example("round(2.5, 0)", "3"),
    scalar("bround", |c| rounding::round(c, rounding::Rounding::HalfEven)).takes(&[number("expr"), literal("d", "INT").or("0")])
        .returns("the type of the argument, a decimal with `d` digits for decimals")
        .about("Rounds to `d` decimal digits, half to the even digit.")
        .example("bround(2.5, 0)", "2"),
    scalar("ceil", |c| rounding::whole(c, rounding::Rounding::Ceiling)).aliases(&["ceiling"])
        .takes(&[number("expr"), literal("scale", "INT").optional()]).returns("BIGINT, or DECIMAL with a scale or for decimals")
        .about("Rounds up to a whole number, or to `scale` decimal digits.")
        .example("ceil(3.1411, 3)", "3.142"),
    scalar("floor", |c| rounding::whole(c, rounding::Rounding::Floor))
        .takes(&[number("expr"), literal("scale", "INT").optional()]).returns("BIGINT, or DECIMAL with a scale or for decimals")
        .about("Rounds down to a whole number, or to `scale` decimal digits.")
        .example("floor(-0.1)", "-1"),
    scalar("positive", operator::plus_sign).takes(&[value("expr", "NUMERIC or INTERVAL")]).returns("the type of the argument")
        .about("Returns the argument.")
        .example("positive(1)", "1"),
    scalar("negative", operator::negative).takes(&[value("expr", "NUMERIC or INTERVAL")]).returns("the type of the argument")
        .about("Returns the argument with the other sign.")
        .example("negative(1)", "-1"),
    scalar("mod", operator::modulo).takes(&[number("expr1"), number("expr2")]).returns("the common type of the arguments")
        .about("Returns the remainder of a division, with the sign of the dividend.")
        .example("mod(7, 3)", "1"),
    scalar("pmod", |c| operator::arithmetic(c, crate::plan::arithmetic::Op::PositiveModulo))
        .takes(&[number("expr1"), number("expr2")]).returns("the common type of the arguments")
        .about("Returns the remainder of a division, not negative for a positive divisor.")
        .example("pmod(-10, 3)", "2"),
    scalar("try_add", |c| operator::tried(c, crate::plan::arithmetic::Op::Add))
        .takes(&[value("expr1", "NUMERIC, DATE, TIMESTAMP or INTERVAL"), value("expr2", "NUMERIC, DATE, TIMESTAMP or INTERVAL")])
        .returns("the type of the sum").null_if("Null if an argument is null or the result overflows.")
        .about("Returns the sum, null on overflow.")
        .example("try_add(2147483647, 1)", "NULL"),
    scalar("try_subtract", |c| operator::tried(c, crate::plan::arithmetic::Op::Subtract))
        .takes(&[value("expr1", "NUMERIC, DATE, TIMESTAMP or INTERVAL"), value("expr2", "NUMERIC, DATE, TIMESTAMP or INTERVAL")])
        .returns("the type of the difference").null_if("Null if an argument is null or the result overflows.")
        .about("Returns the difference, null on overflow.")
        .example("try_subtract(-2147483648, 1)", "NULL"),
    scalar("try_multiply", |c| operator::tried(c, crate::plan::arithmetic::Op::Multiply))
        .takes(&[value("expr1", "NUMERIC or INTERVAL"), value("expr2", "NUMERIC or INTERVAL")]).returns("the type of the product")
        .null_if("Null if an argument is null or the result overflows.")
        .about("Returns the product, null on overflow.")
        .example("try_multiply(2, 3)", "6"),
    scalar("try_divide", |c| operator::tried(c, crate::plan::arithmetic::Op::Divide))
        .takes(&[value("dividend", "NUMERIC or INTERVAL"), number("divisor")]).returns("DOUBLE, DECIMAL or INTERVAL")
        .null_if("Null if an argument is null or the divisor is 0.")
        .about("Returns the quotient, null for a divisor of 0.")
        .example("try_divide(3, 0)", "NULL"),
    scalar("try_mod", |c| operator::tried(c, crate::plan::arithmetic::Op::Remainder))
        .takes(&[number("dividend"), number("divisor")]).returns("the common type of the arguments")
        .null_if("Null if an argument is null or the divisor is 0.")
        .about("Returns the remainder of a division, null for a divisor of 0.")
        .example("try_mod(3, 0)", "NULL"),
    scalar("bit_count", bits::bit_count).takes(&[value("expr", "INTEGRAL or BOOLEAN")]).returns("INT")
        .about("Returns the number of bits that are set.")
        .example("bit_count(7)", "3"),
    scalar("bit_get", bits::bit_get).aliases(&["getbit"]).takes(&[value("expr", "INTEGRAL"), int("pos")]).returns("TINYINT")
        .about("Returns the bit at a position, counted from 0 at the right.")
        .example("bit_get(11, 2)", "0"),
    scalar("shiftleft", |c| bits::shift(c, bits::Shift::Left)).takes(&[value("base", "INT or BIGINT"), int("expr")])
        .returns("INT or BIGINT")
        .about("Shifts bits to the left.")
        .example("shiftleft(2, 1)", "4"),
    scalar("shiftright", |c| bits::shift(c, bits::Shift::Right)).takes(&[value("base", "INT or BIGINT"), int("expr")])
        .returns("INT or BIGINT")
        .about("Shifts bits to the right, keeping the sign.")
        .example("shiftright(-4, 1)", "-2"),
    scalar("shiftrightunsigned", |c| bits::shift(c, bits::Shift::RightUnsigned))
        .takes(&[value("base", "INT or BIGINT"), int("expr")]).returns("INT or BIGINT")
        .about("Shifts bits to the right, filling up with zeros.")
        .example("shiftrightunsigned(4, 1)", "2"),
    scalar("bin", digits::bin).takes(&[long("expr")]).returns("STRING")
        .about("Returns the binary digits, those of the two's complement for negative numbers.")
        .example("bin(13)", "1101"),
    scalar("conv", digits::conv).takes(&[string("num"), int("from_base"), int("to_base")]).returns("STRING")
        .null_if("Null if an argument is null, a base is not from 2 to 36 or the number is empty.")
        .about("Converts digits from one base to another; a negative target base keeps the sign.")
        .example("conv('100', 2, 10)", "4"),
    scalar("format_number", picture::format_number).takes(&[number("expr1"), value("expr2", "INT or STRING")]).returns("STRING")
        .null_if("Null if an argument is null or the number of digits is negative.")
        .about("Formats a number with separators of thousands and a number of decimal digits, or by a pattern of Java's `DecimalFormat`.")
        .example("format_number(12332.123456, 4)", "12,332.1235"),
    scalar("to_char", picture::to_char).aliases(&["to_varchar"])
        .takes(&[value("expr", "NUMERIC, DATE, TIMESTAMP or BINARY"), text("format")]).returns("STRING")
        .about("Formats a number by a picture such as `$99,999.00S`, a date or timestamp by a pattern.")
        .example("to_char(12454.8, '99,999.9S')", "12,454.8+"),
    scalar("to_number", |c| picture::to_number(c, false)).takes(&[string("expr"), text("fmt")]).returns("DECIMAL")
        .about("Reads a number that is written by a picture such as `$99,999.00S`.")
        .example("to_number('$78.12', '$99.99')", "78.12"),
    scalar("try_to_number", |c| picture::to_number(c, true)).takes(&[string("expr"), text("fmt")]).returns("DECIMAL")
        .null_if("Null if an argument is null or the string does not match.")
        .about("Reads a number that is written by a picture, null if it does not match.")
        .example("try_to_number('abc', '99')", "NULL"),
];
