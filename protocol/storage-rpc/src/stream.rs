//! Requests and answers on a QUIC stream (docs/protocol/node.md section 6.3).
//!
//! A stream carries messages one after another, in both directions:
//!
//! | Offset | Content |
//! |---|---|
//! | 0 | length n in decimal digits, 1 to 8 |
//! | | `:` |
//! | | a bt list of n bytes |
//!
//! | List | Meaning |
//! |---|---|
//! | `C`, id, endpoint, body | a command; answered under the same id, or not at all |
//! | `R`, id, body | its answer |
//! | `E`, id, body | why there is none |
//!
//! What stands in the bodies for the endpoints of a node is in [`body`].

pub mod body;

use session_encoding::bt::{ListReader, ListWriter};

/// Longest list in a message.
pub const MAX_LIST: usize = 10_000_000;

/// Most digits of a length: with the colon, nine characters.
const MAX_DIGITS: usize = 8;

/// One message of a stream.
#[derive(Clone, PartialEq, Eq)]
pub enum StreamMessage {
    /// Somebody asks for something.
    Command {
        /// Names the command in answers; unique on its stream and direction.
        id: i64,
        /// What is asked: the name of a storage endpoint, `onion_req`, `monitor`, `snode_ping`, or
        /// from the server `notify`, `monitor_ended`.
        endpoint: String,
        /// Parameters.
        body: Vec<u8>,
    },
    /// The answer to a command.
    Reply {
        /// Of the command.
        id: i64,
        /// What the endpoint answers.
        body: Vec<u8>,
    },
    /// A command failed.
    Error {
        /// Of the command.
        id: i64,
        /// Why.
        body: Vec<u8>,
    },
}

impl core::fmt::Debug for StreamMessage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (kind, id, body) = match self {
            Self::Command { id, body, .. } => ("Command", id, body),
            Self::Reply { id, body } => ("Reply", id, body),
            Self::Error { id, body } => ("Error", id, body),
        };
        write!(f, "{kind}({id}, {} bytes)", body.len())
    }
}

/// Why a stream cannot be read on; it is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// No length where one must be, or one that is too long.
    #[error("bad length of a stream message")]
    Length,
    /// The list is none of the three.
    #[error("malformed stream message")]
    Malformed,
}

impl StreamMessage {
    /// The message as it goes on the stream, with its length; `None` when it is too long.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut list = ListWriter::new();
        match self {
            Self::Command { id, endpoint, body } => {
                list.bytes("C").int(*id).bytes(endpoint).bytes(body)
            }
            Self::Reply { id, body } => list.bytes("R").int(*id).bytes(body),
            Self::Error { id, body } => list.bytes("E").int(*id).bytes(body),
        };
        let list = list.finish();
        if list.len() > MAX_LIST {
            return None;
        }
        let mut out = Vec::with_capacity(list.len().saturating_add(MAX_DIGITS + 1));
        out.extend_from_slice(list.len().to_string().as_bytes());
        out.push(b':');
        out.extend_from_slice(&list);
        Some(out)
    }

    fn read(list: &[u8]) -> Option<Self> {
        let mut reader = ListReader::lenient(list).ok()?;
        let kind = reader.bytes().ok()?;
        let id = reader.i64().ok()?;
        let message = match kind {
            b"C" => Self::Command {
                id,
                endpoint: reader.text().ok()?.to_owned(),
                body: reader.bytes().ok()?.to_vec(),
            },
            b"R" => Self::Reply {
                id,
                body: reader.bytes().ok()?.to_vec(),
            },
            b"E" => Self::Error {
                id,
                body: reader.bytes().ok()?.to_vec(),
            },
            _ => return None,
        };
        reader.finish().ok()?;
        Some(message)
    }
}

/// Puts messages together from the pieces in which a stream delivers them. Holds at most one
/// message beyond what was pushed last, and grows only with what really arrives.
#[derive(Debug, Default)]
pub struct StreamDecoder {
    buffer: Vec<u8>,
    /// Bytes at the front that were given out already.
    taken: usize,
}

impl StreamDecoder {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece. Call [`Self::next_message`] until it gives nothing before pushing
    /// again: that is what bounds the memory.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(piece);
    }

    /// The next message that is complete; `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`StreamError`]; the stream cannot be read on.
    pub fn next_message(&mut self) -> Result<Option<StreamMessage>, StreamError> {
        let waiting = self.buffer.get(self.taken..).unwrap_or_default();
        let digits = waiting
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits > MAX_DIGITS {
            return Err(StreamError::Length);
        }
        let Some(end) = waiting.get(digits) else {
            return Ok(None);
        };
        if digits == 0 || *end != b':' {
            return Err(StreamError::Length);
        }
        let length = waiting.iter().take(digits).fold(0usize, |length, digit| {
            length * 10 + usize::from(digit.saturating_sub(b'0'))
        });
        if length > MAX_LIST {
            return Err(StreamError::Length);
        }
        let start = digits + 1;
        let Some(list) = waiting.get(start..start + length) else {
            return Ok(None);
        };
        let message = StreamMessage::read(list).ok_or(StreamError::Malformed)?;
        self.taken += start + length;
        Ok(Some(message))
    }

    /// Bytes of a message that has not arrived whole.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.taken
    }
}
