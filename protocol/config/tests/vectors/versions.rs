//! The lowest layer: versions, their diffs and how they merge.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use session_config::untyped::{Change, Edit, LAG, Resolved, Scalar, Version, resolve};
use session_encoding::bt::Bt;
use session_test_support::vectors::{array, cases, hex, load, ok, only, text};
use session_types::Ed25519PublicKey;

pub(crate) fn run() {
    let file = load(
        "config_message.json",
        &["scenarios", "rejects", "signatures"],
    );
    let keys = ["lag", "start_seqno", "trunk", "branches", "merges"];
    for scenario in cases(&file, "scenarios", &keys) {
        run_scenario(scenario.as_object().unwrap());
    }
    for case in cases(&file, "rejects", &["bytes", "ok", "what", "error"]) {
        let parsed = Version::parse(&hex(&case["bytes"]), None, LAG);
        assert_eq!(parsed.is_ok(), ok(case), "{case}");
    }
    let keys = ["bytes", "ok", "what", "error", "ed25519_pk", "serialized"];
    for case in cases(&file, "signatures", &keys) {
        let key = case
            .get("ed25519_pk")
            .map(|key| Ed25519PublicKey::new(array(key)));
        let parsed = Version::parse(&hex(&case["bytes"]), key.as_ref(), LAG);
        assert_eq!(parsed.is_ok(), ok(case), "{case}");
    }
}

/// Messages with good and bad lists of lagged diffs.
pub(crate) fn run_lag_lists(list: &[Json]) {
    assert!(!list.is_empty());
    for case in list {
        only(case, "lag_lists", &["bytes", "ok", "what", "error"]);
        let parsed = Version::parse(&hex(&case["bytes"]), None, LAG);
        assert_eq!(parsed.is_ok(), ok(case), "{case}");
    }
}

const VERSION: [&str; 6] = ["seqno", "hash", "data", "serialized", "diff", "edits"];

fn run_scenario(scenario: &serde_json::Map<String, Json>) {
    let lag = scenario["lag"].as_i64().unwrap();
    let mut trunk: Vec<Version> = Vec::new();
    for case in cases(scenario, "trunk", &VERSION) {
        let version = match trunk.last() {
            Some(parent) => follow(parent, case, lag),
            None => {
                let first = Version::parse(&hex(&case["serialized"]), None, lag).unwrap();
                check(&first, case);
                first
            }
        };
        trunk.push(version);
    }
    assert_eq!(Some(trunk[0].seqno()), scenario["start_seqno"].as_i64());
    for branch in cases(scenario, "branches", &["from_trunk_index", "messages"]) {
        let from = usize::try_from(branch["from_trunk_index"].as_u64().unwrap()).unwrap();
        let mut tip = trunk[from].clone();
        for case in cases(branch.as_object().unwrap(), "messages", &VERSION) {
            tip = follow(&tip, case, lag);
        }
    }
    let keys = [
        "inputs",
        "ok",
        "error",
        "what",
        "bad_indices",
        "merged",
        "unmerged_index",
        "seqno",
        "hash",
        "data",
        "serialized",
        "diff",
    ];
    for case in cases(scenario, "merges", &keys) {
        merge(case, lag);
    }
}

fn follow(parent: &Version, case: &Json, lag: i64) -> Version {
    let edits = case["edits"].as_array().unwrap();
    let changes: Vec<Change> = edits.iter().map(change).collect();
    let version = parent.next(&changes, lag).unwrap();
    check(&version, case);
    version
}

fn check(version: &Version, case: &Json) {
    let serialized = hex(&case["serialized"]);
    assert_eq!(version.encoded(), serialized, "{case}");
    assert_eq!(Some(version.seqno()), case["seqno"].as_i64());
    assert_eq!(version.data(), encoded(&case["data"]).encode());
    assert_eq!(*version.hash(), array::<32>(&case["hash"]));
    assert_eq!(version.diff(), hex(&case["diff"]));
    let again = Version::parse(&serialized, None, i64::MAX).unwrap();
    assert_eq!(again.encoded(), serialized);
    assert_eq!(again.data(), version.data());
}

fn merge(case: &Json, lag: i64) {
    let inputs: Vec<Vec<u8>> = case["inputs"].as_array().unwrap().iter().map(hex).collect();
    assert!(!inputs.is_empty());
    if !ok(case) {
        // Input that is no dict at all, which the layers above never let through.
        assert!(inputs.iter().any(|input| input.first() != Some(&b'd')));
        return;
    }
    let bad: Vec<usize> = case["bad_indices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|index| usize::try_from(index.as_u64().unwrap()).unwrap())
        .collect();
    let (mut indices, mut versions) = (Vec::new(), Vec::new());
    for (index, input) in inputs.iter().enumerate() {
        let version = Version::parse(input, None, lag);
        assert_eq!(version.is_err(), bad.contains(&index), "{case}");
        if let Ok(version) = version {
            indices.push(index);
            versions.push(version);
        }
    }
    let versions: Vec<&Version> = versions.iter().collect();
    match resolve(&versions, lag).unwrap() {
        Resolved::Adopted(index) => {
            assert_eq!(case["merged"], false, "{case}");
            let expected = case["unmerged_index"].as_u64().unwrap();
            assert_eq!(indices[index], usize::try_from(expected).unwrap(), "{case}");
            check(versions[index], case);
        }
        Resolved::Merged(version) => {
            assert_eq!(case["merged"], true, "{case}");
            check(&version, case);
        }
    }
}

fn change(json: &Json) -> Change {
    only(json, "edit", &["op", "path", "value"]);
    let value = || scalar(&json["value"]);
    Change {
        path: json["path"].as_array().unwrap().iter().map(hex).collect(),
        edit: match text(&json["op"]) {
            "erase" => Edit::Erase,
            "set_scalar" => Edit::Put(value()),
            "set_insert" => Edit::Insert(value()),
            "set_erase" => Edit::Remove(value()),
            other => panic!("unknown edit {other}"),
        },
    }
}

/// The one entry of an object that tells its kind.
fn tagged(json: &Json) -> (&str, &Json) {
    let object = json.as_object().unwrap();
    assert_eq!(object.len(), 1, "{json}");
    let (tag, value) = object.iter().next().unwrap();
    (tag, value)
}

fn scalar(json: &Json) -> Scalar {
    match tagged(json) {
        ("i", value) => Scalar::Int(
            value
                .as_i64()
                .unwrap_or_else(|| text(value).parse().unwrap()),
        ),
        ("s", value) => Scalar::Bytes(hex(value)),
        (other, _) => panic!("unknown scalar {other}"),
    }
}

fn encoded(json: &Json) -> Bt {
    match tagged(json) {
        ("d", entries) => {
            let mut dict = BTreeMap::new();
            for (key, value) in entries.as_object().unwrap() {
                dict.insert(hex(&Json::from(key.as_str())), encoded(value));
            }
            Bt::Dict(dict)
        }
        ("set", members) => Bt::List(members.as_array().unwrap().iter().map(encoded).collect()),
        _ => match scalar(json) {
            Scalar::Int(value) => Bt::Int(value),
            Scalar::Bytes(bytes) => Bt::Bytes(bytes),
        },
    }
}
