//! Accounts, times and hashes the tests of this crate share.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "test support"
)]

use std::collections::BTreeMap;
use std::path::Path;

use session_store::keyring::Unavailable;
use session_store::{
    Delivered, KeyKeeping, NewAccount, NewOutgoing, Profile, ReceivedItem, ReceivedMessage,
    ReceivedOutcome, Store,
};
use session_types::{AccountId, Ed25519PublicKey, MessageHash, Namespace, Timestamp};
use zeroize::Zeroizing;

/// The account the databases of these tests belong to.
pub(crate) const CAROL: &str = "05d2ad010eeb72d72e561d9de7bd7b6989af77dcabffa03a5111a6c859ae5c3a72";
/// Someone to write to.
pub(crate) const BOB: &str = "05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a";
/// Someone else to write to.
pub(crate) const ALICE: &str = "055bf55c73b82ebe22be80f3430667af570fae2556a6415e6b30d4065300aa947d";

pub(crate) fn id(text: &str) -> AccountId {
    text.parse().unwrap()
}

pub(crate) fn at(ms: u64) -> Timestamp {
    Timestamp::from_ms(ms)
}

pub(crate) fn hash(number: u64) -> MessageHash {
    let mut digest = [0u8; 32];
    for (to, from) in digest.iter_mut().zip(number.to_le_bytes()) {
        *to = from;
    }
    MessageHash::from_digest(&digest)
}

pub(crate) fn node(byte: u8) -> Ed25519PublicKey {
    Ed25519PublicKey::new([byte; 32])
}

pub(crate) fn new_account(account_id: AccountId) -> NewAccount {
    NewAccount {
        seed: Zeroizing::new([0x17; 16]),
        account_id,
        display_name: "Carol".into(),
        network: "https://seed.example".into(),
        created_at: at(1_700_000_000_000),
    }
}

/// A profile without keyring, so that the machine the tests run on has no say.
pub(crate) fn profile(data_dir: &Path) -> Profile {
    Profile::with_keyring(data_dir, Box::new(Unavailable))
}

/// A new database for Carol.
pub(crate) fn carol(data_dir: &Path) -> Store {
    profile(data_dir)
        .create(&new_account(id(CAROL)), KeyKeeping::File, None)
        .unwrap()
}

pub(crate) fn outgoing(to: &str, body: &str, now: u64) -> NewOutgoing {
    NewOutgoing {
        conversation: id(to),
        body: body.into(),
        now: at(now),
    }
}

pub(crate) fn delivered(number: u64) -> Delivered {
    Delivered {
        hash: hash(number),
        stored_at: at(50_000),
        expires_at: at(90_000),
    }
}

pub(crate) fn item(number: u64, outcome: ReceivedOutcome) -> ReceivedItem {
    ReceivedItem {
        namespace: Namespace::DEFAULT,
        hash: hash(number),
        node: node(1),
        stored_at: at(60_000),
        expires_at: at(99_000),
        outcome,
    }
}

/// A message of somebody else.
pub(crate) fn from(sender: &str, sent_at: u64, body: &str) -> ReceivedOutcome {
    ReceivedOutcome::Message(ReceivedMessage {
        sender: id(sender),
        conversation: id(sender),
        sent_at: at(sent_at),
        body: body.into(),
        outgoing: false,
        sender_name: None,
    })
}

/// A copy of a message Carol wrote, here or on another device.
pub(crate) fn copy_of(conversation: &str, sent_at: u64, body: &str) -> ReceivedOutcome {
    ReceivedOutcome::Message(ReceivedMessage {
        sender: id(CAROL),
        conversation: id(conversation),
        sent_at: at(sent_at),
        body: body.into(),
        outgoing: true,
        sender_name: None,
    })
}

/// Every file below a folder with its content.
pub(crate) fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}
