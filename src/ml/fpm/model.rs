//! `FPGrowthModel`: frequent sets of items, rules between them, and what rules say of a list of items.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, RecordBatch};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema};
use prost::Message;
use serde_json::json;

use super::items::{self, Bytes, Items};
use crate::error::{Result, SparkError};
use crate::ml::model::{self, Fitted, ModelKind};
use crate::ml::params::Params;
use crate::ml::persistence::data::Column;
use crate::ml::relation::{Argument, rows};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::ipc;
use crate::values::types::element_field;

/// Frequent sets.
#[derive(Clone, PartialEq, Message)]
pub struct FpGrowthModel {
    /// A batch of `items` and `freq`.
    #[prost(bytes = "vec", tag = "1")]
    pub sets: Vec<u8>,
    /// How many rows there were; 0 in what Spark 2.3 saved.
    #[prost(int64, tag = "2")]
    pub rows: i64,
}

/// How the model is named, decoded and loaded.
pub static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.fpm.FPGrowthModel"),
    tag: 201,
    decode: model::decoded::<FpGrowthModel>,
    read: |row| {
        let all = row.rows();
        let column = |name: &str| all.column_by_name(name).filter(|c| c.null_count() == 0).cloned();
        let known = row
            .metadata()
            .get("numTrainingRecords")
            .and_then(serde_json::Value::as_i64);
        let made = match (column(ITEMS), column(FREQUENCY)) {
            (Some(sets), Some(counts)) => sets_of(sets, counts),
            // Without a frequent set there may be no file.
            _ if all.num_columns() == 0 => Ok(vec![]),
            _ => Err(row.corrupt("data has no items with frequencies")),
        };
        Ok(Arc::new(FpGrowthModel {
            sets: made?,
            rows: known.unwrap_or_default(),
        }))
    },
};

const ITEMS: &str = "items";
const FREQUENCY: &str = "freq";

/// Returns a batch of frequent sets.
///
/// # Errors
/// If the columns are not lists and longs.
fn sets_of(sets: ArrayRef, counts: ArrayRef) -> Result<Vec<u8>> {
    element_field(sets.data_type())?;
    let schema = Arc::new(Schema::new(vec![
        Field::new(ITEMS, sets.data_type().clone(), false),
        Field::new(FREQUENCY, DataType::Int64, false),
    ]));
    let batch = RecordBatch::try_new(schema.clone(), vec![sets, counts])?;
    ipc::write(&schema, [batch])
}

/// What makes an item likely.
#[derive(Debug)]
struct Rule {
    /// Items of which all are there.
    antecedent: Vec<Bytes>,
    /// The item that is then there, too.
    consequent: Bytes,
    /// In which share of the rows with the antecedent.
    confidence: f64,
    /// How many times more often than in all rows.
    lift: Option<f64>,
    /// In which share of all rows.
    support: f64,
}

impl FpGrowthModel {
    /// Returns a model of sets, by their items one after the other and their lengths.
    ///
    /// # Errors
    /// If there are too many.
    pub(super) fn of(
        items: ArrayRef,
        lengths: impl Iterator<Item = usize>,
        counts: ArrayRef,
        rows: i64,
    ) -> Result<Self> {
        let element: FieldRef = Arc::new(Field::new("element", items.data_type().clone(), true));
        let lists = ListArray::try_new(element, OffsetBuffer::from_lengths(lengths), items, None)?;
        Ok(Self {
            sets: sets_of(Arc::new(lists), counts)?,
            rows,
        })
    }

    /// Returns the sets and how many rows have each; `None` if there is none and their type is unknown.
    fn frequent(&self) -> Result<Option<(ArrayRef, ArrayRef)>> {
        if self.sets.is_empty() {
            return Ok(None);
        }
        let batches = ipc::read(&Buffer::from(&self.sets[..]))?;
        let batch = batches
            .first()
            .ok_or_else(|| SparkError::internal("frequent sets are missing"))?;
        Ok(Some((batch.column(0).clone(), batch.column(1).clone())))
    }

    /// Returns the rules with at least the confidence that is wanted.
    fn rules(&self, conversion: &Items, sets: &ArrayRef, counts: &ArrayRef, least: f64) -> Result<Vec<Rule>> {
        let sets: Vec<Vec<Bytes>> = items::rows(conversion, sets)?.flatten().collect();
        let counts = counts.as_primitive::<Int64Type>().values();
        let sorted = |set: &[Bytes]| {
            let mut set = set.to_vec();
            set.sort_unstable();
            set
        };
        let known: HashMap<Vec<Bytes>, i64> = sets.iter().map(|set| sorted(set)).zip(counts.iter().copied()).collect();
        let mut rules = vec![];
        for (set, count) in sets.iter().zip(counts).filter(|(set, _)| set.len() > 1) {
            for consequent in set {
                let antecedent: Vec<Bytes> = set.iter().filter(|item| *item != consequent).cloned().collect();
                let Some(with) = known.get(&sorted(&antecedent)) else {
                    continue;
                };
                let confidence = *count as f64 / *with as f64;
                if confidence < least {
                    continue;
                }
                let alone = known.get(std::slice::from_ref(consequent)).filter(|_| self.rows > 0);
                let rows = self.rows as f64;
                rules.push(Rule {
                    antecedent,
                    consequent: consequent.clone(),
                    confidence,
                    lift: alone.map(|alone| confidence / (*alone as f64 / rows)),
                    support: *count as f64 / rows,
                });
            }
        }
        Ok(rules)
    }

