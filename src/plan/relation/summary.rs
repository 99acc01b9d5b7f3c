//! `describe` and `summary`: statistics of columns as rows of strings (`StatFunctions.summary`).
//!
//! ```text
//! summary   a     s            one aggregate over all rows: an array of strings per column,
//! count     3     3            then a row per place in these arrays
//! mean      10.0  null
//! ```

use sc::expression::cast::{CastToType, EvalMode};
use sc::expression::literal::LiteralType;
use sc::expression::{ExprType, UnresolvedAttribute};
use sc::relation::RelType;

use crate::error::{Exception, Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::plan::sql::message::{alias, attribute, call, expression, literal, relation, string};
use crate::proto as sc;
use crate::values::types;

/// What `summary` computes without being asked for something else.
const USUAL: [&str; 8] = ["count", "mean", "stddev", "min", "25%", "50%", "75%", "max"];
/// What `describe` computes.
const DESCRIBED: [&str; 5] = ["count", "mean", "stddev", "min", "max"];

impl Analyzer {
    /// Resolves `describe`: count, mean, deviation, least and greatest value of the columns named, or of all.
    ///
    /// # Errors
    /// If the relation lacks a name, `UNRESOLVED_COLUMN`.
    pub(super) fn described(&mut self, node: &sc::StatDescribe) -> Result<Resolved> {
        let input = if node.cols.is_empty() {
            node.input.clone()
        } else {
            let chosen = sc::Project {
                input: node.input.clone(),
                expressions: node.cols.iter().map(|name| column(name)).collect(),
            };
            Some(Box::new(relation(RelType::Project(Box::new(chosen)))))
        };
        self.summarized_as(input, &DESCRIBED.map(str::to_owned))
    }

    /// Resolves `summary`: the statistics asked for, of all columns.
    ///
    /// # Errors
    /// If a statistic is unknown, `UNRECOGNIZED_STATISTIC`; if a percentile is beyond 100, an `IllegalArgumentException`.
    pub(super) fn summary(&mut self, node: &sc::StatSummary) -> Result<Resolved> {
        let usual = USUAL.map(str::to_owned).to_vec();
        let asked = if node.statistics.is_empty() {
            &usual
        } else {
            &node.statistics
        };
        self.summarized_as(node.input.clone(), asked)
    }

    /// Resolves statistics of all columns that are numbers or strings; columns of other types are left out.
    fn summarized_as(&mut self, input: Option<Box<sc::Relation>>, statistics: &[String]) -> Result<Resolved> {
        let known = self.rows(input.as_deref())?;
        let mut names = vec!["summary".to_owned()];
        let labels = statistics.iter().map(string).collect();
        let mut arrays = vec![alias(call("array", labels), vec![place(0)])];
        for found in &known.output {
            let is_text = types::is_string(&found.data_type);
            if !is_text && !types::is_numeric(&found.data_type) {
                continue;
            }
            let of = attribute(&[&found.name]);
            let each = statistics.iter().map(|s| Ok(as_string(statistic(s, &of, is_text)?)));
            let each = call("array", each.collect::<Result<_>>()?);
            arrays.push(alias(each, vec![place(names.len())]));
            names.push(found.name.clone());
        }
        let zipped = (0..names.len()).map(|i| attribute(&[place(i)])).collect();
        let computed = sc::Aggregate {
            input,
            group_type: sc::aggregate::GroupType::Groupby.into(),
            aggregate_expressions: arrays,
            ..Default::default()
        };
        let rows = sc::Project {
            input: Some(Box::new(relation(RelType::Aggregate(Box::new(computed))))),
            expressions: vec![call("inline", vec![call("arrays_zip", zipped)])],
        };
        let renamed = sc::ToDf {
            input: Some(Box::new(relation(RelType::Project(Box::new(rows))))),
            column_names: names,
        };
        self.relation(&relation(RelType::ToDf(Box::new(renamed))))
    }
}

/// Returns the name of an array on its way.
fn place(at: usize) -> String {
    format!("_{at}")
}

/// Returns a column of the input by its name as the client writes it.
pub(super) fn column(name: &str) -> sc::Expression {
    expression(ExprType::UnresolvedAttribute(UnresolvedAttribute {
        unparsed_identifier: name.to_owned(),
        ..Default::default()
    }))
}

/// Returns `CAST(of AS to)`, or `TRY_CAST`.
fn cast(of: sc::Expression, to: &str, mode: EvalMode) -> sc::Expression {
    expression(ExprType::Cast(Box::new(sc::expression::Cast {
        expr: Some(Box::new(of)),
        eval_mode: mode.into(),
        cast_to_type: Some(CastToType::TypeStr(to.into())),
    })))
}

/// Returns a value as STRING.
pub(super) fn as_string(of: sc::Expression) -> sc::Expression {
    cast(of, "string", EvalMode::Unspecified)
}

/// Returns one statistic of a column; strings count as the numbers that they are, as null if they are none.
///
/// # Errors
/// As [`Analyzer::summary`].
fn statistic(name: &str, column: &sc::Expression, is_text: bool) -> Result<sc::Expression> {
    let number = || match is_text {
        true => cast(column.clone(), "double", EvalMode::Try),
        false => column.clone(),
    };
    if let Some(percent) = name.strip_suffix('%') {
        let share = percent.parse::<f64>().map_err(|_| unrecognized(name))?;
        if !(0.0..=100.0).contains(&share) {
            return Err(SparkError::requirement("Percentiles must be in the range [0, 1]"));
        }
        let share = literal(LiteralType::Double(share / 100.0));
        return Ok(call("percentile_approx", vec![number(), share]));
    }
    Ok(match name.to_lowercase().as_str() {
        "count" => call("count", vec![column.clone()]),
        "count_distinct" => {
            let mut counted = sc::expression::UnresolvedFunction {
                function_name: "count".into(),
                arguments: vec![column.clone()],
                ..Default::default()
            };
            counted.is_distinct = true;
            expression(ExprType::UnresolvedFunction(counted))
        }
        "approx_count_distinct" => call("approx_count_distinct", vec![column.clone()]),
        "mean" => call("avg", vec![number()]),
        "stddev" => call("stddev", vec![number()]),
        "min" | "max" => call(name, vec![column.clone()]),
        _ => return Err(unrecognized(name)),
    })
}

/// Makes `UNRECOGNIZED_STATISTIC`.
fn unrecognized(name: &str) -> SparkError {
    SparkError::new(
        Exception::IllegalArgument,
        "UNRECOGNIZED_STATISTIC",
        "42704",
        format!(
            "The statistic '{name}' is not one of `count`, `count_distinct`, `approx_count_distinct`, `mean`, `stddev`, `min`, `max` \
             and percentiles such as `25%`."
        ),
    )
    .with("stats", format!("'{name}'"))
}
