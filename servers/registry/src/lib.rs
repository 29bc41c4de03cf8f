#![doc = include_str!("../README.md")]

pub mod assignment;
mod error;
pub mod file;
mod list;
pub mod liveness;
mod registry;
pub mod seed;

pub use error::RegistryError;
pub use list::{ChainTip, Hardfork, NodeList, RegisteredNode};
pub use liveness::PeerReport;
pub use registry::{Consequence, Registry, StaticRegistry};
