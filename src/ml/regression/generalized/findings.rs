//! What summaries of generalized linear models say (`GeneralizedLinearRegressionSummary`).

use libm::erf;

use super::family::{Family, Fit, Shape};
use super::learn::search;
use super::rows::{Asked, What};
use super::{GeneralizedLinearRegressionModel, SOLVER};
use crate::error::{Exception, Result, SparkError};
use crate::ml::findings::{Finding, text};
use crate::ml::learning::Rounds;
use crate::ml::literal::{Kind, Value};
use crate::ml::params::{PREDICTION, Params};
use crate::ml::stat::distributions;

/// Returns what a summary says under a name; `None` if it does not say that.
///
/// # Errors
/// If a param is of another type.
pub(super) fn of(model: &GeneralizedLinearRegressionModel, params: &Params, name: &str) -> Result<Option<Finding>> {
    let rank = model.estimates(params)?.len() as i64;
    Ok(Some(match name {
        "predictionCol" => text(params, &PREDICTION)?,
        "rank" => Finding::Known(Value::Int(rank), Kind::Long),
        "solver" => Finding::Known(Value::Text(SOLVER.to_owned()), Kind::Text),
        "numIterations" => Finding::Known(Value::Int(model.steps as i64), Kind::Int),
        "coefficientStandardErrors" | "tValues" | "pValues" | "toString" if !model.is_solved() => {
            return Err(unsolved(name));
        }
        "numInstances"
        | "degreesOfFreedom"
        | "residualDegreeOfFreedom"
        | "residualDegreeOfFreedomNull"
        | "nullDeviance"
        | "deviance"
        | "dispersion"
        | "aic"
        | "coefficientStandardErrors"
        | "tValues"
        | "pValues"
        | "toString" => {
            let (model, name) = (model.clone(), name.to_owned());
            Finding::Asked(Box::new(move |params, rounds| {
                Box::pin(async move { found(&model, &params, &rounds, &name).await })
            }))
        }
        _ => return Ok(None),
    }))
}

/// Returns the error of what only models have whose least squares had one solution.
fn unsolved(name: &str) -> SparkError {
    let what = match name {
        "coefficientStandardErrors" => "Std. Error of coefficients",
        "tValues" => "t-statistic",
        "pValues" => "p-value",
        _ => "summary",
    };
    let message = format!("No {what} available for this GeneralizedLinearRegressionModel");
    SparkError::new(Exception::Connect, "", "", message)
}

/// Asks the rows how well the model fits, and says what was asked for.
async fn found(
    model: &GeneralizedLinearRegressionModel,
    params: &Params,
    rounds: &Rounds,
    name: &str,
) -> Result<(Value, Kind)> {
    let asked = Asked {
        what: What::Fit.into(),
        coefficients: model.coefficients.clone(),
        intercept: model.intercept,
        without_features: false,
    };
    let report = Report {
        fit: rounds.ask(&asked).await?,
        model,
        estimates: model.estimates(params)?,
        shape: Shape::of(params)?,
        family: params.text("family")?.to_lowercase(),
        intercept: params.bool("fitIntercept")?,
    };
    let double = |value: f64| (Value::Double(value), Kind::Double);
    let long = |value: i64| (Value::Int(value), Kind::Long);
    let doubles = |values: Vec<f64>| (Value::doubles(&values), Kind::Doubles);
    Ok(match name {
        "numInstances" => long(report.fit.rows),
        "degreesOfFreedom" | "residualDegreeOfFreedom" => long(report.freedom()),
        "residualDegreeOfFreedomNull" => long(report.fit.rows - i64::from(report.intercept)),
        "deviance" => double(report.fit.deviance),
        "dispersion" => double(report.dispersion()),
        "aic" => double(report.aic()?),
        "coefficientStandardErrors" => doubles(report.errors()),
        "tValues" => doubles(report.t()),
        "pValues" => doubles(report.p()),
        "nullDeviance" => double(report.null_deviance(params, rounds).await?),
        _ => {
            let none = report.null_deviance(params, rounds).await?;
            let text = report.table(&params.text("featuresCol")?, none)?;
            (Value::Text(text), Kind::Text)
        }
    })
}

/// How well a model fits rows.
struct Report<'a> {
    fit: Fit,
    model: &'a GeneralizedLinearRegressionModel,
    /// Coefficients, and the intercept last if there is one.
    estimates: Vec<f64>,
    shape: Shape,
    /// The name of the family, as the params have it, in lower case.
    family: String,
    intercept: bool,
}

