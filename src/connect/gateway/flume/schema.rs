//! Avro's schemas and protocols in JSON, as far as it takes to see whether what another side writes has the form that is read here.

use std::collections::BTreeMap;

use serde_json::Value;

/// How deep types may lie in one another: Flume's have four floors.
const MOST_DEPTH: usize = 12;
/// Most types of a schema, its named ones counted each time they are meant.
const MOST_TYPES: usize = 1_000;

/// The form of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// `bytes`, or a `string`: they are written alike.
    Bytes,
    /// An array.
    Array(Box<Form>),
    /// A map.
    Map(Box<Form>),
    /// A record: names and forms of its fields.
    Record(Vec<(String, Form)>),
    /// Any other, by its name.
    Other(String),
}

/// Reads types, and remembers those that have names.
#[derive(Default)]
struct Types {
    named: BTreeMap<String, Form>,
    count: usize,
}

impl Types {
    /// Returns the form of a type; `None` if it cannot be read, or is too large.
    fn form(&mut self, json: &Value, depth: usize) -> Option<Form> {
        self.count += 1;
        if depth > MOST_DEPTH || self.count > MOST_TYPES {
            return None;
        }
        match json {
            Value::String(name) => match name.as_str() {
                "bytes" | "string" => Some(Form::Bytes),
                "null" | "boolean" | "int" | "long" | "float" | "double" => Some(Form::Other(name.clone())),
                name => {
                    let form = self.named.get(last(name)).cloned()?;
                    self.count += weight(&form);
                    Some(form)
                }
            },
            Value::Array(_) => Some(Form::Other("union".into())),
            Value::Object(fields) => {
                let kind = fields.get("type")?;
                let Value::String(word) = kind else {
                    return self.form(kind, depth + 1);
                };
                let form = match word.as_str() {
                    "array" => Form::Array(Box::new(self.form(fields.get("items")?, depth + 1)?)),
                    "map" => Form::Map(Box::new(self.form(fields.get("values")?, depth + 1)?)),
                    "record" | "error" => {
                        let mut read = vec![];
                        for field in fields.get("fields")?.as_array()? {
                            let name = field.get("name")?.as_str()?.to_owned();
                            read.push((name, self.form(field.get("type")?, depth + 1)?));
                        }
                        Form::Record(read)
                    }
                    "enum" | "fixed" => Form::Other(word.clone()),
                    _ => return self.form(kind, depth + 1),
                };
                if let Some(name) = fields.get("name").and_then(Value::as_str) {
                    self.named.insert(last(name).to_owned(), form.clone());
                }
                Some(form)
            }
            _ => None,
        }
    }
}

/// Returns a name without its namespace.
fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Returns how many types a form has.
fn weight(form: &Form) -> usize {
    1 + match form {
        Form::Array(inner) | Form::Map(inner) => weight(inner),
        Form::Record(fields) => fields.iter().map(|(_, form)| weight(form)).sum(),
        Form::Bytes | Form::Other(_) => 0,
    }
}

/// Returns the form of a schema; `None` if it cannot be read.
pub fn form_of(schema: &str) -> Option<Form> {
    Types::default().form(&serde_json::from_str(schema).ok()?, 0)
}

/// A message of a protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The forms of its parameters.
    pub request: Vec<Form>,
    /// The form of its answer.
    pub response: Form,
}

/// Returns a message of a protocol; `None` if the protocol cannot be read, or does not have it.
pub fn message_of(protocol: &str, name: &str) -> Option<Message> {
    let protocol: Value = serde_json::from_str(protocol).ok()?;
    let mut types = Types::default();
    for declared in protocol.get("types").and_then(Value::as_array).into_iter().flatten() {
        types.form(declared, 0)?;
    }
    let message = protocol.get("messages")?.get(name)?;
    let mut request = vec![];
    for parameter in message.get("request")?.as_array()? {
        request.push(types.form(parameter.get("type")?, 0)?);
    }
    Some(Message {
        request,
        response: types.form(message.get("response")?, 0)?,
    })
}

/// Returns the form of an event: headers, then body.
pub fn event() -> Form {
    let headers = Form::Map(Box::new(Form::Bytes));
    Form::Record(vec![("headers".into(), headers), ("body".into(), Form::Bytes)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_known_by_its_form_and_not_by_its_name() {
        for schema in [
            r#"{"type":"record","name":"Event","fields":[{"name":"headers","type":{"type":"map","values":"string"}},{"name":"body","type":"bytes"}]}"#,
            r#"{"type":"record","name":"a.b.E","fields":[{"name":"headers","type":{"type":"map","values":{"type":"string","avro.java.string":"String"}}},
                {"name":"body","type":{"type":"bytes"}}]}"#,
        ] {
            assert_eq!(form_of(schema), Some(event()), "{schema}");
        }
        for schema in [
            r#"{"type":"record","name":"E","fields":[{"name":"body","type":"bytes"},{"name":"headers","type":{"type":"map","values":"string"}}]}"#,
            r#"{"type":"record","name":"E","fields":[{"name":"headers","type":{"type":"map","values":"long"}},{"name":"body","type":"bytes"}]}"#,
            r#"["null","bytes"]"#,
        ] {
            assert_ne!(form_of(schema), Some(event()), "{schema}");
        }
    }

    #[test]
    fn schemas_that_never_end_or_grow_without_end_are_not_read() {
        let own = r#"{"type":"record","name":"R","fields":[{"name":"r","type":"R"}]}"#;
        assert_eq!(form_of(own), None);
        let deep = format!(
            "{}\"bytes\"{}",
            r#"{"type":"array","items":"#.repeat(100),
            "}".repeat(100)
        );
        assert_eq!(form_of(&deep), None);
        let too_deep_for_json = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(form_of(&too_deep_for_json), None);
        // Each record has ten of the one before.
        let ten = |name: &str, of: &str| {
            let fields: Vec<String> = (0..10).map(|n| format!(r#"{{"name":"f{n}","type":{of}}}"#)).collect();
            format!(r#"{{"type":"record","name":"{name}","fields":[{}]}}"#, fields.join(","))
        };
        let types: Vec<String> = (1..9)
            .map(|n| {
                ten(
                    &format!("R{n}"),
                    &if n == 1 {
                        "\"bytes\"".into()
                    } else {
                        format!("\"R{}\"", n - 1)
                    },
                )
            })
            .collect();
        let protocol = format!(
            r#"{{"types":[{}],"messages":{{"m":{{"request":[],"response":"R8"}}}}}}"#,
            types.join(",")
        );
        assert_eq!(message_of(&protocol, "m"), None);
    }
}
