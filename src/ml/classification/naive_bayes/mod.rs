//! Naive Bayes: from sums over classes to a model, and from a model to predictions.
//!
//! The four types of Spark's `NaiveBayes`. Multinomial (Manning et al.), complement (Rennie et al., as scikit-learn's
//! `ComplementNB` without normalisation) and Bernoulli models hold log probabilities, Gaussian models means and
//! variances.
//!
//! Every type scores a vector `x` for class `c` as an offset plus a sum over features, so that one loop serves three
//! types:
//!
//! ```text
//! multinomial   pi[c]                      + Σ x[j] · theta[c][j]
//! complement    0                          + Σ x[j] · theta[c][j]              then minus log-sum-exp
//! Bernoulli     pi[c] + Σ ln(1 - e^theta)  + Σ x[j] · (theta - ln(1 - e^theta))
//! Gaussian      pi[c] - ½ Σ ln sigma       - ½ Σ (x[j] - theta[c][j])² / sigma[c][j]
//! ```
//!
//! Numbers are summed in Spark's order, so that models and predictions agree with it to the last bits that matter.

use crate::error::{Exception, Result, SparkError};
use crate::ml::classification::scores::{self, Scores};
use crate::ml::matrix::Matrix;
use crate::ml::params::Params;
use crate::ml::summary::classes::Class;
use crate::ml::summary::moments::Moments;
use crate::values::vector::VectorRef;

pub mod stage;

pub use stage::NaiveBayesModel;

/// The type of model (`modelType`).
///
/// ```
/// use rivulet::ml::classification::naive_bayes::Type;
/// use rivulet::values::vector::VectorRef;
///
/// assert!(Type::Multinomial.objection(VectorRef::Dense(&[0.0, 2.0])).is_none());
/// assert!(Type::Multinomial.objection(VectorRef::Dense(&[-1.0])).is_some());
/// assert!(Type::Bernoulli.objection(VectorRef::Dense(&[2.0])).is_some());
/// assert!(Type::Gaussian.objection(VectorRef::Dense(&[f64::NAN])).is_some());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Counts of terms; features are not negative (Manning et al.).
    Multinomial,
    /// Counts of terms outside of each class (Rennie et al.).
    Complement,
    /// Presence of terms; features are 0 or 1.
    Bernoulli,
    /// Normally distributed features of any finite value.
    Gaussian,
}

impl Type {
    /// Returns the type that `modelType` names.
    ///
    /// # Errors
    /// If the param is not a string.
    pub fn of(params: &Params) -> Result<Self> {
        Ok(match params.text("modelType")?.as_str() {
            "complement" => Self::Complement,
            "bernoulli" => Self::Bernoulli,
            "gaussian" => Self::Gaussian,
            _ => Self::Multinomial,
        })
    }

    /// Returns whether counts of terms are valid features, which need not be looked at; `binary` ones are 0 or 1. Gaussian
    /// models look at each value.
    pub fn takes_counts(self, binary: bool) -> bool {
        match self {
            Self::Multinomial | Self::Complement => true,
            Self::Bernoulli => binary,
            Self::Gaussian => false,
        }
    }

