//! Finding ports.

use core::time::Duration;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Mutex, PoisonError};

use rand::RngExt as _;
use session_chassis::{ChassisError, listener};
use tokio::time::{Instant, sleep};

use crate::DevnetError;

/// Sockets of a network, bound.
pub(crate) struct Sockets {
    pub(crate) seed: TcpListener,
    pub(crate) nodes: Vec<TcpListener>,
    pub(crate) files: Option<TcpListener>,
}

/// Which ports to use.
pub(crate) enum Wish<'a> {
    /// This one for the seed, the following ones for the nodes, the next for the file server.
    From(u16),
    /// These where they are free, first the seed's.
    Prefer(&'a [u16]),
}

/// Binds a port for the seed, one for each node, and one for the file server if there is one.
pub(crate) fn bind(nodes: usize, files: bool, wish: &Wish<'_>) -> Result<Sockets, DevnetError> {
    let bind_one = |offset: usize| -> Result<TcpListener, DevnetError> {
        match wish {
            Wish::From(base) => {
                let port = u16::try_from(offset)
                    .ok()
                    .and_then(|offset| base.checked_add(offset));
                let port = port.ok_or(DevnetError::PortRange { base: *base, nodes })?;
                Ok(listener::bind(local(port))?)
            }
            Wish::Prefer(ports) => match ports.get(offset).map(|port| listener::bind(local(*port)))
            {
                Some(Ok(socket)) => Ok(socket),
                Some(Err(ChassisError::AddressInUse(_))) | None => bind_free(),
                Some(Err(error)) => Err(error.into()),
            },
        }
    };
    let seed = bind_one(0)?;
    let files = files.then(|| bind_one(nodes + 1)).transpose()?;
    let nodes = (1..=nodes).map(bind_one).collect::<Result<_, _>>()?;
    Ok(Sockets { seed, nodes, files })
}

/// Binds a port again that was in use a moment ago.
pub(crate) async fn bind_again(address: SocketAddr) -> Result<TcpListener, DevnetError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match listener::bind(address) {
            Err(ChassisError::AddressInUse(_)) if Instant::now() < deadline => {
                sleep(Duration::from_millis(20)).await;
            }
            bound => return Ok(bound?),
        }
    }
}

/// Binds a free port that stays free while its node is down: below those the system gives to
/// outgoing connections, and given to no other network of this process.
fn bind_free() -> Result<TcpListener, DevnetError> {
    let mut random = rand::rng();
    for _ in 0..TRIES {
        let port = random.random_range(CHOICE);
        if !GIVEN
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(port)
        {
            continue;
        }
        match listener::bind(local(port)) {
            Err(ChassisError::AddressInUse(_)) => {}
            bound => return Ok(bound?),
        }
    }
    Ok(listener::bind(local(0))?)
}

/// Ports this process has chosen so far.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

const CHOICE: core::ops::Range<u16> = 10_240..32_000;
const TRIES: usize = 500;
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn port(socket: &TcpListener) -> u16 {
        socket.local_addr().unwrap().port()
    }

    #[test]
    fn preferred_ports_are_taken_where_free() {
        let first = bind(3, true, &Wish::Prefer(&[])).unwrap();
        let mut ports: Vec<u16> = vec![port(&first.seed)];
        ports.extend(first.nodes.iter().map(port));
        let files = first.files.as_ref().map(port);
        ports.extend(files);
        let Sockets {
            seed,
            mut nodes,
            files: socket,
        } = first;
        drop((seed, socket));
        let kept = nodes.remove(1);
        drop(nodes);
        let third = bind(3, true, &Wish::Prefer(&ports)).unwrap();
        assert_eq!(third.files.as_ref().map(port), files);
        assert_ne!(port(&third.nodes[1]), port(&kept));
        drop(third);
        let second = bind(4, false, &Wish::Prefer(&ports)).unwrap();
        assert_eq!(port(&second.seed), ports[0]);
        assert_eq!(port(&second.nodes[0]), ports[1]);
        assert_ne!(port(&second.nodes[1]), port(&kept));
        assert_eq!(port(&second.nodes[2]), ports[3]);
        assert_eq!(second.nodes.len(), 4);
    }

    #[test]
    fn a_base_port_must_leave_room_and_be_free() {
        assert!(matches!(
            bind(12, false, &Wish::From(65_530)),
            Err(DevnetError::PortRange {
                base: 65_530,
                nodes: 12
            } | DevnetError::Listen(_))
        ));
        let taken = bind_free().unwrap();
        let error = bind(1, false, &Wish::From(port(&taken))).err().unwrap();
        assert!(error.to_string().contains("already in use"), "{error}");
    }
}
