//! Streams of every type, damaged at random: they end in rows or in an error, never in a panic or in memory that the
//! stream does not stand for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::Buffer;
use arrow::datatypes::*;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::{read, schema_of};

/// Returns columns of every type that blocks and local relations have.
fn columns(rows: usize) -> Vec<(&'static str, ArrayRef)> {
    let of = |i: usize| if i % 5 == 4 { None } else { Some(i as i64) };
    let numbers: Int64Array = (0..rows).map(of).collect();
    let texts: StringArray = (0..rows).map(|i| of(i).map(|n| format!("a longer text {n}"))).collect();
    let cast = |to: DataType| arrow::compute::cast(&numbers, &to).unwrap();
    let cast_text = |to: DataType| arrow::compute::cast(&texts, &to).unwrap();
    let mut lists = ListBuilder::new(StringViewBuilder::new());
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    let mut fixed = FixedSizeListBuilder::new(Int16Builder::new(), 2);
    let mut bytes = FixedSizeBinaryBuilder::new(3);
    for i in 0..rows {
        lists.append_value(
            [Some("one"), None, Some("three that is no longer in its view")][..i % 4]
                .iter()
                .copied(),
        );
        maps.keys().append_value(format!("key {i}"));
        maps.values().append_option(of(i).map(|n| n as i32));
        maps.append(i % 3 != 0).unwrap();
        fixed.values().append_slice(&[i as i16, 7]);
        fixed.append(i % 4 != 0);
        bytes.append_value([i as u8, 1, 2]).unwrap();
    }
    let words: DictionaryArray<Int32Type> = (0..rows).map(|i| Some(["left", "right"][i % 2])).collect();
    let words: ArrayRef = Arc::new(words);
    let fields = [
        ("n", Arc::new(numbers.clone()) as ArrayRef, true),
        ("word", words.clone(), true),
    ];
    let fields = fields.map(|(name, a, null)| (Arc::new(Field::new(name, a.data_type().clone(), null)), a));
    let mut columns: Vec<(&'static str, ArrayRef)> = vec![
        ("null", new_null_array(&DataType::Null, rows)),
        (
            "bool",
            Arc::new((0..rows).map(|i| of(i).map(|n| n % 2 == 0)).collect::<BooleanArray>()),
        ),
        ("view", cast_text(DataType::Utf8View)),
        ("bytes view", cast_text(DataType::BinaryView)),
        ("large", cast_text(DataType::LargeUtf8)),
        ("binary", cast_text(DataType::Binary)),
        ("large binary", cast_text(DataType::LargeBinary)),
        ("text", Arc::new(texts.clone())),
        ("list", Arc::new(lists.finish())),
        ("map", Arc::new(maps.finish())),
        ("fixed", Arc::new(fixed.finish())),
        ("fixed bytes", Arc::new(bytes.finish())),
        ("word", words),
        ("struct", Arc::new(StructArray::from(fields.to_vec()))),
        (
            "interval",
            Arc::new(IntervalMonthDayNanoArray::from(vec![
                IntervalMonthDayNano::new(1, 2, 3);
                rows
            ])),
        ),
    ];
    let numeric = [
        DataType::Int8,
        DataType::UInt16,
        DataType::UInt64,
        DataType::Float16,
        DataType::Float64,
        DataType::Decimal128(20, 2),
        DataType::Decimal256(40, 3),
        DataType::Date64,
        DataType::Time64(TimeUnit::Microsecond),
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Duration(TimeUnit::Microsecond),
    ];
    columns.extend(numeric.map(|t| ("number", cast(t))));
    columns
}

/// Returns streams: all columns together, and each by itself, plain and compressed.
fn streams() -> Vec<Vec<u8>> {
    let write = |columns: Vec<(&str, ArrayRef)>, compression| {
        let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
        let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
        let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        writer.into_inner().unwrap()
    };
    let mut streams = vec![];
    for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        streams.push(write(columns(40), compression));
        streams.extend(columns(13).into_iter().map(|c| write(vec![c], compression)));
    }
    streams
}

