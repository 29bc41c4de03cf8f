//! Lines instead of a screen: for screen readers, braille displays, and terminals that only print.

mod commands;

use std::io::{IsTerminal as _, Write as _};

use jiff::tz::TimeZone;
use session_api::params::{
    AccountParams, AccountResult, Accounts, Conversations, ListParams, MarkReadParams, Message,
    Messages, MessagesParams, NetworkState, Nothing, OpenParams,
};
use session_api::{ApiError, Connection, Notification, Secret, Session};
use session_core::view::{ConversationItem, ConversationKind, Filter, ShownKind};
use session_store::MessageId;
use session_types::AccountId;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::run::{Options, TuiError, now};
use crate::state::naming::shown_name;
use crate::state::page::state_words;
use crate::state::sentence;
use crate::text::{harmless, one_line};
use crate::time;

/// Messages printed at once.
const PAGE: u32 = 10;

/// A conversation by lines.
struct Plain {
    connection: Connection,
    options: Options,
    account: AccountId,
    open: Option<AccountId>,
    /// The oldest message that was printed of it.
    oldest: Option<MessageId>,
    /// What was listed last, by its numbers.
    listed: Vec<AccountId>,
    zone: TimeZone,
    online: Option<bool>,
    prompts: bool,
}

/// Reads and writes lines until the user quits or the input ends.
///
/// # Errors
/// [`TuiError`].
pub async fn plain(options: Options) -> Result<(), TuiError> {
    let session = Session::new(options.session.clone());
    let done = talk(&session, options).await;
    session.close().await;
    done
}

async fn talk(session: &Session, mut options: Options) -> Result<(), TuiError> {
    let connection = session.connect();
    let prompts = std::io::stdin().is_terminal();
    let accounts: Accounts = connection.ask("accounts.list", Nothing {}).await?;
    let wanted = options.account.clone().unwrap_or_default().to_lowercase();
    let mut fitting = accounts.accounts.into_iter();
    let Some(account) = fitting.find(|account| account.id.to_hex().starts_with(&wanted)) else {
        return Err(TuiError::NoAccount);
    };
    let passphrase = options.passphrase.take().map(Secret::from);
    let params = OpenParams {
        account: account.id,
        passphrase,
    };
    let opened: AccountResult = connection.ask("accounts.open", params).await?;
    let mut plain = Plain {
        connection,
        options,
        account: account.id,
        open: None,
        oldest: None,
        listed: Vec::new(),
        zone: TimeZone::system(),
        online: None,
        prompts,
    };
    let name = opened.account.name.unwrap_or_default();
    let name = one_line(name.as_str());
    let id = account.id.short();
    say(&if name.is_empty() {
        id
    } else {
        format!("{name}, {id}")
    })?;
    plain.list(Filter::Chats).await?;
    say("/help lists the commands.")?;
    plain.lines().await
}

