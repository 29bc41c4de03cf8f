//! The blob a client posts to its guard, and the same between nodes.

use serde_json::{Map, Value};
use session_crypto::onion_cipher::OnionCipher;
use session_encoding::bt::DictReader;
use session_types::{X25519PublicKey, limits};

use super::frame::{self, FrameError};
use crate::EntryError;

/// An onion request as it arrives at a node, still encrypted to that node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The layer for this node.
    pub ciphertext: &'a [u8],
    /// The client's ephemeral key for this layer.
    pub ephemeral_key: X25519PublicKey,
    /// How the layer is encrypted.
    pub cipher: OnionCipher,
    /// Hops the request has passed before this one: 0 at the guard.
    pub hop_no: u32,
}

impl Entry<'_> {
    /// The hop number to send when passing the inner layer to the next node.
    #[must_use]
    pub const fn next_hop_no(&self) -> u32 {
        self.hop_no.saturating_add(1)
    }
}

/// Reads the body of `POST /onion_req/v2` (docs/protocol/node.md section 7.1).
///
/// | offset | size | content |
/// |---|---|---|
/// | 0 | 4 | N, u32 little-endian |
/// | 4 | N | ciphertext for the node |
/// | 4 + N | rest | JSON object: `ephemeral_key` 64 hex; `enc_type` optional, `aes-gcm` when absent; `hop_no` optional integer, negative as 0 |
///
/// # Errors
/// [`EntryError`], whose text is what the node answers with.
pub fn parse_entry(body: &[u8]) -> Result<Entry<'_>, EntryError> {
    let (ciphertext, control) = frame::split(body).map_err(|error| match error {
        FrameError::TooShort => EntryError::TooShort,
        FrameError::Size => EntryError::Size,
    })?;
    let control = frame::control(control).ok_or(EntryError::BadJson)?;
    let ephemeral_key = control
        .get("ephemeral_key")
        .and_then(Value::as_str)
        .and_then(|hex| hex.parse().ok())
        .ok_or(EntryError::EphemeralKey)?;
    let cipher = cipher_of(&control).ok_or(EntryError::Cipher)?;
    let hop_no = match control.get("hop_no") {
        None => 0,
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => {
            clamp_hop_no(number.as_i64().unwrap_or(i64::MAX))
        }
        Some(_) => return Err(EntryError::HopNumber),
    };
    checked(Entry {
        ciphertext,
        ephemeral_key,
        cipher,
        hop_no,
    })
}

