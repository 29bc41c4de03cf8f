//! What is known of conversations besides what the database says: who types, which messages wait
//! for another try.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use session_store::MessageId;
use session_types::{AccountId, Timestamp};
use tokio::time::Instant;

use super::item::Delivery;
use crate::Event;

/// Somebody who does not go on to say so types no more.
const TYPING: Duration = Duration::from_secs(15);
/// What more has changed than this is everything.
const MANY: usize = 1000;
/// Messages whose last failed try is remembered.
const WAITING: usize = 10_000;

/// What is known besides the database, from the events of an account.
#[derive(Debug, Clone, Default)]
pub struct Live {
    typing: BTreeMap<AccountId, Instant>,
    waiting: BTreeMap<MessageId, (String, Timestamp)>,
    /// Files on their way: bytes that have moved, and all there are.
    moving: BTreeMap<(MessageId, u32), (u64, u64)>,
}

/// What may have to be shown anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dirty {
    /// Everything: names of the account itself, or events that were missed.
    pub everything: bool,
    /// These conversations.
    pub conversations: BTreeSet<AccountId>,
    /// The conversations of these messages.
    pub messages: BTreeSet<MessageId>,
}

impl Dirty {
    /// Everything.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            everything: true,
            ..Self::default()
        }
    }

    /// Whether nothing has changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what else has changed.
    pub fn add(&mut self, other: Self) {
        self.everything |= other.everything;
        if self.everything || self.conversations.len() + self.messages.len() > MANY {
            *self = Self::everything();
            return;
        }
        self.conversations.extend(other.conversations);
        self.messages.extend(other.messages);
    }

    fn conversation(id: AccountId) -> Self {
        Self {
            conversations: BTreeSet::from([id]),
            ..Self::default()
        }
    }

    fn message(id: MessageId) -> Self {
        Self {
            messages: BTreeSet::from([id]),
            ..Self::default()
        }
    }
}

impl Live {
    /// Takes note of an event, and tells what may have to be shown anew.
    pub fn note(&mut self, event: &Event, now: Instant) -> Dirty {
        match event {
            Event::ConversationsChanged {
                conversations,
                removed,
            } => {
                for message in removed {
                    self.waiting.remove(message);
                    self.moving.retain(|(of, _), _| of != message);
                }
                Dirty {
                    conversations: conversations.iter().copied().collect(),
                    ..Dirty::default()
                }
            }
            Event::MessageReceived { message, .. } => {
                if !message.outgoing {
                    self.typing.remove(&message.sender);
                }
                Dirty::conversation(message.conversation)
            }
            Event::MessageSent(sent) => self.settled(sent.message_id),
            Event::MessageFailed { message_id, .. } => self.settled(*message_id),
            Event::MessagePostponed {
                message_id,
                reason,
                next_attempt,
            } => {
                if self.waiting.len() < WAITING || self.waiting.contains_key(message_id) {
                    let waits = (reason.clone(), *next_attempt);
                    self.waiting.insert(*message_id, waits);
                }
                Dirty::message(*message_id)
            }
            Event::Typing {
                conversation,
                begins,
            } => {
                if *begins {
                    self.typing.insert(*conversation, now + TYPING);
                } else {
                    self.typing.remove(conversation);
                }
                Dirty::conversation(*conversation)
            }
            Event::ProfileChanged => Dirty::everything(),
            Event::FileProgress {
                message_id,
                index,
                done,
                total,
                ..
            } => {
                let file = (*message_id, *index);
                if self.moving.len() < WAITING || self.moving.contains_key(&file) {
                    self.moving.insert(file, (*done, *total));
                }
                Dirty::message(*message_id)
            }
            Event::FileDone {
                message_id, index, ..
            }
            | Event::FileFailed {
                message_id, index, ..
            } => {
                self.moving.remove(&(*message_id, *index));
                Dirty::message(*message_id)
            }
            Event::PictureDone { owner } => Dirty::conversation(*owner),
            _ => Dirty::default(),
        }
    }

    fn settled(&mut self, message: MessageId) -> Dirty {
        self.waiting.remove(&message);
        Dirty::message(message)
    }

    /// When somebody's typing ends by itself.
    #[must_use]
    pub fn next_end(&self) -> Option<Instant> {
        self.typing.values().min().copied()
    }

    /// Forgets who has not said for long that they type.
    pub fn end(&mut self, now: Instant) -> Dirty {
        let over = |until: &Instant| *until <= now;
        let ended = self.typing.iter().filter(|(_, until)| over(until));
        let conversations = ended.map(|(id, _)| *id).collect();
        self.typing.retain(|_, until| !over(until));
        Dirty {
            conversations,
            ..Dirty::default()
        }
    }

    /// Whether somebody types.
    #[must_use]
    pub fn types(&self, id: &AccountId) -> bool {
        self.typing.contains_key(id)
    }

    /// How far a file is that is on its way: bytes that have moved, and all there are.
    pub(super) fn moved(&self, message: MessageId, index: u32) -> Option<(u64, u64)> {
        self.moving.get(&(message, index)).copied()
    }

    /// Why a message that is being sent waits, if it does.
    pub(super) fn waits(&self, id: MessageId) -> Option<Delivery> {
        let (reason, next_attempt) = self.waiting.get(&id)?;
        Some(Delivery::Waiting {
            reason: reason.clone(),
            next_attempt: *next_attempt,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> AccountId {
        AccountId::from_x25519([byte; 32].into())
    }

    fn typing(who: u8, begins: bool) -> Event {
        Event::Typing {
            conversation: id(who),
            begins,
        }
    }

    #[test]
    fn typing_ends_by_itself() {
        let mut live = Live::default();
        let start = Instant::now();
        assert_eq!(live.next_end(), None);
        let dirty = live.note(&typing(1, true), start);
        assert_eq!(dirty, Dirty::conversation(id(1)));
        live.note(&typing(2, true), start + Duration::from_secs(5));
        assert!(live.types(&id(1)) && live.types(&id(2)) && !live.types(&id(3)));
        assert_eq!(live.next_end(), Some(start + TYPING));
        assert!(live.end(start + Duration::from_secs(14)).is_empty());
        assert_eq!(live.end(start + TYPING), Dirty::conversation(id(1)));
        assert!(!live.types(&id(1)) && live.types(&id(2)));
        live.note(&typing(2, false), start);
        assert!(!live.types(&id(2)) && live.next_end().is_none());
    }

    #[test]
    fn a_message_waits_until_it_is_settled() {
        let mut live = Live::default();
        let message_id = MessageId::new(7);
        let postponed = Event::MessagePostponed {
            message_id,
            reason: "no path".into(),
            next_attempt: Timestamp::from_ms(9),
        };
        assert_eq!(
            live.note(&postponed, Instant::now()),
            Dirty::message(message_id)
        );
        assert!(live.waits(message_id).is_some());
        let failed = Event::MessageFailed {
            message_id,
            reason: "too long".into(),
        };
        live.note(&failed, Instant::now());
        assert!(live.waits(message_id).is_none());
        assert!(live.note(&Event::ProfileChanged, Instant::now()).everything);
        assert!(live.note(&Event::ConfigsStored, Instant::now()).is_empty());
    }
}
