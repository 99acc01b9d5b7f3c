//! Tests of every feature against the label, as a relation: one row, or one per feature.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Float64Type};

use super::{Finish, made_of_state, summarised};
use crate::error::{Result, SparkError};
use crate::ml::columns::Reads;
use crate::ml::error::invalid_value;
use crate::ml::stage::{Columns, MakeSummary};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::{Generator, Resolved, Typed};
use crate::proto as sc;
use crate::values::types::list_of;
use crate::values::vector::{self, VectorBuilder, VectorColumn, VectorRef};

/// What a test found of one feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tested {
    /// The probability of such a statistic if feature and label are independent.
    pub p: f64,
    /// Degrees of freedom.
    pub freedom: i64,
    /// The statistic.
    pub statistic: f64,
}

/// A test of every feature against the label.
#[derive(Debug)]
pub struct Test {
    /// Tells the test apart from others.
    pub name: &'static str,
    /// What the statistic of a feature is called.
    pub statistic: &'static str,
    /// What the statistics of all features are called.
    pub statistics: &'static str,
    /// Whether degrees of freedom are BIGINT; else INT.
    pub long: bool,
    /// Makes the empty summary over (features, label); the arguments are the columns' names in errors.
    pub summary: fn(String, String) -> MakeSummary,
    /// Returns what a finished summary says of each feature.
    pub results: fn(&[u8]) -> Result<Vec<Tested>>,
}

