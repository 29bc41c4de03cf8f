//! Onion requests through real nodes: cases 36 to 39 and the texts of section 7.8.

use serde_json::{Value, json};
use session_crypto::onion_cipher::{HopKey, OnionCipher};
use session_crypto::{Ed25519Secret, X25519Secret};
use session_onion::packet::{Destination, Hop, build, encode_entry};
use session_storage_rpc::{Request, Retrieve, RetrieveResponse, Store, StoreResponse};
use session_types::{Ed25519PublicKey, Namespace};

use crate::support::{Answer, Network, SWARM, TWO_WEEKS};

pub(crate) const CIPHERS: [OnionCipher; 2] = [OnionCipher::AesGcm, OnionCipher::XChaCha20];

pub(crate) fn hop(network: &Network, index: usize) -> Hop {
    Hop::from(network.contact(index))
}

/// Sends a request through a path and opens the answer.
pub(crate) async fn through(
    network: &Network,
    path: &[usize],
    destination: usize,
    payload: &str,
    cipher: OnionCipher,
) -> Result<(u16, String), Answer> {
    let hops: Vec<Hop> = path.iter().map(|index| hop(network, *index)).collect();
    let destination = Destination::Node(hop(network, destination));
    let request = build(
        &hops,
        destination,
        payload.as_bytes(),
        cipher,
        &mut rand::rng(),
    )
    .unwrap();
    let answer = network.post(path[0], "/onion_req/v2", request.body).await;
    if answer.status != 200 {
        return Err(answer);
    }
    let reply = request
        .reply
        .open_node_reply(answer.text.as_bytes())
        .unwrap();
    Ok((reply.status, reply.body))
}

/// A layer for a node with control JSON of the caller's making, posted directly.
struct Layer {
    key: HopKey,
    body: Vec<u8>,
}

impl Layer {
    fn new(network: &Network, index: usize, inner: &[u8], control: &str) -> Self {
        let mut plaintext = u32::try_from(inner.len()).unwrap().to_le_bytes().to_vec();
        plaintext.extend_from_slice(inner);
        plaintext.extend_from_slice(control.as_bytes());
        Self::of_plaintext(network, index, &plaintext)
    }

    fn of_plaintext(network: &Network, index: usize, plaintext: &[u8]) -> Self {
        let cipher = OnionCipher::AesGcm;
        let ephemeral = X25519Secret::generate(&mut rand::rng());
        let key = HopKey::client(cipher, &ephemeral, &network.contact(index).x25519).unwrap();
        let ciphertext = key.encrypt(plaintext, &mut rand::rng());
        let body = encode_entry(&ciphertext, ephemeral.public(), cipher, None);
        Self { key, body }
    }

