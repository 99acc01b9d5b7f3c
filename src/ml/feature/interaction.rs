//! `Interaction`: the products of all values of several columns.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type};

use crate::error::{Exception, Result, SparkError};
use crate::ml::attributes::{Feature, Features, Scale};
use crate::ml::columns::Body;
use crate::ml::error::{Signature, VECTOR, failed_function};
use crate::ml::params::{INPUTS, OUTPUT, Param, Params};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::types;
use crate::values::vector::{self, Vector, VectorBuilder, VectorColumn};

/// Multiplies every value of a column with every value of the others (`Interaction`).
///
/// A column holds numbers or vectors. An index that a `StringIndexer` made becomes a vector with a single 1 first. The
/// features of vectors must be known: from a `VectorAssembler`, `VectorSizeHint` or `OneHotEncoder`. Nulls are errors.
#[derive(Debug)]
pub struct Interaction;

impl Stage for Interaction {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.Interaction"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[INPUTS, OUTPUT];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

/// Most values of a row that are computed: a gigabyte.
const MOST: usize = 1 << 26;

/// Most products that have names.
const NAMED: usize = 1 << 16;

/// What a column's values become before they are multiplied.
#[derive(Debug, Clone, Copy)]
enum Values {
    /// A number.
    Number,
    /// The index of one of some categories: a vector with a single 1.
    Categories(usize),
    /// A vector of some features.
    Features(usize),
}

impl Values {
    /// Returns the number of values.
    fn size(self) -> usize {
        match self {
            Self::Number => 1,
            Self::Categories(n) | Self::Features(n) => n,
        }
    }
}

impl Transformer for Interaction {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        for name in ["inputCols", "outputCol"] {
            if !params.is_set(name) {
                let what = if name == "inputCols" {
                    "Input cols"
                } else {
                    "Output col"
                };
                return Err(SparkError::requirement(format!("{what} must be defined first.")));
            }
        }
        let columns = params.texts("inputCols")?;
        if columns.is_empty() {
            return Err(SparkError::requirement("Input cols must have non-zero length."));
        }
        if (0..columns.len()).any(|i| columns[..i].contains(&columns[i])) {
            return Err(SparkError::requirement("Input cols must be distinct."));
        }
        let (mut reads, mut kinds, mut names) = (Vec::new(), Vec::new(), vec![]);
        for column in &columns {
            let mut read = analyzer.input_column(&input, column)?;
            let from = read.typed.data_type.clone();
            if vector::is_vector(&from) {
                let known = analyzer.feature_names(&read).ok_or_else(|| {
                    SparkError::new(
                        Exception::Connect,
                        "",
                        "",
                        format!("Vector attributes must be defined for interaction: the features of column {column} are unknown."),
                    )
                })?;
                kinds.push(Values::Features(known.len()));
                let of = |(i, name): (usize, &Option<String>)| {
                    format!("{column}_{}", name.clone().unwrap_or_else(|| i.to_string()))
                };
                names.push(known.iter().enumerate().map(of).collect::<Vec<String>>());
            } else if types::is_numeric(&from) || from == DataType::Boolean {
                match analyzer.labels_of(&read) {
                    Some(labels) => {
                        kinds.push(Values::Categories(labels.len()));
                        names.push(labels.iter().map(|l| format!("{column}_{l}")).collect());
                    }
                    None => {
                        kinds.push(Values::Number);
                        names.push(vec![column.clone()]);
                    }
                }
                read = analyzer.as_double(read)?;
            } else {
                return Err(SparkError::requirement(format!(
                    "Column {column} of type {} cannot interact: it must be numeric, boolean or of vectors.",
                    types::simple_string(&from)
                )));
            }
            reads.push(read);
        }
        let size = kinds.iter().try_fold(1usize, |n, k| n.checked_mul(k.size()));
        if size.is_none_or(|n| n > i32::MAX as usize) {
            return Err(SparkError::requirement(
                "The interaction has more than 2^31 - 1 values.",
            ));
        }
        // The last column varies fastest.
        let few = size.is_some_and(|n| n <= NAMED);
        let made = names.iter().filter(|_| few).fold(vec![String::new()], |so_far, next| {
            let joined = |a: &String| {
                let a = a.clone();
                next.iter()
                    .map(move |b| if a.is_empty() { b.clone() } else { format!("{a}:{b}") })
            };
            so_far.iter().flat_map(joined).collect()
        });
        // Products are numbers, the categories of a column alone are not.
        let scale = match kinds[..] {
            [Values::Categories(_)] => Scale::Binary,
            _ => Scale::Numbers,
        };
        let body: Body = Box::new(move |args, rows| Ok(apply(args, &kinds, &columns, rows)?));
        let output = analyzer.stage(input, params, vector::data_type(), reads, body)?;
        let unnamed = || size.map(|n| vec![None; n]).filter(|names| names.len() <= MOST);
        let named = few.then(|| made.into_iter().map(Some).collect());
        let features = named.or_else(unnamed).map(|names: Vec<Option<String>>| {
            let feature = |name| Feature { name, scale };
            Features::new(names.into_iter().map(feature).collect())
        });
        analyzer.note_features(&output, features)?;
        Ok(output)
    }
}

