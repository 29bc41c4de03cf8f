#![doc = include_str!("../README.md")]

mod account;
mod cache;
mod error;
mod event;
mod hub;
mod model;
mod model_thread;
mod settings;
pub mod view;

pub use account::{Account, AccountOptions, PollSummary};
pub use error::CoreError;
pub use event::{Event, Sent};
pub use settings::{DeleteFor, Settings};
