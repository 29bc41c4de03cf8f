#![doc = include_str!("../README.md")]

mod bootstrap;
mod cache;
mod carrier;
mod clock;
mod diagnosis;
mod direct;
mod error;
mod exchange;
mod file_server;
mod http;
mod network;
mod options;
mod outflow;
mod profile;
mod proxy;
mod quic;
mod reach;
mod route;
mod seeds;
mod server;
mod traffic;
mod web;

pub use cache::{CachedNetwork, NetworkCache, NoCache};
pub use carrier::Wire;
pub use clock::{Clock, ClockSkew, NetworkClock, SystemClock};
pub use diagnosis::{Step, StepName, StepOutcome};
pub use direct::DirectError;
pub use error::NetError;
pub use file_server::{FileServer, FileServerError, FileUrl};
pub use http::HttpError;
pub use network::{
    ConnectStep, NameError, Network, NetworkStatus, OfflineReason, SilentSwarm, SwarmReply,
};
pub use options::{NetworkOptions, Transport};
pub use profile::{NetworkChoice, NetworkProfile, ProfileError, Seed, SeedTls};
pub use proxy::{ProxyFault, ProxyUrl, ProxyUrlError};
pub use route::Route;
pub use server::{Moved, Progress, ServerProtocol, ServerReply, ServerRequest, ServerTarget};
pub use session_onion::paths::{PathStatus, Purpose};
pub use traffic::Traffic;
pub use web::{Browser, WebError, WebOptions, WebPage, WebReach};
