//! JavaScript values as a script would make and read them.

use js_sys::{Array, Function, JSON, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

/// Makes a plain object.
pub fn object(entries: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (key, value) in entries {
        Reflect::set(&object, &(*key).into(), value).unwrap();
    }
    object.into()
}

/// Makes bytes with a buffer of their own.
pub fn bytes(of: &[u8]) -> JsValue {
    Uint8Array::from(of).into()
}

/// Reads bytes.
pub fn bytes_of(value: &JsValue) -> Vec<u8> {
    value.dyn_ref::<Uint8Array>().expect("a Uint8Array").to_vec()
}

/// Returns a property; undefined if there is none.
pub fn get(of: &JsValue, key: &str) -> JsValue {
    Reflect::get(of, &key.into()).unwrap()
}

/// Returns a property's text.
pub fn text(of: &JsValue, key: &str) -> String {
    get(of, key)
        .as_string()
        .unwrap_or_else(|| panic!("{key} is no string in {of:?}"))
}

/// Returns a property's number.
pub fn number(of: &JsValue, key: &str) -> f64 {
    get(of, key)
        .as_f64()
        .unwrap_or_else(|| panic!("{key} is no number in {of:?}"))
}

/// Returns the names of an object's own properties, in order of the alphabet.
pub fn keys(of: &JsValue) -> Vec<String> {
    let mut keys: Vec<String> = Object::keys(of.unchecked_ref::<Object>())
        .iter()
        .filter_map(|k| k.as_string())
        .collect();
    keys.sort();
    keys
}

/// Returns whether it is an object without a class.
pub fn is_plain(value: &JsValue) -> bool {
    value.is_object() && Object::get_prototype_of(value) == Object::get_prototype_of(&Object::new())
}

/// Reads a JavaScript value as the JSON that it writes.
pub fn json_of(value: &JsValue) -> serde_json::Value {
    let text: String = JSON::stringify(value).unwrap().into();
    serde_json::from_str(&text).unwrap()
}

/// Evaluates an expression of JavaScript.
pub fn script(expression: &str) -> JsValue {
    let function = Function::new_no_args(&format!("return ({expression})"));
    function.call0(&JsValue::UNDEFINED).unwrap()
}

/// Calls a function, given as JavaScript, with arguments.
pub fn call(function: &str, arguments: &[JsValue]) -> JsValue {
    let function: Function = script(function).unchecked_into();
    function
        .apply(&JsValue::UNDEFINED, &arguments.iter().collect::<Array>())
        .unwrap()
}

/// A method of the browser's that is another until this is dropped.
pub struct Patched {
    of: JsValue,
    name: &'static str,
    before: JsValue,
}

/// Replaces a method: `of` and `with` are JavaScript.
pub fn patch(of: &str, name: &'static str, with: &str) -> Patched {
    let of = script(of);
    let before = get(&of, name);
    Reflect::set(&of, &name.into(), &script(with)).unwrap();
    Patched { of, name, before }
}

impl Drop for Patched {
    fn drop(&mut self) {
        Reflect::set(&self.of, &self.name.into(), &self.before).unwrap();
    }
}
