//! Requests signed with a key that says nothing about the account (docs/protocol/file-server.md
//! section 4.2).
//!
//! | header | content |
//! |---|---|
//! | `X-FS-Pubkey` | `07` and an Ed25519 key, 33 bytes in hex or base64 |
//! | `X-FS-Timestamp` | seconds since 1970, decimal |
//! | `X-FS-Signature` | 64 bytes in base64 or hex |
//!
//! Signed is: timestamp, method, path, `?` and query if there is one, BLAKE2b of the body with 64
//! bytes of output if there is one.

use core::time::Duration;

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use http::StatusCode;
use http::request::Parts;
use session_types::{Ed25519PublicKey, Signature, Timestamp};

use super::Failure;

const HEADERS: [&str; 3] = ["x-fs-pubkey", "x-fs-timestamp", "x-fs-signature"];

/// What comes before the key.
const PREFIX: u8 = 0x07;

/// How much the clocks may differ.
const TOLERANCE: Duration = Duration::from_secs(24 * 3600);

/// Who signed the request; nobody when it has none of the headers.
pub(super) fn verify(
    head: &Parts,
    body: &[u8],
    now: Timestamp,
) -> Result<Option<Ed25519PublicKey>, Failure> {
    let values = HEADERS.map(|name| head.headers.get(name));
    if values.iter().all(Option::is_none) {
        return Ok(None);
    }
    let [Some(key), Some(time), Some(signature)] =
        values.map(|value| value.and_then(|value| value.to_str().ok()))
    else {
        return Err(Failure::BAD_REQUEST);
    };
    let key = match bytes::<33>(key).ok_or(Failure::BAD_REQUEST)? {
        [PREFIX, key @ ..] => Ed25519PublicKey::new(key),
        _ => return Err(Failure::BAD_REQUEST),
    };
    let signature = Signature::new(bytes(signature).ok_or(Failure::BAD_REQUEST)?);
    let seconds: u64 = time.parse().map_err(|_| Failure::BAD_REQUEST)?;
    let signed_at = Timestamp::from_ms(seconds.saturating_mul(1000));
    if signed_at.distance(now) > TOLERANCE {
        return Err(Failure(StatusCode::TOO_EARLY));
    }
    let mut message = format!("{time}{}{}", head.method, head.uri.path()).into_bytes();
    if let Some(query) = head.uri.query() {
        message.push(b'?');
        message.extend_from_slice(query.as_bytes());
    }
    if !body.is_empty() {
        message.extend_from_slice(blake2b_simd::blake2b(body).as_bytes());
    }
    session_crypto::verify(&key, &message, &signature)
        .map_err(|_| Failure(StatusCode::UNAUTHORIZED))?;
    Ok(Some(key))
}

/// So many bytes in hex or base64.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let decoded = if text.len() == N.saturating_mul(2) {
        HEXLOWER_PERMISSIVE.decode(text.as_bytes())
    } else if text.ends_with('=') {
        BASE64.decode(text.as_bytes())
    } else {
        BASE64_NOPAD.decode(text.as_bytes())
    };
    decoded.ok()?.try_into().ok()
}