    /// Returns what is wrong with the features of a row, as Spark words it before it prints the vector; `None` if all
    /// are valid.
    ///
    /// Only stored values are looked at: the zeros of a sparse vector are valid for every type.
    pub fn objection(self, features: VectorRef<'_>) -> Option<&'static str> {
        let values = features.values();
        match self {
            Self::Gaussian => {
                (!values.iter().all(|v| v.is_finite())).then_some("Vector values MUST NOT be NaN or Infinity")
            }
            Self::Bernoulli => {
                (!values.iter().all(|v| *v == 0.0 || *v == 1.0)).then_some("Vector values MUST be in {0, 1}")
            }
            _ => (!values.iter().all(|v| *v >= 0.0 && v.is_finite()))
                .then_some("Vector values MUST NOT be Negative, NaN or Infinity"),
        }
    }
}

/// Makes the model of the classes' sums, with classes in the order of their labels.
///
/// Labels need not be consecutive for training, but predictions are places in that order, as in Spark.
///
/// # Errors
/// If there is not one row.
pub fn fit(params: &Params, mut classes: Vec<Class>, features: usize) -> Result<NaiveBayesModel> {
    classes.sort_by(|a, b| a.label.total_cmp(&b.label));
    if classes.is_empty() {
        let sentence = "head of empty array: there is no row to train on";
        return Err(SparkError::new(Exception::Connect, "", "", sentence));
    }
    if Type::of(params)? == Type::Gaussian {
        return Ok(gaussian(&classes));
    }
    discrete(params, &classes, features)
}

/// Makes a multinomial, complement or Bernoulli model: log probabilities with additive smoothing.
///
/// A class whose rows all have the weight 0 may lack sums; they count as zeros.
///
/// # Errors
/// If a param has another type.
fn discrete(params: &Params, classes: &[Class], features: usize) -> Result<NaiveBayesModel> {
    let (kind, smoothing) = (Type::of(params)?, params.double("smoothing")?);
    let sums: Vec<&[f64]> = classes.iter().map(|c| c.sums.as_slice()).collect();
    let at = |sum: &[f64], j: usize| sum.get(j).copied().unwrap_or(0.0);
    let widest = sums.iter().map(|s| s.len()).max().unwrap_or(0);
    let total: Vec<f64> = (0..widest).map(|j| sums.iter().map(|s| at(s, j)).sum()).collect();
    let rows: f64 = classes.iter().map(|c| c.weight).sum();
    let pi_norm = (rows + classes.len() as f64 * smoothing).ln();
    let pi = classes.iter().map(|c| (c.weight + smoothing).ln() - pi_norm).collect();
    let mut theta = Vec::with_capacity(classes.len() * features);
    for (class, own) in classes.iter().zip(sums.iter().copied()) {
        match kind {
            Type::Complement => {
                let others: Vec<f64> = (0..widest).map(|j| total[j] - at(own, j)).collect();
                let norm = (others.iter().sum::<f64>() + features as f64 * smoothing).ln();
                theta.extend((0..features).map(|j| norm - (at(&others, j) + smoothing).ln()));
            }
            Type::Bernoulli => {
                let norm = (class.weight + 2.0 * smoothing).ln();
                theta.extend((0..features).map(|j| (at(own, j) + smoothing).ln() - norm));
            }
            _ => {
                let norm = (own.iter().sum::<f64>() + features as f64 * smoothing).ln();
                theta.extend((0..features).map(|j| (at(own, j) + smoothing).ln() - norm));
            }
        }
    }
    Ok(NaiveBayesModel {
        pi,
        theta: Matrix::new(classes.len(), features, theta),
        sigma: Matrix::default(),
        statistics: None,
    })
}

/// Makes a Gaussian model: means and variances per class, with a billionth of the largest variance of any feature added
/// to each, so that a constant feature does not divide by 0.
fn gaussian(classes: &[Class]) -> NaiveBayesModel {
    let moments: Vec<Moments> = classes.iter().map(|c| c.moments.clone().unwrap_or_default()).collect();
    let features = moments[0].size();
    let means: Vec<Vec<f64>> = moments.iter().map(Moments::means).collect();
    // Spark keeps the L2 norm, and squares it again.
    let squares: Vec<Vec<f64>> = moments
        .iter()
        .map(|m| m.square_sums().iter().map(|s| s.sqrt()).map(|n| n * n).collect())
        .collect();
    let at = |rows: &[Vec<f64>], i: usize, j: usize| rows[i].get(j).copied().unwrap_or(0.0);
    let rows: f64 = classes.iter().map(|c| c.weight).sum();
    // A small share of the largest variance keeps constant features from a variance of 0.
    let epsilon = (0..features)
        .map(|j| {
            let (mut sum, mut square) = (0.0, 0.0);
            for (i, class) in classes.iter().enumerate() {
                sum += at(&means, i, j) * class.weight;
                square += at(&squares, i, j);
            }
            square / rows - sum * sum / rows / rows
        })
        .fold(f64::NEG_INFINITY, f64::max)
        * 1e-9;
    let pi = classes.iter().map(|c| c.weight.ln() - rows.ln()).collect();
    let (mut theta, mut sigma) = (Vec::new(), Vec::new());
    for (i, class) in classes.iter().enumerate() {
        for j in 0..features {
            let mean = at(&means, i, j);
            theta.push(mean);
            sigma.push(epsilon + at(&squares, i, j) / class.weight - mean * mean);
        }
    }
    NaiveBayesModel {
        pi,
        theta: Matrix::new(classes.len(), features, theta),
        sigma: Matrix::new(classes.len(), features, sigma),
        statistics: None,
    }
}

/// A model made ready to predict: what can be computed once per model instead of once per row.
#[derive(Debug)]
pub struct Predictor {
    /// The type of model, which decides about checks and the Gaussian formula.
    kind: Type,
    /// Added to each class's score.
    offset: Vec<f64>,
    /// What a feature's value is multiplied with; the means of a Gaussian model.
    weights: Matrix,
    /// Variances of a Gaussian model; else empty.
    sigma: Matrix,
    /// What probabilities are divided by before the largest is chosen, one per class; `None` if the param is not set.
    thresholds: Option<Vec<f64>>,
}

impl Predictor {
    /// Prepares a model. The cost is one pass over its matrices.
    ///
    /// # Errors
    /// If there are not as many thresholds as classes.
    pub fn new(model: &NaiveBayesModel, params: &Params) -> Result<Self> {
        let kind = Type::of(params)?;
        let thresholds = scores::thresholds(params, model.pi.len())?;
        let (offset, weights) = match kind {
            Type::Bernoulli => {
                let negative: Vec<f64> = model.theta.values.iter().map(|t| (-t.exp()).ln_1p()).collect();
                let weights: Vec<f64> = model.theta.values.iter().zip(&negative).map(|(t, n)| t - n).collect();
                let width = model.theta.width();
                let sum = |class: usize| negative[class * width..(class + 1) * width].iter().sum::<f64>();
                let offset = model.pi.iter().enumerate().map(|(i, p)| p + sum(i)).collect();
                (offset, Matrix::new(model.theta.height(), width, weights))
            }
            Type::Complement => (vec![0.0; model.pi.len()], model.theta.clone()),
            Type::Gaussian => {
                let log_variances =
                    (0..model.sigma.height()).map(|i| model.sigma.row(i).iter().map(|v| v.ln()).sum::<f64>());
                let offset = model.pi.iter().zip(log_variances).map(|(p, v)| p - v / 2.0).collect();
                (offset, model.theta.clone())
            }
            Type::Multinomial => (model.pi.clone(), model.theta.clone()),
        };
        Ok(Self {
            kind,
            offset,
            weights,
            sigma: model.sigma.clone(),
            thresholds,
        })
    }

