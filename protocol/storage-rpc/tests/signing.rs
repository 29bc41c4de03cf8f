//! What request signatures cover and who may make them (docs/protocol/node-rpc.md section 2).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::{Cell, RefCell};

use data_encoding::{BASE64, HEXLOWER};
use session_crypto::{AccountKeys, Ed25519Secret, Ed25519Verifier};
use session_storage_rpc::{
    AccountSigner, Auth, AuthError, AuthFact, AuthMemory, CheckContext, ExpireMode,
    GroupAdminSigner, HardFork, NamespaceFilter, NoAuthMemory, Origin, Permissions, Request,
    RequestSigner, Retrieve, SubaccountAuth, SubaccountToken, signing, verify_auth,
};
use session_types::{Ed25519PublicKey, MessageHash, Namespace, Signature, SwarmPubkey, Timestamp};
use sha2::{Digest as _, Sha256};

const ALL: Permissions = Permissions::from_bits(7);

fn now() -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000)
}

fn context() -> CheckContext<'static> {
    CheckContext {
        now: now(),
        origin: Origin::Client,
        hf: HardFork::new(19, 4),
        revoked: false,
        memory: &NoAuthMemory,
    }
}

/// The seed of the specification's vectors.
fn acct() -> Ed25519Secret {
    Ed25519Secret::from_seed(Sha256::digest(b"acct").into())
}

#[test]
fn vector_of_the_specification() {
    let key = acct();
    assert!(key.public().to_hex().starts_with("663e91a2"));
    let text = signing::retrieve(Namespace::new(11), now());
    assert_eq!(text, "retrieve111700000000000");
    let signature =
        "5uxb2Mft+nYStovHWT3pyj5kdYe+RKvv1+Z1tVD3bKqTp8rxPMsWJ9SpJ8LBnRkZMgPRZb4+4Cmv9/RC25O7Dg==";
    assert_eq!(key.sign(text.as_bytes()).to_base64(), signature);

    let retrieve = Retrieve::signed(&GroupAdminSigner::new(&key), Namespace::new(11), now());
    assert_eq!(retrieve.owner.to_hex(), format!("03{}", key.public()));
    let auth = retrieve.auth.as_ref().unwrap();
    assert_eq!(auth.auth.signature.to_base64(), signature);
    Request::Retrieve(retrieve).check(&context()).unwrap();
}

#[test]
fn signed_strings() {
    let ms = |ms| Timestamp::from_ms(ms);
    let two = [
        MessageHash::from_digest(&[0; 32]),
        MessageHash::from_digest(&[1; 32]),
    ];
    let (a, b) = (two[0].as_str(), two[1].as_str());
    let token = SubaccountToken::new(3, ALL, &[9; 32].into());
    let one = |n| NamespaceFilter::One(Namespace::new(n));
    let all = NamespaceFilter::All;
    assert_eq!(signing::store(Namespace::DEFAULT, ms(5)), "store5");
    assert_eq!(signing::store(Namespace::new(-42), ms(5)), "store-425");
    assert_eq!(signing::delete(&two), format!("delete{a}{b}"));
    assert_eq!(signing::delete_all(one(0), ms(5)), "delete_all5");
    assert_eq!(signing::delete_all(all, ms(5)), "delete_allall5");
    assert_eq!(signing::delete_before(one(3), ms(5)), "delete_before35");
    assert_eq!(signing::expire_all(all, ms(5)), "expire_allall5");
    let expire = |mode, times: &[Timestamp]| signing::expire(mode, times, &two);
    assert_eq!(expire(ExpireMode::Set, &[ms(5)]), format!("expire5{a}{b}"));
    assert_eq!(
        expire(ExpireMode::Shorten, &[ms(5), ms(6)]),
        format!("expireshorten56{a}{b}")
    );
    assert_eq!(
        expire(ExpireMode::Extend, &[ms(5)]),
        format!("expireextend5{a}{b}")
    );
    assert_eq!(
        signing::get_expiries(ms(5), &two),
        format!("get_expiries5{a}{b}")
    );
    let revoke = [b"revoke_subaccount5".as_slice(), token.as_bytes()].concat();
    assert_eq!(signing::revoke_subaccount(ms(5), &[token]), revoke);
    let unrevoke = [
        b"unrevoke_subaccount5".as_slice(),
        token.as_bytes(),
        token.as_bytes(),
    ];
    assert_eq!(
        signing::unrevoke_subaccount(ms(5), &[token, token]),
        unrevoke.concat()
    );
    assert_eq!(signing::revoked_subaccounts(ms(5)), "revoked_subaccounts5");
}

