//! Parts of a batch's blocks: what is tried alone when a record kills executors, and what is set aside.
//!
//! A block is cut where its format allows it: lines of JSON, CSV and text at the ends of lines, Arrow streams between rows. What
//! may not be cut, such as CSV with a header or a JSON value over several lines, is one piece.

use arrow::buffer::Buffer;

use super::deal::Cut;
use crate::error::Result;
use crate::values::ipc;

/// A part of a block: bytes of lines, rows of an Arrow stream, or all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Piece {
    /// The source's number.
    pub source: usize,
    /// The block's number among those that the batch takes of the source.
    pub block: usize,
    /// The first byte or row, and the one after the last; `None` for the whole block.
    pub range: Option<(usize, usize)>,
}

/// A source's blocks of a batch, and where they may be cut.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The blocks, in the source's order.
    pub blocks: Vec<Buffer>,
    /// Where they may be cut.
    pub cut: Cut,
    /// Whether the source cannot have its records twice: they are in its write-ahead log.
    pub logged: bool,
}

impl Taken {
    /// Returns how long a block is in bytes or rows; `None` if it cannot be read.
    fn length(&self, block: &Buffer) -> Option<usize> {
        match self.cut {
            Cut::Never | Cut::Lines => Some(block.len()),
            Cut::Rows => Some(ipc::read(block).ok()?.iter().map(|batch| batch.num_rows()).sum()),
        }
    }

    /// Parts a piece in two of about the same length; `None` if it is one record, or may not be cut.
    fn part(&self, piece: Piece) -> Option<(Piece, Piece)> {
        let block = self.blocks.get(piece.block)?;
        let (from, to) = match piece.range {
            Some(range) => range,
            None => (0, self.length(block)?),
        };
        let middle = from + (to - from) / 2;
        let at = match self.cut {
            Cut::Never => return None,
            Cut::Rows => middle,
            Cut::Lines => {
                let ends_line = |at: usize| at > from && at < to && block[at - 1] == b'\n';
                let after = (middle..to).find(|at| ends_line(*at));
                after.or_else(|| (from..middle).rev().find(|at| ends_line(*at)))?
            }
        };
        let half = |from, to| Piece {
            range: Some((from, to)),
            ..piece
        };
        (from < at && at < to).then(|| (half(from, at), half(at, to)))
    }

    /// Returns the content of a piece: bytes of lines, an Arrow stream of its rows, or the whole block.
    ///
    /// # Errors
    /// If an Arrow stream cannot be read.
    pub fn content(&self, piece: Piece) -> Result<Buffer> {
        let block = self.blocks.get(piece.block).cloned().unwrap_or_default();
        let Some((from, to)) = piece.range else {
            return Ok(block);
        };
        if self.cut != Cut::Rows {
            let to = to.min(block.len());
            return Ok(block.slice_with_length(from.min(to), to - from.min(to)));
        }
        let batches = ipc::read(&block)?;
        let Some(first) = batches.first() else {
            return Ok(block);
        };
        let (mut start, mut own) = (0, Vec::new());
        for batch in &batches {
            let end = start + batch.num_rows();
            let (low, high) = (from.max(start), to.min(end));
            if low < high {
                own.push(batch.slice(low - start, high - low));
            }
            start = end;
        }
        Ok(Buffer::from(ipc::write(&first.schema(), &own)?))
    }

