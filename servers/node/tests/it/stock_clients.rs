//! What Session Desktop, Android and iOS send in the course of a day, in their own forms
//! (docs/protocol/client.md section 3, docs/protocol/paths.md sections 7.2 and 7.4). Nothing here
//! is made or signed by this project's client code.

use std::time::Duration;

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::support::{DAY, Network, Person, SWARM};

const SWARM_OF_FIVE: &[(u64, usize)] = &[(SWARM, 5)];
const MINUTE: Duration = Duration::from_secs(60);
const MONTH_MS: u64 = 30 * 24 * 3600 * 1000;

fn sign(person: &Person, text: &str) -> String {
    person.key.sign(text.as_bytes()).to_base64()
}

fn retrieve(person: &Person, namespace: i64, now: u64, last_hash: &str, size: i64) -> Value {
    let shown = match namespace {
        0 => String::new(),
        other => other.to_string(),
    };
    json!({ "method": "retrieve", "params": {
        "pubkey": person.account.to_hex(),
        "pubkey_ed25519": person.key.public().to_hex(),
        "timestamp": now,
        "signature": sign(person, &format!("retrieve{shown}{now}")),
        "namespace": namespace,
        "last_hash": last_hash,
        "max_size": size,
    } })
}

fn store(person: &Person, namespace: i64, now: u64, data: &[u8]) -> Value {
    json!({ "method": "store", "params": {
        "pubkey": person.account.to_hex(),
        "pubkey_ed25519": person.key.public().to_hex(),
        "timestamp": now,
        "signature": sign(person, &format!("store{namespace}{now}")),
        "namespace": namespace,
        "ttl": MONTH_MS,
        "data": BASE64.encode(data),
    } })
}

fn delete(person: &Person, hashes: &[&str]) -> Value {
    json!({ "method": "delete", "params": {
        "pubkey": person.account.to_hex(),
        "pubkey_ed25519": person.key.public().to_hex(),
        "signature": sign(person, &format!("delete{}", hashes.concat())),
        "messages": hashes,
    } })
}

fn codes(answer: &Value) -> Vec<u64> {
    let results = answer["results"].as_array().unwrap();
    results
        .iter()
        .map(|r| r["code"].as_u64().unwrap())
        .collect()
}

fn data(answer: &Value, at: usize) -> Vec<Vec<u8>> {
    let messages = answer["results"][at]["body"]["messages"]
        .as_array()
        .unwrap();
    let data = messages.iter().map(|m| m["data"].as_str().unwrap());
    data.map(|text| BASE64.decode(text.as_bytes()).unwrap())
        .collect()
}

/// The user's namespaces in desktop's order and with its shares.
fn desktop_poll(person: &Person, now: u64, last: [&str; 5]) -> Value {
    let namespaces = [0, 2, 3, 5, 4];
    let requests: Vec<Value> = namespaces
        .iter()
        .zip(last)
        .map(|(namespace, last)| {
            let size = if *namespace == 0 { -2 } else { -8 };
            retrieve(person, *namespace, now, last, size)
        })
        .collect();
    json!({ "requests": requests })
}

