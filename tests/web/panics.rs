//! A panic's text is left for the worker's script, before the trap that says nothing. It happens in a worker of its own: an
//! instance that has panicked is not to be used again.

use rivulet::web::host::{log_panics, thrown};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::heard::event;
use crate::objects::{get, script, text};

/// Panics, as an engine with a fault would: called by the worker that the test starts.
#[wasm_bindgen]
pub fn panic_with(sentence: &str) {
    log_panics();
    panic!("{sentence}");
}

#[wasm_bindgen_test]
async fn the_text_and_place_of_a_panic_are_left_in_a_global_and_said_to_the_console() {
    let worker = script(
        "new Worker(URL.createObjectURL(new Blob([`
            import init, { panic_with } from '${location.origin}/wasm-bindgen-test.js';
            let said;
            console.error = (text) => { said = text; };
            await init({ module_or_path: '${location.origin}/wasm-bindgen-test_bg.wasm' });
            try {
                panic_with('the cat is on the table');
            } catch (error) {
                postMessage({ trap: error.constructor.name, left: self.rivuletPanic, said });
            }
        `], { type: 'text/javascript' })), { type: 'module' })",
    );
    let heard = get(&event(worker.unchecked_ref(), "message").await, "data");
    assert_eq!(text(&heard, "trap"), "RuntimeError");
    let left = text(&heard, "left");
    assert!(
        left.contains("the cat is on the table") && left.contains("panics.rs"),
        "{left}"
    );
    assert_eq!(text(&heard, "said"), format!("[rivulet] {left}"));
}

#[wasm_bindgen_test]
fn the_sentence_of_whatever_was_thrown_is_found() {
    assert_eq!(thrown(&script("new RangeError('too far')")), "too far");
    assert_eq!(thrown(&script("({ message: 'plain' })")), "plain");
    for other in ["'text'", "5", "null", "undefined", "({ message: 5 })", "Symbol('s')"] {
        assert!(!thrown(&script(other)).is_empty(), "{other}");
    }
}
