#![doc = include_str!("../README.md")]

mod error;
pub mod hop_error;
pub mod packet;
pub mod paths;
pub mod pool;
pub mod v4;

pub use error::{EntryError, OnionError, PeelError};
pub use packet::Hop;
