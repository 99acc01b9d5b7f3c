//! `VectorSizeHint`: the size that the vectors of a column have.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::datatypes::DataType;

use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::ml::attributes::Features;
use crate::ml::columns::filtered;
use crate::ml::error::invalid_value;
use crate::ml::literal::Kind;
use crate::ml::params::{Default, INPUT, NON_NEGATIVE, Param, Params, one_of, param};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::{Resolved, Typed};
use crate::proto as sc;
use crate::values::vector::{self, VectorColumn};

/// Holds the vectors of `inputCol` to `size`, in place (`VectorSizeHint`).
///
/// `handleInvalid` decides about null and other sizes: `error` fails at the first one, `skip` drops the row,
/// `optimistic` looks at none.
#[derive(Debug)]
pub struct VectorSizeHint;

impl Stage for VectorSizeHint {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.VectorSizeHint"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            one_of("handleInvalid", "error", &["optimistic", "error", "skip"]),
            param("size", Kind::Int, Default::None, NON_NEGATIVE),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for VectorSizeHint {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let size = params.count("size")?;
        let read = analyzer.vectors(&input, &params.text("inputCol")?)?;
        let features = analyzer.features_of(&read);
        let known = features.as_ref().and_then(|features| features.all());
        if let Some(known) = known.filter(|known| known.len() != size) {
            return Err(SparkError::requirement(format!(
                "Trying to set size of vectors in `{}` to {size} but size already set to {}.",
                read.name,
                known.len()
            )));
        }
        let (column, expr) = (read.name.clone(), read.typed.expr.clone());
        let output = match params.text("handleInvalid")?.as_str() {
            "optimistic" => input,
            "skip" => {
                let fits = kernel::call(
                    "vector_has_size",
                    size.to_string(),
                    DataType::Boolean,
                    vec![expr],
                    move |args, _| {
                        let vectors = VectorColumn::new(&args[0])?;
                        let fits = (0..vectors.len()).map(|row| vectors.get(row).is_some_and(|v| v.size() == size));
                        Ok(Arc::new(BooleanArray::from(fits.collect::<Vec<_>>())))
                    },
                );
                filtered(input, fits)?
            }
            _ => {
                let to = vector::data_type();
                let checked = kernel::call(
                    "VectorSizeHint",
                    params.fingerprint(),
                    to.clone(),
                    vec![expr],
                    move |args, _| Ok(check(&args[0], size, &column)?),
                );
                analyzer.with_column(input, &read.name, Typed::new(checked, to, &read.name))?
            }
        };
        let features = features.unwrap_or_else(|| Arc::new(Features::unnamed(size)));
        analyzer.note_features_of(&output, &read.name, features)?;
        Ok(output)
    }
}

/// Returns the vectors as they are.
///
/// # Errors
/// `USER_RAISED_EXCEPTION` at a null and at a vector of another size.
fn check(vectors: &ArrayRef, size: usize, column: &str) -> Result<ArrayRef> {
    let found = VectorColumn::new(vectors)?;
    for row in 0..vectors.len() {
        let why = match found.get(row) {
            Some(v) if v.size() == size => continue,
            Some(v) => format!("VectorSizeHint Expecting a vector of size {size} but got {}", v.size()),
            None => {
                "Got null vector in VectorSizeHint, set `handleInvalid` to 'skip' to filter invalid rows.".to_owned()
            }
        };
        return Err(invalid_value(why, column, row));
    }
    Ok(vectors.clone())
}
