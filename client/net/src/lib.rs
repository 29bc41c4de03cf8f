#![doc = include_str!("../README.md")]

mod bootstrap;
mod cache;
mod carrier;
mod clock;
mod diagnosis;
mod error;
mod exchange;
mod http;
mod network;
mod options;
mod profile;
mod proxy;
mod quic;
mod reach;
mod route;
mod seeds;
mod traffic;

pub use cache::{CachedNetwork, NetworkCache, NoCache};
pub use carrier::Wire;
pub use clock::{Clock, ClockSkew, NetworkClock, SystemClock};
pub use diagnosis::{Step, StepName, StepOutcome};
pub use error::NetError;
pub use http::HttpError;
pub use network::{ConnectStep, Network, NetworkStatus, OfflineReason, SwarmReply};
pub use options::{NetworkOptions, Transport};
pub use profile::{NetworkProfile, ProfileError, Seed, SeedTls};
pub use proxy::{ProxyFault, ProxyUrl, ProxyUrlError};
pub use route::Route;
pub use session_onion::paths::{PathStatus, Purpose};
pub use traffic::Traffic;
