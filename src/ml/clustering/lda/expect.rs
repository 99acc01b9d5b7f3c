//! What one step sums up over the documents that it draws (`OnlineLDAOptimizer.submitMiniBatch`), and how many there are.

use std::sync::Arc;

use arrow::array::ArrayRef;
use prost::Message;

use super::GAMMA_SHAPE;
use super::infer::{Document, Topics, expected_logs, is_empty};
use super::start::gammas;
use crate::error::{Exception, Result, SparkError};
use crate::ml::clustering::rows::checked;
use crate::ml::sampling::Poisson;
use crate::ml::summary::{Summary, check_room, corrupt};
use crate::plan::functions::partition;
use crate::values::vector::{VectorColumn, VectorRef};

/// A question: the sums of a step, or without topics how many documents there are.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// What is expected of the shares of terms, term after term, each with its topics.
    #[prost(double, repeated, tag = "1")]
    pub shares: Vec<f64>,
    /// How much documents are about each topic before one is read; none to ask how many documents there are.
    #[prost(double, repeated, tag = "2")]
    pub alpha: Vec<f64>,
    /// How often each document is drawn, about.
    #[prost(double, tag = "3")]
    pub share: f64,
    /// The seed of draws.
    #[prost(int64, tag = "4")]
    pub draws: i64,
    /// The seed of where documents begin.
    #[prost(int64, tag = "5")]
    pub start: i64,
    /// Whether the sums of logarithms are wanted.
    #[prost(bool, tag = "6")]
    pub wants_logs: bool,
}

/// An answer.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Number of rows, or of those that were drawn.
    #[prost(uint64, tag = "1")]
    pub rows: u64,
    /// Size of the first vector.
    #[prost(uint64, tag = "2")]
    pub size: u64,
    /// The partition of the first vector.
    #[prost(uint64, tag = "3")]
    partition: u64,
    /// Number of documents with terms that were drawn.
    #[prost(uint64, tag = "4")]
    pub documents: u64,
    /// What documents say about the topics, in the form of the shares; none if no document was drawn.
    #[prost(double, repeated, tag = "5")]
    pub sums: Vec<f64>,
    /// Sums of what the logarithms of the documents' shares are expected to be; as `sums`.
    #[prost(double, repeated, tag = "6")]
    pub logs: Vec<f64>,
}

/// Returns the error of a document with terms that the topics lack.
pub(super) fn out_of_bounds(cause: String) -> SparkError {
    SparkError::new(
        Exception::Connect,
        "",
        "",
        format!("{cause}: a document has terms that the topics lack"),
    )
}

/// Answers a question over (documents).
#[derive(Debug)]
pub(super) struct Expect {
    column: String,
    asked: Arc<Asked>,
    topics: Arc<Topics>,
    draws: Option<Poisson>,
    start: Vec<f64>,
    document: Document,
    state: State,
}

impl Expect {
    /// Returns an empty answer; the topics are those of the question.
    pub fn new(column: String, asked: Arc<Asked>, topics: Arc<Topics>) -> Self {
        Self {
            column,
            asked,
            topics,
            draws: None,
            start: vec![],
            document: Document::default(),
            state: State::default(),
        }
    }

    /// Takes in a document as often as it is drawn.
    fn add(&mut self, document: VectorRef<'_>) -> Result<()> {
        let (at, asked) = (partition::current(), &self.asked);
        let draws = self
            .draws
            .get_or_insert_with(|| Poisson::new(asked.share, asked.draws, at));
        let times = draws.next_times();
        self.state.rows += u64::from(times);
        if times == 0 || is_empty(document) {
            return Ok(());
        }
        let k = self.topics.alpha.len();
        if self.state.sums.is_empty() {
            // All documents of a partition begin alike.
            self.start = gammas(asked.start.wrapping_add(at as i64), GAMMA_SHAPE, k);
            self.state.sums = vec![0.0; self.topics.shares.len()];
            self.state.logs = vec![0.0; if asked.wants_logs { k } else { 0 }];
        }
        self.state.documents += u64::from(times);
        let read = self.document.read(&self.topics, document, &self.start);
        read.map_err(out_of_bounds)?;
        self.document.add_to(&mut self.state.sums, f64::from(times));
        if asked.wants_logs {
            let logs = expected_logs(&self.document.gamma);
            let sums = self.state.logs.iter_mut().zip(logs);
            sums.for_each(|(sum, log)| *sum += log * f64::from(times));
        }
        Ok(())
    }
}

