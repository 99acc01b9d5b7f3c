//! `VectorSlicer`: some features of a vector, in a new order.

use crate::error::{Result, SparkError};
use crate::ml::attributes::Features;
use crate::ml::columns::Body;
use crate::ml::error::illegal;
use crate::ml::feature::scale::each_vector;
use crate::ml::literal::Kind;
use crate::ml::params::{Check, Default, INPUT, OUTPUT, Param, Params, param};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::vector::{self, Vector, VectorRef};

/// Takes the features at `indices`, then those with `names`, in this order (`VectorSlicer`).
///
/// Names are those of the input columns of the `VectorAssembler` that made the vector. A null vector is an error, and so is a
/// dense vector without one of the features.
#[derive(Debug)]
pub struct VectorSlicer;

impl Stage for VectorSlicer {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.VectorSlicer"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            param("indices", Kind::Ints, Default::Empty, Check::Indices),
            param("names", Kind::Texts, Default::Empty, Check::Distinct),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for VectorSlicer {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let (indices, names) = (params.ints("indices")?, params.texts("names")?);
        if indices.is_empty() && names.is_empty() {
            return Err(SparkError::requirement(
                "VectorSlicer requires that at least one feature be selected.",
            ));
        }
        let read = analyzer.vectors(&input, &params.text("inputCol")?)?;
        let column = read.name.clone();
        let known = analyzer.feature_names(&read);
        let mut features: Vec<usize> = indices.iter().filter_map(|i| usize::try_from(*i).ok()).collect();
        for name in &names {
            let place = known
                .as_ref()
                .and_then(|all| all.iter().position(|n| n.as_ref() == Some(name)));
            let unknown = || {
                illegal(format!(
                    "getFeatureIndicesFromNames found no feature with name {name} in column {column}."
                ))
            };
            features.push(place.ok_or_else(unknown)?);
        }
        if let Some(twice) = (0..features.len()).find(|i| features[..*i].contains(&features[*i])) {
            return Err(SparkError::requirement(format!(
                "VectorSlicer requires indices and names to be disjoint sets of features, but they overlap at the feature {}.",
                features[twice]
            )));
        }
        let all = analyzer.features_of(&read);
        let kept = all.as_ref().and_then(|all| all.all()).map(|all| {
            let kept = features.iter().map(|i| all.get(*i).cloned().unwrap_or_default());
            Features::new(kept.collect())
        });
        let body: Body = Box::new(move |args, _| {
            Ok(each_vector("VectorSlicer", &args[0], &column, |v| {
                sliced(&features, v)
            })?)
        });
        let output = analyzer.stage(input, params, vector::data_type(), vec![read], body)?;
        analyzer.note_features(&output, kept)?;
        Ok(output)
    }
}

/// Returns the features of one vector, or what is wrong with it in Java's words.
fn sliced(features: &[usize], vector: VectorRef<'_>) -> std::result::Result<Vector, String> {
    let size = vector.size();
    match vector {
        VectorRef::Dense(values) => {
            let missing = features.iter().find(|i| **i >= size);
            if let Some(index) = missing {
                return Err(format!(
                    "java.lang.ArrayIndexOutOfBoundsException: Index {index} out of bounds for length {size}"
                ));
            }
            Ok(Vector::Dense(features.iter().map(|i| values[*i]).collect()))
        }
        // What a sparse vector does not store is 0, beyond its size too, as in Spark.
        VectorRef::Sparse { indices, values, .. } => {
            let stored = features.iter().zip(0..).filter_map(|(feature, place)| {
                let at = indices.binary_search(&i32::try_from(*feature).ok()?).ok()?;
                (values[at] != 0.0).then_some((place, values[at]))
            });
            let (indices, values) = stored.unzip();
            Ok(Vector::Sparse {
                size: features.len(),
                indices,
                values,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_stand_in_the_order_of_the_slice() {
        assert_eq!(
            sliced(&[2, 0], VectorRef::Dense(&[5.0, 6.0, 7.0])),
            Ok(Vector::Dense(vec![7.0, 5.0]))
        );
        let sparse = VectorRef::Sparse {
            size: 3,
            indices: &[0, 2],
            values: &[5.0, 7.0],
        };
        let expected = Vector::Sparse {
            size: 2,
            indices: vec![1],
            values: vec![5.0],
        };
        assert_eq!(sliced(&[1, 0], sparse), Ok(expected));
        assert!(sliced(&[3], VectorRef::Dense(&[5.0])).is_err());
    }
}
