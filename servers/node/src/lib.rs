#![doc = include_str!("../README.md")]

pub mod clock;
mod config;
mod core;
pub mod edge;
mod error;
mod https;
mod identity;
mod intake;
mod metrics;
mod monitor;
mod node;
mod observer;
mod peers;
mod per_address;
mod pressure;
mod quic;
mod relay;
mod replication;
pub mod settings;
mod store;
mod tasks;
mod testing;

pub use config::{NodeConfig, NodeLimits, NodeTiming, PublicAddress, REPORTED_VERSION};
pub use core::{NameError, NameQuery, NameRecord, NameResolver, NoNames};
pub use error::{NodeError, StoreError};
pub use identity::NodeIdentity;
pub use metrics::NodeMetrics;
pub use node::{Node, RunningNode};
pub use observer::Observer;
pub use store::maintenance;
pub use testing::TestTiming;

/// Makes ring the process's TLS library unless the program has chosen one already: the HTTP
/// client asks the process for it.
pub(crate) fn install_crypto_provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
