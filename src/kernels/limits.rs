//! Sizes that are known before anything is allocated: of one value, and of a batch's column.
//!
//! A short statement can ask for a value that no memory holds, and an allocation that fails ends the whole executor. So a
//! function that makes more than it was given counts first. Spark's own limit, the number of elements of an array, is Spark's
//! error; a page has less memory than a JVM, so there are two limits more, of bytes.
//!
//! ```text
//! array_repeat(1, 2147483647)   COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER   more elements than Spark allows
//! repeat('x', 2147483647)       RIVULET_VALUE_TOO_LARGE                    one value over 256 MB
//! lpad(s, 200000000) of 9 rows  RIVULET_BATCH_TOO_LARGE                    a column of a batch over 1 GB
//! ```
//!
//! Bytes are counted as Arrow holds them, in [`bytes`]; what a kernel holds meanwhile may be as much again.

use std::ops::Range;

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;

use crate::error::{Exception, Result, SparkError};

/// Elements that one array may have (`ByteArrayMethods.MAX_ROUNDED_ARRAY_LENGTH`).
pub const MOST_ELEMENTS: u64 = 2_147_483_632;

/// Bytes that one value may have.
pub const MOST_VALUE_BYTES: u64 = 256 << 20;

/// Bytes that the values of one column of a batch may have together.
pub const MOST_BATCH_BYTES: u64 = 1 << 30;

/// Steps that a function may take for one value, if they are more than the value is long: a few seconds.
pub const MOST_STEPS: u64 = 1 << 32;

/// Counts the bytes of the column that a call makes, value by value.
///
/// ```
/// use rivulet::kernels::limits::Budget;
///
/// let mut budget = Budget::new("repeat");
/// budget.value(200 << 20)?;
/// let error = budget.value(300 << 20).unwrap_err();
/// assert_eq!(error.condition.as_deref(), Some("RIVULET_VALUE_TOO_LARGE"));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug)]
pub struct Budget<'a> {
    /// The function, as its errors name it.
    function: &'a str,
    /// The bytes of the values so far.
    used: u64,
}

impl<'a> Budget<'a> {
    /// Starts a column of the results of a function.
    pub fn new(function: &'a str) -> Self {
        Self { function, used: 0 }
    }

    /// Counts one value, which is not made yet.
    ///
    /// # Errors
    /// If it is larger than one value may be, `RIVULET_VALUE_TOO_LARGE`; if all together are, `RIVULET_BATCH_TOO_LARGE`.
    pub fn value(&mut self, bytes: u64) -> Result<()> {
        value(self.function, bytes)?;
        self.used = self.used.saturating_add(bytes);
        batch(self.function, self.used)
    }

    /// Counts one array of so many elements of a width each.
    ///
    /// # Errors
    /// As [`Budget::value`]; over Spark's limit, `COLLECTION_SIZE_LIMIT_EXCEEDED.FUNCTION`.
    pub fn list(&mut self, elements: u64, width: u64) -> Result<()> {
        list(self.function, elements, width)?;
        self.value(elements.saturating_mul(width))
    }
}

/// Checks the size of one value, which is not made yet.
///
/// # Errors
/// If it is larger than one value may be, `RIVULET_VALUE_TOO_LARGE`.
pub fn value(function: &str, bytes: u64) -> Result<()> {
    if bytes <= MOST_VALUE_BYTES {
        return Ok(());
    }
    let message = format!("A result of `{function}` needs {bytes} bytes, the limit is {MOST_VALUE_BYTES}.");
    Err(too_large(
        "RIVULET_VALUE_TOO_LARGE",
        message,
        function,
        bytes,
        MOST_VALUE_BYTES,
    ))
}

/// Checks the size of one array of so many elements of a width each, which is not made yet.
///
/// # Errors
/// As [`value`]; over Spark's limit, `COLLECTION_SIZE_LIMIT_EXCEEDED.FUNCTION`.
pub fn list(function: &str, elements: u64, width: u64) -> Result<()> {
    if elements > MOST_ELEMENTS {
        return Err(too_many_elements(function, elements.into(), None));
    }
    value(function, elements.saturating_mul(width))
}

/// Checks what the values of a column of one batch hold together.
///
/// # Errors
/// If it is more than they may, `RIVULET_BATCH_TOO_LARGE`.
pub fn batch(function: &str, bytes: u64) -> Result<()> {
    if bytes <= MOST_BATCH_BYTES {
        return Ok(());
    }
    let message = format!(
        "The results of `{function}` for the rows of one batch need {bytes} bytes, the limit is {MOST_BATCH_BYTES}."
    );
    Err(too_large(
        "RIVULET_BATCH_TOO_LARGE",
        message,
        function,
        bytes,
        MOST_BATCH_BYTES,
    ))
}

/// Checks the size of a value that consists of `times` parts of `bytes` bytes.
///
/// # Errors
/// As [`value`].
pub fn product(function: &str, bytes: usize, times: usize) -> Result<()> {
    value(function, (bytes as u64).saturating_mul(times as u64))
}

