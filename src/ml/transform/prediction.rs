//! Prediction with naive Bayes.

use std::sync::Arc;

use arrow::datatypes::DataType;

use super::*;
use crate::error::Result;
use crate::kernels::kernel;
use crate::ml::classification::naive_bayes::Predictor;
use crate::ml::params::Params;
use crate::plan::analyzer::Analyzer;
use crate::plan::resolve::typed_attribute;
use crate::plan::scope::{Resolved, Typed};
use crate::values::vector;

impl Analyzer {
    /// Raw predictions, probabilities and predictions, those whose columns have names.
    ///
    /// A prediction that comes of a text through words and hashes alone is made of the text in one pass; the columns in
    /// between are then made only where somebody selects them.
    pub(super) fn naive_bayes(
        &mut self,
        mut input: Resolved,
        id: &str,
        params: &Params,
        predictor: &Arc<Predictor>,
    ) -> Result<Resolved> {
        let features = self.vectors(&input, &params.text("featuresCol")?)?;
        let options = format!("{id} {}", params.fingerprint());
        let (mut raw, mut probability) = (None, None);
        let fast = self
            .text_terms(&features)
            .filter(|t| t.source_in(&input))
            .and_then(|t| t.predictor(predictor));
        let features_column = features.name.clone();
        let raw_body = || -> Body {
            let (predictor, column) = (predictor.clone(), features_column.clone());
            Box::new(move |args, _| Ok(predictor.raw_column(&args[0], &column)?))
        };
        let read_features = || Input {
            typed: features.typed.clone(),
            name: features.name.clone(),
        };
        if let Some(to) = params.column("rawPredictionCol") {
            input = self.append(
                input,
                params,
                &options,
                &to,
                vector::data_type(),
                vec![read_features()],
                raw_body(),
            )?;
            raw = input.output.last().map(typed_attribute);
        }
        // Without a column, the raw prediction is an expression inside those that need it.
        let raw_input = |raw: &Option<Typed>| Input {
            typed: raw.clone().unwrap_or_else(|| {
                let expr = kernel::call(
                    "NaiveBayesModel_raw",
                    options.clone(),
                    vector::data_type(),
                    vec![features.typed.expr.clone()],
                    raw_body(),
                );
                Typed::new(expr, vector::data_type(), "raw")
            }),
            name: features.name.clone(),
        };
        if let Some(to) = params.column("probabilityCol") {
            let predictor = predictor.clone();
            let body: Body = Box::new(move |args, _| Ok(predictor.probability_column(&args[0])?));
            let options = format!("probability {options}");
            let read = raw_input(&raw);
            input = self.append(input, params, &options, &to, vector::data_type(), vec![read], body)?;
            probability = input.output.last().map(typed_attribute);
        }
        let Some(to) = params.column("predictionCol") else {
            return Ok(input);
        };
        if let Some(fast) = fast {
            let read = Input {
                name: fast.source().name.clone(),
                typed: typed_attribute(fast.source()),
            };
            let options = format!("text {options}");
            let body: Body = Box::new(move |args, _| Ok(fast.predict(&args[0])?));
            return self.append(input, params, &options, &to, DataType::Float64, vec![read], body);
        }
        let predictor = predictor.clone();
        let (read, body): (Input, Body) = match (&raw, probability) {
            (None, Some(typed)) => (
                Input {
                    typed,
                    name: features.name.clone(),
                },
                Box::new(move |args, _| Ok(predictor.prediction_column_of_probability(&args[0])?)),
            ),
            (raw, _) => (
                raw_input(raw),
                Box::new(move |args, _| Ok(predictor.prediction_column_of_raw(&args[0])?)),
            ),
        };
        let options = format!("prediction {options}");
        self.append(input, params, &options, &to, DataType::Float64, vec![read], body)
    }
}
