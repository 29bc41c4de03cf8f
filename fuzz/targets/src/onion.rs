//! Onion requests and their answers.

use std::sync::LazyLock;

use data_encoding::BASE64;
use session_crypto::X25519Secret;
use session_onion::hop_error::HopFailure;
use session_onion::packet::{
    Destination, Entry, Hop, HopKey, Layer, OnionCipher, ReplyBody, ReplyKey, build, encode_entry,
    encode_forward, encode_reply, parse_entry, parse_forward, peel,
};
use session_onion::{OnionError, PeelError, v4};
use session_types::limits::MAX_ONION_HOPS;

use crate::actors::{node, rng};
use crate::reached::note_accepted;

const CIPHERS: [OnionCipher; 3] = [
    OnionCipher::AesGcm,
    OnionCipher::XChaCha20,
    OnionCipher::AesCbc,
];

/// What a client posts to its guard and nodes pass on: read, written again, peeled.
pub fn onion_entry(data: &[u8]) {
    let own = node(1).to_x25519();
    if let Ok(entry) = parse_entry(data) {
        assert!(entry.hop_no <= MAX_ONION_HOPS);
        let Entry {
            ciphertext,
            ephemeral_key,
            cipher,
            hop_no,
        } = entry;
        let again = encode_entry(ciphertext, &ephemeral_key, cipher, Some(hop_no));
        assert_eq!(parse_entry(&again), Ok(entry));
        match peel(&entry, &own) {
            Ok(peeled) => check_layer(&peeled.layer),
            Err(error) => drop(error.answer(&mut rng())),
        }
    }
    if let Ok(entry) = parse_forward(data) {
        assert!((1..=MAX_ONION_HOPS).contains(&entry.hop_no));
        let Entry {
            ciphertext,
            ephemeral_key,
            cipher,
            hop_no,
        } = entry;
        let again = encode_forward(ciphertext, &ephemeral_key, cipher, hop_no);
        assert_eq!(parse_forward(&again), Ok(entry));
    }
}

