//! Reading vector files.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::path::PathBuf;

use data_encoding::HEXLOWER;
use rand_chacha::rand_core::{TryCryptoRng, TryRng};
use serde_json::{Map, Value};

/// Reads a vector file and makes sure that it has these sections and no others.
pub(crate) fn load(name: &str, sections: &[&str]) -> Map<String, Value> {
    let folder = std::env::var_os("SESSION_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors")),
        PathBuf::from,
    );
    let text = std::fs::read_to_string(folder.join(name)).expect(name);
    let Value::Object(file) = serde_json::from_str(&text).unwrap() else {
        panic!("{name}")
    };
    for key in file.keys() {
        assert!(
            key == "about" || sections.contains(&key.as_str()),
            "{name}: unknown {key}"
        );
    }
    file
}

/// The cases of a section, of which there must be some, with these keys and no others.
pub(crate) fn cases<'a>(file: &'a Map<String, Value>, section: &str, keys: &[&str]) -> &'a [Value] {
    let cases = file[section].as_array().unwrap();
    assert!(!cases.is_empty(), "{section} is empty");
    for case in cases {
        only(case, section, keys);
    }
    cases
}

/// Makes sure that an object has these keys and no others.
pub(crate) fn only(object: &Value, name: &str, keys: &[&str]) {
    for key in object.as_object().unwrap().keys() {
        assert!(keys.contains(&key.as_str()), "{name}: unknown key {key}");
    }
}

pub(crate) fn hex(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

pub(crate) fn array<const N: usize>(value: &Value) -> [u8; N] {
    hex(value).try_into().unwrap()
}

pub(crate) fn ok(value: &Value) -> bool {
    value["ok"].as_bool().unwrap()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Gives out prepared bytes, and panics when more are drawn.
pub(crate) struct Drawn(VecDeque<u8>);

impl Drawn {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(bytes.iter().copied().collect())
    }

    /// Makes sure that everything was drawn.
    pub(crate) fn finish(self) {
        assert!(
            self.0.is_empty(),
            "{} random bytes were not drawn",
            self.0.len()
        );
    }
}

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, slots: &mut [u8]) -> Result<(), Infallible> {
        for slot in slots {
            *slot = self
                .0
                .pop_front()
                .expect("more random bytes drawn than the reference did");
        }
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}
