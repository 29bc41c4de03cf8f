//! The server as browsers, and others who would like to be taken for one, meet it: over sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod api;
mod browser;
mod doors;
mod patience;
