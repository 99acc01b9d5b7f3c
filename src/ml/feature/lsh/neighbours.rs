//! Neighbours of a key, and pairs of neighbours of two datasets, among the vectors that have a hash in common.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Float64Builder, Int32Builder, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion_expr::{Expr, JoinType, LogicalPlanBuilder, and, lit};

use super::{Hashing, failed, hashes_of};
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::ml::columns::filtered;
use crate::ml::literal::Value;
use crate::ml::model::Fitted;
use crate::ml::params::Params;
use crate::ml::relation::Argument;
use crate::plan::analyzer::Analyzer;
use crate::plan::comparison::comparable;
use crate::plan::scope::{Generator, Resolved, Typed, typed_attribute};
use crate::proto as sc;
use crate::values::types::list_of;
use crate::values::vector::{Vector, VectorColumn};

/// What a model brings along: itself, its functions, its id and its params.
struct Known<'a> {
    /// The model, which makes hashes.
    model: &'a dyn Fitted,
    /// Its hash functions and distance.
    hashing: Arc<dyn Hashing>,
    /// Its cache id.
    id: &'a str,
    /// Its params.
    params: &'a Params,
}

/// Plans `approxNearestNeighbors` and `approxSimilarityJoin`; `None` for other methods.
///
/// # Errors
/// If an argument does not fit, or a dataset is a stream or lacks the column of vectors.
pub(super) fn relation(
    analyzer: &mut Analyzer,
    model: &dyn Fitted,
    hashing: Arc<dyn Hashing>,
    id: &str,
    params: &Params,
    method: &str,
    args: &[Argument<'_>],
) -> Result<Option<Resolved>> {
    let known = Known {
        model,
        hashing,
        id,
        params,
    };
    let name = |arg: Option<&Argument<'_>>| match arg.map(Argument::value).transpose()? {
        Some(Value::Text(name)) => Ok(name.clone()),
        None => Ok("distCol".to_owned()),
        Some(other) => Err(SparkError::invalid_plan(format!("the name of a column is {other}"))),
    };
    match (method, args) {
        ("approxNearestNeighbors", [dataset, key, count, more @ ..]) => {
            let (Value::Vector(key), Value::Int(count)) = (key.value()?, count.value()?) else {
                return Err(SparkError::invalid_plan(
                    "approxNearestNeighbors takes a vector and a number",
                ));
            };
            let to = name(more.first())?;
            known.nearest(analyzer, dataset.relation()?, key, *count, &to).map(Some)
        }
        ("approxSimilarityJoin", [a, b, threshold, more @ ..]) => {
            let threshold = match threshold.value()? {
                Value::Double(x) => *x,
                Value::Int(x) => *x as f64,
                _ => return Err(SparkError::invalid_plan("approxSimilarityJoin takes a number")),
            };
            let to = name(more.first())?;
            known
                .joined(analyzer, [a.relation()?, b.relation()?], threshold, &to)
                .map(Some)
        }
        _ => Ok(None),
    }
}

/// Returns the distances of vectors to another side's, row by row.
///
/// # Errors
/// `FAILED_EXECUTE_UDF` at a null, and at vectors that cannot be compared.
fn distances(
    hashing: &dyn Hashing,
    a: &VectorColumn<'_>,
    b: &dyn Fn(usize) -> Option<Vector>,
    column: &str,
) -> Result<ArrayRef> {
    let distance = |row: usize| {
        let none = || "java.lang.NullPointerException: the vector is null".to_owned();
        let own = a.get(row).ok_or_else(none)?;
        let other = b(row).ok_or_else(none)?;
        hashing.distance(own, other.view())
    };
    let found = (0..a.len()).map(|row| distance(row).map_err(|why| failed(why, column, row)));
    Ok(Arc::new(Float64Array::from(found.collect::<Result<Vec<f64>>>()?)))
}

