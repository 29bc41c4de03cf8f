#![doc = include_str!("../README.md")]

mod account;
mod connection;
mod content;
mod error;
mod follower;
mod line;
mod method;
mod methods;
pub mod notification;
mod openrpc;
mod rpc;
mod secret;
mod session;
mod stdio;
mod typescript;

pub use connection::{Caller, Connection};
pub use content::Content;
pub use error::{ApiError, ApiErrorKind};
pub use methods::params;
pub use notification::Notification;
pub use openrpc::openrpc;
pub use secret::Secret;
pub use session::{Session, SessionOptions};
pub use stdio::{MAX_LINE, serve, serve_stdio};
pub use typescript::typescript;

/// Version of the methods and notifications. Changes only when something that was there is gone
/// or means something else.
pub const API_VERSION: u32 = 1;
