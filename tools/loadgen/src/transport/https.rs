//! HTTPS with keep-alive: one request at a time on each connection.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

use super::{Answer, Endpoint, own_address};

/// Opens connections.
#[derive(Debug, Clone)]
pub(crate) struct Connector(Arc<ClientConfig>);

/// An open connection.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connector {
    /// `resuming` says whether new connections resume the TLS sessions of earlier ones.
    pub(super) fn new(resuming: bool) -> anyhow::Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let schemes = provider
            .signature_verification_algorithms
            .supported_schemes();
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(schemes)))
            .with_no_client_auth();
        if !resuming {
            config.resumption = rustls::client::Resumption::disabled();
        }
        Ok(Self(Arc::new(config)))
    }

    pub(super) async fn open(&self, target: SocketAddr, index: u16) -> anyhow::Result<Connection> {
        let socket = TcpSocket::new_v4()?;
        if let Some(own) = own_address(target, index) {
            socket.bind(own)?;
        }
        let stream = socket.connect(target).await.context("connect")?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        let stream = TlsConnector::from(Arc::clone(&self.0))
            .connect(name, stream)
            .await?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Connection { sender })
    }
}

impl Connection {
    pub(super) async fn ask(&mut self, endpoint: Endpoint, body: Bytes) -> anyhow::Result<Answer> {
        let path = match endpoint {
            Endpoint::Onion => "/onion_req/v2",
            Endpoint::Storage => "/storage_rpc/v1",
        };
        self.sender.ready().await?;
        let request = http::Request::post(path)
            .header(http::header::HOST, "localhost")
            .body(Full::new(body))?;
        let reply = self.sender.send_request(request).await?;
        let status = reply.status().as_u16();
        let body = reply.into_body().collect().await?.to_bytes();
        Ok(Answer { status, body })
    }
}

/// Node certificates prove nothing and are not checked, as in every client.
#[derive(Debug)]
struct AnyCertificate(Vec<SignatureScheme>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}
