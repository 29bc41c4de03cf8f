#![doc = include_str!("../README.md")]

#[cfg(feature = "libsodium")]
pub mod sodium;
