//! QUIC to the guard (docs/protocol/node.md section 6.3).
//!
//! A connection is kept while it is used and carries any number of requests at once. It ends by
//! itself after half a minute without any, and when requests go to another guard. Each has a
//! socket and a key of its own, so that nothing but the address ties two of them together.
//!
//! Nobody tells when datagrams get lost or when the process at the other end has died. Therefore
//! opening a connection is bounded tightly, and a guard from which nothing has come for a while
//! although something should have is given up; the caller then asks over HTTPS.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use bytes::Bytes;
use session_quic::{Budget, Connection, Endpoint, Protocol, QuicError, Stream, Target, TlsKey};
use session_storage_rpc::stream::body::read_failure;
use session_types::{Ed25519PublicKey, NodeContact};

use crate::network::lock;
use crate::traffic::Meter;

const ONION: &str = "onion_req";
const PING: &str = "snode_ping";
/// A guard must be heard of within so many round trips while it is answering…
const ROUND_TRIPS: u32 = 10;
/// …but not sooner than this…
const SHORTEST_SILENCE: Duration = Duration::from_secs(1);
/// …and not later.
const LONGEST_SILENCE: Duration = Duration::from_secs(3);
/// How long a guard that is reached neither over QUIC nor over HTTPS is not asked over QUIC: it
/// may be back soon.
const SHORT_PAUSE: Duration = Duration::from_secs(10);
/// Connections to other guards end when they have not been used for so long.
const LINGER: Duration = Duration::from_secs(10);

/// What came of asking over QUIC.
#[derive(Debug)]
pub(crate) enum Asked {
    /// The guard's status and answer.
    Answered(u16, Bytes),
    /// Nothing was sent, or nothing came and nothing will: to be asked over HTTPS.
    Elsewhere,
    /// The guard is there, but its answer did not come in time. It would not over HTTPS either.
    TimedOut,
}

/// Connections to guards.
#[derive(Debug)]
pub(crate) struct Links {
    connect_timeout: Duration,
    retry_after: Duration,
    linger: Duration,
    meter: Arc<Meter>,
    lanes: Mutex<BTreeMap<Ed25519PublicKey, Lane>>,
    /// Those open at the moment, for counting.
    open: Mutex<Vec<Weak<Link>>>,
}

/// The way to one guard. Whoever opens the connection holds the lock meanwhile.
#[derive(Debug, Clone)]
struct Lane {
    address: SocketAddr,
    state: Arc<tokio::sync::Mutex<State>>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    NotTried,
    Open(Arc<Link>),
    /// It does not answer over QUIC.
    Shut {
        until: Instant,
        /// It has not been seen yet whether it answers over HTTPS.
        unclear: bool,
    },
}

impl Links {
    pub(crate) fn new(connect_timeout: Duration, retry_after: Duration, meter: Arc<Meter>) -> Self {
        Self {
            connect_timeout,
            retry_after,
            linger: LINGER,
            meter,
            lanes: Mutex::default(),
            open: Mutex::default(),
        }
    }

    /// Passes an onion request to the guard.
    ///
    /// Cancel-safe: the guard may have taken the request.
    pub(crate) async fn ask(
        &self,
        guard: &NodeContact,
        request: &Bytes,
        patience: Duration,
    ) -> Asked {
        let Some(lane) = self.lane(guard) else {
            return Asked::Elsewhere;
        };
        let Ok(Some(link)) = self.link(guard, &lane, self.connect_timeout).await else {
            return Asked::Elsewhere;
        };
        match link.ask(request.to_vec(), patience).await {
            Ok(response) if response.good => Asked::Answered(200, response.body.into()),
            Ok(response) => match read_failure(&response.body) {
                Some((status, text)) => Asked::Answered(status, Bytes::copy_from_slice(text)),
                // The command is not known there, or the answer is longer than a message of a
                // stream may be.
                None => {
                    if response.body.starts_with(b"Invalid endpoint") {
                        self.shut(&lane, &link).await;
                    }
                    Asked::Elsewhere
                }
            },
            Err(QuicError::Timeout) => Asked::TimedOut,
            Err(error) => {
                tracing::debug!(%error, "a request over quic has no answer");
                if !matches!(error, QuicError::TooLong) {
                    self.lost(&lane, &link).await;
                }
                Asked::Elsewhere
            }
        }
    }