impl Known<'_> {
    /// Returns a dataset with its hashes: its own, if it has the output column already.
    ///
    /// # Errors
    /// If it is a stream, or lacks the column of vectors.
    fn hashed(&self, analyzer: &mut Analyzer, dataset: &sc::Relation) -> Result<Resolved> {
        let input = analyzer.input(Some(dataset))?;
        if input.streaming {
            return Err(SparkError::unsupported("neighbours in a streaming DataFrame"));
        }
        let output = self.params.text("outputCol")?;
        if input.output.iter().any(|a| a.name == output) {
            return Ok(input);
        }
        self.model.transform(analyzer, input, self.id, self.params)
    }

    /// Returns what tells apart kernels of this model.
    fn options(&self, more: &str) -> String {
        format!("{} {} {more}", self.id, self.params.fingerprint())
    }

    /// Plans the `count` rows nearest to a key among those with a hash of its, with their distance.
    ///
    /// # Errors
    /// If the count is below 1, or the key cannot be hashed.
    fn nearest(
        &self,
        analyzer: &mut Analyzer,
        dataset: &sc::Relation,
        key: &Vector,
        count: i64,
        to: &str,
    ) -> Result<Resolved> {
        let count = usize::try_from(count)
            .ok()
            .filter(|n| *n > 0)
            .ok_or_else(|| SparkError::requirement("The number of nearest neighbors cannot be less than 1"))?;
        let own = self.hashing.hashes(key.view()).map_err(|why| {
            // On the driver the exception is itself, not the failure of a function.
            let said = why
                .split_once(": requirement failed: ")
                .map_or(why.as_str(), |(_, rest)| rest);
            SparkError::requirement(said)
        })?;
        let input = self.hashed(analyzer, dataset)?;
        let hashes = analyzer.input_column(&input, &self.params.text("outputCol")?)?;
        let options = self.options(&key.view().to_string());
        let args = vec![hashes.typed.expr];
        let near = kernel::call(
            "lsh_same_bucket",
            options.clone(),
            DataType::Boolean,
            args,
            move |args, _| {
                let rows = hashes_of(&args[0])?;
                let same = |hashes: &Vec<f64>| hashes.iter().zip(&own).any(|(a, b)| a == b);
                Ok(Arc::new(BooleanArray::from(rows.iter().map(same).collect::<Vec<_>>())))
            },
        );
        let input = filtered(input, near)?;
        let read = analyzer.vectors(&input, &self.params.text("inputCol")?)?;
        let (hashing, column, key) = (self.hashing.clone(), read.name.clone(), key.clone());
        let expr = kernel::call(
            "lsh_distance",
            options,
            DataType::Float64,
            vec![read.typed.expr],
            move |args, _| {
                let vectors = VectorColumn::new(&args[0])?;
                Ok(distances(&*hashing, &vectors, &|_| Some(key.clone()), &column)?)
            },
        );
        let found = analyzer.with_column(input, to, Typed::new(expr, DataType::Float64, to))?;
        let distance = analyzer.input_column(&found, to)?;
        let plan = LogicalPlanBuilder::from(found.plan.clone())
            .sort(vec![distance.typed.expr.sort(true, true)])?
            .limit(0, Some(count))?
            .build()?;
        Ok(found.over(plan))
    }

    /// Plans one side of a join: each row as a struct, once for each of its hashes.
    ///
    /// # Errors
    /// As [`Self::hashed`].
    fn side(&self, analyzer: &mut Analyzer, dataset: &sc::Relation, name: &str) -> Result<Side> {
        let input = self.hashed(analyzer, dataset)?;
        let fields: Fields = input
            .output
            .iter()
            .map(|a| Field::new(&a.name, a.data_type.clone(), true))
            .collect();
        let vectors = analyzer.vectors(&input, &self.params.text("inputCol")?)?;
        let place = input.output.iter().position(|a| a.name == vectors.name);
        let place = place.ok_or_else(|| SparkError::unsupported("a join by a field within a struct"))?;
        let columns: Vec<Expr> = input.output.iter().map(|a| a.column()).collect();
        let (to, own) = (DataType::Struct(fields.clone()), fields.clone());
        let whole = kernel::call("lsh_row", self.options(name), to.clone(), columns, move |args, rows| {
            let made = StructArray::try_new_with_length(own.clone(), args.to_vec(), None, rows)?;
            Ok(Arc::new(made))
        });
        let hashes = analyzer.input_column(&input, &self.params.text("outputCol")?)?;
        let entry = Fields::from(vec![
            Field::new("entry", DataType::Int32, true),
            Field::new("hashValue", DataType::Float64, true),
        ]);
        let (element, own) = (DataType::Struct(entry.clone()), entry);
        let args = vec![hashes.typed.expr];
        let list = kernel::call(
            "lsh_entries",
            self.options(name),
            list_of(element.clone()),
            args,
            move |args, _| Ok(entries(&args[0], &own)?),
        );
        let generator = Generator {
            list: list.clone(),
            element: element.clone(),
            outer: false,
            spread: true,
            names: vec![],
        };
        let items = vec![
            Typed {
                named: true,
                ..Typed::new(whole, to, name)
            },
            Typed {
                generator: Some(Box::new(generator)),
                ..Typed::new(list, list_of(element), "entries")
            },
        ];
        let mut rows = analyzer.select_typed(input, items)?;
        rows.hidden.clear();
        Ok(Side { rows, place })
    }

    /// Plans the pairs of rows of two datasets that have a hash in common and are nearer than `threshold`, with their
    /// distance; equal pairs are one.
    ///
    /// # Errors
    /// As [`Self::side`]; if a column holds maps, which cannot be compared.
    fn joined(
        &self,
        analyzer: &mut Analyzer,
        datasets: [&sc::Relation; 2],
        threshold: f64,
        to: &str,
    ) -> Result<Resolved> {
        let left = self.side(analyzer, datasets[0], "datasetA")?;
        let right = self.side(analyzer, datasets[1], "datasetB")?;
        let ([a, a_entry, a_hash], [b, b_entry, b_hash]) = (&left.rows.output[..], &right.rows.output[..]) else {
            return Err(SparkError::internal(
                "a side of a join has other columns than a row and a hash",
            ));
        };
        let same = and(
            a_entry.column().eq(b_entry.column()),
            a_hash.column().eq(b_hash.column()),
        );
        let plan = LogicalPlanBuilder::from(left.rows.plan.clone())
            .join_on(right.rows.plan.clone(), JoinType::Inner, Some(same))?
            .build()?;
        let keys = [a, b].map(|key| (comparable(key.column(), &key.data_type), key));
        let plan = analyzer.project(plan, keys.to_vec())?;
        let plan = LogicalPlanBuilder::from(plan)
            .aggregate(vec![a.column(), b.column()], Vec::<Expr>::new())?
            .build()?;
        let pairs = Resolved::new(plan, vec![a.clone(), b.clone()], false);
        let (hashing, places) = (self.hashing.clone(), (left.place, right.place));
        let args = vec![a.column(), b.column()];
        let expr = kernel::call(
            "lsh_pair_distance",
            self.options(""),
            DataType::Float64,
            args,
            move |args, _| {
                let (x, y) = (
                    VectorColumn::new(args[0].as_struct().column(places.0))?,
                    VectorColumn::new(args[1].as_struct().column(places.1))?,
                );
                Ok(distances(
                    &*hashing,
                    &x,
                    &|row| y.get(row).map(|v| v.to_owned()),
                    "datasetA",
                )?)
            },
        );
        let mut items: Vec<Typed> = pairs.output.iter().map(typed_attribute).collect();
        items.push(Typed {
            named: true,
            ..Typed::new(expr, DataType::Float64, to)
        });
        let found = analyzer.select_typed(pairs, items)?;
        let distance = analyzer.input_column(&found, to)?;
        filtered(found, distance.typed.expr.lt(lit(threshold)))
    }
}

/// One side of a join.
struct Side {
    /// A row as a struct, the number of a hash table, and the hash.
    rows: Resolved,
    /// Which field of the struct has the vectors.
    place: usize,
}

/// Returns the hashes of each row with the numbers of their tables.
fn entries(column: &dyn Array, fields: &Fields) -> Result<ArrayRef> {
    let rows = hashes_of(column)?;
    let (mut tables, mut hashes) = (Int32Builder::new(), Float64Builder::new());
    for (table, hash) in rows.iter().flat_map(|row| row.iter().enumerate()) {
        tables.append_value(table as i32);
        hashes.append_value(*hash);
    }
    let parts: Vec<ArrayRef> = vec![Arc::new(tables.finish()), Arc::new(hashes.finish())];
    let entries = StructArray::try_new(fields.clone(), parts, None)?;
    let element = Arc::new(Field::new("element", DataType::Struct(fields.clone()), true));
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(Vec::len));
    Ok(Arc::new(arrow::array::ListArray::try_new(
        element,
        offsets,
        Arc::new(entries),
        None,
    )?))
}
