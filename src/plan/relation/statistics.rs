//! Statistics of a DataFrame's columns (`DataFrameStatFunctions`), as the aggregates that they are.
//!
//! ```text
//! corr(a, b)          corr of both as DOUBLE, null counts as 0                    one number
//! crosstab(a, b)      a pivot of b's values per value of a, counted               a table
//! freqItems(a)        collect_frequent_items(a, 1 / support)                      an array per column
//! approxQuantile(a)   approximate_quantiles(a, probabilities, error)              an array per column
//! sampleBy(a, …)      rand(seed) < the fraction of a's value                      the rows that are kept
//! ```

use sc::expression::ExprType;
use sc::expression::literal::LiteralType;
use sc::relation::RelType;

use super::summary::{as_string, column};
use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::plan::sql::message::{alias, bare_literal, call, expression, literal, relation, string};
use crate::proto as sc;

/// The least support of frequent items.
const LEAST_SUPPORT: f64 = 1e-4;

impl Analyzer {
    /// Resolves `corr`: NaN without rows or without variance.
    ///
    /// # Errors
    /// If the method is not `pearson` or a column is not numeric, an `IllegalArgumentException`.
    pub(super) fn correlation(&mut self, node: &sc::StatCorr) -> Result<Resolved> {
        let method = node.method.as_deref().unwrap_or("pearson");
        if method != "pearson" {
            return Err(SparkError::requirement(
                "Currently only the calculation of the Pearson Correlation coefficient is supported.",
            ));
        }
        let found = of_two("corr", "correlation", &node.col1, &node.col2);
        let or_nan = call("coalesce", vec![found, literal(LiteralType::Double(f64::NAN))]);
        self.summarized(node.input.as_deref(), vec![named(or_nan, "corr")])
    }

    /// Resolves `cov`: the covariance of a sample, 0 for fewer than two rows.
    ///
    /// # Errors
    /// If a column is not numeric, an `IllegalArgumentException`.
    pub(super) fn covariance(&mut self, node: &sc::StatCov) -> Result<Resolved> {
        let found = of_two("covar_samp", "covariance", &node.col1, &node.col2);
        let or_zero = call("coalesce", vec![found, literal(LiteralType::Double(0.0))]);
        self.summarized(node.input.as_deref(), vec![named(or_zero, "cov")])
    }

    /// Resolves `crosstab`: how often each value of one column comes with each of the other; a null is the word `null`.
    pub(super) fn crosstab(&mut self, node: &sc::StatCrosstab) -> Result<Resolved> {
        let pivot = sc::aggregate::Pivot {
            col: Some(word(&node.col2)),
            values: vec![],
        };
        let counted = sc::Aggregate {
            input: node.input.clone(),
            group_type: sc::aggregate::GroupType::Pivot.into(),
            grouping_expressions: vec![named(word(&node.col1), &format!("{}_{}", node.col1, node.col2))],
            aggregate_expressions: vec![call("count", vec![literal(LiteralType::Integer(1))])],
            pivot: Some(pivot),
            grouping_sets: vec![],
        };
        let filled = sc::NaFill {
            input: Some(Box::new(relation(RelType::Aggregate(Box::new(counted))))),
            cols: vec![],
            values: vec![bare_literal(LiteralType::Long(0))],
        };
        self.relation(&relation(RelType::FillNa(Box::new(filled))))
    }

    /// Resolves `freqItems`: per column, values that make up at least the share `support` of the rows, and some others.
    ///
    /// # Errors
    /// If the support is not from 0.0001 to 1, an `IllegalArgumentException`.
    pub(super) fn frequent_items(&mut self, node: &sc::StatFreqItems) -> Result<Resolved> {
        let support = node.support.unwrap_or(0.01);
        if !(LEAST_SUPPORT..=1.0).contains(&support) {
            let shown = crate::values::text::double(support);
            return Err(SparkError::requirement(format!(
                "Support must be in [1e-4, 1], but got {shown}."
            )));
        }
        let most = literal(LiteralType::Integer((1.0 / support) as i32));
        let items = node.cols.iter().map(|name| {
            let found = call("collect_frequent_items", vec![column(name), most.clone()]);
            named(found, &format!("{name}_freqItems"))
        });
        self.summarized(node.input.as_deref(), items.collect())
    }

