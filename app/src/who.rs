//! Which person and which message a command means.

use core::fmt;

use session_store::{ConversationRow, MessageId, MessageRow, Store, StoreError};
use session_types::{AccountId, Timestamp};

use crate::cli::{MessageArgument, MessageName, Who};
use crate::output::printable;

/// Messages looked through for one that somebody wrote.
const LOOK_BACK: u32 = 100;
/// Candidates shown when a name is not clear.
const SHOWN: usize = 10;

/// Somebody a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: AccountId,
    /// What to call them.
    name: Option<String>,
    /// Note to Self.
    pub(crate) is_me: bool,
    /// Whether the person takes messages of the user's as those of a contact.
    pub(crate) accepted_you: bool,
}

impl Person {
    /// Somebody known by their id.
    pub(crate) fn find(store: &Store, id: AccountId) -> Result<Self, StoreError> {
        let settings = store.conversation_settings(&id)?;
        let is_me = id == store.account_id();
        Ok(Self {
            id,
            is_me,
            accepted_you: is_me || settings.as_ref().is_some_and(|known| known.approved_me),
            name: settings.and_then(|settings| settings.shown_name().map(str::to_owned)),
        })
    }

    /// For a sentence: `Bob`, `05ca03b8…135c1a`, `Note to Self`.
    pub(crate) fn called(&self) -> String {
        match &self.name {
            _ if self.is_me => "Note to Self".to_owned(),
            Some(name) => printable(&name.replace(['\n', '\t'], " ")),
            None => self.id.short(),
        }
    }

    /// With the id, where a mistake would matter: `Bob (05ca03b8…135c1a)`.
    pub(crate) fn in_full(&self) -> String {
        if self.is_me || self.name.is_none() {
            self.called()
        } else {
            format!("{} ({})", self.called(), self.id.short())
        }
    }
}

/// Why it is not clear who or what is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// Nobody is called so.
    Nobody { text: String, by_id: bool },
    /// Several are; each in a line.
    Several { text: String, lines: Vec<String> },
    /// There is no conversation with this person.
    NoConversation { who: String },
    /// No message has this number.
    NoMessage { number: MessageId },
    /// The message is in another conversation.
    Elsewhere { number: MessageId, who: String },
    /// Nobody wrote anything yet.
    Nothing,
}

impl Unclear {
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Nobody { .. } => "who.unknown",
            Self::Several { .. } => "who.ambiguous",
            Self::NoConversation { .. } => "who.no_conversation",
            Self::NoMessage { .. } | Self::Nothing => "message.unknown",
            Self::Elsewhere { .. } => "message.elsewhere",
        }
    }
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody { text, by_id: true } => write!(
                f,
                "nobody you know has an Account ID beginning {text}; write all 66 characters of \
                 it, or see `session chats`"
            ),
            Self::Nobody { text, by_id: false } => write!(
                f,
                "nobody you know is called “{}”; `session chats` shows who is. Somebody new is \
                 named by the whole Account ID: 66 characters, beginning with 05",
                printable(text)
            ),
            Self::Several { text, lines } => {
                write!(
                    f,
                    "“{}” can be any of these; write the beginning of the Account ID instead, or \
                     give one a nickname:",
                    printable(text)
                )?;
                for line in lines.iter().take(SHOWN) {
                    write!(f, "\n  {line}")?;
                }
                if lines.len() > SHOWN {
                    write!(f, "\n  … and {} more", lines.len() - SHOWN)?;
                }
                Ok(())
            }
            Self::NoConversation { who } => write!(f, "there is no conversation with {who}"),
            Self::NoMessage { number } => write!(
                f,
                "no message has the number {number}; `session history` shows the numbers"
            ),
            Self::Elsewhere { number, who } => {
                write!(f, "message {number} is in another conversation: {who}")
            }
            Self::Nothing => f.write_str("there is no message there yet"),
        }
    }
}

impl core::error::Error for Unclear {}