    /// Returns the pieces of a block that are left without those that are set aside, in order. What was set aside stays so, even if
    /// the source's options do not let its blocks be cut any more.
    fn left(&self, source: usize, number: usize, aside: &[Piece]) -> Vec<Piece> {
        let whole = Piece {
            source,
            block: number,
            range: None,
        };
        let mut gone: Vec<Piece> = aside
            .iter()
            .copied()
            .filter(|a| (a.source, a.block) == (source, number))
            .collect();
        gone.sort_unstable();
        let Some(ranges) = gone.iter().map(|a| a.range).collect::<Option<Vec<_>>>() else {
            return vec![];
        };
        // To count the rows of an Arrow stream costs as much as to read it.
        if ranges.is_empty() {
            return vec![whole];
        }
        let Some(length) = self.blocks.get(number).and_then(|block| self.length(block)) else {
            return vec![whole];
        };
        let mut left = Vec::new();
        let mut from = 0;
        for (start, end) in ranges.into_iter().chain([(length, length)]) {
            if start > from {
                left.push(Piece {
                    range: Some((from, start)),
                    ..whole
                });
            }
            from = end.max(from);
        }
        left
    }
}

/// Returns what is left of the write-ahead logs' records without those that are set aside, in order; empty blocks hold none.
pub fn suspects(taken: &[Taken], aside: &[Piece]) -> Vec<Piece> {
    let mut all = Vec::new();
    for (source, own) in taken.iter().enumerate().filter(|(_, own)| own.logged) {
        let filled = own.blocks.iter().enumerate().filter(|(_, block)| !block.is_empty());
        all.extend(filled.flat_map(|(number, _)| own.left(source, number, aside)));
    }
    all
}

/// Returns the blocks of a source without the records that are set aside.
///
/// # Errors
/// If an Arrow stream of which rows are set aside cannot be read.
pub fn without(taken: &Taken, source: usize, aside: &[Piece]) -> Result<Vec<Buffer>> {
    let mut blocks = Vec::new();
    for number in 0..taken.blocks.len() {
        for piece in taken.left(source, number, aside) {
            blocks.push(taken.content(piece)?);
        }
    }
    Ok(blocks)
}

/// Returns the blocks of a source that a trial takes: all of them unless they are logged, else the pieces that are tried.
///
/// # Errors
/// If an Arrow stream that is cut cannot be read.
pub fn tried(taken: &Taken, source: usize, trial: &[Piece]) -> Result<Vec<Buffer>> {
    if !taken.logged {
        return Ok(taken.blocks.clone());
    }
    let own = trial.iter().filter(|piece| piece.source == source);
    own.map(|piece| taken.content(*piece)).collect()
}

/// What is known of the records of a batch that kills executors, and what is tried next.
///
/// Nothing is called guilty unless the batch dies of it alone, beside what other sources have, and twice, as one death may be an
/// accident: first the batch is tried without any record of a write-ahead log, then halves of what it dies of, until that is one
/// record. So `n` records take about `2 · log₂ n` trials. A trial's rows and state are thrown away.
///
/// ```text
/// without records ──dies──▶ Nobody: it is the query
///      │ lives
///      ▼
/// first half ──dies──▶ its halves; if it is one record, that again, and Guilty
///      │ lives                     ▲
///      ▼                           │
/// second half ──dies───────────────┘
///      │ lives
///      ▼
/// Nobody: no record kills alone
/// ```
#[derive(Debug)]
pub struct Search {
    /// What the batch dies of.
    suspects: Vec<Piece>,
    /// What is tried.
    trial: Vec<Piece>,
    /// What is tried if that lives; `None` at the trial without records, empty at a second half or one record.
    other: Option<Vec<Piece>>,
    /// How often the batch has died of these suspects and nothing else.
    deaths: u32,
}

/// How often a batch must die of a record alone.
const DEATHS_ALONE: u32 = 2;

/// What follows from a trial.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another trial.
    Try,
    /// The batch dies of this record alone.
    Guilty(Piece),
    /// It is not a single record; the text says why.
    Nobody(&'static str),
}

