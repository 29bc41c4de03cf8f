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

use session_encoding::bt::ListReader;

/// Longest list in a message.
pub const MAX_LIST: usize = 10_000_000;

/// Most digits of a length: with the colon, nine characters.
const MAX_DIGITS: usize = 8;

/// Longest list that so many digits can announce: what answers to onion requests may take between
/// nodes (docs/protocol/node.md section 6.4).
pub const MAX_ANNOUNCED: usize = 99_999_999;

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
    /// The message as it goes on the stream, with its length; `None` when its list is longer than
    /// [`MAX_LIST`].
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        self.encode_within(MAX_LIST)
    }

    /// The same for a reader that takes lists of `longest` bytes ([`StreamDecoder::within`]).
    #[must_use]
    pub fn encode_within(&self, longest: usize) -> Option<Vec<u8>> {
        let (head, body) = match self {
            Self::Command { id, endpoint, body } => {
                (format!("l1:Ci{id}e{}:{endpoint}", endpoint.len()), body)
            }
            Self::Reply { id, body } => (format!("l1:Ri{id}e"), body),
            Self::Error { id, body } => (format!("l1:Ei{id}e"), body),
        };
        // One pass, as answers of megabytes go this way too: the length comes first.
        let length = body.len().to_string();
        let list = head.len() + length.len() + 1 + body.len() + 1;
        if list > longest.min(MAX_ANNOUNCED) {
            return None;
        }
        let mut out = Vec::with_capacity(list + MAX_DIGITS + 1);
        out.extend_from_slice(list.to_string().as_bytes());
        out.push(b':');
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(length.as_bytes());
        out.push(b':');
        out.extend_from_slice(body);
        out.push(b'e');
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
#[derive(Debug)]
pub struct StreamDecoder {
    buffer: Vec<u8>,
    /// Bytes at the front that were given out already.
    taken: usize,
    /// Bytes of a message given up that are still to come.
    to_skip: usize,
    longest: usize,
}

impl Default for StreamDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl StreamDecoder {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self::within(MAX_LIST)
    }

    /// The same, for lists of up to `longest` bytes.
    #[must_use]
    pub const fn within(longest: usize) -> Self {
        Self {
            buffer: Vec::new(),
            taken: 0,
            to_skip: 0,
            longest,
        }
    }

    /// Takes the next piece. Call [`Self::next_message`] until it gives nothing before pushing
    /// again: that is what bounds the memory.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let skipped = self.to_skip.min(piece.len());
        self.to_skip -= skipped;
        self.buffer
            .extend_from_slice(piece.get(skipped..).unwrap_or_default());
    }

    /// Gives up the message that is arriving, if it is an answer: what has come of it is
    /// forgotten, what is to come will not be kept. The id of the command it would have answered;
    /// `None` when it is no answer or its beginning has not come yet, and nothing has changed.
    pub fn skip_answer(&mut self) -> Option<i64> {
        let waiting = self.buffer.get(self.taken..)?;
        let (start, length) = frame(waiting, self.longest).ok()??;
        let mut reader = ListReader::lenient(waiting.get(start..)?).ok()?;
        if !matches!(reader.bytes().ok()?, b"R" | b"E") {
            return None;
        }
        let id = reader.i64().ok()?;
        let there = waiting.len().min(start + length);
        self.to_skip = start + length - there;
        self.taken += there;
        Some(id)
    }

    /// The next message that is complete; `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`StreamError`]; the stream cannot be read on.
    pub fn next_message(&mut self) -> Result<Option<StreamMessage>, StreamError> {
        let waiting = self.buffer.get(self.taken..).unwrap_or_default();
        let Some((start, length)) = frame(waiting, self.longest)? else {
            return Ok(None);
        };
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
/// Where the list at the front begins and how long it is; `None` while that has not come.
fn frame(waiting: &[u8], longest: usize) -> Result<Option<(usize, usize)>, StreamError> {
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
    if length > longest {
        return Err(StreamError::Length);
    }
    Ok(Some((digits + 1, length)))
}
