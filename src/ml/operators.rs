//! The table of stages: Spark's class names, their params with defaults, and the models that they make.

use super::error::illegal;
use super::literal::Kind;
use super::params::{Check, Default, Param};
use crate::error::Result;

/// What a stage does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Tokenizer,
    RegexTokenizer,
    StopWordsRemover,
    NGram,
    HashingTF,
    Idf,
    CountVectorizer,
    StringIndexer,
    IndexToString,
    OneHotEncoder,
    VectorAssembler,
    Binarizer,
    Bucketizer,
    StandardScaler,
    MinMaxScaler,
    MaxAbsScaler,
    Normalizer,
    SqlTransformer,
    NaiveBayes,
    StreamingNaiveBayes,
    BinaryEvaluator,
    MulticlassEvaluator,
}

/// One kind of stage; an estimator and its model share their params.
#[derive(Debug)]
pub struct Operator {
    pub stage: Stage,
    /// Spark's class.
    pub class: &'static str,
    /// Class of the model that the estimator makes.
    pub model: Option<&'static str>,
    pub params: &'static [Param],
}

impl Operator {
    pub fn param(&self, name: &str) -> Option<&'static Param> {
        self.params.iter().find(|p| p.name == name)
    }

    /// The class without its package.
    pub fn short(&self) -> &'static str {
        self.class.rsplit('.').next().unwrap_or(self.class)
    }
}

const fn param(name: &'static str, kind: Kind, default: Default, check: Check) -> Param {
    Param {
        name,
        kind,
        default,
        check,
    }
}

const fn free(name: &'static str, kind: Kind) -> Param {
    param(name, kind, Default::None, Check::Any)
}

const fn flag(name: &'static str, default: bool) -> Param {
    param(name, Kind::Bool, Default::Bool(default), Check::Any)
}

const fn named(name: &'static str, default: &'static str) -> Param {
    param(name, Kind::Text, Default::Text(default), Check::Any)
}

const fn one_of(name: &'static str, default: &'static str, words: &'static [&'static str]) -> Param {
    param(name, Kind::Text, Default::Text(default), Check::OneOf(words))
}

const INPUT: Param = free("inputCol", Kind::Text);
const OUTPUT: Param = param("outputCol", Kind::Text, Default::Output, Check::Any);
const INPUTS: Param = free("inputCols", Kind::Texts);
const OUTPUTS: Param = free("outputCols", Kind::Texts);
const FEATURES: Param = named("featuresCol", "features");
const LABEL: Param = named("labelCol", "label");
const PREDICTION: Param = named("predictionCol", "prediction");
const PROBABILITY: Param = named("probabilityCol", "probability");
const RAW_PREDICTION: Param = named("rawPredictionCol", "rawPrediction");
const WEIGHT: Param = free("weightCol", Kind::Text);
const BINARY: Param = flag("binary", false);
const INVALID: Param = one_of("handleInvalid", "error", &["skip", "error", "keep"]);

const NON_NEGATIVE: Check = Check::AtLeast(0.0);
const POSITIVE: Check = Check::Above(0.0);

macro_rules! operator {
    ($stage:ident, $class:literal, $model:expr, [$($param:expr),* $(,)?]) => {
        Operator { stage: Stage::$stage, class: concat!("org.apache.spark.ml.", $class), model: $model, params: &[$($param),*] }
    };
}

