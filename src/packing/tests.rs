use wasmi::{Caller, Engine, Extern, Instance, Linker, Module as Program, Store};

use super::module::{Module, Unfit};
use super::{cut, mark, select};

/// A module with all that a cut must keep: calls by number and through a table, memory, a global, an import in the table, a function
/// that runs at the start, recursion, and several kinds of parameters.
const MODULE: &str = r#"(module
  (import "env" "__wbg_rivuletLoadRest_1f" (func $load))
  (import "env" "note" (func $note (param i32) (result i32)))
  (type $one (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (table (export "table") 5 5 funcref)
  (global $sum (mut i32) (i32.const 100))
  (elem (i32.const 1) $half $twice $note)
  (data (i32.const 8) "\07\00\00\00")
  (start $begin)
  (func $half (type $one) (i32.div_s (local.get 0) (i32.const 2)))
  (func $twice (type $one) (call $add (local.get 0) (i64.extend_i32_s (local.get 0)) (f64.const 0.5)))
  (func $add (param i32 i64 f64) (result i32)
    (i32.add (local.get 0) (i32.add (i32.wrap_i64 (local.get 1)) (i32.trunc_f64_s (local.get 2)))))
  (func $steps (type $one)
    (if (result i32) (i32.eq (local.get 0) (i32.const 1)) (then (i32.const 0)) (else
      (i32.add (i32.const 1) (call $steps (if (result i32) (i32.rem_s (local.get 0) (i32.const 2))
        (then (i32.add (i32.const 1) (i32.mul (i32.const 3) (local.get 0))))
        (else (call_indirect (type $one) (local.get 0) (i32.const 1)))))))))
  (func $begin (global.set $sum (i32.add (global.get $sum) (i32.load (i32.const 8)))))
  (func $count (type $one)
    (global.set $sum (i32.add (global.get $sum) (local.get 0)))
    (i32.store (i32.const 16) (global.get $sum))
    (call $note (global.get $sum)))
  (func (export "run") (type $one)
    (i32.add (call $count (call $steps (local.get 0))) (call_indirect (type $one) (local.get 0) (i32.const 2))))
  (func (export "quiet") (result i32) (i32.load (i32.const 16)))
  (func (export "table_only") (type $one) (call_indirect (type $one) (local.get 0) (i32.const 3))))"#;

/// Functions of `MODULE` that are its own.
const FUNCTIONS: usize = 9;

/// What the host knows: how often the rest was fetched, what was noted, and the first part's instance.
#[derive(Default)]
struct Host {
    rest: Vec<u8>,
    loads: usize,
    noted: Vec<i32>,
    first: Option<Instance>,
}

fn wasm() -> Vec<u8> {
    wat::parse_str(MODULE).unwrap()
}

fn started(first: &[u8], rest: Vec<u8>) -> (Store<Host>, Instance) {
    let engine = Engine::default();
    let mut store = Store::new(
        &engine,
        Host {
            rest,
            ..Host::default()
        },
    );
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("env", "__wbg_rivuletLoadRest_1f", |mut caller: Caller<'_, Host>| {
            caller.data_mut().loads += 1;
            let program = Program::new(caller.engine(), caller.data().rest.clone()).unwrap();
            // The start function may come here, when the instance is not known yet: then what it exports is the caller's.
            let wanted: Vec<String> = program.imports().map(|import| import.name().to_owned()).collect();
            let mut linker = Linker::new(caller.engine());
            for name in wanted {
                let export: Extern = match caller.data().first {
                    Some(first) => first.get_export(&caller, &name).unwrap(),
                    None => caller.get_export(&name).unwrap(),
                };
                linker.define(cut::FIRST, &name, export).unwrap();
            }
            linker.instantiate_and_start(&mut caller, &program).unwrap();
        })
        .unwrap();
    linker
        .func_wrap("env", "note", |mut caller: Caller<'_, Host>, value: i32| {
            caller.data_mut().noted.push(value);
            value % 1000
        })
        .unwrap();
    let program = Program::new(&engine, first).unwrap();
    let instance = linker.instantiate_and_start(&mut store, &program).unwrap();
    store.data_mut().first = Some(instance);
    (store, instance)
}

/// What a host sees of a few calls: answers, what was noted, and memory.
fn seen(first: &[u8], rest: Vec<u8>) -> (Vec<i32>, Vec<i32>, usize) {
    let (mut store, instance) = started(first, rest);
    let run = instance.get_typed_func::<i32, i32>(&store, "run").unwrap();
    let quiet = instance.get_typed_func::<(), i32>(&store, "quiet").unwrap();
    let table_only = instance.get_typed_func::<i32, i32>(&store, "table_only").unwrap();
    let mut answers = Vec::new();
    for value in [6, 27, 1] {
        answers.push(run.call(&mut store, value).unwrap());
        answers.push(quiet.call(&mut store, ()).unwrap());
        answers.push(table_only.call(&mut store, value).unwrap());
    }
    (answers, store.data().noted.clone(), store.data().loads)
}