impl Search {
    /// Begins a search in what the batch dies of, with the trial without records.
    ///
    /// ```
    /// use rivulet::streaming::deal::Cut;
    /// use rivulet::streaming::pieces::{Search, Taken, Verdict, suspects};
    ///
    /// let taken = [Taken { blocks: vec![b"good\nbad\n".into()], cut: Cut::Lines, logged: true }];
    /// let mut search = Search::new(suspects(&taken, &[]));
    /// let mut dies = false;
    /// let guilty = loop {
    ///     match search.ended(dies, &taken) {
    ///         Verdict::Try => dies = search.trial().iter().any(|p| taken[0].content(*p).unwrap().starts_with(b"bad")),
    ///         verdict => break verdict,
    ///     }
    /// };
    /// let Verdict::Guilty(piece) = guilty else { panic!() };
    /// assert_eq!(taken[0].content(piece)?.as_slice(), b"bad\n");
    /// # Ok::<(), rivulet::error::SparkError>(())
    /// ```
    pub fn new(suspects: Vec<Piece>) -> Self {
        Self {
            suspects,
            trial: vec![],
            other: None,
            deaths: 0,
        }
    }

    /// Returns the records that are tried.
    pub fn trial(&self) -> &[Piece] {
        &self.trial
    }

    /// Notes whether the batch has died of the trial.
    pub fn ended(&mut self, died: bool, taken: &[Taken]) -> Verdict {
        match self.other.take() {
            None if died => return Verdict::Nobody("it dies without any of its records, too"),
            None => {}
            Some(_) if died => {
                let trial = std::mem::take(&mut self.trial);
                self.deaths = if trial == self.suspects { self.deaths + 1 } else { 1 };
                self.suspects = trial;
            }
            Some(other) if other.is_empty() => return Verdict::Nobody("it dies of no record alone"),
            Some(other) => {
                self.trial = other;
                self.other = Some(vec![]);
                return Verdict::Try;
            }
        }
        let halves = match self.suspects.as_slice() {
            [] => return Verdict::Nobody("it has no records"),
            [piece] => match taken.get(piece.source).and_then(|own| own.part(*piece)) {
                None if self.deaths >= DEATHS_ALONE => return Verdict::Guilty(*piece),
                None => (vec![*piece], vec![]),
                Some((first, second)) => (vec![first], vec![second]),
            },
            many => {
                let (first, second) = many.split_at(many.len() / 2);
                (first.to_vec(), second.to_vec())
            }
        };
        (self.trial, self.other) = (halves.0, Some(halves.1));
        Verdict::Try
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
    use arrow::datatypes::Int64Type;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn lines(blocks: &[&str]) -> Taken {
        Taken {
            blocks: blocks.iter().map(|b| Buffer::from(b.as_bytes())).collect(),
            cut: Cut::Lines,
            logged: true,
        }
    }

    fn text(blocks: &[Buffer]) -> String {
        blocks.iter().map(|b| String::from_utf8_lossy(b).into_owned()).collect()
    }

    /// Finds all that kill, as a query does: a search after each death of what is left.
    fn find(taken: &[Taken], kills: impl Fn(&[Piece]) -> bool) -> (Vec<Piece>, usize) {
        let (mut aside, mut trials) = (vec![], 0);
        while kills(&suspects(taken, &aside)) {
            let mut search = Search::new(suspects(taken, &aside));
            let mut died = false;
            let found = loop {
                trials += 1;
                match search.ended(died, taken) {
                    Verdict::Try => died = kills(search.trial()),
                    Verdict::Guilty(piece) => break piece,
                    Verdict::Nobody(why) => panic!("{why}"),
                }
            };
            aside.push(found);
        }
        (aside, trials)
    }

    #[test]
    fn of_random_blocks_the_records_that_kill_are_found_and_all_others_are_left() {
        let mut rng = SmallRng::seed_from_u64(7);
        for _ in 0..300 {
            let mut good = String::new();
            let mut taken = Vec::new();
            let mut bad = 0;
            for _ in 0..rng.random_range(1..3) {
                let blocks: Vec<String> = (0..rng.random_range(1..5))
                    .map(|_| {
                        let mut block = String::new();
                        for n in 0..rng.random_range(0..9) {
                            let kills = rng.random_range(0..12) == 0;
                            bad += usize::from(kills);
                            let line = if kills { format!("bad{n}") } else { "x".repeat(n) };
                            block += &format!("{line}\n");
                        }
                        block
                    })
                    .collect();
                good.extend(
                    blocks
                        .iter()
                        .flat_map(|b| b.split_inclusive('\n'))
                        .filter(|l| !l.contains("bad")),
                );
                taken.push(lines(&blocks.iter().map(String::as_str).collect::<Vec<_>>()));
            }
            let content = |pieces: &[Piece]| -> String {
                let blocks: Vec<Buffer> = pieces.iter().map(|p| taken[p.source].content(*p).unwrap()).collect();
                text(&blocks)
            };
            let (aside, trials) = find(&taken, |pieces| content(pieces).contains("bad"));
            assert_eq!(aside.len(), bad);
            assert!(trials <= bad * 16, "{trials} trials for {bad}");
            assert_eq!(content(&aside).matches("bad").count(), bad);
            let left: Vec<Buffer> = taken
                .iter()
                .enumerate()
                .flat_map(|(source, own)| without(own, source, &aside).unwrap())
                .collect();
            assert_eq!(text(&left), good);
        }
    }

    #[test]
    fn rows_of_an_arrow_stream_are_found_and_what_may_not_be_cut_is_one_piece() {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10));
        let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
        let block = Buffer::from(ipc::write(&batch.schema(), &[batch.clone(), batch]).unwrap());
        let ids = |blocks: &[Buffer]| -> Vec<i64> {
            let batches = blocks.iter().flat_map(|b| ipc::read(b).unwrap());
            batches
                .flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec())
                .collect()
        };
        let mut taken = [Taken {
            blocks: vec![block.clone(), block],
            cut: Cut::Rows,
            logged: true,
        }];
        let own = taken[0].clone();
        let (aside, _) = find(&taken, |pieces| {
            let blocks: Vec<Buffer> = pieces.iter().map(|p| own.content(*p).unwrap()).collect();
            ids(&blocks).contains(&7)
        });
        assert_eq!(aside.len(), 4);
        let left = ids(&without(&own, 0, &aside).unwrap());
        assert_eq!((left.len(), left.contains(&7)), (36, false));
        taken[0].cut = Cut::Never;
        let (aside, _) = find(&taken, |pieces| pieces.iter().any(|p| p.block == 1));
        let whole = Piece {
            source: 0,
            block: 1,
            range: None,
        };
        assert_eq!(aside, [whole]);
        assert_eq!(without(&taken[0], 0, &aside).unwrap().len(), 1);
    }

    #[test]
    fn a_line_stays_aside_though_a_restart_has_options_by_which_blocks_are_not_cut() {
        let mut taken = lines(&["a\nbad\nc\n"]);
        let (aside, _) = find(std::slice::from_ref(&taken), |pieces| {
            pieces
                .iter()
                .any(|p| p.range.is_none_or(|(from, to)| from <= 2 && to > 2))
        });
        taken.cut = Cut::Never;
        assert_eq!(text(&without(&taken, 0, &aside).unwrap()), "a\nc\n");
    }

    #[test]
    fn nobody_is_guilty_of_what_the_query_does_by_itself_or_two_records_do_together() {
        let taken = [lines(&["a\nb\nc\n"])];
        let mut search = Search::new(suspects(&taken, &[]));
        assert_eq!(
            search.ended(true, &taken),
            Verdict::Nobody("it dies without any of its records, too")
        );
        let mut search = Search::new(suspects(&taken, &[]));
        let mut verdict = search.ended(false, &taken);
        while verdict == Verdict::Try {
            verdict = search.ended(false, &taken);
        }
        assert_eq!(verdict, Verdict::Nobody("it dies of no record alone"));
    }
}
