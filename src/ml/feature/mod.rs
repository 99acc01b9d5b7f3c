//! Feature stages: each file is one stage of `org.apache.spark.ml.feature`; [`scale`] is what scalers share.

pub mod assembler;
pub mod binarizer;
pub mod bucketizer;
pub mod count_vectorizer;
pub mod hashing_tf;
pub mod idf;
pub mod index_to_string;
pub mod max_abs_scaler;
pub mod min_max_scaler;
pub mod ngram;
pub mod normalizer;
pub mod one_hot;
pub mod regex_tokenizer;
pub mod scale;
pub mod sql_transformer;
pub mod standard_scaler;
pub mod stop_words;
pub mod string_indexer;
pub mod tokenizer;
pub mod variance_threshold;
