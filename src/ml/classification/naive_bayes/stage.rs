//! `NaiveBayes` and `NaiveBayesModel` as a stage: params, training, the columns of a prediction, and the saved form.

use std::sync::Arc;

use prost::Message;

use super::{Predictor, Type, fit};
use crate::error::Result;
use crate::ml::batches::{self, FOLDER};
use crate::ml::classification::scores::{Predictions, Scores};
use crate::ml::columns::Reads;
use crate::ml::literal::{Kind, Value};
use crate::ml::matrix::Matrix;
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{
    Default, FEATURES, LABEL, NON_NEGATIVE, PREDICTION, PROBABILITY, Param, Params, RAW_PREDICTION, THRESHOLDS, WEIGHT,
    one_of, param,
};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::summary::classes;
use crate::ml::summary::text_classes::TextClasses;
use crate::ml::text::predictor::TextPredictor;
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;

/// Trains naive Bayes models (`NaiveBayes`); null or invalid labels, features and weights are errors.
///
/// `modelType` chooses the formula, `smoothing` is added to every count, `weightCol` weighs rows. Training is one pass;
/// a task keeps one vector of sums per class.
#[derive(Debug)]
pub struct NaiveBayes;

impl Stage for NaiveBayes {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.classification.NaiveBayes"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            FEATURES,
            LABEL,
            one_of(
                "modelType",
                "multinomial",
                &["multinomial", "bernoulli", "gaussian", "complement"],
            ),
            PREDICTION,
            PROBABILITY,
            RAW_PREDICTION,
            param("smoothing", Kind::Double, Default::Double(1.0), NON_NEGATIVE),
            THRESHOLDS,
            WEIGHT,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Estimator(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }
}

impl Estimator for NaiveBayes {
    fn training(&self, params: &Params) -> Result<Training> {
        sums_of_classes(params)
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let state: classes::State = training::state(state)?;
        Ok(Model::new(params, fit(params, state.classes, state.features as usize)?))
    }
}

/// Returns the training of naive Bayes: sums per class.
///
/// # Errors
/// If a param is of another type.
pub fn sums_of_classes(params: &Params) -> Result<Training> {
    let weight = params.column("weightCol");
    let names = classes::Names {
        label: params.text("labelCol")?,
        features: params.text("featuresCol")?,
        weight: weight.clone().unwrap_or_default(),
    };
    let mut reads = vec![
        (names.features.clone(), Reads::Vectors),
        (names.label.clone(), Reads::Numbers),
    ];
    reads.extend(weight.map(|w| (w, Reads::Numbers)));
    let kind = Type::of(params)?;
    let of_text = names.clone();
    let training = Training::new(reads, move || Box::new(classes::Classes::new(kind, names.clone())));
    Ok(training.or_of_text(move |terms| {
        if !kind.takes_counts(terms.hashing.binary) {
            return None;
        }
        let names = of_text.clone();
        Some(Box::new(move || {
            let classes = classes::Classes::new(kind, names.clone());
            Box::new(TextClasses::new(classes, terms.clone()))
        }))
    }))
}

/// `NaiveBayesModel`: class log priors, and per class and feature: log probabilities, or means and variances.
///
/// ```
/// use rivulet::ml::classification::naive_bayes::NaiveBayesModel;
/// use rivulet::ml::matrix::Matrix;
/// use rivulet::ml::model::Fitted;
/// use rivulet::ml::params::Params;
/// use rivulet::ml::stage;
///
/// let model = NaiveBayesModel {
///     pi: vec![0.5_f64.ln(), 0.5_f64.ln()],
///     theta: Matrix::new(2, 1, vec![0.0, 0.0]),
///     ..NaiveBayesModel::default()
/// };
/// let stage = stage::by_name("org.apache.spark.ml.classification.NaiveBayes")?;
/// let params = Params::new(stage, "nb", &Default::default())?;
/// assert!(model.attribute(&params, "theta")?.is_some());
/// assert!(model.attribute(&params, "coefficients")?.is_none());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Clone, PartialEq, Message)]
pub struct NaiveBayesModel {
    /// Log prior per class.
    #[prost(double, repeated, tag = "1")]
    pub pi: Vec<f64>,
    /// One row per class, one column per feature.
    #[prost(message, required, tag = "2")]
    pub theta: Matrix,
    /// Variances of Gaussian models; else empty.
    #[prost(message, required, tag = "3")]
    pub sigma: Matrix,
    /// The sums it was made of, if it continues to learn.
    #[prost(message, optional, tag = "4")]
    pub statistics: Option<Statistics>,
}

