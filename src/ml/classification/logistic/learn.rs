//! The training of logistic regressions: statistics of the columns first, then the loss wherever the search wants to know it.

use super::LogisticRegressionModel;
use super::bounds::{self, Bounds};
use crate::error::Result;
use crate::ml::classification::loss::{Asked, MeanLoss};
use crate::ml::error::illegal;
use crate::ml::learning::{Rounds, empty};
use crate::ml::matrix::Matrix;
use crate::ml::model::Model;
use crate::ml::optimize::lbfgs::{Options, minimize};
use crate::ml::optimize::lbfgsb;
use crate::ml::optimize::{Minimum, check_size};
use crate::ml::params::Params;
use crate::ml::summary::labels;

/// Which family a model is of, by the number of classes.
///
/// # Errors
/// If there are more classes than the family has.
fn is_multinomial(params: &Params, classes: usize) -> Result<bool> {
    match params.text("family")?.as_str() {
        "multinomial" => Ok(true),
        "binomial" if classes > 2 => Err(illegal(format!(
            "requirement failed: Binomial family only supports 1 or 2 outcome classes but found {classes}."
        ))),
        "binomial" => Ok(false),
        _ => Ok(classes > 2),
    }
}

/// Trains a model.
///
/// # Errors
/// If there are no rows, if thresholds do not fit the classes, or the classes not the family; what rows raise.
pub(super) async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let statistics: labels::State = rounds.ask(&Asked::default()).await?;
    let histogram = statistics.histogram();
    if statistics.features.rows == 0 {
        return Err(empty());
    }
    let classes = histogram.len();
    let multinomial = is_multinomial(&params, classes)?;
    if params.is_set("thresholds") {
        let given = params.doubles("thresholds")?.len();
        if given != classes {
            return Err(illegal(format!(
                "requirement failed: LogisticRegression.train() called with non-matching numClasses and thresholds.length. \
                 numClasses={classes}, but thresholds has length {given}"
            )));
        }
    }
    let (features, intercept) = (statistics.features.size(), params.bool("fitIntercept")?);
    let sets = if multinomial { classes } else { 1 };
    check_size(sets.saturating_mul(features + 1))?;
    let mut model = LogisticRegressionModel {
        coefficients: Matrix::new(sets, features, vec![0.0; sets * features]),
        intercepts: vec![0.0; sets],
        classes: classes as u64,
        multinomial,
        batch: None,
    };
    let only = histogram.iter().filter(|w| **w != 0.0).count() == 1;
    if only && intercept && !bounds::are_set(&params) {
        let class = histogram.iter().position(|w| *w != 0.0).unwrap_or_default();
        match (multinomial, class) {
            (true, class) => model.intercepts[class] = f64::INFINITY,
            (false, 0) => model.intercepts[0] = f64::NEG_INFINITY,
            (false, _) => model.intercepts[0] = f64::INFINITY,
        }
        return Ok(Model::new(&params, model).with_history(vec![0.0]));
    }
    let std: Vec<f64> = statistics.features.variances().iter().map(|v| v.sqrt()).collect();
    let bounds = bounds::of(&params, sets, &std, intercept)?;
    let mut mean = statistics.features.means();
    if bounds.as_ref().is_some_and(|bounds| !bounds.has_free_intercepts) {
        // An intercept that is bounded is that of features as they are.
        mean.iter_mut().for_each(|mean| *mean = 0.0);
    }
    let search = Search {
        std: &std,
        mean: &mean,
        bounds: bounds.as_ref(),
        histogram: &histogram,
        sets,
        intercept,
    };
    let found = search.run(&params, rounds).await?;
    search.finish(&params, &found.x, &mut model)?;
    Ok(Model::new(&params, model).with_history(found.history))
}

/// What a search for coefficients knows of the rows.
struct Search<'a> {
    std: &'a [f64],
    mean: &'a [f64],
    bounds: Option<&'a Bounds>,
    histogram: &'a [f64],
    sets: usize,
    intercept: bool,
}

