//! The facade against a private network of twelve real nodes, and against seeds and caches that
//! are not what they should be.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod diagnosis;
mod direct;
mod fake_seed;
mod memory;
mod names;
mod offline;
mod proxies;
mod proxy_server;
mod quic;
mod race;
mod refreshing;
mod seeds;
mod servers;
mod status;
mod support;
mod swarms;
mod time;
mod udp_relay;
mod web;