impl Plain {
    async fn lines(&mut self) -> Result<(), TuiError> {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        loop {
            self.prompt().await?;
            let line = loop {
                tokio::select! {
                    line = lines.next_line() => break line?,
                    told = self.connection.next() => match told {
                        Some(notification) => self.told(notification).await?,
                        None => return Ok(()),
                    },
                }
            };
            let Some(line) = line else { return Ok(()) };
            match self.line(line.trim()).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(TuiError::Api(error)) => say(&sentence(&one_line(error.message())))?,
                Err(other) => return Err(other),
            }
        }
    }

    /// Says where what is written goes.
    async fn prompt(&self) -> Result<(), TuiError> {
        if !self.prompts {
            return Ok(());
        }
        let name = match self.open {
            Some(open) => self.name(open).await,
            None => String::new(),
        };
        let mut out = std::io::stdout().lock();
        write!(out, "{name}> ")?;
        Ok(out.flush()?)
    }

    async fn rows(&self, filter: Filter) -> Result<Vec<ConversationItem>, ApiError> {
        let account = self.account;
        let params = ListParams { account, filter };
        let list: Conversations = self.connection.ask("conversations.list", params).await?;
        Ok(list.rows)
    }

    async fn name(&self, id: AccountId) -> String {
        if id == self.account {
            return "Note to Self".to_owned();
        }
        let rows = self.rows(Filter::All).await.unwrap_or_default();
        let row = rows.iter().find(|row| row.id == id);
        row.map_or_else(|| id.short(), name_of)
    }

    /// Prints the conversations with numbers.
    async fn list(&mut self, filter: Filter) -> Result<(), TuiError> {
        let rows = self.rows(filter).await?;
        self.listed = rows.iter().map(|row| row.id).collect();
        for (n, row) in rows.iter().enumerate() {
            let mut line = format!("{} {}", n + 1, name_of(row));
            if row.unread > 0 {
                line += &format!(", {} unread", row.unread);
            } else if row.marked_unread {
                line += ", marked as unread";
            }
            if let Some(draft) = &row.draft {
                line += &format!(", draft: {}", one_line(draft.as_str()));
            } else if let Some(last) = &row.last {
                let when = time::short(last.sent_at, now(), &self.zone);
                let who = if last.mine { "you: " } else { "" };
                line += &format!(", {who}{}, {when}", crate::draw::list_words(last));
            }
            for (is, word) in [
                (row.pinned, "pinned"),
                (row.muted, "muted"),
                (row.blocked, "blocked"),
            ] {
                if is {
                    line += &format!(", {word}");
                }
            }
            say(&line)?;
        }
        if rows.is_empty() {
            say(match filter {
                Filter::Requests => "No requests.",
                _ => "No conversations yet. /new ID writes to somebody.",
            })?;
        }
        if filter == Filter::Chats {
            match self.rows(Filter::Requests).await?.len() {
                0 => {}
                1 => say("1 message request: /requests")?,
                n => say(&format!("{n} message requests: /requests"))?,
            }
        }
        Ok(())
    }

    /// Opens a conversation and prints its newest messages.
    async fn open(&mut self, id: AccountId) -> Result<(), TuiError> {
        self.open = Some(id);
        self.oldest = None;
        say(&format!("Conversation with {}.", self.name(id).await))?;
        self.more().await?;
        let is_request = self
            .rows(Filter::Requests)
            .await?
            .iter()
            .any(|row| row.id == id);
        if is_request {
            say("This is a message request: /accept, /decline or /block.")?;
        } else {
            self.mark_read(id).await?;
        }
        Ok(())
    }

    async fn mark_read(&self, conversation: AccountId) -> Result<(), ApiError> {
        let params = MarkReadParams {
            account: self.account,
            conversation,
            up_to: None,
        };
        let _: serde_json::Value = self
            .connection
            .ask("conversations.mark_read", params)
            .await?;
        Ok(())
    }

    /// Prints older messages, the oldest first.
    async fn more(&mut self) -> Result<(), TuiError> {
        let Some(conversation) = self.open else {
            return say("No conversation is open. /open WHO opens one.");
        };
        let params = MessagesParams {
            account: self.account,
            conversation,
            limit: PAGE,
            before: self.oldest,
        };
        let found: Messages = self.connection.ask("messages.list", params).await?;
        let Some(first) = found.messages.first() else {
            return say(if self.oldest.is_some() {
                "No older messages."
            } else {
                "No messages yet."
            });
        };
        self.oldest = Some(first.message_id);
        let other = self.name(conversation).await;
        for message in &found.messages {
            say(&self.message_line(message, &other))?;
        }
        Ok(())
    }

    /// `12:41 Anna: words [12]`
    fn message_line(&self, message: &Message, other: &str) -> String {
        let at = time::short(message.sent_at, now(), &self.zone);
        let who = if message.mine { "You" } else { other };
        let text = harmless(message.text.as_str());
        let mut words = match message.kind {
            ShownKind::Text => text.replace('\n', "\n    "),
            ShownKind::Invitation => format!("invites to a community: {}", one_line(&text)),
            ShownKind::TimerChanged => match time::timer(message.timer) {
                Some(rule) => format!("set a timer: {rule}"),
                None => "turned the timer off".to_owned(),
            },
            ShownKind::RequestAccepted => "accepted the request".to_owned(),
            ShownKind::Screenshot => "took a screenshot".to_owned(),
            ShownKind::MediaSaved => "saved a file".to_owned(),
            ShownKind::Deleted => "deleted a message".to_owned(),
        };
        match message.attachments {
            0 => {}
            1 => words += " (1 file)",
            n => words += &format!(" ({n} files)"),
        }
        let state = if message.mine {
            format!(", {}", one_line(&state_words(&message.state)))
        } else {
            String::new()
        };
        format!("{at} {who}: {words} [{}{state}]", message.message_id)
    }

    /// What the account tells.
    async fn told(&mut self, notification: Notification) -> Result<(), TuiError> {
        match notification {
            Notification::MessageReceived(received) if received.account == self.account => {
                let message = received.message;
                let other = self.name(message.conversation).await;
                if self.open == Some(message.conversation) {
                    say(&self.message_line(&message, &other))?;
                    let is_request = self.rows(Filter::Requests).await?;
                    if !is_request.iter().any(|row| row.id == message.conversation) {
                        self.mark_read(message.conversation).await?;
                    }
                } else if message.unread {
                    say(&format!("New message from {other}. /open {other}"))?;
                }
            }
            Notification::MessageFailed(failed) => {
                let reason = one_line(&failed.reason);
                let number = failed.message_id;
                say(&format!(
                    "Message {number} was not sent: {reason}. /retry {number}"
                ))?;
            }
            Notification::FileFailed(failed) if !failed.again => {
                let what = if failed.upload { "uploaded" } else { "fetched" };
                say(&format!(
                    "A file was not {what}: {}",
                    one_line(&failed.reason)
                ))?;
            }
            Notification::FileDone(done) if !done.upload => {
                let number = done.message_id;
                say(&format!(
                    "A file of message {number} is here. /save {number} PATH"
                ))?;
            }
            Notification::NetworkChanged(changed) => {
                let online = match &changed.network {
                    NetworkState::Connected { .. } => Some(true),
                    NetworkState::Offline { .. } => Some(false),
                    NetworkState::Connecting { .. } => None,
                };
                if online.is_some() && online != self.online {
                    self.online = online;
                    match &changed.network {
                        NetworkState::Offline { advice, .. } => {
                            say(&format!("No network. {}", sentence(&one_line(advice))))?;
                        }
                        _ => say("Connected.")?,
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn network(&self) -> Result<(), TuiError> {
        let account = self.account;
        let params = AccountParams { account };
        let report: session_api::params::NetworkReport =
            self.connection.ask("network.status", params).await?;
        match report.network {
            NetworkState::Connected { guard, .. } => {
                say(&format!("Connected. Guard: {}:{}.", guard.ip, guard.port))
            }
            NetworkState::Connecting { .. } => say("Finding a way through the network."),
            NetworkState::Offline { advice, .. } => {
                say(&format!("No network. {}", sentence(&one_line(&advice))))
            }
        }
    }
}

fn name_of(row: &ConversationItem) -> String {
    match row.kind {
        ConversationKind::NoteToSelf => "Note to Self".to_owned(),
        ConversationKind::Person => shown_name(row.person.name.as_str(), row.id, row.ambiguous),
    }
}

/// Prints a line.
fn say(text: &str) -> Result<(), TuiError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