    async fn send(&self, network: &Network, index: usize) -> (u16, Vec<u8>) {
        let sent = network
            .http
            .post(network.url(index, "/onion_req/v2"))
            .body(self.body.clone());
        let answer = sent.send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.bytes().await.unwrap().to_vec(),
        )
    }

    /// Sends it and opens the base64 answer under the layer's own key.
    async fn answer(&self, network: &Network, index: usize) -> Value {
        let (status, text) = self.send(network, index).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&text));
        let ciphertext = data_encoding::BASE64.decode(&text).unwrap();
        serde_json::from_slice(&self.key.decrypt(&ciphertext).unwrap()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn store_and_retrieve_through_three_hops_with_both_ciphers() {
    let left = 0x4000_0000_0000_0000;
    let right = 0xc000_0000_0000_0000;
    let network = Network::start(&[(left, 4), (right, 3)]).await;
    let bob = network.person(right);
    for (number, cipher) in (0u8..).zip(CIPHERS) {
        let data = vec![number; 400];
        let store = Store::unsigned(bob.owner(), network.now(), TWO_WEEKS, data.clone()).unwrap();
        let sequence = Request::sequence(vec![Request::Store(store)]).unwrap();
        let (status, body) = through(&network, &[0, 1, 2], 4, &sequence.to_json_text(), cipher)
            .await
            .unwrap();
        assert_eq!(status, 200);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["results"][0]["code"], 200);
        let stored = StoreResponse::from_json(&body["results"][0]["body"]).unwrap();
        assert_eq!(stored.successes().count(), 3);

        let retrieve = Retrieve::signed(&bob.signer(), Namespace::DEFAULT, network.now());
        let retrieve = Request::Retrieve(retrieve).to_json_text();
        let (status, body) = through(&network, &[2, 3, 0], 6, &retrieve, cipher)
            .await
            .unwrap();
        assert_eq!(status, 200);
        let page = RetrieveResponse::from_json(&serde_json::from_str(&body).unwrap()).unwrap();
        assert_eq!(page.messages.last().unwrap().data, data);

        // The wrong swarm: outer status 200, inner 421, the body a text that holds the swarm.
        let (status, body) = through(&network, &[0, 1, 2], 3, &retrieve, cipher)
            .await
            .unwrap();
        assert_eq!(status, 421);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["swarm"], "c000000000000000");
        assert_eq!(body["snodes"].as_array().unwrap().len(), 3);
    }
    // Guard, two further hops and the destination each took one layer off.
    let metrics = network.node(0).metrics().await;
    assert_eq!(metrics.onion_hops, 6);
    assert_eq!(network.node(4).metrics().await.onion_final, 2);
    // A node may come up twice, also as its own next hop.
    let (status, _) = through(&network, &[0, 0, 1], 0, &info(), OnionCipher::AesGcm)
        .await
        .unwrap();
    assert_eq!(status, 200);
    network.shut_down().await;
}

