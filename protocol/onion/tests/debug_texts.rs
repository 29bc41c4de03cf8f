//! No type that holds a key shows it when it is printed for debugging.
#![allow(clippy::unwrap_used, clippy::panic)]

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_crypto::{Ed25519Secret, HopKey, X25519Secret};
use session_onion::packet::{
    Destination, Layer, NodeReply, OnionCipher, OnionRequest, ReplyBody, ServerProtocol, build,
    encode_entry, parse_entry, peel,
};
use session_onion::{Hop, PeelError, v4};

#[test]
fn texts() {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let node = X25519Secret::from_bytes([7; 32]);
    let hop = Hop {
        ed25519: *Ed25519Secret::from_seed([7; 32]).public(),
        x25519: *node.public(),
    };
    let (cipher, destination) = (OnionCipher::XChaCha20, Destination::Node(hop));
    let request = build(&[hop], destination, b"{}", cipher, &mut rng).unwrap();
    let peeled = peel(&parse_entry(&request.body).unwrap(), &node).unwrap();

    let OnionRequest { reply, .. } = &request;
    let table = [
        (format!("{reply:?}"), "ReplyKey { cipher: XChaCha20, .. }"),
        (
            format!("{:?}", peeled.key),
            "HopKey { cipher: XChaCha20, .. }",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(text, expected);
    }
    // Both show their keys no other way.
    assert_eq!(
        format!("{request:?}"),
        format!(
            "OnionRequest {{ body: {:?}, reply: {reply:?} }}",
            request.body
        )
    );
    assert_eq!(
        format!("{peeled:?}"),
        format!(
            "Peeled {{ key: {:?}, layer: {:?} }}",
            peeled.key, peeled.layer
        )
    );
}

#[test]
fn refusals_hold_keys_too() {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let (node, ephemeral) = (
        X25519Secret::from_bytes([7; 32]),
        X25519Secret::from_bytes([8; 32]),
    );
    let key = HopKey::client(OnionCipher::AesGcm, &ephemeral, node.public()).unwrap();
    let mut refused = |plaintext: &[u8]| -> PeelError {
        let ciphertext = key.encrypt(plaintext, &mut rng);
        let body = encode_entry(&ciphertext, ephemeral.public(), OnionCipher::AesGcm, None);
        peel(&parse_entry(&body).unwrap(), &node).unwrap_err()
    };
    assert_eq!(
        format!("{:?}", refused(b"")),
        "Layer { key: HopKey { cipher: AesGcm, .. } }"
    );
    let url = br#"{"host":"a b","target":"/oxen/v4/lsrpc"}"#;
    assert_eq!(
        format!("{:?}", refused(&[&[0; 4], &url[..]].concat())),
        "Url { key: HopKey { cipher: AesGcm, .. } }"
    );
}

/// What is asked and answered, and where it goes, is nobody's business but the two ends'.
#[test]
fn contents() {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let node = X25519Secret::from_bytes([7; 32]);
    let hop = Hop {
        ed25519: *Ed25519Secret::from_seed([7; 32]).public(),
        x25519: *node.public(),
    };
    let server = Destination::Server {
        host: "example.org",
        port: 443,
        protocol: ServerProtocol::Https,
        target: "/oxen/v4/lsrpc",
        x25519: *node.public(),
    };
    let mut peeled = |destination| {
        let request = build(&[hop], destination, b"{}", OnionCipher::XChaCha20, &mut rng).unwrap();
        peel(&parse_entry(&request.body).unwrap(), &node)
            .unwrap()
            .layer
    };
    let to_server = format!("{:?}", peeled(server));
    assert!(to_server.starts_with("ToServer(") && to_server.ends_with(" bytes)"));
    let to_node = peeled(Destination::Node(hop));
    let Layer::ToNode {
        ephemeral_key,
        cipher,
        ciphertext,
        ..
    } = &to_node
    else {
        panic!("{to_node:?}")
    };
    let length = ciphertext.len();
    assert_eq!(format!("{to_node:?}"), format!("ToNode({length} bytes)"));
    let inner = encode_entry(ciphertext, ephemeral_key, *cipher, None);
    let last = peel(&parse_entry(&inner).unwrap(), &node).unwrap().layer;
    assert_eq!(format!("{last:?}"), "Final(2 bytes)");
    let request = v4::Request {
        endpoint: "/room/secrets".to_owned(),
        method: "POST".to_owned(),
        headers: [("X-SOGS-Pubkey".to_owned(), "15ab".to_owned())].into(),
        body: Some(b"text".to_vec()),
    };
    let response = v4::Response {
        code: 200,
        headers: v4::Headers::new(),
        body: b"text".to_vec(),
    };
    let reply = NodeReply {
        status: 200,
        body: "text".to_owned(),
    };
    let table = [
        (format!("{request:?}"), "Request { method: \"POST\", .. }"),
        (
            format!("{response:?}"),
            "Response { code: 200, body: 4 bytes, .. }",
        ),
        (
            format!("{reply:?}"),
            "NodeReply { status: 200, body: 4 bytes }",
        ),
        (format!("{:?}", ReplyBody::Json("{}")), "Json(2 bytes)"),
        (format!("{:?}", ReplyBody::Text("text")), "Text(4 bytes)"),
        (
            format!("{:?}", ReplyBody::Binary(b"abc")),
            "Binary(3 bytes)",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(text, expected);
    }
}
