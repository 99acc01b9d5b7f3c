//! `OneHotEncoder`: category indices to vectors with a single 1.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float64Type;

use crate::error::Result;
use crate::ml::error::{Signature, failed_function};
use crate::values::vector::{VectorBuilder, VectorRef};

/// What one column's encoder knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoder {
    pub categories: usize,
    pub drop_last: bool,
    /// Values without a category get one of their own, behind the last.
    pub keep: bool,
}

impl Encoder {
    /// Length of the vectors.
    fn size(self) -> usize {
        match (self.drop_last, self.keep) {
            (false, true) => self.categories + 1,
            (true, false) => self.categories.saturating_sub(1),
            _ => self.categories,
        }
    }

    /// # Errors
    /// Where a value has no category and is not kept.
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
