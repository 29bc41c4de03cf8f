//! Files of 10 MB, piece by piece as they are read and written.
//!
//! `cargo bench -p session-crypto --bench attachments`
#![allow(missing_docs, reason = "the macros make functions without any")]
#![allow(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_crypto::attachment::legacy;
use session_crypto::attachment::{self, Decryptor, DerivedKey, Domain, Encryptor, KeyDerivation};

criterion_group!(benches, stream, older_form);
criterion_main!(benches);

const SIZE: u64 = 10_000_000;
const PIECE: usize = 65_536;

fn file() -> Vec<u8> {
    (0..SIZE)
        .map(|place| (place % 251).to_le_bytes()[0])
        .collect()
}

/// Reads twice, as every upload does: once for the key, once to encrypt.
fn encrypt(file: &[u8], out: &mut Vec<u8>) -> DerivedKey {
    let mut derivation = KeyDerivation::new(&[7; 32], Domain::Attachment);
    file.chunks(PIECE)
        .for_each(|piece| derivation.update(piece));
    let key = derivation.finish().unwrap();
    let mut encryptor = Encryptor::new(&key, out);
    for piece in file.chunks(PIECE) {
        encryptor.update(piece, out).unwrap();
    }
    encryptor.finish().unwrap();
    key
}

fn stream(c: &mut Criterion) {
    let file = file();
    let size = usize::try_from(attachment::encrypted_size(SIZE)).unwrap();
    let mut out = Vec::with_capacity(size);
    let mut group = c.benchmark_group("attachment");
    group.throughput(Throughput::Bytes(SIZE)).sample_size(10);
    group.bench_function("encrypt_10MB", |b| {
        b.iter(|| {
            out.clear();
            encrypt(&file, &mut out)
        });
    });
    group.bench_function("encrypt_10MB_in_memory", |b| {
        b.iter(|| attachment::encrypt(&[7; 32], Domain::Attachment, &file).unwrap());
    });
    let mut sealed = Vec::new();
    let key = encrypt(&file, &mut sealed);
    group.bench_function("decrypt_10MB", |b| {
        b.iter(|| {
            out.clear();
            let mut decryptor = Decryptor::new(key.key());
            for piece in sealed.chunks(PIECE) {
                decryptor.update(piece, &mut out).unwrap();
            }
            decryptor.finish(&mut out).unwrap();
        });
        assert!(out == file);
    });
}

fn encrypt_legacy(file: &[u8], out: &mut Vec<u8>) -> legacy::Pointer {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let mut encryptor = legacy::Encryptor::new(SIZE, &mut rng, out).unwrap();
    for piece in file.chunks(PIECE) {
        encryptor.update(piece, out).unwrap();
    }
    encryptor.finish(out).unwrap()
}

fn older_form(c: &mut Criterion) {
    let file = file();
    let mut sealed = Vec::new();
    let pointer = encrypt_legacy(&file, &mut sealed);
    let mut out = Vec::with_capacity(sealed.len());
    let mut group = c.benchmark_group("attachment_legacy");
    group.throughput(Throughput::Bytes(SIZE)).sample_size(10);
    group.bench_function("encrypt_10MB", |b| {
        b.iter(|| {
            out.clear();
            encrypt_legacy(&file, &mut out)
        });
    });
    group.bench_function("verify_and_decrypt_10MB", |b| {
        b.iter(|| {
            out.clear();
            let mut verifier = legacy::Verifier::new(&pointer.key, &pointer.digest).unwrap();
            sealed
                .chunks(PIECE)
                .for_each(|piece| verifier.update(piece));
            let mut decryptor = verifier.finish().unwrap().decryptor(Some(SIZE));
            for piece in sealed.chunks(PIECE) {
                decryptor.update(piece, &mut out).unwrap();
            }
            decryptor.finish().unwrap();
        });
        assert!(out == file);
    });
}
