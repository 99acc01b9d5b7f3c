//! The TypeScript half of the protocol, as the client's sources declare it: which kinds of messages there are, and what
//! their properties are. Tests hold the engine's half against it.

use std::collections::BTreeMap;

use js_sys::{Array, Object, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{Blob, MessageChannel};

use crate::objects::{bytes, get, is_plain, keys, object};
use crate::random::Random;

/// A property: its type in TypeScript, and whether it may be missing.
#[derive(Debug, Clone)]
pub struct Property {
    pub of_type: String,
    pub optional: bool,
}

/// The properties of a message or an interface, by name.
pub type Shape = BTreeMap<String, Property>;

/// Reads `{ a: number; b?: string }`, without the braces.
fn shape(body: &str) -> Shape {
    let mut properties = Shape::new();
    let mut depth = 0;
    let parts = body.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ';' && depth == 0
    });
    for part in parts {
        let Some((name, of_type)) = part.split_once(':') else {
            continue;
        };
        let optional = name.trim().ends_with('?');
        let name = name.trim().trim_end_matches('?').to_owned();
        let of_type = of_type.trim().to_owned();
        properties.insert(name, Property { of_type, optional });
    }
    properties
}

/// The declarations, without comments.
fn source() -> String {
    let files = concat!(
        include_str!("../../src/js/src/protocol.ts"),
        include_str!("../../src/js/src/worker/engine.ts"),
        include_str!("../../src/js/src/rdd/task/task.ts"),
        include_str!("../../src/js/src/state/group_plan.ts"),
    );
    let mut code = String::new();
    let mut rest = files;
    while let Some((before, after)) = rest.split_once("/*") {
        code.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, rest)| rest);
    }
    code + rest
}

/// Returns the text between the brace that opens after `head` and the one that closes it.
fn block<'a>(code: &'a str, head: &str) -> &'a str {
    let from = code.find(head).unwrap_or_else(|| panic!("no declaration of {head}"));
    let body = &code[from..];
    let open = body.find('{').expect("a brace");
    let mut depth = 0;
    let close = body.char_indices().filter(|(at, _)| *at >= open).find(|(_, c)| {
        depth += i32::from(*c == '{') - i32::from(*c == '}');
        depth == 0
    });
    &body[open + 1..close.expect("a closing brace").0]
}

/// Returns the shape of an interface.
pub fn interface(name: &str) -> Shape {
    shape(block(&source(), &format!("export interface {name} ")))
}

/// Returns the messages of a union, by kind.
pub fn messages(union: &str) -> BTreeMap<String, Shape> {
    let code = source();
    let from = code
        .find(&format!("export type {union} ="))
        .expect("a union of that name");
    let declared = &code[from..];
    let until = declared[1..].find("\nexport ").map_or(declared.len(), |at| at + 1);
    let mut found = BTreeMap::new();
    for part in declared[..until].split("\n  | ").skip(1) {
        let shape = if part.starts_with('{') {
            shape(block(part, ""))
        } else {
            let name = part.trim().trim_end_matches(';');
            if name == "FromWorker" {
                found.extend(messages(name));
                continue;
            }
            interface(name)
        };
        let kind = shape["t"].of_type.trim_matches('\'').to_owned();
        found.insert(kind, shape);
    }
    found
}

/// Returns the words of a union of string literals.
fn words(of_type: &str) -> Vec<String> {
    let code = source();
    let declared = code
        .split_once(&format!("export type {of_type} ="))
        .map_or(of_type, |(_, rest)| {
            rest.split_once(';').expect("an end of the declaration").0
        });
    let words = declared
        .split('|')
        .map(|word| word.trim().trim_matches('\'').to_owned());
    words.filter(|word| !word.is_empty()).collect()
}

/// Makes a value of a type, as a script would.
pub fn value(of_type: &str, random: &mut Random) -> JsValue {
    match of_type {
        "number" => (random.below(1 << 31) as f64).into(),
        "string" => random.text().into(),
        "boolean" => random.flip().into(),
        "Uint8Array" => bytes(&random.bytes()),
        "Uint8Array[]" => (0..random.below(4))
            .map(|_| bytes(&random.bytes()))
            .collect::<Array>()
            .into(),
        "MessagePort" => MessageChannel::new().unwrap().port1().into(),
        "Blob | null" if random.flip() => JsValue::NULL,
        "Blob | null" => Blob::new_with_u8_array_sequence(&Array::of1(&bytes(&random.bytes())))
            .unwrap()
            .into(),
        "Method" | "Role" | "DeathCause" => random.one_of(&words(of_type)).into(),
        "Record<string, string>" => {
            let entries: Vec<(String, JsValue)> = (0..random.below(4))
                .map(|n| (format!("k{n}"), random.text().into()))
                .collect();
            let entries: Vec<(&str, JsValue)> = entries.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
            object(&entries)
        }
        // Nothing in the engine reads it.
        "WebAssembly.Module" => JsValue::NULL,
        word if word.starts_with('\'') => word.trim_matches('\'').into(),
        inner if inner.starts_with('{') => message(&shape(block(inner, "")), random),
        other => panic!("there is a type that this test cannot make: {other}"),
    }
}

