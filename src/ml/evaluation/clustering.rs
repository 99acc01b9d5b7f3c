//! The silhouette: how much nearer points are to their own cluster than to the next one.
//!
//! Distances from a point to all points of a cluster follow from the cluster's sums, so two passes over the dataset do:
//! one for the sums ([`clusters`]), one for the mean of the points' silhouettes.

use std::sync::Arc;

use crate::error::{Result, SparkError};
use crate::ml::columns::Reads;
use crate::ml::params::{FEATURES, PREDICTION, Param, Params, WEIGHT, one_of};
use crate::ml::stage::{Columns, Evaluator, Role, Stage, Training};
use crate::ml::summary::clusters::{self, Cluster, Clusters, Names, Rows, norm};
use crate::ml::summary::sums::{self, Sums};
use crate::ml::training;
use crate::values::vector::VectorRef;

/// Measures clusterings by the mean silhouette of the points, from -1 to 1 (`ClusteringEvaluator`).
///
/// The distance is the squared euclidean one, or with `distanceMeasure = "cosine"` 1 minus the cosine of the angle. At
/// least two clusters must have points.
#[derive(Debug)]
pub struct ClusteringEvaluator;

impl Stage for ClusteringEvaluator {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.evaluation.ClusteringEvaluator"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            one_of("distanceMeasure", "squaredEuclidean", &["squaredEuclidean", "cosine"]),
            FEATURES,
            one_of("metricName", "silhouette", &["silhouette"]),
            PREDICTION,
            WEIGHT,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Evaluator(self)
    }
}

/// Returns the columns that both passes read, their names, and whether the distance is the cosine's.
fn asked(params: &Params) -> Result<(Columns, Names, bool)> {
    let weight = params.column("weightCol");
    let names = Names {
        features: params.text("featuresCol")?,
        prediction: params.text("predictionCol")?,
        weight: weight.clone().unwrap_or_default(),
    };
    let mut reads = vec![
        (names.features.clone(), Reads::Points),
        (names.prediction.clone(), Reads::Numbers),
    ];
    reads.extend(weight.map(|w| (w, Reads::Numbers)));
    Ok((reads, names, params.text("distanceMeasure")? == "cosine"))
}

impl Evaluator for ClusteringEvaluator {
    fn training(&self, params: &Params) -> Result<Training> {
        let (reads, names, cosine) = asked(params)?;
        Ok(Training::new(reads, move || {
            Box::new(Clusters::new(names.clone(), cosine))
        }))
    }

    fn again(&self, params: &Params, state: &[u8]) -> Result<Option<Training>> {
        let (reads, names, cosine) = asked(params)?;
        let known: clusters::State = training::state(state)?;
        if known.clusters.len() < 2 {
            return Err(SparkError::requirement(
                "assertion failed: Number of clusters must be greater than one.",
            ));
        }
        let add: sums::Add = Arc::new(move |columns, sums| {
            let rows = Rows::new(columns, &names)?;
            for row in 0..rows.len() {
                let (point, id, weight) = rows.get(row)?;
                sums[0] += weight * silhouette(&known.clusters, point, id, weight, cosine)?;
                sums[1] += weight;
            }
            Ok(())
        });
        Ok(Some(Training::new(reads, move || Box::new(Sums::new(2, add.clone())))))
    }

    fn metric(&self, _params: &Params, state: &[u8], _ranges: usize) -> Result<f64> {
        let state: sums::State = training::state(state)?;
        Ok(match state.sums[..] {
            [sum, weight] => sum / weight,
            _ => f64::NAN,
        })
    }
}

/// Returns the silhouette of a point; 0 if it is alone in its cluster, or a distance is NaN.
///
/// # Errors
/// If the point's cluster is unknown, which means that the dataset changed between the passes.
fn silhouette(clusters: &[Cluster], point: VectorRef<'_>, id: f64, weight: f64, cosine: bool) -> Result<f64> {
    let length = norm(point);
    let distance = |cluster: &Cluster| {
        let product: f64 = point.nonzero().map(|(i, v)| v * cluster.features[i]).sum();
        if cosine {
            1.0 - product / length / cluster.weight
        } else {
            length * length + cluster.squares / cluster.weight - 2.0 * product / cluster.weight
        }
    };
    let (mut own, mut next) = (None, f64::NAN);
    for cluster in clusters {
        if cluster.features.len() != point.size() {
            return Err(SparkError::requirement(format!(
                "BLAS.dot(x: Vector, y:Vector) was given Vectors with non-matching sizes: x.size = {}, y.size = {}",
                point.size(),
                cluster.features.len()
            )));
        }
        if cluster.id == id {
            own = Some(cluster);
        } else {
            next = next.min(distance(cluster));
        }
    }
    let own = own.ok_or_else(|| SparkError::internal("a cluster appeared between two passes over the dataset"))?;
    if own.weight == weight {
        return Ok(0.0);
    }
    // A point is not its own neighbour.
    let inside = distance(own) * own.weight / (own.weight - weight);
    Ok(if inside < next {
        1.0 - inside / next
    } else if inside > next {
        next / inside - 1.0
    } else {
        0.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_near_its_own_cluster_has_a_silhouette_near_one() {
        // Points 0 and 1 in cluster 0, 10 in cluster 1.
        let cluster = |id: f64, points: &[f64]| Cluster {
            id,
            features: vec![points.iter().sum()],
            squares: points.iter().map(|p| p * p).sum(),
            weight: points.len() as f64,
        };
        let clusters = [cluster(0.0, &[0.0, 1.0]), cluster(1.0, &[10.0])];
        let of = |point: f64, id: f64| silhouette(&clusters, VectorRef::Dense(&[point]), id, 1.0, false).unwrap();
        assert!((of(0.0, 0.0) - (1.0 - 1.0 / 100.0)).abs() < 1e-12);
        assert!((of(1.0, 0.0) - (1.0 - 1.0 / 81.0)).abs() < 1e-12);
        assert_eq!(of(10.0, 1.0), 0.0);
        assert!(silhouette(&clusters, VectorRef::Dense(&[0.0]), 7.0, 1.0, false).is_err());
    }
}
