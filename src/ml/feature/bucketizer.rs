//! `Bucketizer`: numbers to the index of their bucket.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};

use crate::error::{Result, SparkError};
use crate::ml::columns::Body;
use crate::ml::error::{Signature, failed_function};
use crate::ml::literal::Kind;
use crate::ml::params::{Check, Default, INPUT, INPUTS, INVALID, OUTPUT, OUTPUTS, Param, Params, param};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::text::double;

/// Returns the index of each value's bucket; null stays null.
///
/// Buckets are closed below and open above, the last is closed on both sides. With `keep`, NaN has a bucket of its own
/// after the last. A value costs one binary search over the splits.
///
/// # Errors
/// `FAILED_EXECUTE_UDF` if a value is outside of all buckets, or NaN without `keep`.
pub fn apply(splits: &[f64], keep: bool, values: &dyn Array, column: &str) -> Result<ArrayRef> {
    let values = values.as_primitive::<Float64Type>();
    let mut out = Vec::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        out.push(
            value
                .map(|v| bucket(splits, keep, v).map_err(|why| refused(why, column, row)))
                .transpose()?,
        );
    }
    Ok(Arc::new(Float64Array::from(out)))
}

/// Returns the bucket of one value, or what is wrong with it in Spark's words.
fn bucket(splits: &[f64], keep: bool, value: f64) -> std::result::Result<f64, String> {
    let last = splits.len() - 1;
    if value.is_nan() {
        return if keep {
            Ok(last as f64)
        } else {
            Err(
                "Bucketizer encountered NaN value. To handle or skip NaNs, try setting Bucketizer.handleInvalid."
                    .into(),
            )
        };
    }
    if value == splits[last] {
        return Ok(last as f64 - 1.0);
    }
    match splits.binary_search_by(|s| s.total_cmp(&value)) {
        Ok(found) => Ok(found as f64),
        Err(place) if place == 0 || place > last => Err(format!(
            "Feature value {} out of Bucketizer bounds [{}, {}]. Check your features, or loosen the lower/upper bound constraints.",
            double(value),
            double(splits[0]),
            double(splits[last])
        )),
        Err(place) => Ok(place as f64 - 1.0),
    }
}

/// Returns the error of a value without a bucket (`FAILED_EXECUTE_UDF`).
fn refused(why: String, column: &str, row: usize) -> SparkError {
    let function = Signature {
        stage: "Bucketizer",
        takes: "double",
        gives: "double",
        column: column.to_owned(),
    };
    failed_function(&function, format!("org.apache.spark.SparkException: {why}"), row)
}

/// Turns numbers into the index of their bucket; null stays null, `handleInvalid` decides about NaN (`Bucketizer`).
///
/// `splits` (or `splitsArray`, one list per column) has n + 1 strictly increasing bounds of n buckets; infinities at
/// the ends leave no value outside. Values outside are errors under every setting of `handleInvalid`.
#[derive(Debug)]
pub struct Bucketizer;

impl Stage for Bucketizer {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.Bucketizer"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            INPUTS,
            OUTPUTS,
            INVALID,
            param("splits", Kind::Doubles, Default::None, Check::Splits),
            param("splitsArray", Kind::DoublesList, Default::None, Check::Splits),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for Bucketizer {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let splits = if params.is_set("splitsArray") {
            params.doubles_list("splitsArray")?
        } else {
            vec![params.doubles("splits")?]
        };
        bucketized(analyzer, input, params, splits)
    }
}

/// Plans the columns of buckets with these bounds, one list for each input column.
///
/// # Errors
/// If a column is unknown or of another type, or there are fewer or more lists than columns.
pub(super) fn bucketized(
    analyzer: &mut Analyzer,
    mut input: Resolved,
    params: &Params,
    splits: Vec<Vec<f64>>,
) -> Result<Resolved> {
    let (pairs, invalid) = (params.column_pairs()?, params.text("handleInvalid")?);
    if splits.len() != pairs.len() {
        return Err(SparkError::requirement(format!(
            "Bucketizer has {} lists of splits for {} columns.",
            splits.len(),
            pairs.len()
        )));
    }
    let mut reads = Vec::new();
    for (from, _) in &pairs {
        let read = analyzer.numbers(&input, from)?;
        reads.push(analyzer.as_double(read)?);
    }
    if invalid == "skip" {
        let doubles = vec![true; reads.len()];
        input = analyzer.without_invalid(input, params, &reads, &doubles)?;
    }
    for ((read, (_, to)), splits) in reads.into_iter().zip(pairs).zip(splits) {
        let (name, keep) = (read.name.clone(), invalid == "keep");
        let options = format!("{} {splits:?}", params.fingerprint());
        // The bucket of NaN is not among the categories, as in Spark.
        let bucket = |bounds: &[f64]| format!("{}, {}", double(bounds[0]), double(bounds[1]));
        let labels = Arc::new(splits.windows(2).map(bucket).collect());
        let body: Body = Box::new(move |args, _| Ok(apply(&splits, keep, &args[0], &name)?));
        input = analyzer.append(input, params, &options, &to, DataType::Float64, vec![read], body)?;
        analyzer.note_labels(&input, labels)?;
    }
    Ok(input)
}
