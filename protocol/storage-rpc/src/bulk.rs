//! Whole messages on their way from one node to another (docs/protocol/node.md section 5.3).
//!
//! Byte `01`, then a bt list of rows, each a list:
//!
//! | # | Type | Field |
//! |---|---|---|
//! | 1 | 33 bytes | owner |
//! | 2 | bytes | message hash, 43 characters |
//! | 3 | integer | timestamp, ms |
//! | 4 | integer | expiry, ms |
//! | 5 | bytes | data, not base64 |
//! | 6 | integer | namespace; 0 when missing |

use session_encoding::bt::{self, ListReader, ListWriter};
use session_types::{MessageHash, Namespace, SwarmPubkey, Timestamp, limits};

use crate::ReadError;

/// How large one batch may become by default, in bytes.
pub const DEFAULT_BATCH_BYTES: usize = 1_000_000;

/// How large a batch is read at most, in bytes.
pub const MAX_BATCH_BYTES: usize = limits::MAX_REQUEST_BODY;

const VERSION: u8 = 1;

/// What a row takes besides its data, at most: list marks, lengths, owner, hash, three integers.
const ROW_OVERHEAD: usize = 180;

/// One stored message with everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkMessage {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Which namespace of it.
    pub namespace: Namespace,
    /// Name of the message.
    pub hash: MessageHash,
    /// The time it was stored with.
    pub timestamp: Timestamp,
    /// When it is to be forgotten.
    pub expiry: Timestamp,
    /// The message.
    pub data: Vec<u8>,
}

/// Writes messages as batches of about `max_bytes` bytes each; one message is never split, so a
/// batch of a single message may be larger.
#[must_use]
pub fn encode<'a>(
    messages: impl IntoIterator<Item = &'a BulkMessage>,
    max_bytes: usize,
) -> Vec<Vec<u8>> {
    let mut batches = Vec::new();
    let mut rows = ListWriter::new();
    let mut bytes = 0usize;
    for message in messages {
        let cost = message.data.len().saturating_add(ROW_OVERHEAD);
        if !rows.is_empty() && bytes.saturating_add(cost) > max_bytes {
            batches.push(finish(core::mem::take(&mut rows)));
            bytes = 0;
        }
        rows.list(&row(message));
        bytes = bytes.saturating_add(cost);
    }
    if !rows.is_empty() {
        batches.push(finish(rows));
    }
    batches
}

/// Reads a batch.
///
/// Whether the hashes belong to the data, and the owners to the reader's swarm, is for the caller
/// to check.
///
/// # Errors
/// [`ReadError`] for an unknown version, a batch larger than [`MAX_BATCH_BYTES`], or any row that
/// is not complete.
pub fn decode(bytes: &[u8]) -> Result<Vec<BulkMessage>, ReadError> {
    if bytes.len() > MAX_BATCH_BYTES {
        return Err(ReadError::TooMany("bytes"));
    }
    let (&version, list) = bytes
        .split_first()
        .ok_or(ReadError::Encoding("bulk data"))?;
    if version != VERSION {
        return Err(ReadError::Version(version));
    }
    let mut rows = ListReader::new(list).map_err(bad)?;
    let mut messages = Vec::new();
    while !rows.at_end() {
        let mut row = rows.list().map_err(bad)?;
        messages.push(read_row(&mut row)?);
    }
    rows.finish().map_err(bad)?;
    Ok(messages)
}

fn finish(rows: ListWriter) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&rows.finish());
    out
}

fn row(message: &BulkMessage) -> ListWriter {
    let mut row = ListWriter::new();
    row.bytes(message.owner.to_bytes())
        .bytes(message.hash.as_str())
        .int(message.timestamp.as_ms_i64())
        .int(message.expiry.as_ms_i64())
        .bytes(&message.data)
        .int(message.namespace.get().into());
    row
}

fn read_row(row: &mut ListReader<'_>) -> Result<BulkMessage, ReadError> {
    let owner =
        SwarmPubkey::try_from(row.bytes().map_err(bad)?).map_err(ReadError::field("pubkey"))?;
    let hash = row
        .text()
        .map_err(bad)?
        .parse()
        .map_err(ReadError::field("hash"))?;
    let timestamp = time(row, "timestamp")?;
    let expiry = time(row, "expiry")?;
    let data = row.bytes().map_err(bad)?;
    if data.len() > limits::MAX_MESSAGE_SIZE {
        return Err(ReadError::TooMany("bytes"));
    }
    let namespace = if row.at_end() {
        Namespace::DEFAULT
    } else {
        let number = row.i64().map_err(bad)?;
        Namespace::new(i16::try_from(number).map_err(|_| ReadError::Field("namespace"))?)
    };
    Ok(BulkMessage {
        owner,
        namespace,
        hash,
        timestamp,
        expiry,
        data: data.to_vec(),
    })
}

fn time(row: &mut ListReader<'_>, name: &'static str) -> Result<Timestamp, ReadError> {
    let ms = row.i64().map_err(bad)?;
    u64::try_from(ms)
        .map(Timestamp::from_ms)
        .map_err(|_| ReadError::Field(name))
}

fn bad(_: bt::BtError) -> ReadError {
    ReadError::Encoding("bulk data")
}
