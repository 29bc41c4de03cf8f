//! The `session` binary as a person runs it: real processes, real sockets, real files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod accounts;
mod app;
mod attachments;
mod chat;
mod conversations;
mod export;
mod files;
mod messages;
mod naming;
mod networks;
mod node;
mod node_storage;
mod offline;
mod people;
mod person;
mod rpc;
mod run;
mod separate_processes;
mod terminal;
mod tools;