/// Writes an entry blob. `aes-gcm` is named too: every node accepts it.
///
/// `hop_no` is for node to node; a client passes `None`. The inverse of [`parse_entry`].
#[must_use]
pub fn encode_entry(
    ciphertext: &[u8],
    ephemeral_key: &X25519PublicKey,
    cipher: OnionCipher,
    hop_no: Option<u32>,
) -> Vec<u8> {
    let mut control = format!(
        r#"{{"enc_type":"{}","ephemeral_key":"{ephemeral_key}""#,
        cipher.name()
    );
    if let Some(hop_no) = hop_no {
        control.push_str(&format!(r#","hop_no":{hop_no}"#));
    }
    control.push('}');
    frame::join(ciphertext, control.as_bytes())
}

/// Writes the bt dict of the node to node message `sn.onion_request`
/// (docs/protocol/node.md section 7.5).
///
/// | key | value |
/// |---|---|
/// | `data` | ciphertext |
/// | `enc_type` | cipher name |
/// | `ephemeral_key` | 32 raw bytes |
/// | `hop_no` | hops passed, the sending node's own number + 1 |
#[must_use]
pub fn encode_forward(
    ciphertext: &[u8],
    ephemeral_key: &X25519PublicKey,
    cipher: OnionCipher,
    hop_no: u32,
) -> Vec<u8> {
    let head = format!("d4:data{}:", ciphertext.len());
    let name = cipher.name();
    let middle = format!("8:enc_type{}:{name}13:ephemeral_key32:", name.len());
    let tail = format!("6:hop_noi{hop_no}ee");
    let [head, middle, tail] = [head, middle, tail].map(String::into_bytes);
    [&head, ciphertext, &middle, ephemeral_key.as_bytes(), &tail].concat()
}

/// Reads what [`encode_forward`] writes. A hop number below 1 counts as 1.
///
/// # Errors
/// [`EntryError::PathTooLong`], or any other [`EntryError`] for a malformed dict, which a node
/// answers with a text beginning `Invalid internal onion request:`.
pub fn parse_forward(bytes: &[u8]) -> Result<Entry<'_>, EntryError> {
    let mut dict = DictReader::new(bytes).map_err(|_| EntryError::BadJson)?;
    let ciphertext = dict.require_bytes("data").map_err(|_| EntryError::Size)?;
    let cipher = dict
        .require_text("enc_type")
        .ok()
        .and_then(OnionCipher::from_name)
        .ok_or(EntryError::Cipher)?;
    let ephemeral_key = dict
        .require_array::<32>("ephemeral_key")
        .map(|key| X25519PublicKey::new(*key))
        .map_err(|_| EntryError::EphemeralKey)?;
    let hop_no = dict
        .require_i64("hop_no")
        .map_err(|_| EntryError::HopNumber)?;
    let hop_no = clamp_hop_no(hop_no).max(1);
    dict.finish().map_err(|_| EntryError::BadJson)?;
    checked(Entry {
        ciphertext,
        ephemeral_key,
        cipher,
        hop_no,
    })
}

/// The cipher `enc_type` names, aes-gcm without one; `None` when it is unknown or not a string.
pub(super) fn cipher_of(control: &Map<String, Value>) -> Option<OnionCipher> {
    match control.get("enc_type") {
        None => Some(OnionCipher::AesGcm),
        Some(Value::String(name)) => OnionCipher::from_name(name),
        Some(_) => None,
    }
}

fn clamp_hop_no(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

fn checked(entry: Entry<'_>) -> Result<Entry<'_>, EntryError> {
    if entry.hop_no > limits::MAX_ONION_HOPS {
        Err(EntryError::PathTooLong)
    } else {
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: X25519PublicKey = X25519PublicKey::new([9; 32]);

    fn blob(control: &str) -> Vec<u8> {
        frame::join(b"cipher", control.as_bytes())
    }

    #[test]
    fn entry_round_trip() {
        for cipher in [OnionCipher::AesGcm, OnionCipher::XChaCha20] {
            for hop_no in [None, Some(0), Some(1), Some(15)] {
                let body = encode_entry(b"cipher", &KEY, cipher, hop_no);
                let entry = parse_entry(&body).unwrap();
                assert_eq!(entry.ciphertext, b"cipher");
                assert_eq!(entry.ephemeral_key, KEY);
                assert_eq!(entry.cipher, cipher);
                assert_eq!(entry.hop_no, hop_no.unwrap_or(0));
            }
        }
    }

    #[test]
    fn entry_refusals_have_the_text_clients_match() {
        let key = KEY.to_hex();
        let cases = [
            ("", EntryError::BadJson),
            ("[]", EntryError::BadJson),
            ("{", EntryError::BadJson),
            ("{}", EntryError::EphemeralKey),
            (r#"{"ephemeral_key":"00"}"#, EntryError::EphemeralKey),
            (r#"{"ephemeral_key":5}"#, EntryError::EphemeralKey),
            (
                &format!(r#"{{"ephemeral_key":"{key}","enc_type":"AES-GCM"}}"#),
                EntryError::Cipher,
            ),
            (
                &format!(r#"{{"ephemeral_key":"{key}","enc_type":null}}"#),
                EntryError::Cipher,
            ),
            (
                &format!(r#"{{"ephemeral_key":"{key}","hop_no":"1"}}"#),
                EntryError::HopNumber,
            ),
            (
                &format!(r#"{{"ephemeral_key":"{key}","hop_no":1.5}}"#),
                EntryError::HopNumber,
            ),
        ];
        for (control, error) in cases {
            assert_eq!(parse_entry(&blob(control)), Err(error), "{control}");
            assert!(
                error
                    .to_string()
                    .starts_with("Error parsing onion request: ")
            );
        }
        assert_eq!(parse_entry(b"\x01\0\0"), Err(EntryError::TooShort));
        assert_eq!(parse_entry(b"\x09\0\0\0{}"), Err(EntryError::Size));
    }

    #[test]
    fn hop_numbers() {
        let parse = |hop_no: &str| {
            let control = format!(r#"{{"ephemeral_key":"{KEY}","hop_no":{hop_no}}}"#);
            parse_entry(&blob(&control)).map(|entry| entry.hop_no)
        };
        assert_eq!(parse("-7"), Ok(0));
        assert_eq!(parse("15"), Ok(15));
        for too_long in ["16", "4294967296", "18446744073709551615"] {
            assert_eq!(parse(too_long), Err(EntryError::PathTooLong));
        }
        assert_eq!(
            EntryError::PathTooLong.to_string(),
            "onion request max path length exceeded"
        );
    }

    #[test]
    fn forward_round_trip_and_hop_floor() {
        let bytes = encode_forward(b"cipher", &KEY, OnionCipher::AesGcm, 1);
        let mut expected = b"d4:data6:cipher8:enc_type7:aes-gcm13:ephemeral_key32:".to_vec();
        expected.extend_from_slice(KEY.as_bytes());
        expected.extend_from_slice(b"6:hop_noi1ee");
        assert_eq!(bytes, expected);
        assert_eq!(
            parse_forward(&bytes),
            Ok(Entry {
                ciphertext: b"cipher",
                ephemeral_key: KEY,
                cipher: OnionCipher::AesGcm,
                hop_no: 1
            })
        );
        let zero = encode_forward(b"", &KEY, OnionCipher::XChaCha20, 0);
        assert_eq!(parse_forward(&zero).map(|entry| entry.hop_no), Ok(1));
        let far = encode_forward(b"", &KEY, OnionCipher::XChaCha20, 16);
        assert_eq!(parse_forward(&far), Err(EntryError::PathTooLong));
        for bad in [&b""[..], b"le", b"de", b"d4:datai1ee", b"i5e"] {
            assert!(parse_forward(bad).is_err());
        }
    }
}
