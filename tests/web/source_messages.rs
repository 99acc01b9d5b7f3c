//! What the page and the engine say of the sources that the page reads.

use rivulet::web::page::{ToDriver, ToPage};
use serde_json::json;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::messages::{CASES, is_declared};
use crate::objects::{bytes, get, number, object, text};
use crate::random::Random;

#[wasm_bindgen_test]
fn the_offset_of_items_is_any_json_and_what_is_none_is_an_error() {
    let offset = |text: &str| {
        let parts = [
            ("t", "sourceBlock".into()),
            ("connection", 1.into()),
            ("offset", text.into()),
            ("bytes", bytes(b"x")),
            ("dropped", 0.into()),
        ];
        match ToDriver::read(object(&parts)) {
            Ok(Some(ToDriver::SourceBlock(block))) => block.offset(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(offset("null"), Ok(json!(null)));
    assert_eq!(offset("7"), Ok(json!(7)));
    assert_eq!(offset("\"a\\nb\""), Ok(json!("a\nb")));
    assert!(offset("").is_err() && offset("7 8").is_err());
}

#[wasm_bindgen_test]
fn what_the_page_is_asked_to_read_has_its_offset_as_it_was() {
    for seed in 0..CASES {
        let mut random = Random::seeded(seed);
        let (connection, source) = (u64::from(random.bits() as u32), random.text());
        let after = match random.below(3) {
            0 => json!(null),
            1 => json!(random.safe_integer()),
            _ => json!(random.text()),
        };
        let is_logged = random.flip();
        let sent = ToPage::OpenSource {
            connection,
            source: &source,
            after: &after,
            is_logged,
        };
        let made = is_declared(&sent, "openSource");
        assert_eq!(number(&made, "connection"), connection as f64);
        assert_eq!(text(&made, "source"), source);
        let expected = match &after {
            serde_json::Value::String(text) => text.into(),
            other => other.as_f64().map_or(JsValue::NULL, JsValue::from),
        };
        assert_eq!(get(&made, "after"), expected, "seed {seed}");
        let durable = random.flip().then(|| random.safe_integer());
        let taken = random.safe_integer();
        let credit = ToPage::SourceCredit {
            connection,
            taken,
            durable,
        };
        let made = is_declared(&credit, "sourceCredit");
        assert_eq!(number(&made, "taken"), taken as f64);
        let expected = durable.map_or(JsValue::NULL, |count| (count as f64).into());
        assert_eq!(get(&made, "durable"), expected, "seed {seed}");
        is_declared(&ToPage::CloseSource { connection }, "closeSource");
    }
}
