use super::*;
use arrow::array::{Int64Array, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimeUnit, TimestampMicrosecondType};
use rand::{Rng, SeedableRng};

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("k", DataType::Int64, true),
        Field::new("v", DataType::Timestamp(TimeUnit::Microsecond, None), true),
    ]))
}

fn batch(rows: &[(i64, i64)]) -> RecordBatch {
    let (k, v): (Vec<i64>, Vec<i64>) = rows.iter().copied().unzip();
    RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(Int64Array::from(k)),
            Arc::new(TimestampMicrosecondArray::from(v)),
        ],
    )
    .unwrap()
}

/// Closes by its value.
fn fresh() -> RowTable {
    RowTable::new(schema(), 1, Some(ClosesBy { column: 1, plus_us: 0 })).unwrap()
}

fn pairs(batch: &RecordBatch) -> Vec<(i64, i64)> {
    let keys = batch.column(0).as_primitive::<Int64Type>().values().to_vec();
    let values = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
    keys.into_iter().zip(values.iter().copied()).collect()
}

/// (id, key, value, marked), by id.
fn contents(table: &RowTable) -> Vec<(RowId, i64, i64, bool)> {
    let ids = table.ids();
    let rows = pairs(&table.take(&ids).unwrap());
    ids.into_iter()
        .zip(rows)
        .map(|(id, (k, v))| (id, k, v, table.is_marked(id)))
        .collect()
}

#[test]
fn a_table_equals_a_list_over_random_changes_and_comes_back_from_deltas_and_snapshots() {
    for seed in 0..60 {
        let mut rng = rand::rngs::SmallRng::seed_from_u64(seed);
        let mut table = fresh();
        let mut reloaded = [fresh()];
        let mut model: Vec<(RowId, i64, i64, bool)> = Vec::new();
        let mut next = 0;
        for _ in 0..40 {
            let rows: Vec<(i64, i64)> = (0..rng.random_range(0..30))
                .map(|_| (rng.random_range(0..8), rng.random_range(0..1000)))
                .collect();
            assert_eq!(table.append(&batch(&rows)).unwrap(), next);
            for (k, v) in rows {
                model.push((next, k, v, false));
                next += 1;
            }
            let picked: Vec<RowId> = model.iter().map(|r| r.0).filter(|_| rng.random_bool(0.1)).collect();
            table.mark(picked.iter().copied());
            model
                .iter_mut()
                .filter(|r| picked.contains(&r.0))
                .for_each(|r| r.3 = true);
            let picked: Vec<RowId> = model.iter().map(|r| r.0).filter(|_| rng.random_bool(0.1)).collect();
            table.remove(&picked).unwrap();
            model.retain(|r| !picked.contains(&r.0));
            if rng.random_bool(0.3) {
                let watermark = rng.random_range(0..600);
                let (marked, rows) = table.close(watermark).unwrap();
                let mut gone: Vec<(i64, i64, bool)> = pairs(&rows)
                    .into_iter()
                    .zip(marked)
                    .map(|((k, v), m)| (k, v, m))
                    .collect();
                let mut due: Vec<(i64, i64, bool)> = model
                    .iter()
                    .filter(|r| r.2 <= watermark)
                    .map(|r| (r.1, r.2, r.3))
                    .collect();
                gone.sort_unstable();
                due.sort_unstable();
                assert_eq!(gone, due, "seed {seed}");
                model.retain(|r| r.2 > watermark);
            }
            assert_eq!(contents(&table), model, "seed {seed}");
            assert_eq!(table.rows(), model.len(), "seed {seed}");
            let bytes = encode(vec![table.delta().unwrap()]).unwrap();
            apply(&mut reloaded, &Buffer::from(bytes)).unwrap();
            if rng.random_bool(0.2) {
                let bytes = encode(vec![reloaded[0].snapshot().unwrap()]).unwrap();
                reloaded = [fresh()];
                apply(&mut reloaded, &Buffer::from(bytes)).unwrap();
            }
            assert_eq!(contents(&reloaded[0]), model, "seed {seed}");
            assert_eq!(reloaded[0].next, table.next, "seed {seed}");
            assert_eq!(table.due(400), reloaded[0].due(400), "seed {seed}");
        }
    }
}

#[test]
fn a_delta_cut_anywhere_is_an_error_and_not_a_panic() {
    let mut table = fresh();
    table.append(&batch(&[(1, 1), (2, 2)])).unwrap();
    let bytes = encode(vec![table.delta().unwrap()]).unwrap();
    for cut in 0..bytes.len() {
        let mut other = [fresh()];
        let cut = Buffer::from(bytes[..cut].to_vec());
        let _ = apply(&mut other, &cut);
        assert!(other[0].rows() <= 2);
    }
}
