//! Constructions that have no reference vectors: answers computed with other implementations
//! (OpenSSL and Python's hashlib), and every way of tampering.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use data_encoding::HEXLOWER;
use session_crypto::attachment::legacy::{self, Encryptor, Verifier};
use session_crypto::pro::{Proof2025, ProofStatus};
use session_crypto::push::{self, Metadata};
use session_crypto::{CryptoError, Ed25519Secret, picture};
use session_test_support::ScriptedRng;
use session_types::{Ed25519PublicKey, Signature, Timestamp};
use sha2::{Digest, Sha256};

/// Gives out 0, 1, 2, … up to 255, more than anything here draws.
fn counting() -> ScriptedRng {
    ScriptedRng::new(&counting_bytes(256))
}

fn counting_bytes(n: usize) -> Vec<u8> {
    (0..=255).cycle().take(n).collect()
}

#[test]
fn legacy_attachments() {
    let five_thousand = counting_bytes(5_000);
    let table: [(&[u8], usize, &str, &str); 3] = [
        (
            b"",
            592,
            "82c72e712dee957f91f37dfb358198ed8f7f12be8caeb7b25de71387fa2c1f9b",
            "6981d0246e7761221dd003c53655f7b077741f1499aa2219c1af3cfb4f9c3bf8",
        ),
        (
            b"hello world",
            592,
            "a6dd2da1f39f455f814c55bcb7692236e9e7ee2724657bb9b3c0989393d80b88",
            "2ba67a6b22168e033535c21066c65f43fecabb8504624435e44979c142d01049",
        ),
        (
            &five_thousand,
            5_168,
            "0ec1499175833adfced456efde7688e67a950a94c584f227e89d63a9e3c5a27e",
            "a1a8a601fa752cb8a70cc46f9a320dae51170b359f0fbd79192f9ee8127fbbab",
        ),
    ];
    for (data, length, digest, mac) in table {
        let (file, pointer) = legacy::encrypt(data, &mut counting()).unwrap();
        assert_eq!(file.len(), length);
        assert_eq!(HEXLOWER.encode(&pointer.digest), digest);
        assert_eq!(HEXLOWER.encode(&file[length - 32..]), mac);
        assert_eq!(file[..16], *counting_bytes(80).split_at(64).1);
        assert_eq!(pointer.key.to_vec(), counting_bytes(64));
        assert_eq!(pointer.size, data.len() as u64);

        let size = Some(pointer.size);
        let opened = legacy::decrypt(&pointer.key, &pointer.digest, size, &file).unwrap();
        assert_eq!(opened, data);
        let whole = legacy::decrypt(&pointer.key, &pointer.digest, None, &file).unwrap();
        assert_eq!(whole.len() as u64, legacy::padded_size(pointer.size));
        assert!(whole.starts_with(data));
        let longer = Some(whole.len() as u64 + 1);
        assert!(legacy::decrypt(&pointer.key, &pointer.digest, longer, &file).is_err());
    }
}

#[test]
fn legacy_attachments_piece_by_piece() {
    let data = counting_bytes(5_000);
    let (whole, pointer) = legacy::encrypt(&data, &mut counting()).unwrap();
    for piece in [1, 15, 16, 33, 1_000, 6_000] {
        let mut file = Vec::new();
        let mut encryptor = Encryptor::new(5_000, &mut counting(), &mut file).unwrap();
        for piece in data.chunks(piece) {
            encryptor.update(piece, &mut file).unwrap();
        }
        encryptor.finish(&mut file).unwrap();
        assert_eq!(file, whole);

        let mut verifier = Verifier::new(&pointer.key, &pointer.digest).unwrap();
        whole.chunks(piece).for_each(|piece| verifier.update(piece));
        let mut decryptor = verifier.finish().unwrap().decryptor(Some(5_000));
        let mut out = Vec::new();
        for piece in whole.chunks(piece) {
            decryptor.update(piece, &mut out).unwrap();
        }
        decryptor.finish().unwrap();
        assert_eq!(out, data);
    }
}

#[test]
fn legacy_attachments_that_were_changed() {
    let (file, pointer) = legacy::encrypt(b"hello world", &mut counting()).unwrap();
    let open = |file: &[u8]| {
        // The digest is made to fit, so that the MAC alone decides.
        let digest = Sha256::digest(file).into();
        legacy::decrypt(&pointer.key, &digest, Some(11), file)
    };
    assert!(open(&file).is_ok());
    for place in [
        0,
        15,
        16,
        300,
        file.len() - 33,
        file.len() - 32,
        file.len() - 1,
    ] {
        let mut changed = file.clone();
        changed[place] ^= 1;
        assert_eq!(open(&changed), Err(CryptoError::Decryption), "{place}");
    }
    for length in [
        0,
        1,
        31,
        32,
        47,
        48,
        63,
        64,
        file.len() - 16,
        file.len() - 1,
    ] {
        assert_eq!(
            open(&file[..length]),
            Err(CryptoError::Decryption),
            "{length}"
        );
    }
    // A right MAC with a wrong digest.
    assert!(legacy::decrypt(&pointer.key, &[0; 32], Some(11), &file).is_err());
}

