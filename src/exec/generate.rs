//! Turns list elements into rows (`explode`, `inline`), and keeps those that a filter above wants.
//!
//! The filter is asked first, of the elements as they lie in their list: the other columns are repeated for what it keeps.
//! Words of a text, which are most of what is exploded, are not even made a list of.
//!
//! ```text
//! Filter  starts_with(#9, '#')          words of #2 that begin with `#`, found in the text itself,
//!   Generate  #9 from #8          ──►   each with its row of the other columns
//!     Projection  …, #8 = split(#2, ' ')
//! ```

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::compute::{filter, is_null, nullif, take};
use arrow::datatypes::*;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_plan::ExecutionPlan;
use memchr::memchr;
use memchr::memmem::Finder;

use super::transform::Transform;
use crate::error::Result;
use crate::plan::nodes;

/// Where elements come from.
#[derive(Debug, Clone)]
pub enum Elements {
    /// The column has lists.
    Lists,
    /// Splits each text of the column at a separator; the elements are the parts.
    Words(Words),
}

/// Words of a text that are wanted.
#[derive(Debug, Clone)]
pub struct Words {
    /// The byte between words, of ASCII.
    pub separator: u8,
    /// What a word begins with; empty takes all.
    pub prefix: String,
}

/// Makes the operator. `keep` is a condition on the columns that are made, in their order: only rows for which it is true
/// are put out.
///
/// A null or empty list makes no row, or one with nulls if the generator is outer; then there is no `keep`. Elements that are
/// structs become columns if `spread` is set; a null struct becomes nulls.
///
/// # Errors
/// If the input does not have the column to generate from.
pub fn generate(
    node: &nodes::Generate,
    input: Arc<dyn ExecutionPlan>,
    elements: Elements,
    keep: Option<Arc<dyn PhysicalExpr>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let list = input.schema().index_of(&node.list)?;
    let others: Vec<usize> = (0..input.schema().fields().len()).filter(|i| *i != list).collect();
    let mut fields: Vec<FieldRef> = others.iter().map(|i| input.schema().fields()[*i].clone()).collect();
    let made: Fields = node
        .columns
        .iter()
        .map(|(n, t)| Field::new(n, t.clone(), true))
        .collect();
    fields.extend(made.iter().cloned());
    let schema = Arc::new(Schema::new(fields));
    let (out, made) = (schema.clone(), Arc::new(Schema::new(made)));
    let (spread, outer) = (node.spread, node.outer);
    let label = match (&elements, &keep) {
        (Elements::Lists, None) => format!("Generate: outer={outer}"),
        (Elements::Lists, Some(keep)) => format!("Generate: outer={outer} keep={keep}"),
        (Elements::Words(words), keep) => {
            let keep = keep.iter().map(|keep| format!(" keep={keep}")).collect::<String>();
            format!(
                "Generate: words by {:?} prefix={:?}{keep}",
                char::from(words.separator),
                words.prefix
            )
        }
    };
    Ok(Transform::each(label, input, schema, move |batch, _| {
        let column = batch.column(list);
        let (mut rows, values) = match &elements {
            Elements::Words(words) => words.find(column.as_string::<i32>())?,
            Elements::Lists => elements_of(column.as_list::<i32>(), outer)?,
        };
        let mut columns = match values.as_struct_opt().filter(|_| spread) {
            Some(structs) => {
                let nulls = is_null(structs)?;
                let columns = structs.columns().iter().map(|column| nullif(column, &nulls));
                columns.collect::<std::result::Result<_, _>>()?
            }
            None => vec![values],
        };
        if let Some(keep) = &keep {
            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            let elements = RecordBatch::try_new_with_options(made.clone(), columns.clone(), &options)?;
            let wanted = keep.evaluate(&elements)?.into_array(rows.len())?;
            let wanted = wanted.as_boolean();
            columns = columns
                .iter()
                .map(|column| filter(column, wanted))
                .collect::<std::result::Result<_, _>>()?;
            rows = filter(&rows, wanted)?.as_primitive::<UInt32Type>().clone();
        }
        let others = others.iter().map(|i| take(batch.column(*i), &rows, None));
        let mut all = others.collect::<std::result::Result<Vec<_>, _>>()?;
        all.extend(columns);
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        Ok(vec![RecordBatch::try_new_with_options(out.clone(), all, &options)?])
    }))
}

/// Returns the elements of all lists, with the row of each.
fn elements_of(lists: &ListArray, outer: bool) -> Result<(UInt32Array, ArrayRef)> {
    let offsets = lists.value_offsets();
    let mut rows: Vec<u32> = Vec::with_capacity(lists.values().len());
    // Lists lie one after the other, unless a null one hides elements, or an empty one makes a row.
    let whole = lists.null_count() == 0 && !outer;
    let mut places: Vec<Option<u32>> = Vec::with_capacity(if whole { 0 } else { lists.values().len() });
    for row in 0..lists.len() {
        let (from, to) = (offsets[row] as u32, offsets[row + 1] as u32);
        if lists.is_null(row) || from == to {
            if outer {
                rows.push(row as u32);
                places.push(None);
            }
            continue;
        }
        rows.extend(std::iter::repeat_n(row as u32, (to - from) as usize));
        if !whole {
            places.extend((from..to).map(Some));
        }
    }
    let values = if whole {
        lists.values().slice(offsets[0] as usize, rows.len())
    } else {
        take(lists.values(), &UInt32Array::from(places), None)?
    };
    Ok((rows.into(), values))
}