#[test]
fn account_keys() {
    let keys = AccountKeys::from_seed16([1; 16]);
    let owner = SwarmPubkey::from(keys.account_id());
    let signer = AccountSigner::new(keys.account_id(), keys.ed25519());
    let good = signer.authorise(b"text");
    let verify =
        |auth: &Auth, text: &[u8]| verify_auth(&owner, auth, text, ALL, false, &NoAuthMemory);
    verify(&good, b"text").unwrap();
    assert_eq!(verify(&good, b"other"), Err(AuthError::Signature));
    // Without the Ed25519 key nothing links the signature to the account.
    let without = Auth {
        pubkey_ed25519: None,
        ..good.clone()
    };
    assert_eq!(verify(&without, b"text"), Err(AuthError::Signature));
    let foreign = Auth {
        pubkey_ed25519: Some(*acct().public()),
        ..good.clone()
    };
    assert_eq!(verify(&foreign, b"text"), Err(AuthError::KeyMismatch));
    let no_point = Auth {
        pubkey_ed25519: Some(Ed25519PublicKey::new([0xff; 32])),
        ..good
    };
    assert_eq!(verify(&no_point, b"text"), Err(AuthError::KeyMismatch));

    let debug = format!("{signer:?} {:?}", GroupAdminSigner::new(keys.ed25519()));
    assert!(
        !debug.contains(&HEXLOWER.encode(keys.ed25519().seed())),
        "{debug}"
    );
    assert!(
        !debug.contains(&format!("{:?}", keys.ed25519().seed())),
        "{debug}"
    );
}

/// A token, the owner's signature and a request signature made by the reference library.
#[test]
fn reference_subaccount() {
    let owner: SwarmPubkey = "03beafccd63f6cd9ace462d50efb8378f9814ef2ebde9e3be35b06a53fca4cbb96"
        .parse()
        .unwrap();
    let bytes = |hex: &str| HEXLOWER.decode(hex.as_bytes()).unwrap();
    let token = "03030000bfe4f3a857ecc5f3befae50c34881d7d11c751240878b9c30b659951f207c85c";
    let token = SubaccountToken::try_from(bytes(token).as_slice()).unwrap();
    assert_eq!(
        BASE64.encode(token.as_bytes()),
        "AwMAAL/k86hX7MXzvvrlDDSIHX0Rx1EkCHi5wwtlmVHyB8hc"
    );
    assert_eq!(
        (token.prefix(), token.permissions()),
        (3, Permissions::READ | Permissions::WRITE)
    );
    let auth = Auth {
        pubkey_ed25519: None,
        signature: Signature::from_base64(
            "eMzjPeNa8fVenLduaD9b4Q+SJmZYIzkayR2F8pyaAEl0/Z5jZ/zzhBUrfRf3cvAxWpFNzoKmz7NkCLMLOIffAg==",
        )
        .unwrap(),
        subaccount: Some(SubaccountAuth {
            token,
            signature: Signature::from_base64(
                "PmwoWSlxDvO1LgkgLMZ5+eTd7m+AIMdLzCxP8bbiYl8smilq3m7Al7/CUTg2vsvMI0+H1niDNJI47hO5tTXfAA==",
            )
            .unwrap(),
        }),
    };
    let message = bytes(
        "4cd9c356001c832e291856cb422c4abe0e181f0288382f9c389195d20936562a87af3591a4a0e27e70ef2441f89a",
    );
    let verify = |required| verify_auth(&owner, &auth, &message, required, false, &NoAuthMemory);
    verify(Permissions::WRITE | Permissions::READ).unwrap();
    assert_eq!(verify(Permissions::DELETE), Err(AuthError::Permission));
}

