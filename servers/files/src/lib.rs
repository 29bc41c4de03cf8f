#![doc = include_str!("../README.md")]

mod announcements;
mod arrival;
mod buffer;
mod error;
mod files;
mod hashing;
mod http;
mod id;
mod keys;
mod local;
mod metrics;
mod quic;
mod server;
pub mod settings;
mod shared;
pub mod storage;
mod tls;

pub use error::ServerError;
pub use files::{Files, FilesError, IdMode, Rules, Upload};
pub use id::{ContentHasher, FileId, NotAFileId};
pub use keys::{KEY_FILE, ONION_KEY_FILE, ServerKeys};
pub use local::{LocalStorage, verify};
pub use metrics::FilesMetrics;
pub use server::{FileServer, RunningServer, ServerConfig, init, run};
pub use shared::{
    ContentConfig, PostgresAddress, RecordsConfig, S3Config, SharedConfig, SharedStorage,
};
