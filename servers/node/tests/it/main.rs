//! Real nodes on loopback sockets. The numbers in test names are the cases of
//! docs/protocol/node.md section 14.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod deletion;
mod expiry;
mod framing;
mod mailbox;
mod membership;
mod meta;
mod onion;
mod onion_servers;
mod peer_traffic;
mod process;
mod replication;
mod subaccounts;
mod support;
mod walkthrough;