    /// What came of asking the guard over HTTPS after QUIC had failed.
    pub(crate) async fn asked_elsewhere(&self, guard: &NodeContact, answered: bool) {
        let Some(lane) = self.lane(guard) else {
            return;
        };
        let mut state = lane.state.lock().await;
        if let State::Shut { until, unclear } = &mut *state
            && *unclear
            && answered
        {
            *unclear = false;
            *until = Instant::now() + self.retry_after;
        }
    }

    /// Opens a connection to the guard and asks for a sign of life, whatever is remembered.
    ///
    /// # Errors
    /// [`QuicError`]; [`QuicError::Lost`] when the guard is not known to have QUIC.
    pub(crate) async fn probe(
        &self,
        guard: &NodeContact,
        patience: Duration,
    ) -> Result<(), QuicError> {
        let lane = self.lane(guard).ok_or(QuicError::Lost)?;
        {
            let mut state = lane.state.lock().await;
            if matches!(*state, State::Shut { .. }) {
                *state = State::NotTried;
            }
        }
        let link = self.link(guard, &lane, patience).await?;
        let link = link.ok_or(QuicError::Lost)?;
        let pong = link.stream.request(PING, Vec::new(), patience).await?;
        link.answered.store(true, Ordering::Relaxed);
        if pong.good {
            Ok(())
        } else {
            Err(QuicError::BadAnswer)
        }
    }

    /// Bytes sent and received over connections that are still open.
    pub(crate) fn open_bytes(&self) -> (u64, u64) {
        let open = lock(&self.open);
        open.iter()
            .filter_map(Weak::upgrade)
            .map(|link| link.connection.udp_bytes())
            .fold((0, 0), |(out, inward), (more_out, more_in)| {
                (out + more_out, inward + more_in)
            })
    }

    /// The way to this guard, if it can have one. Ways to others that are not used any more end.
    fn lane(&self, guard: &NodeContact) -> Option<Lane> {
        if guard.omq_port == 0 {
            return None;
        }
        let address = SocketAddr::from((guard.ip, guard.omq_port));
        let mut lanes = lock(&self.lanes);
        lanes.retain(|key, lane| {
            // A lock held by somebody means that it is in use.
            let needed = || {
                lane.state
                    .try_lock()
                    .map_or(true, |state| state.is_needed(self.linger))
            };
            *key == guard.ed25519 || needed()
        });
        let lane = lanes.entry(guard.ed25519).or_insert_with(|| Lane {
            address,
            state: Arc::default(),
        });
        if lane.address != address {
            *lane = Lane {
                address,
                state: Arc::default(),
            };
        }
        Some(lane.clone())
    }

    /// The open connection, or a new one; nothing when the guard is known not to answer.
    async fn link(
        &self,
        guard: &NodeContact,
        lane: &Lane,
        patience: Duration,
    ) -> Result<Option<Arc<Link>>, QuicError> {
        let mut state = lane.state.lock().await;
        match &*state {
            State::Shut { until, .. } if Instant::now() < *until => return Ok(None),
            State::Open(link) if !link.connection.is_closed() => return Ok(Some(Arc::clone(link))),
            State::NotTried | State::Shut { .. } | State::Open(_) => {}
        }
        // Whoever is dropped while opening leaves it to the next one.
        *state = State::NotTried;
        let opening = Link::open(guard, lane.address, Arc::clone(&self.meter));
        let opened = tokio::time::timeout(patience, opening).await;
        match opened.unwrap_or(Err(QuicError::Timeout)) {
            Ok(link) => {
                let link = Arc::new(link);
                let mut open = lock(&self.open);
                open.retain(|link| link.strong_count() > 0);
                open.push(Arc::downgrade(&link));
                drop(open);
                *state = State::Open(Arc::clone(&link));
                let closed = link.connection.closed();
                tokio::spawn(forget_when(closed, Arc::downgrade(&lane.state)));
                Ok(Some(link))
            }
            Err(error) => {
                tracing::debug!(%error, "the guard does not answer over quic");
                *state = State::shut();
                Err(error)
            }
        }
    }

