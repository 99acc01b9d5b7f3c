//! `VectorAssembler`: numbers, booleans and vectors of a row to one vector.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type};

use crate::error::{Result, SparkError};
use crate::ml::attributes::{Feature, Features, Scale};
use crate::ml::columns::{self, Body};
use crate::ml::error::{Signature, VECTOR, failed_function, illegal};
use crate::ml::params::{INPUTS, INVALID, OUTPUT, Param, Params};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::types;
use crate::values::vector::{self, Vector, VectorBuilder, VectorColumn};

/// One input: doubles, or vectors.
enum Input<'a> {
    /// Numbers and booleans, cast to doubles: one place each.
    Doubles(&'a arrow::array::Float64Array),
    /// Vectors: as many places as their size, which may differ from row to row.
    Vectors(VectorColumn<'a>),
}

/// Assembles the rows of the inputs, one value after the other, in the form with fewer bytes.
///
/// Rows are built sparse, so assembling costs what is not zero. With `keep`, null and NaN become NaN.
///
/// # Errors
/// `FAILED_EXECUTE_UDF` if a value is null or NaN and not kept. If a null vector should be kept: nobody knows its
/// length.
pub fn apply(columns: &[ArrayRef], names: &[String], rows: usize, keep: bool) -> Result<ArrayRef> {
    let inputs = columns
        .iter()
        .map(|c| {
            Ok(match c.as_primitive_opt::<Float64Type>() {
                Some(doubles) => Input::Doubles(doubles),
                None => Input::Vectors(VectorColumn::new(c)?),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let mut out = VectorBuilder::with_capacity(rows);
    let (mut indices, mut values) = (Vec::new(), Vec::new());
    for row in 0..rows {
        indices.clear();
        values.clear();
        let mut size = 0usize;
        for (input, name) in inputs.iter().zip(names) {
            match input {
                Input::Doubles(doubles) => {
                    let value = doubles.is_valid(row).then(|| doubles.value(row));
                    if !keep && value.is_none_or(f64::is_nan) {
                        return Err(invalid(value.is_none(), name, row));
                    }
                    let value = value.unwrap_or(f64::NAN);
                    if value != 0.0 {
                        indices.push(size as i32);
                        values.push(value);
                    }
                    size += 1;
                }
                Input::Vectors(vectors) => {
                    let Some(vector) = vectors.get(row) else {
                        if keep {
                            return Err(SparkError::unsupported(format!(
                                "a null vector (column {name}, row {row}) with handleInvalid = \"keep\": its length is unknown"
                            )));
                        }
                        return Err(invalid(true, name, row));
                    };
                    for (i, value) in vector.nonzero() {
                        indices.push((size + i) as i32);
                        values.push(value);
                    }
                    size += vector.size();
                }
            }
        }
        let assembled = Vector::Sparse {
            size,
            indices: std::mem::take(&mut indices),
            values: std::mem::take(&mut values),
        };
        out.push(assembled.view().compressed().view());
    }
    out.finish()
}

/// Returns the error of a null or NaN without `keep` or `skip` (`FAILED_EXECUTE_UDF`).
fn invalid(null: bool, column: &str, row: usize) -> SparkError {
    let what = if null { "null" } else { "NaN" };
    let function = Signature {
        stage: "VectorAssembler",
        takes: "struct",
        gives: VECTOR,
        column: column.to_owned(),
    };
    let cause = format!(
        "org.apache.spark.SparkException: Encountered {what} while assembling a row with handleInvalid = \"error\". \
         Consider removing {what}s from dataset or using handleInvalid = \"keep\" or \"skip\"."
    );
    failed_function(&function, cause, row)
}

/// Joins numbers, booleans and vectors to one vector; `handleInvalid` decides about null and NaN (`VectorAssembler`).
///
/// `error` fails at the first one, `skip` drops the row, `keep` writes NaN. The size of the result is the sum of the
/// sizes.
#[derive(Debug)]
pub struct VectorAssembler;

impl Stage for VectorAssembler {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.VectorAssembler"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[INPUTS, OUTPUT, INVALID];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for VectorAssembler {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        mut input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let (columns, invalid) = (params.texts("inputCols")?, params.text("handleInvalid")?);
        let (mut reads, mut features) = (Vec::new(), Some(Features::default()));
        for column in &columns {
            let read = analyzer.input_column(&input, column)?;
            if !vector::is_vector(&read.typed.data_type)
                && !types::is_numeric(&read.typed.data_type)
                && read.typed.data_type != DataType::Boolean
            {
                return Err(illegal(format!(
                    "Data type {} of column {column} is not supported.",
                    types::simple_string(&read.typed.data_type)
                )));
            }
            let next = features_of(analyzer, &read);
            features = features.and_then(|before| before.followed_by(next));
            let wanted = if vector::is_vector(&read.typed.data_type) {
                read
            } else {
                analyzer.as_double(read)?
            };
            reads.push(wanted);
        }
        if invalid == "skip" {
            let doubles: Vec<bool> = reads.iter().map(|r| !vector::is_vector(&r.typed.data_type)).collect();
            input = analyzer.without_invalid(input, params, &reads, &doubles)?;
        }
        let keep = invalid == "keep";
        let body: Body = Box::new(move |args, rows| Ok(apply(args, &columns, rows, keep)?));
        let output = analyzer.stage(input, params, vector::data_type(), reads, body)?;
        analyzer.note_features(&output, features)?;
        Ok(output)
    }
}

/// Returns the features that a column becomes: they are called after it, and only doubles may be categories.
fn features_of(analyzer: &Analyzer, read: &columns::Input) -> Features {
    let (column, from) = (&read.name, &read.typed.data_type);
    if !vector::is_vector(from) {
        let scale = match from {
            DataType::Float64 => analyzer.scale_of(read),
            _ => Scale::Numbers,
        };
        let name = Some(column.clone());
        return Features::new(vec![Feature { name, scale }]);
    }
    let Some(known) = analyzer.features_of(read) else {
        return Features::unknown();
    };
    known.map(|i, feature| {
        let own = feature.name.clone().unwrap_or_else(|| i.to_string());
        Feature {
            name: Some(format!("{column}_{own}")),
            scale: feature.scale,
        }
    })
}
