//! `RegexTokenizer`: strings to words by a regular expression.

use arrow::datatypes::DataType;

use super::tokenizer::{RegexWords, text_column, tokenize_by};
use crate::error::Result;
use crate::ml::columns::Body;
use crate::ml::literal::Kind;
use crate::ml::params::{Default, INPUT, NON_NEGATIVE, OUTPUT, Param, Params, flag, named, param};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::types;

/// Splits a string by a regular expression, or finds its matches; null is an error (`RegexTokenizer`).
///
/// `pattern` is a Java pattern. With `gaps` (the default) it matches what lies between words, else the words. Words
/// shorter than `minTokenLength` UTF-16 units are dropped; `toLowercase` applies before the pattern.
#[derive(Debug)]
pub struct RegexTokenizer;

impl Stage for RegexTokenizer {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.RegexTokenizer"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            flag("gaps", true),
            param("minTokenLength", Kind::Int, Default::Int(1), NON_NEGATIVE),
            named("pattern", "\\s+"),
            flag("toLowercase", true),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for RegexTokenizer {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let text = text_column(analyzer, &input, params)?;
        let name = text.name.clone();
        let regex = RegexWords::new(params)?;
        let body: Body = Box::new(move |args, _| Ok(tokenize_by(&regex, &args[0], &name)?));
        analyzer.stage(input, params, types::list_of(DataType::Utf8), vec![text], body)
    }
}
