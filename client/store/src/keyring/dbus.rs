//! As much of D-Bus as a keyring needs: method calls and signals over the session bus, blocking,
//! with a deadline. Written out here because the general libraries bring more code to build
//! than the whole of the rest of this crate but SQLCipher.
//!
//! A message is, in the byte order its first byte names:
//!
//! | offset | length | name | meaning |
//! |---|---|---|---|
//! | 0 | 1 | order | `l` little-endian, `B` big-endian |
//! | 1 | 1 | type | 1 call, 2 return, 3 error, 4 signal |
//! | 2 | 1 | flags | 0 here |
//! | 3 | 1 | version | 1 |
//! | 4 | 4 | body length | bytes after the header |
//! | 8 | 4 | serial | number of the message at its sender |
//! | 12 | 4 | fields length | bytes of the fields |
//! | 16 | … | fields | structures of a code byte and a variant, each at a multiple of 8 |
//! | … | 0–7 | padding | to a multiple of 8 |
//! | … | body length | body | the arguments |

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// Longest message read or written here.
const MAX_MESSAGE: usize = 1 << 20;
/// Signals kept while waiting for an answer.
const MAX_SIGNALS: usize = 64;
/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(25);

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
const SIGNAL: u8 = 4;

const FIELD_PATH: u8 = 1;
const FIELD_INTERFACE: u8 = 2;
const FIELD_MEMBER: u8 = 3;
const FIELD_ERROR_NAME: u8 = 4;
const FIELD_REPLY_SERIAL: u8 = 5;
const FIELD_DESTINATION: u8 = 6;
const FIELD_SIGNATURE: u8 = 8;

/// Why a call over the bus gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum BusError {
    #[error("the session bus cannot be reached")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Protocol(&'static str),
    /// The other side answered with an error of this name.
    #[error("{0}")]
    Remote(String),
    #[error("no answer in time")]
    Timeout,
}

/// What to call.
#[derive(Clone, Copy)]
pub(super) struct Method<'a> {
    pub(super) destination: &'a str,
    pub(super) path: &'a str,
    pub(super) interface: &'a str,
    pub(super) member: &'a str,
}

/// A connection to a message bus.
pub(super) struct Bus {
    stream: UnixStream,
    serial: u32,
    signals: VecDeque<Message>,
}

/// A message that was read.
pub(super) struct Message {
    kind: u8,
    reply_serial: Option<u32>,
    path: Option<String>,
    member: Option<String>,
    error_name: Option<String>,
    signature: String,
    big_endian: bool,
    body: Zeroizing<Vec<u8>>,
}

impl Bus {
    /// Connects to the first address of a list that answers, and introduces itself.
    pub(super) fn connect(addresses: &str) -> Result<Self, BusError> {
        let mut last = BusError::Protocol("the session bus has no usable address");
        for address in addresses.split(';') {
            match open_socket(address) {
                Ok(Some(stream)) => {
                    let mut bus = Self {
                        stream,
                        serial: 0,
                        signals: VecDeque::new(),
                    };
                    bus.authenticate()?;
                    let hello = Method {
                        destination: "org.freedesktop.DBus",
                        path: "/org/freedesktop/DBus",
                        interface: "org.freedesktop.DBus",
                        member: "Hello",
                    };
                    bus.call(hello, "", &Writer::default())?;
                    return Ok(bus);
                }
                Ok(None) => {}
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }

    /// Calls a method and waits for its answer. `arguments` are of the type `signature`.
    pub(super) fn call(
        &mut self,
        method: Method<'_>,
        signature: &str,
        arguments: &Writer,
    ) -> Result<Message, BusError> {
        let deadline = Instant::now() + CALL_TIMEOUT;
        self.serial = self.serial.wrapping_add(1).max(1);
        let serial = self.serial;
        let message = encode_call(serial, method, signature, arguments)?;
        self.stream.set_write_timeout(Some(CALL_TIMEOUT))?;
        self.stream.write_all(&message).map_err(timeout_or_io)?;
        loop {
            let message = self.read(deadline)?;
            match message.kind {
                METHOD_RETURN if message.reply_serial == Some(serial) => return Ok(message),
                ERROR if message.reply_serial == Some(serial) => {
                    return Err(BusError::Remote(message.error_name.unwrap_or_default()));
                }
                SIGNAL if self.signals.len() < MAX_SIGNALS => self.signals.push_back(message),
                _ => {}
            }
        }
    }

    /// Waits for a signal of an object.
    pub(super) fn wait_signal(
        &mut self,
        path: &str,
        member: &str,
        timeout: Duration,
    ) -> Result<Message, BusError> {
        let deadline = Instant::now() + timeout;
        loop {
            let message = match self.signals.pop_front() {
                Some(message) => message,
                None => self.read(deadline)?,
            };
            if message.kind == SIGNAL
                && message.path.as_deref() == Some(path)
                && message.member.as_deref() == Some(member)
            {
                return Ok(message);
            }
        }
    }

    /// Says who is calling; the bus asks the kernel whether that is so.
    fn authenticate(&mut self) -> Result<(), BusError> {
        let deadline = Instant::now() + CALL_TIMEOUT;
        self.stream.set_write_timeout(Some(CALL_TIMEOUT))?;
        self.stream.write_all(b"\0AUTH EXTERNAL\r\n")?;
        loop {
            let line = self.read_line(deadline)?;
            if line.starts_with(b"DATA") {
                // No name is given: the one the kernel tells is taken.
                self.stream.write_all(b"DATA\r\n")?;
            } else if line.starts_with(b"OK ") {
                self.stream.write_all(b"BEGIN\r\n")?;
                return Ok(());
            } else {
                return Err(BusError::Protocol("the session bus refused this user"));
            }
        }
    }

    fn read_line(&mut self, deadline: Instant) -> Result<Vec<u8>, BusError> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let mut byte = [0u8; 1];
            self.read_exact(&mut byte, deadline)?;
            line.extend(byte);
            if line.len() > 1024 {
                return Err(BusError::Protocol("the session bus sent no line"));
            }
        }
        Ok(line)
    }

