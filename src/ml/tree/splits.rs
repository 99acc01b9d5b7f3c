//! The thresholds that may split a feature: between values that occur, as many as there are bins.

use super::tally::Values;

/// Returns the thresholds of a feature: between all values, or, if these are more than `most` and one, where bins of about
/// the same weight end. `expected` is the weight of all rows, so that what the values lack is of zeros.
pub fn thresholds(values: &Values, expected: f64, most: usize) -> Vec<f64> {
    let mut counts: Vec<(f64, f64)> = values
        .values
        .iter()
        .copied()
        .zip(values.weights.iter().copied())
        .collect();
    let zeros = expected - values.weights.iter().sum::<f64>();
    if zeros > 2.220_446_049_250_313e-16 * values.rows as f64 * 100.0 {
        let at = counts.partition_point(|(value, _)| *value < 0.0);
        counts.insert(at, (0.0, zeros));
    }
    let between = |pair: &[(f64, f64)]| f64::midpoint(pair[0].0, pair[1].0);
    if counts.len() <= most + 1 {
        return counts.windows(2).map(between).collect();
    }
    let stride = expected / (most + 1) as f64;
    let (mut target, mut sum, mut values) = (stride, counts[0].1, vec![]);
    for pair in counts.windows(2) {
        let before = sum;
        sum += pair[1].1;
        if (before - target).abs() < (sum - target).abs() {
            values.push(between(pair));
            target += stride;
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64], weights: &[f64], expected: f64, most: usize) -> Vec<f64> {
        let values = Values {
            values: values.to_vec(),
            weights: weights.to_vec(),
            rows: values.len() as u64,
        };
        thresholds(&values, expected, most)
    }

    #[test]
    fn few_values_are_split_everywhere_and_zeros_are_values() {
        assert_eq!(of(&[1.0, 3.0], &[2.0, 1.0], 3.0, 31), [2.0]);
        assert_eq!(of(&[-1.0, 3.0], &[2.0, 1.0], 5.0, 31), [-0.5, 1.5]);
        assert_eq!(of(&[7.0], &[2.0], 2.0, 31), [0.0; 0]);
    }

    #[test]
    fn many_values_are_split_where_bins_are_full() {
        let values: Vec<f64> = (1..=8).map(f64::from).collect();
        assert_eq!(of(&values, &[1.0; 8], 8.0, 3), [2.5, 4.5, 6.5]);
    }
}
