//! No type that holds a secret shows it when it is printed for debugging.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_crypto::attachment::{self, Decryptor, Domain, Encryptor, KeyDerivation};
use session_crypto::pro::{Proof, Proof2025};
use session_crypto::{
    AccountKeys, BlindedKeys, Blinding, Ed25519Secret, HopKey, OnionCipher, VersionKey,
    X25519Secret, direct, picture, push,
};
use session_types::{Ed25519PublicKey, Signature, Timestamp};

/// Public types that hold choices, errors and what everybody may know: ids and names print
/// themselves, as all ids do. So do the two sets of flags in `pro`, which a macro declares.
const OPEN: [&str; 9] = [
    "attachment::Domain",
    "blinding::BlindedId",
    "blinding::Blinding",
    "ed25519::Ed25519Verifier",
    "error::CryptoError",
    "group_message::Framing",
    "name::SessionName",
    "onion_cipher::OnionCipher",
    "pro/proof::ProofStatus",
];

/// A type, the text of a value, and the text it must have.
type Row = (&'static str, String, &'static str);

fn keys() -> Vec<Row> {
    let account = AccountKeys::from_seed16([7; 16]);
    let ed25519 = Ed25519Secret::from_seed([7; 32]);
    let x25519 = X25519Secret::from_bytes([7; 32]);
    let shared = x25519.diffie_hellman(x25519.public()).unwrap();
    let hop = HopKey::client(OnionCipher::AesGcm, &x25519, x25519.public()).unwrap();
    let blinded = BlindedKeys::new(Blinding::V25, &ed25519, x25519.public()).unwrap();
    let version = VersionKey::new(&ed25519);
    vec![
        (
            "account::AccountKeys",
            format!("{account:?}"),
            "AccountKeys { .. }",
        ),
        (
            "ed25519::Ed25519Secret",
            format!("{ed25519:?}"),
            "Ed25519Secret { .. }",
        ),
        (
            "x25519::X25519Secret",
            format!("{x25519:?}"),
            "X25519Secret { .. }",
        ),
        (
            "x25519::SharedSecret",
            format!("{shared:?}"),
            "SharedSecret { .. }",
        ),
        (
            "onion_cipher::HopKey",
            format!("{hop:?}"),
            "HopKey { cipher: AesGcm, .. }",
        ),
        (
            "blinding::BlindedKeys",
            format!("{blinded:?}"),
            "BlindedKeys { .. }",
        ),
        (
            "version_key::VersionKey",
            format!("{version:?}"),
            "VersionKey { .. }",
        ),
    ]
}

fn files() -> Vec<Row> {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let derivation = KeyDerivation::new(&[7; 32], Domain::Attachment);
    let derivation_text = format!("{derivation:?}");
    let derived = derivation.finish().unwrap();
    let encryptor = Encryptor::new(&derived, &mut Vec::new());
    let decryptor = Decryptor::new(&[7; 32]);

    let (file, pointer) = attachment::legacy::encrypt(b"x", &mut rng).unwrap();
    let legacy = attachment::legacy::Encryptor::new(1, &mut rng, &mut Vec::new()).unwrap();
    let mut verifier = attachment::legacy::Verifier::new(&pointer.key, &pointer.digest).unwrap();
    let verifier_text = format!("{verifier:?}");
    verifier.update(&file);
    let verified = verifier.finish().unwrap();
    let verified_text = format!("{verified:?}");
    let legacy_decryptor = verified.decryptor(None);
    let picture = picture::encrypt(b"x", &mut rng).unwrap();
    vec![
        (
            "attachment::KeyDerivation",
            derivation_text,
            "KeyDerivation { .. }",
        ),
        (
            "attachment::DerivedKey",
            format!("{derived:?}"),
            "DerivedKey { .. }",
        ),
        (
            "attachment::Encryptor",
            format!("{encryptor:?}"),
            "Encryptor { .. }",
        ),
        (
            "attachment::Decryptor",
            format!("{decryptor:?}"),
            "Decryptor { .. }",
        ),
        (
            "attachment/legacy::Pointer",
            format!("{pointer:?}"),
            "Pointer { .. }",
        ),
        (
            "attachment/legacy::Encryptor",
            format!("{legacy:?}"),
            "legacy::Encryptor { .. }",
        ),
        (
            "attachment/legacy::Verifier",
            verifier_text,
            "legacy::Verifier { .. }",
        ),
        (
            "attachment/legacy::Verified",
            verified_text,
            "legacy::Verified { .. }",
        ),
        (
            "attachment/legacy::Decryptor",
            format!("{legacy_decryptor:?}"),
            "legacy::Decryptor { .. }",
        ),
        (
            "picture::SealedPicture",
            format!("{picture:?}"),
            "SealedPicture { len: 29, .. }",
        ),
    ]
}

