//! File servers and the addresses of files (docs/protocol/file-server.md sections 1 and 2).

use core::fmt;
use core::str::FromStr;

use session_crypto::ed25519_to_x25519;
use session_onion::packet::ServerProtocol;
use session_types::{Ed25519PublicKey, X25519PublicKey};
use url::Url;

use crate::ServerTarget;

/// The public network's file server, and the key clients use when an address names none.
const MAINNET: (&str, &str) = (
    "http://filev2.getsession.org",
    "b8eef9821445ae16e2e97ef8aa6fe782fd11ad5253cd6723b281341dba22e371",
);
/// The public test network's.
const TESTNET: (&str, &str) = (
    "http://potatofiles.getsession.org",
    "ff86dcd4b26d1bfec944c59859494248626d6428efc12168749d65a1b92f5e28",
);

/// Identifiers are 44 characters today and were numbers before.
const LONGEST_ID: usize = 64;
/// More keys than these an address cannot mean.
type Candidates = Vec<X25519PublicKey>;

/// A server that keeps encrypted files.
#[derive(Clone, PartialEq, Eq)]
pub struct FileServer {
    place: Place,
    ed25519: Ed25519PublicKey,
    x25519: X25519PublicKey,
}

/// Where a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    scheme: ServerProtocol,
    host: String,
    port: u16,
}

/// Why a text names no file server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileServerError {
    /// No `#` with a key behind it.
    #[error("a file server is written as its url, # and the 64 hex digits of its key")]
    Form,
    /// Not an address of a server.
    #[error("a file server's url begins with http:// or https://, names a host and ends there")]
    Url,
    /// Not a usable key.
    #[error("what follows # is not the key of a file server")]
    Key,
}

impl FileServer {
    /// The public network's.
    #[must_use]
    pub fn mainnet() -> Option<Self> {
        Self::known(MAINNET)
    }

    /// The public test network's.
    #[must_use]
    pub fn testnet() -> Option<Self> {
        Self::known(TESTNET)
    }

    fn known((url, key): (&str, &str)) -> Option<Self> {
        format!("{url}#{key}").parse().ok()
    }

    /// Its identity.
    #[must_use]
    pub const fn ed25519(&self) -> &Ed25519PublicKey {
        &self.ed25519
    }

    /// Whom to ask.
    #[must_use]
    pub fn target(&self) -> ServerTarget {
        self.place.target(self.x25519)
    }

    /// The address of a file there, for others. The key is in it unless everybody knows it.
    #[must_use]
    pub fn url_of(&self, id: &str, is_stream: bool) -> String {
        let mut parts = Vec::new();
        if Self::mainnet().is_none_or(|mainnet| mainnet != *self) {
            parts.push(format!("p={}", self.ed25519));
        }
        if is_stream {
            parts.push("d".to_owned());
        }
        let fragment = parts.join("&");
        let mark = if fragment.is_empty() { "" } else { "#" };
        format!("{}/file/{id}{mark}{fragment}", self.place)
    }
}

impl Place {
    fn of(url: &Url) -> Option<Self> {
        Some(Self {
            scheme: url.scheme().parse().ok()?,
            host: url.host_str().filter(|host| !host.is_empty())?.to_owned(),
            port: url.port_or_known_default().filter(|port| *port > 0)?,
        })
    }

    fn target(&self, x25519: X25519PublicKey) -> ServerTarget {
        ServerTarget {
            scheme: self.scheme,
            host: self.host.clone(),
            port: self.port,
            x25519,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        if self.port == self.scheme.default_port() {
            Ok(())
        } else {
            write!(f, ":{}", self.port)
        }
    }
}

impl FromStr for FileServer {
    type Err = FileServerError;

    /// `http://files.example#` and the Ed25519 key in hex, as the server itself prints it.
    fn from_str(text: &str) -> Result<Self, FileServerError> {
        let (url, key) = text.trim().split_once('#').ok_or(FileServerError::Form)?;
        let key = key.strip_prefix("p=").unwrap_or(key);
        let url = Url::parse(url).map_err(|_| FileServerError::Url)?;
        let ends_there = url.query().is_none() && url.path().trim_matches('/').is_empty();
        let place = Place::of(&url).filter(|_| ends_there);
        let place = place.ok_or(FileServerError::Url)?;
        let ed25519: Ed25519PublicKey = key.parse().map_err(|_| FileServerError::Key)?;
        let x25519 = ed25519_to_x25519(&ed25519).map_err(|_| FileServerError::Key)?;
        Ok(Self {
            place,
            ed25519,
            x25519,
        })
    }
}

impl fmt::Display for FileServer {
    /// What [`FileServer::from_str`] reads back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.place, self.ed25519)
    }
}

