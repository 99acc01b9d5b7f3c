//! Approximate quantiles in little memory: Spark's `QuantileSummaries`, after Greenwald and Khanna (2001).
//!
//! A sketch keeps samples of the sorted values. Each knows how many values it stands for and how uncertain its rank is:
//!
//! ```text
//! value   1   4   9                    rank of 9 is between 1 + 2 + 3 = 6 and 6 + 1
//! gap     1   2   3                    values since the sample before
//! delta   0   1   1                    uncertainty of the rank
//! ```
//!
//! The rank of an answer is off by at most `error` times the number of values; below `1 / (2 error)` values all samples
//! are kept and answers are exact. Beyond that they depend on how rows are spread over tasks, as Spark's do.

use std::cmp::Ordering;

use prost::Message;

/// Values that are buffered before they are sorted in.
const HEAD: usize = 50_000;
/// Samples from which on a full buffer compresses them.
const COMPRESS: usize = 10_000;

/// A sketch of values; NaN must be left out by the caller.
///
/// ```
/// use rivulet::kernels::aggregates::sketch::Sketch;
///
/// let mut sketch = Sketch::new(0.01);
/// (1..=9).for_each(|i| sketch.insert(f64::from(i)));
/// sketch.compress();
/// assert_eq!(sketch.quantile(0.5), Some(5.0));
/// assert_eq!(Sketch::new(0.01).quantile(0.5), None);
/// ```
#[derive(Clone, PartialEq, Message)]
pub struct Sketch {
    /// The share of all values by which a rank may be off.
    #[prost(double, tag = "1")]
    error: f64,
    /// The samples' values, ascending.
    #[prost(double, repeated, tag = "2")]
    values: Vec<f64>,
    /// Per sample, how many values it stands for.
    #[prost(int64, repeated, tag = "3")]
    gaps: Vec<i64>,
    /// Per sample, the uncertainty of its rank.
    #[prost(int64, repeated, tag = "4")]
    deltas: Vec<i64>,
    /// How many values the samples stand for.
    #[prost(int64, tag = "5")]
    count: i64,
    /// Values that are not sorted in yet; none in an encoded sketch.
    #[prost(double, repeated, tag = "6")]
    head: Vec<f64>,
}

/// A sample: value, gap, delta.
type Sample = (f64, i64, i64);

impl Sketch {
    /// Returns an empty sketch whose ranks are off by at most `error` of the values.
    pub fn new(error: f64) -> Self {
        Self {
            error,
            ..Self::default()
        }
    }

    /// Takes in a value, which is not NaN.
    pub fn insert(&mut self, value: f64) {
        self.head.push(value);
        if self.head.len() >= HEAD {
            self.sort_in();
            if self.values.len() >= COMPRESS {
                self.compress();
            }
        }
    }

    /// Returns the bytes in memory, about.
    pub fn bytes(&self) -> usize {
        64 + 8 * self.head.len() + 24 * self.values.len()
    }

    /// Returns the sample at a place.
    fn sample(&self, i: usize) -> Sample {
        (self.values[i], self.gaps[i], self.deltas[i])
    }

    /// Puts samples in the place of those that are there.
    fn replace(&mut self, samples: impl Iterator<Item = Sample>) {
        self.values.clear();
        self.gaps.clear();
        self.deltas.clear();
        for (value, gap, delta) in samples {
            self.values.push(value);
            self.gaps.push(gap);
            self.deltas.push(delta);
        }
    }

    /// Sorts the buffered values in among the samples.
    fn sort_in(&mut self) {
        if self.head.is_empty() {
            return;
        }
        let mut sorted = std::mem::take(&mut self.head);
        sorted.sort_by(f64::total_cmp);
        let mut merged: Vec<Sample> = Vec::with_capacity(self.values.len() + sorted.len());
        let mut next = 0;
        for (i, value) in sorted.iter().enumerate() {
            while next < self.values.len() && self.values[next] <= *value {
                merged.push(self.sample(next));
                next += 1;
            }
            self.count += 1;
            // The least and the greatest value are known exactly.
            let greatest = next == self.values.len() && i + 1 == sorted.len();
            let delta = if merged.is_empty() || greatest {
                0
            } else {
                (2.0 * self.error * self.count as f64).floor() as i64
            };
            merged.push((*value, 1, delta));
        }
        merged.extend((next..self.values.len()).map(|i| self.sample(i)));
        self.replace(merged.into_iter());
    }

    /// Joins neighbouring samples as far as the error allows.
    pub fn compress(&mut self) {
        self.sort_in();
        self.join_neighbours();
    }

