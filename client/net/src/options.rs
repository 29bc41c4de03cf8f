//! Settings of a network.

use core::time::Duration;

use session_crypto::onion_cipher::OnionCipher;
use session_onion::paths::PathConfig;

use crate::{ProxyUrl, WebOptions, direct};

/// How onion requests get to the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// QUIC where the guard offers it, HTTPS otherwise.
    #[default]
    Auto,
    /// HTTPS always. Behind a proxy it is always so.
    HttpsOnly,
}

/// Settings of a [`crate::Network`].
#[derive(Debug, Clone)]
pub struct NetworkOptions {
    /// Cipher of the onion layers; aes-gcm looks like Session Desktop.
    pub cipher: OnionCipher,
    /// How long one try may take.
    pub request_timeout: Duration,
    /// How long a request to a server may stand still: long ones take as long as they move.
    pub server_timeout: Duration,
    /// How long a seed may take.
    pub seed_timeout: Duration,
    /// Seeds are asked one after another at this distance until one answers; after a failure the
    /// next one is asked at once.
    pub seed_stagger: Duration,
    /// Tries of one request over different paths.
    pub attempts: u32,
    /// Rules of path building.
    pub paths: PathConfig,
    /// How onion requests get to the guard.
    pub transport: Transport,
    /// How long opening a QUIC connection to the guard may take before HTTPS is used.
    pub quic_connect_timeout: Duration,
    /// How long a guard that answered over HTTPS but not over QUIC is not asked over QUIC.
    pub quic_retry_after: Duration,
    /// The proxy everything goes through. What it cannot carry is not sent at all.
    pub proxy: Option<ProxyUrl>,
    /// UDP port of file servers, for transfers that go straight to them.
    pub file_port: u16,
    /// How pages are looked at, for previews of links.
    pub web: WebOptions,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            cipher: OnionCipher::AesGcm,
            request_timeout: Duration::from_secs(10),
            server_timeout: Duration::from_secs(30),
            seed_timeout: Duration::from_secs(5),
            seed_stagger: Duration::from_millis(300),
            attempts: 6,
            paths: PathConfig::default(),
            transport: Transport::Auto,
            quic_connect_timeout: Duration::from_secs(1),
            quic_retry_after: Duration::from_secs(30 * 60),
            proxy: None,
            file_port: direct::PORT,
            web: WebOptions::default(),
        }
    }
}