/// Checks how long a function would compute one value.
///
/// # Errors
/// If that is longer than it may, `RIVULET_TOO_MANY_STEPS`.
pub fn steps(function: &str, steps: u64) -> Result<()> {
    if steps <= MOST_STEPS {
        return Ok(());
    }
    let message = format!("A result of `{function}` takes {steps} steps, the limit is {MOST_STEPS}.");
    Err(too_large(
        "RIVULET_TOO_MANY_STEPS",
        message,
        function,
        steps,
        MOST_STEPS,
    ))
}

/// Makes the error of a size that is over a limit of ours.
fn too_large(condition: &str, message: String, function: &str, bytes: u64, limit: u64) -> SparkError {
    SparkError::new(Exception::Runtime, condition, "54000", message)
        .with("functionName", format!("`{function}`"))
        .with("size", bytes.to_string())
        .with("limit", limit.to_string())
}

/// Makes `COLLECTION_SIZE_LIMIT_EXCEEDED`: `PARAMETER` if one says how many elements there are, else `FUNCTION`.
pub fn too_many_elements(function: &str, elements: i128, parameter: Option<&str>) -> SparkError {
    let (condition, why) = match parameter {
        Some(parameter) => (
            "COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER",
            format!("the value of parameter(s) `{parameter}` in the function `{function}` is invalid."),
        ),
        None => (
            "COLLECTION_SIZE_LIMIT_EXCEEDED.FUNCTION",
            format!("unsuccessful try to create arrays in the function `{function}`."),
        ),
    };
    let message = format!(
        "Can't create array with {elements} elements which exceeding the array size limit {MOST_ELEMENTS}, {why}"
    );
    let error = SparkError::new(Exception::Runtime, condition, "54000", message)
        .with("numberOfElements", elements.to_string())
        .with("maxRoundedArrayLength", MOST_ELEMENTS.to_string())
        .with("functionName", format!("`{function}`"));
    match parameter {
        Some(parameter) => error.with("parameter", format!("`{parameter}`")),
        None => error,
    }
}

/// Returns how many bytes the elements of a range hold, from the offsets alone.
pub fn bytes(array: &dyn Array, range: Range<usize>) -> u64 {
    let count = range.len() as u64;
    if range.is_empty() {
        return 0;
    }
    let within = |offsets: &[i32]| offsets[range.start] as usize..offsets[range.end] as usize;
    match array.data_type() {
        DataType::Null => 0,
        DataType::Boolean => count,
        DataType::Utf8 => 4 * count + within(array.as_string::<i32>().value_offsets()).len() as u64,
        DataType::Binary => 4 * count + within(array.as_binary::<i32>().value_offsets()).len() as u64,
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            4 * count + bytes(list.values(), within(list.value_offsets()))
        }
        DataType::Map(..) => {
            let map = array.as_map();
            4 * count + bytes(map.entries(), within(map.value_offsets()))
        }
        DataType::Struct(_) => {
            let columns = array.as_struct().columns().iter();
            count + columns.map(|c| bytes(c, range.clone())).sum::<u64>()
        }
        other => count * other.primitive_width().unwrap_or(16) as u64,
    }
}

/// Checks what elements taken from several columns hold together.
///
/// # Errors
/// If it is more than a batch may have, `RIVULET_BATCH_TOO_LARGE`.
pub fn taken(function: &str, sources: &[&dyn Array], from: &[(usize, usize)]) -> Result<()> {
    // Most batches are small enough even if every element were as large as its whole column.
    let largest = sources.iter().map(|s| bytes(*s, 0..s.len())).max().unwrap_or(0);
    if largest.saturating_mul(from.len() as u64) <= MOST_VALUE_BYTES {
        return Ok(());
    }
    let mut budget = Budget::new(function);
    from.iter()
        .try_for_each(|(source, at)| budget.value(bytes(sources[*source], *at..at + 1)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, ListArray, StringArray};
    use arrow::datatypes::{Int32Type, Int64Type};

    use super::*;

    #[test]
    fn bytes_are_those_of_the_range_through_all_levels() {
        assert_eq!(bytes(&Int64Array::from(vec![1, 2, 3]), 1..3), 16);
        assert_eq!(bytes(&StringArray::from(vec!["a", "bcd", ""]), 1..3), 8 + 3);
        let rows = vec![Some(vec![Some(1), None]), None, Some(vec![Some(4)])];
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(rows);
        assert_eq!((bytes(&lists, 0..1), bytes(&lists, 1..3)), (4 + 8, 8 + 4));
    }

    #[test]
    fn a_batch_of_many_values_is_refused_before_it_is_made() {
        let mut budget = Budget::new("lpad");
        let error = (0..9)
            .find_map(|_| budget.value(200_000_000).err())
            .expect("1.8 GB are too many");
        assert_eq!(error.condition.as_deref(), Some("RIVULET_BATCH_TOO_LARGE"));
        assert_eq!(
            error.message,
            "The results of `lpad` for the rows of one batch need 1200000000 bytes, the limit is 1073741824."
        );
    }

    #[test]
    fn elements_that_are_taken_too_often_are_refused() {
        let long = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1); 10_000])]);
        let sources: [&dyn Array; 1] = [&(Arc::new(long) as Arc<dyn Array>)];
        assert!(taken("flatten", &sources, &vec![(0, 0); 10_000]).is_ok());
        assert!(taken("flatten", &sources, &vec![(0, 0); 20_000]).is_err());
    }
}
