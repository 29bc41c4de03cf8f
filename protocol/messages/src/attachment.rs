//! Pointers to uploaded files.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{BuildError, proto};

/// Flag of a voice message.
const VOICE_MESSAGE: u32 = proto::attachment_pointer::Flags::VoiceMessage as u32;

/// A pointer to an uploaded file (docs/protocol/messages.md section 4.6).
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 id | fixed64 | required, written as 0 |
/// | 2 contentType | string | MIME type |
/// | 3 key | bytes | 64 or 32 bytes, see [`AttachmentKey`] |
/// | 4 size | uint32 | length before padding |
/// | 6 digest | bytes | 32 bytes, with a 64-byte key only |
/// | 7 fileName | string | original name |
/// | 8 flags | uint32 | 1: voice message |
/// | 9, 10 width, height | uint32 | pixels |
/// | 11 caption | string | |
/// | 101 url | string | download address with fragment |
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    url: String,
    key: AttachmentKey,
    /// MIME type as the sender says.
    pub content_type: Option<String>,
    /// Length of the file.
    pub size: Option<u32>,
    /// Name of the file as the sender says; not to be used as a path.
    pub file_name: Option<String>,
    /// Recorded in the client.
    pub is_voice_message: bool,
    /// Width and height in pixels.
    pub dimensions: Option<(u32, u32)>,
    /// A text shown with the file.
    pub caption: Option<String>,
}

/// How an uploaded file is opened.
#[derive(Clone)]
pub enum AttachmentKey {
    /// AES key and HMAC key, and the SHA-256 of what was uploaded.
    Legacy {
        /// Both keys, 32 bytes each.
        key: Zeroizing<[u8; 64]>,
        /// SHA-256 of the uploaded bytes.
        digest: [u8; 32],
    },
    /// Not encrypted, as in communities.
    Plain,
    /// The key of an encrypted stream.
    Stream {
        /// The key.
        key: Zeroizing<[u8; 32]>,
    },
}

impl Attachment {
    /// A pointer without any description.
    ///
    /// # Errors
    /// [`BuildError`] when the address is empty.
    pub fn new(url: impl Into<String>, key: AttachmentKey) -> Result<Self, BuildError> {
        let url = url.into();
        if url.is_empty() {
            return Err(BuildError::Empty("attachment address"));
        }
        Ok(Self {
            url,
            key,
            content_type: None,
            size: None,
            file_name: None,
            is_voice_message: false,
            dimensions: None,
            caption: None,
        })
    }

    /// The download address, with its fragment.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What opens it.
    #[must_use]
    pub fn key(&self) -> &AttachmentKey {
        &self.key
    }

    /// `None` when the file could never be fetched and opened: no address, a key of another
    /// length, a legacy key without its digest.
    pub(crate) fn from_wire(pointer: proto::AttachmentPointer) -> Option<Self> {
        let key = match pointer.key.as_deref().map(<[u8]>::len) {
            None | Some(0) => AttachmentKey::Plain,
            Some(32) => AttachmentKey::Stream {
                key: Zeroizing::new(pointer.key.as_deref()?.try_into().ok()?),
            },
            Some(64) => AttachmentKey::Legacy {
                key: Zeroizing::new(pointer.key.as_deref()?.try_into().ok()?),
                digest: pointer.digest.as_deref()?.try_into().ok()?,
            },
            Some(_) => return None,
        };
        Some(Self {
            url: pointer.url.filter(|url| !url.is_empty())?,
            key,
            content_type: pointer.content_type,
            size: pointer.size,
            file_name: pointer.file_name,
            is_voice_message: pointer.flags.unwrap_or_default() & VOICE_MESSAGE != 0,
            dimensions: pointer.width.zip(pointer.height),
            caption: pointer.caption,
        })
    }

    pub(crate) fn to_wire(&self) -> proto::AttachmentPointer {
        let (key, digest) = match &self.key {
            AttachmentKey::Legacy { key, digest } => (Some(key.to_vec()), Some(digest.to_vec())),
            AttachmentKey::Plain => (None, None),
            AttachmentKey::Stream { key } => (Some(key.to_vec()), None),
        };
        proto::AttachmentPointer {
            deprecated_id: Some(0),
            content_type: self.content_type.clone(),
            key,
            size: self.size,
            thumbnail: None,
            digest,
            file_name: self.file_name.clone(),
            flags: self.is_voice_message.then_some(VOICE_MESSAGE),
            width: self.dimensions.map(|(width, _)| width),
            height: self.dimensions.map(|(_, height)| height),
            caption: self.caption.clone(),
            url: Some(self.url.clone()),
        }
    }
}

impl fmt::Debug for Attachment {
    /// Neither address nor names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("key", &self.key)
            .field("size", &self.size)
            .field("is_voice_message", &self.is_voice_message)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AttachmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Legacy { .. } => "Legacy { .. }",
            Self::Plain => "Plain",
            Self::Stream { .. } => "Stream { .. }",
        })
    }
}

impl PartialEq for AttachmentKey {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Legacy { key: a, digest: c }, Self::Legacy { key: b, digest: d }) => {
                bool::from(a.ct_eq(b.as_slice())) && c == d
            }
            (Self::Plain, Self::Plain) => true,
            (Self::Stream { key: a }, Self::Stream { key: b }) => a.ct_eq(b.as_slice()).into(),
            _ => false,
        }
    }
}

impl Eq for AttachmentKey {}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(key: Option<Vec<u8>>, digest: Option<Vec<u8>>) -> proto::AttachmentPointer {
        proto::AttachmentPointer {
            deprecated_id: Some(0),
            key,
            digest,
            url: Some("http://example.org/file/1".into()),
            ..Default::default()
        }
    }

    #[test]
    fn keys_of_three_forms() {
        let key = |k, d| Attachment::from_wire(pointer(k, d)).map(|a| a.key);
        assert_eq!(key(None, None), Some(AttachmentKey::Plain));
        assert_eq!(
            key(Some(vec![1; 32]), None),
            Some(AttachmentKey::Stream {
                key: Zeroizing::new([1; 32])
            })
        );
        assert_eq!(
            key(Some(vec![1; 64]), Some(vec![2; 32])),
            Some(AttachmentKey::Legacy {
                key: Zeroizing::new([1; 64]),
                digest: [2; 32]
            })
        );
        assert_eq!(key(Some(vec![1; 64]), None), None);
        assert_eq!(key(Some(vec![1; 64]), Some(vec![2; 31])), None);
        assert_eq!(key(Some(vec![1; 33]), None), None);
    }

    #[test]
    fn an_address_is_needed() {
        let mut wire = pointer(None, None);
        wire.url = None;
        assert!(Attachment::from_wire(wire).is_none());
        assert!(Attachment::new("", AttachmentKey::Plain).is_err());
    }

    #[test]
    fn debug_shows_neither_key_nor_address() {
        let key = AttachmentKey::Stream {
            key: Zeroizing::new([1; 32]),
        };
        let mut attachment = Attachment::new("http://example.org/file/1#d", key).unwrap();
        attachment.file_name = Some("holiday.jpg".into());
        assert_eq!(
            format!("{attachment:?}"),
            "Attachment { key: Stream { .. }, size: None, is_voice_message: false, .. }"
        );
        let legacy = AttachmentKey::Legacy {
            key: Zeroizing::new([1; 64]),
            digest: [0; 32],
        };
        assert_eq!(format!("{legacy:?}"), "Legacy { .. }");
    }
}
