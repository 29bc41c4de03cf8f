//! Onion requests of 1 KB through three hops to a node: built by the client, peeled by nodes.
//!
//! `cargo bench -p session-onion --bench packets`
#![allow(missing_docs, reason = "the macros make functions without any")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench stops at the first surprise"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_crypto::{Ed25519Secret, X25519Secret};
use session_onion::Hop;
use session_onion::packet::{
    Destination, Layer, OnionCipher, ReplyBody, build, encode_entry, encode_reply, parse_entry,
    peel,
};

criterion_group!(benches, packets);
criterion_main!(benches);

fn packets(c: &mut Criterion) {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let (hops, secrets): (Vec<Hop>, Vec<X25519Secret>) = (0..4)
        .map(|_| {
            let identity = Ed25519Secret::generate(&mut rng);
            let secret = identity.to_x25519();
            let (ed25519, x25519) = (*identity.public(), *secret.public());
            (Hop { ed25519, x25519 }, secret)
        })
        .unzip();
    let (path, destination) = (&hops[..3], Destination::Node(hops[3]));
    let payload = vec![b'x'; 1024];
    for cipher in [OnionCipher::XChaCha20, OnionCipher::AesGcm] {
        let mut group = c.benchmark_group(format!("onion_{cipher}"));
        group.bench_function("build", |b| {
            b.iter(|| build(path, destination, black_box(&payload), cipher, &mut rng).unwrap());
        });

        let request = build(path, destination, &payload, cipher, &mut rng).unwrap();
        let guard = &secrets[0];
        group.bench_function("peel_at_guard", |b| {
            b.iter(|| peel(&parse_entry(black_box(&request.body)).unwrap(), guard).unwrap());
        });

        let mut body = request.body.clone();
        for secret in &secrets[..3] {
            let layer = peel(&parse_entry(&body).unwrap(), secret).unwrap().layer;
            let Layer::ToNode {
                ciphertext,
                ephemeral_key,
                cipher,
                ..
            } = layer
            else {
                panic!("three hops pass it on");
            };
            body = encode_entry(&ciphertext, &ephemeral_key, cipher, Some(1));
        }
        let last = peel(&parse_entry(&body).unwrap(), &secrets[3]).unwrap();
        let text = "y".repeat(1024);
        let reply = ReplyBody::Text(&text);
        group.bench_function("write_reply", |b| {
            b.iter(|| encode_reply(&last.key, 200, black_box(reply), false, true, &mut rng));
        });
        let answer = encode_reply(&last.key, 200, reply, false, true, &mut rng);
        group.bench_function("open_reply", |b| {
            b.iter(|| request.reply.open_node_reply(black_box(&answer)).unwrap());
        });
    }
}