    /// Returns the number of classes.
    pub fn classes(&self) -> usize {
        self.offset.len()
    }

    /// Returns the number of features that vectors must have.
    pub fn features(&self) -> usize {
        self.weights.width()
    }

    /// Computes the raw prediction of a vector into `out`: log of class probability and likelihood, up to a constant
    /// per row (`predictRaw`).
    ///
    /// # Errors
    /// If a value is one that the type of model refuses, or the vector is of another size: what is wrong, as Spark
    /// words it.
    pub fn raw(&self, features: VectorRef<'_>, out: &mut Vec<f64>) -> std::result::Result<(), String> {
        out.clear();
        match self.kind {
            Type::Gaussian => {
                for (class, offset) in self.offset.iter().enumerate() {
                    let (means, variances) = (self.weights.row(class), self.sigma.row(class));
                    let mut sum = 0.0;
                    for (j, (mean, variance)) in means.iter().zip(variances).enumerate() {
                        let distance = features.at(j) - mean;
                        sum += distance * distance / variance;
                    }
                    out.push(offset - sum / 2.0);
                }
                return Ok(());
            }
            Type::Bernoulli if !features.values().iter().all(|v| *v == 0.0 || *v == 1.0) => {
                return Err(format!(
                    "Bernoulli naive Bayes requires 0 or 1 feature values but found {features}."
                ));
            }
            Type::Multinomial | Type::Complement if !features.values().iter().all(|v| *v >= 0.0) => {
                return Err(format!(
                    "Naive Bayes requires nonnegative feature values but found {features}."
                ));
            }
            _ => {}
        }
        if features.size() != self.features() {
            return Err(format!(
                "The columns of A don't match the number of elements of x. A: {}, x: {}",
                self.features(),
                features.size()
            ));
        }
        for (class, offset) in self.offset.iter().enumerate() {
            let weights = self.weights.row(class);
            let product: f64 = match features {
                VectorRef::Dense(values) => values.iter().zip(weights).map(|(v, w)| v * w).sum(),
                VectorRef::Sparse { .. } => features.stored().map(|(i, v)| v * weights[i]).sum(),
            };
            out.push(product + offset);
        }
        self.finish(out);
        Ok(())
    }

