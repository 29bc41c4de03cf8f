#![doc = include_str!("../README.md")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper of tests fails the test"
)]

mod object_store;
#[cfg(unix)]
mod postgres;

pub use object_store::ObjectStore;
#[cfg(unix)]
pub use postgres::{Postgres, TlsFiles};
