//! A file server as clients, nodes and its operator meet it, on real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

mod errors;
mod files;
mod kill;
mod limits;
mod network;
mod onion;
mod operation;
#[cfg(target_os = "linux")]
mod postgres;
mod queries;
mod quic;
mod support;