    /// Computes the raw prediction of hashed or counted terms: (index, count), ascending, that need no checks.
    pub fn raw_of_terms(&self, terms: &[(u32, f64)], out: &mut Vec<f64>) {
        out.clear();
        for (class, offset) in self.offset.iter().enumerate() {
            let weights = self.weights.row(class);
            out.push(terms.iter().map(|(i, count)| count * weights[*i as usize]).sum::<f64>() + offset);
        }
        self.finish(out);
    }

    /// Returns what is added to the score of a class.
    pub fn offset(&self, class: usize) -> f64 {
        self.offset.get(class).copied().unwrap_or(0.0)
    }

    /// Returns the weights feature by feature, a number per class, and what no number of the model exceeds; `None` if the
    /// largest score does not decide, there are no classes, or a number is not finite.
    pub fn by_feature(&self) -> Option<(Vec<f64>, f64)> {
        let linear = matches!(self.kind, Type::Multinomial | Type::Complement);
        if !linear || self.thresholds.is_some() || self.offset.is_empty() {
            return None;
        }
        let mut all = Vec::with_capacity(self.features() * self.classes());
        for feature in 0..self.features() {
            all.extend((0..self.classes()).map(|class| self.weights.row(class)[feature]));
        }
        // The logarithm of a sum over classes is below their number.
        let classes = self.classes() as f64;
        let numbers = || all.iter().chain(&self.offset);
        let largest = numbers().fold(classes, |most, number| most.max(number.abs()));
        numbers().all(|number| number.is_finite()).then_some((all, largest))
    }

    /// Returns whether [`Self::raw_of_terms`] computes what vectors of this size and these counts would.
    pub fn takes_terms(&self, size: usize, binary: bool) -> bool {
        size == self.features() && self.kind.takes_counts(binary)
    }

    /// Returns the class of the largest raw value, or, with thresholds, that of the probabilities.
    pub fn prediction_of_raw(&self, raw: &[f64]) -> f64 {
        match &self.thresholds {
            None => VectorRef::Dense(raw).argmax() as f64,
            Some(thresholds) => scores::decided(&scores::softmax(raw), Some(thresholds)),
        }
    }

    /// Turns complement scores into logs of probabilities (log-sum-exp); the scores of other types stay.
    fn finish(&self, out: &mut [f64]) {
        if self.kind == Type::Complement {
            let most = out
                .iter()
                .copied()
                .fold(f64::NEG_INFINITY, |a, b| if b > a { b } else { a });
            let total = out.iter().map(|v| (v - most).exp()).sum::<f64>().ln() + most;
            out.iter_mut().for_each(|v| *v -= total);
        }
    }
}

impl Scores for Predictor {
    fn raw(&self, features: VectorRef<'_>, out: &mut Vec<f64>) -> std::result::Result<(), String> {
        self.raw(features, out)
    }

    fn probability(&self, raw: &[f64]) -> Option<Vec<f64>> {
        Some(scores::softmax(raw))
    }

    fn of_raw(&self, raw: &[f64]) -> f64 {
        self.prediction_of_raw(raw)
    }

    fn of_probability(&self, probability: &[f64]) -> f64 {
        scores::decided(probability, self.thresholds.as_deref())
    }
}
