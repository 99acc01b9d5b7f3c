//! Weighted labels by feature value, in the order of the values, and how neighbours are pooled until they rise.
//!
//! Rows are not collected: a round takes the least values above those of the round before, at most [`MOST_VALUES`], and pools them
//! onto what has been pooled. So a task keeps so many values, and the driver the pools, which are the model.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::Float64Type;
use prost::Message;

use crate::error::Result;
use crate::ml::columns::Reads;
use crate::ml::error::{Signature, VECTOR, failed_function, invalid_value};
use crate::ml::params::Params;
use crate::ml::stage::Columns;
use crate::ml::summary::labels::{Allowed, Names, finite, label};
use crate::ml::summary::{Summary, Weights, corrupt};
use crate::values::vector::{self, VectorColumn};

/// How many values a round takes.
pub const MOST_VALUES: usize = 1 << 16;

/// A question: the least values above one.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// The one; none for the first round.
    #[prost(double, optional, tag = "1")]
    pub after: Option<f64>,
    /// How many values are wanted.
    #[prost(uint64, tag = "2")]
    pub most: u64,
}

/// An answer: values in ascending order.
#[derive(Clone, PartialEq, Message)]
pub struct Values {
    /// The feature's values.
    #[prost(double, repeated, tag = "1")]
    pub features: Vec<f64>,
    /// Per value, the sum of the weights.
    #[prost(double, repeated, tag = "2")]
    pub weights: Vec<f64>,
    /// Per value, the sum of weight × label.
    #[prost(double, repeated, tag = "3")]
    pub labels: Vec<f64>,
}

/// Names of the columns, and which feature is meant.
#[derive(Debug, Clone)]
pub struct Reading {
    names: Names,
    index: i64,
}

impl Reading {
    /// Returns what params name.
    ///
    /// # Errors
    /// If a param is of another type.
    pub fn of(params: &Params) -> Result<Self> {
        Ok(Self {
            names: Names::of(params)?,
            index: params.int("featureIndex")?,
        })
    }

    /// Returns the columns: the feature, the label, the weight if there is one.
    pub fn columns(self) -> Columns {
        let mut columns = self.names.columns();
        columns[0].1 = Reads::VectorsOrDoubles;
        columns
    }
}

