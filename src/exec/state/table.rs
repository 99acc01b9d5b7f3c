//! State with one row per key: partial aggregates by key, grouped by the time that closes them.
//!
//! A table keeps one pane per start of a window (or event time), so that closing a window drops one pane. Within a pane, keys
//! are numbered and their aggregates lie side by side. Of sliding windows a pane is a piece: a row is taken in once, and
//! windows are put together of their panes when they leave. The rows changed by a batch are its delta: Arrow batches, the
//! same form that shuffle, checkpoint and merge use.
//!
//! ```text
//!  panes   12:00 ─▶ keys #rust #wasm …   cells  3  1 …   ┐ window 12:00–12:10
//!          12:05 ─▶ keys #wasm …         cells  4 …      ┘ ┐ window 12:05–12:15
//!          None  ─▶ never closes                           ┘
//! ```

mod arrived;
mod delta;
mod layout;
mod pane;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray, UInt32Array};
use arrow::buffer::Buffer;
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, SchemaRef};
use hashbrown::{DefaultHashBuilder, HashSet};

pub use self::arrived::{Arrived, Values};
use self::delta::StateDelta;
use self::layout::runs_of;
pub use self::layout::{Layout, PaneOf};
use self::pane::{MAX_LINKED, NONE, Pane};
use super::Closing;
use super::cells::{self, Cells};
use super::keys::{Form, Index};
use crate::error::{Result, SparkError};
use crate::exec::inputs::BatchContext;
use crate::values::ipc;

/// Most runs of one pane that a batch is cut into as it is; with more, its rows are sorted by pane first.
const MAX_RUNS: usize = 16;

/// What taking in rows does to the aggregates that are there.
#[derive(Clone, Copy, PartialEq)]
enum How {
    /// Adds to them; late rows are left out.
    Merge,
    /// Takes their place.
    Replace,
}

/// The state of one operator in one partition, one row per key.
///
/// ```
/// use std::sync::Arc;
///
/// use arrow::array::{Int64Array, RecordBatch};
/// use arrow::datatypes::{DataType, Field, Schema};
/// use rivulet::exec::state::cells;
/// use rivulet::exec::state::table::{Arrived, Layout, PaneOf, StateTable};
///
/// let fields = ["key", "count"].map(|name| Field::new(name, DataType::Int64, true));
/// let schema = Arc::new(Schema::new(fields.to_vec()));
/// let layout = Layout { schema: schema.clone(), keys: 1, pane: PaneOf::One, windows: None, closes_after_us: None };
/// let mut table = StateTable::new(layout, vec![cells::counts()])?;
/// let column = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as _;
/// let rows = RecordBatch::try_new(schema, vec![column(vec![7, 8, 7]), column(vec![1, 1, 5])])?;
/// table.take_in(&Arrived::partial(&rows, 1), None)?;
/// assert_eq!(table.rows(), 2);
/// assert_eq!(table.all()?[0].column(1).as_ref(), &Int64Array::from(vec![6, 1]));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug)]
pub struct StateTable {
    /// What it holds.
    layout: Layout,
    /// Turns keys into bytes.
    form: Form,
    /// Hashes them, alike in all panes.
    hasher: DefaultHashBuilder,
    /// Cells without groups, for new panes.
    cells: Vec<Box<dyn Cells>>,
    /// The panes by their starts; `None` comes first and never closes.
    panes: BTreeMap<Closing, Pane>,
    /// How many keys each open window has, by its start; only of windows that are made of several panes.
    windows: BTreeMap<i64, u64>,
    /// Up to which watermark windows have closed.
    closed_until: Option<i64>,
    /// Late keys of the batch, each with its window.
    late: HashSet<Vec<u8>>,
    /// Rows of windows that a late watermark has closed before rows were taken in; they leave with the next that close.
    overdue: Vec<RecordBatch>,
}