    /// Resolves `approxQuantile`: one array per column, in one array.
    ///
    /// # Errors
    /// If a probability is not from 0 to 1, the error is negative or a column is not numeric, an `IllegalArgumentException`.
    pub(super) fn approximate_quantiles(&mut self, node: &sc::StatApproxQuantile) -> Result<Resolved> {
        if node.probabilities.iter().any(|p| !(0.0..=1.0).contains(p)) {
            return Err(SparkError::requirement("percentile should be in the range [0.0, 1.0]"));
        }
        if node.relative_error.is_nan() || node.relative_error < 0.0 {
            return Err(SparkError::requirement("Relative Error must be non-negative"));
        }
        let shares = node.probabilities.iter().map(|p| literal(LiteralType::Double(*p)));
        let shares = call("array", shares.collect());
        let error = literal(LiteralType::Double(node.relative_error));
        let of_column = |name: &String| {
            let arguments = vec![column(name), shares.clone(), error.clone(), string(name)];
            call("approximate_quantiles", arguments)
        };
        let all = call("array", node.cols.iter().map(of_column).collect());
        self.summarized(node.input.as_deref(), vec![named(all, "approx_quantile")])
    }

    /// Resolves `sampleBy`: rows are kept with the probability of their stratum, 0 for one without.
    ///
    /// # Errors
    /// If a fraction is not from 0 to 1, an `IllegalArgumentException`.
    pub(super) fn sample_by(&mut self, node: &sc::StatSampleBy) -> Result<Resolved> {
        let stratum = node
            .col
            .clone()
            .ok_or_else(|| SparkError::invalid_plan("a stratified sample lacks its column"))?;
        let mut cases = vec![];
        for fraction in &node.fractions {
            if !(0.0..=1.0).contains(&fraction.fraction) {
                return Err(SparkError::requirement(format!(
                    "Fractions must be in [0, 1], but got {}.",
                    crate::values::text::double(fraction.fraction)
                )));
            }
            let value = fraction.stratum.clone().unwrap_or_default();
            cases.push(call("<=>", vec![stratum.clone(), expression(ExprType::Literal(value))]));
            cases.push(literal(LiteralType::Double(fraction.fraction)));
        }
        cases.push(literal(LiteralType::Double(0.0)));
        let share = match cases.len() {
            1 => cases.remove(0),
            _ => call("when", cases),
        };
        let draw = call("rand", vec![literal(LiteralType::Long(node.seed.unwrap_or(42)))]);
        let kept = sc::Filter {
            input: node.input.clone(),
            condition: Some(call("<", vec![draw, share])),
        };
        self.relation(&relation(RelType::Filter(Box::new(kept))))
    }

    /// Resolves aggregates over all rows.
    fn summarized(&mut self, input: Option<&sc::Relation>, aggregates: Vec<sc::Expression>) -> Result<Resolved> {
        let over = sc::Aggregate {
            input: input.cloned().map(Box::new),
            group_type: sc::aggregate::GroupType::Groupby.into(),
            aggregate_expressions: aggregates,
            ..Default::default()
        };
        self.relation(&relation(RelType::Aggregate(Box::new(over))))
    }
}

/// Returns an aggregate of two columns, which must be numbers.
fn of_two(function: &str, purpose: &str, a: &str, b: &str) -> sc::Expression {
    let operand = |name| call("statistic_operand", vec![column(name), string(purpose)]);
    call(function, vec![operand(a), operand(b)])
}

/// Returns a column as a STRING, a null as the word `null`.
fn word(name: &str) -> sc::Expression {
    call("coalesce", vec![as_string(column(name)), string("null")])
}

/// Returns an expression under a name.
fn named(of: sc::Expression, name: &str) -> sc::Expression {
    alias(of, vec![name.to_owned()])
}
