//! `NGram`: each run of n words as one, joined by spaces.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field};

use crate::error::Result;
use crate::ml::error::{Signature, failed_function};

/// Arrays shorter than `n` give empty arrays.
pub fn apply(n: usize, words: &dyn Array, column: &str) -> Result<ArrayRef> {
    let lists = words.as_list::<i32>();
    let values = lists.values().as_string::<i32>();
    let mut out = ListBuilder::with_capacity(StringBuilder::new(), lists.len()).with_field(Arc::new(Field::new(
        "element",
        DataType::Utf8,
        true,
    )));
    let mut gram = String::new();
    for row in 0..lists.len() {
        if lists.is_null(row) {
            let function = Signature {
                stage: "NGram",
                takes: "array<string>",
                gives: "array<string>",
                column: column.to_owned(),
            };
            return Err(failed_function(
                &function,
                "java.lang.NullPointerException: Cannot invoke \"scala.collection.immutable.Seq.iterator()\" because \"x$1\" is null.",
                row,
            ));
        }
        let (from, to) = (
            lists.value_offsets()[row] as usize,
            lists.value_offsets()[row + 1] as usize,
        );
        for start in from..(to + 1).saturating_sub(n).max(from) {
            gram.clear();
            for at in start..start + n {
                if at > start {
                    gram.push(' ');
                }
                gram.push_str(if values.is_null(at) { "null" } else { values.value(at) });
            }
            out.values().append_value(&gram);
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}