impl StateTable {
    /// Returns an empty table with the cells of its functions.
    ///
    /// # Errors
    /// If a key is of a type that cannot be compared by bytes, such as a map.
    pub fn new(layout: Layout, cells: Vec<Box<dyn Cells>>) -> Result<Self> {
        let fields = layout.schema.fields();
        Ok(Self {
            form: Form::of(layout.key_columns().map(|column| &fields[column]))?,
            hasher: DefaultHashBuilder::default(),
            layout,
            cells,
            panes: BTreeMap::new(),
            windows: BTreeMap::new(),
            closed_until: None,
            late: HashSet::new(),
            overdue: vec![],
        })
    }

    /// Returns an empty table without keys, whose one row is a count.
    ///
    /// # Errors
    /// None that the schema of a count can cause.
    pub fn counter(schema: SchemaRef) -> Result<Self> {
        let layout = Layout {
            schema,
            keys: 0,
            pane: PaneOf::One,
            windows: None,
            closes_after_us: None,
        };
        Self::new(layout, vec![cells::counts()])
    }

    /// Returns the columns: keys, then the others.
    pub fn schema(&self) -> &SchemaRef {
        &self.layout.schema
    }

    /// Returns how many columns are the key.
    pub fn key_columns(&self) -> usize {
        self.layout.keys
    }

    /// Returns how many keys there are, each once per window that is open.
    pub fn rows(&self) -> usize {
        if self.layout.windows.is_some() {
            let none = self.panes.get(&None).map_or(0, |pane| pane.keys.len());
            return none + self.windows.values().sum::<u64>() as usize;
        }
        self.panes.values().map(|pane| pane.keys.len()).sum()
    }

    /// Returns the bytes that keys and aggregates take, about.
    pub fn bytes(&self) -> usize {
        let of = |pane: &Pane| {
            let cells: usize = pane.cells.iter().map(|c| c.size_bytes()).sum();
            let links: usize = pane.links.values().map(|l| l.capacity() * size_of::<u32>()).sum();
            pane.keys.size_bytes() + pane.is_changed.capacity() + cells + links
        };
        self.panes.values().map(of).sum()
    }

    /// Merges rows into the state. Rows of windows that closed at or before the watermark `late_us` are late: they are left
    /// out and counted.
    ///
    /// # Errors
    /// A function's, such as an overflow; `INTERNAL_ERROR` if the rows are of other types.
    pub fn take_in(&mut self, arrived: &Arrived, late_us: Option<i64>) -> Result<()> {
        // What is late for a window must not reach it through a pane that a later window holds too. The watermark is ahead of
        // what has closed in a first batch, and after a restart from a mode that closes nothing.
        if let Some(late) =
            late_us.filter(|late| self.layout.closes_after_us.is_some() && self.closed_until < Some(*late))
        {
            let overdue = self.close(late)?;
            self.overdue.extend(overdue);
        }
        self.put(arrived, late_us, How::Merge)
    }

    /// Puts rows into their panes.
    fn put(&mut self, arrived: &Arrived, late_us: Option<i64>, how: How) -> Result<()> {
        let runs = self.layout.runs(&arrived.keys, arrived.rows);
        match runs.as_slice() {
            [(pane, ..)] => self.put_pane(*pane, arrived, late_us, how),
            runs if runs.len() <= MAX_RUNS => runs.iter().try_for_each(|(pane, from, rows)| {
                let part = arrived.map(*rows, |column| Ok(column.slice(*from, *rows)))?;
                self.put_pane(*pane, &part, late_us, how)
            }),
            _ => {
                let panes = self.layout.panes(&arrived.keys, arrived.rows);
                let mut order: Vec<u32> = (0..arrived.rows as u32).collect();
                order.sort_by_key(|row| panes[*row as usize]);
                let order = UInt32Array::from(order);
                let sorted = arrived.map(arrived.rows, |column| Ok(take(column, &order, None)?))?;
                let sorted_panes: Vec<Closing> = order.values().iter().map(|row| panes[*row as usize]).collect();
                runs_of(&sorted_panes, |pane| pane)
                    .iter()
                    .try_for_each(|(pane, from, rows)| {
                        let part = sorted.map(*rows, |column| Ok(column.slice(*from, *rows)))?;
                        self.put_pane(*pane, &part, late_us, how)
                    })
            }
        }
    }

