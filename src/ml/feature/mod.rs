//! Feature stages: each file is one stage of `org.apache.spark.ml.feature`, as a function over columns.

pub mod assembler;
pub mod binarizer;
pub mod bucketizer;
pub mod count_vectorizer;
pub mod hashing_tf;
pub mod idf;
pub mod index_to_string;
pub mod ngram;
pub mod one_hot;
pub mod scalers;
pub mod stop_words;
pub mod string_indexer;
pub mod tokenizer;
