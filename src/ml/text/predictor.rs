//! Predictions of strings by naive Bayes, without vectors.
//!
//! Spark sums up a row's features in the order of their indices, and a sum of doubles depends on its order in its last
//! bits. Sorting each row's terms would cost more than all the rest. But which class has the largest sum is certain
//! without it, unless the sums nearly agree:
//!
//! ```text
//! n terms, weights of at most w: two orders of the same sum differ by less than n² · w · 2⁻⁵¹
//! difference of the two largest sums > that bound        the class of the largest
//! else                                                   terms sorted and summed up as Spark does
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array};

use super::HashedText;
use super::words::LoweredTexts;
use crate::error::Result;
use crate::ml::classification::naive_bayes::Predictor;

/// Predicts classes of strings: tokenizing, filtering, hashing and scoring in one pass.
#[derive(Debug)]
pub struct TextPredictor {
    /// How the features come of the strings.
    terms: HashedText,
    /// The model.
    predictor: Arc<Predictor>,
    /// The model's weights feature by feature, a number per class, if sums in any order decide; else empty.
    by_feature: Vec<f64>,
    /// What no weight and no offset exceeds, without their signs.
    largest: f64,
}

/// What is used again from row to row.
#[derive(Debug, Default)]
struct Scratch {
    /// The index of each word of the row.
    indices: Vec<u32>,
    /// The row's terms.
    terms: Vec<(u32, f64)>,
    /// A number per class.
    raw: Vec<f64>,
}

impl TextPredictor {
    /// Returns the predictor of strings; `None` unless there are as many terms as the model has features, and the model's
    /// type can score counts without looking at the vector first.
    pub fn new(terms: HashedText, predictor: &Arc<Predictor>) -> Option<Self> {
        let hashing = terms.hashing;
        if !predictor.takes_terms(hashing.features, hashing.binary) {
            return None;
        }
        let (by_feature, largest) = if hashing.binary {
            (vec![], f64::INFINITY)
        } else {
            predictor.by_feature().unwrap_or((vec![], f64::INFINITY))
        };
        Some(Self {
            terms,
            predictor: predictor.clone(),
            by_feature,
            largest,
        })
    }

    /// Returns the recipe of the terms.
    pub fn terms(&self) -> &HashedText {
        &self.terms
    }

    /// Returns the predicted class of each string as a double.
    ///
    /// Buffers are reused from row to row. The cost of a row is that of its words, times the number of classes.
    ///
    /// # Errors
    /// `FAILED_EXECUTE_UDF` at a null, as `Tokenizer` refuses it.
    pub fn predict(&self, texts: &dyn Array) -> Result<ArrayRef> {
        let lowered = self.terms.lowered(texts)?;
        let mut scratch = Scratch::default();
        let classes = self.predictor.classes();
        let rows = 0..lowered.len();
        let out: Vec<f64> = if self.by_feature.is_empty() {
            rows.map(|row| self.exact(&lowered, row, &mut scratch)).collect()
        } else if classes == 2 {
            rows.map(|row| self.of_two(&lowered, row, &mut scratch)).collect()
        } else {
            rows.map(|row| self.of_many(&lowered, row, &mut scratch)).collect()
        };
        Ok(Arc::new(Float64Array::from(out)))
    }

    /// Returns the class of a row by a model of two classes.
    fn of_two(&self, texts: &LoweredTexts, row: usize, scratch: &mut Scratch) -> f64 {
        let (weights, _) = self.by_feature.as_chunks::<2>();
        let [mut first, mut second] = [0, 1].map(|class| self.predictor.offset(class));
        let mut count = 0_u32;
        self.terms.each_index(texts, row, |index| {
            if let Some([of_first, of_second]) = weights.get(index) {
                first += of_first;
                second += of_second;
            }
            count += 1;
        });
        if (first - second).abs() > self.uncertainty(count) {
            f64::from(u8::from(second > first))
        } else {
            self.exact(texts, row, scratch)
        }
    }

    /// Returns the class of a row by a model of any number of classes.
    fn of_many(&self, texts: &LoweredTexts, row: usize, scratch: &mut Scratch) -> f64 {
        let classes = self.predictor.classes();
        let raw = &mut scratch.raw;
        raw.clear();
        raw.extend((0..classes).map(|class| self.predictor.offset(class)));
        let mut count = 0_u32;
        self.terms.each_index(texts, row, |index| {
            let weights = self.by_feature.chunks_exact(classes).nth(index).unwrap_or_default();
            raw.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
            count += 1;
        });
        let (mut best, mut most, mut next) = (0, f64::NEG_INFINITY, f64::NEG_INFINITY);
        for (class, sum) in raw.iter().enumerate() {
            if *sum > most {
                (best, most, next) = (class, *sum, most);
            } else {
                next = next.max(*sum);
            }
        }
        if most - next > self.uncertainty(count) {
            best as f64
        } else {
            self.exact(texts, row, scratch)
        }
    }

    /// Returns a bound for what two orders of summing up differ by, for both of two sums together; with an offset and a
    /// logarithm of the sum of all classes in reserve.
    fn uncertainty(&self, terms: u32) -> f64 {
        let terms = f64::from(terms) + 8.0;
        terms * terms * self.largest * (4.0 * f64::EPSILON)
    }