/// All stages.
pub static OPERATORS: &[Operator] = &[
    operator!(Tokenizer, "feature.Tokenizer", None, [INPUT, OUTPUT]),
    operator!(
        RegexTokenizer,
        "feature.RegexTokenizer",
        None,
        [
            INPUT,
            OUTPUT,
            flag("gaps", true),
            param("minTokenLength", Kind::Int, Default::Int(1), NON_NEGATIVE),
            named("pattern", "\\s+"),
            flag("toLowercase", true),
        ]
    ),
    operator!(
        StopWordsRemover,
        "feature.StopWordsRemover",
        None,
        [
            INPUT,
            OUTPUT,
            INPUTS,
            OUTPUTS,
            flag("caseSensitive", false),
            named("locale", "en_US"),
            param("stopWords", Kind::Texts, Default::StopWords, Check::Any),
        ]
    ),
    operator!(
        NGram,
        "feature.NGram",
        None,
        [
            INPUT,
            OUTPUT,
            param("n", Kind::Int, Default::Int(2), Check::AtLeast(1.0))
        ]
    ),
    operator!(
        HashingTF,
        "feature.HashingTF",
        None,
        [
            INPUT,
            OUTPUT,
            BINARY,
            param("numFeatures", Kind::Int, Default::Int(1 << 18), POSITIVE)
        ]
    ),
    operator!(
        Idf,
        "feature.IDF",
        Some("org.apache.spark.ml.feature.IDFModel"),
        [
            INPUT,
            OUTPUT,
            param("minDocFreq", Kind::Int, Default::Int(0), NON_NEGATIVE)
        ]
    ),
    operator!(
        CountVectorizer,
        "feature.CountVectorizer",
        Some("org.apache.spark.ml.feature.CountVectorizerModel"),
        [
            INPUT,
            OUTPUT,
            BINARY,
            param("maxDF", Kind::Double, Default::Double(i64::MAX as f64), NON_NEGATIVE),
            param("minDF", Kind::Double, Default::Double(1.0), NON_NEGATIVE),
            param("minTF", Kind::Double, Default::Double(1.0), NON_NEGATIVE),
            param("vocabSize", Kind::Int, Default::Int(1 << 18), POSITIVE),
        ]
    ),
    operator!(
        StringIndexer,
        "feature.StringIndexer",
        Some("org.apache.spark.ml.feature.StringIndexerModel"),
        [
            INPUT,
            OUTPUT,
            INPUTS,
            OUTPUTS,
            INVALID,
            one_of(
                "stringOrderType",
                "frequencyDesc",
                &["frequencyDesc", "frequencyAsc", "alphabetDesc", "alphabetAsc"]
            ),
        ]
    ),
    operator!(
        IndexToString,
        "feature.IndexToString",
        None,
        [INPUT, OUTPUT, free("labels", Kind::Texts)]
    ),
    operator!(
        OneHotEncoder,
        "feature.OneHotEncoder",
        Some("org.apache.spark.ml.feature.OneHotEncoderModel"),
        [
            INPUT,
            OUTPUT,
            INPUTS,
            OUTPUTS,
            flag("dropLast", true),
            one_of("handleInvalid", "error", &["keep", "error"]),
        ]
    ),
    operator!(
        VectorAssembler,
        "feature.VectorAssembler",
        None,
        [INPUTS, OUTPUT, INVALID]
    ),
    operator!(
        Binarizer,
        "feature.Binarizer",
        None,
        [
            INPUT,
            OUTPUT,
            INPUTS,
            OUTPUTS,
            param("threshold", Kind::Double, Default::Double(0.0), Check::Any),
            free("thresholds", Kind::Doubles),
        ]
    ),
    operator!(
        Bucketizer,
        "feature.Bucketizer",
        None,
        [
            INPUT,
            OUTPUT,
            INPUTS,
            OUTPUTS,
            INVALID,
            param("splits", Kind::Doubles, Default::None, Check::Splits),
            param("splitsArray", Kind::DoublesList, Default::None, Check::Splits),
        ]
    ),
    operator!(
        StandardScaler,
        "feature.StandardScaler",
        Some("org.apache.spark.ml.feature.StandardScalerModel"),
        [INPUT, OUTPUT, flag("withMean", false), flag("withStd", true)]
    ),
    operator!(
        MinMaxScaler,
        "feature.MinMaxScaler",
        Some("org.apache.spark.ml.feature.MinMaxScalerModel"),
        [
            INPUT,
            OUTPUT,
            param("max", Kind::Double, Default::Double(1.0), Check::Any),
            param("min", Kind::Double, Default::Double(0.0), Check::Any),
        ]
    ),
    operator!(
        MaxAbsScaler,
        "feature.MaxAbsScaler",
        Some("org.apache.spark.ml.feature.MaxAbsScalerModel"),
        [INPUT, OUTPUT]
    ),
    operator!(
        Normalizer,
        "feature.Normalizer",
        None,
        [
            INPUT,
            OUTPUT,
            param("p", Kind::Double, Default::Double(2.0), Check::AtLeast(1.0))
        ]
    ),
    operator!(
        SqlTransformer,
        "feature.SQLTransformer",
        None,
        [free("statement", Kind::Text)]
    ),
    operator!(
        NaiveBayes,
        "classification.NaiveBayes",
        Some("org.apache.spark.ml.classification.NaiveBayesModel"),
        [
            FEATURES,
            LABEL,
            one_of(
                "modelType",
                "multinomial",
                &["multinomial", "bernoulli", "gaussian", "complement"]
            ),
            PREDICTION,
            PROBABILITY,
            RAW_PREDICTION,
            param("smoothing", Kind::Double, Default::Double(1.0), NON_NEGATIVE),
            param("thresholds", Kind::Doubles, Default::None, Check::Thresholds),
            WEIGHT,
        ]
    ),
    operator!(
        StreamingNaiveBayes,
        "classification.StreamingNaiveBayes",
        None,
        [
            FEATURES,
            LABEL,
            one_of(
                "modelType",
                "multinomial",
                &["multinomial", "bernoulli", "gaussian", "complement"]
            ),
            PREDICTION,
            PROBABILITY,
            RAW_PREDICTION,
            param("smoothing", Kind::Double, Default::Double(1.0), NON_NEGATIVE),
            param("thresholds", Kind::Doubles, Default::None, Check::Thresholds),
            WEIGHT,
            param("halfLife", Kind::Double, Default::None, POSITIVE),
            one_of("timeUnit", "batches", &["batches", "points"]),
            free("initialModel", Kind::Text),
            free("batchId", Kind::Long),
        ]
    ),
    operator!(
        BinaryEvaluator,
        "evaluation.BinaryClassificationEvaluator",
        None,
        [
            LABEL,
            one_of("metricName", "areaUnderROC", &["areaUnderROC", "areaUnderPR"]),
            param("numBins", Kind::Int, Default::Int(1000), NON_NEGATIVE),
            RAW_PREDICTION,
            WEIGHT,
        ]
    ),
    operator!(
        MulticlassEvaluator,
        "evaluation.MulticlassClassificationEvaluator",
        None,
        [
            param("beta", Kind::Double, Default::Double(1.0), POSITIVE),
            param("eps", Kind::Double, Default::Double(1e-15), Check::Between(0.0, 0.5)),
            LABEL,
            param("metricLabel", Kind::Double, Default::Double(0.0), NON_NEGATIVE),
            one_of("metricName", "f1", crate::ml::evaluation::multiclass::METRICS),
            PREDICTION,
            PROBABILITY,
            WEIGHT,
        ]
    ),
];

