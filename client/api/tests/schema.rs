//! The generated documents are those of the types.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use session_api::{openrpc, typescript};

/// What is checked in.
fn kept(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn the_documents_are_up_to_date() {
    let advice = "run `cargo run -p session-api --example schema`";
    let kept_schema: Value = serde_json::from_str(&kept("openrpc.json")).unwrap_or_default();
    assert!(kept_schema == openrpc(), "openrpc.json is stale: {advice}");
    assert!(
        kept("typescript/session-api.ts") == typescript(),
        "session-api.ts is stale: {advice}"
    );
}

#[test]
fn everything_is_described_once() {
    let document = openrpc();
    let types = document["components"]["schemas"].as_object().unwrap();
    let mut names = BTreeSet::new();
    for list in ["methods", "x-notifications"] {
        for entry in document[list].as_array().unwrap() {
            let name = entry["name"].as_str().unwrap();
            assert!(names.insert(name), "{name} is there twice");
            let doc = entry["description"].as_str().unwrap();
            assert!(doc.ends_with('.'), "{name}: {doc}");
        }
    }
    assert!(names.contains("hello") && names.contains("timeline.diff"));
    for (name, schema) in types {
        assert!(schema["description"].is_string(), "{name} has no words");
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            let described = schema["description"].is_string() || schema["const"].is_string();
            assert!(described, "{name}.{field} has no words");
        }
    }
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let name = reference.strip_prefix("#/components/schemas/").unwrap();
        assert!(types.contains_key(name), "{name} is not there");
    }
}

fn collect<'a>(value: &'a Value, references: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            references.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[test]
fn typescript_knows_every_name_it_uses() {
    let text = typescript();
    assert_eq!(text.matches('{').count(), text.matches('}').count());
    let declared: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("export type "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .filter(|line| !line.trim_start().starts_with("/*"))
        .filter(|line| !line.trim_start().starts_with('*'));
    for line in code {
        let outside = line.split('"').step_by(2);
        for word in outside.flat_map(|part| part.split(|c: char| !c.is_alphanumeric())) {
            let is_type = word.starts_with(char::is_uppercase);
            let known =
                declared.contains(word) || ["Methods", "Notifications", "Record"].contains(&word);
            assert!(!is_type || known, "{word} is not declared: {line}");
        }
    }
}
