//! A pane: the keys of one start, their aggregates, and what the batch has changed of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hashbrown::DefaultHashBuilder;

use crate::exec::state::Closing;
use crate::exec::state::cells::Cells;
use crate::exec::state::keys::Index;

/// The keys of one pane, and their aggregates.
#[derive(Debug)]
pub(super) struct Pane {
    /// The keys, numbered.
    pub(super) keys: Index,
    /// The aggregates of each function, by the key's number.
    pub(super) cells: Vec<Box<dyn Cells>>,
    /// The keys that the batch changed, in the order in which it did.
    pub(super) changed: Vec<u32>,
    /// Which keys the batch changed.
    pub(super) is_changed: Vec<bool>,
    /// The keys that the epoch changed before, in the order in which it did: they are in no delta yet. Empty between micro-batches.
    unwritten: Vec<u32>,
    /// Which keys those are.
    is_unwritten: Vec<bool>,
    /// The numbers that its keys have in earlier panes of its windows, by the starts of those; [`NONE`] for a key that is not
    /// there. Kept where windows have few panes, in place of looking each key up again when a window is put together.
    pub(super) links: BTreeMap<i64, Vec<u32>>,
}

/// The number of a key that a pane does not have.
pub(super) const NONE: u32 = u32::MAX;

/// Most panes of a window whose keys are linked.
pub(super) const MAX_LINKED: i64 = 4;

impl Pane {
    /// Makes a pane without keys.
    pub(super) fn new(cells: &[Box<dyn Cells>]) -> Self {
        Self {
            keys: Index::default(),
            cells: cells.iter().map(|c| c.fresh()).collect(),
            changed: vec![],
            is_changed: vec![],
            unwritten: vec![],
            is_unwritten: vec![],
            links: BTreeMap::new(),
        }
    }

    /// Returns the number that a key has in another pane, by a link to it if there is one; `other_start` is where that begins.
    pub(super) fn number_in(
        &self,
        key: u32,
        other_start: Closing,
        other: &Self,
        hasher: &DefaultHashBuilder,
    ) -> Option<u32> {
        match other_start.and_then(|start| self.links.get(&start)) {
            Some(links) => links.get(key as usize).copied().filter(|number| *number != NONE),
            None => other.keys.find(&self.keys, key, hasher),
        }
    }

    /// Notes which number a key has in the earlier pane that begins at `earlier`.
    pub(super) fn link(&mut self, earlier: i64, key: u32, number: u32) {
        let links = self.links.entry(earlier).or_default();
        if links.len() <= key as usize {
            links.resize(self.keys.len(), NONE);
        }
        links[key as usize] = number;
    }

    /// Notes that the batch changes keys.
    pub(super) fn touch(&mut self, keys: &[u32]) {
        self.is_changed.resize(self.keys.len(), false);
        for key in keys {
            if !self.is_changed[*key as usize] {
                self.is_changed[*key as usize] = true;
                self.changed.push(*key);
            }
        }
    }

    /// Ends a part of an epoch: what it changed waits for the epoch's delta.
    pub(super) fn rest(&mut self) {
        self.is_unwritten.resize(self.keys.len(), false);
        for key in self.changed.drain(..) {
            self.is_changed[key as usize] = false;
            if !self.is_unwritten[key as usize] {
                self.is_unwritten[key as usize] = true;
                self.unwritten.push(key);
            }
        }
    }

    /// Ends a batch or an epoch, whose delta is taken.
    pub(super) fn settle(&mut self) {
        for key in self.changed.drain(..) {
            self.is_changed[key as usize] = false;
        }
        for key in self.unwritten.drain(..) {
            self.is_unwritten[key as usize] = false;
        }
    }

    /// Returns the keys that were changed since the last delta.
    pub(super) fn unwritten(&self) -> Cow<'_, [u32]> {
        if self.unwritten.is_empty() {
            return Cow::Borrowed(&self.changed);
        }
        let known = |key: &&u32| self.is_unwritten.get(**key as usize) == Some(&true);
        let new = self.changed.iter().filter(|key| !known(key));
        self.unwritten.iter().chain(new).copied().collect()
    }

    /// Returns whether the batch has changed a key.
    pub(super) fn has_changed(&self, key: u32) -> bool {
        self.is_changed.get(key as usize) == Some(&true)
    }
}
