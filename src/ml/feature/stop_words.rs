//! `StopWordsRemover`: lists of words without the words of a list.
//!
//! The lists by language are those that Spark ships: the Stopwords Corpus (Snowball's lists as PostgreSQL has them, the
//! English one with NLTK's additions), one word per line. They are part of the binary, about 2,500 words in all.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field};

use crate::error::{Result, SparkError};
use crate::ml::columns::Body;
use crate::ml::error::{Signature, failed_function};
use crate::ml::literal::Kind;
use crate::ml::params::{Check, Default, INPUT, INPUTS, OUTPUT, OUTPUTS, Param, Params, flag, named, param};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::types;

/// Languages by their names, in Spark's order, with their lists.
const LANGUAGES: [(&str, &str); 14] = [
    ("french", include_str!("stop_words/french.txt")),
    ("spanish", include_str!("stop_words/spanish.txt")),
    ("german", include_str!("stop_words/german.txt")),
    ("finnish", include_str!("stop_words/finnish.txt")),
    ("russian", include_str!("stop_words/russian.txt")),
    ("norwegian", include_str!("stop_words/norwegian.txt")),
    ("dutch", include_str!("stop_words/dutch.txt")),
    ("danish", include_str!("stop_words/danish.txt")),
    ("hungarian", include_str!("stop_words/hungarian.txt")),
    ("italian", include_str!("stop_words/italian.txt")),
    ("swedish", include_str!("stop_words/swedish.txt")),
    ("portuguese", include_str!("stop_words/portuguese.txt")),
    ("turkish", include_str!("stop_words/turkish.txt")),
    ("english", include_str!("stop_words/english.txt")),
];

/// Returns the stop words of a language, in Spark's order.
///
/// ```
/// use rivulet::ml::feature::stop_words;
///
/// assert!(stop_words::load("english")?.contains(&"the".to_owned()));
/// assert!(stop_words::load("klingon").is_err());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// If Spark has no list for the language.
pub fn load(language: &str) -> Result<Vec<String>> {
    let found = LANGUAGES.iter().find(|(name, _)| *name == language);
    let (_, words) = found.ok_or_else(|| {
        let names: Vec<&str> = LANGUAGES.iter().map(|(name, _)| *name).collect();
        SparkError::requirement(format!(
            "{language} is not in the supported language list: {}.",
            names.join(", ")
        ))
    })?;
    Ok(words.lines().map(str::to_owned).collect())
}

/// The words that one stage removes.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The words, in lower case unless case counts.
    words: HashSet<String>,
    /// Whether case counts.
    case_sensitive: bool,
    /// Whether `I` is lowered as in Turkish and Azeri.
    turkish: bool,
}

impl Filter {
    /// Returns the filter that params describe.
    ///
    /// # Errors
    /// If a param is of another type.
    pub fn new(params: &Params) -> Result<Self> {
        let case_sensitive = params.bool("caseSensitive")?;
        let turkish = params
            .text("locale")
            .is_ok_and(|l| l.starts_with("tr") || l.starts_with("az"));
        let words = params.texts("stopWords")?.into_iter();
        let words = if case_sensitive {
            words.collect()
        } else {
            words.map(|w| lower(&w, turkish)).collect()
        };
        Ok(Self {
            words,
            case_sensitive,
            turkish,
        })
    }

    /// Returns whether a word is a stop word.
    pub fn removes(&self, word: &str) -> bool {
        if self.case_sensitive || !word.chars().any(char::is_uppercase) {
            return self.words.contains(word);
        }
        self.words.contains(&lower(word, self.turkish))
    }

    /// Returns whether a word that is already in lower case is a stop word; saves the conversion.
    pub fn removes_lower(&self, word: &str) -> bool {
        self.words.contains(word)
    }
}

/// Returns a word in lower case; in Turkish, `I` becomes a dotless `ı`.
fn lower(word: &str, turkish: bool) -> String {
    if turkish {
        word.replace('I', "ı").replace('İ', "i").to_lowercase()
    } else {
        word.to_lowercase()
    }
}

/// Returns the lists without the filter's words, in their order; null words stay.
///
/// # Errors
/// `FAILED_EXECUTE_UDF` at a null list.
pub fn apply(filter: &Filter, words: &dyn Array, column: &str) -> Result<ArrayRef> {
    let lists = words.as_list::<i32>();
    let values = lists.values().as_string::<i32>();
    let mut out = ListBuilder::with_capacity(StringBuilder::new(), lists.len()).with_field(Arc::new(Field::new(
        "element",
        DataType::Utf8,
        true,
    )));
    for row in 0..lists.len() {
        if lists.is_null(row) {
            let function = Signature {
                stage: "StopWordsRemover",
                takes: "array<string>",
                gives: "array<string>",
                column: column.to_owned(),
            };
            return Err(failed_function(
                &function,
                "java.lang.NullPointerException: Cannot invoke \"scala.collection.immutable.Seq.filter(scala.Function1)\" because \"terms\" is null.",
                row,
            ));
        }
        let range = lists.value_offsets()[row] as usize..lists.value_offsets()[row + 1] as usize;
        for at in range {
            if values.is_null(at) {
                out.values().append_null();
            } else if !filter.removes(values.value(at)) {
                out.values().append_value(values.value(at));
            }
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}

/// Removes words from lists of words; null is an error (`StopWordsRemover`).
///
/// `stopWords` is the English list by default; `caseSensitive` is false by default, and `locale` matters then for
/// Turkish and Azeri only.
#[derive(Debug)]
pub struct StopWordsRemover;

impl Stage for StopWordsRemover {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.StopWordsRemover"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            INPUTS,
            OUTPUTS,
            flag("caseSensitive", false),
            named("locale", "en_US"),
            param("stopWords", Kind::Texts, Default::StopWords, Check::Any),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for StopWordsRemover {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        mut input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let filter = Arc::new(Filter::new(params)?);
        for (from, to) in params.column_pairs()? {
            let words = analyzer.strings(&input, &from)?;
            let known = analyzer.text_terms(&words);
            let (own, name) = (filter.clone(), words.name.clone());
            let body: Body = Box::new(move |args, _| Ok(apply(&own, &args[0], &name)?));
            let options = params.fingerprint();
            input = analyzer.append(
                input,
                params,
                &options,
                &to,
                types::list_of(DataType::Utf8),
                vec![words],
                body,
            )?;
            if let (Some(known), Some(made)) = (known, input.output.last()) {
                analyzer
                    .ml()?
                    .texts
                    .insert(made.id.clone(), known.without(filter.clone()));
            }
        }
        Ok(input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_the_number_of_words_that_spark_has() {
        let sizes = [
            ("danish", 94),
            ("dutch", 101),
            ("english", 181),
            ("finnish", 235),
            ("french", 156),
            ("german", 231),
            ("hungarian", 199),
            ("italian", 279),
            ("norwegian", 176),
            ("portuguese", 203),
            ("russian", 151),
            ("spanish", 313),
            ("swedish", 114),
            ("turkish", 53),
        ];
        for (language, size) in sizes {
            assert_eq!(load(language).unwrap().len(), size, "{language}");
        }
        assert!(load("klingon").unwrap_err().message.contains("klingon"));
    }
}
