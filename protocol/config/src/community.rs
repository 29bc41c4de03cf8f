//! Addresses of community rooms, and the dicts of servers and rooms in configs
//! (docs/protocol/config.md section 11.4).

use core::fmt;

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};

use crate::data::Dict;
use crate::engine::Core;
use crate::error::ConfigError;

/// Longest base address, in bytes.
const MAX_BASE_URL: usize = 267;

/// Longest room token, in bytes.
const MAX_ROOM: usize = 64;

const KEY_QUERY: &str = "?public_key=";

/// A community server: its canonical base address and its key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommunityServer {
    base_url: String,
    public_key: [u8; 32],
}

/// A room on a community server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community {
    server: CommunityServer,
    room: String,
}

/// What can be read from an address that need not be complete.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartialAddress {
    /// The canonical base address.
    pub base_url: String,
    /// The room, which is not checked.
    pub room: String,
    /// The server's key, if the address has one.
    pub public_key: Option<[u8; 32]>,
}

impl CommunityServer {
    /// A server at this address, which is brought to its canonical form.
    ///
    /// # Errors
    /// [`ConfigError::Address`] when it is not the address of a server.
    pub fn new(base_url: &str, public_key: [u8; 32]) -> Result<Self, ConfigError> {
        Ok(Self {
            base_url: canonical_base_url(base_url)?,
            public_key,
        })
    }

    /// A server as it is stored in a config, where nobody checked it.
    pub(crate) fn stored(base_url: &str, public_key: [u8; 32]) -> Self {
        Self {
            base_url: base_url.to_owned(),
            public_key,
        }
    }

    /// Scheme, host, and the port unless it is the usual one.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The server's X25519 key.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }
}

impl Community {
    /// A room of a server.
    ///
    /// # Errors
    /// [`ConfigError::Address`] when the room has another form than 1 to 64 of the characters
    /// `a-z`, `A-Z`, `0-9`, `-` and `_`.
    pub fn new(server: CommunityServer, room: &str) -> Result<Self, ConfigError> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if room.is_empty() || room.len() > MAX_ROOM || !room.bytes().all(known) {
            return Err(ConfigError::Address("not a room"));
        }
        Ok(Self {
            server,
            room: room.to_owned(),
        })
    }

    /// Reads a full address: server, room and `?public_key=`.
    ///
    /// # Errors
    /// [`ConfigError::Address`] when a part is missing or wrong.
    pub fn parse(address: &str) -> Result<Self, ConfigError> {
        let address = parse_partial(address)?;
        let public_key = address
            .public_key
            .ok_or(ConfigError::Address("no public key"))?;
        let server = CommunityServer {
            base_url: address.base_url,
            public_key,
        };
        Self::new(server, &address.room)
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &CommunityServer {
        &self.server
    }

    /// The room as its server writes it.
    #[must_use]
    pub fn room(&self) -> &str {
        &self.room
    }

    /// The room in lower case, which is what tells rooms apart.
    #[must_use]
    pub fn room_key(&self) -> String {
        self.room.to_ascii_lowercase()
    }

    /// The full address.
    #[must_use]
    pub fn full_url(&self) -> String {
        format!(
            "{}/{}{KEY_QUERY}{}",
            self.server.base_url,
            self.room,
            HEXLOWER.encode(&self.server.public_key)
        )
    }

    /// A room as it is stored in a config, where nobody checked it.
    pub(crate) fn stored(server: CommunityServer, room: String) -> Self {
        Self { server, room }
    }
}

impl fmt::Debug for CommunityServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommunityServer").finish_non_exhaustive()
    }
}

impl fmt::Debug for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Community").finish_non_exhaustive()
    }
}

/// Reads an address whose public key may be missing.
///
/// # Errors
/// [`ConfigError::Address`] when server or public key are wrong.
pub fn parse_partial(address: &str) -> Result<PartialAddress, ConfigError> {
    let (rest, public_key) = match address.rsplit_once(KEY_QUERY) {
        Some((rest, key)) => (rest, Some(public_key(key)?)),
        None => (address, None),
    };
    let (base, room) = rest
        .rsplit_once("/r/")
        .or_else(|| rest.rsplit_once('/'))
        .ok_or(ConfigError::Address("no room"))?;
    Ok(PartialAddress {
        base_url: canonical_base_url(base)?,
        room: room.to_owned(),
        public_key,
    })
}

