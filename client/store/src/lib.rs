#![doc = include_str!("../README.md")]

mod error;
mod files;
mod history;
mod incoming;
mod key_file;
pub mod keyring;
mod outgoing;
#[cfg(test)]
mod plans;
mod profile;
mod rows;
mod schema;
mod secret;
mod state;
mod store;

pub use error::StoreError;
pub use key_file::KeyKeeping;
pub use profile::{AccountEntry, NewAccount, Profile};
pub use rows::{
    Cached, ConversationRow, Delivered, Identity, JobId, JobKind, LastHash, MessageId, MessageRow,
    MessageState, NewOutgoing, OutboxJob, OutgoingRow, ReceivedItem, ReceivedMessage,
    ReceivedOutcome,
};
pub use store::Store;