impl Search<'_> {
    /// Returns a number for each coefficient, by its feature, then `of_intercepts` for each intercept.
    fn spread(&self, of: impl Fn(usize) -> f64, of_intercepts: f64) -> Vec<f64> {
        let features = self.std.len() * self.sets;
        let intercepts = if self.intercept { self.sets } else { 0 };
        let coefficients = (0..features).map(|i| of(i / self.sets));
        coefficients
            .chain(std::iter::repeat_n(of_intercepts, intercepts))
            .collect()
    }

    /// Returns where the search begins: at the intercepts of a model without features.
    fn start(&self) -> Vec<f64> {
        let mut start = self.spread(|_| 0.0, 0.0);
        if !self.intercept {
            return start;
        }
        let first = start.len() - self.sets;
        if self.sets == 1 {
            if let [none, some] = self.histogram {
                start[first] = (some / none).ln();
            }
            return start;
        }
        let logs: Vec<f64> = self.histogram.iter().map(|w| w.ln_1p()).collect();
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        start[first..].iter_mut().zip(logs).for_each(|(s, log)| *s = log - mean);
        start
    }

    async fn run(&self, params: &Params, rounds: Rounds) -> Result<Minimum> {
        let (all, mix) = (params.double("regParam")?, params.double("elasticNetParam")?);
        let (absolute, square) = (mix * all, (1.0 - mix) * all);
        let standardized = params.bool("standardization")?;
        let inverse = |j: usize| if self.std[j] == 0.0 { 0.0 } else { 1.0 / self.std[j] };
        let scale = |by: f64, j: usize, power: i32| {
            if standardized { by } else { by * inverse(j).powi(power) }
        };
        let inverse_std: Vec<f64> = (0..self.std.len()).map(inverse).collect();
        let objective = MeanLoss {
            rounds,
            asked: Asked {
                coefficients: vec![],
                scaled_mean: self.mean.iter().zip(&inverse_std).map(|(m, s)| m * s).collect(),
                inverse_std,
                sets: self.sets as u64,
                intercept: self.intercept,
                hinge: false,
            },
            penalty: self.spread(|j| scale(square, j, 2), 0.0),
        };
        if let Some(bounds) = self.bounds {
            return self.within(bounds, params, &objective).await;
        }
        let options = Options {
            max_iter: params.count("maxIter")?,
            tolerance: params.double("tol")?,
            penalty: if absolute == 0.0 {
                vec![]
            } else {
                self.spread(|j| scale(absolute, j, 1), 0.0)
            },
        };
        minimize(&objective, self.start(), &options).await
    }

    async fn within(&self, bounds: &Bounds, params: &Params, objective: &MeanLoss) -> Result<Minimum> {
        let options = lbfgsb::Options {
            max_iter: params.count("maxIter")?,
            tolerance: params.double("tol")?,
            lower: bounds.lower.clone(),
            upper: bounds.upper.clone(),
        };
        let mut start = self.start();
        for (i, own) in start.iter_mut().enumerate() {
            if *own < bounds.lower[i] {
                *own = bounds.lower[i];
            } else if *own > bounds.upper[i] {
                *own = bounds.upper[i];
            }
        }
        lbfgsb::minimize(objective, start, &options).await
    }

    /// Puts what was found into a model: for features as they are, and centred over the classes where nothing else says where they are.
    fn finish(&self, params: &Params, found: &[f64], model: &mut LogisticRegressionModel) -> Result<()> {
        let (sets, features) = (self.sets, self.std.len());
        for j in 0..features {
            for set in 0..sets {
                let (scaled, std) = (found[j * sets + set], self.std[j]);
                let value = if std == 0.0 { 0.0 } else { scaled / std };
                model.coefficients.values[set * features + j] = value;
                if self.intercept {
                    model.intercepts[set] -= value * self.mean[j];
                }
            }
        }
        if self.intercept {
            let own = &found[features * sets..];
            model.intercepts.iter_mut().zip(own).for_each(|(i, own)| *i += own);
        }
        if !model.multinomial || self.bounds.is_some() {
            return Ok(());
        }
        let centre = |values: &mut dyn Iterator<Item = &mut f64>| {
            let values: Vec<&mut f64> = values.collect();
            let mean = values.iter().map(|v| **v).sum::<f64>() / values.len() as f64;
            values.into_iter().for_each(|v| *v -= mean);
        };
        if params.double("regParam")? == 0.0 {
            let all = &mut model.coefficients.values;
            for j in 0..features {
                centre(&mut all.iter_mut().skip(j).step_by(features));
            }
        }
        if self.intercept {
            centre(&mut model.intercepts.iter_mut());
        }
        Ok(())
    }
}
