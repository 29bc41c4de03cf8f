#![doc = include_str!("../README.md")]

mod attachments;
mod blobs;
mod configs;
mod conversations;
mod drafts;
mod effects;
mod engine;
mod error;
mod files;
mod history;
mod incoming;
mod key_file;
pub mod keyring;
mod outgoing;
mod pictures;
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

pub use attachments::PREVIEW_IMAGE;
pub use blobs::{Blob, BlobName, Blobs};
pub use error::StoreError;
pub use key_file::KeyKeeping;
pub use profile::{AccountEntry, NewAccount, Profile};
pub use rows::{
    Arrival, AutoDownload, Cached, ConversationRow, ConversationSettings, Delivered, Details,
    DraftFile, DraftFileId, DraftFileRow, DraftRow, Effect, FileId, FileInfo, FileRow, FileState,
    FilesUsage, Identity, Invitation, JobId, JobKind, LastHash, MessageId, MessageKind, MessageRow,
    MessageState, NewFile, NewJob, NewMessage, NewOutgoing, OutboxJob, OutgoingRow, PictureRow,
    Pointer, Preview, QuoteRef, ReactionRow, ReceivedMessage, SavedConfig, Sound, SwarmTask,
    SwarmTaskKind,
};
pub use store::Store;
