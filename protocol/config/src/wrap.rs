//! The frame that configs of an account are pushed in, for clients that know no bare ones
//! (docs/protocol/config.md section 6.5).
//!
//! | Layer | Fields |
//! |---|---|
//! | request frame | 1 = 1, 2 = { 1 = "", 2 = "", 3 = envelope, 4 = 0 } |
//! | envelope | 1 = 6, 5 = 1, 8 = content, sealed to oneself |
//! | content, then one byte 0x80 | 11 = { 1 = kind, 2 = sequence number, 3 = encrypted config } |

use session_crypto::{AccountKeys, CryptoError, direct};

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED32: u64 = 5;

/// Which config a frame holds: 1 user profile, 2 contacts, 3 read state, 4 groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(
    /// The number in the frame.
    pub u64,
);

/// Puts an encrypted config into the frame.
///
/// # Errors
/// [`CryptoError`] when the frame cannot be sealed to the account.
pub fn wrap(
    kind: Kind,
    seqno: i64,
    encrypted: &[u8],
    account: &AccountKeys,
) -> Result<Vec<u8>, CryptoError> {
    let mut config = Vec::with_capacity(encrypted.len().saturating_add(32));
    put_number(&mut config, 1, kind.0);
    put_number(&mut config, 2, u64::from_ne_bytes(seqno.to_ne_bytes()));
    put_field(&mut config, 3, encrypted);
    let mut content = Vec::with_capacity(config.len().saturating_add(16));
    put_field(&mut content, 11, &config);
    content.push(0x80);

    let sealed =
        direct::encrypt_deterministic(account.ed25519(), account.x25519().public(), &content)?;
    let mut envelope = Vec::with_capacity(sealed.len().saturating_add(16));
    put_number(&mut envelope, 1, 6);
    put_number(&mut envelope, 5, 1);
    put_field(&mut envelope, 8, &sealed);

    let mut request = Vec::with_capacity(envelope.len().saturating_add(16));
    put_field(&mut request, 1, b"");
    put_field(&mut request, 2, b"");
    put_field(&mut request, 3, &envelope);
    put_number(&mut request, 4, 0);
    let mut frame = Vec::with_capacity(request.len().saturating_add(16));
    put_number(&mut frame, 1, 1);
    put_field(&mut frame, 2, &request);
    Ok(frame)
}

/// Takes an encrypted config out of the frame; `None` when this is no frame with a config of this
/// kind by this account.
#[must_use]
pub fn unwrap(kind: Kind, frame: &[u8], account: &AccountKeys) -> Option<Vec<u8>> {
    let (mut is_request, mut request) = (false, None);
    for field in Fields(frame) {
        match field? {
            (1, Field::Number(value)) => is_request = value == 1,
            (2, Field::Bytes(bytes)) => request = Some(bytes),
            _ => {}
        }
    }
    let request = request.filter(|_| is_request)?;
    let envelope = last_bytes(request, 3)?;
    let sealed = last_bytes(envelope, 8)?;

    let opened = direct::decrypt(account.x25519(), sealed).ok()?;
    if opened.sender_ed25519 != *account.ed25519().public() {
        return None;
    }
    let mut content = opened.plaintext.as_slice();
    while let Some((0, rest)) = content.split_last() {
        content = rest;
    }
    let (0x80, content) = content.split_last()? else {
        return None;
    };
    let config = last_bytes(content, 11)?;
    let (mut found_kind, mut data) = (None, None);
    for field in Fields(config) {
        match field? {
            (1, Field::Number(value)) => found_kind = Some(value),
            (3, Field::Bytes(bytes)) => data = Some(bytes),
            _ => {}
        }
    }
    data.filter(|_| found_kind == Some(kind.0))
        .map(<[u8]>::to_vec)
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or_default());
}

fn put_number(out: &mut Vec<u8>, field: u64, value: u64) {
    put_varint(out, field << 3 | VARINT);
    put_varint(out, value);
}

fn put_field(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, field << 3 | LENGTH);
    put_varint(out, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    out.extend_from_slice(bytes);
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

/// The fields of a message; `None` among them where it is malformed.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let tag = self.varint()?;
        let field = match tag & 7 {
            VARINT => Field::Number(self.varint()?),
            FIXED64 => self.take(8).map(|_| Field::Other)?,
            LENGTH => {
                let length = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(self.take(length)?)
            }
            FIXED32 => self.take(4).map(|_| Field::Other)?,
            _ => return None,
        };
        Some((tag >> 3, field))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Field<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// The last bytes of this field in a well-formed message.
fn last_bytes(message: &[u8], wanted: u64) -> Option<&[u8]> {
    let mut found = None;
    for field in Fields(message) {
        if let (number, Field::Bytes(bytes)) = field?
            && number == wanted
        {
            found = Some(bytes);
        }
    }
    found
}
