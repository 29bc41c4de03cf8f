//! What a node does with a request before it touches its database, and what a client does with the
//! answer.
//!
//! `cargo bench -p session-storage-rpc --bench requests`
#![allow(missing_docs, reason = "the macros make functions without any")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a bench stops at the first surprise"
)]

use core::time::Duration;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use session_crypto::AccountKeys;
use session_storage_rpc::response::RetrievedMessage;
use session_storage_rpc::{
    AccountSigner, CheckContext, HardFork, NoAuthMemory, Origin, Request, Retrieve,
    RetrieveResponse, Store,
};
use session_types::{MessageHash, Namespace, Timestamp};

criterion_group!(benches, store, retrieve);
criterion_main!(benches);

const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn context() -> CheckContext<'static> {
    CheckContext {
        now: NOW,
        origin: Origin::Client,
        hf: HardFork::new(19, 4),
        revoked: false,
        memory: &NoAuthMemory,
    }
}

fn store(c: &mut Criterion) {
    let keys = AccountKeys::from_seed16([7; 16]);
    let data = vec![0xa5; 1024];
    let unsigned = Store::unsigned(keys.account_id().into(), NOW, DAY, data.clone()).unwrap();
    let request = Request::Store(unsigned);
    let body = request.to_json_text();
    let mut group = c.benchmark_group("store_1KB");
    group.bench_function("parse_json_and_check", |b| {
        b.iter(|| {
            let request = Request::from_json_body(black_box(body.as_bytes())).unwrap();
            request.check(&context()).unwrap();
            request
        });
    });
    let passed_on = request.to_forward_bt().unwrap();
    group.bench_function("parse_forwarded", |b| {
        b.iter(|| Request::from_forwarded("store", black_box(&passed_on)).unwrap());
    });
    let signer = AccountSigner::new(keys.account_id(), keys.ed25519());
    let signed = Store::signed(&signer, Namespace::new(2), NOW, DAY, data).unwrap();
    let body = Request::Store(signed).to_json_text();
    group.bench_function("signed_parse_json_and_verify", |b| {
        b.iter(|| {
            let request = Request::from_json_body(black_box(body.as_bytes())).unwrap();
            request.check(&context()).unwrap();
            request
        });
    });
}

fn retrieve(c: &mut Criterion) {
    let keys = AccountKeys::from_seed16([7; 16]);
    let signer = AccountSigner::new(keys.account_id(), keys.ed25519());
    let mut group = c.benchmark_group("retrieve");
    group.bench_function("sign_and_write", |b| {
        b.iter(|| {
            Request::Retrieve(Retrieve::signed(
                black_box(&signer),
                Namespace::DEFAULT,
                NOW,
            ))
            .to_json_text()
        });
    });
    let request = Request::Retrieve(Retrieve::signed(&signer, Namespace::DEFAULT, NOW));
    let body = request.to_json_text();
    group.bench_function("parse_and_verify", |b| {
        b.iter(|| {
            let request = Request::from_json_body(black_box(body.as_bytes())).unwrap();
            request.check(&context()).unwrap();
            request
        });
    });
    let message = |number| RetrievedMessage {
        hash: MessageHash::from_digest(&[number; 32]),
        timestamp: NOW,
        expiration: NOW.plus(DAY),
        data: vec![number; 1024],
    };
    let answer = RetrieveResponse {
        messages: (0..10).map(message).collect(),
        more: false,
        t: Some(NOW),
        hf: Some(HardFork::new(19, 4)),
    };
    group.bench_function("write_answer_of_10", |b| {
        b.iter(|| black_box(answer.clone()).into_tree().to_json_text());
    });
    let text = answer.clone().into_tree().to_json_text();
    group.bench_function("read_answer_of_10", |b| {
        b.iter(|| {
            let json = serde_json::from_str(black_box(&text)).unwrap();
            RetrieveResponse::from_json(&json).unwrap()
        });
    });
}
