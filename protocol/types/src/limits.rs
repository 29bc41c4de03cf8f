//! Numbers the protocol fixes (docs/protocol/node.md sections 6, 7, 9, 13 and client.md 5.12).

use core::time::Duration;

/// Largest message a node stores, in bytes.
pub const MAX_MESSAGE_SIZE: usize = 76_800;
/// Largest HTTP request body a node reads.
pub const MAX_REQUEST_BODY: usize = 10 * 1024 * 1024;
/// Sub-requests in one `batch` or `sequence`.
pub const MAX_BATCH_REQUESTS: usize = 20;
/// Longest life in public inboxes.
pub const MAX_TTL_PUBLIC: Duration = Duration::from_secs(14 * 24 * 3600);
/// Longest life in private namespaces and outboxes.
pub const MAX_TTL_PRIVATE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Shortest life of a message.
pub const MIN_TTL: Duration = Duration::from_secs(10);
/// How far the time inside a signature may be off.
pub const SIGNATURE_TOLERANCE: Duration = Duration::from_secs(60);
/// How far the same may be off in a request another node passed on.
pub const SIGNATURE_TOLERANCE_FORWARDED: Duration = Duration::from_secs(70);
/// How far in the future a stored message's time may lie.
pub const STORE_TOLERANCE: Duration = Duration::from_secs(10);
/// Hops an onion request may take.
pub const MAX_ONION_HOPS: u32 = 15;
/// What one `retrieve` answer may account for at most.
pub const RETRIEVE_MAX_SIZE: u64 = 7_800_000;
/// Subaccount revocations kept for one account.
pub const MAX_REVOCATIONS: usize = 50;
/// Longest message text, in Unicode code points.
pub const MAX_BODY_CHARS: usize = 2_000;
/// Longest message text of a Pro account.
pub const MAX_BODY_CHARS_PRO: usize = 10_000;
/// Longest display name, in bytes.
pub const MAX_NAME_BYTES: usize = 100;
