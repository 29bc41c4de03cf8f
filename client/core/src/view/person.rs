//! People as they are shown.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_crypto::hash::blake2b_personal;
use session_store::{Store, StoreError};
use session_types::AccountId;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

use super::Text;
use super::schema::{AccountIdText, Revision};

/// Domain of the hash that gives a person colour and ring.
const AVATAR: [u8; 16] = *b"SessionAvatar\0\0\0";
/// Colours to choose from.
const COLORS: u32 = 12;
/// Marks a letter of a name may carry.
const MOST_MARKS: u32 = 4;
/// Names that would be taken for the program's own.
const TAKEN: [&str; 4] = ["Note to Self", "Session", "Support", "You"];

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
    /// Of the picture on this device: while it is the same number it is the same picture. Absent:
    /// there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Revision>")]
    pub picture: Option<u64>,
}

impl Person {
    /// Somebody with this name, if there is one.
    #[must_use]
    pub fn new(id: AccountId, name: Option<&str>) -> Self {
        Self {
            id,
            name: name.map_or_else(|| Text::from(id.short()), |name| Text::from(harmless(name))),
            named: name.is_some(),
            avatar: Avatar::of(&id),
            picture: None,
        }
    }

    /// The same with the picture that is here, if there is one.
    #[must_use]
    pub fn with_picture(mut self, mark: Option<u64>) -> Self {
        self.picture = mark;
        self
    }

    /// The same with the picture that is here.
    pub(super) fn pictured(self, store: &Store) -> Result<Self, StoreError> {
        let row = store.picture(&self.id)?;
        let blob = row.and_then(|row| row.blob);
        Ok(self.with_picture(blob.map(|blob| blob.mark())))
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

/// A name as it may stand among other words: nothing in it turns what is around it, breaks the
/// line or grows over it.
fn harmless(name: &str) -> String {
    let mut marks = 0;
    name.chars()
        .filter_map(|c| {
            marks = if is_combining_mark(c) { marks + 1 } else { 0 };
            match c {
                _ if marks > MOST_MARKS || turns(c) => None,
                _ if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => Some(' '),
                _ => Some(c),
            }
        })
        .collect()
}

/// Whether a character changes the direction of what follows.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Two names that look alike have the same of these.
pub(super) fn folded(name: &str) -> String {
    skeleton(&name.to_lowercase())
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a name, folded, looks like one that this program gives.
pub(super) fn is_taken(folded_name: &str) -> bool {
    static FOLDED: LazyLock<[String; 4]> = LazyLock::new(|| TAKEN.map(folded));
    FOLDED.iter().any(|taken| taken == folded_name)
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

    #[test]
    fn names_that_look_alike_fold_alike() {
        for other in [
            "G\u{430}lin\u{430}",
            "GALINA",
            "Ga1ina",
            "Ga\u{301}lina ",
            "G.alin\u{200d}a",
        ] {
            assert_eq!(folded(other), folded("Galina"), "{other}");
        }
        assert_ne!(folded("Galina"), folded("Marina"));
        for taken in [
            "note to self",
            "N\u{43e}te-to-Self",
            "SUPPORT",
            "\u{202e}you",
            "Sessi0n",
        ] {
            assert!(is_taken(&folded(taken)), "{taken}");
        }
        assert!(!is_taken(&folded("Anna")) && !is_taken(&folded("")));
    }

    #[test]
    fn a_name_turns_nothing_around_it() {
        let shown = |name: &str| Person::new(id(1), Some(name)).name.as_str().to_owned();
        assert_eq!(shown("Ann\u{202e}gnp.exe\u{2066}\u{200f}"), "Anngnp.exe");
        assert_eq!(shown("two\nlines\u{2028}more"), "two lines more");
        assert_eq!(
            shown(&format!("Z{}o", "\u{337}".repeat(30))),
            format!("Z{}o", "\u{337}".repeat(4))
        );
        for whole in [
            "\u{644}\u{64a}\u{644}\u{649}",
            "Zo\u{eb}",
            "\u{1f469}\u{200d}\u{1f680}",
        ] {
            assert_eq!(shown(whole), whole);
        }
    }
}
