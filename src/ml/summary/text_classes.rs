//! Sums of the hashed terms of each class, over strings: what naive Bayes trains on, without vectors.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::Float64Type;

use super::classes::Classes;
use super::{Summary, Weights};
use crate::error::Result;
use crate::ml::text::HashedText;

/// Sums by class over (strings, label) or (strings, label, weight): the same as [`Classes`] over the vectors of counts that
/// the strings are made to.
///
/// Counts of rows that all weigh 1 are whole numbers, whose sums are exact in any order: then each word adds 1. Else each
/// term of a row adds its weighted count, as its vector would.
#[derive(Debug)]
pub struct TextClasses {
    /// The sums.
    classes: Classes,
    /// How strings become counts.
    terms: HashedText,
}

impl TextClasses {
    /// Returns an empty summary, which adds what it reads to `classes`.
    pub fn new(classes: Classes, terms: HashedText) -> Self {
        Self { classes, terms }
    }
}

impl Summary for TextClasses {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let texts = self.terms.lowered(&columns[0])?;
        let labels = columns[1].as_primitive::<Float64Type>();
        let weights = Weights::new(columns.get(2));
        let whole = columns.len() < 3 && !self.terms.hashing.binary;
        let (mut indices, mut counts) = (Vec::new(), Vec::new());
        for row in 0..texts.len() {
            let (sums, weight) = self.classes.row(labels, &weights, self.terms.hashing.features, row)?;
            if whole {
                self.terms.each_index(&texts, row, |index| {
                    if let Some(sum) = sums.get_mut(index) {
                        *sum += 1.0;
                    }
                });
                continue;
            }
            indices.clear();
            self.terms.each_index(&texts, row, |index| indices.push(index as u32));
            self.terms.count_into(&mut indices, &mut counts);
            for (index, count) in &counts {
                sums[*index as usize] += weight * count;
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.classes.merge(state)
    }

    fn encode(&self) -> Vec<u8> {
        self.classes.encode()
    }

    fn bytes(&self) -> usize {
        self.classes.bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, StringArray};

    use super::*;
    use crate::ml::classification::naive_bayes::Type;
    use crate::ml::feature::hashing_tf::{self, Hashing};
    use crate::ml::feature::tokenizer::tokenize;
    use crate::ml::summary::classes::Names;
    use crate::ml::text::{TextTerms, text_column};

    fn terms(hashing: Hashing) -> HashedText {
        TextTerms::new(text_column()).hashed(hashing).counts().unwrap()
    }

    fn classes(kind: Type) -> Classes {
        let names = Names {
            label: "label".into(),
            features: "features".into(),
            weight: "weight".into(),
        };
        Classes::new(kind, names)
    }

    fn texts() -> ArrayRef {
        Arc::new(StringArray::from(vec![
            "a b A", "", "  c é ", "a a a b", "so So it", " ",
        ]))
    }

    #[test]
    fn sums_of_strings_are_those_of_their_vectors() {
        let labels: ArrayRef = Arc::new(Float64Array::from(vec![0.0, 1.0, 2.0, 0.0, 1.0, 1.0]));
        let weights: ArrayRef = Arc::new(Float64Array::from(vec![0.1, 0.7, 0.3, 0.3, 1.1, 0.0]));
        for (kind, binary) in [(Type::Multinomial, false), (Type::Bernoulli, true)] {
            let hashing = Hashing {
                features: 5,
                binary,
                old: false,
            };
            let vectors = hashing_tf::apply(hashing, &tokenize(&texts(), "text").unwrap(), "words").unwrap();
            for weighed in [false, true] {
                let rest = || {
                    [labels.clone(), weights.clone()]
                        .into_iter()
                        .take(1 + usize::from(weighed))
                };
                let columns = |first: &ArrayRef| [first.clone()].into_iter().chain(rest()).collect::<Vec<_>>();
                let mut expected = classes(kind);
                expected.update(&columns(&vectors)).unwrap();
                let mut found = TextClasses::new(classes(kind), terms(hashing));
                found.update(&columns(&texts())).unwrap();
                assert_eq!(found.classes.state(), expected.state(), "{kind:?} weighed={weighed}");
            }
        }
    }

    #[test]
    fn rows_that_training_refuses_are_refused_as_before() {
        let hashing = Hashing {
            features: 5,
            binary: false,
            old: false,
        };
        let refused = |texts: ArrayRef, label: f64| {
            let labels: ArrayRef = Arc::new(Float64Array::from(vec![label]));
            let mut sums = TextClasses::new(classes(Type::Multinomial), terms(hashing));
            sums.update(&[texts, labels]).unwrap_err()
        };
        let error = refused(Arc::new(StringArray::from(vec![None::<&str>])), -1.0);
        assert_eq!(error.condition.as_deref(), Some("FAILED_EXECUTE_UDF"));
        let error = refused(Arc::new(StringArray::from(vec!["a"])), 0.5);
        assert!(
            error.message.starts_with("Labels MUST be Integers, but got 0.5"),
            "{error}"
        );
    }
}