impl Report<'_> {
    fn freedom(&self) -> i64 {
        self.fit.rows - self.estimates.len() as i64
    }

    /// Returns whether the variance of labels is known from their mean.
    fn is_dispersed_by_one(&self) -> bool {
        self.family == "binomial" || self.family == "poisson"
    }

    fn dispersion(&self) -> f64 {
        if self.is_dispersed_by_one() {
            return 1.0;
        }
        self.fit.pearson / self.freedom() as f64
    }

    fn aic(&self) -> Result<f64> {
        Ok(self.shape.family.aic(&self.fit)? + 2.0 * self.estimates.len() as f64)
    }

    fn errors(&self) -> Vec<f64> {
        let dispersion = self.dispersion();
        self.model.diagonal.iter().map(|d| (d * dispersion).sqrt()).collect()
    }

    fn t(&self) -> Vec<f64> {
        let errors = self.errors();
        self.estimates.iter().zip(errors).map(|(e, error)| e / error).collect()
    }

    fn p(&self) -> Vec<f64> {
        let freedom = self.freedom() as f64;
        let below = |t: f64| {
            if self.is_dispersed_by_one() {
                0.5 * (1.0 + erf(t * std::f64::consts::FRAC_1_SQRT_2))
            } else {
                distributions::student(freedom, t)
            }
        };
        self.t().into_iter().map(|t| 2.0 * (1.0 - below(t.abs()))).collect()
    }

    /// Returns the deviance of a model without features.
    async fn null_deviance(&self, params: &Params, rounds: &Rounds) -> Result<f64> {
        let has_offset = params.column("offsetCol").is_some();
        let intercept = if !self.intercept {
            0.0
        } else if !has_offset || self.shape.is_linear() {
            self.shape.link.link(self.fit.labels / self.fit.weight)
        } else {
            search(params, rounds, true).await?.solution.intercept
        };
        let asked = Asked {
            what: What::FitOfNone.into(),
            intercept,
            ..Asked::default()
        };
        let none: Fit = rounds.ask(&asked).await?;
        Ok(none.deviance)
    }

    /// Returns the summary as text: a table of the coefficients, and how well the model fits.
    fn table(&self, features: &str, null_deviance: f64) -> Result<String> {
        let (errors, t, p) = (self.errors(), self.t(), self.p());
        let count = self.estimates.len();
        let last = count - usize::from(self.intercept);
        // The intercept comes first.
        let order = (last..count).chain(0..last);
        let name = |i: usize| {
            if i < last {
                format!("{features}_{i}")
            } else {
                "(Intercept)".to_owned()
            }
        };
        let cut = |text: String| {
            if text.len() > 20 {
                format!("{}...", text.chars().take(17).collect::<String>())
            } else {
                text
            }
        };
        let line = |i: usize| {
            let numbers = [self.estimates[i], errors[i], t[i], p[i]].map(rounded);
            std::iter::once(name(i)).chain(numbers).map(cut).collect()
        };
        let head = ["Feature", "Estimate", "Std Error", "T Value", "P Value"].map(str::to_owned);
        let lines: Vec<Vec<String>> = std::iter::once(head.to_vec()).chain(order.map(line)).collect();
        let width = |column: usize| lines.iter().map(|l| l[column].len()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..5).map(width).collect();
        let mut out = "Coefficients:\n".to_owned();
        for line in &lines {
            let cells: Vec<String> = line.iter().zip(&widths).map(|(c, w)| format!("{c:>w$}")).collect();
            out += &cells.join(" ");
            out.push('\n');
        }
        let freedom = self.freedom();
        let (family, dispersion) = (self.shape.family.name(), rounded(self.dispersion()));
        out += &format!("\n(Dispersion parameter for {family} family taken to be {dispersion})\n");
        let none = format!(
            "Null deviance: {} on {freedom} degrees of freedom",
            rounded(null_deviance)
        );
        let own = format!(
            "Residual deviance: {} on {freedom} degrees of freedom",
            rounded(self.fit.deviance)
        );
        let width = none.len().max(own.len());
        out += &format!("{none:>width$}\n{own:>width$}");
        if !matches!(self.shape.family, Family::Tweedie(_)) {
            out += &format!("\nAIC: {}", rounded(self.aic()?));
        }
        Ok(out)
    }
}

/// Returns a number with four decimals, rounded half up from its shortest form; NaN and infinities as they are.
fn rounded(value: f64) -> String {
    if !value.is_finite() {
        return crate::values::text::double(value);
    }
    let text = format!("{}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits: String = format!("{fraction:0<5}").chars().take(5).collect();
    let (kept, next) = digits.split_at(4);
    let mut all: Vec<u8> = format!("{whole}{kept}").into_bytes();
    if next >= "5" {
        let mut at = all.len();
        loop {
            if at == 0 {
                all.insert(0, b'1');
                break;
            }
            at -= 1;
            if all[at] < b'9' {
                all[at] += 1;
                break;
            }
            all[at] = b'0';
        }
    }
    let all = String::from_utf8(all).unwrap_or_default();
    let (whole, kept) = all.split_at(all.len() - 4);
    let is_zero = all.bytes().all(|b| b == b'0');
    let sign = if value < 0.0 && !is_zero { "-" } else { "" };
    format!("{sign}{whole}.{kept}")
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn numbers_are_rounded_half_up_to_four_decimals() {
        let found: Vec<String> = [0.0, 1.5, -0.00005, 9.99995, 99999.99995, -2.61828, 1e-9, 1e17]
            .into_iter()
            .map(rounded)
            .collect();
        let right = [
            "0.0000",
            "1.5000",
            "-0.0001",
            "10.0000",
            "100000.0000",
            "-2.6183",
            "0.0000",
            "100000000000000000.0000",
        ];
        assert_eq!(found, right);
    }
}
