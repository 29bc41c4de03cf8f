//! What the state asks of the world, and what the world answers.

use std::path::PathBuf;

use crossterm::event::KeyEvent;
use serde_json::Value;
use session_api::params::{CreateParams, OpenParams, RestoreParams};
use session_api::{ApiError, Notification};
use session_core::view::Filter;
use session_store::MessageId;
use session_types::{AccountId, Timestamp};

/// What is to be done outside.
#[derive(Debug)]
#[non_exhaustive]
pub enum Effect {
    /// A call of the API.
    Call(Call),
    /// A text for the clipboard of the user's terminal.
    Copy(String),
    /// The terminal is to draw attention.
    Bell,
    /// Everything is to be drawn anew.
    Redraw,
    /// The text is to be written on in the user's own editor.
    Editor(String),
    /// A file of a message is to be shown by the system.
    Show(FileOfMessage),
    /// An address of the web is to be shown by the system.
    Browse(String),
    /// A small picture of a file is wanted.
    Picture(FileOfMessage),
    /// Nothing more is to be done.
    Quit,
}

/// One call of the API.
#[derive(Debug)]
pub struct Call {
    pub(crate) method: &'static str,
    pub(crate) params: Params,
    pub(crate) then: Then,
    /// Takes long: others do not wait for it.
    pub(crate) slow: bool,
}

/// Parameters: those with secrets stay in types that are wiped.
#[derive(Debug)]
pub(crate) enum Params {
    Json(Value),
    Create(CreateParams),
    Restore(RestoreParams),
    Open(OpenParams),
}

/// What an answer is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Then {
    /// Which accounts there are.
    Hello,
    /// An account was opened.
    Opened(AccountId),
    /// An account was made or restored.
    Made,
    /// An account was locked.
    Locked,
    /// A list of conversations.
    List(AccountId, Filter),
    /// A conversation.
    Timeline(AccountId, AccountId),
    /// What was begun to be written.
    Draft(AccountId, AccountId),
    /// A draft keeps the files that were chosen.
    Kept(AccountId, AccountId),
    /// A message was queued.
    Sent(AccountId, AccountId),
    /// Something was done, to be told in these words.
    Say(String),
    /// Nothing is to be told unless it failed.
    Quiet,
    /// All about a message.
    Info,
    /// Messages that were found; whether in one conversation.
    Found(String),
    /// What others are told.
    Settings(AccountId),
    /// How the account stands to the network.
    Report(AccountId),
    /// What was found out about the network.
    Diagnosis,
    /// The words that are the account.
    Recovery,
    /// A timeline has grown.
    More(AccountId),
    /// A file was saved; where.
    Saved(String),
    /// A file could be asked for.
    Asked,
}

/// One file of a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileOfMessage {
    pub(crate) account: AccountId,
    pub(crate) message_id: MessageId,
    pub(crate) index: u32,
    /// What it is to be called; safe as the name of a file.
    pub(crate) name: String,
}

/// What happened outside.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input {
    /// A key was pressed.
    Key(KeyEvent),
    /// A text was pasted.
    Paste(String),
    /// The terminal has so many columns and rows.
    Size(u16, u16),
    /// The terminal is looked at, or not.
    Focus(bool),
    /// An account tells something.
    Heard(Box<Notification>),
    /// A call was answered.
    Answer(Then, Result<Value, ApiError>),
    /// It is so late; nothing else.
    Time(Timestamp),
    /// The user's own editor was closed; with a text, if one was written.
    Written(Option<String>),
    /// Something done outside did not work.
    Failed(String),
    /// A small picture is here, or cannot be had.
    Pictured(FileOfMessage, bool),
}

/// How the face begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beginning {
    /// The network of accounts that are made here.
    pub(crate) network: Option<String>,
    /// The account shown first, by the beginning of its id.
    pub(crate) account: Option<String>,
    /// Where files are saved.
    pub(crate) downloads: PathBuf,
    /// The home folder, for `~`.
    pub(crate) home: Option<PathBuf>,
}