    /// A connection ended or fell silent. If it never carried an answer, another one will not.
    async fn lost(&self, lane: &Lane, link: &Arc<Link>) {
        if link.answered.load(Ordering::Relaxed) {
            link.connection.close(session_quic::CloseCode::Done);
        } else {
            self.shut(lane, link).await;
        }
    }

    async fn shut(&self, lane: &Lane, link: &Arc<Link>) {
        let mut state = lane.state.lock().await;
        let of_another = match &*state {
            State::Open(open) => !Arc::ptr_eq(open, link),
            // Its end may have been noticed before.
            State::NotTried => false,
            State::Shut { .. } => true,
        };
        if !of_another {
            *state = State::shut();
        }
    }
}

impl State {
    fn shut() -> Self {
        Self::Shut {
            until: Instant::now() + SHORT_PAUSE,
            unclear: true,
        }
    }

    /// Whether there is something to be kept although the guard is not used at the moment.
    fn is_needed(&self, linger: Duration) -> bool {
        match self {
            Self::NotTried => false,
            Self::Open(link) => link.stream.under_way() > 0 || lock(&link.used).elapsed() < linger,
            Self::Shut { until, .. } => Instant::now() < *until,
        }
    }
}

/// The socket of a connection that has ended is not kept.
async fn forget_when(closed: impl Future<Output = ()>, state: Weak<tokio::sync::Mutex<State>>) {
    closed.await;
    let Some(state) = state.upgrade() else {
        return;
    };
    let mut state = state.lock().await;
    if matches!(&*state, State::Open(link) if link.connection.is_closed()) {
        *state = State::NotTried;
    }
}

/// One open connection.
#[derive(Debug)]
struct Link {
    connection: Connection,
    stream: Stream,
    /// Whether it has carried an answer.
    answered: AtomicBool,
    used: Mutex<Instant>,
    meter: Arc<Meter>,
    // Goes last.
    _endpoint: Endpoint,
}

impl Link {
    async fn open(
        guard: &NodeContact,
        address: SocketAddr,
        meter: Arc<Meter>,
    ) -> Result<Self, QuicError> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).map_err(QuicError::Socket)?;
        let endpoint = Endpoint::client(socket)?;
        let target = Target {
            address,
            key: guard.ed25519,
            protocol: Protocol::Client,
        };
        // What the guard sends of its own accord is of no interest.
        let (connection, _) = endpoint
            .connect(target, &TlsKey::random(), Budget::unlimited())
            .await?;
        let stream = connection.open_stream().await?;
        Ok(Self {
            connection,
            stream,
            answered: AtomicBool::new(false),
            used: Mutex::new(Instant::now()),
            meter,
            _endpoint: endpoint,
        })
    }

    /// Asks, and gives up when the guard falls silent.
    async fn ask(
        &self,
        request: Vec<u8>,
        patience: Duration,
    ) -> Result<session_quic::Response, QuicError> {
        self.meter.quic_request();
        *lock(&self.used) = Instant::now();
        let silence =
            (self.connection.rtt() * ROUND_TRIPS).clamp(SHORTEST_SILENCE, LONGEST_SILENCE);
        let mut asked = core::pin::pin!(self.stream.request(ONION, request, patience));
        let mut heard = self.connection.heard();
        let mut quiet = core::pin::pin!(tokio::time::sleep(silence));
        let mut pinged = false;
        let answer = loop {
            // The request itself must be acknowledged; later on only a question is.
            let sign_of_life = async {
                if pinged {
                    let _ = self.stream.request(PING, Vec::new(), silence).await;
                }
                quiet.as_mut().await;
            };
            tokio::select! {
                answer = &mut asked => break answer,
                () = sign_of_life => {}
            }
            let now = self.connection.heard();
            if now == heard {
                break Err(QuicError::Lost);
            }
            heard = now;
            pinged = true;
            quiet.as_mut().reset(tokio::time::Instant::now() + silence);
        };
        if answer.is_ok() {
            self.answered.store(true, Ordering::Relaxed);
        }
        *lock(&self.used) = Instant::now();
        answer
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let (out, inward) = self.connection.udp_bytes();
        self.meter.sent(out);
        self.meter.received(inward);
    }
}

#[cfg(test)]
mod tests;
