//! The profile a sender puts into messages.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{BuildError, Name, proto};

/// Longest address of a picture (docs/protocol/client.md section 5.12).
const MAX_URL_BYTES: usize = 223;

/// Name and picture of a sender (docs/protocol/messages.md section 4.4, client.md section 5.8).
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 displayName | string | at most 100 bytes |
/// | 2 profilePicture | string | address, at most 223 bytes |
/// | 3 lastProfileUpdateSeconds | uint64 | seconds; 0 and absent are the same |
///
/// The picture's key travels next to it, as `profileKey` of the surrounding message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// The name; absent from some old clients' messages.
    pub name: Option<Name>,
    /// The picture; absent when there is none.
    pub picture: Option<ProfilePicture>,
    /// Unix seconds of the profile's last change; absent when the sender does not say.
    pub updated_at_secs: Option<u64>,
}

impl Profile {
    /// A profile with a name and nothing else.
    #[must_use]
    pub fn named(name: Name) -> Self {
        Self {
            name: Some(name),
            ..Self::default()
        }
    }

    pub(crate) fn from_wire(profile: proto::LokiProfile, key: Option<&[u8]>) -> Self {
        Self {
            name: profile.display_name.and_then(Name::received),
            picture: profile
                .profile_picture
                .zip(key)
                .and_then(|(url, key)| ProfilePicture::new(url, key.try_into().ok()?).ok()),
            updated_at_secs: profile
                .last_profile_update_seconds
                .filter(|seconds| *seconds != 0),
        }
    }

    /// The message and the key that stands beside it.
    pub(crate) fn to_wire(&self) -> (proto::LokiProfile, Option<Vec<u8>>) {
        let profile = proto::LokiProfile {
            display_name: self.name.as_ref().map(|name| name.as_str().to_owned()),
            profile_picture: self.picture.as_ref().map(|picture| picture.url.clone()),
            last_profile_update_seconds: self.updated_at_secs,
        };
        (
            profile,
            self.picture.as_ref().map(|picture| picture.key.to_vec()),
        )
    }
}

/// Where a picture is and the key that opens it.
#[derive(Clone)]
pub struct ProfilePicture {
    url: String,
    key: Zeroizing<[u8; 32]>,
}

impl ProfilePicture {
    /// Joins address and key.
    ///
    /// # Errors
    /// [`BuildError`] when the address is empty or longer than 223 bytes.
    pub fn new(url: impl Into<String>, key: [u8; 32]) -> Result<Self, BuildError> {
        let url = url.into();
        if url.is_empty() {
            return Err(BuildError::Empty("picture address"));
        }
        if url.len() > MAX_URL_BYTES {
            return Err(BuildError::TooLong {
                what: "picture address",
                limit: MAX_URL_BYTES,
                unit: "bytes",
            });
        }
        Ok(Self {
            url,
            key: Zeroizing::new(key),
        })
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key that opens what is there.
    #[must_use]
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }
}

impl PartialEq for ProfilePicture {
    fn eq(&self, other: &Self) -> bool {
        bool::from(self.key.ct_eq(other.key.as_slice())) && self.url == other.url
    }
}

impl Eq for ProfilePicture {}

impl fmt::Debug for ProfilePicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfilePicture").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picture_needs_address_and_key() {
        let url = Some("http://example.org/file/1".to_owned());
        let wire = |url, seconds| proto::LokiProfile {
            display_name: Some("alice".into()),
            profile_picture: url,
            last_profile_update_seconds: seconds,
        };
        let full = Profile::from_wire(wire(url.clone(), Some(5)), Some(&[7; 32]));
        assert_eq!(full.picture.as_ref().map(|p| *p.key()), Some([7; 32]));
        assert_eq!(full.updated_at_secs, Some(5));
        assert_eq!(
            Profile::from_wire(wire(url.clone(), None), None).picture,
            None
        );
        assert_eq!(
            Profile::from_wire(wire(url, Some(0)), Some(&[7; 31])).picture,
            None
        );
        assert_eq!(
            Profile::from_wire(wire(None, Some(0)), Some(&[7; 32])).picture,
            None
        );
        let long = Some("u".repeat(224));
        assert_eq!(
            Profile::from_wire(wire(long, Some(0)), Some(&[7; 32])).picture,
            None
        );
    }

    #[test]
    fn debug_shows_neither_key_nor_address() {
        let picture = ProfilePicture::new("http://example.org/file/1", [9; 32]).unwrap();
        assert_eq!(format!("{picture:?}"), "ProfilePicture { .. }");
    }
}