/// Damages a stream in one to three places.
fn damage(random: &mut SmallRng, bytes: &mut Vec<u8>) {
    const WORDS: [i64; 12] = [
        0,
        1,
        -1,
        7,
        255,
        1 << 20,
        1 << 31,
        (1 << 31) - 1,
        1 << 32,
        1 << 60,
        i64::MAX,
        i64::MIN,
    ];
    for _ in 0..random.random_range(1..4) {
        if bytes.is_empty() {
            return;
        }
        let at = random.random_range(0..bytes.len());
        match random.random_range(0..9) {
            0 => bytes[at] = random.random(),
            1 => bytes[at] ^= 1 << random.random_range(0..8),
            2 => bytes[at] = [0, 0x7f, 0x80, 0xff][random.random_range(0..4)],
            3 | 4 => {
                let at = at & !3;
                let word = (WORDS[random.random_range(0..WORDS.len())] as i32).to_le_bytes();
                bytes.iter_mut().skip(at).zip(word).for_each(|(b, w)| *b = w);
            }
            5 | 6 => {
                let at = at & !7;
                let word = WORDS[random.random_range(0..WORDS.len())].to_le_bytes();
                bytes.iter_mut().skip(at).zip(word).for_each(|(b, w)| *b = w);
            }
            7 => bytes.truncate(at),
            _ => {
                let from = random.random_range(0..bytes.len());
                let length = random.random_range(0..32).min(bytes.len() - from.max(at));
                bytes.copy_within(from..from + length, at);
            }
        }
    }
}

#[test]
fn damaged_streams_end_in_rows_or_in_an_error() {
    let streams = streams();
    for stream in &streams {
        assert_eq!(read(&Buffer::from(stream.clone())).unwrap().len(), 2);
        assert!(schema_of(stream).is_ok());
    }
    let seed = 14;
    let mut random = SmallRng::seed_from_u64(seed);
    let (mut sound, mut refused) = (0, 0);
    for round in 0..30_000 {
        let mut bytes = streams[random.random_range(0..streams.len())].clone();
        damage(&mut random, &mut bytes);
        let block = Buffer::from(bytes);
        let result = catch_unwind(AssertUnwindSafe(|| {
            let schema = schema_of(&block);
            let batches = read(&block)?;
            assert!(schema.is_ok() || block.is_empty(), "what is read is sound");
            for batch in &batches {
                batch
                    .columns()
                    .iter()
                    .for_each(|c| c.to_data().validate_full().unwrap());
            }
            Ok::<_, crate::error::SparkError>(batches)
        }));
        let result = result.unwrap_or_else(|_| panic!("seed {seed}, round {round}: a panic"));
        match result {
            Ok(batches) => {
                // Columns without bytes have rows up to a limit; all else is made of the stream's own bytes.
                let own: usize = batches.iter().map(|b| own_bytes(b, &block)).sum();
                assert!(
                    own <= 64 << 20,
                    "seed {seed}, round {round}: {own} bytes of {}",
                    block.len()
                );
                sound += 1;
            }
            Err(error) => {
                assert_eq!(error.condition.as_deref(), Some("CORRUPT_BLOCK"));
                refused += 1;
            }
        }
    }
    assert!(sound > 1000 && refused > 1000, "{sound} sound, {refused} refused");
}

/// Returns the bytes of a batch's buffers that are not the block's.
fn own_bytes(batch: &RecordBatch, block: &Buffer) -> usize {
    fn of(data: &arrow::array::ArrayData, block: &Buffer) -> usize {
        let place = block.as_ptr_range();
        let own = data.buffers().iter().filter(|b| !place.contains(&b.as_ptr()));
        own.map(|b| b.capacity()).sum::<usize>() + data.child_data().iter().map(|c| of(c, block)).sum::<usize>()
    }
    batch.columns().iter().map(|c| of(&c.to_data(), block)).sum()
}

#[test]
fn lengths_that_no_byte_stands_behind_are_refused_before_memory_is_asked_for() {
    let nulls = RecordBatch::try_from_iter([("n", new_null_array(&DataType::Null, 77))]).unwrap();
    let stream = super::write(&nulls.schema(), &[nulls]).unwrap();
    let place = |bytes: &[u8]| -> Vec<usize> {
        (0..bytes.len() - 8)
            .filter(|at| bytes[*at..*at + 8] == 77i64.to_le_bytes())
            .collect()
    };
    let mut huge = stream.clone();
    for at in place(&stream) {
        huge[at..at + 8].copy_from_slice(&(1i64 << 40).to_le_bytes());
    }
    let error = read(&Buffer::from(huge)).unwrap_err();
    assert!(error.message.contains("1099511627776 rows have no bytes"), "{error}");

    let texts = RecordBatch::try_from_iter([("t", Arc::new(StringArray::from(vec!["x".repeat(77)])) as ArrayRef)]);
    let texts = texts.unwrap();
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME));
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &texts.schema(), options.unwrap()).unwrap();
    writer.write(&texts).unwrap();
    let mut stream = writer.into_inner().unwrap();
    for at in place(&stream) {
        stream[at..at + 8].copy_from_slice(&(1i64 << 40).to_le_bytes());
    }
    let error = read(&Buffer::from(stream)).unwrap_err();
    assert!(error.message.contains("unpacks to more than"), "{error}");
}
