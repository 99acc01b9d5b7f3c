//! Feature stages: each file is one stage of `org.apache.spark.ml.feature`; [`scale`] is what scalers share.
//!
//! | from | to | stages |
//! |------|----|--------|
//! | strings | words | [`tokenizer`], [`regex_tokenizer`] |
//! | words | words | [`stop_words`], [`ngram`] |
//! | words | vectors of counts | [`hashing_tf`], [`count_vectorizer`] |
//! | labels | indices and back | [`string_indexer`], [`index_to_string`] |
//! | indices | vectors of 0 and 1 | [`one_hot`] |
//! | numbers | indices | [`binarizer`], [`bucketizer`], [`quantile_discretizer`] |
//! | numbers | numbers | [`imputer`] |
//! | columns | one vector | [`assembler`], [`interaction`], [`feature_hasher`] |
//! | vectors | vectors | [`idf`], [`standard_scaler`], [`min_max_scaler`], [`max_abs_scaler`] |
//! | vectors | vectors | [`normalizer`], [`variance_threshold`], [`vector_slicer`], [`size_hint`] |
//! | vectors | vectors | [`robust_scaler`], [`vector_indexer`], [`pca`] |
//! | vectors | vectors | [`elementwise_product`], [`polynomial_expansion`], [`dct`] |
//! | vectors | vectors | [`selection`] |
//! | vectors | hashes, neighbours | [`lsh`] |
//! | anything | anything | [`sql_transformer`] |
//! | columns | one vector and a label | [`formula`] |
//!
//! Each file has, in this order: the kernel over Arrow arrays (mostly called `apply`), the stage with its params, and
//! for an estimator its model with the saved form.

pub mod assembler;
pub mod binarizer;
pub mod bucketizer;
pub mod count_vectorizer;
pub mod dct;
pub mod elementwise_product;
pub mod feature_hasher;
pub mod formula;
pub mod hashing_tf;
pub mod idf;
pub mod imputer;
pub mod index_to_string;
pub mod interaction;
pub mod lsh;
pub mod max_abs_scaler;
pub mod min_max_scaler;
pub mod ngram;
pub mod normalizer;
pub mod one_hot;
pub mod pca;
pub mod polynomial_expansion;
pub mod quantile_discretizer;
pub mod regex_tokenizer;
pub mod robust_scaler;
pub mod scale;
pub mod selection;
pub mod size_hint;
pub mod sql_transformer;
pub mod standard_scaler;
pub mod stop_words;
pub mod string_indexer;
pub mod tokenizer;
pub mod variance_threshold;
pub mod vector_indexer;
pub mod vector_slicer;
pub mod word2vec;