    /// Plans the rules.
    fn associations(&self, analyzer: &mut Analyzer, params: &Params) -> Result<Resolved> {
        let (sets, counts) = self.frequent()?.unwrap_or_else(nothing);
        let conversion = Items::of_lists(sets.data_type())?;
        let rules = self.rules(&conversion, &sets, &counts, params.double("minConfidence")?)?;
        let element = element_field(sets.data_type())?.clone();
        let lists = |lengths: Vec<usize>, items: ArrayRef| -> Result<ArrayRef> {
            let offsets = OffsetBuffer::from_lengths(lengths);
            Ok(Arc::new(ListArray::try_new(element.clone(), offsets, items, None)?))
        };
        let antecedents = conversion.array(rules.iter().flat_map(|r| &r.antecedent))?;
        let consequents = conversion.array(rules.iter().map(|r| &r.consequent))?;
        let numbers =
            |of: fn(&Rule) -> Option<f64>| -> ArrayRef { Arc::new(rules.iter().map(of).collect::<Float64Array>()) };
        let columns = vec![
            (
                "antecedent",
                lists(rules.iter().map(|r| r.antecedent.len()).collect(), antecedents)?,
            ),
            ("consequent", lists(vec![1; rules.len()], consequents)?),
            ("confidence", numbers(|r| Some(r.confidence))),
            ("lift", numbers(|r| r.lift)),
            ("support", numbers(|r| Some(r.support))),
        ];
        rows(
            analyzer,
            columns
                .into_iter()
                .map(|(name, values)| (name.to_owned(), values))
                .collect(),
        )
    }
}

/// No sets, of strings.
fn nothing() -> (ArrayRef, ArrayRef) {
    let list = crate::values::types::list_of(DataType::Utf8);
    (
        arrow::array::new_empty_array(&list),
        Arc::new(Int64Array::from(Vec::<i64>::new())),
    )
}

/// Says what follows from lists of items.
fn predicted(conversion: &Items, rules: &[Rule], lists: &ArrayRef) -> Result<ArrayRef> {
    let (mut found, mut lengths) = (vec![], vec![]);
    for row in items::rows(conversion, lists)? {
        let row = row.unwrap_or_default();
        let had: HashSet<&Bytes> = row.iter().collect();
        let mut new: Vec<&Bytes> = vec![];
        for rule in rules.iter().filter(|_| !had.is_empty()) {
            let follows = !had.contains(&rule.consequent) && rule.antecedent.iter().all(|item| had.contains(item));
            if follows && !new.contains(&&rule.consequent) {
                new.push(&rule.consequent);
            }
        }
        lengths.push(new.len());
        found.extend(new);
    }
    let items = conversion.array(found)?;
    let element = element_field(lists.data_type())?.clone();
    Ok(Arc::new(ListArray::try_new(
        element,
        OffsetBuffer::from_lengths(lengths),
        items,
        None,
    )?))
}

impl Fitted for FpGrowthModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let read = analyzer.items(&input, &params.text("itemsCol")?)?;
        let to = params.text("predictionCol")?;
        if input.output.iter().any(|a| a.name == to) {
            return Err(SparkError::requirement(format!("Column {to} already exists.")));
        }
        let data_type = read.typed.data_type.clone();
        let (sets, counts) = self.frequent()?.unwrap_or_else(nothing);
        // Items of another type are compared as those of the dataset.
        let sets = arrow::compute::cast(&sets, &data_type)?;
        let conversion = Items::of_lists(&data_type)?;
        let rules = self.rules(&conversion, &sets, &counts, params.double("minConfidence")?)?;
        let options = format!("{id} {}", params.fingerprint());
        let body = Box::new(move |args: &[ArrayRef], _: usize| Ok(predicted(&conversion, &rules, &args[0])?));
        analyzer.append(input, params, &options, &to, data_type, vec![read], body)
    }

    fn relation(
        &self,
        analyzer: &mut Analyzer,
        _: &str,
        params: &Params,
        method: &str,
        args: &[Argument<'_>],
    ) -> Result<Option<Resolved>> {
        match (method, args) {
            ("freqItemsets", []) => {
                let (sets, counts) = self.frequent()?.unwrap_or_else(nothing);
                let columns = vec![(ITEMS.to_owned(), sets), (FREQUENCY.to_owned(), counts)];
                rows(analyzer, columns).map(Some)
            }
            ("associationRules", []) => self.associations(analyzer, params).map(Some),
            _ => Ok(None),
        }
    }

    fn describe(&self, _: &Params) -> Result<String> {
        Ok(format!("numTrainingRecords={}", self.rows))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        let (sets, counts) = self.frequent()?.unwrap_or_else(nothing);
        Ok(vec![
            Column::table(ITEMS, sets, true),
            Column::table(FREQUENCY, counts, true),
        ])
    }

    fn facts(&self) -> Vec<(&'static str, serde_json::Value)> {
        vec![("numTrainingRecords", json!(self.rows))]
    }
}
