//! A file server as clients, nodes and its operator meet it, on real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

mod broken;
#[cfg(target_os = "linux")]
mod crowd;
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
#[cfg(target_os = "linux")]
mod s3;
mod support;
