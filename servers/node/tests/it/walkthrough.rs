//! Steps 5 to 8 of docs/protocol/walkthrough.md on seven real nodes with the keys of that page.

use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use serde_json::json;
use session_crypto::Ed25519Secret;
use session_crypto::onion_cipher::OnionCipher;
use session_onion::packet::{Destination, Hop, build};
use session_test_support::ScriptedRng;
use session_types::{Ed25519PublicKey, SwarmPubkey};
use sha2::{Digest as _, Sha256};

use crate::support::Network;

const LEFT: u64 = 0x4000_0000_0000_0000;
const RIGHT: u64 = 0xc000_0000_0000_0000;

const BOB: &str = "05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a";

/// Alice's message, step 3.
const DATA: &str = concat!(
    "CAESiQMKABIAGoADCAYogNCV/7wxOAFCsALWQnbaZeuDvGMHHS6/kMh7wkukAD7o+hJFXji01bU3FLhNI1f6TWc2VaO+",
    "+3vx802cQjFQvlSwj/YOlhOSZ18bf+rJSut6hRQt2Alws8yVYNeyCrMfcxH+y7zZend2rwdrJwxO5qfCmxpR/Quru1Yr",
    "jsc2yOBPFju8EaJIDk1n2J4ITckvkEvcllltMgqVnrXYQRlJYbFDmZOG5kS5jvyr1exLdQa8ZK0kBsKdjTp7NkYof4ux",
    "/xtndpz4Aft+nI/2HAqt0CL3bOjWgc+3lmMd0KW1gwEqp9AI3No1ZayzNOaNd89b/pV98ciKbn5dmWk0zbsrEq8zSpAR",
    "iHLmB8B8DWu5BW1yM5DgMMT2MfHY+TdUtgKb1gwwcu3ZfCkVEE4WyGALayfkx8xy67OU9zzVWkAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIAA=",
);

fn sha256(bytes: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_from_alice_to_bob() {
    let swarms = [LEFT, RIGHT, LEFT, RIGHT, LEFT, RIGHT, LEFT].map(|swarm| (swarm, 1));
    let network = Network::start(&swarms).await;
    network.clock.set(1_700_000_000_080);
    let hop = |index| Hop::from(network.contact(index));
    assert_eq!(
        network.contact(3).ed25519.to_hex(),
        "acf12b4acc1c660a8326aed34039efb728a5e496488240f50a932ab7aba51751"
    );

    let inner = format!(
        r#"{{"jsonrpc":"2.0","method":"sequence","params":{{"requests":[{{"method":"store","params":{{"pubkey":"{BOB}","timestamp":1700000000000,"namespace":0,"ttl":1209600000,"data":"{DATA}"}}}}]}}}}"#
    );
    // For each layer an ephemeral secret and a nonce.
    let mut script = ScriptedRng::new(&[0xd3, 0xd4, 0xd2, 0xd0].map(|byte| [byte; 44]).concat());
    let path = [hop(0), hop(2), hop(4)];
    let destination = Destination::Node(hop(3));
    let cipher = OnionCipher::AesGcm;
    let request = build(&path, destination, inner.as_bytes(), cipher, &mut script).unwrap();
    assert_eq!(
        sha256(&request.body),
        "64aa78006672802742932f8bf916d781e17d9f2e92301651e4e448367a391725"
    );

    let answer = network.post(0, "/onion_req/v2", request.body).await;
    assert_eq!((answer.status, answer.text.len()), (200, 1328));
    let ciphertext = BASE64.decode(answer.text.as_bytes()).unwrap();
    let plaintext = request.reply.open(&ciphertext).unwrap();
    assert_eq!(plaintext.len(), 968);
    assert_eq!(
        sha256(&plaintext),
        "f913089a087e6204670a93c2179646ffcc010d6b894d23a4aa046a1241e62158"
    );
    let reply = request
        .reply
        .open_node_reply(answer.text.as_bytes())
        .unwrap();
    assert_eq!(
        sha256(reply.body),
        "df46e4987d345364854d7b53320ec107a0ed265f2e9bb1597522e373ebbf968f"
    );

    // The wrong node names the right swarm: outside a batch as text in the answer.
    let store = format!(
        r#"{{"method":"store","params":{{"pubkey":"{BOB}","timestamp":1700000000000,"ttl":1209600000,"data":"{DATA}"}}}}"#
    );
    let wrong = Destination::Node(hop(6));
    let request = build(&path, wrong, store.as_bytes(), cipher, &mut rand::rng()).unwrap();
    let answer = network.post(0, "/onion_req/v2", request.body).await;
    let reply = request
        .reply
        .open_node_reply(answer.text.as_bytes())
        .unwrap();
    assert_eq!(reply.status, 421);
    let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(body["swarm"], "c000000000000000");
    let addresses: Vec<&str> = body["snodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["address"].as_str().unwrap())
        .collect();
    let address = "iua1s1scdtuyiy3gi5jwyqxxshwkm3rsjnbrb7ek1cimxk7fn7eo.snode";
    assert!(addresses.contains(&address), "{addresses:?}");

    // Step 8: Bob polls another member with the signature of the page.
    network.clock.advance(Duration::from_millis(970));
    let ed25519: Ed25519PublicKey =
        "65adc5bfb14b5363f1b50e63a431f6fe08ff5d4e8d362c1e3d4c56c9d044bfb0"
            .parse()
            .unwrap();
    let retrieve = json!({ "method": "retrieve", "params": {
        "namespace": 0, "pubkey": BOB, "pubkey_ed25519": ed25519, "timestamp": 1_700_000_001_000u64,
        "signature": "6Oq1s3zKnNCQv7kr6ptAF1qDCvuuCMitJ5Neb4cgLBv0NYOqIzXNt9l3Igh0vfMUWMNDKDVoREahRcSBv03bAw==",
        "last_hash": "", "max_size": -2,
    } });
    let answer = network
        .call(5, "batch", json!({ "requests": [retrieve] }))
        .await;
    let expected = format!(
        r#"{{"results":[{{"body":{{"hf":[19,4],"messages":[{{"data":"{DATA}","expiration":1701209600000,"hash":"to7q0Q2EY6ErAJeZFI+OGep/MTzqmhJiFw3EmXuAu/s","timestamp":1700000000000}}],"more":false,"t":1700000001050}},"code":200}}]}}"#
    );
    answer.expect_text(200, &expected);

    let bob: SwarmPubkey = BOB.parse().unwrap();
    assert_eq!(bob.position().get(), 0xb364_0e0c_5b14_f5ec);
    assert_eq!(
        Ed25519Secret::from_seed([0xa3; 32]).public(),
        &network.contact(3).ed25519
    );
}
