//! What goes into the database and what comes out of it.
//!
//! Message texts are left out of `Debug`, so that a row that reaches a log does not bring its
//! text along.

mod conversation;
mod draft;
mod file;
mod ids;
mod message;
mod outbox;
mod sql;

use core::fmt;

use session_types::{AccountId, Ed25519PublicKey, MessageHash, Namespace, SwarmPubkey, Timestamp};
use zeroize::Zeroizing;

pub(crate) use conversation::notify_number;
pub use conversation::{ConversationRow, ConversationSettings};
pub use draft::{DraftFile, DraftFileRow, DraftRow};
pub(crate) use file::pointer_columns;
pub use file::{
    AutoDownload, FileInfo, FileRow, FileState, FilesUsage, NewFile, PictureRow, Pointer, Sound,
};
pub use ids::{DraftFileId, FileId, JobId, MessageId};
pub use message::{
    Arrival, Details, Invitation, MessageKind, MessageRow, MessageState, NewMessage, Preview,
    QuoteRef, ReactionRow, ReceivedMessage,
};
pub use outbox::{
    Delivered, JobKind, NewJob, NewOutgoing, OutboxJob, OutgoingRow, SwarmTask, SwarmTaskKind,
};
pub(crate) use sql::{Sql, timer_columns};

/// Who the account of a database is.
pub struct Identity {
    /// The account id.
    pub account_id: AccountId,
    /// What all keys are derived from.
    pub seed: Zeroizing<[u8; 16]>,
    /// The name shown to others; empty when none was chosen.
    pub display_name: String,
    /// The seed URL of the network the account lives in.
    pub network: String,
    /// Where files are uploaded, as URL, `#` and key; `None`: the network's own server.
    pub file_server: Option<String>,
    /// When the account was made or restored on this device.
    pub created_at: Timestamp,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("account_id", &self.account_id)
            .finish_non_exhaustive()
    }
}

/// A text kept for others, and when it was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cached {
    /// The text as it was given.
    pub json: String,
    /// When it was fetched, as told by whoever saved it.
    pub saved_at: Timestamp,
}

/// A config as it was saved.
#[derive(Clone, PartialEq, Eq)]
pub struct SavedConfig {
    /// Its dump. Holds secrets.
    pub dump: Zeroizing<Vec<u8>>,
    /// When the newest version merged or pushed was stored in the swarm.
    pub stored_at: Timestamp,
}

impl fmt::Debug for SavedConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedConfig")
            .field("stored_at", &self.stored_at)
            .finish_non_exhaustive()
    }
}

/// How far one node's answers for one mailbox were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastHash {
    /// The node.
    pub node: Ed25519PublicKey,
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Which part of it.
    pub namespace: Namespace,
    /// The last element of the node's answer.
    pub hash: MessageHash,
    /// When that element expires; from then on the node does not know the hash.
    pub expires_at: Timestamp,
}

/// An effect on a message, that of a reaction, a deletion or a receipt, which may come before
/// the message itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Somebody put an emoji there, or took it back.
    Reaction {
        /// The emoji.
        emoji: String,
        /// False: taken back.
        present: bool,
    },
    /// Its writer deleted it for everyone.
    Deletion,
    /// The other side read it.
    Receipt,
}

#[cfg(test)]
mod tests {
    use session_messages::Expiration;

    use super::*;

    fn account(byte: u8) -> AccountId {
        AccountId::from_x25519([byte; 32].into())
    }

    #[test]
    fn debug_shows_neither_seed_nor_text() {
        let identity = Identity {
            account_id: account(1),
            seed: Zeroizing::new([0x5e; 16]),
            display_name: "Someone".into(),
            network: "https://seed.example".into(),
            file_server: None,
            created_at: Timestamp::from_ms(1),
        };
        let hex = "01".repeat(32);
        assert_eq!(
            format!("{identity:?}"),
            format!("Identity {{ account_id: AccountId(05{hex}), .. }}")
        );
        let details = Details {
            preview: Some(Preview {
                url: "https://private.example".into(),
                title: None,
            }),
            ..Details::default()
        };
        let message = NewMessage {
            kind: MessageKind::Text,
            body: "private words".into(),
            details,
            expiration: Expiration::Off,
        };
        let received = ReceivedMessage {
            sender: account(1),
            conversation: account(1),
            sent_at: Timestamp::from_ms(5),
            outgoing: false,
            message: message.clone(),
            arrival: Arrival::default(),
            unread: true,
            mentions_me: false,
            disappears_at: None,
            content: b"private".to_vec(),
        };
        let outgoing = NewOutgoing {
            conversation: account(1),
            message: message.clone(),
            now: Timestamp::from_ms(5),
            time_unsure: false,
        };
        let saved = SavedConfig {
            dump: Zeroizing::new(b"private".to_vec()),
            stored_at: Timestamp::from_ms(5),
        };
        for text in [
            format!("{message:?}"),
            format!("{received:?}"),
            format!("{outgoing:?}"),
            format!("{saved:?}"),
        ] {
            assert!(!text.contains("private"), "{text}");
            assert!(!text.contains("112, 114"), "{text}");
        }
    }
}
