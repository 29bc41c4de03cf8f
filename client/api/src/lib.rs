#![doc = include_str!("../README.md")]

mod account;
mod connection;
mod content;
mod error;
mod follower;
mod line;
mod logs;
mod method;
mod methods;
pub mod notification;
mod openrpc;
mod preferences;
mod recovery;
mod rpc;
mod secret;
mod serving;
mod session;
mod stdio;
mod typescript;
mod uploads;

pub use connection::{Caller, Connection, Reach};
pub use content::Content;
pub use error::{ApiError, ApiErrorKind};
pub use logs::log_keeper;
pub use methods::params;
pub use notification::Notification;
pub use openrpc::openrpc;
pub use secret::Secret;
pub use serving::{MAX_LINE, serve_texts};
pub use session::{Session, SessionOptions};
pub use stdio::{serve, serve_stdio};
pub use typescript::typescript;
pub use uploads::MOST_UPLOADED;

/// Version of the methods and notifications. Changes only when something that was there is gone
/// or means something else.
pub const API_VERSION: u32 = 1;