#[test]
fn legacy_attachments_of_the_wrong_length() {
    let mut out = Vec::new();
    assert!(Encryptor::new(10_000_001, &mut counting(), &mut out).is_err());
    let mut encryptor = Encryptor::new(3, &mut counting(), &mut out).unwrap();
    assert!(encryptor.update(b"four", &mut out).is_err());
    encryptor.update(b"tw", &mut out).unwrap();
    assert!(encryptor.finish(&mut out).is_err());
}

#[test]
fn pictures() {
    let sealed = picture::encrypt(b"picture", &mut counting()).unwrap();
    let body = "a253c50419ea7fb0bc286afd2a65b55445f13861fe9890";
    let nonce = HEXLOWER.encode(&counting_bytes(44)[32..]);
    assert_eq!(HEXLOWER.encode(&sealed.blob), nonce + body);
    assert_eq!(
        picture::decrypt(&sealed.key, &sealed.blob).unwrap(),
        b"picture"
    );
    for place in [0, 12, sealed.blob.len() - 1] {
        let mut changed = sealed.blob.clone();
        changed[place] ^= 1;
        assert!(picture::decrypt(&sealed.key, &changed).is_err());
    }
    for length in [0, 11, 12, 27, sealed.blob.len() - 1] {
        assert!(picture::decrypt(&sealed.key, &sealed.blob[..length]).is_err());
    }
}

#[test]
fn proofs_of_2025() {
    let backend = Ed25519Secret::from_seed([1; 32]);
    let rotating = Ed25519Secret::from_seed([2; 32]);
    let mut proof = Proof2025 {
        version: 0,
        generation_hash: counting_bytes(32).try_into().unwrap(),
        rotating: Ed25519PublicKey::new(counting_bytes(64)[32..].try_into().unwrap()),
        expiry: Timestamp::from_ms(1_767_225_600_123),
        signature: Signature::new([0; 64]),
    };
    assert_eq!(
        HEXLOWER.encode(&proof.signed_hash()),
        "4dbca85e2f335ef211037104693b88d24312499b70c916a5f45ae82fc2e30f3b"
    );
    let status = |proof: &Proof2025, signature: &Signature, ms: u64| {
        proof.status(
            backend.public(),
            b"message",
            signature,
            Timestamp::from_ms(ms),
        )
    };
    proof.rotating = *rotating.public();
    let signature = rotating.sign(b"message");
    let (last, late) = (1_767_225_600_123, 1_767_225_600_124);
    assert_eq!(
        status(&proof, &signature, last),
        ProofStatus::InvalidBackendSignature
    );
    proof.signature = backend.sign(&proof.signed_hash());
    assert_eq!(status(&proof, &signature, last), ProofStatus::Valid);
    assert_eq!(status(&proof, &signature, late), ProofStatus::Expired);
    let other = rotating.sign(b"other");
    assert_eq!(
        status(&proof, &other, late),
        ProofStatus::InvalidUserSignature
    );
}

#[test]
fn push_notifications() {
    let key = [3; 32];
    let json = r#"{"@":"05…","l":4}"#;
    for data in [None, Some(&b"data"[..]), Some(&[0; 2_500])] {
        let payload = push::seal(&key, json, data, &mut counting());
        assert_eq!(payload.len() % 256, 40);
        let opened = push::open(&key, &payload).unwrap();
        let parts = push::parse(&opened).unwrap();
        assert_eq!(parts.metadata, Metadata::Json(json.as_bytes()));
        assert_eq!(parts.data, data);
    }
    let dict = push::parse(b"ld1:@3:abcee").unwrap();
    assert_eq!(
        (dict.metadata, dict.data),
        (Metadata::Dict(b"d1:@3:abce"), None)
    );
    let more = push::parse(b"l2:{}4:datai5elee").unwrap();
    assert_eq!(
        (more.metadata, more.data),
        (Metadata::Json(b"{}"), Some(&b"data"[..]))
    );
    for bad in [
        &b""[..],
        b"le",
        b"li5ee",
        b"l2:{}",
        b"l2:{}lee",
        b"l2:{}e0",
        b"de",
    ] {
        assert!(push::parse(bad).is_err(), "{bad:?}");
    }
}
