//! [`ScriptPrograms`]: tasks and groups that go out to the worker's script, and what comes back.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema};
use js_sys::Array;
use rivulet::error::{Exception, Fault};
use rivulet::exec::program::{Edge, FunctionId, GroupCall, Program, ProgramHost, ProgramTask, Shuffled};
use rivulet::ids::{BatchId, DatasetId, KeptId, PartitionId, PlanId, ScanId, ScanPart};
use rivulet::values::ipc;
use rivulet::web::programs::ScriptPrograms;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::objects::{bytes_of, get, json_of, script};
use crate::protocol::{interface, shape_faults};
use crate::random::Random;

/// Makes a script's host from its methods, and returns it with the object, whose `seen` has the arguments of the last call.
fn host(methods: &str) -> (ScriptPrograms, JsValue) {
    let object = script(&format!("{{ seen: [], {methods} }}"));
    (ScriptPrograms(object.clone().unchecked_into()), object)
}

/// Returns an argument of the last call.
fn seen(object: &JsValue, at: u32) -> JsValue {
    Array::from(&get(object, "seen")).get(at)
}

fn kept(dataset: u64, partition: usize) -> KeptId {
    KeptId {
        dataset: DatasetId(dataset),
        partition: PartitionId(partition),
    }
}

fn program(root: usize, write: Option<Edge>) -> Program {
    Program {
        root,
        partitions: vec![],
        write,
        name: String::new(),
    }
}

fn task(program: &Program) -> ProgramTask<'_> {
    ProgramTask {
        plan: PlanId(1),
        program,
        partition: PartitionId(0),
        sources: vec![],
        shuffled: vec![],
        kept: vec![],
    }
}

#[wasm_bindgen_test]
fn a_task_goes_out_as_the_script_declares_it_with_its_blocks_in_order() {
    let (mut programs, object) = host("run(...all) { this.seen = all; return [[], [], [], undefined]; }");
    let declared = interface("Task");
    for seed in 0..200 {
        let mut random = Random::seeded(seed);
        let edge = |random: &mut Random| Edge {
            reader: random.below(9) as usize,
            parent: random.below(9) as usize,
        };
        let program = program(random.below(100) as usize, random.flip().then(|| edge(&mut random)));
        let mut sent = task(&program);
        (sent.plan, sent.partition) = (PlanId(random.below(1 << 40)), PartitionId(random.below(100) as usize));
        let mut all = Vec::new();
        let mut block = |random: &mut Random| {
            all.push(random.bytes());
            Buffer::from(all.last().unwrap().as_slice())
        };
        for _ in 0..random.below(3) {
            let part = ScanPart {
                scan: ScanId(random.below(9) as usize),
                partition: PartitionId(random.below(9) as usize),
            };
            sent.sources.push((part, block(&mut random)));
        }
        for _ in 0..random.below(3) {
            let (edge, partition) = (edge(&mut random), PartitionId(random.below(9) as usize));
            let blocks = (0..random.below(3)).map(|_| block(&mut random)).collect();
            sent.shuffled.push(Shuffled {
                edge,
                partition,
                blocks,
            });
        }
        for _ in 0..random.below(3) {
            sent.kept.push((
                kept(random.below(1 << 40), random.below(9) as usize),
                block(&mut random),
            ));
        }
        let expected = serde_json::json!({
            "root": program.root,
            "partition": sent.partition,
            "write": program.write.map(|e| [e.reader, e.parent]),
            "sources": sent.sources.iter().map(|(s, _)| [s.scan.0, s.partition.0]).collect::<Vec<_>>(),
            "shuffled": sent.shuffled.iter().map(|s| [s.edge.reader, s.edge.parent, s.partition.0, s.blocks.len()]).collect::<Vec<_>>(),
            "kept": sent.kept.iter().map(|(id, _)| [id.dataset.0, id.partition.0 as u64]).collect::<Vec<_>>(),
        });
        let plan = sent.plan.0 as f64;
        programs.run(sent).unwrap();
        assert_eq!(seen(&object, 0).as_f64(), Some(plan));
        let header = seen(&object, 1);
        assert_eq!(shape_faults(&header, &declared), [""; 0], "seed {seed}");
        let header: serde_json::Value = json_of(&header);
        assert_eq!(header, expected, "seed {seed}");
        let blobs: Vec<Vec<u8>> = Array::from(&seen(&object, 2)).iter().map(|b| bytes_of(&b)).collect();
        assert_eq!(blobs, all, "seed {seed}");
    }
}

