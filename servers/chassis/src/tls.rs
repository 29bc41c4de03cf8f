//! The TLS identity of a server.

use core::fmt;
use core::time::Duration;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, PKCS_ECDSA_P256_SHA256,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ServerSessionMemoryCache;
use rustls::{CipherSuite, ServerConfig};

use crate::ChassisError;
use crate::new_file::{self, Readers};

/// Name of the certificate file.
pub const CERTIFICATE_FILE: &str = "cert.pem";
/// Name of the private key file.
pub const KEY_FILE: &str = "key.pem";

/// A certificate with its private key, ready to serve.
///
/// Clients of Session Nodes do not check the certificate: what they send is encrypted to the
/// node's own key beneath TLS (docs/protocol/node.md section 1.3). It is therefore self-signed,
/// made at the first start and kept.
#[derive(Clone)]
pub struct ServerIdentity {
    certificates: Vec<CertificateDer<'static>>,
    config: Arc<ServerConfig>,
}

impl ServerIdentity {
    /// Reads `cert.pem` and `key.pem` in `dir`, making what is missing.
    ///
    /// A certificate brought along from elsewhere works too, whatever its kind of key, and may
    /// be followed by the chain that leads to its issuer. If only the key is there, a new
    /// certificate is made for it. New files are written whole or not at all; the key is
    /// readable by its owner alone.
    ///
    /// # Errors
    /// [`ChassisError`] when a file cannot be read or written, or holds something unusable.
    pub fn load_or_create(dir: &Path) -> Result<Self, ChassisError> {
        let certificate_path = dir.join(CERTIFICATE_FILE);
        let key_path = dir.join(KEY_FILE);
        let certificate_pem = read_if_present(&certificate_path)?;
        let key_pem = read_if_present(&key_path)?;
        match (certificate_pem, key_pem) {
            (Some(certificate_pem), Some(key_pem)) => {
                let certificates = parse_certificates(&certificate_pem, &certificate_path)?;
                let key = parse_key(&key_pem, &key_path)?;
                Self::from_parts(certificates, key)
            }
            (Some(_), None) => Err(ChassisError::IdentityKeyMissing {
                certificate: certificate_path,
                key: key_path,
            }),
            (None, Some(key_pem)) => {
                let pair = core::str::from_utf8(&key_pem)
                    .ok()
                    .and_then(|text| KeyPair::from_pem(text).ok())
                    .ok_or_else(|| ChassisError::IdentityContent {
                        path: key_path,
                        expected: "private key",
                    })?;
                Self::create(&pair, |pem| write_new(&certificate_path, pem, Readers::All))
            }
            (None, None) => {
                fs::create_dir_all(dir).map_err(|source| ChassisError::IdentityFile {
                    action: "create",
                    path: dir.to_owned(),
                    source,
                })?;
                let pair = new_key()?;
                // Key first: a crash in between leaves a key without certificate, which the
                // next start completes.
                write_new(&key_path, &pair.serialize_pem(), Readers::Owner)?;
                Self::create(&pair, |pem| write_new(&certificate_path, pem, Readers::All))
            }
        }
    }

    /// A new identity that exists in memory only.
    ///
    /// # Errors
    /// [`ChassisError`] when the system gives no randomness.
    pub fn ephemeral() -> Result<Self, ChassisError> {
        Self::create(&new_key()?, |_| Ok(()))
    }

    /// The server's own certificate, DER.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        self.certificates
            .first()
            .map(|certificate| certificate.as_ref())
            .unwrap_or_default()
    }

    /// TLS 1.2 and 1.3, HTTP/1.1 by ALPN, session resumption by tickets and by id. Of TLS 1.3 the
    /// suite with SHA-256 is taken where the client knows it (docs/decisions/0012).
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    fn create(
        pair: &KeyPair,
        keep: impl FnOnce(&str) -> Result<(), ChassisError>,
    ) -> Result<Self, ChassisError> {
        let certificate = parameters()
            .and_then(|parameters| parameters.self_signed(pair))
            .map_err(ChassisError::CertificateCreation)?;
        keep(&certificate.pem())?;
        let key = PrivateKeyDer::try_from(pair.serialize_der())
            .map_err(|text| ChassisError::Tls(rustls::Error::General(text.to_owned())))?;
        Self::from_parts(vec![certificate.der().clone()], key)
    }

    fn from_parts(
        certificates: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, ChassisError> {
        let mut provider = aws_lc_rs::default_provider();
        provider
            .cipher_suites
            .sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(ChassisError::Tls)?
            .with_no_client_auth()
            .with_single_cert(certificates.clone(), key)
            .map_err(ChassisError::Tls)?;
        config.ignore_client_order = true;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(ChassisError::Tls)?;
        config.session_storage = ServerSessionMemoryCache::new(RESUMABLE_SESSIONS);
        config.send_tls13_tickets = 2;
        Ok(Self {
            certificates,
            config: Arc::new(config),
        })
    }
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerIdentity").finish_non_exhaustive()
    }
}

/// Subject and lifetime as on every storage server, docs/protocol/node.md section 1.3; the key
/// is ECDSA instead of RSA, which makes a handshake several times cheaper for the server.
fn parameters() -> Result<CertificateParams, rcgen::Error> {
    let mut name = DistinguishedName::new();
    // A country is a printable string by the standard.
    name.push(
        DnType::CountryName,
        DnValue::PrintableString("AU".try_into()?),
    );
    name.push(DnType::CommonName, "localhost");
    name.push(DnType::OrganizationName, "Oxen");
    let now = SystemTime::now();
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = name;
    parameters.not_before = now.into();
    parameters.not_after = (now + LIFETIME).into();
    Ok(parameters)
}

fn new_key() -> Result<KeyPair, ChassisError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(ChassisError::CertificateCreation)
}

fn parse_certificates(
    pem: &[u8],
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, ChassisError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or_else(|| ChassisError::IdentityContent {
            path: path.to_owned(),
            expected: "certificate",
        })
}

fn parse_key(pem: &[u8], path: &Path) -> Result<PrivateKeyDer<'static>, ChassisError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| ChassisError::IdentityContent {
        path: path.to_owned(),
        expected: "private key",
    })
}

fn read_if_present(path: &Path) -> Result<Option<Vec<u8>>, ChassisError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ChassisError::IdentityFile {
            action: "read",
            path: path.to_owned(),
            source,
        }),
    }
}

fn write_new(path: &Path, text: &str, readers: Readers) -> Result<(), ChassisError> {
    new_file::write(path, text.as_bytes(), readers).map_err(|source| ChassisError::IdentityFile {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

const LIFETIME: Duration = Duration::from_secs(10_000 * 24 * 3600);

/// TLS 1.2 sessions kept for resumption by id; tickets need no memory.
const RESUMABLE_SESSIONS: usize = 1024;
