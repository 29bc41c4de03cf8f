#![doc = include_str!("../README.md")]

mod account;
mod aead;
pub mod direct;
mod ed25519;
mod error;
mod field;
pub mod hash;
pub mod onion_cipher;
pub mod sealed_box;
mod x25519;
pub mod xed25519;

pub use account::AccountKeys;
pub use ed25519::{Ed25519Secret, ed25519_to_x25519, verify, x25519_to_ed25519};
pub use error::CryptoError;
pub use onion_cipher::{HopKey, OnionCipher};
pub use x25519::{SharedSecret, X25519Secret};
