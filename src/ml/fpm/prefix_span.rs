//! `PrefixSpan`: the sequences of sets of items that are part of many rows (Pei et al.).
//!
//! The rows are dealt out by the first item of patterns, so that each task finds the patterns that begin with its items.
//!
//! ```text
//!  rows ─▶ Aggregate: how often items occur ─┐ one row
//!  rows ──────────────────────────────── × ──┴▶ per frequent item of a row: (item, the row from there)
//!                                              ─▶ Aggregate by item ─▶ patterns that begin with it ─▶ a row for each
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int32Array, Int64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Int32Type};
use datafusion_expr::LogicalPlanBuilder;
use prost::Message;

use super::items::{Items, read};
use super::sequences::{Pattern, Rows, mine};
use super::tallies::{Occurrences, Occurring};
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::ml::error::illegal;
use crate::ml::relation::{exploded, lists_of_structs};
use crate::ml::summary;
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::{Resolved, typed_attribute};
use crate::proto as sc;
use crate::values::types::{self, list_of};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The least share of the rows.
    pub support: f64,
    /// The most items of a pattern.
    pub length: i64,
    /// How many items Spark mines in one place at most; here it does not matter.
    pub size: i64,
    /// The column of sequences.
    pub column: String,
}

impl Wanted {
    /// Checks the numbers.
    ///
    /// # Errors
    /// If one is out of range.
    fn check(&self) -> Result<()> {
        let invalid =
            |name: &str, value: String| illegal(format!("prefixSpan parameter {name} given invalid value {value}."));
        if self.support.is_nan() || self.support < 0.0 {
            return Err(invalid("minSupport", crate::values::text::double(self.support)));
        }
        if self.length <= 0 {
            return Err(invalid("maxPatternLength", self.length.to_string()));
        }
        if self.size <= 0 {
            return Err(invalid("maxLocalProjDBSize", self.size.to_string()));
        }
        Ok(())
    }
}

/// The frequent items, and how many rows a pattern must be in.
struct Frequent {
    found: ArrayRef,
    /// The places of frequent items in `found`, the most frequent first.
    order: Vec<u32>,
    least: i64,
}

impl Frequent {
    /// Reads the state of [`Occurring`].
    fn of(state: &[u8], support: f64, partitions: usize) -> Result<Option<Self>> {
        let found: Occurrences = training::state(state)?;
        let Some(items) = &found.items else { return Ok(None) };
        let least = ((support * found.rows as f64).ceil() as i64).max(1);
        let items = read(items)?;
        Ok(Some(Self {
            order: found.frequent(&items, least, partitions),
            found: items,
            least,
        }))
    }
}

/// Plans the patterns of a dataset: `sequence` and `freq`.
///
/// # Errors
/// If a number is out of range, or the column is not one of lists of lists.
pub fn planned(analyzer: &mut Analyzer, dataset: &sc::Relation, wanted: &Wanted) -> Result<Resolved> {
    wanted.check()?;
    let input = analyzer.relation(dataset)?;
    if input.streaming {
        return Err(SparkError::unsupported("patterns of a streaming DataFrame"));
    }
    let read = analyzer.input_column(&input, &wanted.column)?;
    let data_type = read.typed.data_type.clone();
    let element = match &data_type {
        DataType::List(set) => match set.data_type() {
            DataType::List(element) => Some(element.data_type().clone()),
            _ => None,
        },
        _ => None,
    };
    let element = element.ok_or_else(|| {
        SparkError::requirement(format!(
            "The input column must be ArrayType and the array element type must also be ArrayType, but got {}.",
            types::simple_string(&data_type)
        ))
    })?;
    let sequences = analyzer.select_typed(input, vec![read.typed])?;
    let column = typed_attribute(&sequences.output[0]).expr;
    let options = format!("{wanted:?} {data_type}");
    let state = occurrences(analyzer, &sequences, &options)?;
    let rows = crossed(&sequences, &state)?;
    let args = vec![column, typed_attribute(&state.output[0]).expr];
    let parts = begun(analyzer, rows, args, &options, wanted.support, element.clone())?;
    let [item, rest] = &parts.output[..] else {
        return Err(SparkError::internal("a part of a sequence has other columns"));
    };
    let function = summary::aggregate(options.clone(), || Box::new(Rows::default()));
    let collected = analyzer.attribute("rows", DataType::Binary, true);
    let call = function.call(vec![rest.column()]).alias(collected.id.clone());
    let plan = LogicalPlanBuilder::from(parts.plan.clone())
        .aggregate(vec![item.column()], vec![call])?
        .build()?;
    let grouped = Resolved::new(plan, vec![item.clone(), collected.clone()], false);
    let again = occurrences(analyzer, &sequences, &options)?;
    let rows = crossed(&grouped, &again)?;
    let args = vec![
        item.column(),
        collected.column(),
        typed_attribute(&again.output[0]).expr,
    ];
    found(analyzer, rows, args, &options, wanted, data_type)
}

/// Plans how often items occur: one row, one state.
fn occurrences(analyzer: &mut Analyzer, sequences: &Resolved, options: &str) -> Result<Resolved> {
    let function = summary::aggregate(options.to_owned(), || Box::new(Occurring::of_sequences()));
    let state = analyzer.attribute("state", DataType::Binary, true);
    let call = function
        .call(vec![sequences.output[0].column()])
        .alias(state.id.clone());
    let plan = LogicalPlanBuilder::from(sequences.plan.clone())
        .aggregate(Vec::<datafusion_expr::Expr>::new(), vec![call])?
        .build()?;
    Ok(Resolved::new(plan, vec![state], false))
}

