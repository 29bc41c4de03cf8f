//! Encrypting and decrypting 1 KB, blinded ids, and signatures checked one by one and together.
//!
//! `cargo bench -p session-crypto --bench messages`
#![allow(missing_docs, reason = "the macros make functions without any")]
#![allow(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use session_crypto::group_message::{self, Framing};
use session_crypto::{
    AccountKeys, Ed25519Secret, Ed25519Verifier, X25519Secret, blinding, direct, multi_recipient,
};
use session_types::X25519PublicKey;

criterion_group!(
    benches,
    one_to_one,
    blinded_ids,
    many_recipients,
    groups,
    signatures
);
criterion_main!(benches);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([1; 32])
}

/// 1 KB that cannot be compressed.
fn kilobyte() -> Vec<u8> {
    let mut message = vec![0; 1024];
    rng().fill_bytes(&mut message);
    message
}

fn one_to_one(c: &mut Criterion) {
    let mut rng = rng();
    let (alice, bob) = (
        AccountKeys::generate(&mut rng),
        AccountKeys::generate(&mut rng),
    );
    let (sender, recipient, message) = (alice.ed25519(), *bob.x25519().public(), kilobyte());
    let mut group = c.benchmark_group("direct");
    group.bench_function("encrypt", |b| {
        b.iter(|| direct::encrypt(sender, &recipient, black_box(&message), &mut rng));
    });
    group.bench_function("encrypt_deterministic", |b| {
        b.iter(|| direct::encrypt_deterministic(sender, &recipient, black_box(&message)));
    });
    let sealed = direct::encrypt_deterministic(sender, &recipient, &message).unwrap();
    group.bench_function("decrypt", |b| {
        b.iter(|| direct::decrypt(bob.x25519(), black_box(&sealed)).unwrap());
    });
}

fn blinded_ids(c: &mut Criterion) {
    let account = AccountKeys::generate(&mut rng()).account_id();
    let server = *X25519Secret::from_bytes([9; 32]).public();
    let mut group = c.benchmark_group("blinding");
    group.bench_function("candidates_15", |b| {
        b.iter(|| blinding::candidates_15(black_box(&account), &server).unwrap());
    });
    group.bench_function("id_25", |b| {
        b.iter(|| blinding::id_25(black_box(&account), &server).unwrap());
    });
}

fn many_recipients(c: &mut Criterion) {
    const DOMAIN: &[u8] = b"bench";
    let mut rng = rng();
    let sender = X25519Secret::generate(&mut rng);
    let members: Vec<X25519Secret> = (0..100).map(|_| X25519Secret::generate(&mut rng)).collect();
    let keys: Vec<X25519PublicKey> = members.iter().map(|member| *member.public()).collect();
    let message = kilobyte();
    let mut encrypt = || {
        let messages = [black_box(message.as_slice())];
        multi_recipient::encrypt_container(&sender, &keys, None, DOMAIN, &messages, 0, &mut rng)
    };
    let container = encrypt().unwrap();
    let mut group = c.benchmark_group("multi_recipient");
    group.bench_function("encrypt_100", |b| b.iter(&mut encrypt));
    let last = members.last().unwrap();
    group.bench_function("decrypt_as_last_of_100", |b| {
        b.iter(|| {
            let from = sender.public();
            multi_recipient::decrypt_container(last, from, DOMAIN, black_box(&container)).unwrap()
        });
    });
}

fn groups(c: &mut Criterion) {
    let mut rng = rng();
    let alice = AccountKeys::generate(&mut rng);
    let id = *Ed25519Secret::generate(&mut rng).public();
    let (key, message, framing) = ([7; 32], kilobyte(), Framing::default());
    let mut encrypt = || {
        let message = black_box(message.as_slice());
        group_message::encrypt(alice.ed25519(), &id, &key, message, framing, &mut rng)
    };
    let sealed = encrypt().unwrap();
    let mut group = c.benchmark_group("group_message");
    group.bench_function("encrypt", |b| b.iter(&mut encrypt));
    group.bench_function("decrypt", |b| {
        b.iter(|| group_message::decrypt([&key], &id, black_box(&sealed)).unwrap());
    });
}

/// What a device asks with when it looks whether anything has come: five retrieves.
fn signatures(c: &mut Criterion) {
    let secret = Ed25519Secret::from_seed([3; 32]);
    let key = Ed25519Verifier::new(secret.public()).unwrap();
    let texts = [0, 2, 3, 4, 5].map(|namespace| format!("retrieve{namespace}1700000000000"));
    let signatures = texts.each_ref().map(|text| secret.sign(text.as_bytes()));
    let signed: Vec<_> = texts
        .iter()
        .map(String::as_bytes)
        .zip(&signatures)
        .collect();
    let mut group = c.benchmark_group("verify");
    group.bench_function("five", |b| {
        b.iter(|| {
            for (text, signature) in black_box(&signed) {
                key.verify(text, signature).unwrap();
            }
        });
    });
    group.bench_function("five_together", |b| {
        b.iter(|| key.verify_together(black_box(&signed)).unwrap());
    });
}
