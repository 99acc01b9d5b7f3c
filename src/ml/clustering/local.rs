//! Clustering few weighted points on the driver (`LocalKMeans`): k-means++, then Lloyd's steps.

use super::distance::Distance;
use crate::values::java_random::JavaRandom;
use crate::values::vector::VectorRef;

/// Returns `k` centres of weighted points; fewer distinct points are taken several times.
pub(super) fn plus_plus(points: &[Vec<f64>], weights: &[f64], k: usize, steps: usize) -> Vec<Vec<f64>> {
    let mut random = JavaRandom::new(0);
    let cost = |centre: &[f64], point: &[f64]| Distance::Euclidean.cost(centre, VectorRef::Dense(point));
    let mut centres = vec![picked(&mut random, points, weights)];
    let mut costs: Vec<f64> = points.iter().map(|p| cost(&centres[0], p)).collect();
    for _ in 1..k {
        let total: f64 = costs.iter().zip(weights).map(|(c, w)| c * w).sum();
        let wanted = random.double() * total;
        let (mut sum, mut at) = (0.0, 0);
        while at < points.len() && sum < wanted {
            sum += weights[at] * costs[at];
            at += 1;
        }
        let centre = points[at.saturating_sub(1)].clone();
        for (point, least) in points.iter().zip(&mut costs) {
            *least = least.min(cost(&centre, point));
        }
        centres.push(centre);
    }
    let mut nearest = vec![usize::MAX; points.len()];
    for _ in 0..steps {
        let mut has_moved = false;
        let size = points.first().map_or(0, Vec::len);
        let (mut counts, mut sums) = (vec![0.0; k], vec![vec![0.0; size]; k]);
        for (i, (point, weight)) in points.iter().zip(weights).enumerate() {
            let (at, _) = Distance::Euclidean.nearest(&centres, VectorRef::Dense(point));
            sums[at].iter_mut().zip(point).for_each(|(s, v)| *s += weight * v);
            counts[at] += weight;
            has_moved |= nearest[i] != at;
            nearest[i] = at;
        }
        if !has_moved {
            break;
        }
        for (centre, (sum, count)) in centres.iter_mut().zip(sums.iter().zip(&counts)) {
            *centre = if *count == 0.0 {
                points[random.below(points.len() as i32) as usize].clone()
            } else {
                Distance::Euclidean.centre(sum, *count)
            };
        }
    }
    centres
}

/// Draws a point by its weight.
fn picked(random: &mut JavaRandom, points: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let wanted = random.double() * weights.iter().sum::<f64>();
    let (mut at, mut sum) = (0, 0.0);
    while at < points.len() && sum < wanted {
        sum += weights[at];
        at += 1;
    }
    points[at.saturating_sub(1)].clone()
}
