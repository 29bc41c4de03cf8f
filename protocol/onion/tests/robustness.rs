//! Bytes from strangers: no panic, and what is read is what was written.

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_crypto::X25519Secret;
use session_onion::hop_error::HopFailure;
use session_onion::packet::{
    Destination, Hop, HopKey, Layer, OnionCipher, build, encode_entry, parse_entry, parse_forward,
    peel,
};
use session_onion::{PeelError, v4};
use session_types::{Ed25519PublicKey, X25519PublicKey};

fn cipher() -> impl Strategy<Value = OnionCipher> {
    prop_oneof![
        Just(OnionCipher::AesGcm),
        Just(OnionCipher::XChaCha20),
        Just(OnionCipher::AesCbc)
    ]
}

proptest! {
    #[test]
    fn decoders_survive_anything(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse_entry(&bytes);
        let _ = parse_forward(&bytes);
        let _ = v4::Request::decode(&bytes);
        let _ = v4::Response::decode(&bytes);
        let _ = HopFailure::parse(502, &bytes);
        let mut blob = 4u32.to_le_bytes().to_vec();
        blob.extend_from_slice(&bytes);
        let _ = parse_entry(&blob);
    }

    /// A correctly encrypted layer with any content at all is a layer or refused under its key.
    #[test]
    fn any_plaintext_is_a_layer_or_refused_under_its_key(
        inner in proptest::collection::vec(any::<u8>(), 0..40),
        control in prop_oneof![
            any::<String>(),
            "\\{\"(headers|host|destination|json|target)\":(\"[a-z/]{0,8}\"|true|[0-9]{1,6})\\}",
        ],
        length in proptest::option::of(any::<u32>()),
        cipher in cipher(),
        seed in any::<u64>(),
    ) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let node = X25519Secret::generate(&mut rng);
        let ephemeral = X25519Secret::generate(&mut rng);
        let key = HopKey::client(cipher, &ephemeral, node.public()).unwrap();
        let length = length.unwrap_or_else(|| u32::try_from(inner.len()).unwrap());
        let mut plaintext = length.to_le_bytes().to_vec();
        plaintext.extend_from_slice(&inner);
        plaintext.extend_from_slice(control.as_bytes());
        let body =
            encode_entry(&key.encrypt(&plaintext, &mut rng), ephemeral.public(), cipher, None);
        match peel(&parse_entry(&body).unwrap(), &node) {
            Ok(_) | Err(PeelError::Layer { .. } | PeelError::Url { .. }) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn what_is_wrapped_is_unwrapped(
        payload in proptest::collection::vec(any::<u8>(), 0..300),
        hops in 1..6usize,
        cipher in cipher(),
        seed in any::<u64>(),
    ) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let secrets: Vec<X25519Secret> =
            (0..=hops).map(|_| X25519Secret::generate(&mut rng)).collect();
        let nodes: Vec<Hop> = secrets
            .iter()
            .zip(0u8..)
            .map(|(secret, i)| Hop {
                ed25519: Ed25519PublicKey::new([i; 32]),
                x25519: *secret.public(),
            })
            .collect();
        let destination = Destination::Node(nodes[hops]);
        let request = build(&nodes[..hops], destination, &payload, cipher, &mut rng).unwrap();
        let mut body = request.body;
        for (i, secret) in secrets.iter().enumerate() {
            match peel(&parse_entry(&body).unwrap(), secret).unwrap().layer {
                Layer::ToNode { destination, ephemeral_key, cipher, ciphertext } => {
                    prop_assert_eq!(destination, nodes[i + 1].ed25519);
                    body = encode_entry(&ciphertext, &ephemeral_key, cipher, Some(1));
                }
                Layer::Final { request, .. } => {
                    prop_assert_eq!(i, hops);
                    prop_assert_eq!(&request, &payload);
                }
                Layer::ToServer { .. } => prop_assert!(false, "no server was asked for"),
            }
        }
    }
}

#[test]
fn unusable_requests_are_refused() {
    use session_onion::OnionError;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let hop = |x25519| Hop {
        ed25519: Ed25519PublicKey::new([1; 32]),
        x25519,
    };
    let good = hop(*X25519Secret::generate(&mut rng).public());
    let small_order = hop(X25519PublicKey::new([0; 32]));
    let mut attempt = |path: &[Hop], target: Hop, payload: &[u8]| {
        build(
            path,
            Destination::Node(target),
            payload,
            OnionCipher::AesGcm,
            &mut rng,
        )
        .map(drop)
    };
    assert!(attempt(&[good], good, b"").is_ok());
    assert!(matches!(
        attempt(&[], good, b""),
        Err(OnionError::EmptyPath)
    ));
    assert!(matches!(
        attempt(&[small_order], good, b""),
        Err(OnionError::Crypto(_))
    ));
    assert!(matches!(
        attempt(&[good], small_order, b""),
        Err(OnionError::Crypto(_))
    ));
    let large = vec![b' '; 10 * 1024 * 1024];
    assert!(matches!(
        attempt(&[good], good, &large),
        Err(OnionError::TooLarge { .. })
    ));
}
