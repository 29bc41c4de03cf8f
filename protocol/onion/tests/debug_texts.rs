//! No type that holds a key shows it when it is printed for debugging.
#![allow(clippy::unwrap_used)]

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_crypto::{Ed25519Secret, HopKey, X25519Secret};
use session_onion::packet::{
    Destination, OnionCipher, OnionRequest, build, encode_entry, parse_entry, peel,
};
use session_onion::{Hop, PeelError};

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
