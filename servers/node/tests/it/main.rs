//! Real nodes on loopback sockets. The numbers in test names are the cases of
//! docs/protocol/node.md section 14.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod behaviours;
mod deletion;
mod errors;
mod expiry;
mod framing;
mod hostile;
mod hostile_crowds;
mod hostile_slow;
mod mailbox;
mod membership;
mod meta;
mod monitor;
mod onion;
mod onion_quic;
mod onion_servers;
mod peer_traffic;
mod process;
mod quic;
mod raw;
mod reconcile;
mod replication;
mod stock_clients;
mod subaccounts;
mod support;
mod testing;
mod walkthrough;