/// Sums that a model of a stream was made of (`StreamingNaiveBayes`).
#[derive(Clone, PartialEq, Message)]
pub struct Statistics {
    /// Sums per class.
    #[prost(message, required, tag = "1")]
    pub sums: classes::State,
    /// The last batch that is in; `None` if batches have no ids.
    #[prost(int64, optional, tag = "2")]
    pub batch: Option<i64>,
}

/// How the model is named, decoded and loaded; Gaussian models came with Spark 3.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.classification.NaiveBayesModel"),
    tag: 10,
    decode: model::decoded::<NaiveBayesModel>,
    read: |row| {
        let (pi, theta) = (row.vector("pi")?, row.matrix("theta")?);
        // Before Spark 3 there were no Gaussian models.
        let sigma = if row.has("sigma") {
            row.matrix("sigma")?
        } else {
            Matrix::default()
        };
        let gaussian = !sigma.values.is_empty();
        if theta.height() != pi.len() || gaussian && (sigma.rows, sigma.columns) != (theta.rows, theta.columns) {
            return Err(row.corrupt("pi, theta and sigma differ in their classes or features"));
        }
        Ok(Arc::new(NaiveBayesModel {
            pi,
            theta,
            sigma,
            statistics: batches::saved(row)?,
        }))
    },
};

impl Fitted for NaiveBayesModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let predictor = Arc::new(Predictor::new(self, params)?);
        let features = analyzer.vectors(&input, &params.text("featuresCol")?)?;
        let terms = analyzer.text_terms(&features).filter(|t| t.source_in(&input));
        let text = terms.and_then(|t| TextPredictor::new(t.counts()?, &predictor));
        let scores = predictor;
        let predictions = Predictions {
            id,
            params,
            scores,
            text,
        };
        predictions.plan(analyzer, input)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "pi" => Some(model::dense(&self.pi)),
            "theta" => Some((self.theta.value(), Kind::Matrix)),
            "sigma" => Some((self.sigma.value(), Kind::Matrix)),
            "numClasses" => Some((Value::Int(self.pi.len() as i64), Kind::Int)),
            "numFeatures" => Some((Value::Int(self.theta.columns as i64), Kind::Int)),
            _ => None,
        })
    }

    fn describe(&self, params: &Params) -> Result<String> {
        Ok(format!(
            "modelType={}, numClasses={}, numFeatures={}",
            params.text("modelType")?,
            self.pi.len(),
            self.theta.columns
        ))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::vector("pi", &self.pi)?,
            Column::matrix("theta", &self.theta)?,
            Column::matrix("sigma", &self.sigma)?,
        ])
    }

    fn call(&self, params: &Params, method: &str, args: &[Value]) -> Result<Option<(Value, Kind)>> {
        let predictor: &dyn Scores = &Predictor::new(self, params)?;
        predictor.call(method, args)
    }

    fn beside(&self) -> Option<(&'static str, Vec<u8>)> {
        let statistics = self.statistics.as_ref()?;
        Some((FOLDER, statistics.encode_to_vec()))
    }

    fn last_batch(&self) -> Option<i64> {
        self.statistics.as_ref()?.batch
    }

    fn for_prediction(&self) -> Option<Arc<dyn Fitted>> {
        self.statistics.as_ref()?;
        let mut own = self.clone();
        own.statistics = None;
        Some(Arc::new(own))
    }
}
