#![doc = include_str!("../README.md")]

mod answer;
mod block;
pub mod code;
mod command;

pub use answer::{Head, Info, Kept, Times};
pub use block::{BlockError, LONGEST_BLOCK, split};
pub use command::Command;

/// The name in the handshake (ALPN).
pub const PROTOCOL: &[u8] = b"quic-files";

/// The port file servers usually listen on.
pub const PORT: u16 = 11235;
