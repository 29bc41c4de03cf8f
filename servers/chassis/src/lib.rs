#![doc = include_str!("../README.md")]

pub mod body;
mod connection;
mod error;
pub mod limit;
pub mod listener;
mod stall;
pub mod tls;

pub use error::ChassisError;
