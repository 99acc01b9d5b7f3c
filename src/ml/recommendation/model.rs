//! `ALSModel`: the factors of users and of items, what they predict, and the best items for each user.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Int32Array, ListArray, RecordBatch, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Float32Type, Int32Type};
use datafusion_expr::{Expr, LogicalPlanBuilder};
use prost::Message;
use serde_json::json;

use super::rounds::Side;
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::ml::columns::{Input, filtered};
use crate::ml::error::illegal;
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, ModelKind};
use crate::ml::params::Params;
use crate::ml::persistence::data::{Column, Row};
use crate::ml::relation::{Argument, rows};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::{Resolved, Typed, typed_attribute};
use crate::proto as sc;
use crate::values::types::list_of;

/// The factors that ratings are products of.
#[derive(Clone, PartialEq, Message)]
pub struct AlsModel {
    /// How many there are of each id.
    #[prost(uint64, tag = "1")]
    pub rank: u64,
    /// Those of users.
    #[prost(message, required, tag = "2")]
    pub users: Side,
    /// Those of items.
    #[prost(message, required, tag = "3")]
    pub items: Side,
}

/// How the model is named, decoded and loaded.
pub static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.recommendation.ALSModel"),
    tag: 200,
    decode: model::decoded::<AlsModel>,
    read: |row| {
        let rank = row.metadata().get("rank").and_then(serde_json::Value::as_u64);
        let rank = rank.ok_or_else(|| row.corrupt("metadata has no rank"))?;
        let side = |folder| side_of(row, folder, rank as usize);
        Ok(Arc::new(AlsModel {
            rank,
            users: side(USERS)?,
            items: side(ITEMS)?,
        }))
    },
};

const USERS: &str = "userFactors";
const ITEMS: &str = "itemFactors";
/// Names of columns.
const ID: &str = "id";
const FEATURES: &str = "features";

/// Reads the factors of a folder.
///
/// # Errors
/// `CORRUPT_MODEL` if an id has another number of factors than the model says.
fn side_of(row: &Row<'_>, folder: &str, rank: usize) -> Result<Side> {
    let Some(table) = row.table(folder)? else {
        return Ok(Side::default());
    };
    let read = |table: &RecordBatch| {
        let ids = table.column_by_name(ID)?.as_primitive_opt::<Int32Type>()?;
        let lists = table.column_by_name(FEATURES)?.as_list_opt::<i32>()?;
        let factors = lists.values().as_primitive_opt::<Float32Type>()?;
        let fits = lists.offsets().lengths().all(|length| length == rank) && factors.null_count() == 0;
        fits.then(|| Side {
            ids: ids.values().to_vec(),
            factors: factors.values()[..ids.len() * rank].to_vec(),
        })
    };
    read(&table).ok_or_else(|| row.corrupt(&format!("{folder} does not have ids with {rank} factors each")))
}

/// Returns factors as lists, one per id.
///
/// # Errors
/// If there are too many.
fn lists(side: &Side, rank: usize, contains_null: bool) -> Result<ArrayRef> {
    let element = Arc::new(Field::new("element", DataType::Float32, contains_null));
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(rank, side.ids.len()));
    let values = Arc::new(Float32Array::from(side.factors.clone()));
    Ok(Arc::new(ListArray::try_new(element, offsets, values, None)?))
}

fn product(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}

/// The best of one side for each of the other.
struct Recommended<'a> {
    model: &'a AlsModel,
    id: &'a str,
    params: &'a Params,
    /// Whether items are recommended to users; else users to items.
    to_users: bool,
    count: usize,
}