/// Hands each row of (features, label) to `take`; `names` are the columns' in errors.
///
/// # Errors
/// `USER_RAISED_EXCEPTION` if a vector or a label is null; those of `take`.
pub(super) fn each_row(
    columns: &[ArrayRef],
    names: &(String, String),
    mut take: impl FnMut(VectorRef<'_>, f64) -> Result<()>,
) -> Result<()> {
    let vectors = VectorColumn::new(&columns[0])?;
    let labels = columns[1].as_primitive::<Float64Type>();
    for row in 0..vectors.len() {
        let vector = vectors.get(row);
        let vector = vector.ok_or_else(|| invalid_value("Vectors MUST NOT be Null", &names.0, row))?;
        if labels.is_null(row) {
            return Err(invalid_value("Labels MUST NOT be Null", &names.1, row));
        }
        take(vector, labels.value(row))?;
    }
    Ok(())
}

/// Checks that a vector has the size of those before.
///
/// # Errors
/// If it has not.
pub(super) fn same_size(expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let message = format!("Number of features must be {expected} but got {found}");
    Err(SparkError::requirement(message))
}

impl Test {
    /// Returns the columns that the test reads.
    pub fn columns(features: &str, label: &str) -> Columns {
        vec![
            (features.to_owned(), Reads::Vectors),
            (label.to_owned(), Reads::Numbers),
        ]
    }

    /// Returns degrees of freedom as an array.
    fn freedom(&self, tested: &[Tested]) -> ArrayRef {
        let all = tested.iter().map(|t| t.freedom);
        if self.long {
            Arc::new(Int64Array::from_iter_values(all))
        } else {
            Arc::new(Int32Array::from_iter_values(all.map(|n| n as i32)))
        }
    }

    /// Returns the type of degrees of freedom.
    fn freedom_type(&self) -> DataType {
        if self.long { DataType::Int64 } else { DataType::Int32 }
    }
}

/// Plans a test: one row of vectors, or flattened a row per feature.
///
/// # Errors
/// If the columns are unknown or of other types.
pub(super) fn planned(
    analyzer: &mut Analyzer,
    dataset: &sc::Relation,
    features: &str,
    label: &str,
    flat: bool,
    test: &'static Test,
) -> Result<Resolved> {
    let make = (test.summary)(features.to_owned(), label.to_owned());
    let options = format!("{} {features} {label}", test.name);
    let input = summarised(analyzer, dataset, &Test::columns(features, label), options, make)?;
    if flat {
        return flattened(analyzer, input, test);
    }
    let column = |name: &str, to: DataType, finish: Finish| made_of_state(&input, name, test.name, to, finish);
    let items = vec![
        column("pValues", vector::data_type(), doubles(test, |t| t.p))?,
        column(
            "degreesOfFreedom",
            list_of(test.freedom_type()),
            Box::new(|state| list(test.freedom(&(test.results)(state)?))),
        )?,
        column(test.statistics, vector::data_type(), doubles(test, |t| t.statistic))?,
    ];
    analyzer.select_typed(input, items)
}

/// Returns what makes a vector of a value of each feature.
fn doubles(test: &'static Test, value: fn(&Tested) -> f64) -> Finish {
    Box::new(move |state| {
        let values: Vec<f64> = (test.results)(state)?.iter().map(value).collect();
        let mut out = VectorBuilder::with_capacity(1);
        out.push(VectorRef::Dense(&values));
        out.finish()
    })
}

/// Returns a list array of one row.
fn list(values: ArrayRef) -> Result<ArrayRef> {
    let element = Arc::new(Field::new("element", values.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([values.len()]);
    Ok(Arc::new(ListArray::try_new(element, offsets, values, None)?))
}

/// Plans a row per feature.
fn flattened(analyzer: &mut Analyzer, input: Resolved, test: &'static Test) -> Result<Resolved> {
    let fields = Fields::from(vec![
        Field::new("featureIndex", DataType::Int32, true),
        Field::new("pValue", DataType::Float64, true),
        Field::new("degreesOfFreedom", test.freedom_type(), true),
        Field::new(test.statistic, DataType::Float64, true),
    ]);
    let element = DataType::Struct(fields.clone());
    let finish: Finish = Box::new(move |state| {
        let tested = (test.results)(state)?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from_iter_values(0..tested.len() as i32)),
            Arc::new(Float64Array::from_iter_values(tested.iter().map(|t| t.p))),
            test.freedom(&tested),
            Arc::new(Float64Array::from_iter_values(tested.iter().map(|t| t.statistic))),
        ];
        list(Arc::new(StructArray::try_new(fields.clone(), columns, None)?))
    });
    let rows = made_of_state(&input, "rows", test.name, list_of(element.clone()), finish)?;
    let generator = Generator {
        list: rows.expr.clone(),
        element,
        outer: false,
        spread: true,
        names: vec![],
    };
    let item = Typed {
        generator: Some(Box::new(generator)),
        named: false,
        ..rows
    };
    let mut made = analyzer.select_typed(input, vec![item])?;
    made.hidden.clear();
    Ok(made)
}

/// What tests of distributions are checked with.
#[cfg(test)]
pub(super) mod fixtures {
    use super::*;

    /// Labels with features.
    const ROWS: [(f64, [f64; 3]); 7] = [
        (3.0, [1.7, 4.4, 7.6]),
        (2.0, [8.8, 7.3, 5.7]),
        (1.0, [1.2, 9.5, 2.5]),
        (2.0, [3.7, 9.2, 6.1]),
        (4.0, [8.9, 5.2, 7.8]),
        (4.0, [7.9, 8.5, 9.2]),
        (1.0, [2.0, 4.0, 3.5]),
    ];

    fn columns(rows: &[(f64, [f64; 3])]) -> Vec<ArrayRef> {
        let mut features = VectorBuilder::with_capacity(rows.len());
        rows.iter().for_each(|(_, v)| features.push(VectorRef::Dense(v)));
        let labels = Float64Array::from_iter_values(rows.iter().map(|r| r.0));
        vec![features.finish().unwrap(), Arc::new(labels)]
    }

    /// Compares p-values and statistics, however rows are split over tasks.
    pub fn agrees(test: &Test, expected: [(f64, f64); 3], freedom: i64) {
        let make = (test.summary)("features".into(), "label".into());
        for split in 0..=ROWS.len() {
            let (mut one, mut other) = (make(), make());
            one.update(&columns(&ROWS[..split])).unwrap();
            other.update(&columns(&ROWS[split..])).unwrap();
            one.merge(&other.encode()).unwrap();
            let found = (test.results)(&one.encode()).unwrap();
            assert_eq!(found.len(), expected.len());
            for (tested, (p, statistic)) in found.iter().zip(expected) {
                assert_eq!(tested.freedom, freedom);
                assert!((tested.p - p).abs() < 1e-11, "{tested:?}");
                assert!((tested.statistic - statistic).abs() < 1e-11 * statistic, "{tested:?}");
            }
        }
    }

    /// Neither no rows nor two are enough.
    pub fn refuses_few(test: &Test) {
        let mut summary = (test.summary)("features".into(), "label".into())();
        assert!((test.results)(&summary.encode()).is_err());
        summary.update(&columns(&ROWS[..2])).unwrap();
        assert!((test.results)(&summary.encode()).is_err());
    }
}