    /// Returns the class of a row as its vector would have it: terms in the order of their indices, equal ones together.
    #[cold]
    fn exact(&self, texts: &LoweredTexts, row: usize, scratch: &mut Scratch) -> f64 {
        let Scratch { indices, terms, raw } = scratch;
        indices.clear();
        self.terms.each_index(texts, row, |index| indices.push(index as u32));
        self.terms.count_into(indices, terms);
        self.predictor.raw_of_terms(terms, raw);
        self.predictor.prediction_of_raw(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::classification::naive_bayes::NaiveBayesModel;
    use crate::ml::classification::scores::Scores;
    use crate::ml::feature::hashing_tf::{self, Hashing};
    use crate::ml::feature::stop_words::{self, Filter};
    use crate::ml::feature::tokenizer;
    use crate::ml::literal::Value;
    use crate::ml::matrix::Matrix;
    use crate::ml::params::Params;
    use crate::ml::stage;
    use crate::ml::text::{TextTerms, text_column};
    use crate::proto as sc;
    use arrow::array::{AsArray, StringArray};
    use arrow::datatypes::Float64Type;

    fn params(class: &str, set: &[(&str, Value)]) -> Params {
        let operator = stage::by_name(&format!("org.apache.spark.ml.{class}")).unwrap();
        let mut params = Params::new(operator, "stage", &sc::MlParams::default()).unwrap();
        set.iter()
            .for_each(|(name, value)| params.put(name, value.clone()).unwrap());
        params
    }

    #[test]
    fn a_prediction_of_a_text_is_that_of_its_vectors() {
        const FEATURES: usize = 13;
        let texts = StringArray::from(vec![
            "The quick brown FOX",
            "",
            "  a a a b",
            "Straße ΣΑΣ İx",
            "the the",
            "so it goes goes goes",
        ]);
        let theta = (0..3 * FEATURES)
            .map(|i| -1.0 - ((i * 7919) % 101) as f64 / 17.0)
            .collect();
        let model = NaiveBayesModel {
            pi: vec![-1.1, -1.0, -1.2],
            theta: Matrix::new(3, FEATURES, theta),
            sigma: Matrix::default(),
            statistics: None,
        };
        for (kind, binary) in [("multinomial", false), ("complement", false), ("bernoulli", true)] {
            let predictor = params("classification.NaiveBayes", &[("modelType", Value::Text(kind.into()))]);
            let mut model = model.clone();
            if kind == "bernoulli" {
                model.theta.values.iter_mut().for_each(|t| *t = -t.abs());
            }
            let predictor = Arc::new(Predictor::new(&model, &predictor).unwrap());
            let hashing = Hashing {
                features: FEATURES,
                binary,
                old: false,
            };
            let filter = Arc::new(Filter::new(&params("feature.StopWordsRemover", &[])).unwrap());
            let words = tokenizer::tokenize(&texts, "text").unwrap();
            let kept = stop_words::apply(&filter, &words, "words").unwrap();
            let vectors = hashing_tf::apply(hashing, &kept, "kept").unwrap();
            let scores: &dyn Scores = &*predictor;
            let raw = scores.raw_column(&vectors, "features").unwrap();
            let expected = scores.prediction_column(&raw).unwrap();
            let terms = TextTerms::new(text_column()).without(filter).hashed(hashing);
            let terms = terms.counts().unwrap();
            let found = TextPredictor::new(terms, &predictor).unwrap().predict(&texts).unwrap();
            assert_eq!(
                found.as_primitive::<Float64Type>(),
                expected.as_primitive::<Float64Type>(),
                "{kind}"
            );
        }
    }

    /// Models whose classes have the same weights in other places, so that sums tie but for their rounding, and words that
    /// fall in all places alike; made by a multiplicative generator.
    #[test]
    fn classes_that_nearly_tie_are_those_of_the_vectors() {
        const FEATURES: usize = 16;
        let mut state = 5_u64;
        let mut next = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let hashing = Hashing {
            features: FEATURES,
            binary: false,
            old: false,
        };
        let texts: Vec<String> = (0..3_000)
            .map(|_| (0..1 + next(12)).map(|_| format!("w{} ", next(40))).collect())
            .collect();
        let texts = StringArray::from(texts);
        let words = tokenizer::tokenize(&texts, "text").unwrap();
        let vectors = hashing_tf::apply(hashing, &words, "words").unwrap();
        for classes in [1, 2, 3] {
            let own: Vec<f64> = (0..FEATURES).map(|_| -1.0 - next(3) as f64 / 10.0).collect();
            let rotated = |class: usize| own.iter().cycle().skip(class * 5).take(FEATURES).copied();
            let model = NaiveBayesModel {
                pi: vec![-0.7; classes],
                theta: Matrix::new(classes, FEATURES, (0..classes).flat_map(rotated).collect()),
                sigma: Matrix::default(),
                statistics: None,
            };
            for kind in ["multinomial", "complement"] {
                let params = params("classification.NaiveBayes", &[("modelType", Value::Text(kind.into()))]);
                let predictor = Arc::new(Predictor::new(&model, &params).unwrap());
                let scores: &dyn Scores = &*predictor;
                let raw = scores.raw_column(&vectors, "features").unwrap();
                let expected = scores.prediction_column(&raw).unwrap();
                let terms = TextTerms::new(text_column()).hashed(hashing).counts().unwrap();
                let found = TextPredictor::new(terms, &predictor).unwrap().predict(&texts).unwrap();
                assert_eq!(
                    found.as_primitive::<Float64Type>(),
                    expected.as_primitive::<Float64Type>(),
                    "{classes} classes, {kind}"
                );
            }
        }
    }
}
