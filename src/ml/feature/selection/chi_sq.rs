//! `ChiSqSelector`: the features of categories that depend most on the label.

use super::{Chosen, Maker, by, chosen};
use crate::error::Result;
use crate::ml::literal::Kind;
use crate::ml::model::{Model, ModelKind};
use crate::ml::params::{Check, Default, FEATURES, LABEL, OUTPUT, Param, Params, one_of, param};
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::stat::chi_square::TEST;
use crate::ml::stat::tests::Test;

/// Selects features by chi-squared tests of independence from the label (`ChiSqSelector`).
///
/// `selectorType` chooses by number (`numTopFeatures`), share (`percentile`), p-value (`fpr`), false discoveries (`fdr`)
/// or family-wise error (`fwe`), each with a param of its name. Both features and label are categories, at most 10,000.
#[derive(Debug)]
pub struct ChiSqSelector;

/// Returns a param that is a rate.
const fn rate(name: &'static str, default: f64) -> Param {
    param(name, Kind::Double, Default::Double(default), Check::Within(0.0, 1.0))
}

impl Stage for ChiSqSelector {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.ChiSqSelector"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            FEATURES,
            LABEL,
            OUTPUT,
            rate("fdr", 0.05),
            rate("fpr", 0.05),
            rate("fwe", 0.05),
            param("numTopFeatures", Kind::Int, Default::Int(50), Check::AtLeast(1.0)),
            rate("percentile", 0.1),
            one_of(
                "selectorType",
                "numTopFeatures",
                &["numTopFeatures", "percentile", "fpr", "fdr", "fwe"],
            ),
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
    class: Some("org.apache.spark.ml.feature.ChiSqSelectorModel"),
    tag: 45,
    decode: |bytes| Maker::ChiSq.decoded(bytes),
    read: |row| Maker::ChiSq.read(row),
};

impl Estimator for ChiSqSelector {
    fn training(&self, params: &Params) -> Result<Training> {
        let (features, label) = (params.text("featuresCol")?, params.text("labelCol")?);
        let reads = Test::columns(&features, &label);
        let make = (TEST.summary)(features, label);
        Ok(Training::new(reads, make))
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let tested = (TEST.results)(state)?;
        let mode = params.text("selectorType")?;
        let threshold = if mode == "numTopFeatures" {
            params.int(&mode)? as f64
        } else {
            params.double(&mode)?
        };
        let mut features = chosen(&tested, by(&mode, threshold, tested.len()));
        features.sort_unstable();
        let maker = Maker::ChiSq;
        Ok(Model::new(params, Chosen { maker, features }))
    }
}
