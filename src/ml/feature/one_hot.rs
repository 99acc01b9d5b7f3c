//! `OneHotEncoder`: category indices to vectors with a single 1.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use prost::Message;

use crate::error::{Result, SparkError};
use crate::ml::attributes::{Feature, Features, Scale};
use crate::ml::columns::{Body, Reads};
use crate::ml::error::{Signature, failed_function};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{INPUT, INPUTS, OUTPUT, OUTPUTS, Param, Params, flag, one_of};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::summary::categories;
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector::{self, VectorBuilder, VectorRef};

/// What one column's encoder knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoder {
    /// Number of categories in training.
    pub categories: usize,
    /// Whether the last category has no place in the vector.
    pub drop_last: bool,
    /// Whether values without a category get one of their own, after the last.
    pub keep: bool,
}

impl Encoder {
    /// Returns the length of the vectors: the categories, one more if others are kept, one less if the last is dropped.
    fn size(self) -> usize {
        match (self.drop_last, self.keep) {
            (false, true) => self.categories + 1,
            (true, false) => self.categories.saturating_sub(1),
            _ => self.categories,
        }
    }

    /// Returns a sparse vector per index, with a single 1 or, for the category that is dropped, none; null stays null.
    ///
    /// # Errors
    /// `FAILED_EXECUTE_UDF` if a value has no category and is not kept.
    pub fn apply(self, values: &dyn Array, column: &str) -> Result<ArrayRef> {
        let values = values.as_primitive::<Float64Type>();
        let size = self.size();
        let mut out = VectorBuilder::with_capacity(values.len());
        for (row, value) in values.iter().enumerate() {
            let Some(value) = value else {
                out.push_null();
                continue;
            };
            let index = if value >= 0.0 && value < self.categories as f64 {
                value as usize
            } else if self.keep {
                self.categories
            } else {
                return Err(without_category(value, column, row));
            };
            let hot = index < size;
            out.push(VectorRef::Sparse {
                size,
                indices: &[index as i32][..usize::from(hot)],
                values: &[1.0][..usize::from(hot)],
            });
        }
        out.finish()
    }
}

/// Returns the error of a value that is negative or above the categories of training (`FAILED_EXECUTE_UDF`).
fn without_category(value: f64, column: &str, row: usize) -> crate::error::SparkError {
    let function = Signature {
        stage: "OneHotEncoderModel",
        takes: "double, int",
        gives: crate::ml::error::VECTOR,
        column: column.to_owned(),
    };
    let text = crate::values::text::double(value);
    let cause = if value < 0.0 {
        format!(
            "org.apache.spark.SparkException: Negative value: {text}. Input can't be negative. To handle invalid values, \
             set Param handleInvalid to keep."
        )
    } else {
        format!(
            "org.apache.spark.SparkException: Unseen value: {text}. To handle unseen values, set Param handleInvalid to keep."
        )
    };
    failed_function(&function, cause, row)
}

/// Learns the number of categories of columns (`OneHotEncoder`).
///
/// With `dropLast` (the default) the last category is a vector of zeros, so that the features do not add up to a
/// constant. `handleInvalid = "keep"` adds a category for values that training did not see.
#[derive(Debug)]
pub struct OneHotEncoder;

impl Stage for OneHotEncoder {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.OneHotEncoder"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            INPUTS,
            OUTPUTS,
            flag("dropLast", true),
            one_of("handleInvalid", "error", &["keep", "error"]),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Estimator(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }
}

impl Estimator for OneHotEncoder {
    fn training(&self, params: &Params) -> Result<Training> {
        let columns: Vec<String> = params.column_pairs()?.into_iter().map(|(from, _)| from).collect();
        let reads = columns.iter().map(|c| (c.clone(), Reads::Numbers)).collect();
        Ok(Training::new(reads, move || {
            Box::new(categories::Categories::new(columns.clone()))
        }))
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let state: categories::State = training::state(state)?;
        let sizes = state.sizes.into_iter();
        let sizes = sizes.map(|n| i32::try_from(n).unwrap_or(i32::MAX)).collect();
        Ok(Model::new(params, Categories { sizes }))
    }
}

/// `OneHotEncoderModel`: the number of categories of each input column.
#[derive(Clone, PartialEq, Message)]
pub struct Categories {
    /// Number of categories per input column: one more than the largest index of training.
    #[prost(int32, repeated, tag = "1")]
    pub sizes: Vec<i32>,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.OneHotEncoderModel"),
    tag: 14,
    decode: model::decoded::<Categories>,
    read: |row| {
        Ok(Arc::new(Categories {
            sizes: row.ints("categorySizes")?,
        }))
    },
};

impl Fitted for Categories {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, mut input: Resolved, _id: &str, params: &Params) -> Result<Resolved> {
        let sizes = &self.sizes;
        let (pairs, keep) = (params.column_pairs()?, params.text("handleInvalid")? == "keep");
        let drop_last = params.bool("dropLast")?;
        if pairs.len() != sizes.len() {
            return Err(SparkError::requirement(format!(
                "The number of input columns {} must be the same as the number of features {} during fitting.",
                pairs.len(),
                sizes.len()
            )));
        }
        for ((from, to), size) in pairs.into_iter().zip(sizes) {
            let read = analyzer.numbers(&input, &from)?;
            let labels = analyzer.labels_of(&read);
            let read = analyzer.as_double(read)?;
            let encoder = Encoder {
                categories: usize::try_from(*size).unwrap_or(0),
                drop_last,
                keep,
            };
            let name = read.name.clone();
            let options = format!("{} {encoder:?}", params.fingerprint());
            let body: Body = Box::new(move |args, _| Ok(encoder.apply(&args[0], &name)?));
            input = analyzer.append(input, params, &options, &to, vector::data_type(), vec![read], body)?;
            // A category is called by its label, else by its number.
            let name = |i: usize| {
                labels
                    .as_ref()
                    .and_then(|l| l.get(i).cloned())
                    .unwrap_or_else(|| i.to_string())
            };
            let features = (0..encoder.size()).map(|i| Feature {
                name: Some(name(i)),
                scale: Scale::Binary,
            });
            analyzer.note_features(&input, Some(Features::new(features.collect())))?;
        }
        Ok(input)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "categorySizes" => {
                let sizes = self.sizes.iter().map(|n| Value::Int((*n).into()));
                Some((Value::List(sizes.collect()), Kind::Ints))
            }
            _ => None,
        })
    }

    fn describe(&self, params: &Params) -> Result<String> {
        Ok(format!(
            "dropLast={}, handleInvalid={}",
            params.bool("dropLast")?,
            params.text("handleInvalid")?
        ))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![Column::ints("categorySizes", &self.sizes)?])
    }
}
