//! Our constructions against libsodium's, on random inputs and on inputs made to be odd.
//!
//! | Module | Compared |
//! |---|---|
//! | `keys` | Ed25519 and X25519 key pairs, conversions, shared secrets, refusals |
//! | `signatures` | Ed25519 signing and verifying, which malformed signatures and keys pass; XEd25519 |
//! | `boxes` | sealed boxes, secretbox, XChaCha20-Poly1305, Argon2id |
//! | `hashes` | BLAKE2b with key, personalisation, any output length; what is derived with it |
//! | `streams` | secretstream, chunk by chunk, in attachments |
//! | `messages` | whole messages put together from libsodium's parts alone |
//! | `blinding` | blinded ids, signatures, messages between them |
//!
//! Everything follows from one seed, which each test prints.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "oracle/blinding.rs"]
mod blinding;
#[path = "oracle/boxes.rs"]
mod boxes;
#[path = "oracle/hashes.rs"]
mod hashes;
#[path = "oracle/inputs.rs"]
mod inputs;
#[path = "oracle/keys.rs"]
mod keys;
#[path = "oracle/messages.rs"]
mod messages;
#[path = "oracle/signatures.rs"]
mod signatures;
#[path = "oracle/streams.rs"]
mod streams;