/// Multiplies rows, in the form with fewer bytes.
fn apply(columns: &[ArrayRef], kinds: &[Values], names: &[String], rows: usize) -> Result<ArrayRef> {
    let vectors = columns
        .iter()
        .zip(kinds)
        .map(|(column, kind)| {
            matches!(kind, Values::Features(_))
                .then(|| VectorColumn::new(column))
                .transpose()
        })
        .collect::<Result<Vec<_>>>()?;
    let mut out = VectorBuilder::with_capacity(rows);
    for row in 0..rows {
        let (mut products, mut size) = (vec![(0usize, 1.0)], 1);
        // From the last column to the first, so that the last one varies fastest.
        for i in (0..columns.len()).rev() {
            let values = values(&columns[i], vectors[i].as_ref(), kinds[i], row).map_err(|why| {
                let function = Signature {
                    stage: "Interaction",
                    takes: "struct",
                    gives: VECTOR,
                    column: names[i].clone(),
                };
                failed_function(&function, why, row)
            })?;
            let times = |(at, value): (usize, f64)| {
                let product = move |(place, so_far): &(usize, f64)| (place + at * size, so_far * value);
                products.iter().map(product).collect::<Vec<_>>()
            };
            products = values.into_iter().flat_map(times).collect();
            size *= kinds[i].size();
        }
        let (indices, values) = products.into_iter().map(|(at, value)| (at as i32, value)).unzip();
        let product = Vector::Sparse { size, indices, values };
        out.push(product.view().compressed().view());
    }
    out.finish()
}

/// Returns (index, value) of a row's column, or what is wrong with it in Java's words.
fn values(
    column: &ArrayRef,
    vectors: Option<&VectorColumn<'_>>,
    kind: Values,
    row: usize,
) -> std::result::Result<Vec<(usize, f64)>, String> {
    let null = || "org.apache.spark.SparkException: Values to interact cannot be null.".to_owned();
    if let Some(vectors) = vectors {
        let vector = vectors.get(row).ok_or_else(null)?;
        if vector.size() != kind.size() {
            return Err(format!(
                "java.lang.AssertionError: assertion failed: Vector column size was {}, expected {}",
                vector.size(),
                kind.size()
            ));
        }
        return Ok(vector.to_dense().into_iter().enumerate().collect());
    }
    let doubles = column.as_primitive::<Float64Type>();
    if doubles.is_null(row) {
        return Err(null());
    }
    let value = doubles.value(row);
    match kind {
        Values::Categories(n) if value >= 0.0 && value.fract() == 0.0 && value < n as f64 => {
            Ok(vec![(value as usize, 1.0)])
        }
        Values::Categories(_) => Err(format!(
            "java.lang.AssertionError: assertion failed: Values from column must be indices, but got {}.",
            crate::values::text::double(value)
        )),
        _ => Ok(vec![(0, value)]),
    }
}