/// What was encrypted, and what tells one subscriber from another.
fn contents() -> Vec<Row> {
    let sender = Ed25519Secret::from_seed([7; 32]);
    let account = AccountKeys::from_seed16([7; 16]);
    let sealed = direct::encrypt_deterministic(&sender, account.x25519().public(), b"x").unwrap();
    let opened = direct::decrypt(account.x25519(), &sealed).unwrap();
    let (key, signature) = (Ed25519PublicKey::new([7; 32]), Signature::new([7; 64]));
    let proof = Proof {
        revocation_tag: [7; 32],
        rotating: key,
        expiry_seconds: 5,
        signature,
    };
    let proof_2025 = Proof2025 {
        version: 0,
        generation_hash: [7; 32],
        rotating: key,
        expiry: Timestamp::from_ms(5),
        signature,
    };
    let notification = push::parse(b"l2:{}4:datae").unwrap();
    let without_data = push::parse(b"ld1:@3:abcee").unwrap();
    vec![
        (
            "opened::Opened",
            format!("{opened:?}"),
            "Opened { len: 1, .. }",
        ),
        (
            "pro/proof::Proof",
            format!("{proof:?}"),
            "Proof { expiry_seconds: 5, .. }",
        ),
        (
            "pro/proof::Proof2025",
            format!("{proof_2025:?}"),
            "Proof2025 { expiry: Timestamp(5), .. }",
        ),
        (
            "push::Payload",
            format!("{notification:?}"),
            "Payload { metadata: Json { len: 2, .. }, data_len: Some(4), .. }",
        ),
        (
            "push::Metadata",
            format!("{:?}", without_data.metadata),
            "Dict { len: 10, .. }",
        ),
    ]
}

fn rows() -> impl Iterator<Item = Row> {
    keys().into_iter().chain(files()).chain(contents())
}

#[test]
fn texts() {
    for (name, text, expected) in rows() {
        assert_eq!(text, expected, "{name}");
    }
}

#[test]
fn words_of_a_recovery_password_are_not_in_errors() {
    let text = |words: &str| format!("{:?}", AccountKeys::from_mnemonic(words).unwrap_err());
    assert_eq!(text(&"qqqq ".repeat(13)), "UnknownWord { position: 1, .. }");
    let mistyped = format!("{}zebra", "abbey ".repeat(12));
    assert_eq!(text(&mistyped), "Checksum { position: 13, .. }");
}

/// Whoever adds a public type decides whether its text must be hidden: it is printed above, or it
/// is in [`OPEN`].
#[test]
fn every_public_type_is_known() {
    let mut found = BTreeSet::new();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    public_types(&sources, "", &mut found);
    let printed = rows().map(|(name, ..)| name);
    let known: BTreeSet<_> = printed.chain(OPEN).map(str::to_owned).collect();
    assert_eq!(found, known);
}

/// `module::Type` of every public type in a folder of sources.
fn public_types(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if path.is_dir() {
            public_types(&path, &format!("{prefix}{stem}/"), found);
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let declared = ["pub struct ", "pub enum ", "pub union "]
                .iter()
                .find_map(|start| line.strip_prefix(start));
            if let Some(declared) = declared {
                let name = declared
                    .split(|character: char| !character.is_alphanumeric())
                    .next();
                found.insert(format!("{prefix}{stem}::{}", name.unwrap()));
            }
        }
    }
}
