//! How much has been sent and received.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::time::Instant;

use serde::Serialize;

/// What the network side has sent and received since its start.
///
/// Bytes are those of HTTP heads and bodies and those of QUIC's UDP datagrams. Not in them: TLS
/// handshakes and records of HTTPS, headers of TCP, UDP and IP, and attempts to open a QUIC
/// connection that nobody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Bytes sent.
    pub bytes_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Requests sent, over whatever transport: to seeds and to guards. One that was repeated over
    /// the other transport counts twice.
    pub requests: u64,
    /// Of these, requests over QUIC.
    pub quic_requests: u64,
    /// Time since the start.
    pub elapsed: Duration,
}

/// Counts.
#[derive(Debug)]
pub(crate) struct Meter {
    started: Instant,
    bytes_out: AtomicU64,
    bytes_in: AtomicU64,
    requests: AtomicU64,
    quic_requests: AtomicU64,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            bytes_out: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            quic_requests: AtomicU64::new(0),
        }
    }

    pub(crate) fn sent(&self, bytes: u64) {
        self.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn received(&self, bytes: u64) {
        self.bytes_in.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn quic_request(&self) {
        self.request();
        self.quic_requests.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts, with those of connections that are still open.
    pub(crate) fn read(&self, (open_out, open_in): (u64, u64)) -> Traffic {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic {
            bytes_out: load(&self.bytes_out).saturating_add(open_out),
            bytes_in: load(&self.bytes_in).saturating_add(open_in),
            requests: load(&self.requests),
            quic_requests: load(&self.quic_requests),
            elapsed: self.started.elapsed(),
        }
    }
}

/// A length as a count.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
