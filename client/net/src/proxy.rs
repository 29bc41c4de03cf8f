//! The proxy that everything goes through, when there is one.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::{Host, Url};
use zeroize::Zeroizing;

/// What the proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// SOCKS5; names are looked up by the proxy.
    Socks5,
    /// HTTP: `CONNECT` for https addresses, forwarding for http ones.
    Http,
}

/// Where a proxy is and how it is spoken to: `socks5://user:password@host:port` or
/// `http://user:password@host:port`, the credentials being optional.
///
/// Names are always looked up by the proxy, never here; `socks5h` means the same as `socks5`.
/// Tor keeps streams of different credentials on different circuits. `Debug` shows neither
/// credentials nor address, and there is no `Display`; [`ProxyUrl::without_secrets`] is for
/// showing to whoever set it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    kind: Kind,
    host: Host<String>,
    port: u16,
    credentials: Option<(Zeroizing<String>, Zeroizing<String>)>,
}

/// Why a text names no proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// Not a URL, or one without a host.
    #[error("not a proxy: write socks5://host:port or http://host:port")]
    Unknown,
    /// Another scheme than those of the known kinds of proxies.
    #[error("a proxy URL begins with socks5:// or http://")]
    Scheme,
    /// A user name or password longer than SOCKS5 can carry, or one without the other.
    #[error("user name and password of a proxy have 1 to 255 bytes each")]
    Credentials,
}

/// Why nothing can be sent through the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyFault {
    /// Nothing answers there.
    #[error("the proxy does not answer")]
    Unreachable,
    /// Something answers that is no such proxy.
    #[error("what answers there is not a proxy of this kind")]
    NotAProxy,
    /// It wants credentials, or others.
    #[error("the proxy refuses the user name and password")]
    Credentials,
}

impl FromStr for ProxyUrl {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| ProxyUrlError::Unknown)?;
        let (kind, usual_port) = match url.scheme() {
            "socks5" | "socks5h" => (Kind::Socks5, 1080),
            "http" => (Kind::Http, 80),
            _ => return Err(ProxyUrlError::Scheme),
        };
        // For schemes it does not know the library leaves addresses as text.
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = Host::parse(host.ok_or(ProxyUrlError::Unknown)?);
        let host = host.map_err(|_| ProxyUrlError::Unknown)?;
        let decoded = |text: &str| {
            let text = percent_decoded(text).ok_or(ProxyUrlError::Credentials)?;
            if (1..=255).contains(&text.len()) {
                Ok(text)
            } else {
                Err(ProxyUrlError::Credentials)
            }
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some((decoded(user)?, decoded(password.unwrap_or_default())?)),
        };
        Ok(Self {
            kind,
            host,
            port: url.port().unwrap_or(usual_port),
            credentials,
        })
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyUrl")
            .field("kind", &self.kind)
            .field("credentials", &self.credentials.is_some())
            .finish_non_exhaustive()
    }
}