impl fmt::Debug for FileServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileServer({self})")
    }
}

/// The address of a file, as it comes with a message or a profile.
///
/// `<scheme>://<host>[:port]/file/<id>[#<fragment>]`; old ones have `/files/<id>`. Parts of the
/// fragment, joined by `&`, unknown ones ignored:
///
/// | Part | Meaning |
/// |---|---|
/// | `p=<64 hex>` | key of the server |
/// | `d`, `d=` | the content is an encrypted stream |
#[derive(Clone, PartialEq, Eq)]
pub struct FileUrl {
    place: Place,
    id: String,
    key: Option<[u8; 32]>,
    is_stream: bool,
}

impl FileUrl {
    /// Name of the file at its server.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the address says that the content is an encrypted stream.
    #[must_use]
    pub const fn is_stream(&self) -> bool {
        self.is_stream
    }

    /// Whom to ask, most likely first: some clients write the server's Ed25519 key into the
    /// address and others its X25519 key, and nothing tells them apart. Without a key the server
    /// must be `own` or a public one; otherwise there is nobody to ask.
    #[must_use]
    pub fn targets(&self, own: Option<&FileServer>) -> Vec<ServerTarget> {
        let mainnet = FileServer::mainnet();
        let testnet = FileServer::testnet();
        let known: Vec<&FileServer> = own.into_iter().chain(&mainnet).chain(&testnet).collect();
        let keys: Candidates = match self.key {
            None => known
                .iter()
                .filter(|server| server.place == self.place)
                .map(|server| server.x25519)
                .take(1)
                .collect(),
            Some(key) => {
                let same = known.iter().find(|server| {
                    *server.ed25519.as_bytes() == key || *server.x25519.as_bytes() == key
                });
                match same {
                    Some(server) => vec![server.x25519],
                    None => ed25519_to_x25519(&key.into())
                        .into_iter()
                        .chain([key.into()])
                        .collect(),
                }
            }
        };
        keys.into_iter().map(|key| self.place.target(key)).collect()
    }
}

impl FromStr for FileUrl {
    type Err = FileServerError;

    fn from_str(text: &str) -> Result<Self, FileServerError> {
        let url = Url::parse(text).map_err(|_| FileServerError::Url)?;
        let place = Place::of(&url).ok_or(FileServerError::Url)?;
        let path = url.path();
        let id = path
            .strip_prefix("/file/")
            .or_else(|| path.strip_prefix("/files/"))
            .filter(|id| is_id(id))
            .ok_or(FileServerError::Url)?
            .to_owned();
        let mut key = None;
        let mut is_stream = false;
        for part in url.fragment().unwrap_or_default().split('&') {
            match part.split_once('=').unwrap_or((part, "")) {
                ("d", "") => is_stream = true,
                ("p", hex) => {
                    let read: Ed25519PublicKey = hex.parse().map_err(|_| FileServerError::Key)?;
                    key = Some(*read.as_bytes());
                }
                _ => {}
            }
        }
        Ok(Self {
            place,
            id,
            key,
            is_stream,
        })
    }
}

/// What may stand in a path without changing what is asked for.
fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(allowed)
}

impl fmt::Debug for FileUrl {
    /// Whoever knows the id may have the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileUrl")
            .field("is_stream", &self.is_stream)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> FileServer {
        let key = session_crypto::Ed25519Secret::from_seed([7; 32]);
        format!("http://files.example:8000#{}", key.public())
            .parse()
            .unwrap()
    }

    #[test]
    fn public_servers_have_the_keys_of_the_table() {
        let mainnet = FileServer::mainnet().unwrap().target();
        assert_eq!(
            (
                mainnet.host.as_str(),
                mainnet.port,
                mainnet.x25519.to_string().as_str()
            ),
            (
                "filev2.getsession.org",
                80,
                "09324794aa9c11948189762d198c618148e9136ac9582068180661208927ef34"
            )
        );
        let testnet = FileServer::testnet().unwrap().target();
        assert_eq!(
            testnet.x25519.to_string(),
            "fc097b06821c98a2db75ce02e521cef5fd9d3446e42e81d843c4c8c4e9260f48"
        );
    }