/// Keeps every fact, and counts the questions it could answer.
#[derive(Debug, Default)]
struct Everything {
    facts: RefCell<Vec<AuthFact>>,
    known: Cell<usize>,
    keys: RefCell<Vec<Ed25519Verifier>>,
}

impl AuthMemory for Everything {
    fn knows(&self, fact: &AuthFact) -> bool {
        let known = self.facts.borrow().contains(fact);
        self.known.set(self.known.get() + usize::from(known));
        known
    }

    fn remember(&self, fact: AuthFact) {
        self.facts.borrow_mut().push(fact);
    }

    fn key(&self, key: &Ed25519PublicKey) -> Option<Ed25519Verifier> {
        self.keys.borrow().iter().find(|k| k.key() == *key).copied()
    }

    fn remember_key(&self, key: Ed25519Verifier) {
        self.keys.borrow_mut().push(key);
    }
}

/// What is remembered spares a check, and lets nobody in who would not get in without it.
#[test]
fn remembered_facts_open_nothing_else() {
    let memory = Everything::default();
    let account = AccountKeys::from_seed16([3; 16]);
    let stranger = AccountKeys::from_seed16([4; 16]);
    let owner: SwarmPubkey = account.account_id().into();
    let check = |auth: &Auth, text: &[u8]| verify_auth(&owner, auth, text, ALL, false, &memory);
    let own =
        |text: &[u8]| AccountSigner::new(account.account_id(), account.ed25519()).authorise(text);

    check(&own(b"one"), b"one").unwrap();
    assert_eq!((memory.facts.borrow().len(), memory.known.get()), (1, 0));
    assert_eq!(memory.keys.borrow().len(), 1);
    check(&own(b"two"), b"two").unwrap();
    assert_eq!((memory.facts.borrow().len(), memory.known.get()), (1, 1));
    assert_eq!(check(&own(b"two"), b"three"), Err(AuthError::Signature));
    assert_eq!(memory.keys.borrow().len(), 1);

    // Somebody else's key is asked for and not remembered.
    let foreign = AccountSigner::new(account.account_id(), stranger.ed25519()).authorise(b"one");
    for _ in 0..2 {
        assert_eq!(check(&foreign, b"one"), Err(AuthError::KeyMismatch));
    }
    // The known key under another account id is another fact.
    let other: SwarmPubkey = stranger.account_id().into();
    assert_eq!(
        verify_auth(&other, &own(b"one"), b"one", ALL, false, &memory),
        Err(AuthError::KeyMismatch)
    );
    assert_eq!(memory.facts.borrow().len(), 1);

    // A token is remembered with its signature; another signature or other flags are checked.
    let holder = Ed25519Secret::from_seed([5; 32]);
    let token = SubaccountToken::new(owner.prefix(), Permissions::READ, holder.public());
    let with = |token: SubaccountToken, signature: Signature| Auth {
        pubkey_ed25519: Some(*account.ed25519().public()),
        signature: holder.sign(b"text"),
        subaccount: Some(SubaccountAuth { token, signature }),
    };
    let read = |auth: &Auth, revoked| {
        verify_auth(&owner, auth, b"text", Permissions::READ, revoked, &memory)
    };
    let signature = account.ed25519().sign(token.as_bytes());
    let forged = Auth {
        signature: account.ed25519().sign(b"text"),
        ..with(token, signature)
    };
    assert_eq!(read(&forged, false), Err(AuthError::Signature));
    assert_eq!(memory.keys.borrow().len(), 1, "of who signed nothing");
    read(&with(token, signature), false).unwrap();
    read(&with(token, signature), false).unwrap();
    assert_eq!(memory.keys.borrow().len(), 2);
    assert_eq!(memory.facts.borrow().len(), 2);
    assert_eq!(read(&with(token, signature), true), Err(AuthError::Revoked));
    let mut tampered = *signature.as_bytes();
    tampered[0] ^= 1;
    let wider = SubaccountToken::new(owner.prefix(), ALL, holder.public());
    for auth in [
        with(token, Signature::new(tampered)),
        with(wider, signature),
    ] {
        assert_eq!(read(&auth, false), Err(AuthError::TokenSignature));
    }
    assert_eq!(memory.facts.borrow().len(), 2);
}
