//! What the page and a worker say of credentials.

use std::collections::BTreeMap;

use rivulet::web::page::ToPage;
use rivulet::web::page_credentials::CredentialsAnswer;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::messages::{CASES, is_declared};
use crate::objects::{get, keys, number, text};
use crate::random::Random;

/// Holds an answer that was read against what was sent, property by property.
pub fn is_answer(sent: &JsValue, read: &CredentialsAnswer) {
    let n = |key: &str| number(sent, key);
    assert_eq!(read.id as f64, n("id"));
    let error = get(sent, "error");
    match read.clone().outcome() {
        Ok(held) => {
            assert!(error.is_undefined());
            let read = [held.serial as f64, held.asked_ms as f64, held.until_ms as f64];
            assert_eq!(read, [n("serial"), n("askedMs"), n("untilMs")]);
            let values = get(sent, "values");
            let sent: BTreeMap<String, String> = keys(&values)
                .into_iter()
                .map(|key| (key.clone(), text(&values, &key)))
                .collect();
            assert_eq!(held.values, sent);
        }
        Err(read) => {
            assert_eq!(read.message, text(&error, "message"));
            let condition = Some(text(&error, "condition")).filter(|text| !text.is_empty());
            assert_eq!(read.condition, condition);
            assert_eq!(read.parameters.get("stack").cloned(), get(&error, "stack").as_string());
        }
    }
}

#[wasm_bindgen_test]
fn a_question_for_credentials_names_the_function_the_option_and_the_server() {
    for seed in 0..CASES {
        let mut random = Random::seeded(seed);
        let (name, url) = (random.text(), random.text());
        let (id, refused) = (u64::from(random.bits() as u32), u64::from(random.bits() as u32));
        let sent = ToPage::CredentialsWanted {
            id,
            name: &name,
            system: "kafka",
            option: "kafka.bridge.credentials",
            url: &url,
            reason: "refused",
            refused,
        };
        let made = is_declared(&sent, "credentialsWanted");
        let said = ["name", "url", "system", "option", "reason"].map(|key| text(&made, key));
        let expected = [&name, &url, "kafka", "kafka.bridge.credentials", "refused"];
        assert_eq!(said.each_ref().map(String::as_str), expected, "seed {seed}");
        assert_eq!(
            [number(&made, "id"), number(&made, "refused")],
            [id as f64, refused as f64]
        );
    }
}
