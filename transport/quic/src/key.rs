//! Raw public keys in TLS (RFC 7250), all Ed25519.
//!
//! What TLS carries as a certificate is the SubjectPublicKeyInfo:
//!
//! | Offset | Length | Content |
//! |---|---|---|
//! | 0 | 12 | `302a300506032b6570032100` |
//! | 12 | 32 | Ed25519 public key |

use core::fmt;
use std::sync::Arc;

use rustls::client::AlwaysResolvesClientRawPublicKeys;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureAlgorithm,
    SignatureScheme,
};
use session_crypto::Ed25519Secret;
use session_crypto::hash::blake2b_keyed;
use session_types::Ed25519PublicKey;
use zeroize::Zeroizing;

/// Key of the hash that reset tokens of a node follow from.
const RESETS: &[u8] = b"session-node-quic-resets";

const PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// The Ed25519 key a side shows and proves in the handshake.
#[derive(Clone)]
pub struct TlsKey(Arc<Ed25519Secret>);

impl TlsKey {
    /// The key that follows from an Ed25519 seed.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(Arc::new(Ed25519Secret::from_seed(seed)))
    }

    /// A key nobody has seen before: what a client shows, so that two connections of it cannot
    /// be told to be of the same one.
    #[must_use]
    pub fn random() -> Self {
        Self(Arc::new(Ed25519Secret::generate(&mut rand::rng())))
    }

    /// The key others see.
    #[must_use]
    pub fn public(&self) -> &Ed25519PublicKey {
        self.0.public()
    }

    /// What reset tokens of an endpoint with this key follow from: BLAKE2b-256 of the seed, under
    /// a key of its own (docs/protocol/node.md section 6.3).
    pub(crate) fn reset_secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake2b_keyed(RESETS, &[self.0.seed()]))
    }

    fn certified(&self) -> Arc<CertifiedKey> {
        let spki = encode(self.public());
        let key = Arc::new(self.clone());
        Arc::new(CertifiedKey::new(vec![CertificateDer::from(spki)], key))
    }

    pub(crate) fn for_server(&self) -> Arc<AlwaysResolvesServerRawPublicKeys> {
        Arc::new(AlwaysResolvesServerRawPublicKeys::new(self.certified()))
    }

    pub(crate) fn for_client(&self) -> Arc<AlwaysResolvesClientRawPublicKeys> {
        Arc::new(AlwaysResolvesClientRawPublicKeys::new(self.certified()))
    }
}

impl fmt::Debug for TlsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsKey").finish_non_exhaustive()
    }
}

impl SigningKey for TlsKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered
            .contains(&SignatureScheme::ED25519)
            .then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(encode(self.public())))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl Signer for TlsKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.0.sign(message).as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

fn encode(key: &Ed25519PublicKey) -> Vec<u8> {
    [PREFIX.as_slice(), key.as_bytes()].concat()
}

/// The key in a SubjectPublicKeyInfo.
pub(crate) fn decode(spki: &[u8]) -> Option<Ed25519PublicKey> {
    let key: [u8; 32] = spki.strip_prefix(PREFIX.as_slice())?.try_into().ok()?;
    Some(Ed25519PublicKey::new(key))
}

/// Accepts one key of a server and no other.
#[derive(Debug)]
pub(crate) struct Pinned {
    pub(crate) key: Ed25519PublicKey,
    pub(crate) provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if decode(end_entity) == Some(self.key) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("tls 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify(&self.provider, message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

/// Accepts any key of a client, and clients without one; who may do what is decided later.
#[derive(Debug)]
pub(crate) struct AnyKey {
    pub(crate) provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match decode(end_entity) {
            Some(_) => Ok(ClientCertVerified::assertion()),
            None => Err(CertificateError::BadEncoding.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("tls 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify(&self.provider, message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

fn verify(
    provider: &CryptoProvider,
    message: &[u8],
    cert: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let spki = SubjectPublicKeyInfoDer::from(cert.as_ref());
    let schemes = &provider.signature_verification_algorithms;
    verify_tls13_signature_with_raw_key(message, &spki, signature, schemes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_follows_the_prefix_and_nothing_else() {
        let key = TlsKey::from_seed([7; 32]);
        let spki = encode(key.public());
        assert_eq!(spki.len(), 44);
        assert_eq!(decode(&spki), Some(*key.public()));
        assert_eq!(decode(&spki[..43]), None);
        assert_eq!(decode(&[spki.as_slice(), &[0]].concat()), None);
        let mut other = spki;
        other[8] = 0x71;
        assert_eq!(decode(&other), None, "an Ed448 key");
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", TlsKey::from_seed([7; 32])), "TlsKey { .. }");
    }
}