impl Summary for Expect {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let vectors = VectorColumn::new(&columns[0])?;
        for row in 0..vectors.len() {
            let document = checked(vectors.get(row), &self.column, row)?;
            if !self.topics.alpha.is_empty() {
                self.add(document)?;
                continue;
            }
            if self.state.rows == 0 {
                self.state.size = document.size() as u64;
                self.state.partition = partition::current() as u64;
            }
            self.state.rows += 1;
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        if other.rows == 0 {
            return Ok(());
        }
        if self.state.rows == 0 || other.partition < self.state.partition {
            (self.state.size, self.state.partition) = (other.size, other.partition);
        }
        self.state.rows += other.rows;
        self.state.documents += other.documents;
        merge(&mut self.state.sums, other.sums);
        merge(&mut self.state.logs, other.logs);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        self.state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        512 + (self.state.sums.len() + 8 * self.topics.alpha.len()) * 8
    }
}

/// Adds sums to others; none are zeros.
fn merge(own: &mut Vec<f64>, other: Vec<f64>) {
    if own.is_empty() {
        *own = other;
    } else {
        own.iter_mut().zip(other).for_each(|(a, b)| *a += b);
    }
}

/// Checks that topics are not too large to be kept.
///
/// # Errors
/// `RIVULET_MODEL_TOO_LARGE` if they are.
pub(super) fn check_topics(k: usize, terms: usize) -> Result<()> {
    check_room("The topics of documents", k.saturating_mul(terms.saturating_add(8)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::vector::VectorBuilder;

    fn column(rows: &[&[f64]]) -> ArrayRef {
        let mut out = VectorBuilder::with_capacity(rows.len());
        rows.iter().for_each(|row| out.push(VectorRef::Dense(row)));
        out.finish().unwrap()
    }

    fn empty(asked: Asked) -> Expect {
        let topics = Topics {
            shares: asked.shares.clone(),
            alpha: asked.alpha.clone(),
        };
        Expect::new("d".into(), Arc::new(asked), Arc::new(topics))
    }

    #[test]
    fn the_first_partition_says_how_many_terms_there_are() {
        let (mut one, mut two) = (empty(Asked::default()), empty(Asked::default()));
        one.update(&[column(&[&[1.0, 2.0], &[3.0]])]).unwrap();
        one.state.partition = 1;
        two.update(&[column(&[&[1.0, 2.0, 3.0]])]).unwrap();
        one.merge(&two.encode()).unwrap();
        assert_eq!((one.state.rows, one.state.size), (3, 3));
    }

    #[test]
    fn documents_without_terms_are_drawn_and_left_out() {
        let mut all = empty(Asked {
            shares: vec![0.5; 4],
            alpha: vec![1.0; 2],
            share: 1.0,
            wants_logs: true,
            ..Asked::default()
        });
        let rows: Vec<&[f64]> = vec![&[0.0, 0.0]; 40];
        all.update(&[column(&rows)]).unwrap();
        assert!(all.state.rows > 0 && all.state.documents == 0 && all.state.sums.is_empty());
        let rows: Vec<&[f64]> = vec![&[2.0, 0.0]; 40];
        all.update(&[column(&rows)]).unwrap();
        let (documents, sums) = (all.state.documents as f64, all.state.sums.clone());
        // Topics that are alike share the counts of a term: by its two tokens a document.
        assert!(
            (sums[0] * 0.5 + sums[1] * 0.5 - 2.0 * documents).abs() < 1e-9,
            "{sums:?}"
        );
        assert_eq!(sums[2..], [0.0, 0.0]);
        assert_eq!(all.state.logs.len(), 2);
    }

    #[test]
    fn topics_beyond_the_memory_are_refused() {
        let error = check_topics(usize::MAX, 3).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("RIVULET_MODEL_TOO_LARGE"));
    }
}
