//! Aggregate functions, with Spark's casts of arguments and types of results.
//!
//! An aggregate is an `AggregateUDF`: DataFusion's own if its results are Spark's, else one of
//! [`crate::kernels::aggregates`]. DISTINCT and FILTER are parts of the call, not of the function. A
//! group without values is null, 0 for counts, an empty array for collections.
//!
//! ```text
//! basic       counts, extremes, statistics     sums        sum, avg
//! collecting  collect_list, listagg, mode      quantiles   percentile and its kin
//! grouping    grouping, grouping_id      vectors     aggregate_metrics
//! ```
//!
//! Nothing is computed here. An entry resolves to a call such as `sum(#4)`; [`crate::plan::aggregate`]
//! collects the calls of a select list, and the plan's compiler splits each into a partial and a final
//! step around the shuffle.

mod basic;
pub(super) mod collecting;
pub mod grouping;
pub(super) mod quantiles;
mod statistics;
mod sums;
mod vectors;

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_expr::expr::AggregateFunction;
use datafusion_expr::{AggregateUDF, Expr};
use datafusion_functions_aggregate as df;

use super::entry::{Function, Nulls, aggregate, any, boolean, double, form, literal, number, scalar, text, value};
use crate::error::Result;
use crate::kernels::aggregates::moments;
use crate::plan::comparison::comparable;
use crate::plan::scope::Typed;
use crate::values::cast::Mode;