/// The stage of a class: an estimator's, a transformer's, an evaluator's or a model's.
///
/// # Errors
/// `CONNECT_ML.UNSUPPORTED_EXCEPTION` where Rivulet has no such class.
pub fn by_name(class: &str) -> Result<&'static Operator> {
    let found = OPERATORS.iter().find(|o| o.class == class || o.model == Some(class));
    found.ok_or_else(|| {
        let mut error = illegal(format!(
            "Unsupported ML operator, found {class}. Rivulet has {}.",
            OPERATORS.iter().map(Operator::short).collect::<Vec<_>>().join(", ")
        ));
        error.condition = Some("CONNECT_ML.UNSUPPORTED_EXCEPTION".into());
        error
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_params_are_named_once() {
        for (i, operator) in OPERATORS.iter().enumerate() {
            assert!(OPERATORS[..i].iter().all(|o| o.class != operator.class));
            for (j, param) in operator.params.iter().enumerate() {
                assert!(
                    operator.params[..j].iter().all(|p| p.name != param.name),
                    "{}",
                    param.name
                );
            }
        }
    }

    #[test]
    fn a_model_is_found_by_its_own_class() {
        assert_eq!(
            by_name("org.apache.spark.ml.feature.IDFModel").unwrap().stage,
            Stage::Idf
        );
        assert!(by_name("org.apache.spark.ml.clustering.KMeans").is_err());
    }
}