    /// Puts rows into one pane.
    fn put_pane(&mut self, start: Closing, arrived: &Arrived, late_us: Option<i64>, how: How) -> Result<()> {
        let columns: Vec<ArrayRef> = self.layout.key_columns().map(|c| arrived.keys[c].clone()).collect();
        let keys = self.form.keys(&columns, arrived.rows)?;
        let starts = start.map_or_else(Vec::new, |start| self.layout.starts(start));
        let (open, late): (Vec<i64>, Vec<i64>) = starts
            .into_iter()
            .partition(|start| self.layout.is_open(*start, late_us));
        if how == How::Merge && !late.is_empty() {
            let mut index = Index::default();
            index.numbers(&keys, arrived.rows, &self.hasher);
            for window in late {
                let name = |number| {
                    [
                        &window.to_le_bytes()[..],
                        &[index.key(number).is_none().into()],
                        index.key(number).unwrap_or_default(),
                    ]
                    .concat()
                };
                self.late.extend((0..index.len() as u32).map(name));
            }
        }
        if open.is_empty() && start.is_some() {
            return Ok(());
        }
        let pane = self.panes.entry(start).or_insert_with(|| Pane::new(&self.cells));
        let before = pane.keys.len();
        let numbers = pane.keys.numbers(&keys, arrived.rows, &self.hasher);
        let total = pane.keys.len();
        match &arrived.values {
            Values::Partial(states) => {
                let mut rest = states.as_slice();
                for cells in &mut pane.cells {
                    let (own, others) = rest.split_at_checked(cells.width()).ok_or_else(too_few)?;
                    rest = others;
                    match how {
                        How::Merge => cells.merge(&numbers, total, own)?,
                        How::Replace => cells.replace(&numbers, total, own)?,
                    }
                }
            }
            Values::Rows(functions) => {
                for (cells, (arguments, filter)) in pane.cells.iter_mut().zip(functions) {
                    cells.update(&numbers, total, arguments, filter.as_ref())?;
                }
            }
        }
        if how == How::Merge {
            pane.touch(&numbers);
        }
        self.count_new(start, before, &open);
        Ok(())
    }

    /// Counts the keys of a pane from number `before` on in the windows that had them in no pane, and links them.
    fn count_new(&mut self, start: Closing, before: usize, open: &[i64]) {
        let (Some(windows), Some(start)) = (self.layout.windows, start) else {
            return;
        };
        let Some(mut pane) = self.panes.remove(&Some(start)) else {
            return;
        };
        let new = before as u32..pane.keys.len() as u32;
        let links = windows.length_us / windows.pane_us <= MAX_LINKED;
        // The windows that have each new key already.
        let mut had: Vec<Vec<bool>> = vec![vec![false; new.len()]; open.len()];
        let others: BTreeSet<i64> = open.iter().flat_map(|window| windows.panes(*window)).collect();
        for other_start in others {
            let Some(other) = self.panes.get_mut(&Some(other_start)) else {
                continue;
            };
            let holds = open
                .iter()
                .map(|window| *window <= other_start && other_start - window < windows.length_us);
            let holds: Vec<bool> = holds.collect();
            for (at, key) in new.clone().enumerate() {
                let found = other.keys.find(&pane.keys, key, &self.hasher);
                if let Some(number) = found {
                    let of_windows = had.iter_mut().zip(&holds).filter(|(_, holds)| **holds);
                    of_windows.for_each(|(had, _)| had[at] = true);
                    if links && other_start > start {
                        other.link(start, number, key);
                    }
                }
                if links && other_start < start {
                    pane.link(other_start, key, found.unwrap_or(NONE));
                }
            }
        }
        for (window, had) in open.iter().zip(had) {
            *self.windows.entry(*window).or_default() += had.into_iter().filter(|had| !had).count() as u64;
        }
        self.panes.insert(Some(start), pane);
    }

