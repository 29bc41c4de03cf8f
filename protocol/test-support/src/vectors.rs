//! Vector files, read strictly: a section or key that nobody looks at fails the test.

use std::path::PathBuf;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value};

/// The folder of the vector files: `SESSION_VECTORS`, else the repository's.
#[must_use]
pub fn folder() -> PathBuf {
    std::env::var_os("SESSION_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors")),
        PathBuf::from,
    )
}

/// The text of a vector file.
#[must_use]
pub fn read(name: &str) -> String {
    let path = folder().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads a vector file and makes sure that it has these sections, besides `about`, and no others.
#[must_use]
pub fn load(name: &str, sections: &[&str]) -> Map<String, Value> {
    let Value::Object(file) = serde_json::from_str(&read(name)).expect(name) else {
        panic!("{name} holds no object")
    };
    for key in file.keys() {
        let known = key == "about" || sections.contains(&key.as_str());
        assert!(known, "{name}: unknown section {key}");
    }
    for section in sections {
        assert!(file.contains_key(*section), "{name}: no section {section}");
    }
    file
}

/// The cases of a section, of which there must be some, with these keys and no others.
#[must_use]
pub fn cases<'a>(file: &'a Map<String, Value>, section: &str, keys: &[&str]) -> &'a [Value] {
    let cases = file[section].as_array().expect(section);
    assert!(!cases.is_empty(), "{section} is empty");
    for case in cases {
        only(case, section, keys);
    }
    cases
}

/// Makes sure that an object has these keys and no others.
pub fn only(object: &Value, name: &str, keys: &[&str]) {
    for key in object.as_object().expect(name).keys() {
        assert!(keys.contains(&key.as_str()), "{name}: unknown key {key}");
    }
}

/// Bytes from lower-case hex text.
#[must_use]
pub fn hex(value: &Value) -> Vec<u8> {
    HEXLOWER
        .decode(text(value).as_bytes())
        .unwrap_or_else(|error| panic!("{value}: {error}"))
}

/// `N` bytes from lower-case hex text.
#[must_use]
pub fn array<const N: usize>(value: &Value) -> [u8; N] {
    hex(value)
        .try_into()
        .unwrap_or_else(|_| panic!("{value} has not {N} bytes"))
}

/// The `ok` of a case.
#[must_use]
pub fn ok(value: &Value) -> bool {
    value["ok"]
        .as_bool()
        .unwrap_or_else(|| panic!("no ok in {value}"))
}

/// A text.
#[must_use]
pub fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}
