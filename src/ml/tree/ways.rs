//! The ways to split a feature at a node: which bins may go left together (`RandomForest.binsToBestSplit`).
//!
//! Numbers go left up to a threshold. Of `n` categories there would be 2ⁿ⁻¹ - 1 ways. All of them are looked at for more than two classes and
//! few categories; else categories stand in an order, and go left up to one of them: n - 1 ways.

use super::grow::Order;
use super::impurity::Impurity;
use super::tally::Cut;

/// Ways to split a feature, which have numbers from 0 on.
#[derive(Debug)]
pub enum Ways {
    /// Bins go left one after the other, in this order.
    Ordered(Vec<usize>),
    /// Any of a number of categories go left.
    Any(usize),
}

/// Returns whether any of `categories` may go left, given the most bins that a feature may have (`DecisionTreeMetadata`).
pub fn takes_any(categories: u32, order: &Order, most: usize) -> bool {
    let few = (((most / 2 + 1) as f64).ln() / 2f64.ln() + 1.0).floor();
    order.is_of_many_classes() && categories > 1 && f64::from(categories) <= few
}

impl Ways {
    /// Returns the ways to split a feature whose bins hold such numbers; `categories` is 0 for numbers.
    pub fn of(bins: &[&[f64]], categories: u32, order: &Order, most: usize) -> Self {
        if categories == 0 {
            return Self::Ordered((0..bins.len()).collect());
        }
        if takes_any(categories, order, most) {
            return Self::Any(bins.len());
        }
        let mut ordered: Vec<(usize, f64)> = bins.iter().map(|bin| centre(bin, order)).enumerate().collect();
        ordered.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        Self::Ordered(ordered.into_iter().map(|(category, _)| category).collect())
    }

    /// Returns how many ways there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Ordered(order) => order.len().saturating_sub(1),
            Self::Any(categories) => (1 << (categories - 1)) - 1,
        }
    }

    /// Returns all bins, in their order.
    pub fn all(&self) -> Vec<usize> {
        match self {
            Self::Ordered(order) => order.clone(),
            Self::Any(categories) => (0..*categories).collect(),
        }
    }

    /// Adds to sums of what goes left what a way adds to the one before.
    pub fn advance(&self, way: usize, bins: &[&[f64]], left: &mut [f64]) {
        match self {
            Self::Ordered(order) => add(left, bins[order[way]]),
            Self::Any(_) => {
                left.fill(0.0);
                self.left(way).into_iter().for_each(|bin| add(left, bins[bin]));
            }
        }
    }

    /// Returns the bins that go left.
    fn left(&self, way: usize) -> Vec<usize> {
        match self {
            Self::Ordered(order) => order[..=way].to_vec(),
            Self::Any(categories) => (0..*categories).filter(|bin| (way + 1) >> bin & 1 == 1).collect(),
        }
    }

    /// Returns the values of a node that splits so: the threshold, or the categories that go left, ascending.
    pub fn left_values(&self, way: usize, cut: &Cut) -> Vec<f64> {
        if cut.categories == 0 {
            return vec![cut.thresholds[way]];
        }
        let mut left = self.left(way);
        left.sort_unstable();
        left.into_iter().map(|category| category as f64).collect()
    }
}

/// Returns by what categories are put in order (`ImpurityUtils.getCentroid`): of two classes the weight of the second, of more the impurity,
/// of numbers their mean. Those without rows are last.
fn centre(bin: &[f64], order: &Order) -> f64 {
    let stats = &bin[..bin.len() - 1];
    if order.impurity.count(stats) == 0.0 {
        return f64::MAX;
    }
    match order.impurity {
        Impurity::Variance => order.impurity.predict(stats),
        _ if order.is_of_many_classes() => order.impurity.of_stats(stats),
        _ => stats.get(1).copied().unwrap_or_default(),
    }
}

/// Adds numbers to sums.
pub fn add(sums: &mut [f64], numbers: &[f64]) {
    sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::tree::bag::Sampling;

    fn order(impurity: Impurity, classes: usize) -> Order {
        Order {
            impurity,
            classes,
            sampling: Sampling::default(),
            features: 1,
            boosted: None,
        }
    }

    #[test]
    fn every_set_of_few_categories_of_many_classes_is_a_way_but_not_its_complement() {
        let bins: [&[f64]; 4] = [&[1.0, 0.0, 0.0, 1.0]; 4];
        let ways = Ways::of(&bins, 4, &order(Impurity::Gini, 3), 32);
        let mut seen: Vec<Vec<usize>> = (0..ways.count()).map(|way| ways.left(way)).collect();
        assert!(seen.iter().all(|left| !left.is_empty() && !left.contains(&3)));
        seen.dedup();
        assert_eq!(seen.len(), 7);
        // log2(32 / 2 + 1) + 1 = 5.08…, and log2(14 / 2 + 1) + 1 = 4.
        let any = |categories, most| takes_any(categories, &order(Impurity::Gini, 3), most);
        assert_eq!(
            [any(5, 32), any(6, 32), any(4, 14), any(4, 13), any(1, 32)],
            [true, false, true, false, false]
        );
        assert!(!takes_any(2, &order(Impurity::Gini, 2), 32) && !takes_any(2, &order(Impurity::Variance, 0), 32));
    }

    #[test]
    fn categories_stand_in_the_order_of_their_mean_and_those_without_rows_are_last() {
        // Weight, sum and squares of the labels, number of rows.
        let bins: [&[f64]; 3] = [&[0.0, 0.0, 0.0, 0.0], &[2.0, 8.0, 32.0, 2.0], &[4.0, 4.0, 4.0, 4.0]];
        let ways = Ways::of(&bins, 3, &order(Impurity::Variance, 0), 32);
        assert_eq!((ways.all(), ways.count()), (vec![2, 1, 0], 2));
        let cut = Cut {
            thresholds: vec![],
            categories: 3,
        };
        assert_eq!(
            [ways.left_values(0, &cut), ways.left_values(1, &cut)],
            [vec![2.0], vec![1.0, 2.0]]
        );
        let mut left = [0.0; 4];
        ways.advance(0, &bins, &mut left);
        ways.advance(1, &bins, &mut left);
        assert_eq!(left, [6.0, 12.0, 36.0, 6.0]);
    }

    #[test]
    fn categories_of_two_classes_stand_in_the_order_of_the_weight_of_the_second() {
        let bins: [&[f64]; 2] = [&[9.0, 3.0, 12.0], &[0.0, 2.0, 2.0]];
        assert_eq!(Ways::of(&bins, 2, &order(Impurity::Gini, 2), 32).all(), [1, 0]);
    }
}
