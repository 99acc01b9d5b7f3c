//! A binary tree of words by how often they occur: the decisions that lead to a word predict it.

/// The way from the root of the tree to a word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// By decision: the number of the inner node that decides, and whether it decides for its second branch.
    pub(super) decisions: Vec<(usize, bool)>,
}

/// Returns the ways to all words, of which the counts descend.
///
/// As words are in order, so are the sums of the pairs that are joined: the two least nodes are at the ends of two lists.
pub(super) fn ways(counts: &[i64]) -> Vec<Way> {
    let size = counts.len();
    // Words, then inner nodes; one that is not made yet counts as much as no word does.
    let mut sums: Vec<i64> = counts
        .iter()
        .copied()
        .chain(std::iter::repeat_n(1_000_000_000, size))
        .collect();
    let (mut parents, mut is_second) = (vec![0; 2 * size], vec![false; 2 * size]);
    let (mut words_left, mut inner) = (size, size);
    for made in size..(2 * size).saturating_sub(1) {
        let mut least = || {
            if words_left > 0 && sums[words_left - 1] < sums[inner] {
                words_left -= 1;
                words_left
            } else {
                inner += 1;
                inner - 1
            }
        };
        let (first, second) = (least(), least());
        sums[made] = sums[first] + sums[second];
        parents[first] = made;
        parents[second] = made;
        is_second[second] = true;
    }
    let root = (2 * size).saturating_sub(2);
    let way = |word: usize| {
        let mut decisions = vec![];
        let mut node = word;
        while node != root {
            decisions.push((parents[node] - size, is_second[node]));
            node = parents[node];
        }
        decisions.reverse();
        Way { decisions }
    };
    (0..size).map(way).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_words_have_short_ways() {
        let found = ways(&[10, 4, 3, 1]);
        let lengths: Vec<usize> = found.iter().map(|way| way.decisions.len()).collect();
        assert_eq!(lengths, [1, 2, 3, 3]);
        // All ways begin at the root, the node that was made last.
        assert!(found.iter().all(|way| way.decisions[0].0 == 2));
        assert_eq!(ways(&[7]), [Way::default()]);
    }
}