/// The feature of rows: a column of doubles, or a place in a column of vectors.
pub enum Feature<'a> {
    /// Doubles.
    Doubles(&'a Float64Array),
    /// Vectors, and the place.
    Vectors(VectorColumn<'a>, i64),
}

impl<'a> Feature<'a> {
    /// Returns the feature of a column.
    ///
    /// # Errors
    /// If the column holds neither.
    pub fn new(column: &'a ArrayRef, index: i64) -> Result<Self> {
        if vector::is_vector(column.data_type()) {
            return Ok(Self::Vectors(VectorColumn::new(column)?, index));
        }
        Ok(Self::Doubles(column.as_primitive::<Float64Type>()))
    }

    /// Returns the feature of a row; `None` if it is null.
    ///
    /// # Errors
    /// `FAILED_EXECUTE_UDF` if a vector has no such place.
    pub fn get(&self, row: usize, column: &str) -> Result<Option<f64>> {
        match self {
            Self::Doubles(doubles) => Ok(doubles.is_valid(row).then(|| doubles.value(row))),
            Self::Vectors(vectors, index) => {
                let Some(vector) = vectors.get(row) else {
                    return Ok(None);
                };
                match usize::try_from(*index).ok().filter(|i| *i < vector.size()) {
                    Some(index) => Ok(Some(vector.at(index))),
                    None => Err(out_of_bounds(*index, vector.size(), column, row)),
                }
            }
        }
    }
}

fn out_of_bounds(index: i64, size: usize, column: &str, row: usize) -> crate::error::SparkError {
    let function = Signature {
        stage: "IsotonicRegressionBase",
        takes: VECTOR,
        gives: "double",
        column: column.to_owned(),
    };
    let cause = format!("java.lang.ArrayIndexOutOfBoundsException: Index {index} out of bounds for length {size}");
    failed_function(&function, cause, row)
}

/// A double by its total order, as a key.
#[derive(Debug, Clone, Copy)]
struct Key(f64);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Keeps the least values over (feature, label) or (feature, label, weight).
#[derive(Debug)]
pub struct Least {
    reading: Reading,
    asked: Asked,
    /// Sums of weights, and of weight × label, by value.
    values: BTreeMap<Key, (f64, f64)>,
}

impl Least {
    /// Returns no values.
    pub fn new(reading: Reading, asked: Asked) -> Self {
        Self {
            reading,
            asked,
            values: BTreeMap::new(),
        }
    }

    fn add(&mut self, value: f64, weight: f64, label: f64) {
        let own = self.values.entry(Key(value)).or_default();
        own.0 += weight;
        own.1 += label;
        if self.values.len() > self.asked.most as usize {
            self.values.pop_last();
        }
    }
}

impl Summary for Least {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let Reading { names, index } = self.reading.clone();
        let features = Feature::new(&columns[0], index)?;
        let labels = columns[1].as_primitive::<Float64Type>();
        let weights = Weights::new(columns.get(2));
        for row in 0..labels.len() {
            let label = label(labels, row, Allowed::Numbers, &names.label)?;
            let weight = weights.get(row, &names.weight)?;
            let value = match &features {
                Feature::Doubles(doubles) => finite(doubles, row, "Features", &names.features)?,
                Feature::Vectors(vectors, _) => {
                    let refuse = |message: String| Err(invalid_value(message, &names.features, row));
                    match (vectors.get(row), features.get(row, &names.features)) {
                        (None, _) => return refuse("Vectors MUST NOT be Null".into()),
                        (Some(v), _) if !v.values().iter().all(|v| v.is_finite()) => {
                            return refuse(format!("Vector values MUST NOT be NaN or Infinity, but got {v}"));
                        }
                        (_, value) => value?.unwrap_or_default(),
                    }
                }
            };
            let is_after = |after: f64| value.total_cmp(&after).is_gt();
            if weight > 0.0 && self.asked.after.is_none_or(is_after) {
                self.add(value, weight, weight * label);
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = Values::decode(state).map_err(|e| corrupt(&e))?;
        for ((value, weight), label) in other.features.iter().zip(other.weights).zip(other.labels) {
            self.add(*value, weight, label);
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Values::default();
        for (value, (weight, label)) in &self.values {
            out.features.push(value.0);
            out.weights.push(*weight);
            out.labels.push(*label);
        }
        out.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        512 + self.values.len() * 48
    }
}

/// Neighbours that have one prediction.
#[derive(Debug, Clone, Copy)]
struct Pool {
    first: f64,
    last: f64,
    weight: f64,
    /// The sum of weight × label.
    labels: f64,
}

impl Pool {
    fn mean(&self) -> f64 {
        self.labels / self.weight
    }
}

/// Pools whose means rise, from left to right (pool adjacent violators).
#[derive(Debug, Default)]
pub struct Pools {
    done: Vec<Pool>,
    /// The last value; those that are the same but for the last bit are still added to it.
    open: Option<Pool>,
}

impl Pools {
    /// Adds values above all before.
    pub fn add(&mut self, values: &Values) {
        let all = values.features.iter().zip(&values.weights).zip(&values.labels);
        for ((value, weight), labels) in all {
            match &mut self.open {
                Some(open) if is_same(open.first, *value) => {
                    open.weight += weight;
                    open.labels += labels;
                }
                open => {
                    let next = Pool {
                        first: *value,
                        last: *value,
                        weight: *weight,
                        labels: *labels,
                    };
                    if let Some(closed) = open.replace(next) {
                        self.pool(closed);
                    }
                }
            }
        }
    }

    fn pool(&mut self, mut own: Pool) {
        while let Some(before) = self.done.last()
            && before.mean() >= own.mean()
        {
            own = Pool {
                first: before.first,
                last: own.last,
                weight: before.weight + own.weight,
                labels: before.labels + own.labels,
            };
            self.done.pop();
        }
        self.done.push(own);
    }

    /// Returns the bounds of the pools and their means, each where it begins and where it ends.
    pub fn finish(mut self) -> (Vec<f64>, Vec<f64>) {
        if let Some(open) = self.open.take() {
            self.pool(open);
        }
        let (mut bounds, mut means) = (vec![], vec![]);
        for pool in &self.done {
            bounds.push(pool.first);
            means.push(pool.mean());
            if pool.last > pool.first {
                bounds.push(pool.last);
                means.push(pool.mean());
            }
        }
        (bounds, means)
    }
}

/// Returns whether two doubles are one, or neighbours.
fn is_same(a: f64, b: f64) -> bool {
    let place = |v: f64| {
        let bits = v.to_bits() as i64;
        if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
    };
    place(a).abs_diff(place(b)) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(rows: &[(f64, f64)]) -> Values {
        Values {
            features: rows.iter().map(|(x, _)| *x).collect(),
            weights: vec![1.0; rows.len()],
            labels: rows.iter().map(|(_, y)| *y).collect(),
        }
    }

    #[test]
    fn neighbours_that_fall_are_pooled_however_they_come() {
        let rows = [(0.0, 1.0), (1.0, 3.0), (2.0, 2.0), (3.0, 4.0), (4.0, 0.0), (5.0, 9.0)];
        let right = (vec![0.0, 1.0, 4.0, 5.0], vec![1.0, 2.25, 2.25, 9.0]);
        for cut in 0..rows.len() {
            let mut pools = Pools::default();
            pools.add(&values(&rows[..cut]));
            pools.add(&values(&rows[cut..]));
            assert_eq!(pools.finish(), right, "{cut}");
        }
    }

    #[test]
    fn tasks_together_keep_the_least_values_above_the_last_round() {
        let task = |rows: &[(f64, f64)]| {
            let reading = Reading {
                names: Names::default(),
                index: 0,
            };
            let asked = Asked {
                after: Some(1.0),
                most: 2,
            };
            let mut task = Least::new(reading, asked);
            let features: Float64Array = rows.iter().map(|(x, _)| Some(*x)).collect();
            let labels: Float64Array = rows.iter().map(|(_, y)| Some(*y)).collect();
            task.update(&[std::sync::Arc::new(features), std::sync::Arc::new(labels)])
                .unwrap();
            task
        };
        let mut one = task(&[(9.0, 1.0), (1.0, 5.0), (3.0, 2.0), (5.0, 1.0)]);
        one.merge(&task(&[(4.0, 7.0), (3.0, 4.0)]).encode()).unwrap();
        let found = Values::decode(&one.encode()[..]).unwrap();
        assert_eq!(
            (found.features, found.weights, found.labels),
            (vec![3.0, 4.0], vec![2.0, 1.0], vec![6.0, 7.0])
        );
    }

    #[test]
    fn values_that_differ_in_the_last_bit_are_one() {
        assert!(is_same(0.1, 0.1_f64.next_up()) && is_same(0.0, -0.0) && !is_same(0.1, 0.1_f64.next_up().next_up()));
        let mut pools = Pools::default();
        pools.add(&values(&[(0.1, 1.0), (0.1_f64.next_up(), 3.0), (1.0, 5.0)]));
        assert_eq!(pools.finish(), (vec![0.1, 1.0], vec![2.0, 5.0]));
    }
}