#[wasm_bindgen_test]
fn what_a_task_made_is_read_as_the_script_returned_it() {
    let (mut programs, _) = host(
        "run() { return [
            [new Uint8Array([1, 2]), undefined, new Uint8Array(0)],
            [2, 0, 4503599627370496],
            [[7, 1, 100], [8, 2, 50, new Uint8Array([9])]],
            new Uint8Array([5]),
        ]; }",
    );
    let out = programs.run(task(&program(0, None))).unwrap();
    assert_eq!(out.blocks, [Some(vec![1, 2]), None, Some(vec![])]);
    assert_eq!(out.rows, [2, 0, 1 << 52]);
    let keeps: Vec<_> = out
        .kept
        .into_iter()
        .map(|keep| (keep.id, keep.bytes, keep.block))
        .collect();
    assert_eq!(keeps, [(kept(7, 1), 100, None), (kept(8, 2), 50, Some(vec![9]))]);
    assert_eq!(out.updates, Some(vec![5]));
}

#[wasm_bindgen_test]
fn an_answer_of_another_shape_is_no_panic() {
    for answer in [
        "[]",
        "[1, 'x', {}, 5]",
        "[undefined, undefined, undefined]",
        "[[1, 'x', null], ['x'], [[], 5], []]",
    ] {
        let (mut programs, _) = host(&format!(
            "run() {{ return {answer}; }}, callGroups() {{ return {answer}; }}"
        ));
        let out = programs.run(task(&program(0, None))).unwrap();
        assert!(
            out.blocks.iter().all(Option::is_none) && out.updates.is_none(),
            "{answer}"
        );
        let keys = column(&[]);
        assert_eq!(programs.call_groups(call(&keys)).unwrap().rows.len(), 0, "{answer}");
    }
}

#[wasm_bindgen_test]
fn what_a_function_throws_is_sparks_error_with_its_stack_and_tried_again() {
    let (mut programs, _) = host("run() { throw new RangeError('too far'); }, load() { throw new TypeError('no'); }");
    let error = programs.run(task(&program(0, None))).unwrap_err();
    assert_eq!((error.exception, error.fault), (Exception::Connect, Fault::Function));
    assert_eq!(error.condition.as_deref(), Some("FAILED_EXECUTE_UDF"));
    assert_eq!(error.message, "too far");
    assert!(
        error.parameters["stack"].contains("RangeError: too far"),
        "{:?}",
        error.parameters
    );
    assert!(error.is_retryable());
    assert_eq!(programs.load(PlanId(1), "", &[]).unwrap_err().message, "no");
}

#[wasm_bindgen_test]
fn whatever_else_is_thrown_is_sparks_error_too() {
    for (thrown, sentence) in [
        ("'text'", "text"),
        ("undefined", "undefined"),
        ("null", "null"),
        ("5", "5"),
        ("{ message: 'm' }", "m"),
    ] {
        let (mut programs, _) = host(&format!("run() {{ throw {thrown}; }}"));
        let error = programs.run(task(&program(0, None))).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("FAILED_EXECUTE_UDF"));
        assert!(error.message.contains(sentence), "{thrown}: {}", error.message);
        assert!(!error.parameters.contains_key("stack"), "{thrown}");
    }
}

fn column(values: &[i64]) -> RecordBatch {
    let schema = Schema::new(vec![Field::new("v", DataType::Int64, false)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int64Array::from(values.to_vec()))]).unwrap()
}

fn call(keys: &RecordBatch) -> GroupCall<'_> {
    GroupCall {
        function: FunctionId {
            plan: PlanId(3),
            number: 2,
        },
        keys,
        rows: keys,
        row_counts: &[],
        state: keys,
        state_counts: &[],
        time_ms: 0,
        watermark_ms: None,
        batch_id: None,
    }
}

