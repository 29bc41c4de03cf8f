#![doc = include_str!("../README.md")]

mod account;
mod cache;
mod error;
mod event;
mod store_thread;

pub use account::{Account, AccountOptions, PollSummary};
pub use error::CoreError;
pub use event::{Event, Sent};
