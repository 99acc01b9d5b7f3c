//! What a table holds, and how rows fall into panes and panes into windows.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};

use crate::exec::state::windows::Windows;
use crate::exec::state::{Closing, times};

/// Which pane a row is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaneOf {
    /// All rows in one, which never closes.
    One,
    /// By the time in a key column: the start of a window or pane, or an event time. Within the pane, keys leave it out.
    Time(usize),
    /// By the end of the window in a key column of structs.
    End(usize),
}

/// What a table holds.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Keys, then partial aggregates.
    pub schema: SchemaRef,
    /// How many columns are the key.
    pub keys: usize,
    /// Which pane a row is in.
    pub pane: PaneOf,
    /// The windows that panes are pieces of; `None` if each pane is a window of its own.
    pub windows: Option<Windows>,
    /// How long after its start a window closes, µs; `None` if none ever does.
    pub closes_after_us: Option<i64>,
}

impl Layout {
    /// Returns the key columns that tell keys of one pane apart.
    pub(super) fn key_columns(&self) -> impl Iterator<Item = usize> {
        let pane = match self.pane {
            PaneOf::Time(column) => Some(column),
            _ => None,
        };
        (0..self.keys).filter(move |column| Some(*column) != pane)
    }

    /// Returns the pane of each row, by its start.
    pub(super) fn panes(&self, keys: &[ArrayRef], rows: usize) -> Vec<Closing> {
        match self.pane {
            PaneOf::One => vec![None; rows],
            PaneOf::Time(column) | PaneOf::End(column) => times(&keys[column], 0),
        }
    }

    /// Returns the runs of rows of one pane.
    pub(super) fn runs(&self, keys: &[ArrayRef], rows: usize) -> Vec<Run> {
        match self.pane {
            PaneOf::One => vec![(None, 0, rows)],
            PaneOf::Time(column) if keys[column].null_count() == 0 => {
                let starts = keys[column].as_primitive::<TimestampMicrosecondType>();
                runs_of(starts.values(), Some)
            }
            _ => runs_of(&self.panes(keys, rows), |pane| pane),
        }
    }

    /// Returns the starts of the windows that a pane is in.
    pub(super) fn starts(&self, pane: i64) -> Vec<i64> {
        self.windows
            .map_or_else(|| vec![pane], |windows| windows.starts(pane).collect())
    }

    /// Returns whether the window that begins at `start` is open after a watermark.
    pub(super) fn is_open(&self, start: i64, watermark: Option<i64>) -> bool {
        match (self.closes_after_us, watermark) {
            (Some(after), Some(watermark)) => start.saturating_add(after) > watermark,
            _ => true,
        }
    }
}

/// Rows of one pane: the pane's start, the first row, how many rows.
pub(super) type Run = (Closing, usize, usize);

/// Returns the runs of equal panes.
pub(super) fn runs_of<T: Copy + PartialEq>(panes: &[T], pane: impl Fn(T) -> Closing) -> Vec<Run> {
    let mut from = 0;
    let runs = panes.chunk_by(|a, b| a == b).map(|run| {
        let start = from;
        from += run.len();
        (pane(run[0]), start, run.len())
    });
    runs.collect()
}
