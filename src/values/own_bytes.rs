//! How much memory an array's own rows take.
//!
//! A slice keeps the whole array alive, and Arrow's own counts are those of the whole: slices of one array that are counted one by
//! one come to its size times their number.

use arrow::array::{Array, ArrayRef, AsArray, make_array};
use arrow::datatypes::DataType;

/// Returns the bytes of an array's own rows, those of nested columns with them.
///
/// ```
/// use arrow::array::{Array, Int64Array};
/// use rivulet::values::own_bytes::own_bytes;
///
/// let numbers = Int64Array::from_iter_values(0..1000);
/// assert_eq!(own_bytes(&numbers), 8000);
/// assert_eq!(own_bytes(&numbers.slice(10, 5)), 40);
/// ```
pub fn own_bytes(array: &dyn Array) -> usize {
    let rows = array.len();
    let nulls = array.nulls().map_or(0, |_| rows.div_ceil(8));
    let part = |values: &ArrayRef, offsets: &[i32]| {
        let (from, to) = ends(offsets);
        offsets.len() * 4 + own_bytes(&values.slice(from, to - from))
    };
    let text = |offsets: &[i32]| {
        let (from, to) = ends(offsets);
        offsets.len() * 4 + to - from
    };
    nulls
        + match array.data_type() {
            DataType::Null => 0,
            DataType::Boolean => rows.div_ceil(8),
            DataType::Utf8 => text(array.as_string::<i32>().value_offsets()),
            DataType::Binary => text(array.as_binary::<i32>().value_offsets()),
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                part(list.values(), list.value_offsets())
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let entries: ArrayRef = make_array(map.entries().to_data());
                part(&entries, map.value_offsets())
            }
            DataType::Struct(_) => array.as_struct().columns().iter().map(|c| own_bytes(c)).sum(),
            of => match of.primitive_width() {
                Some(width) => rows * width,
                None => array.get_array_memory_size(),
            },
        }
}

/// Returns where the values of rows with these offsets begin and end.
fn ends(offsets: &[i32]) -> (usize, usize) {
    let place = |at: Option<&i32>| at.map_or(0, |at| *at as usize);
    (place(offsets.first()), place(offsets.last()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, ListArray, MapBuilder, StringArray, StringBuilder, StructArray, types::Int32Type};
    use arrow::datatypes::Field;

    use super::*;

    /// Slices of an array that make it up take as much together, but for an offset and some bits each.
    fn adds_up(array: &dyn Array) {
        let whole = own_bytes(array);
        let each: usize = (0..array.len()).map(|row| own_bytes(&array.slice(row, 1))).sum();
        let spare = array.len() * 40;
        assert!(
            each >= whole / 2 && each <= whole + spare,
            "{} : {each} of {whole}",
            array.data_type()
        );
        assert!(whole <= array.get_array_memory_size());
    }

    #[test]
    fn slices_take_together_what_the_whole_takes() {
        let numbers = Int32Array::from_iter((0..1000).map(|n| (n % 3 > 0).then_some(n)));
        let texts = StringArray::from_iter((0..1000).map(|n| (n % 5 > 0).then(|| "x".repeat(n % 50))));
        let lists =
            ListArray::from_iter_primitive::<Int32Type, _, _>((0..1000).map(|n| Some(vec![Some(n); n as usize % 7])));
        let pairs = StructArray::try_from(vec![
            ("a", Arc::new(texts.clone()) as ArrayRef),
            ("b", Arc::new(lists.clone()) as ArrayRef),
        ])
        .unwrap();
        let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        for n in 0..1000 {
            (0..n % 4).for_each(|key| {
                maps.keys().append_value(key.to_string());
                maps.values().append_value("value");
            });
            maps.append(true).unwrap();
        }
        let arrays: [&dyn Array; 5] = [&numbers, &texts, &lists, &pairs, &maps.finish()];
        arrays.into_iter().for_each(adds_up);
        let of_pairs = Arc::new(Field::new_list_field(pairs.data_type().clone(), true));
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([400, 0, 600]);
        adds_up(&ListArray::try_new(of_pairs, offsets, Arc::new(pairs), None).unwrap());
    }
}
