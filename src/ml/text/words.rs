//! Words of a whole column of strings: lower case at once, then cut eight bytes at a time.
//!
//! ```text
//! strings   |Good film|so  so|      one buffer, rows end to end
//! lowered   |good film|so  so|····  one pass; every white space is a blank, and blanks follow the last row
//! word      head = "good····" as a number, len = 4, at = 0
//! ```
//!
//! A word's first bytes are in a register when its end is found, so that short words are hashed without being read again.

use arrow::array::{Array, StringArray};

use crate::values::bytes::equal;

/// How many bytes are looked at together.
const STEP: usize = 8;

/// A column of strings in lower case, with blanks for all white space.
#[derive(Debug)]
pub struct LoweredTexts {
    /// The strings, end to end, and blanks after the last.
    bytes: Vec<u8>,
    /// Where each string begins, and where the last one ends.
    offsets: Vec<i32>,
}

/// A word of a lowered column.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// Its first bytes, the first one lowest; zeros after a word that is shorter than eight bytes.
    pub head: u64,
    /// Its length in bytes.
    pub len: usize,
    /// Where it begins in the column.
    at: usize,
}

impl LoweredTexts {
    /// Lowers the strings of a column; a null is an empty string.
    ///
    /// ASCII is lowered as one buffer. In a column that has other letters, a string is lowered by itself.
    pub fn new(texts: &StringArray) -> Self {
        let ends = texts.value_offsets();
        let start = ends.first().map_or(0, |first| *first);
        let end = ends.last().map_or(0, |last| *last);
        let raw = texts.values().get(start as usize..end as usize).unwrap_or_default();
        let mut bytes = Vec::with_capacity(raw.len() + STEP);
        let mut offsets = Vec::with_capacity(ends.len());
        if raw.is_ascii() {
            bytes.extend_from_slice(raw);
            offsets.extend(ends.iter().map(|end| end - start));
        } else {
            offsets.push(0);
            for row in 0..texts.len() {
                let text = texts.value(row);
                if text.is_ascii() {
                    bytes.extend_from_slice(text.as_bytes());
                } else {
                    bytes.extend_from_slice(text.to_lowercase().as_bytes());
                }
                offsets.push(bytes.len() as i32);
            }
        }
        for byte in &mut bytes {
            *byte = plain(*byte);
        }
        bytes.extend_from_slice(&[b' '; STEP]);
        Self { bytes, offsets }
    }

    /// Returns the number of strings.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Returns whether there are no strings.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the length of all strings together, in bytes.
    pub fn text_bytes(&self) -> usize {
        self.bytes.len() - STEP
    }

    /// Returns the words of a string, as `split("\\s")` of Java does: cut at each white space, without the empty words at
    /// the end. An empty string is one empty word.
    ///
    /// ```
    /// use rivulet::ml::text::words::LoweredTexts;
    ///
    /// let texts = LoweredTexts::new(&vec!["A  b ", "", " "].into());
    /// let words = |row| texts.words(row).map(|word| texts.bytes_of(&word).to_vec()).collect::<Vec<_>>();
    /// assert_eq!(words(0), [&b"a"[..], b"", b"b"]);
    /// assert_eq!(words(1), [b""]);
    /// assert!(words(2).is_empty());
    /// ```
    #[inline]
    pub fn words(&self, row: usize) -> Words<'_> {
        let (start, end) = (self.offsets[row] as usize, self.offsets[row + 1] as usize);
        let mut kept = end;
        while kept > start && self.bytes[kept - 1] == b' ' {
            kept -= 1;
        }
        // Of white space alone nothing is left, but of no letters at all one empty word.
        let nothing = kept == start && end > start;
        Words {
            bytes: &self.bytes,
            at: start + usize::from(nothing),
            end: kept,
        }
    }

    /// Returns the bytes of a word after its head, of a word of up to 16 bytes: the first one lowest, zeros after the last.
    #[inline]
    pub fn after_head(&self, word: &Word) -> u64 {
        let at = word.at + STEP;
        let rest = word.len.saturating_sub(STEP).min(STEP);
        let eight = self.bytes.get(at..).and_then(|rest| rest.first_chunk());
        match (eight, rest) {
            (Some(eight), STEP) => u64::from_le_bytes(*eight),
            (Some(eight), _) => u64::from_le_bytes(*eight) & ((1 << (8 * rest)) - 1),
            // Blanks follow the last string: only after a head is there nothing.
            (None, _) => 0,
        }
    }

    /// Returns the bytes of a word of this column, which are UTF-8.
    pub fn bytes_of(&self, word: &Word) -> &[u8] {
        &self.bytes[word.at..word.at + word.len]
    }
}

