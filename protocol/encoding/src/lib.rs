#![doc = include_str!("../README.md")]

pub mod bt;
pub mod mnemonic;
pub mod padding;
pub mod zstd_frame;
