//! Params of one stage: what a client set, over the stage's defaults, checked as Spark's `ParamValidators` check.
//!
//! A stage declares its params as a constant table of [`Param`]; there are builders for the shapes that recur
//! ([`free`], [`flag`], [`named`], [`one_of`]) and constants for those that stages share (`HasInputCol` and its
//! relatives). Values are checked once, when they are put, so the code of a stage reads them by type and need not check
//! again.

mod check;

use std::collections::BTreeMap;

pub use self::check::Check;
use super::error::illegal;
use super::feature::stop_words;
use super::literal::{Kind, Value};
use super::matrix::Matrix;
use super::stage::Stage;
use crate::error::{Result, SparkError};
use crate::proto as sc;
use crate::values::java_random;
use crate::values::vector::Vector;

/// One param of a stage: its name, type, default and validity.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Spark's name, in camel case; compared exactly.
    pub name: &'static str,
    /// Type of the value; integers are widened if it is a double.
    pub kind: Kind,
    /// Value if nobody sets one.
    pub default: Default,
    /// Which values are valid.
    pub check: Check,
}

/// The value of a param that nobody sets.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    /// No default: the param must be set, or the stage works without it.
    None,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// A string.
    Text(&'static str),
    /// The uid with `__output`.
    Output,
    /// A list without elements.
    Empty,
    /// A list of doubles.
    Doubles(&'static [f64]),
    /// The hash of the stage's class, as seeds are by default (`HasSeed`).
    Seed,
    /// The English stop words, made only if they are asked for.
    StopWords,
}

/// Returns a param.
pub const fn param(name: &'static str, kind: Kind, default: Default, check: Check) -> Param {
    Param {
        name,
        kind,
        default,
        check,
    }
}

/// Returns a param without a default that takes any value.
pub const fn free(name: &'static str, kind: Kind) -> Param {
    param(name, kind, Default::None, Check::Any)
}

/// Returns a boolean param.
pub const fn flag(name: &'static str, default: bool) -> Param {
    param(name, Kind::Bool, Default::Bool(default), Check::Any)
}

/// Returns a param of any string, such as a column name.
pub const fn named(name: &'static str, default: &'static str) -> Param {
    param(name, Kind::Text, Default::Text(default), Check::Any)
}

/// Returns a param of one of several words.
pub const fn one_of(name: &'static str, default: &'static str, words: &'static [&'static str]) -> Param {
    param(name, Kind::Text, Default::Text(default), Check::OneOf(words))
}

/// Returns the params of several lists as one; `N` is their number.
pub const fn joined<const N: usize>(lists: &[&[Param]]) -> [Param; N] {
    let mut all = [SEED; N];
    let (mut list, mut at) = (0, 0);
    while list < lists.len() {
        let mut own = 0;
        while own < lists[list].len() {
            all[at] = lists[list][own];
            own += 1;
            at += 1;
        }
        list += 1;
    }
    assert!(at == N, "the lists have another number of params");
    all
}

/// `inputCol` (`HasInputCol`).
pub const INPUT: Param = free("inputCol", Kind::Text);
/// `outputCol` (`HasOutputCol`): the uid with `__output` by default.
pub const OUTPUT: Param = param("outputCol", Kind::Text, Default::Output, Check::Any);
/// `inputCols` (`HasInputCols`).
pub const INPUTS: Param = free("inputCols", Kind::Texts);
/// `outputCols` (`HasOutputCols`).
pub const OUTPUTS: Param = free("outputCols", Kind::Texts);
/// `featuresCol` (`HasFeaturesCol`).
pub const FEATURES: Param = named("featuresCol", "features");
/// `labelCol` (`HasLabelCol`).
pub const LABEL: Param = named("labelCol", "label");
/// `predictionCol` (`HasPredictionCol`).
pub const PREDICTION: Param = named("predictionCol", "prediction");
/// `probabilityCol` (`HasProbabilityCol`).
pub const PROBABILITY: Param = named("probabilityCol", "probability");
/// `rawPredictionCol` (`HasRawPredictionCol`).
pub const RAW_PREDICTION: Param = named("rawPredictionCol", "rawPrediction");
/// `weightCol` (`HasWeightCol`): every row weighs 1 if it is unset.
pub const WEIGHT: Param = free("weightCol", Kind::Text);
/// `binary`: counts above 0 become 1.
pub const BINARY: Param = flag("binary", false);
/// `handleInvalid` with `skip`, `error` and `keep` (`HasHandleInvalid`).
pub const INVALID: Param = one_of("handleInvalid", "error", &["skip", "error", "keep"]);
/// `thresholds` (`HasThresholds`).
pub const THRESHOLDS: Param = param("thresholds", Kind::Doubles, Default::None, Check::Thresholds);

