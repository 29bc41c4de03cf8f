//! Requests made to do harm: nothing of them may crash a node, run for long, or be believed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use session_crypto::Ed25519Secret;
use session_crypto::onion_cipher::OnionCipher;
use session_onion::packet::{Destination, Hop, build};
use session_storage_rpc::request::Delete;
use session_storage_rpc::{Request, Retrieve};
use session_types::{MessageHash, Namespace};

use crate::onion::hop;
use crate::peer_traffic::{send, send_as};
use crate::support::{Answer, Network, Person, SWARM, params};

const PATHS: [&str; 5] = [
    "/storage_rpc/v1",
    "/onion_req/v2",
    "/node/v1/storage_cc",
    "/node/v1/data",
    "/node/v1/data_ready",
];

/// No single request may keep a node busy for longer, slow test machines included.
const PATIENCE: Duration = Duration::from_secs(10);

fn repeated(what: &str, times: usize) -> Vec<u8> {
    what.as_bytes().repeat(times)
}

/// Bodies that are hard to read.
fn bodies() -> Vec<Vec<u8>> {
    let million = 1_000_000;
    let mut bodies = vec![
        Vec::new(),
        vec![0],
        vec![0xff; 100_000],
        repeated("[", million),
        repeated(r#"{"a":"#, million),
        repeated("[]", 50),
        repeated("l", million),
        repeated("d1:a", million),
        [repeated("l", 5000), repeated("e", 5000)].concat(),
        b"99999999999999999999:x".to_vec(),
        b"10000000000:".to_vec(),
        b"i99999999999999999999999999e".to_vec(),
        b"i-0e".to_vec(),
        b"d1:b1:x1:a1:xe".to_vec(),
        b"\x01l".to_vec(),
        [b"\x01l".to_vec(), repeated("le", million)].concat(),
        b"\xff\xff\xff\xff{}".to_vec(),
        [vec![0; 4], repeated("[", million)].concat(),
        // Little text that makes many values.
        [b"[".to_vec(), repeated("0,", 4 * million), b"0]".to_vec()].concat(),
        [b"[".to_vec(), repeated("[],", 3 * million), b"0]".to_vec()].concat(),
        [b"l".to_vec(), repeated("i0e", 3 * million), b"e".to_vec()].concat(),
        [
            vec![0; 4],
            b"{\"a\":[".to_vec(),
            repeated("0,", 4 * million),
            b"0]}".to_vec(),
        ]
        .concat(),
        br#"{"method":"info","params":{},"method":"batch"}"#.to_vec(),
        br#"{"method":"info","params":{"a":1e999}}"#.to_vec(),
        br#"{"method":"\ud800","params":{}}"#.to_vec(),
        b"{\"method\":\"info\",\"params\":{}}\0".to_vec(),
    ];
    // A good request cut off anywhere.
    let good = br#"{"method":"get_swarm","params":{"pubkey":"0500"}}"#;
    bodies.extend((1..good.len()).map(|end| good[..end].to_vec()));
    bodies
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_hard_to_read_are_refused() {
    let network = Network::start(&[(SWARM, 2)]).await;
    for path in PATHS {
        for body in bodies() {
            let start = Instant::now();
            let shown: String = String::from_utf8_lossy(&body).chars().take(40).collect();
            let answer = network.post(0, path, body.clone()).await;
            assert!(
                (400..500).contains(&answer.status),
                "{path} {shown} {answer:?}"
            );
            // The same from a member of the swarm, whose word counts.
            if path.starts_with("/node") {
                let answer = send_as(&network, 1, 0, path, body).await;
                assert!(
                    (400..500).contains(&answer.status),
                    "{path} {shown} {answer:?}"
                );
            }
            assert!(start.elapsed() < PATIENCE, "{path} {shown}");
        }
    }
    network.call(0, "info", json!({})).await.ok();
    assert_eq!(network.node(0).message_count().await.unwrap(), 0);
    network.shut_down().await;
}

/// A value of a type nobody expects in every place of every request.
#[tokio::test(flavor = "multi_thread")]
async fn values_of_the_wrong_type_are_refused_or_ignored() {
    let network = Network::start(&[(SWARM, 1)]).await;
    let owner = network.person(SWARM).account.to_hex();
    let deep = (0..60).fold(json!(1), |inner, _| json!([inner]));
    let odd = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("\u{0}"),
        json!("ä".repeat(1000)),
        json!([]),
        json!({}),
        json!([[[]]]),
        deep,
    ];
    let fields = [
        "pubkey",
        "timestamp",
        "ttl",
        "expiry",
        "data",
        "namespace",
        "signature",
        "subaccount",
        "subaccount_sig",
        "pubkey_ed25519",
        "sig_timestamp",
        "messages",
        "before",
        "max_size",
        "max_count",
        "last_hash",
        "required",
        "shorten",
        "extend",
        "revoke",
        "unrevoke",
        "endpoint",
        "params",
        "requests",
        "if",
        "then",
        "else",
    ];
    for method in session_storage_rpc::Method::ALL {
        for field in fields {
            for value in &odd {
                let params = json!({ "pubkey": owner, field: value });
                let request = json!({ "method": method.name(), "params": params }).to_string();
                let parsed = Request::from_json_body(request.as_bytes());
                // What the parser takes must be answered; one of each kind goes over the wire.
                if parsed.is_ok() || value == &odd[0] {
                    let answer = network.post(0, "/onion_req/v2", inside(&network, &request));
                    assert_eq!(answer.await.status, 200, "{request}");
                }
            }
        }
    }
    assert_eq!(network.node(0).message_count().await.unwrap(), 0);
}

/// The request in an onion: those are not limited in number.
fn inside(network: &Network, request: &str) -> Vec<u8> {
    let node = hop(network, 0);
    let request = build(
        &[node],
        Destination::Node(node),
        request.as_bytes(),
        OnionCipher::AesGcm,
        &mut rand::rng(),
    );
    request.unwrap().body
}

/// `ifelse` within `ifelse`, as deep as it goes.
fn nested(levels: usize, innermost: Value) -> Value {
    (0..levels).fold(innermost, |inner, _| {
        json!({ "method": "ifelse",
            "params": { "if": { "height_at_least": 0 }, "then": inner } })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_within_requests_end_somewhere() {
    let network = Network::start(&[(SWARM, 1)]).await;
    let info = json!({ "method": "info", "params": {} });
    let ask = async |request: Value| {
        let start = Instant::now();
        let answer = network
            .post(0, "/storage_rpc/v1", request.to_string())
            .await;
        assert!(start.elapsed() < PATIENCE);
        answer
    };
    // Each level has three of JSON, which ends at 128.
    let batch = json!({ "method": "batch", "params": { "requests": vec![info.clone(); 20] } });
    let mut answer = ask(nested(30, batch)).await.ok();
    for _ in 0..30 {
        answer = answer["result"]["body"].take();
    }
    assert_eq!(answer["results"].as_array().unwrap().len(), 20);
    for levels in [100, 5_000] {
        let text = format!(
            "{}{info}{}",
            r#"{"method":"ifelse","params":{"if":{"height_at_least":0},"then":"#.repeat(levels),
            "}}".repeat(levels),
        );
        let refused = network.post(0, "/storage_rpc/v1", text).await;
        refused.expect_text(400, "invalid json");
    }
    // Twenty of twenty of twenty.
    let mut bomb = info;
    for _ in 0..3 {
        bomb = json!({ "method": "batch", "params": { "requests": vec![bomb; 20] } });
    }
    ask(bomb).await.expect_text(
        400,
        "invalid request: Invalid batch subrequest: subrequests may not contain meta-requests",
    );
}

/// As many hashes as a body holds, none of them known.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_about_very_many_messages_is_answered() {
    let network = Network::start(&[(SWARM, 1)]).await;
    let bob = network.person(SWARM);
    let hashes = (0..200_000u32).map(|number| {
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&number.to_le_bytes());
        MessageHash::from_digest(&digest)
    });
    let request = Delete::signed(&bob.signer(), hashes.collect()).unwrap();
    let start = Instant::now();
    let slow = network.ask(0, Request::Delete(request));
    // Others are not kept waiting for it.
    let quick = async {
        let mut longest = Duration::ZERO;
        for number in 0..20u8 {
            let start = Instant::now();
            network.send(0, &bob, &[number]).await;
            longest = longest.max(start.elapsed());
        }
        longest
    };
    let (answer, longest) = futures_util::future::join(slow, quick).await;
    answer.ok();
    println!(
        "200,000 hashes took {:?}, a store at most {longest:?}",
        start.elapsed()
    );
    assert!(start.elapsed() < 2 * PATIENCE);
    assert!(longest < PATIENCE, "{longest:?}");
}

/// A path through one node again and again.
async fn around(network: &Network, hops: usize) -> Answer {
    let path: Vec<Hop> = vec![hop(network, 0); hops];
    let destination = Destination::Node(hop(network, 0));
    let info = br#"{"method":"info","params":{}}"#;
    let request = build(
        &path,
        destination,
        info,
        OnionCipher::XChaCha20,
        &mut rand::rng(),
    );
    network
        .post(0, "/onion_req/v2", request.unwrap().body)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_38_a_path_in_circles_ends_after_fifteen_hops() {
    let network = Network::start(&[(SWARM, 1)]).await;
    assert_eq!(around(&network, 15).await.status, 200);
    let before = network.node(0).metrics().await.onion_hops;
    for hops in [16, 100, 400] {
        let answer = around(&network, hops).await;
        answer.expect_text(400, "onion request max path length exceeded");
    }
    // Sixteen layers of each were taken off, whatever was left.
    let after = network.node(0).metrics().await.onion_hops;
    assert_eq!(after - before, 3 * 16);
    network.call(0, "info", json!({})).await.ok();
}

fn retrieve(bob: &Person, network: &Network) -> Request {
    let request = Retrieve::signed(&bob.signer(), Namespace::DEFAULT, network.now());
    Request::Retrieve(request)
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_requests_age() {
    let network = Network::start(&[(SWARM, 2)]).await;
    let bob = network.person(SWARM);
    network.send(0, &bob, b"secret").await;
    let recorded = retrieve(&bob, &network);
    let key = Ed25519Secret::from_seed(network.seed(1));
    let recipient = network.contact(0).ed25519;
    let (time, path) = (network.now(), "/node/v1/data_ready");
    let hello = || b"d1:@i0e1:ti0ee".to_vec();
    for (advance, client, node) in [(0, 200, 200), (60_000, 200, 200), (1, 406, 401)] {
        network.clock.advance(Duration::from_millis(advance));
        let answer = network.ask(0, recorded.clone()).await;
        assert_eq!(answer.status, client);
        let answer = send(&network, 0, &key, &recipient, time, path, hello()).await;
        assert_eq!(answer.status, node);
    }
    // What one node was sent is nothing to another, and nothing at another path.
    let now = network.now();
    let elsewhere = send(&network, 1, &key, &recipient, now, path, hello()).await;
    elsewhere.expect_text(401, "node signature verification failed");
}

/// Every bit of a signature counts, also right after the good one was seen and remembered.
#[tokio::test(flavor = "multi_thread")]
async fn forged_signatures_open_nothing() {
    let network = Network::start(&[(SWARM, 1)]).await;
    let bob = network.person(SWARM);
    network.send(0, &bob, b"secret").await;
    let good = retrieve(&bob, &network);
    network.ask(0, good.clone()).await.ok();
    let mut fields = params(&good);
    let text = fields["signature"].as_str().unwrap();
    let signature = data_encoding::BASE64.decode(text.as_bytes()).unwrap();
    let mut forgeries: Vec<Vec<u8>> = (0..64)
        .map(|at| {
            let mut forged = signature.clone();
            forged[at] ^= 1 << (at % 8);
            forged
        })
        .collect();
    // The same number in another form: S plus the order of the group.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut other_form = signature.clone();
    let mut carry = 0;
    for (byte, order) in other_form[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    forgeries.push(other_form);
    forgeries.extend([vec![0; 64], vec![0xff; 64]]);
    for forged in forgeries {
        let text = data_encoding::BASE64.encode(&forged);
        fields.insert("signature".to_owned(), text.into());
        network
            .call(0, "retrieve", json!(fields))
            .await
            .expect_text(401, "retrieve signature verification failed");
    }
    // Somebody who signs well, for somebody else's account.
    let eve = Person::number(99_999);
    let theirs = retrieve(&eve, &network);
    let mut fields = params(&theirs);
    for pubkey_ed25519 in [eve.key.public(), bob.key.public()] {
        fields.insert("pubkey".to_owned(), bob.account.to_hex().into());
        fields.insert("pubkey_ed25519".to_owned(), pubkey_ed25519.to_hex().into());
        network
            .call(0, "retrieve", json!(fields))
            .await
            .expect_text(401, "retrieve signature verification failed");
    }
    network.ask(0, good).await.ok();
}
