//! The vectors of the layers below the typed configs, which are not part of the public interface.

use data_encoding::HEXLOWER;
use serde_json::Value as Json;
use session_crypto::AccountKeys;
use session_types::Ed25519PublicKey;

use crate::data::{Dict, Scalar, Value};
use crate::merge::{Outcome, resolve};
use crate::message::{Draft, LAG, Message};
use crate::{seal, wrap};

fn vectors(name: &str) -> Json {
    let folder = std::env::var("SESSION_VECTORS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors").to_owned());
    let text = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn sections(file: &Json, known: &[&str]) {
    for (key, value) in file.as_object().unwrap() {
        assert!(known.contains(&key.as_str()), "unknown section {key}");
        assert!(key == "about" || !value.as_array().unwrap().is_empty());
    }
}

fn cases<'a>(file: &'a Json, section: &str) -> &'a [Json] {
    let cases = file[section].as_array().unwrap();
    assert!(!cases.is_empty());
    cases
}

fn hex(value: &Json) -> Vec<u8> {
    HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

fn array<const N: usize>(value: &Json) -> [u8; N] {
    hex(value).try_into().unwrap()
}

fn scalar(json: &Json) -> Scalar {
    match json.as_object().unwrap().iter().next().unwrap() {
        (key, value) if key == "i" => Scalar::Int(
            value
                .as_i64()
                .unwrap_or_else(|| value.as_str().unwrap().parse().unwrap()),
        ),
        (key, value) if key == "s" => Scalar::Bytes(hex(value).as_slice().into()),
        other => panic!("unknown scalar {other:?}"),
    }
}

fn value(json: &Json) -> Value {
    match json.as_object().unwrap().iter().next().unwrap() {
        (key, members) if key == "set" => {
            Value::set(members.as_array().unwrap().iter().map(scalar)).unwrap()
        }
        (key, _) if key == "d" => Value::Dict(dict(json).into()),
        _ => Value::from(&scalar(json)),
    }
}

fn dict(json: &Json) -> Dict {
    let mut dict = Dict::default();
    for (key, inner) in json["d"].as_object().unwrap() {
        dict.insert(&HEXLOWER.decode(key.as_bytes()).unwrap(), value(inner));
    }
    dict
}

fn edit(data: &mut Dict, edit: &Json) {
    let path: Vec<Vec<u8>> = edit["path"].as_array().unwrap().iter().map(hex).collect();
    let path: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
    let mut members = match data.at(&path) {
        Some(Value::Set(set)) => set.to_vec(),
        _ => Vec::new(),
    };
    let put = |data: &mut Dict, value: Option<Value>| match value {
        Some(value) => data.put_at(&path, value),
        None => {
            // The tool that made the vectors puts dicts along the path even to erase.
            data.put_at(&path, Value::Int(0));
            data.remove_at(&path);
        }
    };
    match edit["op"].as_str().unwrap() {
        "erase" => put(data, None),
        "set_scalar" => data.put_at(&path, Value::from(&scalar(&edit["value"]))),
        "set_insert" => {
            members.push(scalar(&edit["value"]));
            put(data, Value::set(members));
        }
        "set_erase" => {
            let member = scalar(&edit["value"]);
            members.retain(|own| *own != member);
            put(data, Value::set(members));
        }
        other => panic!("unknown edit {other}"),
    }
}

fn check(message: &Message, case: &Json) {
    assert_eq!(
        HEXLOWER.encode(&message.encoded()),
        case["serialized"].as_str().unwrap()
    );
    assert_eq!(message.seqno, case["seqno"].as_i64().unwrap());
    assert_eq!(*message.data, dict(&case["data"]));
    assert_eq!(*message.hash(), array::<32>(&case["hash"]));
    let mut diff = Vec::new();
    message.diff.encode_into(&mut diff);
    assert_eq!(diff, hex(&case["diff"]));
    let again = Message::parse(&message.encoded(), None, i64::MAX).unwrap();
    assert_eq!(again.data, message.data);
}

fn follow(parent: &Message, case: &Json, lag: i64) -> Message {
    let mut draft = Draft::after(parent, lag).unwrap();
    for change in case["edits"].as_array().unwrap() {
        edit(std::sync::Arc::make_mut(&mut draft.data), change);
    }
    let message = draft.finish(None);
    check(&message, case);
    message
}

#[test]
fn config_message() {
    let file = vectors("config_message.json");
    sections(&file, &["about", "scenarios", "rejects", "signatures"]);
    for scenario in cases(&file, "scenarios") {
        let lag = scenario["lag"].as_i64().unwrap();
        let mut trunk: Vec<Message> = Vec::new();
        for case in cases(scenario, "trunk") {
            let message = match trunk.last() {
                Some(parent) => follow(parent, case, lag),
                None => {
                    let message = Message::parse(&hex(&case["serialized"]), None, lag).unwrap();
                    check(&message, case);
                    message
                }
            };
            trunk.push(message);
        }
        for branch in cases(scenario, "branches") {
            let from = usize::try_from(branch["from_trunk_index"].as_u64().unwrap()).unwrap();
            let mut tip = trunk[from].clone();
            for case in cases(branch, "messages") {
                tip = follow(&tip, case, lag);
            }
        }
        for case in cases(scenario, "merges") {
            merge(case, lag);
        }
    }
    for case in cases(&file, "rejects") {
        let parsed = Message::parse(&hex(&case["bytes"]), None, LAG);
        assert_eq!(parsed.is_ok(), case["ok"].as_bool().unwrap(), "{case}");
    }
    for case in cases(&file, "signatures") {
        let key = case
            .get("ed25519_pk")
            .map(|key| Ed25519PublicKey::new(array(key)));
        let parsed = Message::parse(&hex(&case["bytes"]), key.as_ref(), LAG);
        assert_eq!(parsed.is_ok(), case["ok"].as_bool().unwrap(), "{case}");
    }
}

fn merge(case: &Json, lag: i64) {
    let inputs: Vec<Vec<u8>> = cases(case, "inputs").iter().map(hex).collect();
    if !case["ok"].as_bool().unwrap() {
        // Input that is no dict at all, which the layers above never let through.
        assert!(inputs.iter().any(|input| input.first() != Some(&b'd')));
        return;
    }
    let parsed: Vec<_> = inputs
        .iter()
        .map(|input| Message::parse(input, None, lag))
        .collect();
    let bad: Vec<usize> = case["bad_indices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|index| usize::try_from(index.as_u64().unwrap()).unwrap())
        .collect();
    let (mut indices, mut messages) = (Vec::new(), Vec::new());
    for (index, message) in parsed.iter().enumerate() {
        assert_eq!(message.is_err(), bad.contains(&index), "{case}");
        if let Ok(message) = message {
            indices.push(index);
            messages.push(message);
        }
    }
    match resolve(&messages, true, lag).unwrap() {
        Outcome::Adopted(index) => {
            assert_eq!(case["merged"], false, "{case}");
            let expected = case["unmerged_index"].as_u64().unwrap();
            assert_eq!(indices[index], usize::try_from(expected).unwrap(), "{case}");
            check(messages[index], case);
        }
        Outcome::Merged(draft) => {
            assert_eq!(case["merged"], true, "{case}");
            check(&draft.finish(None), case);
        }
    }
}

#[test]
fn config_encrypt() {
    let file = vectors("config_encrypt.json");
    sections(
        &file,
        &[
            "about",
            "encrypt",
            "decrypt",
            "bad_arguments",
            "padded_size",
            "protobuf_wrap",
        ],
    );
    for case in cases(&file, "encrypt") {
        let key = array(&case["key"]);
        let domain = case["domain"].as_str().unwrap();
        let plaintext = hex(&case["plaintext"]);
        let sealed = seal::encrypt(&plaintext, &key, domain).unwrap();
        assert_eq!(sealed, hex(&case["ciphertext"]));
        assert_eq!(seal::decrypt(&sealed, &key, domain).unwrap(), plaintext);
    }
    for case in cases(&file, "decrypt") {
        let opened = seal::decrypt(
            &hex(&case["ciphertext"]),
            &array(&case["key"]),
            case["domain"].as_str().unwrap(),
        );
        if case["ok"].as_bool().unwrap() {
            assert_eq!(opened.unwrap(), hex(&case["plaintext"]));
        } else {
            assert!(opened.is_err(), "{case}");
        }
    }
    for case in cases(&file, "bad_arguments") {
        // The length of the key is part of its type here.
        let length = usize::try_from(case["key_len"].as_u64().unwrap()).unwrap();
        let Ok(key) = <[u8; 32]>::try_from(vec![0; length]) else {
            assert_eq!(case["ok"], false);
            continue;
        };
        let domain = "x".repeat(usize::try_from(case["domain_len"].as_u64().unwrap()).unwrap());
        let sealed = seal::encrypt(b"", &key, &domain);
        assert_eq!(sealed.is_ok(), case["ok"].as_bool().unwrap(), "{case}");
        assert!(seal::decrypt(&[0; 64], &key, &domain).is_err());
    }
    for case in cases(&file, "padded_size") {
        let size = usize::try_from(case["size"].as_u64().unwrap()).unwrap();
        let padded = usize::try_from(case["padded_size"].as_u64().unwrap()).unwrap();
        assert_eq!(seal::padded_size(size), padded);
        if size < 100_000 {
            let mut message = vec![1; size];
            assert_eq!(seal::pad(&message).len(), padded);
            message.reverse();
            assert_eq!(seal::unpad(&seal::pad(&message)), message);
        }
    }
    for case in cases(&file, "protobuf_wrap") {
        let account = AccountKeys::from_seed32(array(&case["seed"]));
        let kind = wrap::Kind(case["namespace"].as_u64().unwrap() - 1);
        let wrapped = hex(&case["wrapped"]);
        let unwrapped = wrap::unwrap(kind, &wrapped, &account);
        if let Some(data) = case.get("data") {
            let data = hex(data);
            let seqno = case["seqno"].as_i64().unwrap();
            assert_eq!(wrap::wrap(kind, seqno, &data, &account).unwrap(), wrapped);
            assert_eq!(unwrapped.unwrap(), data);
        } else {
            assert_eq!(unwrapped.is_some(), case["ok"].as_bool().unwrap(), "{case}");
        }
    }
}

#[test]
fn lag_lists() {
    let file = vectors("config_sequences.json");
    for case in cases(&file, "lag_lists") {
        let parsed = Message::parse(&hex(&case["bytes"]), None, LAG);
        assert_eq!(parsed.is_ok(), case["ok"].as_bool().unwrap(), "{case}");
    }
}

/// docs/protocol/config.md section 3.
#[test]
fn hash_of_the_empty_config() {
    let empty = Message::empty();
    assert_eq!(&*empty.encoded(), b"d1:#i0e1:&de1:<le1:=dee");
    assert_eq!(
        HEXLOWER.encode(empty.hash()),
        "ea173b57beca8af18c3519a7bbf69c3e7a05d1c049fa9558341d8ebb48b0c965"
    );
}

/// The reference loops for ever on these.
#[test]
fn integers_in_diffs_are_refused() {
    let hash = "h".repeat(32);
    for diff in ["d1:ai1ee", "d1:ad1:bi-1eee", "d1:ald1:ai1eeee"] {
        let own = format!("d1:#i5e1:&de1:<le1:={diff}e");
        assert!(Message::parse(own.as_bytes(), None, LAG).is_err());
        let lagged = format!("d1:#i5e1:&de1:<lli4e32:{hash}{diff}ee1:=dee");
        assert!(Message::parse(lagged.as_bytes(), None, LAG).is_err());
    }
}

#[test]
fn nesting_is_bounded() {
    let build = |levels: usize| {
        let mut data = "1:ai1e".to_owned();
        for _ in 0..levels {
            data = format!("1:ad{data}e");
        }
        format!("d1:#i1e1:&d{data}e1:<le1:=dee")
    };
    assert!(Message::parse(build(20).as_bytes(), None, LAG).is_ok());
    assert!(Message::parse(build(100).as_bytes(), None, LAG).is_err());
    let deep = "l".repeat(1_000_000);
    let unknown = format!("d1:#i1e1:${deep}");
    assert!(Message::parse(unknown.as_bytes(), None, LAG).is_err());
}

/// Few changes are made one by one, many in one pass.
#[test]
fn both_ways_of_updating_agree() {
    for count in [1, 31, 32, 100] {
        let (mut old, mut new) = (Dict::default(), Dict::default());
        let key = |number: i64| format!("{:03}", number * 7 % 301);
        for number in 0..120 {
            old.insert(key(number).as_bytes(), Value::Int(number));
            let moved = if number < count { number + 150 } else { number };
            new.insert(key(moved).as_bytes(), Value::Int(number));
        }
        let diff = crate::diff::Diff::between(&old, &new);
        let mut data = old.clone();
        diff.apply(&mut data, &new);
        assert_eq!(data, new, "{count}");
    }
}