/// `seed` (`HasSeed`).
pub const SEED: Param = param("seed", Kind::Long, Default::Seed, Check::Any);

/// How many levels a sum over partitions has; the engine chooses by itself.
pub const AGGREGATION_DEPTH: Param = param("aggregationDepth", Kind::Int, Default::Int(2), Check::AtLeast(2.0));
/// How large blocks of rows are; the engine chooses by itself.
pub const BLOCK_SIZE: Param = param("maxBlockSizeInMB", Kind::Double, Default::Double(0.0), NON_NEGATIVE);
/// Whether there is an intercept.
pub const INTERCEPT: Param = flag("fitIntercept", true);
/// How much large coefficients cost.
pub const PENALTY: Param = param("regParam", Kind::Double, Default::Double(0.0), NON_NEGATIVE);
/// Whether features are scaled before coefficients cost.
pub const STANDARDIZATION: Param = flag("standardization", true);

/// Returns the param of the most steps.
pub const fn steps(default: i64) -> Param {
    param("maxIter", Kind::Int, Default::Int(default), NON_NEGATIVE)
}

/// Returns the param of how little a step may change before the training ends.
pub const fn tolerance(default: f64) -> Param {
    param("tol", Kind::Double, Default::Double(default), NON_NEGATIVE)
}

/// Numbers from 0 on.
pub const NON_NEGATIVE: Check = Check::AtLeast(0.0);
/// Numbers above 0.
pub const POSITIVE: Check = Check::Above(0.0);

/// The params of one stage.
///
/// ```
/// use rivulet::ml::{literal::Value, params::Params, stage};
///
/// let stage = stage::by_name("org.apache.spark.ml.feature.NGram")?;
/// let mut params = Params::new(stage, "ngram", &Default::default())?;
/// assert_eq!(params.count("n")?, 2);
/// params.put("n", Value::Int(3))?;
/// assert_eq!(params.count("n")?, 3);
/// assert!(params.put("n", Value::Int(0)).is_err());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Params {
    /// The stage, which Spark Connect calls an operator.
    pub operator: &'static dyn Stage,
    /// The uid that clients chose for the stage; it is part of messages and default names.
    pub uid: String,
    /// What was set, by Spark's name, checked and widened.
    set: BTreeMap<&'static str, Value>,
}

impl Params {
    /// Reads and checks params.
    ///
    /// # Errors
    /// If a param is unknown to the operator or has an invalid value.
    pub fn new(operator: &'static dyn Stage, uid: &str, params: &sc::MlParams) -> Result<Self> {
        let mut out = Self {
            operator,
            uid: uid.to_owned(),
            set: BTreeMap::new(),
        };
        out.overlay(params)?;
        Ok(out)
    }

    /// Sets more params over those that are set, in the order of their names, so that the first error is always the
    /// same one.
    ///
    /// # Errors
    /// As [`Self::new`]; params before the invalid one stay set.
    pub fn overlay(&mut self, params: &sc::MlParams) -> Result<()> {
        let mut sorted: Vec<_> = params.params.iter().collect();
        sorted.sort_by_key(|(name, _)| name.as_str());
        for (name, literal) in sorted {
            self.put(name, Value::from_literal(literal)?)?;
        }
        Ok(())
    }