/// Plans each row beside the one row of another relation.
fn crossed(rows: &Resolved, one: &Resolved) -> Result<Resolved> {
    let plan = LogicalPlanBuilder::from(rows.plan.clone())
        .cross_join(one.plan.clone())?
        .build()?;
    let output = [&rows.output[..], &one.output[..]].concat();
    Ok(Resolved::new(plan, output, false))
}

/// Plans, for each frequent item of a sequence, the item's number and the sequence.
fn begun(
    analyzer: &mut Analyzer,
    input: Resolved,
    args: Vec<datafusion_expr::Expr>,
    options: &str,
    support: f64,
    element: DataType,
) -> Result<Resolved> {
    let fields = Fields::from(vec![
        Field::new("item", DataType::Int32, true),
        Field::new("row", DataType::Binary, true),
    ]);
    let part = DataType::Struct(fields.clone());
    let partitions = analyzer.conf.parallelism();
    let list = kernel::call(
        "sequence_parts",
        options,
        list_of(part.clone()),
        args,
        move |args, rows| {
            let (mut firsts, mut parts, mut lengths) = (vec![], vec![], vec![]);
            let states = args[1].as_binary::<i32>();
            let conversion = Items::new(&element)?;
            // The state is the same in all rows.
            let frequent = states
                .iter()
                .flatten()
                .next()
                .map(|state| Frequent::of(state, support, partitions))
                .transpose()?
                .flatten();
            let numbers: BTreeMap<_, u32> = match &frequent {
                Some(frequent) => {
                    let all = conversion.bytes(&frequent.found)?;
                    frequent
                        .order
                        .iter()
                        .zip(1..)
                        .map(|(at, number)| (all[*at as usize].clone(), number))
                        .collect()
                }
                None => BTreeMap::new(),
            };
            let sequences = args[0].as_list::<i32>();
            for row in 0..rows {
                let sets = if sequences.is_valid(row) {
                    sequences.value(row)
                } else {
                    sequences.value(row).slice(0, 0)
                };
                let mut sequence = Pattern::default();
                for set in super::items::rows(&conversion, &sets)?.flatten() {
                    let mut known: Vec<u32> = set.iter().filter_map(|item| numbers.get(item).copied()).collect();
                    known.sort_unstable();
                    sequence.push(&known);
                }
                let distinct: BTreeSet<u32> = sequence.items.iter().copied().collect();
                lengths.push(distinct.len());
                parts.extend(distinct.iter().map(|_| sequence.encode_to_vec()));
                firsts.extend(distinct.into_iter().map(|item| item as i32));
            }
            let parts = BinaryArray::from_iter_values(parts);
            Ok(lists_of_structs(
                &fields,
                vec![Arc::new(Int32Array::from(firsts)), Arc::new(parts)],
                lengths,
            )?)
        },
    );
    exploded(analyzer, input, list, part)
}

/// Plans the patterns that begin with an item, a row for each.
fn found(
    analyzer: &mut Analyzer,
    input: Resolved,
    args: Vec<datafusion_expr::Expr>,
    options: &str,
    wanted: &Wanted,
    data_type: DataType,
) -> Result<Resolved> {
    let fields = Fields::from(vec![
        Field::new("sequence", data_type.clone(), false),
        Field::new("freq", DataType::Int64, false),
    ]);
    let pattern = DataType::Struct(fields.clone());
    let (support, most) = (wanted.support, wanted.length as usize);
    let partitions = analyzer.conf.parallelism();
    let list = kernel::call(
        "sequence_patterns",
        options,
        list_of(pattern.clone()),
        args,
        move |args, rows| {
            let firsts = args[0].as_primitive::<Int32Type>();
            let (collected, states) = (args[1].as_binary::<i32>(), args[2].as_binary::<i32>());
            let (mut patterns, mut counts, mut lengths) = (vec![], vec![], vec![]);
            let mut items = None;
            for row in 0..rows {
                let Some(frequent) = Frequent::of(states.value(row), support, partitions)? else {
                    lengths.push(0);
                    continue;
                };
                let known = Rows::read(collected.value(row))?;
                let found = mine(&known, firsts.value(row) as u32, frequent.least as usize, most)?;
                lengths.push(found.len());
                for (pattern, count) in found {
                    counts.push(count as i64);
                    patterns.push(pattern);
                }
                items = Some(frequent);
            }
            let sequences = shown(items.as_ref(), &patterns, &data_type)?;
            let columns: Vec<ArrayRef> = vec![sequences, Arc::new(Int64Array::from(counts))];
            Ok(lists_of_structs(&fields, columns, lengths)?)
        },
    );
    exploded(analyzer, input, list, pattern)
}

/// Returns patterns as lists of lists of items.
fn shown(frequent: Option<&Frequent>, patterns: &[Pattern], data_type: &DataType) -> Result<ArrayRef> {
    let Some(frequent) = frequent else {
        return Ok(arrow::array::new_empty_array(data_type));
    };
    let places = patterns
        .iter()
        .flat_map(|p| &p.items)
        .map(|item| frequent.order[*item as usize - 1]);
    let items = arrow::compute::take(
        &frequent.found,
        &arrow::array::UInt32Array::from_iter_values(places),
        None,
    )?;
    let outer = types::element_field(data_type)?.clone();
    let inner = types::element_field(outer.data_type())?.clone();
    let lengths = patterns.iter().flat_map(|p| &p.lengths).map(|n| *n as usize);
    let sets = ListArray::try_new(inner, OffsetBuffer::from_lengths(lengths), items, None)?;
    let offsets = OffsetBuffer::from_lengths(patterns.iter().map(|p| p.lengths.len()));
    Ok(Arc::new(ListArray::try_new(outer, offsets, Arc::new(sets), None)?))
}
