//! The API as front ends and bots use it, on a private network of real nodes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod accounts;
mod bots;
mod conversation;
mod files;
mod order;
mod previews;
mod states;
mod stdio;
mod support;
mod tools;
