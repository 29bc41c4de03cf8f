//! People as they are shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_crypto::hash::blake2b_personal;
use session_types::AccountId;

use super::Text;
use super::schema::AccountIdText;

/// Domain of the hash that gives a person colour and ring.
const AVATAR: [u8; 16] = *b"SessionAvatar\0\0\0";
/// Colours to choose from.
const COLORS: u32 = 12;

/// Somebody, as named on screen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// Who.
    #[schemars(with = "AccountIdText")]
    pub id: AccountId,
    /// What to call them: the nickname, else the name they chose, else the ends of their id.
    pub name: Text,
    /// Whether that is a name and not an id.
    pub named: bool,
    /// What stands for a picture.
    pub avatar: Avatar,
}

impl Person {
    /// Somebody with this name, if there is one.
    #[must_use]
    pub fn new(id: AccountId, name: Option<&str>) -> Self {
        Self {
            id,
            name: name.map_or_else(|| Text::from(id.short()), Text::from),
            named: name.is_some(),
            avatar: Avatar::of(&id),
        }
    }
}

/// What stands for a picture: the same for everybody who sees the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Avatar {
    /// One of twelve colours, from 0.
    pub color: u8,
    /// A ring of 16 segments: segment i is drawn when bit i is 1. Tells people of one name apart.
    pub ring: u16,
}

impl Avatar {
    /// That of a person.
    #[must_use]
    pub fn of(id: &AccountId) -> Self {
        let [a, b, c, d, e, f, ..] = blake2b_personal::<8>(&AVATAR, &[&id.to_bytes()]);
        let color = u32::from_le_bytes([a, b, c, d]) % COLORS;
        Self {
            color: u8::try_from(color).unwrap_or_default(),
            ring: u16::from_le_bytes([e, f]),
        }
    }
}

/// Two names that look alike have the same of these.
pub(super) fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> AccountId {
        AccountId::from_x25519([byte; 32].into())
    }

    #[test]
    fn avatars_do_not_change() {
        assert_eq!(Avatar::of(&id(1)), Avatar::of(&id(1)));
        let some: Vec<_> = (0..40).map(|byte| Avatar::of(&id(byte))).collect();
        assert!(some.iter().all(|avatar| avatar.color < 12));
        let colors: std::collections::BTreeSet<_> = some.iter().map(|a| a.color).collect();
        let rings: std::collections::BTreeSet<_> = some.iter().map(|a| a.ring).collect();
        assert!(colors.len() > 8 && rings.len() > 38, "{colors:?}");
    }

    #[test]
    fn a_person_without_a_name_is_called_by_the_id() {
        let person = Person::new(id(0xab), None);
        assert_eq!(person.name.as_str(), id(0xab).short());
        assert!(!person.named && Person::new(id(1), Some("Bob")).named);
        assert_eq!(folded("Bob B."), folded("bob\u{200b}b"));
    }
}
