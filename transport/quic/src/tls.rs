//! TLS 1.3 with raw Ed25519 keys on both sides, for whatever is spoken above it.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::version::TLS13;
use rustls::{CipherSuite, ClientConfig, ServerConfig};
use session_types::Ed25519PublicKey;

use crate::key::{AnyKey, Pinned};
use crate::{QuicError, TlsKey};

/// What an accepting side needs that proves `key` and speaks one of `protocols` (ALPN, the first
/// that the other side knows too). Clients may show any key, or none. The suite with SHA-256 is
/// taken where the client knows it (docs/decisions/0012).
///
/// # Errors
/// [`QuicError::Tls`].
pub fn accepting(key: &TlsKey, protocols: &[&[u8]]) -> Result<ServerConfig, QuicError> {
    let mut provider = aws_lc_rs::default_provider();
    provider
        .cipher_suites
        .sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    let provider = Arc::new(provider);
    let verifier = AnyKey {
        provider: Arc::clone(&provider),
    };
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(QuicError::Tls)?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(key.for_server());
    tls.ignore_client_order = true;
    tls.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(tls)
}

/// What an opening side needs that shows `own` and accepts nobody but `server`. Connections are
/// not resumed: a resumed one would show that it belongs to the same client.
///
/// # Errors
/// [`QuicError::Tls`].
pub fn opening(
    server: Ed25519PublicKey,
    own: &TlsKey,
    protocol: &[u8],
) -> Result<ClientConfig, QuicError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let pinned = Pinned {
        key: server,
        provider: Arc::clone(&provider),
    };
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(QuicError::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(pinned))
        .with_client_cert_resolver(own.for_client());
    tls.alpn_protocols = vec![protocol.to_vec()];
    tls.resumption = Resumption::disabled();
    Ok(tls)
}