#[wasm_bindgen_test]
fn groups_go_out_as_the_script_declares_them_and_their_streams_are_arrow() {
    let (mut programs, object) =
        host("callGroups(...all) { this.seen = all; return [new Uint8Array([1]), undefined]; }");
    let declared = interface("GroupHeader");
    for seed in 0..200 {
        let mut random = Random::seeded(seed);
        let counts = |random: &mut Random| -> Vec<u32> { (0..random.below(4)).map(|_| random.bits() as u32).collect() };
        let (row_counts, state_counts) = (counts(&mut random), counts(&mut random));
        let [keys, rows, state] = [0, 1, 2].map(|_| column(&[random.bits() as i64, random.bits() as i64]));
        let mut sent = call(&keys);
        (sent.rows, sent.state, sent.row_counts, sent.state_counts) = (&rows, &state, &row_counts, &state_counts);
        sent.time_ms = random.safe_integer();
        sent.watermark_ms = random.flip().then(|| random.safe_integer());
        sent.batch_id = random.flip().then(|| BatchId(random.safe_integer()));
        let expected = serde_json::json!({
            "rowCounts": row_counts, "stateCounts": state_counts, "timeMs": sent.time_ms,
            "watermarkMs": sent.watermark_ms, "batchId": sent.batch_id,
        });
        let answer = programs.call_groups(sent).unwrap();
        assert_eq!((answer.rows.as_slice(), answer.changes.len()), (&[1][..], 0));
        assert_eq!(
            (seen(&object, 0).as_f64(), seen(&object, 1).as_f64()),
            (Some(3.0), Some(2.0))
        );
        let header = seen(&object, 2);
        assert_eq!(shape_faults(&header, &declared), [""; 0], "seed {seed}");
        assert_eq!(json_of(&header), expected, "seed {seed}");
        let streams = Array::from(&seen(&object, 3));
        let read: Vec<_> = streams
            .iter()
            .flat_map(|s| ipc::read(&Buffer::from(bytes_of(&s))).unwrap())
            .collect();
        assert_eq!(read, [keys, rows, state], "seed {seed}");
    }
}

#[wasm_bindgen_test]
fn a_time_beyond_what_javascript_tells_apart_fails_the_call_before_the_function_runs() {
    let (mut programs, object) = host("callGroups(...all) { this.seen = all; return []; }");
    let keys = column(&[]);
    for beyond in [1 << 53, i64::MAX, i64::MIN] {
        let error = programs
            .call_groups(GroupCall {
                time_ms: beyond,
                ..call(&keys)
            })
            .unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("INTERNAL_ERROR"));
        assert!(
            programs
                .call_groups(GroupCall {
                    watermark_ms: Some(beyond),
                    ..call(&keys)
                })
                .is_err()
        );
        assert!(
            programs
                .call_groups(GroupCall {
                    batch_id: Some(BatchId(beyond)),
                    ..call(&keys)
                })
                .is_err()
        );
    }
    assert_eq!(Array::from(&get(&object, "seen")).length(), 0);
}

#[wasm_bindgen_test]
fn names_of_plans_and_datasets_are_numbers_and_rounded_beyond_what_javascript_tells_apart() {
    let (mut programs, object) = host("unload(...all) { this.seen = all; }, forget(...all) { this.seen = all; }");
    for exact in [0, 1, (1 << 53) - 1] {
        programs.unload(PlanId(exact));
        assert_eq!(seen(&object, 0).as_f64(), Some(exact as f64));
    }
    // The driver counts plans and datasets from 0, so that no such number comes up.
    programs.forget(DatasetId((1 << 53) + 1));
    assert_eq!(seen(&object, 0).as_f64(), Some((1u64 << 53) as f64));
}

#[wasm_bindgen_test]
fn a_plan_is_loaded_with_its_text_and_values_and_a_function_with_its_payload() {
    let (mut programs, object) = host("load(...all) { this.seen = all; }, loadFunction(...all) { this.seen = all; }");
    programs
        .load(
            PlanId(4),
            "{\"text\": \"ä😀\"}",
            &[vec![1u8], vec![], vec![2, 3]].map(Buffer::from),
        )
        .unwrap();
    assert_eq!(
        (seen(&object, 0).as_f64(), seen(&object, 1).as_string()),
        (Some(4.0), Some("{\"text\": \"ä😀\"}".into()))
    );
    let blobs: Vec<Vec<u8>> = Array::from(&seen(&object, 2)).iter().map(|b| bytes_of(&b)).collect();
    assert_eq!(blobs, [vec![1], vec![], vec![2, 3]]);
    programs
        .load_function(
            FunctionId {
                plan: PlanId(5),
                number: 6,
            },
            b"payload",
        )
        .unwrap();
    assert_eq!(
        (seen(&object, 0).as_f64(), seen(&object, 1).as_f64()),
        (Some(5.0), Some(6.0))
    );
    assert_eq!(bytes_of(&seen(&object, 2)), b"payload");
}

#[wasm_bindgen_test]
fn kept_partitions_are_asked_for_by_dataset_and_partition() {
    let (programs, _) = host(
        "keeps(d, p) { return d === 7 && p === 1; }, kept(d, p) { return d === 7 && p === 1 ? new Uint8Array([1, 2]) : undefined; }",
    );
    assert!(programs.keeps(kept(7, 1)) && !programs.keeps(kept(1, 7)));
    assert_eq!(programs.kept(kept(7, 1)), Some(Buffer::from(&[1u8, 2][..])));
    assert_eq!(programs.kept(kept(7, 2)), None);
}
