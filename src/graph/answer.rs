//! Results as the page reads them: blocks of pairs of id and value (`src/js/src/rdd/value_codec.ts` says what the form is).

use arrow::datatypes::ToByteSlice;

/// Values of the vertices of one partition, in the order of their ids.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// A double each.
    Doubles(Vec<f64>),
    /// A 64-bit whole number each.
    Longs(Vec<i64>),
    /// A count each; vertices whose count is 0 are left out.
    PositiveCounts(Vec<u32>),
    /// A vector each.
    Vectors {
        /// The length of each.
        width: usize,
        /// Their elements, one after the other.
        values: Vec<f64>,
    },
    /// A map each, with the same possible keys.
    Maps {
        /// The keys.
        keys: Vec<i64>,
        /// A value per key, one vertex after the other.
        values: Vec<u32>,
        /// The value of keys that are not there.
        none: u32,
    },
    /// `[vector, vector, number, number]` each.
    Factors {
        /// The length of each vector.
        rank: usize,
        /// The numbers, one vertex after the other.
        values: Vec<f64>,
    },
}

/// Kinds of columns.
const VALUES: u8 = 0;
const DOUBLES: u8 = 1;
const INTS: u8 = 2;
const PAIRS: u8 = 4;

/// Tags of values.
const INT: u8 = 4;
const DOUBLE: u8 = 5;
const BIGINT: u8 = 6;
const ARRAY: u8 = 9;
const MAP: u8 = 11;
const TYPED: u8 = 14;
const FLOAT64_ARRAY: u8 = 8;

/// The largest whole number that is exact as a number in JavaScript.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// Returns ids and their values as a block.
pub fn block(ids: &[i64], values: &Values) -> Vec<u8> {
    if let Values::PositiveCounts(counts) = values {
        let some = || ids.iter().zip(counts).filter(|(_, n)| **n > 0);
        let longs: Vec<i64> = some().map(|(_, n)| i64::from(*n)).collect();
        let ids: Vec<i64> = some().map(|(id, _)| *id).collect();
        return block(&ids, &Values::Longs(longs));
    }
    let mut out = (ids.len() as u32).to_le_bytes().to_vec();
    if ids.is_empty() {
        out.push(VALUES);
        return out;
    }
    out.push(PAIRS);
    longs(&mut out, ids);
    match values {
        Values::Doubles(doubles) => column(&mut out, DOUBLES, 8, doubles.as_slice().to_byte_slice()),
        Values::Longs(values) => longs(&mut out, values),
        Values::Vectors { width, values } => {
            out.push(VALUES);
            values.chunks(*width).for_each(|row| vector(&mut out, row));
        }
        Values::Maps { keys, values, none } => {
            out.push(VALUES);
            for row in values_of_rows(values, keys.len(), ids.len()) {
                out.push(MAP);
                let there = || keys.iter().zip(row).filter(|(_, value)| *value != none);
                out.extend((there().count() as u32).to_le_bytes());
                for (key, value) in there() {
                    number(&mut out, *key);
                    number(&mut out, i64::from(*value));
                }
            }
        }
        Values::Factors { rank, values } => {
            out.push(VALUES);
            for row in values.chunks(2 * rank + 2) {
                out.push(ARRAY);
                out.extend(4u32.to_le_bytes());
                vector(&mut out, &row[..*rank]);
                vector(&mut out, &row[*rank..2 * rank]);
                for one in &row[2 * rank..] {
                    out.push(DOUBLE);
                    out.extend(one.to_le_bytes());
                }
            }
        }
        Values::PositiveCounts(_) => {}
    }
    out
}

/// Returns rows of `width` values, also where that is 0.
fn values_of_rows(values: &[u32], width: usize, rows: usize) -> impl Iterator<Item = &[u32]> {
    (0..rows).map(move |row| &values[row * width..(row + 1) * width])
}

fn column(out: &mut Vec<u8>, kind: u8, width: usize, bytes: &[u8]) {
    out.push(kind);
    out.resize(out.len().next_multiple_of(width), 0);
    out.extend_from_slice(bytes);
}

/// Writes whole numbers: 32 bits wide if they all fit, as doubles if they are all exact, else one by one.
fn longs(out: &mut Vec<u8>, values: &[i64]) {
    if let Ok(ints) = values
        .iter()
        .map(|v| i32::try_from(*v))
        .collect::<Result<Vec<i32>, _>>()
    {
        return column(out, INTS, 4, ints.as_slice().to_byte_slice());
    }
    if values.iter().all(|v| v.unsigned_abs() <= MAX_SAFE) {
        let doubles: Vec<f64> = values.iter().map(|v| *v as f64).collect();
        return column(out, DOUBLES, 8, doubles.as_slice().to_byte_slice());
    }
    out.push(VALUES);
    values.iter().for_each(|v| number(out, *v));
}

fn number(out: &mut Vec<u8>, value: i64) {
    if let Ok(int) = i32::try_from(value) {
        out.push(INT);
        out.extend(int.to_le_bytes());
    } else if value.unsigned_abs() <= MAX_SAFE {
        out.push(DOUBLE);
        out.extend((value as f64).to_le_bytes());
    } else {
        out.push(BIGINT);
        let text = base36(value);
        out.extend((text.len() as u32).to_le_bytes());
        out.extend(text.bytes());
    }
}

fn base36(value: i64) -> String {
    let mut rest = value.unsigned_abs();
    let mut digits = Vec::new();
    while rest > 0 {
        digits.push(char::from_digit((rest % 36) as u32, 36).unwrap_or('0'));
        rest /= 36;
    }
    if value < 0 {
        digits.push('-');
    }
    digits.into_iter().rev().collect()
}

fn vector(out: &mut Vec<u8>, values: &[f64]) {
    out.extend([TYPED, FLOAT64_ARRAY]);
    out.extend((8 * values.len() as u32).to_le_bytes());
    out.extend_from_slice(values.to_byte_slice());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    // What `encode([[1, 0.5], [2, 2.5]])`, `encode([])` and `encode([[2 ** 40, 7], [-1, 8]])` of value_codec.ts make.
    #[test]
    fn pairs_are_written_as_the_page_writes_them() {
        let doubles = block(&[1, 2], &Values::Doubles(vec![0.5, 2.5]));
        assert_eq!(
            hex(&doubles),
            "020000000402000001000000020000000100000000000000000000000000e03f0000000000000440"
        );
        assert_eq!(hex(&block(&[], &Values::Doubles(vec![]))), "0000000000");
        let wide = block(&[1 << 40, -1], &Values::Longs(vec![7, 8]));
        assert_eq!(
            hex(&wide),
            "02000000040100000000000000007042000000000000f0bf020000000700000008000000"
        );
    }

    #[test]
    fn ids_that_are_not_exact_as_numbers_are_bigints_and_empty_degrees_are_left_out() {
        assert_eq!(base36(i64::MIN), "-1y2p0ij32e8e8");
        let counts = block(&[4, 5], &Values::PositiveCounts(vec![0, 3]));
        assert_eq!(counts, block(&[5], &Values::Longs(vec![3])));
    }
}