    /// Returns how many keys were late since [`StateTable::settle`], each once per window that it was late for.
    pub fn late_rows(&self) -> u64 {
        self.late.len() as u64
    }

    /// Returns the windows that hold a changed pane, in order; `None` is the pane that never closes.
    fn changed_windows(&self) -> BTreeSet<Closing> {
        let changed = self.panes.iter().filter(|(_, pane)| !pane.changed.is_empty());
        let windows = changed.flat_map(|(start, _)| match start {
            None => vec![None],
            Some(start) => self.layout.starts(*start).into_iter().map(Some).collect(),
        });
        windows
            .filter(|start| start.is_none_or(|start| self.layout.is_open(start, self.closed_until)))
            .collect()
    }

    /// Returns how many rows of open windows the batch has changed.
    pub fn changed_rows(&self) -> u64 {
        let of = |window: Closing| {
            let panes = self.panes_of(window);
            let changed = panes.iter().enumerate().map(|(at, (_, pane))| {
                let earlier: Vec<&(Closing, &Pane)> =
                    panes[..at].iter().filter(|(_, p)| !p.changed.is_empty()).collect();
                let is_new = |key: &&u32| {
                    !earlier.iter().any(|(start, other)| {
                        pane.number_in(**key, *start, other, &self.hasher)
                            .is_some_and(|own| other.has_changed(own))
                    })
                };
                if earlier.is_empty() {
                    pane.changed.len()
                } else {
                    pane.changed.iter().filter(is_new).count()
                }
            });
            changed.sum::<usize>() as u64
        };
        self.changed_windows().into_iter().map(of).sum()
    }

    /// Returns the rows of open windows that the batch has changed, window by window.
    ///
    /// # Errors
    /// If rows cannot be put together.
    pub fn changed(&self) -> Result<Vec<RecordBatch>> {
        let windows = self.changed_windows().into_iter();
        windows.map(|window| self.window(window, true)).collect()
    }

    /// Returns the panes of a window that are there, with their starts.
    fn panes_of(&self, window: Closing) -> Vec<(Closing, &Pane)> {
        let starts: Vec<Closing> = match (window, self.layout.windows) {
            (Some(start), Some(windows)) => windows.panes(start).map(Some).collect(),
            _ => vec![window],
        };
        let there = starts.into_iter().filter_map(|p| Some((p, self.panes.get(&p)?)));
        there.collect()
    }

    /// Returns the rows of a window, or those that the batch has changed: its panes merged, in order.
    fn window(&self, start: Closing, only_changed: bool) -> Result<RecordBatch> {
        let panes = self.panes_of(start);
        if let [(_, pane)] = panes.as_slice() {
            let picked = only_changed.then_some(pane.changed.as_slice());
            return self.rows_of(start, pane, picked);
        }
        // The place in the window of each pane's keys. The last pane comes first, since it has links to those before.
        let mut places: Vec<Vec<u32>> = panes.iter().map(|(_, pane)| vec![NONE; pane.keys.len()]).collect();
        let mut first: Vec<Vec<u32>> = vec![vec![]; panes.len()];
        let mut total = 0;
        for (at, (_, pane)) in panes.iter().enumerate().rev() {
            let all: Vec<u32>;
            let keys = if only_changed {
                &pane.changed
            } else {
                all = (0..pane.keys.len() as u32).collect();
                &all
            };
            for key in keys {
                if places[at][*key as usize] != NONE {
                    continue;
                }
                places[at][*key as usize] = total;
                first[at].push(*key);
                // Keys of later panes have a place by now, if all are wanted.
                let to = if only_changed { panes.len() } else { at };
                for other in (0..to).filter(|other| *other != at) {
                    let (other_start, pane_of) = panes[other];
                    if let Some(own) = pane.number_in(*key, other_start, pane_of, &self.hasher) {
                        places[other][own as usize] = total;
                    }
                }
                total += 1;
            }
        }
        let mut cells: Vec<Box<dyn Cells>> = self.cells.iter().map(|c| c.fresh()).collect();
        for ((_, pane), places) in panes.iter().zip(&places) {
            let placed = (0u32..).zip(places.iter().copied()).filter(|(_, place)| *place != NONE);
            let (keys, groups): (Vec<u32>, Vec<u32>) = placed.unzip();
            if keys.is_empty() {
                continue;
            }
            for (merged, own) in cells.iter_mut().zip(&pane.cells) {
                merged.merge(&groups, total as usize, &own.states(Some(&keys))?)?;
            }
        }
        let parts = panes.iter().zip(&first).rev();
        let parts = parts.map(|((_, pane), keys)| pane.keys.columns(&self.form, Some(keys)));
        let parts: Vec<Vec<ArrayRef>> = parts.collect::<Result<_>>()?;
        let together = |column: usize| {
            let columns: Vec<&dyn Array> = parts.iter().map(|part| part[column].as_ref()).collect();
            Ok(concat(&columns)?)
        };
        let width = parts.first().map_or(0, Vec::len);
        let keys = (0..width).map(together).collect::<Result<_>>()?;
        self.batch(start, keys, &cells, None, total as usize)
    }

