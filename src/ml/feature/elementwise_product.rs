//! `ElementwiseProduct`: vectors times one vector, value by value.

use crate::error::Result;
use crate::ml::columns::Body;
use crate::ml::feature::scale::{each, each_vector};
use crate::ml::literal::Kind;
use crate::ml::params::{INPUT, OUTPUT, Param, Params, free};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::vector::{self, VectorRef};

/// Multiplies each feature by that of `scalingVec` (`ElementwiseProduct`); sparse vectors stay sparse.
///
/// A null vector is an error, and so is one of another size.
#[derive(Debug)]
pub struct ElementwiseProduct;

impl Stage for ElementwiseProduct {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.ElementwiseProduct"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[INPUT, OUTPUT, free("scalingVec", Kind::Vector)];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for ElementwiseProduct {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let by = params.vector("scalingVec")?.view().to_dense();
        let read = analyzer.vectors(&input, &params.text("inputCol")?)?;
        let column = read.name.clone();
        let body: Body = Box::new(move |args, _| {
            let times = |v: VectorRef<'_>| {
                if v.size() == by.len() {
                    return Ok(each(v, |i, x| x * by[i]));
                }
                Err(format!(
                    "java.lang.IllegalArgumentException: requirement failed: vector sizes do not match: Expected {} but found {}",
                    by.len(),
                    v.size()
                ))
            };
            Ok(each_vector("ElementwiseProduct", &args[0], &column, times)?)
        });
        analyzer.stage(input, params, vector::data_type(), vec![read], body)
    }
}
