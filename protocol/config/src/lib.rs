//! Shared configs.

mod blob;
mod core;
mod data;
mod diff;
mod error;
mod merge;
mod message;
mod multipart;
pub mod seal;
#[cfg(test)]
mod vector_tests;
mod wire;
mod wrap;

pub use error::{ConfigError, Malformed};
