//! Every case of the vectors of configs and of group keys.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;

use serde_json::Value as Json;
use session_test_support::vectors::{array, hex, text};

#[path = "vectors/communities.rs"]
mod communities;
#[path = "vectors/devices.rs"]
mod devices;
#[path = "vectors/encryption.rs"]
mod encryption;
#[path = "vectors/groups.rs"]
mod groups;
#[path = "vectors/operations.rs"]
mod operations;
#[path = "vectors/states.rs"]
mod states;
#[path = "vectors/steps.rs"]
mod steps;
#[path = "vectors/versions.rs"]
mod versions;

fn vectors(name: &str) -> Json {
    serde_json::from_str(&ordered(&session_test_support::vectors::read(name))).unwrap()
}

/// The operations of a step take effect in the order they are written down, which a JSON object
/// does not keep. It matters for `mark`, a change of several fields: it gets a name that sorts after
/// the fields before it, and the fields after it one that sorts after that.
fn ordered(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split("\"mark\":");
    out.push_str(parts.next().unwrap());
    for part in parts {
        let mut depth = 0;
        let end = part
            .find(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                depth < 0
            })
            .unwrap();
        out.push_str("\"|mark\":");
        let (fields, rest) = part.split_at(end);
        let mut fields = fields.to_owned();
        for key in [
            "supplement",
            "secretkey",
            "auth_data",
            "name",
            "profile_pic",
        ] {
            fields = fields.replace(&format!("\"{key}\":"), &format!("\"~{key}\":"));
        }
        out.push_str(&fields);
        out.push_str(rest);
    }
    out
}

fn sections(file: &Json, known: &[&str]) {
    for (key, value) in file.as_object().unwrap() {
        assert!(known.contains(&key.as_str()), "unknown section {key}");
        assert!(value.as_array().is_none_or(|cases| !cases.is_empty()));
    }
}

fn list(value: &Json) -> &[Json] {
    value.as_array().unwrap()
}

fn texts(value: &Json) -> BTreeSet<String> {
    list(value).iter().map(|one| text(one).to_owned()).collect()
}

#[test]
fn config_message() {
    versions::run();
}

#[test]
fn config_encrypt() {
    encryption::run();
}

#[test]
fn config_user_profile() {
    steps::run_file("config_user_profile.json", Some("user_profile"));
}

#[test]
fn config_contacts() {
    steps::run_file("config_contacts.json", Some("contacts"));
}

#[test]
fn config_user_groups() {
    steps::run_file("config_user_groups.json", Some("user_groups"));
}

#[test]
fn config_convo_info_volatile() {
    steps::run_file(
        "config_convo_info_volatile.json",
        Some("convo_info_volatile"),
    );
}

#[test]
fn config_group_info() {
    steps::run_file("config_group_info.json", Some("group_info"));
}

#[test]
fn config_group_members() {
    steps::run_file("config_group_members.json", Some("group_members"));
}

#[test]
fn config_user_profile_v2() {
    steps::run_file("config_user_profile_v2.json", Some("user_profile_v2"));
}

#[test]
fn config_multipart() {
    steps::run_file("config_multipart.json", Some("contacts"));
}

#[test]
fn config_sequences() {
    steps::run_file("config_sequences.json", None);
}
