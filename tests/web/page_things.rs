//! Things of the page's that cross as they are.

use js_sys::Uint8Array;
use rivulet::web::page::{ToDriver, ToExecutor};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::MessagePort;

use crate::objects::object;

#[wasm_bindgen_test]
fn a_port_that_was_read_is_the_pages_port_and_works() {
    let channel = web_sys::MessageChannel::new().unwrap();
    let port: MessagePort = channel.port1();
    let read = ToExecutor::read(object(&[("t", "driverPort".into()), ("port", port.clone().into())])).unwrap();
    let Some(ToExecutor::DriverPort(given)) = read else {
        panic!("{read:?}")
    };
    assert_eq!(JsValue::from(given.port), JsValue::from(port));
}

#[wasm_bindgen_test]
fn bytes_that_were_read_are_the_pages_own_and_not_a_copy() {
    let sent = Uint8Array::from(&[1, 2, 3][..]);
    let parts = [
        ("t", "push".into()),
        ("source", "s".into()),
        ("seq", 0.into()),
        ("bytes", sent.clone().into()),
    ];
    let Ok(Some(ToDriver::Push(push))) = ToDriver::read(object(&parts)) else {
        panic!("no push")
    };
    sent.set_index(0, 9);
    assert_eq!(push.bytes.get_index(0), 9);
}