/// Aggregate functions: entries whose code makes an aggregate call.
///
/// Without words about nulls, an entry skips them and is null if nothing is left.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    form("count", basic::count_call).takes(&[any("expr"), any("exprs").repeated()]).returns("BIGINT").nulls(Nulls::Never)
        .about("Counts the rows, for `*`, or the rows in which no argument is null.")
        .example("count(*), count(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "4\t3"),
    aggregate("count_if", basic::count_if).takes(&[boolean("expr")]).returns("BIGINT").nulls(Nulls::Never)
        .about("Counts the rows for which a condition is true.")
        .example("count_if(x > 1) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "2"),
    aggregate("sum", |c| sums::sum_call(c, c.context.mode)).takes(&[value("expr", "NUMERIC")])
        .returns("BIGINT, DOUBLE or DECIMAL")
        .about("Returns the sum.")
        .example("sum(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "7"),
    aggregate("try_sum", |c| sums::sum_call(c, Mode::Try)).takes(&[value("expr", "NUMERIC")]).returns("BIGINT, DOUBLE or DECIMAL")
        .about("Returns the sum, null on overflow.")
        .example("try_sum(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "7"),
    aggregate("avg", |c| sums::average(c, c.context.mode)).takes(&[value("expr", "NUMERIC")]).returns("DOUBLE or DECIMAL")
        .aliases(&["mean"])
        .about("Returns the mean.")
        .example("avg(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "2.3333333333333335"),
    aggregate("try_avg", |c| sums::average(c, Mode::Try)).takes(&[value("expr", "NUMERIC")]).returns("DOUBLE or DECIMAL")
        .about("Returns the mean, null on overflow.")
        .example("try_avg(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "2.3333333333333335"),
    aggregate("min", |c| basic::extreme(c, false)).takes(&[any("expr")]).returns("the type of the argument")
        .about("Returns the least value.")
        .example("min(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "1"),
    aggregate("max", |c| basic::extreme(c, true)).takes(&[any("expr")]).returns("the type of the argument")
        .about("Returns the greatest value.")
        .example("max(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "4"),
    aggregate("min_by", |c| basic::by_key(c, false)).takes(&[any("x"), any("y")]).returns("the type of the first argument")
        .about("Returns the first argument of the row in which the second is least.")
        .example("min_by(x, y) FROM VALUES ('a', 10), ('b', 50), ('c', 20) AS t(x, y)", "a"),
    aggregate("max_by", |c| basic::by_key(c, true)).takes(&[any("x"), any("y")]).returns("the type of the first argument")
        .about("Returns the first argument of the row in which the second is greatest.")
        .example("max_by(x, y) FROM VALUES ('a', 10), ('b', 50), ('c', 20) AS t(x, y)", "b"),
    aggregate("stddev_samp", |c| basic::statistic(c, df::stddev::stddev_udaf())).takes(&[double("expr")]).returns("DOUBLE")
        .aliases(&["stddev", "std"])
        .about("Returns the standard deviation of a sample.")
        .example("stddev_samp(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "1.5275252316519465"),
    aggregate("stddev_pop", |c| basic::statistic(c, df::stddev::stddev_pop_udaf())).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the standard deviation of a population.")
        .example("stddev_pop(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "1.247219128924647"),
    aggregate("var_samp", |c| basic::statistic(c, df::variance::var_samp_udaf())).takes(&[double("expr")]).returns("DOUBLE")
        .aliases(&["variance"])
        .about("Returns the variance of a sample.")
        .example("var_samp(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "2.333333333333333"),
    aggregate("var_pop", |c| basic::statistic(c, df::variance::var_pop_udaf())).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the variance of a population.")
        .example("var_pop(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "1.5555555555555554"),
    aggregate("skewness", |c| basic::statistic(c, moments::skewness())).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the skewness.")
        .example("skewness(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "0.3818017741606068"),
    aggregate("kurtosis", |c| basic::statistic(c, moments::kurtosis())).takes(&[double("expr")]).returns("DOUBLE")
        .about("Returns the excess kurtosis.")
        .example("kurtosis(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "-1.5000000000000009"),
    aggregate("corr", |c| basic::of_pairs(c, df::correlation::corr_udaf())).takes(&[double("expr1"), double("expr2")])
        .returns("DOUBLE").null_if("Skips rows with a null; null if nothing is left.")
        .about("Returns Pearson's correlation of two columns.")
        .example("corr(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (4, 9) AS t(y, x)", "0.9442673704375605"),
    aggregate("covar_samp", |c| basic::of_pairs(c, df::covariance::covar_samp_udaf())).takes(&[double("expr1"), double("expr2")])
        .returns("DOUBLE").null_if("Skips rows with a null; null if nothing is left.")
        .about("Returns the covariance of a sample.")
        .example("covar_samp(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (4, 9) AS t(y, x)", "3.9999999999999996"),
    aggregate("covar_pop", |c| basic::of_pairs(c, df::covariance::covar_pop_udaf())).takes(&[double("expr1"), double("expr2")])
        .returns("DOUBLE").null_if("Skips rows with a null; null if nothing is left.")
        .about("Returns the covariance of a population.")
        .example("covar_pop(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (4, 9) AS t(y, x)", "2.9999999999999996"),
    aggregate("regr_avgx", |c| basic::of_pairs(c, df::regr::regr_avgx_udaf())).takes(&[double("y"), double("x")])
        .returns("DOUBLE").null_if("Skips rows with a null; null if nothing is left.")
        .about("Returns the mean of `x` over the rows without nulls.")
        .example("regr_avgx(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (4, 9) AS t(y, x)", "4.0"),
    aggregate("regr_avgy", |c| basic::of_pairs(c, df::regr::regr_avgy_udaf())).takes(&[double("y"), double("x")])
        .returns("DOUBLE").null_if("Skips rows with a null; null if nothing is left.")
        .about("Returns the mean of `y` over the rows without nulls.")
        .example("regr_avgy(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (4, 9) AS t(y, x)", "2.25"),
    aggregate("regr_intercept", |c| basic::of_pairs(c, df::regr::regr_intercept_udaf())).takes(&[double("y"), double("x")])
        .returns("DOUBLE").null_if("Skips rows with a null; null if nothing is left.")
        .about("Returns where the line of least squares crosses the y-axis.")
        .example("regr_intercept(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (4, 9) AS t(y, x)", "0.8382352941176467"),
    aggregate("regr_r2", |c| basic::of_pairs(c, df::regr::regr_r2_udaf())).takes(&[double("y"), double("x")]).returns("DOUBLE")
        .null_if("Skips rows with a null; null if nothing is left.")
        .about("Returns the square of the correlation.")
        .example("regr_r2(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (4, 9) AS t(y, x)", "0.8916408668730651"),
    aggregate("regr_slope", |c| basic::of_pairs(c, df::regr::regr_slope_udaf())).takes(&[double("y"), double("x")])
        .returns("DOUBLE").null_if("Skips rows with a null; null if nothing is left.")
        .about("Returns the slope of the line of least squares.")
        .example("regr_slope(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (4, 9) AS t(y, x)", "0.3529411764705883"),
    aggregate("regr_sxx", |c| basic::of_pairs(c, df::regr::regr_sxx_udaf())).takes(&[double("y"), double("x")]).returns("DOUBLE")
        .null_if("Skips rows with a null; null if nothing is left.")
        .about("Returns the sum of the squared deviations of `x`.")
        .example("regr_sxx(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (4, 9) AS t(y, x)", "33.99999999999999"),
    aggregate("regr_sxy", |c| basic::of_pairs(c, df::regr::regr_sxy_udaf())).takes(&[double("y"), double("x")]).returns("DOUBLE")
        .null_if("Skips rows with a null; null if nothing is left.")
        .about("Returns the sum of the products of the deviations of `x` and `y`.")
        .example("regr_sxy(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (4, 9) AS t(y, x)", "11.999999999999998"),
    aggregate("regr_syy", |c| basic::of_pairs(c, df::regr::regr_syy_udaf())).takes(&[double("y"), double("x")]).returns("DOUBLE")
        .null_if("Skips rows with a null; null if nothing is left.")
        .about("Returns the sum of the squared deviations of `y`.")
        .example("regr_syy(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (4, 9) AS t(y, x)", "4.749999999999999"),
    aggregate("regr_count", basic::count_pairs).takes(&[double("y"), double("x")]).returns("BIGINT").nulls(Nulls::Never)
        .about("Counts the rows without nulls.")
        .example("regr_count(y, x) FROM VALUES (1, 2), (2, 2), (2, 3), (4, 9) AS t(y, x)", "4"),
    aggregate("first", |c| basic::at_end(c, df::first_last::first_value_udaf()))
        .takes(&[any("expr"), literal("isIgnoreNull", "BOOLEAN").or("false")]).returns("the type of the argument")
        .aliases(&["first_value", "any_value"]).null_if("Null if the chosen value is null.")
        .about("Returns the first value, or the first that is not null.")
        .example("first(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "1"),
    aggregate("last", |c| basic::at_end(c, df::first_last::last_value_udaf()))
        .takes(&[any("expr"), literal("isIgnoreNull", "BOOLEAN").or("false")]).returns("the type of the argument")
        .aliases(&["last_value"]).null_if("Null if the chosen value is null.")
        .about("Returns the last value, or the last that is not null.")
        .example("last(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "4"),
    aggregate("bool_and", |c| basic::truth(c, df::bool_and_or::bool_and_udaf())).takes(&[boolean("expr")]).returns("BOOLEAN")
        .aliases(&["every"])
        .about("Tests whether all values are true.")
        .example("bool_and(x) FROM VALUES (true), (false), (true) AS t(x)", "false"),
    aggregate("bool_or", |c| basic::truth(c, df::bool_and_or::bool_or_udaf())).takes(&[boolean("expr")]).returns("BOOLEAN")
        .aliases(&["some", "any"])
        .about("Tests whether a value is true.")
        .example("bool_or(x) FROM VALUES (true), (false), (true) AS t(x)", "true"),
    aggregate("bit_and", |c| basic::bits(c, df::bit_and_or_xor::bit_and_udaf())).takes(&[value("expr", "INTEGRAL")])
        .returns("the type of the argument")
        .about("Returns the bits that are set in all values.")
        .example("bit_and(x) FROM VALUES (3), (5) AS t(x)", "1"),
    aggregate("bit_or", |c| basic::bits(c, df::bit_and_or_xor::bit_or_udaf())).takes(&[value("expr", "INTEGRAL")])
        .returns("the type of the argument")
        .about("Returns the bits that are set in a value.")
        .example("bit_or(x) FROM VALUES (3), (5) AS t(x)", "7"),
    aggregate("bit_xor", |c| basic::bits(c, df::bit_and_or_xor::bit_xor_udaf())).takes(&[value("expr", "INTEGRAL")])
        .returns("the type of the argument")
        .about("Returns the bits that are set in an odd number of values.")
        .example("bit_xor(x) FROM VALUES (3), (5) AS t(x)", "6"),
    aggregate("approx_count_distinct", basic::approx_count_distinct)
        .takes(&[any("expr"), literal("relativeSD", "DOUBLE").optional()]).returns("BIGINT").nulls(Nulls::Never)
        .about("Estimates the number of different values by HyperLogLog.")
        .example("approx_count_distinct(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "3"),
    aggregate("median", quantiles::median).takes(&[value("col", "NUMERIC")]).returns("DOUBLE")
        .about("Returns the middle value, halfway between two.")
        .example("median(x) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "2.0"),
    aggregate("percentile", quantiles::percentile)
        .takes(&[value("col", "NUMERIC"), literal("percentage", "DOUBLE or ARRAY<DOUBLE>"), literal("frequency", "BIGINT").or("1")])
        .returns("DOUBLE or ARRAY<DOUBLE>")
        .about("Returns the exact percentile at a share from 0 to 1, between two values if need be; a frequency counts a value several times.")
        .example("percentile(x, 0.3) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "1.6"),
    aggregate("percentile_approx", quantiles::percentile_approx)
        .takes(&[value("col", "NUMERIC, DATE, TIMESTAMP or INTERVAL"), literal("percentage", "DOUBLE or ARRAY<DOUBLE>"), literal("accuracy", "INT").or("10000")])
        .returns("the type of the column, or an array of it").aliases(&["approx_percentile"])
        .about("Returns the least value whose share of the values reaches a percentage; exact here.")
        .example("percentile_approx(x, 0.5, 100) FROM VALUES (1), (2), (NULL), (4) AS t(x)", "2"),
    aggregate("percentile_cont", quantiles::without_order).takes(&[literal("percentage", "DOUBLE or ARRAY<DOUBLE>")])
        .returns("DOUBLE or ARRAY<DOUBLE>").within_group(quantiles::percentile_cont)
        .about("Returns the percentile of the values that WITHIN GROUP orders, between two of them if need be.")
        .example("percentile_cont(0.25) WITHIN GROUP (ORDER BY x) FROM VALUES (0), (10) AS t(x)", "2.5"),
    aggregate("percentile_disc", quantiles::without_order).takes(&[literal("percentage", "DOUBLE or ARRAY<DOUBLE>")])
        .returns("DOUBLE or ARRAY<DOUBLE>").within_group(quantiles::percentile_disc)
        .about("Returns the first of the values that WITHIN GROUP orders whose share reaches a percentage.")
        .example("percentile_disc(0.25) WITHIN GROUP (ORDER BY x) FROM VALUES (0), (10) AS t(x)", "0.0"),
    aggregate("collect_list", |c| collecting::collect(c, false)).takes(&[any("expr")]).returns("ARRAY").aliases(&["array_agg"])
        .null_if("Skips nulls; an empty array if nothing is left.")
        .about("Gathers the values in an array, duplicates included.")
        .example("collect_list(x) FROM VALUES (1), (2), (1) AS t(x)", "[1, 2, 1]"),
    aggregate("collect_set", |c| collecting::collect(c, true)).takes(&[any("expr")]).returns("ARRAY")
        .null_if("Skips nulls; an empty array if nothing is left.")
        .about("Gathers the different values in an array, in no order.")
        .example("sort_array(collect_set(x)) FROM VALUES (1), (2), (1) AS t(x)", "[1, 2]"),
    aggregate("listagg", collecting::listagg).takes(&[value("expr", "STRING or BINARY"), text("delimiter").optional()])
        .returns("STRING").aliases(&["string_agg"]).within_group(collecting::listagg_ordered)
        .about("Joins the values, in the order of WITHIN GROUP if there is one, with a delimiter between them.")
        .example("listagg(x, '-') WITHIN GROUP (ORDER BY x DESC) FROM VALUES ('a'), ('b'), (NULL), ('c') AS t(x)", "c-b-a"),
    aggregate("collect_union", collecting::collect_union).takes(&[value("col", "ARRAY")]).returns("the type of the argument")
        .null_if("Skips nulls; an empty array if nothing is left.")
        .about("Returns the different elements of all arrays.")
        .example("array_sort(collect_union(x)) FROM VALUES (array(1, 2)), (array(2, NULL)) AS t(x)", "[1, 2]"),
    aggregate("mode", collecting::mode).takes(&[any("col").optional(), literal("deterministic", "BOOLEAN").optional()])
        .returns("the type of the column").within_group(collecting::mode_ordered)
        .about("Returns the most frequent value.")
        .example("mode(x) FROM VALUES (0), (10), (10) AS t(x)", "10"),
    aggregate("product", collecting::product).takes(&[double("expr")]).returns("DOUBLE").unlisted()
        .about("Returns the product.")
        .example("aggregate(collect_list(x), 1, (a, b) -> a * b) FROM VALUES (1), (2), (1) AS t(x)", "2"),
    scalar("statistic_operand", statistics::operand).takes(&[number("col"), text("purpose")]).returns("DOUBLE").unlisted()
        .nulls(Nulls::Never)
        .about("Returns a number as DOUBLE, 0 for null.")
        .example("CAST(2 AS DOUBLE)", "2.0"),
    aggregate("collect_frequent_items", statistics::frequent_items).takes(&[any("col"), literal("size", "INT")]).returns("ARRAY").unlisted()
        .null_if("Nulls are values like others.")
        .about("Returns values that may make up more than a share of all.")
        .example("collect_list(x) FROM VALUES (1), (1) AS t(x)", "[1, 1]"),
    aggregate("approximate_quantiles", statistics::approximate_quantiles)
        .takes(&[number("col"), literal("shares", "ARRAY<DOUBLE>"), literal("error", "DOUBLE"), text("name")]).returns("ARRAY<DOUBLE>").unlisted()
        .about("Returns values whose ranks are off by no more than a share of all.")
        .example("collect_list(x) FROM VALUES (1), (1) AS t(x)", "[1, 1]"),
    aggregate("aggregate_metrics", vectors::aggregate_metrics)
        .takes(&[literal("metrics", "ARRAY<STRING>"), any("features"), double("weight")]).returns("STRUCT").unlisted()
        .null_if("A null is an error.")
        .about("Returns statistics of each feature of vectors (`Summarizer`): mean, sum, variance, std, count, numNonZeros, weightSum, max, min, normL1, normL2.")
        .example("avg(x) FROM VALUES (1), (3) AS t(x)", "2.0"),
    form("grouping", grouping::grouping).takes(&[any("col")]).returns("TINYINT").nulls(Nulls::Never)
        .about("Returns 1 if a column is aggregated away in this row of a ROLLUP, CUBE or GROUPING SETS, else 0.")
        .example("x, grouping(x), sum(y) FROM VALUES ('a', 10), ('b', 50) AS t(x, y) GROUP BY cube(x) ORDER BY 1", "NULL\t1\t60\na\t0\t10\nb\t0\t50"),
    form("grouping_id", grouping::grouping_id).takes(&[any("col").repeated()]).returns("BIGINT").nulls(Nulls::Never)
        .about("Returns the bits of `grouping` of all columns, the first one highest.")
        .example("x, grouping_id(), sum(y) FROM VALUES ('a', 10), ('b', 50) AS t(x, y) GROUP BY cube(x) ORDER BY 1", "NULL\t1\t60\na\t0\t10\nb\t0\t50"),
];

/// Returns one aggregate call. DISTINCT floats are compared as Spark does.
pub fn of_udaf(udf: Arc<AggregateUDF>, args: Vec<Typed>, to: DataType, distinct: bool, label: &str) -> Typed {
    let argument = |t: Typed| match distinct {
        true => comparable(t.expr, &t.data_type),
        false => t.expr,
    };
    let args = args.into_iter().map(argument).collect();
    let expr = Expr::AggregateFunction(AggregateFunction::new_udf(udf, args, distinct, None, vec![], None));
    Typed::new(expr, to, label)
}

/// Changes the aggregate and window calls inside an expression: a function may be several of them put
/// together.
///
/// # Errors
/// If `change` fails for one of them.
///
/// ```
/// use datafusion_expr::{Expr, col, lit};
/// use rivulet::plan::functions::aggregate::each_call;
///
/// // `count(a) + 1` becomes `count(DISTINCT a) + 1`.
/// let count = datafusion_functions_aggregate::expr_fn::count(col("a"));
/// let changed = each_call(count + lit(1), |mut call| {
///     if let Expr::AggregateFunction(function) = &mut call {
///         function.params.distinct = true;
///     }
///     Ok(call)
/// })?;
/// assert_eq!(changed.to_string(), "count(DISTINCT a) + Int32(1)");
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
pub fn each_call(expr: Expr, mut change: impl FnMut(Expr) -> Result<Expr>) -> Result<Expr> {
    let changed = expr.transform_down(|e| match e {
        Expr::AggregateFunction(_) | Expr::WindowFunction(_) => {
            Ok(Transformed::new(change(e)?, true, TreeNodeRecursion::Jump))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(changed.data)
}
