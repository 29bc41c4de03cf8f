//! Reverse proxies in front of a server, and what they say about who asks.

use core::fmt;
use core::str::FromStr;
use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

/// Proxies that are believed when they say for whom they ask. By default there are none, and
/// nobody is believed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proxies {
    networks: Arc<[Network]>,
    header: ProxyHeader,
}

/// Where proxies say for whom they ask. Only one is read: who asks can write the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyHeader {
    /// `X-Forwarded-For: 192.0.2.1, 198.51.100.7`
    #[default]
    XForwardedFor,
    /// `Forwarded: for=192.0.2.1, for="[2001:db8::1]:4711"` (RFC 7239)
    Forwarded,
}

/// An address, or the network of an address and the length of its prefix: `192.0.2.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

/// A text is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address or network")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().into(),
            Err(_) => text.parse::<IpNet>().map_err(|_| NotANetwork)?,
        };
        Ok(Self(network))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Proxies {
    /// Believes proxies with these addresses.
    #[must_use]
    pub fn new(networks: impl IntoIterator<Item = Network>, header: ProxyHeader) -> Self {
        Self {
            networks: networks.into_iter().collect(),
            header,
        }
    }

    /// Whether what this address says is believed.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks
            .iter()
            .any(|Network(network)| network.contains(&address))
    }

    /// Who asks, when `peer` asks with these headers: the last address in the header that is not
    /// a proxy's own. What stands before it was written by nobody who is believed.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        if !self.trusts(peer) {
            return client;
        }
        let lines = headers.get_all(self.header.name()).iter();
        // From right to left: each proxy adds at the end.
        let lines: Vec<&str> = lines
            .map(|line| line.to_str().unwrap_or_default())
            .collect();
        for element in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            let Some(address) = self.header.address(element.trim()) else {
                break;
            };
            client = address.to_canonical();
            if !self.trusts(client) {
                break;
            }
        }
        client
    }
}

impl ProxyHeader {
    fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            Self::Forwarded => header::FORWARDED,
        }
    }

    fn address(self, element: &str) -> Option<IpAddr> {
        match self {
            Self::XForwardedFor => address(element),
            Self::Forwarded => element.split(';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                let is_for = name.trim().eq_ignore_ascii_case("for");
                is_for.then(|| address(value.trim().trim_matches('"')))?
            }),
        }
    }
}

/// An address, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, _) = rest.split_once(']')?;
        return address.parse().ok();
    }
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (address, _port) = text.split_once(':')?;
    address.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn proxies(header: ProxyHeader) -> Proxies {
        let networks = ["127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"];
        Proxies::new(networks.map(|text| text.parse().unwrap()), header)
    }

    fn client(header: ProxyHeader, peer: &str, lines: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header.name(), HeaderValue::from_static(line));
        }
        let peer = peer.parse().unwrap();
        proxies(header).client(peer, &headers).to_string()
    }

    #[test]
    fn the_last_address_that_is_not_a_proxys() {
        let of = |peer, lines: &[&'static str]| client(ProxyHeader::XForwardedFor, peer, lines);
        assert_eq!(of("127.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(of("::ffff:127.0.0.1", &["192.0.2.1:4711"]), "192.0.2.1");
        // What the client itself wrote stands before.
        assert_eq!(of("10.1.2.3", &["198.51.100.7, 192.0.2.1"]), "192.0.2.1");
        assert_eq!(
            of("10.1.2.3", &["198.51.100.7", "192.0.2.1, 10.0.0.2"]),
            "192.0.2.1"
        );
        assert_eq!(
            of("10.1.2.3", &["2001:db8::7,[2001:db8:1::5]:80"]),
            "2001:db8::7"
        );
        // Nobody else is believed, and nothing that cannot be read.
        assert_eq!(of("192.0.2.9", &["198.51.100.7"]), "192.0.2.9");
        assert_eq!(of("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(of("127.0.0.1", &["192.0.2.1, unknown"]), "127.0.0.1");
        assert_eq!(of("127.0.0.1", &["192.0.2.1, , 10.0.0.9"]), "10.0.0.9");
        let nobody = Proxies::default();
        let peer = "127.0.0.1".parse().unwrap();
        assert!(!nobody.trusts(peer));
    }

    #[test]
    fn the_standard_header() {
        let of = |lines: &[&'static str]| client(ProxyHeader::Forwarded, "127.0.0.1", lines);
        assert_eq!(
            of(&["for=192.0.2.60;proto=http;by=203.0.113.43"]),
            "192.0.2.60"
        );
        assert_eq!(
            of(&["by=x; For=\"[2001:db8::cafe]:4711\""]),
            "2001:db8::cafe"
        );
        assert_eq!(of(&["for=192.0.2.43, for=198.51.100.17"]), "198.51.100.17");
        // A quote somebody left open takes in nothing of what a proxy adds.
        assert_eq!(
            of(&["for=\"192.0.2.43, for=198.51.100.17"]),
            "198.51.100.17"
        );
        assert_eq!(of(&["for=_hidden"]), "127.0.0.1");
        assert_eq!(of(&["proto=https"]), "127.0.0.1");
    }

    #[test]
    fn networks() {
        let shown = |text: &str| text.parse::<Network>().map(|network| network.to_string());
        assert_eq!(shown("::ffff:192.0.2.1"), Ok("192.0.2.1/32".to_owned()));
        assert_eq!(shown("2001:db8::/32"), Ok("2001:db8::/32".to_owned()));
        assert_eq!(shown("localhost"), Err(NotANetwork));
        assert_eq!(shown("192.0.2.0/33"), Err(NotANetwork));
    }
}
