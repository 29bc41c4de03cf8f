//! The configuration file of a file server.
//!
//! A file has the keys of [`DEFAULT_FILE`], each with a default; a key it does not know is an
//! error that names the line, so that a misspelt limit does not go unnoticed.

use core::time::Duration;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;
use session_chassis::limit::RateLimits;
use session_chassis::listener::ListenerLimits;
use session_chassis::onion::OnionLimits;

use crate::http::{HttpLimits, encoded_size};
use crate::{IdMode, PostgresAddress, Rules, SharedConfig};

/// A configuration file that says what holds without one, with an explanation of every key.
pub const DEFAULT_FILE: &str = include_str!("../files.toml");

/// Name of the configuration in the data folder.
pub const SETTINGS_FILE: &str = "files.toml";

const MIB: usize = 1024 * 1024;

/// The settings of a file server, as its operator writes them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// Serve HTTPS.
    pub tls: bool,
    /// Answer onion requests only.
    pub only_onion: bool,
    /// Where the server listens for transfers over QUIC. None when absent.
    pub quic: Option<SocketAddr>,
    /// QUIC connections at a time.
    pub max_quic_connections: usize,
    /// Where metrics and health are served; loopback only. None when absent.
    pub admin: Option<SocketAddr>,
    /// How files are named.
    pub ids: IdMode,
    /// Size of a file.
    pub max_file_bytes: u64,
    /// Size of all files together, in MiB.
    pub max_total_mib: u64,
    /// How long a file is kept, in hours.
    pub ttl_hours: u64,
    /// The longest time a client may ask for, in hours.
    pub max_ttl_hours: Option<u64>,
    /// Keep records in this PostgreSQL database, which other servers may share.
    pub postgres: Option<PostgresAddress>,
    /// Keep content in this folder, which those servers share too; relative to the configuration
    /// file.
    pub content: Option<PathBuf>,
    /// File with announcements; relative to the configuration file.
    pub announcements: Option<PathBuf>,
    /// Connections at a time.
    pub max_connections: usize,
    /// Connections at a time for one address.
    pub max_connections_per_address: usize,
    /// Requests per second for one address.
    pub requests_per_second: u32,
    /// Requests one address may make at once after a pause.
    pub burst: u32,
    /// Onion requests per second from one node.
    pub node_requests_per_second: u32,
    /// Onion requests one node may make at once after a pause.
    pub node_burst: u32,
    /// Requests per second for everybody together.
    pub total_requests_per_second: u32,
    /// Requests everybody may make at once after a pause.
    pub total_burst: u32,
    /// What one address may upload in the long run, in KiB per second.
    pub upload_kib_per_second: u32,
    /// What one address may upload at once after a pause, in MiB.
    pub upload_burst_mib: u32,
    /// Uploads at a time.
    pub max_uploads: usize,
    /// Uploads at a time for one address.
    pub max_uploads_per_address: usize,
    /// Downloads at a time.
    pub max_downloads: usize,
    /// Downloads at a time for one address.
    pub max_downloads_per_address: usize,
    /// How long an upload may take, in seconds.
    pub upload_seconds: u64,
    /// How long an upload may pause, in seconds.
    pub upload_pause_seconds: u64,
    /// MiB of onion requests and their answers held in memory.
    pub max_onion_memory_mib: usize,
    /// The same for one node.
    pub max_onion_memory_per_node_mib: usize,
    /// MiB of legacy uploads held in memory; one address gets a quarter of it.
    pub max_legacy_memory_mib: usize,
    /// How long a stop may take, in seconds.
    pub stop_seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 22030)),
            tls: false,
            only_onion: false,
            quic: None,
            max_quic_connections: 1024,
            admin: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 22039))),
            ids: IdMode::Content,
            max_file_bytes: 10_223_616,
            max_total_mib: 100 * 1024,
            ttl_hours: 21 * 24,
            max_ttl_hours: None,
            postgres: None,
            content: None,
            announcements: None,
            max_connections: 8192,
            max_connections_per_address: 512,
            requests_per_second: 50,
            burst: 300,
            node_requests_per_second: 500,
            node_burst: 2000,
            total_requests_per_second: 5000,
            total_burst: 10_000,
            upload_kib_per_second: 2048,
            upload_burst_mib: 256,
            max_uploads: 512,
            max_uploads_per_address: 32,
            max_downloads: 1024,
            max_downloads_per_address: 128,
            upload_seconds: 1200,
            upload_pause_seconds: 30,
            max_onion_memory_mib: 512,
            max_onion_memory_per_node_mib: 128,
            max_legacy_memory_mib: 256,
            stop_seconds: 4,
        }
    }
}