fn info() -> String {
    Request::Info.to_json_text()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_answer_comes_back_whole() {
    let network = Network::start(&[(SWARM, 4)]).await;
    let bob = network.person(SWARM);
    for number in 0..12u8 {
        network.send(3, &bob, &vec![number; 76_000]).await;
    }
    let retrieve = Retrieve::signed(&bob.signer(), Namespace::DEFAULT, network.now()).max_size(-1);
    let text = Request::Retrieve(retrieve).to_json_text();
    let (status, body) = through(&network, &[0, 1, 2], 3, &text, OnionCipher::XChaCha20)
        .await
        .unwrap();
    assert_eq!(status, 200);
    let page = RetrieveResponse::from_json(&serde_json::from_str(&body).unwrap()).unwrap();
    assert_eq!(page.messages.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_entry_blob() {
    let network = Network::start(&[(SWARM, 1)]).await;
    let good = Layer::new(&network, 0, b"{}", r#"{"headers":""}"#).body;
    let key = "11".repeat(32);
    let blob = |control: &str| [&0u32.to_le_bytes()[..], control.as_bytes()].concat();
    let table = [
        (b"abc".to_vec(), "Error parsing onion request:"),
        (5u32.to_le_bytes().to_vec(), "Error parsing onion request:"),
        (blob("{"), "Error parsing onion request:"),
        (blob("{}"), "Error parsing onion request:"),
        (
            blob(r#"{"ephemeral_key":"11"}"#),
            "Error parsing onion request:",
        ),
        (
            blob(&format!(
                r#"{{"ephemeral_key":"{key}","enc_type":"rot13"}}"#
            )),
            "Error parsing onion request:",
        ),
        (
            blob(&format!(r#"{{"ephemeral_key":"{key}"}}"#)),
            "Invalid ciphertext",
        ),
    ];
    for (body, expected) in table {
        let answer = network.post(0, "/onion_req/v2", body).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text.starts_with(expected), "{}", answer.text);
    }
    let mut flipped = good;
    flipped[30] ^= 1;
    network
        .post(0, "/onion_req/v2", flipped)
        .await
        .expect_text(400, "Invalid ciphertext");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_36_bad_control_is_answered_under_the_layers_key() {
    let network = Network::start(&[(SWARM, 1)]).await;
    let inner = info();
    // `headers` wins over `host`.
    let control = r#"{"headers":"","host":"example.org","target":"/nonsense"}"#;
    let answer = Layer::new(&network, 0, inner.as_bytes(), control)
        .answer(&network, 0)
        .await;
    assert_eq!(answer["status"], 200);
    let invalid = json!({ "status": 400, "body": "Invalid json" });
    let key = "11".repeat(32);
    let controls = [
        "{".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        format!(r#"{{"destination":"{key}"}}"#),
        format!(r#"{{"destination":"11","ephemeral_key":"{key}"}}"#),
        format!(r#"{{"destination":"{key}","ephemeral_key":"{key}","enc_type":"rot13"}}"#),
        r#"{"headers":"","json":"yes"}"#.to_owned(),
        r#"{"host":"example.org","target":"/oxen/v4/lsrpc","port":"80"}"#.to_owned(),
    ];
    for control in controls {
        let layer = Layer::new(&network, 0, inner.as_bytes(), &control);
        assert_eq!(layer.answer(&network, 0).await, invalid, "{control}");
    }
    for plaintext in [&b"\x01\x00"[..], b"\xff\xff\x00\x00{}"] {
        let layer = Layer::of_plaintext(&network, 0, plaintext);
        assert_eq!(layer.answer(&network, 0).await, invalid);
    }
    let inner_errors = [
        ("{", "invalid json"),
        ("{}", "invalid json: no `method` field"),
        (r#"{"method":"ping","params":{}}"#, "no method ping"),
    ];
    for (request, text) in inner_errors {
        let layer = Layer::new(&network, 0, request.as_bytes(), r#"{"headers":{}}"#);
        let expected = json!({ "status": 400, "body": text });
        assert_eq!(layer.answer(&network, 0).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_37_targets_a_node_does_not_contact() {
    let network = Network::start_with(&[(SWARM, 1)], |config| {
        config.allow_private_relay_targets = false;
    })
    .await;
    let refused = json!({ "status": 400, "body": "Invalid url" });
    let targets = [
        "/not_loki/v3/lsrpc",
        "/loki/v3",
        "/loki/v3/lsrpc?x=/lsrpc",
        "/oxen/../file#/lsrpc",
        "/oxen/%2e%2e/lsrpc",
        "/oxen/../lsrpc",
        "/oxen\\..\\lsrpc",
    ];
    for target in targets {
        let control = json!({ "host": "example.org", "target": target }).to_string();
        let layer = Layer::new(&network, 0, b"x", &control);
        assert_eq!(layer.answer(&network, 0).await, refused, "{target}");
    }
    for protocol in ["ftp", "file"] {
        let control = json!({ "host": "example.org", "target": "/oxen/v4/lsrpc",
            "protocol": protocol })
        .to_string();
        let layer = Layer::new(&network, 0, b"x", &control);
        assert_eq!(layer.answer(&network, 0).await, refused);
    }
    for host in ["127.0.0.1", "2130706433", "192.168.1.1", "[::1]"] {
        let control = json!({ "host": host, "target": "/oxen/v4/lsrpc", "protocol": "http" });
        let layer = Layer::new(&network, 0, b"x", &control.to_string());
        assert_eq!(layer.answer(&network, 0).await, refused, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_38_next_hops_that_are_not_there_and_too_many_hops() {
    let mut network = Network::start(&[(SWARM, 3)]).await;
    let unknown = Ed25519Secret::from_seed([1; 32]);
    let stranger = Hop {
        ed25519: *unknown.public(),
        x25519: *unknown.to_x25519().public(),
    };
    for cipher in CIPHERS {
        let path = [hop(&network, 0), hop(&network, 1), stranger];
        let destination = Destination::Node(hop(&network, 2));
        let request = build(
            &path,
            destination,
            info().as_bytes(),
            cipher,
            &mut rand::rng(),
        )
        .unwrap();
        let expected = format!("Next node not found: {}", unknown.public());
        network
            .post(0, "/onion_req/v2", request.body)
            .await
            .expect_text(502, &expected);
    }
    network.stop(2).await;
    let gone = through(&network, &[0, 1], 2, &info(), OnionCipher::AesGcm)
        .await
        .unwrap_err();
    let expected = format!(
        "Next node is currently unreachable: {}",
        network.contact(2).ed25519
    );
    gone.expect_text(502, &expected);

    let hop_no = |hop_no: i64| {
        let ephemeral = X25519Secret::generate(&mut rand::rng());
        let cipher = OnionCipher::AesGcm;
        let key = HopKey::client(cipher, &ephemeral, &network.contact(0).x25519).unwrap();
        let inner = info();
        let mut plaintext = u32::try_from(inner.len()).unwrap().to_le_bytes().to_vec();
        plaintext.extend_from_slice(inner.as_bytes());
        plaintext.extend_from_slice(br#"{"headers":""}"#);
        let ciphertext = key.encrypt(&plaintext, &mut rand::rng());
        let mut body = u32::try_from(ciphertext.len())
            .unwrap()
            .to_le_bytes()
            .to_vec();
        body.extend_from_slice(&ciphertext);
        let control = json!({ "ephemeral_key": ephemeral.public(), "hop_no": hop_no });
        body.extend_from_slice(control.to_string().as_bytes());
        body
    };
    for passed in [-3, 0, 15] {
        assert_eq!(
            network
                .post(0, "/onion_req/v2", hop_no(passed))
                .await
                .status,
            200
        );
    }
    network
        .post(0, "/onion_req/v2", hop_no(16))
        .await
        .expect_text(400, "onion request max path length exceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_39_forms_of_the_answer() {
    let network = Network::start(&[(SWARM, 1)]).await;
    let inner = info();
    let layer = |control: &str| Layer::new(&network, 0, inner.as_bytes(), control);
    let default = layer(r#"{"headers":""}"#).answer(&network, 0).await;
    let text = default["body"].as_str().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(text).unwrap()["hf"],
        json!([19, 4])
    );
    let nested = layer(r#"{"headers":"","json":true}"#)
        .answer(&network, 0)
        .await;
    assert_eq!(nested["body"]["hf"], json!([19, 4]));
    let raw = layer(r#"{"headers":"","base64":false}"#);
    let (status, ciphertext) = raw.send(&network, 0).await;
    assert_eq!(status, 200);
    let plaintext = raw.key.decrypt(&ciphertext).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&plaintext).unwrap()["status"],
        200
    );
    let binary = r#"{"method":"active_nodes_bin","params":{}}"#;
    let binary = Layer::new(&network, 0, binary.as_bytes(), r#"{"headers":""}"#);
    let binary = binary.answer(&network, 0).await;
    let bytes = data_encoding::BASE64.decode(binary["body"].as_str().unwrap().as_bytes());
    assert_eq!(bytes.unwrap().len(), 51);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_are_not_ready_say_so() {
    let mut network = Network::start(&[(SWARM, 2), (1 << 60, 1)]).await;
    let swarm = session_types::SwarmId::UNASSIGNED;
    network.assign(2, swarm);
    network.publish();
    let as_guard = through(&network, &[2, 0], 1, &info(), OnionCipher::AesGcm).await;
    as_guard
        .unwrap_err()
        .expect_text(503, "Service node is not ready: not in any swarm\n");
    let as_relay = through(&network, &[0, 2], 1, &info(), OnionCipher::AesGcm).await;
    let expected = format!("Snode not ready: {}", network.contact(2).ed25519);
    as_relay.unwrap_err().expect_text(503, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn relays_are_bounded() {
    let network = Network::start_with(&[(SWARM, 2)], |config| config.limits.max_relays = 0).await;
    let refused = through(&network, &[0], 1, &info(), OnionCipher::AesGcm)
        .await
        .unwrap_err();
    refused.expect_text(503, "Server busy, try again later");
    let key: Ed25519PublicKey = network.contact(0).ed25519;
    assert_eq!(network.node(0).contact().ed25519, key);
    assert_eq!(network.node(0).metrics().await.refused_busy, 1);
}
