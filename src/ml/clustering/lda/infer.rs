//! Which topics a document is about, given the topics (`OnlineLDAOptimizer.variationalTopicInference`).

use super::gamma::digamma;
use crate::values::vector::VectorRef;

/// How little the numbers of a document change on the average in the last step.
const LEAST_CHANGE: f64 = 1e-3;
/// The most steps; Spark has no end to them, but counts so large that their rounding is more than [`LEAST_CHANGE`] need one.
const MOST_STEPS: usize = 10_000;
/// What norms are more than 0 by.
const TINY: f64 = 1e-100;

/// Returns what the logarithms of the shares of a Dirichlet distribution are expected to be (`dirichletExpectation`).
pub(super) fn expected_logs(parts: &[f64]) -> Vec<f64> {
    let all = digamma(parts.iter().sum());
    parts.iter().map(|part| digamma(*part) - all).collect()
}

/// Returns the same for `k` distributions at once, whose parts are side by side: term after term, its topics.
pub(super) fn expected_topic_logs(topics: &[f64], k: usize) -> Vec<f64> {
    let mut sums = vec![0.0; k];
    for term in topics.chunks_exact(k) {
        sums.iter_mut().zip(term).for_each(|(sum, part)| *sum += part);
    }
    let all: Vec<f64> = sums.into_iter().map(digamma).collect();
    let of = |(at, part): (usize, &f64)| digamma(*part) - all[at % k];
    topics.iter().enumerate().map(of).collect()
}

/// Topics, made ready: `e` to the power of what the logarithm of each share is expected to be.
#[derive(Debug, Clone, Default)]
pub(super) struct Topics {
    /// The shares, term after term, each with its topics.
    pub shares: Vec<f64>,
    /// How much documents are about each topic before one is read; as many as topics.
    pub alpha: Vec<f64>,
}

impl Topics {
    fn terms(&self) -> usize {
        self.shares.len() / self.alpha.len().max(1)
    }

    fn term(&self, term: usize) -> &[f64] {
        &self.shares[term * self.alpha.len()..][..self.alpha.len()]
    }
}

/// A document that is read, with room for the next.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// How much it is about each topic, in counts.
    pub gamma: Vec<f64>,
    /// `e` to the power of what the logarithm of each share is expected to be.
    theta: Vec<f64>,
    /// The terms that the document stores, with how often they occur.
    terms: Vec<(usize, f64)>,
    /// How probable each of them is, about.
    norms: Vec<f64>,
    next: Vec<f64>,
}

impl Document {
    /// Finds out which topics a document is about, beginning with `start`.
    ///
    /// # Errors
    /// The cause, as Java names it, if the document has terms that the topics lack.
    pub fn read(&mut self, topics: &Topics, document: VectorRef<'_>, start: &[f64]) -> Result<(), String> {
        let (terms, k) = (topics.terms(), topics.alpha.len());
        self.terms.clear();
        self.terms.extend(document.stored());
        if let Some((term, _)) = self.terms.iter().find(|(term, _)| *term >= terms) {
            return Err(format!(
                "java.lang.IndexOutOfBoundsException: ({term},0) not in [-{terms},{terms}) x [-{k},{k})"
            ));
        }
        self.gamma.clear();
        self.gamma.extend_from_slice(start);
        self.expect(topics);
        for _ in 0..MOST_STEPS {
            if self.step(topics) / k as f64 <= LEAST_CHANGE {
                break;
            }
        }
        Ok(())
    }

    /// Makes one step; returns how much it changed, in sum. NaN is not a change, as in Spark.
    fn step(&mut self, topics: &Topics) -> f64 {
        self.next.clear();
        self.next.resize(topics.alpha.len(), 0.0);
        for ((term, count), norm) in self.terms.iter().zip(&self.norms) {
            let weight = count / norm;
            let shares = self.next.iter_mut().zip(topics.term(*term));
            shares.for_each(|(sum, share)| *sum += share * weight);
        }
        let mut change = 0.0;
        for (topic, sum) in self.next.iter().enumerate() {
            let found = self.theta[topic] * sum + topics.alpha[topic];
            change += (found - self.gamma[topic]).abs();
            self.gamma[topic] = found;
        }
        self.expect(topics);
        if change.is_nan() { 0.0 } else { change }
    }

    /// Makes shares and norms of the counts.
    fn expect(&mut self, topics: &Topics) {
        let all = digamma(self.gamma.iter().sum());
        self.theta.clear();
        self.theta.extend(self.gamma.iter().map(|g| (digamma(*g) - all).exp()));
        self.norms.clear();
        for (term, _) in &self.terms {
            let shares = topics.term(*term).iter().zip(&self.theta);
            self.norms.push(shares.map(|(a, b)| a * b).sum::<f64>() + TINY);
        }
    }

    /// Adds `times` what the document says about the topics to sums, which have the form of the shares.
    pub fn add_to(&self, sums: &mut [f64], times: f64) {
        let k = self.theta.len();
        for ((term, count), norm) in self.terms.iter().zip(&self.norms) {
            let weight = count / norm * times;
            let own = sums[term * k..][..k].iter_mut();
            own.zip(&self.theta).for_each(|(sum, theta)| *sum += theta * weight);
        }
    }

    /// Returns the shares of the topics, which add up to 1.
    pub fn shares(&self) -> Vec<f64> {
        let all: f64 = self.gamma.iter().map(|g| g.abs()).sum();
        let scale = if all == 0.0 { 1.0 } else { all };
        self.gamma.iter().map(|g| g / scale).collect()
    }
}

/// Returns whether a document has no terms (`numNonzeros`).
pub(super) fn is_empty(document: VectorRef<'_>) -> bool {
    document.nonzero().next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two topics of two terms: each has a term that the other hardly has.
    fn topics() -> Topics {
        let shares = expected_topic_logs(&[10.0, 0.1, 0.1, 10.0], 2);
        Topics {
            shares: shares.into_iter().map(f64::exp).collect(),
            alpha: vec![0.5, 0.5],
        }
    }

    #[test]
    fn a_document_is_about_the_topic_of_its_terms() {
        let mut document = Document::default();
        document
            .read(&topics(), VectorRef::Dense(&[6.0, 0.0]), &[1.0, 1.0])
            .unwrap();
        let shares = document.shares();
        assert!(
            shares[0] > 0.9 && (shares[0] + shares[1] - 1.0).abs() < 1e-12,
            "{shares:?}"
        );
        let mut sums = vec![0.0; 4];
        document.add_to(&mut sums, 2.0);
        assert!(sums[0] > sums[1] && sums[2..] == [0.0, 0.0], "{sums:?}");
    }

    #[test]
    fn terms_that_topics_lack_are_refused() {
        let error = Document::default().read(&topics(), VectorRef::Dense(&[1.0, 0.0, 0.0]), &[1.0, 1.0]);
        assert!(error.unwrap_err().contains("(2,0) not in [-2,2) x [-2,2)"));
    }

    #[test]
    fn counts_beyond_all_measure_end() {
        for count in [1e25, f64::MAX, -3.0, f64::NAN] {
            let mut document = Document::default();
            document
                .read(&topics(), VectorRef::Dense(&[count, 1.0]), &[1.0, 1.0])
                .unwrap();
            assert_eq!(document.gamma.len(), 2);
        }
    }
}
