//! How far vectors are from centres (`DistanceMeasure`).

use crate::error::{Result, SparkError};
use crate::ml::optimize::dot;
use crate::ml::params::Params;
use crate::values::lanes;
use crate::values::vector::VectorRef;

/// A measure of distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distance {
    /// The length of the difference; costs are its squares.
    Euclidean,
    /// One less the cosine of the angle; centres have length 1.
    Cosine,
}

impl Distance {
    /// Returns the measure that `distanceMeasure` names.
    ///
    /// # Errors
    /// If the param is not a string.
    pub fn of(params: &Params) -> Result<Self> {
        Ok(match params.text("distanceMeasure")?.as_str() {
            "cosine" => Self::Cosine,
            _ => Self::Euclidean,
        })
    }

    /// Returns what a vector costs at a centre.
    pub fn cost(self, centre: &[f64], point: VectorRef<'_>) -> f64 {
        match self {
            Self::Euclidean => match point {
                VectorRef::Dense(values) => lanes::squared_distance(centre, values),
                VectorRef::Sparse { .. } => {
                    let all: f64 = dot(centre, centre);
                    let stored = point
                        .stored()
                        .map(|(i, v)| (v - centre[i]).powi(2) - centre[i] * centre[i]);
                    (all + stored.sum::<f64>()).max(0.0)
                }
            },
            Self::Cosine => {
                let along: f64 = point.stored().map(|(i, v)| centre[i] * v).sum();
                let length: f64 = point.stored().map(|(_, v)| v * v).sum::<f64>().sqrt();
                1.0 - along / length / dot(centre, centre).sqrt()
            }
        }
    }

    /// Returns the nearest centre, the first of equal ones, and what the vector costs there.
    pub fn nearest(self, centres: &[Vec<f64>], point: VectorRef<'_>) -> (usize, f64) {
        let (mut best, mut least) = (0, f64::INFINITY);
        for (i, centre) in centres.iter().enumerate() {
            let cost = self.cost(centre, point);
            if cost < least {
                (best, least) = (i, cost);
            }
        }
        (best, least)
    }

    /// Returns the centre of points, from their sum and its weight.
    pub fn centre(self, sum: &[f64], weight: f64) -> Vec<f64> {
        let mean = sum.iter().map(|s| s / weight).collect::<Vec<_>>();
        match self {
            Self::Euclidean => mean,
            Self::Cosine => {
                let length = dot(&mean, &mean).sqrt();
                mean.into_iter().map(|m| m / length).collect()
            }
        }
    }

    /// Returns whether a centre has hardly moved.
    pub fn is_settled(self, before: &[f64], now: &[f64], tolerance: f64) -> bool {
        match self {
            Self::Euclidean => self.cost(before, VectorRef::Dense(now)) <= tolerance * tolerance,
            Self::Cosine => self.cost(before, VectorRef::Dense(now)) <= tolerance,
        }
    }

    /// Checks that a vector has a distance.
    ///
    /// # Errors
    /// If it has no length, and the measure is that of angles.
    pub fn check(self, point: VectorRef<'_>) -> Result<()> {
        if self == Self::Cosine && point.values().iter().all(|v| *v == 0.0) {
            return Err(SparkError::requirement(
                "Cosine distance is not defined for zero-length vectors.",
            ));
        }
        Ok(())
    }

    /// Returns what is added to sums for a vector: itself, or for angles the vector of length 1.
    pub fn scale(self, point: VectorRef<'_>) -> f64 {
        match self {
            Self::Euclidean => 1.0,
            Self::Cosine => 1.0 / point.stored().map(|(_, v)| v * v).sum::<f64>().sqrt(),
        }
    }
}
