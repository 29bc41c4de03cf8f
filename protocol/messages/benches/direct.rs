//! A text of 1,000 characters, from content to stored bytes and back.
//!
//! `cargo bench -p session-messages --bench direct`
#![allow(missing_docs, reason = "the macros make functions without any")]
#![allow(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_crypto::AccountKeys;
use session_messages::{Content, Profile, decode_direct, encode_direct};
use session_types::Timestamp;

criterion_group!(benches, direct);
criterion_main!(benches);

fn direct(c: &mut Criterion) {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let (alice, bob) = (
        AccountKeys::generate(&mut rng),
        AccountKeys::generate(&mut rng),
    );
    let now = Timestamp::from_ms(1_700_000_000_000);
    let name = session_messages::Name::new("alice").unwrap();
    let content = Content::text("x".repeat(1000))
        .unwrap()
        .with_profile(Profile::named(name));
    let to = bob.account_id();
    c.bench_function("encode_direct", |b| {
        b.iter(|| encode_direct(black_box(&content), &alice, &to, now, &mut rng).unwrap());
    });
    let stored = encode_direct(&content, &alice, &to, now, &mut rng).unwrap();
    c.bench_function("decode_direct", |b| {
        b.iter(|| decode_direct(black_box(&stored), &bob).unwrap());
    });
}