    fn read(&mut self, deadline: Instant) -> Result<Message, BusError> {
        let mut start = [0u8; 16];
        self.read_exact(&mut start, deadline)?;
        let [order, kind, _flags, _version, sizes @ ..] = start;
        let big_endian = match order {
            b'l' => false,
            b'B' => true,
            _ => return Err(MALFORMED),
        };
        let mut sizes = Reader::new(&sizes, big_endian);
        let body_length = length(sizes.u32()?)?;
        let _serial = sizes.u32()?;
        let fields_length = length(sizes.u32()?)?;
        let mut fields = vec![0u8; fields_length.next_multiple_of(8)];
        self.read_exact(&mut fields, deadline)?;
        let mut body = Zeroizing::new(vec![0u8; body_length]);
        self.read_exact(&mut body, deadline)?;
        fields.truncate(fields_length);
        let mut message = Message {
            kind,
            reply_serial: None,
            path: None,
            member: None,
            error_name: None,
            signature: String::new(),
            big_endian,
            body,
        };
        message.read_fields(&fields)?;
        Ok(message)
    }

    fn read_exact(&mut self, mut target: &mut [u8], deadline: Instant) -> Result<(), BusError> {
        while !target.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(BusError::Timeout);
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(target) {
                Ok(0) => return Err(BusError::Protocol("the session bus closed the connection")),
                Ok(count) => target = target.get_mut(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(timeout_or_io(error)),
            }
        }
        Ok(())
    }
}

impl Message {
    /// The arguments, when they are of the type `signature`.
    pub(super) fn arguments(&self, signature: &str) -> Result<Reader<'_>, BusError> {
        if self.signature == signature {
            Ok(Reader::new(&self.body, self.big_endian))
        } else {
            Err(BusError::Protocol(
                "an answer of another type than expected",
            ))
        }
    }

    fn read_fields(&mut self, fields: &[u8]) -> Result<(), BusError> {
        let mut reader = Reader::new(fields, self.big_endian);
        while !reader.is_empty() {
            reader.align(8)?;
            let code = reader.u8()?;
            let kind = reader.signature()?;
            match (code, kind) {
                (FIELD_PATH, "o") => self.path = Some(reader.string()?.to_owned()),
                (FIELD_MEMBER, "s") => self.member = Some(reader.string()?.to_owned()),
                (FIELD_ERROR_NAME, "s") => self.error_name = Some(reader.string()?.to_owned()),
                (FIELD_REPLY_SERIAL, "u") => self.reply_serial = Some(reader.u32()?),
                (FIELD_SIGNATURE, "g") => self.signature = reader.signature()?.to_owned(),
                (_, "s" | "o") => drop(reader.string()?),
                (_, "g") => drop(reader.signature()?),
                (_, "u" | "i" | "b" | "h") => drop(reader.u32()?),
                _ => return Err(MALFORMED),
            }
        }
        Ok(())
    }
}

const MALFORMED: BusError = BusError::Protocol("a malformed message");

fn timeout_or_io(error: io::Error) -> BusError {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => BusError::Timeout,
        _ => BusError::Io(error),
    }
}