/// Returns a byte in lower case, a blank for white space (`\s` of Java's patterns).
#[inline]
fn plain(byte: u8) -> u8 {
    let lower = byte | (u8::from(byte.wrapping_sub(b'A') < 26) << 5);
    if byte.wrapping_sub(b'\t') < 5 { b' ' } else { lower }
}

/// The words of one string, in their order.
#[derive(Debug)]
pub struct Words<'a> {
    /// The column.
    bytes: &'a [u8],
    /// Where the next word begins; there is none after `end`.
    at: usize,
    /// Where the last word ends.
    end: usize,
}

impl Iterator for Words<'_> {
    type Item = Word;

    #[inline]
    fn next(&mut self) -> Option<Word> {
        let at = self.at;
        if at > self.end {
            return None;
        }
        let eight = self.bytes.get(at..at + STEP)?.first_chunk()?;
        let eight = u64::from_le_bytes(*eight);
        let blanks = equal(eight, b' ');
        let (head, len) = if blanks != 0 {
            let len = (blanks.trailing_zeros() as usize / 8).min(self.end - at);
            (eight & ((1 << (8 * len)) - 1), len)
        } else {
            self.long(at, eight)
        };
        self.at = at + len + 1;
        Some(Word { head, len, at })
    }
}

impl Words<'_> {
    /// Returns the head and the length of a word without a blank in its first eight bytes: a long one, or the last of a
    /// string that others follow.
    fn long(&self, at: usize, eight: u64) -> (u64, usize) {
        let rest = self.bytes.get(at..self.end).unwrap_or_default();
        let len = match rest.get(STEP..) {
            Some(beyond) => STEP + beyond.iter().position(|b| *b == b' ').unwrap_or(beyond.len()),
            None => rest.len(),
        };
        if len < STEP {
            (eight & ((1 << (8 * len)) - 1), len)
        } else {
            (eight, len)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::feature::tokenizer::{lower_into, words};

    /// Strings of a few letters, in which all that matters meets: lengths around eight, white space of all kinds, letters
    /// beyond ASCII; made by a multiplicative generator.
    fn strings(letters: &[&str], count: usize) -> Vec<String> {
        let mut state = 7_u64;
        let mut next = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut one = || (0..next(30)).map(|_| letters[next(letters.len())]).collect::<String>();
        (0..count).map(|_| one()).collect()
    }

    #[test]
    fn words_of_a_column_are_those_of_its_strings() {
        let ascii = ["a", "B", "xyz", " ", "LONGER", "\t", "0", "\u{b}"];
        let all = ["é", "Σ", "İ", "a", "bc", " ", "\u{a0}", "\n", "\u{85}", "語語語", "Z"];
        for letters in [&ascii[..], &all[..], &[" ", "q"][..]] {
            let texts = strings(letters, 2_000);
            let column = StringArray::from(texts.clone());
            for (from, array) in [(0, column.clone()), (700, column.slice(700, 900))] {
                let lowered = LoweredTexts::new(&array);
                assert_eq!(lowered.len(), array.len());
                for row in 0..array.len() {
                    let mut lower = String::new();
                    lower_into(&texts[from + row], &mut lower);
                    let expected: Vec<&[u8]> = words(&lower).map(str::as_bytes).collect();
                    let found: Vec<Word> = lowered.words(row).collect();
                    let bytes: Vec<&[u8]> = found.iter().map(|w| lowered.bytes_of(w)).collect();
                    assert_eq!(bytes, expected, "{:?}", texts[from + row]);
                    for word in &found {
                        let mut head = [0; 8];
                        let kept = word.len.min(8);
                        head[..kept].copy_from_slice(&lowered.bytes_of(word)[..kept]);
                        assert_eq!(word.head, u64::from_le_bytes(head));
                        let after = lowered.bytes_of(word).get(8..).unwrap_or_default();
                        let mut next = [0; 8];
                        next[..after.len().min(8)].copy_from_slice(&after[..after.len().min(8)]);
                        assert_eq!(lowered.after_head(word), u64::from_le_bytes(next));
                    }
                }
            }
        }
    }
}
