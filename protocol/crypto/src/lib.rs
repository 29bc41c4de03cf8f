#![doc = include_str!("../README.md")]

mod account;
mod aead;
pub mod attachment;
pub mod blinded_message;
pub mod blinding;
pub mod direct;
mod ed25519;
mod error;
#[cfg(feature = "aws-lc")]
mod fast;
mod field;
pub mod group_message;
pub mod hash;
pub mod multi_recipient;
pub mod name;
pub mod onion_cipher;
mod opened;
pub mod picture;
pub mod pro;
pub mod push;
pub mod sealed_box;
mod together;
mod version_key;
mod x25519;
pub mod xed25519;

pub use account::AccountKeys;
pub use blinding::{BlindedId, BlindedKeys, Blinding};
pub use ed25519::{Ed25519Secret, Ed25519Verifier, ed25519_to_x25519, verify, x25519_to_ed25519};
pub use error::CryptoError;
pub use onion_cipher::{HopKey, OnionCipher};
pub use opened::Opened;
pub use session_encoding::mnemonic::MnemonicError;
pub use version_key::VersionKey;
pub use x25519::{SharedSecret, X25519Secret};
