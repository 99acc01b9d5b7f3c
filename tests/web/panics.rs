//! A panic's text is left for the worker's script, before the trap that says nothing.

use std::panic::{set_hook, take_hook};

use rivulet::web::host::log_panics;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::objects::{call, patch, script, text};

#[wasm_bindgen_test]
fn the_text_and_place_of_a_panic_are_left_in_a_global_and_said_to_the_console() {
    let before = take_hook();
    let console = patch("console", "error", "(text) => { self.saidByPanic = text; }");
    log_panics();
    let panics = Closure::<dyn FnMut()>::new(|| panic!("the cat is on the table"));
    let trapped = call(
        "(work) => { try { work(); return 'returned'; } catch (error) { return error.constructor.name; } }",
        &[panics.as_ref().clone()],
    );
    drop(console);
    set_hook(before);
    std::mem::forget(panics);
    assert_eq!(trapped, "RuntimeError");
    let left = text(&script("self"), "rivuletPanic");
    assert!(left.contains("the cat is on the table") && left.contains("panics.rs"), "{left}");
    assert_eq!(text(&script("self"), "saidByPanic"), format!("[rivulet] {left}"));
}
