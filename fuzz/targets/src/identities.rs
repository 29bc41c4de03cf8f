//! Identifiers in text and bytes, and conversions between keys.

use core::fmt::{Debug, Display};
use core::str::FromStr;

use session_crypto::blinding::{id_15, id_25, matches};
use session_crypto::name::SessionName;
use session_crypto::{BlindedId, Blinding, ed25519_to_x25519, verify, x25519_to_ed25519};
use session_types::{
    AccountId, Ed25519PublicKey, GroupId, LegacyPublicKey, MessageHash, Signature, SwarmPubkey,
    X25519PublicKey,
};

use crate::actors::server;
use crate::reached::note_accepted;

/// Texts that name somebody or something: what is read is written the same way again.
pub fn identifiers(data: &[u8]) {
    if let Ok(text) = core::str::from_utf8(data) {
        stable::<AccountId>(text);
        stable::<BlindedId>(text);
        stable::<Ed25519PublicKey>(text);
        stable::<GroupId>(text);
        stable::<LegacyPublicKey>(text);
        stable::<MessageHash>(text);
        stable::<SessionName>(text);
        stable::<SwarmPubkey>(text);
        stable::<X25519PublicKey>(text);
        if let Ok(signature) = Signature::from_base64(text) {
            assert_eq!(
                Signature::from_base64(&signature.to_base64()),
                Ok(signature)
            );
        }
    }
    if let Ok(owner) = SwarmPubkey::try_from(data) {
        assert_eq!(owner.to_bytes(), data);
        assert_eq!(owner.to_hex().parse(), Ok(owner));
        let _ = owner.position();
        if let Ok(account) = AccountId::try_from(owner) {
            assert_eq!(SwarmPubkey::from(account), owner);
        }
        if let Ok(group) = GroupId::try_from(owner) {
            assert_eq!(SwarmPubkey::from(group), owner);
        }
    }
    if let Ok(blinded) = BlindedId::try_from(data) {
        assert_eq!(blinded.to_bytes(), data);
        assert_eq!(blinded.with_other_sign().with_other_sign(), blinded);
    }
}

fn stable<T: FromStr + Display + Debug + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        note_accepted();
        let canonical = value.to_string();
        let again = canonical.parse::<T>().ok();
        assert_eq!(again.as_ref(), Some(&value));
        assert_eq!(again.map(|again| again.to_string()), Some(canonical));
    }
}

/// Public keys and signatures of strangers.
///
/// | Bytes | Meaning |
/// |---|---|
/// | 32 | a key, taken as Ed25519 and as X25519 |
/// | 64 | a signature |
/// | rest | what is signed |
pub fn keys(data: &[u8]) {
    let Some((key, rest)) = data.split_first_chunk::<32>() else {
        return;
    };
    let ed25519 = Ed25519PublicKey::new(*key);
    if let Ok(converted) = ed25519_to_x25519(&ed25519) {
        let account = AccountId::from_x25519(converted);
        let back = x25519_to_ed25519(&converted).expect("it came from a point of the curve");
        // The sign is lost on the way.
        let [.., last] = back.as_bytes();
        assert_eq!(last & 0x80, 0);
        assert_eq!(ed25519_to_x25519(&back), Ok(converted));
        let in_community = id_15(&ed25519, &server()).expect("the key was usable before");
        assert_eq!(matches(&account, &in_community, &server()), Ok(true));
    }
    let account = AccountId::from_x25519(X25519PublicKey::new(*key));
    if let Ok(id) = id_25(&account, &server()) {
        assert_eq!(id.blinding(), Blinding::V25);
        assert_eq!(matches(&account, &id, &server()), Ok(true));
    }
    if let Some((signature, message)) = rest.split_first_chunk::<64>() {
        let signature = Signature::new(*signature);
        if verify(&ed25519, message, &signature).is_ok() {
            note_accepted();
            let other = [message, b"!"].concat();
            assert!(verify(&ed25519, &other, &signature).is_err());
        }
    }
}
