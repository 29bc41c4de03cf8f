#![doc = include_str!("../README.md")]

mod bootstrap;
mod cache;
mod clock;
mod error;
mod exchange;
mod http;
mod network;
mod profile;
mod route;

pub use cache::{CachedNetwork, NetworkCache, NoCache};
pub use clock::{Clock, ClockSkew, NetworkClock, SystemClock};
pub use error::NetError;
pub use http::HttpError;
pub use network::{Network, NetworkOptions, SwarmReply};
pub use profile::{NetworkProfile, ProfileError, Seed, SeedTls};
pub use route::Route;
pub use session_onion::paths::{PathStatus, Purpose};
