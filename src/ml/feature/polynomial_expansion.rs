//! `PolynomialExpansion`: all products of features up to a degree.

use crate::error::Result;
use crate::ml::columns::Body;
use crate::ml::feature::scale::each_vector;
use crate::ml::literal::Kind;
use crate::ml::params::{Check, Default, INPUT, OUTPUT, Param, Params, param};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::vector::{self, Vector, VectorRef};

/// Expands vectors into the values of all monomials of a degree from 1 to `degree` (`PolynomialExpansion`).
///
/// `(x, y)` with degree 2 becomes `(x, x², y, xy, y²)`. n features become `(n + degree)! / (n! degree!) - 1`; sparse
/// vectors stay sparse. A null vector is an error.
#[derive(Debug)]
pub struct PolynomialExpansion;

impl Stage for PolynomialExpansion {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.PolynomialExpansion"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            param("degree", Kind::Int, Default::Int(2), Check::AtLeast(1.0)),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for PolynomialExpansion {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let degree = params.count("degree")?;
        let read = analyzer.vectors(&input, &params.text("inputCol")?)?;
        let column = read.name.clone();
        let body: Body = Box::new(move |args, _| {
            Ok(each_vector("PolynomialExpansion", &args[0], &column, |v| {
                expanded(v, degree)
            })?)
        });
        analyzer.stage(input, params, vector::data_type(), vec![read], body)
    }
}

/// Most values that an expansion stores: half a gigabyte.
const MOST: usize = 1 << 26;

/// Returns how many monomials of at most a degree some features have, 1 included; `None` beyond 2^31 - 1.
fn monomials(features: usize, degree: usize) -> Option<usize> {
    let (k, n) = (features.min(degree), features.checked_add(degree)?);
    let mut count: u128 = 1;
    for i in 1..=k {
        // Exact: the product of i neighbours is divisible by i!.
        count = count.checked_mul((n - k + i) as u128)? / i as u128;
        if count > i32::MAX as u128 {
            return None;
        }
    }
    usize::try_from(count).ok()
}

/// Expands one vector, or returns what is wrong with it: the result would have too many values.
fn expanded(vector: VectorRef<'_>, degree: usize) -> std::result::Result<Vector, String> {
    let too_many = || {
        format!(
            "java.lang.IllegalArgumentException: a vector of {} features cannot be expanded to degree {degree}: the result \
             would have more than {} values, or more than {MOST} that are not 0",
            vector.size(),
            i32::MAX
        )
    };
    let size = monomials(vector.size(), degree).ok_or_else(too_many)?;
    let stored: Vec<(usize, f64)> = match vector {
        VectorRef::Dense(_) => vector.stored().collect(),
        VectorRef::Sparse { .. } => vector.nonzero().collect(),
    };
    if monomials(stored.len(), degree).is_none_or(|n| n > MOST) {
        return Err(too_many());
    }
    let mut expansion = Expansion {
        stored: &stored,
        found: Vec::new(),
    };
    expansion.expand(stored.len(), vector.size(), degree, 1.0, 0);
    // The first place is that of the empty product.
    let found = expansion.found.into_iter().filter(|(place, _)| *place > 0);
    Ok(match vector {
        VectorRef::Dense(_) => {
            let mut values = vec![0.0; size - 1];
            found.for_each(|(place, value)| values[place - 1] = value);
            Vector::Dense(values)
        }
        VectorRef::Sparse { .. } => {
            let (indices, values) = found.map(|(place, value)| ((place - 1) as i32, value)).unzip();
            Vector::Sparse {
                size: size - 1,
                indices,
                values,
            }
        }
    })
}

/// An expansion that is under way.
struct Expansion<'a> {
    /// The vector's (index, value).
    stored: &'a [(usize, f64)],
    /// (Place, value) of monomials that are not 0, by place; places count the empty product.
    found: Vec<(usize, f64)>,
}

impl Expansion<'_> {
    /// Appends `factor` times the monomials of the first `stored` values, which are of the first `features` features,
    /// from place `start` on; returns the place after them.
    fn expand(&mut self, stored: usize, features: usize, degree: usize, factor: f64, start: usize) -> usize {
        if factor != 0.0 {
            if degree == 0 || stored == 0 {
                self.found.push((start, factor));
            } else {
                let (index, value) = self.stored[stored - 1];
                let (mut power, mut place) = (factor, start);
                for exponent in 0..=degree {
                    if power == 0.0 {
                        break;
                    }
                    place = self.expand(stored - 1, index, degree - exponent, power, place);
                    power *= value;
                }
            }
        }
        start + monomials(features, degree).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expansion_has_every_monomial_once() {
        assert_eq!(
            expanded(VectorRef::Dense(&[2.0, 3.0]), 2).unwrap(),
            Vector::Dense(vec![2.0, 4.0, 3.0, 6.0, 9.0])
        );
        let sparse = VectorRef::Sparse {
            size: 3,
            indices: &[1],
            values: &[2.0],
        };
        let dense = expanded(VectorRef::Dense(&[0.0, 2.0, 0.0]), 3)
            .unwrap()
            .view()
            .to_dense();
        assert_eq!(expanded(sparse, 3).unwrap().view().to_dense(), dense);
        assert_eq!(monomials(2, 2), Some(6));
        assert_eq!(monomials(100_000, 7), None);
    }
}
