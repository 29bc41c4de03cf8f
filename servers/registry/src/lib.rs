#![doc = include_str!("../README.md")]

pub mod assignment;
mod error;
mod list;
mod registry;
pub mod seed;

pub use error::RegistryError;
pub use list::{ChainTip, Hardfork, NodeList, RegisteredNode};
pub use registry::{Registry, StaticRegistry};
