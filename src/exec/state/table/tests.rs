use arrow::array::{AsArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{Field, Int64Type, Schema, TimeUnit, TimestampMicrosecondType};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::exec::state::windows::Windows;

/// Rows of a model: window and key, then how many.
type Model = BTreeMap<(i64, Option<String>), i64>;

/// A row: time and key.
type Row = (i64, Option<String>);

const ZONE: &str = "Europe/Berlin";

fn layout(windows: Option<Windows>, length: i64, pane_column: usize) -> Layout {
    let mut fields = vec![
        Field::new(
            "start",
            DataType::Timestamp(TimeUnit::Microsecond, Some(ZONE.into())),
            true,
        ),
        Field::new("tag", DataType::Utf8, true),
        Field::new("count", DataType::Int64, false),
    ];
    if pane_column == 1 {
        fields.swap(0, 1);
    }
    Layout {
        schema: Arc::new(Schema::new(fields)),
        keys: 2,
        pane: PaneOf::Time(pane_column),
        windows,
        closes_after_us: Some(length),
    }
}

/// Rows as they arrive, with the pane's start in place of the time.
fn arrived(layout: &Layout, rows: &[Row], as_rows: bool) -> Arrived {
    let pane = layout.windows.map_or(1, |w| w.pane_us);
    let starts = rows.iter().map(|(t, _)| t.div_euclid(pane) * pane).collect::<Vec<_>>();
    let starts: ArrayRef = Arc::new(TimestampMicrosecondArray::from(starts).with_timezone(ZONE));
    let tags: ArrayRef = Arc::new(rows.iter().map(|(_, k)| k.clone()).collect::<StringArray>());
    let ones: ArrayRef = Arc::new(Int64Array::from(vec![1; rows.len()]));
    let mut keys = vec![starts, tags];
    if layout.pane == PaneOf::Time(1) {
        keys.swap(0, 1);
    }
    let values = if as_rows {
        Values::Rows(vec![(vec![ones], None)])
    } else {
        Values::Partial(vec![ones])
    };
    Arrived {
        keys,
        values,
        rows: rows.len(),
    }
}

/// What batches of the table hold.
fn read(layout: &Layout, batches: &[RecordBatch]) -> Model {
    let PaneOf::Time(pane) = layout.pane else {
        panic!("panes")
    };
    let mut model = Model::new();
    for batch in batches {
        let starts = batch.column(pane).as_primitive::<TimestampMicrosecondType>();
        let tags = batch.column(1 - pane).as_string::<i32>();
        let counts = batch.column(2).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let tag = tags.is_valid(row).then(|| tags.value(row).to_owned());
            let before = model.insert((starts.value(row), tag), counts.value(row));
            assert_eq!(before, None, "a key comes once");
        }
    }
    model
}

fn windows_of(time: i64, length: i64, slide: i64) -> Vec<i64> {
    let last = time.div_euclid(slide) * slide;
    let starts = (0..length / slide + 1).map(|n| last - n * slide);
    starts.filter(|start| start + length > time).collect()
}