/// Makes a message of a shape; what may be missing is there once in two times.
pub fn message(shape: &Shape, random: &mut Random) -> JsValue {
    let mut entries = Vec::new();
    for (name, property) in shape {
        if !property.optional || random.flip() {
            entries.push((name.as_str(), value(&property.of_type, random)));
        }
    }
    object(&entries)
}

/// Returns what is wrong with a value that should be of a type; empty if nothing is.
pub fn faults(value: &JsValue, of_type: &str) -> Vec<String> {
    let is = match of_type {
        "number" => value.as_f64().is_some(),
        "string" => value.is_string(),
        "boolean" => value.as_bool().is_some(),
        "null" => value.is_null(),
        "object" => is_plain(value),
        "Uint8Array" => return bytes_faults(value),
        "WireError" | "EngineStatus" => return shape_faults(value, &interface(of_type)),
        "Record<string, string>" => {
            is_plain(value)
                && Object::values(value.unchecked_ref::<Object>())
                    .iter()
                    .all(|v| v.is_string())
        }
        word if word.starts_with('{') && word.ends_with('}') => return shape_faults(value, &shape(block(word, ""))),
        list if list.ends_with("[]") => {
            let Some(items) = value.dyn_ref::<Array>() else {
                return vec![format!("{value:?} is no array")];
            };
            return items
                .iter()
                .flat_map(|item| faults(&item, list.trim_end_matches("[]")))
                .collect();
        }
        tuple if tuple.starts_with('[') && tuple.ends_with(']') => return tuple_faults(value, tuple),
        union if union.contains('|') => union.split('|').any(|of| faults(value, of.trim()).is_empty()),
        word if word.starts_with('\'') => value.as_string().as_deref() == Some(word.trim_matches('\'')),
        other => panic!("there is a type that this test does not know: {other}"),
    };
    if is {
        vec![]
    } else {
        vec![format!("{value:?} is no {of_type}")]
    }
}

/// Returns what is wrong with an object that should have a shape: properties missing, too many, or of another type.
pub fn shape_faults(value: &JsValue, shape: &Shape) -> Vec<String> {
    if !is_plain(value) {
        return vec![format!("{value:?} is no plain object")];
    }
    let mut found: Vec<String> = keys(value)
        .into_iter()
        .filter(|key| !shape.contains_key(key))
        .map(|key| format!("{key} is not declared"))
        .collect();
    for (name, property) in shape {
        let value = get(value, name);
        if !(value.is_undefined() && property.optional) {
            found.extend(
                faults(&value, &property.of_type)
                    .into_iter()
                    .map(|fault| format!("{name}: {fault}")),
            );
        }
    }
    found
}

/// Returns what is wrong with an array that should be `[name: type, …]`.
fn tuple_faults(value: &JsValue, tuple: &str) -> Vec<String> {
    let parts: Vec<&str> = tuple.trim_matches(['[', ']']).split(',').collect();
    let Some(items) = value.dyn_ref::<Array>() else {
        return vec![format!("{value:?} is no array")];
    };
    if items.length() as usize != parts.len() {
        return vec![format!("{value:?} has not the length of {tuple}")];
    }
    let types = parts
        .iter()
        .map(|part| part.split_once(':').map_or(*part, |(_, of_type)| of_type).trim());
    items
        .iter()
        .zip(types)
        .flat_map(|(item, of_type)| faults(&item, of_type))
        .collect()
}

/// Bytes must have a buffer of their own: they are transferred, which would take the engine's heap along.
fn bytes_faults(value: &JsValue) -> Vec<String> {
    let Some(bytes) = value.dyn_ref::<Uint8Array>() else {
        return vec![format!("{value:?} is no Uint8Array")];
    };
    let heap = get(&wasm_bindgen::memory(), "buffer");
    let buffer = bytes.buffer();
    if JsValue::from(buffer.clone()) == heap {
        return vec!["bytes lie in the engine's heap".into()];
    }
    if buffer.byte_length() != bytes.length() {
        return vec!["bytes share their buffer".into()];
    }
    vec![]
}
