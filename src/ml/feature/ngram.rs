//! `NGram`: each run of n words as one, joined by spaces.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field};

use crate::error::Result;
use crate::ml::columns::Body;
use crate::ml::error::{Signature, failed_function};
use crate::ml::literal::Kind;
use crate::ml::params::{Check, Default, INPUT, OUTPUT, Param, Params, param};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::types;

/// Returns the runs of `n` words of each list, joined by spaces; lists shorter than `n` become empty, a null word is
/// `null`.
///
/// # Errors
/// `FAILED_EXECUTE_UDF` at a null list.
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

/// Joins each `n` consecutive words with spaces; fewer words make an empty list, null is an error (`NGram`).
#[derive(Debug)]
pub struct NGram;

impl Stage for NGram {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.NGram"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            param("n", Kind::Int, Default::Int(2), Check::AtLeast(1.0)),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for NGram {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let words = analyzer.strings(&input, &params.text("inputCol")?)?;
        let n = params.count("n")?;
        let name = words.name.clone();
        let body: Body = Box::new(move |args, _| Ok(apply(n, &args[0], &name)?));
        analyzer.stage(input, params, types::list_of(DataType::Utf8), vec![words], body)
    }
}
