#![doc = include_str!("../README.md")]

mod address;
mod error;
mod hash;
mod ids;
mod keys;
pub mod limits;
mod namespace;
mod node;
mod swarm;
mod time;

pub use address::is_public_address;
pub use error::{ErrorKind, ParseError};
pub use hash::MessageHash;
pub use ids::{AccountId, GroupId, SwarmPubkey, network_prefix};
pub use keys::{Ed25519PublicKey, LegacyPublicKey, Signature, X25519PublicKey};
pub use namespace::{Namespace, NamespaceClass};
pub use node::{NodeContact, NodeVersion};
pub use swarm::{SwarmId, SwarmPosition, nearest_swarm};
pub use time::Timestamp;
