#![doc = include_str!("../README.md")]

pub mod admin;
pub mod body;
pub mod clock;
mod connection;
mod error;
pub mod gate;
pub mod limit;
pub mod listener;
pub mod memory;
pub mod new_file;
pub mod onion;
pub mod proxies;
pub mod settings;
pub mod silence;
mod stall;
pub mod tls;

pub use error::ChassisError;
