//! Shared configs.

mod blob;
mod data;
mod diff;
mod error;
mod merge;
mod message;
pub mod seal;
mod wire;
mod wrap;

pub use error::{ConfigError, Malformed};