    /// Joins from the greatest sample down; the least is kept as it is.
    fn join_neighbours(&mut self) {
        let Some(last) = self.values.len().checked_sub(1) else {
            return;
        };
        let most = 2.0 * self.error * self.count as f64;
        let mut kept = Vec::new();
        let mut head = self.sample(last);
        for i in (1..last).rev() {
            let sample = self.sample(i);
            if ((sample.1 + head.1 + head.2) as f64) < most {
                head.1 += sample.1;
            } else {
                kept.push(head);
                head = sample;
            }
        }
        kept.push(head);
        let least = self.sample(0);
        if least.0 <= head.0 && last > 0 {
            kept.push(least);
        }
        self.replace(kept.into_iter().rev());
    }

    /// Takes in a sketch that was compressed; this one is compressed before and after.
    pub fn merge(&mut self, other: &Self) {
        self.compress();
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = other.clone();
            return;
        }
        let most = |s: &Self| (2.0 * s.error * s.count as f64).floor() as i64;
        let (own_more, other_more) = (most(other), most(self));
        let (mut i, mut j) = (0, 0);
        let mut merged: Vec<Sample> = Vec::with_capacity(self.values.len() + other.values.len());
        while i < self.values.len() && j < other.values.len() {
            // A sample between two of the other side is as uncertain as these.
            let (mut sample, more) = if self.values[i].partial_cmp(&other.values[j]) == Some(Ordering::Less) {
                i += 1;
                (self.sample(i - 1), if j > 0 { own_more } else { 0 })
            } else {
                j += 1;
                (other.sample(j - 1), if i > 0 { other_more } else { 0 })
            };
            sample.2 += more;
            merged.push(sample);
        }
        merged.extend((i..self.values.len()).map(|i| self.sample(i)));
        merged.extend((j..other.values.len()).map(|j| other.sample(j)));
        self.error = self.error.max(other.error);
        self.count += other.count;
        self.replace(merged.into_iter());
        self.join_neighbours();
    }

    /// Returns a value whose share of the values is about `share`; `None` without values. The sketch must be compressed.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let (first, last) = (self.values.first()?, self.values.last()?);
        if share <= self.error {
            return Some(*first);
        }
        if share >= 1.0 - self.error {
            return Some(*last);
        }
        let rank = (share * self.count as f64).ceil() as i64;
        let widest = self.gaps.iter().zip(&self.deltas).map(|(g, d)| g + d).max();
        let off = widest.unwrap_or(0) / 2;
        let mut least = 0;
        for i in 0..self.values.len() - 1 {
            least += self.gaps[i];
            if least + self.deltas[i] - off <= rank && rank <= least + off {
                return Some(self.values[i]);
            }
        }
        Some(*last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values 0 to n - 1 in an order that is not theirs.
    fn of(n: usize, error: f64) -> Sketch {
        let mut sketch = Sketch::new(error);
        (0..n).for_each(|i| sketch.insert(((i * 7919) % n) as f64));
        sketch.compress();
        sketch
    }

    #[test]
    fn ranks_are_off_by_no_more_than_the_error() {
        let (n, error) = (120_011, 0.01);
        let sketch = of(n, error);
        assert!(sketch.values.len() < 500, "{}", sketch.values.len());
        for percent in 0..=100 {
            let wanted = f64::from(percent) / 100.0 * n as f64;
            let found = sketch.quantile(f64::from(percent) / 100.0).unwrap();
            assert!((found - wanted).abs() <= error * n as f64 + 1.0, "{percent}: {found}");
        }
    }

    #[test]
    fn merged_sketches_answer_for_all_values() {
        let (n, error) = (20_011, 0.01);
        let mut merged = Sketch::new(error);
        for part in 0..3 {
            let mut sketch = Sketch::new(error);
            let mine = (0..n).filter(|i| i % 3 == part);
            mine.for_each(|i| sketch.insert(((i * 7919) % n) as f64));
            sketch.compress();
            merged.merge(&Sketch::decode(&sketch.encode_to_vec()[..]).unwrap());
        }
        for percent in 1..100 {
            let wanted = f64::from(percent) / 100.0 * n as f64;
            let found = merged.quantile(f64::from(percent) / 100.0).unwrap();
            assert!((found - wanted).abs() <= 2.0 * error * n as f64, "{percent}: {found}");
        }
    }

    #[test]
    fn few_values_are_answered_exactly() {
        let sketch = of(401, 0.001);
        assert_eq!(sketch.quantile(0.5), Some(200.0));
        assert_eq!(sketch.quantile(0.25), Some(100.0));
        assert_eq!(sketch.quantile(1.0), Some(400.0));
    }
}
