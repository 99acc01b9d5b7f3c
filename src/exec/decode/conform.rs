//! Arrays in the types of a scan, whatever form they came in.
//!
//! Arrow has several forms of a string, a list and a time; the engine's kernels know one of each. Blocks of clients and
//! functions come in any.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use crate::error::{Result, SparkError};
use crate::exec::codes::{coded, is_coded};
use crate::values::types;

/// Returns columns picked by place and brought to the declared types. All become nullable.
///
/// # Errors
/// `CONNECT_INVALID_PLAN` if a block has fewer columns than its schema; if an array cannot be cast.
pub(super) fn conformed(batches: &[RecordBatch], columns: &[usize], wanted: &Schema) -> Result<Vec<RecordBatch>> {
    let mut out = Vec::new();
    for batch in batches {
        let mut arrays = Vec::new();
        for (column, field) in columns.iter().zip(wanted.fields()) {
            let array = batch
                .columns()
                .get(*column)
                .ok_or_else(|| SparkError::invalid_plan("a block has fewer columns than its schema"))?;
            arrays.push(conform(array, field.data_type())?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let nullable: Vec<Field> = wanted
            .fields()
            .iter()
            .map(|f| f.as_ref().clone().with_nullable(true))
            .collect();
        out.push(RecordBatch::try_new_with_options(
            Arc::new(Schema::new(nullable)),
            arrays,
            &options,
        )?);
    }
    Ok(out)
}

/// Returns an array in the engine's form of its type: units, string and list kinds made uniform, within structs too. An
/// array that has the form is not copied.
///
/// # Errors
/// Arrow's, if the types do not fit.
pub fn conform(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    Ok(match (array.data_type(), to) {
        (DataType::Dictionary(..), to) if is_coded(to) => {
            let dictionary = array.as_any_dictionary();
            let codes = arrow::compute::cast(dictionary.keys(), &DataType::Int32)?;
            let texts = conform(dictionary.values(), &DataType::Utf8)?;
            let codes = codes.as_primitive::<Int32Type>().clone();
            Arc::new(DictionaryArray::try_new(codes, texts)?)
        }
        (_, to) if is_coded(to) => coded(&conform(array, &DataType::Utf8)?)?,
        (DataType::Timestamp(unit, from), DataType::Timestamp(TimeUnit::Microsecond, zone))
            if is_instant(from.as_deref(), zone.as_deref()) =>
        {
            micros(array, *unit, zone.clone())?
        }
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let input = array.as_struct();
            let columns = input
                .columns()
                .iter()
                .zip(fields)
                .map(|(c, f)| conform(c, f.data_type()))
                .collect::<Result<Vec<_>>>()?;
            let nullable: Fields = fields.iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
            Arc::new(StructArray::try_new_with_length(
                nullable,
                columns,
                input.nulls().cloned(),
                input.len(),
            )?)
        }
        (DataType::List(_), DataType::List(item)) => {
            let list = array.as_list::<i32>();
            let values = conform(list.values(), item.data_type())?;
            Arc::new(ListArray::try_new(
                item.clone(),
                list.offsets().clone(),
                values,
                list.nulls().cloned(),
            )?)
        }
        (DataType::Map(..), DataType::Map(entries, sorted)) => {
            let map = array.as_map();
            let (key, value) = types::map_types(entries);
            let DataType::Struct(fields) = entries.data_type() else {
                return Err(SparkError::internal("a map has no entries"));
            };
            let columns = vec![conform(map.keys(), &key)?, conform(map.values(), &value)?];
            let inner = StructArray::try_new(fields.clone(), columns, None)?;
            Arc::new(MapArray::try_new(
                entries.clone(),
                map.offsets().clone(),
                inner,
                map.nulls().cloned(),
                *sorted,
            )?)
        }
        _ => arrow::compute::cast(array, to)?,
    })
}

/// Converts times to µs; `micros` is the number of µs in their unit.
///
/// # Errors
/// `ARITHMETIC_OVERFLOW` for one that µs do not hold.
fn times<T: ArrowTimestampType>(array: &PrimitiveArray<T>, micros: i64) -> Result<TimestampMicrosecondArray> {
    let limit = i64::MAX / micros;
    // Checks all times without a branch for each: few are near the limit.
    let are_near = array
        .values()
        .iter()
        .fold(true, |near, time| near & (-limit..=limit).contains(time));
    if are_near {
        return Ok(array.unary(|time| time.wrapping_mul(micros)));
    }
    Ok(array.try_unary(|time| time.mul_checked(micros))?)
}

/// Returns whether a time in the second zone has the number that it has in the first: only a local time becomes another in a
/// zone that is not UTC.
fn is_instant(from: Option<&str>, to: Option<&str>) -> bool {
    from.is_some() || to.is_none_or(|zone| zone == "UTC")
}

/// Returns times as µs, under a zone that changes none of them.
///
/// # Errors
/// `ARITHMETIC_OVERFLOW` for one that µs do not hold.
fn micros(array: &ArrayRef, unit: TimeUnit, zone: Option<Arc<str>>) -> Result<ArrayRef> {
    let micros: TimestampMicrosecondArray = match unit {
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().clone(),
        TimeUnit::Millisecond => times(array.as_primitive::<TimestampMillisecondType>(), 1_000)?,
        TimeUnit::Second => times(array.as_primitive::<TimestampSecondType>(), 1_000_000)?,
        TimeUnit::Nanosecond => array
            .as_primitive::<TimestampNanosecondType>()
            .unary(|ns| ns.div_euclid(1_000)),
    };
    Ok(Arc::new(micros.with_timezone_opt(zone)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_other_units_are_micros_and_those_that_micros_do_not_hold_are_refused() {
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let of =
            |array: ArrayRef| conform(&array, &micros).map(|a| a.as_primitive::<TimestampMicrosecondType>().clone());
        let ms = TimestampMillisecondArray::from(vec![Some(-1), None, Some(i64::MAX / 1_000)]);
        let found = of(Arc::new(ms)).unwrap();
        assert_eq!(
            found.iter().collect::<Vec<_>>(),
            [Some(-1_000), None, Some(i64::MAX / 1_000 * 1_000)]
        );
        assert_eq!(
            of(Arc::new(TimestampSecondArray::from(vec![-7]))).unwrap().value(0),
            -7_000_000
        );
        assert_eq!(
            of(Arc::new(TimestampNanosecondArray::from(vec![-1]))).unwrap().value(0),
            -1
        );
        let far = of(Arc::new(TimestampMillisecondArray::from(vec![1, i64::MAX / 1_000 + 1])));
        assert_eq!(far.unwrap_err().condition.as_deref(), Some("ARITHMETIC_OVERFLOW"));
        // What lies under a null is not looked at.
        let nulls = arrow::buffer::NullBuffer::from(vec![true, false]);
        let hidden = TimestampMillisecondArray::new(vec![1, i64::MAX].into(), Some(nulls));
        assert_eq!(
            of(Arc::new(hidden)).unwrap().iter().collect::<Vec<_>>(),
            [Some(1_000), None]
        );
    }
}