/// What is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A value makes no sense.
    #[error("{key}: {problem}")]
    Value {
        /// Which.
        key: &'static str,
        /// Why.
        problem: &'static str,
    },
    /// The text is not in order; says where.
    #[error("{0}")]
    Syntax(String),
}

impl Settings {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`SettingsError`], with line and key.
    pub fn from_toml(text: &str) -> Result<Self, SettingsError> {
        let settings: Self = toml::from_str(text)
            .map_err(|error| SettingsError::Syntax(error.to_string().trim_end().to_owned()))?;
        settings.check()?;
        Ok(settings)
    }

    /// Whether the values make sense.
    ///
    /// # Errors
    /// [`SettingsError::Value`] names the first that does not.
    pub fn check(&self) -> Result<(), SettingsError> {
        let value = |key, problem| Err(SettingsError::Value { key, problem });
        if self.admin.is_some_and(|admin| !admin.ip().is_loopback()) {
            return value("admin", "metrics are served on a loopback address only");
        }
        match (&self.postgres, &self.content) {
            (Some(_), None) => return value("content", "must be set where postgres is"),
            (None, Some(_)) => return value("content", "has a meaning only where postgres is set"),
            (Some(address), _) if address.parse().is_err() => {
                return value("postgres", "is not the address of a database");
            }
            _ => {}
        }
        if self.only_onion && self.quic.is_some() {
            return value("quic", "clients come directly, which only_onion forbids");
        }
        if self.max_ttl_hours.is_some_and(|max| max < self.ttl_hours) {
            return value("max_ttl_hours", "must not be less than ttl_hours");
        }
        let upload_burst = u64::from(self.upload_burst_mib).saturating_mul(1024 * 1024);
        if upload_burst < encoded_size(self.max_file_bytes) {
            return value("upload_burst_mib", "must have room for one file in base64");
        }
        if self.upload_burst_mib > u32::MAX / 1024 {
            return value("upload_burst_mib", "is too large");
        }
        for (key, zero) in [
            ("max_file_bytes", self.max_file_bytes == 0),
            ("max_total_mib", self.max_total_mib == 0),
            ("ttl_hours", self.ttl_hours == 0),
            ("max_connections", self.max_connections == 0),
            (
                "max_connections_per_address",
                self.max_connections_per_address == 0,
            ),
            ("requests_per_second", self.requests_per_second == 0),
            ("burst", self.burst == 0),
            (
                "node_requests_per_second",
                self.node_requests_per_second == 0,
            ),
            ("node_burst", self.node_burst == 0),
            (
                "total_requests_per_second",
                self.total_requests_per_second == 0,
            ),
            ("total_burst", self.total_burst == 0),
            ("upload_kib_per_second", self.upload_kib_per_second == 0),
            ("max_quic_connections", self.max_quic_connections == 0),
            ("max_uploads", self.max_uploads == 0),
            ("max_uploads_per_address", self.max_uploads_per_address == 0),
            ("max_downloads", self.max_downloads == 0),
            (
                "max_downloads_per_address",
                self.max_downloads_per_address == 0,
            ),
            ("upload_seconds", self.upload_seconds == 0),
            ("upload_pause_seconds", self.upload_pause_seconds == 0),
            ("max_onion_memory_mib", self.max_onion_memory_mib == 0),
            (
                "max_onion_memory_per_node_mib",
                self.max_onion_memory_per_node_mib == 0,
            ),
            ("max_legacy_memory_mib", self.max_legacy_memory_mib == 0),
            ("stop_seconds", self.stop_seconds == 0),
        ] {
            if zero {
                return value(key, "must be greater than 0");
            }
        }
        Ok(())
    }

    /// Where files are shared with other servers, if they are.
    #[must_use]
    pub fn shared(&self) -> Option<SharedConfig> {
        Some(SharedConfig {
            postgres: self.postgres.clone()?,
            content: self.content.clone()?,
            grace: Duration::from_secs(self.upload_seconds)
                .saturating_mul(2)
                .saturating_add(Duration::from_secs(3600)),
        })
    }

    /// The rules of the files.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let hours = |hours: u64| Duration::from_secs(hours.saturating_mul(3600));
        Rules {
            ids: self.ids,
            max_file_bytes: self.max_file_bytes,
            max_total_bytes: self.max_total_mib.saturating_mul(1024 * 1024),
            default_ttl: hours(self.ttl_hours),
            max_ttl: self.max_ttl_hours.map(hours),
        }
    }

    pub(crate) fn http_limits(&self) -> HttpLimits {
        HttpLimits {
            only_onion: self.only_onion,
            per_address: RateLimits {
                capacity: self.burst,
                refill_per_second: self.requests_per_second,
                ..HttpLimits::default().per_address
            },
            per_node: RateLimits {
                capacity: self.node_burst,
                refill_per_second: self.node_requests_per_second,
                ..HttpLimits::default().per_node
            },
            requests_per_second: self.total_requests_per_second,
            burst: self.total_burst,
            upload_kib_per_second: self.upload_kib_per_second,
            upload_burst_kib: self.upload_burst_mib.saturating_mul(1024),
            max_uploads: self.max_uploads,
            max_uploads_per_address: self.max_uploads_per_address,
            max_downloads: self.max_downloads,
            max_downloads_per_address: self.max_downloads_per_address,
            max_legacy_memory: self.max_legacy_memory_mib.saturating_mul(MIB),
            body_pause: Duration::from_secs(self.upload_pause_seconds),
            body_timeout: Duration::from_secs(self.upload_seconds),
        }
    }

    pub(crate) fn listener_limits(&self) -> ListenerLimits {
        ListenerLimits {
            max_connections: self.max_connections,
            max_connections_per_ip: self.max_connections_per_address,
            drain_timeout: Duration::from_secs(self.stop_seconds).mul_f64(0.8),
            ..ListenerLimits::default()
        }
    }

    /// What fits directly fits through nodes, as far as they let it.
    pub(crate) fn onion_limits(&self) -> OnionLimits {
        let largest = encoded_size(self.max_file_bytes).saturating_add(64 * 1024);
        let largest = usize::try_from(largest).unwrap_or(usize::MAX);
        OnionLimits {
            max_request_bytes: largest,
            max_answer_bytes: largest,
            max_memory_bytes: self.max_onion_memory_mib.saturating_mul(MIB),
            max_memory_bytes_per_node: self.max_onion_memory_per_node_mib.saturating_mul(MIB),
            ..OnionLimits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_says_what_holds_without_it() {
        assert_eq!(Settings::from_toml(DEFAULT_FILE), Ok(Settings::default()));
        assert_eq!(Settings::from_toml(""), Ok(Settings::default()));
        assert_eq!(Settings::default().rules(), Rules::default());
        assert_eq!(Settings::default().http_limits(), HttpLimits::default());
        let commented = DEFAULT_FILE
            .replace("# max_ttl_hours = 720", "max_ttl_hours = 720")
            .replace("# quic", "quic")
            .replace("# announcements", "announcements");
        let settings = Settings::from_toml(&commented).unwrap();
        assert_eq!(settings.max_ttl_hours, Some(720));
        assert!(settings.announcements.is_some() && settings.quic.is_some());
    }

    #[test]
    fn mistakes_are_named() {
        let wrong = |text: &str| Settings::from_toml(text).unwrap_err().to_string();
        let unknown = wrong("tls = true\nmax_flie_bytes = 7");
        assert!(unknown.contains("line 2") && unknown.contains("max_flie_bytes"));
        assert!(wrong("burst = \"many\"").contains("line 1"));
        assert!(wrong("ids = \"words\"").contains("line 1"));
        assert!(wrong("admin = \"0.0.0.0:22039\"").starts_with("admin:"));
        assert!(wrong("postgres = \"host=db\"").starts_with("content:"));
        assert!(wrong("content = \"a\"").starts_with("content:"));
        let nonsense = wrong("content = \"a\"\npostgres = \"password=sesame nonsense\"");
        assert_eq!(nonsense, "postgres: is not the address of a database");
        let both = wrong("only_onion = true\nquic = \"0.0.0.0:11235\"");
        assert!(both.starts_with("quic:"));
        assert!(wrong("max_ttl_hours = 3").starts_with("max_ttl_hours:"));
        assert!(wrong("upload_burst_mib = 10").starts_with("upload_burst_mib:"));
        assert_eq!(wrong("burst = 0"), "burst: must be greater than 0");
    }
}
