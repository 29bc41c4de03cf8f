//! One module per command.

pub(crate) mod account;
pub(crate) mod demo;
pub(crate) mod devnet;
pub(crate) mod history;
pub(crate) mod listen;
pub(crate) mod node;
pub(crate) mod seed;
pub(crate) mod send;
