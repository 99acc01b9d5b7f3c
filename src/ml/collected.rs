//! The order in which Spark collects what it has counted by key (`reduceByKey`, then `collect`).
//!
//! Keys are dealt out by their hash to partitions, in which they are in a table with open addresses (`AppendOnlyMap`). Where a learner of
//! Spark's goes by that order, such as among words that occur as often, so does ours.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};

use crate::values::java_random::hash_code;
use crate::values::murmur3;

/// Returns what Java's `hashCode` returns of each value; `None` of a null, and of values of types whose hash is not known here.
pub fn java_hashes(values: &ArrayRef) -> Vec<Option<i32>> {
    let long = |v: i64| (v ^ (v as u64 >> 32) as i64) as i32;
    match values.data_type() {
        DataType::Int8 => values
            .as_primitive::<Int8Type>()
            .iter()
            .map(|v| v.map(i32::from))
            .collect(),
        DataType::Int16 => values
            .as_primitive::<Int16Type>()
            .iter()
            .map(|v| v.map(i32::from))
            .collect(),
        DataType::Int32 => values.as_primitive::<Int32Type>().iter().collect(),
        DataType::Int64 => values.as_primitive::<Int64Type>().iter().map(|v| v.map(long)).collect(),
        DataType::Float64 => {
            let doubles = values.as_primitive::<Float64Type>().iter();
            doubles.map(|v| v.map(|v| long(v.to_bits() as i64))).collect()
        }
        DataType::Utf8 => values.as_string::<i32>().iter().map(|v| v.map(hash_code)).collect(),
        _ => vec![None; values.len()],
    }
}

/// Returns the places of keys in the order in which they are collected, given their hashes; a key without hash is in the first
/// partition, before all others.
pub fn order(hashes: &[Option<i32>], partitions: usize) -> Vec<usize> {
    let partitions = partitions.clamp(1, i32::MAX as usize) as i32;
    let mut dealt: BTreeMap<i32, Vec<(usize, i32)>> = BTreeMap::new();
    let mut out = Vec::with_capacity(hashes.len());
    for (key, hash) in hashes.iter().enumerate() {
        match hash {
            Some(hash) => dealt.entry(hash.rem_euclid(partitions)).or_default().push((key, *hash)),
            None => out.push(key),
        }
    }
    out.extend(dealt.values().flat_map(|keys| table(keys)));
    out
}

/// Returns keys, given with their hashes and each once, in the order of a table that they were put into one after the other.
pub fn table(keys: &[(usize, i32)]) -> Vec<usize> {
    let mut slots: Vec<Option<(usize, i32)>> = vec![None; 64];
    let put = |slots: &mut Vec<Option<(usize, i32)>>, key: (usize, i32)| {
        let mask = slots.len() - 1;
        let (mut at, mut step) = (murmur3::hash_int(key.1, 0) as usize & mask, 1);
        while slots[at].is_some() {
            at = (at + step) & mask;
            step += 1;
        }
        slots[at] = Some(key);
    };
    for (count, key) in keys.iter().enumerate() {
        put(&mut slots, *key);
        // It doubles when seven tenths of it are taken.
        if count + 1 > slots.len() * 7 / 10 {
            let mut larger = vec![None; slots.len() * 2];
            slots.iter().flatten().for_each(|key| put(&mut larger, *key));
            slots = larger;
        }
    }
    slots.into_iter().flatten().map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int32Array;

    use super::*;

    #[test]
    fn partitions_without_keys_take_no_memory() {
        let hashes = [Some(5), Some(-1), None, Some(3)];
        assert_eq!(order(&hashes, i32::MAX as usize), [2, 3, 0, 1]);
        assert_eq!(order(&hashes, usize::MAX), [2, 3, 0, 1]);
    }

    #[test]
    fn keys_are_in_the_order_of_their_partitions() {
        let values: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), Some(2), None, Some(3), Some(4)]));
        let found = order(&java_hashes(&values), 2);
        assert_eq!(found[0], 2);
        let parities: Vec<i32> = found[1..].iter().map(|at| [1, 2, 0, 3, 4][*at] % 2).collect();
        assert_eq!(parities, [0, 0, 1, 1]);
    }

    #[test]
    fn a_table_keeps_all_keys_while_it_grows() {
        let hashes: Vec<Option<i32>> = (0..1000).map(|i| Some(i * 7)).collect();
        let mut found = order(&hashes, 3);
        found.sort_unstable();
        assert!(found.into_iter().eq(0..1000));
    }
}
