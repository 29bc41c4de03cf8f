#![doc = include_str!("../README.md")]

mod channel;
mod connection;
mod endpoint;
mod error;
mod key;
mod life;
mod restart;
mod server;
mod settings;
pub mod tls;

pub use channel::{Budget, Response, Share, Stream};
pub use connection::{Connection, Push};
pub use endpoint::{Endpoint, Target};
pub use error::{CloseCode, QuicError};
pub use key::TlsKey;
pub use restart::restartable;
pub use server::{Answer, Command, OpenPlace, Peer, Place, Service};
pub use settings::{Protocol, Room, ServerLimits, accepting};
