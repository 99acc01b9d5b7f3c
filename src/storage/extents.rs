//! Which parts of a file are taken: for files that hold pieces which come and go, such as shuffle blocks in a browser.

use std::collections::BTreeMap;

/// Free and taken parts of a file that grows as needed. A part is given out first-fit; neighbours that are free are
/// one.
///
/// ```
/// use rivulet::storage::extents::Extents;
///
/// let mut extents = Extents::default();
/// let (a, b) = (extents.take(10), extents.take(5));
/// assert_eq!((a, b, extents.end()), (0, 10, 15));
/// extents.give(a, 10);
/// assert_eq!(extents.take(4), 0);
/// ```
#[derive(Debug, Default)]
pub struct Extents {
    /// Start → length of what is free below the end.
    free: BTreeMap<u64, u64>,
    /// Length of the file as far as it is used.
    end: u64,
}

impl Extents {
    /// Returns where a piece of `length` bytes goes: into the first gap that holds it, else to the end.
    pub fn take(&mut self, length: u64) -> u64 {
        let fits = self.free.iter().find(|(_, free)| **free >= length);
        let Some((start, free)) = fits.map(|(s, f)| (*s, *f)) else {
            let start = self.end;
            self.end += length;
            return start;
        };
        self.free.remove(&start);
        if free > length {
            self.free.insert(start + length, free - length);
        }
        start
    }

    /// Gives back a piece that was taken. At the end of the file, the file becomes shorter.
    pub fn give(&mut self, mut start: u64, mut length: u64) {
        if length == 0 {
            return;
        }
        if let Some((before, free)) = self.free.range(..start).next_back().map(|(s, f)| (*s, *f))
            && before + free == start
        {
            self.free.remove(&before);
            (start, length) = (before, free + length);
        }
        if let Some(free) = self.free.remove(&(start + length)) {
            length += free;
        }
        if start + length == self.end {
            self.end = start;
        } else {
            self.free.insert(start, length);
        }
    }

    /// Returns the bytes of the file that are in use, or lie between such.
    pub fn end(&self) -> u64 {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};

    #[test]
    fn pieces_never_overlap_and_a_file_of_none_is_empty() {
        for seed in 0..50 {
            let mut rng = rand::rngs::SmallRng::seed_from_u64(seed);
            let mut extents = Extents::default();
            let mut held: Vec<(u64, u64)> = Vec::new();
            for _ in 0..200 {
                if rng.random_bool(0.6) || held.is_empty() {
                    let length = rng.random_range(1..50);
                    let start = extents.take(length);
                    for (other, size) in &held {
                        assert!(start + length <= *other || other + size <= start, "seed {seed}");
                    }
                    assert!(start + length <= extents.end());
                    held.push((start, length));
                } else {
                    let (start, length) = held.swap_remove(rng.random_range(0..held.len()));
                    extents.give(start, length);
                }
            }
            for (start, length) in held {
                extents.give(start, length);
            }
            assert_eq!((extents.end(), extents.free.len()), (0, 0), "seed {seed}");
        }
    }
}
