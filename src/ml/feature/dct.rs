//! `DCT`: the discrete cosine transform of vectors.

use std::f64::consts::PI;

use crate::error::Result;
use crate::ml::columns::Body;
use crate::ml::feature::scale::each_vector;
use crate::ml::params::{INPUT, OUTPUT, Param, Params, flag};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::vector::{self, Vector};

/// Transforms vectors by the cosine transform DCT-II, or back by its inverse DCT-III with `inverse` (`DCT`).
///
/// The transform is unitary: it keeps lengths. Results are dense, a null vector is an error. Costs n log n for a size that is a
/// power of 2, n² for others.
#[derive(Debug)]
pub struct Dct;

impl Stage for Dct {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.DCT"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[INPUT, OUTPUT, flag("inverse", false)];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for Dct {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let inverse = params.bool("inverse")?;
        let read = analyzer.vectors(&input, &params.text("inputCol")?)?;
        let column = read.name.clone();
        let body: Body = Box::new(move |args, _| {
            Ok(each_vector("DCT", &args[0], &column, |v| {
                let mut values = v.to_dense();
                if inverse {
                    backward(&mut values);
                } else {
                    forward(&mut values);
                }
                Ok(Vector::Dense(values))
            })?)
        });
        analyzer.stage(input, params, vector::data_type(), vec![read], body)
    }
}

/// Returns the factor that makes row `k` of the transform of size `n` a unit vector.
fn unit(k: usize, n: usize) -> f64 {
    (if k == 0 { 1.0 } else { 2.0 } / n as f64).sqrt()
}

/// Returns cos(π k / 2n) for every k below 4n, of which all angles of a transform are multiples.
fn cosines(n: usize) -> Vec<f64> {
    (0..4 * n).map(|k| (PI * k as f64 / (2 * n) as f64).cos()).collect()
}

/// Transforms in place.
fn forward(values: &mut [f64]) {
    let n = values.len();
    if n.is_power_of_two() {
        split(values);
    } else {
        let table = cosines(n);
        let row = |k: usize| {
            values
                .iter()
                .enumerate()
                .map(|(i, x)| x * table[(2 * i + 1) * k % (4 * n)])
                .sum()
        };
        let found: Vec<f64> = (0..n).map(row).collect();
        values.copy_from_slice(&found);
    }
    values.iter_mut().enumerate().for_each(|(k, x)| *x *= unit(k, n));
}

/// Transforms back in place.
fn backward(values: &mut [f64]) {
    let n = values.len();
    values.iter_mut().enumerate().for_each(|(k, x)| *x *= unit(k, n));
    if n.is_power_of_two() {
        join(values);
        return;
    }
    let table = cosines(n);
    let column = |i: usize| {
        values
            .iter()
            .enumerate()
            .map(|(k, x)| x * table[(2 * i + 1) * k % (4 * n)])
            .sum()
    };
    let found: Vec<f64> = (0..n).map(column).collect();
    values.copy_from_slice(&found);
}

/// Computes the sums of a transform whose size is a power of 2 by those of two halves (Lee, 1984).
fn split(values: &mut [f64]) {
    let n = values.len();
    if n == 1 {
        return;
    }
    let half = n / 2;
    let (mut even, mut odd) = (vec![0.0; half], vec![0.0; half]);
    for i in 0..half {
        let (a, b) = (values[i], values[n - 1 - i]);
        even[i] = a + b;
        odd[i] = (a - b) / (2.0 * (PI * (i as f64 + 0.5) / n as f64).cos());
    }
    split(&mut even);
    split(&mut odd);
    for i in 0..half {
        values[2 * i] = even[i];
        values[2 * i + 1] = odd[i] + odd.get(i + 1).copied().unwrap_or(0.0);
    }
}

/// Undoes [`split`] but for its scale: the transpose of its matrix.
fn join(values: &mut [f64]) {
    let n = values.len();
    if n == 1 {
        return;
    }
    let half = n / 2;
    let mut even: Vec<f64> = (0..half).map(|i| values[2 * i]).collect();
    let mut odd: Vec<f64> = (0..half)
        .map(|i| values[2 * i + 1] + if i == 0 { 0.0 } else { values[2 * i - 1] })
        .collect();
    join(&mut even);
    join(&mut odd);
    for i in 0..half {
        let (a, b) = (even[i], odd[i] / (2.0 * (PI * (i as f64 + 0.5) / n as f64).cos()));
        values[i] = a + b;
        values[n - 1 - i] = a - b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition.
    fn by_definition(values: &[f64]) -> Vec<f64> {
        let n = values.len();
        let row = |k: usize| {
            let angle = |i: usize| PI * (i as f64 + 0.5) * k as f64 / n as f64;
            unit(k, n) * values.iter().enumerate().map(|(i, x)| x * angle(i).cos()).sum::<f64>()
        };
        (0..n).map(row).collect()
    }

    #[test]
    fn the_transform_is_that_of_the_definition_and_its_inverse_undoes_it() {
        for n in [1, 2, 3, 5, 8, 12, 16, 64] {
            let values: Vec<f64> = (0..n).map(|i| ((i * 7 + 3) % 11) as f64 - 4.5).collect();
            let mut found = values.clone();
            forward(&mut found);
            let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-12);
            assert!(close(&found, &by_definition(&values)), "{n}");
            backward(&mut found);
            assert!(close(&found, &values), "{n}");
        }
    }

    #[test]
    fn an_empty_vector_stays_empty() {
        let mut none: [f64; 0] = [];
        forward(&mut none);
        backward(&mut none);
    }
}
