//! `StringIndexer`: labels to indices by frequency or alphabet.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};

use crate::error::Result;
use crate::ml::error::{Signature, failed_function};

/// Labels in the order of their indices; ties of a frequency in alphabetical order.
///
/// Strings compare by UTF-16 units, as Java's do.
pub fn ordered(counts: HashMap<String, i64>, order: &str) -> Vec<String> {
    let mut all: Vec<(String, i64)> = counts.into_iter().collect();
    let alphabet = |a: &str, b: &str| a.encode_utf16().cmp(b.encode_utf16());
    all.sort_by(|(a, x), (b, y)| match order {
        "frequencyAsc" => x.cmp(y).then_with(|| alphabet(a, b)),
        "alphabetAsc" => alphabet(a, b),
        "alphabetDesc" => alphabet(b, a),
        _ => y.cmp(x).then_with(|| alphabet(a, b)),
    });
    all.into_iter().map(|(label, _)| label).collect()
}

/// Labels by name.
#[derive(Debug)]
pub struct Index {
    of: HashMap<String, usize>,
    /// Unknown labels and nulls get the index behind the last.
    keep: bool,
}

impl Index {
    pub fn new(labels: &[String], keep: bool) -> Self {
        Self {
            of: labels.iter().zip(0..).map(|(l, i)| (l.clone(), i)).collect(),
            keep,
        }
    }

    /// # Errors
    /// Where a label is unknown or null and neither kept nor filtered before.
    pub fn apply(&self, labels: &dyn Array, column: &str) -> Result<ArrayRef> {
        let labels = labels.as_string::<i32>();
        let mut out = Vec::with_capacity(labels.len());
        for (row, label) in labels.iter().enumerate() {
            let found = label.and_then(|l| self.of.get(l));
            out.push(match found {
                Some(index) => *index as f64,
                None if self.keep => self.of.len() as f64,
                None => return Err(unseen(label, column, row)),
            });
        }
        Ok(Arc::new(Float64Array::from(out)))
    }

    /// Which labels have an index.
    pub fn known(&self, labels: &dyn Array) -> ArrayRef {
        let labels = labels.as_string::<i32>();
        let known: Vec<bool> = labels
            .iter()
            .map(|l| l.is_some_and(|l| self.of.contains_key(l)))
            .collect();
        Arc::new(BooleanArray::from(known))
    }
}

fn unseen(label: Option<&str>, column: &str, row: usize) -> crate::error::SparkError {
    let function = Signature {
        stage: "StringIndexerModel",
        takes: "string",
        gives: "double",
        column: column.to_owned(),
    };
    let cause = match label {
        Some(label) => format!(
            "org.apache.spark.SparkException: Unseen label: {label}. To handle unseen labels, set Param handleInvalid to keep."
        ),
        None => "org.apache.spark.SparkException: StringIndexer encountered NULL value. To handle or skip NULLS, \
                 try setting StringIndexer.handleInvalid."
            .into(),
    };
    failed_function(&function, cause, row)
}
