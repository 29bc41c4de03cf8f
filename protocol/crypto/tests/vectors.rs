//! The reference vectors of this crate's constructions, every case of each section, in both
//! directions where the reference's random bytes are given.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "vectors/attachments.rs"]
mod attachments;
#[path = "vectors/community.rs"]
mod community;
#[path = "vectors/direct.rs"]
mod direct;
#[path = "vectors/group.rs"]
mod group;
#[path = "vectors/keys.rs"]
mod keys;
#[path = "vectors/onion.rs"]
mod onion;
#[path = "vectors/protocol.rs"]
mod protocol;
#[path = "vectors/services.rs"]
mod services;
