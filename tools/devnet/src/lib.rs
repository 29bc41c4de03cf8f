#![doc = include_str!("../README.md")]

mod error;
mod faults;
mod files;
mod folder;
mod info;
mod keys;
mod names;
mod network;
mod options;
mod ports;

pub use error::DevnetError;
pub use info::{DevnetInfo, DevnetNode, FileServerInfo, NodeInfo};
pub use names::Names;
pub use network::Devnet;
pub use options::{Customise, DevnetOptions, DevnetProgress};
