//! How requests reach a node. Each transport is a [`Connector`] and a [`Connection`]; the rest of
//! the program knows only these two.

mod https;
mod quic;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use clap::ValueEnum;
use serde::Serialize;
use session_types::{Ed25519PublicKey, LegacyPublicKey, NodeContact, SwarmId, X25519PublicKey};
use tokio::time::timeout;

/// Longer than any answer a node gives: what takes this long counts as lost.
const PATIENCE: Duration = Duration::from_secs(40);

/// What carries the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    /// HTTPS with keep-alive, one request at a time on each connection.
    #[default]
    Https,
    /// QUIC, one request at a time on each connection.
    Quic,
}

/// A node to ask.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Its keys, where they are known; onion requests need them.
    pub(crate) contact: Option<NodeContact>,
}

impl Target {
    /// A node known by its address only.
    pub(crate) const fn at(address: SocketAddr) -> Self {
        Self {
            address,
            contact: None,
        }
    }
}

impl FromStr for Target {
    type Err = anyhow::Error;

    /// Reads `ip:port`, or `ip:port,ed25519,x25519` with keys in hex.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mut parts = text.splitn(3, ',');
        let address: SocketAddr = parts.next().unwrap_or_default().parse()?;
        let Some(ed25519) = parts.next() else {
            return Ok(Self::at(address));
        };
        let x25519 = parts.next().context("its X25519 key is missing")?;
        let ed25519 = ed25519.parse::<Ed25519PublicKey>()?;
        let IpAddr::V4(ip) = address.ip() else {
            anyhow::bail!("nodes have IPv4 addresses");
        };
        let contact = NodeContact {
            ed25519,
            x25519: x25519.parse::<X25519PublicKey>()?,
            legacy: LegacyPublicKey::new(*ed25519.as_bytes()),
            ip,
            https_port: address.port(),
            omq_port: address.port(),
            swarm: SwarmId::UNASSIGNED,
        };
        Ok(contact.into())
    }
}

impl From<NodeContact> for Target {
    fn from(contact: NodeContact) -> Self {
        Self {
            address: SocketAddr::from((contact.ip, contact.https_port)),
            contact: Some(contact),
        }
    }
}

/// What takes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Onion,
    Storage,
}

/// What a node answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// Opens connections that have something in common: TLS sessions to resume, for example.
#[derive(Debug, Clone)]
pub(crate) enum Connector {
    Https(https::Connector),
    Quic(quic::Connector),
}

/// An open connection. Dropping it closes it.
pub(crate) enum Connection {
    Https(https::Connection),
    Quic(quic::Connection),
}

impl Connector {
    /// `resuming` says whether a connection may build on what an earlier one has agreed.
    pub(crate) fn new(transport: Transport, resuming: bool) -> anyhow::Result<Self> {
        match transport {
            Transport::Https => Ok(Self::Https(https::Connector::new(resuming)?)),
            Transport::Quic => Ok(Self::Quic(quic::Connector)),
        }
    }

    /// Connects from an address of its own for each `index`, so that the node's limit per
    /// address does not measure itself.
    pub(crate) async fn open(&self, target: &Target, index: u16) -> anyhow::Result<Connection> {
        let opening = async {
            match self {
                Self::Https(connector) => {
                    let connection = connector.open(target.address, index).await?;
                    Ok(Connection::Https(connection))
                }
                Self::Quic(connector) => {
                    let connection = connector.open(target, index).await?;
                    Ok(Connection::Quic(connection))
                }
            }
        };
        timeout(PATIENCE, opening).await.context("no connection")?
    }
}

impl Connection {
    /// Sends one request and waits for the whole answer.
    pub(crate) async fn ask(&mut self, endpoint: Endpoint, body: Bytes) -> anyhow::Result<Answer> {
        let asking = async {
            match self {
                Self::Https(connection) => connection.ask(endpoint, body).await,
                Self::Quic(connection) => connection.ask(endpoint, body).await,
            }
        };
        timeout(PATIENCE, asking).await.context("no answer")?
    }
}

/// The local address of connection `index` to a node on loopback: 127.1.x.y.
pub(crate) fn own_address(target: SocketAddr, index: u16) -> Option<SocketAddr> {
    let [high, low] = index.to_be_bytes();
    let own = IpAddr::V4(Ipv4Addr::new(127, 1, high, low));
    target.ip().is_loopback().then(|| SocketAddr::new(own, 0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_target_is_an_address_or_an_address_and_two_keys() {
        let known = |text: &str| text.parse::<Target>();
        let alone = known("127.0.0.1:22021").unwrap();
        assert_eq!(alone.address.port(), 22021);
        assert!(alone.contact.is_none());
        let (ed25519, x25519) = ("11".repeat(32), "22".repeat(32));
        let node = known(&format!("127.0.0.1:22021,{ed25519},{x25519}")).unwrap();
        let contact = node.contact.unwrap();
        assert_eq!(
            (contact.ed25519.to_hex(), contact.x25519.to_hex()),
            (ed25519, x25519)
        );
        for wrong in [
            "",
            "127.0.0.1",
            "127.0.0.1:1,11",
            "127.0.0.1:1,11,22",
            "[::1]:1,11,22",
        ] {
            assert!(known(wrong).is_err(), "{wrong}");
        }
    }
}
