//! Making databases and damaging them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use session_crypto::hash::message_hash;

use super::*;

pub(super) const PAGE: u64 = 8192;

/// What a database was filled with.
#[derive(Debug, Default, Clone)]
pub(super) struct Content {
    pub(super) messages: BTreeMap<MessageHash, StoredMessage>,
}

/// A message that has its own hash, as all have that come in by requests.
pub(super) fn real_message(number: u32, owner_byte: u8, size: usize) -> StoredMessage {
    let mut message = message(number, owner_byte, 0, size);
    for (byte, value) in message.data.iter_mut().zip(number.to_be_bytes()) {
        *byte = value;
    }
    message.hash = message_hash(&message.owner, message.namespace, &message.data);
    message
}

/// Fills the store: owners, small and large messages, and rows in every other table.
pub(super) async fn fill(store: &Store, numbers: std::ops::Range<u32>) -> Content {
    let mut content = Content::default();
    for number in numbers {
        let size = if number % 7 == 0 { 9_000 } else { 200 };
        let owner = u8::try_from(number % 40).unwrap();
        let message = real_message(number, owner, size);
        let outbox = Outbox {
            peers: vec![peer(1), peer(2)],
        };
        let lacking = outbox.peers.clone();
        let (_, sending) = store.insert(message.clone(), outbox).await.unwrap();
        let settled = store.settle(sending.unwrap(), Vec::new(), lacking).await;
        settled.unwrap();
        content.messages.insert(message.hash.clone(), message);
    }
    let token = SubaccountToken::try_from([3; SubaccountToken::LEN].as_slice()).unwrap();
    for byte in 0..20 {
        let forward = || OutgoingCommand {
            outbox: Outbox {
                peers: vec![peer(1)],
            },
            method: "delete",
            params: vec![byte; 300],
            accepted: NOW,
        };
        store
            .revoke(owner(byte), vec![token], NOW, forward())
            .await
            .unwrap();
        let unknown = vec![hash(u32::from(byte) + 1_000_000)];
        store
            .delete(owner(byte), unknown, NOW, OutgoingCommand::none())
            .await
            .unwrap();
        let long_ago = Some(Timestamp::from_ms(1));
        store
            .delete_range(owner(byte), None, long_ago, NOW, OutgoingCommand::none())
            .await
            .unwrap();
    }
    store.set_number("swarm", 5).await.unwrap();
    content
}

/// All messages of the owners [`fill`] makes.
pub(super) async fn all_messages(store: &Store) -> BTreeMap<MessageHash, StoredMessage> {
    let mut found = BTreeMap::new();
    for byte in 0..40 {
        let page = store.page(page_of(byte, 0)).await.unwrap();
        found.extend(
            page.messages
                .iter()
                .map(|message| (message.hash.clone(), message.clone())),
        );
    }
    found
}

/// A folder with a database file nobody uses.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    /// Filled with so many messages and closed in order.
    pub(super) async fn filled(messages: u32) -> (Self, Content) {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir);
        let content = fill(&store, 0..messages).await;
        store.close().await;
        (Self(dir), content)
    }

    /// The state of a running store, as a power cut would leave it.
    pub(super) fn snapshot_of(dir: &Path) -> Self {
        let copy = tempfile::tempdir().unwrap();
        for name in ["node.db", "node.db-wal", "node.lock"] {
            if dir.join(name).exists() {
                fs::copy(dir.join(name), copy.path().join(name)).unwrap();
            }
        }
        Self(copy)
    }

    pub(super) fn database(&self) -> PathBuf {
        self.0.path().join("node.db")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.0.path().join("node.db-wal")
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn pages(&self) -> u64 {
        fs::metadata(self.database()).unwrap().len() / PAGE
    }

    /// Overwrites one page; the first one has number 1.
    pub(super) fn spoil(&self, page: u64, with: u8) {
        let mut file = fs::File::options()
            .write(true)
            .open(self.database())
            .unwrap();
        file.seek(SeekFrom::Start((page - 1) * PAGE)).unwrap();
        file.write_all(&vec![with; usize::try_from(PAGE).unwrap()])
            .unwrap();
    }

    /// The content of one page.
    pub(super) fn page(&self, page: u64) -> Vec<u8> {
        let mut file = fs::File::open(self.database()).unwrap();
        file.seek(SeekFrom::Start((page - 1) * PAGE)).unwrap();
        let mut bytes = vec![0; usize::try_from(PAGE).unwrap()];
        file.read_exact(&mut bytes).unwrap();
        bytes
    }

    pub(super) fn cut(&self, path: &Path, to: u64) {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_len(to).unwrap();
        drop(file);
        self.mark_in_use();
    }

    /// As if the process had been killed.
    pub(super) fn mark_in_use(&self) {
        fs::write(self.0.path().join("node.lock"), "in use\n").unwrap();
    }

    pub(super) fn open(&self) -> Store {
        open(&self.0)
    }

    /// Names of the damaged files that were set aside.
    pub(super) fn set_aside(&self) -> usize {
        file::set_aside(&self.database()).len()
    }
}
