#![doc = include_str!("../README.md")]

mod configs;
mod conversations;
mod effects;
mod engine;
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
mod reading;
mod rows;
mod schema;
mod search;
mod secret;
mod state;
mod store;
mod tasks;

pub use error::StoreError;
pub use key_file::KeyKeeping;
pub use profile::{AccountEntry, NewAccount, Profile};
pub use rows::{
    Arrival, Cached, ConversationRow, ConversationSettings, Delivered, Details, Effect, Identity,
    Invitation, JobId, JobKind, LastHash, MessageId, MessageKind, MessageRow, MessageState, NewJob,
    NewMessage, NewOutgoing, OutboxJob, OutgoingRow, Preview, QuoteRef, ReactionRow,
    ReceivedMessage, SavedConfig, SwarmTask, SwarmTaskKind,
};
pub use store::Store;
