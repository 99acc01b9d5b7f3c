//! `UnivariateFeatureSelector`: the features that depend most on the label, whatever both are.

use super::{Chosen, Maker, by, chosen};
use crate::error::{Result, SparkError};
use crate::ml::error::illegal;
use crate::ml::literal::Kind;
use crate::ml::model::{Model, ModelKind};
use crate::ml::params::{Check, Default, FEATURES, LABEL, OUTPUT, Param, Params, free, one_of, param};
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::stat::tests::Test;
use crate::ml::stat::{chi_square, regression, variance};

/// Selects features by a test against the label (`UnivariateFeatureSelector`).
///
/// | `featureType` | `labelType` | test |
/// |---------------|-------------|------|
/// | `categorical` | `categorical` | chi-squared |
/// | `continuous` | `categorical` | analysis of variance |
/// | `continuous` | `continuous` | F-test of a regression |
///
/// `selectionMode` says what `selectionThreshold` is: a number of features, a share of them, or a bound of p-values.
#[derive(Debug)]
pub struct UnivariateFeatureSelector;

/// The kinds of features and labels.
const TYPES: Check = Check::OneOf(&["categorical", "continuous"]);

impl Stage for UnivariateFeatureSelector {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.UnivariateFeatureSelector"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            param("featureType", Kind::Text, Default::None, TYPES),
            FEATURES,
            LABEL,
            param("labelType", Kind::Text, Default::None, TYPES),
            OUTPUT,
            one_of(
                "selectionMode",
                "numTopFeatures",
                &["numTopFeatures", "percentile", "fpr", "fdr", "fwe"],
            ),
            free("selectionThreshold", Kind::Double),
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

/// How the model is named, decoded and loaded.
pub(super) static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.UnivariateFeatureSelectorModel"),
    tag: 46,
    decode: |bytes| Maker::Univariate.decoded(bytes),
    read: |row| Maker::Univariate.read(row),
};

/// Returns the test that params ask for.
///
/// # Errors
/// If a type is not set, or no test fits the two.
fn test(params: &Params) -> Result<&'static Test> {
    if !params.is_set("featureType") || !params.is_set("labelType") {
        return Err(SparkError::requirement("featureType and labelType need to be set"));
    }
    let (features, label) = (params.text("featureType")?, params.text("labelType")?);
    match (features.as_str(), label.as_str()) {
        ("categorical", "categorical") => Ok(&chi_square::TEST),
        ("continuous", "categorical") => Ok(&variance::TEST),
        ("continuous", "continuous") => Ok(&regression::TEST),
        _ => Err(illegal(format!(
            "Unsupported combination: featureType={features}, labelType={label}"
        ))),
    }
}

/// Returns how features are chosen: the mode and its threshold.
///
/// # Errors
/// If the threshold does not fit the mode.
fn threshold(params: &Params) -> Result<(String, f64)> {
    let mode = params.text("selectionMode")?;
    if !params.is_set("selectionThreshold") {
        let default = match mode.as_str() {
            "numTopFeatures" => 50.0,
            "percentile" => 0.1,
            _ => 0.05,
        };
        return Ok((mode, default));
    }
    let value = params.double("selectionThreshold")?;
    let text = crate::values::text::double(value);
    if mode == "numTopFeatures" && !(value >= 1.0 && value.fract() == 0.0) {
        return Err(SparkError::requirement(format!(
            "selectionThreshold needs to be a positive Integer for selection mode numTopFeatures, but got {text}"
        )));
    }
    if mode != "numTopFeatures" && !(0.0..=1.0).contains(&value) {
        return Err(SparkError::requirement(format!(
            "selectionThreshold needs to be in the range [0, 1] for selection mode {mode}, but got {text}"
        )));
    }
    Ok((mode, value))
}

impl Estimator for UnivariateFeatureSelector {
    fn training(&self, params: &Params) -> Result<Training> {
        threshold(params)?;
        let (features, label) = (params.text("featuresCol")?, params.text("labelCol")?);
        let reads = Test::columns(&features, &label);
        let make = (test(params)?.summary)(features, label);
        Ok(Training::new(reads, make))
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let tested = (test(params)?.results)(state)?;
        let (mode, value) = threshold(params)?;
        let features = chosen(&tested, by(&mode, value, tested.len()));
        let maker = Maker::Univariate;
        Ok(Model::new(params, Chosen { maker, features }))
    }
}