impl Recommended<'_> {
    fn columns(&self) -> Result<(String, String)> {
        let (user, item) = (self.params.text("userCol")?, self.params.text("itemCol")?);
        Ok(if self.to_users { (user, item) } else { (item, user) })
    }

    fn sides(&self) -> (&Side, &Side) {
        let AlsModel { users, items, .. } = self.model;
        if self.to_users { (users, items) } else { (items, users) }
    }

    /// Plans the best for all ids.
    fn all(&self, analyzer: &mut Analyzer) -> Result<Resolved> {
        let (name, _) = self.columns()?;
        let ids = Int32Array::from(self.sides().0.ids.clone());
        let input = rows(analyzer, vec![(name, Arc::new(ids))])?;
        self.recommended(analyzer, input)
    }

    /// Plans the best for those ids of a dataset that are known, each once.
    fn some(&self, analyzer: &mut Analyzer, dataset: &sc::Relation) -> Result<Resolved> {
        let (name, _) = self.columns()?;
        let input = analyzer.relation(dataset)?;
        if input.streaming {
            return Err(SparkError::unsupported("recommendations for a streaming DataFrame"));
        }
        let read = analyzer.input_column(&input, &name)?;
        let read = analyzer.as_double(analyzer.numeric(read)?)?;
        let known = self.sides().0.places();
        let to_id = kernel::call(
            "als_known",
            self.options(),
            DataType::Int32,
            vec![read.typed.expr],
            move |args, _| {
                let numbers: &arrow::array::Float64Array = args[0].as_primitive();
                let id = |v: Option<f64>| {
                    v.map(|v| v as i32)
                        .filter(|id| v == Some(f64::from(*id)) && known.contains_key(id))
                };
                Ok(Arc::new(numbers.iter().map(id).collect::<Int32Array>()))
            },
        );
        let typed = Typed {
            named: true,
            ..Typed::new(to_id, DataType::Int32, name)
        };
        let input = analyzer.select_typed(input, vec![typed])?;
        let column = typed_attribute(&input.output[0]).expr;
        let input = filtered(input, column.is_not_null())?;
        let plan = LogicalPlanBuilder::from(input.plan.clone())
            .aggregate(vec![input.output[0].column()], Vec::<Expr>::new())?
            .build()?;
        self.recommended(analyzer, input.over(plan))
    }

    fn options(&self) -> String {
        format!(
            "{} {} {} {}",
            self.id,
            self.params.fingerprint(),
            self.to_users,
            self.count
        )
    }

    /// Adds the column of recommendations to one of ids.
    fn recommended(&self, analyzer: &mut Analyzer, input: Resolved) -> Result<Resolved> {
        let id = typed_attribute(&input.output[0]);
        let (own, others) = self.sides();
        let (places, own, others) = (own.places(), own.clone(), others.clone());
        let (rank, count) = (self.model.rank as usize, self.count);
        let fields: Fields = vec![
            Field::new(self.columns()?.1, DataType::Int32, true),
            Field::new("rating", DataType::Float32, true),
        ]
        .into();
        let to = list_of(DataType::Struct(fields.clone()));
        let body = move |args: &[ArrayRef], _: usize| {
            let (mut ids, mut ratings, mut lengths) = (vec![], vec![], vec![]);
            for id in args[0].as_primitive::<Int32Type>().values() {
                let best = places
                    .get(id)
                    .map(|place| best(own.at(*place, rank), &others, rank, count));
                let best = best.unwrap_or_default();
                lengths.push(best.len());
                for (rating, id) in best {
                    ids.push(id);
                    ratings.push(rating);
                }
            }
            let columns: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(ids)), Arc::new(Float32Array::from(ratings))];
            let structs = StructArray::try_new(fields.clone(), columns, None)?;
            let element = Arc::new(Field::new("element", DataType::Struct(fields.clone()), true));
            let lists = ListArray::try_new(element, OffsetBuffer::from_lengths(lengths), Arc::new(structs), None)?;
            Ok(Arc::new(lists) as ArrayRef)
        };
        let expr = kernel::call("als_recommend", self.options(), to.clone(), vec![id.expr.clone()], body);
        let typed = Typed {
            named: true,
            ..Typed::new(expr, to, "recommendations")
        };
        analyzer.select_typed(input, vec![id, typed])
    }
}

/// Returns the `count` best ids with what is predicted, the best first; of equal ones the larger id comes first.
fn best(own: &[f32], others: &Side, rank: usize, count: usize) -> Vec<(f32, i32)> {
    let rated = others.ids.iter().enumerate();
    let mut rated: Vec<(f32, i32)> = rated.map(|(at, id)| (product(others.at(at, rank), own), *id)).collect();
    let order = |a: &(f32, i32), b: &(f32, i32)| -> Ordering { b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)) };
    if count < rated.len() {
        rated.select_nth_unstable_by(count, order);
        rated.truncate(count);
    }
    rated.sort_by(order);
    rated
}