fn length(value: u32) -> Result<usize, BusError> {
    usize::try_from(value)
        .ok()
        .filter(|length| *length <= MAX_MESSAGE)
        .ok_or(BusError::Protocol("a message that is too long"))
}

/// Connects to `unix:path=…` or `unix:abstract=…`; `None` for other kinds of address.
fn open_socket(address: &str) -> io::Result<Option<UnixStream>> {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::SocketAddr;
    let Some(options) = address.strip_prefix("unix:") else {
        return Ok(None);
    };
    for option in options.split(',') {
        if let Some(path) = option.strip_prefix("path=") {
            let address = SocketAddr::from_pathname(unescape(path))?;
            return UnixStream::connect_addr(&address).map(Some);
        }
        if let Some(name) = option.strip_prefix("abstract=") {
            let address = SocketAddr::from_abstract_name(unescape(name).into_encoded_bytes())?;
            return UnixStream::connect_addr(&address).map(Some);
        }
    }
    Ok(None)
}

/// Replaces `%xx` by the byte it stands for; everything else stands for itself.
fn unescape(text: &str) -> std::ffi::OsString {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.split_at_checked(2).filter(|_| *first == b'%');
        let decoded = digits.and_then(|(digits, after)| {
            let digits = core::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let (byte, after) = decoded.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

fn encode_call(
    serial: u32,
    method: Method<'_>,
    signature: &str,
    arguments: &Writer,
) -> Result<Zeroizing<Vec<u8>>, BusError> {
    let mut fields = Writer::default();
    for (code, kind, value) in [
        (FIELD_PATH, "o", method.path),
        (FIELD_DESTINATION, "s", method.destination),
        (FIELD_INTERFACE, "s", method.interface),
        (FIELD_MEMBER, "s", method.member),
    ] {
        fields.align(8);
        fields.u8(code);
        fields.signature(kind);
        fields.string(value);
    }
    if !signature.is_empty() {
        fields.align(8);
        fields.u8(FIELD_SIGNATURE);
        fields.signature("g");
        fields.signature(signature);
    }
    let too_long = |_| BusError::Protocol("a message that is too long");
    let mut message = Writer::default();
    message.bytes.extend([b'l', METHOD_CALL, 0, 1]);
    message.u32(u32::try_from(arguments.bytes.len()).map_err(too_long)?);
    message.u32(serial);
    message.u32(u32::try_from(fields.bytes.len()).map_err(too_long)?);
    message.bytes.extend_from_slice(&fields.bytes);
    message.align(8);
    message.bytes.extend_from_slice(&arguments.bytes);
    Ok(message.bytes)
}

/// Writes values in the wire form, little-endian, each at its alignment.
#[derive(Default)]
pub(super) struct Writer {
    bytes: Zeroizing<Vec<u8>>,
}

impl Writer {
    pub(super) fn align(&mut self, to: usize) {
        let length = self.bytes.len().next_multiple_of(to);
        self.bytes.resize(length, 0);
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.align(4);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(super) fn bool(&mut self, value: bool) {
        self.u32(u32::from(value));
    }

    /// A string or an object path.
    pub(super) fn string(&mut self, value: &str) {
        self.byte_array(value.as_bytes());
        self.bytes.push(0);
    }

    /// A type, which is shorter than 256 characters.
    pub(super) fn signature(&mut self, value: &str) {
        self.bytes
            .push(u8::try_from(value.len()).unwrap_or(u8::MAX));
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.push(0);
    }

    pub(super) fn byte_array(&mut self, value: &[u8]) {
        // Callers write texts of at most a few hundred bytes.
        self.u32(u32::try_from(value.len()).unwrap_or(u32::MAX));
        self.bytes.extend_from_slice(value);
    }

    /// An array whose elements begin at multiples of `alignment`.
    pub(super) fn array(&mut self, alignment: usize, elements: impl FnOnce(&mut Self)) {
        self.u32(0);
        let length_at = self.bytes.len() - 4;
        self.align(alignment);
        let start = self.bytes.len();
        elements(self);
        let length = u32::try_from(self.bytes.len() - start).unwrap_or(u32::MAX);
        if let Some(slot) = self.bytes.get_mut(length_at..length_at + 4) {
            slot.copy_from_slice(&length.to_le_bytes());
        }
    }
}

/// Reads values in the wire form.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    big_endian: bool,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], big_endian: bool) -> Self {
        Self {
            bytes,
            at: 0,
            big_endian,
        }
    }

    fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], BusError> {
        let end = self.at.checked_add(count).ok_or(MALFORMED)?;
        let taken = self.bytes.get(self.at..end).ok_or(MALFORMED)?;
        self.at = end;
        Ok(taken)
    }

    pub(super) fn align(&mut self, to: usize) -> Result<(), BusError> {
        let padding = self.at.next_multiple_of(to) - self.at;
        self.take(padding).map(drop)
    }

    fn u8(&mut self) -> Result<u8, BusError> {
        self.take(1)?.first().copied().ok_or(MALFORMED)
    }

    pub(super) fn u32(&mut self) -> Result<u32, BusError> {
        self.align(4)?;
        let bytes = <[u8; 4]>::try_from(self.take(4)?).map_err(|_| MALFORMED)?;
        Ok(if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    pub(super) fn bool(&mut self) -> Result<bool, BusError> {
        Ok(self.u32()? != 0)
    }

    pub(super) fn byte_array(&mut self) -> Result<&'a [u8], BusError> {
        let count = length(self.u32()?)?;
        self.take(count)
    }

    /// A string or an object path.
    pub(super) fn string(&mut self) -> Result<&'a str, BusError> {
        let text = self.byte_array()?;
        self.take(1)?;
        core::str::from_utf8(text).map_err(|_| MALFORMED)
    }

    pub(super) fn signature(&mut self) -> Result<&'a str, BusError> {
        let count = usize::from(self.u8()?);
        let text = self.take(count)?;
        self.take(1)?;
        core::str::from_utf8(text).map_err(|_| MALFORMED)
    }

    /// An array of strings or object paths.
    pub(super) fn strings(&mut self) -> Result<Vec<String>, BusError> {
        let count = length(self.u32()?)?;
        let end = self.at.checked_add(count).ok_or(MALFORMED)?;
        let mut strings = Vec::new();
        while self.at < end {
            strings.push(self.string()?.to_owned());
        }
        Ok(strings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_the_documented_bytes() {
        let method = Method {
            destination: "d",
            path: "/p",
            interface: "i",
            member: "m",
        };
        let mut arguments = Writer::default();
        arguments.string("abc");
        let message = encode_call(7, method, "s", &arguments).unwrap();
        let expected: &[u8] = &[
            b"l\x01\x00\x01" as &[u8],
            &8u32.to_le_bytes(),
            &7u32.to_le_bytes(),
            &71u32.to_le_bytes(),
            b"\x01\x01o\0\x02\0\0\0/p\0\0\0\0\0\0",
            b"\x06\x01s\0\x01\0\0\0d\0\0\0\0\0\0\0",
            b"\x02\x01s\0\x01\0\0\0i\0\0\0\0\0\0\0",
            b"\x03\x01s\0\x01\0\0\0m\0\0\0\0\0\0\0",
            b"\x08\x01g\0\x01s\0\0",
            b"\x03\0\0\0abc\0",
        ]
        .concat();
        assert_eq!(message.as_slice(), expected);
    }

    #[test]
    fn reads_both_byte_orders_and_refuses_short_ones() {
        assert_eq!(Reader::new(&[0, 0, 0, 9], true).u32().unwrap(), 9);
        assert_eq!(Reader::new(&[9, 0, 0, 0], false).u32().unwrap(), 9);
        assert!(Reader::new(&[9, 0, 0], false).u32().is_err());
        assert!(Reader::new(&[9, 0, 0, 0, b'a'], false).string().is_err());
        assert!(Reader::new(&[255; 4], false).byte_array().is_err());
        assert!(Reader::new(&[255; 4], false).strings().is_err());
        assert!(Reader::new(&[1, 0, 0, 0, 0xff, 0], false).string().is_err());
    }

    #[test]
    fn arrays_count_their_bytes_after_the_padding() {
        let mut writer = Writer::default();
        writer.array(8, |writer| {
            for name in ["one", "three"] {
                writer.align(8);
                writer.string(name);
            }
        });
        assert_eq!(
            writer.bytes.as_slice(),
            b"\x12\0\0\0\0\0\0\0\x03\0\0\0one\0\x05\0\0\0three\0"
        );
    }

    #[test]
    fn addresses() {
        assert_eq!(unescape("/tmp/a%20b%2"), "/tmp/a b%2");
        assert_eq!(unescape("%zz"), "%zz");
        assert!(open_socket("tcp:host=localhost,port=1").unwrap().is_none());
        assert!(open_socket("unix:path=/nonexistent/bus").is_err());
        assert!(matches!(
            Bus::connect("unix:path=/nonexistent/bus"),
            Err(BusError::Io(_))
        ));
        assert!(matches!(
            Bus::connect("autolaunch:"),
            Err(BusError::Protocol(_))
        ));
    }
}
