//! Storing and retrieving: cases 5 to 16 and 32.

use serde_json::{Value, json};
use session_crypto::hash::message_hash;
use session_storage_rpc::{Request, Retrieve, Store, SwarmResponse};
use session_types::{MessageHash, Namespace, SwarmId};
use std::time::Duration;

use crate::support::{DAY, Network, Person, SWARM, TWO_WEEKS, params};

const SMALL: &[(u64, usize)] = &[(SWARM, 3)];

fn unsigned_retrieve(person: &Person, namespace: i16) -> Retrieve {
    Retrieve {
        owner: person.owner(),
        namespace: Namespace::new(namespace),
        last_hash: None,
        max_count: None,
        max_size: None,
        auth: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_05_a_message_reaches_every_member_and_each_signs() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let data = b"hello session".to_vec();
    let request = Store::unsigned(bob.owner(), network.now(), TWO_WEEKS, data.clone()).unwrap();
    let expiry = request.expiry;
    let answer = network.store(1, request).await;
    let hash = message_hash(&bob.owner(), Namespace::DEFAULT, &data);
    assert_eq!(answer.hash.as_ref(), Some(&hash));
    assert!(answer.t.is_some() && answer.hf.is_some());
    assert_eq!(answer.swarm.len(), 3);
    for index in 0..3 {
        let key = network.contact(index).ed25519;
        let stored = answer.swarm[&key].done().unwrap();
        stored.verify(&key).unwrap();
        assert_eq!(stored.hash, hash);
        assert_eq!(stored.expiry, Some(expiry));
        assert!(!stored.already);
        assert_eq!(
            stored.t.is_some(),
            index == 1,
            "only the asked node tells its time"
        );
        let held = network.hashes(index, &bob.signer(), 0).await;
        assert_eq!(held, std::slice::from_ref(&hash));
    }
    network.until_delivered(1).await;
    network.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_06_storing_again_extends_and_never_shortens() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let now = network.now();
    let store = |ttl| Store::unsigned(bob.owner(), now, ttl, b"twice".to_vec()).unwrap();
    let first = network.store(0, store(DAY)).await;
    for (index, ttl, expiry) in [(0, DAY / 2, now.plus(DAY)), (1, 2 * DAY, now.plus(2 * DAY))] {
        let again = network.store(index, store(ttl)).await;
        assert_eq!(again.hash, first.hash);
        for outcome in again.swarm.values() {
            let stored = outcome.done().unwrap();
            assert!(stored.already);
            assert_eq!(stored.expiry, Some(expiry));
        }
    }
    // The raw answer: true at the asked node, 1 or true at the others.
    let answer = network.ask(0, Request::Store(store(DAY))).await.ok();
    let own = network.contact(0).ed25519.to_hex();
    assert_eq!(answer["swarm"][own]["already"], Value::Bool(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn case_07_retrieving_without_a_signature() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let pubkey = bob.account.to_hex();
    network
        .call(0, "retrieve", json!({ "pubkey": pubkey }))
        .await
        .expect_text(401, "retrieve: request signature required");
    for fields in [
        json!({ "namespace": 0 }),
        json!({ "timestamp": network.now().as_ms() }),
    ] {
        let mut fields = fields;
        fields["pubkey"] = pubkey.clone().into();
        network
            .call(0, "retrieve", fields)
            .await
            .expect_text(400, "invalid request: Required field 'signature' missing");
    }
    for namespace in [-10, -1] {
        let answer = network
            .retrieve(0, unsigned_retrieve(&bob, namespace))
            .await;
        assert!(answer.messages.is_empty() && !answer.more);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_08_kinds_of_keys() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let now = network.now();
    let hash = network.send(0, &bob, b"to an account").await;
    assert_eq!(network.hashes(0, &bob.signer(), 0).await, [hash]);
    assert!(network.hashes(0, &bob.group(), 0).await.is_empty());

    let refused = "retrieve signature verification failed";
    let signed = Request::Retrieve(Retrieve::signed(&bob.signer(), Namespace::DEFAULT, now));
    let mut without_key = params(&signed);
    without_key.remove("pubkey_ed25519");
    network
        .call(0, "retrieve", json!(without_key))
        .await
        .expect_text(401, refused);
    let mut wrong_key = params(&signed);
    let other = Person::number(1_000_000).key.public().to_hex();
    wrong_key.insert("pubkey_ed25519".to_owned(), other.into());
    network
        .call(0, "retrieve", json!(wrong_key))
        .await
        .expect_text(401, refused);
    let mut upper_case = params(&signed);
    let key = bob.key.public().to_hex().to_ascii_uppercase();
    upper_case.insert("pubkey_ed25519".to_owned(), key.into());
    network.call(0, "retrieve", json!(upper_case)).await.ok();

    let group = Request::Retrieve(Retrieve::signed(&bob.group(), Namespace::DEFAULT, now));
    let mut group_with_key = params(&group);
    group_with_key.insert(
        "pubkey_ed25519".to_owned(),
        bob.key.public().to_hex().into(),
    );
    network
        .call(0, "retrieve", json!(group_with_key))
        .await
        .expect_text(
            400,
            "invalid request: pubkey_ed25519 is only permitted for 05[...] pubkeys",
        );
}

#[tokio::test(flavor = "multi_thread")]
async fn case_09_signature_and_time_are_checked() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let now = network.now();
    let at = |time| Request::Retrieve(Retrieve::signed(&bob.signer(), Namespace::DEFAULT, time));

    let mut missing = params(&at(now));
    missing.remove("signature");
    let answer = network.call(0, "retrieve", json!(missing)).await;
    assert_eq!(answer.status, 400);
    let mut no_time = params(&at(now));
    no_time.remove("timestamp");
    network
        .call(0, "retrieve", json!(no_time))
        .await
        .expect_text(400, "invalid request: Required field 'timestamp' missing");
    let mut flipped = params(&at(now));
    let mut signature = data_encoding::BASE64
        .decode(flipped["signature"].as_str().unwrap().as_bytes())
        .unwrap();
    signature[40] ^= 1;
    let signature = data_encoding::BASE64.encode(&signature);
    flipped.insert("signature".to_owned(), signature.into());
    network
        .call(0, "retrieve", json!(flipped))
        .await
        .expect_text(401, "retrieve signature verification failed");

    let off = Duration::from_millis(60_001);
    for time in [now.minus(off), now.plus(off)] {
        network
            .ask(0, at(time))
            .await
            .expect_text(406, "retrieve timestamp too far from current time");
    }
    let edge = Duration::from_secs(60);
    for time in [now.minus(edge), now.plus(edge)] {
        network.ask(0, at(time)).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_10_reading_on_behind_a_hash() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let mut sent = Vec::new();
    for number in 0..5u8 {
        sent.push(network.send(0, &bob, &[number]).await);
    }
    let after = |hash: Option<MessageHash>| {
        Retrieve::signed(&bob.signer(), Namespace::DEFAULT, network.now()).after(hash)
    };
    let unknown = MessageHash::from_digest(&[9; 32]);
    let table = [
        (None, &sent[..]),
        (Some(sent[1].clone()), &sent[2..]),
        (Some(sent[4].clone()), &[][..]),
        (Some(unknown), &sent[..]),
    ];
    for (hash, expected) in table {
        let answer = network.retrieve(0, after(hash)).await;
        let got: Vec<_> = answer
            .messages
            .into_iter()
            .map(|message| message.hash)
            .collect();
        assert_eq!(got, expected);
        assert!(!answer.more);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_11_private_namespaces_need_a_fresh_signature() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let namespace = Namespace::USER_PROFILE;
    let now = network.now();
    let unsigned = Store {
        namespace,
        ..Store::unsigned(bob.owner(), now, DAY, b"config".to_vec()).unwrap()
    };
    network
        .ask(0, Request::Store(unsigned))
        .await
        .expect_text(401, "store: signature required to store to namespace 2");

    let old = now.minus(Duration::from_secs(100));
    let signed = Store::signed(&bob.signer(), namespace, old, DAY, b"config".to_vec()).unwrap();
    network
        .ask(0, Request::Store(signed))
        .await
        .expect_text(406, "store signature timestamp too far from current time");
    let fresh = Store::signed(&bob.signer(), namespace, now, DAY, b"config".to_vec()).unwrap();
    let fresh = Store {
        timestamp: old,
        expiry: old.plus(DAY),
        ..fresh
    };
    let answer = network.store(0, fresh).await;
    assert_eq!(answer.successes().count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_12_public_and_impossible_namespaces() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let store = |namespace: i64| {
        let request = Store::unsigned(bob.owner(), network.now(), DAY, vec![1]).unwrap();
        let mut fields = params(&Request::Store(request));
        fields.insert("namespace".to_owned(), namespace.into());
        fields
    };
    network.call(0, "store", json!(store(40))).await.ok();
    network.call(0, "store", json!(store(-10))).await.ok();
    network
        .call(0, "store", json!(store(-42)))
        .await
        .expect_text(401, "store: signature required to store to namespace -42");
    network
        .call(0, "store", json!(store(32_768)))
        .await
        .expect_text(
            400,
            "invalid request: Invalid value given for 'namespace': value out of range",
        );
}

#[tokio::test(flavor = "multi_thread")]
async fn case_13_somebody_elses_signature() {
    let network = Network::start(SMALL).await;
    let (bob, eve) = (network.person(SWARM), Person::number(77_777));
    let now = network.now();
    let foreign = |namespace| {
        let namespace = Namespace::new(namespace);
        let signed = Store::signed(&eve.signer(), namespace, now, DAY, vec![1]).unwrap();
        Request::Store(Store {
            owner: bob.owner(),
            ..signed
        })
    };
    network
        .ask(0, foreign(2))
        .await
        .expect_text(401, "store signature verification failed");
    network.ask(0, foreign(0)).await.ok();
    let mut malformed = params(&foreign(0));
    malformed.insert("signature".to_owned(), "AAAA".into());
    network
        .call(0, "store", json!(malformed))
        .await
        .expect_text(
            400,
            "invalid request: invalid signature: expected base64 encoded Ed25519 signature",
        );
}

#[tokio::test(flavor = "multi_thread")]
async fn case_14_an_outbox_holds_one_message_for_all_to_read() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    // Also as the account's only message.
    network.save(0, &bob.signer(), -1, b"first").await;
    network.clock.advance(Duration::from_millis(5));
    let second = network.save(1, &bob.signer(), -1, b"second").await;
    for index in 0..3 {
        let answer = network.retrieve(index, unsigned_retrieve(&bob, -1)).await;
        let got: Vec<_> = answer
            .messages
            .into_iter()
            .map(|message| message.hash)
            .collect();
        assert_eq!(got, std::slice::from_ref(&second));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_15_lifetimes_times_and_sizes() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let now = network.now();
    let ms = Duration::from_millis(1);
    let store =
        |time, ttl| Request::Store(Store::unsigned(bob.owner(), time, ttl, b"x".to_vec()).unwrap());
    let lifetime = "Provided expiry/TTL is not valid.";
    for ttl in [Duration::from_millis(9_900), TWO_WEEKS + ms] {
        network
            .ask(0, store(now, ttl))
            .await
            .expect_text(403, lifetime);
    }
    network.ask(0, store(now, TWO_WEEKS)).await.ok();
    let clock = "Timestamp error: check your clock";
    network
        .ask(0, store(now.plus(11_000 * ms), DAY))
        .await
        .expect_text(406, clock);
    network.ask(0, store(now.plus(10_000 * ms), DAY)).await.ok();
    network
        .ask(0, store(now.minus(DAY), DAY - 11_000 * ms))
        .await
        .expect_text(406, clock);

    let private = |ttl| {
        Request::Store(
            Store::signed(&bob.signer(), Namespace::CONTACTS, now, ttl, vec![1]).unwrap(),
        )
    };
    network.ask(0, private(30 * DAY)).await.ok();
    network
        .ask(0, private(30 * DAY + ms))
        .await
        .expect_text(403, lifetime);

    let mut large = params(&store(now, DAY));
    let text = data_encoding::BASE64.encode(&vec![0; 76_801]);
    large.insert("data".to_owned(), text.into());
    network.call(0, "store", json!(large)).await.expect_text(
        400,
        "invalid request: Message body exceeds maximum allowed length of 76800 bytes",
    );
    let largest = Store::unsigned(bob.owner(), now, DAY, vec![0; 76_800]).unwrap();
    assert_eq!(network.store(0, largest).await.successes().count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_16_limits_of_a_large_retrieval() {
    let network = Network::start(&[(SWARM, 1)]).await;
    let bob = network.person(SWARM);
    for number in 0..20u8 {
        let mut data = vec![number; 70_000];
        data[0] = number;
        network.send(0, &bob, &data).await;
    }
    let base = || Retrieve::signed(&bob.signer(), Namespace::DEFAULT, network.now());
    // A row counts 100 + 43 + 93,333.
    let row = 93_476u64;
    let share = |n: u64| usize::try_from(7_800_000 / n / row).unwrap();
    let count = |max_count, max_size| Retrieve {
        max_count,
        max_size,
        ..base()
    };
    let table = [
        (count(None, None), 16),
        (count(Some(0), Some(0)), 16),
        (count(None, Some(-1)), 20),
        (count(None, Some(-5)), share(5)),
        (count(None, Some(-8)), share(8)),
        (count(Some(5), None), 5),
        (count(Some(20), None), 20),
        (count(Some(100), None), 20),
        (count(Some(5), Some(-8)), 5),
        (count(Some(15), Some(-8)), share(8)),
        (count(None, Some(300_000)), 3),
        (count(None, Some(1)), 1),
    ];
    for (request, expected) in table {
        let answer = network.retrieve(0, request.clone()).await;
        assert_eq!(answer.messages.len(), expected, "{request:?}");
        assert_eq!(answer.more, expected < 20, "{request:?}");
    }
    let mut negative = params(&Request::Retrieve(base()));
    negative.insert("max_count".to_owned(), (-1).into());
    assert_eq!(
        network.call(0, "retrieve", json!(negative)).await.status,
        400
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn case_32_the_wrong_swarm_names_the_right_one() {
    let left = 0x4000_0000_0000_0000;
    let right = 0xc000_0000_0000_0000;
    let network = Network::start(&[(left, 2), (right, 2)]).await;
    let bob = network.person(right);
    let store = Store::unsigned(bob.owner(), network.now(), DAY, vec![1]).unwrap();
    let requests = [
        Request::Store(store.clone()),
        Request::Retrieve(Retrieve::signed(
            &bob.signer(),
            Namespace::DEFAULT,
            network.now(),
        )),
    ];
    let pubkey = bob.account.to_hex();
    for name in ["get_swarm", "get_snodes_for_pubkey"] {
        let swarm = network
            .call(1, name, json!({ "pubkey": pubkey }))
            .await
            .ok();
        for request in requests.clone() {
            let answer = network.ask(0, request).await;
            assert_eq!(answer.status, 421);
            let mut body = answer.json();
            body["t"] = swarm["t"].clone();
            assert_eq!(body, swarm);
        }
        let parsed = SwarmResponse::from_json(&swarm).unwrap();
        assert_eq!(parsed.swarm, SwarmId::new(right));
        let mut expected = vec![network.contact(2).clone(), network.contact(3).clone()];
        expected.sort_by_key(|contact| contact.legacy);
        assert_eq!(parsed.nodes, expected);
        assert_eq!(swarm["swarm"], "c000000000000000");
        assert!(swarm["snodes"][0]["port"].is_string());
        let address = swarm["snodes"][0]["address"].as_str().unwrap();
        assert!(address.ends_with(".snode") && address.len() == 58);
    }
    let batch = network.batch(0, vec![Request::Store(store)]).await;
    assert_eq!(batch.results[0].code, 421);
    assert_eq!(
        batch.results[0].redirect().unwrap().swarm,
        SwarmId::new(right)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_messages_disappear() {
    let network = Network::start(&[(SWARM, 1)]).await;
    let bob = network.person(SWARM);
    let minute = Duration::from_secs(60);
    let short = Store::unsigned(bob.owner(), network.now(), minute, b"short".to_vec()).unwrap();
    network.store(0, short).await;
    let stays = network.send(0, &bob, b"long").await;
    assert_eq!(network.hashes(0, &bob.signer(), 0).await.len(), 2);
    network.clock.advance(minute);
    network.until_held(0, &bob.signer(), 0, &[stays]).await;
    assert_eq!(network.node(0).metrics().await.expired, 1);
}
