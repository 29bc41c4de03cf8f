//! The configuration file of a file server.
//!
//! A file has the keys of [`DEFAULT_FILE`], each with a default; a key it does not know is an
//! error that names the line, so that a misspelt limit does not go unnoticed.

mod s3;

use core::time::Duration;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use session_chassis::limit::RateLimits;
use session_chassis::listener::ListenerLimits;
use session_chassis::onion::OnionLimits;
use session_chassis::proxies::{NotANetwork, Proxies, ProxyHeader};
use session_chassis::settings::{self, SettingsError};

use crate::http::{HttpLimits, encoded_size};
use crate::shared::{MAX_PARTS, PART};
use crate::{ContentConfig, IdMode, PostgresAddress, RecordsConfig, Rules, SharedConfig};
pub use s3::{S3Settings, SecretText};

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
    /// Reverse proxies that are believed when they say who asks: addresses or networks.
    pub trusted_proxies: Vec<String>,
    /// Where they say it.
    pub proxy_header: ProxyHeaderName,
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
    /// Trust the authorities in this file about that database and no other; relative to the
    /// configuration file.
    pub postgres_authorities: Option<PathBuf>,
    /// Keep content in this folder, which those servers share too; relative to the configuration
    /// file.
    pub content: Option<PathBuf>,
    /// Or keep it in this object store.
    pub s3: Option<S3Settings>,
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
    /// How long a client may take for the head of a request and keep an idle connection, in
    /// seconds.
    pub request_head_seconds: u64,
    /// How long a client may take for a part of an answer, about 64 KiB of it, in seconds.
    pub download_pause_seconds: u64,
    /// MiB of onion requests and their answers held in memory.
    pub max_onion_memory_mib: usize,
    /// The same for one node.
    pub max_onion_memory_per_node_mib: usize,
    /// MiB of legacy uploads held in memory; one address gets a quarter of it.
    pub max_legacy_memory_mib: usize,
    /// How long a stop may take, in seconds.
    pub stop_seconds: u64,
}

/// The header in which a proxy says who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeaderName {
    /// `Forwarded`, the standard one.
    Forwarded,
    /// `X-Forwarded-For`, which most write.
    XForwardedFor,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 22030)),
            tls: false,
            only_onion: false,
            trusted_proxies: Vec::new(),
            proxy_header: ProxyHeaderName::XForwardedFor,
            quic: None,
            max_quic_connections: 1024,
            admin: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 22039))),
            ids: IdMode::Content,
            max_file_bytes: 10_223_616,
            max_total_mib: 100 * 1024,
            ttl_hours: 21 * 24,
            max_ttl_hours: None,
            postgres: None,
            postgres_authorities: None,
            content: None,
            s3: None,
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
            request_head_seconds: 60,
            download_pause_seconds: 30,
            max_onion_memory_mib: 512,
            max_onion_memory_per_node_mib: 128,
            max_legacy_memory_mib: 256,
            stop_seconds: 4,
        }
    }
}