    /// Sets one param; null removes what was set, and integers become doubles for a param of doubles.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn put(&mut self, name: &str, value: Value) -> Result<()> {
        let Some(param) = self.operator.param(name) else {
            return Err(illegal(format!("Param {name} does not exist.")));
        };
        if value == Value::Null {
            self.set.remove(param.name);
            return Ok(());
        }
        let value = widened(value, param.kind);
        if !param.check.holds(&value) {
            return Err(illegal(format!(
                "{} parameter {name} given invalid value {value}.",
                self.uid
            )));
        }
        self.set.insert(param.name, value);
        Ok(())
    }

    /// Returns the params that are set, without defaults, in the order of their names.
    pub fn explicit(&self) -> impl Iterator<Item = (&'static Param, &Value)> {
        self.set
            .iter()
            .filter_map(|(name, value)| self.operator.param(name).map(|p| (p, value)))
    }

    /// Returns the params that are set, as a client reads them.
    pub fn to_proto(&self) -> sc::MlParams {
        let params = self.explicit().map(|(p, v)| (p.name.to_owned(), v.to_literal(p.kind)));
        sc::MlParams {
            params: params.collect(),
        }
    }

    /// Returns the default of a param; `None` if it has none. The default of `outputCol` contains the uid.
    pub fn default(&self, param: &Param) -> Option<Value> {
        Some(match param.default {
            Default::None => return None,
            Default::Bool(v) => Value::Bool(v),
            Default::Int(v) => Value::Int(v),
            Default::Double(v) => Value::Double(v),
            Default::Text(v) => Value::Text(v.to_owned()),
            Default::Output => Value::Text(format!("{}__output", self.uid)),
            Default::Empty => Value::List(vec![]),
            Default::Doubles(values) => Value::doubles(values),
            Default::Seed => Value::Int(java_random::hash_code(self.operator.class()).into()),
            Default::StopWords => Value::texts(stop_words::load("english").unwrap_or_default()),
        })
    }

    /// Returns the value that counts: the one set, else the default; `None` if there is neither, or the stage lacks the
    /// param.
    pub fn get(&self, name: &str) -> Option<Value> {
        match self.set.get(name) {
            Some(value) => Some(value.clone()),
            None => self.default(self.operator.param(name)?),
        }
    }

    /// Returns whether a client set the param; defaults do not count.
    pub fn is_set(&self, name: &str) -> bool {
        self.set.contains_key(name)
    }

    /// Returns the value that counts.
    ///
    /// # Errors
    /// If there is neither a value nor a default.
    fn needed(&self, name: &str) -> Result<Value> {
        self.get(name).ok_or_else(|| {
            SparkError::new(
                crate::error::Exception::Runtime,
                "_LEGACY_ERROR_TEMP_ML_PARAM",
                "42000",
                format!("Failed to find a default value for {name} of {}.", self.uid),
            )
        })
    }

    /// Returns the error of a value of another type than the stage reads.
    fn wrong(&self, name: &str, value: &Value) -> SparkError {
        illegal(format!("{} parameter {name} given invalid value {value}.", self.uid))
    }

    /// Returns a string.
    ///
    /// # Errors
    /// If the param has neither value nor default, or another type.
    pub fn text(&self, name: &str) -> Result<String> {
        match self.needed(name)? {
            Value::Text(text) => Ok(text),
            other => Err(self.wrong(name, &other)),
        }
    }

    /// Returns a boolean.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn bool(&self, name: &str) -> Result<bool> {
        match self.needed(name)? {
            Value::Bool(v) => Ok(v),
            other => Err(self.wrong(name, &other)),
        }
    }

    /// Returns an integer.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn int(&self, name: &str) -> Result<i64> {
        match self.needed(name)? {
            Value::Int(v) => Ok(v),
            other => Err(self.wrong(name, &other)),
        }
    }

    /// Returns an integer as a number of things.
    ///
    /// # Errors
    /// As [`Self::text`], and if it is negative.
    pub fn count(&self, name: &str) -> Result<usize> {
        let value = self.int(name)?;
        usize::try_from(value).map_err(|_| self.wrong(name, &Value::Int(value)))
    }

    /// Returns a param that counts as a double.
    ///
    /// # Errors
    /// If it is missing or of another type.
    pub fn double_of_count(&self, name: &str) -> Result<f64> {
        Ok(self.count(name)? as f64)
    }

    /// Returns the seed: that of the class if none was set (`HasSeed`).
    ///
    /// # Errors
    /// If it is of another type.
    pub fn seed(&self) -> Result<i64> {
        self.int("seed")
    }

    /// Returns a double; integers were widened when they were set.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn double(&self, name: &str) -> Result<f64> {
        match self.needed(name)? {
            Value::Double(v) => Ok(v),
            other => Err(self.wrong(name, &other)),
        }
    }

    /// Returns a list of strings.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn texts(&self, name: &str) -> Result<Vec<String>> {
        texts_of(&self.needed(name)?).ok_or_else(|| self.wrong(name, &Value::Null))
    }

    /// Returns a list of integers.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn ints(&self, name: &str) -> Result<Vec<i64>> {
        let value = self.needed(name)?;
        let Value::List(values) = &value else {
            return Err(self.wrong(name, &value));
        };
        let ints = values
            .iter()
            .map(|v| if let Value::Int(i) = v { Some(*i) } else { None });
        ints.collect::<Option<_>>().ok_or_else(|| self.wrong(name, &value))
    }

    /// Returns a vector.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn vector(&self, name: &str) -> Result<Vector> {
        match self.needed(name)? {
            Value::Vector(v) => Ok(v),
            other => Err(self.wrong(name, &other)),
        }
    }

    /// Returns a matrix.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn matrix(&self, name: &str) -> Result<Matrix> {
        match self.needed(name)? {
            Value::Matrix(m) => Ok(m),
            other => Err(self.wrong(name, &other)),
        }
    }

    /// Returns a list of doubles.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn doubles(&self, name: &str) -> Result<Vec<f64>> {
        doubles_of(&self.needed(name)?).ok_or_else(|| self.wrong(name, &Value::Null))
    }

    /// Returns a list of lists of doubles.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn doubles_list(&self, name: &str) -> Result<Vec<Vec<f64>>> {
        match self.needed(name)? {
            Value::List(lists) => lists
                .iter()
                .map(|l| doubles_of(l).ok_or_else(|| self.wrong(name, l)))
                .collect(),
            other => Err(self.wrong(name, &other)),
        }
    }

    /// Returns a column name that may be left out; `None` if it is unset or empty. Spark omits prediction columns named
    /// `""`.
    pub fn column(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// Returns (input, output) columns of a stage that takes one column or several (`HasInputCols`, …).
    ///
    /// # Errors
    /// If one form mixes with the other, the lists differ in length, or a name is missing.
    pub fn column_pairs(&self) -> Result<Vec<(String, String)>> {
        if self.is_set("inputCol") && self.is_set("inputCols") {
            return Err(illegal(format!(
                "{} requires exactly one of inputCol, inputCols Params to be set, but both are set.",
                self.uid
            )));
        }
        if !self.is_set("inputCols") {
            return Ok(vec![(self.text("inputCol")?, self.text("outputCol")?)]);
        }
        let (inputs, outputs) = (self.texts("inputCols")?, self.texts("outputCols")?);
        if inputs.len() != outputs.len() {
            return Err(SparkError::requirement(format!(
                "The number of input columns {} must be the same as the number of output columns {}.",
                inputs.len(),
                outputs.len()
            )));
        }
        Ok(inputs.into_iter().zip(outputs).collect())
    }

    /// Returns the columns that the stage adds, whichever params name those that it reads.
    ///
    /// # Errors
    /// As [`Self::column_pairs`].
    pub fn output_columns(&self) -> Result<Vec<String>> {
        if self.operator.param("inputCol").is_none() {
            if self.operator.param("outputCol").is_none() {
                return self.texts("outputCols");
            }
            return Ok(vec![self.text("outputCol")?]);
        }
        Ok(self.column_pairs()?.into_iter().map(|(_, to)| to).collect())
    }

    /// Returns a string that tells apart stages whose functions behave differently: class, uid, and every param that is
    /// set.
    pub fn fingerprint(&self) -> String {
        let set: Vec<String> = self.set.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
        format!("{} {} {}", self.operator.class(), self.uid, set.join(" "))
    }
}