impl Fitted for AlsModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let (user, item) = (params.text("userCol")?, params.text("itemCol")?);
        let to = params.text("predictionCol")?;
        let numbers = [analyzer.numbers(&input, &user)?, analyzer.numbers(&input, &item)?];
        if input.output.iter().any(|a| a.name == to) {
            return Err(SparkError::requirement(format!("Column {to} already exists.")));
        }
        let [users, items] = numbers.map(|read| analyzer.ids(read));
        let (users, items): (Input, Input) = (users?, items?);
        let input = analyzer.with_column(input, &user, users.typed)?;
        let input = analyzer.with_column(input, &item, items.typed)?;
        let reads = vec![
            analyzer.input_column(&input, &user)?,
            analyzer.input_column(&input, &item)?,
        ];
        let places: [HashMap<i32, usize>; 2] = [self.users.places(), self.items.places()];
        let (own, rank) = (self.clone(), self.rank as usize);
        let predict = move |args: &[ArrayRef], rows: usize| {
            let at = |side: usize, row: usize| {
                let ids = args[side].as_primitive::<Int32Type>();
                places[side].get(&ids.value(row))
            };
            let rating = |row: usize| match (at(0, row), at(1, row)) {
                (Some(user), Some(item)) => product(own.users.at(*user, rank), own.items.at(*item, rank)),
                _ => f32::NAN,
            };
            Ok(Arc::new(Float32Array::from_iter_values((0..rows).map(rating))) as ArrayRef)
        };
        let options = format!("{id} {}", params.fingerprint());
        let made = analyzer.append(
            input,
            params,
            &options,
            &to,
            DataType::Float32,
            reads,
            Box::new(predict),
        )?;
        if params.text("coldStartStrategy")?.to_lowercase() != "drop" {
            return Ok(made);
        }
        let prediction = analyzer.input_column(&made, &to)?;
        let known = kernel::call(
            "is_number",
            "",
            DataType::Boolean,
            vec![prediction.typed.expr],
            |args, _| {
                let ratings = args[0].as_primitive::<Float32Type>().values();
                let known: Vec<bool> = ratings.iter().map(|v| !v.is_nan()).collect();
                Ok(Arc::new(BooleanArray::from(known)))
            },
        );
        filtered(made, known)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok((name == "rank").then_some((Value::Int(self.rank as i64), Kind::Int)))
    }

    fn relation(
        &self,
        analyzer: &mut Analyzer,
        id: &str,
        params: &Params,
        method: &str,
        args: &[Argument<'_>],
    ) -> Result<Option<Resolved>> {
        let factors = |side: &Side, analyzer: &mut Analyzer| {
            let ids: ArrayRef = Arc::new(Int32Array::from(side.ids.clone()));
            let features = lists(side, self.rank as usize, true)?;
            rows(analyzer, vec![(ID.to_owned(), ids), (FEATURES.to_owned(), features)]).map(Some)
        };
        let recommended = |to_users: bool, count: &Argument<'_>| {
            let Value::Int(count) = count.value()? else {
                return Err(SparkError::invalid_plan("recommendations are asked for by a number"));
            };
            let count = usize::try_from(*count).map_err(|_| illegal(format!("k ({count}) must be non-negative")))?;
            Ok(Recommended {
                model: self,
                id,
                params,
                to_users,
                count,
            })
        };
        match (method, args) {
            (USERS, []) => factors(&self.users, analyzer),
            (ITEMS, []) => factors(&self.items, analyzer),
            ("recommendForAllUsers", [count]) => recommended(true, count)?.all(analyzer).map(Some),
            ("recommendForAllItems", [count]) => recommended(false, count)?.all(analyzer).map(Some),
            ("recommendForUserSubset", [dataset, count]) => {
                recommended(true, count)?.some(analyzer, dataset.relation()?).map(Some)
            }
            ("recommendForItemSubset", [dataset, count]) => {
                recommended(false, count)?.some(analyzer, dataset.relation()?).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn describe(&self, _: &Params) -> Result<String> {
        Ok(format!("rank={}", self.rank))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![])
    }

    fn tables(&self, _: &Params, _: i64) -> Result<Vec<(&'static str, Vec<Column>)>> {
        let table = |side: &Side| -> Result<Vec<Column>> {
            let ids: ArrayRef = Arc::new(Int32Array::from(side.ids.clone()));
            Ok(vec![
                Column::table(ID, ids, false),
                Column::table(FEATURES, lists(side, self.rank as usize, false)?, true),
            ])
        };
        Ok(vec![(USERS, table(&self.users)?), (ITEMS, table(&self.items)?)])
    }

    fn facts(&self) -> Vec<(&'static str, serde_json::Value)> {
        vec![("rank", json!(self.rank))]
    }
}