#[test]
fn a_module_does_the_same_however_it_is_cut_and_fetches_the_rest_once() {
    let whole = wasm();
    let module = Module::read(&whole).unwrap();
    assert_eq!(module.functions.len(), FUNCTIONS);
    let (answers, noted, _) = seen(&whole, Vec::new());
    // 6 → 3 → 10 → 5 → 16 → 8 → 4 → 2 → 1; the sum begins at 100 + 7.
    assert_eq!(answers[0], 107 + 8 + 12);
    assert_eq!(answers[1], 115);
    for mask in 0..1_u32 << FUNCTIONS {
        let keep: Vec<bool> = (0..FUNCTIONS).map(|own| mask >> own & 1 == 1).collect();
        let parts = cut::cut(&module, &keep).unwrap();
        wasmparser::validate(&parts.first).unwrap();
        wasmparser::validate(&parts.rest).unwrap();
        let (found, also_noted, loads) = seen(&parts.first, parts.rest);
        assert_eq!((&found, &also_noted), (&answers, &noted), "{keep:?}");
        // All functions run here, so that whatever is not in the first part is fetched.
        assert_eq!(loads, usize::from(keep.contains(&false)), "{keep:?}");
    }
}

#[test]
fn the_rest_is_not_fetched_for_functions_of_the_first_part() {
    let whole = wasm();
    let module = Module::read(&whole).unwrap();
    let keep: Vec<bool> = (0..FUNCTIONS).map(|own| own != 3).collect();
    let parts = cut::cut(&module, &keep).unwrap();
    let (mut store, instance) = started(&parts.first, parts.rest);
    let call = |store: &mut Store<Host>, name, value| {
        instance
            .get_typed_func::<i32, i32>(&*store, name)
            .unwrap()
            .call(&mut *store, value)
            .unwrap()
    };
    assert_eq!(call(&mut store, "table_only", 5), 5);
    assert_eq!(store.data().loads, 0);
    call(&mut store, "run", 5);
    call(&mut store, "run", 5);
    assert_eq!(store.data().loads, 1);
}

#[test]
fn a_marked_module_does_the_same_and_notes_what_ran() {
    let whole = wasm();
    let module = Module::read(&whole).unwrap();
    let marked = mark::marked(&module).unwrap();
    assert_eq!(seen(&marked, Vec::new()), seen(&whole, Vec::new()));
    let (mut store, instance) = started(&marked, Vec::new());
    let marks = |store: &Store<Host>| {
        let memory = instance.get_memory(store, mark::MARKS).unwrap();
        memory.data(store)[..FUNCTIONS].to_vec()
    };
    let mut expected = vec![0; FUNCTIONS];
    expected[4] = 1;
    assert_eq!(marks(&store), expected, "only what runs at the start");
    instance
        .get_typed_func::<(), i32>(&store, "quiet")
        .unwrap()
        .call(&mut store, ())
        .unwrap();
    expected[7] = 1;
    assert_eq!(marks(&store), expected);
}

#[test]
fn the_first_part_has_what_ran_what_a_panic_needs_and_what_is_short() {
    let whole = wat::parse_str(
        r#"(module (import "env" "rivuletLoadRest" (func)) (table 1 funcref)
          (func $ran (call $rare) (drop (i32.const 123456789)) (drop (i32.const 123456789)) (drop (i32.const 123456789)))
          (func $rare (call $short) (drop (i32.const 123456789)) (drop (i32.const 123456789)) (drop (i32.const 123456789)))
          (func $core_panicking_panic (call $written) (drop (i32.const 123456789)) (drop (i32.const 123456789)))
          (func $written (call $short) (drop (i32.const 123456789)) (drop (i32.const 123456789)) (drop (i32.const 123456789)))
          (func $short))"#,
    )
    .unwrap();
    let module = Module::read(&whole).unwrap();
    assert_eq!(
        select::first_part(&module, &[1, 0, 0, 0, 0]).unwrap(),
        [true, false, true, true, true]
    );
    let Unfit(why) = select::first_part(&module, &[1, 0]).unwrap_err();
    assert_eq!(why, "there are marks of 2 functions, and the module has 5");
}

#[test]
fn what_cannot_be_cut_is_refused() {
    let refused = |text: &str| -> String {
        let wasm = wat::parse_str(text).unwrap();
        let cut = Module::read(&wasm).and_then(|module| cut::cut(&module, &vec![false; module.functions.len()]));
        cut.map(|_| String::new()).unwrap_or_else(|Unfit(why)| why)
    };
    let load = r#"(import "env" "rivuletLoadRest" (func))"#;
    assert_eq!(
        refused("(module (table 1 funcref) (func))"),
        "the module does not import rivuletLoadRest"
    );
    assert_eq!(refused(&format!("(module {load} (func))")), "the module has no table");
    let refers = format!("(module {load} (table 1 funcref) (elem declare func $f) (func $f (drop (ref.func $f))))");
    assert!(
        refused(&refers).contains("put into a table in a way that is not known"),
        "{}",
        refused(&refers)
    );
    let segment = format!(r#"(module {load} (table 1 funcref) (memory 1) (data "x") (func (data.drop 0)))"#);
    assert_eq!(refused(&segment), "function 1 refers to what a cut moves");
    assert!(Module::read(b"not a module").is_err());
    assert!(Module::read(&wasm()[..100]).is_err());
}
