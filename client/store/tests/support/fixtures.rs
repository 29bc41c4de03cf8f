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
    Arrival, Delivered, KeyKeeping, LastHash, MessageId, MessageRow, MessageState, NewAccount,
    NewMessage, NewOutgoing, OutboxJob, Profile, ReceivedMessage, Store, StoreError,
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
        file_server: None,
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
        message: NewMessage::text(body),
        now: at(now),
        time_unsure: false,
    }
}

/// The same before the network's time is known.
pub(crate) fn unsure(to: &str, body: &str, now: u64) -> NewOutgoing {
    NewOutgoing {
        time_unsure: true,
        ..outgoing(to, body, now)
    }
}

pub(crate) fn delivered(number: u64) -> Delivered {
    Delivered {
        hash: hash(number),
        stored_at: at(50_000),
        expires_at: at(90_000),
        now: at(50_100),
    }
}

/// A message of somebody else.
pub(crate) fn from(sender: &str, sent_at: u64, body: &str) -> ReceivedMessage {
    ReceivedMessage {
        sender: id(sender),
        conversation: id(sender),
        sent_at: at(sent_at),
        outgoing: false,
        message: NewMessage::text(body),
        arrival: Arrival::default(),
        unread: true,
        mentions_me: false,
        disappears_at: None,
        content: Vec::new(),
    }
}

/// A copy of a message Carol wrote, here or on another device.
pub(crate) fn copy_of(conversation: &str, sent_at: u64, body: &str) -> ReceivedMessage {
    ReceivedMessage {
        sender: id(CAROL),
        conversation: id(conversation),
        outgoing: true,
        unread: false,
        ..from(CAROL, sent_at, body)
    }
}

/// One element of a poll: the number of its hash, and the message in it, if there is one.
pub(crate) type Item = (u64, Option<ReceivedMessage>);

/// A message under the hash of this number.
pub(crate) fn item(number: u64, message: ReceivedMessage) -> Item {
    let arrival = Arrival {
        hash: Some(hash(number)),
        stored_at: at(60_000),
        expires_at: at(99_000),
    };
    (number, Some(ReceivedMessage { arrival, ..message }))
}

/// An element that holds no message: unreadable, or of no interest.
pub(crate) fn empty(number: u64) -> Item {
    (number, None)
}

/// Takes in a poll, in one transaction. Returns the messages that were new.
pub(crate) fn ingest(store: &mut Store, items: &[Item], last: &[LastHash]) -> Vec<MessageRow> {
    store
        .atomically(|store| {
            let mut new = Vec::new();
            for (number, message) in items {
                if !store.remember_seen(Namespace::DEFAULT, &hash(*number), at(99_000))? {
                    continue;
                }
                if let Some(message) = message {
                    new.extend(store.take_in(message)?);
                }
            }
            for last in last {
                store.set_last_hash(last)?;
            }
            Ok::<_, StoreError>(new)
        })
        .unwrap()
}

/// Takes in one message, which must be new.
pub(crate) fn receive(store: &mut Store, message: &ReceivedMessage) -> MessageId {
    store.take_in(message).unwrap().expect("it is new").id
}

pub(crate) fn bodies(rows: &[MessageRow]) -> Vec<&str> {
    rows.iter().map(|row| row.body.as_str()).collect()
}

/// The texts of a conversation, oldest first.
pub(crate) fn texts(store: &Store, conversation: &str) -> Vec<String> {
    let rows = store.history(&id(conversation), u32::MAX, None).unwrap();
    rows.into_iter().map(|row| row.body).collect()
}

/// The job a swarm has due, if any.
pub(crate) fn due(store: &Store, recipient: &str, now: u64) -> Option<OutboxJob> {
    store
        .due_jobs(at(now))
        .unwrap()
        .into_iter()
        .find(|job| job.recipient == id(recipient))
}

/// The text of the message a job is about.
pub(crate) fn text_of(store: &Store, job: &OutboxJob) -> String {
    let message = job.message.expect("a job of a message");
    store.message(message).unwrap().unwrap().body
}

pub(crate) fn state(store: &Store, message: MessageId) -> MessageState {
    store.message(message).unwrap().unwrap().state
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
