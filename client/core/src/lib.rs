#![doc = include_str!("../README.md")]

mod account;
mod cache;
mod error;
mod event;
mod hub;
mod media;
mod model;
mod model_thread;
mod settings;
pub mod view;

pub use account::{
    Account, AccountOptions, Composed, FileForm, FileSource, LinkCard, NewDraft, NewFile,
    PollSummary,
};
pub use error::CoreError;
pub use event::{Event, Sent};
pub use media::Picture;
pub use model_thread::until_all_closed;
pub use settings::{DeleteFor, Settings};
