//! `Normalizer`: vectors of length 1.

use arrow::array::{Array, ArrayRef};

use super::scale::each;
use crate::error::Result;
use crate::ml::columns::Body;
use crate::ml::literal::Kind;
use crate::ml::params::{Check, Default, INPUT, OUTPUT, Param, Params, param};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::vector;

/// Divides vectors by their p-norm; null stays null (`Normalizer`).
///
/// `p` is 2 by default and at least 1; infinity means the largest absolute value.
#[derive(Debug)]
pub struct Normalizer;

impl Stage for Normalizer {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.Normalizer"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            param("p", Kind::Double, Default::Double(2.0), Check::AtLeast(1.0)),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for Normalizer {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let features = analyzer.vectors(&input, &params.text("inputCol")?)?;
        let p = params.double("p")?;
        let body: Body = Box::new(move |args, _| Ok(normalize(p, &args[0])?));
        analyzer.stage(input, params, vector::data_type(), vec![features], body)
    }
}

/// Divides by the p-norm; a vector of zeros stays, and sparse vectors stay sparse.
///
/// # Errors
/// If the array is not one of vectors.
fn normalize(p: f64, vectors: &dyn Array) -> Result<ArrayRef> {
    vector::map(vectors, |_, v| {
        let values = v.values();
        let norm = if p == 1.0 {
            values.iter().map(|x| x.abs()).sum()
        } else if p == 2.0 {
            values.iter().map(|x| x * x).sum::<f64>().sqrt()
        } else if p == f64::INFINITY {
            values.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
        } else {
            values.iter().map(|x| x.abs().powf(p)).sum::<f64>().powf(1.0 / p)
        };
        Ok(if norm == 0.0 {
            v.to_owned()
        } else {
            each(v, |_, x| x / norm)
        })
    })
}
