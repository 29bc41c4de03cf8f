//! No type that holds a secret shows it when it is printed for debugging.
#![allow(clippy::unwrap_used)]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_crypto::attachment::{self, Decryptor, Domain, Encryptor, KeyDerivation};
use session_crypto::{
    AccountKeys, BlindedKeys, Blinding, Ed25519Secret, HopKey, OnionCipher, VersionKey,
    X25519Secret, direct, picture,
};

#[test]
fn texts() {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let account = AccountKeys::from_seed16([7; 16]);
    let ed25519 = Ed25519Secret::from_seed([7; 32]);
    let x25519 = X25519Secret::from_bytes([7; 32]);
    let hop = HopKey::client(OnionCipher::AesGcm, &x25519, x25519.public()).unwrap();
    let blinded = BlindedKeys::new(Blinding::V25, &ed25519, x25519.public()).unwrap();
    let sealed = direct::encrypt_deterministic(&ed25519, account.x25519().public(), b"x").unwrap();
    let opened = direct::decrypt(account.x25519(), &sealed).unwrap();

    let derivation = KeyDerivation::new(&[7; 32], Domain::Attachment);
    assert_eq!(format!("{derivation:?}"), "KeyDerivation { .. }");
    let derived = derivation.finish().unwrap();
    let encryptor = Encryptor::new(&derived, &mut Vec::new());
    let (file, pointer) = attachment::legacy::encrypt(b"x", &mut rng).unwrap();
    let mut verifier = attachment::legacy::Verifier::new(&pointer.key, &pointer.digest).unwrap();
    assert_eq!(format!("{verifier:?}"), "legacy::Verifier { .. }");
    verifier.update(&file);
    let verified = verifier.finish().unwrap();
    assert_eq!(format!("{verified:?}"), "legacy::Verified { .. }");
    let legacy = attachment::legacy::Encryptor::new(1, &mut rng, &mut Vec::new()).unwrap();
    let picture = picture::encrypt(b"x", &mut rng).unwrap();

    let table = [
        (format!("{account:?}"), "AccountKeys { .. }"),
        (format!("{ed25519:?}"), "Ed25519Secret { .. }"),
        (format!("{x25519:?}"), "X25519Secret { .. }"),
        (
            format!("{:?}", x25519.diffie_hellman(x25519.public())),
            "Ok(SharedSecret { .. })",
        ),
        (format!("{hop:?}"), "HopKey { cipher: AesGcm, .. }"),
        (format!("{blinded:?}"), "BlindedKeys { .. }"),
        (
            format!("{:?}", VersionKey::new(&ed25519)),
            "VersionKey { .. }",
        ),
        (format!("{opened:?}"), "Opened { .. }"),
        (format!("{derived:?}"), "DerivedKey { .. }"),
        (format!("{encryptor:?}"), "Encryptor { .. }"),
        (
            format!("{:?}", Decryptor::new(&[7; 32])),
            "Decryptor { .. }",
        ),
        (format!("{legacy:?}"), "legacy::Encryptor { .. }"),
        (format!("{pointer:?}"), "Pointer { .. }"),
        (
            format!("{:?}", verified.decryptor(None)),
            "legacy::Decryptor { .. }",
        ),
        (format!("{picture:?}"), "SealedPicture { len: 29, .. }"),
    ];
    for (text, expected) in table {
        assert_eq!(text, expected);
    }
}