/// Returns a list of strings; `None` if the value or an element is of another type.
pub fn texts_of(value: &Value) -> Option<Vec<String>> {
    let Value::List(values) = value else { return None };
    let texts = values
        .iter()
        .map(|v| if let Value::Text(t) = v { Some(t.clone()) } else { None });
    texts.collect()
}

/// Returns a list of doubles, integers widened; `None` if the value or an element is of another type.
pub fn doubles_of(value: &Value) -> Option<Vec<f64>> {
    let Value::List(values) = value else { return None };
    let doubles = values.iter().map(|v| match v {
        Value::Double(d) => Some(*d),
        Value::Int(i) => Some(*i as f64),
        _ => None,
    });
    doubles.collect()
}

/// Converts integers to doubles if doubles are meant, within lists too; other values stay.
fn widened(value: Value, kind: Kind) -> Value {
    match (value, kind) {
        (Value::Int(v), Kind::Double) => Value::Double(v as f64),
        (Value::List(values), kind) => match kind.element() {
            Some(element) => Value::List(values.into_iter().map(|v| widened(v, element)).collect()),
            None => Value::List(values),
        },
        (value, _) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::stage;

    fn naive_bayes() -> Params {
        let operator = stage::by_name("org.apache.spark.ml.classification.NaiveBayes").unwrap();
        Params::new(operator, "nb", &sc::MlParams::default()).unwrap()
    }

    #[test]
    fn defaults_hold_until_something_is_set() {
        let mut params = naive_bayes();
        assert_eq!(params.double("smoothing").unwrap(), 1.0);
        params.put("smoothing", Value::Int(2)).unwrap();
        assert_eq!(params.double("smoothing").unwrap(), 2.0);
        assert_eq!(params.column("weightCol"), None);
    }

    #[test]
    fn an_invalid_value_is_told_as_spark_tells_it() {
        let mut params = naive_bayes();
        let error = params.put("thresholds", Value::doubles(&[0.0, 0.0])).unwrap_err();
        assert_eq!(error.message, "nb parameter thresholds given invalid value [0.0,0.0].");
        assert!(params.put("modelType", Value::Text("poisson".into())).is_err());
        assert!(params.put("smoothing", Value::Double(-1.0)).is_err());
        assert!(params.put("nope", Value::Null).is_err());
    }

    #[test]
    fn splits_must_increase() {
        assert!(Check::Splits.holds(&Value::doubles(&[f64::NEG_INFINITY, 0.0, 1.0])));
        assert!(!Check::Splits.holds(&Value::doubles(&[0.0, 0.0, 1.0])));
        assert!(!Check::Splits.holds(&Value::doubles(&[0.0, 1.0])));
    }
}
