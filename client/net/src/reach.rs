//! Whether this machine has a way to an address at all.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::net::UdpSocket;

use url::Host;

/// Addresses of the outside world that belong to nobody (RFC 5737, RFC 3849): where they would be
/// sent, anything would be.
const ANYWHERE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// Whether there is a route to this host; for a name, to any host. Nothing is sent to find out.
pub(crate) fn has_route<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) if name.as_ref() == "localhost" => true,
        Host::Domain(_) => ANYWHERE.iter().any(|ip| has_route_to(*ip)),
        Host::Ipv4(ip) => has_route_to((*ip).into()),
        Host::Ipv6(ip) => has_route_to((*ip).into()),
    }
}

/// Whether there is a route to this address.
pub(crate) fn has_route_to(ip: IpAddr) -> bool {
    let any: IpAddr = match ip {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // Connecting a UDP socket only chooses the way.
    UdpSocket::bind((any, 0))
        .and_then(|socket| socket.connect(SocketAddr::new(ip, 9)))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_can_be_reached_and_everybody_at_once_cannot() {
        assert!(has_route_to(Ipv4Addr::LOCALHOST.into()));
        assert!(!has_route_to(Ipv4Addr::BROADCAST.into()));
        assert!(has_route(&Host::<&str>::Ipv4(Ipv4Addr::LOCALHOST)));
        assert!(has_route(&Host::Domain("localhost")));
    }
}
