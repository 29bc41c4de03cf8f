//! The configuration file of a node.
//!
//! A file has the keys of [`DEFAULT_FILE`], each with a default; a key it does not know is an
//! error that names the line, so that a misspelt limit does not go unnoticed.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use session_chassis::settings::{self, SettingsError};

use crate::{NodeConfig, NodeError, NodeIdentity, PublicAddress, TestTiming};

/// A configuration file that says what holds without one, with an explanation of every key.
pub const DEFAULT_FILE: &str = include_str!("../node.toml");

/// The settings of a node, as its operator writes them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the node listens for clients and other nodes.
    pub listen: SocketAddrV4,
    /// Where the node listens for QUIC (UDP); `listen` when absent.
    pub listen_quic: Option<SocketAddrV4>,
    /// Address by which others reach the node; that of `listen` when absent.
    pub public_ip: Option<Ipv4Addr>,
    /// Port by which others reach the node; that of `listen` when absent.
    pub public_port: Option<u16>,
    /// UDP port by which others reach the node; that of `listen_quic` or else `public_port` when
    /// absent.
    pub public_quic_port: Option<u16>,
    /// File with the node list ([`session_registry::file`]); relative to the configuration file.
    pub nodes: PathBuf,
    /// Where metrics and health are served; loopback only. None when absent.
    pub admin: Option<SocketAddr>,
    /// Size of the database, in MiB.
    pub max_database_mib: u64,
    /// Connections at a time.
    pub max_connections: usize,
    /// Connections at a time for one address.
    pub max_connections_per_address: usize,
    /// Client requests per second for one address.
    pub requests_per_second: u32,
    /// Client requests one address may make at once after a pause.
    pub burst: u32,
    /// MiB of request bodies held in memory.
    pub max_body_memory_mib: usize,
    /// MiB of messages read for answers.
    pub max_answer_memory_mib: usize,
    /// Relay onion requests to servers on private addresses too.
    pub relay_to_private_addresses: bool,
    /// Whether the node tests if others are reachable.
    pub test_other_nodes: bool,
    /// How long a stop may take, in seconds.
    pub stop_seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 22021),
            listen_quic: None,
            public_ip: None,
            public_port: None,
            public_quic_port: None,
            nodes: PathBuf::from("nodes.json"),
            admin: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 22029))),
            max_database_mib: 10 * 1024,
            max_connections: 8192,
            max_connections_per_address: 512,
            requests_per_second: 300,
            burst: 600,
            max_body_memory_mib: 256,
            max_answer_memory_mib: 512,
            relay_to_private_addresses: false,
            test_other_nodes: true,
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
        let public = self.public_ip.unwrap_or(*self.listen.ip());
        if public.is_unspecified() || public.is_broadcast() || public.is_multicast() {
            return value("public_ip", "give the address others reach the node by");
        }
        settings::check_not_zero([
            ("max_database_mib", self.max_database_mib == 0),
            ("max_connections", self.max_connections == 0),
            (
                "max_connections_per_address",
                self.max_connections_per_address == 0,
            ),
            ("requests_per_second", self.requests_per_second == 0),
            ("burst", self.burst == 0),
            ("max_body_memory_mib", self.max_body_memory_mib == 0),
            ("max_answer_memory_mib", self.max_answer_memory_mib == 0),
            ("stop_seconds", self.stop_seconds == 0),
        ])
    }

    /// Where others reach the node when it listens on `listening`.
    #[must_use]
    pub fn public_address(&self, listening: SocketAddrV4) -> PublicAddress {
        let https_port = self.public_port.unwrap_or(listening.port());
        let own_quic_port = self.listen_quic.map(|address| address.port());
        let quic_port = self.public_quic_port.or(own_quic_port);
        PublicAddress {
            ip: self.public_ip.unwrap_or(*listening.ip()),
            https_port,
            omq_port: quic_port.unwrap_or(https_port),
        }
    }

    /// Where the node listens for QUIC when its other listener is at `listening`.
    #[must_use]
    pub fn quic_address(&self, listening: SocketAddrV4) -> SocketAddrV4 {
        self.listen_quic.unwrap_or(listening)
    }

    /// The configuration of a node with these settings.
    ///
    /// # Errors
    /// [`NodeError`] when the socket has no IPv4 address.
    pub fn into_config(
        self,
        identity: NodeIdentity,
        data_dir: &Path,
        listener: TcpListener,
        quic: UdpSocket,
    ) -> Result<NodeConfig, NodeError> {
        let mut config = NodeConfig::with_quic(identity, data_dir, listener, quic)?;
        let listening = SocketAddrV4::new(config.address.ip, config.address.https_port);
        config.address = self.public_address(listening);
        let mib = 1024 * 1024;
        let limits = &mut config.limits;
        limits.max_database_bytes = self.max_database_mib.saturating_mul(mib);
        limits.listener.max_connections = self.max_connections;
        limits.listener.max_connections_per_ip = self.max_connections_per_address;
        limits.rate.refill_per_second = self.requests_per_second;
        limits.rate.capacity = self.burst;
        let mib = 1024 * 1024;
        limits.max_body_memory = self.max_body_memory_mib.saturating_mul(mib);
        limits.max_answer_memory = self.max_answer_memory_mib.saturating_mul(mib);
        config.allow_private_relay_targets = self.relay_to_private_addresses;
        config.timing.stop_timeout = Duration::from_secs(self.stop_seconds);
        if !self.test_other_nodes {
            config.timing.testing = TestTiming::off();
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_says_what_holds_without_it() {
        let with_ip = |text: &str| {
            text.replace(
                "# public_ip = \"203.0.113.7\"",
                "public_ip = \"203.0.113.7\"",
            )
        };
        let expected = Settings {
            public_ip: Some(Ipv4Addr::new(203, 0, 113, 7)),
            ..Settings::default()
        };
        let file = with_ip(DEFAULT_FILE);
        assert_ne!(file, DEFAULT_FILE);
        assert_eq!(Settings::from_toml(&file), Ok(expected.clone()));
        assert_eq!(
            Settings::from_toml("public_ip = \"203.0.113.7\""),
            Ok(expected)
        );
    }

    #[test]
    fn mistakes_are_named() {
        let wrong = |text: &str| Settings::from_toml(text).unwrap_err().to_string();
        let unknown = wrong("public_ip = \"203.0.113.7\"\nmax_databse_mib = 7");
        assert!(unknown.contains("line 2") && unknown.contains("max_databse_mib"));
        assert!(wrong("burst = \"many\"").contains("line 1"));
        assert!(wrong("").starts_with("public_ip:"));
        let admin = wrong("public_ip = \"203.0.113.7\"\nadmin = \"0.0.0.0:22029\"");
        assert!(admin.starts_with("admin:"), "{admin}");
        let zero = wrong("public_ip = \"203.0.113.7\"\nburst = 0");
        assert_eq!(zero, "burst: must be greater than 0");
    }
}