impl ProxyUrl {
    /// The URL without user name and password.
    #[must_use]
    pub fn without_secrets(&self) -> String {
        let scheme = match self.kind {
            Kind::Socks5 => "socks5",
            Kind::Http => "http",
        };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    /// As the HTTP library wants it.
    pub(crate) fn to_reqwest(&self) -> Option<reqwest::Proxy> {
        let scheme = match self.kind {
            // With this name the library lets the proxy look names up.
            Kind::Socks5 => "socks5h",
            Kind::Http => "http",
        };
        let mut url = Url::parse(&format!("{scheme}://{}:{}", self.host, self.port)).ok()?;
        if let Some((user, password)) = &self.credentials {
            url.set_username(user).ok()?;
            url.set_password(Some(password)).ok()?;
        }
        reqwest::Proxy::all(url).ok()
    }

    /// Host name or address of the proxy itself.
    pub(crate) const fn host(&self) -> &Host<String> {
        &self.host
    }

    /// Connects to the proxy and introduces itself, without asking for anything.
    ///
    /// # Errors
    /// [`ProxyFault`].
    pub(crate) async fn greet(&self, patience: Duration) -> Result<(), ProxyFault> {
        tokio::time::timeout(patience, self.greet_patiently())
            .await
            .unwrap_or(Err(ProxyFault::Unreachable))
    }

    async fn greet_patiently(&self) -> Result<(), ProxyFault> {
        let connected = match &self.host {
            Host::Domain(name) => TcpStream::connect((name.as_str(), self.port)).await,
            Host::Ipv4(ip) => TcpStream::connect((*ip, self.port)).await,
            Host::Ipv6(ip) => TcpStream::connect((*ip, self.port)).await,
        };
        let mut stream = connected.map_err(|_| ProxyFault::Unreachable)?;
        match self.kind {
            Kind::Socks5 => self.greet_socks(&mut stream).await,
            // It says nothing before it is asked for something.
            Kind::Http => Ok(()),
        }
    }

    /// The first messages of SOCKS5 (RFC 1928, RFC 1929).
    async fn greet_socks(&self, stream: &mut TcpStream) -> Result<(), ProxyFault> {
        const VERSION: u8 = 5;
        const NONE: u8 = 0;
        const PASSWORD: u8 = 2;
        let method = if self.credentials.is_some() {
            PASSWORD
        } else {
            NONE
        };
        let other = |_| ProxyFault::NotAProxy;
        let greeting = [VERSION, 1, method];
        stream.write_all(&greeting).await.map_err(other)?;
        let mut chosen = [0; 2];
        stream.read_exact(&mut chosen).await.map_err(other)?;
        match chosen {
            [VERSION, 0xff] => return Err(ProxyFault::Credentials),
            [VERSION, chosen] if chosen == method => {}
            _ => return Err(ProxyFault::NotAProxy),
        }
        let Some((user, password)) = &self.credentials else {
            return Ok(());
        };
        let mut message = Zeroizing::new(vec![1]);
        for part in [user, password] {
            let length = u8::try_from(part.len()).map_err(|_| ProxyFault::Credentials)?;
            message.push(length);
            message.extend_from_slice(part.as_bytes());
        }
        stream.write_all(&message).await.map_err(other)?;
        let mut verdict = [0; 2];
        // Some hang up instead of saying no.
        let read = stream.read_exact(&mut verdict).await;
        match (read, verdict) {
            (Ok(_), [_, 0]) => Ok(()),
            _ => Err(ProxyFault::Credentials),
        }
    }
}

/// Text in which `%xx` stands for a byte.
fn percent_decoded(text: &str) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digits = core::str::from_utf8(digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    let text = core::str::from_utf8(&bytes).ok()?;
    Some(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_ports_and_credentials() {
        for (text, shown) in [
            ("socks5://127.0.0.1:9050", "socks5://127.0.0.1:9050"),
            (" socks5h://tor.example ", "socks5://tor.example:1080"),
            ("http://proxy.example:3128/", "http://proxy.example:3128"),
            ("http://[::1]", "http://[::1]:80"),
            ("socks5://u:p%40%3a@[::1]:1", "socks5://[::1]:1"),
        ] {
            let proxy: ProxyUrl = text.parse().unwrap();
            assert_eq!(proxy.without_secrets(), shown);
            assert!(proxy.to_reqwest().is_some());
            let again: ProxyUrl = shown.parse().unwrap();
            assert_eq!(again.without_secrets(), shown);
        }
        let proxy: ProxyUrl = "socks5://u%20:p%40%3a@h:1".parse().unwrap();
        let (user, password) = proxy.credentials.unwrap();
        assert_eq!((user.as_str(), password.as_str()), ("u ", "p@:"));
        let long = "x".repeat(256);
        for (text, error) in [
            ("", ProxyUrlError::Unknown),
            ("127.0.0.1:9050", ProxyUrlError::Unknown),
            ("https://h:1", ProxyUrlError::Scheme),
            ("socks4://h:1", ProxyUrlError::Scheme),
            ("socks5://", ProxyUrlError::Unknown),
            ("socks5://user@h:1", ProxyUrlError::Credentials),
            ("socks5://:p@h:1", ProxyUrlError::Credentials),
            ("socks5://u:%zz@h:1", ProxyUrlError::Credentials),
            ("socks5://u:%c3%28@h:1", ProxyUrlError::Credentials),
            (
                &format!("socks5://u:{long}@h:1"),
                ProxyUrlError::Credentials,
            ),
        ] {
            assert_eq!(text.parse::<ProxyUrl>(), Err(error), "{text}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let proxy: ProxyUrl = "socks5://alice:secret@10.1.2.3:9050".parse().unwrap();
        assert_eq!(
            format!("{proxy:?}"),
            "ProxyUrl { kind: Socks5, credentials: true, .. }"
        );
        let options = crate::NetworkOptions {
            proxy: Some(proxy),
            ..crate::NetworkOptions::default()
        };
        let shown = format!("{options:?}");
        for part in ["alice", "secret", "10.1.2.3", "9050"] {
            assert!(!shown.contains(part), "{shown}");
        }
    }
}
