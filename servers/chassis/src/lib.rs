#![doc = include_str!("../README.md")]

pub mod admin;
pub mod body;
mod connection;
mod error;
pub mod gate;
pub mod limit;
pub mod listener;
mod stall;
pub mod tls;

pub use error::ChassisError;