/// Finds the person, who need not be known when named by the whole Account ID.
pub(crate) fn person(store: &Store, who: &Who) -> anyhow::Result<Person> {
    let id = match who {
        Who::Me => store.account_id(),
        Who::Id(id) => *id,
        Who::Beginning(text) => {
            search(store, text, true, |row| row.id().to_hex().starts_with(text))?
        }
        Who::Name(text) => {
            let wanted = text.to_lowercase();
            search(store, text, false, |row| {
                [&row.settings.nickname, &row.settings.name]
                    .iter()
                    .any(|name| name.trim().to_lowercase() == wanted)
            })?
        }
    };
    Ok(Person::find(store, id)?)
}

/// Finds a person there is a conversation with.
pub(crate) fn known_person(store: &Store, who: &Who) -> anyhow::Result<Person> {
    let person = person(store, who)?;
    if store.conversation_settings(&person.id)?.is_none() {
        let who = person.called();
        return Err(Unclear::NoConversation { who }.into());
    }
    Ok(person)
}

fn search(
    store: &Store,
    text: &str,
    by_id: bool,
    fits: impl Fn(&ConversationRow) -> bool,
) -> anyhow::Result<AccountId> {
    let own = store.account_id();
    let mut found: Vec<ConversationRow> = store.conversations()?;
    found.retain(|row| row.id() != own && fits(row));
    let is_me = by_id && own.to_hex().starts_with(text);
    match (found.as_slice(), is_me) {
        ([], true) => Ok(own),
        ([], false) => {
            let text = text.to_owned();
            Err(Unclear::Nobody { text, by_id }.into())
        }
        ([one], false) => Ok(one.id()),
        (several, _) => {
            let mut lines: Vec<_> = several.iter().map(candidate).collect();
            if is_me {
                lines.push(format!("{own}  you"));
            }
            let text = text.to_owned();
            Err(Unclear::Several { text, lines }.into())
        }
    }
}

/// One line about somebody who may be meant.
fn candidate(row: &ConversationRow) -> String {
    let settings = &row.settings;
    let mut line = settings.id.to_hex();
    if !settings.name.is_empty() {
        line += &format!("  {}", printable(&settings.name));
    }
    if !settings.nickname.is_empty() {
        line += &format!("  (your nickname: {})", printable(&settings.nickname));
    }
    if settings.blocked {
        line += "  blocked";
    } else if row.is_request() {
        line += "  message request";
    }
    line
}

/// Finds the message.
pub(crate) fn message(store: &Store, wanted: &MessageArgument) -> anyhow::Result<MessageRow> {
    let within = match &wanted.within {
        Some(who) => Some(person(store, who)?),
        None => None,
    };
    match wanted.message {
        MessageName::Number(number) => {
            let row = store
                .message(number)?
                .ok_or(Unclear::NoMessage { number })?;
            if within.is_some_and(|within| within.id != row.conversation) {
                let who = Person::find(store, row.conversation)?.in_full();
                return Err(Unclear::Elsewhere { number, who }.into());
            }
            Ok(row)
        }
        MessageName::Last => Ok(newest(store, within.as_ref())?.ok_or(Unclear::Nothing)?),
    }
}

/// The newest message that somebody wrote. Without a conversation in those with people the user
/// has accepted: answering a request by mistake would accept it.
fn newest(store: &Store, within: Option<&Person>) -> Result<Option<MessageRow>, StoreError> {
    let in_conversation = |id: &AccountId| -> Result<Option<MessageRow>, StoreError> {
        let rows = store.history(id, LOOK_BACK, None)?;
        Ok(rows.into_iter().rev().find(|row| row.kind.is_written()))
    };
    if let Some(person) = within {
        return in_conversation(&person.id);
    }
    let mut newest: Option<MessageRow> = None;
    for row in store.conversations()? {
        let settings = &row.settings;
        let at = row.last_message.as_ref().map(|last| last.sent_at);
        let best: Option<Timestamp> = newest.as_ref().map(|row| row.sent_at);
        if !settings.approved || settings.blocked || at <= best {
            continue;
        }
        if let Some(found) = in_conversation(&row.id())?
            && Some(found.sent_at) > best
        {
            newest = Some(found);
        }
    }
    Ok(newest)
}