#[tokio::test(flavor = "multi_thread")]
async fn desktop_writes_pushes_configs_and_polls() {
    let network = Network::start(SWARM_OF_FIVE).await;
    let person = network.person(SWARM);
    let now = network.now().as_ms();

    // A message of somebody else: a sequence of one, without a signature.
    let message = json!({ "requests": [{ "method": "store", "params": {
        "pubkey": person.account.to_hex(),
        "timestamp": now,
        "namespace": 0,
        "ttl": 14 * 24 * 3600 * 1000,
        "data": BASE64.encode(b"hello"),
    } }] });
    let stored = network.call(0, "sequence", message).await.ok();
    assert_eq!(codes(&stored), [200]);
    // Without both of these at the top, desktop never shows a message as sent.
    let body = &stored["results"][0]["body"];
    assert!(body["hash"].is_string() && body["t"].is_u64(), "{body}");

    // A push: all changed configs, then what they replace. One result for each counts.
    let push = |now: u64, version: u8, obsolete: &[&str]| {
        let stores = [2, 3, 5, 4].map(|namespace| store(&person, namespace, now, &[version; 300]));
        let mut requests = stores.to_vec();
        if !obsolete.is_empty() {
            requests.push(delete(&person, obsolete));
        }
        json!({ "requests": requests })
    };
    let first = network.call(1, "sequence", push(now, 1, &[])).await.ok();
    assert_eq!(codes(&first), [200; 4]);
    let old: Vec<&str> = (0..4)
        .map(|at| first["results"][at]["body"]["hash"].as_str().unwrap())
        .collect();
    let second = network
        .call(2, "sequence", push(now + 5, 2, &old))
        .await
        .ok();
    assert_eq!(codes(&second), [200; 5]);
    let swarm = second["results"][4]["body"]["swarm"].as_object().unwrap();
    assert_eq!(swarm.len(), 5);
    for answer in swarm.values() {
        assert_eq!(answer["deleted"].as_array().unwrap().len(), 4, "{answer}");
    }

    // A poll of another device: the message, and of the configs what is left.
    let poll = desktop_poll(&person, now + 10, [""; 5]);
    let polled = network.call(3, "batch", poll).await.ok();
    assert_eq!(codes(&polled), [200; 5]);
    assert_eq!(data(&polled, 0), [b"hello".to_vec()]);
    for config in 1..5 {
        assert_eq!(data(&polled, config), [vec![2; 300]]);
    }
    // What desktop needs of each element.
    let element = &polled["results"][1]["body"]["messages"][0];
    for (field, is_there) in [
        ("hash", element["hash"].is_string()),
        ("data", element["data"].is_string()),
        ("expiration", element["expiration"].is_u64()),
        ("timestamp", element["timestamp"].is_u64()),
    ] {
        assert!(is_there, "{field}: {element}");
    }

    // The next poll: after what was read, with the configs kept alive in the same batch.
    let hash = |at: usize| {
        let message = &polled["results"][at]["body"]["messages"][0];
        message["hash"].as_str().unwrap()
    };
    let last = [0, 1, 2, 3, 4].map(hash);
    network.clock.advance(MINUTE);
    let now = network.now().as_ms();
    let mut poll = desktop_poll(&person, now, last);
    let expiry = now + MONTH_MS;
    let kept = last[1..].concat();
    poll["requests"].as_array_mut().unwrap().push(json!({
        "method": "expire",
        "params": {
            "pubkey": person.account.to_hex(),
            "pubkey_ed25519": person.key.public().to_hex(),
            "signature": sign(&person, &format!("expire{expiry}{kept}")),
            "messages": last[1..],
            "expiry": expiry,
        },
    }));
    let polled = network.call(3, "batch", poll).await.ok();
    assert_eq!(codes(&polled), [200; 6]);
    for at in 0..5 {
        assert!(data(&polled, at).is_empty(), "{polled}");
    }
    let swarm = polled["results"][5]["body"]["swarm"].as_object().unwrap();
    for answer in swarm.values() {
        assert_eq!(answer["updated"].as_array().unwrap().len(), 4, "{answer}");
        assert_eq!(answer["expiry"], expiry);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn android_writes_numbers_as_texts_and_ios_extends_first() {
    let network = Network::start(SWARM_OF_FIVE).await;
    let person = network.person(SWARM);
    let now = network.now().as_ms();
    // Android: ttl and timestamp as texts, and the time signed apart.
    let mut push = store(&person, 3, now, b"contacts");
    let params = &mut push["params"];
    params["timestamp"] = now.to_string().into();
    params["ttl"] = MONTH_MS.to_string().into();
    params["sig_timestamp"] = now.into();
    let stored = network.call(0, "store", params.clone()).await.ok();
    let hash = stored["hash"].as_str().unwrap();
    // Android: each namespace by itself.
    for (namespace, found) in [(0, 0), (2, 0), (3, 1), (4, 0), (5, 0)] {
        let mut poll = retrieve(&person, namespace, now, "", -8);
        let params = poll["params"].take();
        let answer = network.call(1, "retrieve", params).await.ok();
        assert_eq!(answer["messages"].as_array().unwrap().len(), found);
    }
    // iOS: what keeps the configs alive comes first, and only ever makes them live longer.
    let extend = |expiry: u64| {
        json!({ "method": "expire", "params": {
            "pubkey": person.account.to_hex(),
            "pubkey_ed25519": person.key.public().to_hex(),
            "signature": sign(&person, &format!("expireextend{expiry}{hash}")),
            "messages": [hash],
            "expiry": expiry,
            "extend": true,
        } })
    };
    // An extension by less than one part of a hundred is not worth writing down.
    network.clock.advance(DAY);
    let later = network.now().as_ms();
    for (expiry, updated) in [(later + MONTH_MS, 1), (now + MONTH_MS, 0)] {
        let requests = [extend(expiry), retrieve(&person, 3, later, hash, -1)];
        let answer = network.call(2, "batch", json!({ "requests": requests }));
        let answer = answer.await.ok();
        assert_eq!(codes(&answer), [200; 2]);
        let swarm = answer["results"][0]["body"]["swarm"].as_object().unwrap();
        for answer in swarm.values() {
            let found = answer["updated"].as_array().unwrap().len();
            assert_eq!(found, updated, "{answer}");
        }
        assert!(data(&answer, 1).is_empty());
    }
}
