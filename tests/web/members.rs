//! Which executor a message means, in which of its lives.

use rivulet::web::page::{ToDriver, ToPage};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::messages::{CASES, is_declared};
use crate::objects::{get, number, object};
use crate::random::Random;

#[wasm_bindgen_test]
fn an_executors_number_must_be_a_whole_number_of_32_bits() {
    let lost = |executor: JsValue| {
        let parts = [
            ("t", "executorDown".into()),
            ("executor", executor),
            ("incarnation", 0.into()),
        ];
        ToDriver::read(object(&parts)).map(|_| ())
    };
    for good in [0.0, 1.0, f64::from(u32::MAX)] {
        assert!(lost(good.into()).is_ok(), "{good}");
    }
    for bad in [-1.0, 0.5, f64::from(u32::MAX) + 1.0, f64::NAN, f64::INFINITY] {
        assert!(lost(bad.into()).is_err(), "{bad}");
    }
    assert!(lost("1".into()).is_err());
    assert!(lost(true.into()).is_err());
}

#[wasm_bindgen_test]
fn executors_for_the_page_are_named_by_number_and_life() {
    for seed in 0..CASES {
        let mut random = Random::seeded(seed);
        let (executor, incarnation) = (random.bits() as u32, random.bits() as u32);
        let lost = is_declared(
            &ToPage::ExecutorLost {
                executor,
                incarnation,
                excused: true,
            },
            "executorLost",
        );
        assert_eq!(number(&lost, "executor"), f64::from(executor));
        assert_eq!(number(&lost, "incarnation"), f64::from(incarnation));
        assert_eq!(get(&lost, "excused"), JsValue::TRUE);
        let why = "its heap was large";
        let replaced = is_declared(
            &ToPage::ReplaceExecutor {
                executor,
                incarnation,
                why,
            },
            "replaceExecutor",
        );
        assert_eq!(get(&replaced, "why"), JsValue::from(why));
        assert_eq!(number(&replaced, "executor"), f64::from(executor));
        assert_eq!(number(&replaced, "incarnation"), f64::from(incarnation));
    }
}