/// The one form of a server's address: scheme and host in lower case, no usual port, no path.
///
/// # Errors
/// [`ConfigError::Address`] when it is not the address of a server.
pub fn canonical_base_url(address: &str) -> Result<String, ConfigError> {
    let (scheme, rest) = address
        .split_once("://")
        .ok_or(ConfigError::Address("no scheme"))?;
    let scheme = scheme.to_ascii_lowercase();
    let usual_port = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return Err(ConfigError::Address("neither http nor https")),
    };
    let host_length = rest
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
        .count();
    let (host, rest) = rest
        .split_at_checked(host_length)
        .ok_or(ConfigError::Address("no host"))?;
    let host = host.to_ascii_lowercase();
    if host.len() < 4
        || !host.contains('.')
        || host.starts_with('.')
        || host.ends_with('.')
        || host.contains("..")
    {
        return Err(ConfigError::Address("not a host"));
    }
    let (port, rest) = match rest.strip_prefix(':') {
        None => (None, rest),
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, rest) = rest
                .split_at_checked(digits)
                .ok_or(ConfigError::Address("not a port"))?;
            let port: u16 = digits
                .parse()
                .map_err(|_| ConfigError::Address("not a port"))?;
            (Some(port), rest)
        }
    };
    // As in the reference: only a path is an error, other characters here are not looked at.
    if rest.starts_with('/') && rest.len() > 1 {
        return Err(ConfigError::Address("a path follows the host"));
    }
    if !rest.is_empty() && rest != "/" && port.is_none() {
        return Err(ConfigError::Address("not a host"));
    }
    let canonical = match port {
        Some(port) if port != usual_port => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    };
    if canonical.len() > MAX_BASE_URL {
        return Err(ConfigError::Address("too long"));
    }
    Ok(canonical)
}

/// A key in hex, base64 or base32z.
fn public_key(text: &str) -> Result<[u8; 32], ConfigError> {
    let bytes = match text.len() {
        64 => HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok(),
        43 => BASE64_NOPAD.decode(text.as_bytes()).ok(),
        44 => BASE64.decode(text.as_bytes()).ok(),
        52 => base32z(text),
        _ => None,
    };
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(ConfigError::Address("not a public key"))
}

/// 52 characters of 5 bits, of which the last four are not used.
fn base32z(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";
    let mut out = Vec::with_capacity(32);
    let (mut buffer, mut bits) = (0u32, 0u32);
    for byte in text.bytes() {
        let byte = byte.to_ascii_lowercase();
        let digit = ALPHABET.iter().position(|letter| *letter == byte)?;
        buffer = buffer << 5 | u32::try_from(digit).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(buffer >> bits & 0xff).ok()?);
            buffer &= (1 << bits) - 1;
        }
    }
    Some(out)
}

impl Core {
    /// Everything in a dict of servers by base address, each with its key `#` and its `R`: a dict
    /// by room or the like.
    pub(crate) fn servers<'a>(
        &'a self,
        key: &[u8],
    ) -> impl Iterator<Item = (CommunityServer, &'a [u8], &'a Dict)> {
        self.data()
            .dict(key)
            .into_iter()
            .flat_map(Dict::iter)
            .filter_map(|(base_url, server)| {
                let server = server.as_dict()?;
                let known = CommunityServer {
                    base_url: core::str::from_utf8(base_url).ok()?.to_owned(),
                    public_key: server.array(b"#")?,
                };
                Some((known, server.dict(b"R")?))
            })
            .flat_map(|(server, rooms)| {
                rooms.iter().filter_map(move |(room, entry)| {
                    Some((server.clone(), &**room, entry.as_dict()?))
                })
            })
    }

    /// Whether something is left in the `R` of a server.
    pub(crate) fn has_rooms(&self, server: &[&[u8]]) -> bool {
        self.at(server)
            .and_then(|server| server.as_dict())
            .and_then(|server| server.dict(b"R"))
            .is_some_and(|rooms| !rooms.is_empty())
    }

    /// Removes a room, and its server when that has no other. Whether there was one.
    pub(crate) fn erase_room(
        &mut self,
        key: &[u8],
        base_url: &str,
        room: &str,
    ) -> Result<bool, ConfigError> {
        let server: [&[u8]; 2] = [key, base_url.as_bytes()];
        let path: [&[u8]; 4] = [key, base_url.as_bytes(), b"R", room.as_bytes()];
        let known = self.put(&path, None)?;
        if known && !self.has_rooms(&server) {
            self.put(&server, None)?;
        }
        Ok(known)
    }

    /// Changes a room, which is made with its server when not known yet. The server is even made
    /// when nothing is stored of the room, as in the reference.
    pub(crate) fn edit_room(
        &mut self,
        key: &[u8],
        community: &Community,
        change: impl FnOnce(&mut Dict),
    ) -> Result<bool, ConfigError> {
        let server = &community.server;
        let base_url = server.base_url.as_bytes();
        let room = community.room_key();
        let path: [&[u8]; 4] = [key, base_url, b"R", room.as_bytes()];
        let changed = self.edit(&path, change)?;
        let key_changed = self.edit(&[key, base_url], |entry| {
            entry.put_bytes(b"#", Some(&server.public_key));
        })?;
        Ok(changed || key_changed)
    }
}
