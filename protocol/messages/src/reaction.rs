//! Reactions: an emoji on a message.

use core::fmt;

use session_types::{SwarmPubkey, Timestamp};

use crate::ids::parse_author;
use crate::{BuildError, InvalidContent, Quote, proto};

/// An emoji put on a message, or taken away again.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 id | uint64 | required, sending time of the target in ms |
/// | 2 author | string | required, author of the target |
/// | 3 emoji | string | one emoji |
/// | 4 action | enum | required, 0 react, 1 remove |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    target: Quote,
    /// The emoji.
    pub emoji: Emoji,
    /// Put or taken away.
    pub action: ReactionAction,
}

/// What happens to an emoji.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReactionAction {
    /// It is put on the message.
    React,
    /// It is taken away.
    Remove,
}

impl Reaction {
    /// A reaction to the message of `author` sent at `sent_at`.
    ///
    /// # Errors
    /// [`BuildError::Form`] when the author is neither an account nor a blinded id.
    pub fn new(
        sent_at: Timestamp,
        author: impl Into<SwarmPubkey>,
        emoji: Emoji,
        action: ReactionAction,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            target: Quote::new(sent_at, author)?,
            emoji,
            action,
        })
    }

    /// When the target was sent.
    #[must_use]
    pub fn sent_at(&self) -> Timestamp {
        self.target.sent_at()
    }

    /// Who wrote the target.
    #[must_use]
    pub fn author(&self) -> SwarmPubkey {
        self.target.author()
    }

    pub(crate) fn from_wire(reaction: proto::Reaction) -> Result<Self, InvalidContent> {
        let sent_at = reaction.id.ok_or(InvalidContent::Missing("reaction.id"))?;
        let author = reaction
            .author
            .ok_or(InvalidContent::Missing("reaction.author"))?;
        let action = match reaction.action.and_then(|action| action.try_into().ok()) {
            Some(proto::reaction::Action::React) => ReactionAction::React,
            Some(proto::reaction::Action::Remove) => ReactionAction::Remove,
            None => return Err(InvalidContent::Missing("reaction.action")),
        };
        Ok(Self {
            target: parse_author(&author)
                .and_then(|author| Quote::new(Timestamp::from_ms(sent_at), author).ok())
                .ok_or(InvalidContent::BadValue("reaction.author"))?,
            emoji: Emoji::new(reaction.emoji.unwrap_or_default())
                .map_err(|_| InvalidContent::BadValue("reaction.emoji"))?,
            action,
        })
    }

    pub(crate) fn to_wire(&self) -> proto::Reaction {
        let action = match self.action {
            ReactionAction::React => proto::reaction::Action::React,
            ReactionAction::Remove => proto::reaction::Action::Remove,
        };
        proto::Reaction {
            id: Some(self.target.sent_at().as_ms()),
            author: Some(self.target.author().to_hex()),
            emoji: Some(self.emoji.0.clone()),
            action: Some(action.into()),
        }
    }
}

/// The text of one emoji: not empty, at most 64 bytes (the longest joined sequences in use have
/// about 35).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Emoji(String);

impl Emoji {
    const MAX_BYTES: usize = 64;

    /// Checks the length.
    ///
    /// # Errors
    /// [`BuildError`] when it is empty or longer than 64 bytes.
    pub fn new(emoji: impl Into<String>) -> Result<Self, BuildError> {
        let emoji = emoji.into();
        match emoji.len() {
            0 => Err(BuildError::Empty("emoji")),
            1..=Self::MAX_BYTES => Ok(Self(emoji)),
            _ => Err(BuildError::TooLong {
                what: "emoji",
                limit: Self::MAX_BYTES,
                unit: "bytes",
            }),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Emoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Emoji(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHOR: &str = "05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a";

    #[test]
    fn reactions_need_an_emoji() {
        let wire = |emoji: Option<&str>| proto::Reaction {
            id: Some(5),
            author: Some(AUTHOR.into()),
            emoji: emoji.map(str::to_owned),
            action: Some(0),
        };
        assert!(Reaction::from_wire(wire(Some("😂"))).is_ok());
        assert!(Reaction::from_wire(wire(Some(""))).is_err());
        assert!(Reaction::from_wire(wire(None)).is_err());
        assert!(Reaction::from_wire(wire(Some(&"😂".repeat(17)))).is_err());
    }

    #[test]
    fn debug_shows_no_emoji() {
        assert_eq!(format!("{:?}", Emoji::new("😂").unwrap()), "Emoji(..)");
    }
}
