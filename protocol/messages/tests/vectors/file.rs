//! Reading vector files: strict about their shape, so that a case nobody runs is noticed.

use data_encoding::HEXLOWER;
use serde_json::Value;

/// One vector file.
pub(crate) struct File(Value);

impl File {
    pub(crate) fn load(name: &str) -> Self {
        let text = session_test_support::vectors::read(name);
        Self(serde_json::from_str(&text).expect(name))
    }

    /// Fails on a section that is not in `known`, and on one that is missing.
    pub(crate) fn check_sections(&self, known: &[&str]) {
        check_keys(&self.0, known);
        for name in known {
            assert!(self.0.get(name).is_some(), "no section {name}");
        }
    }

    /// The cases of a section, at least one.
    pub(crate) fn section(&self, name: &str) -> &[Value] {
        let cases = self.0[name].as_array().expect(name);
        assert!(!cases.is_empty(), "section {name} is empty");
        cases
    }

    pub(crate) fn top(&self, name: &str) -> &str {
        self.0[name].as_str().expect(name)
    }
}

/// Fails on a key nobody looks at.
pub(crate) fn check_keys(case: &Value, known: &[&str]) {
    for key in case.as_object().expect("case is an object").keys() {
        assert!(known.contains(&key.as_str()), "unknown key {key}");
    }
}

pub(crate) fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key]
        .as_str()
        .unwrap_or_else(|| panic!("no text {key} in {case}"))
}

pub(crate) fn number(case: &Value, key: &str) -> u64 {
    case[key]
        .as_u64()
        .unwrap_or_else(|| panic!("no number {key} in {case}"))
}

/// Hex of any length.
pub(crate) fn data(case: &Value, key: &str) -> Vec<u8> {
    HEXLOWER.decode(text(case, key).as_bytes()).expect(key)
}

/// Hex of a known length.
pub(crate) fn array<const N: usize>(case: &Value, key: &str) -> [u8; N] {
    bytes(text(case, key))
}

/// Hex of a known length, or null.
pub(crate) fn optional<const N: usize>(case: &Value, key: &str) -> Option<[u8; N]> {
    case.get(key).expect(key).as_str().map(bytes)
}

pub(crate) fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    HEXLOWER
        .decode(hex.as_bytes())
        .expect("hex")
        .try_into()
        .expect("length")
}