impl Words {
    /// Returns the words that pass the filter, and the row of each, in order. A null text has no words.
    fn find(&self, texts: &StringArray) -> Result<(UInt32Array, ArrayRef)> {
        let (bytes, ends) = (texts.value_data(), texts.value_offsets());
        let mut found = Found {
            rows: Vec::with_capacity(texts.len()),
            ends: Vec::with_capacity(texts.len() + 1),
            bytes: Vec::with_capacity(texts.len() * 8),
        };
        found.ends.push(0);
        let of_row = |row: usize| (ends[row] as usize, ends[row + 1] as usize);
        let word_end = |start: usize, end: usize| memchr(self.separator, &bytes[start..end]).map_or(end, |i| start + i);
        if self.prefix.is_empty() {
            for row in (0..texts.len()).filter(|row| texts.is_valid(*row)) {
                let (mut start, last) = of_row(row);
                loop {
                    let end = word_end(start, last);
                    found.push(row, &bytes[start..end]);
                    if end == last {
                        break;
                    }
                    start = end + 1;
                }
            }
            return found.finish();
        }
        // Search the bytes of all texts in one pass; then look up the row of each match.
        let (prefix, finder) = (self.prefix.as_bytes(), Finder::new(&self.prefix));
        let next = |from: usize, to: usize| match prefix {
            [byte] => memchr(*byte, &bytes[from..to]).map(|i| from + i),
            _ => finder.find(&bytes[from..to]).map(|i| from + i),
        };
        let (mut row, mut at, stop) = (0, ends[0] as usize, ends[texts.len()] as usize);
        while let Some(start) = next(at, stop) {
            while of_row(row).1 <= start {
                row += 1;
            }
            let (first, last) = of_row(row);
            at = start + 1;
            if (start > first && bytes[start - 1] != self.separator) || texts.is_null(row) {
                continue;
            }
            let end = word_end(start, last);
            // No word holds a prefix that contains the separator or runs into the next text.
            if end - start >= prefix.len() {
                found.push(row, &bytes[start..end]);
            }
            at = end.max(at);
        }
        found.finish()
    }
}

/// Collects words. Their end offsets fit into 32 bits because those of the texts do.
struct Found {
    /// The row of each.
    rows: Vec<u32>,
    /// Where each ends, after a 0.
    ends: Vec<i32>,
    /// Their bytes.
    bytes: Vec<u8>,
}

impl Found {
    /// Adds a word.
    #[inline]
    fn push(&mut self, row: usize, word: &[u8]) {
        self.rows.push(row as u32);
        self.bytes.extend_from_slice(word);
        self.ends.push(self.bytes.len() as i32);
    }

    /// Returns the rows and the words.
    fn finish(self) -> Result<(UInt32Array, ArrayRef)> {
        let ends = OffsetBuffer::new(self.ends.into());
        let words = StringArray::try_new(ends, self.bytes.into(), None)?;
        Ok((self.rows.into(), Arc::new(words)))
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn words_are_those_of_a_split_that_begin_with_the_prefix() {
        let mut random = SmallRng::seed_from_u64(7);
        let letters = ["#", "#", " ", " ", "a", "é", "##", "# "];
        for prefix in ["", "#", "##", "#a", "é", "# ", " ", "a#"] {
            for _ in 0..400 {
                let mut texts: Vec<Option<String>> = Vec::new();
                for _ in 0..random.random_range(0..4) {
                    let length = random.random_range(0..9);
                    let text: String = (0..length)
                        .map(|_| letters[random.random_range(0..letters.len())])
                        .collect();
                    texts.push((random.random_range(0..5) > 0).then_some(text));
                }
                let words = Words {
                    separator: b' ',
                    prefix: prefix.into(),
                };
                // A slice of a longer array: the texts around it are not searched.
                let mut longer = vec![Some("#before #".to_owned())];
                longer.extend(texts.iter().cloned());
                longer.push(Some("# #after".to_owned()));
                let slice = StringArray::from(longer).slice(1, texts.len());
                let (rows, found) = words.find(&slice).unwrap();
                let found: Vec<(u32, &str)> = rows
                    .values()
                    .iter()
                    .copied()
                    .zip(found.as_string::<i32>().iter().flatten())
                    .collect();
                let mut wanted = Vec::new();
                for (row, text) in texts.iter().enumerate() {
                    for word in text.iter().flat_map(|text| text.split(' ')) {
                        if word.starts_with(prefix) {
                            wanted.push((row as u32, word));
                        }
                    }
                }
                assert_eq!(found, wanted, "in {texts:?}, prefix {prefix:?}");
            }
        }
    }

    #[test]
    fn elements_of_sliced_null_and_empty_lists_keep_their_rows() {
        let all = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
            Some(vec![Some(0)]),
            Some(vec![Some(1), None]),
            None,
            Some(vec![]),
            Some(vec![Some(4)]),
        ]);
        let of = |lists: &ListArray, outer| {
            let (rows, values) = elements_of(lists, outer).unwrap();
            let values: Vec<Option<i32>> = values.as_primitive::<Int32Type>().iter().collect();
            rows.values().iter().copied().zip(values).collect::<Vec<_>>()
        };
        let later = all.slice(1, 4);
        assert_eq!(of(&later, false), [(0, Some(1)), (0, None), (3, Some(4))]);
        assert_eq!(
            of(&later, true),
            [(0, Some(1)), (0, None), (1, None), (2, None), (3, Some(4))]
        );
        assert_eq!(of(&all.slice(0, 2), false), [(0, Some(0)), (1, Some(1)), (1, None)]);
        assert_eq!(of(&all.slice(1, 1), false), [(0, Some(1)), (0, None)]);
    }
}
