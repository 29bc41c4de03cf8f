//! TypeScript types of the API, made from its schema.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::openrpc::{openrpc, type_name};

/// A TypeScript module with all types, and two maps: from the names of methods to parameters and
/// results, and from the names of notifications to what they tell.
#[must_use]
pub fn typescript() -> String {
    let document = openrpc();
    let mut out = String::from(
        "// Generated from the Rust types by `cargo run -p session-api --example schema`.\n\n",
    );
    let types = object(document.pointer("/components/schemas"));
    for (name, schema) in types {
        comment(&mut out, "", schema);
        line(
            &mut out,
            &format!("export type {name} = {};\n", of(schema, "")),
        );
    }
    let result = "/result/schema";
    let empty = Vec::new();
    let list = |name: &str| {
        document
            .get(name)
            .and_then(Value::as_array)
            .unwrap_or(&empty)
    };
    line(&mut out, "/** Parameters and result of each method. */");
    line(&mut out, "export interface Methods {");
    for method in list("methods") {
        comment(&mut out, "  ", method);
        let params = of(method.get("x-params").unwrap_or(&Value::Null), "  ");
        let result = of(method.pointer(result).unwrap_or(&Value::Null), "  ");
        line(
            &mut out,
            &format!(
                "  {}: {{ params: {params}; result: {result} }};",
                name(method)
            ),
        );
    }
    line(&mut out, "}\n");
    line(&mut out, "/** What each notification tells. */");
    line(&mut out, "export interface Notifications {");
    for notification in list("x-notifications") {
        comment(&mut out, "  ", notification);
        let params = of(notification.get("params").unwrap_or(&Value::Null), "  ");
        line(&mut out, &format!("  {}: {params};", name(notification)));
    }
    line(&mut out, "}");
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn name(of: &Value) -> String {
    of.get("name").map(Value::to_string).unwrap_or_default()
}

/// The fields of an object by name.
fn object(value: Option<&Value>) -> BTreeMap<&String, &Value> {
    let fields = value.and_then(Value::as_object);
    fields.into_iter().flatten().collect()
}

/// The description of something, as a comment before it.
fn comment(out: &mut String, indent: &str, of: &Value) {
    let Some(text) = of.get("description").and_then(Value::as_str) else {
        return;
    };
    let text = text.replace("*/", "* /");
    let lines: Vec<&str> = text.lines().collect();
    match lines.as_slice() {
        [one] => line(out, &format!("{indent}/** {one} */")),
        many => {
            line(out, &format!("{indent}/**"));
            for text in many {
                line(out, format!("{indent} * {text}").trim_end());
            }
            line(out, &format!("{indent} */"));
        }
    }
}

/// The type that a schema describes: all that it says together.
fn of(schema: &Value, indent: &str) -> String {
    let Value::Object(schema) = schema else {
        return "unknown".to_owned();
    };
    if let Some(constant) = schema.get("const") {
        return constant.to_string();
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return union(values.iter().map(Value::to_string));
    }
    let mut parts = Vec::new();
    if let Some(name) = type_name(&Value::Object(schema.clone())) {
        parts.push(name.to_owned());
    }
    if schema.contains_key("properties") {
        parts.push(fields(schema, indent));
    }
    for either in ["oneOf", "anyOf"] {
        if let Some(choices) = schema.get(either).and_then(Value::as_array) {
            let choices = union(choices.iter().map(|choice| of(choice, indent)));
            parts.push(choices);
        }
    }
    if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
        parts.extend(all.iter().map(|part| of(part, indent)));
    }
    if parts.is_empty() {
        return plain(schema, indent);
    }
    if let [one] = parts.as_slice() {
        return one.clone();
    }
    parts
        .iter()
        .map(|part| bracketed(part))
        .collect::<Vec<_>>()
        .join(" & ")
}

/// A type without fields.
fn plain(schema: &Map<String, Value>, indent: &str) -> String {
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return "unknown".to_owned(),
    };
    union(kinds.into_iter().map(|kind| match kind {
        "array" => {
            let items = schema.get("items").unwrap_or(&Value::Null);
            format!("{}[]", bracketed(&of(items, indent)))
        }
        "integer" | "number" => "number".to_owned(),
        "object" => "Record<string, never>".to_owned(),
        other => other.to_owned(),
    }))
}

fn fields(schema: &Map<String, Value>, indent: &str) -> String {
    let inner = format!("{indent}  ");
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut out = String::from("{\n");
    for (name, field) in object(schema.get("properties")) {
        comment(&mut out, &inner, field);
        let mark = if required.contains(&name.as_str()) {
            ""
        } else {
            "?"
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{inner}{name}{mark}: {};", of(field, &inner));
    }
    out.push_str(indent);
    out.push('}');
    out
}

fn union(choices: impl Iterator<Item = String>) -> String {
    choices.collect::<Vec<_>>().join(" | ")
}

/// In brackets when something stronger than `|` and `&` is to follow.
fn bracketed(part: &str) -> String {
    if part.contains(" | ") || part.contains(" & ") {
        format!("({part})")
    } else {
        part.to_owned()
    }
}