impl Settings {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`SettingsError`], with line and key.
    pub fn from_toml(text: &str) -> Result<Self, SettingsError> {
        let settings: Self = settings::from_toml(text)?;
        settings.check()?;
        Ok(settings)
    }

    /// Whether the values make sense.
    ///
    /// # Errors
    /// [`SettingsError::Value`] names the first that does not.
    pub fn check(&self) -> Result<(), SettingsError> {
        let value = |key, problem| Err(SettingsError::value(key, problem));
        settings::check_admin(self.admin)?;
        match (&self.postgres, &self.content, &self.s3) {
            (_, Some(_), Some(_)) => return value("content", "is in one place: not beside s3"),
            (Some(_), None, None) => {
                return value("content", "must be set where postgres is, or s3");
            }
            (None, Some(_), None) => {
                return value("content", "has a meaning only where postgres is set");
            }
            _ => {}
        }
        let address = self.postgres.as_ref().map(PostgresAddress::parse);
        match (address, &self.postgres_authorities) {
            (Some(Err(_)), _) => return value("postgres", "is not the address of a database"),
            (Some(Ok(address)), Some(_)) if crate::shared::wants_tls(&address) => {}
            (_, Some(_)) => {
                let problem = "needs sslmode=require in postgres";
                return value("postgres_authorities", problem);
            }
            _ => {}
        }
        if let Some(s3) = &self.s3 {
            if let Some(problem) = s3.problem() {
                return value("s3", problem);
            }
            if self.max_file_bytes > PART.saturating_mul(MAX_PARTS) {
                return value("max_file_bytes", "is more than an object of s3 may have");
            }
        }
        if self.proxies().is_err() {
            return value("trusted_proxies", "must be addresses or networks");
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
        settings::check_not_zero([
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
            ("request_head_seconds", self.request_head_seconds == 0),
            ("download_pause_seconds", self.download_pause_seconds == 0),
            ("max_onion_memory_mib", self.max_onion_memory_mib == 0),
            (
                "max_onion_memory_per_node_mib",
                self.max_onion_memory_per_node_mib == 0,
            ),
            ("max_legacy_memory_mib", self.max_legacy_memory_mib == 0),
            ("stop_seconds", self.stop_seconds == 0),
        ])
    }

    /// Where records and content are, if they are not both in the data folder.
    #[must_use]
    pub fn shared(&self, data: &Path) -> Option<SharedConfig> {
        let content = match (&self.content, &self.s3) {
            (Some(folder), _) => ContentConfig::Folder(data.join(folder)),
            (None, Some(s3)) => ContentConfig::S3(Box::new(s3.config(data))),
            (None, None) => return None,
        };
        let records = match &self.postgres {
            Some(address) => RecordsConfig::Postgres {
                address: address.clone(),
                authorities: self
                    .postgres_authorities
                    .as_ref()
                    .map(|path| data.join(path)),
            },
            None => RecordsConfig::Sqlite(data.to_owned()),
        };
        Some(SharedConfig {
            records,
            content,
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

    fn proxies(&self) -> Result<Proxies, NotANetwork> {
        let networks = self.trusted_proxies.iter().map(|text| text.parse());
        let header = match self.proxy_header {
            ProxyHeaderName::Forwarded => ProxyHeader::Forwarded,
            ProxyHeaderName::XForwardedFor => ProxyHeader::XForwardedFor,
        };
        Ok(Proxies::new(
            networks.collect::<Result<Vec<_>, _>>()?,
            header,
        ))
    }

    pub(crate) fn listener_limits(&self) -> ListenerLimits {
        ListenerLimits {
            // What is no network was refused before.
            proxies: self.proxies().unwrap_or_default(),
            max_connections: self.max_connections,
            max_connections_per_ip: self.max_connections_per_address,
            header_read_timeout: Duration::from_secs(self.request_head_seconds),
            write_stall_timeout: Duration::from_secs(self.download_pause_seconds),
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
        assert!(wrong("postgres_authorities = \"a\"").starts_with("postgres_authorities:"));
        let s3 = "[s3]\nendpoint = \"http://[::1]:9000\"\nbucket = \"files\"\n\
                  access_key = \"anna\"\nsecret_key = \"sesame\"\n";
        let settings = Settings::from_toml(s3).unwrap();
        assert!(!format!("{settings:?}").contains("sesame"));
        assert!(settings.shared(Path::new("data")).is_some());
        assert!(wrong(&s3.replace("http", "ftp")).starts_with("s3:"));
        assert!(wrong(&s3.replace("files", "../files")).starts_with("s3:"));
        assert!(wrong(&format!("{s3}prefix = \"a/../b\"")).starts_with("s3:"));
        assert!(wrong(&format!("{s3}colour = \"red\"")).contains("colour"));
        let twice = format!("postgres = \"host=db\"\ncontent = \"a\"\n{s3}");
        assert!(wrong(&twice).starts_with("content:"));
        let nonsense = wrong("content = \"a\"\npostgres = \"password=sesame nonsense\"");
        assert_eq!(nonsense, "postgres: is not the address of a database");
        let both = wrong("only_onion = true\nquic = \"0.0.0.0:11235\"");
        assert!(both.starts_with("quic:"));
        assert!(wrong("trusted_proxies = [\"here\"]").starts_with("trusted_proxies:"));
        assert!(wrong("max_ttl_hours = 3").starts_with("max_ttl_hours:"));
        assert!(wrong("upload_burst_mib = 10").starts_with("upload_burst_mib:"));
        assert_eq!(wrong("burst = 0"), "burst: must be greater than 0");
    }
}