#[test]
fn a_table_equals_a_map_by_window_over_random_batches_and_reloads_from_its_deltas() {
    let shapes = [(10, 5, Some(5)), (10, 4, Some(2)), (6, 6, None), (9, 3, Some(3))];
    for seed in 0..160 {
        let mut random = SmallRng::seed_from_u64(seed);
        let (length, slide, pane_us) = shapes[seed as usize % shapes.len()];
        let windows = pane_us.map(|pane_us| Windows {
            length_us: length,
            slide_us: slide,
            offset_us: 0,
            pane_us,
        });
        let layout = layout(windows, length, usize::from(seed % 3 == 0));
        let table = || StateTable::new(layout.clone(), vec![cells::counts()]).unwrap();
        let (mut state, mut model, mut deltas) = (table(), Model::new(), vec![]);
        let mut now: i64 = random.random_range(-50..50);
        // A first batch may have a late watermark that no batch has closed windows by.
        let mut late = random.random_bool(0.5).then_some(now - 8);
        for _ in 0..40 {
            let rows: Vec<Row> = (0..random.random_range(0..30))
                .map(|_| {
                    let time = now + random.random_range(-25..8);
                    // Of a tumbling window the start stands for the time.
                    let time = if windows.is_some() {
                        time
                    } else {
                        time.div_euclid(6) * 6
                    };
                    let key = random.random_range(0..6);
                    (
                        time,
                        (key > 0).then(|| "#tag-of-many-bytes".repeat(key % 3) + &key.to_string()),
                    )
                })
                .collect();
            let (mut changed, mut dropped) = (BTreeSet::new(), BTreeSet::new());
            for (time, key) in &rows {
                for start in windows_of(*time, length, slide) {
                    if late.is_some_and(|late| start + length <= late) {
                        dropped.insert((start, key.clone()));
                    } else {
                        *model.entry((start, key.clone())).or_default() += 1;
                        changed.insert((start, key.clone()));
                    }
                }
            }
            let (first, second) = rows.split_at(random.random_range(0..=rows.len()));
            for part in [first, second].into_iter().filter(|part| !part.is_empty()) {
                state.take_in(&arrived(&layout, part, seed % 2 == 0), late).unwrap();
            }
            assert_eq!(state.late_rows(), dropped.len() as u64, "seed {seed}");
            assert_eq!(state.changed_rows(), changed.len() as u64, "seed {seed}");
            let wanted: Model = model.clone().into_iter().filter(|(k, _)| changed.contains(k)).collect();
            assert_eq!(read(&layout, &state.changed().unwrap()), wanted, "seed {seed}");
            now += random.random_range(0..6);
            let watermark = random.random_bool(0.6).then_some(now - 8).or(late);
            deltas.push(Buffer::from(state.delta(watermark).unwrap()));
            state.settle();
            assert_eq!(state.rows(), model.len(), "seed {seed}");
            if let Some(watermark) = watermark {
                let due = |start: i64| start + length <= watermark;
                let gone: Model = model.clone().into_iter().filter(|((s, _), _)| due(*s)).collect();
                assert_eq!(read(&layout, &state.close(watermark).unwrap()), gone, "seed {seed}");
                model.retain(|(start, _), _| !due(*start));
            }
            late = watermark;
            assert_eq!(state.rows(), model.len(), "seed {seed}");
            assert_eq!(read(&layout, &state.all().unwrap()), model, "seed {seed}");
            if random.random_bool(0.1) {
                deltas = vec![Buffer::from(state.snapshot().unwrap())];
            }
            if random.random_bool(0.2) {
                state = table();
                state.load(&deltas).unwrap();
                assert_eq!(state.rows(), model.len(), "seed {seed}: reloaded");
                assert_eq!(read(&layout, &state.all().unwrap()), model, "seed {seed}: reloaded");
            }
        }
    }
}

#[test]
fn a_delta_of_other_windows_or_cut_short_is_refused() {
    let of = |pane_us| {
        let windows = Windows {
            length_us: 10,
            slide_us: 5,
            offset_us: 0,
            pane_us,
        };
        StateTable::new(layout(Some(windows), 10, 0), vec![cells::counts()]).unwrap()
    };
    let delta = of(5).delta(Some(3)).unwrap();
    of(5).load(&[Buffer::from(delta.clone())]).unwrap();
    for wrong in [&delta[..], &delta[..20], b""] {
        let error = of(1).load(&[Buffer::from(wrong.to_vec())]).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("CORRUPT_STATE"));
    }
}

#[test]
fn panes_of_nulls_and_of_no_event_time_never_close() {
    let fields = vec![
        Field::new("k", DataType::Float64, true),
        Field::new("count", DataType::Int64, false),
    ];
    let layout = Layout {
        schema: Arc::new(Schema::new(fields)),
        keys: 1,
        pane: PaneOf::One,
        windows: None,
        closes_after_us: Some(0),
    };
    let mut table = StateTable::new(layout.clone(), vec![cells::counts()]).unwrap();
    let keys: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), None, Some(1.5)]));
    let ones: ArrayRef = Arc::new(Int64Array::from(vec![1, 1, 1]));
    let rows = Arrived {
        keys: vec![keys],
        values: Values::Partial(vec![ones]),
        rows: 3,
    };
    table.take_in(&rows, Some(i64::MAX)).unwrap();
    assert!(table.close(i64::MAX).unwrap().is_empty());
    assert_eq!(table.rows(), 2);
}

#[test]
fn windows_that_a_late_watermark_has_passed_leave_without_the_rows_that_came_late() {
    let windows = Windows {
        length_us: 10,
        slide_us: 5,
        offset_us: 0,
        pane_us: 5,
    };
    let layout = layout(Some(windows), 10, 0);
    let mut table = StateTable::new(layout.clone(), vec![cells::counts()]).unwrap();
    let row = |time| [(time, Some("a".to_owned()))];
    table.take_in(&arrived(&layout, &row(7), true), None).unwrap();
    table.settle();
    // Of its two windows, [0, 10) is past the watermark and [5, 15) is not.
    table.take_in(&arrived(&layout, &row(7), true), Some(10)).unwrap();
    assert_eq!((table.late_rows(), table.changed_rows(), table.rows()), (1, 1, 1));
    let gone = read(&layout, &table.close(10).unwrap());
    assert_eq!(gone, Model::from([((0, Some("a".to_owned())), 1)]));
    let rest = read(&layout, &table.close(15).unwrap());
    assert_eq!(rest, Model::from([((5, Some("a".to_owned())), 2)]));
}