/// A layer as its writer encrypted it: the first byte chooses the cipher, the rest is the
/// plaintext. It is read or refused under its own key.
pub fn onion_layer(data: &[u8]) {
    let Some((choice, plaintext)) = data.split_first() else {
        return;
    };
    let cipher = CIPHERS[usize::from(*choice) % CIPHERS.len()];
    let (own, ephemeral) = (node(1).to_x25519(), X25519Secret::from_bytes([2; 32]));
    let key = HopKey::client(cipher, &ephemeral, own.public()).expect("a good key");
    let ciphertext = key.encrypt(plaintext, &mut rng());
    let body = encode_entry(&ciphertext, ephemeral.public(), cipher, None);
    match peel(&parse_entry(&body).expect("just written"), &own) {
        Ok(peeled) => check_layer(&peeled.layer),
        Err(error @ (PeelError::Layer { .. } | PeelError::Url { .. })) => {
            let (status, answer) = error.answer(&mut rng());
            assert_eq!(status, 200);
            let answer = key.decrypt(&BASE64.decode(&answer).expect("answers are base64"));
            let text = format!(r#"{{"body":"{error}","status":400}}"#);
            assert_eq!(answer.as_deref(), Ok(text.as_bytes()));
        }
        Err(other) => panic!("{other}"),
    }
}

fn check_layer(layer: &Layer) {
    note_accepted();
    match layer {
        Layer::Final { .. } => {}
        Layer::ToNode {
            ephemeral_key,
            cipher,
            ciphertext,
            ..
        } => {
            let next = encode_entry(ciphertext, ephemeral_key, *cipher, Some(1));
            assert!(parse_entry(&next).is_ok());
            let next = encode_forward(ciphertext, ephemeral_key, *cipher, 1);
            assert!(parse_forward(&next).is_ok());
        }
        Layer::ToServer {
            host, target, port, ..
        } => {
            // Nothing of it may change what the rest of the URL means.
            assert_ne!(*port, 0);
            let harmless = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
            assert!(harmless(host) && harmless(target));
            assert!(!host.contains(['/', '\\', '@', '?', '#', '%', '<', '>', '^', '|']));
            assert!(!target.contains(['\\', '@', '?', '#', '%', ':', '<', '>', '^', '|']));
            assert!(!target.split('/').any(|part| matches!(part, "." | "..")));
            assert!(target.starts_with('/') && target.ends_with("/lsrpc"));
        }
    }
}

/// A request that was sent, and the keys of everybody who may answer it: three hops and the
/// destination.
struct Sent {
    reply: ReplyKey,
    answering: Vec<HopKey>,
}

impl Sent {
    fn new(cipher: OnionCipher) -> Self {
        let secrets: Vec<X25519Secret> = (1..=4).map(|number| node(number).to_x25519()).collect();
        let hops: Vec<Hop> = (1..=4u8)
            .zip(&secrets)
            .map(|(number, secret)| Hop {
                ed25519: *node(number).public(),
                x25519: *secret.public(),
            })
            .collect();
        let destination = Destination::Node(hops[3]);
        let request = build(&hops[..3], destination, b"{}", cipher, &mut rng());
        let request = request.expect("the hops have good keys");
        let mut body = request.body;
        let mut answering = Vec::new();
        for secret in &secrets {
            let entry = parse_entry(&body).expect("just built");
            let peeled = peel(&entry, secret).expect("just built");
            answering.push(peeled.key);
            if let Layer::ToNode {
                ciphertext,
                ephemeral_key,
                cipher,
                ..
            } = peeled.layer
            {
                body = encode_entry(&ciphertext, &ephemeral_key, cipher, Some(1));
            }
        }
        Self {
            reply: request.reply,
            answering,
        }
    }
}

static SENT: LazyLock<[Sent; 3]> = LazyLock::new(|| CIPHERS.map(Sent::new));

/// An answer to a client's request.
///
/// | First byte | Meaning |
/// |---|---|
/// | mod 3 | cipher of the request |
/// | / 3, mod 5 | 0 to 3: the rest is encrypted by that hop, 3 being the destination; 4: it is the HTTP body |
/// | / 15, mod 3 | the ciphertext as base64, inside `{"result":…}`, as it is |
pub fn onion_reply(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let choice = usize::from(*choice);
    let sent = &SENT[choice % 3];
    let authenticated = CIPHERS[choice % 3] != OnionCipher::AesCbc;
    let by = choice / 3 % 5;
    let Some(key) = sent.answering.get(by) else {
        let _ = sent.reply.open_node_reply(rest);
        let _ = sent.reply.open_server_reply(rest);
        return;
    };
    let ciphertext = key.encrypt(rest, &mut rng());
    let http_body = match choice / 15 % 3 {
        0 => BASE64.encode(&ciphertext).into_bytes(),
        1 => format!(r#"{{"result":"{}"}}"#, BASE64.encode(&ciphertext)).into_bytes(),
        _ => ciphertext,
    };
    let from_node = sent.reply.open_node_reply(&http_body);
    let from_server = sent.reply.open_server_reply(&http_body);
    if !authenticated {
        return;
    }
    match from_node {
        Ok(reply) => {
            note_accepted();
            assert_eq!(by, 3);
            let body = ReplyBody::Text(&reply.body);
            let again = encode_reply(key, reply.status, body, false, true, &mut rng());
            assert_eq!(sent.reply.open_node_reply(&again).ok(), Some(reply));
        }
        Err(OnionError::AnsweredByHop { hop, .. }) => assert_eq!(hop, by),
        Err(_) => {}
    }
    match from_server {
        Ok(reply) => {
            assert_eq!(by, 3);
            assert_eq!(v4::Response::decode(&reply.encode()), Some(reply));
        }
        Err(OnionError::AnsweredByHop { hop, .. }) => assert_eq!(hop, by),
        Err(_) => {}
    }
}

/// A request to a server and its answer, after decryption.
pub fn onion_v4(data: &[u8]) {
    if let Some(request) = v4::Request::decode(data) {
        note_accepted();
        // Writing leaves one header out and may add one; after that nothing changes.
        let written = request.encode();
        let again = v4::Request::decode(&written).expect("own requests are readable");
        assert_eq!(again.encode(), written);
        assert_eq!(
            (again.endpoint, again.method, again.body),
            (request.endpoint, request.method, request.body)
        );
    }
    if let Some(response) = v4::Response::decode(data) {
        assert_eq!(v4::Response::decode(&response.encode()), Some(response));
    }
}

/// What hops say in the clear: the first byte chooses the status, the rest is the body.
pub fn hop_failure(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let statuses = [200, 400, 500, 502, 503, 504];
    let status = statuses[usize::from(*choice) % statuses.len()];
    if let Some(failure) = HopFailure::parse(status, body) {
        note_accepted();
        assert_ne!(status, 200);
        let again = HopFailure::parse(failure.status(), failure.text().as_bytes());
        assert_eq!(again, Some(failure));
    }
}
