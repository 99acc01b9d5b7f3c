//! The states of functions that have no plain form, as Arrow rows that DataFusion's accumulators merge.

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::compute::interleave;

use super::Cells;
use crate::error::{Result, SparkError};
use crate::exec::state::merge::{Merger, Rows};

/// Where a group without a state is.
const NOWHERE: (u32, u32) = (u32::MAX, 0);

/// The states of any function, as Arrow rows: those that a merge made stay together.
#[derive(Debug)]
pub(super) struct Kept {
    /// The function.
    merger: Merger,
    /// How many columns a state has.
    width: usize,
    /// Rows of states.
    batches: Vec<Vec<ArrayRef>>,
    /// The batch of each group's state, and the row in it.
    at: Vec<(u32, u32)>,
    /// How many groups have a state.
    live: usize,
}

impl Kept {
    /// Returns the states of no groups.
    pub(super) fn new(merger: Merger, width: usize) -> Self {
        Self {
            merger,
            width,
            batches: vec![],
            at: vec![],
            live: 0,
        }
    }

    /// Returns the states of groups that all have one.
    fn gathered(&self, groups: impl Iterator<Item = u32>) -> Result<Vec<ArrayRef>> {
        let place = |group: u32| {
            let (batch, row) = self.at[group as usize];
            (batch as usize, row as usize)
        };
        let places: Vec<(usize, usize)> = groups.map(place).collect();
        let columns = (0..self.width).map(|column| {
            let parts: Vec<&dyn Array> = self.batches.iter().map(|b| b[column].as_ref()).collect();
            Ok(interleave(&parts, &places)?)
        });
        columns.collect()
    }

    /// Makes a batch of states those of groups, in order.
    fn put(&mut self, groups: &[u32], total: usize, states: Vec<ArrayRef>) -> Result<()> {
        self.at.resize(total, NOWHERE);
        let batch = self.batches.len() as u32;
        for (row, group) in (0u32..).zip(groups) {
            let at = &mut self.at[*group as usize];
            self.live += usize::from(*at == NOWHERE);
            *at = (batch, row);
        }
        self.batches.push(states);
        let rows: usize = self.batches.iter().filter_map(|b| b.first()).map(|c| c.len()).sum();
        if rows > 2 * self.live.max(64) || self.batches.len() > 64 {
            let living = |at: &&(u32, u32)| **at != NOWHERE;
            let groups: Vec<u32> = (0u32..)
                .zip(&self.at)
                .filter(|(_, at)| living(at))
                .map(|(g, _)| g)
                .collect();
            self.batches = vec![self.gathered(groups.iter().copied())?];
            for (row, group) in (0u32..).zip(groups) {
                self.at[group as usize] = (0, row);
            }
        }
        Ok(())
    }
}

impl Cells for Kept {
    fn fresh(&self) -> Box<dyn Cells> {
        Box::new(Self::new(self.merger.clone(), self.width))
    }

    fn width(&self) -> usize {
        self.width
    }

    fn update(&mut self, _: &[u32], _: usize, _: &[ArrayRef], _: Option<&BooleanArray>) -> Result<()> {
        Err(SparkError::internal(
            "a function's values came in place of its partial aggregates",
        ))
    }

    fn merge(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        self.at.resize(total, NOWHERE);
        // The groups that rows came for, numbered anew: those that have a state come first, with it.
        let mut place = vec![u32::MAX; total];
        let mut came: Vec<u32> = Vec::new();
        for group in groups {
            if place[*group as usize] == u32::MAX {
                place[*group as usize] = 0;
                came.push(*group);
            }
        }
        let (mut order, new): (Vec<u32>, Vec<u32>) = came.iter().partition(|g| self.at[**g as usize] != NOWHERE);
        let old: Vec<usize> = (0..order.len()).collect();
        let before = if old.is_empty() {
            vec![]
        } else {
            self.gathered(order.iter().copied())?
        };
        order.extend(new);
        for (at, group) in (0u32..).zip(&order) {
            place[*group as usize] = at;
        }
        let arrived: Vec<usize> = groups.iter().map(|group| place[*group as usize] as usize).collect();
        let inputs = [
            Rows {
                columns: &before,
                groups: &old,
            },
            Rows {
                columns: states,
                groups: &arrived,
            },
        ];
        let merged = self.merger.merge(&inputs, order.len())?;
        self.put(&order, total, merged)
    }

    fn replace(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        self.put(groups, total, states.to_vec())
    }

    fn states(&self, groups: Option<&[u32]>) -> Result<Vec<ArrayRef>> {
        match groups {
            Some(groups) => self.gathered(groups.iter().copied()),
            None => self.gathered(0..self.at.len() as u32),
        }
    }

    fn size_bytes(&self) -> usize {
        let arrays = self.batches.iter().flatten().map(|c| c.get_array_memory_size());
        arrays.sum::<usize>() + self.at.capacity() * size_of::<(u32, u32)>()
    }
}
