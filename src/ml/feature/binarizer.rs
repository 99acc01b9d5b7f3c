//! `Binarizer`: 1 above a threshold, else 0.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};

use crate::error::{Result, SparkError};
use crate::ml::attributes::Features;
use crate::ml::columns::Body;
use crate::ml::literal::Kind;
use crate::ml::params::{Check, Default, INPUT, INPUTS, OUTPUT, OUTPUTS, Param, Params, free, param};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::vector::{self, VectorRef};

/// Returns 1 if the value is above the threshold, else 0; NaN is never above.
fn above(value: f64, threshold: f64) -> f64 {
    f64::from(u8::from(value > threshold))
}

/// Binarizes doubles or vectors; null stays null. Vectors become sparse or dense, whichever is smaller.
///
/// # Errors
/// If the array is neither of doubles nor of vectors.
pub fn apply(threshold: f64, values: &dyn Array) -> Result<ArrayRef> {
    if let Some(doubles) = values.as_primitive_opt::<Float64Type>() {
        let out: Float64Array = doubles.unary(|v| above(v, threshold));
        return Ok(Arc::new(out));
    }
    vector::map(values, |_, v| {
        let all: Vec<f64> = v.to_dense().into_iter().map(|x| above(x, threshold)).collect();
        Ok(VectorRef::Dense(&all).compressed())
    })
}

/// Makes numbers and elements of vectors 1 above a threshold, else 0; null stays null (`Binarizer`).
///
/// With several columns, `thresholds` has one per column, or `threshold` serves all. A value equal to the threshold
/// becomes 0.
#[derive(Debug)]
pub struct Binarizer;

impl Stage for Binarizer {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.Binarizer"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            INPUTS,
            OUTPUTS,
            param("threshold", Kind::Double, Default::Double(0.0), Check::Any),
            free("thresholds", Kind::Doubles),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for Binarizer {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        mut input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let pairs = params.column_pairs()?;
        let thresholds = if params.is_set("thresholds") {
            params.doubles("thresholds")?
        } else {
            vec![params.double("threshold")?; pairs.len()]
        };
        if thresholds.len() != pairs.len() {
            return Err(SparkError::requirement(format!(
                "Binarizer has {} thresholds for {} columns.",
                thresholds.len(),
                pairs.len()
            )));
        }
        for ((from, to), threshold) in pairs.into_iter().zip(thresholds) {
            let read = analyzer.input_column(&input, &from)?;
            let (is_vector, known) = (vector::is_vector(&read.typed.data_type), analyzer.features_of(&read));
            let read = if is_vector {
                read
            } else {
                analyzer.as_double(analyzer.numeric(read)?)?
            };
            let to_type = if is_vector {
                vector::data_type()
            } else {
                DataType::Float64
            };
            let body: Body = Box::new(move |args, _| Ok(apply(threshold, &args[0])?));
            let options = format!("{} {threshold}", params.fingerprint());
            input = analyzer.append(input, params, &options, &to, to_type, vec![read], body)?;
            if !is_vector {
                analyzer.note_binary(&input)?;
            } else if let Some(all) = known.as_ref().and_then(|known| known.all()) {
                analyzer.note_features(&input, Some(Features::unnamed(all.len())))?;
            }
        }
        Ok(input)
    }
}