    #[test]
    fn texts_are_read_back() {
        let server = server();
        assert_eq!(server.to_string().parse::<FileServer>(), Ok(server.clone()));
        let key = server.ed25519();
        for (text, error) in [
            ("http://a.example".to_owned(), FileServerError::Form),
            ("http://a.example#12".to_owned(), FileServerError::Key),
            (format!("http://a.example/x#{key}"), FileServerError::Url),
            (format!("http://a.example?x#{key}"), FileServerError::Url),
            (format!("ftp://a.example#{key}"), FileServerError::Url),
            (format!("files.example#{key}"), FileServerError::Url),
        ] {
            assert_eq!(text.parse::<FileServer>(), Err(error), "{text}");
        }
        // With the mark that addresses of files have, and a slash.
        let same: FileServer = format!("http://files.example:8000/#p={key}")
            .parse()
            .unwrap();
        assert_eq!(same, server);
    }

    #[test]
    fn addresses_name_the_key_unless_everybody_knows_it() {
        let mainnet = FileServer::mainnet().unwrap();
        assert_eq!(
            mainnet.url_of("abc", false),
            "http://filev2.getsession.org/file/abc"
        );
        assert_eq!(
            mainnet.url_of("abc", true),
            "http://filev2.getsession.org/file/abc#d"
        );
        let server = server();
        let url = server.url_of("abc", true);
        let key = server.ed25519();
        assert_eq!(url, format!("http://files.example:8000/file/abc#p={key}&d"));
        let url: FileUrl = url.parse().unwrap();
        assert!(url.is_stream() && url.id() == "abc");
        // Converted, and if that was not meant, as it is.
        let targets = url.targets(None);
        assert_eq!(targets.len(), 2);
        assert_eq!(targets[0], server.target());
        assert_eq!(targets[1].x25519.as_bytes(), key.as_bytes());
        // A server one knows has one key.
        assert_eq!(url.targets(Some(&server)), [server.target()]);
    }

    #[test]
    fn either_key_of_a_known_server_is_its_key() {
        let server = server();
        let x25519 = server.target().x25519;
        let url: FileUrl = format!("http://files.example:8000/file/1#p={x25519}")
            .parse()
            .unwrap();
        assert_eq!(url.targets(Some(&server)), [server.target()]);
    }

    #[test]
    fn without_a_key_only_known_servers_are_asked() {
        let server = server();
        let url: FileUrl = "http://files.example:8000/file/1".parse().unwrap();
        assert_eq!(url.targets(Some(&server)), [server.target()]);
        assert_eq!(url.targets(None), []);
        let elsewhere: FileUrl = "http://files.example:8001/file/1".parse().unwrap();
        assert_eq!(elsewhere.targets(Some(&server)), []);
        let public: FileUrl = "http://filev2.getsession.org/files/12345".parse().unwrap();
        assert_eq!(
            public.targets(Some(&server)),
            [FileServer::mainnet().unwrap().target()]
        );
    }

    #[test]
    fn fragments_are_read_as_others_write_them() {
        let key = "ab".repeat(32);
        for (fragment, is_stream, has_key) in [
            ("", false, false),
            ("#", false, false),
            ("#d", true, false),
            ("#d=", true, false),
            ("#dd", false, false),
            (&format!("#p={key}"), false, true),
            (&format!("#p={key}&d="), true, true),
            (&format!("#d&sr=x.sesh:11235&p={key}&new=1"), true, true),
        ] {
            let url: FileUrl = format!("http://a.example/file/1{fragment}")
                .parse()
                .unwrap();
            assert_eq!(
                (url.is_stream, url.key.is_some()),
                (is_stream, has_key),
                "{fragment}"
            );
        }
    }

    #[test]
    fn nothing_else_is_an_address() {
        for text in [
            "",
            "http://a.example/",
            "http://a.example/file/",
            "http://a.example/file/a/b",
            "http://a.example/file/..",
            "http://a.example/file/a%2fb",
            "http://a.example/room/x/file/1",
            "ftp://a.example/file/1",
            "file:///file/1",
            "http://a.example/file/1#p=12",
            &format!("http://a.example/file/{}", "a".repeat(65)),
        ] {
            assert!(text.parse::<FileUrl>().is_err(), "{text}");
        }
    }
}
