//! `skewness` and `kurtosis`: central moments merged by Spark's formulas (`CentralMomentAgg`).
//!
//! State: count, mean and the second to fourth central moment sums, all DOUBLE. Merging two states is
//! exact but for rounding, so the result hardly depends on how rows were dealt out.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{Accumulator, AggregateUDF};

use crate::kernels::aggregates::{Definition, function};

/// Sums over the values seen so far, around their own mean.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    /// How many values.
    n: f64,
    /// Their mean.
    mean: f64,
    /// Sum of the squared distances from the mean.
    m2: f64,
    /// Sum of the cubed distances.
    m3: f64,
    /// Sum of the fourth powers of the distances.
    m4: f64,
}

impl Moments {
    /// Returns the moments of a single value.
    fn of(x: f64) -> Self {
        Self {
            n: 1.0,
            mean: x,
            ..Self::default()
        }
    }

    /// Returns the moments of both sets of values together.
    fn merged(self, other: Self) -> Self {
        if self.n == 0.0 {
            return other;
        }
        if other.n == 0.0 {
            return self;
        }
        let (n1, n2) = (self.n, other.n);
        let n = n1 + n2;
        let delta = other.mean - self.mean;
        let step = delta / n;
        Self {
            n,
            mean: self.mean + step * n2,
            m2: self.m2 + other.m2 + delta * step * n1 * n2,
            m3: self.m3
                + other.m3
                + step * step * delta * n1 * n2 * (n1 - n2)
                + 3.0 * step * (n1 * other.m2 - n2 * self.m2),
            m4: self.m4
                + other.m4
                + step * step * step * delta * n1 * n2 * (n1 * n1 - n1 * n2 + n2 * n2)
                + 6.0 * step * step * (n1 * n1 * other.m2 + n2 * n2 * self.m2)
                + 4.0 * step * (n1 * other.m3 - n2 * self.m3),
        }
    }
}

/// Returns the third standardised moment; null if there is no spread.
pub fn skewness() -> Arc<AggregateUDF> {
    make("skewness", |m| m.n.sqrt() * m.m3 / (m.m2 * m.m2 * m.m2).sqrt())
}

/// Returns the fourth standardised moment less 3; null if there is no spread.
pub fn kurtosis() -> Arc<AggregateUDF> {
    make("kurtosis", |m| m.n * m.m4 / (m.m2 * m.m2) - 3.0)
}

/// Makes the function whose result `finish` computes from the moments.
fn make(name: &'static str, finish: fn(Moments) -> f64) -> Arc<AggregateUDF> {
    function(Definition {
        name,
        options: String::new(),
        to: DataType::Float64,
        state: vec![DataType::Float64; 5],
        make: Arc::new(move || {
            Box::new(Central {
                moments: Moments::default(),
                finish,
            })
        }),
        groups: None,
        sliding: None,
    })
}

/// The accumulator of both functions; nulls are skipped.
#[derive(Debug)]
struct Central {
    /// What has come so far.
    moments: Moments,
    /// Makes the result of the moments.
    finish: fn(Moments) -> f64,
}

impl Accumulator for Central {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for x in values[0].as_primitive::<Float64Type>().iter().flatten() {
            self.moments = self.moments.merged(Moments::of(x));
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let columns: Vec<_> = states.iter().map(|s| s.as_primitive::<Float64Type>()).collect();
        for row in 0..states[0].len() {
            let cell = |i: usize| columns[i].value(row);
            self.moments = self.moments.merged(Moments {
                n: cell(0),
                mean: cell(1),
                m2: cell(2),
                m3: cell(3),
                m4: cell(4),
            });
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let m = self.moments;
        Ok([m.n, m.mean, m.m2, m.m3, m.m4]
            .into_iter()
            .map(|x| ScalarValue::Float64(Some(x)))
            .collect())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let known = self.moments.n > 0.0 && self.moments.m2 != 0.0;
        Ok(ScalarValue::Float64(known.then(|| (self.finish)(self.moments))))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_merged_in_any_way_are_those_of_the_whole() {
        let values = [1.0, 4.0, 4.5, -7.0, 12.25, 3.0];
        let fold = |xs: &[f64]| xs.iter().fold(Moments::default(), |m, x| m.merged(Moments::of(*x)));
        let whole = fold(&values);
        for cut in 0..=values.len() {
            let merged = fold(&values[..cut]).merged(fold(&values[cut..]));
            for (a, b) in [
                (merged.mean, whole.mean),
                (merged.m2, whole.m2),
                (merged.m3, whole.m3),
                (merged.m4, whole.m4),
            ] {
                assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} {b}");
            }
        }
    }
}
