//! The reference vectors of swarm selection, every case of `swarm.json`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde_json::Value;
use session_test_support::vectors;
use session_types::{SwarmId, SwarmPubkey, nearest_swarm};

const FILE: &str = "swarm.json";
const KEYS: [&str; 4] = ["chosen", "pubkey_no_prefix", "swarm_ids", "swarm_space"];

/// A 64-bit number, which the file writes as text.
fn number(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn swarm() {
    let file = vectors::load(FILE, &["cases"]);
    for case in vectors::cases(&file, "cases", &KEYS) {
        let mut fields: Vec<&str> = case
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        fields.sort_unstable();
        assert_eq!(fields, KEYS, "unknown keys");
        let key = case["pubkey_no_prefix"].as_str().unwrap();
        let swarms: Vec<SwarmId> = case["swarm_ids"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| SwarmId::new(number(id)))
            .collect();
        for prefix in ["05", "03"] {
            let owner: SwarmPubkey = format!("{prefix}{key}").parse().unwrap();
            let position = owner.position();
            assert_eq!(position.get(), number(&case["swarm_space"]), "{key}");
            let chosen = nearest_swarm(&swarms, position);
            assert_eq!(chosen, Some(SwarmId::new(number(&case["chosen"]))), "{key}");
        }
    }
}