    /// Returns rows of a pane: those of the keys picked, or all.
    fn rows_of(&self, start: Closing, pane: &Pane, picked: Option<&[u32]>) -> Result<RecordBatch> {
        let rows = picked.map_or(pane.keys.len(), <[u32]>::len);
        let keys = pane.keys.columns(&self.form, picked)?;
        self.batch(start, keys, &pane.cells, picked, rows)
    }

    /// Returns keys and the states of cells as rows of the table.
    fn batch(
        &self,
        start: Closing,
        mut keys: Vec<ArrayRef>,
        cells: &[Box<dyn Cells>],
        picked: Option<&[u32]>,
        rows: usize,
    ) -> Result<RecordBatch> {
        let schema = &self.layout.schema;
        if rows == 0 {
            return Ok(RecordBatch::new_empty(schema.clone()));
        }
        if let PaneOf::Time(column) = self.layout.pane {
            let DataType::Timestamp(_, zone) = schema.field(column).data_type() else {
                return Err(SparkError::internal("a pane does not begin at a time"));
            };
            let starts = TimestampMicrosecondArray::from(vec![start; rows]);
            keys.insert(column, Arc::new(starts.with_timezone_opt(zone.clone())));
        }
        for own in cells {
            keys.extend(own.states(picked)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(schema.clone(), keys, &options)?)
    }

    /// Closes the windows that end at or before `watermark` (µs) and returns their rows, oldest window first.
    ///
    /// # Errors
    /// If rows cannot be put together.
    pub fn close(&mut self, watermark: i64) -> Result<Vec<RecordBatch>> {
        let due: BTreeSet<i64> = self
            .panes
            .range(Some(i64::MIN)..)
            .map_while(|(start, _)| {
                // Panes are in order: no window of a later one closes before the first of this one's.
                let starts = self.layout.starts((*start)?);
                starts
                    .iter()
                    .any(|start| !self.layout.is_open(*start, Some(watermark)))
                    .then_some(starts)
            })
            .flatten()
            .filter(|start| self.layout.is_open(*start, self.closed_until))
            .filter(|start| !self.layout.is_open(*start, Some(watermark)))
            .collect();
        let mut closed = std::mem::take(&mut self.overdue);
        for start in due {
            closed.push(self.window(Some(start), false)?);
        }
        self.forget(watermark);
        Ok(closed)
    }

    /// Returns the earliest watermark (µs) that closes a window; `i64::MAX` if none does.
    pub fn closes_at(&self) -> i64 {
        let Some(after) = self.layout.closes_after_us else {
            return i64::MAX;
        };
        if !self.overdue.is_empty() {
            return i64::MIN;
        }
        // Panes are in order, and so are the first of their windows that are open.
        let first = self.panes.range(Some(i64::MIN)..).find_map(|(start, _)| {
            let starts = self.layout.starts((*start)?).into_iter();
            starts
                .filter(|start| self.layout.is_open(*start, self.closed_until))
                .min()
        });
        first.map_or(i64::MAX, |start| start.saturating_add(after))
    }

    /// Forgets windows and panes that end at or before a watermark.
    fn forget(&mut self, watermark: i64) {
        let layout = &self.layout;
        self.closed_until = self.closed_until.max(Some(watermark));
        self.windows.retain(|start, _| layout.is_open(*start, Some(watermark)));
        let lives = |start: i64| layout.starts(start).iter().any(|s| layout.is_open(*s, Some(watermark)));
        while let Some((start, _)) = self.panes.range(Some(i64::MIN)..).next()
            && let Some(pane) = *start
            && !lives(pane)
        {
            self.panes.remove(&Some(pane));
            self.panes.values_mut().for_each(|p| _ = p.links.remove(&pane));
        }
    }

    /// Returns all rows, window by window.
    ///
    /// # Errors
    /// If rows cannot be put together.
    pub fn all(&self) -> Result<Vec<RecordBatch>> {
        let windows: BTreeSet<Closing> = self
            .panes
            .keys()
            .flat_map(|start| match start {
                None => vec![None],
                Some(start) => self.layout.starts(*start).into_iter().map(Some).collect(),
            })
            .filter(|start| start.is_none_or(|start| self.layout.is_open(start, self.closed_until)))
            .collect();
        windows.into_iter().map(|window| self.window(window, false)).collect()
    }

    /// Returns the delta of the batch, or of the epoch: what it changed, and the watermark up to which it closes windows.
    ///
    /// # Errors
    /// If rows cannot be written as Arrow.
    pub fn delta(&self, closes_until: Option<i64>) -> Result<Vec<u8>> {
        let changed = self.panes.iter().map(|(start, pane)| (start, pane, pane.unwritten()));
        let changed = changed.filter(|(.., keys)| !keys.is_empty());
        let rows = changed.map(|(start, pane, keys)| self.rows_of(*start, pane, Some(&keys)));
        StateDelta::encode(&self.layout, rows.collect::<Result<_>>()?, closes_until)
    }

    /// Returns all panes in the form of a delta.
    ///
    /// # Errors
    /// If rows cannot be written as Arrow.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        let rows = self.panes.iter().map(|(start, pane)| self.rows_of(*start, pane, None));
        StateDelta::encode(&self.layout, rows.collect::<Result<_>>()?, self.closed_until)
    }

    /// Ends a batch, or a part of an epoch: what it changed counts as unchanged from now on. Returns the delta of the batch, or of
    /// the whole epoch at its end; nothing while more rows of the epoch follow.
    ///
    /// # Errors
    /// As [`StateTable::delta`].
    pub fn settled(&mut self, context: &BatchContext, closes_until: Option<i64>) -> Result<Vec<u8>> {
        if context.commits() {
            let delta = self.delta(closes_until)?;
            self.settle();
            return Ok(delta);
        }
        self.late.clear();
        self.panes.values_mut().for_each(Pane::rest);
        Ok(vec![])
    }

    /// Ends a batch: what it changed counts as unchanged from now on.
    pub fn settle(&mut self) {
        self.late.clear();
        self.panes.values_mut().for_each(Pane::settle);
    }

    /// Applies deltas and snapshots in order.
    ///
    /// # Errors
    /// `CORRUPT_STATE` or `CORRUPT_BLOCK` if one cannot be read, or has panes of other windows.
    pub fn load(&mut self, deltas: &[Buffer]) -> Result<()> {
        for delta in deltas {
            let (watermark, block) = StateDelta::decode(&self.layout, delta)?;
            for batch in ipc::read(&block)? {
                let batch = ipc::rename(&batch, &self.layout.schema)?;
                self.put(
                    &Arrived::partial(&batch, self.layout.keys),
                    self.closed_until,
                    How::Replace,
                )?;
            }
            if let Some(watermark) = watermark {
                self.forget(watermark);
            }
        }
        Ok(())
    }
}

/// Returns the error of rows that lack a function's columns.
fn too_few() -> SparkError {
    SparkError::internal("partial aggregates lack a column")
}

#[cfg(test)]
mod tests;
